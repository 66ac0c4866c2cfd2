package weights

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestMatchAcceptsTheSameTensorsInAnyOrder(t *testing.T) {
	have := []Spec{{"a", []int{2, 3}}, {"b", nil}, {"c", []int{0}}}
	want := []Spec{{"c", []int{0}}, {"b", []int{}}, {"a", []int{2, 3}}}
	if err := Match(have, want); err != nil {
		t.Error(err)
	}
	if err := Match(nil, nil); err != nil {
		t.Error(err)
	}
}

func TestMatchListsEveryDifference(t *testing.T) {
	have := []Spec{{"conv.weight", []int{6, 1, 5, 5}}, {"fc.weight", []int{10, 84}}, {"fc.bias", []int{10}}, {"module.head.bias", []int{5}}, {"same", []int{1}}}
	want := []Spec{{"same", []int{1}}, {"conv.wieght", []int{6, 1, 5, 5}}, {"fc.weight", []int{84, 10}}, {"fc.bias", []int{10, 1}}, {"head.bias", []int{5}}, {"mean", nil}}
	err := Match(have, want)
	const line = `the tensors are not the network's: 2 of the wrong shape: "fc.weight" (10×84, wanted 84×10), "fc.bias" (10, wanted 10×1); ` +
		`3 missing: "conv.wieght" (6×1×5×5) [is it "conv.weight"?], "head.bias" (5) [is it "module.head.bias"?], "mean" (scalar); ` +
		`2 unexpected: "conv.weight" (6×1×5×5), "module.head.bias" (5)`
	if err == nil || err.Error() != line {
		t.Errorf("error\n%v\nwant\n%s", err, line)
	}
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Shapes) != 2 || len(mismatch.Missing) != 3 || len(mismatch.Unexpected) != 2 {
		t.Errorf("lists %+v", mismatch)
	}
}

// Differences of two kinds do not make up for each other.
func TestADifferenceOfAnyKindIsOne(t *testing.T) {
	a, b, c, wide := Spec{"a", []int{1}}, Spec{"b", []int{1}}, Spec{"c", []int{1}}, Spec{"a", []int{2}}
	for _, tt := range []struct {
		name       string
		have, want []Spec
	}{
		{"missing", nil, []Spec{a}}, {"unexpected", []Spec{a}, nil}, {"of another shape", []Spec{a}, []Spec{wide}},
		{"one for one", []Spec{a}, []Spec{b}}, {"missing, and of another shape", []Spec{a}, []Spec{wide, b}}, {"unexpected, and of another shape", []Spec{a, b}, []Spec{wide}},
		{"one for one, and of another shape", []Spec{a, b}, []Spec{wide, c}},
	} {
		if err := Match(tt.have, tt.want); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

func TestMatchPrefersCandidatesOfTheSameShape(t *testing.T) {
	have := []Spec{{"conv2.weight", []int{6, 3, 5, 5}}, {"conv9.weight", []int{16, 6, 5, 5}}, {"head.kernel", []int{10, 84}}, {"norm.scale", []int{7}}, {"norm.shift", []int{7}}}
	want := []Spec{{"conv3.weight", []int{16, 6, 5, 5}}, {"fc.weight", []int{10, 84}}, {"bn.weight", []int{7}}, {"conv4.weight", []int{1}}}
	err := Match(have, want)
	for _, say := range []string{
		`"conv3.weight" (16×6×5×5) [is it "conv9.weight"?]`, // not the equally near conv2.weight
		`"fc.weight" (10×84) [is it "head.kernel"?]`,        // the only one
		`"bn.weight" (7), "conv4.weight" (1) [is it "conv2.weight"?]`,
	} {
		if err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("error %v does not say %s", err, say)
		}
	}
}

func TestMatchErrorIsBounded(t *testing.T) {
	var have, want []Spec
	for i := range 1000 {
		have = append(have, Spec{fmt.Sprint("their tensor ", i), []int{i}})
		want = append(want, Spec{fmt.Sprint("ours, ", i), []int{i}})
	}
	for _, tt := range []struct {
		name       string
		have, want []Spec
		say        string
		entries    int
	}{
		{"ten of one kind", nil, want, `1000 missing: "ours, 0" (0), `, 10},
		{"five each of two kinds", have, want, "and 995 more; 1000 unexpected: ", 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			msg := Match(tt.have, tt.want).Error()
			if !strings.Contains(msg, tt.say) || strings.Count(msg, `" (`) != tt.entries || strings.Contains(msg, "\n") {
				t.Errorf("error %s", msg)
			}
		})
	}
}

func TestReaderMatchNamesTheFile(t *testing.T) {
	r := mustOpen(t, mustWrite(t, sample()))
	if err := r.Match(sample().Specs()); err != nil {
		t.Error(err)
	}
	err := r.Match(append(sample().Specs(), Spec{"features.1.weight", []int{1}}))
	if err == nil || !strings.HasPrefix(err.Error(), "test.safetensors: ") {
		t.Errorf("error %v", err)
	}
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Missing) != 1 {
		t.Errorf("error %v is no MismatchError", err)
	}
}

func TestNearest(t *testing.T) {
	networks := []string{"lenet5", "alexnet", "zfnet", "vgg11", "vgg11_bn", "vgg16", "googlenet", "resnet18", "resnet34", "resnet20-cifar10"}
	for _, tt := range []struct {
		name string
		of   []string
		want string
	}{
		{"alexnet", networks, "alexnet"},
		{"AlexNet", networks, "alexnet"},
		{"alxenet", networks, "alexnet"},
		{"alex-net", networks, "alexnet"},
		{"lenet", networks, "lenet5"},
		{"lenet-5", networks, "lenet5"},
		{"resnet_18", networks, "resnet18"},
		{"resnet19", networks, "resnet18"},
		{"vgg", networks, "vgg11"},
		{"vgg16_bn", networks, "vgg11_bn"},
		{"alex", networks, "alexnet"},
		{"resnet20", networks, "resnet18"}, // two letters away is nearer than a longer name
		{"transformer", networks, ""},
		{"x", networks, ""},
		{"", networks, ""},
		{"alexnet", nil, ""},
		{"a", []string{"b"}, ""},
		{"bn", []string{"nb"}, "nb"},
		{"epohcs", []string{"epochs", "batch"}, "epochs"},
		{"--epochs", []string{"epochs", "batch"}, "epochs"},
		{"head.bias", []string{"tail.bias2", "module.head.bias"}, "module.head.bias"},
		{"model.encoder.fc.weight", []string{"conv.weight", "fc.weight"}, "fc.weight"},
		{"alexnets", []string{"alexn"}, "alexn"}, // three letters, and no more
		{"alexnetss", []string{"alexn"}, ""},
		{"axnt", []string{"alexnet"}, "alexnet"},
		{"ant", []string{"alexnet"}, ""},
		{"abc", []string{"abd", "abe"}, "abd"}, // the first of equally near ones
		{"res", []string{"resnet152", "resnet18", "resnet34"}, "resnet18"},
		{"größe", []string{"grösse", "groß"}, "grösse"},
	} {
		t.Run(fmt.Sprintf("to %q", tt.name), func(t *testing.T) {
			if got := Nearest(tt.name, tt.of); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDistanceIsDamerauLevenshtein(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"ca", "abc", 3}, {"abcd", "acbd", 1}, {"flaw", "lawn", 2}} {
		if got := distance([]rune(tt.a), []rune(tt.b)); got != tt.want {
			t.Errorf("distance of %q and %q is %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := distance([]rune(tt.b), []rune(tt.a)); got != tt.want {
			t.Errorf("distance of %q and %q is %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}
