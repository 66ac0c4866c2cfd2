package augment

import (
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// ColorJitter changes brightness, contrast and saturation, in a random order, each by a factor drawn
// evenly from 1-x to 1+x (not below 0) of its parameter x (Howard, "Some Improvements on Deep Convolutional
// Neural Network Based Image Classification", arXiv:1312.5402, section 2.2). Each is byte for byte
// Pillow's ImageEnhance, which torchvision uses.
type ColorJitter struct {
	Brightness float64 `param:"brightness [0,10]"`
	Contrast   float64 `param:"contrast [0,10]"`
	Saturation float64 `param:"saturation [0,10]"`
}

// Apply changes the sample's colours. An image of one channel has no saturation.
func (t ColorJitter) Apply(s *Sample) error {
	var factor [3]float32
	order := [3]int{0, 1, 2}
	for i, x := range [3]float64{t.Brightness, t.Contrast, t.Saturation} {
		factor[i] = float32(Between(s.Rand, max(0, 1-x), 1+x))
		j := Below(s.Rand, i+1)
		order[i], order[j] = order[j], order[i]
	}
	for _, i := range order {
		switch {
		case factor[i] == 1:
		case i == 0:
			blend(s.Image.Pix, 0, factor[i])
		case i == 1:
			blend(s.Image.Pix, meanGrey(s.Image), factor[i])
		case s.Image.C == 3:
			saturate(s.Image, factor[i])
		}
	}
	return nil
}

// blend moves all bytes from v: by factor 0 they become v, by 1 they stay, above 1 they go further.
func blend(pix []uint8, v uint8, factor float32) {
	var table [256]uint8
	for b := range table {
		table[b] = mixed(v, uint8(b), factor)
	}
	for i, b := range pix {
		pix[i] = table[b]
	}
}

// mixed is Pillow's Image.blend for a byte: a + factor·(b-a), cut off to a whole number and to 0…255.
func mixed(a, b uint8, factor float32) uint8 {
	v := int32(float32(a) + float32(factor*float32(int32(b)-int32(a))))
	return uint8(min(max(v, 0), 255))
}

// meanGrey is the mean brightness, rounded.
func meanGrey(m *image.Image) uint8 {
	var sum uint64
	if m.C == 3 {
		r, g, b := m.Plane(0), m.Plane(1), m.Plane(2)
		for i := range r {
			sum += uint64(image.Grey(r[i], g[i], b[i]))
		}
	} else {
		for _, v := range m.Plane(0) {
			sum += uint64(v)
		}
	}
	return uint8(math.Floor(float64(sum)/float64(max(m.H*m.W, 1)) + .5))
}

func saturate(m *image.Image, factor float32) {
	r, g, b := m.Plane(0), m.Plane(1), m.Plane(2)
	for i := range r {
		l := image.Grey(r[i], g[i], b[i])
		r[i], g[i], b[i] = mixed(l, r[i], factor), mixed(l, g[i], factor), mixed(l, b[i], factor)
	}
}
