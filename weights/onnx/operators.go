package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// An operator says how a node is built.
type operator struct {
	build func(c *call) ([]*value, error)
	least int      // inputs that it must have
	attrs []string // attributes that it knows; a node with another one is refused
}

// operators are all that are known, by their names in the standard. A definition that has changed between
// versions is followed in all of them.
var operators map[string]operator

var windowAttrs = []string{"auto_pad", "dilations", "kernel_shape", "pads", "strides"}

func init() { // the table's functions name missing operators by the table
	operators = map[string]operator{
		// Layers.
		"Conv":                  {buildConv, 2, append([]string{"group"}, windowAttrs...)},
		"MaxPool":               {buildMaxPool, 1, append([]string{"ceil_mode", "storage_order"}, windowAttrs...)},
		"AveragePool":           {buildAveragePool, 1, append([]string{"ceil_mode", "count_include_pad"}, windowAttrs...)},
		"GlobalAveragePool":     {buildGlobalPool(true), 1, nil},
		"GlobalMaxPool":         {buildGlobalPool(false), 1, nil},
		"BatchNormalization":    {buildBatchNorm, 5, []string{"consumed_inputs", "epsilon", "is_test", "momentum", "spatial", "training_mode"}},
		"LRN":                   {buildLRN, 1, []string{"alpha", "beta", "bias", "size"}},
		"LayerNormalization":    {buildLayerNorm, 2, []string{"axis", "epsilon", "stash_type"}},
		"ConvTranspose":         {buildConvTranspose, 2, append([]string{"group", "output_padding", "output_shape"}, windowAttrs...)},
		"InstanceNormalization": {buildInstanceNorm, 3, []string{"consumed_inputs", "epsilon"}},
		"GroupNormalization":    {buildGroupNorm, 3, []string{"epsilon", "num_groups", "stash_type"}},
		"Gemm":                  {buildGemm, 2, []string{"alpha", "beta", "broadcast", "transA", "transB"}},
		"MatMul":                {buildMatMul, 2, nil},
		"Dropout":               {buildDropout, 1, []string{"is_test", "ratio", "seed"}},
		"Softmax":               {buildSoftmax(false), 1, []string{"axis"}},
		"LogSoftmax":            {buildSoftmax(true), 1, []string{"axis"}},

		// Functions of one element.
		"Relu":        {activation(graph.ReLU, "relu"), 1, []string{"consumed_inputs"}},
		"Sigmoid":     {activation(graph.Sigmoid, "sigmoid"), 1, []string{"consumed_inputs"}},
		"Tanh":        {activation(graph.Tanh, "tanh"), 1, []string{"consumed_inputs"}},
		"HardSwish":   {activation(graph.HardSwish, "hard-swish"), 1, nil},
		"HardSigmoid": {buildHardSigmoid, 1, []string{"alpha", "beta", "consumed_inputs"}},
		"LeakyRelu":   {buildLeakyRelu, 1, []string{"alpha", "consumed_inputs"}},
		"PRelu":       {buildPRelu, 2, []string{"consumed_inputs"}},
		"Elu":         {buildElu, 1, []string{"alpha", "consumed_inputs"}},
		"Gelu":        {buildGelu, 1, []string{"approximate"}},
		"Clip":        {buildClip, 1, []string{"consumed_inputs", "max", "min"}},
		"Erf":         {function(graph.Erf, "erf"), 1, nil},
		"Sqrt":        {function(graph.Sqrt, "sqrt"), 1, []string{"consumed_inputs"}},
		"Exp":         {function(graph.Exp, "exp"), 1, []string{"consumed_inputs"}},
		"Log":         {function(graph.Log, "log"), 1, []string{"consumed_inputs"}},
		"Abs":         {function(graph.Abs, "abs"), 1, []string{"consumed_inputs"}},
		"Reciprocal":  {function(graph.Reciprocal, "reciprocal"), 1, []string{"consumed_inputs"}},
		"Softplus":    {function(graph.Softplus, "softplus"), 1, nil},
		"Neg":         {func(c *call) ([]*value, error) { v, err := c.linear(c.in[0], -1, 0); return []*value{v}, err }, 1, []string{"consumed_inputs"}},
		"Celu":        {buildCelu, 1, []string{"alpha"}},
		"Selu":        {buildSelu, 1, []string{"alpha", "consumed_inputs", "gamma"}},
		"Mish":        {buildMish, 1, nil},
		"Softsign":    {buildSoftsign, 1, nil},
		"Sin":         {function(graph.Sin, "sin"), 1, nil},
		"Cos":         {function(graph.Cos, "cos"), 1, nil},
		"Sign":        {function(graph.Sign, "sign"), 1, nil},
		"Floor":       {function(graph.Floor, "floor"), 1, []string{"consumed_inputs"}},
		"Ceil":        {function(graph.Ceiling, "ceil"), 1, []string{"consumed_inputs"}},
		"Round":       {function(graph.Round, "round"), 1, nil},

		// Arithmetic.
		"Add": {pairwise(graph.Plus), 2, []string{"axis", "broadcast", "consumed_inputs"}},
		"Sub": {pairwise(graph.Minus), 2, []string{"axis", "broadcast", "consumed_inputs"}},
		"Mul": {pairwise(graph.Times), 2, []string{"axis", "broadcast", "consumed_inputs"}},
		"Div": {pairwise(graph.Over), 2, []string{"axis", "broadcast", "consumed_inputs"}},
		"Mod": {buildMod, 2, []string{"fmod"}},
		"Pow": {pairwise(graph.Power), 2, []string{"axis", "broadcast"}},
		"Sum": {folded(graph.Plus), 1, []string{"consumed_inputs"}},
		"Max": {folded(graph.Most), 1, []string{"consumed_inputs"}},
		"Min": {folded(graph.Least), 1, []string{"consumed_inputs"}},

		"Mean": {buildMean, 1, []string{"consumed_inputs"}},

		"ReduceMean":      {reduction(graph.MeanOf), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceSum":       {reduction(graph.SumOf), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceSumSquare": {buildReduceSumSquare, 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceL1":        {reductionOf(graph.Abs, graph.SumOf, graph.Linear), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceL2":        {reductionOf(graph.Square, graph.SumOf, graph.Sqrt), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceLogSum":    {reductionOf(graph.Linear, graph.SumOf, graph.Log), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceLogSumExp": {buildReduceLogSumExp, 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceProd":      {reduction(productOf), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceMax":       {reduction(graph.MaxOf), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},
		"ReduceMin":       {reduction(graph.MinOf), 1, []string{"axes", "keepdims", "noop_with_empty_axes"}},

		// What moves elements.
		"Identity":     {func(c *call) ([]*value, error) { return c.in[:1], nil }, 1, nil},
		"Reshape":      {buildReshape, 1, []string{"allowzero", "consumed_inputs", "shape"}},
		"Flatten":      {buildFlatten, 1, []string{"axis"}},
		"Squeeze":      {buildSqueeze, 1, []string{"axes"}},
		"Unsqueeze":    {buildUnsqueeze, 1, []string{"axes"}},
		"Transpose":    {buildTranspose, 1, []string{"perm"}},
		"Concat":       {buildConcat, 1, []string{"axis"}},
		"Split":        {buildSplit, 1, []string{"axis", "num_outputs", "split"}},
		"Slice":        {buildSlice, 1, []string{"axes", "ends", "starts"}},
		"Gather":       {buildGather, 2, []string{"axis"}},
		"DepthToSpace": {buildDepthToSpace, 1, []string{"blocksize", "mode"}},
		"SpaceToDepth": {buildSpaceToDepth, 1, []string{"blocksize"}},
		"Pad":          {buildPad, 1, []string{"mode", "paddings", "pads", "value"}},
		"Expand":       {buildExpand, 2, nil},
		"Tile":         {buildTile, 2, nil},
		"Upsample":     {buildUpsample, 1, []string{"height_scale", "mode", "scales", "width_scale"}},
		"Resize": {buildResize, 1, []string{
			"antialias", "axes", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside", "extrapolation_value",
			"keep_aspect_ratio_policy", "mode", "nearest_mode",
		}},

		// What is known when a graph is built.
		"Constant":        {buildConstant, 0, []string{"value", "value_float", "value_floats", "value_int", "value_ints"}},
		"ConstantOfShape": {buildConstantOfShape, 1, []string{"value"}},
		"Shape":           {buildShape, 1, []string{"end", "start"}},
		"Size":            {buildSize, 1, nil},
		"Range":           {buildRange, 3, nil},
		"Cast":            {buildCast, 1, []string{"saturate", "to"}},
		"Equal":           {comparison(graph.Equal, func(x, y float64) bool { return x == y }), 2, []string{"axis", "broadcast"}},
		"Less":            {comparison(graph.Less, func(x, y float64) bool { return x < y }), 2, []string{"axis", "broadcast"}},
		"LessOrEqual":     {comparison(graph.LessOrEqual, func(x, y float64) bool { return x <= y }), 2, nil},
		"Greater":         {comparison(graph.Greater, func(x, y float64) bool { return x > y }), 2, []string{"axis", "broadcast"}},
		"GreaterOrEqual":  {comparison(graph.GreaterOrEqual, func(x, y float64) bool { return x >= y }), 2, nil},
		"And":             {comparison(graph.Times, func(x, y float64) bool { return x != 0 && y != 0 }), 2, nil},
		"Or":              {comparison(graph.Most, func(x, y float64) bool { return x != 0 || y != 0 }), 2, nil},
		"Xor":             {comparison(graph.NotEqual, func(x, y float64) bool { return (x != 0) != (y != 0) }), 2, nil},
		"Not":             {buildNot, 1, nil},
		"Where":           {buildWhere, 3, nil},
		"If":              {buildIf, 1, []string{"else_branch", "then_branch"}},
	}
}

func one(v *value, err error) ([]*value, error) { return []*value{v}, err }

func activation(a graph.Activation, op string) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) { return one(c.activated(c.in[0], a, op)) }
}

func function(kind graph.FunctionKind, op string) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) { return one(c.mapped(c.in[0], graph.Function{Kind: kind}, op)) }
}

