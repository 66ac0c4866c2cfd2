package image

import (
	"image"
	"image/color"
)

var _ image.Image = (*Image)(nil)

// ColorModel makes an Image one of package image's: in colour if it has three channels, otherwise the
// first is its grey.
func (m *Image) ColorModel() color.Model {
	if m.C < 3 {
		return color.GrayModel
	}
	return color.RGBAModel
}

// Bounds is from (0, 0) to (W, H).
func (m *Image) Bounds() image.Rectangle { return image.Rect(0, 0, m.W, m.H) }

// At is the pixel in column x of row y, black outside.
func (m *Image) At(x, y int) color.Color {
	in := image.Pt(x, y).In(m.Bounds())
	i := y*m.W + x
	switch {
	case m.C < 3 && in:
		return color.Gray{m.Pix[i]}
	case m.C < 3:
		return color.Gray{}
	case in:
		return color.RGBA{m.Plane(0)[i], m.Plane(1)[i], m.Plane(2)[i], 255}
	}
	return color.RGBA{A: 255}
}
