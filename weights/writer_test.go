package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// The bytes are those of the reference implementation's own tests.
func TestWriteGivesTheBytesOfTheReference(t *testing.T) {
	six := []float32{0, 1, 2, 3, 4, 5}
	data := []byte{0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64}
	for _, tt := range []struct {
		name string
		file File
		want []byte
	}{
		{"for nothing", File{}, raw(`{}      `)},
		{"for metadata alone", File{Meta: Meta{Extra: map[string]string{"framework": "pt"}}}, raw(`{"__metadata__":{"framework":"pt"}}     `)},
		{"for a header that needs no padding", File{Tensors: []Tensor{{"attn.0", []int{1, 2, 3}, six}}},
			raw(`{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}`, data...)},
		{"for a header that needs padding", File{Tensors: []Tensor{{"attn0", []int{1, 1, 2, 3}, six}}},
			raw(`{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       `, data...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			header, err := encodeHeader(&tt.file, dtypes["F32"], nil) // without our checksums
			if err == nil {
				got.Write(header)
				err = writeTensors(&got, &tt.file, dtypes["F32"])
			}
			if err != nil || !bytes.Equal(got.Bytes(), tt.want) {
				t.Errorf("wrote\n%q, error %v, want\n%q", got.Bytes(), err, tt.want)
			}
		})
	}
}

func TestWriteIsDeterministicAndAligned(t *testing.T) {
	first := mustWrite(t, sample())
	for range 20 { // map order would show
		if !bytes.Equal(mustWrite(t, sample()), first) {
			t.Fatal("equal files are different bytes")
		}
	}
	if n := binary.LittleEndian.Uint64(first); n%8 != 0 || first[8] != '{' {
		t.Errorf("header of %d bytes starts with %q", n, first[8])
	}
}

func TestWriteRefuses(t *testing.T) {
	one := []float32{1}
	ok := Tensor{"a", []int{1}, one}
	for _, tt := range []struct {
		name string
		file File
		want string
	}{
		{"a shape that contradicts the data", File{Tensors: []Tensor{{"a", []int{2, 3}, one}}}, `tensor "a": shape 2×3 has 6 elements, the data 1`},
		{"a scalar without value", File{Tensors: []Tensor{{"a", nil, nil}}}, `shape scalar has 1 elements, the data 0`},
		{"a negative dimension", File{Tensors: []Tensor{{"a", []int{-1, -1}, one}}}, "negative dimension"},
		{"a shape that overflows", File{Tensors: []Tensor{{"a", []int{math.MaxInt, 4}, one}}}, "more elements than can be addressed"},
		{"a name that comes twice", File{Tensors: []Tensor{ok, ok}}, `tensor "a" is there twice`},
		{"an empty name", File{Tensors: []Tensor{{"", []int{1}, one}}}, "cannot be a tensor's name"},
		{"the name of the metadata", File{Tensors: []Tensor{{"__metadata__", []int{1}, one}}}, "cannot be a tensor's name"},
		{"a name that is not UTF-8", File{Tensors: []Tensor{{"\xff", []int{1}, one}}}, "cannot be a tensor's name"},
		{"options that are no JSON", File{Meta: Meta{Options: []byte("{")}}, "options are no JSON"},
		{"more names than classes", File{Meta: Meta{Classes: 1, ClassNames: []string{"a", "b"}}}, "1 classes with 2 class names"},
		{"a class name that is not UTF-8", File{Meta: Meta{Classes: 1, ClassNames: []string{"\xff"}}}, "not valid UTF-8"},
		{"an input that is no image", File{Meta: Meta{Input: []int{28, 28}}}, "input 28×28 is no C×H×W"},
		{"a metric that is no number", File{Meta: Meta{Metrics: map[string]float64{"loss": math.NaN()}}}, `metric "loss" is NaN`},
		{"an extra key that is ours", File{Meta: Meta{Extra: map[string]string{"zoo.seed": "1"}}}, `extra key "zoo.seed" is one of the named fields`},
		{"an extra value that is not UTF-8", File{Meta: Meta{Extra: map[string]string{"k": "\xff"}}}, `metadata "k" is not valid UTF-8`},
		{"a negative epoch", File{Meta: Meta{Epoch: -1}}, "epoch -1 is negative"},
		{"preprocessing without channel order", File{Meta: Meta{Preprocessing: &Preprocessing{}}}, `channel order "" is none of`},
		{"grey images for three channels", File{Meta: Meta{Input: []int{3, 8, 8}, Preprocessing: &Preprocessing{Channels: "grey"}}}, `"grey" with an input of 3 channels`},
		{"two means for three channels", File{Meta: Meta{Preprocessing: &Preprocessing{Channels: "rgb", Mean: []float32{1, 2}}}}, "mean has 2 values for 3 channels"},
		{"an infinite mean", File{Meta: Meta{Preprocessing: &Preprocessing{Channels: "grey", Mean: []float32{float32(math.Inf(1))}}}}, "mean holds +Inf"},
		{"a negative crop", File{Meta: Meta{Preprocessing: &Preprocessing{Channels: "rgb", Crop: -1}}}, "crop -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Write(&b, &tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if b.Len() > 0 {
				t.Errorf("wrote %d bytes all the same", b.Len())
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "net.safetensors")
			if err := Save(path, &tt.file); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("Save: error %v does not name %s", err, path)
			}
			onlyFile(t, dir)
		})
	}
}

