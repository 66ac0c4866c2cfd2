package datasets

import (
	"bytes"
	"errors"
	std "image"
	"image/color"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
)

// shown is the colour of a sheet's picture at a pixel of the image, of tiles of that size.
func shown(m *std.RGBA, column, row, size, y, x int) color.RGBA {
	return m.RGBAAt(gap+column*(size+gap)+x, gap+row*(size+line+gap)+y)
}

func TestASheetShowsWhatTheLoaderMakes(t *testing.T) {
	src := painted(t, 20, image.Shape{C: 3, H: 10, W: 10})
	m, err := Sheet(t.Context(), src, Config{Input: Input{Mean: []float32{.4, .5, .6}, Std: []float32{.2, .3, .4}}}, SheetOptions{Images: 10, Columns: 4, Tile: 25})
	if err != nil {
		t.Fatal(err)
	}
	if want := std.Rect(0, 0, 4*(30+gap)+gap, 3*(30+line+gap)+gap); m.Rect != want {
		t.Fatalf("a sheet of %v: want %v", m.Rect, want)
	}
	if line < 2+lettering.Height { // it begins two pixels below its picture
		t.Errorf("a caption of %d pixels has %d", lettering.Height, line)
	}
	for i := range 10 { // every second of 20, each of one colour
		for _, at := range []int{0, 29} {
			if got, want := shown(m, i%4, i/4, 30, at, at), (color.RGBA{uint8(20 * i), uint8(20 * i), uint8(20 * i), 255}); got != want {
				t.Errorf("picture %d is %v: want %v", i, got, want)
			}
		}
		if got := shown(m, i%4, i/4, 30, 30, 30); got != (color.RGBA{255, 255, 255, 255}) {
			t.Errorf("beside picture %d the sheet is %v", i, got)
		}
	}
	if got := shown(m, 2, 2, 30, 5, 5); got != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("after the last picture the sheet is %v", got)
	}
}

// A picture has the image's colours, whatever scale and order of channels the network wants.
func TestASheetShowsColoursAsPeopleSeeThem(t *testing.T) {
	orange := color.RGBA{240, 130, 10, 255}
	pix := []uint8{orange.R, orange.R, orange.G, orange.G, orange.B, orange.B}
	src, err := NewMemory(Info{Name: "x", Classes: []string{"a", "b"}, Shape: image.Shape{C: 3, H: 1, W: 2}}, pix, []int32{1})
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]Input{
		"red first, to 1":       {Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}},
		"blue first, to 1":      {Mean: []float32{.406, .456, .485}, Std: []float32{.225, .224, .229}, BGR: true},
		"red first, to 255":     {Mean: []float32{123, 117, 104}, Std: []float32{58, 57, 56}, Scale: 255},
		"blue first, to 255":    {Mean: []float32{104, 117, 123}, Std: []float32{1}, Scale: 255, BGR: true},
		"from -1 to 1, of 0.5":  {Mean: []float32{.5}, Std: []float32{.5}},
		"blue first, as it is":  {BGR: true, Mean: []float32{0}, Std: []float32{1}},
		"to 2, nothing is less": {Scale: 2, Mean: []float32{0}, Std: []float32{1}},
	} {
		m, err := Sheet(t.Context(), src, Config{Input: in}, SheetOptions{Tile: 16})
		if err != nil {
			t.Fatal(err)
		}
		if got := shown(m, 0, 0, 16, 4, 12); got != orange {
			t.Errorf("%s: %v, want %v", name, got, orange)
		}
	}
}

