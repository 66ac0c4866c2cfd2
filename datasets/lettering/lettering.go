// Package lettering writes names into pictures: contact sheets, confusion matrices.
//
// Its one font is the one of github.com/hajimehoshi/bitmapfont, which is why that is here: a free font
// in 400 KB that has Latin, Greek, Cyrillic, Hebrew, Arabic, Chinese, Japanese and Korean letters and many signs; text from
// right to left stands in that direction, and Arabic letters are joined. It has no Devanagari, Thai or emoji, among others.
// Those are written in Latin letters, by the tables of github.com/mozillazg/go-unidecode (Perl's Text::Unidecode), and signs
// by their names in Unicode: हिन्दी is "hindii", 🐱 is "[cat face]". [Replaced] tells who draws what is written instead, so that
// it can be said.
//
// # Adding one
//
// Another font is a face in place of the one of this file, or one that Letters turns to for what that one has not. It
// needs a free licence, and a line in this comment that says what it adds to the size of a program.
package lettering

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hajimehoshi/bitmapfont/v3"
	"github.com/mozillazg/go-unidecode"
	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/unicode/runenames"
)

// Height is that of a line, in pixels; Ascent is how far letters rise above their base line.
const (
	Height = 16
	Ascent = 12
)

var face = bitmapfont.Face

// Letters returns the text as it is written: in Latin letters where the font does not have its own, and with a sign's name
// or number in place of what is no letter.
func Letters(text string) string {
	var b strings.Builder
	rest := norm.NFC.String(text)
	for rest != "" {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case joins(r):
		case drawn(r):
			b.WriteRune(r)
		case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r):
			// As many as stand together: what follows a letter may change how it is read.
			for n < len(rest) {
				next, size := utf8.DecodeRuneInString(rest[n:])
				if !joins(next) && (drawn(next) || !unicode.IsLetter(next) && !unicode.IsMark(next)) {
					break
				}
				n += size
			}
			latin := unidecode.Unidecode(strings.Map(func(r rune) rune {
				if joins(r) {
					return -1
				}
				return r
			}, rest[:n]))
			if strings.Contains(latin, "[?]") || strings.TrimSpace(latin) == "" {
				latin = ""
				for _, r := range rest[:n] {
					latin += signName(r)
				}
			}
			b.WriteString(latin)
		default:
			b.WriteString(signName(r))
		}
		rest = rest[n:]
	}
	return b.String()
}

// joins reports whether a character joins or varies others, and is nothing by itself.
func joins(r rune) bool { return r == '\u200c' || r == '\u200d' || r >= '\ufe00' && r <= '\ufe0f' }

// signName is the name of a sign in brackets, or its number where Unicode has no name for it.
func signName(r rune) string {
	if name := runenames.Name(r); name != "" && !strings.HasPrefix(name, "<") {
		return "[" + strings.ToLower(name) + "]"
	}
	return fmt.Sprintf("[U+%04X]", r)
}

// Replaced says which of the names are not written as they stand, for the font has not all of their letters, and how they
// are; it is empty if there are none.
func Replaced(names []string) string {
	const most = 5
	var list []string
	for _, n := range names {
		if as := Letters(n); as != norm.NFC.String(n) {
			list = append(list, fmt.Sprintf("%s as %s", n, as))
		}
	}
	if len(list) == 0 {
		return ""
	}
	text := strings.Join(list[:min(len(list), most)], ", ")
	if more := len(list) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return "pictures write " + text + ": their font has no such letters"
}

// turned is text as it stands on the line: what is read from right to left is turned, and Arabic letters are joined.
func turned(text string) string {
	for _, r := range text {
		if r >= '\u0590' && r <= '\u08ff' || r >= '\ufb1d' && r <= '\ufefc' {
			return bitmapfont.PresentationForms(text, bitmapfont.DirectionLeftToRight, language.Arabic)
		}
	}
	return text
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
func Width(text string) int { return font.MeasureString(face, turned(Letters(text))).Ceil() }

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

// Draw writes the text, whose upper left corner is at x, y. Without an image or ink it writes nothing.
func Draw(dst draw.Image, x, y int, ink color.Color, text string) {
	if dst == nil || ink == nil {
		return
	}
	pen := font.Drawer{Dst: dst, Src: image.NewUniform(ink), Face: face, Dot: fixed.P(x, y+Ascent)}
	pen.DrawString(turned(Letters(text)))
}

// DrawUp writes the text from below to above: its lower left corner, as it is read, is at x, y. As with [Draw],
// nothing is written without an image or ink.
func DrawUp(dst draw.Image, x, y int, ink color.Color, text string) {
	if dst == nil || ink == nil {
		return
	}
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
