package simd

import "unsafe"

// A Tile is one call of the micro-kernel, the single inner loop under every matrix product and
// convolution of this package. It computes, for m < M rows and N columns (N = 16·panels),
//
//	C[m][n] = act( init[n] + R[m][n] + Σ_b Σ_k A[m][b,k] · B[b,k][n] )
//
// with all sums in registers. The addresses are what makes it serve so many masters:
//
//   - The rows of A come in two runs, each evenly spaced by AMS: the first ⌈M/2⌉ rows start at A0,
//     the others at A1. (Two image rows of seven pixels make one tile of fourteen.)
//   - k steps through KB neighbouring values of a block, AKS bytes apart in A and BKS bytes apart in
//     B; blocks are listed in Offs as pairs of byte offsets (into A, into B). For a convolution a
//     block is sixteen channels of one filter tap; for a filter gradient, one row of pixels.
//   - Columns 16p..16p+15 are the vector at B + p·BPS, and go to C + p·CPS.
//   - Rows of C (and R) follow those of A: the first ⌈M/2⌉ at C0 + m·CMS, the others at C1.
//
// All strides and offsets are in bytes. Every pointer must stay valid for the whole call.
type Tile struct {
	A0, A1   unsafe.Pointer
	AMS, AKS uintptr
	Offs     *[2]int // NB pairs
	NB, KB   int
	B        unsafe.Pointer
	BKS, BPS uintptr
	C0, C1   unsafe.Pointer
	CMS, CPS uintptr
	R0, R1   unsafe.Pointer // added to the result, with the strides of C; nil for none; may equal C0, C1
	Bias     unsafe.Pointer // 16·panels floats, nil for zero
	Clip     uintptr        // one of the constants below

	// A's next tile, which no processor guesses where blocks are far apart: every step of a block asks
	// for one cache line, the first one Ahead bytes behind the block's first row, then step by step.
	Ahead, AheadStep uintptr

	// The next panels of B, which come from memory to the second-level cache while the tiles of these are
	// computed: every step asks for a line, the first one Next bytes behind B, then NextStep bytes further.
	Next, NextStep uintptr

	// Of lanes that are permuted: sixteen indices for the first step of a block, and the bytes to those of the next.
	Permute     *[Block]int32
	PermuteStep uintptr

	// The assembly reads no further.
	part, parts int // which of the calls that ask for the same of the next panels comes now
}

// What is done to a tile's results at last. NaN stays NaN.
const (
	Unclipped uintptr = iota
	ClipBelow0
	ClipBelow0Above6
)

// FetchNext lets the coming calls of the given number, all for the same panels of B, ask for as many that lie
// next bytes behind them. After each call comes Fetched.
func (t *Tile) FetchNext(calls, panels, next int) {
	t.part, t.parts = 0, max(1, calls/panels)
	t.Next, t.NextStep = uintptr(next), uintptr(ceil(Block*4, t.parts))
}

// Fetched goes on to what the next call asks for, after one of the given steps.
func (t *Tile) Fetched(steps int) {
	part := uintptr(steps) * t.NextStep
	t.part++
	t.Next += part
	if t.part == t.parts {
		t.part = 0
		t.Next += t.BPS - uintptr(t.parts)*part
	}
}

// Run runs the micro-kernel on m ≤ MaxRows(panels) rows, m ≥ 1.
func (t *Tile) Run(m, panels int) { active.tile[panels][m](bytesOf(t)) }

// RunLanes is Run for one panel, with the sixteen floats that lie where a row of A points instead of one for all lanes:
//
//	C[m][n] = act( init[n] + R[m][n] + Σ_b Σ_k A[m][b,k][n] · B[b,k][n] )
//
// for m ≤ MaxLaneRows(false) rows. With Permute, whose MaxLaneRows(true) are fewer, lane n takes number Permute[n] of the
// sixteen: indices do not leave their half, and those of the second half are those of the first plus eight.
func (t *Tile) RunLanes(m int) {
	if t.Permute != nil {
		active.permuted[m](bytesOf(t))
	} else {
		active.lanes[m](bytesOf(t))
	}
}

// MaxLaneRows returns the most rows of [Tile.RunLanes].
func MaxLaneRows(permuted bool) int {
	if permuted {
		return len(active.permuted) - 1
	}
	return len(active.lanes) - 1
}

// MaxRows returns the most rows that a tile of the given number of panels (1 to 4) may have in the current
// family: what fits in the registers beside a step's vectors of B and a broadcast of A. It is 0 if the family has no
// such tiles (AVX2 and NEON have those of one panel only).
func MaxRows(panels int) int { return max(0, len(active.tile[panels])-1) }

// MostPanels returns the panels of the widest tile.
func MostPanels() int {
	for panels := len(active.tile) - 1; ; panels-- {
		if MaxRows(panels) > 0 {
			return panels
		}
	}
}
