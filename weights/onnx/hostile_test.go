package onnx

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A sketch is a model in the making.
type sketch struct {
	nodes, tensors []*message
	input          []int64 // -1 for a free side
	other          []int64 // the shape of a second input, "z"; nil for none
	opset          int64
}

func (s sketch) bytes() []byte {
	g := &message{}
	for _, n := range s.nodes {
		g.message(1, n)
	}
	for _, t := range s.tensors {
		g.message(5, t)
	}
	for i, shape := range [][]int64{s.input, s.other} {
		if i == 0 || shape != nil {
			g.message(11, Value{Name: []string{"x", "z"}[i], Shape: clampInts(shape), Sides: slices.Repeat([]string{"free"}, len(shape))}.message())
		}
	}
	g.message(12, Value{Name: "y"}.message())
	m, set := &message{}, &message{}
	m.message(7, g)
	if s.opset == 0 {
		s.opset = 13
	}
	set.int(2, s.opset)
	m.message(8, set)
	var b bytes.Buffer
	if err := m.writeTo(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func use(op string, in []string, out string, attrs ...*message) *message {
	x := &exporter{}
	x.node(op+" of y", op, in, out, attrs...)
	return x.nodes[0]
}

func longs(name string, list ...int) *message {
	x := &exporter{stored: map[string]bool{}}
	x.ints(name, list...)
	return x.tensors[0]
}

func floats(name string, shape []int, data ...float32) *message {
	x := &exporter{stored: map[string]bool{}}
	x.constant(name, shape, data)
	return x.tensors[0]
}

func lying(name string, dims ...int64) *message {
	t := &message{}
	for _, d := range dims {
		t.int(1, d)
	}
	t.int(2, typeFloat)
	t.text(8, name)
	t.floats(9, []float32{1, 2, 3, 4})
	return t
}

// hostile are files that claim, ask for or lead to more than there is, and what is said of each.
var hostile = []struct {
	name, want string
	sketch     sketch
}{
	{"a billion constants", "more than", sketch{input: []int64{1, 3}, tensors: []*message{longs("s", 1<<15, 1<<15)}, nodes: []*message{
		use("ConstantOfShape", []string{"s"}, "c"), use("ReduceMean", []string{"c"}, "m"), use("Add", []string{"x", "m"}, "y")}}},
	{"constants without an end", "side", sketch{input: []int64{1, 3}, tensors: []*message{longs("s", math.MaxInt, 2)}, nodes: []*message{use("ConstantOfShape", []string{"s"}, "y")}}},
	{"a product beyond 64 bits", "elements", sketch{input: []int64{1, 3}, tensors: []*message{longs("s", 1<<30, 1<<30, 1<<30, 1<<30, 16)}, nodes: []*message{use("ConstantOfShape", []string{"s"}, "y")}}},
	{"a tensor that is said to be larger than it is", "16 bytes for the shape", sketch{input: []int64{1, 3}, tensors: []*message{lying("w", 1000, 1000)}, nodes: []*message{use("Add", []string{"x", "w"}, "y")}}},
	{"a negative dimension", "dimension 0 is -1", sketch{input: []int64{1, 3}, tensors: []*message{lying("w", -1, -4)}, nodes: []*message{use("Add", []string{"x", "w"}, "y")}}},
	{"a cycle", "depends on what it gives itself", sketch{input: []int64{1, 3}, nodes: []*message{use("Add", []string{"x", "b"}, "a"), use("Relu", []string{"a"}, "b"), use("Relu", []string{"b"}, "y")}}},
	{"a node that reads itself", "depends on what it gives itself", sketch{input: []int64{1, 3}, nodes: []*message{use("Relu", []string{"y"}, "y")}}},
	{"a value of nobody", `reads "z", which nothing gives`, sketch{input: []int64{1, 3}, nodes: []*message{use("Relu", []string{"z"}, "y")}}},
	{"an output of nobody", `nothing gives the output "y"`, sketch{input: []int64{1, 3}, nodes: []*message{use("Relu", []string{"x"}, "z")}}},
	{"a value that is made twice", "made twice", sketch{input: []int64{1, 3}, nodes: []*message{use("Relu", []string{"x"}, "y"), use("Tanh", []string{"x"}, "y")}}},
	{"two tensors of one name", "two tensors", sketch{input: []int64{1, 3}, tensors: []*message{longs("s", 1), longs("s", 2)}, nodes: []*message{use("Relu", []string{"x"}, "y")}}},
	{"endless padding", "more than", sketch{input: []int64{1, 1, 2, 2}, tensors: []*message{longs("p", 0, 0, 1<<30, 0, 0, 0, 0, 0)}, nodes: []*message{use("Pad", []string{"x", "p"}, "y")}}},
	{"padding that takes all away", "no elements", sketch{input: []int64{1, 1, 2, 2}, tensors: []*message{longs("p", 0, 0, -1, 0, 0, 0, -1, 0)}, nodes: []*message{use("Pad", []string{"x", "p"}, "y")}}},
	{"reflection beyond the edge", "goes beyond a side of 2", sketch{input: []int64{1, 1, 2, 2}, tensors: []*message{longs("p", 0, 0, 9, 0, 0, 0, 0, 0)}, nodes: []*message{use("Pad", []string{"x", "p"}, "y", textAttr("mode", "reflect"))}}},
	{"endless tiles", "more than", sketch{input: []int64{1, 3}, tensors: []*message{longs("t", 1<<20, 1<<20)}, nodes: []*message{use("Tile", []string{"x", "t"}, "y")}}},
	{"endless stretching", "elements", sketch{input: []int64{1, 3}, tensors: []*message{longs("t", 1<<30, 1<<30, 3)}, nodes: []*message{use("Expand", []string{"x", "t"}, "y")}}},
	{"an endless image", "scaled by", sketch{input: []int64{1, 1, 2, 2}, tensors: []*message{floats("s", []int{4}, 1, 1, 1e30, 1)}, nodes: []*message{use("Resize", []string{"x", "", "s"}, "y")}}},
	{"an image scaled by nothing", "scaled by", sketch{input: []int64{1, 1, 2, 2}, tensors: []*message{floats("s", []int{4}, 1, 1, float32(math.NaN()), 1)}, nodes: []*message{use("Resize", []string{"x", "", "s"}, "y")}}},
	{"an endless range", "from 0 to 1.099511627776e+12 by 1", sketch{input: []int64{1, 3}, tensors: []*message{longs("a", 0), longs("b", 1<<40), longs("c", 1)}, nodes: []*message{use("Range", []string{"a", "b", "c"}, "y")}}},
	{"a slice without a step", "a step is 0", sketch{input: []int64{1, 3}, tensors: []*message{longs("a", 0), longs("b", 1), longs("d", 1), longs("s", 0)}, nodes: []*message{use("Slice", []string{"x", "a", "b", "d", "s"}, "y")}}},
	{"a place that is not there", "place 7 of a side of 3", sketch{input: []int64{1, 3}, tensors: []*message{longs("i", 7)}, nodes: []*message{use("Gather", []string{"x", "i"}, "y", intAttr("axis", 1))}}},
	{"an axis that is not there", "axis 5 of 2", sketch{input: []int64{1, 3}, nodes: []*message{use("Concat", []string{"x", "x"}, "y", intAttr("axis", 5))}}},
	{"division of whole numbers by zero", "division by zero", sketch{input: []int64{1, 3}, tensors: []*message{longs("a", 1), longs("b", 0)}, nodes: []*message{use("Div", []string{"a", "b"}, "y")}}},
	{"a convolution with groups that do not fit", "in 2 groups", sketch{input: []int64{1, 3, 4, 4}, tensors: []*message{floats("w", []int{1, 1, 1, 1}, 1)}, nodes: []*message{use("Conv", []string{"x", "w"}, "y", intAttr("group", 2))}}},
	{"a window of millions", "kernel_shape", sketch{input: []int64{1, 3, 4, 4}, nodes: []*message{use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1<<30, 1<<30))}}},
	{"padding of millions", "pads", sketch{input: []int64{1, 3, 4, 4}, nodes: []*message{use("AveragePool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 1), intsAttr("pads", 1<<30, 0, 0, 0))}}},
	{"strides of nothing", "at least 1", sketch{input: []int64{1, 3, 4, 4}, nodes: []*message{use("MaxPool", []string{"x"}, "y", intsAttr("kernel_shape", 1, 1), intsAttr("strides", 0, 0))}}},
	{"an attribute of another type", "attribute axis is of type", sketch{input: []int64{1, 3}, nodes: []*message{use("Softmax", []string{"x"}, "y", floatAttr("axis", 1))}}},
	{"an attribute that nobody knows", "Relu with turbo", sketch{input: []int64{1, 3}, nodes: []*message{use("Relu", []string{"x"}, "y", intAttr("turbo", 1))}}},
	{"operators that nobody knows", "Einsum (node Einsum of y and 1 more), NonZero (node NonZero of y)", sketch{input: []int64{1, 3}, nodes: []*message{
		use("Einsum", []string{"x"}, "a"), use("Einsum", []string{"a"}, "b"), use("NonZero", []string{"b"}, "y")}}},
	{"a quantised model", "does not know: DynamicQuantizeLinear (node DynamicQuantizeLinear of y), ConvInteger (node ConvInteger of y); the model is quantised", sketch{input: []int64{1, 3}, nodes: []*message{
		use("DynamicQuantizeLinear", []string{"x"}, "q"), use("ConvInteger", []string{"q", "q"}, "y")}}},
	{"an input too few", "at least 2 are needed", sketch{input: []int64{1, 3}, nodes: []*message{use("Add", []string{"x"}, "y")}}},
	{"a shape that is computed", "has to be known when the graph is built", sketch{input: []int64{1, 3}, nodes: []*message{use("Expand", []string{"x", "x"}, "y")}}},
}

func textAttr(name, v string) *message {
	a := &message{}
	a.text(1, name)
	a.text(4, v)
	a.int(20, attrString)
	return a
}

func TestHostileModelsAreOneErrorLine(t *testing.T) {
	for _, tt := range hostile {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Read(bytes.NewReader(tt.sketch.bytes()))
			if err == nil {
				err = buildFor(m)
			}
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q in one line", err, tt.want)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}

// buildFor builds a model over inputs of the sides that it states, two where it leaves them free.
func buildFor(m *Model) error {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	var inputs []*gorgonia.Node
	for i, v := range m.Inputs {
		shape := []int{}
		for _, d := range v.Shape {
			if d < 1 {
				d = 2
			}
			shape = append(shape, min(d, 64))
		}
		if len(shape) == 0 {
			shape = []int{2}
		}
		inputs = append(inputs, b.Input(strings.Repeat("i", i+1)+"nput", shape...))
	}
	_, err := m.Build(b, inputs...)
	return err
}

// Data in other files are found beside the model and nowhere else.
func TestExternalData(t *testing.T) {
	outside := func(location, offset, length string) []byte {
		w := &message{}
		w.int(1, 2)
		w.int(2, typeFloat)
		w.text(8, "w")
		for _, kv := range [][2]string{{"location", location}, {"offset", offset}, {"length", length}} {
			if kv[1] != "" {
				e := &message{}
				e.text(1, kv[0])
				e.text(2, kv[1])
				w.message(13, e)
			}
		}
		w.int(14, 1)
		return sketch{input: []int64{1, 2}, tensors: []*message{w}, nodes: []*message{use("Add", []string{"x", "w"}, "y")}}.bytes()
	}
	raw := make([]byte, 24)
	for i, v := range []float32{9, 1.5, -2.5, 9, 9, 9} {
		bits := math.Float32bits(v)
		raw[4*i], raw[4*i+1], raw[4*i+2], raw[4*i+3] = byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24)
	}
	for _, tt := range []struct{ name, location, offset, length, want string }{
		{"beside the model", "weights.bin", "4", "8", ""},
		{"without a length", "weights.bin", "4", "", ""},
		{"in a folder below", "below/weights.bin", "4", "8", ""},
		{"above the model's folder", "../weights.bin", "4", "8", "no path within the model's folder"},
		{"at an absolute path", "/etc/passwd", "0", "8", "no path within the model's folder"},
		{"beyond the end", "weights.bin", "20", "8", "which has 24"},
		{"of another length", "weights.bin", "0", "16", "needs 8"},
		{"at a negative place", "weights.bin", "-4", "8", `the offset "-4"`},
		{"in a file that is not there", "other.bin", "0", "8", "other.bin"},
		{"in a folder", "below", "0", "8", "regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			model := outside(tt.location, tt.offset, tt.length)
			files := fstest.MapFS{"net/model.onnx": {Data: model}, "net/weights.bin": {Data: raw}, "net/below/weights.bin": {Data: raw}, "weights.bin": {Data: raw}}
			dir := t.TempDir()
			for name, f := range files {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, f.Data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			fromDisk, err := Load(filepath.Join(dir, "net", "model.onnx"))
			check(t, fromDisk, err, tt.want)
			fromFS, err := LoadFS(fs.FS(files), "net/model.onnx")
			check(t, fromFS, err, tt.want)
		})
	}
	if _, err := Read(bytes.NewReader(outside("weights.bin", "4", "8"))); err == nil || !strings.Contains(err.Error(), `"weights.bin"`) {
		t.Errorf("read without files: error %v", err)
	}
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	for path, data := range map[string][]byte{secret: raw, filepath.Join(dir, "model.onnx"): outside("link", "4", "8")} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	if _, err := Load(filepath.Join(dir, "model.onnx")); err == nil {
		t.Error("a link out of the folder was followed")
	}
}

func check(t *testing.T, m *Model, err error, want string) {
	t.Helper()
	switch {
	case want != "":
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	case err != nil:
		t.Error(err)
	default:
		if w := m.tensors["w"].floats; len(w) != 2 || w[0] != 1.5 || w[1] != -2.5 {
			t.Errorf("the weights are %v", w)
		}
	}
}

// Whatever a file holds, reading and building it ends in a model or an error, soon and in little memory.
func FuzzRead(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.sketch.bytes())
	}
	f.Add(sketch{input: []int64{-1, 2, 4, 4}, tensors: []*message{floats("w", []int{1, 2, 1, 1}, 1, 2), longs("s", 0, -1)}, nodes: []*message{
		use("Conv", []string{"x", "w"}, "c"), use("BatchNormalization", []string{"c", "w", "w", "w", "w"}, "n"), use("MaxPool", []string{"c"}, "p", intsAttr("kernel_shape", 2, 2)),
		use("Reshape", []string{"p", "s"}, "r"), use("Softmax", []string{"r"}, "y")}}.bytes())
	maxFolded = 1 << 18
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := buildFor(m); err != nil {
			return
		}
		if _, err := m.ImageInput(); err != nil {
			return
		}
		again, err := Read(bytes.NewReader(m.Structure()))
		if err != nil {
			t.Fatalf("a model's structure cannot be read: %v", err)
		}
		if err := buildFor(again); err != nil {
			t.Fatalf("a model's structure cannot be built: %v", err)
		}
	})
}
