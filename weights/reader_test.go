package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestLoadGivesWhatWasSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.safetensors")
	f := sample()
	if err := Save(path, f); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Meta, f.Meta) {
		t.Errorf("metadata\n%+v, want\n%+v", got.Meta, f.Meta)
	}
	if len(got.Tensors) != len(f.Tensors) {
		t.Fatalf("%d tensors, want %d", len(got.Tensors), len(f.Tensors))
	}
	for i, want := range f.Tensors {
		have := got.Tensors[i]
		if have.Name != want.Name || fmt.Sprint(have.Shape) != fmt.Sprint(want.Shape) || !sameBits(have.Data, want.Data) {
			t.Errorf("tensor %d: %q %v differs from %q %v", i, have.Name, have.Shape, want.Name, want.Shape)
		}
	}
	if !bytes.Equal(mustWrite(t, got), mustWrite(t, f)) {
		t.Error("the loaded file writes other bytes")
	}
}

func TestReadTensorConverts(t *testing.T) {
	le := binary.LittleEndian
	u16 := func(v ...uint16) (b []byte) {
		for _, x := range v {
			b = le.AppendUint16(b, x)
		}
		return b
	}
	u64 := func(v ...uint64) (b []byte) {
		for _, x := range v {
			b = le.AppendUint64(b, x)
		}
		return b
	}
	i64 := func(v ...int64) (b []byte) {
		for _, x := range v {
			b = le.AppendUint64(b, uint64(x))
		}
		return b
	}
	f64 := func(v ...float64) (b []byte) {
		for _, x := range v {
			b = le.AppendUint64(b, math.Float64bits(x))
		}
		return b
	}
	inf, nan := math.Inf(1), math.NaN()
	tests := []struct {
		name, dtype string
		data        []byte
		want        []float64
		err         string
	}{
		{"halves exactly", "F16", u16(0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x83ff, 0x0400, 0x8000, 0x7c00, 0xfc00, 0x7e00),
			[]float64{1, -2, 0x5.55p-4, 65504, 0x1p-24, -1023 * 0x1p-24, 0x1p-14, math.Copysign(0, -1), inf, -inf, nan}, ""},
		{"bfloat16 exactly", "BF16", u16(0x3f80, 0xc0a0, 0x0001, 0x7f7f, 0x8000, 0xff80, 0x7fc0),
			[]float64{1, -5, 0x1p-133, 0xffp120, math.Copysign(0, -1), -inf, nan}, ""},
		{"doubles to the nearest float", "F64", f64(1, -0.1, 1e-60, inf, nan, math.MaxFloat32), []float64{1, float64(float32(-0.1)), 0, inf, nan, math.MaxFloat32}, ""},
		{"no double beyond the largest float", "F64", f64(0, 1e39), nil, "F64 value 1e+39 is too large"},
		{"integers that a float holds", "I64", i64(0, -1, 1<<24, 1<<40, math.MinInt64), []float64{0, -1, 1 << 24, 1 << 40, -0x1p63}, ""},
		{"no integer that a float rounds", "I64", i64(1<<24 + 1), nil, "I64 value 16777217 is no exact float32"},
		{"not the largest integer, which rounds up", "I64", i64(math.MaxInt64), nil, "I64 value 9223372036854775807 is no exact float32"},
		{"no type that has no rule", "U64", u64(1), nil, "is U64; F32, F16, BF16, F64 and I64 can be read"},
		{"no bytes", "U8", []byte{1, 2}, nil, "is U8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := len(tt.data) / dtypes[tt.dtype].size
			r := mustOpen(t, raw(fmt.Sprintf(`{"a":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, tt.dtype, n, len(tt.data)), tt.data...))
			dst := make([]float32, n)
			err := r.ReadTensor("a", dst)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range tt.want {
				got := float64(dst[i])
				if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || math.Signbit(got) != math.Signbit(want) && want == 0 {
					t.Errorf("element %d: %g, want %g", i, got, want)
				}
			}
		})
	}
}

// Every half, against its definition in floating-point arithmetic.
func TestHalfToFloatAgreesWithTheDefinition(t *testing.T) {
	for h := range 1 << 16 {
		exp, frac := h>>10&31, float64(h&1023)
		want := math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = math.Ldexp(frac, -24)
		case exp == 31 && frac == 0:
			want = math.Inf(1)
		case exp == 31:
			want = math.NaN()
		}
		if h>>15 == 1 {
			want = -want
		}
		got := float64(halfToFloat(uint16(h)))
		if got != want && !(math.IsNaN(got) && math.IsNaN(want)) || !math.IsNaN(want) && math.Signbit(got) != math.Signbit(want) {
			t.Fatalf("half %#04x is %g, want %g", h, got, want)
		}
	}
}

// Every half comes back, and what lies between two of them goes to the nearer one,
// from the middle to the one that is even.
func TestFloatToHalfRoundsToTheNearest(t *testing.T) {
	const inf = 0x7c00
	check := func(v float64, want uint16) {
		t.Helper()
		for _, sign := range []uint16{0, 0x8000} {
			f := float32(v)
			if sign != 0 {
				f = -f
			}
			if got := floatToHalf(f); got != want|sign {
				t.Fatalf("%g is half %#04x, want %#04x", f, got, want|sign)
			}
		}
	}
	for h := range uint16(inf) {
		low := float64(halfToFloat(h))
		high := 65536.0 // in the place of infinity
		if h+1 < inf {
			high = float64(halfToFloat(h + 1))
		}
		middle := (low + high) / 2 // exact, also as a float32
		check(low, h)
		check(middle, h+h&1)
		check(float64(math.Nextafter32(float32(middle), 0)), h)
		check(float64(math.Nextafter32(float32(middle), 1e9)), h+1)
	}
	check(math.Inf(1), inf)
	check(math.SmallestNonzeroFloat32, 0)
	check(math.MaxFloat32, inf)
	for h := inf + 1; h < 1<<15; h++ {
		if v := halfToFloat(floatToHalf(halfToFloat(uint16(h)))); v == v {
			t.Fatalf("the NaN %#04x becomes %g", h, v)
		}
	}
}

func TestReadTensorRefuses(t *testing.T) {
	r := mustOpen(t, mustWrite(t, sample()))
	for _, tt := range []struct {
		name, tensor string
		length       int
		want         string
	}{
		{"an unknown name and says the nearest", "features.0.wieght", 300, `no tensor "features.0.wieght"; did you mean "features.0.weight"?`},
		{"a slice that is too short", "features.0.weight", 299, "(4×3×5×5) has 300 elements, the slice to read into 299"},
		{"a slice that is too long", "a.scalar", 2, "(scalar) has 1 elements, the slice to read into 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := r.ReadTensor(tt.tensor, make([]float32, tt.length))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestReadIntoFillsWhatLookupGivesAndSkipsTheRest(t *testing.T) {
	f := sample()
	r := mustOpen(t, mustWrite(t, f))
	params := map[string][]float32{
		"classifier.weight": make([]float32, 300*401),
		"a.scalar":          make([]float32, 1),
	}
	var order []string
	if err := r.ReadInto(func(name string, shape []int) []float32 {
		order = append(order, name)
		return params[name]
	}); err != nil {
		t.Fatal(err)
	}
	if !sameBits(params["classifier.weight"], f.Tensors[2].Data) || !sameBits(params["a.scalar"], f.Tensors[3].Data) {
		t.Error("the slices do not hold what was written")
	}
	if !reflect.DeepEqual(order, r.Names()) {
		t.Errorf("looked up %q, want the order of the data %q", order, r.Names())
	}
}

func TestReadIntoChangesNothingIfASliceDoesNotFit(t *testing.T) {
	r := mustOpen(t, mustWrite(t, sample()))
	first := []float32{7, 7, 7, 7}
	err := r.ReadInto(func(name string, shape []int) []float32 {
		switch name {
		case "features.0.bias":
			return first
		case "a.scalar":
			return make([]float32, 3)
		}
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), `"a.scalar"`) {
		t.Fatalf("error %v does not name the tensor", err)
	}
	if !sameBits(first, []float32{7, 7, 7, 7}) {
		t.Errorf("a slice was changed: %v", first)
	}
}

func TestReadAllRefusesATypeBeforeItReads(t *testing.T) {
	r := mustOpen(t, raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}`, make([]byte, 5)...))
	if f, err := r.ReadAll(); err == nil || f != nil || !strings.Contains(err.Error(), `tensor "b" is U8`) {
		t.Errorf("file %v, error %v", f, err)
	}
}

func TestReadTensorSaysThatTheFileShrank(t *testing.T) {
	whole := mustWrite(t, sample())
	r, err := NewReader("test.safetensors", bytes.NewReader(whole[:len(whole)-1]), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	err = r.ReadTensor(`odd "name" <é\n>`, make([]float32, 6))
	if want := fmt.Sprintf("the file ends at byte %d", len(whole)-1); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestOpenRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{"a missing file": filepath.Join(dir, "missing"), "a folder": dir} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v does not name %s", err, path)
			}
		})
	}
}

