package main

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"

// The optimisers fuse a multiply with an add where PyTorch's vector kernels do. The scalars are those
// of the portable twins.

func sgd(o *operands) func(at lanes.At) {
	o.want(0, 1)
	return func(at lanes.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, o.scalar(1), w)
		o.FMA(w, o.scalar(0), d)
		o.Put(w, o.a, at)
	}
}

func sgdMomentum(o *operands) func(at lanes.At) {
	o.want(0, 1, 2, 3)
	return func(at lanes.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, o.scalar(1), w)
		v := o.Mul(o.scalar(2), o.Get(o.c, at))
		o.FMA(v, o.scalar(3), d)
		o.Put(v, o.c, at)
		o.FMA(w, o.scalar(0), v)
		o.Put(w, o.a, at)
	}
}

func sgdNesterov(o *operands) func(at lanes.At) {
	o.want(0, 1, 2, 3)
	return func(at lanes.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, o.scalar(1), w)
		v := o.Mul(o.scalar(2), o.Get(o.c, at))
		o.FMA(v, o.scalar(3), d)
		o.Put(v, o.c, at)
		o.FMA(d, o.scalar(2), v)
		o.FMA(w, o.scalar(0), d)
		o.Put(w, o.a, at)
	}
}

func adam(o *operands) func(at lanes.At) {
	o.want(0, 1, 2, 3, 4, 5, 6, 7, 8)
	return func(at lanes.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, o.scalar(1), w)
		m := o.Mul(o.scalar(3), o.Get(o.c, at))
		o.FMA(m, o.scalar(4), d)
		o.Put(m, o.c, at)
		v := o.Mul(o.scalar(5), o.Get(o.d, at))
		o.FMA(v, o.Mul(o.scalar(6), d), d)
		o.Put(v, o.d, at)
		denom := o.Add(o.Div(o.Sqrt(v), o.scalar(7)), o.scalar(8))
		o.MulTo(w, o.scalar(2))
		o.AddTo(w, o.Div(o.Mul(o.scalar(0), m), denom))
		o.Put(w, o.a, at)
	}
}

func ema(o *operands) func(at lanes.At) {
	o.want(0)
	return func(at lanes.At) {
		avg := o.Get(o.a, at)
		o.FMA(avg, o.scalar(0), o.Sub(o.Get(o.b, at), avg))
		o.Put(avg, o.a, at)
	}
}
