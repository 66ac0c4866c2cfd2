package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
)

// index visits the places of a shape in order.
func index(shape []int, visit func(i []int)) {
	i := make([]int, len(shape))
	for range product(shape) {
		visit(i)
		for a := len(shape) - 1; a >= 0; a-- {
			if i[a]++; i[a] < shape[a] {
				break
			}
			i[a] = 0
		}
	}
}

// element is that of x at a place; places before the first axis are left out, and those on an axis of 1 are 0.
func element(x ref, i []int) *float64 {
	at := 0
	for a, d := range x.shape {
		p := i[a+len(i)-len(x.shape)]
		if d == 1 {
			p = 0
		}
		at = at*d + p
	}
	return &x.data[at]
}

func made(shape []int, f func(i []int) float64) ref {
	out := newRef(shape...)
	at := 0
	index(shape, func(i []int) { out.data[at] = f(i); at++ })
	return out
}

// The ops on arrays of any shape.
func arrayOpCases() []opCase {
	cases := []opCase{
		{"slices with steps, one of them backwards", []int{3, 5, 7}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Pick(x, 0, []int{2, 0}, nil, []int{6, 4, 2})
		}, func(x ref, _ []ref) ref {
			return made([]int{2, 5, 3}, func(i []int) float64 { return *element(x, []int{2 - 2*i[0], i[1], 6 - 2*i[2]}) })
		}},
		{"padding, and places that are picked twice", []int{2, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Pick(x, 0.5, nil, []int{-1, 0, 1, 2, 2}, []int{-1, -1, 0, 1, 2, 3, -1})
		}, func(x ref, _ []ref) ref {
			return made([]int{2, 5, 7}, func(i []int) float64 {
				if i[1] == 0 || i[2] < 2 || i[2] > 5 {
					return 0.5
				}
				return *element(x, []int{i[0], min(i[1]-1, 2), i[2] - 2})
			})
		}},
		{"picks along the first axis", []int{4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Pick(x, 0, []int{3, 3, 1})
		}, func(x ref, _ []ref) ref { return ref{[]int{3}, []float64{x.data[3], x.data[3], x.data[1]}} }},
		{"linear resampling", []int{2, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Resample(x, 1, [][]Tap{{{0, 1}}, {{0, 0.25}, {1, 0.75}}, {}, {{2, 2}, {0, -1}}})
		}, func(x ref, _ []ref) ref {
			return made([]int{2, 4, 4}, func(i []int) float64 {
				v := func(place int) float64 { return *element(x, []int{i[0], place, i[2]}) }
				return [...]float64{v(0), 0.25*v(0) + 0.75*v(1), 0, 2*v(2) - v(0)}[i[1]]
			})
		}},
		{"transpose", []int{2, 3, 4, 5}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Transpose(x, 3, 0, 2, 1) }, func(x ref, _ []ref) ref {
			return made([]int{5, 2, 4, 3}, func(i []int) float64 { return *element(x, []int{i[1], i[3], i[2], i[0]}) })
		}},
		{"transpose that leaves the last axis", []int{2, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Transpose(x, 1, 0, 2) }, func(x ref, _ []ref) ref {
			return made([]int{3, 2, 4}, func(i []int) float64 { return *element(x, []int{i[1], i[0], i[2]}) })
		}},
		{"channel shuffle in three groups, then a slice of channels", []int{2, 21, 3, 2}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			places := make([]int, 10)
			for i := range places {
				places[i] = 5 + i
			}
			return b.Pick(b.ChannelShuffle(x, 3), 0, nil, places, nil, nil)
		}, func(x ref, _ []ref) ref {
			return made([]int{2, 10, 3, 2}, func(i []int) float64 {
				c := i[1] + 5
				return x.at(i[0], c%3*7+c/3, i[2], i[3])
			})
		}},
		{"where a comparison with a number holds", []int{2, 17, 3, 2}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			half := b.Values("half", []float32{0.5})
			return b.Where(b.Combine(x, half, Greater), b.Apply(x, Function{Kind: Square}), b.Combine(b.Apply(x, Function{Kind: Linear}), half, Minus))
		}, func(x ref, _ []ref) ref {
			return x.apply(func(v float64) float64 {
				if v > 0.5 {
					return v * v
				}
				return -0.5
			})
		}},
		{"where one value is below another", []int{4, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			y := b.Param("y", Constant(0), 4, 3)
			return b.Where(b.Combine(x, y, LessOrEqual), b.Tanh(x), b.Combine(x, y, Times))
		}, func(x ref, p []ref) ref {
			return made([]int{4, 3}, func(i []int) float64 {
				v, y := *element(x, i), *element(p[0], i)
				if v <= y {
					return math.Tanh(v)
				}
				return v * y
			})
		}},
		{"reshape", []int{2, 6, 2, 2}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Reshape(x, 4, 3, 4) }, func(x ref, _ []ref) ref {
			return ref{[]int{4, 3, 4}, x.data}
		}},
		{"matrix product with stretched matrices", []int{2, 1, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.MatMul(x, b.Param("y", Constant(0), 3, 4, 5))
		}, func(x ref, p []ref) ref {
			return made([]int{2, 3, 3, 5}, func(i []int) float64 {
				sum := 0.0
				for k := range 4 {
					sum += *element(x, []int{i[0], 0, i[2], k}) * *element(p[0], []int{i[1], k, i[3]})
				}
				return sum
			})
		}},
		{"log-softmax of the middle axis", []int{2, 5, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.LogSoftmax(x, 1) }, func(x ref, _ []ref) ref {
			return made(x.shape, func(i []int) float64 {
				sum := 0.0
				for k := range 5 {
					sum += math.Exp(*element(x, []int{i[0], k, i[2]}))
				}
				return *element(x, i) - math.Log(sum)
			})
		}},
		{"a gate for each channel of each image", []int{2, 19, 3, 2}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			gate := b.Reshape(b.Activate(b.GlobalAvgPool(x), Sigmoid), 2, 19, 1, 1)
			return b.Combine(b.LRN(x, 3, 1, 0.2, 0.6), gate, Times)
		}, func(x ref, _ []ref) ref {
			y := refLRN(x, 3, 1, 0.2, 0.6)
			return made(x.shape, func(i []int) float64 {
				sum := 0.0
				for p := range 6 {
					sum += x.at(i[0], i[1], p/2, p%2)
				}
				return *element(y, i) / (1 + math.Exp(-sum/6))
			})
		}},
		{"a convolution with filters that are computed", []int{4, 3, 3, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.ConvWith(b.Param("image", Constant(0), 1, 3, 6, 5), b.Activate(x, Tanh), b.Param("bias", Constant(0), 4), "c", Pads(1, 0, 2, 0), Strides(2, 1))
		}, func(x ref, p []ref) ref {
			return refConv(p[0], x.apply(math.Tanh), p[1].data, geometry{3, 3, 2, 1, 1, 2, 1, 1, 1, 3, 5})
		}},
		{"a fully connected layer with weights that are computed", []int{3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.DenseWith(b.Param("row", Constant(0), 2, 4), b.Activate(x, Tanh), nil, "d")
		}, func(x ref, p []ref) ref {
			return made([]int{2, 3}, func(i []int) float64 {
				sum := 0.0
				for k := range 4 {
					sum += p[0].data[i[0]*4+k] * math.Tanh(x.data[i[1]*4+k])
				}
				return sum
			})
		}},
		{"a constant", []int{2, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Combine(x, b.Values("numbers", []float32{1, -2, 3}, 3), Times)
		}, func(x ref, _ []ref) ref {
			return made(x.shape, func(i []int) float64 { return *element(x, i) * [...]float64{1, -2, 3}[i[1]] })
		}},
	}
	for a := range arithmetics {
		for _, shape := range [][]int{{2, 3, 4}, {3, 1}, {1}, {}, {5, 1, 3, 4}} {
			cases = append(cases, opCase{fmt.Sprintf("%v with %s", a, dims(shape)), []int{2, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
				// Positive, and never equal, so that every kind is smooth.
				x = b.Apply(b.Activate(x, Tanh), Function{Kind: Linear, A: 0.5, B: 2})
				if len(shape) == 0 {
					return b.Combine(x, b.Values("y", []float32{0.75}), a)
				}
				return b.Combine(x, b.Apply(b.Activate(b.Param("y", Constant(0), shape...), Tanh), Function{Kind: Linear, A: 0.25, B: 0.75}), a)
			}, func(x ref, p []ref) ref {
				x = x.apply(func(v float64) float64 { return 0.5*math.Tanh(v) + 2 })
				y := ref{nil, []float64{0.75}}
				if len(p) > 0 {
					y = p[0].apply(func(v float64) float64 { return 0.25*math.Tanh(v) + 0.75 })
				}
				out := x.shape
				if len(shape) > 3 {
					out = []int{5, 2, 3, 4}
				}
				return made(out, func(i []int) float64 {
					v, w := *element(x, i), *element(y, i)
					return [...]float64{v + w, v - w, v * w, v / w, math.Pow(v, w), max(v, w), min(v, w)}[a]
				})
			}})
		}
	}
	cases = append(cases, opCase{"the larger of numbers on both sides", []int{3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
		return b.Combine(x, b.Param("y", Constant(0), 4), Most)
	}, func(x ref, p []ref) ref {
		return made(x.shape, func(i []int) float64 { return max(*element(x, i), *element(p[0], i)) })
	}})
	functions := map[FunctionKind]func(v float64) float64{
		Linear: func(v float64) float64 { return 1.5*v - 0.25 },
		Clip:   func(v float64) float64 { return min(max(v, 1.5), -0.25) },
		Abs:    math.Abs, Exp: math.Exp, Log: math.Log, Sqrt: math.Sqrt, Erf: math.Erf,
		Reciprocal: func(v float64) float64 { return 1 / v },
		Elu: func(v float64) float64 {
			if v > 0 {
				return v
			}
			return 1.5 * (math.Exp(v) - 1)
		},
		Softplus: func(v float64) float64 { return math.Log(1 + math.Exp(v)) },
		Sign:     func(v float64) float64 { return math.Copysign(1, v) },
		Ceiling:  math.Ceil, Floor: math.Floor, Sin: math.Sin, Cos: math.Cos, Log2: math.Log2, Log1p: math.Log1p, Expm1: math.Expm1, Round: math.RoundToEven,
		Square:      func(v float64) float64 { return v * v },
		Cube:        func(v float64) float64 { return v * v * v },
		InverseSqrt: func(v float64) float64 { return 1 / math.Sqrt(v) },
	}
	for k := range functionKinds {
		f := Function{Kind: k}
		switch k {
		case Linear:
			f.A, f.B = 1.5, -0.25
		case Clip:
			f.A, f.B = -0.25, 1.5
		case Elu:
			f.A = 1.5
		}
		positive := slices.Contains([]FunctionKind{Log, Log2, Log1p, Sqrt, InverseSqrt, Reciprocal}, k)
		cases = append(cases, opCase{k.String(), []int{2, 17, 2, 3}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			if positive {
				x = b.Apply(b.Activate(x, Tanh), Function{Kind: Linear, A: 0.5, B: 1})
			}
			return b.Apply(x, f)
		}, func(x ref, _ []ref) ref {
			return x.apply(func(v float64) float64 {
				if positive {
					v = 0.5*math.Tanh(v) + 1
				}
				if k == Clip {
					return max(min(v, 1.5), -0.25)
				}
				return functions[k](v)
			})
		}})
	}
	for r := range reductions {
		for _, axes := range [][]int{{1}, {0, 2}, {0, 1, 2}, {2}} {
			cases = append(cases, opCase{fmt.Sprintf("%v over %v", r, axes), []int{2, 3, 4}, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
				return b.Reduce(x, r, axes...)
			}, func(x ref, _ []ref) ref {
				shape := slices.Clone(x.shape)
				for _, a := range axes {
					shape[a] = 1
				}
				lists := map[*float64][]float64{}
				out := newRef(shape...)
				index(x.shape, func(i []int) {
					p := element(out, i)
					lists[p] = append(lists[p], *element(x, i))
				})
				for p, list := range lists {
					*p = [...]float64{mean(list), mean(list) * float64(len(list)), slices.Max(list), slices.Min(list)}[r]
				}
				return out
			}})
		}
	}
	return append(cases, volumeCases()...)
}

