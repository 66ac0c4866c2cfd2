package kernel

import (
	"math"
	"unsafe"
)

// The stages of a call.
const (
	winogradFused = iota
	winogradIn
	winogradProducts
	winogradOut
	winogradPart // the products and the results of some panels
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
	least   *[Block]float32
	v, m    []float32
	temp    []float32
	stage   int
	strip   int
}

var (
	zeros     [Block]float32
	infinites = func() (v [Block]float32) {
		for i := range v {
			v[i] = float32(math.Inf(-1))
		}
		return v
	}()
)

func (r *winogradRun) do(p *Pool, g *winograd, bias []float32, relu bool, scratch []float32) {
	r.g = g
	scratch = aligned(scratch)
	r.bias = scratch[:g.panels*Block]
	clear(r.bias[copy(r.bias, bias):])
	r.least = &infinites
	if relu {
		r.least = &zeros
	}
	scratch = scratch[g.panels*Block:]
	r.temp, scratch = scratch[:p.Threads()*winogradTile], scratch[p.Threads()*winogradTile:]
	copies := 1
	if !g.staged {
		copies = p.Threads()
	}
	r.v, r.m = scratch[:copies*36*g.vPitch], scratch[copies*36*g.vPitch:]
	if !g.staged {
		r.stage = winogradFused
		p.Run(g.strips*g.parts, r)
	} else {
		for r.strip = range g.strips {
			r.stage = winogradIn
			p.Run(g.blocks*g.inputParts, r)
			if g.fresh {
				r.stage = winogradPart
				p.Run(g.groups*g.across(), r)
				continue
			}
			r.stage = winogradProducts
			p.Run(36*g.split, r)
			r.stage = winogradOut
			p.Run(g.panels*g.outputParts, r)
		}
	}
	*r = winogradRun{}
}

