package codec

import (
	"encoding/binary"
	"testing"
)

// exif is a TIFF structure that says an orientation as a number of a type.
func exif(order binary.AppendByteOrder, kind uint16, v uint32) []byte {
	b := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x10f), 2), 1), 'x') // another entry before it
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x112), kind), 1)
	switch kind {
	case 1:
		return append(b, byte(v), 0, 0, 0)
	case 3:
		return append(order.AppendUint16(b, uint16(v)), 0, 0)
	}
	return order.AppendUint32(b, v)
}

func TestOrientationOfEveryType(t *testing.T) {
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		for _, kind := range []uint16{1, 3, 4} {
			for v := uint32(1); v <= 8; v++ {
				if got := tiffOrientation(exif(order, kind, v)); got != int(v) {
					t.Errorf("%s endian, type %d: %d, want %d", name, kind, got, v)
				}
			}
			for _, v := range []uint32{0, 9, 200} {
				if got := tiffOrientation(exif(order, kind, v)); got != 0 {
					t.Errorf("%s endian, type %d: %d of %d", name, kind, got, v)
				}
			}
		}
		if got := tiffOrientation(exif(order, 5, 6)); got != 0 {
			t.Errorf("of a fraction: %d", got)
		}
		whole := exif(order, 3, 6)
		for n := range whole {
			if got := tiffOrientation(whole[:n]); got != 0 {
				t.Errorf("%s endian, the first %d bytes: %d", name, n, got)
			}
		}
	}
	if got := tiffOrientation([]byte("XX*\x00\x08\x00\x00\x00\x00\x00")); got != 0 {
		t.Errorf("of no TIFF: %d", got)
	}
	// In a JPEG, behind filling bytes and a segment of something else.
	data := append([]byte(exifHead), exif(binary.BigEndian, 3, 8)...)
	file := append([]byte("\xff\xd8\xff\xff\xff\xe0\x00\x04ab\xff\xe1"), binary.BigEndian.AppendUint16(nil, uint16(len(data)+2))...)
	file = append(append(file, data...), "\xff\xda\x00\x02"...)
	if got := jpegOrientation(file); got != 8 {
		t.Errorf("of a JPEG: %d", got)
	}
	// The segments before it may be empty, and the file may end with it.
	for _, before := range []string{"", "\xff\xfe\x00\x02", "\xff\xfe\x00\x03a"} {
		file := append([]byte("\xff\xd8"+before+"\xff\xe1"), binary.BigEndian.AppendUint16(nil, uint16(len(data)+2))...)
		if got := jpegOrientation(append(file, data...)); got != 8 {
			t.Errorf("behind %q: %d", before, got)
		}
	}
	if got := jpegOrientation(append([]byte("\xff\xd8\xff\xfe\x00\x01\xff\xe1"), file[12:]...)); got != 0 {
		t.Errorf("behind a segment shorter than its length: %d", got)
	}
	for n := range len(file) - len("\xff\xda\x00\x02") {
		if got := jpegOrientation(file[:n]); got != 0 {
			t.Errorf("of the first %d bytes of a JPEG: %d", n, got)
		}
	}
}
