package neon

import "fmt"

// three emits an instruction of two sources: d = a op b. The arrangement is that of all three.
func (f *F) three(name, as string, code uint32, d, a, b Vec) {
	f.word(regs(d), regs(a, b), func() (uint32, string) {
		return code | b.n()<<16 | a.n()<<5 | d.n(), fmt.Sprintf("%s v%d.%s, v%d.%s, v%d.%s", name, d.n(), as, a.n(), as, b.n(), as)
	})
}

// two emits an instruction of one source.
func (f *F) two(name, to, from string, code uint32, d, a Vec) {
	f.word(regs(d), regs(a), func() (uint32, string) {
		return code | a.n()<<5 | d.n(), fmt.Sprintf("%s v%d.%s, v%d.%s", name, d.n(), to, a.n(), from)
	})
}

// element emits an instruction whose second source is one lane; more are registers that it reads too.
func (f *F) element(name string, code uint32, d, a, b Vec, lane int, more ...*register) {
	f.word(regs(d), append(regs(a, b), more...), func() (uint32, string) {
		return code | uint32(lane&1)<<21 | uint32(lane>>1)<<11 | b.n()<<16 | a.n()<<5 | d.n(),
			fmt.Sprintf("%s v%d.4s, v%d.4s, v%d.s[%d]", name, d.n(), a.n(), b.n(), lane)
	})
}

func (f *F) new3(name, as string, code uint32, a, b Vec) Vec {
	d := f.Vec()
	f.three(name, as, code, d, a, b)
	return d
}

func (f *F) new2(name, as string, code uint32, a Vec) Vec {
	d := f.Vec()
	f.two(name, as, as, code, d, a)
	return d
}

// Words of instructions on four floats.
const (
	fadd, fsub, fmul, fdiv = 0x4e20d400, 0x4ea0d400, 0x6e20dc00, 0x6e20fc00
	fmax, fmin             = 0x4e20f400, 0x4ea0f400
	fcmeq, fcmge, fcmgt    = 0x4e20e400, 0x6e20e400, 0x6ea0e400
)

// Add returns a + b.
func (f *F) Add(a, b Vec) Vec { return f.new3("fadd", "4s", fadd, a, b) }

// Sub returns a − b.
func (f *F) Sub(a, b Vec) Vec { return f.new3("fsub", "4s", fsub, a, b) }

// Mul returns a·b.
func (f *F) Mul(a, b Vec) Vec { return f.new3("fmul", "4s", fmul, a, b) }

// Div returns a/b, correctly rounded.
func (f *F) Div(a, b Vec) Vec { return f.new3("fdiv", "4s", fdiv, a, b) }

// Max returns the greater; NaN where either is.
func (f *F) Max(a, b Vec) Vec { return f.new3("fmax", "4s", fmax, a, b) }

// Min returns the lesser; NaN where either is.
func (f *F) Min(a, b Vec) Vec { return f.new3("fmin", "4s", fmin, a, b) }

// AddInto makes d = a + b.
func (f *F) AddInto(d, a, b Vec) { f.three("fadd", "4s", fadd, d, a, b) }

// SubInto makes d = a − b.
func (f *F) SubInto(d, a, b Vec) { f.three("fsub", "4s", fsub, d, a, b) }

// AddTo makes d = d + a.
func (f *F) AddTo(d, a Vec) { f.AddInto(d, d, a) }

// MulTo makes d = d·a.
func (f *F) MulTo(d, a Vec) { f.three("fmul", "4s", fmul, d, d, a) }

// MaxTo makes d = Max(d, a).
func (f *F) MaxTo(d, a Vec) { f.three("fmax", "4s", fmax, d, d, a) }

// MinTo makes d = Min(d, a).
func (f *F) MinTo(d, a Vec) { f.three("fmin", "4s", fmin, d, d, a) }

// Sqrt returns √a, correctly rounded.
func (f *F) Sqrt(a Vec) Vec { return f.new2("fsqrt", "4s", 0x6ea1f800, a) }

// Abs returns |a|.
func (f *F) Abs(a Vec) Vec { return f.new2("fabs", "4s", 0x4ea0f800, a) }

// Neg returns −a.
func (f *F) Neg(a Vec) Vec { return f.new2("fneg", "4s", 0x6ea0f800, a) }

// RootEstimate returns 1/√a to eight bits.
func (f *F) RootEstimate(a Vec) Vec { return f.new2("frsqrte", "4s", 0x6ea1d800, a) }

