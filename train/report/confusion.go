package report

import (
	"encoding/csv"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"strconv"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// A Confusion counts images: Counts[i][j] of class i were put into class j.
type Confusion struct {
	Classes []string
	Counts  [][]int
}

// Results says of each class how many of its images, and of those taken for it, are right.
func (c Confusion) Results() []ClassResult {
	var list []ClassResult
	for i, row := range c.Counts {
		r := ClassResult{Name: c.Classes[i]}
		for j := range row {
			r.Images += row[j]
			r.Predicted += c.Counts[j][i]
		}
		r.Precision, r.Recall = Ratio(row[i], r.Predicted), Ratio(row[i], r.Images)
		list = append(list, r)
	}
	return list
}

// WriteCSV writes a row for each class, and a column for each class that images were put into.
func (c Confusion) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	head := []string{"class"}
	for _, name := range c.Classes {
		head = append(head, Cell(name))
	}
	if err := out.Write(head); err != nil {
		return err
	}
	for i, row := range c.Counts {
		record := []string{Cell(c.Classes[i])}
		for _, n := range row {
			record = append(record, strconv.Itoa(n))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WritePNG draws the matrix: right answers in green, wrong ones in red, the darker the larger their
// part of the row. Up to 40 classes have their names and counts written.
func (c Confusion) WritePNG(w io.Writer) error {
	n := len(c.Counts)
	face := basicfont.Face7x13
	cell, left, up := 36, 0, 20
	named := n <= 40
	if named {
		for _, name := range c.Classes {
			left = max(left, face.Advance*(min(len(ascii(name)), 20)+1))
		}
	} else {
		cell, up = max(1000/n, 1), 0
	}
	m := image.NewRGBA(image.Rect(0, 0, left+n*cell+1, up+n*cell+1))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	write := func(x, y int, text string) {
		pen := font.Drawer{Dst: m, Src: image.Black, Face: face, Dot: fixed.P(x, y+face.Ascent)}
		pen.DrawString(text)
	}
	for i, row := range c.Counts {
		sum := 0
		for _, k := range row {
			sum += k
		}
		y := up + i*cell
		if named {
			write(2, y+(cell-face.Height)/2, fmt.Sprintf("%.20s", ascii(c.Classes[i])))
			write(left+i*cell+2, 3, fmt.Sprintf("%.5s", ascii(c.Classes[i])))
		}
		for j, k := range row {
			part := float64(k) / float64(max(sum, 1))
			pale := uint8(255 * (1 - part))
			shade := color.RGBA{255, pale, pale, 255}
			if i == j {
				shade = color.RGBA{pale/2 + 127, 255, pale/2 + 127, 255}
			} else if k > 0 {
				shade.G, shade.B = uint8(min(float64(pale), 235)), uint8(min(float64(pale), 235))
			}
			x := left + j*cell
			draw.Draw(m, image.Rect(x+1, y+1, x+max(cell, 2), y+max(cell, 2)), image.NewUniform(shade), image.Point{}, draw.Src)
			if named && k > 0 {
				text := strconv.Itoa(k)
				write(x+(cell-face.Advance*len(text))/2+1, y+(cell-face.Height)/2, text)
			}
		}
	}
	return png.Encode(w, m)
}

// ascii is the text with a question mark for what the font lacks.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
