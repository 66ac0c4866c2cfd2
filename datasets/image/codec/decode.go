// Package codec reads image files: every format that it knows becomes an [image.Image], as Pillow reads
// it.
//
// The package guarantees:
//   - PNG, BMP and GIF files are decoded to Pillow's bytes; of JPEG and lossy WebP a byte may differ by 3.
//   - No header makes it take much more memory than the file's own data fills, and no file makes it panic.
//   - What cannot be read is one line that says what is wrong, and wraps [image.ErrBroken].
//
// # Adding one
//
// A format is told by its first bytes in [Decode], and checks its size by [image.CheckSize] before it
// takes memory. Its files go to testdata/images.py, which writes what Pillow makes of them.
package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	std "image"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"sync"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// Decode reads an image file: JPEG, PNG, GIF (its first picture), WebP or BMP, told apart by their
// first bytes. The image gets three channels, whatever the file has:
//
//   - grey is three equal channels, CMYK is converted as Pillow does, 16 bits are cut to their upper 8;
//   - what is transparent shows white, as on a page;
//   - a JPEG is turned as its EXIF orientation says, and its colours are as smooth between
//     their samples as libjpeg makes them.
//
// Every error wraps [image.ErrBroken].
func Decode(file []byte, dst *image.Image) error {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	return d.decode(file, dst)
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// A decoder is memory that decoding needs, beside what the formats' own decoders allocate.
type decoder struct {
	read    bytes.Reader
	turned  image.Image
	convert image.Converter
}

func (d *decoder) decode(file []byte, dst *image.Image) (err error) {
	// The formats' decoders are others' code, and the files anyone's.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", image.ErrBroken, r)
		}
	}()
	if err := d.format(file, dst); err != nil {
		return fmt.Errorf("%w: %w", image.ErrBroken, err)
	}
	return nil
}

func (d *decoder) format(file []byte, dst *image.Image) error {
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
			d.convert.Convert(m, dst)
			return nil
		}
		d.convert.Convert(m, &d.turned)
		dst.Turn(&d.turned, turned)
		return nil
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return d.plain(dst, png.DecodeConfig, png.Decode)
	case bytes.HasPrefix(file, []byte("GIF8")):
		return d.gif(file, dst)
	case bytes.HasPrefix(file, []byte("RIFF")) && len(file) >= 12 && string(file[8:12]) == "WEBP":
		d.convert.Limited = true
		defer func() { d.convert.Limited = false }()
		return d.plain(dst, webp.DecodeConfig, webp.Decode)
	case bytes.HasPrefix(file, []byte("BM")):
		return d.plain(dst, bmp.DecodeConfig, bmp.Decode)
	}
	return fmt.Errorf("neither JPEG nor PNG, GIF, WebP, BMP: it begins % x", file[:min(len(file), 8)])
}

// plain decodes a format whose config tells the size before anything is allocated.
func (d *decoder) plain(dst *image.Image, config func(io.Reader) (std.Config, error), decode func(io.Reader) (std.Image, error)) error {
	m, err := d.checked(config, decode)
	if err != nil {
		return err
	}
	d.convert.Convert(m, dst)
	return nil
}

// checked decodes a file whose size, as the decoder itself reads it, is one that is accepted: any other
// reading of a damaged file may find another size, and the decoder then take memory for what it finds.
func (d *decoder) checked(config func(io.Reader) (std.Config, error), decode func(io.Reader) (std.Image, error)) (std.Image, error) {
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

// gif decodes the first picture, and puts it where it belongs on the whole.
func (d *decoder) gif(file []byte, dst *image.Image) error {
	if len(file) < 10 {
		return errors.New("truncated")
	}
	w, h := int(binary.LittleEndian.Uint16(file[6:])), int(binary.LittleEndian.Uint16(file[8:]))
	if err := image.CheckSize(w, h); err != nil {
		return err
	}
	m, err := gif.Decode(&d.read)
	if err != nil {
		return plainEOF(err)
	}
	if whole := std.Rect(0, 0, w, h); m.Bounds() != whole {
		canvas := std.NewNRGBA(whole)
		draw.Draw(canvas, m.Bounds(), m, m.Bounds().Min, draw.Src)
		m = canvas
	}
	d.convert.Convert(m, dst)
	return nil
}

// plainEOF says of a stream's early end what it means for a file.
func plainEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("truncated")
	}
	return err
}