// RootStep returns (3 − a·b)/2, what an estimate r of 1/√x is to be multiplied with, where a is x·r and b is r.
func (f *F) RootStep(a, b Vec) Vec { return f.new3("frsqrts", "4s", 0x4ea0fc00, a, b) }

// FMA makes d = a·b + d, rounded once.
func (f *F) FMA(d, a, b Vec) {
	f.op(regs(d), regs(d, a, b), "VFMLA %v, %v, %v", b.As("S4"), a.As("S4"), d.As("S4"))
}

// FNMA makes d = d − a·b, rounded once.
func (f *F) FNMA(d, a, b Vec) {
	f.op(regs(d), regs(d, a, b), "VFMLS %v, %v, %v", b.As("S4"), a.As("S4"), d.As("S4"))
}

// FMALane makes d = a·b[lane] + d, rounded once.
func (f *F) FMALane(d, a, b Vec, lane int) { f.element("fmla", 0x4f801000, d, a, b, lane, d.register) }

// FNMALane makes d = d − a·b[lane], rounded once.
func (f *F) FNMALane(d, a, b Vec, lane int) { f.element("fmls", 0x4f805000, d, a, b, lane, d.register) }

// MulLane returns a·b[lane].
func (f *F) MulLane(a, b Vec, lane int) Vec {
	d := f.Vec()
	f.element("fmul", 0x4f809000, d, a, b, lane)
	return d
}

// MulAdd returns a·b + c, rounded once: a step of Horner's rule.
func (f *F) MulAdd(a, b, c Vec) Vec {
	d := f.Copy(c)
	f.FMA(d, a, b)
	return d
}

func (f *F) bitwise(name string, a, b Vec) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a, b), name+" %v, %v, %v", b.As("B16"), a.As("B16"), d.As("B16"))
	return d
}

// And returns the bits of both.
func (f *F) And(a, b Vec) Vec { return f.bitwise("VAND", a, b) }

// Or returns the bits of either.
func (f *F) Or(a, b Vec) Vec { return f.bitwise("VORR", a, b) }

// Xor returns the bits of one but not both.
func (f *F) Xor(a, b Vec) Vec { return f.bitwise("VEOR", a, b) }

// AndNot returns the bits of b that a has not.
func (f *F) AndNot(a, b Vec) Vec { return f.new3("bic", "16b", 0x4e601c00, b, a) }

// Replace copies a to d in the lanes of m, which are ones.
func (f *F) Replace(d, m, a Vec) {
	f.op(regs(d), regs(d, m, a), "VBIT %v, %v, %v", m.As("B16"), a.As("B16"), d.As("B16"))
}

// Select returns a in the lanes of m, b in the others.
func (f *F) Select(m, a, b Vec) Vec {
	d := f.Copy(b)
	f.Replace(d, m, a)
	return d
}

// Keep returns a in the lanes of m, zero in the others.
func (f *F) Keep(m, a Vec) Vec { return f.And(m, a) }

// Equal returns the lanes in which a = b.
func (f *F) Equal(a, b Vec) Vec { return f.new3("fcmeq", "4s", fcmeq, a, b) }

// Greater returns the lanes in which a > b.
func (f *F) Greater(a, b Vec) Vec { return f.new3("fcmgt", "4s", fcmgt, a, b) }

// GreaterEqual returns the lanes in which a ≥ b.
func (f *F) GreaterEqual(a, b Vec) Vec { return f.new3("fcmge", "4s", fcmge, a, b) }

// Not returns the other bits.
func (f *F) Not(a Vec) Vec { return f.new2("mvn", "16b", 0x6e205800, a) }

// AddInt returns a + b in each int32.
func (f *F) AddInt(a, b Vec) Vec {
	d := f.Vec()
	f.AddIntInto(d, a, b)
	return d
}

// AddIntInto makes d = a + b in each int32.
func (f *F) AddIntInto(d, a, b Vec) {
	f.op(regs(d), regs(a, b), "VADD %v, %v, %v", b.As("S4"), a.As("S4"), d.As("S4"))
}

// AddBytesInto makes d = a + b in each byte.
func (f *F) AddBytesInto(d, a, b Vec) {
	f.op(regs(d), regs(a, b), "VADD %v, %v, %v", b.As("B16"), a.As("B16"), d.As("B16"))
}

