//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./winograd -out ../winograd_amd64.s -stubs ../winograd_stub_amd64.go -pkg kernel

// winogradInput transforms n neighbouring tiles of 6×6 pixels, four pixels apart in rows that are row
// bytes apart, to 36 vectors that are pitch bytes apart (those of the next tile follow them).
func winogradInput(n int, x *float32, row int, v *float32, pitch int) {
	switch family {
	case AVX512:
		winogradInputAVX512(n, x, row, v, pitch)
	case AVX2:
		winogradInputAVX2(n, x, row, v, pitch)
	default:
		winogradInputPortable(n, x, row, v, pitch)
	}
}

// winogradOutput transforms 36 vectors to each of n neighbouring tiles of 4×4 pixels; it adds bias
// and r, which is laid out like y or nil, and stores no less than least.
func winogradOutput(n int, m *float32, pitch int, y *float32, row int, r, bias, least *float32) {
	switch family {
	case AVX512:
		winogradOutputAVX512(n, m, pitch, y, row, r, bias, least)
	case AVX2:
		winogradOutputAVX2(n, m, pitch, y, row, r, bias, least)
	default:
		winogradOutputPortable(n, m, pitch, y, row, r, bias, least)
	}
}

// winogradFilter transforms n filters of 3×3 vectors to 36 vectors that are pitch bytes apart.
func winogradFilter(n int, g, u *float32, pitch int) {
	switch family {
	case AVX512:
		winogradFilterAVX512(n, g, u, pitch)
	case AVX2:
		winogradFilterAVX2(n, g, u, pitch)
	default:
		winogradFilterPortable(n, g, u, pitch)
	}
}

// winogradOutputGrad is the transpose of winogradOutput.
func winogradOutputGrad(n int, dy *float32, row int, w *float32, pitch int) {
	switch family {
	case AVX512:
		winogradOutputGradAVX512(n, dy, row, w, pitch)
	case AVX2:
		winogradOutputGradAVX2(n, dy, row, w, pitch)
	default:
		winogradOutputGradPortable(n, dy, row, w, pitch)
	}
}

// winogradFilterGrad is the transpose of winogradFilter.
func winogradFilterGrad(n int, u *float32, pitch int, g *float32) {
	switch family {
	case AVX512:
		winogradFilterGradAVX512(n, u, pitch, g)
	case AVX2:
		winogradFilterGradAVX2(n, u, pitch, g)
	default:
		winogradFilterGradPortable(n, u, pitch, g)
	}
}
