package image

import (
	"errors"
	"fmt"
)

// A List is images that can be read one by one.
type List interface {
	Len() int
	Image(i int, dst *Image) error
}

// Moments are sums over the pixels of images, in whole numbers: exact, whatever the order.
type Moments struct {
	Channels int // 1 or 3

	pixels  uint64
	sum     [3]uint64
	product [3][3]uint64 // of two channels; the lower triangle
}

// Measure sums over at most that many images, spread evenly over the list. Broken ones are left out.
func Measure(src List, images int) (m Moments, err error) {
	if src == nil {
		return m, errors.New("no images: the list is nil")
	}
	all := src.Len()
	images = min(images, all)
	var img Image
	for k := range images {
		i := int(int64(k) * int64(all) / int64(images))
		if err := src.Image(i, &img); errors.Is(err, ErrBroken) {
			continue
		} else if err != nil {
			return m, fmt.Errorf("image %d: %w", i, err)
		}
		if m.Channels == 0 {
			m.Channels = img.C
		}
		if img.C != 1 && img.C != 3 || img.C != m.Channels {
			return m, fmt.Errorf("image %d has %d channels: all should have 1, or all 3", i, img.C)
		}
		m.pixels += uint64(img.H) * uint64(img.W)
		for a := range m.Channels {
			one := img.Plane(a)
			for _, v := range one {
				m.sum[a] += uint64(v)
			}
			for b := range a + 1 {
				other := img.Plane(b)[:len(one)]
				var s uint64
				for j, v := range one {
					s += uint64(v) * uint64(other[j])
				}
				m.product[a][b] += s
			}
		}
	}
	if m.pixels == 0 {
		return m, errors.New("there are no pixels to sum")
	}
	return m, nil
}

// Mean is channel a's, pixels from 0 to 1.
func (m *Moments) Mean(a int) float64 { return float64(m.sum[a]) / float64(m.pixels) / 255 }

// Covariance is that of channels a and b.
func (m *Moments) Covariance(a, b int) float64 {
	a, b = max(a, b), min(a, b)
	return float64(m.product[a][b])/float64(m.pixels)/(255*255) - float64(m.Mean(a)*m.Mean(b))
}
