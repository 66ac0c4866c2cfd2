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

	// A's next tile, which no processor guesses where blocks are far apart: every step of a block asks
	// for one cache line, the first one ahead bytes behind the block's first row, then step by step.
	ahead, aheadStep uintptr

	// The next panels of B, which come from memory to the second-level cache while the tiles of these are
	// computed: every step asks for a line, the first one next bytes behind B, then nextStep bytes further.
	next, nextStep uintptr

	// The assembly reads no further.
	part, parts int // which of the calls that ask for the same of the next panels comes now
}

// fetch lets the coming calls of the given number, all for the same panels of B, ask for as many that lie
// next bytes behind them. After each call comes fetched.
func (t *tile) fetch(calls, panels, next int) {
	t.part, t.parts = 0, max(1, calls/panels)
	t.next, t.nextStep = uintptr(next), uintptr(ceil(Block*4, t.parts))
}

// fetched goes on to what the next call asks for, after one of the given steps.
func (t *tile) fetched(steps int) {
	part := uintptr(steps) * t.nextStep
	t.part++
	t.next += part
	if t.part == t.parts {
		t.part = 0
		t.next += t.bps - uintptr(t.parts)*part
	}
}

// tilePortable is the micro-kernel in Go: the meaning of the assembly, and what runs where there is none.
func tilePortable(t *tile, m, panels int) {
	half := (m + 1) / 2
	place := func(i int, first, other unsafe.Pointer, step uintptr) unsafe.Pointer {
		if i >= half {
			return unsafe.Add(other, uintptr(i-half)*step)
		}
		return unsafe.Add(first, uintptr(i)*step)
	}
	for i := 0; i < m; i += 2 {
		j := min(i+1, m-1) // the last row of an odd number is computed twice
		a, a2 := place(i, t.a0, t.a1, t.ams), place(j, t.a0, t.a1, t.ams)
		c, c2 := place(i, t.c0, t.c1, t.cms), place(j, t.c0, t.c1, t.cms)
		var r, r2 unsafe.Pointer
		if t.r0 != nil {
			r, r2 = place(i, t.r0, t.r1, t.cms), place(j, t.r0, t.r1, t.cms)
		}
		for p := range uintptr(panels) {
			var sums [2][Block]float32
			for q := uintptr(0); q < Block; q += 4 {
				t.quarter(a, a2, unsafe.Add(t.b, p*t.bps+q*4), (*[4]float32)(sums[0][q:]), (*[4]float32)(sums[1][q:]))
			}
			to := p * t.cps
			var bias unsafe.Pointer
			if t.bias != nil {
				bias = unsafe.Add(t.bias, p*Block*4)
			}
			t.store(&sums[0], bias, r, c, to)
			if j > i {
				t.store(&sums[1], bias, r2, c2, to)
			}
		}
	}
}

// quarter writes the sums of two rows and four columns: as many as Go keeps in registers.
func (t *tile) quarter(a, a2, b unsafe.Pointer, sum, sum2 *[4]float32) {
	var s0, s1, s2, s3, u0, u1, u2, u3 float32
	for _, off := range unsafe.Slice(t.offs, t.nb) {
		x, y := off[0], off[1] // not pointers, as those must never point beyond the arrays
		for range t.kb {
			v, v2, w := *(*float32)(unsafe.Add(a, x)), *(*float32)(unsafe.Add(a2, x)), (*[4]float32)(unsafe.Add(b, y))
			s0 += v * w[0]
			u0 += v2 * w[0]
			s1 += v * w[1]
			u1 += v2 * w[1]
			s2 += v * w[2]
			u2 += v2 * w[2]
			s3 += v * w[3]
			u3 += v2 * w[3]
			x, y = x+int(t.aks), y+int(t.bks)
		}
	}
	*sum, *sum2 = [4]float32{s0, s1, s2, s3}, [4]float32{u0, u1, u2, u3}
}

// store finishes a row's sums and writes them to c.
func (t *tile) store(sums *[Block]float32, bias, r, c unsafe.Pointer, to uintptr) {
	if bias != nil {
		for j, v := range (*[Block]float32)(bias) {
			sums[j] += v
		}
	}
	if r != nil {
		for j, v := range (*[Block]float32)(unsafe.Add(r, to)) {
			sums[j] += v
		}
	}
	if t.relu != 0 {
		for j, v := range sums {
			if v < 0 {
				sums[j] = 0
			}
		}
	}
	*(*[Block]float32)(unsafe.Add(c, to)) = *sums
}

// tileRows is the most rows of a tile by family and number of panels: what fits in the registers
// beside a step's vectors of B and a broadcast of A. The portable kernel walks AVX-512's tiles.
var tileRows = [...][5]int{
	Portable: {1: 20, 2: 14, 3: 8, 4: 6},
	AVX2:     {1: 6},
	AVX512:   {1: 20, 2: 14, 3: 8, 4: 6},
}

// maxRows returns the most rows that a tile of the given number of panels (1 to 4) may have in the
// current family; 0 if the family has no such tiles (AVX2 has those of one panel only).
func maxRows(panels int) int { return tileRows[family][panels] }
