package onnx

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Functions that files write out are found and become one layer. What is nearly one of them, in a constant or in what it
// reads, is computed as it stands: each formula here is one that is found, or differs from one in a single place. x is
// 1, -2, 3, 4, 0.5, -6, 7, -0.25 of the shape given.
func TestFormulasMeanWhatTheySay(t *testing.T) {
	data := []float32{1, -2, 3, 4, 0.5, -6, 7, -0.25}
	number := func(name string, v float32) *message { return floats(name, nil, v) }
	tensors := []*message{
		number("3", 3), number("2.5", 2.5), number("6", 6), number("5", 5), number("2", 2), number("1", 1), number("half", 0.5), number("0.4", 0.4), number("0.25", 0.25),
		number("1/6", 1./6), number("1/5", 1./5), number("root", math.Sqrt2), number("1.5", 1.5), number("0", 0), number("-1", -1), number("eps", 0.5), floats("one of three axes", []int{1, 1, 1}, 3),
		floats("four", []int{4}, 1, 2, -3, 4), floats("shift of four", []int{4}, -1, 5, 2, 0.5), floats("of channels", []int{2, 1, 1}, 2, -3), floats("shift of channels", []int{1, 2, 1, 1}, 10, 20),
		floats("of columns", []int{2}, 2, -3),
	}
	each := func(f func(v float64) float64) []float64 {
		var out []float64
		for _, v := range data {
			out = append(out, f(float64(v)))
		}
		return out
	}
	// indexed also gets the place.
	indexed := func(list []float64, f func(i int, v float64) float64) []float64 {
		out := make([]float64, len(list))
		for i, v := range list {
			out[i] = f(i, v)
		}
		return out
	}
	relu6 := func(v float64) float64 { return min(max(v, 0), 6) }
	sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }
	// normal normalises the groups that of gives: their mean is taken by one grouping, their variance by another.
	normal := func(mean, variance func(i int) int, eps, factor float64) []float64 {
		average := func(list []float64, of func(i int) int) []float64 {
			sums, n := map[int]float64{}, map[int]float64{}
			for i, v := range list {
				sums[of(i)] += v
				n[of(i)]++
			}
			return indexed(list, func(i int, _ float64) float64 { return sums[of(i)] / n[of(i)] })
		}
		all := float64s(data)
		means := average(all, mean)
		d := indexed(all, func(i int, v float64) float64 { return v - means[i] })
		v := average(indexed(d, func(_ int, v float64) float64 { return v * v }), variance)
		return indexed(d, func(i int, d float64) float64 { return d / math.Sqrt(factor*v[i]+eps) })
	}
	row, column, pixel, channel := func(i int) int { return i / 4 }, func(i int) int { return i % 4 }, func(i int) int { return i % 4 }, func(i int) int { return i / 4 }
	// norm is a normalisation that is written out, with the axes of its mean and of its variance.
	norm := func(mean, variance []int, more ...*message) []*message {
		return append([]*message{
			use("ReduceMean", []string{"x"}, "m", intsAttr("axes", mean...)), use("Sub", []string{"x", "m"}, "d"), use("Mul", []string{"d", "d"}, "s"),
			use("ReduceMean", []string{"s"}, "v", intsAttr("axes", variance...)), use("Add", []string{"v", "eps"}, "e"), use("Sqrt", []string{"e"}, "r"),
		}, more...)
	}
	over := use("Div", []string{"d", "r"}, "y")
	overN := use("Div", []string{"d", "r"}, "n")
	relu6Of := func(in, out string) *message {
		return use("Clip", []string{in}, out, floatAttr("min", 0), floatAttr("max", 6))
	}
	for _, tt := range []struct {
		name  string
		shape []int64
		nodes []*message
		want  []float64
	}{
		{"hard-swish", []int64{1, 8}, []*message{use("Add", []string{"x", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"c", "x"}, "m"), use("Div", []string{"m", "6"}, "y")},
			each(func(v float64) float64 { return v * relu6(v+3) / 6 })},
		{"hard-swish from 2.5 on", []int64{1, 8}, []*message{use("Add", []string{"x", "2.5"}, "a"), relu6Of("a", "c"), use("Mul", []string{"x", "c"}, "m"), use("Div", []string{"m", "6"}, "y")},
			each(func(v float64) float64 { return v * relu6(v+2.5) / 6 })},
		{"hard-swish to five", []int64{1, 8}, []*message{use("Add", []string{"x", "3"}, "a"), use("Clip", []string{"a"}, "c", floatAttr("min", 0), floatAttr("max", 5)), use("Mul", []string{"x", "c"}, "m"), use("Div", []string{"m", "6"}, "y")},
			each(func(v float64) float64 { return v * min(max(v+3, 0), 5) / 6 })},
		{"hard-swish by five", []int64{1, 8}, []*message{use("Add", []string{"x", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"x", "c"}, "m"), use("Div", []string{"m", "5"}, "y")},
			each(func(v float64) float64 { return v * relu6(v+3) / 5 })},
		{"hard-swish of twice", []int64{1, 8}, []*message{use("Mul", []string{"x", "2"}, "t"), use("Add", []string{"t", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"x", "c"}, "m"), use("Div", []string{"m", "6"}, "y")},
			each(func(v float64) float64 { return v * relu6(2*v+3) / 6 })},
		{"hard-swish that gates another", []int64{1, 8}, []*message{use("Abs", []string{"x"}, "z"), use("Add", []string{"x", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"z", "c"}, "m"), use("Div", []string{"m", "6"}, "y")},
			each(func(v float64) float64 { return math.Abs(v) * relu6(v+3) / 6 })},
		{"hard-swish by a hard sigmoid", []int64{1, 8}, []*message{use("HardSigmoid", []string{"x"}, "h", floatAttr("alpha", 1./6), floatAttr("beta", 0.5)), use("Mul", []string{"h", "x"}, "y")},
			each(func(v float64) float64 { return v * relu6(v+3) / 6 })},
		{"a hard sigmoid that gates another", []int64{1, 8}, []*message{use("Abs", []string{"x"}, "z"), use("HardSigmoid", []string{"x"}, "h", floatAttr("alpha", 1./6), floatAttr("beta", 0.5)), use("Mul", []string{"h", "z"}, "y")},
			each(func(v float64) float64 { return math.Abs(v) * relu6(v+3) / 6 })},

		{"hard sigmoid by six", []int64{1, 8}, []*message{use("Add", []string{"x", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"c", "1/6"}, "y")}, each(func(v float64) float64 { return relu6(v+3) / 6 })},
		{"hard sigmoid by five", []int64{1, 8}, []*message{use("Add", []string{"x", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"c", "1/5"}, "y")}, each(func(v float64) float64 { return relu6(v+3) / 5 })},
		{"hard sigmoid from two on", []int64{1, 8}, []*message{use("Add", []string{"x", "2"}, "a"), relu6Of("a", "c"), use("Mul", []string{"c", "1/6"}, "y")}, each(func(v float64) float64 { return relu6(v+2) / 6 })},
		{"hard sigmoid of twice", []int64{1, 8}, []*message{use("Mul", []string{"x", "2"}, "t"), use("Add", []string{"t", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"c", "1/6"}, "y")},
			each(func(v float64) float64 { return relu6(2*v+3) / 6 })},
		{"hard sigmoid, then more", []int64{1, 8}, []*message{use("Add", []string{"x", "3"}, "a"), relu6Of("a", "c"), use("Mul", []string{"c", "1/6"}, "m"), use("Add", []string{"m", "1"}, "y")},
			each(func(v float64) float64 { return relu6(v+3)/6 + 1 })},
		{"hard sigmoid between bounds", []int64{1, 8}, []*message{use("HardSigmoid", []string{"x"}, "y", floatAttr("alpha", 0.25), floatAttr("beta", 0.75))}, each(func(v float64) float64 { return min(max(v/4+0.75, 0), 1) })},
		{"hard sigmoid with another shift", []int64{1, 8}, []*message{use("HardSigmoid", []string{"x"}, "y", floatAttr("alpha", 1./6), floatAttr("beta", 0.25))}, each(func(v float64) float64 { return min(max(v/6+0.25, 0), 1) })},
		{"a clipped line", []int64{1, 8}, []*message{use("Mul", []string{"x", "1/6"}, "m"), use("Add", []string{"m", "half"}, "a"), use("Clip", []string{"a"}, "y", floatAttr("min", 0), floatAttr("max", 1))},
			each(func(v float64) float64 { return min(max(v/6+0.5, 0), 1) })},
		{"a clipped line to two", []int64{1, 8}, []*message{use("Mul", []string{"x", "1/6"}, "m"), use("Add", []string{"m", "half"}, "a"), use("Clip", []string{"a"}, "y", floatAttr("min", 0), floatAttr("max", 2))},
			each(func(v float64) float64 { return min(max(v/6+0.5, 0), 2) })},
		{"relu from -1 on", []int64{1, 8}, []*message{use("Clip", []string{"x"}, "y", floatAttr("min", -1))}, each(func(v float64) float64 { return max(v, -1) })},
		{"relu6 from 1 on", []int64{1, 8}, []*message{use("Clip", []string{"x"}, "y", floatAttr("min", 1), floatAttr("max", 6))}, each(func(v float64) float64 { return min(max(v, 1), 6) })},
		{"clipped above alone", []int64{1, 8}, []*message{use("Clip", []string{"x"}, "y", floatAttr("max", 6))}, each(func(v float64) float64 { return min(v, 6) })},
		{"not clipped at all", []int64{1, 8}, []*message{use("Clip", []string{"x"}, "c"), use("Neg", []string{"c"}, "y")}, each(func(v float64) float64 { return -v })},

		{"gelu", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "a"}, "m"), use("Mul", []string{"m", "half"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) / 2 })},
		{"gelu whose half comes first", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "half"}, "h"), use("Mul", []string{"a", "h"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) / 2 })},
		{"gelu by two quarters", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "0.25"}, "h"), use("Mul", []string{"a", "h"}, "m"), use("Mul", []string{"m", "2"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) / 2 })},
		{"gelu by 0.4", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "a"}, "m"), use("Mul", []string{"m", "0.4"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) * 0.4 })},
		{"gelu by 0.4 that comes first", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "0.4"}, "h"), use("Mul", []string{"a", "h"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2)) * 0.4 })},
		{"gelu of 1.5", []int64{1, 8}, []*message{use("Div", []string{"x", "1.5"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "a"}, "m"), use("Mul", []string{"m", "half"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/1.5)) / 2 })},
		{"gelu with two", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "2"}, "a"), use("Mul", []string{"x", "a"}, "m"), use("Mul", []string{"m", "half"}, "y")},
			each(func(v float64) float64 { return v * (2 + math.Erf(v/math.Sqrt2)) / 2 })},
		{"gelu less one", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Sub", []string{"1", "e"}, "a"), use("Mul", []string{"x", "a"}, "m"), use("Mul", []string{"m", "half"}, "y")},
			each(func(v float64) float64 { return v * (1 - math.Erf(v/math.Sqrt2)) / 2 })},
		{"gelu of a shifted value", []int64{1, 8}, []*message{use("Div", []string{"x", "root"}, "d"), use("Add", []string{"d", "1"}, "o"), use("Erf", []string{"o"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"x", "a"}, "m"), use("Mul", []string{"m", "half"}, "y")},
			each(func(v float64) float64 { return v * (1 + math.Erf(v/math.Sqrt2+1)) / 2 })},
		{"gelu that gates another", []int64{1, 8}, []*message{use("Abs", []string{"x"}, "z"), use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"z", "a"}, "m"), use("Mul", []string{"m", "half"}, "y")},
			each(func(v float64) float64 { return math.Abs(v) * (1 + math.Erf(v/math.Sqrt2)) / 2 })},
		{"gelu that gates half of another", []int64{1, 8}, []*message{use("Abs", []string{"x"}, "z"), use("Mul", []string{"z", "half"}, "h"), use("Div", []string{"x", "root"}, "d"), use("Erf", []string{"d"}, "e"), use("Add", []string{"e", "1"}, "a"), use("Mul", []string{"h", "a"}, "y")},
			each(func(v float64) float64 { return math.Abs(v) * (1 + math.Erf(v/math.Sqrt2)) / 2 })},

		{"tanh of LeCun", []int64{1, 8}, []*message{use("Mul", []string{"x", "0.4"}, "s"), use("Tanh", []string{"s"}, "t"), use("Mul", []string{"t", "1.5"}, "y")}, each(func(v float64) float64 { return 1.5 * math.Tanh(0.4*v) })},
		{"tanh of a shifted value", []int64{1, 8}, []*message{use("Add", []string{"x", "1"}, "s"), use("Tanh", []string{"s"}, "t"), use("Mul", []string{"t", "1.5"}, "y")}, each(func(v float64) float64 { return 1.5 * math.Tanh(v+1) })},
		{"tanh, shifted", []int64{1, 8}, []*message{use("Tanh", []string{"x"}, "t"), use("Add", []string{"t", "1.5"}, "y")}, each(func(v float64) float64 { return 1.5 + math.Tanh(v) })},
		{"silu", []int64{1, 8}, []*message{use("Sigmoid", []string{"x"}, "s"), use("Mul", []string{"s", "x"}, "y")}, each(func(v float64) float64 { return v * sigmoid(v) })},
		{"silu of twice", []int64{1, 8}, []*message{use("Mul", []string{"x", "2"}, "t"), use("Sigmoid", []string{"t"}, "s"), use("Mul", []string{"x", "s"}, "y")}, each(func(v float64) float64 { return v * sigmoid(2*v) })},
		{"a sum with a sigmoid", []int64{1, 8}, []*message{use("Sigmoid", []string{"x"}, "s"), use("Add", []string{"x", "s"}, "y")}, each(func(v float64) float64 { return v + sigmoid(v) })},

		{"from a number", []int64{1, 8}, []*message{use("Sub", []string{"3", "x"}, "y")}, each(func(v float64) float64 { return 3 - v })},
		{"less a number", []int64{1, 8}, []*message{use("Sub", []string{"x", "3"}, "y")}, each(func(v float64) float64 { return v - 3 })},
		{"through a number", []int64{1, 8}, []*message{use("Div", []string{"x", "2.5"}, "y")}, each(func(v float64) float64 { return v / 2.5 })},
		{"a number through it", []int64{1, 8}, []*message{use("Div", []string{"2.5", "x"}, "y")}, each(func(v float64) float64 { return 2.5 / v })},
		{"its square", []int64{1, 8}, []*message{use("Pow", []string{"x", "2"}, "y")}, each(func(v float64) float64 { return v * v })},
		{"its cube", []int64{1, 8}, []*message{use("Pow", []string{"x", "3"}, "y")}, each(func(v float64) float64 { return v * v * v })},
		{"two to its power", []int64{1, 8}, []*message{use("Pow", []string{"2", "x"}, "y")}, each(func(v float64) float64 { return math.Pow(2, v) })},
		{"the root of its amount", []int64{1, 8}, []*message{use("Abs", []string{"x"}, "a"), use("Pow", []string{"a", "half"}, "y")}, each(func(v float64) float64 { return math.Sqrt(math.Abs(v)) })},
		{"at least two, at most three", []int64{1, 8}, []*message{use("Max", []string{"2", "x"}, "m"), use("Min", []string{"m", "3"}, "y")}, each(func(v float64) float64 { return min(max(v, 2), 3) })},
		{"a number of three axes", []int64{1, 8}, []*message{use("Mul", []string{"x", "one of three axes"}, "y")}, each(func(v float64) float64 { return 3 * v })},

		{"normalised rows", []int64{2, 4}, norm([]int{1}, []int{1}, over), normal(row, row, 0.5, 1)},
		{"normalised rows, by the last axis", []int64{2, 4}, norm([]int{-1}, []int{-1}, over), normal(row, row, 0.5, 1)},
		{"normalised columns", []int64{2, 4}, norm([]int{0}, []int{0}, over), normal(column, column, 0.5, 1)},
		{"rows less their means, through the columns' deviations", []int64{2, 4}, norm([]int{1}, []int{0}, over), normal(row, column, 0.5, 1)},
		{"normalised maps", []int64{1, 2, 2, 2}, norm([]int{2, 3}, []int{2, 3}, over), normal(channel, channel, 0.5, 1)},
		{"normalised pixels", []int64{1, 2, 2, 2}, norm([]int{1}, []int{1}, over), normal(pixel, pixel, 0.5, 1)},
		{"normalised over rows of maps", []int64{1, 2, 2, 2}, norm([]int{2}, []int{2}, over), normal(func(i int) int { return i/4*4 + i%2 }, func(i int) int { return i/4*4 + i%2 }, 0.5, 1)},
		{"normalised by twice the variance", []int64{2, 4}, []*message{
			use("ReduceMean", []string{"x"}, "m", intsAttr("axes", 1)), use("Sub", []string{"x", "m"}, "d"), use("Mul", []string{"d", "d"}, "s"), use("ReduceMean", []string{"s"}, "v", intsAttr("axes", 1)),
			use("Mul", []string{"v", "2"}, "w"), use("Add", []string{"w", "eps"}, "e"), use("Sqrt", []string{"e"}, "r"), over,
		}, normal(row, row, 0.5, 2)},
		{"divided, and not centred", []int64{2, 4}, norm([]int{1}, []int{1}, use("Div", []string{"x", "r"}, "y")), func() []float64 {
			n := normal(row, row, 0.5, 1)
			means := []float64{1.5, 0.3125}
			return indexed(n, func(i int, v float64) float64 { return v * float64(data[i]) / (float64(data[i]) - means[i/4]) })
		}()},
		{"normalised by the squares of what is not centred", []int64{2, 4}, []*message{
			use("ReduceMean", []string{"x"}, "m", intsAttr("axes", 1)), use("Sub", []string{"x", "m"}, "d"), use("Mul", []string{"x", "x"}, "s"), use("ReduceMean", []string{"s"}, "v", intsAttr("axes", 1)), use("Add", []string{"v", "eps"}, "e"), use("Sqrt", []string{"e"}, "r"), over,
		}, indexed(float64s(data), func(i int, v float64) float64 {
			return []float64{(v - 1.5) / math.Sqrt(30./4+0.5), (v - 0.3125) / math.Sqrt((0.25+36+49+0.0625)/4+0.5)}[i/4]
		})},
		{"normalised rows with a scale", []int64{2, 4}, norm([]int{1}, []int{1}, overN, use("Mul", []string{"n", "four"}, "y")), indexed(normal(row, row, 0.5, 1), func(i int, v float64) float64 { return v * []float64{1, 2, -3, 4}[i%4] })},
		{"normalised rows with a scale and a shift", []int64{2, 4}, norm([]int{1}, []int{1}, overN, use("Mul", []string{"four", "n"}, "k"), use("Add", []string{"shift of four", "k"}, "y")),
			indexed(normal(row, row, 0.5, 1), func(i int, v float64) float64 {
				return v*[]float64{1, 2, -3, 4}[i%4] + []float64{-1, 5, 2, 0.5}[i%4]
			})},
		{"normalised rows with a shift alone", []int64{2, 4}, norm([]int{1}, []int{1}, overN, use("Add", []string{"n", "shift of four"}, "y")), indexed(normal(row, row, 0.5, 1), func(i int, v float64) float64 { return v + []float64{-1, 5, 2, 0.5}[i%4] })},
		{"normalised rows with two scales", []int64{2, 4}, norm([]int{1}, []int{1}, overN, use("Mul", []string{"n", "four"}, "k"), use("Mul", []string{"k", "shift of four"}, "y")),
			indexed(normal(row, row, 0.5, 1), func(i int, v float64) float64 {
				return v * []float64{1, 2, -3, 4}[i%4] * []float64{-1, 5, 2, 0.5}[i%4]
			})},
		{"normalised pixels with a scale and a shift of their channels", []int64{1, 2, 2, 2}, norm([]int{1}, []int{1}, overN, use("Mul", []string{"n", "shift of channels"}, "k"), use("Add", []string{"k", "of channels"}, "y")),
			indexed(normal(pixel, pixel, 0.5, 1), func(i int, v float64) float64 { return v*[]float64{10, 20}[i/4] + []float64{2, -3}[i/4] })},
		{"normalised pixels with a scale of the columns", []int64{1, 2, 2, 2}, norm([]int{1}, []int{1}, overN, use("Mul", []string{"n", "of columns"}, "y")), indexed(normal(pixel, pixel, 0.5, 1), func(i int, v float64) float64 { return v * []float64{2, -3}[i%2] })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, sketch{nodes: tt.nodes, input: tt.shape, tensors: tensors}, data)
			if len(got) != len(tt.want) {
				t.Fatalf("%v, want %v", got, tt.want)
			}
			for i, v := range tt.want {
				if !(math.Abs(float64(got[i])-v) <= 2e-5*max(1, math.Abs(v))) {
					t.Fatalf("%v, want %v", got, tt.want)
				}
			}
		})
	}
}

