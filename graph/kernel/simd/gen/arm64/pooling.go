package main

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

func pooling(file *neon.File) {
	file.Func("maxArgNEON", "func(s *byte)", "is maxRowGeneric with arg; s is a *MaxRow.", maxArg)
	file.Func("maxOnlyNEON", "func(s *byte)", "is maxRowGeneric without arg; s is a *MaxRow.", maxOnly)
	file.Func("unpoolNEON", "func(s *byte)", "is unpoolRowGeneric; s is a *MaxRow.", unpool)
	file.Func("sumWindowsNEON", "func(s *byte)", "is sumRowGeneric; s is a *SumRow.", sumWindows)
	file.Func("routedNEON", "func(s *byte)", "is routedGeneric; s is a *Gather.", routed)
	file.Func("spreadNEON", "func(s *byte)", "is spreadGeneric; s is a *Gather.", spread)
}

// windows goes over neighbouring windows in groups of the given sizes. group is told where the windows of a group begin,
// and walks through their taps: tap is called at every tap with its addresses, and jump after every row of taps.
func windows(f frame, sizes []int, group func(first []neon.Reg, walk func(tap func(at []neon.Reg), jump func()))) {
	x, xRow, step, n := f.load(fields.RowX), f.load(fields.RowXRow), f.load(fields.RowStep), f.load(fields.RowN)
	groups(f.F, n, sizes, func(size int) {
		first := spaced(f.F, x, step, size)
		group(first, func(tap func(at []neon.Reg), jump func()) {
			row := f.Reg()
			f.MoveReg(row, x)
			f.Times(f.field(fields.RowKH), func() {
				at := []neon.Reg{f.Reg()}
				f.MoveReg(at[0], row)
				at = spaced(f.F, at[0], step, size)
				f.Times(f.field(fields.RowKW), func() {
					tap(at)
					for _, p := range at {
						f.AddImm(p, p, 64)
					}
				})
				f.AddReg(row, row, xRow)
				jump()
			})
		})
		f.AddReg(x, first[size-1], step)
	})
}

// maxArg takes v for the best unless v ≤ best; a best that is NaN gives way to numbers only if it were less.
func maxArg(g *neon.F) {
	f := frame{g, g.Arg("s")}
	y, arg := f.load(fields.RowY), f.load(fields.RowArg)
	first, jump, one := f.SplatReg(f.load(fields.RowIndex)), f.SplatReg(f.load(fields.RowJump)), f.ConstInt(1)
	windows(f, []int{2, 1}, func(at []neon.Reg, walk func(tap func(at []neon.Reg), jump func())) {
		best, index := make([][4]neon.Vec, len(at)), make([][4]neon.Vec, len(at))
		for i, p := range at {
			best[i] = f.Load16(neon.Mem{Base: p})
			for q := range index[i] {
				index[i][q] = f.Copy(first)
			}
		}
		tap := f.Copy(first)
		walk(func(at []neon.Reg) {
			for i, p := range at {
				for q := range 4 {
					v := f.Load(neon.Mem{Base: p, Disp: 16 * q})
					// Greater, or NaN, which is not equal to itself.
					better := f.Or(f.Greater(v, best[i][q]), f.Not(f.Equal(v, v)))
					f.Replace(best[i][q], better, v)
					f.Replace(index[i][q], better, tap)
				}
			}
			f.AddIntInto(tap, tap, one)
		}, func() { f.AddIntInto(tap, tap, jump) })
		for i := range at {
			f.Store16(best[i], neon.Mem{Base: y, Disp: 64 * i})
			low, high := f.Narrow(index[i][0], index[i][1], false), f.Narrow(index[i][2], index[i][3], false)
			f.Store(f.Narrow(low, high, true), neon.Mem{Base: arg, Disp: 16 * i})
		}
		f.AddImm(y, y, 64*len(at))
		f.AddImm(arg, arg, 16*len(at))
	})
}

func maxOnly(g *neon.F) {
	f := frame{g, g.Arg("s")}
	y := f.load(fields.RowY)
	windows(f, []int{4, 1}, func(at []neon.Reg, walk func(tap func(at []neon.Reg), jump func())) {
		best := make([][4]neon.Vec, len(at))
		for i, p := range at {
			best[i] = f.Load16(neon.Mem{Base: p})
		}
		walk(func(at []neon.Reg) {
			for i, p := range at {
				for q, v := range f.Load16(neon.Mem{Base: p}) {
					f.MaxTo(best[i][q], v) // NaN where either is
				}
			}
		}, func() {})
		for i := range at {
			f.Store16(best[i], neon.Mem{Base: y, Disp: 64 * i})
		}
		f.AddImm(y, y, 64*len(at))
	})
}

// unpool gives the taps of a window its value where they were chosen, and zero elsewhere.
func unpool(g *neon.F) {
	f := frame{g, g.Arg("s")}
	y, arg, number := f.load(fields.RowY), f.load(fields.RowArg), f.Reg()
	f.Set(number, 1)
	first, jump, one := f.SplatByte(f.load(fields.RowIndex)), f.SplatByte(f.load(fields.RowJump)), f.SplatByte(number)
	zero := f.ConstInt(0)
	windows(f, []int{1}, func(_ []neon.Reg, walk func(tap func(at []neon.Reg), jump func())) {
		value, chosen, name := f.Load16(neon.Mem{Base: y}), f.Load(neon.Mem{Base: arg}), f.Copy(first)
		walk(func(at []neon.Reg) {
			m := f.EqualBytes(chosen, name)
			var out [4]neon.Vec
			for q, v := range value {
				mask := f.Widen(f.Widen(m, true, q/2 == 1, true), false, q%2 == 1, true)
				out[q] = f.Add(f.Keep(mask, v), zero)
			}
			f.Store16(out, neon.Mem{Base: at[0]})
			f.AddBytesInto(name, name, one)
		}, func() { f.AddBytesInto(name, name, jump) })
		f.AddImm(y, y, 64)
		f.AddImm(arg, arg, 16)
	})
}

