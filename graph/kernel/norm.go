package kernel

import (
	"math"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

type batchNorm struct {
	channels
	x, y                   Act
	residual               *Act
	gamma, beta            []float32
	mean, variance, invstd []float32
	eps                    float64
	act                    Activation
	partial                []simd.Moments
}

var batchNorms kept[batchNorm]

// BatchNorm is batch normalisation as in training (Ioffe & Szegedy, arXiv:1502.03167, algorithm 1),
//
//	y = (x − mean)·invstd·gamma + beta + residual, invstd = 1/√(biased variance + eps)
//
// with the mean and variance of each channel over the batch, and then the activation of y. The
// residual, of x's shape, may be nil. All slices have C elements. gamma and beta may be nil for ones and zeros. mean and invstd are left for
// [BatchNormGrad]; variance receives the unbiased variance, which is what PyTorch's running average takes
// in (0 if a channel has one value only). x is read twice. y may be x or the residual.
func BatchNorm(p *Pool, x Act, gamma, beta []float32, eps float32, residual *Act, y Act, mean, variance, invstd []float32, act Activation) {
	t := newBatchNorm(x, gamma, beta, eps, residual, y, mean, variance, invstd, act)
	t.partial = grown(t.partial, t.plan(&x, 1))
	t.run(p, t, t.touched())
	t.done()
}

func newBatchNorm(x Act, gamma, beta []float32, eps float32, residual *Act, y Act, mean, variance, invstd []float32, act Activation) *batchNorm {
	const op = "BatchNorm"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "y", &y, x.N, x.C, x.H, x.W)
	if residual != nil {
		wantAct(op, "residual", residual, x.N, x.C, x.H, x.W)
	}
	wantOptional(op, "gamma", gamma, x.C)
	wantOptional(op, "beta", beta, x.C)
	wantLen(op, "mean", len(mean), x.C)
	wantLen(op, "variance", len(variance), x.C)
	wantLen(op, "invstd", len(invstd), x.C)
	t := batchNorms.get()
	t.x, t.y, t.residual, t.eps, t.act = x, y, residual, float64(eps), act
	t.gamma, t.beta, t.mean, t.variance, t.invstd = gamma, beta, mean, variance, invstd
	return t
}

// touched is how many batches the second walk reads and writes.
func (t *batchNorm) touched() int {
	if t.residual != nil {
		return 3
	}
	return 2
}

// done lets go of the caller's slices.
func (t *batchNorm) done() {
	*t = batchNorm{partial: t.partial}
	batchNorms.put(t)
}

// BatchNormMeasured is [BatchNorm] of x whose moments, of each block of channels, are known: from the convolution that
// made it, see [Conv].ForwardMeasured. x is read once.
func BatchNormMeasured(p *Pool, x Act, moments []Moments, gamma, beta []float32, eps float32, residual *Act, y Act, mean, variance, invstd []float32, act Activation) {
	t := newBatchNorm(x, gamma, beta, eps, residual, y, mean, variance, invstd, act)
	wantLen("BatchNorm", "moments", len(moments), Blocks(x.C))
	t.plan(&x, 1)
	t.partial = append(t.partial[:0], moments...)
	for b := range t.blocks {
		t.finish(b, b, b+1)
	}
	t.walk(p, t, 0, t.blocks, t.touched())
	t.done()
}

// measure takes distances from the mean so far, at the start from that of the first piece, so that
// nothing cancels, however far from zero the mean is.
func (t *batchNorm) measure(block, from, to, part int) {
	s := &t.partial[part]
	*s = simd.Moments{}
	var shift, d, q [Block]float32
	for i := from; i < to; i++ {
		x := t.in(&t.x, block, i)
		if i == from {
			simd.SumPixels(x, &shift)
			for j := range shift {
				shift[j] /= float32(len(x) / Block)
			}
		} else {
			for j := range shift {
				shift[j] = float32(s.Mean[j])
			}
		}
		simd.SumMoments(x, &shift, &d, &q)
		s.Add(len(x)/Block, &shift, &d, &q)
	}
}

func (t *batchNorm) finish(block, first, end int) {
	s := &t.partial[first]
	for i := first + 1; i < end; i++ {
		s.Merge(&t.partial[i])
	}
	for j := range min(Block, t.x.C-block*Block) {
		c := block*Block + j
		t.mean[c] = float32(s.Mean[j])
		t.invstd[c] = float32(1 / math.Sqrt(s.M2[j]/s.N+t.eps))
		t.variance[c] = float32(s.M2[j] / max(1, s.N-1))
	}
}

func (t *batchNorm) apply(block, from, to int) {
	clip, clipped := t.act.Clip()
	a := normOf(block, t.x.C, t.gamma, t.beta, t.mean, t.invstd)
	step, streams := piecePixels*Block, t.streams()
	var room [64 * Block]float32
	if streams {
		step = len(room)
	}
	for i := from; i < to; i++ {
		x, out := t.in(&t.x, block, i), t.in(&t.y, block, i)
		var residual []float32
		if t.residual != nil {
			residual = t.in(t.residual, block, i)
		}
		for at := 0; at < len(x); at += step {
			end := min(at+step, len(x))
			y := out[at:end]
			if streams {
				y = room[:end-at]
			}
			if t.residual != nil {
				simd.NormaliseAdd(x[at:end], residual[at:end], y, &a, clip)
			} else {
				simd.Normalise(x[at:end], y, &a, clip)
			}
			if !clipped {
				simd.ActivatePixels(t.act, y, t.x.C-block*Block)
			}
			if streams {
				simd.Stream(y, out[at:end])
			}
		}
	}
}