// wantKnown refuses inputs that are computed.
func (c *call) wantKnown() error {
	for i, v := range c.in {
		if v != nil && v.t == nil {
			return fmt.Errorf("its input %s is computed from the model's input: that is known for constants alone", c.node.in[i])
		}
	}
	return nil
}

func buildHardSigmoid(c *call) ([]*value, error) {
	alpha, beta := c.float("alpha", 0.2), c.float("beta", 0.5)
	if near(float64(alpha), 1./6) && beta == 0.5 {
		return one(c.activated(c.in[0], graph.HardSigmoid, "hard-sigmoid"))
	}
	v, err := c.linear(c.in[0], float64(alpha), float64(beta))
	if err != nil {
		return nil, err
	}
	return one(c.clipped(v, 0, 1))
}

func buildLeakyRelu(c *call) ([]*value, error) {
	return one(c.activated(c.in[0], graph.LeakyReLU(c.float("alpha", 0.01)), "leaky relu"))
}

func buildElu(c *call) ([]*value, error) {
	return one(c.mapped(c.in[0], graph.Function{Kind: graph.Elu, A: c.float("alpha", 1)}, "elu"))
}

func buildGelu(c *call) ([]*value, error) {
	if how := c.text("approximate", "none"); how != "none" {
		return nil, fmt.Errorf("approximate is %q: none is known", how)
	}
	return one(c.activated(c.in[0], graph.GELU, "gelu"))
}

