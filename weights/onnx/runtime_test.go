package onnx

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A runtimeJob is a model with its input, for ONNX Runtime.
type runtimeJob struct {
	Model  string    `json:"model"`
	Name   string    `json:"name"` // of the input
	Input  string    `json:"input"`
	Shape  []int     `json:"shape"`
	Values []float64 `json:"values"`
	Dims   []int     `json:"dims"`
	Error  string    `json:"error"` // of ONNX Runtime
}

const runJobs = `
const fs = require('fs'), ort = require('onnxruntime-node');
(async () => {
  const jobs = JSON.parse(fs.readFileSync(process.argv[2]));
  for (const job of jobs) try {
    const session = await ort.InferenceSession.create(job.model, {intraOpNumThreads: 1, logSeverityLevel: 3});
    const bytes = fs.readFileSync(job.input);
    const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const result = await session.run({[job.name]: new ort.Tensor('float32', data, job.shape)});
    const output = result[session.outputNames[0]];
    job.values = Array.from(output.data, Number);
    job.dims = output.dims;
    await session.release();
  } catch (e) { job.error = String(e); }
  fs.writeFileSync(process.argv[3], JSON.stringify(jobs));
})().catch(e => { console.error(e); process.exit(1); });
`

// runtimeOutputs runs models with ONNX Runtime on random images of the first input's shape with the batch, and returns
// the images and outputs.
func runtimeOutputs(t *testing.T, models []string, shapes [][]int) (images [][]float32, jobs []runtimeJob) {
	t.Helper()
	for i := range models {
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		image := make([]float32, product(shapes[i]))
		for k := range image {
			image[k] = float32(rng.NormFloat64())
		}
		images = append(images, image)
	}
	jobs = runtimeRun(t, models, shapes, images)
	for _, j := range jobs {
		if j.Error != "" {
			t.Fatalf("%s: %s", filepath.Base(j.Model), j.Error)
		}
	}
	return images, jobs
}

// runtimeRun runs models on images with ONNX Runtime: onnxruntime-node, below the folder that ZOO_ONNXRUNTIME names.
func runtimeRun(t *testing.T, models []string, shapes [][]int, images [][]float32) (jobs []runtimeJob) {
	t.Helper()
	dir := os.Getenv("ZOO_ONNXRUNTIME")
	if dir == "" {
		t.Skip("ZOO_ONNXRUNTIME names no folder with node_modules/onnxruntime-node")
	}
	temp := t.TempDir()
	for i, model := range models {
		m, err := Load(model)
		if err != nil {
			t.Fatal(err)
		}
		var raw []byte
		for _, v := range images[i] {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		input := filepath.Join(temp, fmt.Sprint(i, ".input"))
		if err := os.WriteFile(input, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, runtimeJob{Model: model, Name: m.Inputs[0].Name, Input: input, Shape: shapes[i]})
	}
	text, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.CreateTemp(dir, "zoo-*.cjs") // where require finds the runtime
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(script.Name())
	list, results := filepath.Join(temp, "jobs.json"), filepath.Join(temp, "results.json")
	if _, err := script.WriteString(runJobs); err != nil {
		t.Fatal(err)
	}
	script.Close()
	if err := os.WriteFile(list, text, 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("node", script.Name(), list, results).CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Skip("there is no node")
		}
		t.Fatalf("%v: %s", err, out)
	}
	if text, err = os.ReadFile(results); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &jobs); err != nil {
		t.Fatal(err)
	}
	return jobs
}

// ours is what a model gives for an image, built for its batch.
func ours(t *testing.T, model string, shape []int, image []float32) ([]float32, []int) {
	t.Helper()
	m, err := Load(model)
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("image", shape...)
	y, err := m.Build(b, x)
	if err != nil {
		t.Fatalf("%s: %v", model, err)
	}
	b.Params().Init(1)
	s, err := graph.Compile(b, y[:1], graph.Config{})
	if err != nil {
		t.Fatalf("%s: %v", model, err)
	}
	if err := s.Bind(x, image); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatalf("%s: %v", model, err)
	}
	return s.Value(y[0]), y[0].Shape()
}

