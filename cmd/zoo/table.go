package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// newTable is a table without lines: columns, and nothing else to copy by accident. On a terminal that is too narrow for
// it, long cells are broken into lines, and where that is not enough columns are left out, which is said below it.
func newTable(w io.Writer, header ...any) *fittedTable {
	t := &fittedTable{Writer: table.NewWriter(), w: w, room: columnsOf(w), header: header}
	t.SetOutputMirror(w)
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Format.Header, s.Format.Footer = text.FormatDefault, text.FormatDefault
	s.Box.PaddingLeft = ""
	s.Box.PaddingRight = "  "
	t.SetStyle(s)
	t.SuppressTrailingSpaces()
	return t
}

// right aligns columns, counted from 1, to the right: those of numbers, which are never broken.
func right(columns ...int) []table.ColumnConfig {
	var list []table.ColumnConfig
	for _, c := range columns {
		list = append(list, table.ColumnConfig{Number: c, Align: text.AlignRight, AlignHeader: text.AlignRight, AlignFooter: text.AlignRight})
	}
	return list
}

// A fittedTable knows how much room it has.
type fittedTable struct {
	table.Writer
	w       io.Writer
	room    int // columns of the terminal; 0 means as many as it takes
	header  table.Row
	rows    []table.Row // with the footer
	configs []table.ColumnConfig
	spare   []string
}

// AppendRow adds a row. What would steer a terminal is shown in its cells, as it will be, so that it is measured too.
func (t *fittedTable) AppendRow(r table.Row, c ...table.RowConfig) {
	r = slices.Clone(r)
	for i, cell := range r {
		if s, ok := cell.(string); ok {
			r[i] = report.Plain(s)
		}
	}
	t.rows = append(t.rows, r)
	t.Writer.AppendRow(r, c...)
}

func (t *fittedTable) AppendFooter(r table.Row, c ...table.RowConfig) {
	t.rows = append(t.rows, r)
	t.Writer.AppendFooter(r, c...)
}

func (t *fittedTable) SetColumnConfigs(c []table.ColumnConfig) { t.configs = c }

// spares names the columns that a narrow terminal can do without, the first to go first.
func (t *fittedTable) spares(header ...string) { t.spare = header }

// Render writes the table.
func (t *fittedTable) Render() string {
	t.AppendHeader(t.header)
	fitted := t.fit()
	var without []string
	for i, c := range fitted {
		if c.unseen {
			without = append(without, fmt.Sprint(t.header[i]))
		}
		at := slices.IndexFunc(t.configs, func(c table.ColumnConfig) bool { return c.Number == i+1 })
		if at < 0 {
			at = len(t.configs)
			t.configs = append(t.configs, table.ColumnConfig{Number: i + 1})
		}
		t.configs[at].Hidden, t.configs[at].WidthMax, t.configs[at].WidthMaxEnforcer = c.unseen, c.width, broken
	}
	t.Writer.SetColumnConfigs(t.configs)
	drawn := t.Writer.Render()
	if len(without) > 0 {
		note := fmt.Sprintf("%d columns have no room for: %s", t.room, strings.Join(without, ", "))
		fmt.Fprintln(t.w, broken(note, t.room))
	}
	return drawn
}

const (
	columnGap   = 2
	leastColumn = 8 // less can hardly be read
	mostLines   = 2 // of a row, before a column is left out
)

// fittedColumn is a column as it is drawn.
type fittedColumn struct {
	width  int
	unseen bool
	number bool
	pieces int // the longest piece that is broken as a last resort only
}

