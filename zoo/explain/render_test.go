package explain

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/goregular"
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

func rgb(img image.Image, x, y int) [3]uint8 {
	c := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
	return [3]uint8{c.R, c.G, c.B}
}

func TestPicturesHaveTheirPixelsBytes(t *testing.T) {
	s := &Subject{Input: [3]int{3, 1, 2}, Mean: []float32{0.5, 0.25, 0}, Std: []float32{0.5, 0.25, 1}}
	// Red 0.5+0.5·(-1) = 0 and 1; green 0.25·2+0.25 = 0.75 and 0.25; blue 0.2 and 9, which is white.
	img := s.Picture([]float32{-1, 1, 2, 0, 0.2, 9})
	if a, b := rgb(img, 0, 0), rgb(img, 1, 0); a != [3]uint8{0, 191, 51} || b != [3]uint8{255, 64, 255} {
		t.Errorf("%v %v", a, b)
	}
	grey := &Subject{Input: [3]int{1, 1, 2}}
	if img := grey.Show(Plane{2, 1, []float32{0.4, 1}}); img.Rect != image.Rect(0, 0, 1, 2) || rgb(img, 0, 0) != [3]uint8{102, 102, 102} || rgb(img, 0, 1) != [3]uint8{255, 255, 255} {
		t.Errorf("grey: %v", img.Pix)
	}
	// A gradient's zero is grey, its extremes are black and white.
	g := grey.Gradient([]float32{-2, 0})
	if rgb(g, 0, 0) != [3]uint8{0, 0, 0} || rgb(g, 1, 0) != [3]uint8{128, 128, 128} {
		t.Errorf("gradient: %v", g.Pix)
	}
	if g := grey.Gradient([]float32{0, 0}); rgb(g, 0, 0) != [3]uint8{128, 128, 128} {
		t.Errorf("a gradient of zeros: %v", g.Pix)
	}
}

// Caffe's networks see blue first, and pixels up to 255: pictures are as people see them all the same, gradients and filters
// too, and what is made stays between black and white.
func TestPicturesOfNetworksThatSeeBlueFirst(t *testing.T) {
	s := &Subject{Input: [3]int{3, 1, 2}, Mean: []float32{100, 110, 120}, Std: []float32{2}, White: 255, BGR: true}
	prepared := []float32{(10 - 100) / 2, 77.5, (130 - 110) / 2, (0 - 110) / 2, (240 - 120) / 2, (60 - 120) / 2}
	img := s.Picture(prepared)
	if a, b := rgb(img, 0, 0), rgb(img, 1, 0); a != [3]uint8{240, 130, 10} || b != [3]uint8{60, 0, 255} {
		t.Errorf("%v %v", a, b)
	}
	wide := []float32{-1000, 1000, -56, 1000, 0, 68}
	s.clamp(wide)
	same(t, "clamped", wide, []float64{-50, 77.5, -55, 72.5, 0, 67.5})
	if g := s.Gradient([]float32{-1, 0, 0, 0, 1, 0}); rgb(g, 0, 0) != [3]uint8{255, 128, 0} || rgb(g, 1, 0) != [3]uint8{128, 128, 128} {
		t.Errorf("gradient: %v %v", rgb(g, 0, 0), rgb(g, 1, 0))
	}
	bank := Bank{N: 1, C: 3, H: 1, W: 1, V: []float32{-1, 0, 1}, BGR: true}
	if got := rgb(bank.Pictures()[0], 0, 0); got != [3]uint8{255, 128, 0} {
		t.Errorf("filter: %v", got)
	}
	// A grey one has no order.
	grey := &Subject{Input: [3]int{1, 1, 2}, Mean: []float32{100}, White: 255, BGR: true}
	if img := grey.Picture([]float32{-49, 155}); rgb(img, 0, 0) != [3]uint8{51, 51, 51} || rgb(img, 1, 0) != [3]uint8{255, 255, 255} {
		t.Errorf("grey: %v", img.Pix)
	}
}

func TestOneNumberInAHundredMayExceed(t *testing.T) {
	v := make([]float32, 200)
	for i := range v {
		v[i] = float32(i + 1)
	}
	v[7] = -1000
	// Sorted by size: 1 … 200 without 8, and 1000. The 198th from 0 is 200.
	if got := extreme(v); got != 200 {
		t.Errorf("%g", got)
	}
	sparse := make([]float32, 1000)
	sparse[3] = -5
	if got := extreme(sparse); got != 5 {
		t.Errorf("of a lone number: %g", got)
	}
	if got := extreme(nil); got != 0 {
		t.Errorf("of none: %g", got)
	}
}

