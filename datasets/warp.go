package datasets

import "math"

// Rotation turns the image about its middle by an angle drawn evenly from -Degrees to Degrees, with
// bilinear interpolation (LeCun et al., Proc. IEEE 86(11), 1998, section III.C, distorts digits so).
type Rotation struct {
	Degrees float64 `param:"degrees (0,180]"`
	Fill    Border  `param:"fill"`
}

// Apply turns the sample.
func (t Rotation) Apply(s *Sample) error {
	sin, cos := math.Sincos(Between(s.Rand, -t.Degrees, t.Degrees) * math.Pi / 180)
	s.affine([4]float64{cos, -sin, sin, cos}, 0, 0, t.Fill)
	return nil
}

// Affine is the distortions of LeNet-5's training (LeCun et al. 1998, section III.C): translations,
// scaling, squeezing (narrower and higher, or the other way round) and horizontal shearing, each drawn
// evenly from minus to plus its parameter, with bilinear interpolation.
type Affine struct {
	Translate float64 `param:"translate [0,1]"` // fraction of the width and of the height
	Scale     float64 `param:"scale [0,0.9]"`   // the size becomes 1±Scale
	Squeeze   float64 `param:"squeeze [0,0.9]"` // the width becomes 1±Squeeze, the height 1 over that
	Shear     float64 `param:"shear [0,2]"`     // pixels to the side for each pixel down
	Degrees   float64 `param:"degrees [0,180]"` // a rotation besides
	Fill      Border  `param:"fill"`
}

// Apply distorts the sample.
func (t Affine) Apply(s *Sample) error {
	draw := func(x float64) float64 { return Between(s.Rand, -x, x) }
	down, right := draw(t.Translate)*float64(s.Image.H), draw(t.Translate)*float64(s.Image.W)
	scale, squeeze, shear := 1+draw(t.Scale), 1+draw(t.Squeeze), draw(t.Shear)
	sin, cos := math.Sincos(draw(t.Degrees) * math.Pi / 180)
	// From a place in the result to the one in the image: turned, then sheared, then scaled.
	x, y := 1/(scale*squeeze), squeeze/scale
	s.affine([4]float64{y * cos, -y * sin, x * (sin + shear*cos), x * (cos - shear*sin)}, down, right, t.Fill)
	return nil
}

// Elastic moves each pixel by a random field: uniform noise from -1 to 1 in both directions, smoothed
// by a Gaussian of deviation Sigma pixels whose sum is 1, times Alpha (Simard, Steinkraus & Platt,
// "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR 2003,
// section 2: 34 and 4 for digits of 29×29). Interpolation is bilinear.
type Elastic struct {
	Alpha float64 `param:"alpha (0,10000]"`
	Sigma float64 `param:"sigma [0.1,100]"`
	Fill  Border  `param:"fill"`
}

// Apply distorts the sample.
func (t Elastic) Apply(s *Sample) error {
	h, w := s.Image.H, s.Image.W
	n, g := h*w, &s.warp
	g.grow(w)
	if cap(g.field) < 3*n {
		g.field = make([]float32, 3*n)
	}
	field := [2][]float32{g.field[:n], g.field[n : 2*n]}
	g.gauss(t.Sigma)
	for _, f := range field {
		for i := range f {
			f[i] = float32(Between(s.Rand, -1, 1))
		}
		g.smooth(f, g.field[2*n:3*n], w)
	}
	old := s.Renew(s.Image.Shape)
	alpha := float32(t.Alpha) * subpixel
	for y := range h {
		for x := range w {
			// Sums of n numbers below 1 times at most 10000 stay within what warp.row takes.
			g.y[x] = int32(y*subpixel) + int32(float32(alpha*field[0][y*w+x]))
			g.x[x] = int32(x*subpixel) + int32(float32(alpha*field[1][y*w+x]))
		}
		g.row(s, old, y, t.Fill)
	}
	return nil
}

// subpixel is the number of places between two neighbouring pixels.
const subpixel = 256

// A warp is a sample's memory for moving pixels.
type warp struct {
	y, x   []int32   // of a row of the result: where each pixel comes from, in 1/subpixel
	kernel []float32 // Gaussian, its middle first
	field  []float32
}

