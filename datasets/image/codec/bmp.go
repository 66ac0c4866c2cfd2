package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// The compressions of a BMP file.
const (
	bmpPlain = iota
	bmpRLE8
	bmpRLE4
	bmpMasks // bit fields
	bmpJPEG
	bmpPNG
	bmpAlphaMasks
)

// A bmpFile is what its headers say.
type bmpFile struct {
	w, h        int
	down        bool // the first row is the upper one
	depth       int  // bits a pixel
	compression int
	masks       [4]uint32  // red, green, blue, alpha
	palette     [][3]uint8 // red, green, blue
	pixels      []byte
}

func (d *decoder) bmpConfig(file []byte, _ int) (w, h int, memory int64, err error) {
	b, err := parseBMP(file)
	return b.w, b.h, int64(b.w) * int64(b.h) * planes, err
}

// bmp reads BMP files of all kinds that Windows and OS/2 have written. golang.org/x/image/bmp knows those of
// 8, 24 and 32 bits without compression alone.
func (d *decoder) bmp(file []byte, dst *image.Image, _ int) (int, error) {
	b, err := parseBMP(file)
	if err != nil {
		return 0, err
	}
	if err := image.CheckSize(b.w, b.h); err != nil {
		return 0, err
	}
	switch b.compression {
	case bmpRLE8, bmpRLE4:
		return 0, b.runs(dst)
	}
	if b.depth <= 8 {
		return 0, b.indexed(dst)
	}
	return 0, b.direct(dst)
}

// isDIB says whether a file is a BMP file without its header, as on the clipboard.
func isDIB(file []byte) bool {
	if len(file) < 16 {
		return false
	}
	le := binary.LittleEndian
	switch le.Uint32(file) {
	case 12:
		return le.Uint16(file[8:]) == 1 && le.Uint16(file[10:]) <= 24 // planes, bits
	case 40, 64, 108, 124:
		return le.Uint16(file[12:]) == 1 && le.Uint16(file[14:]) <= 32
	}
	return false
}

// parseBMP reads the file's header, and the picture's in any of its versions, told by their lengths.
func parseBMP(file []byte) (b bmpFile, err error) {
	le := binary.LittleEndian
	head := file
	if string(file[:2]) == "BM" {
		head = file[min(14, len(file)):]
	}
	if len(head) < 12 {
		return b, errTruncated
	}
	n := int64(le.Uint32(head))
	if n > int64(len(head)) {
		return b, errTruncated
	}
	entry := 4
	switch {
	case n == 12: // OS/2 1.x, Windows 2
		b.w, b.h = int(le.Uint16(head[4:])), int(le.Uint16(head[6:]))
		b.depth, entry = int(le.Uint16(head[10:])), 3
	case n >= 16 && n <= 64 || n == 108 || n == 124: // OS/2 2.x, which may end early, and Windows from 3 on
		h := int64(int32(le.Uint32(head[8:])))
		b.w, b.depth = int(int32(le.Uint32(head[4:]))), int(le.Uint16(head[14:]))
		if b.down = h < 0; b.down {
			h = -h
		}
		b.h = int(h)
		if n >= 20 {
			b.compression = int(le.Uint32(head[16:]))
		}
	default:
		return b, fmt.Errorf("a BMP file whose header has %d bytes, which is not known", n)
	}
	colours := 0
	if n >= 36 {
		colours = int(le.Uint32(head[32:]))
	}
	if colours == 0 && b.depth <= 8 {
		colours = 1 << b.depth
	}
	after := head[n:]
	switch b.compression {
	case bmpPlain:
		b.masks = map[int][4]uint32{16: {0x7c00, 0x3e0, 0x1f}, 24: {0xff0000, 0xff00, 0xff}, 32: {0xff0000, 0xff00, 0xff}}[b.depth]
	case bmpMasks, bmpAlphaMasks:
		// Pillow, and others, see no opacity in 16 bits.
		masks := 3
		if b.depth == 32 && n >= 56 || b.compression == bmpAlphaMasks {
			masks = 4
		}
		at := head[min(40, len(head)):]
		if len(at) < 4*masks {
			return b, errTruncated
		}
		for i := range masks {
			b.masks[i] = le.Uint32(at[4*i:])
		}
		if n == 40 {
			after = after[4*masks:]
		}
		if b.depth != 16 && b.depth != 32 || b.masks[0]|b.masks[1]|b.masks[2] == 0 {
			return b, fmt.Errorf("bit fields %x of %d bits", b.masks, b.depth)
		}
	case bmpRLE8, bmpRLE4:
		if b.depth != map[int]int{bmpRLE8: 8, bmpRLE4: 4}[b.compression] {
			return b, fmt.Errorf("run lengths with %d bits a pixel", b.depth)
		}
	case bmpJPEG, bmpPNG:
		return b, errors.New("a BMP file that holds a JPEG or PNG file, as for printers, which is not read")
	default:
		return b, fmt.Errorf("a BMP file with the compression %d, which is not known", b.compression)
	}
	switch b.depth {
	case 1, 2, 4, 8:
		if colours < 1 || colours > 256 || len(after) < colours*entry {
			return b, errTruncated
		}
		for ; colours > 0; colours, after = colours-1, after[entry:] {
			b.palette = append(b.palette, [3]uint8{after[2], after[1], after[0]})
		}
	case 16, 24, 32:
	default:
		return b, fmt.Errorf("a BMP file of %d bits a pixel", b.depth)
	}
	b.pixels = after
	if string(file[:2]) == "BM" {
		from := int64(le.Uint32(file[10:]))
		if from > int64(len(file)) {
			return b, errTruncated
		}
		b.pixels = file[from:]
	}
	return b, nil
}

