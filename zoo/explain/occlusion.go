package explain

import (
	"context"
	"fmt"
)

// Occlusion tells how the probability of a class falls when a square of the image is covered, for each
// place of the square (Zeiler and Fergus 2013, arXiv:1311.2901, section 4.2).
type Occlusion struct {
	Class  int     // negative for the most probable one
	Size   int     // of the square's side; 0 is a quarter of the image's
	Stride int     // between its places; 0 is half of Size
	Fill   float32 // that is put over the image, prepared: 0 is the mean colour
}

// occlusionBatch is the number of covered images in a step.
const occlusionBatch = 16

// Explain returns one number for each place of the square, 1 for the image as it is less the probability
// that is left; and the class. Places reach beyond the image's border, so that each pixel is covered as
// often.
func (m Occlusion) Explain(ctx context.Context, s *Subject, x []float32) (Map, int, error) {
	if err := s.one(x); err != nil {
		return Map{}, 0, err
	}
	c, h, w := s.Input[0], s.Input[1], s.Input[2]
	if m.Size == 0 {
		m.Size = max(min(h, w)/4, 1)
	}
	if m.Stride == 0 {
		m.Stride = max(m.Size/2, 1)
	}
	if m.Size < 1 || m.Stride < 1 || m.Size > max(h, w) {
		return Map{}, 0, fmt.Errorf("occlusion: a square of %d every %d pixels on an image of %d×%d", m.Size, m.Stride, h, w)
	}
	logits, err := s.Logits(x)
	if err != nil {
		return Map{}, 0, err
	}
	of, err := class(m.Class, logits[0])
	if err != nil {
		return Map{}, 0, err
	}
	whole := probability(logits[0], of)
	ys, xs := m.places(h), m.places(w)
	out := Map{len(ys), len(xs), make([]float32, len(ys)*len(xs))}
	batch := min(occlusionBatch, len(out.V))
	p, err := s.compile(route{batch: batch})
	if err != nil {
		return Map{}, 0, err
	}
	covered := make([]float32, batch*len(x))
	for from := 0; from < len(out.V); from += batch {
		if err := ctx.Err(); err != nil {
			return Map{}, 0, err
		}
		n := min(batch, len(out.V)-from)
		for i := range n {
			one := covered[i*len(x) : (i+1)*len(x)]
			copy(one, x)
			top, left := ys[(from+i)/len(xs)], xs[(from+i)%len(xs)]
			for plane := range c {
				for y := max(top, 0); y < min(top+m.Size, h); y++ {
					for x := max(left, 0); x < min(left+m.Size, w); x++ {
						one[(plane*h+y)*w+x] = m.Fill
					}
				}
			}
		}
		if err := p.run(covered, nil); err != nil {
			return Map{}, 0, err
		}
		y := p.session.Value(p.y)
		k := len(y) / batch
		for i := range n {
			out.V[from+i] = float32(whole - probability(y[i*k:(i+1)*k], of))
		}
	}
	return out, of, nil
}

// places are where a square begins on a side of n pixels: its middle goes from one edge to the other.
func (m Occlusion) places(n int) []int {
	var list []int
	for at := -m.Size / 2; at+m.Size/2 < n; at += m.Stride {
		list = append(list, at)
	}
	return list
}
