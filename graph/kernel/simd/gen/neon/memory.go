package neon

import "fmt"

// A Mem is an address.
type Mem struct {
	Base Reg
	Disp int // bytes; a multiple of the access's size below 4096 times it, for pairs of 16 bytes between -1024 and 1008
}

// Offset returns the address so many bytes further.
func (m Mem) Offset(bytes int) Mem { return Mem{m.Base, m.Disp + bytes} }

// String is the address in the assembler's syntax.
func (m Mem) String() string {
	if m.Disp == 0 {
		return fmt.Sprintf("(%v)", m.Base)
	}
	return fmt.Sprintf("%d(%v)", m.Disp, m.Base)
}

// Load reads four floats.
func (f *F) Load(m Mem) Vec {
	v := f.Vec()
	f.LoadTo(v, m)
	return v
}

// LoadTo reads four floats to v.
func (f *F) LoadTo(v Vec, m Mem) { f.op(regs(v), regs(m.Base), "FMOVQ %v, %v", m, v) }

// LoadPair reads eight floats to two registers.
func (f *F) LoadPair(a, b Vec, m Mem) { f.op(regs(a, b), regs(m.Base), "FLDPQ %v, (%v, %v)", m, a, b) }

// LoadAt reads four floats at base + index.
func (f *F) LoadAt(v Vec, base, index Reg) {
	f.word(regs(v), regs(base, index), func() (uint32, string) {
		return 0x3ce06800 | index.n()<<16 | base.n()<<5 | v.n(), fmt.Sprintf("ldr q%d, [x%d, x%d]", v.n(), base.n(), index.n())
	})
}

// Load1At reads a float at base + index to the first lane.
func (f *F) Load1At(v Vec, base, index Reg) {
	f.op(regs(v), regs(base, index), "FMOVS (%v)(%v), %v", base, index, v)
}

// Load1 reads a float to the first lane; the others are zero.
func (f *F) Load1(m Mem) Vec {
	v := f.Vec()
	f.op(regs(v), regs(m.Base), "FMOVS %v, %v", m, v)
	return v
}

// Load2 reads two floats to the first lanes, or eight bytes; the others are zero.
func (f *F) Load2(m Mem) Vec {
	v := f.Vec()
	f.op(regs(v), regs(m.Base), "FMOVD %v, %v", m, v)
	return v
}

// LoadLane reads the float at p to a lane of v.
func (f *F) LoadLane(v Vec, lane int, p Reg) {
	f.op(regs(v), regs(v, p), "VLD1 (%v), %v", p, v.As(fmt.Sprintf("S[%d]", lane)))
}

// Splat reads the float at p to all lanes.
func (f *F) Splat(p Reg) Vec {
	v := f.Vec()
	f.op(regs(v), regs(p), "VLD1R (%v), [%v]", p, v.As("S4"))
	return v
}

// Store writes four floats.
func (f *F) Store(v Vec, m Mem) { f.op(nil, regs(v, m.Base), "FMOVQ %v, %v", v, m) }

// Store2 writes the first two floats.
func (f *F) Store2(v Vec, m Mem) { f.op(nil, regs(v, m.Base), "FMOVD %v, %v", v, m) }

// Store1 writes the first float.
func (f *F) Store1(v Vec, m Mem) { f.op(nil, regs(v, m.Base), "FMOVS %v, %v", v, m) }

// StorePair writes eight floats.
func (f *F) StorePair(a, b Vec, m Mem) {
	f.op(nil, regs(a, b, m.Base), "FSTPQ (%v, %v), %v", a, b, m)
}

// StoreLane writes a lane at p.
func (f *F) StoreLane(v Vec, lane int, p Reg) {
	f.op(nil, regs(v, p), "VST1 %v, (%v)", v.As(fmt.Sprintf("S[%d]", lane)), p)
}

// Load16 reads sixteen floats, a pixel of a block.
func (f *F) Load16(m Mem) [4]Vec {
	v := [4]Vec{f.Vec(), f.Vec(), f.Vec(), f.Vec()}
	f.LoadPair(v[0], v[1], m)
	f.LoadPair(v[2], v[3], m.Offset(32))
	return v
}

// Store16 writes sixteen floats.
func (f *F) Store16(v [4]Vec, m Mem) {
	f.StorePair(v[0], v[1], m)
	f.StorePair(v[2], v[3], m.Offset(32))
}

