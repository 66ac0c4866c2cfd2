package onnx

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	dense "gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// suite is where Debian's libonnx-testdata keeps the models with which the ONNX project tests backends.
const suite = "/usr/share/libonnx-testdata/data"

// listed are the operators that a network of the kinds in the zoo is exported with.
var listed = strings.Fields(`Conv Relu MaxPool AveragePool GlobalAveragePool GlobalMaxPool Gemm MatMul
	BatchNormalization LRN Concat Add Sub Mul Div Sum Softmax LogSoftmax Reshape Flatten Dropout Clip Sigmoid
	HardSigmoid HardSwish LeakyRelu PRelu Tanh Transpose Pad Identity Constant ConstantOfShape Unsqueeze Squeeze
	ReduceMean Slice Split Shape Gather Cast Upsample Resize Erf Pow Sqrt LayerNormalization`)

// beyond are the models of the suite that do not pass, and why.
var beyond = map[string]string{
	// The places of maxima are whole numbers that depend on the image.
	"test_maxpool_with_argmax_2d_precomputed_pads":    "the places of the maxima",
	"test_maxpool_with_argmax_2d_precomputed_strides": "the places of the maxima",
	// The suite divides by a size that was not rounded; ONNX Runtime and PyTorch divide by the size itself.
	"test_resize_downsample_scales_cubic_align_corners":  "is 2.5 at 1, want 2.39",
	"test_resize_downsample_scales_linear_align_corners": "is 4 at 1, want 3.14",
	// Values without elements.
	"test_reshape_allowzero_reordered": "the shape is 0×3×4",
	"test_slice_start_out_of_bounds":   "the shape 20×0×5, no elements",
	"test_split_zero_size_splits":      "the shape is 0",
}

