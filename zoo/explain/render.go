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
func (s *Subject) Picture(x []float32) *image.RGBA { return s.Show(Plane{s.Input[1], s.Input[2], x}) }

// Show is a picture of any size as people see it.
func (s *Subject) Show(p Plane) *image.RGBA {
	c, h, w, x := s.Input[0], p.H, p.W, p.X
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	n := h * w
	at := func(plane, i int) uint8 {
		switch {
		case plane >= c:
			plane = 0 // grey
		case s.BGR && c == 3:
			plane = 2 - plane
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
	return numbersAsPicture(g, s.Input[0], h, w, extreme(g), s.BGR)
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

// numbersAsPicture shows numbers from -most to most; one channel is grey, of more the first three are colours, the first
// of them red, or blue.
func numbersAsPicture(v []float32, c, h, w int, most float64, bgr bool) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	n := h * w
	at := func(plane, i int) uint8 {
		switch {
		case c < 3:
			plane = 0
		case bgr && c == 3:
			plane = 2 - plane
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
		list = append(list, numbersAsPicture(v, c, b.H, b.W, most, b.BGR))
	}
	return list
}

// Sheet lays out the filters' pictures, a little wider than high.
func (b Bank) Sheet() *image.RGBA {
	const line = 1
	columns := int(math.Ceil(math.Sqrt(1.3 * float64(b.N))))
	rows := (b.N + columns - 1) / columns
	img := image.NewRGBA(image.Rect(0, 0, columns*(b.W+line)-line, rows*(b.H+line)-line))
	draw.Draw(img, img.Rect, image.White, image.Point{}, draw.Src)
	for i, p := range b.Pictures() {
		at := image.Pt(i%columns*(b.W+line), i/columns*(b.H+line))
		draw.Draw(img, image.Rectangle{at, at.Add(p.Rect.Size())}, p, image.Point{}, draw.Src)
	}
	return img
}

// Patches lays out what of their images excited a feature, and what a deconvnet makes of each: the patches alone, in
// so many columns, and with one size for all.
func (s *Subject) Patches(list []Excitement, columns int) (projections, patches *image.RGBA) {
	cellH, cellW := 1, 1
	for _, e := range list {
		cellH, cellW = max(cellH, e.Patch.Y1-e.Patch.Y0), max(cellW, e.Patch.X1-e.Patch.X0)
	}
	const line = 1
	columns = min(max(columns, 1), max(len(list), 1))
	rows := max((len(list)+columns-1)/columns, 1)
	size := image.Rect(0, 0, columns*(cellW+line)-line, rows*(cellH+line)-line)
	projections, patches = image.NewRGBA(size), image.NewRGBA(size)
	draw.Draw(projections, size, image.White, image.Point{}, draw.Src)
	draw.Draw(patches, size, image.White, image.Point{}, draw.Src)
	for i, e := range list {
		at := image.Pt(i%columns*(cellW+line), i/columns*(cellH+line))
		from := image.Pt(e.Patch.X0, e.Patch.Y0)
		to := image.Rectangle{at, at.Add(image.Pt(e.Patch.X1-e.Patch.X0, e.Patch.Y1-e.Patch.Y0))}
		draw.Draw(projections, to, s.Gradient(e.Pixels), from, draw.Src)
		draw.Draw(patches, to, s.Picture(e.Picture), from, draw.Src)
	}
	return projections, patches
}

// Paletted is a picture in 256 colours, as an animation needs them: exact if it is grey. Nil is one without
// pixels.
func Paletted(img image.Image) *image.Paletted {
	if img == nil {
		img = image.NewGray(image.Rectangle{})
	}
	if grey := greys(img); grey != nil {
		return grey
	}
	p := image.NewPaletted(img.Bounds(), palette.Plan9)
	draw.FloydSteinberg.Draw(p, p.Bounds(), img, img.Bounds().Min)
	return p
}

// greys is a picture without colours in its own greys, or nil.
func greys(img image.Image) *image.Paletted {
	b := img.Bounds()
	p := image.NewPaletted(b, nil)
	for v := range 256 {
		p.Palette = append(p.Palette, color.Gray{uint8(v)})
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := img.At(x, y).RGBA()
			if r != g || g != bl {
				return nil
			}
			p.SetColorIndex(x, y, uint8(r>>8))
		}
	}
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
