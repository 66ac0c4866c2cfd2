package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

const (
	winogradRows = 16               // how many rows of a panel, input channels, go together
	winogradTaps = winogradRows * 9 // and their taps
)

// rows returns how many rows of a panel go together, so that their taps are no more than those of 3×3.
func (g *winograd) rows() int { return winogradTaps / (g.taps * g.taps) }

// A winogradPack transforms filters.
type winogradPack struct {
	g    *winograd
	w, u []float32
}

func (r *winogradPack) run(p *Pool, g *winograd, w, u []float32) {
	r.g, r.w, r.u = g, w, u
	p.Run(g.panels*ceil(g.nb*g.kb, g.rows()), r)
	*r = winogradPack{}
}

// Task transforms the filters of some rows of a panel.
func (r *winogradPack) Task(task, _ int) {
	g := r.g
	steps := g.nb * g.kb
	parts := ceil(steps, g.rows())
	panel, k0 := task/parts, task%parts*g.rows()
	g.transform(r.w, panel, 1, k0, min(k0+g.rows(), steps), r.u[(panel*steps+k0)*Block:], g.uPitch, steps)
}

// transform transforms the filters of rows k0 to k1, which are at most as many as go together, of neighbouring panels
// of a group: to u, with pitch floats from one of the matrices to the next and room for steps rows in a
// panel.
func (g *winograd) transform(w []float32, panel, panels, k0, k1 int, u []float32, pitch, steps int) {
	inputs, outputs, perGroup := g.c/g.groups, g.f/g.groups, g.panels/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	count := max(0, min(k1, inputs)-k0) // zeros beyond
	taps := g.taps * g.taps
	var temp [winogradTaps * Block]float32
	clear(temp[count*taps*Block:])
	for p := range panels {
		lane := o + p*Block
		lanes := min(Block, outputs-lane)
		if g.flipped { // rows are the convolution's filters, panels its channels
			for k := range count {
				simd.PackColumns(temp[k*taps*Block:], (taps-1)*Block, -Block, w[((group*inputs+k0+k)*outputs+lane)*taps:], taps, lanes, taps)
			}
		} else if count > 0 {
			simd.PackTransposed(temp[:], w[((group*outputs+lane)*inputs+k0)*taps:], inputs*taps, lanes, count*taps)
		}
		g.form.Filter(k1-k0, &temp[0], &u[p*steps*Block], pitch*4)
	}
}

// box returns where the filters of some panels of a group, rows k0 to k1, lie: some runs of floats, so far apart.
func (g *winograd) box(panel, panels, k0, k1 int) (b filterBox) {
	inputs, outputs, perGroup := g.c/g.groups, g.f/g.groups, g.panels/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	k1 = min(k1, inputs)
	lanes, taps := min(panels*Block, outputs-o), g.taps*g.taps
	if g.flipped {
		return filterBox{from: ((group*inputs+k0)*outputs + o) * taps, ld: outputs * taps, runs: k1 - k0, floats: lanes * taps}
	}
	return filterBox{from: ((group*outputs+o)*inputs + k0) * taps, ld: inputs * taps, runs: lanes, floats: (k1 - k0) * taps}
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
