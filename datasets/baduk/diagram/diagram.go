// Package diagram draws positions of Go as pictures: [Draw]. It is apart from package baduk since it needs a font
// (golang.org/x/image), which those who play have no use for.
//
// # Adding one
//
// Another mark is a field of [Marks] and a few lines in Draw, in the order in which things cover each other.
package diagram

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	paint "image/draw"
	"math"
	"strconv"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Marks are what a picture shows beside the stones and the last move's dot.
type Marks struct {
	// Heat, if not nil, are size² numbers from 0 to 1, such as a policy's probabilities. An empty point gets a red
	// square whose strength is the square root, so that 1 % is still seen, and from 1 % on its percentage; the
	// largest a green ring: the first choice.
	Heat []float32
	// Played gets a blue frame, if it is a point: the move that comes next. It is [baduk.None] for none.
	Played baduk.Point
}

// Draw draws the position, scale pixels from line to line, with GTP's coordinates at the edge and the star points. The
// corner that SGF calls "aa" is at the top left. The picture is size+2 times as wide and high as the scale.
func Draw(b *baduk.Board, m Marks, scale int) (*image.RGBA, error) {
	size := b.Size()
	switch {
	case size == 0:
		return nil, errors.New("picture: there is no board")
	case scale < 8 || scale > 200:
		return nil, fmt.Errorf("picture: scale %d: should be from 8 to 200 pixels", scale)
	case m.Heat != nil && len(m.Heat) != b.Points():
		return nil, fmt.Errorf("picture: %d probabilities for %d points", len(m.Heat), b.Points())
	}
	first := baduk.None
	for i, h := range m.Heat {
		if !(h >= 0 && h <= 1.001) {
			return nil, errors.New("picture: probabilities should be from 0 to 1")
		}
		if p := baduk.Point(i); b.Color(p) == baduk.Empty && h > 0 && (first == baduk.None || h > m.Heat[first]) {
			first = p
		}
	}
	c, err := newCanvas(size, scale)
	if err != nil {
		return nil, err
	}
	c.grid()
	for p := range baduk.Point(b.Points()) {
		at := c.center(p)
		switch {
		case b.Color(p) == baduk.Black:
			c.disc(at, 0.47*float64(scale), ink)
		case b.Color(p) == baduk.White:
			c.disc(at, 0.47*float64(scale), line)
			c.disc(at, 0.47*float64(scale)-1, color.Gray{245})
		case m.Heat != nil:
			h := float64(min(m.Heat[p], 1))
			c.fill(c.cell(at), color.NRGBA{220, 20, 20, uint8(math.Round(230 * math.Sqrt(h)))})
			if p == first {
				c.ring(at, 0.47*float64(scale), green)
			}
			if percent := int(math.Round(100 * h)); percent >= 1 && scale >= 16 {
				c.write(strconv.Itoa(percent), at, ink)
			}
		}
		if p == b.Last() {
			c.disc(at, 0.15*float64(scale), color.RGBA{230, 60, 40, 255})
		}
		if p == m.Played {
			c.frame(c.cell(at), blue)
		}
	}
	return c.img, nil
}

var (
	wood  = color.RGBA{222, 184, 120, 255}
	line  = color.RGBA{80, 60, 30, 255}
	ink   = color.Gray{20}
	blue  = color.RGBA{20, 60, 230, 255}
	green = color.RGBA{10, 130, 40, 255}
)

// A canvas is a picture of a board, with a margin of one cell.
type canvas struct {
	img         *image.RGBA
	size, scale int
	face        font.Face
}

// regular is parsed once.
var regular = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(goregular.TTF) })

func newCanvas(size, scale int) (*canvas, error) {
	f, err := regular()
	if err != nil {
		return nil, err
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 0.42 * float64(scale), DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return nil, err
	}
	c := &canvas{image.NewRGBA(image.Rect(0, 0, (size+2)*scale, (size+2)*scale)), size, scale, face}
	c.fill(c.img.Bounds(), wood)
	return c, nil
}

func (c *canvas) fill(r image.Rectangle, with color.Color) {
	paint.Draw(c.img, r, image.NewUniform(with), image.Point{}, paint.Over)
}

// middle is that of a cell, counted from the corner of the board: -1 and size are the margins.
func (c *canvas) middle(x, y int) image.Point {
	return image.Pt((x+1)*c.scale+c.scale/2, (y+1)*c.scale+c.scale/2)
}

func (c *canvas) center(p baduk.Point) image.Point { return c.middle(p.XY(c.size)) }

func (c *canvas) cell(at image.Point) image.Rectangle {
	return image.Rect(-c.scale/2, -c.scale/2, c.scale-c.scale/2, c.scale-c.scale/2).Add(at)
}

// grid draws the lines, the star points and the coordinates.
func (c *canvas) grid() {
	from, to := c.middle(0, 0), c.middle(c.size-1, c.size-1)
	for i := range c.size {
		at := c.middle(i, i)
		c.fill(image.Rect(from.X, at.Y, to.X+1, at.Y+1), line)
		c.fill(image.Rect(at.X, from.Y, at.X+1, to.Y+1), line)
		letter := baduk.At(i, c.size-1, c.size).Vertex(c.size)
		for _, edge := range []int{-1, c.size} {
			c.write(letter[:1], c.middle(i, edge), line)
			c.write(strconv.Itoa(c.size-i), c.middle(edge, i), line)
		}
	}
	stars, err := baduk.HandicapPoints(9, c.size)
	if err != nil {
		stars, _ = baduk.HandicapPoints(4, c.size) // small boards have none
	}
	for _, p := range stars {
		c.disc(c.center(p), max(0.1*float64(c.scale), 1.5), line)
	}
}

// write centers a word.
func (c *canvas) write(text string, at image.Point, with color.Color) {
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(with), Face: c.face}
	box, _ := d.BoundString(text)
	middle := box.Min.Add(box.Max)
	d.Dot = fixed.Point26_6{X: fixed.I(at.X) - middle.X/2, Y: fixed.I(at.Y) - middle.Y/2}
	d.DrawString(text)
}

func (c *canvas) disc(at image.Point, radius float64, with color.Color) {
	c.mask(at, radius, with, func(d float64) float64 { return radius - d })
}

// ring is a circle's line.
func (c *canvas) ring(at image.Point, radius float64, with color.Color) {
	half := max(float64(c.scale)/24, 0.75)
	c.mask(at, radius, with, func(d float64) float64 { return half - math.Abs(d-radius+half) })
}

// mask paints where a function of the distance from the middle is above 0, with soft edges.
func (c *canvas) mask(at image.Point, radius float64, with color.Color, inside func(distance float64) float64) {
	half := int(math.Ceil(radius)) + 1
	m := image.NewAlpha(image.Rect(-half, -half, half+1, half+1))
	for y := -half; y <= half; y++ {
		for x := -half; x <= half; x++ {
			d := inside(math.Hypot(float64(x), float64(y))) + 0.5
			m.SetAlpha(x, y, color.Alpha{uint8(255 * min(max(d, 0), 1))})
		}
	}
	paint.DrawMask(c.img, m.Bounds().Add(at), image.NewUniform(with), image.Point{}, m, m.Bounds().Min, paint.Over)
}

func (c *canvas) frame(r image.Rectangle, with color.Color) {
	w := max(c.scale/12, 1)
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+w), with)
	c.fill(image.Rect(r.Min.X, r.Max.Y-w, r.Max.X, r.Max.Y), with)
	c.fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+w, r.Max.Y), with)
	c.fill(image.Rect(r.Max.X-w, r.Min.Y, r.Max.X, r.Max.Y), with)
}
