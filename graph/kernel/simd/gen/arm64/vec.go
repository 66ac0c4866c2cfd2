package main

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"

func vectors(file *neon.File) {
	elementwise(file, "relu", relu)
	elementwise(file, "reluGrad", reluGrad)
	elementwise(file, "add", func(o *operands) func(at neon.At) {
		return func(at neon.At) { o.Put(o.Add(o.Get(o.a, at), o.Get(o.b, at)), o.c, at) }
	})
	elementwise(file, "addReLU", func(o *operands) func(at neon.At) {
		zero := o.Const(0)
		return func(at neon.At) { o.Put(o.Max(zero, o.Add(o.Get(o.a, at), o.Get(o.b, at))), o.c, at) }
	})
	elementwise(file, "scale", func(o *operands) func(at neon.At) {
		alpha := o.scalar(0)
		return func(at neon.At) { o.Put(o.Mul(alpha, o.Get(o.a, at)), o.b, at) }
	})
	elementwise(file, "axpy", func(o *operands) func(at neon.At) {
		alpha := o.scalar(0)
		return func(at neon.At) {
			y := o.Get(o.b, at)
			o.FMA(y, alpha, o.Get(o.a, at))
			o.Put(y, o.b, at)
		}
	})
	elementwise(file, "fill", func(o *operands) func(at neon.At) {
		value := o.scalar(0)
		return func(at neon.At) { o.Put(value, o.a, at) }
	})
	activations(file)
	optimisers(file)
	file.Func("dropoutNEON", "func(x, y, s *float32, k *uint32, from, n int)", "is dropoutGeneric.", dropout)
	file.Func("mulToNEON", "func(y *float32, n int, alpha float32)", "is mulToGeneric.", func(f *neon.F) {
		y, n, alpha := f.Arg("y"), f.Arg("n"), f.ArgVec("alpha")
		f.Each(n, 4, func(at neon.At) { f.Put(f.Mul(alpha, f.Get(y, at)), y, at) })
	})
	file.Func("addToNEON", "func(n int, x, y *float32)", "is addToGeneric.", func(f *neon.F) {
		n, x, y := f.Arg("n"), f.Arg("x"), f.Arg("y")
		f.Each(n, 4, func(at neon.At) { f.Put(f.Add(f.Get(y, at), f.Get(x, at)), y, at) })
	})
	file.Func("streamNEON", "func(n int, x, y *float32)", "is streamGeneric.", func(f *neon.F) {
		n, x, y := f.Arg("n"), f.Arg("x"), f.Arg("y")
		f.Loop(n, func() {
			for i := range 4 {
				at := neon.At{Disp: 16 * i}
				f.Put(f.Get(x, at), y, at)
			}
			f.AddImm(x, x, 64)
			f.AddImm(y, y, 64)
		})
	})
	file.Func("fetchNEON", "func(n int, x *float32)", "asks for n cache lines from x on: into the second-level cache.", func(f *neon.F) {
		n, x := f.Arg("n"), f.Arg("x")
		f.Loop(n, func() {
			f.Fetch(x, 2)
			f.AddImm(x, x, 64)
		})
	})
	file.Func("sumSquaresNEON", "func(x *float32, n int) float64", "is sumSquaresGeneric.", sumSquares)
	file.Func("rowMaxNEON", "func(x *float32, n int) float32", "is rowMaxGeneric.", rowMax)
	file.Func("rowExpNEON", "func(x, y *float32, n int, shift float32) float32", "is rowExpGeneric.", rowExp)
	layouts(file)
}

// An operands is what an elementwise loop works with.
type operands struct {
	*neon.F
	a, b, c, d, s neon.Reg
	consts        map[float32]neon.Vec
}

// elementwise emits a loop whose body handles four elements.
func elementwise(file *neon.File, name string, body func(o *operands) (each func(at neon.At))) {
	file.Func(name+"NEON", "func(a, b, c, d, s *float32, n int)", "is "+name+"Generic.", func(f *neon.F) {
		o := &operands{F: f, a: f.Arg("a"), b: f.Arg("b"), c: f.Arg("c"), d: f.Arg("d"), s: f.Arg("s"), consts: map[float32]neon.Vec{}}
		f.Each(f.Arg("n"), 4, body(o))
	})
}

// want loads constants ahead of the loop.
func (o *operands) want(xs ...float32) {
	for _, x := range xs {
		if _, ok := o.consts[x]; !ok {
			o.consts[x] = o.F.Const(x)
		}
	}
}

