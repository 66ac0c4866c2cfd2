package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// A mapGolden is a case of testdata/maps.json, which maps.py made with PyTorch.
type mapGolden struct {
	Kind                string
	Shape               [4]int
	Window, Stride, Pad [2]int
	Ceil, CountPad      bool
	Out                 [2]int
	Index               []int
	Relu                bool
	Offset              float64
	Mean, Variance      []float64
	Dgamma, Dbeta       []float64
	Size                int
	Alpha, Beta, K      float32
	Y, Dx               []float64
}

// series is maps.py's.
func series(seed uint32, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		seed = seed*1664525 + 1013904223
		x[i] = float64(seed>>24)/128 - 1
	}
	return x
}

func TestMapsAgreeWithPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/maps.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []mapGolden }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	checks := map[string]func(t *testing.T, p *Pool, g *mapGolden){
		"max": checkGoldenMax, "avg": checkGoldenAvg, "batchnorm": checkGoldenBatchNorm, "lrn": checkGoldenLRN,
	}
	p := NewPool(2)
	defer p.Close()
	for i, g := range golden.Cases {
		for _, f := range Families() {
			t.Run(fmt.Sprintf("%s, case %d, %v", g.Kind, i, f), func(t *testing.T) {
				setFamily(t, f)
				checks[g.Kind](t, p, &g)
			})
		}
	}
}

func (g *mapGolden) in() mapShape { return mapShape{g.Shape[0], g.Shape[1], g.Shape[2], g.Shape[3]} }

func (g *mapGolden) pooling(t *testing.T) (w Window, in, out mapShape) {
	w = Window{
		KH: g.Window[0], KW: g.Window[1], SH: g.Stride[0], SW: g.Stride[1],
		PadT: g.Pad[0], PadB: g.Pad[0], PadL: g.Pad[1], PadR: g.Pad[1], Ceil: g.Ceil, CountPad: g.CountPad,
	}
	in = g.in()
	oh, ow := w.Out(in.h, in.w)
	if oh != g.Out[0] || ow != g.Out[1] {
		t.Fatalf("result is %d×%d, must be %d×%d", oh, ow, g.Out[0], g.Out[1])
	}
	return w, in, mapShape{in.n, in.c, oh, ow}
}

func checkGoldenMax(t *testing.T, p *Pool, g *mapGolden) {
	w, in, out := g.pooling(t)
	y, dx := mapBuffer(out), mapBuffer(in)
	argmax := make([]uint8, BlockedLen(out.n, out.c, out.h, out.w))
	MaxPool(p, w, mapOf(in, series(1, in.len())), y, argmax)
	wantNear(t, "y", plainOf(t, y), g.Y, 0)
	for i, want := range g.Index {
		n, c, o := i/(out.h*out.w)/out.c, i/(out.h*out.w)%out.c, i%(out.h*out.w)
		tap := int(argmax[((n*Blocks(out.c)+c/Block)*out.h*out.w+o)*Block+c%Block])
		row, column := o/out.w*w.SH-w.PadT+tap/w.KW, o%out.w*w.SW-w.PadL+tap%w.KW
		if got := row*in.w + column; got != want {
			t.Fatalf("image %d, channel %d, window %d: the largest is at %d, must be at %d", n, c, o, got, want)
		}
	}
	MaxPoolGrad(p, w, mapOf(out, series(2, out.len())), argmax, dx)
	wantNear(t, "dx", plainOf(t, dx), g.Dx, 1e-6)
}

func checkGoldenAvg(t *testing.T, p *Pool, g *mapGolden) {
	w, in, out := g.pooling(t)
	y, dx := mapBuffer(out), mapBuffer(in)
	AvgPool(p, w, mapOf(in, series(1, in.len())), y)
	wantNear(t, "y", plainOf(t, y), g.Y, 1e-6)
	AvgPoolGrad(p, w, mapOf(out, series(2, out.len())), dx)
	wantNear(t, "dx", plainOf(t, dx), g.Dx, 1e-6)
}

func checkGoldenBatchNorm(t *testing.T, p *Pool, g *mapGolden) {
	in := g.in()
	plain, gamma, beta := series(3, in.len()), series(4, in.c), narrow(series(5, in.c))
	for i := range plain {
		plain[i] += g.Offset
	}
	for i := range gamma {
		gamma[i] += 1.5
	}
	gamma32 := narrow(gamma)
	x, y, dx := mapOf(in, plain), mapBuffer(in), mapBuffer(in)
	mean, variance, invstd := make([]float32, in.c), make([]float32, in.c), make([]float32, in.c)
	dgamma, dbeta := make([]float32, in.c), make([]float32, in.c)
	BatchNorm(p, x, gamma32, beta, 1e-5, nil, y, mean, variance, invstd, reluIf(g.Relu))
	wantNear(t, "y", plainOf(t, y), g.Y, 1e-5)
	wantNear(t, "mean", widen(mean), g.Mean, 1e-6)
	wantNear(t, "variance", widen(variance), g.Variance, 1e-6)
	dy := mapOf(in, series(6, in.len()))
	BatchNormGrad(p, x, dy, gamma32, beta, mean, invstd, dx, dgamma, dbeta, reluIf(g.Relu))
	wantNear(t, "dx", plainOf(t, dx), g.Dx, 1e-5)
	wantNear(t, "dgamma", widen(dgamma), g.Dgamma, 1e-5)
	wantNear(t, "dbeta", widen(dbeta), g.Dbeta, 1e-5)
}

func checkGoldenLRN(t *testing.T, p *Pool, g *mapGolden) {
	in := g.in()
	plain := series(7, in.len())
	for i := range plain {
		plain[i] *= 4
	}
	o := LRNParams{Size: g.Size, K: g.K, Alpha: g.Alpha, Beta: g.Beta}
	x, y, dx := mapOf(in, plain), mapBuffer(in), mapBuffer(in)
	LRN(p, o, x, y)
	wantNear(t, "y", plainOf(t, y), g.Y, 1e-6)
	LRNGrad(p, o, x, mapOf(in, series(8, in.len())), dx)
	wantNear(t, "dx", plainOf(t, dx), g.Dx, 1e-6)
}
