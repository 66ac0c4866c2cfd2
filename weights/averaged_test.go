package weights

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An average of the trained tensors alone is taken for them, whether their names lost their dots or not, and said.
func TestAveragesOfTrainedTensorsAreTaken(t *testing.T) {
	want := []Spec{{"conv.weight", []int{2, 1, 1, 1}}, {"bn.weight", []int{2}}, {"bn.running_mean", []int{2}}, {"bn.running_var", []int{2}}}
	tensor := func(name string, shape []int, first float32) Tensor {
		return Tensor{Name: name, Shape: shape, Data: []float32{first, first + 1}}
	}
	last := func(prefix string) []Tensor {
		var list []Tensor
		for i, w := range want {
			list = append(list, tensor(prefix+w.Name, w.Shape, float32(10*i)))
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		tensors []Tensor
		note    string
		weight  []float32
	}{
		{"names without dots", append(last("model."), tensor("model_ema.convweight", []int{2, 1, 1, 1}, 100), tensor("model_ema.bnweight", []int{2}, 200)), `takes the averaged weights, "model_ema"`, []float32{100, 101}},
		{"names with dots", append(last(""), tensor("ema.conv.weight", []int{2, 1, 1, 1}, 100), tensor("ema.bn.weight", []int{2}, 200)), `takes the averaged weights, "ema"`, []float32{100, 101}},
		{"one is missing", append(last("model."), tensor("model_ema.convweight", []int{2, 1, 1, 1}, 100)), "leaves out 1 tensors", []float32{0, 1}},
		{"another shape", append(last("model."), tensor("model_ema.convweight", []int{2, 1, 1, 1}, 100), tensor("model_ema.bnweight", []int{1, 2}, 200)), "leaves out 2 tensors", []float32{0, 1}},
		{"not averaged", append(last("model."), tensor("other.convweight", []int{2, 1, 1, 1}, 100), tensor("other.bnweight", []int{2}, 200)), "leaves out 2 tensors", []float32{0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.safetensors")
			if err := Save(path, &File{Tensors: tt.tensors}); err != nil {
				t.Fatal(err)
			}
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			v, err := r.Fit(want)
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(v.Notes(), "\n"); !strings.Contains(notes, tt.note) || strings.Contains(tt.note, "averaged") && strings.Contains(notes, "leaves out") {
				t.Errorf("notes %q do not say %q", notes, tt.note)
			}
			f, err := v.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(f.Tensors[0].Data, tt.weight) || f.Tensors[0].Name != "conv.weight" || !slices.Equal(f.Tensors[2].Data, []float32{20, 21}) {
				t.Errorf("took %v", f.Tensors)
			}
		})
	}

	// Two averages are a question.
	path := filepath.Join(t.TempDir(), "a.safetensors")
	two := append(last("model."), tensor("ema.convweight", []int{2, 1, 1, 1}, 100), tensor("ema.bnweight", []int{2}, 200), tensor("swa.convweight", []int{2, 1, 1, 1}, 300), tensor("swa.bnweight", []int{2}, 400))
	if err := Save(path, &File{Tensors: two}); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var choice *ChoiceError
	if _, err := r.Fit(want); !errors.As(err, &choice) || !slices.Equal(choice.Keys, []string{"ema", "swa"}) {
		t.Errorf("error %v", err)
	}
	if v, err := r.Under("model"); err != nil {
		t.Error(err)
	} else if v, err = v.Fit(want); err != nil || strings.Contains(strings.Join(v.Notes(), ""), "averaged") {
		t.Errorf("the last ones by their key: %v", err)
	}
}

// An average in a dict of its own has all that is trained, however much that is, and the statistics stay the last ones.
func TestAnAverageInADictOfItsOwnIsTaken(t *testing.T) {
	all := []string{"conv.weight", "bn.running_mean", "fc.weight", "fc.bias", "head.weight"}
	for n := 2; n <= len(all); n++ {
		var trained []string
		var want []Spec
		for _, name := range all[:n] {
			want = append(want, Spec{name, []int{1}})
			if name != "bn.running_mean" {
				trained = append(trained, name)
			}
		}
		for _, c := range []struct {
			name, root, note string
			at               float32 // of the first averaged one
		}{
			{"beside the last ones", pDict(pString("model"), scalars(0, all[:n]...), pString("model_ema"), scalars(3, trained...)), `"model_ema"`, 3},
			{"which stands first", pDict(pString("model_ema"), scalars(3, trained...), pString("model"), scalars(0, all[:n]...)), `"model_ema"`, 3},
			{"of nothing", pDict(pString("model"), scalars(0, all[:n]...), pString("model_ema"), strings.TrimSuffix(scalars(3, trained...), "u")+pString("n_averaged")+averagesOf(0)+"u"), "", 0},
			{"of two steps", pDict(pString("model"), scalars(0, all[:n]...), pString("model_ema"), strings.TrimSuffix(scalars(3, trained...), "u")+pString("n_averaged")+averagesOf(1)+"u"), `"model_ema"`, 3},
		} {
			r, err := checkpoint(t, c.root).Fit(want)
			if err != nil {
				t.Errorf("%d tensors, %s: %v", n, c.name, err)
				continue
			}
			f, err := r.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			at := c.at
			for i, tensor := range f.Tensors {
				value := float32(i)
				if tensor.Name != "bn.running_mean" && c.at > 0 {
					value = at
					at++
				}
				if tensor.Data[0] != value {
					t.Errorf("%d tensors, %s: %s is %v, want %v", n, c.name, tensor.Name, tensor.Data[0], value)
				}
			}
			if notes := strings.Join(r.Notes(), "; "); !strings.Contains(notes, c.note) || strings.Contains(notes, "leaves out") {
				t.Errorf("%d tensors, %s: notes %q", n, c.name, notes)
			}
		}
	}
}

// torch_ema keeps its average as a list, in the order of the parameters and without the statistics.
func TestAveragesWithoutNamesAreTakenByTheirPlaces(t *testing.T) {
	at := func(offset int64) string {
		return pTensor(pStorage("FloatStorage", "0", 8), offset, []int64{1}, []int64{1})
	}
	list := func(tensors ...string) string { return "](" + strings.Join(tensors, "") + "e" }
	want := []Spec{{"fc.weight", []int{1}}, {"bn.running_mean", []int{1}}, {"conv.weight", []int{1}}} // another order than the file's
	model := scalars(0, "module.conv.weight", "module.bn.running_mean", "module.fc.weight")
	all := func(average string) *Reader {
		return checkpoint(t, pDict(pString("net"), model, pString("ema"), pDict(pString("decay"), pInt(1), pString("shadow_params"), average)))
	}
	r, err := all(list(at(5), at(6))).Fit(want)
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []float32{6, 1, 5} {
		if f.Tensors[i].Data[0] != v {
			t.Errorf("%s is %v, want %v", f.Tensors[i].Name, f.Tensors[i].Data, v)
		}
	}
	if notes := strings.Join(r.Notes(), "; "); !strings.Contains(notes, `takes the averaged weights, "ema.shadow_params", rather than the last ones`) {
		t.Errorf("notes %q", notes)
	}
	for name, average := range map[string]string{
		"one too few":   list(at(5)),
		"one too many":  list(at(5), at(6), at(7)),
		"another shape": list(at(5), pTensor(pStorage("FloatStorage", "0", 8), 6, []int64{2}, []int64{1})),
	} {
		r := all(average)
		_, err := r.Fit(want)
		var choice *ChoiceError
		if !errors.As(err, &choice) || !slices.Equal(choice.Keys, []string{"net", "ema.shadow_params"}) {
			t.Errorf("%s: error %v, want a choice", name, err)
			continue
		}
		if r, err = r.Under("net"); err != nil {
			t.Fatal(err)
		}
		if _, err = r.Fit(want); err != nil {
			t.Errorf("%s: the last ones by their key: %v", name, err)
		}
	}
}
