package weights

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scalars is a dict of single numbers: each name with its place in eightFloats.
func scalars(at int64, names ...string) string {
	var pairs []string
	for i, name := range names {
		pairs = append(pairs, pString(name), pTensor(pStorage("FloatStorage", "0", 8), at+int64(i), []int64{1}, []int64{1}))
	}
	return pDict(pairs...)
}

// averages is n of torch.optim.swa_utils.AveragedModel, in the bytes of two floats.
func averagesOf(place int64) string {
	return pTensor(pStorage("LongStorage", "1", 2), place, nil, nil)
}

// checkpoint is a file with eightFloats as its floats, and the integers 0 and 100.
func checkpoint(t testing.TB, root string) *Reader {
	t.Helper()
	r, err := openBytes(zipped(t, 0, record{"a/data.pkl", pickled(root)}, record{"a/data/0", eightFloats}, record{"a/data/1", "\x00\x00\x00\x00\x00\x00\x00\x00\x64\x00\x00\x00\x00\x00\x00\x00"}))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var network = []Spec{{"conv.weight", []int{1}}, {"fc.weight", []int{1}}}

// first is the value of the network's first tensor, which tells which dict was taken.
func first(r *Reader) (float32, error) {
	v := make([]float32, 1)
	err := r.ReadTensor("conv.weight", v)
	return v[0], err
}

func TestTheNetworksWeightsAreFound(t *testing.T) {
	names := []string{"conv.weight", "fc.weight"}
	last, average := scalars(0, names...), scalars(2, names...)
	under := func(prefix string) []string { return []string{prefix + names[0], prefix + names[1]} }
	object := func(state string) string {
		return pGlobal("some.library", "Class") + ")\x81" + state + "b"
	}
	optimiser := pDict(pString("state"), pDict(pString("exp_avg"), scalars(0, "a", "b", "c", "d", "e", "f")))
	merged := func(a, b string) string { // two dicts in one
		return strings.TrimSuffix(a, "u") + strings.TrimPrefix(b, "}(")
	}
	for _, tt := range []struct {
		name, root string
		want       float32 // the first tensor's value: 0 of the last weights, 2 of the averaged ones
		note       string  // a part of the notes
	}{
		{"the whole file", last, 0, ""},
		{"under any key", pDict(pString("my best net"), last), 0, ""},
		{"five dicts deep", pDict(pString("a"), pDict(pString("b"), pDict(pString("c"), pDict(pString("d"), pDict(pString("e"), last))))), 0, ""},
		{"in a tuple", pTuple(last, pInt(5)), 0, ""},
		{"in a list", "](" + last + "e", 0, ""},
		{"as a list of pairs", "](" + pTuple(pString(names[0]), pTensor(pStorage("FloatStorage", "0", 8), 0, []int64{1}, []int64{1})) + pTuple(pString(names[1]), pTensor(pStorage("FloatStorage", "0", 8), 1, []int64{1}, []int64{1})) + "e", 0, ""},
		{"beside an optimiser", pDict(pString("net"), last, pString("optimizer"), optimiser), 0, ""},
		{"beside a number", pDict(pString("best_acc"), pTensor(pStorage("FloatStorage", "0", 8), 7, nil, nil), pString("net"), last), 0, ""},
		{"beside their average, as timm", pDict(pString("state_dict"), last, pString("state_dict_ema"), average), 2, `takes the averaged weights, "state_dict_ema", rather than "state_dict"`},
		{"beside their average, which stands first", pDict(pString("model_ema"), average, pString("model"), last), 2, "averaged"},
		{"beside an averaged model of PyTorch", pDict(pString("model"), last, pString("other"), merged(scalars(2, under("module.")...), "}("+pString("n_averaged")+averagesOf(1)+"u")), 2, `"other"`},
		{"beside an average of nothing", pDict(pString("model"), last, pString("model_ema"), merged(scalars(2, under("module.")...), "}("+pString("n_averaged")+averagesOf(0)+"u")), 0, "nothing was averaged yet"},
		{"beside an average one dict deeper", pDict(pString("model"), last, pString("ema"), pDict(pString("decay"), pInt(1), pString("module"), average)), 2, "averaged"},
		{"beside themselves", pDict(pString("model"), last, pString("state_dict"), last), 0, ""},
		{"beside an object that is not known", pDict(pString("args"), object(pDict(pString("path"), pGlobal("pathlib", "PosixPath")+pTuple(pString("/data"))+"R")), pString("model"), last), 0, ""},
		{"in a dict of a library's own", pGlobal("lib", "AttributeDict") + ")R(" + pString("model") + last + "u", 0, ""},
		{"in an object's attributes", object(pDict(pString("weights"), last)), 0, ""},
		{"in a whole model", object(pDict(pString("training"), "\x88", pString("_modules"), pDict(
			pString("conv"), object(pDict(pString("_parameters"), scalars(0, "weight"), pString("_modules"), "}")),
			pString("fc"), object(pDict(pString("_parameters"), scalars(1, "weight"), pString("_modules"), "}"))))), 0, ""},
		{"of the raw weights beside, by the network", pDict(pString("generator"), scalars(4, "a", "b"), pString("critic"), last), 0, `under "critic"`},
		{"with a prefix", scalars(0, under("backbone.")...), 0, `takes "backbone." off the names`},
		{"with several prefixes", scalars(0, under("_orig_mod.model.0.")...), 0, `"_orig_mod.model.0."`},
		{"with a prefix each", scalars(0, "features.conv.weight", "head.fc.weight"), 0, `"features.", "head."`},
		{"with a wrapper within", scalars(0, "conv.module.weight", "fc.weight"), 0, "module"},
		{"a dict for each part", pDict(pString("conv"), scalars(0, "weight"), pString("fc"), scalars(1, "weight")), 0, ""},
		{"with others beside", scalars(0, "net.conv.weight", "net.fc.weight", "loss.weight"), 0, `leaves out 1 tensors beside the network's: "loss.weight"`},
		{"with their average beside, by the prefix", merged(scalars(0, under("model.")...), scalars(2, under("ema_model.")...)), 2, `"ema_model"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := checkpoint(t, tt.root).Fit(network)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Specs(); len(got) != 2 || got[0].Name != names[0] || got[1].Name != names[1] {
				t.Errorf("tensors %v", got)
			}
			if v, err := first(r); err != nil || v != tt.want {
				t.Errorf("the first tensor is %v, error %v: want %v", v, err, tt.want)
			}
			if notes := strings.Join(r.Notes(), "; "); !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" && !strings.Contains(notes, "under") {
				t.Errorf("notes %q: want %q", notes, tt.note)
			}
		})
	}
}

func TestWhatIsNotCertainIsAChoice(t *testing.T) {
	names := []string{"conv.weight", "fc.weight"}
	a, b := scalars(0, names...), scalars(2, names...)
	for _, tt := range []struct {
		name, root string
		keys       []string
	}{
		{"two networks", pDict(pString("student"), a, pString("teacher"), b), []string{"student", "teacher"}},
		{"two averages", pDict(pString("ema_1"), a, pString("ema_2"), b), []string{"ema_1", "ema_2"}},
		{"two networks in one dict", scalars(0, "encoder_q.conv.weight", "encoder_q.fc.weight", "encoder_k.conv.weight", "encoder_k.fc.weight"), []string{"encoder_q", "encoder_k"}},
		{"two averages beside the last weights", pDict(pString("model"), a, pString("ema"), b, pString("swa"), scalars(4, names...)), []string{"model", "ema", "swa"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := checkpoint(t, tt.root)
			_, err := r.Fit(network)
			var choice *ChoiceError
			if !errors.As(err, &choice) || !slices.Equal(choice.Keys, tt.keys) {
				t.Fatalf("error %v: want the choice of %q", err, tt.keys)
			}
			for i, key := range tt.keys {
				one, err := r.Under(key)
				if err == nil {
					one, err = one.Fit(network)
				}
				if err != nil {
					t.Fatal(err)
				}
				if v, err := first(one); err != nil || v != float32(2*i) {
					t.Errorf("%s: the first tensor is %v, error %v", key, v, err)
				}
			}
		})
	}
	t.Run("until a tensor is read", func(t *testing.T) {
		_, err := checkpoint(t, pDict(pString("student"), a, pString("teacher"), b)).ReadAll()
		var choice *ChoiceError
		if !errors.As(err, &choice) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("and a key that is not there lists those that are", func(t *testing.T) {
		_, err := checkpoint(t, pDict(pString("student"), a, pString("teacher"), b)).Under("pupil")
		if err == nil || !strings.Contains(err.Error(), `"student", "teacher"`) {
			t.Errorf("error %v", err)
		}
	})
}

func TestATensorThatWouldHaveToBeMadeIsRefused(t *testing.T) {
	made := pGlobal("torch._utils", "_rebuild_qtensor") + pTuple(pInt(1)) + "R"
	r := checkpoint(t, pDict(pString("conv.weight"), pTensor(pStorage("FloatStorage", "0", 8), 0, []int64{1}, []int64{1}), pString("fc.weight"), made, pString("extra"), pGlobal("os", "system")+pTuple(pString("id"))+"R"))
	fitted, err := r.Fit(network)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fitted.ReadAll()
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Global != "torch._utils._rebuild_qtensor" || !strings.Contains(err.Error(), `tensor "fc.weight"`) || !strings.Contains(err.Error(), "dequantize") {
		t.Errorf("error %v", err)
	}
	only, err := r.Fit(network[:1])
	if err == nil {
		t.Errorf("a network that has no such tensor fits: %v", only.Names())
	}
}

func TestFitGivesATensorItsShape(t *testing.T) {
	storage := pStorage("FloatStorage", "0", 8)
	r := checkpoint(t, pDict(pString("fc.weight"), pTensor(storage, 0, []int64{2, 4, 1, 1}, []int64{4, 1, 1, 1}), pString("conv.weight"), pTensor(storage, 0, []int64{2, 4}, []int64{1, 2})))
	fitted, err := r.Fit([]Spec{{"fc.weight", []int{-1, 4}}, {"conv.weight", []int{2, 2, 2, 1}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(fitted.Specs()); got != `["fc.weight" (2×4) "conv.weight" (2×2×2×1)]` {
		t.Errorf("tensors %s", got)
	}
	if notes := strings.Join(fitted.Notes(), "; "); !strings.Contains(notes, `reshapes "fc.weight", "conv.weight"`) {
		t.Errorf("notes %q", notes)
	}
	f, err := fitted.ReadAll()
	if err != nil || !slices.Equal(f.Tensors[0].Data, []float32{0, 1, 2, 3, 4, 5, 6, 7}) || !slices.Equal(f.Tensors[1].Data, []float32{0, 2, 4, 6, 1, 3, 5, 7}) {
		t.Errorf("%v, error %v", f, err)
	}
	for _, want := range [][]int{{4, 2}, {2, 3}, {8}, {2, 2, 3}} {
		if _, err := r.Fit([]Spec{{"fc.weight", want}, {"conv.weight", []int{2, 4}}}); err == nil {
			t.Errorf("2×4×1×1 is taken for %v", want)
		}
	}
	for _, want := range [][]int{{2, 5}, {3, 4}, {-1, 5}, {3, -1}, {4, 2}, {2}} {
		if _, err := r.Fit([]Spec{{"fc.weight", []int{2, 4, 1, 1}}, {"conv.weight", want}}); err == nil {
			t.Errorf("2×4 is taken for %v", want)
		}
	}
}

func TestRenameAndFit(t *testing.T) {
	r := checkpoint(t, scalars(0, "conv.weight", "linear.weight"))
	var mismatch *MismatchError
	if _, err := r.Fit(network); !errors.As(err, &mismatch) || len(mismatch.Missing) != 1 {
		t.Errorf("error %v", err)
	}
	renamed, err := r.Rename(func(name string) string { return strings.Replace(name, "linear", "fc", 1) })
	if err == nil {
		renamed, err = renamed.Fit(network)
	}
	if err != nil || !slices.Equal(renamed.Names(), []string{"conv.weight", "fc.weight"}) {
		t.Errorf("error %v", err)
	}
	if _, err := r.Rename(func(string) string { return "x" }); err == nil {
		t.Error("two tensors of one name are no error")
	}
}

// Where nothing fits, what most names begin with is taken off before they are compared: what differs is told, and no more.
func TestAMismatchIsToldWithoutWhatMostNamesBeginWith(t *testing.T) {
	want := []Spec{{"conv.weight", []int{1}}, {"fc.weight", []int{1}}, {"fc.bias", []int{1}}}
	for _, c := range []struct {
		name    string
		tensors []string
		say     string
	}{
		{"one is called otherwise", []string{"net.conv.weight", "net.fc.weight", "net.linear.bias"}, `1 missing: "fc.bias" (1) [is it "linear.bias"?]; 1 unexpected: "linear.bias" (1)`},
		{"the rarer beginning stays", []string{"old.conv.weight", "net.conv.weight", "net.fc.weight"}, `1 missing: "fc.bias" (1) [is it "old.conv.weight"?]; 1 unexpected: "old.conv.weight" (1)`},
		{"counters say nothing", []string{"net.conv.weight", "net.fc.weight", "net.bn.num_batches_tracked"}, `1 missing: "fc.bias" (1)`},
		{"none begins so", []string{"conv.weight", "fc.weight"}, `1 missing: "fc.bias" (1)`},
	} {
		_, err := checkpoint(t, scalars(0, c.tensors...)).Fit(want)
		if err == nil || !strings.HasSuffix(err.Error(), "the tensors are not the network's: "+c.say) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.say)
		}
	}
}

func TestFitLeavesCountersOut(t *testing.T) {
	r := checkpoint(t, scalars(0, "conv.weight", "bn.num_batches_tracked", "fc.weight", "n_averaged"))
	fitted, err := r.Fit(network)
	if err != nil || len(fitted.Names()) != 2 || len(fitted.Notes()) != 0 {
		t.Errorf("%v, error %v", fitted, err)
	}
}

// An error about so many tensors must not take long either.
func TestManyTensorsAreCheap(t *testing.T) {
	f := &File{}
	for i := range 200_000 {
		f.Tensors = append(f.Tensors, Tensor{Name: fmt.Sprintf("some.longer.name.of.a.layer.%d", i), Shape: []int{0}})
	}
	r := mustOpen(t, mustWrite(t, f))
	var want []Spec
	for i := range 300 {
		want = append(want, Spec{fmt.Sprintf("layer%d.0.conv1.weight", i), []int{3, 3}})
	}
	// As many as are searched: what differs is told.
	f.Tensors = f.Tensors[:mostTensors]
	if _, err := mustOpen(t, mustWrite(t, f)).Fit(want); err == nil || !strings.Contains(err.Error(), "300 missing: ") {
		t.Errorf("%d tensors: error %v", mostTensors, err)
	}
	for range 50 { // variants of networks
		if _, err := r.Fit(want); err == nil || !strings.Contains(err.Error(), "there are 200000 of them") {
			t.Fatalf("error %v", err)
		}
	}
}

// A choice shows ten keys at most, and how many more there are.
func TestAChoiceShowsTenKeys(t *testing.T) {
	var e ChoiceError
	text := "which weights are meant? Choose by the key: "
	for i := 1; i <= 12; i++ {
		e.Keys, e.What = append(e.Keys, fmt.Sprint("k", i)), append(e.What, fmt.Sprint("w", i))
		if i > 1 && i <= 10 {
			text += ", "
		}
		if i <= 10 {
			text += fmt.Sprintf(`"k%d" (w%[1]d)`, i)
		}
		want := text
		if i > 10 {
			want += fmt.Sprintf(", and %d more", i-10)
		}
		if e.Error() != want {
			t.Errorf("%d keys: %s, want %s", i, e.Error(), want)
		}
	}
}
