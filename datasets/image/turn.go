package image

// Turn makes m what src is when it is turned as an EXIF orientation from 2 to 8 says (CIPA DC-008,
// section 4.6.4).
func (m *Image) Turn(src *Image, orientation int) {
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
	m.Reset(to)
	for c := range to.C {
		from, plane := src.Plane(c), m.Plane(c)
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
