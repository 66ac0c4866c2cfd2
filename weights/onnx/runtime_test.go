package onnx

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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
}

const runJobs = `
const fs = require('fs'), ort = require('onnxruntime-node');
(async () => {
  const jobs = JSON.parse(fs.readFileSync(process.argv[2]));
  for (const job of jobs) {
    const session = await ort.InferenceSession.create(job.model, {intraOpNumThreads: 1, logSeverityLevel: 3});
    const bytes = fs.readFileSync(job.input);
    const data = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const result = await session.run({[job.name]: new ort.Tensor('float32', data, job.shape)});
    const output = result[session.outputNames[0]];
    job.values = Array.from(output.data);
    job.dims = output.dims;
    await session.release();
  }
  fs.writeFileSync(process.argv[3], JSON.stringify(jobs));
})().catch(e => { console.error(e); process.exit(1); });
`

// runtimeOutputs runs models with ONNX Runtime (onnxruntime-node, below the folder that ZOO_ONNXRUNTIME
// names) on random images of the first input's shape with the batch, and returns the images and outputs.
func runtimeOutputs(t *testing.T, models []string, shapes [][]int) (images [][]float32, jobs []runtimeJob) {
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
		rng := rand.New(rand.NewPCG(3, uint64(i)))
		image := make([]float32, product(shapes[i]))
		var raw []byte
		for k := range image {
			image[k] = float32(rng.NormFloat64())
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(image[k]))
		}
		input := filepath.Join(temp, filepath.Base(model)+".input")
		if err := os.WriteFile(input, raw, 0o666); err != nil {
			t.Fatal(err)
		}
		images = append(images, image)
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
	return images, jobs
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
