package graph

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Nil, nodes of other graphs and wrong shapes are errors everywhere. What a Builder's methods do with them is
// tried in another test.
func TestNothingMakesThePackagePanic(t *testing.T) {
	other := NewBuilder(NewParams(), Train)
	foreign := other.ReLU(other.Input("x", 2, 3))
	builder := func() (*Builder, *gorgonia.Node) {
		b := NewBuilder(NewParams(), Eval)
		return b, b.ReLU(b.Input("x", 2, 3))
	}
	b, y := builder()
	session, err := Compile(b, []*gorgonia.Node{y}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	graph := gorgonia.NewGraph()
	x := gorgonia.NewMatrix(graph, tensor.Float32, gorgonia.WithShape(2, 3), gorgonia.WithName("x"))
	machine := NewMachine(graph)
	double := gorgonia.NewMatrix(b.Graph(), tensor.Float64, gorgonia.WithShape(2, 3), gorgonia.WithName("d"))
	nodes := []*gorgonia.Node{nil, foreign, y, x, double, new(gorgonia.Node)}
	sessions := []*Session{session, {}}
	machines := []*Machine{machine, {}, NewMachine(nil), NewMachine(gorgonia.NewGraph()), NewMachine(graph, nil)}
	each := func(f func(n *gorgonia.Node)) func() {
		return func() {
			for _, n := range nodes {
				f(n)
			}
		}
	}
	tries := map[string]func(){
		"NewBuilder": func() { NewBuilder(nil, Train); NewBuilder(nil, Mode(9)) },
		"Compile": each(func(n *gorgonia.Node) {
			for _, b := range []*Builder{b, nil, {}, NewBuilder(nil, Eval)} {
				Compile(b, nil, Config{})
				Compile(b, []*gorgonia.Node{n}, Config{})
				Compile(b, []*gorgonia.Node{n, n}, Config{NoPlan: true})
			}
		}),
		"Session.Bind": each(func(n *gorgonia.Node) {
			for _, s := range sessions {
				s.Bind(n, nil)
				s.Bind(n, make([]float32, 5))
			}
		}),
		"Session.Value":      each(func(n *gorgonia.Node) { session.Value(n); new(Session).Value(n) }),
		"Session.Run":        func() { session.Run(); new(Session).Run() },
		"Session.FirstFault": func() { session.FirstFault(); new(Session).FirstFault() },
		"Session.Profile":    func() { session.Profile(); new(Session).Profile() },
		"Session.Memory":     func() { new(Session).Memory() },
		"Session.Halves":     func() { new(Session).Halves() },
		"Session.SetStep":    func() { new(Session).SetStep(1 << 63) },
		"NewMachine":         func() { NewMachine(nil); NewMachine(nil, nil); NewMachine(gorgonia.NewGraph(), gorgonia.LogFwd()) },
		"Machine.RunAll": func() {
			for _, m := range machines {
				m.RunAll()
			}
		},
		"Machine.Nodes": func() {
			for _, m := range machines {
				m.Nodes()
			}
		},
		"Machine.Reset": func() { new(Machine).Reset() },
		"Machine.Close": func() { new(Machine).Close() },
		"Machine.Keep": each(func(n *gorgonia.Node) {
			for _, m := range machines {
				m.Keep(n)
				m.RunAll()
			}
		}),
		"Machine.Let": each(func(n *gorgonia.Node) {
			for _, m := range machines {
				for _, v := range []any{nil, 3, "text", []float32{1}, tensor.New(tensor.WithShape(3, 2), tensor.Of(tensor.Float32))} {
					m.Let(n, v)
				}
			}
		}),
		"Machine.Set": each(func(n *gorgonia.Node) {
			for _, m := range machines {
				m.Set(n, n)
				m.Set(x, n)
				m.Set(n, x)
			}
		}),
		"NewParams":       func() { NewParams() },
		"NewWorkspace":    func() { NewWorkspace() },
		"Params.All":      func() { new(Params).All() },
		"Params.Trained":  func() { new(Params).Trained() },
		"Params.Get":      func() { new(Params).Get("") },
		"Params.Count":    func() { new(Params).Count() },
		"Params.Init":     func() { new(Params).Init(1) },
		"Params.Allocate": func() { new(Params).Allocate() },
		"Params.Changed":  func() { new(Params).Changed() },
		"Param.Len":       func() { new(Param).Len() },
		"Memory.Total":    func() { _ = new(Memory).Total() },
		"Function.Of":     func() { Function{Kind: -3}.Of(1) },
		"LeakyReLU":       func() { _ = LeakyReLU(-1) }, "ScaledTanh": func() { _ = ScaledTanh(0, 0) },
	}
	for _, f := range exported(t) {
		try := tries[f]
		if try == nil {
			if !strings.HasPrefix(f, "Builder.") && !strings.HasSuffix(f, ".String") {
				t.Errorf("%s is not tried", f)
			}
			continue
		}
		t.Run(f, func(t *testing.T) {
			defer func() {
				if r := recover(); r != nil {
					t.Errorf("panic: %v", r)
				}
			}()
			try()
		})
	}
}

// exported lists the functions and methods that users of the package see, but for those that make an [Opt] or an
// [Initializer], with all kinds of which a Builder is tried.
func exported(t *testing.T) (list []string) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() {
				continue
			}
			if r := f.Type.Results; r != nil {
				if typ, ok := r.List[0].Type.(*ast.Ident); ok && (typ.Name == "Opt" || typ.Name == "Initializer") {
					continue
				}
			}
			name := f.Name.Name
			if f.Recv != nil {
				typ := f.Recv.List[0].Type
				if star, ok := typ.(*ast.StarExpr); ok {
					typ = star.X
				}
				receiver, ok := typ.(*ast.Ident)
				if !ok || !receiver.IsExported() {
					continue
				}
				name = receiver.Name + "." + name
			}
			list = append(list, name)
		}
	}
	return list
}
