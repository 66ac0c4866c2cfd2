// Package jpeg decodes JPEG files to the bytes that libjpeg-turbo makes of them, and so Pillow: the same
// inverse transform, the same smoothness of colours that have fewer samples than brightness, the same
// conversion. Pictures can be decoded at a half, a quarter or an eighth of their size, which takes as much
// less memory and most of the time away.
//
// The standard library's image/jpeg refuses what films and old cameras write (no Huffman tables, wrong restart
// markers, unusual sampling), differs from libjpeg by a few levels, knows no smaller sizes and takes 1.7 times
// as long; libjpeg needs cgo.
//
// The package guarantees:
//   - Sequential and progressive files of 8 bits with Huffman coding, of one, three or four components, are
//     read, whatever their sampling, as long as it divides evenly.
//   - Memory: beside the picture one byte a sample at the size that is made, and for progressive files two
//     bytes a sample at full size. Nothing of it is taken before the size was checked, and nothing for what
//     the file's own data could not fill.
//   - What is damaged is an error; a wrong restart marker is not.
//
// Terms and section numbers are those of ITU-T T.81.
//
// # Adding one
//
// A form of the format is a case of the reader of its marker in reader.go. Its files go to the scripts in testdata of
// package datasets/image/codec, which write what Pillow makes of them; the comparison is of every byte.
package jpeg

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A component is one colour of the picture (section A.1.1).
type component struct {
	id         byte
	h, v       int // sampling factors
	tq         byte
	across     int // blocks of the picture, across and down
	down       int
	wide, high int // blocks that whole MCUs have

	size          int // of a block in the plane: 8, or 4, 2, 1
	width, height int // of the samples that belong to the picture
	stride        int
	plane         []uint8
	coefficients  []int16 // of progressive files: blocks in their order, 64 each

	seen    bool   // in a scan
	vague   uint64 // coefficients of which scans still have to bring bits, one bit each
	quant   [64]int32
	dc, ac  *huffman
	predict int32
}

// A Decoder keeps memory from one picture to the next, and is not for concurrent use. The zero value is
// ready.
type Decoder struct {
	bits  reader
	quant [4][64]uint16 // in zigzag order
	known [4]bool
	dc    [4]huffman
	ac    [4]huffman

	width, height int
	progressive   bool
	components    []component
	maxH, maxV    int
	restart       int // MCUs between two restart markers, or 0
	scale         int // the picture is made that much smaller
	jfif, adobe   bool
	transform     byte // of Adobe's marker
	scanned       bool

	scans  int
	eobRun int32 // blocks that the present band has nothing for

	block [64]int32
	room  []uint8 // for the planes
	coef  []int16 // for the coefficients
	rows  [4][]uint8
}

func badSegment(what string) error { return fmt.Errorf("bad segment %s", what) }

// A Config is what a file's header says.
type Config struct {
	Width, Height int   // of the whole picture
	Memory        int64 // bytes that decoding takes, the picture that is made included
}

// Config returns what a file's header says, for a picture that keeps at least that many pixels on its shorter
// side (see [Decoder.Decode]).
func (d *Decoder) Config(file []byte, least int) (Config, error) {
	var c Config
	err := d.read(file, func() error {
		samples, coefficients := d.plan(least)
		c = Config{d.width, d.height, int64(samples) + 2*int64(coefficients) + 3*int64(ceil(d.width, d.scale))*int64(ceil(d.height, d.scale))}
		return errFrame
	})
	if err == errFrame {
		return c, nil
	}
	return Config{}, err
}

var errFrame = errors.New("the frame's header is there")

// Decode writes the picture to dst, in three channels. It may be made smaller by 2, 4 or 8 as long as its
// shorter side keeps at least that many pixels; 0 keeps its size. A smaller one is what Pillow's draft mode
// gives.
func (d *Decoder) Decode(file []byte, dst *image.Image, least int) error {
	err := d.read(file, func() error { return d.allocate(len(file), least) })
	if err != nil {
		return err
	}
	if !d.scanned {
		return errTruncated
	}
	for i := range d.components {
		switch c := &d.components[i]; {
		case !c.seen:
			return fmt.Errorf("no scan for the component %d", c.id)
		case d.progressive:
			d.transformAll(c)
		}
	}
	return d.convert(dst)
}

