// Command maps writes the kernels of pooling, normalisation and local response normalisation. In the
// blocked layout lanes are channels, so that all but the last of these treat a pixel as one number.
package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

func main() {
	both("maxArg", "func(s *byte)", "is maxRowGeneric with arg; s is a *MaxRow.", maxArg)
	both("maxOnly", "func(s *byte)", "is maxRowGeneric without arg; s is a *MaxRow.", maxOnly)
	both("unpool", "func(s *byte)", "is unpoolRowGeneric; s is a *MaxRow.", unpool)
	both("sumWindows", "func(s *byte)", "is sumRowGeneric; s is a *SumRow.", sumWindows)
	both("routed", "func(s *byte)", "is routedGeneric; s is a *Gather.", routed)
	both("spread", "func(s *byte)", "is spreadGeneric; s is a *Gather.", spread)

	both("sumPixels", "func(x *float32, n int, sum *float32)", "is sumPixelsGeneric for n pixels.", sumPixels)
	both("sumMoments", "func(x *float32, n int, shift, d, q *float32)", "is sumMomentsGeneric for n pixels.", sumMoments)
	clips("normalise", "func(x, y *float32, n int, a *byte)", "is normaliseGeneric for n pixels; a is an *Affine.", normalise)
	clips("normaliseAdd", "func(x, r, y *float32, n int, a *byte)", "is normaliseAddGeneric for n pixels; a is an *Affine.", normaliseAdd)
	clips("sumGrads", "func(x, dy *float32, n int, a *byte, d, q *float32)", "is sumGradsGeneric for n pixels; a is an *Affine.", sumGrads)
	clips("normaliseGrad", "func(x, dy, dx *float32, n int, a *byte)", "is normaliseGradGeneric for n pixels; a is an *Affine.", normaliseGrad)

	const blocks = "func(prev, cur, next *float32, n int, k, alpha float32, "
	both("lrn5", blocks+"y *float32)", "is lrn5Generic for n pixels.", lrn5)
	both("lrn5Terms", blocks+"dy, s, q *float32)", "is lrn5TermsGeneric for n pixels.", lrn5Terms)
	both("lrn5Grad", "func(prev, cur, next *float32, n int, factor float32, x, s, dx *float32)", "is lrn5GradGeneric for n pixels, with factor −2αβ.", lrn5Grad)
	layers()
	lanes.Generate()
}

// A fn is a kernel under construction that works on parts of vectors: the one ZMM register of sixteen
// channels, or the two YMM registers one after the other, which takes half the registers at a time.
type fn struct{ *lanes.F }

func both(name, signature, doc string, body func(f fn)) {
	lanes.Both(name, signature, doc, func(f *lanes.F) { body(fn{f}) })
}

// clips emits a kernel without an activation, and with a ReLU or ReLU6.
func clips(name, signature, doc string, body func(f fn, c clip)) {
	both(name, signature, doc, func(f fn) { body(f, unclipped) })
	both(name+"ReLU", signature, doc, func(f fn) { body(f, below0) })
	both(name+"ReLU6", signature, doc, func(f fn) { body(f, below0above6) })
}

// A clip is what an activation does: 0, 1 and 2 as in package simd.
type clip int

const (
	unclipped clip = iota
	below0
	below0above6
)

// bounds returns registers for the least result and the most, as far as a clip has them.
func (f fn) bounds(c clip) (low, high reg.VecVirtual) {
	if c != unclipped {
		low = f.zero()
	}
	if c == below0above6 {
		high = f.F.Const(6).Lo
	}
	return low, high
}

// parts returns the byte offsets of a vector's parts.
func (f fn) parts() []int {
	if f.Wide() {
		return []int{0}
	}
	return []int{0, 32}
}

// part returns a register for a part.
func (f fn) part() reg.VecVirtual {
	if f.Wide() {
		return f.ZMM()
	}
	return f.YMM()
}

// registers returns registers for all parts of a vector.
func (f fn) registers() []reg.VecVirtual {
	var v []reg.VecVirtual
	for range f.parts() {
		v = append(v, f.part())
	}
	return v
}

func (f fn) load(m Mem) reg.VecVirtual {
	v := f.part()
	f.VMOVUPS(m, v)
	return v
}

func (f fn) zero() reg.VecVirtual {
	v := f.part()
	f.clear(v)
	return v
}

func (f fn) clear(v reg.VecVirtual) {
	if f.Wide() {
		f.VPXORD(v, v, v)
	} else {
		f.VXORPS(v, v, v)
	}
}