func TestMapsAsPictures(t *testing.T) {
	m := Map{1, 3, []float32{-1, 0, 3}}
	if g := m.Grey(); rgb(g, 0, 0) != [3]uint8{0, 0, 0} || rgb(g, 1, 0) != [3]uint8{64, 64, 64} || rgb(g, 2, 0) != [3]uint8{255, 255, 255} {
		t.Errorf("grey: %v", g.Pix)
	}
	h := m.Heat()
	if rgb(h, 0, 0) != [3]uint8{0, 0, 4} || rgb(h, 2, 0) != [3]uint8{252, 255, 164} {
		t.Errorf("heat: %v", h.Pix)
	}
	flat := Map{1, 1, []float32{7}}
	if rgb(flat.Heat(), 0, 0) != [3]uint8{0, 0, 4} || rgb(flat.Grey(), 0, 0) != [3]uint8{0, 0, 0} {
		t.Error("a flat map is bright")
	}
	// Half the colour, half the picture's grey; below zero is as zero.
	under := image.NewGray(image.Rect(5, 5, 7, 6))
	under.SetGray(5, 5, color.Gray{100})
	under.SetGray(6, 5, color.Gray{200})
	o := Map{1, 2, []float32{0, 4}}.Overlay(under)
	if o.Rect != image.Rect(0, 0, 2, 1) || rgb(o, 0, 0) != [3]uint8{50, 50, 52} || rgb(o, 1, 0) != [3]uint8{226, 228, 182} {
		t.Errorf("overlay: %v", o.Pix)
	}
}

func TestResizeKeepsTheMiddles(t *testing.T) {
	m := Map{1, 2, []float32{0, 4}}.Resize(2, 4)
	// Middles of the four lie at -0.25, 0.25, 0.75 and 1.25 of the two, the outer ones at the border.
	if want := []float32{0, 1, 3, 4, 0, 1, 3, 4}; !slices.Equal(m.V, want) {
		t.Errorf("%v, should be %v", m.V, want)
	}
	p := Plane{1, 2, []float32{0, 4, 8, 8}}.Resize(1, 4)
	if want := []float32{0, 1, 3, 4, 8, 8, 8, 8}; p.H != 1 || p.W != 4 || !slices.Equal(p.X, want) {
		t.Errorf("%v, should be %v", p.X, want)
	}
	// Between four numbers each counts by how near it is: 4x + 8y + 8xy here.
	four := Map{2, 2, []float32{0, 4, 8, 20}}.Resize(4, 4)
	if want := []float32{0, 1, 3, 4, 2, 3.5, 6.5, 8, 6, 8.5, 13.5, 16, 8, 11, 17, 20}; !slices.Equal(four.V, want) {
		t.Errorf("%v, should be %v", four.V, want)
	}
	// A smaller one has what lies at its pixels' middles: at 0.25 and 1.75 of the columns, between the rows.
	// Outer pixels keep their numbers to the last bit.
	for i := range 500 {
		from := Map{1, 2, []float32{float32(i) / 7, float32(i) / 9}}
		if to := from.Resize(3, 31); to.V[0] != from.V[0] || to.V[30] != from.V[1] || to.V[62] != from.V[0] || to.V[92] != from.V[1] {
			t.Fatalf("%v and %v become %v", from.V[0], from.V[1], to.V)
		}
	}
	if less := (Map{2, 3, []float32{0, 4, 8, 16, 20, 40}}).Resize(1, 2); !slices.Equal(less.V, []float32{9, 21}) {
		t.Errorf("%v", less.V)
	}
}

func TestRollBlurAndClamp(t *testing.T) {
	s := &Subject{Input: [3]int{1, 2, 3}, Mean: []float32{0.5}, Std: []float32{0.25}}
	x := []float32{1, 2, 3, 4, 5, 6}
	if got, want := s.roll(x, 1, 1), []float32{6, 4, 5, 3, 1, 2}; !slices.Equal(got, want) {
		t.Errorf("rolled: %v, should be %v", got, want)
	}
	if got := s.roll(s.roll(x, -1, 2), 1, -2); !slices.Equal(got, x) {
		t.Errorf("rolled there and back: %v", got)
	}
	// Rows (1+2·1+2)/4, (1+4+3)/4, (2+6+3)/4 and so on; columns of two mix three to one.
	if got, want := s.blur(x), []float32{2, 2.75, 3.5, 3.5, 4.25, 5}; !slices.Equal(got, want) {
		t.Errorf("blurred: %v, should be %v", got, want)
	}
	y := []float32{-3, -2, 0, 1, 2, 3}
	s.clamp(y)
	if want := []float32{-2, -2, 0, 1, 2, 2}; !slices.Equal(y, want) {
		t.Errorf("clamped: %v, should be %v", y, want)
	}
}

