package simd

import "unsafe"

// The transforms of F(4×4, 3×3) in Go: what the assembly computes, and where its constants come from.

const (
	winogradA  = 5. / 8 // the points are 0, ±winogradA, ±winogradB and ∞
	winogradB  = 3. / 2
	winogradA2 = winogradA * winogradA
	winogradB2 = winogradB * winogradB
	winogradA3 = winogradA * winogradA2
	winogradB3 = winogradB * winogradB2
	winogradN0 = winogradA2 * winogradB2
	winogradNA = 2 * winogradA2 * (winogradA2 - winogradB2)
	winogradNB = 2 * winogradB2 * (winogradB2 - winogradA2)
)

// lane reads or writes one lane of the vector that lies bytes behind p.
func lane(p *float32, bytes, lane int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), bytes+4*lane))
}

func winogradInputGeneric(n int, x *float32, row int, v *float32, pitch int) {
	inputTiles(4, n, x, row, v, pitch)
}

// inputTiles transforms tiles of 6×6 pixels that are so many pixels apart.
func inputTiles(apart, n int, x *float32, row int, v *float32, pitch int) {
	for k := range n {
		for l := range Block {
			var t [6][6]float32
			for j := range 6 {
				var d [6]float32
				for i := range 6 {
					d[i] = *lane(x, i*row+(apart*k+j)*Block*4, l)
				}
				for i, s := range inputLine(d) {
					t[i][j] = s
				}
			}
			for i := range 6 {
				for j, s := range inputLine(t[i]) {
					*lane(v, (6*i+j)*pitch+k*Block*4, l) = s
				}
			}
		}
	}
}

func inputLine(d [6]float32) [6]float32 {
	ea, oa := d[4]-float32(winogradB2*d[2]), float32(winogradA*(d[3]-float32(winogradB2*d[1])))
	eb, ob := d[4]-float32(winogradA2*d[2]), float32(winogradB*(d[3]-float32(winogradA2*d[1])))
	return [6]float32{
		d[4] - float32((winogradA2+winogradB2)*d[2]) + float32(winogradA2*winogradB2*d[0]),
		ea + oa, ea - oa, eb + ob, eb - ob,
		d[5] - float32((winogradA2+winogradB2)*d[3]) + float32(winogradA2*winogradB2*d[1]),
	}
}

func winogradOutputGeneric(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32) {
	for k := range n {
		for l := range Block {
			var t [4][6]float32
			for j := range 6 {
				var d [6]float32
				for i := range 6 {
					d[i] = *lane(m, (6*i+j)*pitch+k*Block*4, l)
				}
				for i, s := range outputLine(d) {
					t[i][j] = s
				}
			}
			for i := range 4 {
				for j, s := range outputLine(t[i]) {
					finishLane(s, y, i*row+(4*k+j)*Block*4, l, r, bias, bounds)
				}
			}
		}
	}
}

// finishLane adds bias and residual to a lane of a pixel that lies bytes behind y, clips and stores it.
func finishLane(s float32, y *float32, bytes, l int, r, bias, bounds *float32) {
	s += *lane(bias, 0, l)
	if r != nil {
		s += *lane(r, bytes, l)
	}
	if low := *lane(bounds, 0, l); s < low {
		s = low
	}
	if high := *lane(bounds, Block*4, l); s > high {
		s = high
	}
	*lane(y, bytes, l) = s
}

func outputLine(m [6]float32) [4]float32 {
	sa, da := m[1]+m[2], m[1]-m[2]
	sb, db := m[3]+m[4], m[3]-m[4]
	return [4]float32{
		m[0] + sa + sb,
		float32(winogradA*da) + float32(winogradB*db),
		float32(winogradA2*sa) + float32(winogradB2*sb),
		float32(winogradA3*da) + float32(winogradB3*db) + m[5],
	}
}

func winogradFilterGeneric(n int, g, u *float32, pitch int) {
	for k := range n {
		for l := range Block {
			var t [6][3]float32
			for j := range 3 {
				var d [3]float32
				for i := range 3 {
					d[i] = *lane(g, (9*k+3*i+j)*Block*4, l)
				}
				for i, s := range filterLine(d) {
					t[i][j] = s
				}
			}
			for i := range 6 {
				for j, s := range filterLine(t[i]) {
					*lane(u, (6*i+j)*pitch+k*Block*4, l) = s
				}
			}
		}
	}
}

func filterLine(g [3]float32) [6]float32 {
	ea, oa := float32(1/winogradNA*g[0])+float32(winogradA2/winogradNA*g[2]), float32(winogradA/winogradNA*g[1])
	eb, ob := float32(1/winogradNB*g[0])+float32(winogradB2/winogradNB*g[2]), float32(winogradB/winogradNB*g[1])
	return [6]float32{1 / winogradN0 * g[0], ea + oa, ea - oa, eb + ob, eb - ob, g[2]}
}

func winogradOutputGradGeneric(n int, dy *float32, row int, w *float32, pitch int) {
	for k := range n {
		for l := range Block {
			var t [6][4]float32
			for j := range 4 {
				var d [4]float32
				for i := range 4 {
					d[i] = *lane(dy, i*row+(4*k+j)*Block*4, l)
				}
				for i, s := range outputGradLine(d) {
					t[i][j] = s
				}
			}
			for i := range 6 {
				for j, s := range outputGradLine(t[i]) {
					*lane(w, (6*i+j)*pitch+k*Block*4, l) = s
				}
			}
		}
	}
}

func outputGradLine(y [4]float32) [6]float32 {
	ea, oa := y[0]+float32(winogradA2*y[2]), float32(winogradA*y[1])+float32(winogradA3*y[3])
	eb, ob := y[0]+float32(winogradB2*y[2]), float32(winogradB*y[1])+float32(winogradB3*y[3])
	return [6]float32{y[0], ea + oa, ea - oa, eb + ob, eb - ob, y[3]}
}

func winogradFilterGradGeneric(n int, u *float32, pitch int, g *float32) {
	for k := range n {
		for l := range Block {
			var t [3][6]float32
			for j := range 6 {
				var d [6]float32
				for i := range 6 {
					d[i] = *lane(u, (6*i+j)*pitch+k*Block*4, l)
				}
				for i, s := range filterGradLine(d) {
					t[i][j] = s
				}
			}
			for i := range 3 {
				for j, s := range filterGradLine(t[i]) {
					*lane(g, (9*k+3*i+j)*Block*4, l) = s
				}
			}
		}
	}
}

func filterGradLine(u [6]float32) [3]float32 {
	sa, da := u[1]+u[2], u[1]-u[2]
	sb, db := u[3]+u[4], u[3]-u[4]
	return [3]float32{
		float32(1/winogradN0*u[0]) + float32(1/winogradNA*sa) + float32(1/winogradNB*sb),
		float32(winogradA/winogradNA*da) + float32(winogradB/winogradNB*db),
		float32(winogradA2/winogradNA*sa) + float32(winogradB2/winogradNB*sb) + u[5],
	}
}