// line is where row y of the file stands in the picture.
func (b *bmpFile) line(y int) int {
	if b.down {
		return y
	}
	return b.h - 1 - y
}

// stride is the bytes of a row, a multiple of 4, if all rows are there.
func (b *bmpFile) stride() (int, error) {
	n := (b.w*b.depth + 31) / 32 * 4
	// The last row may lack the bytes that fill it up.
	if len(b.pixels) < n*(b.h-1)+(b.w*b.depth+7)/8 {
		return 0, errTruncated
	}
	return n, nil
}

// indexed reads pixels that are places in the palette; what is beyond it is black.
func (b *bmpFile) indexed(dst *image.Image) error {
	stride, err := b.stride()
	if err != nil {
		return err
	}
	var table [256][3]uint8
	copy(table[:], b.palette)
	dst.Reset(image.Shape{C: 3, H: b.h, W: b.w})
	red, green, blue := dst.Plane(0), dst.Plane(1), dst.Plane(2)
	each, mask := 8/b.depth, uint8(1<<b.depth-1)
	for y := range b.h {
		row, at := b.pixels[y*stride:], b.line(y)*b.w
		for x := range b.w {
			i := row[x/each] >> (8 - b.depth - x%each*b.depth) & mask
			red[at+x], green[at+x], blue[at+x] = table[i][0], table[i][1], table[i][2]
		}
	}
	return nil
}

// direct reads pixels that are colours.
func (b *bmpFile) direct(dst *image.Image) error {
	stride, err := b.stride()
	if err != nil {
		return err
	}
	// A part of n bits is stretched to 0…255 as Pillow does it.
	var shift [4]int
	var most [4]uint32
	for i, m := range b.masks {
		shift[i] = bits.TrailingZeros32(m)
		most[i] = m >> (shift[i] & 31)
	}
	part := func(v uint32, i int) uint8 {
		v = v & b.masks[i] >> (shift[i] & 31)
		if most[i] == 255 || most[i] == 0 {
			return uint8(v)
		}
		return uint8(uint64(v) * 255 / uint64(most[i]))
	}
	dst.Reset(image.Shape{C: 3, H: b.h, W: b.w})
	red, green, blue := dst.Plane(0), dst.Plane(1), dst.Plane(2)
	bytes := b.depth / 8
	for y := range b.h {
		row, at := b.pixels[y*stride:], b.line(y)*b.w
		for i := at; i < at+b.w; i, row = i+1, row[bytes:] {
			v := uint32(row[0]) | uint32(row[1])<<8
			if bytes > 2 {
				v |= uint32(row[2]) << 16
			}
			if bytes > 3 {
				v |= uint32(row[3]) << 24
			}
			red[i], green[i], blue[i] = part(v, 0), part(v, 1), part(v, 2)
			if b.masks[3] != 0 {
				a := part(v, 3)
				red[i], green[i], blue[i] = image.OnWhite(red[i], a), image.OnWhite(green[i], a), image.OnWhite(blue[i], a)
			}
		}
	}
	return nil
}

// runs reads pixels in runs of one colour, or of two in turns. What no run brings is the palette's first.
func (b *bmpFile) runs(dst *image.Image) error {
	// Two bytes make up to 255 pixels, four leave out as many in both directions: nobody writes a large
	// picture of gaps alone.
	if int64(b.w)*int64(b.h) > 256*int64(len(b.pixels))+1<<16 {
		return errTruncated
	}
	var table [256][3]uint8
	copy(table[:], b.palette)
	dst.Reset(image.Shape{C: 3, H: b.h, W: b.w})
	for c := range 3 {
		plane := dst.Plane(c)
		for i := range plane {
			plane[i] = table[0][c]
		}
	}
	x, y := 0, 0
	put := func(i uint8) {
		if x < b.w && y < b.h {
			at := b.line(y)*b.w + x
			for c := range 3 {
				dst.Plane(c)[at] = table[i][c]
			}
		}
		x++
	}
	half := func(v uint8, k int) uint8 {
		switch {
		case b.depth == 8:
			return v
		case k&1 == 0:
			return v >> 4
		}
		return v & 15
	}
	for p := b.pixels; ; {
		if len(p) < 2 {
			return errTruncated
		}
		n, v := int(p[0]), p[1]
		p = p[2:]
		if n > 0 {
			for k := range n {
				put(half(v, k))
			}
			continue
		}
		switch v {
		case 0: // the row's end
			x, y = 0, y+1
		case 1: // the picture's
			return nil
		case 2: // to another place
			if len(p) < 2 {
				return errTruncated
			}
			x, y, p = x+int(p[0]), y+int(p[1]), p[2:]
		default: // so many pixels as they are
			size := (int(v)*b.depth + 7) / 8
			if len(p) < size {
				return errTruncated
			}
			for k := range int(v) {
				put(half(p[k*b.depth/8], k))
			}
			p = p[min(size+size&1, len(p)):]
		}
		if y >= b.h && len(p) < 2 {
			return nil // whole, but for its end mark
		}
	}
}
