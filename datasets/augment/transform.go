package augment

import (
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Transform changes a sample on its way from the source to the batch: an augmentation, a crop. The
// loader applies its transforms in their order to the image in bytes as the source gave it, and
// resizes the result to the network's input if it still has another size.
//
// What it draws must not depend on math/rand/v2's own functions but for Uint64, if runs are to be
// repeatable with later versions of Go: see [Below] and [Between].
//
// Apply is called from several goroutines at once, each with a sample of its own. Whatever it does
// must follow from the sample alone; what is random comes from the sample's Rand.
type Transform interface {
	Apply(s *Sample) error
}

// A Sample is one image in the hands of the transforms.
type Sample struct {
	Index int // in the source
	Epoch int
	Label int
	// Rand is this sample's in this epoch: a function of (seed, epoch, index).
	Rand *rand.Rand
	// Image may be changed in place.
	Image *image.Image
	// Input is the shape that the network takes; zero if it is not known.
	Input image.Shape

	mean   []uint8 // of the data set, a byte for each of the input's channels
	spare  *image.Image
	pcg    rand.PCG
	resize image.Resizer
	warp   warp
}

// Renew makes Image a new one of that shape, of undefined pixels, and returns the one that it was, to
// draw from until the next call. Neither is allocated anew in the steady state.
func (s *Sample) Renew(shape image.Shape) (old *image.Image) {
	s.Image, s.spare = s.spare, s.Image
	s.Image.Reset(shape)
	return s.spare
}

// Scale makes the image height × width pixels, as [image.Resizer] does.
func (s *Sample) Scale(height, width int) error {
	if s.Image.H == height && s.Image.W == width {
		return nil
	}
	old := s.Renew(image.Shape{C: s.Image.C, H: height, W: width})
	return s.resize.Resize(s.Image, old)
}

// fill is what stands in channel c for a pixel that is not there, of the borders that are one value.
func (s *Sample) fill(b Border, c int) uint8 {
	switch {
	case b != Mean:
		return 0
	case len(s.mean) == 0:
		return 128
	}
	return s.mean[min(c, len(s.mean)-1)]
}

// NewSample returns one for transforms to work on, of a network that takes such an input; mean is each
// channel's over the data set, from 0 to 1, if it is known.
func NewSample(input image.Shape, mean []float32) *Sample {
	s := &Sample{Image: new(image.Image), spare: new(image.Image), Input: input}
	for _, m := range mean {
		s.mean = append(s.mean, uint8(min(max(m*255+.5, 0), 255)))
	}
	s.Rand = rand.New(&s.pcg)
	return s
}

// Reseed makes Rand the one of the sample's epoch and a place in it: its index, where a sample comes once.
func (s *Sample) Reseed(seed uint64, place int) { ForSample.Seed(&s.pcg, seed, s.Epoch, place) }

// A Purpose is one of the streams of random numbers that a seed gives.
type Purpose uint64

// The streams: one for an epoch's order, one for each sample, one for what is done to a batch as a whole,
// one for what a balanced epoch draws of each class.
const (
	ForOrder   Purpose = 0x6f72646572 // "order"
	ForSample  Purpose = 0x73616d706c // "sampl"
	ForBatch   Purpose = 0x6261746368 // "batch"
	ForBalance Purpose = 0x62616c616e // "balan"
)

// Seed starts the stream that belongs to (seed, purpose, epoch, index).
func (k Purpose) Seed(p *rand.PCG, seed uint64, epoch, index int) {
	h := SplitMix(SplitMix(SplitMix(seed)^uint64(k)) + uint64(epoch))
	p.Seed(h, SplitMix(h+uint64(index)))
}

// SplitMix is the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) after its step, so that
// neighbouring seeds give streams that have nothing to do with each other.
func SplitMix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
