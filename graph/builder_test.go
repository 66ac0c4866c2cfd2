package graph

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Whatever is passed to a method of a Builder, what is wrong with it is an error, never a panic. The table
// is the methods themselves: those that are added are tried as well.
func TestNothingMakesABuilderPanic(t *testing.T) {
	other := NewBuilder(NewParams(), Train)
	foreign := other.Input("x", 2, 3, 4, 5)
	nodes := func(b *Builder) []*gorgonia.Node {
		conv := b.Conv(b.Input("c", 2, 3, 6, 6), "c", 4, 3)
		return []*gorgonia.Node{
			nil, foreign, conv, b.Input("scalar-like", 1), b.Input("row", 7), b.Input("rows", 2, 7), b.Input("cube", 2, 3, 4), b.Input("maps", 2, 3, 6, 5),
			b.Input("five", 2, 3, 4, 5, 6), gorgonia.NewScalar(b.g, tensor.Float32, gorgonia.WithName("s")),
			gorgonia.NewTensor(b.g, tensor.Float64, 4, gorgonia.WithShape(2, 3, 4, 5), gorgonia.WithName("double")),
			gorgonia.NewTensor(b.g, tensor.Float32, 2, gorgonia.WithName("shapeless")),
		}
	}
	texts := []string{"", "name", "c"}
	numbers := []int{-1, 0, 1, 2, 3, 1 << 40, math.MaxInt}
	floats := []float64{-1, 0, 0.5, 1, math.Inf(1), math.NaN()}
	options := [][]Opt{nil, {nil}, {Kernel(0, -1)}, {Kernel(2, 1<<40)}, {Stride(0)}, {Pad(-1)}, {Pad(1 << 40)}, {Dilation(0)}, {Groups(0)}, {Groups(-3)}, {Groups(3)}, {Ceil(), Same()}, {Init(nil, nil)}}
	methods := reflect.TypeFor[*Builder]()
	for i := range methods.NumMethod() {
		m := methods.Method(i)
		t.Run(m.Name, func(t *testing.T) {
			tried := 0
			// values lists what is passed for a parameter.
			values := func(typ reflect.Type, b *Builder, ns []*gorgonia.Node) []reflect.Value {
				var v []reflect.Value
				add := func(x any) { v = append(v, reflect.ValueOf(x).Convert(typ)) }
				switch typ {
				case reflect.TypeFor[*gorgonia.Node]():
					for _, n := range ns {
						v = append(v, reflect.ValueOf(n))
					}
				case reflect.TypeFor[[]*gorgonia.Node]():
					add([]*gorgonia.Node(nil))
					for _, n := range ns {
						add([]*gorgonia.Node{n})
						add([]*gorgonia.Node{ns[2], n})
					}
				case reflect.TypeFor[string]():
					for _, s := range texts {
						add(s)
					}
				case reflect.TypeFor[int]():
					for _, n := range numbers {
						add(n)
					}
				case reflect.TypeFor[[]int]():
					for _, n := range numbers {
						add([]int{n})
						add([]int{2, 3, n, 5})
					}
					add([]int(nil))
					add([]int{math.MaxInt, math.MaxInt})
				case reflect.TypeFor[float32](), reflect.TypeFor[float64]():
					for _, f := range floats {
						add(f)
					}
				case reflect.TypeFor[[]float32]():
					add([]float32(nil))
					add([]float32{float32(math.NaN())})
				case reflect.TypeFor[[][]int]():
					add([][]int(nil))
					add([][]int{nil})
					add([][]int{{0, -1}})
					add([][]int{{0, 2}, {1}})
				case reflect.TypeFor[[][]float32]():
					add([][]float32(nil))
					add([][]float32{{1, 2}, nil})
					add([][]float32{{1, 2, 3, 4, 5, 6, 7}})
				case reflect.TypeFor[Initializer]():
					add(Initializer(nil))
					add(Constant(0))
				case reflect.TypeFor[[]Opt]():
					for _, o := range options {
						add(o)
					}
				case reflect.TypeFor[Activation]():
					for _, a := range []Activation{{}, ReLU, {Kind: 99}, LeakyReLU(float32(math.NaN())), ScaledTanh(0, 0)} {
						add(a)
					}
				case reflect.TypeFor[[][]Tap]():
					add([][]Tap(nil))
					add([][]Tap{nil, {{1, 2}}})
					add([][]Tap{{{math.MaxInt, 1}}})
				case reflect.TypeFor[ReLURule]():
					add(ReLURule(0))
					add(ReLURule(-1))
				case reflect.TypeFor[Arithmetic]():
					add(Times)
					add(Arithmetic(-1))
				case reflect.TypeFor[Reduction]():
					add(MeanOf)
					add(Reduction(99))
				case reflect.TypeFor[Function]():
					add(Function{})
					add(Function{Kind: -1})
				case reflect.TypeFor[ReLURule]():
					add(ExactReLU)
					add(ReLURule(-1))
				case reflect.TypeFor[Volume]():
					one := [3]int{1, 1, 1}
					for _, v := range []Volume{{}, {Size: one, Stride: one, Dilation: one}, {Size: one, Stride: [3]int{0, 1, 1}, Dilation: one}, {Size: [3]int{1 << 40, 1, 1}, Stride: one, Dilation: one, Before: [3]int{math.MaxInt, 0, 0}}} {
						add(v)
					}
				case reflect.TypeFor[[]any]():
					add([]any(nil))
				default:
					t.Fatalf("what to pass for a %v?", typ)
				}
				return v
			}
			first := NewBuilder(NewParams(), Eval)
			counts := []int{}
			for p := 1; p < m.Type.NumIn(); p++ {
				counts = append(counts, len(values(m.Type.In(p), first, nodes(first))))
			}
			// Every value of every parameter, with every value of each other one.
			var all [][]int
			for p := range counts {
				for q := range p {
					for i := range counts[p] {
						for j := range counts[q] {
							for rest := range 3 {
								pick := make([]int, len(counts))
								for k := range pick {
									pick[k] = (7*rest + 2) % counts[k]
								}
								pick[p], pick[q] = i, j
								all = append(all, pick)
							}
						}
					}
				}
			}
			if len(counts) == 1 {
				for i := range counts[0] {
					all = append(all, []int{i})
				}
			}
			if len(counts) == 0 {
				all = [][]int{{}}
			}
			for k, pick := range all {
				b := NewBuilder(NewParams(), []Mode{Eval, Train}[k%2])
				ns := nodes(b)
				if k == 1 || len(all) == 1 { // one that NewBuilder did not make
					b = new(Builder)
				}
				args, said := []reflect.Value{reflect.ValueOf(b)}, []string{}
				for p, i := range pick {
					v := values(m.Type.In(p+1), b, ns)[i]
					args, said = append(args, v), append(said, fmt.Sprintf("%.60v", v))
				}
				func() {
					defer func() {
						if r := recover(); r != nil {
							t.Fatalf("panic of %s(%s): %v", m.Name, strings.Join(said, ", "), r)
						}
					}()
					if m.Type.IsVariadic() {
						m.Func.CallSlice(args)
					} else {
						m.Func.Call(args)
					}
				}()
				tried++
				if slices.Contains([]string{"ConvWith", "Conv3DWith", "DenseWith"}, m.Name) && args[3].IsNil() {
					args[3] = args[1] // a bias may be left out
				}
				bad := slices.ContainsFunc(args, func(v reflect.Value) bool {
					n, ok := v.Interface().(*gorgonia.Node)
					return ok && (n == nil || n == foreign)
				})
				if bad && b.Err() == nil && !slices.Contains([]string{"Grads", "Backward"}, m.Name) {
					t.Fatalf("no error of %s(%s)", m.Name, strings.Join(said, ", "))
				}
			}
			t.Logf("%d calls", tried)
		})
	}
}

