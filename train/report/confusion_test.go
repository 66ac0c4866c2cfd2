package report

import (
	"bytes"
	"image/png"
	"testing"
)

func TestConfusionIsWrittenForPeopleAndPrograms(t *testing.T) {
	c := Confusion{Classes: []string{"cat, black", "dög"}, Counts: [][]int{{3, 1}, {0, 4}}}
	var text, picture bytes.Buffer
	if err := c.WriteCSV(&text); err != nil || text.String() != "class,\"cat, black\",dög\n\"cat, black\",3,1\ndög,0,4\n" {
		t.Errorf("%q, %v", text.String(), err)
	}
	if err := c.WritePNG(&picture); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&picture)
	if err != nil {
		t.Fatal(err)
	}
	at := func(i, j int) (r, g uint32) { // a corner of the cell
		// Beside the axis's title and the longest name, "cat, black", whose letters are 6 pixels wide.
		const left = 16 + 8 + 10*6 + 8
		r, g, _, _ = m.At(left+j*30+3, left+i*30+3).RGBA()
		return r >> 8, g >> 8
	}
	if r, g := at(0, 0); g != 255 || r == 255 {
		t.Errorf("right answers have the colour %d, %d", r, g)
	}
	if r, g := at(0, 1); r != 255 || g == 255 {
		t.Errorf("wrong answers have the colour %d, %d", r, g)
	}
	if r, g := at(1, 0); r != 255 || g != 255 {
		t.Errorf("no answers have the colour %d, %d", r, g)
	}
	var large Confusion
	for i := range 1000 {
		large.Classes, large.Counts = append(large.Classes, "x"), append(large.Counts, make([]int, 1000))
		large.Counts[i][i] = 1
	}
	if err := large.WritePNG(&picture); err != nil {
		t.Error(err)
	}
}

// A matrix has room for its counts and for its totals, which may have a digit more: letters are 6 pixels wide.
func TestAMatrixHasRoomForItsTotals(t *testing.T) {
	for _, c := range []struct {
		counts [][]int
		cell   int
		total  int
	}{
		{[][]int{{1, 2}, {3, 4}}, 30, 5*6 + 8},
		{[][]int{{999999, 1}, {1, 999999}}, 6*6 + 8, 7*6 + 8},
		{[][]int{{1000000, 1}, {1, 1000000}}, 7*6 + 8, 7*6 + 8},
	} {
		var picture bytes.Buffer
		if err := (Confusion{Classes: []string{"a", "b"}, Counts: c.counts}).WritePNG(&picture); err != nil {
			t.Fatal(err)
		}
		m, err := png.DecodeConfig(&picture)
		if err != nil {
			t.Fatal(err)
		}
		if want := 16 + 8 + 6 + 8 + 2*c.cell + c.total; m.Width != want {
			t.Errorf("%v: %d pixels wide, want %d", c.counts, m.Width, want)
		}
	}
}
