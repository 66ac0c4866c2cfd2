package baduk

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	paint "image/draw"
	"math"
)

// Picture draws the position, scale pixels from line to line,: the corner
// that SGF calls "aa" is at the top left. Heat, if not nil, are size² numbers from 0 to 1, such as a
// policy's probabilities: each empty point gets a red square whose strength is the square root, so that
// 1 % is still seen. Mark, if it is a point, gets a blue frame; the last move a dot.
func Picture(b *Board, heat []float32, mark Point, scale int) (*image.RGBA, error) {
	size := b.size
	switch {
	case scale < 8 || scale > 200:
		return nil, fmt.Errorf("picture: scale %d: should be from 8 to 200 pixels", scale)
	case heat != nil && len(heat) != b.points:
		return nil, fmt.Errorf("picture: %d probabilities for %d points", len(heat), b.points)
	}
	for _, h := range heat {
		if !(h >= 0 && h <= 1.001) {
			return nil, errors.New("picture: probabilities should be from 0 to 1")
		}
	}
	img := image.NewRGBA(image.Rect(0, 0, size*scale, size*scale))
	fill := func(r image.Rectangle, c color.Color) {
		paint.Draw(img, r, image.NewUniform(c), image.Point{}, paint.Over)
	}
	center := func(p Point) image.Point {
		x, y := p.XY(size)
		return image.Pt(x*scale+scale/2, y*scale+scale/2)
	}
	disc := func(at image.Point, radius float64, c color.Color) {
		m := discMask(radius)
		r := m.Bounds().Sub(m.Bounds().Size().Div(2)).Add(at)
		paint.DrawMask(img, r, image.NewUniform(c), image.Point{}, m, image.Point{}, paint.Over)
	}

	fill(img.Bounds(), color.RGBA{222, 184, 120, 255})
	line := color.RGBA{80, 60, 30, 255}
	first, last := scale/2, (size-1)*scale+scale/2
	for i := range size {
		at := i*scale + scale/2
		fill(image.Rect(first, at, last+1, at+1), line)
		fill(image.Rect(at, first, at+1, last+1), line)
	}
	for p := range Point(b.points) {
		at := center(p)
		cell := image.Rect(-scale/2, -scale/2, scale-scale/2, scale-scale/2).Add(at)
		switch {
		case b.color[p] == Black:
			disc(at, 0.47*float64(scale), color.Gray{20})
		case b.color[p] == White:
			disc(at, 0.47*float64(scale), line)
			disc(at, 0.47*float64(scale)-1, color.Gray{245})
		case heat != nil:
			fill(cell, color.NRGBA{220, 20, 20, uint8(math.Round(230 * math.Sqrt(float64(min(heat[p], 1)))))})
		}
		if p == b.last {
			disc(at, 0.15*float64(scale), color.RGBA{230, 60, 40, 255})
		}
		if p == mark {
			blue, w := color.RGBA{20, 60, 230, 255}, max(scale/12, 1)
			fill(image.Rect(cell.Min.X, cell.Min.Y, cell.Max.X, cell.Min.Y+w), blue)
			fill(image.Rect(cell.Min.X, cell.Max.Y-w, cell.Max.X, cell.Max.Y), blue)
			fill(image.Rect(cell.Min.X, cell.Min.Y, cell.Min.X+w, cell.Max.Y), blue)
			fill(image.Rect(cell.Max.X-w, cell.Min.Y, cell.Max.X, cell.Max.Y), blue)
		}
	}
	return img, nil
}

// discMask is a disc with soft edges.
func discMask(radius float64) *image.Alpha {
	half := int(math.Ceil(radius)) + 1
	m := image.NewAlpha(image.Rect(0, 0, 2*half+1, 2*half+1))
	for y := range 2*half + 1 {
		for x := range 2*half + 1 {
			d := radius - math.Hypot(float64(x-half), float64(y-half)) + 0.5
			m.SetAlpha(x, y, color.Alpha{uint8(255 * min(max(d, 0), 1))})
		}
	}
	return m
}
