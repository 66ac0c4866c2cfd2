package neon

// Instructions on general registers.

// Set makes r = x.
func (f *F) Set(r Reg, x int) { f.op(regs(r), nil, "MOVD $%d, %v", x, r) }

// MoveReg makes d = a.
func (f *F) MoveReg(d, a Reg) {
	f.op(regs(d), regs(a), "MOVD %v, %v", a, d)
	f.code[len(f.code)-1].move = true
}

// LoadReg reads eight bytes.
func (f *F) LoadReg(m Mem) Reg {
	r := f.Reg()
	f.LoadRegTo(r, m)
	return r
}

// LoadRegTo reads eight bytes to r.
func (f *F) LoadRegTo(r Reg, m Mem) { f.op(regs(r), regs(m.Base), "MOVD %v, %v", m, r) }

// LoadIntAt reads an int32 at base + index, with its sign.
func (f *F) LoadIntAt(r, base, index Reg) {
	f.op(regs(r), regs(base, index), "MOVW (%v)(%v), %v", base, index, r)
}

// LoadInt reads an int32, with its sign.
func (f *F) LoadInt(r Reg, m Mem) { f.op(regs(r), regs(m.Base), "MOVW %v, %v", m, r) }

// AddReg makes d = a + b.
func (f *F) AddReg(d, a, b Reg) { f.op(regs(d), regs(a, b), "ADD %v, %v, %v", b, a, d) }

// SubReg makes d = a − b.
func (f *F) SubReg(d, a, b Reg) { f.op(regs(d), regs(a, b), "SUB %v, %v, %v", b, a, d) }

// MulReg makes d = a·b.
func (f *F) MulReg(d, a, b Reg) { f.op(regs(d), regs(a, b), "MUL %v, %v, %v", b, a, d) }

// AddShifted makes d = a + b<<shift.
func (f *F) AddShifted(d, a, b Reg, shift int) {
	f.op(regs(d), regs(a, b), "ADD %v<<%d, %v, %v", b, shift, a, d)
}

// AddImm makes d = a + x.
func (f *F) AddImm(d, a Reg, x int) {
	if x < 0 {
		f.op(regs(d), regs(a), "SUB $%d, %v, %v", -x, a, d)
		return
	}
	f.op(regs(d), regs(a), "ADD $%d, %v, %v", x, a, d)
}

// SubsImm makes d = a − x, and sets the flags.
func (f *F) SubsImm(d, a Reg, x int) {
	f.op(regs(d), regs(a), "SUBS $%d, %v, %v", x, a, d)
	f.code[len(f.code)-1].flags = true
}

// CompareImm sets the flags of a − x.
func (f *F) CompareImm(a Reg, x int) { f.op(nil, regs(a), "CMP $%d, %v", x, a) }

// ShiftLeftReg makes d = a<<n.
func (f *F) ShiftLeftReg(d, a Reg, n int) { f.op(regs(d), regs(a), "LSL $%d, %v, %v", n, a, d) }

// ShiftRightReg makes d = a>>n, zeros coming in.
func (f *F) ShiftRightReg(d, a Reg, n int) { f.op(regs(d), regs(a), "LSR $%d, %v, %v", n, a, d) }

// AndImm makes d = a & x.
func (f *F) AndImm(d, a Reg, x int) { f.op(regs(d), regs(a), "AND $%d, %v, %v", x, a, d) }

// Branch goes to label under a condition on the flags: BEQ, BNE, BLT, BLE, BGT, BGE.
func (f *F) Branch(condition, label string) { f.jump(false, nil, label, "%s %s", condition, label) }

// Jump goes to label.
func (f *F) Jump(label string) { f.jump(true, nil, label, "B %s", label) }

// JumpZero goes to label if r is zero.
func (f *F) JumpZero(r Reg, label string) {
	f.jump(false, regs(r), label, "CBZ %v, %s", r, label)
}

// JumpNotZero goes to label unless r is zero.
func (f *F) JumpNotZero(r Reg, label string) {
	f.jump(false, regs(r), label, "CBNZ %v, %s", r, label)
}

// testBit goes to label if a bit of r is zero.
func (f *F) testBit(r Reg, bit int, label string) {
	f.jump(false, regs(r), label, "TBZ $%d, %v, %s", bit, r, label)
}

func (f *F) jump(ends bool, uses []*register, label, form string, args ...any) {
	f.op(nil, uses, form, args...)
	last := &f.code[len(f.code)-1]
	last.target, last.ends = label, ends
}

// Loop runs body n times, not at all if n is not positive. n is counted down.
func (f *F) Loop(n Reg, body func()) {
	loop, done := f.Label("loop"), f.Label("done")
	f.CompareImm(n, 0)
	f.Branch("BLE", done)
	f.Here(loop)
	body()
	f.SubsImm(n, n, 1)
	f.Branch("BNE", loop)
	f.Here(done)
}

// Times runs body as often as the positive number at count says.
func (f *F) Times(count Mem, body func()) {
	left, loop := f.LoadReg(count), f.Label("loop")
	f.Here(loop)
	body()
	f.SubsImm(left, left, 1)
	f.Branch("BNE", loop)
}

// Pause lets other threads of the core go first.
func (f *F) Pause() { f.op(nil, nil, "ISB $15") }
