package main

import (
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/fields"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/lanes"
)

// spaced returns the addresses of up to four things that are step bytes apart.
func spaced(base, step, step3 reg.GPVirtual) []Mem {
	return []Mem{{Base: base}, {Base: base, Index: step, Scale: 1}, {Base: base, Index: step, Scale: 2}, {Base: base, Index: step3, Scale: 1}}
}

// windows goes over neighbouring windows in groups of the given sizes. group is told where the windows of
// a group begin, and walks through their taps, perhaps more than once: then tap is called at every tap
// with its addresses, and jump after every row of taps.
func (f fn) windows(s reg.GPVirtual, sizes []int, group func(first []Mem, walk func(tap func(at []Mem), jump func()))) {
	x, xRow, step := f.loadField(s, fields.RowX), f.loadField(s, fields.RowXRow), f.loadField(s, fields.RowStep)
	step3 := f.GP64()
	f.LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	n := f.loadField(s, fields.RowN)
	f.groups(n, sizes, func(size int) {
		group(spaced(x, step, step3)[:size], func(tap func(at []Mem), jump func()) {
			row := f.GP64()
			f.MOVQ(x, row)
			f.times(field(s, fields.RowKH), func() {
				col := f.GP64()
				f.MOVQ(row, col)
				f.times(field(s, fields.RowKW), func() {
					tap(spaced(col, step, step3)[:size])
					f.ADDQ(I32(64), col)
				})
				f.ADDQ(xRow, row)
				jump()
			})
		})
		switch size {
		case 4:
			f.LEAQ(Mem{Base: x, Index: step, Scale: 4}, x)
		case 2:
			f.LEAQ(Mem{Base: x, Index: step, Scale: 2}, x)
		default:
			f.ADDQ(step, x)
		}
	})
}

// maxArg takes v for the best if v > best or v is NaN, which is what keeps a NaN that is the best already.
// AVX-512 first looks for v > best alone, and at the sum: it is a number if there is no NaN (nor both
// infinities), and the comparison with NaN is for those that have found one.
func maxArg(f fn) {
	s := f.Arg("s")
	y, arg := f.loadField(s, fields.RowY), f.loadField(s, fields.RowArg)
	first, jump := f.splatInt(f.loadField(s, fields.RowIndex)), f.splatInt(f.loadField(s, fields.RowJump))
	one := f.ConstInt(1).Lo
	sizes := []int{4, 1}
	if !f.Wide() {
		sizes = []int{2, 1}
	}
	tap := f.part()
	next := func() { f.VPADDD(jump, tap, tap) }
	f.windows(s, sizes, func(windows []Mem, walk func(tap func(at []Mem), jump func())) {
		var best, index [][]reg.VecVirtual
		for range windows {
			best, index = append(best, f.registers()), append(index, f.registers())
		}
		begin := func() {
			f.VMOVAPS(first, tap)
			for i, m := range windows {
				for h, off := range f.parts() {
					f.VMOVUPS(m.Offset(off), best[i][h])
					f.VMOVAPS(first, index[i][h])
				}
			}
		}
		compare := func(found func(i int, v, best reg.VecVirtual) mask) func(at []Mem) {
			return func(at []Mem) {
				for i, m := range at {
					for h, off := range f.parts() {
						v := f.load(m.Offset(off))
						better := found(i, v, best[i][h])
						f.replace(best[i][h], better, v)
						f.replace(index[i][h], better, tap)
					}
				}
				f.VPADDD(one, tap, tap)
			}
		}
		numbers := f.Label("numbers")
		if f.Wide() {
			begin()
			sums := f.vectors(len(windows))
			walk(compare(func(i int, v, best reg.VecVirtual) mask {
				f.VADDPS(v, sums[i][0], sums[i][0])
				return f.compare(lanes.GreaterThan, v, best)
			}), next)
			sum := f.fold(sums)
			nan := f.compare(lanes.Unordered, sum[0], sum[0])
			f.KORTESTW(nan.k, nan.k)
			f.JZ(LabelRef(numbers))
		}
		begin()
		walk(compare(func(_ int, v, best reg.VecVirtual) mask {
			better := f.compare(lanes.GreaterThan, v, best)
			f.or(better, f.compare(lanes.Unordered, v, v))
			return better
		}), next)
		f.Here(numbers)
		for i := range windows {
			f.store(best[i], Mem{Base: y, Disp: 64 * i})
			f.storeBytes(index[i], Mem{Base: arg, Disp: 16 * i})
		}
		f.ADDQ(I32(64*len(windows)), y)
		f.ADDQ(I32(16*len(windows)), arg)
	})
}