func TestFiltersAsPictures(t *testing.T) {
	b := Bank{Layer: "conv1", N: 3, C: 3, H: 1, W: 2, V: []float32{
		4, 0, 0, 0, -4, 2, // red to the left, blue dark there
		0, 0, 0, 0, 0, 0,
		-2, -2, -2, -2, -2, -2,
	}, Formula: "⌊(8 - 1 + 2·0)/2⌋ + 1 = 4"}
	list := b.Pictures()
	if len(list) != 3 || rgb(list[0], 0, 0) != [3]uint8{255, 128, 0} || rgb(list[0], 1, 0) != [3]uint8{128, 128, 191} || rgb(list[2], 1, 0) != [3]uint8{64, 64, 64} {
		t.Errorf("%v %v", list[0].Pix, list[2].Pix)
	}
	if got, want := b.About(), "3 filters of 3×1×2, output floor((8 - 1 + 2·0)/2) + 1 = 4"; got != want {
		t.Errorf("%s, should be %s", got, want)
	}
	// Two columns, with a white line between.
	sheet := b.Sheet()
	if sheet.Rect != image.Rect(0, 0, 5, 3) || rgb(sheet, 0, 0) != [3]uint8{255, 128, 0} || rgb(sheet, 2, 0) != [3]uint8{255, 255, 255} || rgb(sheet, 0, 2) != [3]uint8{64, 64, 64} || rgb(sheet, 4, 2) != [3]uint8{255, 255, 255} {
		t.Errorf("%v %v", sheet.Rect, sheet.Pix)
	}
	// Filters of two channels are shown by their mean, the largest weight of all being white.
	two := Bank{N: 1, C: 2, H: 1, W: 2, V: []float32{4, -1, 0, 1}}
	if p := two.Pictures()[0]; rgb(p, 0, 0) != [3]uint8{191, 191, 191} || rgb(p, 1, 0) != [3]uint8{128, 128, 128} {
		t.Errorf("%v", p.Pix)
	}
}

func TestPatchesAreCutOut(t *testing.T) {
	s := &Subject{Input: [3]int{1, 4, 4}}
	e := func(p Patch, at int) Excitement {
		pixels, picture := make([]float32, 16), make([]float32, 16)
		pixels[at], picture[at] = 1, 1
		return Excitement{Projection: Projection{Pixels: pixels, Patch: p}, Picture: picture}
	}
	seen, patches := s.Patches([]Excitement{e(Patch{1, 1, 3, 3}, 6), e(Patch{2, 3, 4, 4}, 11), e(Patch{0, 0, 2, 2}, 0)}, 2)
	// Cells of 2×2 with a line between: 5×5 in all.
	if seen.Rect != image.Rect(0, 0, 5, 5) || patches.Rect != seen.Rect {
		t.Fatalf("%v", seen.Rect)
	}
	white, black, grey := [3]uint8{255, 255, 255}, [3]uint8{0, 0, 0}, [3]uint8{128, 128, 128}
	for _, c := range []struct {
		x, y          int
		seen, patches [3]uint8
	}{
		{1, 0, white, white}, // number 6 is row 1, column 2: the first patch's right upper pixel
		{0, 0, grey, black},
		{3, 0, white, white}, // number 11 is row 2, column 3
		{4, 0, white, white}, // the second patch is narrower: paper
		{0, 3, white, white},
		{1, 4, grey, black},
		{4, 4, white, white}, // no fourth
	} {
		if a, b := rgb(seen, c.x, c.y), rgb(patches, c.x, c.y); a != c.seen || b != c.patches {
			t.Errorf("%d, %d: %v and %v, should be %v and %v", c.x, c.y, a, b, c.seen, c.patches)
		}
	}
	if a, _ := s.Patches(nil, 3); a.Rect.Empty() {
		t.Error("no patches give no picture")
	}
}

