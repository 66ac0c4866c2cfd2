// Package lettering writes names into pictures: contact sheets, confusion matrices.
//
// Its one font is the one of github.com/hajimehoshi/bitmapfont, which is why that is here: a free font
// in 400 KB that has Latin, Greek, Cyrillic, Hebrew, Arabic, Chinese, Japanese and Korean letters and many signs. It has no
// Devanagari, Thai or emoji, among others: a letter that it does not have is a box.
//
// # Adding one
//
// Another font is a face in place of the one of this file, or one that Letters turns to for what that one has not. It
// needs a free licence, and a line in this comment that says what it adds to the size of a program.
package lettering

import (
	"image"
	"image/color"
	"image/draw"
	"strings"
	"unicode"

	"github.com/hajimehoshi/bitmapfont/v3"
	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/norm"
)

// Height is that of a line, in pixels; Ascent is how far letters rise above their base line.
const (
	Height = 16
	Ascent = 12
)

var face = bitmapfont.Face

// box stands for a letter that the font does not have.
const box = '□'

// Letters returns the text with a box for each letter that the font does not have, and for each character that is no
// letter at all.
func Letters(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\u200d' || r >= '\ufe00' && r <= '\ufe0f' { // what joins and varies letters that are boxes
			return -1
		}
		if !drawn(r) {
			return box
		}
		return r
	}, norm.NFC.String(text))
}

// drawn reports whether the font has a letter: the others are empty in it.
func drawn(r rune) bool {
	if unicode.IsSpace(r) {
		return r == ' ' || r == '\u3000'
	}
	_, mask, at, _, ok := face.Glyph(fixed.Point26_6{}, r)
	if !ok {
		return false
	}
	b := mask.Bounds()
	for y := at.Y; y < b.Max.Y; y++ {
		for x := at.X; x < b.Max.X; x++ {
			if _, _, _, a := mask.At(x, y).RGBA(); a > 0 {
				return true
			}
		}
	}
	return false
}

// Width is that of the text, in pixels.
func Width(text string) int { return font.MeasureString(face, Letters(text)).Ceil() }

// Fit shortens the text to a width in pixels, with dots for what is left out.
func Fit(text string, width int) string {
	text = Letters(text)
	if Width(text) <= width {
		return text
	}
	letters := []rune(text)
	for n := len(letters) - 1; n >= 0; n-- {
		if short := strings.TrimRight(string(letters[:n]), " ") + "…"; Width(short) <= width {
			return short
		}
	}
	return ""
}

// Wrap breaks the text into lines of a width in pixels, between words where it can, and shortens the last of at most
// that many.
func Wrap(text string, width, most int) []string {
	var lines []string
	rest := strings.TrimSpace(Letters(text))
	for rest != "" && len(lines) < most-1 && Width(rest) > width {
		letters, n := []rune(rest), 0
		for n < len(letters) && Width(string(letters[:n+1])) <= width {
			n++
		}
		if n == 0 {
			break
		}
		at := n
		if letters[n] != ' ' {
			if space := strings.LastIndexByte(string(letters[:n]), ' '); space > 0 {
				at = len([]rune(string(letters[:n])[:space]))
			}
		}
		lines = append(lines, strings.TrimSpace(string(letters[:at])))
		rest = strings.TrimSpace(string(letters[at:]))
	}
	if rest = Fit(rest, width); rest != "" {
		lines = append(lines, rest)
	}
	return lines
}

// Draw writes the text, whose upper left corner is at x, y.
func Draw(dst draw.Image, x, y int, ink color.Color, text string) {
	pen := font.Drawer{Dst: dst, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(x, y+Ascent)}
	pen.DrawString(Letters(text))
}

// DrawUp writes the text from below to above: its lower left corner, as it is read, is at x, y.
func DrawUp(dst draw.Image, x, y int, ink color.Color, text string) {
	w := Width(text)
	line := image.NewRGBA(image.Rect(0, 0, w, Height))
	Draw(line, 0, 0, ink, text)
	for i := range w {
		for j := range line.Rect.Dy() {
			if c := line.RGBAAt(i, j); c.A > 0 {
				dst.Set(x+j, y-1-i, c)
			}
		}
	}
}