// Trim lets go of the decoder's memory where it is more than that many bytes.
func (d *Decoder) Trim(most int) {
	if cap(d.room) > most {
		d.room = nil
	}
	if 2*cap(d.coef) > most {
		d.coef = nil
	}
	clear(d.components[:cap(d.components)]) // they hold on to both
	d.bits.reset(nil, 0)
}

var errTruncated = errors.New("truncated")

// read goes through the markers (section B.1.1.3) and calls begin when the frame's header is known. It ends
// at the end of the picture, or where the file does after all that the picture needs is there.
func (d *Decoder) read(file []byte, begin func() error) error {
	d.components, d.restart, d.known = d.components[:0], 0, [4]bool{}
	d.jfif, d.adobe, d.scanned, d.width, d.scans = false, false, false, 0, 0
	for i := range d.dc {
		d.dc[i].known, d.ac[i].known = false, false
	}
	d.bits.reset(file, 2)
	if len(file) < 4 || file[0] != 0xff || file[1] != 0xd8 {
		return errors.New("not a JPEG file")
	}
	for {
		marker, ok := d.bits.marker()
		if !ok {
			if d.complete() {
				return nil
			}
			return errTruncated
		}
		if marker >= 0xd0 && marker <= 0xd7 || marker == 0x01 { // no segment belongs to them
			continue
		}
		if marker == 0xd9 { // end of image
			return nil
		}
		data, err := d.bits.segment()
		if err != nil {
			if d.complete() {
				return nil
			}
			return err
		}
		switch {
		case marker == 0xc4:
			err = d.huffmanTables(data)
		case marker == 0xdb:
			err = d.quantTables(data)
		case marker == 0xdd:
			if len(data) != 2 {
				return badSegment("DRI")
			}
			d.restart = int(binary.BigEndian.Uint16(data))
		case marker == 0xda:
			err = d.scan(data)
			d.scanned = err == nil
		case marker == 0xe0 && len(data) >= 5 && string(data[:5]) == "JFIF\x00":
			d.jfif = true
		case marker == 0xee && len(data) >= 12 && string(data[:5]) == "Adobe":
			d.adobe, d.transform = true, data[11]
		case marker == 0xc0, marker == 0xc1, marker == 0xc2:
			if err = d.frame(data, marker == 0xc2); err == nil {
				err = begin()
			}
		case marker >= 0xc9 && marker <= 0xcf && marker != 0xcc:
			err = errors.New("a JPEG with arithmetic coding, which is not read: save it with Huffman coding")
		case marker >= 0xc3 && marker <= 0xc7:
			err = fmt.Errorf("a JPEG of the lossless or hierarchical kind (SOF%d), which is not read", marker-0xc0)
		case marker == 0xf7:
			err = errors.New("a JPEG-LS file, which is not read")
		}
		if err != nil {
			return err
		}
	}
}

// complete says whether the scans so far brought all of the picture. Who ends a progressive file early on purpose writes
// its end; without that, the file was cut off.
func (d *Decoder) complete() bool {
	for i := range d.components {
		if d.components[i].vague != 0 {
			return false
		}
	}
	return d.scanned
}