// vector returns registers for all parts of a vector, with the content of memory if there is any.
func (f fn) vector(from ...Mem) []reg.VecVirtual {
	v := make([]reg.VecVirtual, len(f.parts()))
	for i, off := range f.parts() {
		if from == nil {
			v[i] = f.zero()
		} else {
			v[i] = f.load(from[0].Offset(off))
		}
	}
	return v
}

// vectors returns n vectors of zeros.
func (f fn) vectors(n int) [][]reg.VecVirtual {
	v := make([][]reg.VecVirtual, n)
	for i := range v {
		v[i] = f.vector()
	}
	return v
}

// fold adds all vectors to the first.
func (f fn) fold(v [][]reg.VecVirtual) []reg.VecVirtual {
	for n := len(v); n > 1; n = (n + 1) / 2 {
		for i := range n / 2 {
			for h := range v[i] {
				f.VADDPS(v[i+(n+1)/2][h], v[i][h], v[i][h])
			}
		}
	}
	return v[0]
}

func (f fn) store(v []reg.VecVirtual, to Mem) {
	for i, off := range f.parts() {
		f.VMOVUPS(v[i], to.Offset(off))
	}
}

// splat copies a float to all lanes of a part.
func (f fn) splat(from Op) reg.VecVirtual {
	v := f.part()
	f.VBROADCASTSS(from, v)
	return v
}

// splatInt copies an integer to all lanes of a part.
func (f fn) splatInt(from reg.GPVirtual) reg.VecVirtual {
	x, v := f.XMM(), f.part()
	f.VMOVD(from.As32(), x)
	f.VPBROADCASTD(x, v)
	return v
}

// A mask chooses lanes of a part: a mask register, or lanes of ones.
type mask struct {
	k reg.OpmaskVirtual
	v reg.VecVirtual
}

// compare returns the lanes in which a p b. b may be in memory.
func (f fn) compare(p lanes.Predicate, a reg.VecVirtual, b Op) mask {
	if f.Wide() {
		m := mask{k: f.K()}
		f.VCMPPS(U8(p), b, a, m.k)
		return m
	}
	m := mask{v: f.YMM()}
	f.VCMPPS(U8(p), b, a, m.v)
	return m
}

// or adds lanes to m.
func (f fn) or(m, more mask) {
	if f.Wide() {
		f.KORW(more.k, m.k, m.k)
	} else {
		f.VORPS(more.v, m.v, m.v)
	}
}

// and takes lanes from m.
func (f fn) and(m, more mask) {
	if f.Wide() {
		f.KANDW(more.k, m.k, m.k)
	} else {
		f.VANDPS(more.v, m.v, m.v)
	}
}

// replace copies v to d in the lanes of m.
func (f fn) replace(d reg.VecVirtual, m mask, v reg.VecVirtual) {
	if f.Wide() {
		f.VMOVAPS(v, m.k, d)
	} else {
		f.VBLENDVPS(m.v, v, d, d)
	}
}

// loadMasked returns the lanes of m from memory and zeros elsewhere.
func (f fn) loadMasked(from Mem, m mask) reg.VecVirtual {
	v := f.part()
	if f.Wide() {
		f.VMOVUPS_Z(from, m.k, v)
	} else {
		f.VANDPS(from, m.v, v)
	}
	return v
}

// field returns the i-th eight bytes of a struct.
func field(s reg.Register, off int) Mem { return Mem{Base: s, Disp: off} }

func (f fn) loadField(s reg.Register, off int) reg.GPVirtual {
	r := f.GP64()
	f.MOVQ(field(s, off), r)
	return r
}

// groups counts n down in groups of the given sizes, the last of which is 1.
func (f fn) groups(n Op, sizes []int, body func(size int)) {
	for _, size := range sizes {
		loop, done := f.Label("group"), f.Label("done")
		f.Here(loop)
		f.CMPQ(n, I32(size))
		f.JL(LabelRef(done))
		body(size)
		f.SUBQ(I32(size), n)
		f.JMP(LabelRef(loop))
		f.Here(done)
	}
}

// times runs body as often as the positive number at count says.
func (f fn) times(count Mem, body func()) {
	left, loop := f.GP64(), f.Label("loop")
	f.MOVQ(count, left)
	f.Here(loop)
	body()
	f.DECQ(left)
	f.JNZ(LabelRef(loop))
}
