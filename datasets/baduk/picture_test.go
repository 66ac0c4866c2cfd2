package baduk

import (
	"image/color"
	"testing"
)

func TestThePictureShowsStonesHeatAndMarks(t *testing.T) {
	b, _ := NewBoard(9, Rules{})
	if err := b.Play(Black, At(2, 6, 9)); err != nil {
		t.Fatal(err)
	}
	if err := b.Play(White, At(6, 2, 9)); err != nil {
		t.Fatal(err)
	}
	heat := make([]float32, 81)
	heat[At(4, 4, 9)], heat[At(5, 5, 9)], heat[At(2, 6, 9)] = 0.9, 0.1, 1
	img, err := Picture(b, heat, At(1, 1, 9), 20)
	if err != nil {
		t.Fatal(err)
	}
	at := func(x, y, dx, dy int) color.RGBA { return img.RGBAAt(x*20+10+dx, y*20+10+dy) }
	wood := at(0, 8, 5, 5)
	for name, ok := range map[string]bool{
		"black's stone is dark":               at(2, 6, 5, 5).R < 60,
		"white's stone is light":              at(6, 2, 6, 0).B > 200,
		"the last move has a dot":             at(6, 2, 0, 0).R > 200 && at(6, 2, 0, 0).B < 100,
		"a probable point is redder":          at(4, 4, 5, 5).G < at(5, 5, 5, 5).G && at(5, 5, 5, 5).G < wood.G,
		"the mark is blue":                    at(1, 1, -10, 0).B > 200 && at(1, 1, -10, 0).R < 100,
		"it is as large as the board":         img.Bounds().Dx() == 180 && img.Bounds().Dy() == 180,
		"a point that is nothing stays wood":  wood == at(8, 8, 5, 5) && wood.R > 200,
		"heat below a stone is not seen":      at(2, 6, 8, 8).R != 220,
		"columns and rows are not exchanged":  at(6, 2, 6, 0) != at(2, 6, 6, 0),
		"lines run along the middle of cells": at(0, 8, 3, 0).R < 120,
	} {
		if !ok {
			t.Errorf("not so: %s", name)
		}
	}
	for name, bad := range map[string]func() error{
		"a small scale": func() error { _, err := Picture(b, nil, None, 1); return err },
		"wrong heat":    func() error { _, err := Picture(b, heat[1:], None, 20); return err },
		"negative heat": func() error { _, err := Picture(b, append([]float32{-1}, heat[1:]...), None, 20); return err },
	} {
		if bad() == nil {
			t.Errorf("%s is no error", name)
		}
	}
}
