//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./maps -out ../maps_amd64.s -stubs ../maps_stub_amd64.go -pkg kernel

import "unsafe"

// Switches and direct calls, not tables of functions: the compiler must see that nothing escapes.

func (s *maxRow) run() {
	b := (*byte)(unsafe.Pointer(s))
	switch {
	case family == AVX512 && s.arg != nil:
		maxArgAVX512(b)
	case family == AVX512:
		maxOnlyAVX512(b)
	case family == AVX2 && s.arg != nil:
		maxArgAVX2(b)
	case family == AVX2:
		maxOnlyAVX2(b)
	default:
		s.runPortable()
	}
}

func (s *sumRow) run() {
	switch family {
	case AVX512:
		sumWindowsAVX512((*byte)(unsafe.Pointer(s)))
	case AVX2:
		sumWindowsAVX2((*byte)(unsafe.Pointer(s)))
	default:
		s.runPortable()
	}
}

func (g *gather) routed() {
	switch family {
	case AVX512:
		routedAVX512((*byte)(unsafe.Pointer(g)))
	case AVX2:
		routedAVX2((*byte)(unsafe.Pointer(g)))
	default:
		g.routedPortable()
	}
}

func (g *gather) spread() {
	switch family {
	case AVX512:
		spreadAVX512((*byte)(unsafe.Pointer(g)))
	case AVX2:
		spreadAVX2((*byte)(unsafe.Pointer(g)))
	default:
		g.spreadPortable()
	}
}

func sumPixels(x []float32, sum *[Block]float32) {
	switch family {
	case AVX512:
		sumPixelsAVX512(unsafe.SliceData(x), len(x)/Block, &sum[0])
	case AVX2:
		sumPixelsAVX2(unsafe.SliceData(x), len(x)/Block, &sum[0])
	default:
		sumPixelsPortable(x, sum)
	}
}

func sumMoments(x []float32, shift, d, q *[Block]float32) {
	switch family {
	case AVX512:
		sumMomentsAVX512(unsafe.SliceData(x), len(x)/Block, &shift[0], &d[0], &q[0])
	case AVX2:
		sumMomentsAVX2(unsafe.SliceData(x), len(x)/Block, &shift[0], &d[0], &q[0])
	default:
		sumMomentsPortable(x, shift, d, q)
	}
}

func normalise(x, y []float32, a *affine, relu bool) {
	in, out, n, b := unsafe.SliceData(x), unsafe.SliceData(y[:len(x)]), len(x)/Block, (*byte)(unsafe.Pointer(a))
	switch {
	case family == AVX512 && relu:
		normaliseReLUAVX512(in, out, n, b)
	case family == AVX512:
		normaliseAVX512(in, out, n, b)
	case family == AVX2 && relu:
		normaliseReLUAVX2(in, out, n, b)
	case family == AVX2:
		normaliseAVX2(in, out, n, b)
	default:
		normalisePortable(x, y, a, relu)
	}
}

func normaliseAdd(x, r, y []float32, a *affine, relu bool) {
	in, added, out := unsafe.SliceData(x), unsafe.SliceData(r[:len(x)]), unsafe.SliceData(y[:len(x)])
	n, b := len(x)/Block, (*byte)(unsafe.Pointer(a))
	switch {
	case family == AVX512 && relu:
		normaliseAddReLUAVX512(in, added, out, n, b)
	case family == AVX512:
		normaliseAddAVX512(in, added, out, n, b)
	case family == AVX2 && relu:
		normaliseAddReLUAVX2(in, added, out, n, b)
	case family == AVX2:
		normaliseAddAVX2(in, added, out, n, b)
	default:
		normaliseAddPortable(x, r, y, a, relu)
	}
}

func sumGrads(x, dy []float32, a *affine, relu bool, d, q *[Block]float32) {
	in, g, n, b := unsafe.SliceData(x), unsafe.SliceData(dy[:len(x)]), len(x)/Block, (*byte)(unsafe.Pointer(a))
	switch {
	case family == AVX512 && relu:
		sumGradsReLUAVX512(in, g, n, b, &d[0], &q[0])
	case family == AVX512:
		sumGradsAVX512(in, g, n, b, &d[0], &q[0])
	case family == AVX2 && relu:
		sumGradsReLUAVX2(in, g, n, b, &d[0], &q[0])
	case family == AVX2:
		sumGradsAVX2(in, g, n, b, &d[0], &q[0])
	default:
		sumGradsPortable(x, dy, a, relu, d, q)
	}
}

func normaliseGrad(x, dy, dx []float32, a *affine, relu bool) {
	in, g, out := unsafe.SliceData(x), unsafe.SliceData(dy[:len(x)]), unsafe.SliceData(dx[:len(x)])
	n, b := len(x)/Block, (*byte)(unsafe.Pointer(a))
	switch {
	case family == AVX512 && relu:
		normaliseGradReLUAVX512(in, g, out, n, b)
	case family == AVX512:
		normaliseGradAVX512(in, g, out, n, b)
	case family == AVX2 && relu:
		normaliseGradReLUAVX2(in, g, out, n, b)
	case family == AVX2:
		normaliseGradAVX2(in, g, out, n, b)
	default:
		normaliseGradPortable(x, dy, dx, a, relu)
	}
}

func lrn5(prev, cur, next []float32, o *LRNParams, y []float32) {
	n := len(cur)
	p, c, e, out := unsafe.SliceData(prev[:n]), unsafe.SliceData(cur), unsafe.SliceData(next[:n]), unsafe.SliceData(y[:n])
	switch family {
	case AVX512:
		lrn5AVX512(p, c, e, n/Block, o.K, o.Alpha, out)
	case AVX2:
		lrn5AVX2(p, c, e, n/Block, o.K, o.Alpha, out)
	default:
		lrn5Portable(prev, cur, next, o, y)
	}
}

func lrn5Terms(prev, cur, next, dy []float32, o *LRNParams, s, q []float32) {
	n := len(cur)
	p, c, e := unsafe.SliceData(prev[:n]), unsafe.SliceData(cur), unsafe.SliceData(next[:n])
	g, sp, qp := unsafe.SliceData(dy[:n]), unsafe.SliceData(s[:n]), unsafe.SliceData(q[:n])
	switch family {
	case AVX512:
		lrn5TermsAVX512(p, c, e, n/Block, o.K, o.Alpha, g, sp, qp)
	case AVX2:
		lrn5TermsAVX2(p, c, e, n/Block, o.K, o.Alpha, g, sp, qp)
	default:
		lrn5TermsPortable(prev, cur, next, dy, o, s, q)
	}
}

func lrn5Grad(prev, cur, next, x, s []float32, o *LRNParams, dx []float32) {
	n := len(cur)
	p, c, e := unsafe.SliceData(prev[:n]), unsafe.SliceData(cur), unsafe.SliceData(next[:n])
	in, sp, out := unsafe.SliceData(x[:n]), unsafe.SliceData(s[:n]), unsafe.SliceData(dx[:n])
	switch family {
	case AVX512:
		lrn5GradAVX512(p, c, e, n/Block, -1.5*o.Alpha, in, sp, out)
	case AVX2:
		lrn5GradAVX2(p, c, e, n/Block, -1.5*o.Alpha, in, sp, out)
	default:
		lrn5GradPortable(prev, cur, next, x, s, o, dx)
	}
}
