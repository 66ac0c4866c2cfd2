package explain

import (
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"math"
	"slices"

	xdraw "golang.org/x/image/draw"
)

// Picture is a prepared image as people see it.
func (s *Subject) Picture(x []float32) *image.RGBA {
	c, h, w := s.Input[0], s.Input[1], s.Input[2]
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	n := h * w
	at := func(plane, i int) uint8 {
		if plane >= c {
			plane = 0 // grey
		}
		mean, std := s.norm(plane)
		return bright(float64(x[plane*n+i]*std + mean))
	}
	for i := range n {
		img.SetRGBA(i%w, i/w, color.RGBA{at(0, i), at(1, i), at(2, i), 255})
	}
	return img
}

// bright is the byte of a value between 0 and 1.
func bright(v float64) uint8 { return uint8(math.Round(255 * min(max(v, 0), 1))) }

// Gradient shows C×H×W numbers around zero: grey is zero, and the most extreme of all but one in a hundred
// are as dark or bright as can be.
func (s *Subject) Gradient(g []float32) *image.RGBA {
	h, w := s.Input[1], s.Input[2]
	return numbersAsPicture(g, s.Input[0], h, w, extreme(g))
}

// extreme is what only one number in a hundred exceeds, without its sign.
func extreme(v []float32) float64 {
	abs := make([]float64, len(v))
	for i, x := range v {
		abs[i] = math.Abs(float64(x))
	}
	slices.Sort(abs)
	if len(abs) == 0 {
		return 0
	}
	if e := abs[len(abs)*99/100]; e > 0 {
		return e
	}
	return abs[len(abs)-1]
}

// numbersAsPicture shows numbers from -most to most; one channel is grey, of more the first three are colours.
func numbersAsPicture(v []float32, c, h, w int, most float64) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	n := h * w
	at := func(plane, i int) uint8 {
		if c < 3 {
			plane = 0
		}
		if most == 0 {
			return 128
		}
		return bright(0.5 + 0.5*float64(v[plane*n+i])/most)
	}
	for i := range n {
		img.SetRGBA(i%w, i/w, color.RGBA{at(0, i), at(1, i), at(2, i), 255})
	}
	return img
}

// Heat shows a map, its least as black and its largest as white.
func (m Map) Heat() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	low, high := slices.Min(m.V), slices.Max(m.V)
	for i, v := range m.V {
		part := 0.0
		if high > low {
			part = float64(v-low) / float64(high-low)
		}
		img.SetRGBA(i%m.W, i/m.W, heat(part))
	}
	return img
}

// Grey shows a map from black, its least, to white.
func (m Map) Grey() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, m.W, m.H))
	low, high := slices.Min(m.V), slices.Max(m.V)
	for i, v := range m.V {
		b := uint8(0)
		if high > low {
			b = bright(float64(v-low) / float64(high-low))
		}
		img.SetRGBA(i%m.W, i/m.W, color.RGBA{b, b, b, 255})
	}
	return img
}

// Overlay lays a map over a picture: what the map says nothing of stays grey and dim.
func (m Map) Overlay(picture image.Image) *image.RGBA {
	b := picture.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	r := m.Resize(b.Dy(), b.Dx())
	low, high := min(slices.Min(r.V), 0), slices.Max(r.V)
	for i, v := range r.V {
		part := 0.0
		if high > low {
			part = float64(v-low) / float64(high-low)
		}
		x, y := i%r.W, i/r.W
		over := heat(part)
		under := color.GrayModel.Convert(picture.At(b.Min.X+x, b.Min.Y+y)).(color.Gray).Y
		mix := func(o uint8) uint8 { return uint8(math.Round(0.5*float64(o) + 0.5*float64(under))) }
		out.SetRGBA(x, y, color.RGBA{mix(over.R), mix(over.G), mix(over.B), 255})
	}
	return out
}

// heat is a colour from black over purple and orange to pale yellow, whose brightness grows evenly, as in
// matplotlib's inferno.
func heat(v float64) color.RGBA {
	stops := [][3]float64{{0, 0, 4}, {40, 11, 84}, {101, 21, 110}, {159, 42, 99}, {212, 72, 66}, {245, 125, 21}, {250, 193, 39}, {252, 255, 164}}
	at := min(max(v, 0), 1) * float64(len(stops)-1)
	i := min(int(at), len(stops)-2)
	part := at - float64(i)
	mix := func(k int) uint8 { return uint8(math.Round(stops[i][k]*(1-part) + stops[i+1][k]*part)) }
	return color.RGBA{mix(0), mix(1), mix(2), 255}
}

// Pictures shows each filter: those of three channels in colour, others by their channels' mean. All share
// one scale.
func (b Bank) Pictures() []*image.RGBA {
	most := 0.0
	for _, v := range b.V {
		most = max(most, math.Abs(float64(v)))
	}
	var list []*image.RGBA
	n := b.C * b.H * b.W
	for f := range b.N {
		v, c := b.V[f*n:(f+1)*n], b.C
		if c != 3 {
			mean := make([]float32, b.H*b.W)
			for i, x := range v {
				mean[i%len(mean)] += x / float32(c)
			}
			v, c = mean, 1
		}
		list = append(list, numbersAsPicture(v, c, b.H, b.W, most))
	}
	return list
}

// Paletted is a picture in 256 colours, as an animation needs them.
func Paletted(img image.Image) *image.Paletted {
	p := image.NewPaletted(img.Bounds(), palette.Plan9)
	draw.FloydSteinberg.Draw(p, p.Bounds(), img, img.Bounds().Min)
	return p
}

// enlarge makes a picture at least side pixels wide and high: small ones by a whole number, so that pixels
// stay squares.
func enlarge(img image.Image, side int) image.Image {
	b := img.Bounds()
	times := max(side/max(b.Dx(), b.Dy(), 1), 1)
	if times == 1 {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, b.Dx()*times, b.Dy()*times))
	xdraw.NearestNeighbor.Scale(out, out.Bounds(), img, b, draw.Src, nil)
	return out
}
