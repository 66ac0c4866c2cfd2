package onnx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

const batch = 2

// A network is one of the zoo's, thin, with random weights and statistics.
type network struct {
	name   string
	model  *zoo.Model
	b      *graph.Builder
	params *graph.Params
	x, y   *gorgonia.Node
}

func build(t testing.TB, name string, m *zoo.Model) network {
	t.Helper()
	n := network{name: name, model: m, params: graph.NewParams()}
	n.b = graph.NewBuilder(n.params, graph.Eval)
	n.x = n.b.Input("image", batch, m.Input[0], m.Input[1], m.Input[2])
	var err error
	if n.y, err = m.Build(n.b, n.x); err != nil {
		t.Fatal(err)
	}
	n.params.Init(1)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, p := range n.params.All() {
		for i := range p.Data {
			switch {
			case strings.HasSuffix(p.Name, "running_mean"), strings.HasSuffix(p.Name, "bias"):
				p.Data[i] = float32(rng.NormFloat64() / 10)
			case strings.HasSuffix(p.Name, "running_var"), strings.Contains(p.Name, "bn") && strings.HasSuffix(p.Name, "weight"):
				p.Data[i] = 0.75 + rng.Float32()/2
			}
		}
	}
	n.params.Changed()
	return n
}

// networks are all of the zoo in all their variants.
func networks(t testing.TB) []network {
	var list []network
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			opts := []zoo.Option{zoo.Variant(v.Name)}
			switch {
			case slices.Contains(v.Takes, "width"):
				opts = append(opts, zoo.Width(0.1))
			case slices.Contains(v.Takes, "filters"):
				opts = append(opts, zoo.Filters(16))
			}
			list = append(list, build(t, e.Name+" "+v.Name, e.New(opts...)))
		}
	}
	list = append(list, activations(), afterResNet())
	// Average pooling of maps that are smaller than what follows wants.
	return append(list, build(t, "vgg11 torchvision of 64×96 pixels", zoo.VGG11(zoo.Width(0.1), zoo.Input(3, 64, 96))))
}

// activations joins the results of all activations on one map.
func activations() network {
	n := network{name: "all activations", model: zoo.LeNet5(zoo.Input(3, 9, 7)), params: graph.NewParams()}
	n.b = graph.NewBuilder(n.params, graph.Eval)
	n.x = n.b.Input("image", batch, 3, 9, 7)
	y := n.b.Conv(n.x, "conv", 5, 3, graph.Init(graph.Normal(2), nil))
	var parts []*gorgonia.Node
	for _, a := range []graph.Activation{
		graph.ReLU, graph.ReLU6, graph.LeakyReLU(0.2), graph.Sigmoid, graph.Tanh, graph.ScaledTanh(1.5, 0.5),
		graph.HardSigmoid, graph.HardSwish, graph.SiLU, graph.GELU,
	} {
		parts = append(parts, n.b.Activate(y, a))
	}
	n.y = n.b.Flatten(n.b.Concat(parts...))
	n.params.Init(1)
	return n
}

// afterResNet has the layers of later networks: a residual block with squeeze and excitation, and ConvNeXt's.
func afterResNet() network {
	n := network{name: "layers after ResNet", model: zoo.LeNet5(zoo.Input(3, 9, 7)), params: graph.NewParams()}
	n.b = graph.NewBuilder(n.params, graph.Eval)
	n.x = n.b.Input("image", batch, 3, 9, 7)
	x := n.b.Conv(n.x, "stem", 20, 3, graph.Stride(2), graph.Same())
	y := n.b.Activate(n.b.BatchNorm(n.b.Conv(x, "depthwise", 20, 3, graph.Groups(20), graph.Same()), "bn", 1e-3, 0.1), graph.HardSwish)
	gate := n.b.Activate(n.b.Dense(n.b.GlobalAvgPool(y), "gate", 20), graph.HardSigmoid)
	x = n.b.Add(x, n.b.BatchNorm(n.b.Pointwise(n.b.Excite(y, gate), "project", 20), "bn2", 1e-3, 0.1))
	y = n.b.LayerNorm(n.b.Conv(x, "dwconv", 20, 7, graph.Groups(20), graph.Same()), "norm", 1e-6)
	y = n.b.Pointwise(n.b.Activate(n.b.Pointwise(y, "expand", 31), graph.GELU), "contract", 20)
	x = n.b.Add(x, n.b.LayerScale(y, "layer_scale", 0.5))
	n.y = n.b.Dense(n.b.LayerNorm(n.b.GlobalAvgPool(x), "head.norm", 1e-6), "head", 5)
	n.params.Init(1)
	return n
}

