package report

import (
	"encoding/csv"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"strconv"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
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
	if w == nil {
		return errNowhere
	}
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

// What a matrix's picture has room for: names of this many pixels, and counts of this many classes.
const (
	matrixName  = 200
	matrixNamed = 40
)

// WritePNG draws the matrix: a row for each class, the truth, and a column for each class that images were taken for.
// Right answers are green, wrong ones red, the darker the larger their part of the row. Up to 40 classes have their names,
// counts and totals written.
func (c Confusion) WritePNG(w io.Writer) error {
	if w == nil {
		return errNowhere
	}
	const line = lettering.Height
	n := len(c.Counts)
	named := n <= matrixNamed
	cell, name, total := max(1000/max(n, 1), 1), 0, 0
	if named {
		cell = 30
		for i, row := range c.Counts {
			name = max(name, min(lettering.Width(c.Classes[i]), matrixName))
			sum := 0
			for _, k := range row {
				sum += k
				cell = max(cell, lettering.Width(strconv.Itoa(k))+8)
			}
			total = max(total, lettering.Width(strconv.Itoa(sum))+8)
		}
		total = max(total, lettering.Width("total")+8, cell)
		name += 8
	}
	left, up := line+8+name, line+8+name
	across, down := left+n*cell+total, up+n*cell+1
	if named {
		down += line + 6
	}
	m := image.NewRGBA(image.Rect(0, 0, max(across, left+lettering.Width("taken for")), max(down, up+lettering.Width("truth"))))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	write := func(x, y int, text string) { lettering.Draw(m, x, y, color.Black, text) }
	middle := func(x, y, width int, text string) { write(x+(width-lettering.Width(text))/2, y, text) }
	middle(left, 3, max(n*cell, lettering.Width("taken for")), "taken for")
	lettering.DrawUp(m, 3, up+(max(n*cell, lettering.Width("truth"))+lettering.Width("truth"))/2, color.Black, "truth")
	columns := make([]int, n)
	all := 0
	for i, row := range c.Counts {
		sum := 0
		for j, k := range row {
			sum += k
			columns[j] += k
		}
		all += sum
		y := up + i*cell
		if named {
			text := lettering.Fit(c.Classes[i], matrixName)
			write(left-4-lettering.Width(text), y+(cell-line)/2, text)
			lettering.DrawUp(m, left+i*cell+(cell-line)/2, up-4, color.Black, text)
			middle(left+n*cell, y+(cell-line)/2, total, strconv.Itoa(sum))
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
				middle(x+1, y+(cell-line)/2, cell-1, strconv.Itoa(k))
			}
		}
	}
	if named {
		text := "total"
		write(left-4-lettering.Width(text), up+n*cell+3, text)
		lettering.DrawUp(m, left+n*cell+(total-line)/2, up-4, color.Black, text)
		for j, sum := range columns {
			middle(left+j*cell, up+n*cell+3, cell, strconv.Itoa(sum))
		}
		middle(left+n*cell, up+n*cell+3, total, strconv.Itoa(all))
	}
	return png.Encode(w, m)
}
