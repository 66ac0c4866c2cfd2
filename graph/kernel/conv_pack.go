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
	clear(dst)
	for lane := range min(Block, c.fout-p*Block) {
		o := p*Block + lane
		q := o / f.outLen // of the groups merged into g
		from := r.w[(g*f.merged+q)*f.group+o%f.outLen*f.output:]
		for ch := range f.inpLen {
			in := q*f.inpLen + ch
			if c.plain {
				for t, at := range f.tap {
					dst[(in*c.kh*c.kw+t)*Block+lane] = from[ch*f.input+at]
				}
				continue
			}
			to := dst[(in/c.kb*len(f.tap)*c.kb+in%c.kb)*Block+lane:]
			for t, at := range f.tap {
				to[t*c.kb*Block] = from[ch*f.input+at]
			}
		}
	}
}
