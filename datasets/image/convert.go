package image

import (
	"errors"
	"image"
	"image/color"
	"sync"
)

// From makes m an image of three channels of one of the image package's, as [Converter] does.
func (m *Image) From(src image.Image) error {
	if src == nil {
		return errors.New("no image: it is nil")
	}
	size := src.Bounds().Size()
	if err := CheckSize(size.X, size.Y); err != nil {
		return err
	}
	c := converters.Get().(*Converter)
	defer converters.Put(c)
	c.Convert(src, m)
	return nil
}

var converters = sync.Pool{New: func() any { return new(Converter) }}

// A Converter makes three planes of what package image and its like decode. It keeps memory from one
// image to the next, and is not for concurrent use. The zero value is ready.
type Converter struct {
	// Limited says that YCbCr is WebP's, from 16 to 235: its decoder does not tell
	// (https://go.dev/issue/40173).
	Limited bool

	cb, cr []uint8 // of a row
}

// Convert writes m to dst, with three channels: grey is three equal ones, CMYK is converted as Pillow
// does, 16 bits are cut to their upper 8, and what is transparent shows white, as on a page.
func (d *Converter) Convert(m image.Image, dst *Image) {
	r := m.Bounds()
	w, h := r.Dx(), r.Dy()
	dst.Reset(Shape{3, h, w})
	red, green, blue := dst.Plane(0), dst.Plane(1), dst.Plane(2)
	if r.Min == (image.Point{}) {
		switch m := m.(type) {
		case *image.Gray:
			for y := range h {
				copy(red[y*w:(y+1)*w], m.Pix[y*m.Stride:])
			}
			copy(green, red)
			copy(blue, red)
			return
		case *image.YCbCr:
			d.ycbcr(m, dst)
			return
		case *image.NYCbCrA:
			d.ycbcr(&m.YCbCr, dst)
			for y := range h {
				for x, a := range m.A[y*m.AStride:][:w] {
					i := y*w + x
					red[i], green[i], blue[i] = OnWhite(red[i], a), OnWhite(green[i], a), OnWhite(blue[i], a)
				}
			}
			return
		case *image.CMYK:
			for y := range h {
				row := m.Pix[y*m.Stride:][:4*w]
				for i := y * w; len(row) > 0; i, row = i+1, row[4:] {
					white := 255 - row[3]
					red[i], green[i], blue[i] = white-part(row[0], white), white-part(row[1], white), white-part(row[2], white)
				}
			}
			return
		case *image.RGBA:
			if m.Opaque() {
				for y := range h {
					row := m.Pix[y*m.Stride:][:4*w]
					for i := y * w; len(row) > 0; i, row = i+1, row[4:] {
						red[i], green[i], blue[i] = row[0], row[1], row[2]
					}
				}
				return
			}
		case *image.NRGBA:
			for y := range h {
				row := m.Pix[y*m.Stride:][:4*w]
				for i := y * w; len(row) > 0; i, row = i+1, row[4:] {
					a := row[3]
					red[i], green[i], blue[i] = OnWhite(row[0], a), OnWhite(row[1], a), OnWhite(row[2], a)
				}
			}
			return
		case *image.Paletted:
			// A pixel beyond the palette stays black.
			var table [256][3]uint8
			for i, c := range m.Palette[:min(len(m.Palette), 256)] {
				n := color.NRGBAModel.Convert(c).(color.NRGBA)
				table[i] = [3]uint8{OnWhite(n.R, n.A), OnWhite(n.G, n.A), OnWhite(n.B, n.A)}
			}
			for y := range h {
				for x, p := range m.Pix[y*m.Stride:][:w] {
					i := y*w + x
					red[i], green[i], blue[i] = table[p][0], table[p][1], table[p][2]
				}
			}
			return
		}
	}
	wide, ok := m.(image.RGBA64Image)
	if !ok {
		wide = atWide{m}
	}
	for y := range h {
		for x := range w {
			// Colours are multiplied by their opacity: white is added for the rest.
			p := wide.RGBA64At(r.Min.X+x, r.Min.Y+y)
			i, rest := y*w+x, 0xffff-p.A
			red[i], green[i], blue[i] = uint8((p.R+rest)>>8), uint8((p.G+rest)>>8), uint8((p.B+rest)>>8)
		}
	}
}

// atWide gives an image the method that all of the image package's have.
type atWide struct{ image.Image }

func (m atWide) RGBA64At(x, y int) color.RGBA64 {
	return color.RGBA64Model.Convert(m.At(x, y)).(color.RGBA64)
}

// CMYK makes a row of colours of inks, in place: red, green and blue are cyan, magenta and yellow before, and
// white is what black leaves of it, 255 less black. All are as long; it panics if one is shorter than white.
func CMYK(red, green, blue, white []uint8) {
	red, green, blue = red[:len(white)], green[:len(white)], blue[:len(white)]
	for i, w := range white {
		red[i], green[i], blue[i] = w-part(red[i], w), w-part(green[i], w), w-part(blue[i], w)
	}
}

// part is a·b/255, rounded as in Pillow (MULDIV255).
func part(a, b uint8) uint8 {
	t := uint32(a)*uint32(b) + 128
	return uint8((t>>8 + t) >> 8)
}

// OnWhite is a value of that opacity before white.
func OnWhite(v, alpha uint8) uint8 {
	if alpha == 255 {
		return v
	}
	return uint8((uint32(v)*uint32(alpha) + 255*(255-uint32(alpha)) + 127) / 255)
}

// Grey is a colour's brightness by ITU-R 601, as Pillow computes it.
func Grey(r, g, b uint8) uint8 {
	return uint8((uint32(r)*19595 + uint32(g)*38470 + uint32(b)*7471 + 1<<15) >> 16)
}