// volumeCases walk windows over volumes whose sides, strides, paddings and dilations all differ.
func volumeCases() []opCase {
	v := Volume{Size: [3]int{2, 3, 2}, Stride: [3]int{1, 2, 1}, Dilation: [3]int{1, 1, 2}, Before: [3]int{1, 0, 1}, After: [3]int{0, 2, 1}}
	in := []int{2, 4, 3, 4, 5}
	out := [3]int{3, 2, 5}
	window := func(x ref, i []int, visit func(tap [3]int, at []int, inside bool)) {
		index(v.Size[:], func(k []int) {
			at, inside := []int{i[0], i[1], 0, 0, 0}, true
			for a := range 3 {
				at[2+a] = i[2+a]*v.Stride[a] - v.Before[a] + k[a]*v.Dilation[a]
				inside = inside && at[2+a] >= 0 && at[2+a] < x.shape[2+a]
			}
			visit([3]int(k), at, inside)
		})
	}
	pool := func(name string, count bool, build func(b *Builder, x *gorgonia.Node, v Volume) *gorgonia.Node, take func(inside []float64, all int) float64) opCase {
		return opCase{name, in, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			v := v
			v.CountPad = count
			return build(b, x, v)
		}, func(x ref, _ []ref) ref {
			return made([]int{2, 4, out[0], out[1], out[2]}, func(i []int) float64 {
				var list []float64
				all := 0
				window(x, i, func(_ [3]int, at []int, inside bool) {
					all++
					if inside {
						list = append(list, *element(x, at))
					}
				})
				return take(list, all)
			})
		}}
	}
	return []opCase{
		{"convolution of volumes in groups", in, func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.Conv3DWith(x, b.Param("w", Constant(0), 6, 2, 2, 3, 2), b.Param("b", Constant(0), 6), "c", v, 2)
		}, func(x ref, p []ref) ref {
			return made([]int{2, 6, out[0], out[1], out[2]}, func(i []int) float64 {
				sum := p[1].data[i[1]]
				window(x, i, func(k [3]int, at []int, inside bool) {
					for c := 0; inside && c < 2; c++ {
						at[1] = i[1]/3*2 + c
						sum += *element(x, at) * *element(p[0], []int{i[1], c, k[0], k[1], k[2]})
					}
				})
				return sum
			})
		}},
		pool("max pool of volumes", false, (*Builder).MaxPool3D, func(list []float64, _ int) float64 { return slices.Max(list) }),
		pool("average of volumes without padding", false, (*Builder).AvgPool3D, func(list []float64, _ int) float64 { return mean(list) }),
		pool("average of volumes with padding", true, (*Builder).AvgPool3D, func(list []float64, all int) float64 { return mean(list) * float64(len(list)) / float64(all) }),
	}
}

