package simd

// The transforms of F(2×2, 3×3) in Go, at the points 0, ±1 and ∞.

func winograd23InputGeneric(n int, x *float32, row int, v *float32, pitch int) {
	for k := range n {
		for l := range Block {
			var t [4][4]float32
			for j := range 4 {
				var d [4]float32
				for i := range 4 {
					d[i] = *lane(x, i*row+(2*k+j)*Block*4, l)
				}
				for i, s := range input23Line(d) {
					t[i][j] = s
				}
			}
			for i := range 4 {
				for j, s := range input23Line(t[i]) {
					*lane(v, (4*i+j)*pitch+k*Block*4, l) = s
				}
			}
		}
	}
}

func input23Line(d [4]float32) [4]float32 {
	return [4]float32{d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]}
}

func winograd23OutputGeneric(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32) {
	for k := range n {
		for l := range Block {
			var t [2][4]float32
			for j := range 4 {
				var d [4]float32
				for i := range 4 {
					d[i] = *lane(m, (4*i+j)*pitch+k*Block*4, l)
				}
				for i, s := range output23Line(d) {
					t[i][j] = s
				}
			}
			for i := range 2 {
				for j, s := range output23Line(t[i]) {
					finishLane(s, y, i*row+(2*k+j)*Block*4, l, r, bias, bounds)
				}
			}
		}
	}
}

func output23Line(m [4]float32) [2]float32 {
	return [2]float32{m[1] + m[2] + m[0], m[1] - m[2] + m[3]}
}

func winograd23FilterGeneric(n int, g, u *float32, pitch int) {
	for k := range n {
		for l := range Block {
			var t [4][3]float32
			for j := range 3 {
				var d [3]float32
				for i := range 3 {
					d[i] = *lane(g, (9*k+3*i+j)*Block*4, l)
				}
				for i, s := range filter23Line(d) {
					t[i][j] = s
				}
			}
			for i := range 4 {
				for j, s := range filter23Line(t[i]) {
					*lane(u, (4*i+j)*pitch+k*Block*4, l) = s
				}
			}
		}
	}
}

func filter23Line(g [3]float32) [4]float32 {
	e, o := float32((g[0]+g[2])/2), float32(g[1]/2)
	return [4]float32{g[0], e + o, e - o, g[2]}
}
