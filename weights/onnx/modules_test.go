package onnx

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// refused are the modules that are not read, by the beginning of their files' names, and what is said of them.
var refused = map[string]string{
	"argmax":        "operators that this program does not know: ArgMax (node /ArgMax)",
	"cumsum":        "operators that this program does not know: CumSum (node /CumSum)",
	"einsum":        "operators that this program does not know: Einsum (node /Einsum)",
	"gather":        "operators that this program does not know: GatherElements (node /GatherElements)",
	"gru":           "operators that this program does not know: GRU (node /list.0/GRU)",
	"lstm":          "operators that this program does not know: LSTM (node /list.0/LSTM)",
	"rnn":           "operators that this program does not know: RNN (node /list.0/RNN)",
	"scatter":       "operators that this program does not know: ScatterElements (node /ScatterElements and 1 more)",
	"script-branch": "operators that this program does not know: If (node /If)",
	"norm-local":    "operators that this program does not know: If (node /If)",
	"script-loop":   "operators that this program does not know: Loop (node /Loop)",
	"sort":          "operators that this program does not know: TopK (node /TopK)",
	"topk":          "operators that this program does not know: TopK (node /TopK)",
	"floor":         "known for constants alone", // rounds
	"prod":          "known for constants alone",
	"whole-numbers": "known for constants alone",
}

// Every kind of module that PyTorch's exporter writes, by itself: the outputs are ONNX Runtime's, or one line says
// what is missing. What is read can be written and read again. It takes ZOO_SLOW_TESTS.
func TestModulesOfUsersAgreeWithONNXRuntime(t *testing.T) {
	if os.Getenv("ZOO_SLOW_TESTS") == "" {
		t.Skip("starts PyTorch: ZOO_SLOW_TESTS is not set")
	}
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import torch, onnx").Run(); err != nil {
		t.Skipf("%s with torch and onnx is not installed", python)
	}
	folder, written := t.TempDir(), t.TempDir()
	out, err := exec.Command(python, "testdata/modules.py", folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	models, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	if err != nil || len(models) < 250 {
		t.Fatalf("only %d models: %s", len(models), out)
	}
	var shapes [][]int
	for _, path := range models {
		m, err := Load(path)
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(path), err)
		}
		shape := slices.Clone(m.Inputs[0].Shape)
		for d, side := range shape {
			if side < 0 {
				shape[d] = []int{2, 3, 12, 10}[d]
			}
		}
		shapes = append(shapes, shape)
	}
	images, jobs := runtimeOutputs(t, models, shapes)
	agree, say, other := 0, 0, 0
	var again []string
	var sizes [][]int
	for i, j := range jobs {
		name := strings.TrimSuffix(filepath.Base(j.Model), ".onnx")
		kind := name[:strings.LastIndex(name, "-")]
		got, shape, err := result(j.Model, j.Shape, images[i], "")
		switch want, no := refused[kind]; {
		case err != nil && (!no || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v", name, err)
		case err != nil:
			say++
		case j.Error != "": // which older versions of it ran
			other++
		case no && name != "norm-local-9":
			t.Errorf("%s is read, though it is said not to: %s", name, want)
		default:
			if d := distance(got, j.Values); !(d <= 1e-4) || !slices.Equal(shape, j.Dims) && len(shape)+len(j.Dims) > 1 {
				t.Errorf("%s: outputs of %v, want %v, differ by %.2g", name, shape, j.Dims, d)
				continue
			}
			agree++
			path := filepath.Join(written, name+".onnx")
			if _, _, err := result(j.Model, j.Shape, images[i], path); err != nil {
				t.Errorf("%s is not written again: %v", name, err)
				continue
			}
			again, sizes = append(again, path), append(sizes, j.Shape)
		}
	}
	t.Logf("%d agree, %d say what is missing, %d are not run by ONNX Runtime", agree, say, other)
	images, jobs = runtimeOutputs(t, again, sizes)
	for i, j := range jobs {
		original := filepath.Join(folder, filepath.Base(j.Model))
		want, _, err := result(original, j.Shape, images[i], "")
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(want, j.Values); j.Error != "" || !(d <= 1e-4) {
			t.Errorf("%s, written again: ONNX Runtime's outputs differ by %.2g %s", filepath.Base(j.Model), d, j.Error)
		}
		if got, _, err := result(j.Model, j.Shape, images[i], ""); err != nil || !(distance(got, j.Values) <= 1e-4) {
			t.Errorf("%s, written and read again: outputs differ: %v", filepath.Base(j.Model), err)
		}
	}
}

// result is what a model gives for an image, built for its batch. It is also written to a path, if there is one.
func result(model string, shape []int, image []float32, path string) ([]float32, []int, error) {
	m, err := Load(model)
	if err != nil {
		return nil, nil, err
	}
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("image", shape...)
	outputs, err := m.Build(b, x)
	if err != nil {
		return nil, nil, err
	}
	y := outputs[0]
	b.Params().Init(1)
	if path != "" {
		return nil, nil, Save(path, b, x, y, Config{})
	}
	s, err := graph.Compile(b, []*gorgonia.Node{y}, graph.Config{})
	if err != nil {
		return nil, nil, err
	}
	if err := s.Bind(x, image); err != nil {
		return nil, nil, err
	}
	if err := s.Run(); err != nil {
		return nil, nil, err
	}
	return s.Value(y), y.Shape(), nil
}
