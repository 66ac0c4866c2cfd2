package simd

// A Winograd is a form of Winograd's minimal filtering, F(m×m, r×r): it computes tiles of m×m results of filters of r×r taps
// from (m+r−1)² products.
type Winograd uint8

// The forms.
const (
	F43 Winograd = iota // F(4×4, 3×3): 36 products for the 144 of a sum, filters four times as large
	F23                 // F(2×2, 3×3): 16 for 36, 1.8 times
	F25                 // F(2×2, 5×5): 36 for 100, 1.4 times
)

// Side returns the pixels of a tile's side, m; Taps those of a filter's, r.
func (w Winograd) Side() int { return [...]int{4, 2, 2}[w] }

// Taps returns the pixels of a filter's side.
func (w Winograd) Taps() int { return [...]int{3, 3, 5}[w] }

// transforms are the loops of a form.
type transforms struct {
	input  func(n int, x *float32, row int, v *float32, pitch int)
	output func(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32)
	filter func(n int, g, u *float32, pitch int)
}

// Input transforms n neighbouring tiles of m+r−1 pixels a side, m pixels apart in rows that are row
// bytes apart, to vectors that are pitch bytes apart (those of the next tile follow them).
func (w Winograd) Input(n int, x *float32, row int, v *float32, pitch int) {
	active.winograd[w].input(n, hide(x), row, hide(v), pitch)
}

// Output transforms vectors to each of n neighbouring tiles of m×m pixels; it adds bias
// and r, which is laid out like y or nil, and stores no less than the first vector at bounds, and no more than
// the second.
func (w Winograd) Output(n int, m *float32, pitch int, y *float32, row int, r, bias, bounds *float32) {
	active.winograd[w].output(n, hide(m), pitch, hide(y), row, hide(r), hide(bias), hide(bounds))
}

// Filter transforms n filters of r×r vectors to vectors that are pitch bytes apart.
func (w Winograd) Filter(n int, g, u *float32, pitch int) {
	active.winograd[w].filter(n, hide(g), hide(u), pitch)
}

// WinogradOutputGrad is the transpose of F43's output.
func WinogradOutputGrad(n int, dy *float32, row int, w *float32, pitch int) {
	active.winogradOutGrad(n, hide(dy), row, hide(w), pitch)
}

// WinogradFilterGrad is the transpose of F43's filter.
func WinogradFilterGrad(n int, u *float32, pitch int, g *float32) {
	active.winogradSumGrad(n, hide(u), pitch, hide(g))
}
