package simd

import (
	"testing"
	"unsafe"
)

// numbers are small whole ones, all different in their neighbourhood, so that sums are exact.
func numbers(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32((i*7919+13)%4001 - 2000)
	}
	return v
}

// Windows of 2×3 pixels on a map of 3×9, every two pixels, whose first tap is called 4; 2 names are left out after each row.
const (
	poolH, poolW = 3, 9
	poolKH       = 2
	poolKW       = 3
	poolN        = 4
	poolStep     = 2
	poolIndex    = 4
	poolJump     = 2
)

func poolTap(window, r, c, lane int) int { return ((r*poolW)+window*poolStep+c)*Block + lane }

func poolName(r, c int) uint8 { return uint8(poolIndex + r*(poolKW+poolJump) + c) }

func TestMaximaOfNeighbouringWindows(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		x := numbers(poolH * poolW * Block)
		x[poolTap(1, 1, 2, 5)] = canary // which is no number, and is kept
		for _, withArg := range []bool{true, false} {
			y, arg := newGuard(poolN*Block), make([]uint8, poolN*Block)
			s := MaxRow{
				X: unsafe.Pointer(&x[0]), XRow: poolW * PixelBytes, Step: poolStep * PixelBytes, KH: poolKH, KW: poolKW, N: poolN,
				Y: unsafe.Pointer(&y.data[0]), Index: poolIndex, RowJump: poolJump,
			}
			if withArg {
				s.Arg = unsafe.Pointer(&arg[0])
			}
			s.Run()
			y.check(t, "maxima")
			for w := range poolN {
				for lane := range Block {
					best, name, none := x[poolTap(w, 0, 0, lane)], poolName(0, 0), false
					for r := range poolKH {
						for c := range poolKW {
							v := x[poolTap(w, r, c, lane)]
							none = none || v != v
							if v > best {
								best, name = v, poolName(r, c)
							}
						}
					}
					got := y.data[w*Block+lane]
					if none {
						if got == got {
							t.Errorf("window %d, lane %d: %v, a tap is no number", w, lane, got)
						}
						continue
					}
					if got != best || withArg && arg[w*Block+lane] != name {
						t.Fatalf("window %d, lane %d: %v from tap %d, want %v from %d", w, lane, got, arg[w*Block+lane], best, name)
					}
				}
			}
		}
	})
}

// Windows that do not overlap give their number back to the tap that was chosen, and zero to the others.
func TestMaximaGoBackToTheirTaps(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		const n, width = 3, 9 // windows of 2×3, side by side
		dx, dy, arg := newGuard(poolKH*width*Block), numbers(n*Block), make([]uint8, n*Block)
		for i := range arg {
			arg[i] = poolName(i%poolKH, i/3%poolKW)
		}
		s := MaxRow{
			X: unsafe.Pointer(&dx.data[0]), XRow: width * PixelBytes, Step: poolKW * PixelBytes, KH: poolKH, KW: poolKW, N: n,
			Y: unsafe.Pointer(&dy[0]), Arg: unsafe.Pointer(&arg[0]), Index: poolIndex, RowJump: poolJump,
		}
		s.Unpool()
		dx.check(t, "gradient")
		for w := range n {
			for lane := range Block {
				for r := range poolKH {
					for c := range poolKW {
						want := float32(0)
						if arg[w*Block+lane] == poolName(r, c) {
							want = dy[w*Block+lane]
						}
						if got := dx.data[(r*width+w*poolKW+c)*Block+lane]; got != want {
							t.Fatalf("window %d, tap %d, %d, lane %d: %v, want %v", w, r, c, lane, got, want)
						}
					}
				}
			}
		}
	})
}

func TestSumsOfNeighbouringWindows(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		x, y := numbers(poolH*poolW*Block), newGuard(poolN*Block)
		s := SumRow{
			X: unsafe.Pointer(&x[0]), XRow: poolW * PixelBytes, Step: poolStep * PixelBytes, KH: poolKH, KW: poolKW, N: poolN,
			Y: unsafe.Pointer(&y.data[0]), Scale: 0.25,
		}
		s.Run()
		y.check(t, "sums")
		for w := range poolN {
			for lane := range Block {
				want := float32(0)
				for r := range poolKH {
					for c := range poolKW {
						want += x[poolTap(w, r, c, lane)]
					}
				}
				if got := y.data[w*Block+lane]; got != want/4 {
					t.Fatalf("window %d, lane %d: %v, want %v", w, lane, got, want/4)
				}
			}
		}
	})
}

// A pixel gathers from 2×2 windows: that of its last one, the one to the left, and those a row above.
func TestPixelsGatherFromTheirWindows(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		const columns, n, rows, cols = 6, 4, 2, 2 // dy is 2×6 windows; pixel i's last one is 1 + i of the second row
		const tap, tapCol, tapRow = 1, 2, 6
		dy, arg := numbers(2*columns*Block), make([]uint8, 2*columns*Block)
		for i := range arg {
			arg[i] = []uint8{tap, tap + tapCol, tap + tapRow, tap + tapCol + tapRow, 0}[i*5%7%5]
		}
		high, wide := []float32{0.5, 2}, []float32{1, 0.25, 4, 0.5, 8, 2}
		last := func(i int) int { return columns + 1 + i }
		for _, spread := range []bool{false, true} {
			dx := newGuard((2*n - 1) * Block)
			dx.image, dx.gap = Block, Block // every second pixel
			g := Gather{
				DY: unsafe.Pointer(&dy[last(0)*Block]), DYRow: columns * PixelBytes, Rows: rows, Cols: cols, N: n,
				DX: unsafe.Pointer(&dx.data[0]), Step: 2 * PixelBytes,
				Arg: unsafe.Pointer(&arg[last(0)*Block]), Tap: tap, TapCol: tapCol, TapRow: tapRow,
				High: unsafe.Pointer(&high[1]), Wide: unsafe.Pointer(&wide[1]),
			}
			if spread {
				g.Spread()
			} else {
				g.Routed()
			}
			dx.check(t, "gathered")
			for i := range n {
				for lane := range Block {
					want := float32(0)
					for r := range rows {
						for c := range cols {
							at := (last(i)-c-r*columns)*Block + lane
							switch {
							case spread:
								want += high[1-r] * wide[1+i-c] * dy[at]
							case int(arg[at]) == tap+r*tapRow+c*tapCol:
								want += dy[at]
							}
						}
					}
					if got := dx.data[2*i*Block+lane]; got != want {
						t.Fatalf("spread %v: pixel %d, lane %d: %v, want %v", spread, i, lane, got, want)
					}
				}
			}
		}
	})
}