// A scale or shift behind a layer becomes part of its weights where it has a number for each channel. Numbers of other
// axes do not, also where these are as long, and a layer that something else reads stays itself.
func TestScalesAndShiftsBehindLayers(t *testing.T) {
	data := []float32{1, -2, 3, 4, 0.5, -6, 7, -0.25}
	tensors := []*message{
		floats("w", []int{2, 2, 1, 1}, 1, 2, -3, 0.5), floats("b", []int{2}, 10, -20), floats("rows", []int{4, 2}, 1, -1, 2, 0, 0, 3, -2, 1), floats("turned", []int{2, 4}, 1, 2, 0, -2, -1, 0, 3, 1), floats("channels", []int{1, 2, 1, 1}, 4, -0.5), floats("short channels", []int{2, 1, 1}, 4, -0.5),
		floats("columns", []int{2}, 4, -0.5), floats("image rows", []int{2, 1}, 4, -0.5), floats("number", nil, 3), floats("whole", []int{1, 2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8), floats("one row", []int{1, 2}, 4, -0.5), floats("each image", []int{2, 1}, 4, -0.5),
		longs("from 1", 1), longs("to 3", 3), floats("wide", []int{4, 4}, 9, 1, -1, 9, 9, 2, 0, 9, 9, 0, 3, 9, 9, -2, 1, 9), floats("half", []int{2, 2}, 1, -1, 2, 0), floats("other half", []int{2, 2}, 0, 3, -2, 1),
	}
	conv := func(bias ...string) *message { return use("Conv", append([]string{"x", "w"}, bias...), "c") }
	channels, columns, rows := func(i int) int { return i / 4 }, func(i int) int { return i % 2 }, func(i int) int { return i / 2 % 2 }
	factor := []float64{4, -0.5}
	// What the convolution gives: two channels of four pixels; and the fully connected layer, two rows.
	maps := func(bias bool) []float64 {
		out := make([]float64, 8)
		for i := range 4 {
			a, b := float64(data[i]), float64(data[4+i])
			out[i], out[4+i] = a+2*b, -3*a+0.5*b
			if bias {
				out[i], out[4+i] = out[i]+10, out[4+i]-20
			}
		}
		return out
	}
	dense := func() []float64 {
		w, out := []float64{1, -1, 2, 0, 0, 3, -2, 1}, make([]float64, 4)
		for n := range 2 {
			for k := range 4 {
				for j := range 2 {
					out[2*n+j] += float64(data[4*n+k]) * w[2*k+j]
				}
			}
		}
		return out
	}
	with := func(list []float64, f func(i int, v float64) float64) []float64 {
		out := make([]float64, len(list))
		for i, v := range list {
			out[i] = f(i, v)
		}
		return out
	}
	for _, tt := range []struct {
		name  string
		shape []int64
		nodes []*message
		want  []float64
	}{
		{"a convolution times its channels'", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Mul", []string{"c", "channels"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * factor[channels(i)] })},
		{"times its channels', which stand first", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Mul", []string{"short channels", "c"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * factor[channels(i)] })},
		{"through its channels'", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Div", []string{"c", "channels"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v / factor[channels(i)] })},
		{"its channels' through it", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Div", []string{"channels", "c"}, "y")}, with(maps(true), func(i int, v float64) float64 { return factor[channels(i)] / v })},
		{"plus its channels', without a bias", []int64{1, 2, 2, 2}, []*message{conv(), use("Add", []string{"channels", "c"}, "y")}, with(maps(false), func(i int, v float64) float64 { return v + factor[channels(i)] })},
		{"less its channels'", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Sub", []string{"c", "channels"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v - factor[channels(i)] })},
		{"less it", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Sub", []string{"channels", "c"}, "y")}, with(maps(true), func(i int, v float64) float64 { return factor[channels(i)] - v })},
		{"times, then plus", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Mul", []string{"c", "channels"}, "m"), use("Add", []string{"m", "channels"}, "y")}, with(maps(true), func(i int, v float64) float64 { return (v + 1) * factor[channels(i)] })},
		{"times as many columns", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Mul", []string{"c", "columns"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * factor[columns(i)] })},
		{"plus as many rows", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Add", []string{"c", "image rows"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v + factor[rows(i)] })},
		{"times a number for each place", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Mul", []string{"c", "whole"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * float64(i+1) })},
		{"at most its channels'", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Min", []string{"c", "channels"}, "y")}, with(maps(true), func(i int, v float64) float64 { return min(v, factor[channels(i)]) })},
		{"and itself", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Mul", []string{"c", "channels"}, "m"), use("Sub", []string{"m", "c"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v*factor[channels(i)] - v })},
		{"times a channel's number of its own", []int64{1, 2, 2, 2}, []*message{conv("b"), use("GlobalAveragePool", []string{"x"}, "g"), use("Mul", []string{"c", "g"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * []float64{1.5, 0.3125}[channels(i)] })},
		{"times a channel's number, which stands first", []int64{1, 2, 2, 2}, []*message{conv("b"), use("GlobalAveragePool", []string{"x"}, "g"), use("Mul", []string{"g", "c"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * []float64{1.5, 0.3125}[channels(i)] })},
		{"plus a channel's number", []int64{1, 2, 2, 2}, []*message{conv("b"), use("GlobalAveragePool", []string{"x"}, "g"), use("Add", []string{"c", "g"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v + []float64{1.5, 0.3125}[channels(i)] })},

		{"a fully connected layer times its outputs'", []int64{2, 4}, []*message{use("MatMul", []string{"x", "rows"}, "c"), use("Mul", []string{"c", "columns"}, "y")}, with(dense(), func(i int, v float64) float64 { return v * factor[i%2] })},
		{"plus its outputs'", []int64{2, 4}, []*message{use("Gemm", []string{"x", "turned", "b"}, "c", intAttr("transB", 1)), use("Add", []string{"one row", "c"}, "y")}, with(dense(), func(i int, v float64) float64 { return v + []float64{14, -20.5}[i%2] })},
		{"plus a number for each image", []int64{2, 4}, []*message{use("MatMul", []string{"x", "rows"}, "c"), use("Add", []string{"c", "each image"}, "y")}, with(dense(), func(i int, v float64) float64 { return v + factor[i/2] })},
		{"times its channels', through nothing", []int64{1, 2, 2, 2}, []*message{conv("b"), use("Identity", []string{"c"}, "i"), use("Dropout", []string{"i"}, "d"), use("Mul", []string{"d", "channels"}, "y")}, with(maps(true), func(i int, v float64) float64 { return v * factor[channels(i)] })},
		{"with weights that others compute with", []int64{2, 4}, []*message{use("Gemm", []string{"x", "turned", "b"}, "c", intAttr("transB", 1)), use("Mul", []string{"b", "columns"}, "f"), use("Add", []string{"c", "f"}, "y")}, with(dense(), func(i int, v float64) float64 { return v + []float64{10 + 40, -20 + 10}[i%2] })},
		{"with weights that are a part of others", []int64{2, 4}, []*message{use("Slice", []string{"wide", "from 1", "to 3", "from 1"}, "v"), use("MatMul", []string{"x", "v"}, "y")}, dense()},
		{"with weights that are joined", []int64{2, 4}, []*message{use("Concat", []string{"half", "other half"}, "v", intAttr("axis", 0)), use("MatMul", []string{"x", "v"}, "y")}, dense()},
		{"with factors", []int64{2, 4}, []*message{use("Gemm", []string{"x", "rows", "b"}, "y", floatAttr("alpha", 0.5), floatAttr("beta", 2))}, with(dense(), func(i int, v float64) float64 { return v/2 + []float64{20, -40}[i%2] })},
		{"with one number as its bias", []int64{2, 4}, []*message{use("Gemm", []string{"x", "rows", "number"}, "y", floatAttr("beta", 2))}, with(dense(), func(i int, v float64) float64 { return v + 6 })},
		{"with a bias that does not count", []int64{2, 4}, []*message{use("Gemm", []string{"x", "rows", "b"}, "y", floatAttr("beta", 0))}, dense()},
		{"with a bias for each image", []int64{2, 4}, []*message{use("Gemm", []string{"x", "rows", "each image"}, "y", floatAttr("alpha", 2), floatAttr("beta", 3))}, with(dense(), func(i int, v float64) float64 { return 2*v + 3*factor[i/2] })},
		{"turned", []int64{4, 2}, []*message{use("Gemm", []string{"x", "rows", "b"}, "y", intAttr("transA", 1))}, func() []float64 {
			out, w := make([]float64, 4), []float64{1, -1, 2, 0, 0, 3, -2, 1}
			for n := range 2 {
				for k := range 4 {
					for j := range 2 {
						out[2*n+j] += float64(data[2*k+n]) * w[2*k+j]
					}
				}
			}
			return with(out, func(i int, v float64) float64 { return v + []float64{10, -20}[i%2] })
		}()},
		{"of sequences, plus its outputs'", []int64{1, 2, 4}, []*message{use("MatMul", []string{"x", "rows"}, "c"), use("Add", []string{"c", "columns"}, "y")}, with(dense(), func(i int, v float64) float64 { return v + factor[i%2] })},
		{"of sequences, plus a number for each step", []int64{1, 2, 4}, []*message{use("MatMul", []string{"x", "rows"}, "c"), use("Add", []string{"c", "each image"}, "y")}, with(dense(), func(i int, v float64) float64 { return v + factor[i/2] })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			of := sketch{nodes: tt.nodes, input: tt.shape, tensors: tensors}
			// A layer that something else reads, too, is not made twice.
			m, err := Read(bytes.NewReader(of.bytes()))
			if err != nil {
				t.Fatal(err)
			}
			b := graph.NewBuilder(graph.NewParams(), graph.Eval)
			if _, err := m.Build(b, b.Input("image", clampInts(tt.shape)...)); err != nil {
				t.Fatal(err)
			}
			layers := 0
			for _, l := range b.Layers() {
				if l.MACs > 0 {
					layers++
				}
			}
			if layers != 1 {
				t.Errorf("%d layers with weights, want one: %+v", layers, b.Layers())
			}
			got := run(t, of, data)
			if len(got) != len(tt.want) {
				t.Fatalf("%v, want %v", got, tt.want)
			}
			for i, v := range tt.want {
				if !(math.Abs(float64(got[i])-v) <= 2e-5*max(1, math.Abs(v))) {
					t.Fatalf("%v, want %v", got, tt.want)
				}
			}
		})
	}
}

// run gives the output of a model whose only input is data. Its structure, with the parameters that the model has, must
// give the same.
func run(t *testing.T, s sketch, data []float32) []float32 {
	t.Helper()
	defer func(n int) { fewNumbers = n }(fewNumbers)
	fewNumbers = 1 // a structure has no list of numbers that a parameter has
	m, err := Read(bytes.NewReader(s.bytes()))
	if err != nil {
		t.Fatal(err)
	}
	params, out := built(t, m, s.input, data, nil)
	again, err := Read(bytes.NewReader(m.Structure()))
	if err != nil {
		t.Fatal(err)
	}
	if _, second := built(t, again, s.input, data, params); !slices.Equal(second, out) {
		t.Errorf("%v, and %v from the structure", out, second)
	}
	return out
}

// built computes a model with its own numbers, or with those of other parameters.
func built(t *testing.T, m *Model, input []int64, data []float32, from *graph.Params) (*graph.Params, []float32) {
	t.Helper()
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("image", clampInts(input)...)
	y, err := m.Build(b, x)
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Init(1)
	if from != nil {
		for _, p := range b.Params().All() {
			if own := from.Get(p.Name); own == nil || !slices.Equal(own.Shape, p.Shape) {
				t.Fatalf("the structure has the parameter %s of %v, which the model has not", p.Name, p.Shape)
			}
			copy(p.Data, from.Get(p.Name).Data)
		}
		if len(from.All()) != len(b.Params().All()) {
			t.Errorf("%d parameters, and %d from the structure", len(from.All()), len(b.Params().All()))
		}
	}
	session, err := graph.Compile(b, []*gorgonia.Node{y[0]}, graph.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Bind(x, data); err != nil {
		t.Fatal(err)
	}
	if err := session.Run(); err != nil {
		t.Fatal(err)
	}
	return b.Params(), slices.Clone(session.Value(y[0]))
}

func float64s(list []float32) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}
