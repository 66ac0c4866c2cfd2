package datasets

import (
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// ComputeNormalisation returns each channel's mean and standard deviation, for an [Input] where the
// source's [Info] does not know them: over all pixels of at most that many images, spread evenly over
// the source.
func ComputeNormalisation(src Source, images int) (mean, std []float32, err error) {
	if src == nil {
		return nil, nil, errNoSource
	}
	m, err := image.Measure(src, images)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: %w", src.Info(), err)
	}
	for c := range m.Channels {
		mean = append(mean, float32(m.Mean(c)))
		s := math.Sqrt(max(m.Covariance(c, c), 0))
		if s == 0 {
			s = 1 // a channel of one value has nothing to divide by
		}
		std = append(std, float32(s))
	}
	return mean, std, nil
}
