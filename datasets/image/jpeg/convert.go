package jpeg

import "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"

// convert makes the picture's colours of the planes, row by row (jdsample.c, jdcolor.c).
func (d *Decoder) convert(dst *image.Image) error {
	w, h := ceil(d.width, d.scale), ceil(d.height, d.scale)
	dst.Reset(image.Shape{C: 3, H: h, W: w})
	for i := range d.rows {
		if n := w + 2*8*4; cap(d.rows[i]) < n { // up to the end of an MCU
			d.rows[i] = make([]uint8, n)
		}
	}
	red, green, blue := dst.Plane(0), dst.Plane(1), dst.Plane(2)
	if len(d.components) == 1 {
		c := &d.components[0]
		for y := range h {
			copy(red[y*w:(y+1)*w], c.plane[y*c.stride:])
		}
		copy(green, red)
		copy(blue, red)
		return nil
	}
	space := d.space()
	for y := range h {
		var rows [4][]uint8
		for i := range d.components {
			rows[i] = d.row(i, y)[:w]
		}
		r, g, b := red[y*w:(y+1)*w], green[y*w:(y+1)*w], blue[y*w:(y+1)*w]
		switch space {
		case cmyk: // inks are stored inverted, as Adobe does and Pillow takes for granted
			for i, to := range [3][]uint8{r, g, b} {
				for x, v := range rows[i] {
					to[x] = 255 - v
				}
			}
		case rgb:
			for i, to := range [3][]uint8{r, g, b} {
				copy(to, rows[i])
			}
		default: // of YCCK the inks' opposites, which are inverted twice
			image.YCbCr(r, g, b, rows[0], rows[1], rows[2])
		}
		if space == cmyk || space == ycck {
			image.CMYK(r, g, b, rows[3])
		}
	}
	return nil
}

// What the components are.
const (
	ycc = iota
	rgb
	cmyk
	ycck
)

// space guesses it as libjpeg's jdapimin.c does.
func (d *Decoder) space() int {
	c := d.components
	switch {
	case len(c) == 4 && d.adobe && d.transform != 0:
		return ycck
	case len(c) == 4:
		return cmyk
	case d.jfif:
		return ycc
	case d.adobe && d.transform == 0:
		return rgb
	case !d.adobe && c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B':
		return rgb
	}
	return ycc
}

// row returns row y of a component, with as many samples as the picture has pixels, or more.
func (d *Decoder) row(i, y int) []uint8 {
	c := &d.components[i]
	least := 8 / d.scale
	across, down := d.maxH*least/(c.h*c.size), d.maxV*least/(c.v*c.size)
	line := func(y int) []uint8 { return c.plane[y*c.stride:][:c.width] }
	if across == 1 && down == 1 {
		return c.plane[y*c.stride:][:c.stride]
	}
	to := d.rows[i][:c.width*across]
	near, far := y/2, max(y/2-1, 0)
	if y&1 == 1 {
		far = min(near+1, c.height-1)
	}
	smooth := least > 1 && (c.width > 2 || across == 1)
	switch {
	case across == 2 && down == 1 && smooth:
		image.Wider(to, line(y))
	case across == 1 && down == 2 && smooth:
		image.Between(to, line(near), line(far), 1+y&1)
	case across == 2 && down == 2 && smooth:
		image.WiderBetween(to, line(near), line(far))
	default:
		for x, v := range line(y / down) {
			for k := range across {
				to[x*across+k] = v
			}
		}
	}
	return to
}
