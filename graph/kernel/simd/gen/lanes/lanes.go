// Package lanes writes assembly kernels over vectors of sixteen float32 once and emits them for two
// processor families: AVX-512 (a vector is one ZMM register) and AVX2+FMA (two YMM registers).
//
// A generator is a main package that describes its kernels and calls Generate:
//
//	//go:generate go -C gen run ./vec -out ../vec_amd64.s -stubs ../vec_stub_amd64.go -pkg simd
//
//	func main() {
//		lanes.Both("relu", "func(n int, x, y *float32)", "writes max(x, 0) to n floats at y.", func(f *lanes.F) {
//			n, x, y := f.Arg("n"), f.Arg("x"), f.Arg("y")
//			zero := f.Const(0)
//			f.Each(n, f.Pick(4, 2), func(at []lanes.At) { // four vectors at once, two on AVX2
//				for _, a := range at {
//					f.Put(f.Max(zero, f.Get(x, a)), y, a) // the last, partial vector is masked by itself
//				}
//			})
//		})
//		lanes.Generate()
//	}
//
// emits reluAVX512 and reluAVX2, with stubs marked go:noescape and the build constraint amd64 && !noasm.
// The function's VZEROUPPER and RET are written for it.
//
// Operations return a new vector; those that change their first operand say so (FMA, AddTo, …),
// which is how an accumulator lives across iterations: make it before the loop, change it inside.
// A kernel has F.Pick(32, 8) vectors at hand; Generate fails when one needs more. [F] embeds avo's
// build context: every instruction and register is within reach (f.ADDQ, f.GP64(), …) for what is
// not here, with F.Wide telling the families apart and Vec.Lo, Vec.Hi naming the registers.
package lanes

import (
	"flag"
	"fmt"
	"os"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/reg"
)

var (
	ctx    = build.NewContext()
	consts = map[string]operand.Mem{} // shared by all functions of a file
)

// F is a kernel under construction for one processor family.
type F struct {
	*build.Context
	wide   bool
	labels int
}

// A Vec is sixteen floats (or int32s): a ZMM register in Lo, or two YMM registers.
type Vec struct{ Lo, Hi reg.VecVirtual }

// A Mask is one bit for each of the sixteen lanes: a mask register, or all-ones lanes in a vector.
type Mask struct {
	K reg.OpmaskVirtual
	V Vec
}

// At is a place that Each has reached: a distance from the start of each array, and on the last,
// partial vector the mask of the lanes that exist.
type At struct {
	Index reg.GPVirtual // bytes
	Disp  int           // bytes
	Tail  *Mask         // nil: all sixteen
}

// Both emits the kernel for AVX-512 and for AVX2, named name+"AVX512" and name+"AVX2".
// The signature's arguments are pointers, ints and float32s.
func Both(name, signature, doc string, body func(f *F)) {
	For(true, name+"AVX512", signature, doc, body)
	For(false, name+"AVX2", signature, doc, body)
}

// For emits the kernel for one family: AVX-512 if wide, else AVX2.
func For(wide bool, name, signature, doc string, body func(f *F)) {
	ctx.Function(name)
	ctx.Doc(name + " " + doc)
	ctx.Pragma("noescape")
	ctx.Attributes(attr.NOSPLIT)
	ctx.SignatureExpr(signature)
	f := &F{Context: ctx, wide: wide}
	body(f)
	f.VZEROUPPER()
	f.RET()
}

// Generate writes the files that the command line asks for and ends the program.
func Generate() {
	// A set of our own: avo has taken the same names on the command line's.
	set := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flags := build.NewFlags(set)
	_ = set.Parse(os.Args[1:]) // exits on error
	ctx.ConstraintExpr("amd64,!noasm")
	cfg := flags.Config()
	cfg.Passes = slices.Insert(cfg.Passes, 1, pass.Interface(pass.Func(checkRegisters))) // before the files are written
	os.Exit(build.Main(cfg, ctx))
}

// Wide reports whether the family is AVX-512.
func (f *F) Wide() bool { return f.wide }

// Pick returns its first argument on AVX-512, its second on AVX2.
func (f *F) Pick(wide, narrow int) int {
	if f.wide {
		return wide
	}
	return narrow
}

