package explain

import (
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
)

// A Panel is one picture of a sheet, with what is written below it.
type Panel struct {
	Picture image.Image
	Caption string
}

// A Sheet is pictures side by side under a title, large enough to be read on a slide.
type Sheet struct {
	Title   string
	Note    string // a line below the title
	Panels  []Panel
	Columns int // 0 makes the sheet a little wider than high
	Side    int // that small pictures are enlarged to; 0 is 96
}

const (
	margin  = 16
	gap     = 10
	titled  = 24.0 // points, at 72 to the inch
	written = 15.0
)

// Draw draws the sheet.
func (s Sheet) Draw() (*image.RGBA, error) {
	if len(s.Panels) == 0 {
		return nil, errors.New("a sheet without pictures")
	}
	side := s.Side
	if side == 0 {
		side = 96
	}
	title, err := face(gobold.TTF, titled)
	if err != nil {
		return nil, err
	}
	small, err := face(goregular.TTF, written)
	if err != nil {
		return nil, err
	}
	cellW, cellH := 0, 0
	pictures := make([]image.Image, len(s.Panels))
	for i, p := range s.Panels {
		pictures[i] = enlarge(p.Picture, side)
		cellW, cellH = max(cellW, pictures[i].Bounds().Dx()), max(cellH, pictures[i].Bounds().Dy())
	}
	captions, lines := make([][]string, len(s.Panels)), 0
	for i, p := range s.Panels {
		captions[i] = wrap(small, p.Caption, cellW)
		lines = max(lines, len(captions[i]))
	}
	line := small.Metrics().Height.Ceil()
	below := 0
	if lines > 0 {
		below = lines*line + 4
	}
	columns := s.Columns
	if columns == 0 {
		columns = int(math.Ceil(math.Sqrt(1.6 * float64(len(pictures)) * float64(cellH+below) / float64(cellW))))
	}
	columns = min(max(columns, 1), len(pictures))
	rows := (len(pictures) + columns - 1) / columns
	top := margin
	if s.Title != "" {
		top += title.Metrics().Height.Ceil() + 4
	}
	if s.Note != "" {
		top += line + 4
	}
	width := max(2*margin+columns*(cellW+gap)-gap, 2*margin+measure(title, s.Title), 2*margin+measure(small, s.Note))
	height := top + gap + rows*(cellH+below+gap) - gap + margin
	if width > 1<<14 || height > 1<<15 {
		return nil, errors.New("the sheet would be too large: show fewer pictures, or smaller ones")
	}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
	y := margin
	if s.Title != "" {
		write(img, title, s.Title, margin, y, width)
		y += title.Metrics().Height.Ceil() + 4
	}
	if s.Note != "" {
		write(img, small, s.Note, margin, y, width)
	}
	for i, p := range pictures {
		x, y := margin+i%columns*(cellW+gap), top+gap+i/columns*(cellH+below+gap)
		draw.Draw(img, image.Rect(x, y, x+p.Bounds().Dx(), y+p.Bounds().Dy()), p, p.Bounds().Min, draw.Over)
		for k, text := range captions[i] {
			write(img, small, text, x, y+cellH+2+k*line, cellW)
		}
	}
	return img, nil
}

// face is a font at a size.
func face(ttf []byte, points float64) (font.Face, error) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		return nil, err
	}
	return opentype.NewFace(f, &opentype.FaceOptions{Size: points, DPI: 72, Hinting: font.HintingFull})
}

// mostLines is how many lines a caption may have.
const mostLines = 3

// wrap breaks a text between words into lines of the width.
func wrap(f font.Face, text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		if n := len(lines); n > 0 && (n == mostLines || measure(f, lines[n-1]+" "+word) <= width) {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

var ink = color.RGBA{30, 30, 30, 255}

// regular tells which letters Go's fonts have: Latin, Greek and Cyrillic ones.
var regular = sync.OnceValue(func() *opentype.Font {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		panic(err) // it is part of the program
	}
	return f
})

// known reports whether Go's fonts have all letters of a text; another is written in lettering's.
func known(text string) bool {
	for _, r := range text {
		if at, err := regular().GlyphIndex(nil, r); err != nil || at == 0 {
			return false
		}
	}
	return true
}

// measure is the width of a text in pixels.
func measure(f font.Face, text string) int {
	if !known(text) {
		return lettering.Width(text)
	}
	return font.MeasureString(f, text).Ceil()
}

// write writes a text with its top left corner at x, y, shortened to the width.
func write(img draw.Image, f font.Face, text string, x, y, width int) {
	if !known(text) {
		lettering.Draw(img, x, y, ink, lettering.Fit(text, width))
		return
	}
	shown := []rune(text)
	for len(shown) > 1 && font.MeasureString(f, string(shown)).Ceil() > width {
		shown = shown[:len(shown)-1]
		shown[len(shown)-1] = '…'
	}
	d := font.Drawer{Dst: img, Src: image.NewUniform(ink), Face: f, Dot: fixed.P(x, y+f.Metrics().Ascent.Ceil())}
	d.DrawString(string(shown))
}
