package image

import "image"

// ycbcr converts an image whose rectangle begins at 0. Where colours have fewer samples than
// brightness, those between are interpolated with weights of 3 and 1, as libjpeg ("fancy upsampling",
// jdsample.c) and so Pillow do it.
func (d *Converter) ycbcr(m *image.YCbCr, dst *Image) {
	w, h := dst.W, dst.H
	if cap(d.cb) < w+1 {
		d.cb, d.cr = make([]uint8, w+1), make([]uint8, w+1)
	}
	for y := range h {
		cb, cr := d.cb[:w], d.cr[:w]
		switch m.SubsampleRatio {
		case image.YCbCrSubsampleRatio444:
			cb, cr = m.Cb[y*m.CStride:][:w], m.Cr[y*m.CStride:][:w]
		case image.YCbCrSubsampleRatio422:
			n := (w + 1) / 2
			Wider(d.cb[:2*n], m.Cb[y*m.CStride:][:n])
			Wider(d.cr[:2*n], m.Cr[y*m.CStride:][:n])
		case image.YCbCrSubsampleRatio420:
			n := (w + 1) / 2
			near, far := neighbours(y, (h+1)/2)
			WiderBetween(d.cb[:2*n], m.Cb[near*m.CStride:][:n], m.Cb[far*m.CStride:][:n])
			WiderBetween(d.cr[:2*n], m.Cr[near*m.CStride:][:n], m.Cr[far*m.CStride:][:n])
		case image.YCbCrSubsampleRatio440:
			near, far := neighbours(y, (h+1)/2)
			Between(cb, m.Cb[near*m.CStride:][:w], m.Cb[far*m.CStride:][:w], 1+y&1)
			Between(cr, m.Cr[near*m.CStride:][:w], m.Cr[far*m.CStride:][:w], 1+y&1)
		default:
			for x := range w {
				at := m.COffset(x, y)
				cb[x], cr[x] = m.Cb[at], m.Cr[at]
			}
		}
		light := m.Y[y*m.YStride:][:w]
		red, green, blue := dst.Plane(0)[y*w:][:w], dst.Plane(1)[y*w:][:w], dst.Plane(2)[y*w:][:w]
		cb, cr = cb[:w], cr[:w]
		if d.Limited {
			// libwebp's dsp/yuv.h
			for x, l := range light {
				v, b, r := int32(l)*19077>>8, int32(cb[x]), int32(cr[x])
				red[x] = clip((v + r*26149>>8 - 14234) >> 6)
				green[x] = clip((v - b*6419>>8 - r*13320>>8 + 8708) >> 6)
				blue[x] = clip((v + b*33050>>8 - 17685) >> 6)
			}
			continue
		}
		YCbCr(red, green, blue, light, cb, cr)
	}
}

// neighbours returns the rows of n that are nearest and next to row y of twice as many.
func neighbours(y, n int) (near, far int) {
	near = y / 2
	if y&1 == 0 {
		return near, max(near-1, 0)
	}
	return near, min(near+1, n-1)
}

// Wider makes a row twice as wide (h2v1_fancy_upsample). It panics if the row to make is not, or there is none.
func Wider(to, from []uint8) {
	n := len(from)
	last := uint32(from[0])
	this := last
	for i, next := range from[1:] {
		next := uint32(next)
		two := to[2*i:][:2]
		two[0], two[1] = uint8((3*this+last+1)>>2), uint8((3*this+next+2)>>2)
		last, this = this, next
	}
	to[2*n-2], to[2*n-1] = uint8((3*this+last+1)>>2), uint8((4*this+2)>>2)
}

// Between makes a row between two; bias is 1 for the upper and 2 for the lower one (h1v2_fancy_upsample). All are as
// long; it panics if one is shorter than near.
func Between(to, near, far []uint8, bias int) {
	for i, v := range near {
		to[i] = uint8((3*int(v) + int(far[i]) + bias) >> 2)
	}
}

// WiderBetween makes a row between two, twice as wide (h2v2_fancy_upsample). It panics as [Wider]
// does.
func WiderBetween(to, near, far []uint8) {
	n := len(near)
	far = far[:n]
	last := 3*uint32(near[0]) + uint32(far[0])
	this := last
	for i := 1; i < len(near); i++ {
		next := 3*uint32(near[i]) + uint32(far[i])
		two := to[2*i-2:][:2]
		two[0], two[1] = uint8((3*this+last+8)>>4), uint8((3*this+next+7)>>4)
		last, this = this, next
	}
	to[2*n-2], to[2*n-1] = uint8((3*this+last+8)>>4), uint8((4*this+7)>>4)
}

// YCbCr makes a row of colours of their brightness and colour differences, full range (JFIF; libjpeg's
// jdcolor.c). All are as long as light; it panics if one is shorter.
func YCbCr(red, green, blue, light, cb, cr []uint8) {
	n := len(light)
	red, green, blue, cb, cr = red[:n], green[:n], blue[:n], cb[:n], cr[:n]
	for x, l := range light {
		v, b, r := int32(l), int32(cb[x])-128, int32(cr[x])-128
		red[x] = clip(v + (91881*r+1<<15)>>16)
		green[x] = clip(v + (-22554*b-46802*r+1<<15)>>16)
		blue[x] = clip(v + (116130*b+1<<15)>>16)
	}
}

func clip(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
