package codec

import (
	"bytes"
	"encoding/binary"
	std "image"
	"image/color"
	"image/draw"
	"image/gif"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func (d *decoder) gifConfig(file []byte, _ int) (w, h int, memory int64, err error) {
	if len(file) < 10 {
		return 0, 0, 0, errTruncated
	}
	w, h = gifSize(file)
	return w, h, pixelBytes(w, h, 1+4), nil // places in the palette, and a canvas
}

// gifSize is the size of the whole, or as in Pillow the larger one that the first picture needs.
func gifSize(file []byte) (w, h int) {
	two := func(at int) int { return int(binary.LittleEndian.Uint16(file[at:])) }
	w, h = two(6), two(8)
	at := 13
	if len(file) > at && file[10]&0x80 != 0 { // a palette
		at += 3 << (file[10]&7 + 1)
	}
	for at+10 <= len(file) {
		switch file[at] {
		case 0x21: // an extension: blocks until an empty one
			for at += 2; at < len(file) && file[at] != 0; at += 1 + int(file[at]) {
			}
			at++
		case 0x2c:
			return min(max(w, two(at+1)+two(at+5)), 1<<16-1), min(max(h, two(at+3)+two(at+7)), 1<<16-1)
		default:
			return w, h
		}
	}
	return w, h
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
	if said := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, uint16(w)), uint16(h)); !bytes.Equal(said, file[6:10]) {
		file = slices.Clone(file)
		copy(file[6:], said)
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