// Task does a strip, or the part of it that belongs to some panels of results, or a part of a strip's stage: some tiles of a block of channels, one of the 36
// products, some tiles of a panel of results.
func (r *winogradRun) Task(task, worker int) {
	g := r.g
	temp := r.temp[worker*winogradTile:][:winogradTile]
	if r.stage == winogradFused {
		v, m := r.v[worker*36*g.vPitch:][:36*g.vPitch], r.m[worker*36*g.mPitch:][:36*g.mPitch]
		t0, t1 := g.tilesOf(task / g.parts)
		part := task % g.parts
		p0, p1 := part*g.panels/g.parts, (part+1)*g.panels/g.parts
		for b := range g.blocks {
			g.input(r.x, r.xs, b, t0, t1, v[b*g.strip*Block:], temp)
		}
		for xi := range 36 {
			if next := task/g.parts + 1; next < g.strips {
				n0, n1 := g.tilesOf(next)
				g.fetch(r.x, r.xs, g.blocks, g.h, g.w, 2-g.top, n0, n1, xi)
			}
			r.multiply(v, m, t1-t0, xi, p0, p1)
		}
		for p := p0; p < p1; p++ {
			r.output(m[p*g.strip*Block:], p, t0, t1, temp)
		}
		return
	}
	t0, t1 := g.tilesOf(r.strip)
	count := t1 - t0
	switch r.stage {
	case winogradIn:
		b, i := task/g.inputParts, task%g.inputParts
		from, to := i*count/g.inputParts, (i+1)*count/g.inputParts
		g.input(r.x, r.xs, b, t0+from, t0+to, r.v[(b*g.strip+from)*Block:], temp)
	case winogradProducts:
		i := task % g.split
		r.multiply(r.v, r.m, count, task/g.split, i*g.panels/g.split, (i+1)*g.panels/g.split)
	case winogradOut:
		p, i := task/g.outputParts, task%g.outputParts
		from, to := i*count/g.outputParts, (i+1)*count/g.outputParts
		r.output(r.m[(p*g.strip+from)*Block:], p, t0+from, t0+to, temp)
	case winogradPart:
		own := r.m[worker*36*(g.mPitch+g.uPitch):]
		r.part(own[:36*g.mPitch], own[36*g.mPitch:][:36*g.uPitch], task, t0, t1, temp)
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

// part takes the results of one task's panels from the filters to their places.
func (r *winogradRun) part(m, u []float32, task, t0, t1 int, temp []float32) {
	g := r.g
	group, p0, p1 := g.panelsOf(task)
	for b := 0; b < g.nb; b += g.deep {
		nb := min(g.deep, g.nb-b)
		k, end := b*g.kb, (b+nb)*g.kb
		for k0 := k; k0 < end; k0 += winogradRows {
			g.transform(r.u, p0, p1-p0, k0, min(k0+winogradRows, end), u[(k0-k)*Block:], g.uPitch, nb*g.kb)
		}
		var next filterBox
		if end < g.nb*g.kb {
			next = g.box(p0, p1-p0, end, min(end+g.deep*g.kb, g.nb*g.kb))
		} else if task+1 < g.groups*g.across() { // the thread's next task, more often than not
			_, q0, q1 := g.panelsOf(task + 1)
			next = g.box(q0, q1-q0, 0, g.deep*g.kb)
		}
		for xi := range 36 {
			next.fetch(r.u, xi, 36)
			v := r.v[xi*g.vPitch+(group*(g.blocks/g.groups)+k/Block)*g.strip*Block:]
			g.multiply(xi, v, u[xi*g.uPitch:], m[xi*g.mPitch:], t1-t0, p1-p0, g.offs[:nb], nb*g.kb, b > 0)
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
		y0, x0 := ty*winogradSide-g.top, tx*winogradSide-g.left
		maps := x[n*stride+block*g.h*g.w*Block:][:g.h*g.w*Block]
		to := &v[(t-t0)*Block]
		if y0 >= 0 && y0+6 <= g.h && x0 >= 0 && x0+6 <= g.w {
			run := min((g.w-6-x0)/winogradSide+1, g.tw-tx, t1-t)
			winogradInput(run, &maps[(y0*g.w+x0)*Block], row, to, pitch)
			t += run
			continue
		}
		copyTile(temp, maps, y0, x0, g.h, g.w, 6)
		winogradInput(1, &temp[0], 6*Block*4, to, pitch)
		t++
	}
}

// fetch asks for the pixels that come with tiles t0 to t1 of a number of maps: a share for each of the
// 36 products. Each row of tiles brings four rows of pixels, the first one's from shift on.
func (g *winogradMap) fetch(maps []float32, stride, blocks, h, w, shift, t0, t1, xi int) {
	first := t0 / g.tw // row of tiles, through all images
	each := blocks * winogradSide
	all := ((t1-1)/g.tw - first + 1) * each
	for k := xi * all / 36; k < (xi+1)*all/36; k++ {
		row := first + k/each
		y := row%g.th*winogradSide + shift + k%winogradSide
		if y < 0 || y >= h {
			continue
		}
		x0, x1 := max(t0-row*g.tw, 0)*winogradSide, min(t1-row*g.tw, g.tw)*winogradSide
		line := maps[row/g.th*stride+(k/winogradSide%blocks*h+y)*w*Block:][:w*Block]
		fetch(line[min(x0, w)*Block : min(x1, w)*Block])
	}
}

// copyTile copies size×size pixels of a map from row y0, column x0 on, with zeros outside of the map.
func copyTile(dst, maps []float32, y0, x0, h, w, size int) {
	lo := min(max(0, -x0), size)
	hi := max(lo, min(size, w-x0))
	for i := range size {
		row := dst[i*size*Block:][:size*Block]
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

// multiply computes one of the 36 products for count tiles and panels p0 to p1, some of k at a time.
func (r *winogradRun) multiply(v, m []float32, count, xi, p0, p1 int) {
	g := r.g
	steps := g.nb * g.kb
	perGroup := g.panels / g.groups
	for lo := 0; lo < g.nb; lo += g.chunk {
		offs := g.offs[lo:min(lo+g.chunk, g.nb)]
		for p := p0; p < p1; {
			group := p / perGroup
			end := min(p1, (group+1)*perGroup)
			g.multiply(xi, v[xi*g.vPitch+group*(g.blocks/g.groups)*g.strip*Block:], r.u[xi*g.uPitch+p*steps*Block:],
				m[xi*g.mPitch+p*g.strip*Block:], count, end-p, offs, steps, lo > 0)
			p = end
		}
	}
}

// multiply computes product xi for count tiles and the first panels of u, of steps rows each, or adds it to m if
// add is set. It asks for what the next product reads: other threads may have written it, into caches of their
// own.
func (g *winograd) multiply(xi int, v, u, m []float32, count, panels int, offs [][2]int, steps int, add bool) {
	t := tile{
		offs: &offs[0], nb: len(offs), kb: g.kb,
		ams: Block * 4, aks: 4, bks: Block * 4, bps: uintptr(steps*Block) * 4,
		cms: Block * 4, cps: uintptr(g.strip*Block) * 4,
		aheadStep: Block * 4,
	}
	if xi < 35 { // beyond is what another thread is writing
		t.ahead = uintptr(g.vPitch) * 4
	}
	step := tilePanels(count, 1, panels)
	for p := 0; p < panels; p += step {
		np := min(step, panels-p)
		t.b = unsafe.Pointer(&u[p*steps*Block])
		c := m[p*g.strip*Block:]
		most := maxRows(np)
		parts := (count + most - 1) / most
		for i := range parts {
			m0, m1 := i*count/parts, (i+1)*count/parts
			half := (m1 - m0 + 1) / 2 * Block * 4
			if m1-m0 == 1 {
				half = 0
			}
			t.a0, t.c0 = unsafe.Pointer(&v[m0*Block]), unsafe.Pointer(&c[m0*Block])
			t.a1, t.c1 = unsafe.Add(t.a0, half), unsafe.Add(t.c0, half)
			if add {
				t.r0, t.r1 = t.c0, t.c1
			}
			runTile(&t, m1-m0, np)
		}
	}
}

// output transforms tiles t0 to t1 of a panel of results; m is where the first one lies.
func (r *winogradRun) output(m []float32, panel, t0, t1 int, temp []float32) {
	g := r.g
	size := g.oh * g.ow * Block
	row, pitch := g.ow*Block*4, g.mPitch*4
	bias, least := &r.bias[panel*Block], &r.least[0]
	for t := t0; t < t1; {
		n, ty, tx := t/(g.th*g.tw), t/g.tw%g.th, t%g.tw
		y0, x0 := ty*winogradSide, tx*winogradSide
		maps := r.y[n*r.ys+panel*size:][:size]
		var res []float32
		if r.res != nil {
			res = r.res[n*r.rs+panel*size:][:size]
		}
		from := &m[(t-t0)*Block]
		if y0+winogradSide <= g.oh && x0+winogradSide <= g.ow {
			run := min(g.ow/winogradSide-tx, t1-t)
			at := (y0*g.ow + x0) * Block
			var add *float32
			if res != nil {
				add = &res[at]
			}
			winogradOutput(run, from, pitch, &maps[at], row, add, bias, least)
			t += run
			continue
		}
		var add *float32
		if res != nil {
			copyTile(temp, res, y0, x0, g.oh, g.ow, winogradSide)
			add = &temp[0]
		}
		winogradOutput(1, from, pitch, &temp[0], winogradSide*Block*4, add, bias, least)
		wide := min(winogradSide, g.ow-x0) * Block
		for i := range min(winogradSide, g.oh-y0) {
			copy(maps[((y0+i)*g.ow+x0)*Block:][:wide], temp[i*winogradSide*Block:])
		}
		t++
	}
}
