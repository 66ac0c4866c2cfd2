package simd

// The transforms of F(2×2, 5×5) in Go, at the points of F(4×4, 3×3).

const (
	winogradA4 = winogradA * winogradA3
	winogradB4 = winogradB * winogradB3
)

func winograd25InputGeneric(n int, x *float32, row int, v *float32, pitch int) {
	inputTiles(2, n, x, row, v, pitch)
}

func winograd25OutputGeneric(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32) {
	for k := range n {
		for l := range Block {
			var t [2][6]float32
			for j := range 6 {
				var d [6]float32
				for i := range 6 {
					d[i] = *lane(m, (6*i+j)*pitch+k*Block*4, l)
				}
				for i, s := range output25Line(d) {
					t[i][j] = s
				}
			}
			for i := range 2 {
				for j, s := range output25Line(t[i]) {
					finishLane(s, y, i*row+(2*k+j)*Block*4, l, r, bias, bounds)
				}
			}
		}
	}
}

func output25Line(m [6]float32) [2]float32 {
	return [2]float32{
		m[0] + (m[1] + m[2]) + (m[3] + m[4]),
		float32(winogradA*(m[1]-m[2])) + float32(winogradB*(m[3]-m[4])) + m[5],
	}
}

func winograd25FilterGeneric(n int, g, u *float32, pitch int) {
	for k := range n {
		for l := range Block {
			var t [6][5]float32
			for j := range 5 {
				var d [5]float32
				for i := range 5 {
					d[i] = *lane(g, (25*k+5*i+j)*Block*4, l)
				}
				for i, s := range filter25Line(d) {
					t[i][j] = s
				}
			}
			for i := range 6 {
				for j, s := range filter25Line(t[i]) {
					*lane(u, (6*i+j)*pitch+k*Block*4, l) = s
				}
			}
		}
	}
}

func filter25Line(g [5]float32) [6]float32 {
	ea := float32(1/winogradNA*g[0]) + float32(winogradA2/winogradNA*g[2]) + float32(winogradA4/winogradNA*g[4])
	oa := float32(winogradA/winogradNA*g[1]) + float32(winogradA3/winogradNA*g[3])
	eb := float32(1/winogradNB*g[0]) + float32(winogradB2/winogradNB*g[2]) + float32(winogradB4/winogradNB*g[4])
	ob := float32(winogradB/winogradNB*g[1]) + float32(winogradB3/winogradNB*g[3])
	return [6]float32{1 / winogradN0 * g[0], ea + oa, ea - oa, eb + ob, eb - ob, g[4]}
}
