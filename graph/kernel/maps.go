package kernel

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

const (
	// taskBytes is about how much memory a task of a map kernel walks over: enough to hide the cost of
	// handing it out, little enough to keep many cores busy to the end.
	taskBytes = 64 << 10

	// piecePixels is the most pixels that are summed in float32 before float64 takes over. Sixteen
	// kilobytes of a plane fit in half of the smallest first-level cache.
	piecePixels = 256
)

// A cut deals out equal units of work (rows, pieces of planes) to tasks, by their size alone, so that
// the number of threads has no say in it.
type cut struct{ units, per int }

func cutUnits(units, bytes int) cut { return cut{units, max(1, taskBytes/max(1, bytes))} }

func (c cut) tasks() int                            { return (c.units + c.per - 1) / c.per }
func (c cut) of(task int) (from, to int)            { return task * c.per, min((task+1)*c.per, c.units) }
func pieces(pixels int) int                         { return (pixels + piecePixels - 1) / piecePixels }
func piece(i, pixels int) (from, to int)            { return i * piecePixels, min((i+1)*piecePixels, pixels) }
func at(p unsafe.Pointer, pixel int) unsafe.Pointer { return unsafe.Add(p, pixel*simd.PixelBytes) }

// kept holds tasks between calls so that no call allocates. Unlike a sync.Pool it never loses one.
type kept[T any] struct {
	mu   sync.Mutex
	free []*T
}

func (k *kept[T]) get() *T {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.free) == 0 {
		return new(T)
	}
	t := k.free[len(k.free)-1]
	k.free = k.free[:len(k.free)-1]
	return t
}

func (k *kept[T]) put(t *T) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.free = append(k.free, t)
}

// runKept runs a copy of work that is kept in k, without the caller's slices.
func runKept[T any, P interface {
	*T
	Tasker
}](p *Pool, k *kept[T], tasks int, work T) {
	t := k.get()
	*t = work
	p.Run(tasks, P(t))
	var none T
	*t = none
	k.put(t)
}

// wantAct panics unless a is n×c×h×w and its slice holds it: the assembly trusts what it is given.
func wantAct(op, name string, a *Act, n, c, h, w int) {
	if a.N != n || a.C != c || a.H != h || a.W != w {
		panic(fmt.Sprintf("kernel: %s: %s is %d×%d×%d×%d, must be %d×%d×%d×%d", op, name, a.N, a.C, a.H, a.W, n, c, h, w))
	}
	image := Blocks(c) * h * w * Block
	if n > 0 && (a.Stride < image || len(a.Data) < (n-1)*a.Stride+image) {
		panic(fmt.Sprintf("kernel: %s: %s holds %d floats with %d from image to image, too few for %d×%d×%d×%d", op, name, len(a.Data), a.Stride, n, c, h, w))
	}
}

func wantLen(op, name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("kernel: %s: %s has %d elements, must have %d", op, name, got, want))
	}
}

func wantOptional(op, name string, v []float32, want int) {
	if v != nil {
		wantLen(op, name, len(v), want)
	}
}

// lanesOf returns the sixteen values of a block of channels, zero beyond the last channel, and def
// everywhere else if v is nil.
func lanesOf(v []float32, block, channels int, def float32) (l [Block]float32) {
	for j := range min(Block, channels-block*Block) {
		l[j] = def
		if v != nil {
			l[j] = v[block*Block+j]
		}
	}
	return l
}

// grown returns a slice of n elements of any content, s if that has room.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