func readPB(t *testing.T, path string) *tensor {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := readTensor(&stream{&source{Reader: bufio.NewReader(bytes.NewReader(data))}, int64(len(data))}, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every model of the suite that consists of the listed operators, with float32 and int64 going in and
// out, gives the suite's results. Tensors of whole numbers are fixed; those of float32 are inputs.
func TestTheSuiteOfONNXPasses(t *testing.T) {
	models, _ := filepath.Glob(suite + "/*/*/model.onnx")
	if len(models) == 0 {
		t.Skipf("libonnx-testdata is not installed: %s has no models", suite)
	}
	passed, all, more, moreAll := 0, 0, 0, 0
	for _, path := range models {
		name := strings.TrimPrefix(filepath.Dir(path), suite+"/")
		m, err := Load(path)
		if err != nil {
			continue // of other element types, or with operators on sequences
		}
		if !taken(m, func(op string) bool { return operators[op].build != nil }) {
			continue
		}
		of, by := &all, &passed
		if !taken(m, func(op string) bool { return slices.Contains(listed, op) }) {
			of, by = &moreAll, &more
		}
		*of++
		err = runSuite(t, m, filepath.Dir(path))
		reason, expected := beyond[filepath.Base(name)]
		switch {
		case err == nil:
			*by++
			if expected {
				t.Errorf("%s passes though it is said not to: %s", name, reason)
			}
		case !expected && strings.Contains(err.Error(), "known for constants alone"): // Mod
			moreAll--
		case !expected:
			t.Errorf("%s: %v", name, err)
		case !strings.Contains(err.Error(), reason):
			t.Errorf("%s: error %v does not say %q", name, err, reason)
		}
	}
	t.Logf("%d of %d models pass; with more operators, %d of %d", passed, all, more, moreAll)
	if passed < 315 || more < 180 {
		t.Errorf("%d and %d models pass, at least 315 and 180 should", passed, more)
	}
}

func taken(m *Model, known func(op string) bool) bool {
	for _, n := range m.nodes {
		if !standard(n.domain) || !known(n.op) {
			return false
		}
	}
	for _, v := range slices.Concat(m.Inputs, m.Outputs) {
		if v.Type != "float32" && v.Type != "int64" {
			return false
		}
	}
	return true
}

func runSuite(t *testing.T, m *Model, dir string) error {
	sets, _ := filepath.Glob(filepath.Join(dir, "test_data_set_*"))
	if len(sets) == 0 {
		return fmt.Errorf("no data")
	}
	for _, set := range sets {
		b := graph.NewBuilder(graph.NewParams(), graph.Eval)
		var inputs []*gorgonia.Node
		var values [][]float32
		for i, v := range m.Inputs {
			x := readPB(t, filepath.Join(set, fmt.Sprintf("input_%d.pb", i)))
			if !isFloat(x.typ) {
				if err := m.Fix(v.Name, x.shape, x.ints); err != nil {
					return err
				}
				continue
			}
			if len(x.shape) == 0 || m.sizes(v.Name) { // a graph has no inputs without a shape
				if err := m.Fix(v.Name, x.shape, x.floats); err != nil {
					return err
				}
				continue
			}
			inputs, values = append(inputs, b.Input(fmt.Sprint("input ", i), x.shape...)), append(values, x.floats)
		}
		outputs, err := m.Build(b, inputs...)
		if err != nil {
			return err
		}
		b.Params().Init(1)
		var computed []*gorgonia.Node
		for _, y := range outputs {
			if y.Value() == nil {
				computed = append(computed, y)
			}
		}
		var s *graph.Session
		if len(computed) > 0 {
			if s, err = graph.Compile(b, computed, graph.Config{}); err != nil {
				return err
			}
			for i, x := range inputs {
				if err := s.Bind(x, values[i]); err != nil && !strings.Contains(err.Error(), "not an input of this session") {
					return err
				}
			}
			if err := s.Run(); err != nil {
				return err
			}
		}
		for i, y := range outputs {
			want := readPB(t, filepath.Join(set, fmt.Sprintf("output_%d.pb", i)))
			if !y.Shape().Eq(dense.Shape(want.shape)) && (y.Shape().TotalSize() != 1 || product(want.shape) != 1) {
				return fmt.Errorf("output %d has the shape %v, want %v", i, y.Shape(), want.shape)
			}
			if err := agrees(s, y, want); err != nil {
				return fmt.Errorf("output %d %w", i, err)
			}
		}
	}
	return nil
}

// sizes reports whether an input says how far a value is resized.
func (m *Model) sizes(input string) bool {
	for _, n := range m.nodes {
		if (n.op == "Resize" || n.op == "Upsample") && slices.Index(n.in, input) > 0 {
			return true
		}
	}
	return false
}

func agrees(s *graph.Session, y *gorgonia.Node, want *tensor) error {
	for i := range want.size() {
		got := 0.0
		if v := y.Value(); v == nil {
			got = float64(s.Value(y)[i])
		} else if d, ok := v.Data().([]int64); ok {
			got = float64(d[i])
		} else if d, ok := v.Data().([]float32); ok {
			got = float64(d[i])
		} else if d, ok := v.Data().(float32); ok {
			got = float64(d)
		} else if d, ok := v.Data().(int64); ok {
			got = float64(d)
		}
		if math.IsNaN(got) && math.IsNaN(want.number(i)) {
			continue
		}
		if d := math.Abs(got - want.number(i)); !(d <= 1e-4+1e-3*math.Abs(want.number(i))) {
			return fmt.Errorf("is %g at %d, want %g", got, i, want.number(i))
		}
	}
	return nil
}

// Rounding to 16 bits is to the nearest, of two as near to the even one, and reads back.
func TestHalves(t *testing.T) {
	for v, want := range map[float32]uint16{
		0: 0, 1: 0x3c00, -2: 0xc000, 65504: 0x7bff, 65519: 0x7bff, 1.0 / 3: 0x3555, 2048.9: 0x6800, 2051: 0x6802, 2049: 0x6800,
		1.0 / (1 << 14): 0x0400, 1.0 / (1 << 24): 1, 1.4 / (1 << 24): 1, 0.5 / (1 << 24): 0, 1.5 / (1 << 24): 2,
		float32(math.Inf(-1)): 0xfc00, 1.99999: 0x4000,
	} {
		raw, err := halves([]float32{v})
		if got := uint16(raw[0]) | uint16(raw[1])<<8; err != nil || got != want {
			t.Errorf("%g becomes %#04x, want %#04x", v, got, want)
		}
	}
	for bits := range 1 << 16 {
		v := half(typeFloat16, uint16(bits))
		if v != v {
			continue
		}
		if raw, err := halves([]float32{v}); err != nil || uint16(raw[0])|uint16(raw[1])<<8 != uint16(bits) {
			t.Fatalf("%#04x is %g and comes back as %x", bits, v, raw)
		}
	}
	if _, err := halves([]float32{65520}); err == nil {
		t.Error("65520 is written")
	}
}
