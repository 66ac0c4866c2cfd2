package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A tag of a TIFF file: shorts, or longs where they are large.
type tag struct {
	number uint16
	values []uint32
}

// tiffOf is a TIFF file with one strip.
func tiffOf(order binary.AppendByteOrder, strip []byte, tags ...tag) []byte {
	return tiffOfStrips(order, [][]byte{strip}, tags...)
}

// tiffOfStrips is one with several.
func tiffOfStrips(order binary.AppendByteOrder, strips [][]byte, tags ...tag) []byte {
	offsets, counts := make([]uint32, len(strips)), make([]uint32, len(strips))
	tags = append(slices.Clone(tags), tag{tagOffsets, offsets}, tag{tagCounts, counts})
	slices.SortFunc(tags, func(a, b tag) int { return int(a.number) - int(b.number) })
	at := len(directory(order, tags)) // wherever strips are
	for i, s := range strips {
		offsets[i], counts[i] = uint32(at), uint32(len(s))
		at += len(s)
	}
	return append(directory(order, tags), bytes.Join(strips, nil)...)
}

// directory is a file's head with its tags and their values.
func directory(order binary.AppendByteOrder, tags []tag) []byte {
	file := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		file = []byte("MM\x00*")
	}
	file = order.AppendUint32(file, 8)
	after := 8 + 2 + 12*len(tags) + 4
	var more []byte
	file = order.AppendUint16(file, uint16(len(tags)))
	for _, t := range tags {
		file = order.AppendUint16(file, t.number)
		file = order.AppendUint16(file, 3)
		file = order.AppendUint32(file, uint32(len(t.values)))
		var data []byte
		for _, v := range t.values {
			data = order.AppendUint16(data, uint16(v))
		}
		if len(data) <= 4 {
			file = append(file, append(data, make([]byte, 4-len(data))...)...)
			continue
		}
		file = order.AppendUint32(file, uint32(after+len(more)))
		more = append(more, data...)
	}
	return append(append(file, 0, 0, 0, 0), more...)
}

// sized are the tags of so many pixels, and of what they are.
func sized(w, h uint32, photometric uint32, bits ...uint32) []tag {
	return []tag{{tagWidth, []uint32{w}}, {tagHeight, []uint32{h}}, {tagPhotometric, []uint32{photometric}}, {tagBits, bits}, {tagSamples, []uint32{uint32(len(bits))}}}
}

// A fax of two lines of ten pixels, white but for the last two and white but for the first: ITU-T T.4's white runs of 8
// (10011), 0 (00110101) and 9 (10100), and black ones of 2 (11) and 1 (010).
func TestFaxLinesEndWhereTheyWill(t *testing.T) {
	const end, first, second = "000000000001", "1001111", "0011010101010100"
	black, white := []uint8{0}, []uint8{255}
	row := func(runs ...[]uint8) []uint8 { return slices.Concat(runs...) }
	want := row(slices.Repeat(white, 8), black, black, black, slices.Repeat(white, 9))
	for name, bits := range map[string]string{
		"as they come":             end + first + end + second + strings.Repeat(end, 6),
		"at bytes' ends":           "0000" + end + first + "00000" + end + second + "0000" + strings.Repeat(end, 6),
		"far behind":               strings.Repeat("0", 20) + end + first + strings.Repeat("0", 29) + end + second,
		"without one at the start": first + end + second,
		"without one at the end":   end + first + end + second,
	} {
		t.Run(name, func(t *testing.T) {
			strip := make([]byte, (len(bits)+7)/8)
			for i, b := range bits {
				strip[i/8] |= byte(b-'0') << (7 - i%8)
			}
			var m image.Image
			tags := append(sized(10, 2, photoWhiteIsZero, 1), tag{tagCompression, []uint32{3}}, tag{tagT4, []uint32{4}})
			if err := Decode(tiffOf(binary.LittleEndian, strip, tags...), &m); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(m.Plane(1), want) {
				t.Errorf("%v, want %v", m.Plane(1), want)
			}
		})
	}
}

