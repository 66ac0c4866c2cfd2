package simd

// Moments are the count, mean and sum of squared distances from the mean, of values of sixteen channels.
type Moments struct {
	N        float64
	Mean, M2 [Block]float64
}

// Add takes in n values whose distances from shift sum to d, and the squares of these to q.
func (s *Moments) Add(n int, shift, d, q *[Block]float32) {
	inv := 1 / float64(n)
	share := float64(n) / (s.N + float64(n))
	for j := range s.Mean {
		dj := float64(d[j])
		away := float64(shift[j]) + float64(dj*inv) - s.Mean[j]
		s.Mean[j] += float64(away * share)
		s.M2[j] += max(0, float64(q[j])-float64(dj*dj*inv)) + float64(away*away*share*s.N)
	}
	s.N += float64(n)
}

// Merge takes in the values of o.
func (s *Moments) Merge(o *Moments) {
	share := o.N / (s.N + o.N)
	for j := range s.Mean {
		away := o.Mean[j] - s.Mean[j]
		s.Mean[j] += float64(away * share)
		s.M2[j] += o.M2[j] + float64(away*away*share*s.N)
	}
	s.N += o.N
}

// GradSums are the sums of dy, and of dy·(x − Mean) of an [Affine], of sixteen channels.
type GradSums struct{ D, Q [Block]float64 }

// Add takes in sums of some pixels.
func (s *GradSums) Add(d, q *[Block]float32) {
	for j := range s.D {
		s.D[j] += float64(d[j])
		s.Q[j] += float64(q[j])
	}
}

// Merge takes in the sums of o.
func (s *GradSums) Merge(o *GradSums) {
	for j := range s.D {
		s.D[j] += o.D[j]
		s.Q[j] += o.Q[j]
	}
}