// streams reports whether the result is written past the caches: to memory that has not just been read.
func (t *batchNorm) streams() bool {
	at := unsafe.SliceData(t.y.Data)
	return at != unsafe.SliceData(t.x.Data) && (t.residual == nil || at != unsafe.SliceData(t.residual.Data)) &&
		simd.Streams(t.x.N*t.blocks*t.pixels*simd.PixelBytes) && t.y.OnLines()
}

// normOf returns what batch normalisation does to a block. Its gradient finds out by the same
// arithmetic what a fused ReLU let through.
func normOf(block, c int, gamma, beta, mean, invstd []float32) simd.Affine {
	a := simd.Affine{
		Mean:  lanesOf(mean, block, c, 0),
		Scale: lanesOf(gamma, block, c, 1),
		Shift: lanesOf(beta, block, c, 0),
	}
	for j, f := range lanesOf(invstd, block, c, 1) {
		a.Scale[j] *= f
	}
	return a
}

type batchNormGrad struct {
	channels
	x, dy, dx                 Act
	gamma, beta, mean, invstd []float32
	dgamma, dbeta             []float32
	act                       Activation
	partial                   []simd.GradSums
}

var batchNormGrads kept[batchNormGrad]

// BatchNormGrad writes the gradients of [BatchNorm]: all of dx, and dgamma and dbeta of C elements each.
// x, gamma, beta, mean, invstd and act are those of the call it is the gradient of; what the
// activation let through is found from them, so that nobody has to keep y. x and dy are read twice, or where the
// activation is no clipping, dy once, and what is left of it behind the activation waits in dx. dx may be dy.
func BatchNormGrad(p *Pool, x, dy Act, gamma, beta, mean, invstd []float32, dx Act, dgamma, dbeta []float32, act Activation) {
	t := newBatchNormGrad(x, dy, gamma, beta, mean, invstd, dx, dgamma, dbeta, act)
	t.partial = grown(t.partial, t.plan(&x, 2))
	t.run(p, t, 3)
	t.done()
}

// BatchNormGradSummed is [BatchNormGrad] of dy whose sums, of each block of channels, are known: from the gradient of a
// convolution that made it, see [Conv].DataGradSummed, with what [NormedInput] says. If the activation is no clipping, dy
// is the gradient behind it already. x and dy are read once.
func BatchNormGradSummed(p *Pool, x, dy Act, sums []GradSums, gamma, beta, mean, invstd []float32, dx Act, dgamma, dbeta []float32, act Activation) {
	if _, clipped := act.Clip(); !clipped {
		act = Activation{}
	}
	t := newBatchNormGrad(x, dy, gamma, beta, mean, invstd, dx, dgamma, dbeta, act)
	wantLen("BatchNormGrad", "sums", len(sums), Blocks(x.C))
	t.plan(&x, 2)
	t.partial = append(t.partial[:0], sums...)
	for b := range t.blocks {
		t.finish(b, b, b+1)
	}
	t.walk(p, t, 0, t.blocks, 3)
	t.done()
}

// NormedInput sets n to what [Conv].DataGradSummed has to know of a batch normalisation of x.
func NormedInput(n *Normed, x Act, gamma, beta, mean, invstd []float32, act Activation) {
	n.X, n.Act = x, act
	n.Affines = grown(n.Affines, Blocks(x.C))
	for b := range n.Affines {
		n.Affines[b] = normOf(b, x.C, gamma, beta, mean, invstd)
	}
}

func newBatchNormGrad(x, dy Act, gamma, beta, mean, invstd []float32, dx Act, dgamma, dbeta []float32, act Activation) *batchNormGrad {
	const op = "BatchNormGrad"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "dy", &dy, x.N, x.C, x.H, x.W)
	wantAct(op, "dx", &dx, x.N, x.C, x.H, x.W)
	wantOptional(op, "gamma", gamma, x.C)
	wantOptional(op, "beta", beta, x.C)
	wantLen(op, "mean", len(mean), x.C)
	wantLen(op, "invstd", len(invstd), x.C)
	wantLen(op, "dgamma", len(dgamma), x.C)
	wantLen(op, "dbeta", len(dbeta), x.C)
	t := batchNormGrads.get()
	t.x, t.dy, t.dx, t.act = x, dy, dx, act
	t.gamma, t.beta, t.mean, t.invstd, t.dgamma, t.dbeta = gamma, beta, mean, invstd, dgamma, dbeta
	return t
}

// done lets go of the caller's slices.
func (t *batchNormGrad) done() {
	*t = batchNormGrad{partial: t.partial}
	batchNormGrads.put(t)
}

