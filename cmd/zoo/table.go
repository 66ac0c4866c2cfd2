package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"
)

// newTable is a table without lines: columns, and nothing else to copy by accident. On a terminal that is too narrow for
// it, its widest columns are broken into lines.
func newTable(w io.Writer, header ...any) table.Writer {
	t := &fittedTable{Writer: table.NewWriter(), room: columnsOf(w)}
	t.SetOutputMirror(w)
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Format.Header, s.Format.Footer = text.FormatDefault, text.FormatDefault
	s.Box.PaddingLeft = ""
	s.Box.PaddingRight = "  "
	t.SetStyle(s)
	t.SuppressTrailingSpaces()
	t.AppendHeader(table.Row(header))
	return t
}

// right aligns columns, counted from 1, to the right.
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
	room    int // columns of the terminal; 0 means as many as it takes
	rows    []table.Row
	configs []table.ColumnConfig
}

func (t *fittedTable) AppendHeader(r table.Row, c ...table.RowConfig) {
	t.rows = append(t.rows, r)
	t.Writer.AppendHeader(r, c...)
}

func (t *fittedTable) AppendRow(r table.Row, c ...table.RowConfig) {
	t.rows = append(t.rows, r)
	t.Writer.AppendRow(r, c...)
}

func (t *fittedTable) AppendFooter(r table.Row, c ...table.RowConfig) {
	t.rows = append(t.rows, r)
	t.Writer.AppendFooter(r, c...)
}

func (t *fittedTable) SetColumnConfigs(c []table.ColumnConfig) { t.configs = c }

// Render writes the table.
func (t *fittedTable) Render() string {
	for i, w := range fitColumns(t.rows, t.room) {
		at := slices.IndexFunc(t.configs, func(c table.ColumnConfig) bool { return c.Number == i+1 })
		if at < 0 {
			at = len(t.configs)
			t.configs = append(t.configs, table.ColumnConfig{Number: i + 1})
		}
		t.configs[at].WidthMax, t.configs[at].WidthMaxEnforcer = w, text.WrapSoft
	}
	t.Writer.SetColumnConfigs(t.configs)
	return t.Writer.Render()
}

const (
	columnGap   = 2
	leastColumn = 8 // less can hardly be read
)

// fitColumns returns widths of columns that a table has room with, or nothing where it has anyway, or never can have:
// a terminal breaks its lines then.
func fitColumns(rows []table.Row, room int) []int {
	var widths, words []int // of whole cells, and of their longest words
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths, words = append(widths, 0), append(words, leastColumn)
			}
			widths[i] = max(widths[i], text.LongestLineLen(fmt.Sprint(cell)))
			for word := range strings.FieldsSeq(fmt.Sprint(cell)) {
				words[i] = max(words[i], text.StringWidthWithoutEscSequences(word))
			}
		}
	}
	total := max(len(widths)-1, 0) * columnGap
	for _, w := range widths {
		total += w
	}
	if room == 0 || total <= room {
		return nil
	}
	for ; total > room; total-- {
		// Between words, as long as that helps.
		widest := -1
		for _, least := range [][]int{words, slices.Repeat([]int{leastColumn}, len(words))} {
			for i, w := range widths {
				if w > least[i] && (widest < 0 || w > widths[widest]) {
					widest = i
				}
			}
			if widest >= 0 {
				break
			}
		}
		if widest < 0 {
			return nil
		}
		widths[widest]--
	}
	return widths
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
