package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// adaptivePool is the work of both directions: big is the map that the windows cover, small has a pixel
// for every window.
type adaptivePool struct {
	big, small Act
	cut        cut // into rows of the map that is written
}

type adaptivePoolGrad struct{ adaptivePool }

var (
	adaptivePools     kept[adaptivePool]
	adaptivePoolGrads kept[adaptivePoolGrad]
)

// evenly returns the i-th of n windows that cover size pixels, from the first to behind the last. Seen from the
// other side, they are the windows that pixel i of n lies in, of size windows.
func evenly(i, n, size int) (from, to int) { return i * size / n, ((i+1)*size + n - 1) / n }

// AdaptiveAvgPool gives y the averages of windows that cover x evenly: on a side of s pixels, the i-th of n
// windows reaches from ⌊i·s/n⌋ to ⌈(i+1)·s/n⌉.
func AdaptiveAvgPool(p *Pool, x, y Act) {
	t := newAdaptivePool("AdaptiveAvgPool", &x, &y)
	t.cut = rowsOf(&y, (x.H+y.H-1)/y.H*x.W)
	runKept(p, &adaptivePools, t.cut.tasks(), t)
}

// AdaptiveAvgPoolGrad writes all of dx, the gradient of [AdaptiveAvgPool]'s input.
func AdaptiveAvgPoolGrad(p *Pool, dy, dx Act) {
	t := adaptivePoolGrad{newAdaptivePool("AdaptiveAvgPoolGrad", &dx, &dy)}
	t.cut = rowsOf(&dx, 2*dx.W)
	runKept(p, &adaptivePoolGrads, t.cut.tasks(), t)
}

func newAdaptivePool(op string, big, small *Act) adaptivePool {
	wantAct(op, "the larger map", big, big.N, big.C, big.H, big.W)
	wantAct(op, "the smaller map", small, big.N, big.C, small.H, small.W)
	return adaptivePool{big: *big, small: *small}
}

// Task sums windows.
func (t *adaptivePool) Task(task, _ int) {
	x, y := &t.big, &t.small
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane, i := u/y.H, u%y.H
		top, bottom := evenly(i, y.H, x.H)
		in, out := rowAt(x, plane, top), rowAt(y, plane, i)
		for j := range y.W {
			left, right := evenly(j, y.W, x.W)
			s := simd.SumRow{
				X: at(in, left), XRow: x.W * simd.PixelBytes, KH: bottom - top, KW: right - left, N: 1,
				Y: at(out, j), Scale: 1 / float32((bottom-top)*(right-left)),
			}
			s.Run()
		}
	}
}

// Task gives every pixel its shares of the windows that it lies in.
func (t *adaptivePoolGrad) Task(task, _ int) {
	dx, dy := &t.big, &t.small
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane, i := u/dx.H, u%dx.H
		top, bottom := evenly(i, dx.H, dy.H)
		out := rowAt(dx, plane, i)
		for j := range dx.W {
			left, right := evenly(j, dx.W, dy.W)
			var sum [Block]float32
			for r := top; r < bottom; r++ {
				in := rowAt(dy, plane, r)
				r0, r1 := evenly(r, dy.H, dx.H)
				for c := left; c < right; c++ {
					c0, c1 := evenly(c, dy.W, dx.W)
					share := 1 / float32((r1-r0)*(c1-c0))
					for k, v := range (*[Block]float32)(at(in, c)) {
						sum[k] += float32(v * share)
					}
				}
			}
			*(*[Block]float32)(at(out, j)) = sum
		}
	}
}
