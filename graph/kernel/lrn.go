package kernel

import (
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// LRNParams are those of local response normalisation.
type LRNParams struct {
	Size           int // channels in the sum
	K, Alpha, Beta float32
}

// Validate says whether the parameters make sense.
func (o LRNParams) Validate() error {
	switch {
	case o.Size < 1:
		return fmt.Errorf("LRN over %d channels, must be at least 1", o.Size)
	case !(o.K >= 0) || !(o.Alpha >= 0):
		return fmt.Errorf("LRN with k = %v and alpha = %v, neither may be negative", o.K, o.Alpha)
	}
	return nil
}

// fast reports whether the parameters are those that have kernels of their own: five channels and the power ¾,
// as in every network that made LRN known. k keeps what the powers are taken of away from zero.
func (o *LRNParams) fast() bool { return o.Size == 5 && o.Beta == 0.75 && o.K > 1e-30 }

// lrnRun is the most pixels done at once: little enough for all their channels to stay in the cache
// while each block is read as its neighbours' neighbour.
const lrnRun = 32

// noChannels stands for the block before the first and the one after the last.
var noChannels [lrnRun * Block]float32

type lrn struct {
	o       LRNParams
	x, y    Act // y nil in the gradient
	dy, dx  Act
	back    bool
	runs    int // of an image
	cut     cut // into runs
	scratch []float64
}

var lrns kept[lrn]

// LRN is local response normalisation (Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural
// Networks", section 3.3),
//
//	y_c = x_c / (K + Alpha·Σ x_j²)^Beta, c − ⌊Size/2⌋ ≤ j ≤ c + ⌊(Size−1)/2⌋
//
// over the channels that there are. Alpha is the paper's; PyTorch divides its own by Size. y may not be x.
func LRN(p *Pool, o LRNParams, x, y Act) {
	wantAct("LRN", "x", &x, x.N, x.C, x.H, x.W)
	wantAct("LRN", "y", &y, x.N, x.C, x.H, x.W)
	runLRN(p, "LRN", o, false, x, y, Act{}, Act{})
}

// LRNGrad writes all of dx, the gradient of [LRN]'s input. It needs x but not y. dx may be dy.
func LRNGrad(p *Pool, o LRNParams, x, dy, dx Act) {
	wantAct("LRNGrad", "x", &x, x.N, x.C, x.H, x.W)
	wantAct("LRNGrad", "dy", &dy, x.N, x.C, x.H, x.W)
	wantAct("LRNGrad", "dx", &dx, x.N, x.C, x.H, x.W)
	runLRN(p, "LRNGrad", o, true, x, Act{}, dy, dx)
}

func runLRN(p *Pool, op string, o LRNParams, back bool, x, y, dy, dx Act) {
	if err := o.Validate(); err != nil {
		panic("kernel: " + op + ": " + err.Error())
	}
	t := lrns.get()
	t.o, t.back, t.x, t.y, t.dy, t.dx = o, back, x, y, dy, dx
	t.runs = (x.H*x.W + lrnRun - 1) / lrnRun
	t.cut = cutUnits(x.N*t.runs, 2*Blocks(x.C)*min(lrnRun, x.H*x.W)*simd.PixelBytes)
	if !o.fast() {
		t.scratch = grown(t.scratch, p.Threads()*3*x.C)
	}
	p.Run(t.cut.tasks(), t)
	*t = lrn{scratch: t.scratch} // let go of the caller's slices
	lrns.put(t)
}

func (t *lrn) Task(task, worker int) {
	begin, end := t.cut.of(task)
	pixels := t.x.H * t.x.W
	for u := begin; u < end; u++ {
		image, from := u/t.runs, u%t.runs*lrnRun
		to := min(from+lrnRun, pixels)
		switch {
		case !t.o.fast():
			for i := from; i < to; i++ {
				t.anyPixel(image, i, t.scratch[worker*3*t.x.C:][:3*t.x.C])
			}
		case t.back:
			t.backRun(image, from, to)
			t.clearSpare(&t.dx, image, from, to)
		default:
			t.run(image, from, to)
			t.clearSpare(&t.y, image, from, to)
		}
	}
}

// of returns pixels from..to of a block of an image, zeros if there is no such block.
func (t *lrn) of(a *Act, image, block, from, to int) []float32 {
	blocks := Blocks(a.C)
	if block < 0 || block >= blocks {
		return noChannels[:(to-from)*Block]
	}
	return a.Plane(image*blocks + block)[from*Block : to*Block]
}

func (t *lrn) run(image, from, to int) {
	for b := range Blocks(t.x.C) {
		simd.LRN5(t.of(&t.x, image, b-1, from, to), t.of(&t.x, image, b, from, to), t.of(&t.x, image, b+1, from, to),
			t.o.K, t.o.Alpha, t.of(&t.y, image, b, from, to))
	}
}

// backRun computes
//
//	dx_c = dy_c·d_c^−β − 2αβ·x_c·Σ dy_j·x_j·d_j^(−β−1), d = K + Alpha·Σ x²,
//
// a block behind the terms of the sum, of which it needs those of both neighbours.
func (t *lrn) backRun(image, from, to int) {
	var terms [3][lrnRun * Block]float32
	var scaled [2][lrnRun * Block]float32 // dy·d^−β
	n, blocks := (to-from)*Block, Blocks(t.x.C)
	prev, cur, next := terms[0][:n], terms[1][:n], terms[2][:n] // prev is of the block before the first: zeros
	for b := range blocks + 1 {
		if b < blocks {
			simd.LRN5Terms(t.of(&t.x, image, b-1, from, to), t.of(&t.x, image, b, from, to), t.of(&t.x, image, b+1, from, to),
				t.of(&t.dy, image, b, from, to), t.o.K, t.o.Alpha, scaled[b&1][:n], next)
		} else {
			clear(next)
		}
		if b > 0 {
			simd.LRN5Grad(prev, cur, next, t.of(&t.x, image, b-1, from, to), scaled[(b-1)&1][:n], t.o.Alpha, t.of(&t.dx, image, b-1, from, to))
		}
		prev, cur, next = cur, next, prev
	}
}

// anyPixel does one pixel for any parameters.
func (t *lrn) anyPixel(image, pixel int, scratch []float64) {
	c, blocks := t.x.C, Blocks(t.x.C)
	x, s, q := scratch[:c], scratch[c:2*c], scratch[2*c:]
	lane := func(a *Act, c int) *float32 { return &a.Plane(image*blocks + c/Block)[pixel*Block+c%Block] }
	for i := range x {
		x[i] = float64(*lane(&t.x, i))
	}
	k, alpha, beta := float64(t.o.K), float64(t.o.Alpha), float64(t.o.Beta)
	before, after := t.o.Size/2, (t.o.Size-1)/2
	for i := range x {
		sum := 0.0
		for _, v := range x[max(0, i-before):min(c, i+after+1)] {
			sum += float64(v * v)
		}
		d := k + float64(alpha*sum)
		s[i] = math.Pow(d, -beta)
		if t.back {
			q[i] = float64(*lane(&t.dy, i)) * x[i] * s[i] / d
		} else {
			*lane(&t.y, i) = float32(x[i] * s[i])
		}
	}
	if t.back {
		for i := range x {
			sum := 0.0
			for _, v := range q[max(0, i-after):min(c, i+before+1)] {
				sum += v
			}
			*lane(&t.dx, i) = float32(float64(float64(*lane(&t.dy, i))*s[i]) - float64(2*alpha*beta*x[i]*sum))
		}
	}
	out := &t.y
	if t.back {
		out = &t.dx
	}
	t.clearSpare(out, image, pixel, pixel+1)
}

// clearSpare clears the lanes without a channel, into which the sums may have brought NaN from their neighbours.
func (t *lrn) clearSpare(out *Act, image, from, to int) {
	if used := out.C % Block; used > 0 {
		last := t.of(out, image, Blocks(out.C)-1, from, to)
		for i := used; i < len(last); i += Block {
			clear(last[i : i+Block-used])
		}
	}
}
