package datasets

import (
	"errors"
	"fmt"
	"math"
)

// PCANoise adds to all pixels of an image one colour: the principal components of the data set's
// colours, each times its eigenvalue and a number drawn from a normal distribution of deviation Sigma,
// 0.1 in AlexNet (Krizhevsky et al. 2012, section 4.1). Pixels count from 0 to 1.
type PCANoise struct {
	Sigma float64 `param:"sigma (0,10]"`
	// PCA is the data set's. A loader computes it for a transform named in its Augment.
	PCA PCA
}

// pcaImages is the most images that components are computed from.
const pcaImages = 10000

// Fit returns the transform with the components of the source.
func (t PCANoise) Fit(src Source) (Transform, error) {
	if t.PCA.Channels > 0 {
		return t, nil
	}
	var err error
	t.PCA, err = ComputePCA(src, pcaImages)
	return t, err
}

// Apply changes the sample's colours.
func (t PCANoise) Apply(s *Sample) error {
	if t.PCA.Channels != s.Image.C {
		return fmt.Errorf("pca: components of %d channels for an image of %d: they come from Fit, or ComputePCA", t.PCA.Channels, s.Image.C)
	}
	var shift [3]float64
	for k := range t.PCA.Channels {
		a := normal(s.Rand) * t.Sigma * t.PCA.Values[k] * 255
		for c := range t.PCA.Channels {
			shift[c] += float64(a * t.PCA.Vectors[k][c])
		}
	}
	for c := range s.Image.C {
		d := int(math.Round(min(max(shift[c], -255), 255)))
		plane := s.Image.Plane(c)
		for i, p := range plane {
			plane[i] = uint8(min(max(int(p)+d, 0), 255))
		}
	}
	return nil
}

// PCA is the principal components of a data set's colours, pixels from 0 to 1: the eigenvalues of the
// covariance of its channels, the largest first, and their eigenvectors, of length 1.
type PCA struct {
	Channels int // 1 or 3
	Values   [3]float64
	Vectors  [3][3]float64
}

// ComputePCA computes the components from all pixels of at most that many images, spread evenly over
// the source.
func ComputePCA(src Source, images int) (PCA, error) {
	info := src.Info()
	p := PCA{Channels: info.Shape.C}
	if p.Channels != 1 && p.Channels != 3 {
		return PCA{}, fmt.Errorf("pca: %v has %d channels: should be 1 or 3", info, p.Channels)
	}
	all := src.Len()
	images = min(images, all)
	// Whole numbers: the sums are exact, whatever the order.
	var n uint64
	var sum [3]uint64
	var square [3][3]uint64
	var img Image
	for k := range images {
		i := int(int64(k) * int64(all) / int64(images))
		if err := src.Image(i, &img); err != nil {
			if errors.Is(err, ErrBroken) {
				continue
			}
			return PCA{}, fmt.Errorf("pca: image %d of %v: %w", i, info, err)
		}
		if img.C != p.Channels {
			return PCA{}, fmt.Errorf("pca: image %d of %v has %d channels: the source says %d", i, info, img.C, p.Channels)
		}
		n += uint64(img.H) * uint64(img.W)
		for a := range p.Channels {
			for _, v := range img.Plane(a) {
				sum[a] += uint64(v)
			}
			for b := range a + 1 {
				other := img.Plane(b)
				var s uint64
				for j, v := range img.Plane(a) {
					s += uint64(v) * uint64(other[j])
				}
				square[a][b] += s
			}
		}
	}
	if n == 0 {
		return PCA{}, fmt.Errorf("pca: %v: no pixels to compute components from", info)
	}
	var cov [3][3]float64
	for a := range p.Channels {
		for b := range a + 1 {
			cov[a][b] = (float64(square[a][b])/float64(n) - float64(sum[a])/float64(n)*(float64(sum[b])/float64(n))) / (255 * 255)
			cov[b][a] = cov[a][b]
		}
	}
	p.Values, p.Vectors = eigen(cov, p.Channels)
	return p, nil
}

// eigen returns the eigenvalues of the symmetric n×n matrix, the largest first, and the vectors that
// belong to them, by Jacobi's rotations (Crelle's Journal 30, 1846).
func eigen(m [3][3]float64, n int) (values [3]float64, vectors [3][3]float64) {
	for i := range n {
		vectors[i][i] = 1
	}
	for range 50 { // it converges within ten or so
		for p := range n {
			for q := p + 1; q < n; q++ {
				if m[p][q] == 0 {
					continue
				}
				theta := (m[q][q] - m[p][p]) / (2 * m[p][q])
				t := math.Copysign(1, theta) / (math.Abs(theta) + math.Sqrt(theta*theta+1))
				c := 1 / math.Sqrt(t*t+1)
				s := t * c
				for k := range n {
					m[k][p], m[k][q] = c*m[k][p]-s*m[k][q], s*m[k][p]+c*m[k][q]
				}
				for k := range n {
					m[p][k], m[q][k] = c*m[p][k]-s*m[q][k], s*m[p][k]+c*m[q][k]
					vectors[p][k], vectors[q][k] = c*vectors[p][k]-s*vectors[q][k], s*vectors[p][k]+c*vectors[q][k]
				}
			}
		}
	}
	for i := range n {
		values[i] = m[i][i]
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			if values[j] > values[i] {
				values[i], values[j] = values[j], values[i]
				vectors[i], vectors[j] = vectors[j], vectors[i]
			}
		}
	}
	return values, vectors
}