func TestAJPEGInATIFFWhoseWhiteIsZero(t *testing.T) {
	strip, err := os.ReadFile("testdata/images/grey.jpg")
	if err != nil {
		t.Fatal(err)
	}
	var plain, m image.Image
	if err := Decode(strip, &plain); err != nil {
		t.Fatal(err)
	}
	for photometric, mask := range map[uint32]uint8{photoBlackIsZero: 0, photoWhiteIsZero: 255} {
		tags := append(sized(uint32(plain.W), uint32(plain.H), photometric, 8), tag{tagCompression, []uint32{7}})
		if err := Decode(tiffOf(binary.LittleEndian, strip, tags...), &m); err != nil {
			t.Fatal(err)
		}
		for i, v := range plain.Pix {
			if m.Pix[i] != v^mask {
				t.Fatalf("photometric interpretation %d: byte %d is %d, in the JPEG file %d", photometric, i, m.Pix[i], v)
			}
		}
	}
}

// What is right is TIFF 6.0's own text.
func TestTIFFFilesOfEveryKindOfSample(t *testing.T) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write([]byte{10, 20, 30, 1, 2, 3, 4, 5, 6, 255, 255, 255}) // the second row of differences: +1, …
	z.Close()
	palette := make([]uint32, 3*16)
	palette[3], palette[16+3], palette[32+3] = 0x1100, 0x2200, 0x3300
	palette[9], palette[16+9], palette[32+9] = 0xaa00, 0xbb00, 0xcc00
	for _, c := range []struct {
		name  string
		strip []byte
		tags  []tag
		want  [3][]uint8 // red, green, blue
	}{
		{"black is zero", []byte{0, 7, 255}, sized(3, 1, photoBlackIsZero, 8), [3][]uint8{{0, 7, 255}, {0, 7, 255}, {0, 7, 255}}},
		{"white is zero", []byte{0, 7, 255}, sized(3, 1, photoWhiteIsZero, 8), [3][]uint8{{255, 248, 0}, {255, 248, 0}, {255, 248, 0}}},
		{"bits from the left", []byte{0b10100000}, sized(5, 1, photoBlackIsZero, 1), [3][]uint8{{255, 0, 255, 0, 0}, {255, 0, 255, 0, 0}, {255, 0, 255, 0, 0}}},
		{"bits from the right", []byte{0b00000101}, append(sized(5, 1, photoBlackIsZero, 1), tag{tagFillOrder, []uint32{2}}), [3][]uint8{{255, 0, 255, 0, 0}, {255, 0, 255, 0, 0}, {255, 0, 255, 0, 0}}},
		{"four greys", []byte{0b00011011}, sized(4, 1, photoBlackIsZero, 2), [3][]uint8{{0, 85, 170, 255}, {0, 85, 170, 255}, {0, 85, 170, 255}}},
		{"sixteen colours", []byte{0x39}, append(sized(2, 1, photoPalette, 4), tag{tagColours, palette}), [3][]uint8{{0x11, 0xaa}, {0x22, 0xbb}, {0x33, 0xcc}}},
		{"colours", []byte{1, 2, 3, 4, 5, 6}, sized(2, 1, photoRGB, 8, 8, 8), [3][]uint8{{1, 4}, {2, 5}, {3, 6}}},
		{"colours of four bits", []byte{0x12, 0x34, 0x5f}, sized(2, 1, photoRGB, 4, 4, 4), [3][]uint8{{17, 68}, {34, 85}, {51, 255}}},
		{"colours, plane by plane", []byte{1, 2}, append(sized(2, 1, photoRGB, 8, 8, 8), tag{tagPlanar, []uint32{2}}), [3][]uint8{}},
		{"opacity that is not multiplied", []byte{100, 0, 200, 255, 100, 0, 200, 0}, append(sized(2, 1, photoRGB, 8, 8, 8, 8), tag{tagExtra, []uint32{2}}), [3][]uint8{{100, 255}, {0, 255}, {200, 255}}},
		{"opacity that is", []byte{100, 0, 50, 128, 0, 0, 0, 0}, append(sized(2, 1, photoRGB, 8, 8, 8, 8), tag{tagExtra, []uint32{1}}), [3][]uint8{{227, 255}, {127, 255}, {177, 255}}},
		{"a fourth sample of no opacity", []byte{1, 2, 3, 0}, append(sized(1, 1, photoRGB, 8, 8, 8, 8), tag{tagExtra, []uint32{0}}), [3][]uint8{{1}, {2}, {3}}},
		{"inks", []byte{255, 0, 0, 0, 0, 0, 0, 255}, sized(2, 1, photoInks, 8, 8, 8, 8), [3][]uint8{{0, 0}, {255, 0}, {255, 0}}},
		{"brightness and colour", []byte{255, 128, 128, 0, 128, 128}, append(sized(2, 1, photoYCbCr, 8, 8, 8), tag{tagSubsampling, []uint32{1, 1}}), [3][]uint8{{255, 0}, {255, 0}, {255, 0}}},
		{"runs of bytes", []byte{254, 9, 128, 0, 4}, append(sized(4, 1, photoBlackIsZero, 8), tag{tagCompression, []uint32{32773}}), [3][]uint8{{9, 9, 9, 4}, {9, 9, 9, 4}, {9, 9, 9, 4}}},
		{"differences", packed.Bytes(), append(sized(2, 2, photoRGB, 8, 8, 8), tag{tagCompression, []uint32{8}}, tag{tagPredictor, []uint32{2}}), [3][]uint8{{10, 11, 4, 3}, {20, 22, 5, 4}, {30, 33, 6, 5}}},
	} {
		for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
			t.Run(c.name+", "+name, func(t *testing.T) {
				var m image.Image
				err := Decode(tiffOf(order, c.strip, c.tags...), &m)
				if c.want[0] == nil { // a plane is missing
					if err == nil {
						t.Errorf("%v without its other planes", m.Pix)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				for i, want := range c.want {
					if got := m.Plane(min(i, m.C-1)); !slices.Equal(got, want) {
						t.Errorf("channel %d is %v, want %v", i, got, want)
					}
				}
			})
		}
	}
}

