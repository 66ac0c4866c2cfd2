package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// winogradRows is how many rows of a panel, input channels, go together.
const winogradRows = 16

// A winogradPack transforms filters.
type winogradPack struct {
	g    *winograd
	w, u []float32
}

func (r *winogradPack) run(p *Pool, g *winograd, w, u []float32) {
	r.g, r.w, r.u = g, w, u
	p.Run(g.panels*ceil(g.nb*g.kb, winogradRows), r)
	*r = winogradPack{}
}

// Task transforms the filters of some rows of a panel.
func (r *winogradPack) Task(task, _ int) {
	g := r.g
	steps := g.nb * g.kb
	parts := ceil(steps, winogradRows)
	panel, k0 := task/parts, task%parts*winogradRows
	g.transform(r.w, panel, 1, k0, min(k0+winogradRows, steps), r.u[(panel*steps+k0)*Block:], g.uPitch, steps)
}

// transform transforms the filters of rows k0 to k1, which are at most winogradRows, of neighbouring panels
// of a group: to u, with pitch floats from one of the matrices to the next and room for steps rows in a
// panel.
func (g *winograd) transform(w []float32, panel, panels, k0, k1 int, u []float32, pitch, steps int) {
	inputs, outputs, perGroup := g.c/g.groups, g.f/g.groups, g.panels/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	count := min(k1, inputs) - k0 // zeros beyond
	var temp [winogradRows * 9 * Block]float32
	clear(temp[count*9*Block:])
	for p := range panels {
		lane := o + p*Block
		lanes := min(Block, outputs-lane)
		if g.flipped { // rows are the convolution's filters, panels its channels
			for k := range count {
				simd.PackColumns(temp[k*9*Block:], 8*Block, -Block, w[((group*inputs+k0+k)*outputs+lane)*9:], 9, lanes, 9)
			}
		} else {
			simd.PackTransposed(temp[:], w[((group*outputs+lane)*inputs+k0)*9:], inputs*9, lanes, count*9)
		}
		simd.WinogradFilter(g.side, k1-k0, &temp[0], &u[p*steps*Block], pitch*4)
	}
}

// box returns where the filters of some panels of a group, rows k0 to k1, lie: some runs of floats, so far apart.
func (g *winograd) box(panel, panels, k0, k1 int) (b filterBox) {
	inputs, outputs, perGroup := g.c/g.groups, g.f/g.groups, g.panels/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	k1 = min(k1, inputs)
	lanes := min(panels*Block, outputs-o)
	if g.flipped {
		return filterBox{from: ((group*inputs+k0)*outputs + o) * 9, ld: outputs * 9, runs: k1 - k0, floats: lanes * 9}
	}
	return filterBox{from: ((group*outputs+o)*inputs + k0) * 9, ld: inputs * 9, runs: lanes, floats: (k1 - k0) * 9}
}

// A filterBox is a part of filters: runs of so many floats, ld floats apart.
type filterBox struct{ from, ld, runs, floats int }

// fetch asks for the i-th of n shares of the filters. No processor guesses that a run of them follows another:
// they have to be asked for while there is other work.
func (b *filterBox) fetch(w []float32, i, n int) {
	for r := i * b.runs / n; r < (i+1)*b.runs/n; r++ {
		simd.Fetch(w[b.from+r*b.ld:][:b.floats])
	}
}