func TestWriteGivesAWellFormedModel(t *testing.T) {
	for _, n := range networks(t) {
		for _, fold := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, folded %v", n.name, fold), func(t *testing.T) {
				var b bytes.Buffer
				if err := onnx.Write(&b, n.b, n.x, n.y, onnx.Config{Fold: fold, Meta: weights.Meta{Network: n.model.Name, ClassNames: []string{"a"}, Classes: 1}}); err != nil {
					t.Fatal(err)
				}
				norms := check(t, b.Bytes(), n)
				first := regexp.MustCompile("^(wrn|densenet)").MatchString(n.name) // normalisation comes before the convolution
				if fold && norms > 0 && !first && !strings.HasPrefix(n.name, "googlenet paper") {
					t.Errorf("%d batch normalisations are left", norms)
				}
			})
		}
	}
}

// The ONNX project's own checker accepts every model: its schemas and, with full_check, its inference of
// shapes.
func TestTheONNXCheckerAccepts(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import onnx").Run(); err != nil {
		t.Skipf("%s with onnx is not installed", python)
	}
	args := []string{"-c", "import sys, onnx\nfor f in sys.argv[1:]: onnx.checker.check_model(f, full_check=True)"}
	temp := t.TempDir()
	for i, n := range networks(t) {
		for _, fold := range []bool{false, true} {
			path := filepath.Join(temp, fmt.Sprintf("%d %v %s.onnx", i, fold, n.model.Name))
			if err := onnx.Save(path, n.b, n.x, n.y, onnx.Config{Fold: fold}); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
	}
	if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%d models", len(args)-2)
}

// A field of a protocol buffer: a number or bytes.
type field struct {
	number int
	value  uint64
	bytes  []byte
}

func fields(t *testing.T, b []byte) []field {
	t.Helper()
	var list []field
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatal("broken tag")
		}
		b = b[n:]
		f := field{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			if f.value, n = binary.Uvarint(b); n <= 0 {
				t.Fatal("broken number")
			}
			b = b[n:]
		case 2:
			size, n := binary.Uvarint(b)
			if n <= 0 || size > uint64(len(b)-n) {
				t.Fatal("broken length")
			}
			f.bytes, b = b[n:n+int(size)], b[n+int(size):]
		case 5:
			f.value, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		default:
			t.Fatalf("wire type %d", tag&7)
		}
		list = append(list, f)
	}
	return list
}

// check does the part of onnx.checker that matters here: every value is made once and before its use,
// tensors have the bytes that their shapes ask for, and nothing is stored in vain. It returns the number
// of batch normalisations.
func check(t *testing.T, model []byte, n network) (norms int) {
	t.Helper()
	var graph []byte
	properties := map[string]string{}
	version := uint64(0)
	for _, f := range fields(t, model) {
		switch f.number {
		case 7:
			graph = f.bytes
		case 8:
			for _, f := range fields(t, f.bytes) {
				if f.number == 2 {
					version = f.value
				}
			}
		case 14:
			kv := fields(t, f.bytes)
			properties[string(kv[0].bytes)] = string(kv[1].bytes)
		}
	}
	if version != 13 || properties["zoo.network"] != n.model.Name || properties["zoo.class_names"] != `["a"]` {
		t.Errorf("operator set %d, properties %q", version, properties)
	}
	known, used := map[string]bool{"input": true}, map[string]bool{"logits": true}
	for _, f := range fields(t, graph) {
		if f.number != 5 {
			continue
		}
		name, elements, size, typ := "", 1, 0, uint64(0)
		for _, f := range fields(t, f.bytes) {
			switch f.number {
			case 1:
				elements *= int(f.value)
			case 2:
				typ = f.value
			case 8:
				name = string(f.bytes)
			case 9:
				size = len(f.bytes)
			}
		}
		if want := map[uint64]int{1: 4, 7: 8}[typ] * elements; size != want || known[name] {
			t.Errorf("tensor %s has %d bytes, want %d (there before: %v)", name, size, want, known[name])
		}
		known[name] = true
	}
	for _, f := range fields(t, graph) {
		if f.number != 1 {
			continue
		}
		for _, f := range fields(t, f.bytes) {
			switch name := string(f.bytes); f.number {
			case 1:
				if !known[name] {
					t.Errorf("%s is used before it is made", name)
				}
				used[name] = true
			case 2:
				if known[name] {
					t.Errorf("%s is made twice", name)
				}
				known[name] = true
			case 4:
				if name == "BatchNormalization" {
					norms++
				}
			}
		}
	}
	for name := range known {
		if !used[name] {
			t.Errorf("%s is not used", name)
		}
	}
	return norms
}

