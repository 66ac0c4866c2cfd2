package kernel

const (
	winogradRows = 16 // rows of a panel, input channels, that a packing task takes
	winogradWide = 4  // panels of a task that packs for the data gradient: what lies side by side
)

// A winogradPack transforms filters.
type winogradPack struct {
	g    *winograd
	w, u []float32
}

func (r *winogradPack) run(p *Pool, g *winograd, w, u []float32) {
	r.g, r.w, r.u = g, w, u
	parts := (g.nb*g.kb + winogradRows - 1) / winogradRows
	if g.flipped {
		perGroup := (g.panels/g.groups + winogradWide - 1) / winogradWide
		p.Run(g.groups*perGroup*parts, r)
	} else {
		p.Run(g.panels*parts, r)
	}
	*r = winogradPack{}
}

// Task transforms the filters of some rows of a panel, or of a few panels.
func (r *winogradPack) Task(task, _ int) {
	g := r.g
	steps := g.nb * g.kb
	parts := (steps + winogradRows - 1) / winogradRows
	k0 := task % parts * winogradRows
	k1 := min(k0+winogradRows, steps)
	if g.flipped {
		r.backward(task/parts, k0, k1)
	} else {
		r.forward(task/parts, k0, k1)
	}
}

// forward transforms the filters of rows k0 to k1 of a panel.
func (r *winogradPack) forward(panel, k0, k1 int) {
	g := r.g
	steps, inputs, outputs, perGroup := g.nb*g.kb, g.c/g.groups, g.f/g.groups, g.panels/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	count := min(k1, inputs) - k0 // zeros beyond
	var temp [winogradRows * 9 * Block]float32
	packTransposed(temp[:], r.w[((group*outputs+o)*inputs+k0)*9:], inputs*9, min(Block, outputs-o), count*9)
	clear(temp[count*9*Block:])
	winogradFilter(k1-k0, &temp[0], &r.u[(panel*steps+k0)*Block], g.uPitch*4)
}

// backward transforms the turned filters of rows k0 to k1 of a few neighbouring panels: rows are the
// convolution's filters, panels its channels.
func (r *winogradPack) backward(task, k0, k1 int) {
	g := r.g
	steps, inputs, outputs, perGroup := g.nb*g.kb, g.c/g.groups, g.f/g.groups, g.panels/g.groups
	tasks := (perGroup + winogradWide - 1) / winogradWide
	group, first := task/tasks, task%tasks*winogradWide
	last := min(first+winogradWide, perGroup)
	count := min(k1, inputs) - k0
	var temp [winogradWide][winogradRows * 9 * Block]float32
	var taps [9 * Block]float32
	for k := range count {
		for p := first; p < last; p++ {
			w := r.w[((group*inputs+k0+k)*outputs+p*Block)*9:]
			lanes := min(Block, outputs-p*Block)
			packTransposed(taps[:], w, 9, lanes, 8)
			packTransposed(taps[Block:], w[1:], 9, lanes, 8)
			to := temp[p-first][k*9*Block:][:9*Block]
			for t := range 9 {
				*(*[Block]float32)(to[(8-t)*Block:]) = [Block]float32(taps[t*Block:])
			}
		}
	}
	for p := first; p < last; p++ {
		clear(temp[p-first][count*9*Block:])
		winogradFilter(k1-k0, &temp[p-first][0], &r.u[((group*perGroup+p)*steps+k0)*Block], g.uPitch*4)
	}
}
