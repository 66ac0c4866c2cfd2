package simd

import "fmt"

// Block is the number of channels that lie side by side in the blocked layout.
const Block = 16

// PixelBytes is the size of a pixel of a block of channels.
const PixelBytes = 4 * Block

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

// Plane returns the i-th plane of the batch, one block of channels of one image: H·W pixels of 16 lanes.
func (a *Act) Plane(i int) []float32 {
	blocks, size := Blocks(a.C), a.H*a.W*Block
	from := i/blocks*a.Stride + i%blocks*size
	return a.Data[from : from+size : from+size]
}

// Validate returns an error unless the batch's data holds what its dimensions say.
func (a Act) Validate() error {
	image := Blocks(a.C) * a.H * a.W * Block
	if a.N < 0 || a.C < 0 || a.H < 0 || a.W < 0 || a.Stride < image && a.N > 1 {
		return fmt.Errorf("blocked batch %d×%d×%d×%d with stride %d", a.N, a.C, a.H, a.W, a.Stride)
	}
	if a.N > 0 && len(a.Data) < (a.N-1)*a.Stride+image {
		return fmt.Errorf("blocked batch %d×%d×%d×%d with stride %d has %d floats, want %d",
			a.N, a.C, a.H, a.W, a.Stride, len(a.Data), (a.N-1)*a.Stride+image)
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }
