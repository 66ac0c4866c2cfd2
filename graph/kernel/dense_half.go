package kernel

import (
	"math"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// HalfLen returns how many floats [Dense.PackHalf] writes: half as many as the weights, and one for each row. It is
// zero for layers that gain nothing by weights of 16 bits: those whose weights fit into the caches, and batches for
// which the time is not that of reading them.
func (d *Dense) HalfLen() int {
	if d.forward != nil || d.in*d.out < denseLarge {
		return 0
	}
	return d.out + d.out*d.halfRow()/2
}

// halfRow is the length of a row of 16-bit weights: whole blocks.
func (d *Dense) halfRow() int { return ceil(d.in, Block) * Block }

// PackHalf writes w to packed as 16-bit floats, each row times the power of two that makes its largest weight at
// least 2¹⁴ and less than 2¹⁵, so that none is too large and those down to 2⁻²⁹ of the largest keep eleven bits. Before them come
// the factors that undo this.
func (d *Dense) PackHalf(p *Pool, w, packed []float32) {
	d.check("w", w, d.out, d.in)
	d.denseCall = denseCall{phase: denseNarrow, w: w, factors: packed[:d.out], half: d.halves(packed)}
	p.Run(ceil(d.out, denseOuts), d)
	d.denseCall = denseCall{}
}

// halves are the weights that PackHalf wrote.
func (d *Dense) halves(packed []float32) []uint16 {
	rest := packed[d.out:d.HalfLen()]
	return unsafe.Slice((*uint16)(unsafe.Pointer(&rest[0])), 2*len(rest))
}

// narrowTask narrows some rows.
func (d *Dense) narrowTask(task int) {
	for row := task * denseOuts; row < min((task+1)*denseOuts, d.out); row++ {
		w := d.w[row*d.in:][:d.in]
		var largest float32
		for _, v := range w {
			if v = max(v, -v); v > largest && v <= math.MaxFloat32 {
				largest = v
			}
		}
		_, exponent := math.Frexp(float64(largest))
		exponent = min(15-exponent, 126) // factors and what undoes them are numbers
		d.factors[row] = float32(math.Ldexp(1, -exponent))
		simd.Narrow(w, float32(math.Ldexp(1, exponent)), d.half[row*d.halfRow():])
	}
}

// ForwardHalf is [Dense.Forward] with the weights that [Dense.PackHalf] wrote.
func (d *Dense) ForwardHalf(p *Pool, x, packed, bias, y []float32, act Activation, scratch []float32) {
	d.denseCall = denseCall{factors: packed[:d.out], half: d.halves(packed)}
	d.activated(p, x, bias, y, act, scratch)
}
