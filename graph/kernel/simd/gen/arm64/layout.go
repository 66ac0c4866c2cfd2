package main

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

func layouts(file *neon.File) {
	const convert = "func(plain, blocked *float32, plane, pixels, channels int)"
	file.Func("toBlockedNEON", convert, "is toBlockedGeneric.", func(f *neon.F) { blocked(f, true) })
	file.Func("fromBlockedNEON", convert, "is fromBlockedGeneric.", func(f *neon.F) { blocked(f, false) })
	const run = "func(x, y *float32, pixels, n int)"
	file.Func("copyLanesNEON", run, "is copyLanesGeneric.", func(f *neon.F) { copyLanes(f, false) })
	file.Func("addLanesNEON", run, "is addLanesGeneric.", func(f *neon.F) { copyLanes(f, true) })
	for _, panels := range []int{1, 4} {
		file.Func(fmt.Sprintf("copy%dNEON", panels), "func(n int, src *float32, ld int, dst *float32, step int)", "is copyPanelsGeneric.",
			func(f *neon.F) { copyPanels(f, panels) })
	}
	file.Func("gatherNEON", "func(n int, src *float32, ld int, dst *float32, step int)", "is gatherGeneric for n ≥ 4.", gather)
	file.Func("scatterNEON", "func(n int, src, dst *float32, ld int)", "is scatterGeneric for n ≥ 4.", scatter)
}

// square transposes 4×4 floats.
func square(f *neon.F, v [4]neon.Vec) [4]neon.Vec {
	lo01, hi01 := f.ZipLow(v[0], v[1]), f.ZipHigh(v[0], v[1])
	lo23, hi23 := f.ZipLow(v[2], v[3]), f.ZipHigh(v[2], v[3])
	return [4]neon.Vec{
		f.ZipLowPairs(lo01, lo23), f.ZipHighPairs(lo01, lo23),
		f.ZipLowPairs(hi01, hi23), f.ZipHighPairs(hi01, hi23),
	}
}

// blocked goes over quarters of a block's channels, and of each over the pixels by fours, where there are four of both. What
// is left, a few pixels or channels, goes number by number.
func blocked(f *neon.F, to bool) {
	plain, block, plane, pixels, channels := f.Arg("plain"), f.Arg("blocked"), f.Arg("plane"), f.Arg("pixels"), f.Arg("channels")
	f.ShiftLeftReg(plane, plane, 2)
	quarter, end := f.Reg(), f.Label("end")
	f.Set(quarter, 4)
	f.Loop(quarter, func() {
		p, b, n := f.Reg(), f.Reg(), f.Reg()
		f.MoveReg(p, plain)
		f.MoveReg(b, block)
		f.MoveReg(n, pixels)
		some, next, rest := f.Label("some"), f.Label("next"), f.Label("rest")
		f.CompareImm(channels, 4)
		f.Branch("BLT", some)
		fours, four := f.Label("fours"), f.Label("four")
		f.SubsImm(n, n, 4)
		f.Branch("BLT", fours)
		f.Here(four)
		var v [4]neon.Vec
		if to {
			row := f.Reg()
			f.MoveReg(row, p)
			for i := range v {
				v[i] = f.Load(neon.Mem{Base: row})
				f.AddReg(row, row, plane)
			}
			for i, x := range square(f, v) {
				f.Store(x, neon.Mem{Base: b, Disp: 64 * i})
			}
		} else {
			for i := range v {
				v[i] = f.Load(neon.Mem{Base: b, Disp: 64 * i})
			}
			row := f.Reg()
			f.MoveReg(row, p)
			for _, x := range square(f, v) {
				f.Store(x, neon.Mem{Base: row})
				f.AddReg(row, row, plane)
			}
		}
		f.AddImm(p, p, 16)
		f.AddImm(b, b, 256)
		f.SubsImm(n, n, 4)
		f.Branch("BGE", four)
		f.Here(fours)
		f.AddImm(n, n, 4)
		f.Here(some)

		// n pixels of min(channels, 4) channels.
		f.JumpZero(n, next)
		f.Here(rest)
		row, left, lane, done, whole := f.Reg(), f.Reg(), f.Reg(), f.Label("lanes"), f.Label("whole")
		f.MoveReg(row, p)
		f.MoveReg(lane, b)
		f.MoveReg(left, channels)
		f.CompareImm(left, 4)
		f.Branch("BLE", whole)
		f.Set(left, 4)
		f.Here(whole)
		if to {
			f.Store(f.Zero(), neon.Mem{Base: b})
		}
		f.Loop(left, func() {
			if to {
				f.Store1(f.Load1(neon.Mem{Base: row}), neon.Mem{Base: lane})
			} else {
				f.Store1(f.Load1(neon.Mem{Base: lane}), neon.Mem{Base: row})
			}
			f.AddReg(row, row, plane)
			f.AddImm(lane, lane, 4)
		})
		f.Here(done)
		f.AddImm(p, p, 4)
		f.AddImm(b, b, 64)
		f.SubsImm(n, n, 1)
		f.Branch("BNE", rest)
		f.Here(next)
		f.AddShifted(plain, plain, plane, 2)
		f.AddImm(block, block, 16)
		f.SubsImm(channels, channels, 4)
		if !to {
			f.Branch("BLE", end)
			return
		}
		more := f.Label("more")
		f.Branch("BGE", more)
		f.Set(channels, 0) // lanes beyond the last channel become zeros
		f.Here(more)
	})
	f.Here(end)
}

