package jpeg

import "fmt"

// fastBits is how many bits are looked up at once.
const fastBits = 9

// A huffman is a table of Huffman codes (section F.2.2.3), made for looking up.
type huffman struct {
	known  bool
	values [256]byte
	// fast is, by the next bits, the code's length in the lower byte and its value in the upper; 0 if it is
	// longer than they are.
	fast [1 << fastBits]uint16
	// whole is, by the next bits, a coefficient that lies in them with its code: its value in the upper
	// byte, its run of zeros and the length of it all in four bits each; 0 if there is none. For AC alone.
	whole [1 << fastBits]int16
	// longer is, by length, the first code of 16 bits that is not of this length or a shorter one.
	longer [18]uint32
	delta  [17]int32 // from a code to the place of its value
}

// set makes the table of the numbers of codes of each length, and of their values.
func (h *huffman) set(counts [16]byte, values []byte) error {
	h.known = true
	copy(h.values[:], values)
	clear(h.fast[:])
	clear(h.whole[:])
	code, k := uint32(0), 0
	for length := 1; length <= 16; length++ {
		n := int(counts[length-1])
		h.delta[length] = int32(k) - int32(code)
		if code+uint32(n) > 1<<length {
			return fmt.Errorf("bad segment DHT: more codes of %d bits than there are", length)
		}
		for range n {
			if length <= fastBits {
				from := code << (fastBits - length)
				for i := range uint32(1) << (fastBits - length) {
					h.fast[from+i] = uint16(h.values[k])<<8 | uint16(length)
				}
			}
			code++
			k++
		}
		h.longer[length] = code << (16 - length)
		code <<= 1
	}
	h.longer[17] = 1 << 17
	for i := range h.fast {
		entry := h.fast[i]
		length, run, size := int(entry&255), int(entry>>12), int(entry>>8&15)
		if length == 0 || size == 0 || length+size > fastBits {
			continue
		}
		v := int32(i) << length & (1<<fastBits - 1) >> (fastBits - size)
		if v = extend(v, size); v >= -128 && v <= 127 {
			h.whole[i] = int16(v<<8) | int16(run<<4) | int16(length+size)
		}
	}
	return nil
}

// extend is the value that size bits stand for (figure F.12).
func extend(v int32, size int) int32 {
	if v < 1<<(size-1) {
		v += -1<<size + 1
	}
	return v
}

// huffmanTables reads Huffman tables (section B.2.4.2).
func (d *Decoder) huffmanTables(data []byte) error {
	for len(data) > 0 {
		if len(data) < 17 {
			return badSegment("DHT")
		}
		class, t := data[0]>>4, data[0]&15
		var counts [16]byte
		n := copy(counts[:], data[1:17]) - 16
		for _, c := range counts {
			n += int(c)
		}
		if class > 1 || t > 3 || n > 256 || len(data) < 17+n {
			return badSegment("DHT")
		}
		table := &d.dc[t]
		if class == 1 {
			table = &d.ac[t]
		}
		if err := table.set(counts, data[17:17+n]); err != nil {
			return err
		}
		data = data[17+n:]
	}
	return nil
}

// usual fills in the tables of section K.3.3 where a file has none of its own, as the pictures of a film do.
func (d *Decoder) usual() {
	for t := range 2 {
		if !d.dc[t].known {
			u := &usualTables[0][t]
			d.dc[t].set(u.counts, []byte(u.values))
		}
		if !d.ac[t].known {
			u := &usualTables[1][t]
			d.ac[t].set(u.counts, []byte(u.values))
		}
	}
}

type usualTable struct {
	counts [16]byte
	values string
}

// usualTables are tables K.3 to K.6: of DC and AC, each for brightness and for colour.
var usualTables = [2][2]usualTable{
	{
		{[16]byte{0, 1, 5, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"},
		{[16]byte{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"},
	},
	{
		{[16]byte{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d}, "" +
			"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0" +
			"\x24\x33\x62\x72\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a\x34\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49" +
			"\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83\x84\x85\x86\x87\x88\x89" +
			"\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3\xc4\xc5" +
			"\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8" +
			"\xf9\xfa"},
		{[16]byte{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}, "" +
			"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0" +
			"\x15\x62\x72\xd1\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48" +
			"\x49\x4a\x53\x54\x55\x56\x57\x58\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x82\x83\x84\x85\x86\x87" +
			"\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3" +
			"\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8" +
			"\xf9\xfa"},
	},
}
