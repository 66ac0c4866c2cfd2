package kernel

// maxUnpool is the gradient of max pooling whose windows lie side by side: each pixel is in one of them, or behind the
// last. So every window's gradient is read once and goes to its own pixels, where [poolGrad] looks for each pixel's windows.
type maxUnpool struct{ pooling }

var maxUnpools kept[maxUnpool]

// sideBySide reports whether windows neither overlap nor leave out pixels between them.
func sideBySide(w Window) bool { return w.SH == w.KH && w.SW == w.KW }

func runMaxUnpool(p *Pool, shared pooling) {
	t := maxUnpool{shared}
	t.cut = rowsOf(&t.small, t.w.KH*t.big.W+t.small.W)
	runKept(p, &maxUnpools, t.cut.tasks(), t)
}

func (t *maxUnpool) Task(task, _ int) {
	w, dx, dy := &t.w, &t.big, &t.small
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		i, row := u/dy.H, u%dy.H
		w.UnpoolRow(dx, dy, i, row, t.lo, t.hi, t.argmax)
		// What lies behind the last windows.
		plane := dx.Plane(i)
		top := max(0, row*w.SH-w.PadT)
		bottom := min(dx.H, (row+1)*w.SH-w.PadT)
		if right := dy.W*w.SW - w.PadL; right < dx.W {
			for r := top; r < bottom; r++ {
				clear(plane[(r*dx.W+right)*Block : (r+1)*dx.W*Block])
			}
		}
		if row == dy.H-1 {
			clear(plane[bottom*dx.W*Block : dx.H*dx.W*Block])
		}
	}
}
