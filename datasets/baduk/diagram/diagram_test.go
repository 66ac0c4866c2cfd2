package diagram

import (
	"image"
	"image/color"
	"math"
	"strconv"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// dark counts the pixels of writing in a cell, its lines left out.
func dark(img *image.RGBA, x, y int) int {
	n := 0
	for dx := -7; dx < 8; dx++ {
		for dy := -7; dy < 8; dy++ {
			if c := img.RGBAAt(x*20+30+dx, y*20+30+dy); dx != 0 && dy != 0 && c.R < 150 {
				n++
			}
		}
	}
	return n
}

func TestThePictureShowsStonesHeatAndMarks(t *testing.T) {
	b, _ := baduk.NewBoard(9, baduk.Rules{})
	if err := b.Play(baduk.Black, baduk.At(2, 6, 9)); err != nil {
		t.Fatal(err)
	}
	if err := b.Play(baduk.White, baduk.At(6, 2, 9)); err != nil {
		t.Fatal(err)
	}
	heat := make([]float32, 81)
	heat[baduk.At(4, 4, 9)], heat[baduk.At(5, 5, 9)], heat[baduk.At(2, 6, 9)] = 0.9, 0.1, 1
	img, err := Draw(b, Marks{heat, baduk.At(1, 1, 9)}, 20)
	if err != nil {
		t.Fatal(err)
	}
	at := func(x, y, dx, dy int) color.RGBA { return img.RGBAAt(x*20+30+dx, y*20+30+dy) }
	wood := at(0, 8, 5, 5)
	for name, ok := range map[string]bool{
		"black's stone is dark":               at(2, 6, 5, 5).R < 60,
		"white's stone is light":              at(6, 2, 6, 0).B > 200,
		"white's stone has a rim":             at(6, 2, 9, 0).B < 100 && at(6, 2, 0, -9).B < 100,
		"the last move has a dot":             at(6, 2, 0, 0).R > 200 && at(6, 2, 0, 0).B < 100,
		"a probable point is redder":          at(4, 4, 5, 5).G < at(5, 5, 5, 5).G && at(5, 5, 5, 5).G < wood.G,
		"the mark is blue":                    at(1, 1, -10, 0).B > 200 && at(1, 1, -10, 0).R < 100,
		"it is as large as the board":         img.Bounds().Dx() == 220 && img.Bounds().Dy() == 220,
		"a point that is nothing stays wood":  wood == at(8, 8, 5, 5) && wood.R > 200,
		"heat below a stone is not seen":      at(2, 6, 8, 8).R != 220,
		"columns and rows are not exchanged":  at(6, 2, 6, 0) != at(2, 6, 6, 0),
		"the first choice has a green ring":   at(4, 4, 0, -8).G > at(4, 4, 0, -8).R && at(5, 5, 0, -8).G < at(5, 5, 0, -8).R,
		"star points are seen":                at(6, 6, 1, 1).R < 120 && at(7, 7, 1, 1) == wood,
		"a percentage is written":             dark(img, 4, 4) > dark(img, 5, 5) && dark(img, 5, 5) > 0,
		"letters are below and above":         dark(img, 0, 9) > 3 && dark(img, 0, -1) > 3,
		"numbers are left and right":          dark(img, -1, 3) > 3 && dark(img, 9, 3) > 3,
		"corners of the margin are empty":     dark(img, -1, -1) == 0 && dark(img, 9, 9) == 0,
		"lines run along the middle of cells": at(0, 8, 3, 0).R < 120,
	} {
		if !ok {
			t.Errorf("not so: %s", name)
		}
	}
	for name, bad := range map[string]func() error{
		"a small scale": func() error { _, err := Draw(b, Marks{Played: baduk.None}, 1); return err },
		"wrong heat":    func() error { _, err := Draw(b, Marks{heat[1:], baduk.None}, 20); return err },
		"negative heat": func() error { _, err := Draw(b, Marks{append([]float32{-1}, heat[1:]...), baduk.None}, 20); return err },
	} {
		if bad() == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

// A board has the star points of the most handicap stones that it has room for.
func TestBoardsHaveTheirStarPoints(t *testing.T) {
	for size, want := range map[int]int{19: 9, 13: 9, 9: 9, 12: 4, 7: 4, 5: 0} {
		b, err := baduk.NewBoard(size, baduk.Rules{})
		if err != nil {
			t.Fatal(err)
		}
		img, err := Draw(b, Marks{Played: baduk.None}, 20)
		if err != nil {
			t.Fatal(err)
		}
		stars := 0
		for p := range size * size {
			x, y := baduk.Point(p).XY(size)
			if img.RGBAAt(x*20+31, y*20+31).R < 120 { // beside the lines' crossing
				stars++
			}
		}
		if stars != want {
			t.Errorf("%d×%d has %d star points, should have %d", size, size, stars, want)
		}
	}
}

func TestNoBoardIsNotDrawn(t *testing.T) {
	for _, b := range []*baduk.Board{nil, {}} {
		if _, err := Draw(b, Marks{}, 20); err == nil || err.Error() != "picture: there is no board" {
			t.Errorf("%v", err)
		}
	}
}

// Columns have GTP's letters, without an I, and rows their numbers, from below; each stands in the middle of its cell.
func TestEdgesHaveTheCoordinatesOfGTP(t *testing.T) {
	const scale = 20
	for size, letters := range map[int]string{19: "ABCDEFGHJKLMNOPQRST", 25: "ABCDEFGHJKLMNOPQRSTUVWXYZ", 7: "ABCDEFG"} {
		b, err := baduk.NewBoard(size, baduk.Rules{})
		if err != nil {
			t.Fatal(err)
		}
		img, err := Draw(b, Marks{Played: baduk.None}, scale)
		if err != nil {
			t.Fatal(err)
		}
		written, err := newCanvas(size, scale)
		if err != nil {
			t.Fatal(err)
		}
		check := func(text string, x, y int) {
			written.write(text, written.middle(x, y), line)
			cell := written.cell(written.middle(x, y))
			var ink image.Rectangle
			for y := cell.Min.Y; y < cell.Max.Y; y++ {
				for x := cell.Min.X; x < cell.Max.X; x++ {
					if img.RGBAAt(x, y) != written.img.RGBAAt(x, y) {
						t.Fatalf("%d×%d: no %s at %d, %d", size, size, text, x, y)
					}
					if img.RGBAAt(x, y) != wood {
						ink = ink.Union(image.Rect(x, y, x+1, y+1))
					}
				}
			}
			if d := ink.Min.Add(ink.Max).Sub(cell.Min.Add(cell.Max)); ink.Empty() || max(d.X, -d.X, d.Y, -d.Y) > 3 {
				t.Errorf("%s is at %v of %v", text, ink, cell)
			}
		}
		for i := range size {
			check(letters[i:i+1], i, -1)
			check(letters[i:i+1], i, size)
			check(strconv.Itoa(size-i), -1, i)
			check(strconv.Itoa(size-i), size, i)
		}
	}
}

// The frame of the move to come is a line along each side of its cell, within it, and nothing else.
func TestAFrameIsALineAlongEachSide(t *testing.T) {
	b, err := baduk.NewBoard(9, baduk.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	const scale, wide = 24, 2
	img, err := Draw(b, Marks{Played: baduk.At(3, 5, 9)}, scale)
	if err != nil {
		t.Fatal(err)
	}
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			dx, dy := x-4*scale, y-6*scale // in its cell
			in := min(dx, dy) >= 0 && max(dx, dy) < scale
			side := min(dx, dy, scale-1-dx, scale-1-dy) < wide
			if got, want := img.RGBAAt(x, y) == blue, in && side; got != want {
				t.Fatalf("at %d, %d of the cell: framed %v, want %v", dx, dy, got, want)
			}
		}
	}
}

// A disc of whatever radius is the same to all sides, and as large as it should be.
func TestDiscsAreRound(t *testing.T) {
	for _, radius := range []float64{1.5, 2, 3, 3.4, 7.5, 8, 9.4} {
		c, err := newCanvas(2, 20)
		if err != nil {
			t.Fatal(err)
		}
		at := image.Pt(40, 40)
		c.disc(at, radius, ink)
		area := 0.
		for dy := -12; dy <= 12; dy++ {
			for dx := -12; dx <= 12; dx++ {
				v := c.img.RGBAAt(40+dx, 40+dy)
				if v != c.img.RGBAAt(40-dx, 40+dy) || v != c.img.RGBAAt(40+dx, 40-dy) || v != c.img.RGBAAt(40+dy, 40+dx) {
					t.Errorf("radius %g: %d, %d is another colour on another side", radius, dx, dy)
				}
				area += float64(wood.R-v.R) / float64(wood.R-ink.Y)
			}
		}
		if want := math.Pi * radius * radius; math.Abs(area-want) > 0.05*want+0.5 {
			t.Errorf("radius %g: %.1f pixels are painted, should be %.1f", radius, area, want)
		}
	}
}
