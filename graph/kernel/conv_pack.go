package kernel

// A packRun brings plain filters into the form that a corr reads: panels of sixteen outputs, each a
// vector for every step of k in the order of the plan's blocks, with zeros where a group has no
// channel or output.
type packRun struct {
	c         *corr
	w, packed []float32
}

func (r *packRun) run(p *Pool, c *corr, w, packed []float32) {
	if c.packedLen() == 0 {
		return
	}
	r.c, r.w, r.packed = c, w, packed
	p.Run(c.groups*c.panels, r)
	r.w, r.packed = nil, nil
}

// Task packs one panel.
func (r *packRun) Task(panel, _ int) {
	c := r.c
	f := &c.filter
	g, p := panel/c.panels, panel%c.panels
	steps := c.nb * c.kb
	dst := r.packed[panel*steps*Block:][:steps*Block]
	lanes := min(Block, c.fout-p*Block)
	full := c.cin * c.kh * c.kw
	if f.merged > 1 {
		clear(dst)
		r.merged(dst, g, p)
		return
	}
	if steps > full { // there are blocks with lanes that no channel fills
		clear(dst)
	}
	w := r.w[g*f.group+p*Block*f.output:]
	switch {
	case f.backward:
		packBackward(c, dst, w, lanes)
	case c.plain:
		packTransposed(dst, w, f.output, lanes, full)
	default:
		packForward(c, dst, w, lanes)
	}
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
		packTransposed(temp[:], w[c0*taps:], c.filter.output, lanes, (c1-c0)*taps)
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

// packBackward packs filters whose outputs and taps lie in a row.
func packBackward(c *corr, dst, w []float32, lanes int) {
	f := &c.filter
	taps := f.output
	var temp [packTemp * Block]float32
	if taps > packTemp {
		packOneByOne(c, dst, w, lanes)
		return
	}
	for in := range c.cin {
		from := w[in*f.input:]
		if taps == 1 {
			packRows(dst[c.at(in, 0):], from, lanes, lanes, 1)
			continue
		}
		packTransposed(temp[:], from, taps, lanes, taps)
		for t := 0; t < len(f.tap); t += c.kw {
			to := c.at(in, t)
			for _, tap := range f.tap[t : t+c.kw] {
				*(*[Block]float32)(dst[to:]) = [Block]float32(temp[tap*Block:])
				to += c.kb * Block
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
func (r *packRun) merged(dst []float32, g, p int) {
	c := r.c
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