func TestGreysAreExactInAnAnimation(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i := range 256 {
		img.SetRGBA(i%16, i/16, color.RGBA{uint8(i), uint8(i), uint8(i), 255})
	}
	var file bytes.Buffer
	if err := gif.EncodeAll(&file, &gif.GIF{Image: []*image.Paletted{Paletted(img)}, Delay: []int{8}}); err != nil {
		t.Fatal(err)
	}
	got, err := gif.DecodeAll(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 256 {
		if c := rgb(got.Image[0], i%16, i/16); c != [3]uint8{uint8(i), uint8(i), uint8(i)} {
			t.Fatalf("grey %d becomes %v", i, c)
		}
	}
	img.SetRGBA(3, 3, color.RGBA{255, 0, 0, 255})
	if c := rgb(Paletted(img), 3, 3); c != [3]uint8{255, 0, 0} {
		t.Errorf("red becomes %v", c)
	}
}

func TestCaptionsAreWrapped(t *testing.T) {
	f, err := face(goregular.TTF, written)
	if err != nil {
		t.Fatal(err)
	}
	if got := wrap(f, "feature 5, epoch 1", 80); !slices.Equal(got, []string{"feature 5,", "epoch 1"}) {
		t.Errorf("%q", got)
	}
	if got := wrap(f, strings.Repeat("word ", 40), 80); len(got) != mostLines || strings.Count(strings.Join(got, " "), "word") != 40 {
		t.Errorf("%q", got)
	}
	if got := wrap(f, " ", 80); got != nil {
		t.Errorf("of nothing: %q", got)
	}
	full := measure(f, "one two")
	if got := wrap(f, "one two", full); !slices.Equal(got, []string{"one two"}) {
		t.Errorf("what fits exactly is %q", got)
	}
	if got := wrap(f, "one two", full-1); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("what is a pixel too wide is %q", got)
	}
	if _, err := face([]byte("no font"), 12); err == nil {
		t.Error("no font is read")
	}
	small := image.NewGray(image.Rect(0, 0, 10, 10))
	one, err := Sheet{Panels: []Panel{{small, "short"}}}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	two, err := Sheet{Panels: []Panel{{small, "a caption of so many words that it has more lines than one"}}}.Draw()
	if err != nil {
		t.Fatal(err)
	}
	if two.Rect.Dy() < one.Rect.Dy()+20 || two.Rect.Dx() != one.Rect.Dx() {
		t.Errorf("%v and %v", one.Rect, two.Rect)
	}
	var many []Panel
	for range 5000 {
		many = append(many, Panel{small, ""})
	}
	if _, err := (Sheet{Panels: many, Columns: 1, Side: 1}).Draw(); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("5000 pictures in a column: %v", err)
	}
}

// Pictures stand in rows, each in a cell as large as the largest, 16 pixels from the edges and 10 from each other.
func TestASheetsPicturesStandInRows(t *testing.T) {
	colours := []color.RGBA{{200, 0, 0, 255}, {0, 200, 0, 255}, {0, 0, 200, 255}, {200, 200, 0, 255}, {0, 200, 200, 255}}
	sheet := Sheet{Columns: 3}
	for i, c := range colours {
		picture := image.NewRGBA(image.Rect(5, 7, 5+[]int{120, 100, 120, 120, 120}[i], 7+[]int{100, 130, 100, 100, 100}[i]))
		draw.Draw(picture, picture.Rect, image.NewUniform(c), image.Point{}, draw.Src)
		sheet.Panels = append(sheet.Panels, Panel{Picture: picture})
	}
	boxes := func(s Sheet) (image.Rectangle, []image.Rectangle) {
		img, err := s.Draw()
		if err != nil {
			t.Fatal(err)
		}
		list := make([]image.Rectangle, len(colours))
		for i, c := range colours {
			for y := range img.Rect.Dy() {
				for x := range img.Rect.Dx() {
					if img.RGBAAt(x, y) == c {
						list[i] = list[i].Union(image.Rect(x, y, x+1, y+1))
					}
				}
			}
		}
		return img.Rect, list
	}
	whole, got := boxes(sheet)
	want := []image.Rectangle{image.Rect(16, 26, 136, 126), image.Rect(146, 26, 246, 156), image.Rect(276, 26, 396, 126), image.Rect(16, 166, 136, 266), image.Rect(146, 166, 266, 266)}
	if !slices.Equal(got, want) || whole != image.Rect(0, 0, 412, 312) {
		t.Errorf("pictures at %v of %v, want %v", got, whole, want)
	}
	// A title takes its font's height and 4 pixels more, a note likewise.
	for _, c := range []struct {
		title, note string
		down        int
	}{{"Title", "", 28 + 4}, {"", "note", 18 + 4}, {"Title", "note", 28 + 4 + 18 + 4}} {
		sheet.Title, sheet.Note = c.title, c.note
		if below, down := boxes(sheet); down[0] != want[0].Add(image.Pt(0, c.down)) || below.Dy() != whole.Dy()+c.down {
			t.Errorf("below %q and %q the first picture is at %v", c.title, c.note, down[0])
		}
	}
	sheet.Note = ""
	// A title and captions of a line move them down, all by the title and each row by a caption more.
	sheet.Title, sheet.Panels[1].Caption = "Title", "one"
	below, down := boxes(sheet)
	first, second := down[0].Min.Y-want[0].Min.Y, down[3].Min.Y-want[3].Min.Y
	if first < 24 || second-first < 15 || below.Dy()-whole.Dy() != first+2*(second-first) || below.Dx() != whole.Dx() {
		t.Errorf("the first row moves by %d, the second by %d, of %v", first, second, below)
	}
	for i, r := range down {
		if r != want[i].Add(image.Pt(0, []int{first, second}[i/3])) {
			t.Errorf("picture %d is at %v", i, r)
		}
	}
}