// The last strip has the rows that are left, whatever packs it.
func TestTheLastStripMayBeShorter(t *testing.T) {
	deflated := func(b []byte) []byte {
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		z.Write(b)
		z.Close()
		return packed.Bytes()
	}
	want := []uint8{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for compression, pack := range map[uint32]func([]byte) []byte{
		1:     slices.Clone[[]byte],
		8:     deflated,
		32773: func(b []byte) []byte { return append([]byte{byte(len(b) - 1)}, b...) },
	} {
		for rows, strips := range map[uint32][][]byte{2: {pack(want[:6]), pack(want[6:12]), pack(want[12:])}, 3: {pack(want[:9]), pack(want[9:])}, 9: {pack(want)}} {
			var m image.Image
			file := tiffOfStrips(binary.LittleEndian, strips, append(sized(3, 5, photoBlackIsZero, 8), tag{tagRows, []uint32{rows}}, tag{tagCompression, []uint32{compression}})...)
			if err := Decode(file, &m); err != nil || !slices.Equal(m.Plane(0), want) {
				t.Errorf("compression %d, strips of %d rows: %v, %v", compression, rows, m.Pix, err)
			}
		}
	}
}

// Samples of 16 bits are added up whole, whatever their order of bytes; what is shown is the upper one.
func TestDifferencesOfSixteenBits(t *testing.T) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, c := range []struct {
			differences []uint16
			photometric uint32
			bits        []uint32
			want        [3][]uint8
		}{
			{[]uint16{0x0180, 0x0100, 0x0090, 0xff00}, photoBlackIsZero, []uint32{16}, [3][]uint8{{1, 2, 3, 2}, {1, 2, 3, 2}, {1, 2, 3, 2}}},
			{[]uint16{0x1000, 0x2000, 0x3080, 0x0100, 0xff00, 0x0080, 0x0200, 0x0300, 0x0400}, photoRGB, []uint32{16, 16, 16}, [3][]uint8{{0x10, 0x11, 0x13}, {0x20, 0x1f, 0x22}, {0x30, 0x31, 0x35}}},
		} {
			var strip []byte
			for _, v := range c.differences {
				strip = order.AppendUint16(strip, v)
			}
			var packed bytes.Buffer
			z := zlib.NewWriter(&packed)
			z.Write(strip)
			z.Close()
			w := uint32(len(c.differences) / len(c.bits))
			var m image.Image
			err := Decode(tiffOf(order, packed.Bytes(), append(sized(w, 1, c.photometric, c.bits...), tag{tagCompression, []uint32{8}}, tag{tagPredictor, []uint32{2}})...), &m)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				if got := m.Plane(min(i, m.C-1)); !slices.Equal(got, want) {
					t.Errorf("%v, %d samples: channel %d is %v, want %v", order, len(c.bits), i, got, want)
				}
			}
		}
	}
}

