// Package kernel is float32 arithmetic on slices: matrix products, convolutions, pooling,
// normalisation and optimiser updates for convolutional networks, on one machine's processor.
//
// # Guarantees
//
// The same inputs give the same bits for any number of threads: work and reductions are split by
// the shape of the work, never by the number of threads. Different kernel families (AVX-512, AVX2,
// portable Go) may differ in the last bits, because they sum in another order or fuse the multiply
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
package kernel

// Block is the number of channels that lie side by side in the blocked layout.
const Block = 16

// Blocks returns ⌈channels/16⌉.
func Blocks(channels int) int { return (channels + Block - 1) / Block }

// An Act is a batch of feature maps in the blocked layout.
type Act struct {
	Data       []float32
	N, C, H, W int
	Stride     int // distance between two images, in floats; at least Blocks(C)*H*W*Block
}

// NewAct wraps data, a dense blocked batch.
func NewAct(data []float32, n, c, h, w int) Act {
	return Act{Data: data, N: n, C: c, H: h, W: w, Stride: Blocks(c) * h * w * Block}
}

// BlockedLen returns the number of floats of a dense blocked batch.
func BlockedLen(n, c, h, w int) int { return n * Blocks(c) * h * w * Block }
