package weights

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// Weights that are no numbers are refused, by the tensor's name; infinities of an ONNX model are its masks.
func TestNetworksAreReadWithFiniteWeightsAlone(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		data  []float32
		wrong string // in the error, which there is none without
		onnx  string // of the same in an ONNX model
	}{
		{[]float32{1, -math.MaxFloat32, 0, math.SmallestNonzeroFloat32}, "", ""},
		{[]float32{1, nan, 2, -nan}, "2 of its 4 values are NaN", "2 of its 4 values are NaN"},
		{[]float32{1, 2, -inf, 3}, "1 of its 4 values are infinite", ""},
		{[]float32{inf, nan, -inf, inf}, "1 of its 4 values are NaN", "1 of its 4 values are NaN"},
		{[]float32{math.Float32frombits(0xff800001), 0, 0, 0}, "1 of its 4 values are NaN", "1 of its 4 values are NaN"},
	} {
		f := &File{Tensors: []Tensor{{"fine", []int{1}, []float32{7}}, {"fc.weight", []int{2, 2}, c.data}}}
		var b bytes.Buffer
		if err := Write(&b, f); err != nil {
			t.Fatal(err)
		}
		ours, err := NewReader("w.safetensors", bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		model, err := FromFile("m.onnx", FormatONNX, f)
		if err != nil {
			t.Fatal(err)
		}
		for r, want := range map[*Reader]string{ours: c.wrong, model: c.onnx} {
			if want != "" {
				want = r.Name() + `: tensor "fc.weight": ` + want
			}
			got := make([]float32, 4)
			err := r.ReadNetwork(func(name string, _ []int) []float32 {
				if name == "fc.weight" {
					return got
				}
				return nil
			})
			whole, failed := r.ReadAll()
			if failed != nil {
				t.Fatalf("ReadAll: %v", failed)
			}
			for what, err := range map[string]error{"ReadNetwork": err, "Finite": r.Finite(whole)} {
				if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
					t.Errorf("%s of %v in %s: %v, want %q", what, c.data, r.Format(), err, want)
				}
			}
			if got[3] != c.data[3] && c.data[3] == c.data[3] {
				t.Errorf("%v was read as %v", c.data, got)
			}
			// What is not wanted need not be finite.
			if err := r.ReadNetwork(func(string, []int) []float32 { return nil }); err != nil {
				t.Error(err)
			}
		}
	}
}
