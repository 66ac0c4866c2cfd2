package jpeg

import "encoding/binary"

// A reader gives a scan's bits, and between scans its markers.
type reader struct {
	file []byte
	at   int
	acc  uint64 // the next bits, the first of them on top
	n    int    // how many of them there are
	// found says that a marker stands where more bits are wanted: zeros come in their place, as in libjpeg.
	found bool
	// ended is found at the end of the file, where there is not even a marker.
	ended bool
}

func (r *reader) reset(file []byte, at int) { *r = reader{file: file, at: at} }

// fill makes at least 48 bits ready.
func (r *reader) fill() {
	if r.at+8 <= len(r.file) {
		v := binary.BigEndian.Uint64(r.file[r.at:])
		// No byte of the eight is 0xff: none of the inverse is 0.
		if x := ^v; (x-0x0101010101010101)&^x&0x8080808080808080 == 0 {
			r.acc |= v >> r.n
			r.at += (63 - r.n) >> 3
			r.n |= 56
			return
		}
	}
	for r.n <= 56 && !r.found {
		if r.at >= len(r.file) {
			r.found, r.ended = true, true
			break
		}
		b := r.file[r.at]
		if b == 0xff {
			i := r.at + 1
			for i < len(r.file) && r.file[i] == 0xff { // filling bytes
				i++
			}
			if i >= len(r.file) {
				r.found, r.ended = true, true
				break
			}
			if r.file[i] != 0 {
				r.found = true
				break
			}
			r.at = i
		}
		r.acc |= uint64(b) << (56 - r.n)
		r.n += 8
		r.at++
	}
}

// bit returns the next bit.
func (r *reader) bit() uint32 {
	if r.n < 1 {
		r.fill()
	}
	v := uint32(r.acc >> 63)
	r.acc <<= 1
	r.n--
	return v
}

// get returns size bits, up to 16.
func (r *reader) get(size int) int32 {
	if r.n < size {
		r.fill()
	}
	v := int32(r.acc >> (64 - size))
	r.acc <<= size
	r.n -= size
	return v
}

// symbol returns the next code's value, or -1 if it is none.
func (r *reader) symbol(h *huffman) int {
	if r.n < 16 {
		r.fill()
	}
	if e := h.fast[r.acc>>(64-fastBits)]; e != 0 {
		r.acc <<= e & 255
		r.n -= int(e & 255)
		return int(e >> 8)
	}
	return r.long(h)
}

// long returns the value of a code that is longer than fastBits.
func (r *reader) long(h *huffman) int {
	v := uint32(r.acc >> 48)
	length := fastBits + 1
	for v >= h.longer[length] {
		length++
	}
	if length > 16 {
		return -1
	}
	r.acc <<= length
	r.n -= length
	return int(h.values[uint8(int32(v>>(16-length))+h.delta[length])])
}

// atRestart says whether the marker that was found is a restart marker.
func (r *reader) atRestart() bool {
	m, ok := r.marker()
	if ok {
		r.at -= 2
	}
	return m >= 0xd0 && m <= 0xd7
}

// align forgets the bits that are left before a marker. Bytes are read ahead up to a marker alone.
func (r *reader) align() {
	r.acc, r.n, r.found = 0, 0, false
}

// marker goes to the next marker, past what is none, and returns its second byte.
func (r *reader) marker() (byte, bool) {
	for r.at+1 < len(r.file) {
		if r.file[r.at] == 0xff && r.file[r.at+1] != 0 && r.file[r.at+1] != 0xff {
			m := r.file[r.at+1]
			r.at += 2
			return m, true
		}
		r.at++
	}
	r.at = len(r.file)
	return 0, false
}

// segment returns what belongs to the marker before.
func (r *reader) segment() ([]byte, error) {
	if r.at+2 > len(r.file) {
		return nil, errTruncated
	}
	n := int(binary.BigEndian.Uint16(r.file[r.at:]))
	if n < 2 {
		return nil, badSegment("of no length")
	}
	if r.at+n > len(r.file) {
		return nil, errTruncated
	}
	data := r.file[r.at+2 : r.at+n]
	r.at += n
	return data, nil
}

// restart goes past the restart marker that is due, as jpeg_resync_to_restart in libjpeg's jdmarker.c does
// where it is another: one of the two next ones means that some are missing, and stays where it is; one of
// the two before it is left behind; others are taken for it. Any other marker ends the scan.
func (r *reader) restart(due int) {
	r.align()
	for {
		m, ok := r.marker()
		if !ok {
			r.found, r.ended = true, true
			return
		}
		ahead := (int(m) - 0xd0 - due) & 7
		switch {
		case m < 0xc0: // none that is valid
		case m < 0xd0 || m > 0xd7 || ahead == 1 || ahead == 2:
			r.at -= 2
			r.found = true
			return
		case ahead == 6 || ahead == 7:
		default:
			return
		}
	}
}
