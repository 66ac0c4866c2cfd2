package codec

import (
	"encoding/binary"
	std "image"
	"image/color"
	"image/draw"
	"image/gif"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func (d *decoder) gifConfig(file []byte, _ int) (w, h int, memory int64, err error) {
	if len(file) < 10 {
		return 0, 0, 0, errTruncated
	}
	w, h = int(binary.LittleEndian.Uint16(file[6:])), int(binary.LittleEndian.Uint16(file[8:]))
	return w, h, pixelBytes(w, h, 1+4), nil // places in the palette, and a canvas
}

// gif decodes the first picture, and puts it where it belongs on the whole.
func (d *decoder) gif(file []byte, dst *image.Image, _ int) (int, error) {
	w, h, _, err := d.gifConfig(file, 0)
	if err == nil {
		err = image.CheckSize(w, h)
	}
	if err != nil {
		return 0, err
	}
	d.read.Reset(file)
	defer d.read.Reset(nil)
	m, err := gif.Decode(&d.read)
	if err != nil {
		return 0, plainEOF(err)
	}
	if whole := std.Rect(0, 0, w, h); m.Bounds() != whole {
		canvas := std.NewNRGBA(whole)
		// Around it is nothing, or as in Pillow the palette's first colour if there is no nothing.
		if p, ok := m.(*std.Paletted); ok && len(p.Palette) > 0 && !hasClear(p.Palette) {
			draw.Draw(canvas, whole, std.NewUniform(p.Palette[0]), std.Point{}, draw.Src)
		}
		draw.Draw(canvas, m.Bounds(), m, m.Bounds().Min, draw.Src)
		m = canvas
	}
	d.convert.Convert(m, dst)
	return 0, nil
}

// hasClear says whether one of the colours is transparent.
func hasClear(p color.Palette) bool {
	for _, c := range p {
		if _, _, _, a := c.RGBA(); a == 0 {
			return true
		}
	}
	return false
}