// fit returns how the columns are drawn, or nothing where they have room, or never can have: a terminal breaks its
// lines then.
func (t *fittedTable) fit() []fittedColumn {
	var columns []fittedColumn
	for i := range t.header {
		columns = append(columns, fittedColumn{pieces: leastColumn})
		columns[i].number = slices.ContainsFunc(t.configs, func(c table.ColumnConfig) bool { return c.Number == i+1 && c.Align == text.AlignRight })
	}
	for n, r := range append([]table.Row{t.header}, t.rows...) {
		for i, cell := range r {
			c, s := &columns[i], fmt.Sprint(cell)
			c.width = max(c.width, text.StringWidth(s))
			parts := []string{s}
			if n == 0 || !c.number {
				parts = pieces(s)
			}
			for _, part := range parts {
				c.pieces = max(c.pieces, text.StringWidth(strings.TrimRight(part, " ")))
			}
		}
	}
	if t.room == 0 || total(columns) <= t.room {
		return nil
	}
	// Between words: the first try whose rows are low, or the lowest.
	seen := slices.Clone(columns)
	var best []fittedColumn
	lowest := math.MaxInt
	for i := 0; ; i++ {
		fitted := slices.Clone(seen)
		if shrink(fitted, t.room, func(c fittedColumn) int { return c.pieces }) {
			if n := t.lines(fitted); n < lowest {
				best, lowest = fitted, n
			}
		}
		if lowest <= mostLines || i == len(t.spare) {
			break
		}
		if at := slices.Index(t.header, any(t.spare[i])); at >= 0 {
			seen[at].unseen = true
		}
	}
	if best != nil {
		return best
	}
	for _, least := range []func(fittedColumn) int{
		func(c fittedColumn) int {
			if c.number {
				return c.pieces
			}
			return leastColumn
		},
		func(fittedColumn) int { return leastColumn },
	} {
		if fitted := slices.Clone(seen); shrink(fitted, t.room, least) {
			return fitted
		}
	}
	return nil
}

// total is the room that columns take.
func total(columns []fittedColumn) int {
	n := -columnGap
	for _, c := range columns {
		if !c.unseen {
			n += c.width + columnGap
		}
	}
	return n
}

// shrink takes from the widest columns until they have room, down to their least widths, and reports whether that is enough.
func shrink(columns []fittedColumn, room int, least func(fittedColumn) int) bool {
	for n := total(columns); n > room; n-- {
		widest := -1
		for i, c := range columns {
			if !c.unseen && c.width > least(c) && (widest < 0 || c.width > columns[widest].width) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		columns[widest].width--
	}
	return true
}

// lines is how many lines the highest row has.
func (t *fittedTable) lines(columns []fittedColumn) int {
	most := 0
	for _, r := range t.rows {
		for i, cell := range r {
			if !columns[i].unseen {
				most = max(most, strings.Count(broken(fmt.Sprint(cell), columns[i].width), "\n")+1)
			}
		}
	}
	return most
}

// broken is a text in lines of a width at most: broken after the marks of pieces, and within them where they are longer.
func broken(s string, width int) string {
	var lines []string
	line := ""
	for _, piece := range pieces(s) {
		if whole := strings.TrimRight(line+piece, " "); text.StringWidth(whole) <= width {
			line += piece
			continue
		}
		if line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
		}
		for line = piece; text.StringWidth(strings.TrimRight(line, " ")) > width; {
			_, head := utf8.DecodeRuneInString(line) // at least a letter, however wide
			for at := range line {
				if at > head && text.StringWidth(line[:at]) <= width {
					head = at
				}
			}
			lines = append(lines, line[:head])
			line = line[head:]
		}
	}
	if line != "" || len(lines) == 0 {
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

// sentence writes a line of text, which a narrow terminal gets in several: none that breaks a number.
func sentence(w io.Writer, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if room := columnsOf(w); room > 0 {
		text = broken(text, room)
	}
	fmt.Fprintln(w, text)
}

// pieces cuts a text behind blanks, and behind what holds names together.
func pieces(s string) []string {
	var list []string
	begun := 0
	for i, c := range s {
		if strings.ContainsRune(" /-_.", c) && !strings.HasPrefix(s[i+1:], " ") {
			list = append(list, s[begun:i+1])
			begun = i + 1
		}
	}
	return append(list, s[begun:])
}

// columnsOf is how many columns the terminal has that an output is, or 0.
func columnsOf(w io.Writer) int {
	o, ok := w.(*output)
	if !ok {
		return 0
	}
	f, ok := o.file.(*os.File)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}