func TestASheetOfVariantsHasARowForEachImage(t *testing.T) {
	src := numbered(t, 9, image.Shape{C: 1, H: 8, W: 8})
	cfg := Config{Seed: 3, Shuffle: true, Augment: augmentation(t, "crop(2), flip")}
	m, err := Sheet(t.Context(), src, cfg, SheetOptions{Images: 3, Variants: 4, Tile: 8})
	if err != nil {
		t.Fatal(err)
	}
	if want := std.Rect(0, 0, 5*(8+gap)+gap, 3*(8+line+gap)+gap); m.Rect != want {
		t.Fatalf("a sheet of %v: want %v", m.Rect, want)
	}
	cfg.Batch, cfg.Shuffle, cfg.Limit = 3, false, 3
	l := newLoader(t, src, cfg)
	var img image.Image
	for epoch := range 4 {
		for b, err := range l.Epoch(t.Context(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			for i, at := range b.Index {
				if err := src.Image(at, &img); err != nil {
					t.Fatal(err)
				}
				for k := range 64 {
					if got := shown(m, 0, i, 8, k/8, k%8).R; got != img.Pix[k] {
						t.Fatalf("row %d begins with another picture than image %d", i, at)
					}
					if got, want := shown(m, epoch+1, i, 8, k/8, k%8).R, b.Images[i*64+k]*.25+.5; got != uint8(want*255+.5) {
						t.Fatalf("image %d, variant %d, pixel %d is %d: want %v", at, epoch, k, got, want*255)
					}
				}
			}
		}
	}
}

func TestASheetShowsViewsAndMixtures(t *testing.T) {
	src := painted(t, 6, image.Shape{C: 3, H: 16, W: 16})
	m, err := Sheet(t.Context(), src, Config{Views: Views{Crops: 10}}, SheetOptions{Tile: 16})
	if err != nil {
		t.Fatal(err)
	}
	if want := std.Rect(0, 0, 10*(16+gap)+gap, 6*(16+line+gap)+gap); m.Rect != want {
		t.Errorf("ten crops: a sheet of %v: want %v", m.Rect, want)
	}
	if m, err = Sheet(t.Context(), src, Config{Augment: augmentation(t, "mixup(5)")}, SheetOptions{Tile: 16}); err != nil {
		t.Fatal(err)
	}
	if got := shown(m, 0, 0, 16, 3, 3).R; got == 0 || got >= 50 {
		t.Errorf("0 and 50, blended, are %d", got)
	}
}

func TestACaptionNamesTheClasses(t *testing.T) {
	classes := []string{"cat", "dog", "", "Ünicorn"}
	b := &Batch{Batch: augment.Batch{Labels: []float32{0, 2, 3, 1, 1}}}
	for i, want := range []string{"cat", "2", "Ünicorn", "dog", "dog"} {
		if got := caption(b, i, classes); got != want {
			t.Errorf("caption %q: want %q", got, want)
		}
	}
	b.Second, b.Weight = []float32{1, 1, 1, 0, 0}, []float32{.7, 1, .25, .5, .004}
	for i, want := range []string{"70% cat, dog", "2", "75% dog, Ünicorn", "50% dog, cat", "cat"} {
		if got := caption(b, i, classes); got != want {
			t.Errorf("caption %q: want %q", got, want)
		}
	}
	// A long one goes on in the next lines, and ends in the third.
	tiles := []tile{{std.NewRGBA(std.Rect(0, 0, 40, 10)), "abcdefghijklmnopqrstuvwxyz"}, {std.NewRGBA(std.Rect(0, 0, 40, 10)), "abcdef ghijkl mnopq…"}, {std.NewRGBA(std.Rect(0, 0, 40, 10)), "abcdefghijkl"}}
	m, err := compose(tiles, 1)
	if err != nil {
		t.Fatal(err)
	}
	row := func(i int) []uint8 {
		h := (10 + line + 2*lettering.Height + gap) * m.Stride
		return m.Pix[gap*m.Stride+i*h:][:h]
	}
	if !bytes.Equal(row(0), row(1)) || bytes.Equal(row(1), row(2)) {
		t.Error("a long caption is not broken into lines, and cut off after the third")
	}
}

func TestASheetThatCannotBeSaysWhy(t *testing.T) {
	src := painted(t, 6, image.Shape{C: 3, H: 16, W: 16})
	four, err := NewMemory(Info{Name: "four", Classes: []string{"a"}, Shape: image.Shape{C: 4, H: 2, W: 2}}, make([]uint8, 16), []int32{0})
	if err != nil {
		t.Fatal(err)
	}
	all := faulty{src, map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true, 5: true}}
	for _, c := range []struct {
		name string
		src  Source
		cfg  Config
		opts SheetOptions
		err  string
	}{
		{"images below 0", src, Config{}, SheetOptions{Images: -1}, "contact sheet: images -1: should be 1 to 10000, or 0 for the usual"},
		{"a huge tile", src, Config{}, SheetOptions{Tile: 1 << 20}, "contact sheet: tile 1048576"},
		{"a sheet without end", src, Config{}, SheetOptions{Variants: 1000, Tile: 2048}, "contact sheet: an image of 2050048×12288 pixels: more than the"},
		{"no picture", four, Config{}, SheetOptions{}, "an input of 4 channels is no picture"},
		{"a bad transform", src, Config{Transforms: []augment.Transform{augment.HorizontalFlip{}}}, SheetOptions{}, "flip: p 0"},
		{"broken images alone", all, Config{Skip: LeaveOut}, SheetOptions{}, "no image is left"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Sheet(t.Context(), c.src, c.cfg, c.opts); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %s", err, c.err)
			}
		})
	}
	if _, err := compose(make100(2048), 1000); err == nil {
		t.Error("a sheet of 400 million pixels is no error")
	}
	if _, err := Sheet(t.Context(), all, Config{}, SheetOptions{}); !errors.Is(err, image.ErrBroken) {
		t.Errorf("error %v", err)
	}
}

// make100 makes a hundred pictures that are the same.
func make100(size int) []tile {
	m := std.NewRGBA(std.Rect(0, 0, size, size))
	tiles := make([]tile, 100)
	for i := range tiles {
		tiles[i].pix = m
	}
	return tiles
}
