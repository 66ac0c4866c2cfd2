package simd

// WinogradInput transforms n neighbouring tiles of 6×6 pixels, four pixels apart in rows that are row
// bytes apart, to 36 vectors that are pitch bytes apart (those of the next tile follow them). That is for
// results of side 4; for side 2 tiles are of 4×4 pixels, two apart, and vectors are 16.
func WinogradInput(side, n int, x *float32, row int, v *float32, pitch int) {
	if side == 2 {
		active.winograd2Input(n, hide(x), row, hide(v), pitch)
		return
	}
	active.winogradInput(n, hide(x), row, hide(v), pitch)
}

// WinogradOutput transforms 36 vectors to each of n neighbouring tiles of 4×4 pixels, or 16 to 2×2; it adds bias
// and r, which is laid out like y or nil, and stores no less than the first vector at bounds, and no more than
// the second.
func WinogradOutput(side, n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32) {
	if side == 2 {
		active.winograd2Output(n, hide(m), pitch, hide(y), row, hide(r), hide(bias), hide(bounds))
		return
	}
	active.winogradOutput(n, hide(m), pitch, hide(y), row, hide(r), hide(bias), hide(bounds))
}

// WinogradFilter transforms n filters of 3×3 vectors to 36 vectors, or 16, that are pitch bytes apart.
func WinogradFilter(side, n int, g, u *float32, pitch int) {
	if side == 2 {
		active.winograd2Filter(n, hide(g), hide(u), pitch)
		return
	}
	active.winogradFilter(n, hide(g), hide(u), pitch)
}

// WinogradOutputGrad is the transpose of WinogradOutput for side 4.
func WinogradOutputGrad(n int, dy *float32, row int, w *float32, pitch int) {
	active.winogradOutGrad(n, hide(dy), row, hide(w), pitch)
}

// WinogradFilterGrad is the transpose of WinogradFilter for side 4.
func WinogradFilterGrad(n int, u *float32, pitch int, g *float32) {
	active.winogradSumGrad(n, hide(u), pitch, hide(g))
}