// buildPRelu is max(x, 0) + slope·min(x, 0). Old files have a slope for each channel, or one for all.
func buildPRelu(c *call) ([]*value, error) {
	x, slope := c.in[0], c.in[1]
	if slope.rank() == 1 && x.rank() > 2 && slope.shape[0] == x.shape[1] && c.m.Opset < 7 {
		var err error
		if slope, err = c.reshape(slope, append([]int{slope.shape[0]}, slices.Repeat([]int{1}, x.rank()-2)...)); err != nil {
			return nil, err
		}
	}
	if common, err := common(x.shape, slope.shape); err != nil || !x.is(common...) {
		return nil, fmt.Errorf("a slope of %s for the shape %s", sides(slope.shape), sides(x.shape))
	}
	positive, err := c.activated(x, graph.ReLU, "relu")
	if err != nil {
		return nil, err
	}
	negative, err := c.clipped(x, math.Inf(-1), 0)
	if err != nil {
		return nil, err
	}
	if slope.t != nil && slope.t.weight && slope.t.size() == 1 { // a weight, though a single number
		slope = &value{shape: slope.shape, n: c.weight(slope, slope.shape, "")}
	}
	if negative, err = c.combined(negative, slope, graph.Times); err != nil {
		return nil, err
	}
	return one(c.combined(positive, negative, graph.Plus))
}

// buildClip reads bounds from attributes or, from version 11 on, from inputs.
func buildClip(c *call) ([]*value, error) {
	low, high := float64(c.float("min", -math.MaxFloat32)), float64(c.float("max", math.MaxFloat32))
	for i, bound := range []*float64{&low, &high} {
		v := c.input(1 + i)
		if v == nil {
			continue
		}
		number, ok := v.single()
		if !ok {
			return c.clipBy()
		}
		*bound = number
	}
	return one(c.clipped(c.in[0], low, high))
}

// clipBy clips by bounds that are computed.
func (c *call) clipBy() ([]*value, error) {
	v := c.in[0]
	for i, a := range []graph.Arithmetic{graph.Most, graph.Least} {
		bound := c.input(1 + i)
		if bound == nil {
			continue
		}
		if product(bound.shape) != 1 {
			return nil, fmt.Errorf("a bound of %s", sides(bound.shape))
		}
		var err error
		if v, err = c.combined(v, bound, a); err != nil {
			return nil, err
		}
	}
	return []*value{v}, nil
}

func (c *construction) clipped(v *value, low, high float64) (*value, error) {
	wide := high >= math.MaxFloat32
	switch {
	case isNaN(low) || isNaN(high):
		return nil, fmt.Errorf("a bound is no number")
	case v.t != nil:
		return c.eachNumber(v, func(x float64) float64 { return min(max(x, low), high) })
	case low == 0 && wide:
		return c.activated(v, graph.ReLU, "relu")
	case low == 0 && high == 6:
		return c.activated(v, graph.ReLU6, "relu6")
	case low <= -math.MaxFloat32 && wide:
		return v, nil
	}
	if low == 0 && high == 1 { // of a hard sigmoid
		if l := v.by("linear"); l != nil && near(l.a, 1./6) && l.b == 0.5 {
			return c.activated(l.of[0], graph.HardSigmoid, "hard-sigmoid")
		}
	}
	return c.mapped(v, graph.Function{Kind: graph.Clip, A: float32(low), B: float32(high)}, "clip")
}

