package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// tiffPixels reads all strips or tiles, and makes colours of their samples.
func (d *decoder) tiffPixels(t *tiffFile, dst *image.Image) error {
	if t.compression == 7 {
		return d.tiffJPEGs(t, dst)
	}
	// A plane a sample, of 8 bits; the palette's places and bits are as they are.
	planes := &d.turned
	planes.Reset(image.Shape{C: t.samples, H: t.h, W: t.w})
	each := t.samples
	if t.planar {
		each = 1
	}
	stride := (t.blockW*each*t.bits + 7) / 8
	err := t.blocks(func(i, plane, x, y int, packed []byte) error {
		rows := t.blockH
		if t.tags[tagTileWidth] == nil {
			rows = min(rows, t.h-y) // the last strip may be shorter
		}
		data, err := t.unpack(packed, stride, rows)
		if err != nil {
			return err
		}
		for r := range min(rows, t.h-y) {
			row := data[r*stride:][:stride]
			t.undo(row, each)
			for s := range each {
				c := plane + s
				t.spread(planes.Plane(c)[(y+r)*t.w+x:][:min(t.blockW, t.w-x)], row, s, each)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.colours(dst, planes)
	return nil
}

// blocks calls each for the strips or tiles, with the plane that they begin and their place.
func (t *tiffFile) blocks(each func(i, plane, x, y int, packed []byte) error) error {
	offsets, counts := t.tags[tagOffsets], t.tags[tagCounts]
	i := 0
	planes := 1
	if t.planar {
		planes = t.samples
	}
	for plane := range planes {
		for y := 0; y < t.h; y += t.blockH {
			for x := 0; x < t.w; x += t.blockW {
				if i >= len(offsets) {
					return errTruncated
				}
				from, to := int64(offsets[i]), int64(len(t.file))
				if i < len(counts) {
					to = min(to, from+int64(counts[i]))
				}
				if from >= to {
					return errTruncated
				}
				if err := each(i, plane, x, y, t.file[from:to]); err != nil {
					return err
				}
				i++
			}
		}
	}
	return nil
}

// unpack returns the rows of a strip or tile.
func (t *tiffFile) unpack(packed []byte, stride, rows int) ([]byte, error) {
	n := stride * rows
	if t.one(tagFillOrder, 1) == 2 && t.compression != 7 {
		packed = slices.Clone(packed)
		for i, b := range packed {
			b = b>>4 | b<<4
			b = b>>2&0x33 | b<<2&0xcc
			packed[i] = b>>1&0x55 | b<<1&0xaa
		}
	}
	var r io.Reader
	switch t.compression {
	case 1:
		if len(packed) < n {
			return nil, errTruncated
		}
		return slices.Clone(packed[:n]), nil
	case 2, 3, 4:
		switch {
		case t.compression == 2:
			return nil, errors.New("a TIFF file with CCITT compression without line ends, which is not read")
		case t.one(tagT4, 0)&1 != 0:
			return nil, errors.New("a TIFF file with two-dimensional fax compression, group 3, which is not read")
		}
		if t.compression == 3 {
			return faxLines(packed, t.blockW, rows)
		}
		r = ccitt.NewReader(bytes.NewReader(packed), ccitt.MSB, ccitt.Group4, t.blockW, rows, &ccitt.Options{Invert: true})
	case 5:
		z := lzw.NewReader(bytes.NewReader(packed), lzw.MSB, 8)
		defer z.Close()
		r = z
	case 8, 32946:
		z, err := zlib.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, plainEOF(err)
		}
		defer z.Close()
		r = z
	case 32773:
		return packBits(packed, n)
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, plainEOF(err)
	}
	return data, nil
}

// faxLines undoes the run lengths of ITU-T T.4 in one dimension, each line for itself: golang.org/x/image/ccitt takes the
// zeros that may fill up a line, so that its end stands at a byte's (section 4.1.3), for damage. A line ends with 11 zeros
// and a one, which no codes have.
func faxLines(packed []byte, width, rows int) ([]byte, error) {
	const end = 12 // bits
	if len(packed) < 2 || packed[0] != 0 || packed[1]>>4 > 1 {
		packed = append([]byte{0, 1}, packed...) // the end that should be before the first line
	}
	data, row := []byte{}, make([]byte, (width+7)/8)
	from, zeros := 0, 0
	for i := range 8*len(packed) + 1 {
		last := i == 8*len(packed)
		if !last && packed[i/8]>>(7-i%8)&1 == 0 {
			zeros++
			continue
		}
		if from > 0 && i-from > zeros && (last || zeros >= end-1) {
			// The end before the line, the line, and the one after it.
			line := make([]byte, 0, (i-from+end)/8+1)
			for at := from - end; at <= i && at/8 < len(packed); at += 8 {
				b := packed[at/8] << (at % 8)
				if at/8+1 < len(packed) {
					b |= packed[at/8+1] >> (8 - at%8)
				}
				line = append(line, b)
			}
			// A run of white is zeros, whatever the file says that zero is.
			r := ccitt.NewReader(bytes.NewReader(line), ccitt.MSB, ccitt.Group3, width, 1, &ccitt.Options{Invert: true})
			if _, err := io.ReadFull(r, row); err != nil {
				return nil, plainEOF(err)
			}
			if data = append(data, row...); len(data) == rows*len(row) {
				return data, nil
			}
		}
		if zeros >= end-1 {
			from = i + 1
		}
		zeros = 0
	}
	return nil, errTruncated
}

// packBits undoes Macintosh run lengths (TIFF 6.0, section 9).
func packBits(packed []byte, n int) ([]byte, error) {
	var data []byte
	for len(data) < n {
		if len(packed) < 2 {
			return nil, errTruncated
		}
		switch k := int(int8(packed[0])); {
		case k >= 0:
			if len(packed) < 2+k {
				return nil, errTruncated
			}
			data, packed = append(data, packed[1:2+k]...), packed[2+k:]
		case k > -128:
			for range 1 - k {
				data = append(data, packed[1])
			}
			packed = packed[2:]
		default:
			packed = packed[1:]
		}
	}
	return data[:n], nil
}

// undo adds up a row whose samples are differences from the ones to their left (TIFF 6.0, section 14), and
// leaves of 16 bits the upper 8 in the first byte.
func (t *tiffFile) undo(row []byte, each int) {
	differences := t.one(tagPredictor, 1) == 2
	if t.bits == 16 {
		for i := 0; i+2 <= len(row); i += 2 {
			v := t.order.Uint16(row[i:])
			if differences && i >= 2*each {
				v += binary.BigEndian.Uint16(row[i-2*each:])
			}
			binary.BigEndian.PutUint16(row[i:], v)
		}
	} else if differences && t.bits == 8 {
		for i := each; i < len(row); i++ {
			row[i] += row[i-each]
		}
	}
}

// spread writes sample s of a row's pixels, of each samples, to a plane's row.
func (t *tiffFile) spread(to, row []byte, s, each int) {
	if t.bits >= 8 {
		bytes := t.bits / 8
		for x := range to {
			to[x] = row[(x*each+s)*bytes]
		}
		return
	}
	mask := byte(1<<t.bits - 1)
	scale := 255 / mask
	if t.photometric == photoPalette {
		scale = 1
	}
	for x := range to {
		bit := (x*each + s) * t.bits
		to[x] = row[bit/8] >> (8 - t.bits - bit%8) & mask * scale
	}
}

// colours makes three channels of the samples.
func (t *tiffFile) colours(dst, planes *image.Image) {
	dst.Reset(image.Shape{C: 3, H: t.h, W: t.w})
	red, green, blue := dst.Plane(0), dst.Plane(1), dst.Plane(2)
	first := planes.Plane(0)
	opacity := 1
	switch t.photometric {
	case photoWhiteIsZero, photoBlackIsZero:
		if t.photometric == photoWhiteIsZero {
			for i, v := range first {
				first[i] = 255 - v
			}
		}
		copy(red, first)
		copy(green, first)
		copy(blue, first)
	case photoPalette:
		table, n := t.tags[tagColours], 1<<t.bits
		for i, v := range first {
			red[i], green[i], blue[i] = uint8(table[v]>>8), uint8(table[n+int(v)]>>8), uint8(table[2*n+int(v)]>>8)
		}
	case photoRGB:
		copy(dst.Pix, planes.Pix[:dst.Len()])
		opacity = 3
	case photoYCbCr:
		image.YCbCr(red, green, blue, first, planes.Plane(1), planes.Plane(2))
	case photoInks:
		copy(dst.Pix, planes.Pix[:dst.Len()])
		white := planes.Plane(3)
		for i, v := range white {
			white[i] = 255 - v
		}
		image.CMYK(red, green, blue, white)
	}
	if t.alpha == 0 {
		return
	}
	for c := range 3 {
		plane := dst.Plane(c)
		for i, a := range planes.Plane(opacity) {
			if t.alpha == 1 {
				plane[i] = uint8(min(int(plane[i])+255-int(a), 255))
			} else {
				plane[i] = image.OnWhite(plane[i], a)
			}
		}
	}
}

// tiffJPEGs reads strips or tiles that are JPEG files without their tables, which stand in the directory.
func (d *decoder) tiffJPEGs(t *tiffFile, dst *image.Image) error {
	if t.planar || t.bits != 8 || t.samples != 1 && t.samples != 3 {
		return errors.New("a TIFF file with JPEG compression of other colours than grey and RGB, which is not read")
	}
	head := []byte("\xff\xd8")
	if t.photometric == photoRGB { // as Adobe's marker says it
		head = append(head, "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"...)
	}
	if tables := t.tags[tagTables]; len(tables) > 4 {
		for _, v := range tables[2 : len(tables)-2] {
			head = append(head, byte(v))
		}
	}
	dst.Reset(image.Shape{C: 3, H: t.h, W: t.w})
	part := &d.turned
	var inverted uint8 // all bits of a sample, where white is zero
	if t.photometric == photoWhiteIsZero {
		inverted = 255
	}
	return t.blocks(func(_, _, x, y int, packed []byte) error {
		if len(packed) < 4 {
			return errTruncated
		}
		if err := d.jpegs.Decode(append(slices.Clip(head), packed[2:]...), part, 0); err != nil {
			return err
		}
		w, h := min(part.W, t.w-x, t.blockW), min(part.H, t.h-y, t.blockH)
		if w < min(t.blockW, t.w-x) || h < min(t.blockH, t.h-y) {
			return errors.New("a strip or tile that is smaller than it should be")
		}
		for c := range 3 {
			for r := range h {
				row := dst.Plane(c)[(y+r)*t.w+x:][:w]
				for i, v := range part.Plane(c)[r*part.W:][:w] {
					row[i] = v ^ inverted
				}
			}
		}
		return nil
	})
}
