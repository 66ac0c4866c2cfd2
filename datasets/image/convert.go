package image

import (
	"image"
	"image/color"
	"sync"
)

// From makes m an image of three channels of one of the image package's, as [Converter] does.
func (m *Image) From(src image.Image) error {
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
					red[i], green[i], blue[i] = onWhite(red[i], a), onWhite(green[i], a), onWhite(blue[i], a)
				}
			}
			return
		case *image.CMYK:
			for y := range h {
				row := m.Pix[y*m.Stride:][:4*w]
				for i := y * w; len(row) > 0; i, row = i+1, row[4:] {
					k := 255 - row[3]
					red[i], green[i], blue[i] = k-part(row[0], k), k-part(row[1], k), k-part(row[2], k)
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
					red[i], green[i], blue[i] = onWhite(row[0], a), onWhite(row[1], a), onWhite(row[2], a)
				}
			}
			return
		case *image.Paletted:
			// A pixel beyond the palette stays black.
			var table [256][3]uint8
			for i, c := range m.Palette[:min(len(m.Palette), 256)] {
				n := color.NRGBAModel.Convert(c).(color.NRGBA)
				table[i] = [3]uint8{onWhite(n.R, n.A), onWhite(n.G, n.A), onWhite(n.B, n.A)}
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

// part is a·b/255, rounded as in Pillow (MULDIV255).
func part(a, b uint8) uint8 {
	t := uint32(a)*uint32(b) + 128
	return uint8((t>>8 + t) >> 8)
}

// onWhite is a value of that opacity before white.
func onWhite(v, alpha uint8) uint8 {
	if alpha == 255 {
		return v
	}
	return uint8((uint32(v)*uint32(alpha) + 255*(255-uint32(alpha)) + 127) / 255)
}

// Grey is a colour's brightness by ITU-R 601, as Pillow computes it.
func Grey(r, g, b uint8) uint8 {
	return uint8((uint32(r)*19595 + uint32(g)*38470 + uint32(b)*7471 + 1<<15) >> 16)
}