// Arg loads an integer or pointer argument into a general register.
func (f *F) Arg(name string) reg.GPVirtual {
	r := f.GP64()
	f.Load(f.Param(name), r)
	return r
}

// ArgVec loads a float32 argument into all lanes.
func (f *F) ArgVec(name string) Vec {
	b, err := f.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return f.Splat(b.Addr)
}

// Label returns a label that the function does not have yet, to be put somewhere with Here.
func (f *F) Label(hint string) string {
	f.labels++
	return fmt.Sprintf("%s%d", hint, f.labels)
}

// Here puts a label at the next instruction.
func (f *F) Here(label string) { f.Context.Label(label) }

func (f *F) vec() Vec {
	if f.wide {
		return Vec{Lo: f.ZMM()}
	}
	return Vec{Lo: f.YMM(), Hi: f.YMM()}
}

// Vec returns a vector that holds nothing yet, for kernels that write it with avo's instructions.
func (f *F) Vec() Vec { return f.vec() }

// mutable panics for a constant, whose halves are one register.
func (v Vec) mutable() {
	if v.Hi != nil && v.Lo == v.Hi {
		panic("lanes: a constant cannot be changed: Copy it first")
	}
}

// Zero returns sixteen zeros, to add to. (A zero for reading only is Const(0).)
func (f *F) Zero() Vec {
	v := f.vec()
	f.Clear(v)
	return v
}

// Clear makes v zero.
func (f *F) Clear(v Vec) {
	v.mutable()
	if f.wide {
		f.VPXORD(v.Lo, v.Lo, v.Lo)
		return
	}
	f.VXORPS(v.Lo, v.Lo, v.Lo)
	f.VXORPS(v.Hi, v.Hi, v.Hi)
}

// Const returns x in all lanes.
func (f *F) Const(x float32) Vec { return f.Splat(f.constant(operand.F32(x))) }

// ConstInt returns the int32 x in all lanes.
func (f *F) ConstInt(x int32) Vec { return f.Splat(f.constant(operand.U32(uint32(x)))) }

func (f *F) constant(c operand.Constant) operand.Mem {
	key := c.Asm()
	if m, ok := consts[key]; ok {
		return m
	}
	m := f.ConstData(fmt.Sprintf("const%d", len(consts)), c)
	consts[key] = m
	return m
}

// Splat copies the float at src (memory, or an XMM register) to all lanes. As the results of Const,
// ConstInt and ArgVec, it costs AVX2 one register, not two, and so cannot be an accumulator: Copy it first.
func (f *F) Splat(src operand.Op) Vec {
	if f.wide {
		v := f.vec()
		f.VBROADCASTSS(src, v.Lo)
		return v
	}
	y := f.YMM()
	f.VBROADCASTSS(src, y)
	return Vec{Lo: y, Hi: y}
}

// Copy returns a copy of v.
func (f *F) Copy(v Vec) Vec {
	d := f.vec()
	f.Move(d, v)
	return d
}

// Move copies v to dst.
func (f *F) Move(dst, v Vec) {
	dst.mutable()
	f.VMOVAPS(v.Lo, dst.Lo)
	if !f.wide {
		f.VMOVAPS(v.Hi, dst.Hi)
	}
}

// GetMem reads sixteen floats at m, whatever its alignment.
func (f *F) GetMem(m operand.Mem) Vec {
	v := f.vec()
	f.VMOVUPS(m, v.Lo)
	if !f.wide {
		f.VMOVUPS(m.Offset(32), v.Hi)
	}
	return v
}

// PutMem writes sixteen floats at m.
func (f *F) PutMem(v Vec, m operand.Mem) {
	f.VMOVUPS(v.Lo, m)
	if !f.wide {
		f.VMOVUPS(v.Hi, m.Offset(32))
	}
}

// GetMasked reads the lanes of mask at m, and touches no other memory; other lanes are zero.
func (f *F) GetMasked(m operand.Mem, mask Mask) Vec {
	v := f.vec()
	if f.wide {
		f.VMOVUPS_Z(m, mask.K, v.Lo)
	} else {
		f.VMASKMOVPS(m, mask.V.Lo, v.Lo)
		f.VMASKMOVPS(m.Offset(32), mask.V.Hi, v.Hi)
	}
	return v
}