// Const returns x in all lanes. It is to be wanted ahead.
func (o *operands) Const(x float32) neon.Vec {
	if v, ok := o.consts[x]; ok {
		return v
	}
	return o.F.Const(x)
}

// scalar loads s[i] to all lanes, ahead of the loop.
func (o *operands) scalar(i int) neon.Vec {
	if i == 0 {
		return o.Splat(o.s)
	}
	p := o.Reg()
	o.AddImm(p, o.s, 4*i)
	return o.Splat(p)
}

func relu(o *operands) func(at neon.At) {
	zero := o.Const(0)
	return func(at neon.At) { o.Put(o.Max(zero, o.Get(o.a, at)), o.b, at) }
}

func reluGrad(o *operands) func(at neon.At) {
	zero := o.Const(0)
	return func(at neon.At) {
		dead := o.GreaterEqual(zero, o.Get(o.a, at)) // not of NaN
		o.Put(o.AndNot(dead, o.Get(o.b, at)), o.c, at)
	}
}

func rowMax(f *neon.F) {
	x, n := f.Arg("x"), f.Arg("n")
	low := f.ConstInt(-0x800000) // the bits of -Inf
	top := f.Copy(low)
	f.Each(n, 4, func(at neon.At) {
		v := f.Get(x, at)
		if at.Tail != nil { // what was not read is zero
			v = f.Select(f.FirstLanes(*at.Tail), v, low)
		}
		f.Replace(top, f.Greater(v, top), v) // not of NaN
	})
	top = f.MaxPairs(top, top)
	f.Return32(f.MaxPairs(top, top))
}

// sumSquares adds doubles in four registers.
func sumSquares(f *neon.F) {
	x, n := f.Arg("x"), f.Arg("n")
	sums := []neon.Vec{f.Zero(), f.Zero(), f.Zero(), f.Zero()}
	f.Each(n, 4, func(at neon.At) {
		v, k := f.Get(x, at), at.Disp/16%2*2
		for half := range 2 {
			d := f.ToDouble(v, half == 1)
			f.FMADoubles(sums[k+half], d, d)
		}
	})
	f.AddDoublesTo(sums[0], sums[1])
	f.AddDoublesTo(sums[2], sums[3])
	f.AddDoublesTo(sums[0], sums[2])
	f.Return64(f.SumDoubles(sums[0]))
}

func rowExp(f *neon.F) {
	o := &operands{F: f, consts: map[float32]neon.Vec{}}
	x, y, n, shift := f.Arg("x"), f.Arg("y"), f.Arg("n"), f.ArgVec("shift")
	o.wantExp()
	sum := f.Zero()
	f.Each(n, 4, func(at neon.At) {
		e := o.exp(f.Sub(f.Get(x, at), shift))
		f.Put(e, y, at)
		if at.Tail != nil {
			e = f.Keep(f.FirstLanes(*at.Tail), e)
		}
		f.AddTo(sum, e)
	})
	sum = f.AddPairs(sum, sum)
	f.Return32(f.AddPairs(sum, sum))
}

// The multipliers of the generic twin's mixer.
const (
	dropMul0 = 0x21f0aaad
	dropMul1 = 0xd35a2d97 - 1<<32
)

func dropout(f *neon.F) {
	x, y, s, k, from, n := f.Arg("x"), f.Arg("y"), f.Arg("s"), f.Arg("k"), f.Arg("from"), f.Arg("n")
	scale, p := f.Splat(s), f.Reg()
	index := f.AddInt(f.Counting(), f.AddInt(f.SplatReg(from), f.Splat(k)))
	f.AddImm(p, k, 4)
	key := f.Splat(p)
	f.AddImm(p, k, 8)
	limit, four, mul0, mul1 := f.Splat(p), f.ConstInt(4), f.ConstInt(dropMul0), f.ConstInt(dropMul1)
	f.Each(n, 4, func(at neon.At) {
		h := f.MulInt(f.Xor(index, f.ShiftRight(index, 16)), mul0)
		h = f.AddInt(f.Xor(h, f.ShiftRight(h, 15)), key)
		h = f.MulInt(h, mul1)
		h = f.Xor(h, f.ShiftRight(h, 15))
		kept := f.GreaterInt(limit, f.ShiftRight(h, 8))
		f.Put(f.Keep(kept, f.Mul(scale, f.Get(x, at))), y, at)
		f.AddIntInto(index, index, four)
	})
}