func TestHalvesAreReadAsTheFloatsNearestToThem(t *testing.T) {
	f := sample()
	f.Tensors = f.Tensors[:5] // the last one holds numbers beyond a half
	path := filepath.Join(t.TempDir(), "half.safetensors")
	if err := SaveHalf(path, f); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Meta, f.Meta) {
		t.Errorf("metadata %+v, want %+v", got.Meta, f.Meta)
	}
	for i, w := range f.Tensors {
		g := got.Tensors[i]
		if g.Name != w.Name || len(g.Data) != len(w.Data) {
			t.Fatalf("tensor %s of %d elements, want %s of %d", g.Name, len(g.Data), w.Name, len(w.Data))
		}
		for k, v := range w.Data {
			if off := math.Abs(float64(g.Data[k] - v)); off > math.Abs(float64(v))/2048+0x1p-25 {
				t.Fatalf("%s[%d] is %g, want %g", w.Name, k, g.Data[k], v)
			}
		}
	}
	var again, bytesOf bytes.Buffer
	if err := errors.Join(WriteHalf(&again, got), WriteHalf(&bytesOf, f)); err != nil || !bytes.Equal(again.Bytes(), bytesOf.Bytes()) {
		t.Errorf("what was read is written in other bytes (%v)", err)
	}
	full, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if whole := len(mustWrite(t, f)); full.Size() > int64(whole)*11/20 {
		t.Errorf("%d bytes, of F32 %d", full.Size(), whole)
	}
}

func TestAValueThatNoHalfHoldsIsNamed(t *testing.T) {
	for v, ok := range map[float32]bool{65519.996: true, -65519.996: true, 65520: false, -65520: false, float32(math.Inf(1)): true} {
		f := &File{Tensors: []Tensor{{"a", []int{1}, []float32{1}}, {"bn.running_var", []int{2}, []float32{1, v}}}}
		path := filepath.Join(t.TempDir(), "half.safetensors")
		err := SaveHalf(path, f)
		if ok != (err == nil) {
			t.Errorf("%g: error %v", v, err)
		}
		if err == nil {
			continue
		}
		if want := fmt.Sprintf(`%s: tensor "bn.running_var": element 1 is %g: should be from -65504 to 65504 for F16`, path, v); err.Error() != want {
			t.Errorf("error %q, want %q", err, want)
		}
		onlyFile(t, filepath.Dir(path))
	}
}

// A writer that fails after any number of bytes must fail the whole: nothing
// may take half a file for a file.
func TestWriteReportsAFailingWriter(t *testing.T) {
	full := errors.New("disk full")
	whole := len(mustWrite(t, sample()))
	for room := 0; room < whole; room += 4999 {
		if err := Write(&smallDisk{room, full}, sample()); !errors.Is(err, full) {
			t.Errorf("room for %d bytes: error %v", room, err)
		}
	}
}

type smallDisk struct {
	room int
	err  error
}

func (d *smallDisk) Write(p []byte) (int, error) {
	n := min(d.room, len(p))
	d.room -= n
	if n < len(p) {
		return n, d.err
	}
	return n, nil
}

func TestForeignMetadataReadsAsExtra(t *testing.T) {
	r := mustOpen(t, raw(`{"__metadata__":{"format":"pt","epoch":"last","network":"theirs"}}`))
	m := r.Meta()
	if m.Network != "" || m.Epoch != 0 || len(m.Extra) != 3 || m.Extra["epoch"] != "last" {
		t.Errorf("metadata %+v", m)
	}
	bare := mustOpen(t, raw(`{}`)).Meta()
	if bare.Extra != nil || bare.Preprocessing != nil {
		t.Errorf("metadata from nothing: %+v", bare)
	}
}

// The documented keys are a promise to other programs.
func TestMetadataKeysAreAsDocumented(t *testing.T) {
	got := string(mustWrite(t, &File{Meta: sample().Meta})[8:])
	want := `{"__metadata__":{"zoo.network":"lenet5","zoo.variant":"modern",` +
		`"zoo.options":"{\"pool\":\"max\",\"activation\":\"relu\",\"html\":\"\u003c\u0026\u003e\"}",` +
		`"zoo.classes":"2","zoo.class_names":"[\"T-shirt/top\",\"Ankle boot ✓\"]","zoo.input":"[1,28,28]",` +
		`"zoo.preprocessing":"{\"resize\":32,\"crop\":28,\"mean\":[0.286],\"std\":[0.353],\"channels\":\"grey\"}",` +
		`"zoo.seed":"18446744073709551615","zoo.data":"fashion-mnist","zoo.data_checksum":"sha256:00ff","zoo.epoch":"12",` +
		`"zoo.metrics":"{\"loss\":0.3333333333333333,\"top1_error\":0.1}","zoo.recipe":"paper","zoo.command":"zoo train lenet5 --recipe paper",` +
		`"format":"pt","note":"line\nbreak","zoo.later":"kept"}}`
	// What the checksums are is checksum_test.go's.
	got, sums, _ := strings.Cut(strings.TrimRight(got, " "), `,"zoo.sha256":"`)
	if got+"}}" != want || len(sums) != 64+len(`","zoo.header_sha256":"`)+64+len(`"}}`) {
		t.Errorf("header\n%s\nwant\n%s", got, want)
	}
}

func TestSaveKeepsTheOldFileWhenTheNewOneIsNoFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "net.safetensors")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Save(path, &File{Tensors: []Tensor{{Name: "a"}}}); err == nil {
		t.Fatal("saved a tensor without data")
	}
	if got := content(t, path); got != "old" {
		t.Errorf("file holds %q", got)
	}
	onlyFile(t, dir, "net.safetensors")
}