// PutMasked writes the lanes of mask at m, and touches no other memory.
func (f *F) PutMasked(v Vec, m operand.Mem, mask Mask) {
	if f.wide {
		f.VMOVUPS(v.Lo, mask.K, m)
	} else {
		f.VMASKMOVPS(v.Lo, mask.V.Lo, m)
		f.VMASKMOVPS(v.Hi, mask.V.Hi, m.Offset(32))
	}
}

// Mem returns the address of the array at base where Each has got to.
func (a At) Mem(base reg.Register) operand.Mem {
	return operand.Mem{Base: base, Index: a.Index, Scale: 1, Disp: a.Disp}
}

// Get reads the vector of the array at base that Each has reached; lanes beyond its end are zero.
func (f *F) Get(base reg.Register, at At) Vec {
	if at.Tail != nil {
		return f.GetMasked(at.Mem(base), *at.Tail)
	}
	return f.GetMem(at.Mem(base))
}

// Put writes the vector of the array at base that Each has reached, lanes beyond its end excepted.
func (f *F) Put(v Vec, base reg.Register, at At) {
	if at.Tail != nil {
		f.PutMasked(v, at.Mem(base), *at.Tail)
		return
	}
	f.PutMem(v, at.Mem(base))
}

// Each walks over n floats in vectors of sixteen. It emits body for groups of unroll neighbouring
// vectors (skipped if unroll is 1), for a single vector, and for the last, partial one with the Tail
// mask set: body sees one to unroll places at a time. n is left as it was.
func (f *F) Each(n reg.GPVirtual, unroll int, body func(at []At)) {
	i, left := f.GP64(), f.GP64() // bytes done, floats left
	f.XORQ(i, i)
	f.MOVQ(n, left)
	step := func(count int) {
		loop, done := f.Label("loop"), f.Label("done")
		f.SUBQ(operand.I32(16*count), left)
		f.JL(operand.LabelRef(done))
		f.Here(loop)
		at := make([]At, count)
		for k := range at {
			at[k] = At{Index: i, Disp: 64 * k}
		}
		body(at)
		f.ADDQ(operand.I32(64*count), i)
		f.SUBQ(operand.I32(16*count), left)
		f.JGE(operand.LabelRef(loop))
		f.Here(done)
		f.ADDQ(operand.I32(16*count), left)
	}
	if unroll > 1 {
		step(unroll)
	}
	step(1)
	end := f.Label("end")
	f.TESTQ(left, left)
	f.JZ(operand.LabelRef(end))
	mask := f.FirstLanes(left)
	body([]At{{Index: i, Tail: &mask}})
	f.Here(end)
}

// Loop runs body n times, not at all if n is not positive. n is counted down.
func (f *F) Loop(n reg.GPVirtual, body func()) {
	loop, done := f.Label("loop"), f.Label("done")
	f.TESTQ(n, n)
	f.JLE(operand.LabelRef(done))
	f.Here(loop)
	body()
	f.DECQ(n)
	f.JNZ(operand.LabelRef(loop))
	f.Here(done)
}

// FirstLanes returns the mask of the first n lanes, 0 ≤ n ≤ 16.
func (f *F) FirstLanes(n reg.GPVirtual) Mask {
	if f.wide {
		ones, k := f.GP32(), f.K()
		f.MOVL(operand.I32(-1), ones)
		f.BZHIL(n.As32(), ones, ones)
		f.KMOVW(ones, k)
		return Mask{K: k}
	}
	p, back := f.GP64(), f.GP64()
	f.LEAQ(f.slidingMask(), p)
	f.MOVQ(n, back)
	f.NEGQ(back)
	return Mask{V: f.GetMem(operand.Mem{Base: p, Index: back, Scale: 4, Disp: 64})}
}

// slidingMask is sixteen lanes of ones followed by sixteen of zeros.
func (f *F) slidingMask() operand.Mem {
	const key = "sliding mask"
	m, ok := consts[key]
	if !ok {
		m = f.StaticGlobal("mask")
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 32 {
			v := uint32(0xFFFFFFFF)
			if i >= 16 {
				v = 0
			}
			f.AppendDatum(operand.U32(v))
		}
		consts[key] = m
	}
	return m
}
