package graph

import (
	"fmt"
	"slices"
	"strings"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// The first pass: translate rewrites a graph of any Gorgonia ops into one of ours. A pattern of stock nodes, such
// as the product of x and (x ≥ 0), becomes one node; what has no translation is copied and stays foreign.
// Gradients are not translated: the translated graph is differentiated, which is faster and right where
// Gorgonia's own derivatives are not.

// A translation is a graph that computes what another does.
type translation struct {
	graph  *gorgonia.ExprGraph
	nodes  map[*gorgonia.Node]*gorgonia.Node   // from the user's nodes to those that compute them
	origin map[*gorgonia.Node]*gorgonia.Node   // from the new leaves to the user's
	data   map[*gorgonia.Node]func() []float32 // of leaves that the user's graph does not have
	wanted map[*gorgonia.Node]bool             // leaves whose gradient is
	active map[*gorgonia.Node]bool             // new nodes that depend on those
	ours   map[*gorgonia.Node]bool             // of nodes: translated, rather than copied
	inside []*gorgonia.Node                    // the user's nodes with a value of use that went into a larger op
	drops  uint64                              // dropout layers so far
	leaves int
}

func newTranslation() *translation {
	return &translation{
		graph: gorgonia.NewGraph(), nodes: map[*gorgonia.Node]*gorgonia.Node{}, origin: map[*gorgonia.Node]*gorgonia.Node{},
		data: map[*gorgonia.Node]func() []float32{}, wanted: map[*gorgonia.Node]bool{}, active: map[*gorgonia.Node]bool{},
		ours: map[*gorgonia.Node]bool{},
	}
}

// A gradient is what gorgonia.Grad was called for: a cost, and the leaves that have its derivative.
type gradient struct {
	cost *gorgonia.Node
	wrt  []*gorgonia.Node
}

// gradientOf finds out what a graph was differentiated for, or returns nil where that is not certain: several
// costs, a gradient of another cost than 1, a cost that depends on a gradient. Then the stock nodes are kept.
func gradientOf(nodes []*gorgonia.Node) *gradient {
	g := &gradient{}
	for _, n := range nodes {
		d := n.Deriv()
		if d == nil {
			continue
		}
		if n.Op() == nil {
			g.wrt = append(g.wrt, n)
		} else if one, ok := number(d); ok && one == 1 && n.IsScalar() && (g.cost == nil || n.ID() > g.cost.ID()) {
			g.cost = n // nodes are numbered as they are made: the last one is above the others
		}
	}
	if g.cost == nil || !isFloat32(g.cost) || len(g.wrt) == 0 {
		return nil
	}
	below := map[*gorgonia.Node]bool{}
	for _, n := range sorted([]*gorgonia.Node{g.cost}) {
		if len(n.DerivOf()) > 0 && !isConstant(n) {
			return nil
		}
		below[n] = true
	}
	for _, n := range nodes {
		if n.Deriv() != nil && !below[n] {
			return nil
		}
	}
	return g
}

// translate makes a graph that computes the outputs, which are nodes of one graph; all are its nodes.
func translate(all, outputs []*gorgonia.Node) (*translation, error) {
	t := newTranslation()
	g := gradientOf(all)
	if g != nil {
		for _, n := range g.wrt {
			t.wanted[n] = true
		}
		t.differentiate(g)
	}
	for _, n := range outputs {
		if _, err := t.node(n); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// translateWhatIsStock translates a graph, or returns nil where there is nothing to be translated: all is ours but
// for the sums of gradients.
func translateWhatIsStock(all, outputs []*gorgonia.Node) (*translation, error) {
	for _, n := range sorted(outputs) {
		if _, ours := n.Op().(op); !ours && n.Op() != nil && !isConstant(n) && !(isAdd(n.Op()) && groupOf(n) == gradientGroup) {
			return translate(all, outputs)
		}
	}
	return nil, nil
}

// leafOf makes a compiler's values of leaves: those of the translation here, the others by the user's nodes.
func (t *translation) leafOf(user func(n *gorgonia.Node) (*value, error)) func(n *gorgonia.Node) (*value, error) {
	return func(n *gorgonia.Node) (*value, error) {
		if data := t.data[n]; data != nil {
			return &value{shape: n.Shape(), keep: true, source: data}, nil
		}
		return user(t.origin[n])
	}
}

// differentiate translates a cost and lets its gradients stand for the nodes that hold the user's. If that
// fails, the user's are translated one by one.
func (t *translation) differentiate(g *gradient) {
	cost, err := t.node(g.cost)
	if err != nil {
		return
	}
	var wrt []*gorgonia.Node
	for _, n := range g.wrt {
		if t.nodes[n] != nil {
			wrt = append(wrt, t.nodes[n])
		}
	}
	grads, err := differentiate(cost, t.constant(1), wrt)
	if err != nil {
		return
	}
	for _, n := range g.wrt {
		if grad := grads[t.nodes[n]]; grad != nil {
			t.nodes[n.Deriv()] = grad
			t.ours[n.Deriv()] = true
		}
	}
}

// node translates a node, and first what it needs.
func (t *translation) node(n *gorgonia.Node) (*gorgonia.Node, error) {
	if done := t.nodes[n]; done != nil {
		return done, nil
	}
	made, err := t.pattern(n)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", n, err)
	}
	if made == nil {
		if made, err = t.copy(n); err != nil {
			return nil, err
		}
	} else {
		t.ours[n] = true
	}
	t.nodes[n] = made
	return made, nil
}

// copy takes a node over as it is: a leaf, an op of ours, or a foreign one.
func (t *translation) copy(n *gorgonia.Node) (*gorgonia.Node, error) {
	if n.Op() == nil || isConstant(n) {
		leaf := t.leaf(n, n.Shape())
		t.origin[leaf] = n
		t.active[leaf] = t.wanted[n]
		return leaf, nil
	}
	var children []*gorgonia.Node
	for _, child := range childrenOf(n) {
		made, err := t.node(child)
		if err != nil {
			return nil, err
		}
		children = append(children, made)
	}
	_, ours := n.Op().(op)
	t.ours[n] = ours
	return t.add(n.Op(), n, n.Shape(), children...), nil
}

// add makes a node with the type of a user's, which can differ from what the shape says: n×1 is a vector too.
func (t *translation) add(o gorgonia.Op, like *gorgonia.Node, shape []int, children ...*gorgonia.Node) *gorgonia.Node {
	options := []gorgonia.NodeConsOpt{
		gorgonia.WithType(like.Type()), gorgonia.WithOp(o), gorgonia.WithChildren(children), gorgonia.In(t.graph),
	}
	if len(children) == 0 { // random numbers are told apart by their names
		options = append(options, gorgonia.WithName(t.unique(like.Name())))
	}
	if !like.IsScalar() {
		options = append(options, gorgonia.WithShape(shape...))
	}
	n := gorgonia.NewUniqueNode(options...)
	for _, child := range children {
		t.active[n] = t.active[n] || t.active[child]
	}
	return n
}

func (t *translation) unique(name string) string {
	t.leaves++
	return fmt.Sprintf("%d %s", t.leaves, name)
}

// leaf makes a leaf with the type of a user's node.
func (t *translation) leaf(like *gorgonia.Node, shape []int) *gorgonia.Node {
	options := []gorgonia.NodeConsOpt{gorgonia.WithType(like.Type()), gorgonia.In(t.graph), gorgonia.WithName(t.unique(""))}
	if !like.IsScalar() {
		options = append(options, gorgonia.WithShape(shape...))
	}
	return gorgonia.NewUniqueNode(options...)
}

// constant makes a leaf of one number.
func (t *translation) constant(v float32) *gorgonia.Node {
	leaf := gorgonia.NewScalar(t.graph, tensor.Float32, gorgonia.WithName(t.unique("constant")))
	data := []float32{v}
	t.data[leaf] = func() []float32 { return data }
	return leaf
}

// vector makes a leaf of as many numbers as data gives.
func (t *translation) vector(size int, data func() []float32) *gorgonia.Node {
	leaf := gorgonia.NewVector(t.graph, tensor.Float32, gorgonia.WithShape(size), gorgonia.WithName(t.unique("vector")))
	t.data[leaf] = data
	return leaf
}

// one makes a node of an op of ours that stands for the user's node n.
func (t *translation) one(o op, n *gorgonia.Node, children ...*gorgonia.Node) *gorgonia.Node {
	o.base().name = fmt.Sprintf("%s %d", o.base().kind, n.ID())
	return t.add(o, n, n.Shape(), children...)
}

// inner makes a node of an op of ours on the way to one that stands for a user's.
func (t *translation) inner(o op, children ...*gorgonia.Node) (*gorgonia.Node, error) {
	n, err := derive(o, &core{name: o.base().kind}, children...)
	if err == nil {
		for _, child := range children {
			t.active[n] = t.active[n] || t.active[child]
		}
	}
	return n, err
}

// all translates several nodes, all of float32; it returns nil if one is of another type.
func (t *translation) all(nodes []*gorgonia.Node) ([]*gorgonia.Node, error) {
	var made []*gorgonia.Node
	for _, n := range nodes {
		if !isFloat32(n) {
			return nil, nil
		}
		m, err := t.node(n)
		if err != nil {
			return nil, err
		}
		made = append(made, m)
	}
	return made, nil
}

// A rule translates nodes with ops of one kind; it returns nil for those that it does not know.
type rule func(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error)

// rules are all that is known of Gorgonia's ops, by their kinds.
var rules map[string]rule

func init() {
	rules = map[string]rule{
		"elemUnaryOp": unaryRule, "elemBinOp": binaryRule, "linAlgBinOp": productRule,
		"sumOp": reduceRule, "maxOp": reduceRule, "sizeOp": sizeRule, "repeatOp": repeatRule,
		"reshapeOp": reshapeRule, "transposeOp": transposeRule, "sliceOp": sliceRule, "concatOp": concatRule,
		"maxPoolOp": maxPoolRule, "avgPoolOp": avgPoolRule, "globalAveragePoolOp": globalPoolRule,
		"BatchNormOp": batchNormRule, "softmaxOp": softmaxRule, "dropoutOp": dropoutRule, "Iop": identityRule,
	}
}

// pattern translates a node if there is a rule for it.
func (t *translation) pattern(n *gorgonia.Node) (*gorgonia.Node, error) {
	if n.Op() == nil || !isFloat32(n) {
		return nil, nil
	}
	if made, err := t.lossRule(n); made != nil || err != nil {
		return made, err
	}
	o := stock(n.Op())
	r := rules[o.kind]
	if r == nil {
		return nil, nil
	}
	return r(t, n, o)
}

// functions are those of one element, by Gorgonia's names.
var functions = map[string]Function{
	"abs": {Kind: Abs}, "sign": {Kind: Sign}, "ceil": {Kind: Ceiling}, "floor": {Kind: Floor}, "sin": {Kind: Sin}, "cos": {Kind: Cos},
	"exp": {Kind: Exp}, "ln": {Kind: Log}, "log2": {Kind: Log2}, "neg": {Kind: Linear, A: -1}, "square": {Kind: Square},
	"sqrt": {Kind: Sqrt}, "inv": {Kind: Reciprocal}, "invSqrt": {Kind: InverseSqrt}, "cube": {Kind: Cube},
	"log1p": {Kind: Log1p}, "expm1": {Kind: Expm1}, "softplus": {Kind: Softplus},
}

func unaryRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	switch o.String() {
	case "tanh":
		return t.activation(Tanh, n, in[0]), nil
	case "sigmoid":
		return t.activation(Sigmoid, n, in[0]), nil
	}
	f, ok := functions[o.String()]
	if !ok {
		return nil, nil
	}
	return t.one(newFunction(in[0], f), n, in[0]), nil
}

func (t *translation) activation(a Activation, n, x *gorgonia.Node) *gorgonia.Node {
	o := &activationOp{activation: a}
	o.core = newCore(o, a.Kind.String(), x.Shape(), 1, x)
	return t.one(o, n, x)
}

var arithmetic = map[string]Arithmetic{
	"+": Plus, "-": Minus, "⊙": Times, "÷": Over, "^": Power,
	"<": Less, ">": Greater, "<=": LessOrEqual, ">=": GreaterOrEqual, "==": Equal, "!=": NotEqual,
}

func binaryRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	how, ok := arithmetic[o.binary()]
	if !ok {
		return nil, nil
	}
	children := childrenOf(n)
	if x, slope, ok := rectified(n); ok {
		in, err := t.node(x)
		if err != nil {
			return nil, err
		}
		if slope == 0 {
			return t.activation(ReLU, n, in), nil
		}
		return t.activation(LeakyReLU(slope), n, in), nil
	}
	if made, err := t.scaledNorm(n); made != nil || err != nil {
		return made, err
	}
	var operands [2]operand
	for i, child := range children {
		x := stretchedOf(child)
		if !isFloat32(x) {
			return nil, nil
		}
		made, err := t.node(x)
		if err != nil {
			return nil, err
		}
		operands[i] = operand{made, x.Shape()}
	}
	x, y, shape := operands[0], operands[1], []int(n.Shape())
	if made, err := t.biased(n, how, x, y); made != nil || err != nil {
		return made, err
	}
	switch size := product(shape); {
	case product(x.shape) == size && product(y.shape) == size:
		x.shape, y.shape = shape, shape
		if how == Plus && slices.Equal(x.node.Shape(), shape) && slices.Equal(y.node.Shape(), shape) {
			add := &addOp{}
			add.core = newCore(add, "add", shape, 2, x.node, y.node)
			return t.one(add, n, x.node, y.node), nil
		}
	default:
		x.shape, y.shape = matching(x.shape, shape), matching(y.shape, shape)
	}
	if got, err := kernel.BroadcastShape(x.shape, y.shape); err != nil || product(got) != product(shape) {
		return nil, nil
	}
	return t.one(newCombine(how, x, y, shape), n, x.node, y.node), nil
}

