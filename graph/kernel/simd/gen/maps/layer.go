package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// Layer normalisation goes over pixels that have numbers of their own, the same for all lanes.

func layers() {
	lanes.Both("sumLanes", "func(x *float32, n int, sums *float32)", "writes the sum of each pixel's lanes.", func(f *lanes.F) {
		x, sums := f.Arg("x"), f.Arg("sums")
		f.Loop(f.Arg("n"), func() {
			f.VMOVSS(f.Sum(f.GetMem(Mem{Base: x})), Mem{Base: sums})
			f.ADDQ(I32(64), x)
			f.ADDQ(Imm(4), sums)
		})
	})
	lanes.Both("layerMoments", "func(x *float32, n int, mean, sums, squares *float32)", "is layerMomentsGeneric.", func(f *lanes.F) {
		x, mean, sums, squares := f.Arg("x"), f.Arg("mean"), f.Arg("sums"), f.Arg("squares")
		f.Loop(f.Arg("n"), func() {
			d, square := f.Sub(f.GetMem(Mem{Base: x}), f.Splat(Mem{Base: mean})), f.GetMem(Mem{Base: squares})
			f.FMA(square, d, d)
			f.PutMem(square, Mem{Base: squares})
			f.AddMemTo(d, Mem{Base: sums})
			f.PutMem(d, Mem{Base: sums})
			advance(f, 64, x, sums, squares)
			advance(f, 4, mean)
		})
	})
	lanes.Both("layerNormalise", "func(x, y *float32, n int, mean, invstd, gamma, beta *float32)", "is layerNormaliseGeneric.", func(f *lanes.F) {
		x, y, mean, invstd := f.Arg("x"), f.Arg("y"), f.Arg("mean"), f.Arg("invstd")
		gamma, beta := f.GetMem(Mem{Base: f.Arg("gamma")}), f.GetMem(Mem{Base: f.Arg("beta")})
		f.Loop(f.Arg("n"), func() {
			hat := f.Mul(f.Sub(f.GetMem(Mem{Base: x}), f.Splat(Mem{Base: mean})), f.Splat(Mem{Base: invstd}))
			f.MulAdd(hat, gamma, beta)
			f.PutMem(hat, Mem{Base: y})
			advance(f, 64, x, y)
			advance(f, 4, mean, invstd)
		})
	})
	lanes.Both("layerSums", "func(x, dy *float32, n int, mean, invstd, gamma, sums, products, dgamma, dbeta *float32)", "is layerSumsGeneric.", func(f *lanes.F) {
		x, dy, mean, invstd := f.Arg("x"), f.Arg("dy"), f.Arg("mean"), f.Arg("invstd")
		g, gx := f.Arg("sums"), f.Arg("products")
		gamma, dgamma, dbeta := f.GetMem(Mem{Base: f.Arg("gamma")}), f.Zero(), f.Zero()
		f.Loop(f.Arg("n"), func() {
			hat := f.Mul(f.Sub(f.GetMem(Mem{Base: x}), f.Splat(Mem{Base: mean})), f.Splat(Mem{Base: invstd}))
			d := f.GetMem(Mem{Base: dy})
			f.AddTo(dbeta, d)
			f.FMA(dgamma, d, hat)
			f.MulTo(d, gamma)
			f.MulTo(hat, d)
			f.AddMemTo(d, Mem{Base: g})
			f.PutMem(d, Mem{Base: g})
			f.AddMemTo(hat, Mem{Base: gx})
			f.PutMem(hat, Mem{Base: gx})
			advance(f, 64, x, dy, g, gx)
			advance(f, 4, mean, invstd)
		})
		f.PutMem(dgamma, Mem{Base: f.Arg("dgamma")})
		f.PutMem(dbeta, Mem{Base: f.Arg("dbeta")})
	})
	lanes.Both("layerGrad", "func(x, dy, dx *float32, n int, mean, invstd, gamma, meanG, meanGX *float32)", "is layerGradGeneric.", func(f *lanes.F) {
		x, dy, dx, mean, invstd := f.Arg("x"), f.Arg("dy"), f.Arg("dx"), f.Arg("mean"), f.Arg("invstd")
		meanG, meanGX := f.Arg("meanG"), f.Arg("meanGX")
		gamma := f.GetMem(Mem{Base: f.Arg("gamma")})
		f.Loop(f.Arg("n"), func() {
			std := f.Splat(Mem{Base: invstd})
			hat := f.Mul(f.Sub(f.GetMem(Mem{Base: x}), f.Splat(Mem{Base: mean})), std)
			d := f.GetMem(Mem{Base: dy})
			f.MulTo(d, gamma)
			d = f.Sub(d, f.Splat(Mem{Base: meanG}))
			f.FNMA(d, hat, f.Splat(Mem{Base: meanGX}))
			f.PutMem(f.Mul(d, std), Mem{Base: dx})
			advance(f, 64, x, dy, dx)
			advance(f, 4, mean, invstd, meanG, meanGX)
		})
	})
}

func advance(f *lanes.F, bytes int32, pointers ...reg.GPVirtual) {
	for _, p := range pointers {
		f.ADDQ(I32(bytes), p)
	}
}
