package zoo_test

import (
	"encoding/json"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A model that is nil, or was not made by a constructor, is an error of everything that needs one; an option that is
// nil changes nothing.
func TestNoModelIsAnError(t *testing.T) {
	for _, m := range []*zoo.Model{nil, {}, {Name: "lenet5", Classes: 10, Input: [3]int{1, 28, 28}}} {
		b := graph.NewBuilder(graph.NewParams(), graph.Eval)
		for what, f := range map[string]func() error{
			"Build":       func() error { _, err := m.Build(b, b.Input("x", 1, 1, 28, 28)); return err },
			"Params":      func() error { _, err := m.Params(graph.Train); return err },
			"Head":        func() error { _, err := m.Head(); return err },
			"Recipe":      func() error { _, err := m.Recipe("quick", "mnist"); return err },
			"MarshalJSON": func() error { _, err := m.MarshalJSON(); return err },
			"Inspect":     func() error { _, err := zoo.Inspect(m); return err },
		} {
			if err := f(); err == nil {
				t.Errorf("%s of %+v is no error", what, m)
			}
		}
		m.Describe()
		m.Recipes()
	}
	with, err := json.Marshal(zoo.LeNet5(nil, zoo.Classes(7), nil))
	if err != nil {
		t.Fatal(err)
	}
	without, err := json.Marshal(zoo.LeNet5(zoo.Classes(7)))
	if err != nil || string(with) != string(without) {
		t.Errorf("with options that are nil %s, without %s, %v", with, without, err)
	}
}
