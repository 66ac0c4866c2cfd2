package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

type maxPool struct{ pooling }

var maxPools kept[maxPool]

// MaxPool gives y the largest pixel of every window on x; y is N×C×OH×OW with (OH, OW) = w.Out(H, W).
// Padding is never the largest. As in PyTorch, NaN is larger than everything, and of equal pixels
// the first one in the window counts. argmax, as long as a dense blocked y, receives where in its window each
// was found (row·KW + column), which is all that [MaxPoolGrad] needs; it is nil in evaluation.
func MaxPool(p *Pool, w Window, x, y Act, argmax []uint8) {
	t := maxPool{newPooling("MaxPool", w, &x, &y, argmax)}
	if argmax != nil {
		wantArgmax("MaxPool", w, &y, argmax)
	}
	t.cut = rowsOf(&y, w.SH*x.W+y.W)
	runKept(p, &maxPools, t.cut.tasks(), t)
}

func (t *maxPool) Task(task, _ int) {
	const cached = 4 << 20 // bytes of a batch that is probably in a cache
	w, x, y := &t.w, &t.big, &t.small
	large := 4*len(x.Data) > cached
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		plane, oh := u/y.H, u%y.H
		if r1 := min(oh*w.SH-w.PadT+w.KH, x.H); large { // ask for what the next row will read
			simd.Fetch(x.Plane(plane)[r1*x.W*Block : min(r1+w.SH, x.H)*x.W*Block])
		}
		w.MaxRow(x, y, plane, oh, t.lo, t.hi, t.argmax)
	}
}
