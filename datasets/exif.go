package datasets

import (
	"bytes"
	"encoding/binary"
)

// A jpegHead is what the segments before a JPEG's first scan tell.
type jpegHead struct {
	w, h        int
	orientation int // 1 to 8 as EXIF numbers them; 0 if there is none
}

// scanJPEG looks through the segments. What it cannot make sense of it leaves to the decoder.
func scanJPEG(file []byte) (head jpegHead) {
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		kind := file[at+1]
		if kind == 0xff { // a filling byte
			at++
			continue
		}
		size := int(binary.BigEndian.Uint16(file[at+2:]))
		if size < 2 || at+2+size > len(file) {
			return head
		}
		body := file[at+4 : at+2+size]
		switch {
		case kind == 0xda: // start of scan
			return head
		case kind == 0xe1 && head.orientation == 0:
			if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
				head.orientation = orientation(tiff)
			}
		case kind >= 0xc0 && kind <= 0xcf && kind != 0xc4 && kind != 0xc8 && kind != 0xcc && len(body) >= 5:
			head.h, head.w = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
		}
		at += 2 + size
	}
	return head
}

// orientation finds tag 0x0112 in the first directory of a TIFF structure (CIPA DC-008, section 4.6.4).
func orientation(tiff []byte) int {
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
		const short = 3
		if order.Uint16(entries) == 0x0112 && order.Uint16(entries[2:]) == short && order.Uint32(entries[4:]) == 1 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}

// turn writes the image to dst as an EXIF orientation from 2 to 8 says.
func turn(dst, src *Image, orientation int) {
	h, w := src.H, src.W
	// Where the pixel at (0, 0) comes from, and how far it is to the next one to the right and below.
	var at, right, down int
	switch orientation {
	case 2: // mirrored
		at, right, down = w-1, -1, w
	case 3: // upside down
		at, right, down = h*w-1, -1, -w
	case 4: // mirrored and upside down
		at, right, down = (h-1)*w, 1, -w
	case 5: // mirrored at the diagonal
		at, right, down = 0, w, 1
	case 6: // to be turned clockwise
		at, right, down = (h-1)*w, -w, 1
	case 7: // mirrored at the other diagonal
		at, right, down = h*w-1, -w, -1
	case 8: // to be turned the other way
		at, right, down = w-1, w, -1
	}
	to := src.Shape
	if orientation >= 5 {
		to.H, to.W = w, h
	}
	dst.Reset(to)
	for c := range to.C {
		from, plane := src.Plane(c), dst.Plane(c)
		for y := range to.H {
			row := plane[y*to.W : (y+1)*to.W]
			i := at + y*down
			for x := range row {
				row[x] = from[i]
				i += right
			}
		}
	}
}
