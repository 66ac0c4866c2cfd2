package simd

import "unsafe"

// maxRowGeneric is the loop of a *MaxRow.
func maxRowGeneric(b *byte) {
	s := (*MaxRow)(unsafe.Pointer(b))
	for i := range s.N {
		first := unsafe.Add(s.X, i*s.Step)
		best := *(*[Block]float32)(first)
		var arg [Block]uint8
		for j := range arg {
			arg[j] = uint8(s.Index)
		}
		tap := s.Index
		for r := range s.KH {
			for c := range s.KW {
				v := (*[Block]float32)(unsafe.Add(first, r*s.XRow+c*PixelBytes))
				for j, f := range v {
					if f > best[j] || f != f {
						best[j], arg[j] = f, uint8(tap)
					}
				}
				tap++
			}
			tap += s.RowJump
		}
		*(*[Block]float32)(at(s.Y, i)) = best
		if s.Arg != nil {
			*(*[Block]uint8)(unsafe.Add(s.Arg, i*Block)) = arg
		}
	}
}

// unpoolRowGeneric is the loop of a *MaxRow that goes back. Minus zero becomes zero, as in routedGeneric.
func unpoolRowGeneric(b *byte) {
	s := (*MaxRow)(unsafe.Pointer(b))
	for i := range s.N {
		first, value, chosen := unsafe.Add(s.X, i*s.Step), (*[Block]float32)(at(s.Y, i)), (*[Block]uint8)(unsafe.Add(s.Arg, i*Block))
		tap := s.Index
		for r := range s.KH {
			for c := range s.KW {
				var out [Block]float32
				for j, v := range value {
					if chosen[j] == uint8(tap) {
						out[j] += v
					}
				}
				*(*[Block]float32)(unsafe.Add(first, r*s.XRow+c*PixelBytes)) = out
				tap++
			}
			tap += s.RowJump
		}
	}
}

// sumRowGeneric is the loop of a *SumRow.
func sumRowGeneric(b *byte) {
	s := (*SumRow)(unsafe.Pointer(b))
	for i := range s.N {
		first := unsafe.Add(s.X, i*s.Step)
		var sum [Block]float32
		for r := range s.KH {
			for c := range s.KW {
				v := (*[Block]float32)(unsafe.Add(first, r*s.XRow+c*PixelBytes))
				for j := range sum {
					sum[j] += v[j]
				}
			}
		}
		for j := range sum {
			sum[j] *= s.Scale
		}
		*(*[Block]float32)(at(s.Y, i)) = sum
	}
}

// routedGeneric is the loop of a *Gather that sums the windows that chose the pixel.
func routedGeneric(b *byte) {
	g := (*Gather)(unsafe.Pointer(b))
	for i := range g.N {
		var sum [Block]float32
		for r := range g.Rows {
			for c := range g.Cols {
				chosen := (*[Block]uint8)(unsafe.Add(g.Arg, (i-c)*Block-r*g.DYRow/4))
				d := (*[Block]float32)(unsafe.Add(g.DY, (i-c)*PixelBytes-r*g.DYRow))
				tap := uint8(g.Tap + r*g.TapRow + c*g.TapCol)
				for j := range sum {
					if chosen[j] == tap {
						sum[j] += d[j]
					}
				}
			}
		}
		*(*[Block]float32)(unsafe.Add(g.DX, i*g.Step)) = sum
	}
}

// spreadGeneric is the loop of a *Gather that sums the windows with their weights.
func spreadGeneric(b *byte) {
	g := (*Gather)(unsafe.Pointer(b))
	for i := range g.N {
		var sum [Block]float32
		for r := range g.Rows {
			high := *(*float32)(unsafe.Add(g.High, -4*r))
			for c := range g.Cols {
				d := (*[Block]float32)(unsafe.Add(g.DY, (i-c)*PixelBytes-r*g.DYRow))
				f := high * *(*float32)(unsafe.Add(g.Wide, 4*(i-c)))
				for j := range sum {
					sum[j] += float32(f * d[j])
				}
			}
		}
		*(*[Block]float32)(unsafe.Add(g.DX, i*g.Step)) = sum
	}
}