func TestArrayOpsAndTheirGradientsMatchStraightLoops(t *testing.T) {
	for _, c := range arrayOpCases() {
		t.Run(c.name, func(t *testing.T) {
			g := c.make(t)
			want, grads := c.expect(g)
			if got := g.y.Shape(); !slices.Equal([]int(got), want.shape) {
				t.Fatalf("the result's shape is %v, want %v", got, want.shape)
			}
			g.compare(t, "session", g.session(t, Config{}), want, grads)
			g.compare(t, "session without a plan", g.session(t, Config{NoPlan: true}), want, grads)
			g.compare(t, "tape machine", g.tape(t), want, grads)
		})
	}
}

// A mean over windows that hang over the edge divides by the pixels that are there, and by the padding.
// By hand: the slopes of x^y are y·x^(y-1) and x^y·ln x, the second where x is positive; equals share an extreme's.
func TestSlopesOfPowersAndExtremes(t *testing.T) {
	const ln2, ln3 = 0.6931472, 1.0986123
	for _, c := range []struct {
		a            Arithmetic
		x, y, dx, dy float32
	}{
		{Power, 2, 3, 12, 8 * ln2}, {Power, 3, -1, -1. / 9, ln3 / 3}, {Power, -2, 2, -4, 0}, {Power, -2, -1, -0.25, 0},
		{Power, 2, 0, 0, ln2}, {Power, 0, 0, 0, 0}, {Power, 0, 1, 1, 0}, {Power, 0, 2, 0, 0}, {Power, 4, 0.5, 0.25, 4 * ln2},
		{Most, 3, 2, 1, 0}, {Most, -3, 2, 0, 1}, {Most, 2, 2, 0.5, 0.5}, {Least, 3, 2, 0, 1}, {Least, -3, 2, 1, 0}, {Least, 2, 2, 0.5, 0.5},
	} {
		dx, dy := c.a.slopes(c.x, c.y)
		if math.Abs(float64(dx-c.dx)) > 1e-6 || math.Abs(float64(dy-c.dy)) > 2e-6 {
			t.Errorf("%v of %v and %v: slopes %v and %v, want %v and %v", c.a, c.x, c.y, dx, dy, c.dx, c.dy)
		}
	}
}

