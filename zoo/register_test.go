package zoo

import (
	"strings"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// withRegistry runs with a registry of its own.
func withRegistry(t *testing.T) {
	networks.Lock()
	before := networks.list
	networks.list = append([]*registered(nil), before...)
	networks.Unlock()
	t.Cleanup(func() {
		networks.Lock()
		networks.list = before
		networks.Unlock()
	})
}

func small2(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	return b.Dense(b.Flatten(b.ReLU(b.Conv(x, "conv", o.units(4, 1), 3))), "fc", o.Classes)
}

func TestARegisteredNetworkIsAsGoodAsTheOthers(t *testing.T) {
	withRegistry(t)
	tiny := Register(Entry{Name: "tiny-2", Title: "Tiny", Year: 1999, Input: [3]int{1, 8, 8}, Classes: 3, Build: small2})
	m := tiny(Classes(5))
	if m.err != nil || m.Classes != 5 || m.Variant != "default" || m.Loss != CrossEntropy {
		t.Fatalf("made %+v", m)
	}
	again, err := New("TINY-2", Input(1, 9, 9))
	if err != nil || again.Input != [3]int{1, 9, 9} || again.Classes != 3 {
		t.Fatalf("by its name %+v, %v", again, err)
	}
	e, err := Lookup("tiny-2")
	if err != nil || e.Params != 4*9+4+4*36*3+3 || e.MACs != 4*9*36+4*36*3 {
		t.Errorf("%d parameters, %d MACs, %v", e.Params, e.MACs, err)
	}
	list := List()
	if list[1].Name != "tiny-2" || list[0].Name != "lenet5" {
		t.Errorf("listed after %s, %s", list[0].Name, list[1].Name)
	}
	if _, err := New("tiny-2", Width(2)); err == nil || !strings.Contains(err.Error(), "no option width") {
		t.Errorf("an option that it does not take: %v", err)
	}
	if r, err := m.Recipe("quick", "mnist"); err != nil || r.Network != "tiny-2" || r.Epochs == 0 {
		t.Errorf("its recipe %+v, %v", r, err)
	}
}

func TestABadEntryIsAnErrorOfItsModels(t *testing.T) {
	withRegistry(t)
	for name, c := range map[string]struct {
		entry Entry
		want  string
	}{
		"no name":                {Entry{Build: small2}, "a name should be of small letters"},
		"a name with a blank":    {Entry{Name: "my net", Build: small2}, `"my net": a name should be`},
		"a name like a variant":  {Entry{Name: "vgg16_bn", Build: small2}, "a name should be"},
		"no builder":             {Entry{Name: "none"}, "none: an entry without Build"},
		"an unknown loss":        {Entry{Name: "lossy", Build: small2, Loss: "triplet"}, `loss "triplet": should be cross-entropy or mse`},
		"a name that is taken":   {Entry{Name: "resnet50", Build: small2}, "registered already"},
		"two variants as one":    {Entry{Name: "twice", Build: small2, Variants: []VariantInfo{{Name: "a"}, {Name: "A"}}}, "two variants are called"},
		"no input":               {Entry{Name: "blind", Build: small2, Classes: 3}, "input 0×0×0"},
		"an input too small":     {Entry{Name: "narrow", Build: small2, Classes: 3, Input: [3]int{1, 2, 2}}, "narrow: conv"},
		"a builder that returns": {Entry{Name: "nothing", Classes: 3, Input: [3]int{1, 8, 8}, Build: func(*graph.Builder, *gorgonia.Node, Options) *gorgonia.Node { return nil }}, "nothing: no output"},
		"an output of two classes where three are said": {Entry{Name: "short", Classes: 3, Input: [3]int{1, 8, 8}, Build: func(b *graph.Builder, x *gorgonia.Node, _ Options) *gorgonia.Node {
			return b.Dense(b.Flatten(x), "fc", 2)
		}}, "short: the output has the shape 2×2, should be N×3"},
		"a builder that panics": {Entry{Name: "panics", Classes: 3, Input: [3]int{1, 8, 8}, Build: func(*graph.Builder, *gorgonia.Node, Options) *gorgonia.Node { panic("no way") }}, "panics: its Build panics: no way"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Register(c.entry)().Params(graph.Train)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if m, err := New("resnet50"); err != nil || m.Classes != 1000 {
		t.Errorf("the network whose name was taken: %+v, %v", m, err)
	}
}