// frame reads the frame's header (section B.2.2).
func (d *Decoder) frame(data []byte, progressive bool) error {
	if d.width > 0 {
		return errors.New("two frames")
	}
	if len(data) < 6 || len(data) != 6+3*int(data[5]) {
		return badSegment("SOF")
	}
	if data[0] != 8 {
		return fmt.Errorf("a JPEG of %d bits a sample, which is not read: should have 8", data[0])
	}
	h, w := int(binary.BigEndian.Uint16(data[1:])), int(binary.BigEndian.Uint16(data[3:]))
	if err := image.CheckSize(w, h); err != nil {
		return err
	}
	n := int(data[5])
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("a JPEG of %d components: should have 1, 3 or 4", n)
	}
	d.maxH, d.maxV = 1, 1
	for i := range n {
		f := data[6+3*i:]
		c := component{id: f[0], h: int(f[1] >> 4), v: int(f[1] & 15), tq: f[2], vague: math.MaxUint64}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.tq > 3 {
			return badSegment("SOF")
		}
		for _, other := range d.components {
			if other.id == c.id {
				return fmt.Errorf("two components are called %d", c.id)
			}
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
		d.components = append(d.components, c)
	}
	for _, c := range d.components {
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return fmt.Errorf("a sampling of %d×%d in a frame of %d×%d, which does not divide evenly", c.h, c.v, d.maxH, d.maxV)
		}
	}
	d.width, d.height, d.progressive = w, h, progressive
	return nil
}

// plan chooses how small the picture is made, and the planes' sizes as jdmaster.c has them: a component with few
// samples is made less small than the picture, as far as that spares spreading it later.
func (d *Decoder) plan(least int) (samples, coefficients int) {
	d.scale = 1
	for least > 0 && d.scale < 8 && ceil(min(d.width, d.height), 2*d.scale) >= least {
		d.scale *= 2
	}
	mcuW, mcuH := ceil(d.width, 8*d.maxH), ceil(d.height, 8*d.maxV)
	for i := range d.components {
		c := &d.components[i]
		size := 8 / d.scale
		c.size = size
		for c.size < 8 && d.maxH*size%(c.h*c.size*2) == 0 && d.maxV*size%(c.v*c.size*2) == 0 {
			c.size *= 2
		}
		c.across, c.down = ceil(d.width*c.h, 8*d.maxH), ceil(d.height*c.v, 8*d.maxV)
		c.wide, c.high = mcuW*c.h, mcuH*c.v
		c.width, c.height = ceil(d.width*c.h*c.size, 8*d.maxH), ceil(d.height*c.v*c.size, 8*d.maxV)
		c.stride = c.wide * c.size
		samples += c.stride * c.high * c.size
		if d.progressive {
			coefficients += c.wide * c.high * 64
		}
	}
	return samples, coefficients
}

// allocate makes room for the planes.
func (d *Decoder) allocate(file, least int) error {
	bytes, coefs := d.plan(least)
	// A block has at least one bit, that of its mean.
	if c := &d.components[0]; c.wide/c.h*(c.high/c.v) > 8*file {
		return errTruncated
	}
	if cap(d.room) < bytes {
		d.room = make([]uint8, bytes)
	}
	room := d.room[:bytes]
	var coef []int16
	if d.progressive {
		if cap(d.coef) < coefs {
			d.coef = make([]int16, coefs)
		}
		coef = d.coef[:coefs]
		clear(coef)
	}
	for i := range d.components {
		c := &d.components[i]
		n := c.stride * c.high * c.size
		c.plane, room = room[:n:n], room[n:]
		if d.progressive {
			n := c.wide * c.high * 64
			c.coefficients, coef = coef[:n:n], coef[n:]
		}
	}
	return nil
}

func ceil(a, b int) int { return (a + b - 1) / b }

// quantTables reads quantisation tables (section B.2.4.1).
func (d *Decoder) quantTables(data []byte) error {
	for len(data) > 0 {
		wide, t := data[0]>>4, data[0]&15
		n := 64 << wide
		if t > 3 || wide > 1 || len(data) < 1+n {
			return badSegment("DQT")
		}
		for i := range d.quant[t] {
			if wide == 1 {
				d.quant[t][i] = binary.BigEndian.Uint16(data[1+2*i:])
			} else {
				d.quant[t][i] = uint16(data[1+i])
			}
		}
		d.known[t] = true
		data = data[1+n:]
	}
	return nil
}