// matching sees an operand with as many sides as the result: a single number with sides of 1.
func matching(shape, result []int) []int {
	if product(shape) == 1 {
		return slices.Repeat([]int{1}, len(result))
	}
	if product(shape) == product(result) {
		return result
	}
	return shape
}

// rectified recognises how Gorgonia writes ReLU, x ⊙ (x ≥ 0), and its leaky form, x ⊙ (x ≥ 0) + (x ⊙ (x < 0)) ⊙ slope.
func rectified(n *gorgonia.Node) (x *gorgonia.Node, slope float32, ok bool) {
	masked := func(n *gorgonia.Node, operator string) *gorgonia.Node {
		if !isBinary(n, "⊙") {
			return nil
		}
		parts := childrenOf(n)
		for i, mask := range parts {
			if isBinary(mask, operator) {
				if zero, ok := number(childrenOf(mask)[1]); ok && zero == 0 && childrenOf(mask)[0] == parts[1-i] {
					return parts[1-i]
				}
			}
		}
		return nil
	}
	if x := masked(n, ">="); x != nil {
		return x, 0, true
	}
	if !isBinary(n, "+") {
		return nil, 0, false
	}
	parts := childrenOf(n)
	x = masked(parts[0], ">=")
	if x == nil || !isBinary(parts[1], "⊙") {
		return nil, 0, false
	}
	low := childrenOf(parts[1])
	slope, ok = number(low[1])
	return x, slope, ok && masked(low[0], "<") == x
}

