package conv

import (
	"math"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// The stages of a call.
const (
	winogradFused = iota
	winogradIn
	winogradProducts // and results, of some panels
)

// A winogradRun is a call under way.
type winogradRun struct {
	g       *winograd
	x       []float32
	xs      int
	u, bias []float32
	res     []float32
	rs      int
	y       []float32
	ys      int
	bounds  [2 * Block]float32 // of the results
	v       []float32          // of stages
	rooms   []float32          // of threads
	stage   int
	strip   int // the first of a round of stages

	activating activationRun
}

func (r *winogradRun) do(p *Pool, g *winograd, bias []float32, act simd.Activation, scratch []float32) {
	r.g = g
	scratch = aligned(scratch)
	if r.bias = bias; len(bias) < g.panels*Block {
		r.bias = scratch[:g.panels*Block]
		clear(r.bias[copy(r.bias, bias):])
	}
	low, high := float32(math.Inf(-1)), float32(math.Inf(1))
	clip, clipped := act.Clip()
	if clip != simd.Unclipped {
		low = 0
	}
	if clip == simd.ClipBelow0Above6 {
		high = 6
	}
	for i := range Block {
		r.bounds[i], r.bounds[Block+i] = low, high
	}
	scratch = scratch[g.panels*Block:]
	r.rooms, scratch = scratch[:p.Threads()*g.room()], scratch[p.Threads()*g.room():]
	if !g.staged {
		if len(g.held) < p.Threads() {
			g.held = make([]winogradHeld, p.Threads())
		}
		g.calls++
		r.stage = winogradFused
		p.Run(g.strips*g.parts, r)
	} else {
		r.v = scratch[:g.round*g.products*g.vPitch]
		for r.strip = 0; r.strip < g.strips; r.strip += g.round {
			strips := min(g.round, g.strips-r.strip)
			r.stage = winogradIn
			p.Run(strips*g.blocks*g.inputParts, r)
			r.stage = winogradProducts
			if g.fresh {
				p.Run(strips*g.groups*g.across(), r)
			} else {
				p.Run(strips*g.parts, r)
			}
		}
	}
	y := Act{Data: r.y, N: g.n, C: g.f, H: g.oh, W: g.ow, Stride: r.ys}
	*r = winogradRun{}
	if !clipped {
		r.activating.do(p, act, y)
	}
}

// Task does some panels of results of a strip, or a part of a strip's stage: some tiles of a block of
// channels, some panels of results.
func (r *winogradRun) Task(task, worker int) {
	g := r.g
	room := r.rooms[worker*g.room():][:g.room()]
	temp := room[:winogradTemp]
	if r.stage == winogradFused {
		v, m := room[winogradTemp:][:g.products*g.vPitch], room[winogradTemp+g.products*g.vPitch:][:g.products*g.mPitch]
		strip, part := task/g.parts, task%g.parts
		t0, t1 := g.tilesOf(strip)
		p0, p1 := part*g.panels/g.parts, (part+1)*g.panels/g.parts
		if held := &g.held[worker]; held.call != g.calls || held.strip != strip {
			held.call, held.strip = g.calls, strip
			for b := range g.blocks {
				g.input(r.x, r.xs, b, t0, t1, v[b*g.strip*Block:], temp)
			}
		}
		r.through(v, m, strip, strip+1, p0, p1, temp)
		return
	}
	switch r.stage {
	case winogradIn:
		s, task := task/(g.blocks*g.inputParts), task%(g.blocks*g.inputParts)
		b, i := task/g.inputParts, task%g.inputParts
		t0, t1 := g.tilesOf(r.strip + s)
		from, to := i*(t1-t0)/g.inputParts, (i+1)*(t1-t0)/g.inputParts
		g.input(r.x, r.xs, b, t0+from, t0+to, r.v[s*g.products*g.vPitch+(b*g.strip+from)*Block:], temp)
	case winogradProducts:
		if g.fresh {
			m, u := room[winogradTemp:][:g.products*g.mPitch], room[winogradTemp+g.products*g.mPitch:][:g.products*g.uPitch]
			s, task := task/(g.groups*g.across()), task%(g.groups*g.across())
			t0, t1 := g.tilesOf(r.strip + s)
			r.part(r.v[s*g.products*g.vPitch:], m, u, task, t0, t1, temp)
			return
		}
		s, part := task/g.parts, task%g.parts
		p0, p1 := part*g.panels/g.parts, (part+1)*g.panels/g.parts
		r.through(r.v[s*g.products*g.vPitch:], room[winogradTemp:], r.strip+s, g.strips, p0, p1, temp)
	}
}

// through takes panels p0 to p1 of a strip from the transformed input to the results, and asks for the pixels of the
// strip next, unless that is behind the last.
func (r *winogradRun) through(v, m []float32, strip, next, p0, p1 int, temp []float32) {
	g := r.g
	t0, t1 := g.tilesOf(strip)
	t, step := g.product(t1-t0, min(p1-p0, g.panels/g.groups), g.nb*g.kb)
	for xi := range g.products {
		if next < g.strips {
			n0, n1 := g.tilesOf(next)
			g.fetch(r.x, r.xs, g.blocks, g.h, g.w, g.taps-1-g.top, n0, n1, xi)
		}
		r.multiply(&t, step, v, m, t1-t0, xi, p0, p1)
	}
	for p := p0; p < p1; p++ {
		r.output(m[(p-p0)*g.strip*Block:], p, t0, t1, temp)
	}
}

// across returns the tasks that a group's panels make in a fresh plan.
func (g *winograd) across() int { return ceil(g.panels/g.groups, g.wide) }

// panelsOf returns a task's group and panels.
func (g *winograd) panelsOf(task int) (group, p0, p1 int) {
	perGroup, across := g.panels/g.groups, g.across()
	group, i := task/across, task%across
	return group, group*perGroup + i*perGroup/across, group*perGroup + (i+1)*perGroup/across
}

// part takes the results of one task's panels from the filters and a strip's transformed input to their places.
func (r *winogradRun) part(input, m, u []float32, task, t0, t1 int, temp []float32) {
	g := r.g
	group, p0, p1 := g.panelsOf(task)
	for b := 0; b < g.nb; b += g.deep {
		nb := min(g.deep, g.nb-b)
		k, end := b*g.kb, (b+nb)*g.kb
		for k0 := k; k0 < end; k0 += g.rows() {
			g.transform(r.u, p0, p1-p0, k0, min(k0+g.rows(), end), u[(k0-k)*Block:], g.uPitch, nb*g.kb)
		}
		var next filterBox
		if end < g.nb*g.kb {
			next = g.box(p0, p1-p0, end, min(end+g.deep*g.kb, g.nb*g.kb))
		} else if task+1 < g.groups*g.across() { // the thread's next task, more often than not
			_, q0, q1 := g.panelsOf(task + 1)
			next = g.box(q0, q1-q0, 0, g.deep*g.kb)
		}
		steps := nb * g.kb
		t, step := g.product(t1-t0, p1-p0, steps)
		t.Offs, t.NB = &g.offs[0], nb
		for xi := range g.products {
			next.fetch(r.u, xi, g.products)
			v := input[xi*g.vPitch+(group*(g.blocks/g.groups)+k/Block)*g.strip*Block:]
			t.Ahead = g.ahead(xi)
			for p := 0; p < p1-p0; p += step {
				np := min(step, p1-p0-p)
				t.B = unsafe.Pointer(&u[xi*g.uPitch+p*steps*Block])
				products(&t, v, m[xi*g.mPitch+p*g.strip*Block:], t1-t0, np, b > 0, np*steps*Block*4)
			}
		}
	}
	for p := p0; p < p1; p++ {
		r.output(m[(p-p0)*g.strip*Block:], p, t0, t1, temp)
	}
}

// input transforms tiles t0 to t1 of a block of channels; v is where the first one goes.
func (g *winogradMap) input(x []float32, stride, block, t0, t1 int, v, temp []float32) {
	row, pitch := g.w*Block*4, g.vPitch*4
	for t := t0; t < t1; {
		n, ty, tx := t/(g.th*g.tw), t/g.tw%g.th, t%g.tw
		y0, x0 := ty*g.side-g.top, tx*g.side-g.left
		maps := x[n*stride+block*g.h*g.w*Block:][:g.h*g.w*Block]
		to := &v[(t-t0)*Block]
		if y0 >= 0 && y0+g.reach <= g.h && x0 >= 0 && x0+g.reach <= g.w {
			run := min((g.w-g.reach-x0)/g.side+1, g.tw-tx, t1-t)
			g.form.Input(run, &maps[(y0*g.w+x0)*Block], row, to, pitch)
			t += run
			continue
		}
		run := 1
		if y0 < 0 || y0+g.reach > g.h { // as does all of the row of tiles
			run = min(g.tw-tx, t1-t, winogradRow)
		}
		wide := run*g.side + g.taps - 1
		copyTiles(temp, maps, y0, x0, g.h, g.w, g.reach, wide)
		g.form.Input(run, &temp[0], wide*Block*4, to, pitch)
		t += run
	}
}

// fetch asks for the pixels that come with tiles t0 to t1 of a number of maps: a share for each of the
// products. Each row of tiles brings side rows of pixels, the first one's from shift on.
func (g *winogradMap) fetch(maps []float32, stride, blocks, h, w, shift, t0, t1, xi int) {
	first := t0 / g.tw // row of tiles, through all images
	each := blocks * g.side
	all := ((t1-1)/g.tw - first + 1) * each
	for k := xi * all / g.products; k < (xi+1)*all/g.products; k++ {
		row := first + k/each
		y := row%g.th*g.side + shift + k%g.side
		if y < 0 || y >= h {
			continue
		}
		x0, x1 := max(t0-row*g.tw, 0)*g.side, min(t1-row*g.tw, g.tw)*g.side
		line := maps[row/g.th*stride+(k/g.side%blocks*h+y)*w*Block:][:w*Block]
		simd.Fetch(line[min(x0, w)*Block : min(x1, w)*Block])
	}
}

// copyTiles copies rows×columns pixels of a map from row y0, column x0 on, with zeros outside of the map.
func copyTiles(dst, maps []float32, y0, x0, h, w, rows, columns int) {
	lo := min(max(0, -x0), columns)
	hi := max(lo, min(columns, w-x0))
	for i := range rows {
		row := dst[i*columns*Block:][:columns*Block]
		y := y0 + i
		if y < 0 || y >= h || hi == lo {
			clear(row)
			continue
		}
		clear(row[:lo*Block])
		copy(row[lo*Block:hi*Block], maps[(y*w+x0+lo)*Block:])
		clear(row[hi*Block:])
	}
}

// product returns what is common to the tiles of products of so many rows, panels, and steps of k, and how many
// panels go together.
func (g *winograd) product(count, panels, steps int) (t simd.Tile, step int) {
	return simd.Tile{
		AMS: Block * 4, AKS: 4, KB: g.kb, BKS: Block * 4, BPS: uintptr(steps*Block) * 4,
		CMS: Block * 4, CPS: uintptr(g.strip*Block) * 4,
		AheadStep: Block * 4,
	}, tilePanels(count, 1, panels)
}

// ahead is where tiles of a product ask for what the next one reads: other threads may have written it, into caches
// of their own. Behind the last one is what another thread is writing.
func (g *winograd) ahead(xi int) uintptr {
	if xi == g.products-1 {
		return 0
	}
	return uintptr(g.vPitch) * 4
}

// multiply computes one of the products for count tiles and panels p0 to p1; m is where the results of panel p0
// lie.
func (r *winogradRun) multiply(t *simd.Tile, step int, v, m []float32, count, xi, p0, p1 int) {
	g := r.g
	steps := g.nb * g.kb
	perGroup := g.panels / g.groups
	t.Ahead = g.ahead(xi)
	for lo := 0; lo < g.nb; lo += g.chunk {
		hi := min(lo+g.chunk, g.nb)
		t.Offs, t.NB = &g.offs[lo], hi-lo
		for p := p0; p < p1; {
			group := p / perGroup
			np := min(step, p1-p, (group+1)*perGroup-p)
			next := np*steps + lo*g.kb // the next panels' filters; after the last ones the next pass's or product's
			switch {
			case p+np < p1:
			case hi < g.nb:
				next = hi*g.kb - (p-p0)*steps
			default:
				next = g.uPitch/Block - (p-p0)*steps
			}
			t.B = unsafe.Pointer(&r.u[xi*g.uPitch+p*steps*Block])
			a := v[xi*g.vPitch+group*(g.blocks/g.groups)*g.strip*Block:]
			c := m[xi*g.mPitch+(p-p0)*g.strip*Block:]
			products(t, a, c, count, np, lo > 0, next*Block*4)
			p += np
		}
	}
}

// products runs the micro-kernel over count rows of a and c for np panels; next is how many bytes behind
// these the panels lie that are wanted next.
func products(t *simd.Tile, a, c []float32, count, np int, accumulate bool, next int) {
	most := simd.MaxRows(np)
	parts := (count + most - 1) / most
	t.FetchNext(parts, np, next)
	for i := range parts {
		m0, m1 := i*count/parts, (i+1)*count/parts
		half := (m1 - m0 + 1) / 2 * Block * 4
		if m1-m0 == 1 {
			half = 0
		}
		t.A0, t.C0 = unsafe.Pointer(&a[m0*Block]), unsafe.Pointer(&c[m0*Block])
		t.A1, t.C1 = unsafe.Add(t.A0, half), unsafe.Add(t.C0, half)
		t.R0, t.R1 = nil, nil
		if accumulate {
			t.R0, t.R1 = t.C0, t.C1
		}
		t.Run(m1-m0, np)
		t.Fetched(t.NB * t.KB)
	}
}

// output transforms tiles t0 to t1 of a panel of results; m is where the first one lies.
func (r *winogradRun) output(m []float32, panel, t0, t1 int, temp []float32) {
	g := r.g
	size := g.oh * g.ow * Block
	row, pitch := g.ow*Block*4, g.mPitch*4
	bias, bounds := &r.bias[panel*Block], &r.bounds[0]
	for t := t0; t < t1; {
		n, ty, tx := t/(g.th*g.tw), t/g.tw%g.th, t%g.tw
		y0, x0 := ty*g.side, tx*g.side
		maps := r.y[n*r.ys+panel*size:][:size]
		var res []float32
		if r.res != nil {
			res = r.res[n*r.rs+panel*size:][:size]
		}
		from := &m[(t-t0)*Block]
		if y0+g.side <= g.oh && x0+g.side <= g.ow {
			run := min(g.ow/g.side-tx, t1-t)
			at := (y0*g.ow + x0) * Block
			var add *float32
			if res != nil {
				add = &res[at]
			}
			g.form.Output(run, from, pitch, &maps[at], row, add, bias, bounds)
			t += run
			continue
		}
		run := 1
		if y0+g.side > g.oh {
			run = min(g.tw-tx, t1-t, winogradRow)
		}
		columns := run * g.side
		var add *float32
		if res != nil {
			copyTiles(temp, res, y0, x0, g.oh, g.ow, g.side, columns)
			add = &temp[0]
		}
		g.form.Output(run, from, pitch, &temp[0], columns*Block*4, add, bias, bounds)
		wide := min(columns, g.ow-x0) * Block
		for i := range min(g.side, g.oh-y0) {
			copy(maps[((y0+i)*g.ow+x0)*Block:][:wide], temp[i*columns*Block:])
		}
		t += run
	}
}