func (g *warp) grow(width int) {
	if cap(g.y) < width {
		g.y, g.x = make([]int32, width), make([]int32, width)
	}
	g.y, g.x = g.y[:width], g.x[:width]
}

// affine takes each pixel at p from c + m·(p-c) - (down, right), c being the image's middle and m
// rows for y and x.
func (s *Sample) affine(m [4]float64, down, right float64, border Border) {
	g := &s.warp
	old := s.Renew(s.Image.Shape)
	g.grow(old.W)
	cy, cx := float64(old.H-1)/2, float64(old.W-1)/2
	place := func(v float64) int32 { return int32(math.Round(min(max(v, -1<<20), 1<<20) * subpixel)) }
	for y := range old.H {
		dy := float64(y) - cy
		for x := range g.x {
			dx := float64(x) - cx
			g.y[x] = place(cy - down + float64(m[0]*dy) + float64(m[1]*dx))
			g.x[x] = place(cx - right + float64(m[2]*dy) + float64(m[3]*dx))
		}
		g.row(s, old, y, border)
	}
}

// row fills a row of the sample's image with the pixels of old at the warp's places.
func (g *warp) row(s *Sample, old *Image, at int, border Border) {
	w, h := old.W, old.H
	for c := range old.C {
		from, to := old.Plane(c), s.Image.Plane(c)[at*w:(at+1)*w]
		fill := uint32(s.fill(border, c))
		for i := range to {
			x, y := int(g.x[i]>>8), int(g.y[i]>>8)
			fx, fy := uint32(g.x[i]&(subpixel-1)), uint32(g.y[i]&(subpixel-1))
			var a, b, p, q uint32 // the neighbours: two above, two below
			if x >= 0 && y >= 0 && x+1 < w && y+1 < h {
				two, below := from[y*w+x:][:2], from[(y+1)*w+x:][:2]
				a, b, p, q = uint32(two[0]), uint32(two[1]), uint32(below[0]), uint32(below[1])
			} else {
				pick := func(y, x int) uint32 {
					if y, x = border.at(y, h), border.at(x, w); y < 0 || x < 0 {
						return fill
					}
					return uint32(from[y*w+x])
				}
				a, b, p, q = pick(y, x), pick(y, x+1), pick(y+1, x), pick(y+1, x+1)
			}
			above, under := a*(subpixel-fx)+b*fx, p*(subpixel-fx)+q*fx
			to[i] = uint8((above*(subpixel-fy) + under*fy + 1<<15) >> 16)
		}
	}
}

// gauss makes the kernel, three deviations to each side.
func (g *warp) gauss(sigma float64) {
	radius := int(math.Ceil(3 * sigma))
	g.kernel = g.kernel[:0]
	sum := 0.0
	for i := range radius + 1 {
		v := math.Exp(-float64(i*i) / (2 * sigma * sigma))
		g.kernel = append(g.kernel, float32(v))
		if sum += v; i > 0 {
			sum += v
		}
	}
	for i := range g.kernel {
		g.kernel[i] /= float32(sum)
	}
}

// smooth convolves a field of rows of width with the kernel in both directions; it is 0 outside.
func (g *warp) smooth(field, scratch []float32, width int) {
	n := len(field)
	for at := 0; at < n; at += width {
		from, to := field[at:at+width], scratch[at:at+width]
		for i := range to {
			to[i] = float32(g.kernel[0] * from[i])
		}
		for k, v := range g.kernel[1:min(len(g.kernel), width)] {
			add(to[k+1:], from, v)
			add(to, from[k+1:], v)
		}
	}
	for i := range field {
		field[i] = float32(g.kernel[0] * scratch[i])
	}
	for k, v := range g.kernel[1:min(len(g.kernel), n/width)] {
		add(field[(k+1)*width:], scratch, v)
		add(field, scratch[(k+1)*width:], v)
	}
}

// add adds v times from to to, as far as both go.
func add(to, from []float32, v float32) {
	n := min(len(to), len(from))
	to, from = to[:n], from[:n]
	for i := range to {
		to[i] += float32(v * from[i])
	}
}