// stretchedOf looks through the repetitions that Gorgonia writes for broadcasting.
func stretchedOf(n *gorgonia.Node) *gorgonia.Node {
	for n.Op() != nil && stock(n.Op()).kind == "repeatOp" {
		x := childrenOf(n)[0]
		along, shape := stock(n.Op()).int("along"), x.Shape()
		if len(shape) != len(n.Shape()) || shape[along] != 1 {
			break
		}
		n = x
	}
	return n
}

// biased makes a sum of a convolution and a number for each channel one convolution with a bias.
func (t *translation) biased(n *gorgonia.Node, how Arithmetic, x, y operand) (*gorgonia.Node, error) {
	for _, p := range [][2]operand{{x, y}, {y, x}} {
		o, ok := p[0].node.Op().(*convOp)
		bias := p[1].shape
		if !ok || how != Plus || len(childrenOf(p[0].node)) > 2 || !slices.Equal(p[0].shape, n.Shape()) ||
			len(bias) != 4 || product(bias) != bias[1] || bias[1] != o.shape.F {
			continue
		}
		b, err := t.inner(newReshape("reshape", p[1].node, []int{o.shape.F}), p[1].node)
		if err != nil {
			return nil, err
		}
		in := childrenOf(p[0].node)
		return t.conv(n, o.shape, in[0], in[1], b), nil
	}
	return nil, nil
}