// SubInt returns a − b in each int32.
func (f *F) SubInt(a, b Vec) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a, b), "VSUB %v, %v, %v", b.As("S4"), a.As("S4"), d.As("S4"))
	return d
}

// MulInt returns the low half of a·b in each int32.
func (f *F) MulInt(a, b Vec) Vec { return f.new3("mul", "4s", 0x4ea09c00, a, b) }

// MulAddInt makes d = a·b + d in each int32.
func (f *F) MulAddInt(d, a, b Vec) {
	f.word(regs(d), regs(d, a, b), func() (uint32, string) {
		return 0x4ea09400 | b.n()<<16 | a.n()<<5 | d.n(), fmt.Sprintf("mla v%d.4s, v%d.4s, v%d.4s", d.n(), a.n(), b.n())
	})
}

// GreaterInt returns the lanes in which the int32 a > b.
func (f *F) GreaterInt(a, b Vec) Vec { return f.new3("cmgt", "4s", 0x4ea03400, a, b) }

// EqualBytes returns the bytes in which a = b.
func (f *F) EqualBytes(a, b Vec) Vec { return f.new3("cmeq", "16b", 0x6e208c00, a, b) }

// ShiftLeft returns a<<n in each int32.
func (f *F) ShiftLeft(a Vec, n int) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a), "VSHL $%d, %v, %v", n, a.As("S4"), d.As("S4"))
	return d
}

// ShiftRight returns a>>n in each uint32, zeros coming in.
func (f *F) ShiftRight(a Vec, n int) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a), "VUSHR $%d, %v, %v", n, a.As("S4"), d.As("S4"))
	return d
}

// ShiftRightSigned returns a>>n in each int32, the sign coming in.
func (f *F) ShiftRightSigned(a Vec, n int) Vec {
	d := f.Vec()
	f.word(regs(d), regs(a), func() (uint32, string) {
		return 0x4f000400 | uint32(64-n)<<16 | a.n()<<5 | d.n(), fmt.Sprintf("sshr v%d.4s, v%d.4s, #%d", d.n(), a.n(), n)
	})
	return d
}

// Widen returns eight bytes, the low or the high ones, as int16s, or four int16s as int32s: unsigned or, of masks, signed.
func (f *F) Widen(a Vec, bytes, high, signed bool) Vec {
	d := f.Vec()
	name, to, from, code := "ushll", "4s", "4h", uint32(0x2f10a400)
	if bytes {
		to, from, code = "8h", "8b", 0x2f08a400
	}
	if signed {
		name, code = "sshll", code&^(1<<29)
	}
	if high {
		name, code = name+"2", code|1<<30
		from = map[string]string{"4h": "8h", "8b": "16b"}[from]
	}
	f.word(regs(d), regs(a), func() (uint32, string) {
		return code | a.n()<<5 | d.n(), fmt.Sprintf("%s v%d.%s, v%d.%s, #0", name, d.n(), to, a.n(), from)
	})
	return d
}

// ToInt rounds each float to the nearest int32, ties to even.
func (f *F) ToInt(a Vec) Vec { return f.new2("fcvtns", "4s", 0x4e21a800, a) }

// Round rounds each float to an integer, ties to even.
func (f *F) Round(a Vec) Vec { return f.new2("frintn", "4s", 0x4e218800, a) }

// ToDouble returns the low or the high two floats as doubles.
func (f *F) ToDouble(a Vec, high bool) Vec {
	d := f.Vec()
	if high {
		f.two("fcvtl2", "2d", "4s", 0x4e617800, d, a)
	} else {
		f.two("fcvtl", "2d", "2s", 0x0e617800, d, a)
	}
	return d
}

// WidenHalf returns four 16-bit floats, which are in the low half, in 32 bits.
func (f *F) WidenHalf(a Vec) Vec {
	d := f.Vec()
	f.two("fcvtl", "4s", "4h", 0x0e217800, d, a)
	return d
}

// NarrowHalf returns the nearest 16-bit floats in the low half, the even one of two.
func (f *F) NarrowHalf(a Vec) Vec {
	d := f.Vec()
	f.two("fcvtn", "4h", "4s", 0x0e216800, d, a)
	return d
}

// AddDoublesTo makes d = d + a of two doubles.
func (f *F) AddDoublesTo(d, a Vec) { f.three("fadd", "2d", 0x4e60d400, d, d, a) }

// FMADoubles makes d = a·b + d of two doubles.
func (f *F) FMADoubles(d, a, b Vec) {
	f.op(regs(d), regs(d, a, b), "VFMLA %v, %v, %v", b.As("D2"), a.As("D2"), d.As("D2"))
}

