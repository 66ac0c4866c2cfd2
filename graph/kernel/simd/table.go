package simd

import "unsafe"

// A Table is the inner loops of one family. What each computes is written down as its generic twin. Distances in the
// arguments of unexported loops are in bytes; structs come as pointers to their first byte, since that is what
// the assembler's prototypes know.
type Table struct {
	// Elementwise loops on up to four operands: files vec*.go.
	ReLU, ReLUGrad, Add, AddReLU, Scale, Axpy, Fill Elementwise
	Tanh, TanhGrad                                  Elementwise
	SGD, SGDMomentum, SGDNesterov, Adam, EMA        Elementwise
	Dropout                                         Numbered
	Activate, ActivateGrad                          [ActivationKinds]Elementwise // by kind; scalars are Amp and Slope

	// Loops on a run of numbers.
	SumSquares func(x *float32, n int) float64
	RowMax     func(x *float32, n int) float32
	RowExp     func(x, y *float32, n int, shift float32) float32
	MulTo      func(y *float32, n int, alpha float32)
	addTo      func(n int, x, y *float32)
	fetch      func(n int, x *float32) // n cache lines
	stream     func(n int, x, y *float32)
	pastCaches bool // stream goes past the caches

	// Between the layouts.
	ToBlocked, FromBlocked Transposer
	CopyLanes, AddLanes    LaneCopier

	// Matrix products: by panels and by rows; an index is the number, so that the first is nil.
	tile            [5][]func(t *byte)
	lanes, permuted []func(t *byte)                                              // by rows: of vectors, and of permuted ones
	copyPanels      [5]func(n int, src *float32, ld int, dst *float32, step int) // by panels: 1 and 4
	gather          func(n int, src *float32, ld int, dst *float32, step int)    // n ≥ 4
	scatter         func(n int, src, dst *float32, ld int)                       // n ≥ 4
	dot             []dotRow                                                     // by images
	halfDot         []halfDotRow                                                 // the same, of 16-bit weights
	narrow          func(n int, x *float32, scale float32, y *uint16)            // n a multiple of a block
	mix             []mixLoop                                                    // by images
	vector          int                                                          // bytes of a step of dot and mix
	boxes           [6][]boxLoop                                                 // by columns, and by rows less one; no columns are half of one
	places          func(rows, pixels int, chosen *uint8, first *int32, route *byte, at *int32)
	spreadHalves    func(pixels int, x, y *float32)
	gatherHalves    func(pixels int, x, y *float32)
	winograd        [3]transforms // by form
	winogradOutGrad func(n int, dy *float32, row int, w *float32, pitch int)
	winogradSumGrad func(n int, u *float32, pitch int, g *float32)

	// Pooling.
	maxArg, maxOnly, unpool, sumWindows, routed, spread func(s *byte)

	// Normalisation, by clip.
	sumPixels     func(x *float32, n int, sum *float32)
	sumMoments    func(x *float32, n int, shift, d, q *float32)
	normalise     [3]func(x, y *float32, n int, a *byte)
	normaliseAdd  [3]func(x, r, y *float32, n int, a *byte)
	sumGrads      [3]func(x, dy *float32, n int, a *byte, d, q *float32)
	normaliseGrad [3]func(x, dy, dx *float32, n int, a *byte)
	sumLanes      func(x *float32, n int, sums *float32)

	// Layer normalisation.
	layerMoments   func(x *float32, n int, mean, sums, squares *float32)
	layerNormalise func(x, y *float32, n int, mean, invstd, gamma, beta *float32)
	layerSums      func(x, dy *float32, n int, mean, invstd, gamma, g, gx, dgamma, dbeta *float32)
	layerGrad      func(x, dy, dx *float32, n int, mean, invstd, gamma, meanG, meanGX *float32)

	lrn5      func(prev, cur, next *float32, n int, k, alpha float32, y *float32)
	lrn5Terms func(prev, cur, next *float32, n int, k, alpha float32, dy, s, q *float32)
	lrn5Grad  func(prev, cur, next *float32, n int, factor float32, x, s, dx *float32)
}

// active is the table in use.
var active = tables[family]

// Loops returns the table in use. No loop keeps a pointer.
func Loops() *Table { return active }

// hide lets a loop of a table take p without p's escaping to the heap: the compiler does not know which
// function it is, but none keeps what it is given.
func hide[T any](p *T) *T {
	x := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&x))
}

// bytesOf is hide for a struct that a loop knows the fields of.
func bytesOf[T any](p *T) *byte { return (*byte)(unsafe.Pointer(hide(p))) }
