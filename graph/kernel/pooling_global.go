package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

type globalAvgPool struct {
	x   Act
	y   []float32
	cut cut // into planes
}

var globalAvgPools kept[globalAvgPool]

// GlobalAvgPool gives y, a plain N×C matrix, the average of every channel of every image.
func GlobalAvgPool(p *Pool, x Act, y []float32) {
	wantAct("GlobalAvgPool", "x", &x, x.N, x.C, x.H, x.W)
	wantLen("GlobalAvgPool", "y", len(y), x.N*x.C)
	t := globalAvgPool{x, y, cutUnits(x.N*Blocks(x.C), x.H*x.W*simd.PixelBytes)}
	runKept(p, &globalAvgPools, t.cut.tasks(), t)
}

func (t *globalAvgPool) Task(task, _ int) {
	pixels, blocks := t.x.H*t.x.W, Blocks(t.x.C)
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane := t.x.Plane(u)
		var total [Block]float64
		for i := range pieces(pixels) {
			a, b := piece(i, pixels)
			addSums(plane[a*Block:b*Block], &total)
		}
		n, c := u/blocks, u%blocks*Block
		out := t.y[n*t.x.C+c : n*t.x.C+min(c+Block, t.x.C)]
		for j := range out {
			out[j] = float32(total[j] / float64(pixels))
		}
	}
}

type globalAvgPoolGrad struct {
	dy  []float32
	dx  Act
	cut cut // into planes
}

var globalAvgPoolGrads kept[globalAvgPoolGrad]

// GlobalAvgPoolGrad writes all of dx, the gradient of [GlobalAvgPool]'s input, from dy, a plain N×C matrix.
func GlobalAvgPoolGrad(p *Pool, dy []float32, dx Act) {
	wantAct("GlobalAvgPoolGrad", "dx", &dx, dx.N, dx.C, dx.H, dx.W)
	wantLen("GlobalAvgPoolGrad", "dy", len(dy), dx.N*dx.C)
	t := globalAvgPoolGrad{dy, dx, cutUnits(dx.N*Blocks(dx.C), dx.H*dx.W*simd.PixelBytes)}
	runKept(p, &globalAvgPoolGrads, t.cut.tasks(), t)
}

func (t *globalAvgPoolGrad) Task(task, _ int) {
	blocks, c := Blocks(t.dx.C), t.dx.C
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		n := u / blocks
		v := lanesOf(t.dy[n*c:(n+1)*c], u%blocks, c, 0)
		for j := range v {
			v[j] /= float32(t.dx.H * t.dx.W)
		}
		plane := t.dx.Plane(u)
		for len(plane) > 0 {
			*(*[Block]float32)(plane) = v
			plane = plane[Block:]
		}
	}
}