func TestTIFFFilesThatAreNotReadSayWhy(t *testing.T) {
	grey := sized(2, 1, photoBlackIsZero, 8)
	with := func(more ...tag) []tag { return append(slices.Clone(grey), more...) }
	for _, c := range []struct {
		name  string
		strip []byte
		tags  []tag
		want  string
	}{
		{"samples of two lengths", []byte{1, 2}, sized(2, 1, photoRGB, 8, 16, 8), "samples of different lengths"},
		{"floating-point numbers", []byte{1, 2}, with(tag{tagFormat, []uint32{3}}), "floating-point numbers"},
		{"numbers with a sign", []byte{1, 2}, with(tag{tagFormat, []uint32{2}}), "below zero"},
		{"a compression that nobody knows", []byte{1, 2}, with(tag{tagCompression, []uint32{999}}), "the compression 999"},
		{"a colour space for print", []byte{1, 2}, sized(2, 1, 9, 8, 8, 8), "ICCLab"},
		{"two samples of three", []byte{1, 2, 3, 4}, sized(2, 1, photoRGB, 8, 8), "2 samples a pixel: should be at least 3"},
		{"fewer samples of colour", []byte{1, 2, 3, 4, 5, 6}, sized(2, 1, photoYCbCr, 8, 8, 8), "colours of fewer samples than brightness"},
		{"a palette that is too short", []byte{1, 2}, append(sized(2, 1, photoPalette, 8), tag{tagColours, []uint32{1, 2, 3}}), "a palette that is damaged"},
		{"a fax of bytes", []byte{1, 2}, with(tag{tagCompression, []uint32{4}}), "fax compression of more than one bit"},
		{"a fax in two dimensions", []byte{1, 2}, append(sized(8, 1, photoWhiteIsZero, 1), tag{tagCompression, []uint32{3}}, tag{tagT4, []uint32{1}}), "two-dimensional fax compression"},
		{"no pixels", []byte{1, 2}, sized(0, 1, photoBlackIsZero, 8), ""},
		{"a strip too short", []byte{1}, grey, "truncated"},
		{"no strip", nil, grey, "truncated"},
		{"runs that are cut off", []byte{5, 1, 2}, with(tag{tagCompression, []uint32{32773}}), "truncated"},
		{"a run without its byte", []byte{254}, with(tag{tagCompression, []uint32{32773}}), "truncated"},
		{"no zlib", []byte{1, 2, 3, 4}, with(tag{tagCompression, []uint32{8}}), ""},
		{"a JPEG strip of nothing", []byte{1}, with(tag{tagCompression, []uint32{7}}), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m image.Image
			err := Decode(tiffOf(binary.LittleEndian, c.strip, c.tags...), &m)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
	// Cut anywhere, it is an error and no panic.
	whole := tiffOf(binary.BigEndian, []byte{1, 2, 3, 4, 5, 6}, sized(2, 1, photoRGB, 8, 8, 8)...)
	for n := range whole {
		var m image.Image
		if err := Decode(whole[:n], &m); err == nil {
			t.Errorf("the first %d bytes of %d are a picture", n, len(whole))
		}
	}
}