// SumDoubles returns the sum of both doubles in the first.
func (f *F) SumDoubles(a Vec) Vec { return f.across("faddp d%d, v%d.2d", 0x7e70d800, a) }

// AddPairs returns the sums of neighbours: of a in the first two lanes, of b in the others.
func (f *F) AddPairs(a, b Vec) Vec { return f.new3("faddp", "4s", 0x6e20d400, a, b) }

// MaxPairs returns the greater of neighbours: of a in the first two lanes, of b in the others.
func (f *F) MaxPairs(a, b Vec) Vec { return f.new3("fmaxp", "4s", 0x6e20f400, a, b) }

func (f *F) across(form string, code uint32, a Vec) Vec {
	d := f.Vec()
	f.word(regs(d), regs(a), func() (uint32, string) {
		return code | a.n()<<5 | d.n(), fmt.Sprintf(form, d.n(), a.n())
	})
	return d
}

// Permute2 returns d with lane i = a and b's lane, as one of Go's permutations of two vectors.
func (f *F) permute(name, as string, a, b Vec) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a, b), "%s %v, %v, %v", name, b.As(as), a.As(as), d.As(as))
	return d
}

// ZipLow interleaves the first two floats of a with those of b.
func (f *F) ZipLow(a, b Vec) Vec { return f.permute("VZIP1", "S4", a, b) }

// ZipHigh interleaves the last two floats of a with those of b.
func (f *F) ZipHigh(a, b Vec) Vec { return f.permute("VZIP2", "S4", a, b) }

// ZipLowPairs joins the first two floats of a and those of b.
func (f *F) ZipLowPairs(a, b Vec) Vec { return f.permute("VZIP1", "D2", a, b) }

// ZipHighPairs joins the last two floats of a and those of b.
func (f *F) ZipHighPairs(a, b Vec) Vec { return f.permute("VZIP2", "D2", a, b) }

// Narrow joins the low halves of the int32s of a and b, or the low bytes of their int16s.
func (f *F) Narrow(a, b Vec, toBytes bool) Vec {
	if toBytes {
		return f.permute("VUZP1", "B16", a, b)
	}
	return f.permute("VUZP1", "H8", a, b)
}

// Align returns the last 4−n floats of a and the first n of b, 0 < n < 4.
func (f *F) Align(a, b Vec, n int) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a, b), "VEXT $%d, %v, %v, %v", 4*n, b.As("B16"), a.As("B16"), d.As("B16"))
	return d
}

// Lookup returns the bytes of the neighbouring registers a and b that index names.
func (f *F) Lookup(a, b, index Vec) Vec {
	d := f.Vec()
	f.op(regs(d), regs(a, b, index), "VTBL %v, [%v, %v], %v", index.As("B16"), a.As("B16"), b.As("B16"), d.As("B16"))
	return d
}

// Clear makes v zero.
func (f *F) Clear(v Vec) { f.op(regs(v), nil, "VMOVI $0, %v", v.As("B16")) }

// Zero returns four zeros.
func (f *F) Zero() Vec {
	v := f.Vec()
	f.Clear(v)
	return v
}

// Copy returns a copy of v.
func (f *F) Copy(v Vec) Vec {
	d := f.Vec()
	f.Move(d, v)
	return d
}

// Move copies v to d.
func (f *F) Move(d, v Vec) {
	f.op(regs(d), regs(v), "VMOV %v, %v", v.As("B16"), d.As("B16"))
	f.code[len(f.code)-1].move = true
}

// SplatLane returns a lane of v in all lanes.
func (f *F) SplatLane(v Vec, lane int) Vec {
	d := f.Vec()
	f.op(regs(d), regs(v), "VDUP %v, %v", v.As(fmt.Sprintf("S[%d]", lane)), d.As("S4"))
	return d
}

// SplatReg returns the low 32 bits of r in all lanes, SplatByte the lowest 8 in all bytes.
func (f *F) SplatReg(r Reg) Vec {
	d := f.Vec()
	f.op(regs(d), regs(r), "VDUP %v, %v", r, d.As("S4"))
	return d
}

// SplatByte returns the low 8 bits of r in all bytes.
func (f *F) SplatByte(r Reg) Vec {
	d := f.Vec()
	f.op(regs(d), regs(r), "VDUP %v, %v", r, d.As("B16"))
	return d
}
