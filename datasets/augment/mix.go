package augment

import (
	"math"
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Batch is what mixers change of one: its images and what they are.
type Batch struct {
	N      int         // images in it
	Images []float32   // N×C×H×W, or more where each has several views
	Labels []float32   // N classes
	Shape  image.Shape // of each image

	// Second and Weight are what mixers made of the labels: image i is of class Labels[i] by the weight
	// Weight[i] and of class Second[i] by the rest. Without mixers they are nil.
	Second, Weight []float32
}

// A Mixer changes a whole batch when all of its images are there, and says in Second and Weight what
// each image is now. It draws from r alone, which belongs to (seed, epoch, number of the batch), as a
// [Transform] draws from its sample's.
type Mixer interface {
	Mix(b *Batch, r *rand.Rand) error
}

// Mixup blends the images of a batch, two and two, as much of one as λ and of the other the rest: λ is
// one number for the batch, of the distribution Beta(Alpha, Alpha) (Zhang et al., "mixup: Beyond Empirical Risk
// Minimization", arXiv:1710.09412: alpha 1 for CIFAR-10, 0.2 for ImageNet). Image i and the i-th from
// the end are a pair, which is chance enough where the epoch is shuffled. The middle one of an odd
// number stays as it is.
type Mixup struct {
	Alpha float64 `param:"alpha (0,100]"`
	P     float64 `param:"p (0,1]"` // probability that a batch is mixed
}

// Mix blends the batch's images.
func (t Mixup) Mix(b *Batch, r *rand.Rand) error {
	if !Chance(r, t.P) {
		return nil
	}
	lambda := float32(beta(r, t.Alpha))
	b.pair(lambda, func(one, other []float32) {
		rest := 1 - lambda
		for k, x := range one {
			y := other[k]
			one[k], other[k] = float32(lambda*x)+float32(rest*y), float32(lambda*y)+float32(rest*x)
		}
	})
	return nil
}

// CutMix puts a rectangle of one image into another, for the images of a batch two and two, and weighs
// their labels by the areas: the rectangle is as large as 1-λ, of Beta(Alpha, Alpha), and its middle is
// anywhere, so that parts of it may lie outside (Yun et al., "CutMix: Regularization Strategy to Train
// Strong Classifiers with Localizable Features", arXiv:1905.04899). Pairs are as in [Mixup].
type CutMix struct {
	Alpha float64 `param:"alpha (0,100]"`
	P     float64 `param:"p (0,1]"` // probability that a batch is mixed
}

// Mix exchanges rectangles of the batch's images.
func (t CutMix) Mix(b *Batch, r *rand.Rand) error {
	if !Chance(r, t.P) {
		return nil
	}
	h, w := b.Shape.H, b.Shape.W
	side := math.Sqrt(1 - beta(r, t.Alpha))
	ch, cw := int(float64(h)*side), int(float64(w)*side)
	y, x := Below(r, h)-ch/2, Below(r, w)-cw/2
	top, bottom, left, right := max(y, 0), min(y+ch, h), max(x, 0), min(x+cw, w)
	b.pair(1-float32((bottom-top)*(right-left))/float32(h*w), func(one, other []float32) {
		for c := range b.Shape.C {
			for row := top; row < bottom; row++ {
				from, to := (c*h+row)*w+left, (c*h+row)*w+right
				for k := from; k < to; k++ {
					one[k], other[k] = other[k], one[k]
				}
			}
		}
	})
	return nil
}

// pair calls mix for each image and its partner, and notes that weight of each is its own.
func (b *Batch) pair(weight float32, mix func(one, other []float32)) {
	n := b.Shape.Len()
	for i, j := 0, b.N-1; i < j; i, j = i+1, j-1 {
		mix(b.Images[i*n:(i+1)*n], b.Images[j*n:(j+1)*n])
		b.Second[i], b.Second[j] = b.Labels[j], b.Labels[i]
		b.Weight[i], b.Weight[j] = weight, weight
	}
}

// Targets writes the probabilities that a network should give the batch's images to dst, N×classes,
// smoothed: that part of each goes evenly to all classes (Szegedy et al., arXiv:1512.00567, section 7).
// Labels must be below classes, and dst long enough.
func (b *Batch) Targets(dst []float32, classes int, smoothing float32) {
	dst = dst[:b.N*classes]
	for i := range dst {
		dst[i] = smoothing / float32(classes)
	}
	for i, l := range b.Labels {
		row := dst[i*classes : (i+1)*classes]
		if b.Weight == nil {
			row[int(l)] += 1 - smoothing
			continue
		}
		row[int(l)] += float32((1 - smoothing) * b.Weight[i])
		row[int(b.Second[i])] += float32((1 - smoothing) * (1 - b.Weight[i]))
	}
}
