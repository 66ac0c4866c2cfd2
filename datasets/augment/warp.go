package augment

import (
	"math"
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

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
	g := &s.warp
	g.grow(w)
	g.gauss(t.Sigma)
	down, right := g.field(s.Rand, 0, h, w), g.field(s.Rand, 1, h, w)
	old := s.Renew(s.Image.Shape)
	// At most 16384 pixels and 10000 pixels' way: an int32 holds that.
	alpha := float32(t.Alpha) * subpixel
	for y := range h {
		for x := range w {
			g.y[x] = int32(y*subpixel) + int32(float32(alpha*down[y*w+x]))
			g.x[x] = int32(x*subpixel) + int32(float32(alpha*right[y*w+x]))
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
	fields [2][]float32
	noise  []float32 // with a border of zeros around it
	half   []float32 // smoothed from left to right
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
func (g *warp) row(s *Sample, old *image.Image, at int, border Border) {
	w, h, n := old.W, old.H, old.H*old.W
	to := s.Image.Pix[at*w:]
	for i := range w {
		x, y := int(g.x[i]>>8), int(g.y[i]>>8)
		fx, fy := uint32(g.x[i]&(subpixel-1)), uint32(g.y[i]&(subpixel-1))
		if x >= 0 && y >= 0 && x+1 < w && y+1 < h {
			for c := range old.C {
				above := old.Pix[c*n+y*w+x:][:2]
				below := old.Pix[c*n+y*w+x+w:][:2]
				to[c*n+i] = between(above[0], above[1], below[0], below[1], fx, fy)
			}
			continue
		}
		left, right, top, bottom := border.at(x, w), border.at(x+1, w), border.at(y, h), border.at(y+1, h)
		for c := range old.C {
			plane := old.Plane(c)
			pick := func(y, x int) uint8 {
				if y < 0 || x < 0 {
					return s.fill(border, c)
				}
				return plane[y*w+x]
			}
			to[c*n+i] = between(pick(top, left), pick(top, right), pick(bottom, left), pick(bottom, right), fx, fy)
		}
	}
}

// between interpolates: fx to the right of a and c, fy below a and b, in 1/subpixel.
func between(a, b, c, d uint8, fx, fy uint32) uint8 {
	above := uint32(a)*(subpixel-fx) + uint32(b)*fx
	below := uint32(c)*(subpixel-fx) + uint32(d)*fx
	return uint8((above*(subpixel-fy) + below*fy + 1<<15) >> 16)
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

// field fills one of the warp's fields, h×w, with smoothed noise.
func (g *warp) field(r *rand.Rand, number, h, w int) []float32 {
	if cap(g.fields[number]) < h*w {
		g.fields[number] = make([]float32, h*w)
	}
	// The noise is 0 beyond the image. From left to right the sums need a border of the kernel's
	// length at both sides, from top to bottom above and below.
	radius := len(g.kernel) - 1
	wide := w + 2*radius
	if cap(g.noise) < h*wide {
		g.noise = make([]float32, h*wide)
	}
	if cap(g.half) < (h+2*radius)*w {
		g.half = make([]float32, (h+2*radius)*w)
	}
	noise, half, to := g.noise[:h*wide], g.half[:(h+2*radius)*w], g.fields[number][:h*w]
	clear(noise)
	clear(half)
	for y := range h {
		row := noise[y*wide+radius:][:w]
		for x := range row {
			row[x] = float32(Between(r, -1, 1))
		}
	}
	for y := range h {
		convolve(half[(radius+y)*w:][:w], noise[y*wide:], g.kernel, 1)
	}
	for y := range h {
		convolve(to[y*w:][:w], half[y*w:], g.kernel, w)
	}
	return to
}

// convolve sums for each i of to the values of from around i+radius·step that are steps apart.
func convolve(to, from []float32, kernel []float32, step int) {
	radius := len(kernel) - 1
	i := 0
	for ; i+4 <= len(to); i += 4 { // four at a time, so that no sum waits for the one before
		m := from[i+radius*step:][:4]
		a, b, c, d := float32(kernel[0]*m[0]), float32(kernel[0]*m[1]), float32(kernel[0]*m[2]), float32(kernel[0]*m[3])
		for k := 1; k < len(kernel); k++ {
			v := kernel[k]
			l, r := from[i+(radius-k)*step:][:4], from[i+(radius+k)*step:][:4]
			a += float32(v * (l[0] + r[0]))
			b += float32(v * (l[1] + r[1]))
			c += float32(v * (l[2] + r[2]))
			d += float32(v * (l[3] + r[3]))
		}
		to[i], to[i+1], to[i+2], to[i+3] = a, b, c, d
	}
	for ; i < len(to); i++ {
		sum := float32(kernel[0] * from[i+radius*step])
		for k := 1; k < len(kernel); k++ {
			sum += float32(kernel[k] * (from[i+(radius-k)*step] + from[i+(radius+k)*step]))
		}
		to[i] = sum
	}
}