// pairwise is an arithmetic of two inputs. Before version 7 the second one was stretched on request, from
// an axis on.
func pairwise(a graph.Arithmetic) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		x, y := c.in[0], c.in[1]
		if c.int("broadcast", 0) != 0 && c.node.attrs["axis"] != nil {
			at, err := axis(c.int("axis", 0), max(x.rank(), 1))
			if err != nil {
				return nil, err
			}
			if more := x.rank() - at - y.rank(); more > 0 {
				if y, err = c.reshape(y, append(slices.Clone(y.shape), slices.Repeat([]int{1}, more)...)); err != nil {
					return nil, err
				}
			}
		}
		return one(c.combined(x, y, a))
	}
}

// folded is an arithmetic of all inputs.
func folded(a graph.Arithmetic) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		v := c.in[0]
		for i, w := range c.in[1:] {
			if w == nil {
				return nil, fmt.Errorf("its input %d is missing", i+1)
			}
			var err error
			if v, err = c.combined(v, w, a); err != nil {
				return nil, err
			}
		}
		return []*value{v}, nil
	}
}

// reduction is over the axes that the node names.
func reduction(r graph.Reduction) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		list, none, err := c.reducedAxes()
		if err != nil || none {
			return c.in[:1], err
		}
		return one(c.reduced(c.in[0], r, list, c.int("keepdims", 1) != 0))
	}
}

// reducedAxes reads axes from the attribute or, in newer versions, from the second input. None at all are all, or
// none.
func (c *call) reducedAxes() (list []int, none bool, err error) {
	list = c.ints("axes")
	if len(c.in) > 1 {
		if list, err = c.list(1); err != nil {
			return nil, false, err
		}
	}
	if len(list) == 0 {
		if c.int("noop_with_empty_axes", 0) != 0 {
			return nil, true, nil
		}
		for a := range c.in[0].rank() {
			list = append(list, a)
		}
	}
	list, err = axes(list, c.in[0].rank())
	return list, false, err
}

func buildReduceSumSquare(c *call) ([]*value, error) {
	square, err := c.combined(c.in[0], c.in[0], graph.Times)
	if err != nil {
		return nil, err
	}
	c.in = append([]*value{square}, c.in[1:]...)
	return reduction(graph.SumOf)(c)
}

func buildReshape(c *call) ([]*value, error) {
	v, target := c.in[0], c.ints("shape")
	if len(c.in) > 1 {
		var err error
		if target, err = c.list(1); err != nil {
			return nil, err
		}
	}
	if target == nil {
		return nil, fmt.Errorf("it has no shape")
	}
	target = slices.Clone(target)
	if c.stated > 0 && c.batch != c.stated && v.t == nil && len(target) > 0 && target[0] == c.stated && v.rank() > 0 && v.shape[0] == c.batch {
		target[0] = c.batch // it was made for another number of images
	}
	free, rest := -1, 1
	for i, d := range target {
		if d == 0 && c.int("allowzero", 0) == 0 {
			if i >= v.rank() {
				return nil, fmt.Errorf("side %d of the shape %v is kept, of %s", i, target, sides(v.shape))
			}
			target[i] = v.shape[i]
		}
		switch {
		case target[i] == -1 && free < 0:
			free = i
		case target[i] < 0:
			return nil, fmt.Errorf("the shape is %v", target)
		default:
			if rest *= target[i]; rest > most {
				return nil, fmt.Errorf("the shape is %v", target)
			}
		}
	}
	if free >= 0 {
		if rest == 0 || product(v.shape)%rest != 0 {
			return nil, fmt.Errorf("the shape %s does not become %v", sides(v.shape), target)
		}
		target[free] = product(v.shape) / rest
	}
	return one(c.reshape(v, target))
}

func buildFlatten(c *call) ([]*value, error) {
	v, at := c.in[0], c.int("axis", 1)
	if at < 0 {
		at += v.rank()
	}
	if at < 0 || at > v.rank() {
		return nil, fmt.Errorf("axis %d of the shape %s", c.int("axis", 1), sides(v.shape))
	}
	return one(c.reshape(v, []int{product(v.shape[:at]), product(v.shape[at:])}))
}

// axesOf reads axes from the attribute or, from version 13 on, from the second input.
func (c *call) axesOf(rank int) ([]int, error) {
	list := c.ints("axes")
	if len(c.in) > 1 {
		var err error
		if list, err = c.list(1); err != nil {
			return nil, err
		}
	}
	return axes(list, rank)
}

func buildSqueeze(c *call) ([]*value, error) {
	v := c.in[0]
	list, err := c.axesOf(v.rank())
	if err != nil {
		return nil, err
	}
	shape := []int{}
	for a, d := range v.shape {
		gone := slices.Contains(list, a) || list == nil && d == 1
		if gone && d != 1 {
			return nil, fmt.Errorf("axis %d of the shape %s is not 1", a, sides(v.shape))
		}
		if !gone {
			shape = append(shape, d)
		}
	}
	return one(c.reshape(v, shape))
}

