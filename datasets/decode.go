package datasets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"sync"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// maxPixels is the most that an image file may claim: 134 million, 400 MB in memory.
const maxPixels = 1 << 27

// Decode reads an image file: JPEG, PNG, GIF (its first picture), WebP or BMP, told apart by their
// first bytes. The image gets three channels, whatever the file has:
//
//   - grey is three equal channels, CMYK is converted as Pillow does, 16 bits are cut to their upper 8;
//   - what is transparent shows white, as on a page;
//   - a JPEG is turned as its EXIF orientation says, and its colours are as smooth between
//     their samples as libjpeg makes them.
//
// Every error wraps [ErrBroken].
func Decode(file []byte, dst *Image) error {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	return d.decode(file, dst)
}

// FromImage makes a three-channel image of one of the image package's, as [Decode] does.
func FromImage(m image.Image, dst *Image) error {
	size := m.Bounds().Size()
	if err := sane(size.X, size.Y); err != nil {
		return err
	}
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.convert(m, dst, false)
	return nil
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// A decoder is memory that decoding needs, beside what the formats' own decoders allocate.
type decoder struct {
	file   []byte // room for a source that reads files
	block  []byte // and its index
	read   bytes.Reader
	turned Image
	cb, cr []uint8
}

func sane(w, h int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("an image of %d×%d pixels", w, h)
	}
	if int64(w)*int64(h) > maxPixels {
		return fmt.Errorf("an image of %d×%d pixels: more than the %d that are accepted", w, h, maxPixels)
	}
	return nil
}

func (d *decoder) decode(file []byte, dst *Image) (err error) {
	// The formats' decoders are others' code, and the files anyone's.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrBroken, r)
		}
	}()
	if err := d.format(file, dst); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

func (d *decoder) format(file []byte, dst *Image) error {
	d.read.Reset(file)
	defer d.read.Reset(nil)
	switch {
	case len(file) == 0:
		return errors.New("an empty file")
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		m, err := d.checked(jpeg.DecodeConfig, jpeg.Decode)
		if err != nil {
			return err
		}
		turned := jpegOrientation(file)
		if turned <= 1 {
			d.convert(m, dst, false)
			return nil
		}
		d.convert(m, &d.turned, false)
		turn(dst, &d.turned, turned)
		return nil
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return d.plain(dst, png.DecodeConfig, png.Decode)
	case bytes.HasPrefix(file, []byte("GIF8")):
		return d.gif(file, dst)
	case bytes.HasPrefix(file, []byte("RIFF")) && len(file) >= 12 && string(file[8:12]) == "WEBP":
		return d.plain(dst, webp.DecodeConfig, webp.Decode)
	case bytes.HasPrefix(file, []byte("BM")):
		return d.plain(dst, bmp.DecodeConfig, bmp.Decode)
	}
	return fmt.Errorf("neither JPEG nor PNG, GIF, WebP, BMP: it begins % x", file[:min(len(file), 8)])
}

// plain decodes a format whose config tells the size before anything is allocated.
func (d *decoder) plain(dst *Image, config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) error {
	m, err := d.checked(config, decode)
	if err != nil {
		return err
	}
	d.convert(m, dst, true)
	return nil
}

// checked decodes a file whose size, as the decoder itself reads it, is one that is accepted: any other
// reading of a damaged file may find another size, and the decoder then take memory for what it finds.
func (d *decoder) checked(config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (image.Image, error) {
	c, err := config(&d.read)
	if err != nil {
		return nil, plainEOF(err)
	}
	if err := sane(c.Width, c.Height); err != nil {
		return nil, err
	}
	if _, err := d.read.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m, err := decode(&d.read)
	return m, plainEOF(err)
}

// gif decodes the first picture, and puts it where it belongs on the whole.
func (d *decoder) gif(file []byte, dst *Image) error {
	if len(file) < 10 {
		return errors.New("truncated")
	}
	w, h := int(binary.LittleEndian.Uint16(file[6:])), int(binary.LittleEndian.Uint16(file[8:]))
	if err := sane(w, h); err != nil {
		return err
	}
	m, err := gif.Decode(&d.read)
	if err != nil {
		return plainEOF(err)
	}
	if whole := image.Rect(0, 0, w, h); m.Bounds() != whole {
		canvas := image.NewNRGBA(whole)
		draw.Draw(canvas, m.Bounds(), m, m.Bounds().Min, draw.Src)
		m = canvas
	}
	d.convert(m, dst, false)
	return nil
}

// convert writes m to dst in three planes. Limited says that YCbCr is WebP's, from 16 to 235: the
// decoder does not tell (https://go.dev/issue/40173).
func (d *decoder) convert(m image.Image, dst *Image, limited bool) {
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
			d.ycbcr(m, dst, limited)
			return
		case *image.NYCbCrA:
			d.ycbcr(&m.YCbCr, dst, limited)
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
