package onnx

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
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
	"script-branch": "/If (If): its condition /Cast_output_0 is computed from the image",
	"script-loop":   "operators that this program does not know: Loop (node /Loop)",
	"sort":          "operators that this program does not know: TopK (node /TopK)",
	"topk":          "operators that this program does not know: TopK (node /TopK)",
	"whole-numbers": "known for constants alone",
}

// A module is a small network in testdata/modules.zip, which modules.py writes, with what PyTorch makes of an input.
type module struct {
	Input, Shape []int
	Step         int
	Values       []float64
}

// modules unpacks them.
func modules(t *testing.T) (folder string, of map[string]module) {
	t.Helper()
	archive, err := zip.OpenReader("testdata/modules.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	folder = t.TempDir()
	if err := os.CopyFS(folder, &archive.Reader); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "outputs.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &of); err != nil {
		t.Fatal(err)
	}
	return folder, of
}

func (m module) input() []float32 {
	x := make([]float32, product(m.Input))
	for i := range x {
		x[i] = float32(7919*i%1009)/252 - 2
	}
	return x
}

// differs says how an output differs from what PyTorch gave.
func (m module) differs(got []float32, shape []int) string {
	if !slices.Equal(shape, m.Shape) && len(shape)+len(m.Shape) > 1 {
		return fmt.Sprintf("its shape is %v, want %v", shape, m.Shape)
	}
	var kept []float32
	for i := 0; i < len(got); i += max(1, m.Step) {
		kept = append(kept, got[i])
	}
	if d := distance(kept, m.Values); !(d <= 1e-4) {
		return fmt.Sprintf("outputs differ by %.2g", d)
	}
	return ""
}

// Every kind of module that PyTorch's exporter writes, by itself: the outputs are PyTorch's, or one line says what is
// missing. What is read can be written, and read again.
func TestModulesOfUsersGiveWhatPyTorchGives(t *testing.T) {
	folder, list := modules(t)
	agree := 0
	for _, name := range slices.Sorted(maps.Keys(list)) {
		m, path := list[name], filepath.Join(folder, name+".onnx")
		want, no := refused[name[:strings.LastIndex(name, "-")]]
		got, shape, err := result(path, m.Input, m.input(), "")
		switch {
		case err != nil && (!no || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v", name, err)
			continue
		case err != nil:
			continue
		case no:
			t.Errorf("%s is read, though it is said not to: %s", name, want)
			continue
		}
		if d := m.differs(got, shape); d != "" {
			t.Errorf("%s: %s", name, d)
			continue
		}
		agree++
		again := filepath.Join(folder, "again.onnx")
		if _, _, err := result(path, m.Input, m.input(), again); err != nil {
			t.Errorf("%s is not written again: %v", name, err)
		} else if got, shape, err := result(again, m.Input, m.input(), ""); err != nil {
			t.Errorf("%s, written again: %v", name, err)
		} else if d := m.differs(got, shape); d != "" {
			t.Errorf("%s, written and read again: %s", name, d)
		}
	}
	t.Logf("%d of %d modules are read", agree, len(list))
}

// What is written again gives the same in ONNX Runtime.
func TestModulesThatAreWrittenAgainRunInONNXRuntime(t *testing.T) {
	if os.Getenv("ZOO_ONNXRUNTIME") == "" {
		t.Skip("ZOO_ONNXRUNTIME names no folder with node_modules/onnxruntime-node")
	}
	folder, list := modules(t)
	var paths []string
	var shapes [][]int
	var images [][]float32
	for _, name := range slices.Sorted(maps.Keys(list)) {
		m, path := list[name], filepath.Join(folder, name+".onnx")
		if _, no := refused[name[:strings.LastIndex(name, "-")]]; no {
			continue
		}
		if _, _, err := result(path, m.Input, m.input(), path); err != nil {
			t.Fatal(err)
		}
		paths, shapes, images = append(paths, path), append(shapes, m.Input), append(images, m.input())
	}
	// Where the number of images is left free, three give what one gives, three times.
	for i, path := range paths {
		again, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		m := list[strings.TrimSuffix(filepath.Base(path), ".onnx")]
		if again.Inputs[0].Shape[0] < 0 && m.Input[0] == 1 && len(m.Shape) > 1 && m.Shape[0] == 1 {
			paths, shapes, images = append(paths, path), append(shapes, append([]int{3}, m.Input[1:]...)), append(images, slices.Repeat(images[i], 3))
		}
	}
	if len(paths) < 400 {
		t.Errorf("only %d runs", len(paths))
	}
	for i, j := range runtimeRun(t, paths, shapes, images) {
		m, got := list[strings.TrimSuffix(filepath.Base(paths[i]), ".onnx")], make([]float32, len(j.Values))
		if shapes[i][0] == 3 && m.Input[0] == 1 {
			third := len(j.Values) / 3
			if j.Error == "" && (len(j.Dims) == 0 || j.Dims[0] != 3 || !(distance(narrow(j.Values[third:2*third]), j.Values[:third]) < 1e-4)) {
				j.Error = fmt.Sprintf("three images give %v", j.Dims)
			}
			if j.Error == "" {
				j.Values, j.Dims, got = j.Values[:third], append([]int{1}, j.Dims[1:]...), got[:third]
			}
		}
		copy(got, narrow(j.Values))
		if d := m.differs(got, j.Dims); j.Error != "" || d != "" {
			t.Errorf("%s: %s %s", filepath.Base(paths[i]), d, j.Error)
		}
	}
}

func narrow(values []float64) (list []float32) {
	for _, v := range values {
		list = append(list, float32(v))
	}
	return list
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