func buildUnsqueeze(c *call) ([]*value, error) {
	v, n := c.in[0], len(c.ints("axes"))
	if len(c.in) > 1 {
		list, err := c.list(1)
		if err != nil {
			return nil, err
		}
		n = len(list)
	}
	list, err := c.axesOf(v.rank() + n)
	if err != nil {
		return nil, err
	}
	shape, rest := make([]int, v.rank()+n), v.shape
	for a := range shape {
		if slices.Contains(list, a) {
			shape[a] = 1
		} else {
			shape[a], rest = rest[0], rest[1:]
		}
	}
	return one(c.reshape(v, shape))
}

func buildTranspose(c *call) ([]*value, error) {
	v, order := c.in[0], c.ints("perm")
	if order == nil {
		for a := range v.rank() {
			order = append(order, v.rank()-1-a)
		}
	}
	list, err := axes(order, v.rank())
	if err != nil || len(list) != v.rank() {
		return nil, fmt.Errorf("perm %v of the shape %s", order, sides(v.shape))
	}
	return one(c.transpose(v, list))
}

func buildConcat(c *call) ([]*value, error) {
	for i, v := range c.in {
		if v == nil {
			return nil, fmt.Errorf("its input %d is missing", i)
		}
	}
	at, err := axis(c.int("axis", 1), c.in[0].rank())
	if err != nil {
		return nil, err
	}
	return one(c.concat(c.in, at))
}

func buildSplit(c *call) ([]*value, error) {
	v := c.in[0]
	at, err := axis(c.int("axis", 0), v.rank())
	if err != nil {
		return nil, err
	}
	side, sizes := v.shape[at], c.ints("split")
	if len(c.in) > 1 {
		if sizes, err = c.list(1); err != nil {
			return nil, err
		}
	}
	if sizes == nil {
		n := c.int("num_outputs", len(c.node.out))
		if n < 1 || n != len(c.node.out) || side%n != 0 && c.m.Opset < 18 {
			return nil, fmt.Errorf("a side of %d in %d parts for %d results", side, n, len(c.node.out))
		}
		each := (side + n - 1) / n
		for left := side; len(sizes) < n; left -= each {
			sizes = append(sizes, max(0, min(each, left)))
		}
	}
	sum := 0
	for _, n := range sizes {
		if sum += n; n < 0 || n > side {
			return nil, fmt.Errorf("a side of %d in parts of %v", side, sizes)
		}
	}
	if sum != side || len(sizes) < len(c.node.out) {
		return nil, fmt.Errorf("a side of %d in parts of %v for %d results", side, sizes, len(c.node.out))
	}
	var out []*value
	from := 0
	for i, n := range sizes {
		if i >= len(c.node.out) || c.m.uses[c.node.out[i]] == 0 {
			out = append(out, nil)
		} else {
			part, err := c.part(v, at, from, n)
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		}
		from += n
	}
	return out, nil
}

// part is a run of n places of an axis.
func (c *construction) part(v *value, at, from, n int) (*value, error) {
	places, err := make([][]int, v.rank()), error(nil)
	if places[at], err = c.places(from, 1, n); err != nil {
		return nil, err
	}
	return c.pick(v, 0, places)
}

// counting is n numbers with a step, never nil.
func counting(from, step, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = from + i*step
	}
	return list
}

func buildSlice(c *call) ([]*value, error) {
	v := c.in[0]
	starts, ends, along := c.ints("starts"), c.ints("ends"), c.ints("axes")
	var steps []int
	if len(c.in) > 1 {
		for i, to := range []*[]int{&starts, &ends, &along, &steps} {
			var err error
			if *to, err = c.list(1 + i); err != nil {
				return nil, err
			}
		}
	}
	if along == nil {
		along = counting(0, 1, len(starts))
	}
	along, err := axes(along, v.rank())
	if err != nil {
		return nil, err
	}
	if len(starts) != len(ends) || len(starts) != len(along) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("starts %v, ends %v, axes %v, steps %v", starts, ends, along, steps)
	}
	places := make([][]int, v.rank())
	for i, a := range along {
		side, step := v.shape[a], 1
		if steps != nil {
			step = steps[i]
		}
		start, end := starts[i], ends[i]
		if start < 0 {
			start += side
		}
		if end < 0 {
			end += side
		}
		n := 0
		switch {
		case step == 0:
			return nil, fmt.Errorf("a step is 0")
		case step > 0:
			start, end = min(max(start, 0), side), min(max(end, 0), side)
			n = max(0, (end-start+step-1)/step)
		default:
			start, end = min(max(start, 0), side-1), min(max(end, -1), side-1)
			n = max(0, (start-end-step-1)/-step)
		}
		if places[a], err = c.places(start, step, n); err != nil {
			return nil, err
		}
	}
	s := everySo(v, places)
	r, err := c.pick(v, 0, places)
	if err == nil && r.t == nil && r != v {
		r.sparse = s
	}
	return one(r, err)
}

// everySo finds the slice that takes every so many pixels of maps, down and across.
func everySo(v *value, places [][]int) *sparse {
	if v.rank() != 4 || places[0] != nil || places[1] != nil || len(places[2]) < 2 || places[3] == nil {
		return nil
	}
	stride := places[2][1]
	for a := 2; a < 4; a++ {
		if !slices.Equal(places[a], counting(0, stride, (v.shape[a]+stride-1)/stride)) {
			return nil
		}
	}
	return &sparse{v, stride}
}

