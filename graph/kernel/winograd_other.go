//go:build !amd64 || noasm

package kernel

func winogradInput(n int, x *float32, row int, v *float32, pitch int) {
	winogradInputPortable(n, x, row, v, pitch)
}

func winogradOutput(n int, m *float32, pitch int, y *float32, row int, r, bias, least *float32) {
	winogradOutputPortable(n, m, pitch, y, row, r, bias, least)
}

func winogradFilter(n int, g, u *float32, pitch int) { winogradFilterPortable(n, g, u, pitch) }

func winogradOutputGrad(n int, dy *float32, row int, w *float32, pitch int) {
	winogradOutputGradPortable(n, dy, row, w, pitch)
}

func winogradFilterGrad(n int, u *float32, pitch int, g *float32) {
	winogradFilterGradPortable(n, u, pitch, g)
}
