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
	parts := ceil(g.nb*g.kb, winogradRows)
	if g.flipped {
		p.Run(g.groups*ceil(g.panels/g.groups, winogradWide)*parts, r)
	} else {
		p.Run(g.panels*parts, r)
	}
	*r = winogradPack{}
}

// Task transforms the filters of some rows of a panel, or of a few panels.
func (r *winogradPack) Task(task, _ int) {
	g := r.g
	steps := g.nb * g.kb
	parts := ceil(steps, winogradRows)
	panel, panels := task/parts, 1
	if g.flipped {
		perGroup := g.panels / g.groups
		tasks := ceil(perGroup, winogradWide)
		first := panel % tasks * winogradWide
		panel, panels = panel/tasks*perGroup+first, min(winogradWide, perGroup-first)
	}
	k0 := task % parts * winogradRows
	g.transform(r.w, panel, panels, k0, min(k0+winogradRows, steps), r.u[(panel*steps+k0)*Block:], g.uPitch, steps)
}

// transform transforms the filters of rows k0 to k1, which are at most winogradRows, of a few neighbouring
// panels of a group, at most winogradWide: to u, with pitch floats from one of the 36 matrices to the next
// and room for steps rows in a panel.
func (g *winograd) transform(w []float32, panel, panels, k0, k1 int, u []float32, pitch, steps int) {
	inputs, outputs, perGroup := g.c/g.groups, g.f/g.groups, g.panels/g.groups
	group, o := panel/perGroup, panel%perGroup*Block
	count := min(k1, inputs) - k0 // zeros beyond
	var temp [winogradWide][winogradRows * 9 * Block]float32
	if g.flipped { // rows are the convolution's filters, panels its channels
		for k := range count {
			row := w[((group*inputs+k0+k)*outputs+o)*9:]
			for p := range panels {
				packColumns(temp[p][k*9*Block:], 8*Block, -Block, row[p*9*Block:], 9, min(Block, outputs-o-p*Block), 9)
			}
		}
	} else {
		for p := range panels {
			lane := o + p*Block
			packTransposed(temp[p][:], w[((group*outputs+lane)*inputs+k0)*9:], inputs*9, min(Block, outputs-lane), count*9)
		}
	}
	for p := range panels {
		clear(temp[p][count*9*Block:])
		winogradFilter(k1-k0, &temp[p][0], &u[p*steps*Block], pitch*4)
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
		fetch(w[b.from+r*b.ld:][:b.floats])
	}
}