func TestWriteRefuses(t *testing.T) {
	empty := build(t, "", zoo.LeNet5())
	for _, p := range empty.params.All() {
		p.Data = nil
	}
	two := build(t, "", zoo.LeNet5())
	other := two.b.Input("other", batch, 10)
	sum := two.b.Add(two.y, other)
	foreign := build(t, "", zoo.LeNet5())
	exp := gorgonia.Must(gorgonia.Exp(foreign.y))
	training := graph.NewBuilder(graph.NewParams(), graph.Train)
	x := training.Input("x", batch, 1, 28, 28)
	y, err := zoo.LeNet5().Build(training, x)
	if err != nil {
		t.Fatal(err)
	}
	training.Params().Init(1)
	good := build(t, "", zoo.LeNet5())
	for _, tt := range []struct {
		name string
		b    *graph.Builder
		x, y *gorgonia.Node
		meta weights.Meta
		want string
	}{
		{"parameters without values", empty.b, empty.x, empty.y, weights.Meta{}, "parameter c1.weight has no values"},
		{"a second input", two.b, two.x, sum, weights.Meta{}, "another input"},
		{"an op of Gorgonia's", foreign.b, foreign.x, exp, weights.Meta{}, "Gorgonia's own"},
		{"a graph for training", training, x, y, weights.Meta{}, "build it for evaluation"},
		{"metadata that are wrong", good.b, good.x, good.y, weights.Meta{Epoch: -1}, "epoch -1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.onnx")
			err := onnx.Save(path, tt.b, tt.x, tt.y, onnx.Config{Meta: tt.meta})
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a file was written")
			}
		})
	}
}

// runModels is a Node program that runs models on inputs: it reads a list of
// jobs and writes their outputs.
const runModels = `
const fs = require('fs'), ort = require('onnxruntime-node');
(async () => {
  const jobs = JSON.parse(fs.readFileSync(process.argv[2]));
  for (const job of jobs) {
    const session = await ort.InferenceSession.create(job.model, {intraOpNumThreads: 1});
    const bytes = fs.readFileSync(job.input);
    const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const result = await session.run({input: new ort.Tensor('float32', data, job.shape)});
    job.values = Array.from(result.logits.data);
    job.dims = result.logits.dims;
    await session.release();
  }
  fs.writeFileSync(process.argv[3], JSON.stringify(jobs));
})().catch(e => { console.error(e); process.exit(1); });
`

// ONNX Runtime computes what we compute. It is an npm package (onnxruntime-node 1.30.0, installed with
// --ignore-scripts); ZOO_ONNXRUNTIME names the folder with its node_modules.
func TestONNXRuntimeAgrees(t *testing.T) {
	dir := os.Getenv("ZOO_ONNXRUNTIME")
	if dir == "" {
		t.Skip("ZOO_ONNXRUNTIME names no folder with node_modules/onnxruntime-node")
	}
	type job struct {
		Name, Model, Input string
		Shape              []int
		Values             []float64
		Dims               []int
	}
	var jobs []job
	want := map[string][]float32{}
	temp := t.TempDir()
	for i, n := range networks(t) {
		s := n.x.Shape()
		image := make([]float32, s.TotalSize())
		rng := rand.New(rand.NewPCG(3, 4))
		raw := make([]byte, 0, 4*len(image))
		for i := range image {
			image[i] = float32(rng.NormFloat64())
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(image[i]))
		}
		input := filepath.Join(temp, fmt.Sprint(i, ".input"))
		if err := os.WriteFile(input, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		session, err := graph.Compile(n.b, []*gorgonia.Node{n.y}, graph.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := session.Bind(n.x, image); err != nil {
			t.Fatal(err)
		}
		if err := session.Run(); err != nil {
			t.Fatal(err)
		}
		want[n.name] = slices.Clone(session.Value(n.y))
		for _, fold := range []bool{false, true} {
			path := filepath.Join(temp, fmt.Sprint(i, fold, ".onnx"))
			if err := onnx.Save(path, n.b, n.x, n.y, onnx.Config{Fold: fold}); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, job{Name: n.name, Model: path, Input: input, Shape: s})
			// The batch is free: one image alone gives the first row.
			first := job{Name: n.name, Model: path, Input: input + "1", Shape: append([]int{1}, s[1:]...)}
			if err := os.WriteFile(first.Input, raw[:len(raw)/batch], 0o666); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, first)
		}
	}
	script, list, results := filepath.Join(dir, "zoo-run-models.cjs"), filepath.Join(temp, "jobs.json"), filepath.Join(temp, "results.json")
	text, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.NewReplacer(`"Model"`, `"model"`, `"Input"`, `"input"`, `"Shape"`, `"shape"`, `"Values"`, `"values"`, `"Dims"`, `"dims"`).Replace(string(text)))
	for path, content := range map[string][]byte{script: []byte(runModels), list: text} {
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Remove(script)
	if out, err := exec.Command("node", script, list, results).CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("there is no node")
		}
		t.Fatalf("%v: %s", err, out)
	}
	text, err = os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var done []job
	if err := json.Unmarshal(text, &done); err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for _, j := range done {
		ours := want[j.Name]
		if j.Shape[0] == 1 {
			ours = ours[:len(ours)/batch]
		}
		if len(j.Values) != len(ours) || j.Dims[0] != j.Shape[0] {
			t.Errorf("%s: the output is %v, want %d values", j.Name, j.Dims, len(ours))
			continue
		}
		difference, norm := 0.0, 0.0
		for i, v := range ours {
			difference += (j.Values[i] - float64(v)) * (j.Values[i] - float64(v))
			norm += float64(v) * float64(v)
		}
		d := math.Sqrt(difference / norm)
		if !(d <= 1e-4) || norm == 0 {
			t.Errorf("%s, %s, batch %d: outputs differ by %.2g of %.2g", j.Name, filepath.Base(j.Model), j.Shape[0], d, math.Sqrt(norm))
		}
		worst = max(worst, d)
	}
	t.Logf("%d models, at most %.2g apart", len(done)/2, worst)
}

