package simd

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// The generic family rounds every product and every sum, so that its results are the same bits on all processors: those
// below were found on x86-64. A compiler for arm64 would fuse a product with a sum unless a conversion stands between.
func TestGenericBitsAreTheSameOnAllProcessors(t *testing.T) {
	setFamily(t, Generic)
	rng := rand.New(rand.NewPCG(17, 4))
	const n = 40 * Block
	a, b, c, d, s := random(rng, n), random(rng, n), random(rng, n), random(rng, n), random(rng, MaxScalars)
	for i := range d {
		d[i] *= d[i] // a second moment
	}
	for i := range s {
		s[i] = max(s[i], -s[i])
	}
	var sums [6][Block]float32
	affine := Affine{Mean: [Block]float32(a), Scale: [Block]float32(b), Shift: [Block]float32(c), Slope: [Block]float32(d), Offset: [Block]float32(a[9:])}
	out := func(floats int) []float32 { return make([]float32, floats) }
	table := &tableGeneric
	elementwise := func(loop Elementwise) func() []float32 {
		return func() []float32 {
			w, g, m, v := append([]float32(nil), a...), append([]float32(nil), b...), append([]float32(nil), c...), append([]float32(nil), d...)
			loop(&w[0], &g[0], &m[0], &v[0], &s[0], n)
			return append(append(append(w, g...), m...), v...)
		}
	}
	tile := func(run func(x *Tile)) func() []float32 {
		return func() []float32 {
			y, offs := out(2*Block), [2][2]int{{}, {64, 128}}
			run(&Tile{A0: unsafe.Pointer(&a[0]), A1: unsafe.Pointer(&a[70]), AMS: 64, AKS: 4, Offs: &offs[0], NB: 2, KB: 9, B: unsafe.Pointer(&b[0]), BKS: 64,
				C0: unsafe.Pointer(&y[0]), C1: unsafe.Pointer(&y[Block]), CMS: 64, Bias: unsafe.Pointer(&c[0])})
			return y
		}
	}
	all := []struct {
		name string
		run  func() []float32
		want uint64
	}{
		{"axpy", elementwise(table.Axpy), 0x787660bbf3893adf},
		{"tanh", elementwise(table.Tanh), 0xc8f529f173cdefdc},
		{"gradient of tanh", elementwise(table.TanhGrad), 0xcaab9cf86aa1e3d6},
		{"gelu", elementwise(table.Activate[GELUKind]), 0xe32cc56b88b48990},
		{"gradient of gelu", elementwise(table.ActivateGrad[GELUKind]), 0x9b6efc3682858ae0},
		{"gradient of silu", elementwise(table.ActivateGrad[SiLUKind]), 0x64290280004bd9dc},
		{"gradient of hard-swish", elementwise(table.ActivateGrad[HardSwishKind]), 0x5cad57d1a763a60},
		{"sgd", elementwise(table.SGD), 0x6be656d06e9e88bf},
		{"momentum", elementwise(table.SGDMomentum), 0xae8918fd3f0e97a4},
		{"nesterov", elementwise(table.SGDNesterov), 0x5cb2236acb85b2c5},
		{"adam", elementwise(table.Adam), 0x1423f117bee79365},
		{"ema", elementwise(table.EMA), 0xfeb2a0646d7cc0ac},
		{"exponentials", func() []float32 { y := out(n); return append(y, table.RowExp(&a[0], &y[0], n, 0.3)) }, 0xdc50d6d86687aef7},
		{"squares", func() []float32 { return []float32{float32(table.SumSquares(&a[0], n))} }, 0x6c904665e4e7e4},
		{"tile", tile(func(x *Tile) { x.Run(2, 1) }), 0x3a56a40157a232c9},
		{"tile of lanes", tile(func(x *Tile) { x.KB = 3; x.AKS = 64; x.RunLanes(2) }), 0x5265e9e800fdbcc1},
		{"dot", func() []float32 { y := out(4); Dot(1, 4, 50, a, 60, 0, 1, b, 70, y); return y }, 0xedd9c8a853131242},
		{"mix", func() []float32 { y := out(200); Mix(2, 90, 5, a, 95, 0, 1, b, 10, y, 100); return y }, 0x50053800cfef0c59},
		{"winograd's input", func() []float32 {
			y := out(36 * Block)
			F43.Input(1, &a[0], 6*PixelBytes, &y[0], PixelBytes)
			return y
		}, 0xb9501ee36d6b7493},
		{"winograd's output", func() []float32 {
			y := out(16 * Block)
			bounds := append(make([]float32, Block), b[:Block]...)
			F43.Output(1, &a[0], PixelBytes, &y[0], 4*PixelBytes, &c[0], &d[0], &bounds[0])
			return y
		}, 0xf7290c9d74294a63},
		{"winograd's small input", func() []float32 {
			y := out(16 * Block)
			F23.Input(1, &a[0], 4*PixelBytes, &y[0], PixelBytes)
			return y
		}, 0x98555aa10f6f05e},
		{"winograd's small output", func() []float32 {
			y := out(4 * Block)
			bounds := append(make([]float32, Block), b[:Block]...)
			F23.Output(1, &a[0], PixelBytes, &y[0], 2*PixelBytes, &c[0], &d[0], &bounds[0])
			return y
		}, 0xaa47ee925c12c4f8},
		{"winograd's small filter", func() []float32 { y := out(16 * Block); F23.Filter(1, &a[0], &y[0], PixelBytes); return y }, 0x9698e49dc73d031a},
		{"winograd's input of 5×5", func() []float32 {
			y := out(2 * 36 * Block)
			F25.Input(2, &a[0], 6*PixelBytes, &y[0], 2*PixelBytes)
			return y
		}, 0x2781c367fa35f66e},
		{"winograd's output of 5×5", func() []float32 {
			y := out(4 * Block)
			bounds := append(make([]float32, Block), b[:Block]...)
			F25.Output(1, &a[0], PixelBytes, &y[0], 2*PixelBytes, &c[0], &d[0], &bounds[0])
			return y
		}, 0x7690ed9c71dc0a10},
		{"winograd's filter of 5×5", func() []float32 { y := out(36 * Block); F25.Filter(1, &a[0], &y[0], PixelBytes); return y }, 0xf4995fa7744b0975},
		{"winograd's filter", func() []float32 { y := out(36 * Block); F43.Filter(1, &a[0], &y[0], PixelBytes); return y }, 0x7026aa9e09333d69},
		{"winograd's gradient of the output", func() []float32 {
			y := out(36 * Block)
			WinogradOutputGrad(1, &a[0], 4*PixelBytes, &y[0], PixelBytes)
			return y
		}, 0x7f85bc8fe71ffa0c},
		{"winograd's gradient of the filter", func() []float32 { y := out(9 * Block); WinogradFilterGrad(1, &a[0], PixelBytes, &y[0]); return y }, 0xa4d4b5e2ab7326a2},
		{"normalise", func() []float32 { y := out(n); Normalise(a, y, &affine, ClipBelow0); return y }, 0x4d613d594493e158},
		{"gradient of normalise", func() []float32 { y := out(n); NormaliseGrad(a, b, y, &affine, ClipBelow0Above6); return y }, 0xd80cd1b53d9c300f},
		{"sums of gradients", func() []float32 {
			SumGrads(a, b, &affine, ClipBelow0, &sums[0], &sums[1])
			return append(sums[0][:], sums[1][:]...)
		}, 0x9ef1cbfc4390b4e0},
		{"moments", func() []float32 {
			SumMoments(a, &sums[2], &sums[0], &sums[1])
			return append(sums[0][:], sums[1][:]...)
		}, 0xa038478482aa1024},
		{"layer normalisation", func() []float32 {
			y := out(n)
			LayerNormalise(a, y, b[:40], d[:40], &affine.Scale, &affine.Shift)
			return y
		}, 0xbd7c5b96b6c57a0f},
		{"gradient of layer normalisation", func() []float32 {
			y := out(n)
			LayerGrad(a, b, y, c[:40], d[:40], &affine.Scale, a[:40], b[:40])
			return y
		}, 0xc2d080557f646d45},
		{"local response", func() []float32 { y := out(n); LRN5(a, b, c, 2, 0.1, y); return y }, 0xfb941d16264f4ce6},
		{"terms of local response", func() []float32 { y := out(2 * n); LRN5Terms(a, b, c, d, 2, 0.1, y[:n], y[n:]); return y }, 0xd8f96276ed31f615},
		{"gradient of local response", func() []float32 { y := out(n); LRN5Grad(a, b, c, d, a, 0.1, y); return y }, 0x6b96155229f8554a},
		{"boxes", func() []float32 {
			y, at := out(2*Block), []int32{0, 128, 64, 4, 0, 0}
			x := BoxSum{Boxes: 1, N: 5, Step: 1, Row: 30, SumRow: Block}
			x.Run(&Box{0, 0, 2, 1}, a, at, b, y)
			return y
		}, 0x8354416b0549cac3},
	}
	for _, k := range all {
		h := fnv.New64a()
		for _, v := range k.run() {
			bits := math.Float32bits(v)
			_, _ = h.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
		}
		if got := h.Sum64(); got != k.want {
			t.Errorf("%s: %#x, want %#x", k.name, got, k.want)
		}
	}
}
