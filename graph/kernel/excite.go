package kernel

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// excite multiplies maps by factors, or finds the gradient of the factors.
type excite struct {
	x, other, y Act // other is dy, if there is one
	s, ds       []float32
	cut         cut // into planes
}

var excites kept[excite]

// Excite multiplies every channel of every image by a factor: y = x·s, where s is a plain N×C matrix. It
// ends a squeeze-and-excitation block (Hu et al., arXiv:1709.01507, equation 4). y may be x.
func Excite(p *Pool, x Act, s []float32, y Act) {
	const op = "Excite"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "y", &y, x.N, x.C, x.H, x.W)
	wantLen(op, "s", len(s), x.N*x.C)
	t := excite{x: x, y: y, s: s, cut: cutUnits(x.N*Blocks(x.C), 2*x.H*x.W*simd.PixelBytes)}
	runKept(p, &excites, t.cut.tasks(), t)
}

// ExciteGrad writes the gradients of [Excite]: dx = dy·s, and in ds, a plain N×C matrix, the sums of dy·x
// over each map. dx may be dy or x.
func ExciteGrad(p *Pool, x Act, s []float32, dy, dx Act, ds []float32) {
	const op = "ExciteGrad"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "dy", &dy, x.N, x.C, x.H, x.W)
	wantAct(op, "dx", &dx, x.N, x.C, x.H, x.W)
	wantLen(op, "s", len(s), x.N*x.C)
	wantLen(op, "ds", len(ds), x.N*x.C)
	t := excite{x: x, other: dy, y: dx, s: s, ds: ds, cut: cutUnits(x.N*Blocks(x.C), 3*x.H*x.W*simd.PixelBytes)}
	runKept(p, &excites, t.cut.tasks(), t)
}

func (t *excite) Task(task, _ int) {
	pixels, blocks, c := t.x.H*t.x.W, Blocks(t.x.C), t.x.C
	from, to := t.cut.of(task)
	for u := from; u < to; u++ {
		n, block := u/blocks, u%blocks
		f := lanesOf(t.s[n*c:(n+1)*c], block, c, 0)
		x, y := t.x.Plane(u), t.y.Plane(u)
		if t.ds == nil {
			scaleLanes(x, y, &f)
			continue
		}
		dy := t.other.Plane(u)
		var total [Block]float64
		for i := range pieces(pixels) {
			a, b := piece(i, pixels)
			addDots(x[a*Block:b*Block], dy[a*Block:b*Block], &total)
		}
		scaleLanes(dy, y, &f)
		out := t.ds[n*c+block*Block : n*c+min(c, (block+1)*Block)]
		for j := range out {
			out[j] = float32(total[j])
		}
	}
}

// scaleLanes multiplies every pixel by the factors.
func scaleLanes(x, y []float32, f *[Block]float32) {
	simd.Normalise(x, y, &simd.Affine{Scale: *f}, simd.Unclipped)
}

// addDots adds the sums of the products of pixels to total.
func addDots(x, y []float32, total *[Block]float64) {
	var sums, dots [Block]float32
	simd.SumGrads(x, y, &simd.Affine{}, simd.Unclipped, &sums, &dots)
	for j, v := range dots {
		total[j] += float64(v)
	}
}

type channelDots struct {
	channels
	x, y    Act
	dots    []float32
	partial [][Block]float64
}

var channelDotsKept kept[channelDots]

// ChannelDots gives dots, of C elements, the sum of x·y of each channel over the batch: the gradient of a
// factor that [ChannelAffine] multiplies a channel by.
func ChannelDots(p *Pool, x, y Act, dots []float32) {
	const op = "ChannelDots"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "y", &y, x.N, x.C, x.H, x.W)
	wantLen(op, "dots", len(dots), x.C)
	t := channelDotsKept.get()
	t.x, t.y, t.dots = x, y, dots
	t.partial = grown(t.partial, t.plan(&x, 2))
	t.run(p, t, 0)
	*t = channelDots{partial: t.partial} // let go of the caller's slices
	channelDotsKept.put(t)
}

func (t *channelDots) measure(block, from, to, part int) {
	var s [Block]float64
	for i := from; i < to; i++ {
		addDots(t.in(&t.x, block, i), t.in(&t.y, block, i), &s)
	}
	t.partial[part] = s
}

func (t *channelDots) finish(block, first, end int) {
	s := t.partial[first]
	for _, o := range t.partial[first+1 : end] {
		for j := range s {
			s[j] += o[j]
		}
	}
	for j := range min(Block, t.x.C-block*Block) {
		t.dots[block*Block+j] = float32(s[j])
	}
}

func (t *channelDots) apply(int, int, int) {}
