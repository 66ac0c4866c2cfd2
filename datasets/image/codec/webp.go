package codec

import (
	"bytes"
	"encoding/binary"
	"errors"

	"golang.org/x/image/webp"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func isWebP(file []byte) bool {
	return len(file) >= 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP"
}

func (d *decoder) webpConfig(file []byte, _ int) (w, h int, memory int64, err error) {
	riff(file[12:], func(k string, data []byte) bool {
		switch {
		case k == "VP8X" && len(data) >= 10:
			w, h = 1+uint24(data[4:]), 1+uint24(data[7:])
		case k == "VP8 " && len(data) >= 10: // less their scaling bits
			w, h = int(binary.LittleEndian.Uint16(data[6:]))&0x3fff, int(binary.LittleEndian.Uint16(data[8:]))&0x3fff
		case k == "VP8L" && len(data) >= 5:
			size := binary.LittleEndian.Uint32(data[1:])
			w, h = 1+int(size&0x3fff), 1+int(size>>14&0x3fff)
		}
		return w == 0
	})
	if w == 0 {
		err = errTruncated
	}
	return w, h, pixelBytes(w, h, 4+4), err
}

// webp reads a WebP file, of an animated one the first picture, where it belongs on the whole. What
// golang.org/x/image/webp refuses is made what it takes: the picture's own chunks, in a file of their own.
func (d *decoder) webp(file []byte, dst *image.Image, _ int) (int, error) {
	if n := int64(binary.LittleEndian.Uint32(file[4:])); n > int64(len(file)-8) {
		return 0, errTruncated // its orientation may be what is missing
	}
	var canvas, frame struct{ x, y, w, h int }
	var alpha, picture []byte
	kind, orientation := "", 0
	collect := func(k string, data []byte) bool {
		switch {
		case k == "ALPH" && picture == nil:
			alpha = data
		case (k == "VP8 " || k == "VP8L") && picture == nil:
			kind, picture = k, data
		}
		return true
	}
	riff(file[12:], func(k string, data []byte) bool {
		switch {
		case k == "VP8X" && len(data) >= 10:
			canvas.w, canvas.h = 1+uint24(data[4:]), 1+uint24(data[7:])
		case k == "EXIF":
			orientation = tiffOrientation(bytes.TrimPrefix(data, []byte(exifHead)))
		case k == "ANMF" && len(data) >= 16 && picture == nil:
			frame.x, frame.y, frame.w, frame.h = 2*uint24(data), 2*uint24(data[3:]), 1+uint24(data[6:]), 1+uint24(data[9:])
			alpha = nil
			riff(data[16:], collect)
		default:
			collect(k, data)
		}
		return true
	})
	if picture == nil {
		return 0, errors.New("a WebP file without a picture, or truncated")
	}
	one := []byte("RIFF\x00\x00\x00\x00WEBP")
	if kind == "VP8 " && alpha != nil {
		if len(picture) < 10 {
			return 0, errTruncated
		}
		// The width and height stand in the frame's header, less their scaling bits.
		w, h := int(binary.LittleEndian.Uint16(picture[6:]))&0x3fff, int(binary.LittleEndian.Uint16(picture[8:]))&0x3fff
		if w < 1 || h < 1 {
			return 0, errors.New("a picture of no pixels")
		}
		const hasAlpha = 0x10
		one = appendChunk(one, "VP8X", []byte{hasAlpha, 0, 0, 0, byte(w - 1), byte((w - 1) >> 8), 0, byte(h - 1), byte((h - 1) >> 8), 0})
		one = appendChunk(one, "ALPH", alpha)
	}
	one = appendChunk(one, kind, picture)
	binary.LittleEndian.PutUint32(one[4:], uint32(len(one)-8))
	config, err := webp.DecodeConfig(bytes.NewReader(one))
	said := canvas
	if frame.w > 0 {
		said = frame
	}
	if err == nil && said.w > 0 && (config.Width != said.w || config.Height != said.h) {
		err = errors.New("a picture that is not as large as the file says")
	}
	if err != nil {
		return 0, plainEOF(err)
	}
	m, err := d.checked(one, webp.DecodeConfig, webp.Decode)
	if err != nil {
		return 0, err
	}
	d.convert.Limited = true
	defer func() { d.convert.Limited = false }()
	if frame.w == 0 || frame.x == 0 && frame.y == 0 && frame.w == canvas.w && frame.h == canvas.h {
		d.convert.Convert(m, dst)
		return orientation, nil
	}
	if err := image.CheckSize(canvas.w, canvas.h); err != nil {
		return 0, err
	}
	d.convert.Convert(m, &d.turned)
	part := &d.turned
	if frame.x+part.W > canvas.w || frame.y+part.H > canvas.h {
		return 0, errors.New("a picture that is larger than the whole")
	}
	dst.Reset(image.Shape{C: 3, H: canvas.h, W: canvas.w})
	for i := range dst.Pix {
		dst.Pix[i] = 255
	}
	for c := range 3 {
		for y := range part.H {
			copy(dst.Plane(c)[(frame.y+y)*canvas.w+frame.x:], part.Plane(c)[y*part.W:(y+1)*part.W])
		}
	}
	return orientation, nil
}

// riff calls each for the chunks of a RIFF file, as far as they are whole.
func riff(data []byte, each func(kind string, data []byte) bool) {
	for len(data) >= 8 {
		n := int64(binary.LittleEndian.Uint32(data[4:]))
		if n > int64(len(data)-8) || !each(string(data[:4]), data[8:8+n]) {
			return
		}
		data = data[min(8+n+n&1, int64(len(data))):]
	}
}

func appendChunk(file []byte, kind string, data []byte) []byte {
	file = append(file, kind...)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(data)))
	file = append(file, data...)
	if len(data)&1 == 1 {
		file = append(file, 0)
	}
	return file
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