func sumWindows(g *neon.F) {
	f := frame{g, g.Arg("s")}
	y, p := f.load(fields.RowY), f.Reg()
	f.AddImm(p, f.t, fields.RowScale)
	scale := f.Splat(p)
	windows(f, []int{4, 1}, func(at []neon.Reg, walk func(tap func(at []neon.Reg), jump func())) {
		sum := zeros(f.F, len(at))
		walk(func(at []neon.Reg) {
			for i, p := range at {
				for q, v := range f.Load16(neon.Mem{Base: p}) {
					f.AddTo(sum[i][q], v)
				}
			}
		}, func() {})
		for i := range at {
			for q := range sum[i] {
				f.MulTo(sum[i][q], scale)
			}
			f.Store16(sum[i], neon.Mem{Base: y, Disp: 64 * i})
		}
		f.AddImm(y, y, 64*len(at))
	})
}

// gatherWindows walks over groups of pixels of dx and the windows that hold them: what an average and a maximum have in common. group
// is called for each group, row and window before each row and after each window, and add with the window of the
// group's first pixel.
func gatherWindows(f frame, sizes []int, group, row, window func(), add func(sum [][4]neon.Vec, dy neon.Reg), next func(), advance func(size int)) {
	dy, dx, n, dyRow, step := f.load(fields.GatherDY), f.load(fields.GatherDX), f.load(fields.GatherN), f.load(fields.GatherDYRow), f.load(fields.GatherStep)
	groups(f.F, n, sizes, func(size int) {
		sum := zeros(f.F, size)
		d := f.Reg()
		f.MoveReg(d, dy)
		group()
		f.Times(f.field(fields.GatherRows), func() {
			col := f.Reg()
			f.MoveReg(col, d)
			row()
			f.Times(f.field(fields.GatherCols), func() {
				add(sum, col)
				f.AddImm(col, col, -64)
				window()
			})
			f.SubReg(d, d, dyRow)
			next()
		})
		for _, v := range sum {
			f.Store16(v, neon.Mem{Base: dx})
			f.AddReg(dx, dx, step)
		}
		f.AddImm(dy, dy, 64*size)
		advance(size)
	})
}

func routed(g *neon.F) {
	f := frame{g, g.Arg("s")}
	arg, argRow := f.load(fields.GatherArg), f.load(fields.GatherDYRow)
	f.ShiftRightReg(argRow, argRow, 2)
	tapCol, tapRow := f.load(fields.GatherTapCol), f.load(fields.GatherTapRow)
	rowArg, colArg, rowTap, colTap := f.Reg(), f.Reg(), f.Reg(), f.Reg()
	gatherWindows(f, []int{4, 1}, func() {
		f.MoveReg(rowArg, arg)
		f.LoadRegTo(rowTap, f.field(fields.GatherTap))
	}, func() {
		f.MoveReg(colArg, rowArg)
		f.MoveReg(colTap, rowTap)
	}, func() {
		f.AddImm(colArg, colArg, -16)
		f.AddReg(colTap, colTap, tapCol)
	}, func(sum [][4]neon.Vec, dy neon.Reg) {
		tap := f.SplatByte(colTap)
		for i := range sum {
			chosen := f.EqualBytes(f.Load(neon.Mem{Base: colArg, Disp: 16 * i}), tap)
			for q, v := range f.Load16(neon.Mem{Base: dy, Disp: 64 * i}) {
				mask := f.Widen(f.Widen(chosen, true, q/2 == 1, true), false, q%2 == 1, true)
				f.AddTo(sum[i][q], f.Keep(mask, v))
			}
		}
	}, func() {
		f.SubReg(rowArg, rowArg, argRow)
		f.AddReg(rowTap, rowTap, tapRow)
	}, func(size int) {
		f.AddImm(arg, arg, 16*size)
	})
}

func spread(g *neon.F) {
	f := frame{g, g.Arg("s")}
	wide, rowHigh, colWide, high := f.load(fields.GatherWide), f.Reg(), f.Reg(), f.Vec()
	gatherWindows(f, []int{4, 1}, func() {
		f.LoadRegTo(rowHigh, f.field(fields.GatherHigh))
	}, func() {
		f.Move(high, f.Splat(rowHigh))
		f.MoveReg(colWide, wide)
	}, func() {
		f.AddImm(colWide, colWide, -4)
	}, func(sum [][4]neon.Vec, dy neon.Reg) {
		for i := range sum {
			weight := f.Mul(high, f.Load1(neon.Mem{Base: colWide, Disp: 4 * i}))
			for q, v := range f.Load16(neon.Mem{Base: dy, Disp: 64 * i}) {
				f.FMALane(sum[i][q], v, weight, 0)
			}
		}
	}, func() {
		f.AddImm(rowHigh, rowHigh, -4)
	}, func(size int) {
		f.AddImm(wide, wide, 4*size)
	})
}