// copyLanes has a loop for whole pixels, and one that goes through the lanes of each.
func copyLanes(f *neon.F, add bool) {
	x, y, pixels, n := f.Arg("x"), f.Arg("y"), f.Arg("pixels"), f.Arg("n")
	some, end := f.Label("some"), f.Label("end")
	f.CompareImm(n, 16)
	f.Branch("BNE", some)
	f.Loop(pixels, func() {
		v := f.Load16(neon.Mem{Base: x})
		if add {
			for i, w := range f.Load16(neon.Mem{Base: y}) {
				v[i] = f.Add(w, v[i])
			}
		}
		f.Store16(v, neon.Mem{Base: y})
		f.AddImm(x, x, 64)
		f.AddImm(y, y, 64)
	})
	f.Jump(end)
	f.Here(some)
	f.Loop(pixels, func() {
		from, to, left := f.Reg(), f.Reg(), f.Reg()
		f.MoveReg(from, x)
		f.MoveReg(to, y)
		f.MoveReg(left, n)
		f.Each(left, 1, func(at neon.At) {
			v := f.Get(from, at)
			if add {
				v = f.Add(f.Get(to, at), v)
			}
			f.Put(v, to, at)
		})
		f.AddImm(x, x, 64)
		f.AddImm(y, y, 64)
	})
	f.Here(end)
}

func copyPanels(f *neon.F, panels int) {
	n, src, ld, dst, step := f.Arg("n"), f.Arg("src"), f.Arg("ld"), f.Arg("dst"), f.Arg("step")
	ahead := f.Reg() // rows lie in as many pages, where no prefetcher helps
	f.Loop(n, func() {
		to := f.Reg()
		f.MoveReg(to, dst)
		f.AddShifted(ahead, src, ld, 3)
		for p := range panels {
			f.Fetch(ahead, 1)
			f.Store16(f.Load16(neon.Mem{Base: src, Disp: 64 * p}), neon.Mem{Base: to})
			if p < panels-1 {
				f.AddReg(to, to, step)
				f.AddImm(ahead, ahead, 64)
			}
		}
		f.AddReg(src, src, ld)
		f.AddImm(dst, dst, 64)
	})
}

// byFours runs body for four of n at a time, where body moves on by itself; if fewer are left, it goes back first: by n, which
// is negative then.
func byFours(f *neon.F, n neon.Reg, back, body func()) {
	again, four, done := f.Label("again"), f.Label("four"), f.Label("done")
	f.Here(again)
	f.CompareImm(n, 4)
	f.Branch("BGE", four)
	f.JumpZero(n, done)
	f.AddImm(n, n, -4)
	back()
	f.Set(n, 4)
	f.Here(four)
	body()
	f.AddImm(n, n, -4)
	f.Jump(again)
	f.Here(done)
}

// gather brings four columns of sixteen rows into four vectors, a square at a time.
func gather(f *neon.F) {
	n, src, ld, dst, step := f.Arg("n"), f.Arg("src"), f.Arg("ld"), f.Arg("dst"), f.Arg("step")
	back := f.Reg()
	byFours(f, n, func() {
		f.AddShifted(src, src, n, 2)
		f.MulReg(back, n, step)
		f.AddReg(dst, dst, back)
	}, func() {
		row, to := f.Reg(), []neon.Reg{dst}
		f.MoveReg(row, src)
		for j := range 3 {
			to = append(to, f.Reg())
			f.AddReg(to[j+1], to[j], step)
		}
		for q := range 4 {
			var v [4]neon.Vec
			for i := range v {
				v[i] = f.Load(neon.Mem{Base: row})
				f.AddReg(row, row, ld)
			}
			for j, x := range square(f, v) {
				f.Store(x, neon.Mem{Base: to[j], Disp: 16 * q})
			}
		}
		f.AddImm(src, src, 16)
		f.AddReg(dst, to[3], step)
	})
}

// scatter is gather's reverse.
func scatter(f *neon.F) {
	n, src, dst, ld := f.Arg("n"), f.Arg("src"), f.Arg("dst"), f.Arg("ld")
	byFours(f, n, func() {
		f.AddShifted(dst, dst, n, 2)
		f.AddShifted(src, src, n, 6)
	}, func() {
		row := f.Reg()
		f.MoveReg(row, dst)
		for q := range 4 {
			var v [4]neon.Vec
			for i := range v {
				v[i] = f.Load(neon.Mem{Base: src, Disp: 64*i + 16*q})
			}
			for _, x := range square(f, v) {
				f.Store(x, neon.Mem{Base: row})
				f.AddReg(row, row, ld)
			}
		}
		f.AddImm(dst, dst, 16)
		f.AddImm(src, src, 256)
	})
}