func (t *translation) conv(n *gorgonia.Node, s kernel.ConvShape, inputs ...*gorgonia.Node) *gorgonia.Node {
	image := !t.active[inputs[0]]
	o := &convOp{shape: s, plain: image && inputs[0].Op() == nil && s.C < kernel.Block}
	o.core = newCore(o, "conv", []int{s.N, s.F, s.OutH(), s.OutW()}, len(inputs), inputs...)
	o.wrt[0] = !image
	return t.one(o, n, inputs...)
}

func productRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	x, y, operator := childrenOf(n)[0].Shape(), childrenOf(n)[1].Shape(), strings.Trim(o.String(), "Aa BbᵀT")
	transX, transY := o.bool("transA"), o.bool("transB")
	matrices := func(xs, ys, batch []int) (*gorgonia.Node, error) {
		if len(xs) != 2 || len(ys) != 2 {
			return nil, nil
		}
		m, k, k2, p := xs[0], xs[1], ys[0], ys[1]
		if transX {
			m, k = k, m
		}
		if transY {
			k2, p = p, k2
		}
		if k != k2 || product(batch)*m*p != n.Shape().TotalSize() {
			return nil, nil
		}
		return t.one(newMatMul(in[0], in[1], transX, transY, m, k, p, batch, batch, batch, n.Shape()), n, in...), nil
	}
	switch operator {
	case "×":
		if len(y) == 1 || product(y) != 0 && len(n.Shape()) == 1 { // a matrix and a vector
			return matrices(x, []int{y.TotalSize(), 1}, nil)
		}
		return matrices(x, y, nil)
	case "×××":
		if len(x) < 2 || len(x) != len(y) {
			return nil, nil
		}
		last := len(x) - 2
		return matrices(x[last:], y[last:], x[:last])
	case "⋅":
		transX, transY = false, false
		return matrices([]int{1, x.TotalSize()}, []int{y.TotalSize(), 1}, nil)
	case "⊗":
		transX, transY = false, false
		return matrices([]int{x.TotalSize(), 1}, []int{1, y.TotalSize()}, nil)
	}
	return nil, nil
}

func reduceRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	x := childrenOf(n)[0].Shape()
	to := slices.Clone([]int(x))
	for _, a := range o.ints("along") {
		if a >= len(to) {
			return nil, nil
		}
		to[a] = 1
	}
	if product(to) != n.Shape().TotalSize() {
		return nil, nil
	}
	how := SumOf
	if o.kind == "maxOp" {
		how = MaxOf
	}
	r := newReduce(how, operand{in[0], x}, to, n.Shape())
	r.shared = true
	return t.one(r, n, in[0]), nil
}

func sizeRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	shape, axis := childrenOf(n)[0].Shape(), o.int("axis")
	switch {
	case len(shape) == 0:
		return t.constant(1), nil
	case axis < len(shape):
		return t.constant(float32(shape[axis])), nil
	}
	return nil, nil
}

func repeatRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	x, shape := childrenOf(n)[0], []int(n.Shape())
	from := slices.Clone([]int(x.Shape()))
	if product(from) == 1 {
		from = slices.Repeat([]int{1}, len(shape))
	}
	along := o.int("along")
	if !isFloat32(x) || len(from) != len(shape) || along >= len(shape) || shape[along]%from[along] != 0 {
		return nil, nil
	}
	in, err := t.node(x)
	if err != nil {
		return nil, err
	}
	// Each element is repeated where it stands: that is along a side of its own.
	to := slices.Clone(shape)
	times := shape[along] / from[along]
	from, to = slices.Insert(from, along+1, 1), slices.Insert(to, along+1, times)
	to[along] /= times
	return t.one(newRepeat(operand{in, from}, to, shape), n, in), nil
}

