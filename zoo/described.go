package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// described are the networks that their options alone describe.
var described = map[string]*registered{}

// Describe makes a kind of networks known to [New] and [Lookup] that have no architecture of their own: their
// graph is in [Options].Graph, in a form that build reads. They are not listed. Package zoo/infer describes
// those of ONNX files so. It is for package initialisation.
func Describe(name, title string, build func(b *graph.Builder, x *gorgonia.Node, o Options) (*gorgonia.Node, error)) {
	r := &registered{Entry: Entry{Name: name, Title: title, Variants: []VariantInfo{{Name: "file", Takes: []string{"graph"}}}}}
	r.Build = func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
		y, err := build(b, x, o)
		if err != nil {
			b.Errorf("%w", err)
			return nil
		}
		if s := y.Shape(); len(s) != 2 || s[1] != o.Classes {
			b.Errorf("the graph gives %s, not N×%d", dims(s), o.Classes)
			return nil
		}
		return y
	}
	r.New = func(opts ...Option) *Model {
		m := r.model(opts...)
		if m.err == nil && len(m.Options.Graph) == 0 {
			m.err = fmt.Errorf("%s: the network has no graph: it comes from a file", name)
		}
		return m
	}
	described[name] = r
}

// describedEntry finds such a network.
func describedEntry(name string) (Entry, bool) {
	if r := described[name]; r != nil {
		return r.Entry, true
	}
	return Entry{}, false
}