func buildGather(c *call) ([]*value, error) {
	v, indices := c.in[0], c.in[1]
	at, err := axis(c.int("axis", 0), v.rank())
	if err != nil {
		return nil, err
	}
	list, err := c.list(1)
	if err != nil {
		return nil, err
	}
	places := make([][]int, v.rank())
	places[at] = make([]int, len(list))
	for i, p := range list {
		if places[at][i], err = axis(p, v.shape[at]); err != nil {
			return nil, fmt.Errorf("place %d of a side of %d", p, v.shape[at])
		}
	}
	shape := slices.Concat(v.shape[:at], indices.shape, v.shape[at+1:])
	picked, err := c.pick(v, 0, places)
	if err != nil {
		return nil, err
	}
	return one(c.reshape(picked, shape))
}

func buildPad(c *call) ([]*value, error) {
	v, pads, fill := c.in[0], c.ints("pads"), c.float("value", 0)
	if pads == nil {
		pads = c.ints("paddings")
	}
	along := counting(0, 1, v.rank())
	if len(c.in) > 1 {
		var err error
		if pads, err = c.list(1); err != nil {
			return nil, err
		}
		if f := c.input(2); f != nil {
			number, ok := f.single()
			if !ok {
				return nil, fmt.Errorf("its value is computed, or not a single number")
			}
			fill = float32(number)
		}
		if c.input(3) != nil {
			list, err := c.list(3)
			if err == nil {
				along, err = axes(list, v.rank())
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if len(pads) != 2*len(along) {
		return nil, fmt.Errorf("%d pads for %d axes", len(pads), len(along))
	}
	mode := c.text("mode", "constant")
	places := make([][]int, v.rank())
	zeros := &padded{from: v, pads: make([]int, max(0, 2*(v.rank()-2)))}
	outer := false
	for i, a := range along {
		before, after, side := pads[i], pads[i+len(along)], v.shape[a]
		if before == 0 && after == 0 {
			continue
		}
		if before+side+after < 0 || before+side+after >= most || before <= -most || after <= -most {
			return nil, fmt.Errorf("pads %v of the shape %s", pads, sides(v.shape))
		}
		if a < 2 || before < 0 || after < 0 {
			outer = true
		} else {
			zeros.pads[a-2], zeros.pads[a-2+v.rank()-2] = before, after
		}
		shape := slices.Clone(v.shape)
		shape[a] = before + side + after
		if _, err := elements(shape); err != nil {
			return nil, err
		}
		list, err := c.places(-before, 1, shape[a])
		if err != nil {
			return nil, err
		}
		for k, p := range list {
			place, err := paddedPlace(mode, p, side)
			if err != nil {
				return nil, err
			}
			list[k] = place
		}
		places[a] = list
	}
	if v.rank() == 4 && v.t == nil && mode == "constant" && fill == 0 {
		if s := c.shortcut(v, places); s != nil {
			return []*value{s}, nil
		}
	}
	r, err := c.pick(v, fill, places)
	if err == nil && r != v && r.t == nil && mode == "constant" && fill == 0 && !outer && v.rank() > 2 {
		r.padded = zeros
	}
	return one(r, err)
}

// shortcut finds the shortcut of residual networks that has no parameters: every so many pixels, between
// maps of zeros (He et al. 2015, section 3.3, option A).
func (c *call) shortcut(v *value, places [][]int) *value {
	if places[1] == nil || places[0] != nil || places[2] != nil || places[3] != nil {
		return nil
	}
	s := sparse{v, 1}
	if v.sparse != nil {
		s = *v.sparse
	}
	channels := len(places[1])
	if slices.Index(places[1], 0) != (channels-v.shape[1])/2 || channels <= v.shape[1] {
		return nil
	}
	r := &value{shape: []int{v.shape[0], channels, v.shape[2], v.shape[3]}, raw: v.raw}
	r.make = func() *value { return made(c.b.Subsample(c.made(s.from), s.stride, channels)) }
	return r
}

// paddedPlace is the place that stands at p of a padded axis, -1 for the fill.
func paddedPlace(mode string, p, side int) (int, error) {
	if p >= 0 && p < side {
		return p, nil
	}
	switch mode {
	case "constant":
		return -1, nil
	case "edge":
		if side > 0 {
			return min(max(p, 0), side-1), nil
		}
	case "reflect":
		if p < 0 {
			p = -p
		} else {
			p = 2*(side-1) - p
		}
		if p >= 0 && p < side {
			return p, nil
		}
	case "wrap":
		if side > 0 {
			return (p%side + side) % side, nil
		}
	default:
		return 0, fmt.Errorf("mode is %q", mode)
	}
	return 0, fmt.Errorf("%s padding goes beyond a side of %d", mode, side)
}

func buildExpand(c *call) ([]*value, error) {
	target, err := c.list(1)
	if err != nil {
		return nil, err
	}
	shape, err := common(c.in[0].shape, target)
	if err != nil {
		return nil, err
	}
	if _, err := elements(shape); err != nil {
		return nil, err
	}
	return one(c.stretched(c.in[0], shape))
}

func buildTile(c *call) ([]*value, error) {
	v := c.in[0]
	times, err := c.list(1)
	if err != nil {
		return nil, err
	}
	if len(times) != v.rank() {
		return nil, fmt.Errorf("repeats %v of the shape %s", times, sides(v.shape))
	}
	shape := slices.Clone(v.shape)
	for a, n := range times {
		if n < 0 || n >= most {
			return nil, fmt.Errorf("repeats %v", times)
		}
		shape[a] *= n
	}
	if _, err := elements(shape); err != nil {
		return nil, err
	}
	places := make([][]int, v.rank())
	for a, n := range times {
		if n == 1 {
			continue
		}
		if places[a], err = c.places(0, 1, shape[a]); err != nil {
			return nil, err
		}
		for i := range places[a] {
			places[a][i] %= v.shape[a]
		}
	}
	return one(c.pick(v, 0, places))
}

func buildConstant(c *call) ([]*value, error) {
	for name, a := range c.node.attrs {
		t := a.tensor
		switch name {
		case "value":
			if t == nil {
				return nil, fmt.Errorf("its value is no tensor")
			}
			if width(t.typ) == 0 {
				return nil, fmt.Errorf("its value is %s, which is not read", typeName(t.typ))
			}
			own := *t
			t = &own
			// Exporters that keep weights in nodes give them shapes; numbers of a formula have none.
			t.weight, t.source = isFloat(t.typ), c.node.out[0]
		case "value_float":
			t = &tensor{typ: typeFloat, floats: []float32{a.float}}
		case "value_floats":
			t = &tensor{typ: typeFloat, shape: []int{len(a.floats)}, floats: slices.Clone(a.floats)}
		case "value_int":
			t = &tensor{typ: typeInt64, ints: []int64{a.int}}
		case "value_ints":
			t = &tensor{typ: typeInt64, shape: []int{len(a.ints)}, ints: slices.Clone(a.ints)}
		}
		if t != nil {
			return []*value{known(t)}, nil
		}
	}
	return nil, fmt.Errorf("it has no value")
}

func buildConstantOfShape(c *call) ([]*value, error) {
	shape, err := c.list(0)
	if err != nil {
		return nil, err
	}
	n, err := c.spend(shape)
	if err != nil {
		return nil, err
	}
	fill := &tensor{typ: typeFloat, floats: []float32{0}}
	if a := c.attr("value", attrTensor); a != nil && a.tensor != nil {
		fill = a.tensor
	}
	if fill.size() != 1 {
		return nil, fmt.Errorf("its value has the shape %s", sides(fill.shape))
	}
	r := &tensor{typ: fill.typ, shape: slices.Clone(shape)}
	if isFloat(r.typ) {
		r.floats = slices.Repeat(fill.floats, n)
		// Light models fill their weights so.
		r.weight = n > 1
	} else {
		r.ints = slices.Repeat(fill.ints, n)
	}
	return []*value{known(r)}, nil
}

func whole(shape []int, list ...int) *value {
	t := &tensor{typ: typeInt64, shape: shape, ints: make([]int64, len(list))}
	for i, v := range list {
		t.ints[i] = int64(v)
	}
	return known(t)
}

func buildShape(c *call) ([]*value, error) {
	v := c.in[0]
	bound := func(name string, otherwise int) int {
		at := c.int(name, otherwise)
		if at < 0 {
			at += v.rank()
		}
		return min(max(at, 0), v.rank())
	}
	from, to := bound("start", 0), bound("end", v.rank())
	list := v.shape[from:max(from, to)]
	return []*value{whole([]int{len(list)}, list...)}, nil
}

func buildSize(c *call) ([]*value, error) { return []*value{whole(nil, product(c.in[0].shape))}, nil }

func buildRange(c *call) ([]*value, error) {
	var numbers [3]float64
	for i := range numbers {
		number, ok := c.in[i].single()
		if !ok || isNaN(number) {
			return nil, fmt.Errorf("its input %d is computed, or not a single number", i)
		}
		numbers[i] = number
	}
	count := math.Ceil((numbers[1] - numbers[0]) / numbers[2])
	if numbers[2] == 0 || isNaN(count) || count >= most {
		return nil, fmt.Errorf("from %g to %g by %g", numbers[0], numbers[1], numbers[2])
	}
	n, err := c.spend([]int{max(0, int(count))})
	if err != nil {
		return nil, err
	}
	t := &tensor{typ: c.in[0].t.typ, shape: []int{n}}
	for i := range n {
		v := numbers[0] + float64(i)*numbers[2]
		if isFloat(t.typ) {
			t.floats = append(t.floats, float32(v))
		} else {
			t.ints = append(t.ints, int64(v))
		}
	}
	return []*value{known(t)}, nil
}

// buildCast changes the type of what is known. What is computed is float32 throughout.
func buildCast(c *call) ([]*value, error) {
	v, to := c.in[0], int64(c.int("to", 0))
	if a := c.node.attrs["to"]; a != nil && a.text != "" { // of version 6 and before
		return nil, fmt.Errorf("its type is %q", a.text)
	}
	if width(to) == 0 {
		return nil, fmt.Errorf("to %s, which is not known", typeName(to))
	}
	if v.t == nil {
		if to == typeBool {
			zero := known(&tensor{typ: typeFloat, floats: []float32{0}})
			return one(c.combined(v, zero, graph.NotEqual))
		}
		if !isFloat(to) {
			return nil, fmt.Errorf("to %s, of a value that is computed: that is known for constants alone", typeName(to))
		}
		return []*value{v}, nil
	}
	if isFloat(to) && isFloat(v.t.typ) {
		t := *v.t
		t.typ = to
		return []*value{known(&t)}, nil
	}
	if _, err := c.spend(v.shape); err != nil {
		return nil, err
	}
	c.needs(v.t)
	t := &tensor{typ: to, shape: v.t.shape}
	for i := range v.t.size() {
		switch {
		case isFloat(to):
			t.floats = append(t.floats, float32(v.t.ints[i]))
		case to == typeBool:
			t.ints = append(t.ints, truth(v.t.number(i) != 0))
		case isFloat(v.t.typ):
			t.ints = append(t.ints, int64(v.t.floats[i]))
		default:
			t.ints = append(t.ints, v.t.ints[i])
		}
	}
	return []*value{known(t)}, nil
}

func truth(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

// comparison gives truth values: of what is computed, ones and zeros.
func comparison(a graph.Arithmetic, f func(x, y float64) bool) func(c *call) ([]*value, error) {
	return func(c *call) ([]*value, error) {
		if c.in[0].t == nil || c.in[1].t == nil {
			return pairwise(a)(c)
		}
		return c.together(c.in[:2], typeBool, func(n []float64) float64 { return float64(truth(f(n[0], n[1]))) })
	}
}

// buildMod is the rest of a division of what is known: of the divisor's sign or, as C has it, of the dividend's.
func buildMod(c *call) ([]*value, error) {
	if err := c.wantKnown(); err != nil {
		return nil, err
	}
	zero := false
	for i := range c.in[1].t.size() {
		zero = zero || c.in[1].t.number(i) == 0
	}
	if zero && !isFloat(c.in[1].t.typ) {
		return nil, fmt.Errorf("division by zero")
	}
	return c.together(c.in[:2], c.in[0].t.typ, func(n []float64) float64 {
		rest := math.Mod(n[0], n[1])
		if c.int("fmod", 0) == 0 && rest != 0 && (rest < 0) != (n[1] < 0) {
			rest += n[1]
		}
		return rest
	})
}

func buildNot(c *call) ([]*value, error) {
	if c.in[0].t == nil {
		return one(c.linear(c.in[0], -1, 1))
	}
	return c.together(c.in[:1], typeBool, func(n []float64) float64 { return 1 - n[0] })
}

func buildWhere(c *call) ([]*value, error) {
	if slices.ContainsFunc(c.in[:3], func(v *value) bool { return v.t == nil }) {
		return c.chosen()
	}
	return c.together(c.in[:3], c.in[1].t.typ, func(n []float64) float64 {
		if n[0] != 0 {
			return n[1]
		}
		return n[2]
	})
}

// chosen chooses among values of which some are computed.
func (c *call) chosen() ([]*value, error) {
	var shape []int
	for _, v := range c.in[:3] {
		var err error
		if shape, err = common(shape, v.shape); err != nil {
			return nil, err
		}
	}
	var in [3]*value
	for i, v := range c.in[:3] {
		var err error
		if in[i], err = c.stretched(v, shape); err != nil {
			return nil, err
		}
	}
	v := &value{shape: shape}
	v.make = func() *value { return made(c.b.Where(c.made(in[0]), c.made(in[1]), c.made(in[2]))) }
	return []*value{v}, nil
}

// together computes a function of up to three tensors that are stretched to one shape.
func (c *call) together(in []*value, typ int64, f func(n []float64) float64) ([]*value, error) {
	if err := c.wantKnown(); err != nil {
		return nil, err
	}
	shape := in[0].shape
	for _, v := range in[1:] {
		var err error
		if shape, err = common(shape, v.shape); err != nil {
			return nil, err
		}
	}
	if _, err := c.spend(shape); err != nil {
		return nil, err
	}
	n := product(shape)
	rows := make([][]float64, n)
	for _, v := range in {
		c.needs(v.t)
		i := 0
		strided(shape, stretch(v.shape, shape), func(at int) {
			rows[i] = append(rows[i], v.t.number(at))
			i++
		})
	}
	t := &tensor{typ: typ, shape: shape}
	for _, row := range rows {
		if isFloat(typ) {
			t.floats = append(t.floats, float32(f(row)))
		} else {
			t.ints = append(t.ints, int64(f(row)))
		}
	}
	return []*value{known(t)}, nil
}
