// Package kernel is float32 arithmetic on slices: matrix products, convolutions, pooling,
// normalisation and optimiser updates for convolutional networks, on one machine's processor.
//
// # Guarantees
//
// The same inputs give the same bits for any number of threads: work and reductions are split by
// the shape of the work, never by the number of threads. Different kernel families (AVX-512, AVX2,
// NEON, generic Go) may differ in the last bits, because they sum in another order or fuse the multiply
// with the add.
//
// Nothing is allocated in the steady state: what needs scratch space says how much and takes it
// as a slice.
//
// # Layouts
//
// A plain batch of feature maps is N×C×H×W, row-major. A blocked batch is N×⌈C/16⌉×H×W×16: sixteen
// neighbouring channels of one pixel lie side by side, one vector register of an AVX-512 processor.
// Lanes beyond C are zero in every blocked batch that a kernel returns, and kernels rely on that in
// their inputs. A blocked batch may lie inside a larger one (as the inputs of a concatenation do):
// [Act] carries the distance between two images.
//
// # Rooms
//
// This package is the calls, and the cutting of their work into tasks. Package conv, below it, is the algorithms of
// convolution behind one plan, which know no processor. Package simd, below both, is the inner loops, one table
// of functions a family of processors, which know no convolution, and the threads.
//
// # Adding one
//
// A kernel is a function on a [Pool] and slices, in a file of its own. It checks that its operands fit each other and
// panics if they do not, cuts its work into tasks by the shape alone, and runs a loop of package simd on each. An
// elementwise kernel is a few lines in the manner of [ReLU]: take a vecTask, set its operands and scalars, and
// run it with a loop of simd or a function of one's own. Tests hold it against a straight loop in float64 on every
// family and any number of threads, and see that it allocates nothing.
//
// An algorithm of convolution belongs to package conv, an inner loop or a family of processors to package simd: their
// comments say how.
package kernel

import (
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/conv"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// What the rooms below define is used by its names here.
type (
	Act       = simd.Act
	Pool      = simd.Pool
	Tasker    = simd.Tasker
	TaskPanic = simd.TaskPanic
	Family    = simd.Family

	Conv       = conv.Plan
	ConvShape  = conv.Shape
	Input      = conv.Input
	PooledGrad = conv.PooledGrad
	Expanded   = conv.Expanded
	ConvLayer  = conv.Layer
	Window     = conv.Window
	Normed     = conv.Normed
	Moments    = simd.Moments
	GradSums   = simd.GradSums
)

// Block is the number of channels that lie side by side in the blocked layout.
const Block = simd.Block

// The families, slowest first.
const (
	Generic = simd.Generic // Go, anywhere
	AVX2    = simd.AVX2    // x86-64 with AVX2, FMA and BMI2
	AVX512  = simd.AVX512  // x86-64 with AVX-512 F, BW, DQ and VL
	NEON    = simd.NEON    // arm64
)

// MaxWindow is the most pixels that a window of [MaxPool] may have: its index is kept in a byte.
const MaxWindow = conv.MaxWindow

// Blocks returns ⌈channels/16⌉.
func Blocks(channels int) int { return simd.Blocks(channels) }

// NewAct wraps data, a dense blocked batch.
func NewAct(data []float32, n, c, h, w int) Act { return simd.NewAct(data, n, c, h, w) }

// BlockedLen returns the number of floats of a dense blocked batch.
func BlockedLen(n, c, h, w int) int { return simd.BlockedLen(n, c, h, w) }

// NewPool starts a pool of threads (one of them the caller's), at most 1024; 0 means one for each core.
func NewPool(threads int) *Pool { return simd.NewPool(threads) }

// NewConv plans a convolution. With plainInput, Forward and FilterGrad read plain N×C×H×W images
// (the first layer of a network; there is no gradient for images). In training, filters change from call
// to call: the plan may not want them packed.
func NewConv(s ConvShape, plainInput, training bool) (*Conv, error) {
	return conv.New(s, plainInput, training)
}

// NewPooledGrad plans the gradients of a convolution that a max pooling follows, nil if the full sums
// are faster or needed.
func NewPooledGrad(s ConvShape, plainInput bool, w Window) *PooledGrad {
	return conv.NewPooledGrad(s, plainInput, w)
}

// NewExpanded joins the plans of a 1×1 and a depthwise convolution that alone reads it. It returns nil if they are not of
// the form, or faster one after the other.
func NewExpanded(pointwise, depthwise *Conv) *Expanded {
	return conv.NewExpanded(pointwise, depthwise)
}

// Families returns the families that this processor (and this build) has, slowest first.
func Families() []Family { return simd.Families() }

// ParseFamily returns the family of the given name, if this processor has it.
func ParseFamily(name string) (Family, error) { return simd.ParseFamily(name) }

// CurrentFamily returns the family in use: the fastest, unless the environment variable ZOO_KERNEL
// (generic, avx2, avx512 or neon) or [SetFamily] chose another.
func CurrentFamily() Family { return simd.CurrentFamily() }

// FamilyError returns what was wrong with ZOO_KERNEL, which was then left unheeded; nil if nothing.
func FamilyError() error { return simd.FamilyError() }

// SetFamily chooses the family for all kernels that start after it. It must not be called while a
// kernel runs, and plans made before it must not be used after it.
func SetFamily(f Family) error { return simd.SetFamily(f) }

// StreamFrom sets the size, in bytes, from which results go to memory past the caches, as the outermost one will not keep
// them, and returns what it was: 16 MB unless set. Beside them convolutions then take the sums that batch normalisation
// wants. It must not be called while a kernel runs, and plans made before it must not be used after it.
func StreamFrom(bytes int) (before int) { return simd.StreamFrom(bytes) }
