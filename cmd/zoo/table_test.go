package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// drawn is a table of a terminal of so many columns, 0 for a file, line by line.
func drawn(room int, spares []string, numbers []int, header table.Row, rows ...table.Row) []string {
	var b bytes.Buffer
	t := newTable(&b, header...)
	t.room = room
	t.SetColumnConfigs(right(numbers...))
	t.spares(spares...)
	for _, r := range rows {
		t.AppendRow(r)
	}
	t.Render()
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func TestATableFitsItsTerminal(t *testing.T) {
	header := table.Row{"Weights", "Network", "Seed", "Top-1 error"}
	row := table.Row{"runs/lenet5-fashion/001/weights/best.safetensors", "lenet5", 7, "14.10 %"}
	for _, c := range []struct {
		room   int
		spares []string
		want   []string
	}{
		{0, []string{"Seed"}, []string{
			"Weights                                           Network  Seed  Top-1 error",
			"runs/lenet5-fashion/001/weights/best.safetensors  lenet5      7      14.10 %"}},
		{76, nil, []string{
			"Weights                                           Network  Seed  Top-1 error",
			"runs/lenet5-fashion/001/weights/best.safetensors  lenet5      7      14.10 %"}},
		{70, []string{"Seed"}, []string{
			"Weights                                     Network  Seed  Top-1 error",
			"runs/lenet5-fashion/001/weights/best.       lenet5      7      14.10 %",
			"safetensors"}},
		{50, []string{"Network", "Seed"}, []string{
			"Weights                          Seed  Top-1 error",
			"runs/lenet5-fashion/001/            7      14.10 %",
			"weights/best.safetensors",
			"50 columns have no room for: Network"}},
		{40, []string{"Network", "Seed"}, []string{
			"Weights                      Top-1 error",
			"runs/lenet5-fashion/001/         14.10 %",
			"weights/best.safetensors",
			"40 columns have no room for: Network,",
			"Seed"}},
		{30, []string{"Network", "Seed"}, []string{
			"Weights            Top-1 error",
			"runs/lenet5-           14.10 %",
			"fashion/001/",
			"weights/best.",
			"safetensors",
			"30 columns have no room for:",
			"Network, Seed"}},
	} {
		got := drawn(c.room, c.spares, []int{3, 4}, header, row)
		if !slices.Equal(got, c.want) {
			t.Errorf("%d columns:\n%s\nwant\n%s", c.room, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Tables of any texts fit, lose nothing but the columns that they say, and break no number that has room.
func TestNoTableIsWiderThanItsTerminal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "word", "resnet20", "/", "-", ".", " ", "  ", "_", "東京", "\x1b[31m", "é", "e\u0301", "👍", "supercalifragilistic", "\xff", "\t", "\u202e"}
	cell := func() string {
		var b strings.Builder
		for range r.IntN(7) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		return b.String()
	}
	squeezed := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for try := range 3000 {
		room := 40 + r.IntN(161)
		header, numbers := table.Row{"Name"}, []int(nil)
		var spares []string
		for i := range r.IntN(6) {
			header = append(header, fmt.Sprintf("Column %d", i+2))
			if r.IntN(2) == 0 {
				numbers = append(numbers, i+2)
			}
			if i >= 2 {
				spares = append(spares, fmt.Sprintf("Column %d", i+2))
			}
		}
		var rows []table.Row
		for range 1 + r.IntN(3) {
			row := table.Row{cell()}
			for i := range header[1:] {
				if slices.Contains(numbers, i+2) {
					row = append(row, fmt.Sprintf("%d.%02d %%", r.IntN(100000), r.IntN(100)))
				} else {
					row = append(row, cell())
				}
			}
			rows = append(rows, row)
		}
		lines := drawn(room, spares, numbers, header, rows...)
		all := strings.Join(lines, "\n")
		for _, line := range lines {
			if n := text.StringWidth(line); n > room {
				t.Fatalf("try %d: a line of %d columns in %d: %q\n%s", try, n, room, line, all)
			}
		}
		_, left, _ := strings.Cut(squeezed(all), "columnshavenoroomfor:")
		letters := map[rune]int{}
		for _, c := range squeezed(all) {
			letters[c]++
		}
		for _, row := range rows {
			for i, v := range row {
				if strings.Contains(left, squeezed(fmt.Sprint(header[i]))) {
					continue
				}
				for _, c := range squeezed(report.Plain(v.(string))) {
					if letters[c]--; letters[c] < 0 {
						t.Fatalf("try %d: a %q is missing in %d columns of %q:\n%s", try, c, room, rows, all)
					}
				}
				if slices.Contains(numbers, i+1) && !strings.Contains(all, v.(string)) {
					t.Fatalf("try %d: %s is broken in %d columns:\n%s", try, v, room, all)
				}
			}
		}
	}
}