func reshapeRule(t *translation, n *gorgonia.Node, _ stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	return t.one(newReshape("reshape", in[0], n.Shape()), n, in[0]), nil
}

func transposeRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	if made, err := t.convolution(n, o); made != nil || err != nil {
		return made, err
	}
	in, err := t.all(childrenOf(n))
	if in == nil || len(o.ints("pattern")) != len(n.Shape()) || len(n.Shape()) == 0 {
		return nil, err
	}
	return t.one(newTranspose("transpose", in[0], o.ints("pattern")), n, in[0]), nil
}

// convolution recognises how Gorgonia writes one: Im2Col, a product with the filters as rows, a reshape and this
// transpose.
func (t *translation) convolution(n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	if !slices.Equal(o.ints("pattern"), []int{0, 3, 1, 2}) {
		return nil, nil
	}
	product := only(childrenOf(n)[0], "reshapeOp")
	if product == nil || product.Op() == nil || product.Op().String() != "A × Bᵀ" || stock(product.Op()).kind != "linAlgBinOp" {
		return nil, nil
	}
	patches, filters := only(childrenOf(product)[0], "reshapeOp"), only(childrenOf(product)[1], "reshapeOp")
	if patches == nil || filters == nil {
		return nil, nil
	}
	x := only(patches, "im2colOp")
	if x == nil || len(x.Shape()) != 4 || len(filters.Shape()) != 4 || !isFloat32(filters) {
		return nil, nil
	}
	im, s, f := stock(patches.Op()), x.Shape(), filters.Shape()
	shape := kernel.ConvShape{
		N: s[0], C: s[1], H: s[2], W: s[3], F: f[0], KH: im.int("h"), KW: im.int("w"), SH: im.int("strideH"), SW: im.int("strideW"),
		PadT: im.int("padH"), PadB: im.int("padH"), PadL: im.int("padW"), PadR: im.int("padW"),
		DH: im.int("dilationH"), DW: im.int("dilationW"), Groups: 1,
	}
	if shape.Validate() != nil || !slices.Equal(n.Shape(), []int{s[0], f[0], shape.OutH(), shape.OutW()}) || !slices.Equal(f, []int{f[0], s[1], shape.KH, shape.KW}) {
		return nil, nil
	}
	in, err := t.all([]*gorgonia.Node{x, filters})
	if in == nil {
		return nil, err
	}
	return t.conv(n, shape, in...), nil
}

// only returns the input of a node whose op is of that kind, or nil.
func only(n *gorgonia.Node, kind string) *gorgonia.Node {
	if n.Op() == nil || stock(n.Op()).kind != kind {
		return nil
	}
	return childrenOf(n)[0]
}

func sliceRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	x, axis := in[0], o.int("along")
	shape := x.Shape()
	if axis >= len(shape) {
		return nil, nil
	}
	start, end, step := 0, shape[axis], 1
	if s, ok := o.Op.(interface{ IsSlice() tensor.Slice }); ok && s.IsSlice() != nil && s.IsSlice().End() > s.IsSlice().Start() {
		start, end, step = s.IsSlice().Start(), min(end, s.IsSlice().End()), max(1, s.IsSlice().Step())
	}
	cut := newSlice(x, axis, start, (end-start+step-1)/step, step)
	if cut.shape.TotalSize() != n.Shape().TotalSize() {
		return nil, nil
	}
	if slices.Equal(cut.shape, n.Shape()) {
		return t.one(cut, n, x), nil
	}
	picked, err := t.inner(cut, x)
	if err != nil {
		return nil, err
	}
	return t.one(newReshape("reshape", picked, n.Shape()), n, picked), nil
}

func concatRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	axis, shape := o.int("axis"), n.Shape()
	if len(shape) == 4 && axis == 1 {
		c := &concatOp{}
		from := 0
		for _, x := range in {
			c.from = append(c.from, from)
			from += x.Shape()[1]
		}
		c.core = newCore(c, "concat", shape, len(in), in...)
		return t.one(c, n, in...), nil
	}
	return t.one(newJoin(axis, shape, in...), n, in...), nil
}