// A sheet is as wide as its title and its note, in whatever letters: none is cut off.
func TestASheetIsAsWideAsItsTitle(t *testing.T) {
	for _, title := range []string{strings.Repeat("wide ", 30), strings.Repeat("日本語", 30)} {
		for _, s := range []Sheet{{Title: title}, {Note: title}} {
			s.Panels = []Panel{{Picture: image.NewGray(image.Rect(0, 0, 10, 10))}}
			img, err := s.Draw()
			if err != nil {
				t.Fatal(err)
			}
			first, last := img.Rect.Dx(), 0
			for x := range img.Rect.Dx() {
				for y := 16; y < 60; y++ {
					if img.RGBAAt(x, y).R < 128 && (x > 16+96 || y < 40) { // the picture is black, too
						first, last = min(first, x), max(last, x)
					}
				}
			}
			if first < 16 || first > 20 || last > img.Rect.Dx()-16 || last < img.Rect.Dx()-32 {
				t.Errorf("%.12q… is written from %d to %d of %d", title, first, last, img.Rect.Dx())
			}
		}
	}
}

// Guided Grad-CAM is the product of the two.
func TestGuidedGradCAMIsTheProduct(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	largest := float32(0)
	for k := range tinyClasses {
		got, of, err := GuidedGradCAM{Class: k, Layer: "relu 2"}.Explain(s, x)
		if err != nil || of != k {
			t.Fatalf("class %d: %d, %v", k, of, err)
		}
		cam, _, _ := GradCAM{Class: k, Layer: "relu 2"}.Explain(s, x)
		g, _, _ := Guided{Class: k}.Explain(s, x)
		cam = cam.Resize(tinyH, tinyW)
		for i := range got {
			if want := g[i] * cam.V[i%len(cam.V)]; got[i] != want {
				t.Fatalf("class %d, %d: %g, should be %g", k, i, got[i], want)
			}
			largest = max(largest, float32(math.Abs(float64(got[i]))))
		}
	}
	if largest == 0 {
		t.Error("nothing speaks for any class")
	}
	if _, _, err := (GuidedGradCAM{Layer: "no"}).Explain(s, x); err == nil {
		t.Error("a layer that is not is explained")
	}
}

func TestBestAndNames(t *testing.T) {
	of, p := Best([]float32{0, float32(math.Log(3)), 0})
	if of != 1 || math.Abs(p-0.6) > 1e-7 {
		t.Errorf("class %d with %g", of, p)
	}
	s := &Subject{Classes: []string{"cat"}}
	if s.Name(0) != "cat" || s.Name(3) != "3" || s.Name(-1) != "-1" {
		t.Errorf("%s %s %s", s.Name(0), s.Name(3), s.Name(-1))
	}
}

