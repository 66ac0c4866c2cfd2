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
