package graph

import (
	"reflect"
	"strings"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// What Gorgonia v0.9.18 does not export about its nodes and ops is read here, and nowhere else, by reflection:
// tests pin every name.

// childrenOf are a node's inputs, in order. ExprGraph.From finds them by number, and numbers go stale when a
// node is removed, as Gorgonia does when it writes log(1 - σ(x)) as -softplus(x).
func childrenOf(n *gorgonia.Node) []*gorgonia.Node {
	field := reflect.ValueOf(n).Elem().FieldByName("children")
	children := make([]*gorgonia.Node, field.Len())
	for i := range children {
		children[i] = (*gorgonia.Node)(field.Index(i).UnsafePointer())
	}
	return children
}

// groupOf is the group that gorgonia.Grad puts its nodes in.
func groupOf(n *gorgonia.Node) string { return reflect.ValueOf(n).Elem().FieldByName("group").String() }

const (
	gradientGroup = "gradients"
	strayGroup    = "undifferentiated nodes" // made on the way, of use to nobody
)

// A stockOp is an op of Gorgonia's own.
type stockOp struct {
	gorgonia.Op
	kind   string // its type without package and pointer, such as "maxPoolOp"
	fields reflect.Value
}

// stock looks into an op; the kind of ops that are not Gorgonia's is "".
func stock(o gorgonia.Op) stockOp {
	s := stockOp{Op: o, fields: reflect.ValueOf(o)}
	if s.fields.Kind() == reflect.Pointer {
		s.fields = s.fields.Elem()
	}
	if s.fields.IsValid() && s.fields.Type().PkgPath() == "gorgonia.org/gorgonia" {
		s.kind = s.fields.Type().Name()
	}
	return s
}

func (s stockOp) int(name string) int       { return int(s.fields.FieldByName(name).Int()) }
func (s stockOp) bool(name string) bool     { return s.fields.FieldByName(name).Bool() }
func (s stockOp) float(name string) float64 { return s.fields.FieldByName(name).Float() }

func (s stockOp) ints(name string) []int {
	field := s.fields.FieldByName(name)
	list := make([]int, field.Len())
	for i := range list {
		list[i] = int(field.Index(i).Int())
	}
	return list
}

// into is where a node made by gorgonia.Read wants the value, or nil.
func (s stockOp) into() *gorgonia.Value {
	if s.kind != "readOp" {
		return nil
	}
	return (*gorgonia.Value)(s.fields.FieldByName("into").UnsafePointer())
}

// binary is the operator of an element-wise op of two operands, such as "⊙"; a comparison that gives truth
// values instead of numbers has none.
func (s stockOp) binary() string {
	if s.kind != "elemBinOp" {
		return ""
	}
	operator, same, _ := strings.Cut(s.String(), " ")
	if strings.ContainsAny(operator, "<>=!") && same != "true" {
		return ""
	}
	return operator
}

// isBinary reports whether a node computes a certain element-wise op of two operands.
func isBinary(n *gorgonia.Node, operator string) bool {
	return n.Op() != nil && stock(n.Op()).binary() == operator
}

// isAdd recognises Gorgonia's element-wise addition.
func isAdd(o gorgonia.Op) bool { return stock(o).binary() == "+" }

// number is the value of a scalar constant of float32.
func number(n *gorgonia.Node) (v float32, ok bool) {
	if !isConstant(n) {
		return 0, false
	}
	f, ok := n.Value().(*gorgonia.F32)
	if !ok {
		return 0, false
	}
	return float32(*f), true
}

func isConstant(n *gorgonia.Node) bool {
	if n.Op() == nil {
		return false
	}
	kind := stock(n.Op()).kind
	return kind == "constantScalar" || kind == "constantTensor"
}

// isStatement reports whether a node has no value: gorgonia.Read and gorgonia.Set.
func isStatement(n *gorgonia.Node) bool {
	if n.Op() == nil {
		return false
	}
	kind := stock(n.Op()).kind
	return kind == "readOp" || kind == "letOp"
}

// trainingFlag is where an op that behaves differently in training keeps whether it is; ok is false for others
// than dropout and batch normalisation.
func trainingFlag(o gorgonia.Op) (flag reflect.Value, ok bool) {
	s := stock(o)
	switch s.kind {
	case "dropoutOp":
		return s.fields.FieldByName("isTraining"), true
	case "BatchNormOp":
		return s.fields.FieldByName("training"), true
	}
	return reflect.Value{}, false
}

// vmOptions are what options ask of a tape machine.
type vmOptions struct {
	eval, watchNaN, watchInf, bindDual bool
	dual                               []*gorgonia.Node // empty for all
}

// optionsOf lets the options set up a tape machine for a graph of nothing, and looks what they have done: they do not
// take other machines.
func optionsOf(opts []gorgonia.VMOpt) (o vmOptions, err error) {
	defer recoverAs(&err, "machine options")
	g := gorgonia.NewGraph() // cannot be empty
	gorgonia.NewScalar(g, tensor.Float32, gorgonia.WithName("x"))
	fields := reflect.ValueOf(gorgonia.NewTapeMachine(g, opts...)).Elem()
	o.eval = fields.FieldByName("evalMode").Bool()
	flags := fields.FieldByName("runFlags").Uint()
	o.watchNaN, o.watchInf, o.bindDual = flags>>2&1 == 1, flags>>3&1 == 1, flags>>7&1 == 1
	nodes := fields.FieldByName("bindNodesDV")
	for i := range nodes.Len() {
		o.dual = append(o.dual, (*gorgonia.Node)(nodes.Index(i).UnsafePointer()))
	}
	return o, nil
}