// A classifier's subject has its weights, its classes and its preprocessing, and answers as it does.
func TestASubjectOfAClassifier(t *testing.T) {
	c, err := pretrained.Load("resnet20-cifar10")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := Of(c)
	if s.Input != [3]int{3, 32, 32} || len(s.Classes) != 10 || s.Name(3) != "cat" || len(s.Mean) != 3 || len(s.Std) != 3 {
		t.Errorf("%v, %d classes, %v %v", s.Input, len(s.Classes), s.Mean, s.Std)
	}
	x := noise(1, 2*s.size())
	got, err := s.Logits(x)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 20)
	if err := c.Compute(x, 2, want); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if v := got[i/10][i%10]; math.Abs(float64(v-want[i])) > 1e-3 {
			t.Errorf("logit %d: %g, should be %g", i, v, want[i])
		}
	}
	if last, err := s.LastMaps(); err != nil || last != "relu 19" {
		t.Errorf("the last maps are %q, %v", last, err)
	}
	bank, err := Filters{}.Explain(s)
	if err != nil || bank.N != 16 || bank.C != 3 || bank.About() != "16 filters of 3×3×3, output (32 - 3 + 2·1)/1 + 1 = 32" {
		t.Errorf("%s, %v", bank.About(), err)
	}
}

// Of a classifier whose weights came from Caffe, a prepared image is shown in its own colours.
func TestASubjectSeesColoursAsItsClassifierDoes(t *testing.T) {
	r, err := pretrained.Open("resnet20-cifar10")
	if err != nil {
		t.Fatal(err)
	}
	f := weights.File{Meta: r.Meta()}
	at := map[string][]float32{}
	for _, spec := range r.Specs() {
		n := 1
		for _, d := range spec.Shape {
			n *= d
		}
		at[spec.Name] = make([]float32, n)
		f.Tensors = append(f.Tensors, weights.Tensor{Name: spec.Name, Shape: spec.Shape, Data: at[spec.Name]})
	}
	if err := r.ReadInto(func(name string, _ []int) []float32 { return at[name] }); err != nil {
		t.Fatal(err)
	}
	f.Meta.Preprocessing = &weights.Preprocessing{Channels: "bgr", Scale: 255, Mean: []float32{104, 117, 123}, Std: []float32{1, 2, 3}}
	path := filepath.Join(t.TempDir(), "caffes.safetensors")
	if err := weights.Save(path, &f); err != nil {
		t.Fatal(err)
	}
	c, err := infer.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	orange := color.RGBA{240, 130, 10, 255}
	picture := image.NewRGBA(image.Rect(0, 0, 32, 32))
	draw.Draw(picture, picture.Rect, image.NewUniform(orange), image.Point{}, draw.Src)
	s := Of(c)
	x := make([]float32, s.size())
	if err := c.Prepare(x, picture); err != nil {
		t.Fatal(err)
	}
	if got := rgb(s.Picture(x), 5, 7); got != [3]uint8{240, 130, 10} {
		t.Errorf("shown as %v, prepared as %v %v %v", got, x[0], x[1024], x[2048])
	}
	bank, err := Filters{}.Explain(s)
	if err != nil || !bank.BGR {
		t.Errorf("the filters' first channel is blue: %v, %v", bank.BGR, err)
	}
}

// What a network without convolutions has to say.
func TestNetworksWithoutMaps(t *testing.T) {
	s := &Subject{Network: flat{}, Params: graph.NewParams(), Input: [3]int{1, 2, 2}}
	if _, err := s.Layers(); err != nil {
		t.Fatal(err)
	}
	s.Params.Init(1)
	x := []float32{1, 2, 3, 4}
	if _, err := s.LastMaps(); err == nil || !strings.Contains(err.Error(), "no layer with maps") {
		t.Errorf("maps: %v", err)
	}
	if _, err := (Filters{}).Explain(s); err == nil || !strings.Contains(err.Error(), "no convolution") {
		t.Errorf("filters: %v", err)
	}
	if _, err := (Filters{Layer: "no"}).Explain(s); err == nil || !strings.Contains(err.Error(), `no layer is called "no"`) {
		t.Errorf("filters: %v", err)
	}
	for what, err := range map[string]error{
		"Grad-CAM":  func() error { _, _, err := GradCAM{}.Explain(s, x); return err }(),
		"deconvnet": func() error { _, err := Deconvnet{}.Explain(s, x); return err }(),
		"of fc":     func() error { _, err := Deconvnet{Layer: "fc"}.Explain(s, x); return err }(),
		"maps":      func() error { _, err := Maps{Layer: "fc"}.Explain(s, x); return err }(),
	} {
		if err == nil || !strings.Contains(err.Error(), "maps") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if m, _, err := (Saliency{Class: 0}).Explain(s, x); err != nil || m.H != 2 || m.V[2] != float32(math.Abs(float64(s.Params.Get("fc.weight").Data[2]))) {
		t.Errorf("saliency: %v, %v", m.V, err)
	}
}

type flat struct{}

func (flat) Build(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
	return b.Dense(b.Flatten(x), "fc", 3), b.Err()
}