// Fetch asks for the cache line at p: into the first-level cache, or the second.
func (f *F) Fetch(p Reg, level int) { f.op(nil, regs(p), "PRFM (%v), PLDL%dKEEP", p, level) }

// An At is a place that Each has reached: bytes from where the arrays' registers point, and at the end how many of the
// four floats there are.
type At struct {
	Disp int
	Tail *Reg // nil: all four; else 1 to 3
}

// Get reads the vector of the array at base that Each has reached; lanes beyond its end are zero.
func (f *F) Get(base Reg, at At) Vec {
	f.touch(base, 16)
	m := Mem{base, at.Disp}
	if at.Tail == nil {
		return f.Load(m)
	}
	v, one, done, p := f.Vec(), f.Label("one"), f.Label("got"), f.Reg()
	f.testBit(*at.Tail, 1, one)
	f.op(regs(v), regs(base), "FMOVD %v, %v", m, v)
	f.testBit(*at.Tail, 0, done)
	f.AddImm(p, base, 8)
	f.LoadLane(v, 2, p)
	f.Jump(done)
	f.Here(one)
	f.op(regs(v), regs(base), "FMOVS %v, %v", m, v)
	f.Here(done)
	return v
}

// Put writes the vector of the array at base that Each has reached, lanes beyond its end excepted.
func (f *F) Put(v Vec, base Reg, at At) {
	f.touch(base, 16)
	m := Mem{base, at.Disp}
	if at.Tail == nil {
		f.Store(v, m)
		return
	}
	one, done, p := f.Label("one"), f.Label("put"), f.Reg()
	f.testBit(*at.Tail, 1, one)
	f.Store2(v, m)
	f.testBit(*at.Tail, 0, done)
	f.AddImm(p, base, 8)
	f.StoreLane(v, 2, p)
	f.Jump(done)
	f.Here(one)
	f.Store1(v, m)
	f.Here(done)
}

// GetHalf reads four 16-bit floats, as float32, of the array at base that Each has reached: all four at the end too.
func (f *F) GetHalf(base Reg, at At) Vec {
	f.touch(base, 8)
	v := f.Vec()
	f.op(regs(v), regs(base), "FMOVD %v, %v", Mem{base, at.Disp / 2}, v)
	return f.WidenHalf(v)
}

// PutHalf writes four floats as the nearest 16-bit ones to the array at base that Each has reached.
func (f *F) PutHalf(v Vec, base Reg, at At) {
	f.touch(base, 8)
	f.Store2(f.NarrowHalf(v), Mem{base, at.Disp / 2})
}

// touch notes that the array at base goes on by so many bytes a vector.
func (f *F) touch(base Reg, bytes int) {
	for _, a := range f.advanced {
		if a.base == base {
			return
		}
	}
	f.advanced = append(f.advanced, advance{base, bytes})
}

type advance struct {
	base  Reg
	bytes int
}

// Each walks over n floats in vectors of four. It emits body for groups of unroll neighbouring vectors (skipped if unroll is
// 1), for single ones, and for the last, partial one with Tail set. The registers of the arrays that body reads or
// writes go on by themselves. n is lost.
func (f *F) Each(n Reg, unroll int, body func(at At)) {
	step := func(count int) {
		loop, done := f.Label("loop"), f.Label("done")
		f.SubsImm(n, n, 4*count)
		f.Branch("BLT", done)
		f.Here(loop)
		f.advanced = nil
		for k := range count {
			body(At{Disp: 16 * k})
		}
		for _, a := range f.advanced {
			f.AddImm(a.base, a.base, a.bytes*count)
		}
		f.SubsImm(n, n, 4*count)
		f.Branch("BGE", loop)
		f.Here(done)
		f.AddImm(n, n, 4*count)
	}
	if unroll > 1 {
		step(unroll)
	}
	step(1)
	end := f.Label("end")
	f.JumpZero(n, end)
	body(At{Tail: &n})
	f.Here(end)
}

// Counting returns the integers 0 to 3.
func (f *F) Counting() Vec {
	v := f.Zero()
	for i := 1; i < 4; i++ {
		r := f.Reg()
		f.Set(r, i)
		f.op(regs(v), regs(v, r), "VMOV %v, %v", r, v.As(fmt.Sprintf("S[%d]", i)))
	}
	return v
}

// FirstLanes returns ones in the first n lanes.
func (f *F) FirstLanes(n Reg) Vec { return f.GreaterInt(f.SplatReg(n), f.Counting()) }