func (t *batchNormGrad) measure(block, from, to, part int) {
	a := normOf(block, t.x.C, t.gamma, t.beta, t.mean, t.invstd)
	s := simd.GradSums{}
	clip, clipped := t.act.Clip()
	for i := from; i < to; i++ {
		x, dy := t.in(&t.x, block, i), t.in(&t.dy, block, i)
		if !clipped {
			dx := t.in(&t.dx, block, i)
			simd.GradBehind(t.act, x, dy, dx, &a)
			dy = dx
		}
		var d, q [Block]float32
		simd.SumGrads(x, dy, &a, clip, &d, &q)
		s.Add(&d, &q)
	}
	t.partial[part] = s
}

func (t *batchNormGrad) finish(block, first, end int) {
	s := t.partial[first]
	for i := first + 1; i < end; i++ {
		s.Merge(&t.partial[i])
	}
	for j := range min(Block, t.x.C-block*Block) {
		c := block*Block + j
		t.dbeta[c] = float32(s.D[j])
		t.dgamma[c] = float32(s.Q[j] * float64(t.invstd[c]))
	}
}

func (t *batchNormGrad) apply(block, from, to int) {
	a := normOf(block, t.x.C, t.gamma, t.beta, t.mean, t.invstd)
	n := float32(t.x.N * t.pixels)
	for j := range min(Block, t.x.C-block*Block) {
		c := block*Block + j
		a.Slope[j] = -a.Scale[j] * t.invstd[c] * t.dgamma[c] / n
		a.Offset[j] = -a.Scale[j] * t.dbeta[c] / n
	}
	clip, clipped := t.act.Clip()
	dy := &t.dy
	if !clipped { // measure left the gradient behind the activation there
		dy = &t.dx
	}
	for i := from; i < to; i++ {
		simd.NormaliseGrad(t.in(&t.x, block, i), t.in(dy, block, i), t.in(&t.dx, block, i), &a, clip)
	}
}

type channelAffine struct {
	channels
	x, y         Act
	scale, shift []float32
	act          Activation
}

var channelAffines kept[channelAffine]

// ChannelAffine gives y = x·scale + shift for each channel, batch normalisation in evaluation, and then
// the activation of y. scale and shift have C elements, or are nil for ones and zeros. y may be x.
func ChannelAffine(p *Pool, x Act, scale, shift []float32, y Act, act Activation) {
	const op = "ChannelAffine"
	wantAct(op, "x", &x, x.N, x.C, x.H, x.W)
	wantAct(op, "y", &y, x.N, x.C, x.H, x.W)
	wantOptional(op, "scale", scale, x.C)
	wantOptional(op, "shift", shift, x.C)
	t := channelAffines.get()
	t.x, t.y, t.scale, t.shift, t.act = x, y, scale, shift, act
	t.plan(&x, 1)
	t.walk(p, t, 0, t.blocks, 2)
	*t = channelAffine{} // let go of the caller's slices
	channelAffines.put(t)
}

func (t *channelAffine) measure(int, int, int, int) {}
func (t *channelAffine) finish(int, int, int)       {}

func (t *channelAffine) apply(block, from, to int) {
	a := normOf(block, t.x.C, t.scale, t.shift, nil, nil)
	clip, clipped := t.act.Clip()
	for i := from; i < to; i++ {
		y := t.in(&t.y, block, i)
		simd.Normalise(t.in(&t.x, block, i), y, &a, clip)
		if !clipped {
			simd.ActivatePixels(t.act, y, t.x.C-block*Block)
		}
	}
}

type channelSums struct {
	channels
	x       Act
	sum     []float32
	partial [][Block]float64
}

var channelSumsKept kept[channelSums]

// ChannelSums gives sum, of C elements, the sum of each channel over the batch: the gradient of a bias.
func ChannelSums(p *Pool, x Act, sum []float32) {
	wantAct("ChannelSums", "x", &x, x.N, x.C, x.H, x.W)
	wantLen("ChannelSums", "sum", len(sum), x.C)
	t := channelSumsKept.get()
	t.x, t.sum = x, sum
	t.partial = grown(t.partial, t.plan(&x, 1))
	t.run(p, t, 0)
	*t = channelSums{partial: t.partial} // let go of the caller's slices
	channelSumsKept.put(t)
}

func (t *channelSums) measure(block, from, to, part int) {
	var s [Block]float64
	for i := from; i < to; i++ {
		addSums(t.in(&t.x, block, i), &s)
	}
	t.partial[part] = s
}

func (t *channelSums) finish(block, first, end int) {
	s := t.partial[first]
	for _, o := range t.partial[first+1 : end] {
		for j := range s {
			s[j] += o[j]
		}
	}
	for j := range min(Block, t.x.C-block*Block) {
		t.sum[block*Block+j] = float32(s[j])
	}
}

func (t *channelSums) apply(int, int, int) {}

// addSums adds the sums of a piece to total.
func addSums(x []float32, total *[Block]float64) {
	var s [Block]float32
	simd.SumPixels(x, &s)
	for j := range s {
		total[j] += float64(s[j])
	}
}
