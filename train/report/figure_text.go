package report

import (
	"image"
	"image/color"
	"math"
	"strings"

	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
)

// A names writes what people have named in a figure: text whose letters the figure's font does not all have, it writes as
// package lettering does.
type names struct{ text.Handler }

// has reports whether the font has all letters of a text.
func (h names) has(fnt font.Font, txt string) bool {
	face := h.Cache().Lookup(fnt, fnt.Size)
	var b sfnt.Buffer
	for _, r := range txt {
		if at, err := face.Face.GlyphIndex(&b, r); r != '\n' && (err != nil || at == 0) {
			return false
		}
	}
	return true
}

// pixel is one of a figure: lettering has letters of pixels.
const pixel = vg.Inch / figureDPI

// Box returns how far a line reaches to the right, above and below its base line.
func (h names) Box(txt string, fnt font.Font) (width, height, depth vg.Length) {
	if h.has(fnt, txt) {
		return h.Handler.Box(txt, fnt)
	}
	return vg.Length(lettering.Width(txt)) * pixel, lettering.Ascent * pixel, (lettering.Height - lettering.Ascent) * pixel
}

// Draw writes lines, placed as the handler that it stands for places them.
func (h names) Draw(c vg.Canvas, txt string, sty text.Style, pt vg.Point) {
	if h.has(sty.Font, txt) {
		h.Handler.Draw(c, txt, sty, pt)
		return
	}
	ink := sty.Color
	if ink == nil { // canvasses take none for black
		ink = color.Black
	}
	lines := h.Lines(txt)
	pt.Y += sty.Height(txt)*vg.Length(sty.YAlign) - lettering.Ascent*pixel
	for i, line := range lines {
		w := lettering.Width(line)
		if w == 0 {
			continue
		}
		img := image.NewRGBA(image.Rect(0, 0, w, lettering.Height))
		lettering.Draw(img, 0, 0, ink, line)
		at := pt.Add(vg.Point{X: vg.Length(sty.XAlign) * vg.Length(w) * pixel, Y: vg.Length(len(lines)-i)*sty.Font.Size - (lettering.Height-lettering.Ascent)*pixel})
		at.X, at.Y = vg.Length(math.Round(float64(at.X/pixel)))*pixel, vg.Length(math.Round(float64(at.Y/pixel)))*pixel
		c.DrawImage(vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: vg.Length(w) * pixel, Y: lettering.Height * pixel})}, img)
	}
}

// wrapped breaks a name into lines of a width, at its blanks where it has some.
func (h names) wrapped(txt string, fnt font.Font, width vg.Length) string {
	var lines []string
	line := ""
	fits := func(s string) bool { w, _, _ := h.Box(s, fnt); return w <= width }
	for _, word := range strings.SplitAfter(Plain(txt), " ") {
		if !fits(strings.TrimRight(line+word, " ")) && line != "" {
			lines, line = append(lines, strings.TrimRight(line, " ")), ""
		}
		for _, letter := range word {
			if !fits(strings.TrimRight(line+string(letter), " ")) {
				lines, line = append(lines, line), ""
			}
			line += string(letter)
		}
	}
	return strings.Join(append(lines, strings.TrimRight(line, " ")), "\n")
}
