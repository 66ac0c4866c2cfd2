//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./tile -out ../tile_amd64.s -stubs ../tile_stub_amd64.go -pkg kernel

import (
	"fmt"
	"unsafe"
)

// runTile runs the micro-kernel on m ≤ maxRows(panels) rows, m ≥ 1.
//
// A switch and direct calls, not a table of functions: the compiler must see that t does not escape.
func runTile(t *tile, m, panels int) {
	switch family {
	case AVX512:
		tileAVX512(t, m, panels)
	case AVX2:
		tileAVX2(t, m, panels)
	default:
		tilePortable(t, m, panels)
	}
}

func tileAVX512(t *tile, m, panels int) {
	b := (*byte)(unsafe.Pointer(t))
	switch panels {
	case 1:
		switch m {
		case 1:
			tile1x1AVX512(b)
		case 2:
			tile2x1AVX512(b)
		case 3:
			tile3x1AVX512(b)
		case 4:
			tile4x1AVX512(b)
		case 5:
			tile5x1AVX512(b)
		case 6:
			tile6x1AVX512(b)
		case 7:
			tile7x1AVX512(b)
		case 8:
			tile8x1AVX512(b)
		case 9:
			tile9x1AVX512(b)
		case 10:
			tile10x1AVX512(b)
		case 11:
			tile11x1AVX512(b)
		case 12:
			tile12x1AVX512(b)
		case 13:
			tile13x1AVX512(b)
		case 14:
			tile14x1AVX512(b)
		case 15:
			tile15x1AVX512(b)
		case 16:
			tile16x1AVX512(b)
		case 17:
			tile17x1AVX512(b)
		case 18:
			tile18x1AVX512(b)
		case 19:
			tile19x1AVX512(b)
		case 20:
			tile20x1AVX512(b)
		default:
			panicTile(m, panels)
		}
	case 2:
		switch m {
		case 1:
			tile1x2AVX512(b)
		case 2:
			tile2x2AVX512(b)
		case 3:
			tile3x2AVX512(b)
		case 4:
			tile4x2AVX512(b)
		case 5:
			tile5x2AVX512(b)
		case 6:
			tile6x2AVX512(b)
		case 7:
			tile7x2AVX512(b)
		case 8:
			tile8x2AVX512(b)
		case 9:
			tile9x2AVX512(b)
		case 10:
			tile10x2AVX512(b)
		case 11:
			tile11x2AVX512(b)
		case 12:
			tile12x2AVX512(b)
		case 13:
			tile13x2AVX512(b)
		case 14:
			tile14x2AVX512(b)
		default:
			panicTile(m, panels)
		}
	case 3:
		switch m {
		case 1:
			tile1x3AVX512(b)
		case 2:
			tile2x3AVX512(b)
		case 3:
			tile3x3AVX512(b)
		case 4:
			tile4x3AVX512(b)
		case 5:
			tile5x3AVX512(b)
		case 6:
			tile6x3AVX512(b)
		case 7:
			tile7x3AVX512(b)
		case 8:
			tile8x3AVX512(b)
		default:
			panicTile(m, panels)
		}
	case 4:
		switch m {
		case 1:
			tile1x4AVX512(b)
		case 2:
			tile2x4AVX512(b)
		case 3:
			tile3x4AVX512(b)
		case 4:
			tile4x4AVX512(b)
		case 5:
			tile5x4AVX512(b)
		case 6:
			tile6x4AVX512(b)
		default:
			panicTile(m, panels)
		}
	default:
		panicTile(m, panels)
	}
}

func tileAVX2(t *tile, m, panels int) {
	b := (*byte)(unsafe.Pointer(t))
	if panels != 1 {
		panicTile(m, panels)
	}
	switch m {
	case 1:
		tile1x1AVX2(b)
	case 2:
		tile2x1AVX2(b)
	case 3:
		tile3x1AVX2(b)
	case 4:
		tile4x1AVX2(b)
	case 5:
		tile5x1AVX2(b)
	case 6:
		tile6x1AVX2(b)
	default:
		panicTile(m, panels)
	}
}

// gatherColumns writes the kc columns of sixteen rows, ld floats apart, to vectors of dst: the first one at first,
// the others step floats further each. It reports whether it can.
func gatherColumns(kc int, src []float32, ld int, dst []float32, first, step int) bool {
	if family == Portable || kc < 4 {
		return false
	}
	_, _, _ = src[15*ld+kc-1], dst[first:][Block-1], dst[first+(kc-1)*step:][Block-1]
	if family == AVX512 {
		gatherAVX512(kc, &src[0], 4*ld, &dst[first], 4*step)
	} else {
		gatherAVX2(kc, &src[0], 4*ld, &dst[first], 4*step)
	}
	return true
}

// scatterColumns writes n neighbouring vectors to the columns of sixteen rows, ld floats apart. It reports whether
// it can.
func scatterColumns(n int, src, dst []float32, ld int) bool {
	if family == Portable || n < 4 {
		return false
	}
	_, _ = src[n*Block-1], dst[15*ld+n-1]
	if family == AVX512 {
		scatterAVX512(n, &src[0], &dst[0], 4*ld)
	} else {
		scatterAVX2(n, &src[0], &dst[0], 4*ld)
	}
	return true
}

// copyPanels copies n rows of 1 or 4 times sixteen floats, ld floats apart, to as many panels of rows of
// sixteen, step floats apart. It reports whether it can.
func copyPanels(n, panels int, src []float32, ld int, dst []float32, step int) bool {
	if n == 0 {
		return true
	}
	if family == Portable {
		return false
	}
	_, _ = src[(n-1)*ld+panels*Block-1], dst[(panels-1)*step+n*Block-1]
	switch {
	case family == AVX512 && panels == 4:
		copy4AVX512(n, &src[0], 4*ld, &dst[0], 4*step)
	case family == AVX512 && panels == 1:
		copy1AVX512(n, &src[0], 4*ld, &dst[0], 4*step)
	case panels == 4:
		copy4AVX2(n, &src[0], 4*ld, &dst[0], 4*step)
	case panels == 1:
		copy1AVX2(n, &src[0], 4*ld, &dst[0], 4*step)
	default:
		return false
	}
	return true
}

// fetch asks for x, which will be read soon, to come into the second-level cache.
func fetch(x []float32) {
	if len(x) > 0 && family != Portable {
		fetchLines((len(x)+Block-1)/Block, &x[0])
	}
}

// addTo adds x to as many floats of y.
func addTo(x, y []float32) {
	if len(x) == 0 {
		return
	}
	_ = y[len(x)-1]
	switch family {
	case AVX512:
		sumToAVX512(len(x), &x[0], &y[0])
	case AVX2:
		sumToAVX2(len(x), &x[0], &y[0])
	default:
		addToPortable(x, y)
	}
}

func panicTile(m, panels int) {
	panic(fmt.Sprintf("kernel: family %v has no tile of %d rows and %d panels", family, m, panels))
}
