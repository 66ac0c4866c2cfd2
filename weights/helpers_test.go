package weights

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// raw puts a file together from a header as it stands and its data.
func raw(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func openBytes(b []byte) (*Reader, error) {
	return NewReader("test.safetensors", bytes.NewReader(b), int64(len(b)))
}

func mustOpen(t testing.TB, b []byte) *Reader {
	t.Helper()
	r, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustWrite(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is a small network with everything a file can carry: its tensors are
// larger than the buffer, of one element, empty and of rank four.
func sample() *File {
	rng := rand.New(rand.NewPCG(1, 2))
	data := func(n int) []float32 {
		d := make([]float32, n)
		for i := range d {
			d[i] = float32(rng.NormFloat64())
		}
		return d
	}
	special := []float32{float32(math.Inf(1)), float32(math.Inf(-1)), math.Float32frombits(0x7fc01234), float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, math.MaxFloat32}
	return &File{
		Tensors: []Tensor{
			{"features.0.weight", []int{4, 3, 5, 5}, data(300)},
			{"features.0.bias", []int{4}, data(4)},
			{"classifier.weight", []int{300, 401}, data(300 * 401)},
			{"a.scalar", nil, data(1)},
			{"nothing", []int{3, 0, 2}, nil},
			{`odd "name" <é\n>`, []int{6}, special},
		},
		Meta: Meta{
			Network:      "lenet5",
			Variant:      "modern",
			Options:      []byte(`{"pool":"max","activation":"relu","html":"<&>"}`),
			Classes:      2,
			ClassNames:   []string{"T-shirt/top", "Ankle boot ✓"},
			Input:        []int{1, 28, 28},
			Seed:         math.MaxUint64,
			Data:         "fashion-mnist",
			DataChecksum: "sha256:00ff",
			Epoch:        12,
			Metrics:      map[string]float64{"top1_error": 0.1, "loss": 1.0 / 3},
			Recipe:       "paper",
			Command:      "zoo train lenet5 --recipe paper",
			Preprocessing: &Preprocessing{
				Resize: 32, Crop: 28, Mean: []float32{0.286}, Std: []float32{0.353}, Channels: "grey",
			},
			Extra: map[string]string{"format": "pt", "note": "line\nbreak", "zoo.later": "kept"},
		},
	}
}

func sameBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

// onlyFile fails if dir holds anything but name: no temporary file may stay.
func onlyFile(t *testing.T, dir string, name ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if len(have) != len(name) || len(name) == 1 && have[0] != name[0] {
		t.Errorf("folder holds %q, want %q", have, name)
	}
}

func content(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
