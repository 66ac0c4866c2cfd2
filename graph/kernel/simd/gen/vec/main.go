// Command vec writes the elementwise kernels, reductions and layout conversions.
package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

func main() {
	elementwise("relu", "writes max(a, 0) to b.", relu)
	elementwise("reluGrad", "writes b where a is not ≤ 0, else 0, to c.", reluGrad)
	elementwise("add", "writes a + b to c.", add)
	elementwise("addReLU", "writes max(a+b, 0) to c.", addReLU)
	elementwise("scale", "writes s[0]·a to b.", scale)
	elementwise("axpy", "adds s[0]·a to b.", axpy)
	elementwise("fill", "writes s[0] to a.", fill)
	elementwise("tanh", "writes s[0]·tanh(s[1]·a) to b.", tanh)
	elementwise("tanhGrad", "writes b·(s[0] − s[1]·a²) to c.", tanhGrad)
	activations()
	elementwise("sgd", "is a step of SGD: weights a, gradient b.", sgd)
	elementwise("sgdMomentum", "is a step of SGD: weights a, gradient b, momentum buffer c.", sgdMomentum)
	elementwise("sgdNesterov", "is a step of SGD: weights a, gradient b, momentum buffer c.", sgdNesterov)
	elementwise("adam", "is a step of Adam: weights a, gradient b, moments c and d.", adam)
	elementwise("ema", "adds s[0]·(b−a) to a.", ema)
	lanes.Both("dropout", "func(x, y, s *float32, k *uint32, from, n int)", "writes s[0]·x where element from+i is kept, else 0, to y; k is two halves of the key and a threshold.", dropout)
	lanes.Both("mulTo", "func(y *float32, n int, alpha float32)", "multiplies y by alpha.", mulTo)

	lanes.Both("sumSquares", "func(x *float32, n int) float64", "returns Σx² in double precision.", sumSquares)
	lanes.Both("rowMax", "func(x *float32, n int) float32", "returns the greatest number that is not NaN.", rowMax)
	lanes.Both("rowExp", "func(x, y *float32, n int, shift float32) float32", "writes e^(x−shift) to y and returns its sum.", rowExp)

	const transpose = "func(plain, blocked *float32, plane, pixels, channels int)"
	lanes.Both("toBlocked", transpose, "copies pixels of up to sixteen planes to the blocked layout.", toBlocked)
	lanes.Both("fromBlocked", transpose, "copies pixels of up to sixteen channels from the blocked layout to planes.", fromBlocked)
	const run = "func(x, y *float32, pixels, n int)"
	lanes.Both("copyLanes", run, "copies the first n of every sixteen floats.", func(f *lanes.F) { copyLanes(f, false) })
	lanes.Both("addLanes", run, "adds the first n of every sixteen floats.", func(f *lanes.F) { copyLanes(f, true) })
	lanes.Generate()
}

// An operands is what an elementwise kernel works with.
type operands struct {
	*lanes.F
	a, b, c, d, s reg.GPVirtual
	scalars       map[int]lanes.Vec
	consts        map[float32]lanes.Vec
}

// elementwise emits a kernel whose body handles the vectors at some places.
func elementwise(name, doc string, body func(o *operands) (each func(at lanes.At))) {
	lanes.Both(name, "func(a, b, c, d, s *float32, n int)", doc, func(f *lanes.F) {
		o := newOperands(f)
		o.a, o.b, o.c, o.d, o.s = f.Arg("a"), f.Arg("b"), f.Arg("c"), f.Arg("d"), f.Arg("s")
		n := f.Arg("n")
		each := body(o)
		f.Each(n, f.Pick(2, 1), func(at []lanes.At) {
			for _, a := range at {
				each(a)
			}
		})
	})
}

func newOperands(f *lanes.F) *operands {
	return &operands{F: f, scalars: map[int]lanes.Vec{}, consts: map[float32]lanes.Vec{}}
}

// want loads scalars into registers ahead of the loop where there are registers enough.
func (o *operands) want(scalars ...int) {
	for _, i := range scalars {
		if o.Wide() {
			o.scalars[i] = o.load(i)
		}
	}
}

func (o *operands) load(i int) lanes.Vec { return o.Splat(Mem{Base: o.s, Disp: 4 * i}) }

// scalar returns s[i] in all lanes.
func (o *operands) scalar(i int) lanes.Vec {
	if v, ok := o.scalars[i]; ok {
		return v
	}
	return o.load(i)
}

// wantConsts loads constants into registers ahead of the loop where there are registers enough.
func (o *operands) wantConsts(xs ...float32) {
	for _, x := range xs {
		if o.Wide() {
			o.consts[x] = o.F.Const(x)
		}
	}
}

// Const returns x in all lanes.
func (o *operands) Const(x float32) lanes.Vec {
	if v, ok := o.consts[x]; ok {
		return v
	}
	return o.F.Const(x)
}

func relu(o *operands) func(at lanes.At) {
	zero := o.F.Const(0)
	return func(at lanes.At) { o.Put(o.Max(zero, o.Get(o.a, at)), o.b, at) }
}

func reluGrad(o *operands) func(at lanes.At) {
	zero := o.F.Const(0)
	return func(at lanes.At) {
		alive := o.Compare(lanes.NotLessEq, o.Get(o.a, at), zero)
		o.Put(o.Keep(alive, o.Get(o.b, at)), o.c, at)
	}
}

func add(o *operands) func(at lanes.At) {
	return func(at lanes.At) { o.Put(o.Add(o.Get(o.a, at), o.Get(o.b, at)), o.c, at) }
}

func addReLU(o *operands) func(at lanes.At) {
	zero := o.F.Const(0)
	return func(at lanes.At) { o.Put(o.Max(zero, o.Add(o.Get(o.a, at), o.Get(o.b, at))), o.c, at) }
}

func scale(o *operands) func(at lanes.At) {
	alpha := o.load(0)
	return func(at lanes.At) { o.Put(o.Mul(alpha, o.Get(o.a, at)), o.b, at) }
}

func axpy(o *operands) func(at lanes.At) {
	alpha := o.load(0)
	return func(at lanes.At) {
		y := o.Get(o.b, at)
		o.FMA(y, alpha, o.Get(o.a, at))
		o.Put(y, o.b, at)
	}
}

func fill(o *operands) func(at lanes.At) {
	value := o.load(0)
	return func(at lanes.At) { o.Put(value, o.a, at) }
}

func mulTo(f *lanes.F) {
	y, n, alpha := f.Arg("y"), f.Arg("n"), f.ArgVec("alpha")
	f.Each(n, 2, func(at []lanes.At) {
		for _, a := range at {
			f.Put(f.Mul(alpha, f.Get(y, a)), y, a)
		}
	})
}