// What is written reads back as a network that computes the same, in every form that there is.
func TestWhatIsWrittenReadsBack(t *testing.T) {
	forms := []struct {
		name   string
		config onnx.Config
		within float64
	}{
		{"as it is", onnx.Config{Version: "zoo 1.2.3"}, 1e-5},
		{"folded", onnx.Config{Fold: true}, 1e-4},
		{"of 16-bit floats", onnx.Config{Half: true}, 2e-2},
		{"with a softmax", onnx.Config{Softmax: true, Fold: true, Half: true}, 2e-2},
	}
	for i, n := range networks(t) {
		data := make([]float32, n.x.Shape().TotalSize())
		rng := rand.New(rand.NewPCG(5, uint64(i)))
		for i := range data {
			data[i] = float32(rng.NormFloat64())
		}
		logits := evaluate(t, n.b, n.x, n.y, data)
		for _, form := range forms {
			if form.config.Softmax && (len(n.y.Shape()) != 2 || n.y.Shape()[1] < 2) {
				continue
			}
			t.Run(n.name+" "+form.name, func(t *testing.T) {
				var file bytes.Buffer
				if err := onnx.Write(&file, n.b, n.x, n.y, form.config); err != nil {
					t.Fatal(err)
				}
				m, err := onnx.Read(&file)
				if err != nil {
					t.Fatal(err)
				}
				output := "logits"
				if form.config.Softmax {
					output = "probabilities"
				}
				if m.Inputs[0].Name != "input" || m.Outputs[0].Name != output || m.Producer != strings.TrimSpace("gorgonia-zoo "+form.config.Version) {
					t.Errorf("it has the input %s and the output %s, and is %s's", m.Inputs[0].Name, m.Outputs[0].Name, m.Producer)
				}
				b := graph.NewBuilder(graph.NewParams(), graph.Eval)
				x := b.Input("image", n.x.Shape()...)
				y, err := m.Build(b, x)
				if err != nil {
					t.Fatal(err)
				}
				b.Params().Init(1)
				got := evaluate(t, b, x, y[0], data)
				want := logits
				if form.config.Softmax {
					want = softmax(logits, n.y.Shape()[1])
				}
				d, norm := 0.0, 0.0
				for i, v := range want {
					d += float64(got[i]-v) * float64(got[i]-v)
					norm += float64(v) * float64(v)
				}
				if d = math.Sqrt(d / norm); !(d <= form.within) {
					t.Errorf("outputs differ by %.2g", d)
				}
			})
		}
	}
}

func softmax(logits []float32, classes int) []float32 {
	out := make([]float32, len(logits))
	for row := 0; row < len(logits); row += classes {
		sum, most := 0.0, slices.Max(logits[row:row+classes])
		for _, v := range logits[row : row+classes] {
			sum += math.Exp(float64(v - most))
		}
		for i, v := range logits[row : row+classes] {
			out[row+i] = float32(math.Exp(float64(v-most)) / sum)
		}
	}
	return out
}

// A weight that no 16-bit float can hold is an error that names it.
func TestWriteRefusesWhatIsTooLargeForHalves(t *testing.T) {
	n := build(t, "", zoo.LeNet5())
	n.params.All()[0].Data[0] = 70000
	if err := onnx.Write(&bytes.Buffer{}, n.b, n.x, n.y, onnx.Config{Half: true}); err == nil || !strings.Contains(err.Error(), n.params.All()[0].Name) {
		t.Errorf("error %v", err)
	}
}
