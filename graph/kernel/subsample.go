package kernel

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// subsample moves channels and pixels between a large map with few channels and a small one with many.
type subsample struct {
	large, small Act
	stride       int
	offset       int
	back         bool
	cut          cut // into rows of the map that is written
}

var subsamples kept[subsample]

// Subsample gives y every stride-th pixel of x, from the first, as channels channelOffset and on, and zeros in
// all other channels: the parameter-free shortcut of residual networks (He et al., arXiv:1512.03385, section 3.3,
// option A). y is N×C'×⌈H/stride⌉×⌈W/stride⌉ with C' ≥ channelOffset + C.
func Subsample(p *Pool, x Act, stride int, y Act, channelOffset int) {
	runSubsample(p, "Subsample", subsample{large: x, small: y, stride: stride, offset: channelOffset})
}

// SubsampleGrad writes all of dx, the gradient of [Subsample]'s input, from dy, that of its output.
func SubsampleGrad(p *Pool, dy Act, stride int, dx Act, channelOffset int) {
	runSubsample(p, "SubsampleGrad", subsample{large: dx, small: dy, stride: stride, offset: channelOffset, back: true})
}

func runSubsample(p *Pool, op string, t subsample) {
	l, s := &t.large, &t.small
	if t.stride < 1 || t.offset < 0 || t.offset+l.C > s.C {
		panic(fmt.Sprintf("kernel: %s: stride %d must be positive and channels %d+%d fit into %d", op, t.stride, t.offset, l.C, s.C))
	}
	wantAct(op, "the map with all pixels", l, l.N, l.C, l.H, l.W)
	wantAct(op, "the map with every stride-th", s, l.N, s.C, (l.H+t.stride-1)/t.stride, (l.W+t.stride-1)/t.stride)
	written := s
	if t.back {
		written = l
	}
	t.cut = cutUnits(written.N*Blocks(written.C)*written.H, 3*written.W*simd.PixelBytes)
	runKept(p, &subsamples, t.cut.tasks(), t)
}

func (t *subsample) Task(task, _ int) {
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		if t.back {
			dx := &t.large
			plane, row := u/dx.H, u%dx.H
			out := dx.Plane(plane)[row*dx.W*Block:][:dx.W*Block]
			clear(out)
			if row%t.stride == 0 {
				t.fill(out, t.stride, &t.small, plane/Blocks(dx.C), plane%Blocks(dx.C)*Block+t.offset, row/t.stride, 1,
					min(Block, dx.C-plane%Blocks(dx.C)*Block))
			}
			continue
		}
		y := &t.small
		plane, row := u/y.H, u%y.H
		out := y.Plane(plane)[row*y.W*Block:][:y.W*Block]
		clear(out)
		t.fill(out, 1, &t.large, plane/Blocks(y.C), plane%Blocks(y.C)*Block-t.offset, row*t.stride, t.stride, Block)
	}
}

// fill writes lanes of pixels of a row, outStep apart, with channels c, c+1, … of pixels of a row of an
// image of in, inStep apart. Channels that in doesn't have leave the lanes as they are.
func (t *subsample) fill(out []float32, outStep int, in *Act, image, c, row, inStep, lanes int) {
	// The lanes come from two blocks; c may be negative.
	block, shift := c>>4, c&(Block-1)
	for half, b := range [2]int{block, block + 1} {
		first, skip, n := 0, shift, min(lanes, Block-shift)
		if half == 1 {
			first, skip, n = Block-shift, 0, lanes-(Block-shift)
		}
		if b < 0 || b >= Blocks(in.C) || n <= 0 {
			continue
		}
		from := in.Plane(image*Blocks(in.C) + b)[row*in.W*Block:][:in.W*Block]
		for i := range t.small.W {
			copy(out[i*outStep*Block+first:][:n], from[i*inStep*Block+skip:])
		}
	}
}
