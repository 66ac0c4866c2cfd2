package graph

import (
	"unsafe"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// A value is what a node holds while a session runs: a slice, its shape and its layout.
type value struct {
	name    string // of an input or parameter
	shape   []int
	blocked bool // N×⌈C/16⌉×H×W×16; otherwise row-major
	data    []float32
	bits    bool // holds no numbers, but bytes or bits of another kind

	// A value that is no tensor of float32 is held as Gorgonia has it, outside of the session's memory.
	boxed bool
	box   gorgonia.Value
	load  func() (gorgonia.Value, error) // of a leaf: asked before each run

	// Where the memory comes from: nil for a part of the session's planned memory, otherwise asked
	// before each run.
	source func() []float32
	bound  []float32 // of an input
	fault  error     // why the source gives nothing
	aside  []float32 // what the source gives, where that lies in the session's own memory
	fixed  bool      // follows from parameters and constants alone

	// A view lies inside its root: from offset on, images stride floats apart.
	root           *value
	offset, stride int

	twin  *value // the same content in the other layout
	reuse *value // whose memory this value may take if it is dead by then

	first, last int // the steps between which the memory is in use
	keep        bool
	base        int // offset in the planned memory
}

func (v *value) storage() *value {
	for v.root != nil {
		v = v.root
	}
	return v
}

// size is the number of floats from the first to the last, gaps between images included.
func (v *value) size() int {
	if v.blocked {
		image := kernel.Blocks(v.shape[1]) * v.shape[2] * v.shape[3] * kernel.Block
		return (v.shape[0]-1)*v.stride + image
	}
	return product(v.shape)
}

// dense reports whether there are no gaps between images.
func (v *value) dense() bool {
	return !v.blocked || v.shape[0] == 1 || v.size() == v.shape[0]*v.stride
}

// act is the value as a blocked batch.
func (v *value) act() kernel.Act {
	return kernel.Act{Data: v.data, N: v.shape[0], C: v.shape[1], H: v.shape[2], W: v.shape[3], Stride: v.stride}
}

// image is the part of the value that belongs to image n of a batch.
func (v *value) image(n int) []float32 {
	if !v.blocked {
		size := len(v.data) / v.shape[0]
		return v.data[n*size : (n+1)*size]
	}
	size := v.size() - (v.shape[0]-1)*v.stride
	return v.data[n*v.stride : n*v.stride+size]
}

// bytes is the memory of a plain value seen as bytes.
func (v *value) bytes() []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(v.data))), 4*len(v.data))
}

// choicesOf is what max pooling to the given shape has left in v.
func (v *value) choicesOf(shape []int) []uint8 {
	return v.bytes()[:kernel.BlockedLen(shape[0], shape[1], shape[2], shape[3])]
}

// elementwise calls f on slices of equal length that together cover the values, which have the same
// shape and layout.
func elementwise(x, y, z *value, f func(x, y, z []float32)) {
	if x.dense() && y.dense() && z.dense() {
		f(x.data, y.data, z.data)
		return
	}
	for n := range x.shape[0] {
		f(x.image(n), y.image(n), z.image(n))
	}
}