// storeBytes writes sixteen integers below 256 as bytes.
func (f fn) storeBytes(v []reg.VecVirtual, to Mem) {
	if f.Wide() {
		f.VPMOVDB(v[0], to)
		return
	}
	f.VPACKUSDW(v[1], v[0], v[0]) // 0-3 8-11 4-7 12-15
	f.VPERMQ(U8(0xD8), v[0], v[0])
	f.VEXTRACTI128(U8(1), v[0], v[1].AsX())
	f.VPACKUSWB(v[1].AsX(), v[0].AsX(), v[0].AsX())
	f.VMOVDQU(v[0].AsX(), to)
}

// maxOnly relies on MAXPS returning its second operand where either is NaN.
func maxOnly(f fn) {
	s := f.Arg("s")
	y := f.loadField(s, fields.RowY)
	f.windows(s, []int{4, 1}, func(windows []Mem, walk func(tap func(at []Mem), jump func())) {
		var best [][]reg.VecVirtual
		for _, m := range windows {
			best = append(best, f.vector(m))
		}
		walk(func(at []Mem) {
			for i, m := range at {
				for h, off := range f.parts() {
					v := f.load(m.Offset(off))
					nan := f.compare(lanes.Unordered, v, v)
					f.VMAXPS(best[i][h], v, best[i][h])
					f.replace(best[i][h], nan, v)
				}
			}
		}, func() {})
		for i, v := range best {
			f.store(v, Mem{Base: y, Disp: 64 * i})
		}
		f.ADDQ(I32(64*len(windows)), y)
	})
}

// unpool gives the taps of a window its value where they were chosen, and zero elsewhere.
func unpool(f fn) {
	s := f.Arg("s")
	y, arg, number := f.loadField(s, fields.RowY), f.loadField(s, fields.RowArg), f.GP64()
	bytes := func(r reg.GPVirtual) reg.VecVirtual {
		v := f.XMM()
		f.VMOVD(r.As32(), v)
		f.VPBROADCASTB(v, v)
		return v
	}
	first, jump, tap := bytes(f.loadField(s, fields.RowIndex)), bytes(f.loadField(s, fields.RowJump)), f.XMM()
	f.MOVQ(U32(1), number)
	one, zero := bytes(number), f.zero()
	sizes := []int{4, 1}
	if !f.Wide() {
		sizes = []int{2, 1}
	}
	f.windows(s, sizes, func(windows []Mem, walk func(tap func(at []Mem), jump func())) {
		var values [][]reg.VecVirtual
		var chosen []reg.VecVirtual
		for i := range windows {
			values, chosen = append(values, f.vector(Mem{Base: y, Disp: 64 * i})), append(chosen, f.XMM())
			f.VMOVDQU(Mem{Base: arg, Disp: 16 * i}, chosen[i])
		}
		f.VMOVDQA(first, tap)
		walk(func(at []Mem) {
			for i, to := range at {
				if f.Wide() {
					k, v := f.K(), f.ZMM()
					f.VPCMPEQB(tap, chosen[i], k)
					f.VADDPS_Z(values[i][0], zero, k, v)
					f.VMOVUPS(v, to)
					continue
				}
				m := f.XMM()
				f.VPCMPEQB(tap, chosen[i], m)
				for h, off := range f.parts() {
					v := f.YMM()
					f.VPMOVSXBD(m, v)
					f.VPAND(values[i][h], v, v)
					f.VADDPS(v, zero, v)
					f.VMOVUPS(v, to.Offset(off))
					if h == 0 {
						f.VPSRLDQ(U8(8), m, m)
					}
				}
			}
			f.VPADDB(one, tap, tap)
		}, func() { f.VPADDB(jump, tap, tap) })
		f.ADDQ(I32(64*len(windows)), y)
		f.ADDQ(I32(16*len(windows)), arg)
	})
}

func sumWindows(f fn) {
	s := f.Arg("s")
	y, scale := f.loadField(s, fields.RowY), f.splat(field(s, fields.RowScale))
	f.windows(s, []int{4, 1}, func(windows []Mem, walk func(tap func(at []Mem), jump func())) {
		sum := f.vectors(len(windows))
		walk(func(at []Mem) {
			for i, m := range at {
				for h, off := range f.parts() {
					f.VADDPS(m.Offset(off), sum[i][h], sum[i][h])
				}
			}
		}, func() {})
		for i := range sum {
			for _, p := range sum[i] {
				f.VMULPS(scale, p, p)
			}
			f.store(sum[i], Mem{Base: y, Disp: 64 * i})
		}
		f.ADDQ(I32(64*len(windows)), y)
	})
}

// gather walks over groups of pixels of dx and the windows that hold them: what an average and a
// maximum have in common. begin is called for each group, row and col before each row and each window, and
// add with the distance of the window of the group's first pixel from g's.
func (f fn) gather(g reg.GPVirtual, sizes []int, group, row, window func(), add func(sum [][]reg.VecVirtual, dy reg.GPVirtual), next func(), advance func(size int)) {
	dy, dx := f.loadField(g, fields.GatherDY), f.loadField(g, fields.GatherDX)
	n := f.loadField(g, fields.GatherN)
	f.groups(n, sizes, func(size int) {
		sum := f.vectors(size)
		d := f.GP64()
		f.MOVQ(dy, d)
		group()
		f.times(field(g, fields.GatherRows), func() {
			col := f.GP64()
			f.MOVQ(d, col)
			row()
			f.times(field(g, fields.GatherCols), func() {
				add(sum, col)
				f.SUBQ(I32(64), col)
				window()
			})
			f.SUBQ(field(g, fields.GatherDYRow), d)
			next()
		})
		for _, v := range sum {
			f.store(v, Mem{Base: dx})
			f.ADDQ(field(g, fields.GatherStep), dx)
		}
		f.ADDQ(I32(64*size), dy)
		advance(size)
	})
}

func routed(f fn) {
	g := f.Arg("s")
	arg, argRow := f.loadField(g, fields.GatherArg), f.loadField(g, fields.GatherDYRow)
	f.SHRQ(U8(2), argRow)
	rowArg, colArg, rowTap, colTap := f.GP64(), f.GP64(), f.GP64(), f.GP64()
	f.gather(g, []int{4, 1}, func() {
		f.MOVQ(arg, rowArg)
		f.MOVQ(field(g, fields.GatherTap), rowTap)
	}, func() {
		f.MOVQ(rowArg, colArg)
		f.MOVQ(rowTap, colTap)
	}, func() {
		f.SUBQ(I32(16), colArg)
		f.ADDQ(field(g, fields.GatherTapCol), colTap)
	}, func(sum [][]reg.VecVirtual, dy reg.GPVirtual) {
		tap := f.XMM()
		f.VMOVD(colTap.As32(), tap)
		f.VPBROADCASTB(tap, tap)
		for i := range sum {
			from, chosen := Mem{Base: dy, Disp: 64 * i}, Mem{Base: colArg, Disp: 16 * i}
			if f.Wide() {
				k := f.K()
				f.VPCMPEQB(chosen, tap, k)
				f.VADDPS(from, sum[i][0], k, sum[i][0])
				continue
			}
			m := f.XMM()
			f.VPCMPEQB(chosen, tap, m)
			for h, off := range f.parts() {
				v := f.YMM()
				f.VPMOVSXBD(m, v)
				f.VPAND(from.Offset(off), v, v)
				f.VADDPS(v, sum[i][h], sum[i][h])
				if h == 0 {
					f.VPSRLDQ(U8(8), m, m)
				}
			}
		}
	}, func() {
		f.SUBQ(argRow, rowArg)
		f.ADDQ(field(g, fields.GatherTapRow), rowTap)
	}, func(size int) {
		f.ADDQ(I32(16*size), arg)
	})
}

func spread(f fn) {
	g := f.Arg("s")
	wide, rowHigh, colWide := f.loadField(g, fields.GatherWide), f.GP64(), f.GP64()
	high := f.part()
	f.gather(g, []int{4, 1}, func() {
		f.MOVQ(field(g, fields.GatherHigh), rowHigh)
	}, func() {
		f.VBROADCASTSS(Mem{Base: rowHigh}, high)
		f.MOVQ(wide, colWide)
	}, func() {
		f.SUBQ(I32(4), colWide)
	}, func(sum [][]reg.VecVirtual, dy reg.GPVirtual) {
		for i := range sum {
			weight := f.splat(Mem{Base: colWide, Disp: 4 * i})
			f.VMULPS(high, weight, weight)
			for h, off := range f.parts() {
				f.VFMADD231PS(Mem{Base: dy, Disp: 64*i + off}, weight, sum[i][h])
			}
		}
	}, func() {
		f.SUBQ(I32(4), rowHigh)
	}, func(size int) {
		f.ADDQ(I32(4*size), wide)
	})
}