// pool reads a pooling's window, if it is one of ours: Gorgonia takes four paddings, and then uses two of them.
func (o stockOp) pool(n *gorgonia.Node) (w kernel.Window, ok bool) {
	w = kernel.Window{
		KH: o.int("h"), KW: o.int("w"), SH: o.int("strideH"), SW: o.int("strideW"), CountPad: true,
		PadT: o.int("padNorth"), PadB: o.int("padSouth"), PadL: o.int("padWest"), PadR: o.int("padEast"),
	}
	s := childrenOf(n)[0].Shape()
	if len(s) != 4 || o.bool("explicitPadding") || w.Validate(s[2], s[3]) != nil {
		return w, false
	}
	h, wd := w.Out(s[2], s[3])
	return w, slices.Equal(n.Shape(), []int{s[0], s[1], h, wd})
}

func maxPoolRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	w, ok := o.pool(n)
	in, err := t.all(childrenOf(n))
	if in == nil || !ok || w.ValidateMax(in[0].Shape()[2], in[0].Shape()[3]) != nil {
		return nil, err
	}
	p := &maxPoolOp{window: w}
	p.core = newCore(p, "max pool", n.Shape(), 1, in[0])
	return t.one(p, n, in[0]), nil
}

// avgPoolRule gives what Gorgonia does: it divides a window's sum by the width of the input, not by the number
// of its elements. Who trained with that has weights that fit it.
func avgPoolRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	w, ok := o.pool(n)
	in, err := t.all(childrenOf(n))
	if in == nil || !ok {
		return nil, err
	}
	p := &avgPoolOp{window: w}
	p.core = newCore(p, "average pool", n.Shape(), 1, in[0])
	size, width := w.KH*w.KW, in[0].Shape()[3]
	if size == width {
		return t.one(p, n, in[0]), nil
	}
	mean, err := t.inner(p, in[0])
	if err != nil {
		return nil, err
	}
	return t.one(newFunction(mean, Function{Kind: Linear, A: float32(size) / float32(width)}), n, mean), nil
}

func globalPoolRule(t *translation, n *gorgonia.Node, _ stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil || len(in[0].Shape()) != 4 {
		return nil, err
	}
	p := &globalAvgPoolOp{}
	p.core = newCore(p, "global average pool", n.Shape()[:2], 1, in[0])
	mean, err := t.inner(p, in[0])
	if err != nil {
		return nil, err
	}
	return t.one(newReshape("reshape", mean, n.Shape()), n, mean), nil
}

// softmaxAxis is the axis along which a softmax adds up to 1.
func softmaxAxis(o stockOp, shape tensor.Shape) int {
	switch given := o.int("axis"); {
	case given != -1:
		return given
	case shape.IsColVec() || shape.IsVector() && !shape.IsRowVec():
		return 0
	}
	return len(shape) - 1
}

func softmaxRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil || len(n.Shape()) == 0 {
		return nil, err
	}
	shape := n.Shape()
	last, axis := len(shape)-1, softmaxAxis(o, shape)
	if axis < 0 || axis > last {
		return nil, nil
	}
	x, order := in[0], make([]int, len(shape))
	for i := range order {
		order[i] = i
	}
	order[axis], order[last] = last, axis
	inRows := product(shape[axis+1:]) == 1 // as they lie in memory
	if !inRows {
		if x, err = t.inner(newTranspose("transpose", x, order), x); err != nil {
			return nil, err
		}
	}
	turned := x.Shape()
	rows, err := t.inner(newReshape("reshape", x, []int{product(shape) / shape[axis], shape[axis]}), x)
	if err != nil {
		return nil, err
	}
	var soft op
	if o.bool("isLog") {
		s := &logSoftmaxOp{}
		s.core = newCore(s, "log softmax", rows.Shape(), 1, rows)
		soft = s
	} else {
		s := &softmaxOp{}
		s.core = newCore(s, "softmax", rows.Shape(), 1, rows)
		soft = s
	}
	y, err := t.inner(soft, rows)
	if err != nil {
		return nil, err
	}
	if inRows {
		return t.one(newReshape("reshape", y, shape), n, y), nil
	}
	if y, err = t.inner(newReshape("reshape", y, turned), y); err != nil {
		return nil, err
	}
	return t.one(newTranspose("transpose", y, order), n, y), nil // an exchange of two axes undoes itself
}

func dropoutRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	rate := o.float("probability")
	if rate == 0 || !o.bool("isTraining") {
		return in[0], nil
	}
	if rate < 0 || rate >= 1 {
		return nil, nil
	}
	t.drops++
	d := &dropoutOp{keep: float32(1 - rate), number: t.drops}
	d.core = newCore(d, "dropout", n.Shape(), 1, in[0])
	return t.one(d, n, in[0]), nil
}

func identityRule(t *translation, n *gorgonia.Node, _ stockOp) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(n))
	if in == nil {
		return nil, err
	}
	return in[0], nil
}

func batchNormRule(t *translation, n *gorgonia.Node, o stockOp) (*gorgonia.Node, error) {
	channels := n.Shape()[1]
	ones := slices.Repeat([]float32{1}, channels)
	return t.norm(n, n, t.vector(channels, func() []float32 { return ones }), t.vector(channels, func() []float32 { return make([]float32, channels) }))
}

// scaledNorm recognises scale ⊙ norm + bias with a number for each channel.
func (t *translation) scaledNorm(n *gorgonia.Node) (*gorgonia.Node, error) {
	if !isBinary(n, "+") {
		return nil, nil
	}
	parts := childrenOf(n)
	if !isBinary(parts[0], "⊙") {
		return nil, nil
	}
	factors := childrenOf(parts[0])
	norm, scale, bias := factors[1], stretchedOf(factors[0]), stretchedOf(parts[1])
	if norm.Op() == nil || stock(norm.Op()).kind != "BatchNormOp" || len(n.Shape()) < 2 {
		return nil, nil
	}
	channels := n.Shape()[1]
	for _, x := range []*gorgonia.Node{scale, bias} {
		s := x.Shape()
		if len(s) != len(n.Shape()) || s[1] != channels || product(s) != channels || !isFloat32(x) {
			return nil, nil
		}
	}
	in, err := t.all([]*gorgonia.Node{scale, bias})
	if in == nil {
		return nil, err
	}
	for i, x := range in {
		if in[i], err = t.inner(newReshape("reshape", x, []int{channels}), x); err != nil {
			return nil, err
		}
	}
	return t.norm(n, norm, in[0], in[1])
}

// norm makes the normalisation that stands for n, out of a stock one, a scale and a bias. Both use the stock
// op's running statistics.
func (t *translation) norm(n, norm, scale, bias *gorgonia.Node) (*gorgonia.Node, error) {
	in, err := t.all(childrenOf(norm))
	if in == nil {
		return nil, err
	}
	stockNorm := norm.Op().(*gorgonia.BatchNormOp)
	mean, variance := stockNorm.Stats()
	statistics := func(v tensor.Tensor) *gorgonia.Node {
		return t.vector(n.Shape()[1], func() []float32 { return v.Data().([]float32) })
	}
	x, shape, o := in[0], []int(n.Shape()), stock(norm.Op())
	maps := shape
	if len(shape) == 2 {
		maps = []int{shape[0], shape[1], 1, 1}
		if x, err = t.inner(newReshape("reshape", x, maps), x); err != nil {
			return nil, err
		}
	}
	if len(maps) != 4 {
		return nil, nil
	}
	children := []*gorgonia.Node{x, scale, bias, statistics(mean), statistics(variance)}
	b := &batchNormOp{eps: float32(o.float("epsilon")), momentum: float32(o.float("momentum")), training: o.bool("training")}
	b.core = newCore(b, "batch norm", maps, 3, children...)
	b.wrt[0] = t.active[x]
	if len(shape) == 4 {
		return t.one(b, n, children...), nil
	}
	y, err := t.inner(b, children...)
	if err != nil {
		return nil, err
	}
	return t.one(newReshape("reshape", y, shape), n, y), nil
}
