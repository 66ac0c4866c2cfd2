package augment

import (
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// PCANoise adds to all pixels of an image one colour: the principal components of the data set's
// colours, each times its eigenvalue and a number drawn from a normal distribution of deviation Sigma,
// 0.1 in AlexNet (Krizhevsky et al. 2012, section 4.1). Pixels count from 0 to 1.
type PCANoise struct {
	Sigma float64 `param:"sigma (0,10]"`
	// PCA is the data set's. Fit computes it.
	PCA PCA
}

// pcaImages is the most images that components are computed from.
const pcaImages = 10000

// Fit returns the transform with the components of the source.
func (t PCANoise) Fit(src image.List) (Transform, error) {
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
func ComputePCA(src image.List, images int) (PCA, error) {
	m, err := image.Measure(src, images)
	if err != nil {
		return PCA{}, fmt.Errorf("pca: %w", err)
	}
	p := PCA{Channels: m.Channels}
	var cov [3][3]float64
	for a := range m.Channels {
		for b := range a + 1 {
			cov[a][b] = m.Covariance(a, b)
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