// distance is |got - want|/|want|.
func distance(got []float32, want []float64) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	d, n := 0.0, 0.0
	for i, v := range want {
		d += (float64(got[i]) - v) * (float64(got[i]) - v)
		n += v * v
	}
	return math.Sqrt(d / n)
}

// The ONNX project's light graphs, converted from Caffe2, with constant weights.
func TestLightModelsAgreeWithONNXRuntime(t *testing.T) {
	data := os.Getenv("ZOO_TESTDATA")
	models, _ := filepath.Glob(filepath.Join(data, "onnx-light", "*.onnx"))
	if len(models) == 0 {
		t.Skip("ZOO_TESTDATA names no folder with onnx-light")
	}
	var shapes [][]int
	for range models {
		shapes = append(shapes, []int{1, 3, 224, 224})
	}
	images, jobs := runtimeOutputs(t, models, shapes)
	for i, j := range jobs {
		got, shape := ours(t, j.Model, j.Shape, images[i])
		if product(shape) != product(j.Dims) {
			t.Errorf("%s: the output is %v, want %v", filepath.Base(j.Model), shape, j.Dims)
		}
		d := distance(got, j.Values)
		if !(d <= 1e-4) {
			t.Errorf("%s: outputs differ by %.2g", filepath.Base(j.Model), d)
		}
		t.Logf("%s: %.2g", filepath.Base(j.Model), d)
	}
}

// Networks that torchvision's modules are exported to, and any other models: ZOO_ONNX_MODELS names a folder of
// them. Without it, ZOO_SLOW_TESTS makes the exports, which takes minutes and a gigabyte for a while.
func TestExportsAgreeWithONNXRuntime(t *testing.T) {
	folder := os.Getenv("ZOO_ONNX_MODELS")
	if folder == "" {
		if os.Getenv("ZOO_SLOW_TESTS") == "" {
			t.Skip("neither ZOO_ONNX_MODELS nor ZOO_SLOW_TESTS is set")
		}
		const python = "/usr/bin/python3"
		if err := exec.Command(python, "-c", "import torchvision").Run(); err != nil {
			t.Skipf("%s with torchvision is not installed", python)
		}
		folder = t.TempDir()
		if out, err := exec.Command(python, "testdata/exports.py", folder).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	models, _ := filepath.Glob(filepath.Join(folder, "*.onnx"))
	var runs []string
	var shapes [][]int
	for _, path := range models {
		m, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		shape := []int{1}
		for d, side := range m.Inputs[0].Shape[1:] {
			if side < 0 {
				side = []int{3, 224, 224}[d]
			}
			shape = append(shape, side)
		}
		if m.Inputs[0].Shape[0] < 0 { // a free batch
			shape[0] = 3
		}
		runs, shapes = append(runs, path), append(shapes, shape)
	}
	images, jobs := runtimeOutputs(t, runs, shapes)
	for i, j := range jobs {
		name := filepath.Base(j.Model)
		got, _ := ours(t, j.Model, j.Shape, images[i])
		d := distance(got, j.Values)
		t.Logf("%s, batch %d: %.2g", name, j.Shape[0], d)
		if !(d <= 1e-4) {
			t.Errorf("%s: outputs differ by %.2g", name, d)
		}
		if j.Shape[0] > 1 {
			continue
		}
		// A file that was made for one image works for three of them.
		three := append([]int{3}, j.Shape[1:]...)
		got, _ = ours(t, j.Model, three, slices.Repeat(images[i], 3))
		want := slices.Repeat(j.Values, 3)
		if d := distance(got, want); !(d <= 1e-4) {
			t.Errorf("%s: with three images, outputs differ by %.2g", name, d)
		}
	}
}
