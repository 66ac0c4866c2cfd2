package main

import (
	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/operand"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// The multipliers of the portable twin's mixer.
const (
	dropMul0 = 0x21f0aaad
	dropMul1 = 0xd35a2d97
)

func dropout(f *lanes.F) {
	x, y, s, k, from, n := f.Arg("x"), f.Arg("y"), f.Arg("s"), f.Arg("k"), f.Arg("from"), f.Arg("n")
	f.ADDL(Mem{Base: k}, from.As32())
	start := f.XMM()
	f.VMOVD(from.As32(), start)
	count := f.GetMem(iota16(f))
	index := f.AddInt(count, f.Splat(start)) // i + first half of the key
	scale, key := f.Splat(Mem{Base: s}), f.Splat(Mem{Base: k, Disp: 4})
	limit := f.Splat(Mem{Base: k, Disp: 8})
	sixteen, mul0, mul1 := constInt(f, 16), constInt(f, dropMul0), constInt(f, dropMul1-1<<32)
	f.Each(n, 1, func(at []lanes.At) {
		h := f.MulInt(f.Xor(index, f.ShiftRight(index, 16)), mul0())
		h = f.AddInt(f.Xor(h, f.ShiftRight(h, 15)), key)
		h = f.MulInt(h, mul1())
		h = f.Xor(h, f.ShiftRight(h, 15))
		kept := f.GreaterInt(limit, f.ShiftRight(h, 8))
		f.Put(f.Keep(kept, f.Mul(scale, f.Get(x, at[0]))), y, at[0])
		addInt(f, index, sixteen())
	})
}

// constInt returns what gives x in all lanes: a register that is kept where there are enough.
func constInt(f *lanes.F, x int32) func() lanes.Vec {
	if !f.Wide() {
		return func() lanes.Vec { return f.ConstInt(x) }
	}
	v := f.ConstInt(x)
	return func() lanes.Vec { return v }
}

// addInt makes d = d + a.
func addInt(f *lanes.F, d, a lanes.Vec) {
	f.VPADDD(a.Lo, d.Lo, d.Lo)
	if !f.Wide() {
		f.VPADDD(a.Hi, d.Hi, d.Hi)
	}
}

var counting *Mem

// iota16 is 0, 1, … 15.
func iota16(f *lanes.F) Mem {
	if counting == nil {
		m := f.StaticGlobal("iota")
		f.DataAttributes(attr.RODATA | attr.NOPTR)
		for i := range 16 {
			f.AppendDatum(U32(i))
		}
		counting = &m
	}
	return *counting
}
