package codec

import (
	"bytes"
	"encoding/binary"
)

// exifHead stands before EXIF data in a JPEG file, and by mistake in others.
const exifHead = "Exif\x00\x00"

// jpegOrientation returns what EXIF says of how a JPEG is to be turned, from 1 to 8, or 0 if it says
// nothing. It looks through the segments before the first scan, as far as it can make sense of them.
func jpegOrientation(file []byte) int {
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		kind := file[at+1]
		if kind == 0xff { // a filling byte
			at++
			continue
		}
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		if size < 2 || at+2+size > len(file) || kind == 0xda { // start of scan
			return 0
		}
		if tiff, ok := bytes.CutPrefix(file[at+4:at+2+size], []byte(exifHead)); ok && kind == 0xe1 {
			if turned := tiffOrientation(tiff); turned != 0 {
				return turned
			}
		}
		at += 2 + size
	}
	return 0
}

// tiffOrientation finds tag 0x0112 in the first directory of a TIFF structure (CIPA DC-008, section 4.6.4).
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(tiff[:2]) == "MM" {
		order = binary.BigEndian
	} else if string(tiff[:2]) != "II" {
		return 0
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 0
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == 0x0112 && order.Uint32(entries[4:]) == 1 {
			v := uint32(0)
			switch order.Uint16(entries[2:]) { // its type: a short one by right
			case 1:
				v = uint32(entries[8])
			case 3:
				v = uint32(order.Uint16(entries[8:]))
			case 4:
				v = order.Uint32(entries[8:])
			}
			if v >= 1 && v <= 8 {
				return int(v)
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}
