package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

func TestATableFitsItsTerminal(t *testing.T) {
	rows := []table.Row{{"Weights", "Network", "Top-1 error"}, {"runs/lenet5-fashion/001/weights/best.safetensors", "lenet5", "14.10 %"}}
	for _, c := range []struct {
		room int
		want []int
	}{{0, nil}, {100, nil}, {70, nil}, {60, []int{41, 7, 8}}, {40, []int{21, 7, 8}}, {30, []int{11, 7, 8}}, {20, nil}} {
		if got := fitColumns(rows, c.room); !slices.Equal(got, c.want) {
			t.Errorf("%d columns: %v, want %v", c.room, got, c.want)
		}
	}
	for _, room := range []int{0, 60, 40} {
		var b bytes.Buffer
		w := newTable(&b, rows[0]...).(*fittedTable)
		w.room = room
		w.SetColumnConfigs(right(3))
		w.AppendRow(rows[1])
		w.Render()
		joined := ""
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if n := text.StringWidthWithoutEscSequences(line); room > 0 && n > room {
				t.Errorf("a line of %d columns in %d: %q", n, room, line)
			}
			joined += strings.ReplaceAll(line, " ", "")
		}
		if whole := strings.Contains(b.String(), "best.safetensors  lenet5"); whole != (room == 0) {
			t.Errorf("in %d columns the row stands in one line: %v\n%s", room, whole, &b)
		}
		if !strings.Contains(joined, "14.10%") {
			t.Errorf("the number is broken:\n%s", &b)
		}
	}
}
