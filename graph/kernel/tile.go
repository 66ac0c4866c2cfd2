package kernel

import "unsafe"

// A tile is one call of the micro-kernel, the single inner loop under every matrix product and
// convolution of this package. It computes, for m < M rows and N columns (N = 16·panels),
//
//	C[m][n] = act( init[n] + R[m][n] + Σ_b Σ_k A[m][b,k] · B[b,k][n] )
//
// with all sums in registers. The addresses are what makes it serve so many masters:
//
//   - The rows of A come in two runs, each evenly spaced by ams: the first ⌈M/2⌉ rows start at a0,
//     the others at a1. (Two image rows of seven pixels make one tile of fourteen.)
//   - k steps through kb neighbouring values of a block, aks bytes apart in A and bks bytes apart in
//     B; blocks are listed in offs as pairs of byte offsets (into A, into B). For a convolution a
//     block is sixteen channels of one filter tap; for a filter gradient, one row of pixels.
//   - Columns 16p..16p+15 are the vector at B + p·bps, and go to C + p·cps.
//   - Rows of C (and R) follow those of A: the first ⌈M/2⌉ at c0 + m·cms, the others at c1.
//
// All strides and offsets are in bytes. Every pointer must stay valid for the whole call.
type tile struct {
	a0, a1   unsafe.Pointer
	ams, aks uintptr
	offs     *[2]int // nb pairs
	nb, kb   int
	b        unsafe.Pointer
	bks, bps uintptr
	c0, c1   unsafe.Pointer
	cms, cps uintptr
	r0, r1   unsafe.Pointer // added to the result, with the strides of C; nil for none; may equal c0, c1
	bias     unsafe.Pointer // 16·panels floats, nil for zero
	relu     uintptr        // 1: negative results become zero; NaN stays NaN
}

// tilePortable is the micro-kernel in Go: the meaning of the assembly, and what runs where there is none.
func tilePortable(t *tile, m, panels int) {
	half := (m + 1) / 2
	for i := range m {
		a, c, r, row := t.a0, t.c0, t.r0, uintptr(i)
		if i >= half {
			a, c, r, row = t.a1, t.c1, t.r1, uintptr(i-half)
		}
		a = unsafe.Add(a, row*t.ams)
		for p := range uintptr(panels) {
			var acc [Block]float32
			if t.bias != nil {
				acc = *(*[Block]float32)(unsafe.Add(t.bias, p*Block*4))
			}
			for _, off := range unsafe.Slice(t.offs, t.nb) {
				av, bv := unsafe.Add(a, off[0]), unsafe.Add(t.b, off[1]+int(p*t.bps))
				for range t.kb {
					x, b := *(*float32)(av), (*[Block]float32)(bv)
					for j := range acc {
						acc[j] += x * b[j]
					}
					av, bv = unsafe.Add(av, t.aks), unsafe.Add(bv, t.bks)
				}
			}
			if r != nil {
				rv := (*[Block]float32)(unsafe.Add(r, row*t.cms+p*t.cps))
				for j := range acc {
					acc[j] += rv[j]
				}
			}
			if t.relu != 0 {
				for j := range acc {
					if acc[j] < 0 {
						acc[j] = 0
					}
				}
			}
			*(*[Block]float32)(unsafe.Add(c, row*t.cms+p*t.cps)) = acc
		}
	}
}

// tileRows is the most rows of a tile by family and number of panels: what fits in the registers
// beside a step's vectors of B and a broadcast of A. The portable kernel walks AVX-512's tiles.
var tileRows = [...][5]int{
	Portable: {1: 16, 2: 14, 3: 8, 4: 6},
	AVX2:     {1: 6},
	AVX512:   {1: 16, 2: 14, 3: 8, 4: 6},
}

// maxRows returns the most rows that a tile of the given number of panels (1 to 4) may have in the
// current family; 0 if the family has no such tiles (AVX2 has those of one panel only).
func maxRows(panels int) int { return tileRows[family][panels] }