func TestMeansOfWindowsThatHangOver(t *testing.T) {
	for _, tt := range []struct {
		x                []float32
		stride, dilation int
		countPad         bool
		want             []float32
	}{
		{[]float32{1, 2, 3, 4}, 2, 1, false, []float32{1.5, 3, 4}}, // 1 2 | 2 3 4 | 4
		{[]float32{1, 2, 3, 4}, 2, 1, true, []float32{1, 3, 2}},    // 0 1 2 | 2 3 4 | 4 0
		{[]float32{1, 2, 3, 4, 5}, 3, 2, false, []float32{3, 4}},   // 2 4 | 3 5
		{[]float32{1, 2, 3, 4, 5}, 3, 2, true, []float32{2, 4}},    // 0 2 4 | 3 5
	} {
		b := NewBuilder(NewParams(), Eval)
		x := b.Input("x", 1, 1, 1, 1, len(tt.x))
		y := b.AvgPool3D(x, Volume{
			Size: [3]int{1, 1, 3}, Stride: [3]int{1, 1, tt.stride}, Dilation: [3]int{1, 1, tt.dilation}, Before: [3]int{0, 0, 1}, After: [3]int{0, 0, 1}, Ceil: true, CountPad: tt.countPad,
		})
		s, err := Compile(b, []*gorgonia.Node{y}, Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Bind(x, tt.x); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if got := s.Value(y); !slices.Equal(got, tt.want) {
			t.Errorf("%v, dilated %d, counting padding %v: %v, want %v", tt.x, tt.dilation, tt.countPad, got, tt.want)
		}
	}
}

// In evaluation, filters that are computed from the input are packed anew at every run.
func TestComputedFiltersAreNotKept(t *testing.T) {
	b := NewBuilder(NewParams(), Eval)
	x, w := b.Input("x", 1, 16, 8, 8), b.Input("w", 16, 16, 3, 3)
	y := b.ConvWith(x, w, nil, "c")
	s, err := Compile(b, []*gorgonia.Node{y}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	image, filters := make([]float32, 16*64), make([]float32, 16*16*9)
	for _, v := range []float32{1, 2} {
		for i := range image {
			image[i] = 1
		}
		for i := range filters {
			filters[i] = v
		}
		if err := s.Bind(x, image); err != nil {
			t.Fatal(err)
		}
		if err := s.Bind(w, filters); err != nil {
			t.Fatal(err)
		}
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		if got := s.Value(y)[0]; math.Abs(float64(got-v*144)) > 1e-2 {
			t.Errorf("with filters of %g the sum is %g, want %g", v, got, v*144)
		}
	}
}

func TestArrayOpsRefuse(t *testing.T) {
	for _, tt := range []struct {
		want  string
		build func(b *Builder, x *gorgonia.Node) *gorgonia.Node
	}{
		{"place 3 on an axis of 3", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Pick(x, 0, nil, []int{3}) }},
		{"1 lists of places", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Pick(x, 0, nil) }},
		{"nothing is picked from axis 1", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Pick(x, 0, nil, []int{}) }},
		{"axis 2 of the shape 2×3", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Resample(x, 2, [][]Tap{{}}) }},
		{"reads place -1 of 3", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Resample(x, 1, [][]Tap{{{-1, 1}}}) }},
		{"no order of the 2 axes", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Transpose(x, 0, 0) }},
		{"no order of the 2 axes", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Transpose(x, 0) }},
		{"2×3 has 6 elements, 5 has 5", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Reshape(x, 5) }},
		{"at least 1", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Reshape(x, -6) }},
		{"shapes 2×3 and 3×2 differ", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Where(x, x, b.Input("y", 3, 2)) }},
		{"2×3 and 2 do not go together", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Combine(x, b.Input("y", 2), Plus) }},
		{"matrices 2×3 and 2×3", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.MatMul(x, x) }},
		{"axis -1 of the shape 2×3", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Reduce(x, MeanOf, -1) }},
		{"no function 99", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.Apply(x, Function{Kind: 99}) }},
		{"weights 4×2 for rows of 3", func(b *Builder, x *gorgonia.Node) *gorgonia.Node { return b.DenseWith(x, b.Input("w", 4, 2), nil, "d") }},
		{"2 biases for 4 outputs", func(b *Builder, x *gorgonia.Node) *gorgonia.Node {
			return b.DenseWith(x, b.Input("w", 4, 3), b.Input("b", 2), "d")
		}},
		{"filters 4×2×1×1 for 3 channels in 1 groups", func(b *Builder, _ *gorgonia.Node) *gorgonia.Node {
			return b.ConvWith(b.Input("m", 1, 3, 2, 2), b.Input("w", 4, 2, 1, 1), nil, "c")
		}},
		{"lies in the padding", func(b *Builder, _ *gorgonia.Node) *gorgonia.Node {
			one := [3]int{1, 1, 1}
			return b.MaxPool3D(b.Input("v", 1, 1, 2, 2, 2), Volume{Size: one, Stride: one, Dilation: one, Before: one})
		}},
		{"too small for a window of 3", func(b *Builder, _ *gorgonia.Node) *gorgonia.Node {
			one := [3]int{1, 1, 1}
			return b.AvgPool3D(b.Input("v", 1, 1, 2, 2, 2), Volume{Size: [3]int{3, 1, 1}, Stride: one, Dilation: one})
		}},
		{"no input", func(b *Builder, _ *gorgonia.Node) *gorgonia.Node { return b.Transpose(nil, 0) }},
	} {
		b := NewBuilder(NewParams(), Eval)
		if y := tt.build(b, b.Input("x", 2, 3)); y != nil || b.Err() == nil || !strings.Contains(b.Err().Error(), tt.want) {
			t.Errorf("error %v does not say %q", b.Err(), tt.want)
		}
	}
}