func TestReaderServesManyGoroutines(t *testing.T) {
	f := sample()
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := os.WriteFile(path, mustWrite(t, f), 0o666); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, want := range f.Tensors {
				dst := make([]float32, len(want.Data))
				if err := r.ReadTensor(want.Name, dst); err != nil || !sameBits(dst, want.Data) {
					t.Errorf("tensor %q: error %v", want.Name, err)
				}
			}
		})
	}
	wg.Wait()
}

// A file that claims much and holds little must cost little: the terabyte of a
// sparse source is read by its header alone.
func TestOpenAllocatesNothingForTheData(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("no shape of a terabyte")
	}
	header := raw(`{"a":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := NewReader("sparse", sparse(header), int64(len(header))+1<<40)
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("opening allocated %d bytes", got)
	}
	if shape, ok := r.Shape("a"); !ok || fmt.Sprint(shape) != "[274877906944]" {
		t.Errorf("shape %v", shape)
	}
	if err := r.ReadTensor("a", make([]float32, 8)); err == nil {
		t.Error("read a terabyte into eight floats")
	}
}

// sparse is a source that is zero after its first bytes.
type sparse []byte

func (s sparse) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(s)) {
		copy(p, s[off:])
	}
	return len(p), nil
}

var _ io.ReaderAt = sparse(nil)
