package main

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"

// optimisers fuse a multiply with an add where PyTorch's vector kernels do. The scalars are those of the generic twins.
func optimisers(file *neon.File) {
	step := func(name string, scalars int, body func(o *operands, s []neon.Vec, at neon.At)) {
		elementwise(file, name, func(o *operands) func(at neon.At) {
			var s []neon.Vec
			for i := range scalars {
				s = append(s, o.scalar(i))
			}
			return func(at neon.At) { body(o, s, at) }
		})
	}
	step("sgd", 2, func(o *operands, s []neon.Vec, at neon.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, s[1], w)
		o.FMA(w, s[0], d)
		o.Put(w, o.a, at)
	})
	step("sgdMomentum", 4, func(o *operands, s []neon.Vec, at neon.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, s[1], w)
		v := o.Mul(s[2], o.Get(o.c, at))
		o.FMA(v, s[3], d)
		o.Put(v, o.c, at)
		o.FMA(w, s[0], v)
		o.Put(w, o.a, at)
	})
	step("sgdNesterov", 4, func(o *operands, s []neon.Vec, at neon.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, s[1], w)
		v := o.Mul(s[2], o.Get(o.c, at))
		o.FMA(v, s[3], d)
		o.Put(v, o.c, at)
		o.FMA(d, s[2], v)
		o.FMA(w, s[0], d)
		o.Put(w, o.a, at)
	})
	step("adam", 9, func(o *operands, s []neon.Vec, at neon.At) {
		w, d := o.Get(o.a, at), o.Get(o.b, at)
		o.FMA(d, s[1], w)
		m := o.Mul(s[3], o.Get(o.c, at))
		o.FMA(m, s[4], d)
		o.Put(m, o.c, at)
		v := o.Mul(s[5], o.Get(o.d, at))
		o.FMA(v, o.Mul(s[6], d), d)
		o.Put(v, o.d, at)
		denom := o.Add(o.Div(o.Sqrt(v), s[7]), s[8])
		w = o.Mul(w, s[2])
		o.AddTo(w, o.Div(o.Mul(s[0], m), denom))
		o.Put(w, o.a, at)
	})
	step("ema", 1, func(o *operands, s []neon.Vec, at neon.At) {
		avg := o.Get(o.a, at)
		o.FMA(avg, s[0], o.Sub(o.Get(o.b, at), avg))
		o.Put(avg, o.a, at)
	})
}
