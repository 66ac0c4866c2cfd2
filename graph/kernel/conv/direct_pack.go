package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// A packRun brings plain filters into the form that a corr reads: panels of sixteen outputs, each a
// vector for every step of k in the order of the plan's blocks, with zeros where a group has no
// channel or output.
type packRun struct {
	phases    []*corr // with one set of filters: their panels lie one phase after the other
	w, packed []float32
}

func (r *packRun) run(p *Pool, phases []*corr, w, packed []float32) {
	r.phases, r.w, r.packed = phases, w, packed
	p.Run(phases[0].groups*phases[0].panels, r)
	*r = packRun{}
}

// Task packs one panel.
func (r *packRun) Task(panel, _ int) {
	c := r.phases[0]
	f := &c.filter
	g, p := panel/c.panels, panel%c.panels
	lanes := min(Block, c.fout-p*Block)
	w := r.w[g*f.group+p*Block*f.output:]
	together := f.backward && f.merged == 1 && f.output <= packTemp
	for _, c := range r.phases {
		dst := r.panel(c, panel)
		full := c.cin * c.kh * c.kw
		if f.merged > 1 || len(dst)/Block > full { // there are lanes that no channel fills
			clear(dst)
		}
		switch {
		case together:
		case f.merged > 1:
			r.merged(c, dst, g, p)
		case f.backward:
			packOneByOne(c, dst, w, lanes)
		case c.plain || c.kh*c.kw == 1: // in the same order
			simd.PackTransposed(dst, w, f.output, lanes, full)
		default:
			packForward(c, dst, w, lanes)
		}
	}
	if together {
		r.backward(w, panel, lanes)
	}
}

// panel returns where a panel of c goes.
func (r *packRun) panel(c *corr, panel int) []float32 {
	steps := c.nb * c.kb
	return r.packed[c.packedAt+panel*steps*Block:][:steps*Block]
}

// at returns where the step of input channel in and tap t lies in a packed panel.
func (c *corr) at(in, t int) int {
	perRow := c.nb / c.kh // blocks of a row of taps
	return ((t/c.kw*perRow+in/c.kb*c.kw+t%c.kw)*c.kb + in%c.kb) * Block
}

// packTemp is the room, in steps, to transpose filters in before their steps go to their places.
const packTemp = 256

// packForward packs filters whose channels and taps lie in a row, w from the panel's first filter on.
func packForward(c *corr, dst, w []float32, lanes int) {
	taps := c.kh * c.kw
	var temp [packTemp * Block]float32
	if taps > packTemp {
		packOneByOne(c, dst, w, lanes)
		return
	}
	for c0 := 0; c0 < c.cin; c0 += packTemp / taps {
		c1 := min(c0+packTemp/taps, c.cin)
		simd.PackTransposed(temp[:], w[c0*taps:], c.filter.output, lanes, (c1-c0)*taps)
		for in := c0; in < c1; in++ {
			from := temp[(in-c0)*taps*Block:]
			for t := 0; t < taps; t += c.kw {
				to := c.at(in, t)
				for j := range c.kw {
					*(*[Block]float32)(dst[to:]) = [Block]float32(from[(t+j)*Block:])
					to += c.kb * Block
				}
			}
		}
	}
}

// backward packs a panel of filters whose outputs and taps lie in a row, w from the panel's first filter
// on: each once for all phases.
func (r *packRun) backward(w []float32, panel, lanes int) {
	const ahead = 8 // channels
	c := r.phases[0]
	input, taps := c.filter.input, c.filter.output
	if taps == 1 {
		simd.PackRows(r.panel(c, panel), w, input, lanes, c.cin)
		return
	}
	var temp [packTemp * Block]float32
	for in := range c.cin {
		if next := in + ahead; next < c.cin { // far away for a processor that follows neighbours
			simd.Fetch(w[next*input:][:lanes*taps])
		}
		simd.PackTransposed(temp[:], w[in*input:], taps, lanes, taps)
		for _, c := range r.phases {
			dst := r.panel(c, panel)
			for t := 0; t < len(c.filter.tap); t += c.kw {
				to := c.at(in, t)
				for _, tap := range c.filter.tap[t : t+c.kw] {
					*(*[Block]float32)(dst[to:]) = [Block]float32(temp[tap*Block:])
					to += c.kb * Block
				}
			}
		}
	}
}

// packOneByOne packs any filters, w from the panel's first on.
func packOneByOne(c *corr, dst, w []float32, lanes int) {
	f := &c.filter
	for in := range c.cin {
		for t, tap := range f.tap {
			row := dst[c.at(in, t):][:Block]
			for lane := range lanes {
				row[lane] = w[lane*f.output+in*f.input+tap]
			}
			clear(row[lanes:])
		}
	}
}

// merged packs a panel of merged groups, cleared before.
func (r *packRun) merged(c *corr, dst []float32, g, p int) {
	f := &c.filter
	for lane := range min(Block, c.fout-p*Block) {
		o := p*Block + lane
		q := o / f.outLen // of the groups merged into g
		from := r.w[(g*f.merged+q)*f.group+o%f.outLen*f.output:]
		for ch := range f.inpLen {
			in := q*f.inpLen + ch
			for t, tap := range f.tap {
				to := c.at(in, t)
				if c.plain {
					to = (in*c.kh*c.kw + t) * Block
				}
				dst[to+lane] = from[ch*f.input+tap]
			}
		}
	}
}
