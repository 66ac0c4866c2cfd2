package jpeg

import (
	"errors"
	"fmt"
)

// unzig is where the k-th coefficient of a block stands, row by row (figure A.6); those beyond the last
// are an error that is found after the block.
var unzig = [64 + 16]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
}

// maxScans is more than any encoder writes, and keeps small files from taking long.
const maxScans = 500

var errCode = errors.New("bad Huffman code")

// A spectrum is which coefficients a scan brings, and which bits of them (section B.2.3).
type spectrum struct {
	from, to  int
	high, low int
}

// scan reads one scan, and all blocks in it.
func (d *Decoder) scan(data []byte) error {
	if d.width == 0 {
		return errors.New("a scan before the frame")
	}
	if d.scans++; d.scans > maxScans {
		return fmt.Errorf("more than %d scans", maxScans)
	}
	if len(data) < 1 || data[0] < 1 || data[0] > 4 || len(data) != 4+2*int(data[0]) {
		return badSegment("SOS")
	}
	n := int(data[0])
	tail := data[1+2*n:]
	s := spectrum{int(tail[0]), int(tail[1]), int(tail[2] >> 4), int(tail[2] & 15)}
	if !d.progressive {
		s = spectrum{to: 63}
	} else if s.to > 63 || s.from > s.to || s.from == 0 && s.to > 0 || s.from > 0 && n > 1 || s.low > 13 || s.high > 0 && s.high != s.low+1 {
		return badSegment("SOS")
	}
	d.usual()
	var room [4]*component
	list := room[:0]
	for i := range n {
		var c *component
		for j := range d.components {
			if d.components[j].id == data[1+2*i] {
				c = &d.components[j]
			}
		}
		dc, ac := data[2+2*i]>>4, data[2+2*i]&15
		if c == nil || dc > 3 || ac > 3 {
			return badSegment("SOS")
		}
		for _, other := range list {
			if other == c {
				return badSegment("SOS")
			}
		}
		c.dc, c.ac = &d.dc[dc], &d.ac[ac]
		if s.from == 0 && s.high == 0 && !c.dc.known || s.to > 0 && !c.ac.known {
			return errors.New("a scan without its Huffman table")
		}
		if !c.seen { // its table is the one that is there when its first scan begins
			if !d.known[c.tq] {
				return errors.New("a scan without its quantisation table")
			}
			for k, q := range d.quant[c.tq] {
				c.quant[unzig[k]] = int32(q)
			}
			c.seen = true
		}
		if s.low == 0 {
			c.vague &^= 1<<(s.to+1) - 1<<s.from // 64 bits, of which 1<<64 leaves none
		}
		list = append(list, c)
	}
	if d.progressive && s.from > 0 && list[0].size == 1 {
		return nil // at an eighth of the size the mean is enough
	}
	d.bits.align()
	return d.blocks(list, s)
}

// blocks reads a scan's blocks: MCU by MCU if it has several components, otherwise those of the picture
// alone (section A.2).
func (d *Decoder) blocks(list []*component, s spectrum) error {
	first := list[0]
	across, down := first.across, first.down
	if len(list) > 1 {
		across, down = first.wide/first.h, first.high/first.v
	}
	d.begin(list)
	left, due := d.restart, 0
	missing := false // up to the next restart marker
	for y := range down {
		for x := range across {
			if d.restart > 0 {
				if left == 0 {
					if d.bits.restart(due); d.bits.ended {
						return errTruncated
					}
					d.begin(list)
					left, due = d.restart, (due+1)&7
					missing = missing && d.bits.found // libjpeg makes one MCU of zero bits before it gives up
				}
				left--
			}
			for _, c := range list {
				h, v := c.h, c.v
				if len(list) == 1 {
					h, v = 1, 1
				}
				for k := range h * v {
					var err error
					if at, row := x*h+k%h, y*v+k/h; !missing {
						err = d.one(c, at, row, s)
					} else if !d.progressive {
						d.block[0] = 0
						c.transform(&d.block, 0, at, row)
					}
					if err != nil {
						return err
					}
				}
			}
			if d.bits.n < 0 && !missing {
				// Zeros were read that the file does not have. Where restart markers are missing the rest
				// of the picture is there; elsewhere it is not.
				if d.bits.ended || !d.bits.atRestart() {
					return errTruncated
				}
				missing = true
			}
		}
	}
	return nil
}

// begin is what is done at the beginning of a scan, and after a restart marker.
func (d *Decoder) begin(list []*component) {
	for _, c := range list {
		c.predict = 0
	}
	d.eobRun = 0
}

// one reads one block.
func (d *Decoder) one(c *component, x, y int, s spectrum) error {
	if !d.progressive {
		return d.sequential(c, x, y)
	}
	at := 64 * (y*c.wide + x)
	b := (*[64]int16)(c.coefficients[at:])
	switch {
	case s.from == 0 && s.high == 0:
		v, err := d.bits.difference(c.dc)
		if err != nil {
			return err
		}
		c.predict += v
		b[0] = int16(c.predict << s.low)
		return nil
	case s.from == 0:
		b[0] |= int16(d.bits.bit() << s.low)
		return nil
	case s.high == 0:
		return d.firstAC(c, b, s)
	}
	return d.refineAC(c, b, s)
}

