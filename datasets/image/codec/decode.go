// Package codec reads image files: every format that it knows becomes an [image.Image], as Pillow reads
// it.
//
// The package guarantees:
//   - A format is told by a file's first bytes, whatever it is called.
//   - JPEG, PNG, BMP, GIF, TIFF and lossless WebP files are decoded to Pillow's bytes; of lossy WebP a byte
//     may differ by 3.
//   - No header makes it take much more memory than the file's own data fills, and no file makes it panic.
//     A picture of [image.MaxPixels] takes 3 bytes a pixel, and while it is decoded up to 8 more (PNG and
//     TIFF of 16 bits), 4 (other PNG, TIFF, WebP), 1.5 to 4.5 (JPEG) or none (BMP).
//   - What cannot be read is one line that says what is wrong, and wraps [image.ErrBroken].
//
// # Adding one
//
// A format is an entry in the table of this file: its name, how it is told and how it is read. It checks its
// size by [image.CheckSize] before it takes memory. Its files go to testdata/images.py, which writes what
// Pillow makes of them, and to testdata/variety.py, which compares all that Pillow and ImageMagick write.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	std "image"
	"io"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/jpeg"
)

// A format is a kind of image file.
type format struct {
	name string
	is   func(file []byte) bool
	// config returns the size, and the bytes that decoding takes at most beside the picture itself.
	config func(d *decoder, file []byte, least int) (w, h int, memory int64, err error)
	// read decodes the file and returns the EXIF orientation that it asks for; 0 or 1 means none.
	read func(d *decoder, file []byte, dst *image.Image, least int) (orientation int, err error)
}

var formats = []format{
	{"JPEG", begins("\xff\xd8\xff"), (*decoder).jpegConfig, (*decoder).jpeg},
	{"PNG", begins(pngMagic), (*decoder).pngConfig, (*decoder).png},
	{"GIF", begins("GIF8"), (*decoder).gifConfig, (*decoder).gif},
	{"WebP", isWebP, (*decoder).webpConfig, (*decoder).webp},
	{"BMP", func(f []byte) bool { return begins("BM")(f) || isDIB(f) }, (*decoder).bmpConfig, (*decoder).bmp},
	{"TIFF", func(f []byte) bool { return begins("II*\x00")(f) || begins("MM\x00*")(f) }, (*decoder).tiffConfig, (*decoder).tiff},
}

func begins(with string) func(file []byte) bool {
	return func(file []byte) bool { return bytes.HasPrefix(file, []byte(with)) }
}

// Extensions are the endings of the files' names, in small letters.
var Extensions = []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff"}

// Decode reads an image file: JPEG, PNG, GIF, WebP, BMP or TIFF, the first picture where there are several.
// The image gets three channels, whatever the file has:
//
//   - grey is three equal channels, CMYK is converted as Pillow does, 16 bits are cut to their upper 8;
//   - what is transparent shows white, as on a page;
//   - it is turned as EXIF data say, wherever the format keeps them.
//
// Every error wraps [image.ErrBroken].
func Decode(file []byte, dst *image.Image) error { return DecodeAtLeast(file, dst, 0) }

// DecodeAtLeast is Decode for a picture that will be made smaller anyway: it may be a half, a quarter or an
// eighth of its size, as long as its shorter side keeps that many pixels. That spares JPEG files most of the
// time and memory; others have their own size.
func DecodeAtLeast(file []byte, dst *image.Image, least int) error {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	return d.decode(file, dst, least)
}

// Info is what a file's header says.
type Info struct {
	Format string
	W, H   int   // pixels, before it is turned
	Memory int64 // bytes that [DecodeAtLeast] takes at most, the picture included
}

// Examine reads a file's header, as [DecodeAtLeast] would with that least shorter side.
func Examine(file []byte, least int) (info Info, err error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	defer recovered(&err)
	for _, f := range formats {
		if !f.is(file) {
			continue
		}
		w, h, memory, err := f.config(d, file, least)
		if err == nil {
			err = image.CheckSize(w, h)
		}
		if err != nil {
			return Info{}, fmt.Errorf("%w: %w", image.ErrBroken, plainEOF(err))
		}
		return Info{f.name, w, h, memory}, nil
	}
	return Info{}, fmt.Errorf("%w: %w", image.ErrBroken, unknown(file))
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// A decoder is memory that decoding needs, beside what the formats' own decoders allocate.
type decoder struct {
	jpegs   jpeg.Decoder
	read    bytes.Reader
	turned  image.Image
	convert image.Converter
}

func (d *decoder) decode(file []byte, dst *image.Image, least int) (err error) {
	defer recovered(&err)
	if err := d.format(file, dst, least); err != nil {
		return fmt.Errorf("%w: %w", image.ErrBroken, err)
	}
	return nil
}

// recovered makes an error of a panic: the formats' decoders are others' code, and the files anyone's.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", image.ErrBroken, r)
	}
}

func (d *decoder) format(file []byte, dst *image.Image, least int) error {
	for _, f := range formats {
		if !f.is(file) {
			continue
		}
		orientation, err := f.read(d, file, dst, least)
		if err != nil || orientation <= 1 {
			return err
		}
		*dst, d.turned = d.turned, *dst
		dst.Turn(&d.turned, orientation)
		if cap(d.turned.Pix) > keep {
			d.turned.Pix = nil
		}
		return nil
	}
	return unknown(file)
}

// keep is the most memory that is kept for the next picture.
const keep = 32 << 20

// planes are the bytes of a pixel in the picture that is made.
const planes = 3

func (d *decoder) jpegConfig(file []byte, least int) (w, h int, memory int64, err error) {
	c, err := d.jpegs.Config(file, least)
	memory = c.Memory
	if jpegOrientation(file) > 1 {
		memory *= 2
	}
	return c.Width, c.Height, memory, err
}

// pixelBytes is what a picture takes with that many bytes a pixel beside its planes, which are there twice where
// it is turned.
func pixelBytes(w, h, each int) int64 { return int64(w) * int64(h) * int64(2*planes+each) }

// jpeg reads a JPEG file.
func (d *decoder) jpeg(file []byte, dst *image.Image, least int) (int, error) {
	defer d.jpegs.Trim(keep)
	return jpegOrientation(file), d.jpegs.Decode(file, dst, least)
}

// checked decodes a file whose size, as the decoder itself reads it, is one that is accepted: any other
// reading of a damaged file may find another size, and the decoder then take memory for what it finds.
func (d *decoder) checked(file []byte, config func(io.Reader) (std.Config, error), decode func(io.Reader) (std.Image, error)) (std.Image, error) {
	d.read.Reset(file)
	defer d.read.Reset(nil)
	c, err := config(&d.read)
	if err != nil {
		return nil, plainEOF(err)
	}
	if err := image.CheckSize(c.Width, c.Height); err != nil {
		return nil, err
	}
	if _, err := d.read.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m, err := decode(&d.read)
	return m, plainEOF(err)
}

var errTruncated = errors.New("truncated")

// plainEOF says of a stream's early end what it means for a file.
func plainEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}
