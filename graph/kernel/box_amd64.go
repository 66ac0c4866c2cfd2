//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./box -out ../box_amd64.s -stubs ../box_stub_amd64.go -pkg kernel

import "unsafe"

type boxFunc func(boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int)

// boxFuncs are by family, columns and rows less one.
var boxFuncs = [...][][]boxFunc{
	AVX2: {
		{box1x0AVX2, box2x0AVX2, box3x0AVX2, box4x0AVX2, box5x0AVX2, box6x0AVX2, box7x0AVX2},
		{box1x1AVX2, box2x1AVX2, box3x1AVX2, box4x1AVX2, box5x1AVX2, box6x1AVX2, box7x1AVX2},
		{box1x2AVX2, box2x2AVX2, box3x2AVX2},
		{box1x3AVX2, box2x3AVX2},
		{box1x4AVX2},
		{box1x5AVX2},
	},
	AVX512: {
		{box1x0AVX512, box2x0AVX512, box3x0AVX512, box4x0AVX512, box5x0AVX512, box6x0AVX512, box7x0AVX512, box8x0AVX512},
		{box1x1AVX512, box2x1AVX512, box3x1AVX512, box4x1AVX512, box5x1AVX512, box6x1AVX512, box7x1AVX512, box8x1AVX512},
		{box1x2AVX512, box2x2AVX512, box3x2AVX512, box4x2AVX512, box5x2AVX512, box6x2AVX512, box7x2AVX512, box8x2AVX512},
		{box1x3AVX512, box2x3AVX512, box3x3AVX512, box4x3AVX512, box5x3AVX512, box6x3AVX512, box7x3AVX512, box8x3AVX512},
		{box1x4AVX512, box2x4AVX512, box3x4AVX512, box4x4AVX512, box5x4AVX512, box6x4AVX512, box7x4AVX512},
		{box1x5AVX512, box2x5AVX512, box3x5AVX512, box4x5AVX512, box5x5AVX512},
	},
}

func runBoxSum(rows, cols, boxes, n int, factors *float32, at *int32, step, next int, from *float32, row int, sum *float32, sumRow, sumNext int) {
	if family == Portable {
		boxSumPortable(rows, cols, boxes, n, factors, at, step, next, from, row, sum, sumRow, sumNext)
		return
	}
	boxFuncs[family][cols][rows-1](boxes, n, factors, at, step, next, from, row, sum, sumRow, sumNext)
}

func (r *route) places(rows, pixels int, chosen *uint8, first *[Block]int32, at *int32) {
	switch family {
	case AVX512:
		placesAVX512(rows, pixels, chosen, &first[0], (*byte)(unsafe.Pointer(r)), at)
	case AVX2:
		placesAVX2(rows, pixels, chosen, &first[0], (*byte)(unsafe.Pointer(r)), at)
	default:
		r.placesPortable(rows, pixels, chosen, first, at)
	}
}

// spreadHalves copies pixels of half a vector to whole ones with zeros.
func spreadHalves(pixels int, x, y []float32) {
	_, _ = x[pixels*Block/2-1], y[pixels*Block-1]
	switch family {
	case AVX512:
		spreadHalvesAVX512(pixels, &x[0], &y[0])
	case AVX2:
		spreadHalvesAVX2(pixels, &x[0], &y[0])
	default:
		spreadHalvesPortable(pixels, &x[0], &y[0])
	}
}

// gatherHalves copies the first halves of pixels.
func gatherHalves(pixels int, x, y []float32) {
	_, _ = x[(pixels-1)*Block+Block/2-1], y[pixels*Block/2-1]
	switch family {
	case AVX512:
		gatherHalvesAVX512(pixels, &x[0], &y[0])
	case AVX2:
		gatherHalvesAVX2(pixels, &x[0], &y[0])
	default:
		gatherHalvesPortable(pixels, &x[0], &y[0])
	}
}