// difference reads what a DC coefficient differs by from the one before (section F.2.2.1).
func (r *reader) difference(h *huffman) (int32, error) {
	size := r.symbol(h)
	if size < 0 || size > 15 {
		return 0, errCode
	}
	if size == 0 {
		return 0, nil
	}
	return extend(r.get(size), size), nil
}

// sequential reads a block and transforms it into the component's plane (sections F.2.2.1, F.2.2.2).
func (d *Decoder) sequential(c *component, x, y int) error {
	r := &d.bits
	diff, err := r.difference(c.dc)
	if err != nil {
		return err
	}
	c.predict += diff
	b := &d.block
	clear(b[:])
	b[0] = c.predict * c.quant[0]
	used := uint64(0)
	h := c.ac
	// The reader's fields in registers.
	acc, n := r.acc, r.n
	k := 1
	for k < 64 {
		if n < 32 {
			r.acc, r.n = acc, n
			r.fill()
			acc, n = r.acc, r.n
		}
		if e := int(h.whole[acc>>(64-fastBits)]); e != 0 {
			k += e >> 4 & 15
			acc <<= uint(e & 15)
			n -= e & 15
			z := unzig[k] & 63
			b[z] = int32(e>>8) * c.quant[z]
			used |= 1 << z
			k++
			continue
		}
		var rs int
		if e := h.fast[acc>>(64-fastBits)]; e != 0 {
			acc <<= e & 255
			n -= int(e & 255)
			rs = int(e >> 8)
		} else {
			r.acc, r.n = acc, n
			if rs = r.long(h); rs < 0 {
				return errCode
			}
			acc, n = r.acc, r.n
		}
		size := rs & 15
		if size == 0 {
			if rs != 0xf0 {
				break
			}
			k += 16
			continue
		}
		k += rs >> 4
		v := extend(int32(acc>>(64-uint(size))), size)
		acc <<= uint(size)
		n -= size
		z := unzig[k] & 63
		b[z] = v * c.quant[z]
		used |= 1 << z
		k++
	}
	r.acc, r.n = acc, n
	if k > 64 {
		return errors.New("a block of more than 64 coefficients")
	}
	c.transform(b, used, x, y)
	return nil
}

// firstAC reads the upper bits of a block's coefficients (section G.1.2.2).
func (d *Decoder) firstAC(c *component, b *[64]int16, s spectrum) error {
	if d.eobRun > 0 {
		d.eobRun--
		return nil
	}
	r := &d.bits
	for k := s.from; k <= s.to; k++ {
		rs := r.symbol(c.ac)
		if rs < 0 {
			return errCode
		}
		run, size := rs>>4, rs&15
		if size > 0 {
			k += run
			if k > 63 {
				return errCode
			}
			b[unzig[k]] = int16(extend(r.get(size), size) << s.low)
			continue
		}
		if run < 15 {
			d.eobRun = int32(1)<<run + r.get(run) - 1
			break
		}
		k += 15
	}
	return nil
}

// refineAC reads one more bit of a block's coefficients (section G.1.2.3).
func (d *Decoder) refineAC(c *component, b *[64]int16, s spectrum) error {
	r := &d.bits
	one := int16(1) << s.low
	// more adds the next bit to a coefficient that has some already.
	more := func(v *int16) {
		if r.bit() == 0 || *v&one != 0 {
			return
		}
		if *v > 0 {
			*v += one
		} else {
			*v -= one
		}
	}
	k := s.from
	if d.eobRun == 0 {
		for ; k <= s.to; k++ {
			rs := r.symbol(c.ac)
			if rs < 0 {
				return errCode
			}
			run, size := rs>>4, rs&15
			v := int16(0)
			switch {
			case size > 0 && r.bit() == 1:
				v = one
			case size > 0:
				v = -one
			case run < 15:
				d.eobRun = int32(1)<<run + r.get(run)
			}
			if d.eobRun > 0 {
				break
			}
			for ; k <= s.to; k++ {
				if p := &b[unzig[k]]; *p != 0 {
					more(p)
				} else if run--; run < 0 {
					break
				}
			}
			if v != 0 {
				if k > 63 {
					return errCode
				}
				b[unzig[k]] = v
			}
		}
	}
	if d.eobRun > 0 {
		for ; k <= s.to; k++ {
			if p := &b[unzig[k]]; *p != 0 {
				more(p)
			}
		}
		d.eobRun--
	}
	return nil
}

// transformAll makes the plane of a component of a progressive file.
func (d *Decoder) transformAll(c *component) {
	for y := range c.down {
		for x := range c.across {
			from := (*[64]int16)(c.coefficients[64*(y*c.wide+x):])
			b, used := &d.block, uint64(0)
			for k, v := range from {
				b[k] = int32(v) * c.quant[k]
				if v != 0 {
					used |= 1 << k
				}
			}
			c.transform(b, used&^1, x, y)
		}
	}
}
