package datasets

import (
	"errors"
	"fmt"
	"math"
)

// pixelSums are sums over the pixels of some of a source's images, in whole numbers: exact, whatever the
// order.
type pixelSums struct {
	channels int
	pixels   uint64
	sum      [3]uint64
	product  [3][3]uint64 // of two channels; the lower triangle
}

// sumPixels sums at most that many images, spread evenly over the source. Broken ones are left out.
func sumPixels(src Source, images int) (m pixelSums, err error) {
	info := src.Info()
	if m.channels = info.Shape.C; m.channels != 1 && m.channels != 3 {
		return m, fmt.Errorf("%v has %d channels: should have 1 or 3", info, m.channels)
	}
	all := src.Len()
	images = min(images, all)
	var img Image
	for k := range images {
		i := int(int64(k) * int64(all) / int64(images))
		if err := src.Image(i, &img); errors.Is(err, ErrBroken) {
			continue
		} else if err != nil {
			return m, fmt.Errorf("image %d of %v: %w", i, info, err)
		}
		if img.C != m.channels {
			return m, fmt.Errorf("image %d of %v has %d channels: the source says %d", i, info, img.C, m.channels)
		}
		m.pixels += uint64(img.H) * uint64(img.W)
		for a := range m.channels {
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
		return m, fmt.Errorf("%v: there are no pixels to sum", info)
	}
	return m, nil
}

// mean is channel a's, pixels from 0 to 1.
func (m *pixelSums) mean(a int) float64 { return float64(m.sum[a]) / float64(m.pixels) / 255 }

// covariance is that of channels a and b, a not below b.
func (m *pixelSums) covariance(a, b int) float64 {
	return float64(m.product[a][b])/float64(m.pixels)/(255*255) - float64(m.mean(a)*m.mean(b))
}

// ComputeNormalisation returns each channel's mean and standard deviation, for an [Input] where the
// source's [Info] does not know them: over all pixels of at most that many images, spread evenly over
// the source.
func ComputeNormalisation(src Source, images int) (mean, std []float32, err error) {
	m, err := sumPixels(src, images)
	if err != nil {
		return nil, nil, err
	}
	for c := range m.channels {
		mean = append(mean, float32(m.mean(c)))
		s := math.Sqrt(max(m.covariance(c, c), 0))
		if s == 0 {
			s = 1 // a channel of one value has nothing to divide by
		}
		std = append(std, float32(s))
	}
	return mean, std, nil
}