func TestErrorsOfABuilderNameTheLayer(t *testing.T) {
	b := NewBuilder(NewParams(), Train)
	x, rows := b.Input("x", 2, 3, 4, 5), b.Input("rows", 2, 7)
	foreign := NewBuilder(NewParams(), Train).Input("x", 2, 3, 4, 5)
	for want, build := range map[string]func(b *Builder){
		"relu: no input": func(b *Builder) { b.ReLU(nil) },
		"gelu: the input is a node of another graph": func(b *Builder) { b.Activate(foreign, GELU) },
		"add 1: no input":                                             func(b *Builder) { b.Add(x, nil) },
		"add 1: shapes 2×3×4×5 and 2×7 differ":                        func(b *Builder) { b.Add(x, rows) },
		"concat 1: no input":                                          func(b *Builder) { b.Concat(x, nil) },
		"concat 1: shapes 2×3×4×5 and 2×7 differ":                     func(b *Builder) { b.Concat(x, rows) },
		"flatten 1: no input":                                         func(b *Builder) { b.Flatten(nil) },
		"dropout: no input":                                           func(b *Builder) { b.Dropout(nil, 0.5) },
		"dropout: rate NaN":                                           func(b *Builder) { b.Dropout(x, math.NaN()) },
		"mean squared error 1: shapes 2×3×4×5 and 2×7":                func(b *Builder) { b.MSE(x, rows) },
		"cross-entropy 1: no input":                                   func(b *Builder) { b.CrossEntropy(rows, nil, 0) },
		"features.0: input has the shape 2×7":                         func(b *Builder) { b.Conv(rows, "features.0", 4, 3) },
		"features.0: the input is a node of":                          func(b *Builder) { b.Conv(foreign, "features.0", 4, 3) },
		"features.1: no input":                                        func(b *Builder) { b.BatchNorm(nil, "features.1", 1e-5, 0.1) },
		"weighted sum 1: a loss has the shape 2×7":                    func(b *Builder) { b.WeightedSum([]*gorgonia.Node{rows}, []float32{1}) },
		"input x: the shape is 2×0, every dimension must be at least": func(b *Builder) { b.Input("x", 2, 0) },
		"parameter w has no initialiser":                              func(b *Builder) { b.Param("w", nil, 2) },
		"watch: layers read x already":                                func(b *Builder) { b.ReLU(x); b.Watch(x) },
	} {
		b.err, b.counts = nil, map[string]int{}
		build(b)
		if err := b.Err(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestGradientsSayWhatIsMissing(t *testing.T) {
	for want, ask := range map[string]func(b *Builder, x, y, loss *gorgonia.Node) error{
		"gradients: the input x is not watched": func(b *Builder, x, y, loss *gorgonia.Node) error { _, err := b.Grads(loss, x); return err },
		"gradients: the loss has the shape":     func(b *Builder, x, y, loss *gorgonia.Node) error { _, err := b.Grads(y); return err },
		"gradients: no input":                   func(b *Builder, x, y, loss *gorgonia.Node) error { _, err := b.Grads(loss, nil); return err },
		"gradients: shapes 2×3 and of a scalar": func(b *Builder, x, y, loss *gorgonia.Node) error { _, err := b.Backward(y, loss, y); return err },
		"gradients: no node is named":           func(b *Builder, x, y, loss *gorgonia.Node) error { _, err := b.Backward(y, y); return err },
		"gradients: this graph was differentiated": func(b *Builder, x, y, loss *gorgonia.Node) error {
			if _, err := b.Grads(loss); err != nil {
				return err
			}
			_, err := b.Grads(loss)
			return err
		},
	} {
		b := NewBuilder(NewParams(), Train)
		x := b.Input("x", 2, 5)
		y := b.Dense(x, "fc", 3)
		if err := ask(b, x, y, b.CrossEntropy(y, b.Input("t", 2), 0)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
		if b.Err() != nil {
			t.Errorf("the builder remembers %v", b.Err())
		}
	}
}

// The gradients of inner nodes, which Grad-CAM needs.
func TestGradientsOfInnerNodes(t *testing.T) {
	b := NewBuilder(NewParams(), Eval)
	x := b.Input("x", 1, 2)
	inner := b.ReLU(b.Dense(x, "1", 2, NoBias()))
	y := b.Dense(inner, "2", 2, NoBias())
	dy := b.Input("dy", 1, 2)
	grads, err := b.Backward(y, dy, inner)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Compile(b, grads, Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Allocate()
	copy(b.Params().Get("1.weight").Data, []float32{1, 0, 0, 1})
	copy(b.Params().Get("2.weight").Data, []float32{2, 3, 5, 7})
	if err := s.Bind(dy, []float32{1, -10}); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := s.Value(grads[0]), []float32{2 - 50, 3 - 70}; !slices.Equal(got, want) {
		t.Errorf("gradient %v, want %v", got, want)
	}
}

func TestTheBuiltGraphTellsItsDropoutRates(t *testing.T) {
	b := NewBuilder(NewParams(), Train)
	b.Dropout(b.Dropout(b.Input("x", 2, 5), 0.25), 0.5)
	var rates []float64
	for _, l := range b.Layers() {
		rates = append(rates, l.Rate)
	}
	if !slices.Equal(rates, []float64{0.25, 0.5}) {
		t.Errorf("rates %v", rates)
	}
}
