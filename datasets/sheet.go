package datasets

import (
	"context"
	"errors"
	"fmt"
	std "image"
	"image/color"
	"image/draw"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/lettering"
)

// SheetOptions say what a contact sheet shows.
type SheetOptions struct {
	// Images is the number of images, spread evenly over the source; 0 means 24.
	Images int
	// Variants is how often each is shown, as in that many epochs. Above 1 each image has a row of its
	// own, which begins with the image as it is without transforms.
	Variants int
	// Columns is the number of pictures in a row where images have no rows of their own; 0 means what
	// makes the sheet a little wider than high.
	Columns int
	// Tile is the least size of a picture in pixels: smaller ones are enlarged by a whole number; 0
	// means 96.
	Tile int
}

// Validate says what cannot be.
func (o SheetOptions) Validate() error {
	for _, v := range []struct {
		name  string
		value int
		most  int
	}{{"images", o.Images, 10000}, {"variants", o.Variants, 1000}, {"columns", o.Columns, 1000}, {"tile", o.Tile, 2048}} {
		if v.value < 0 || v.value > v.most {
			return fmt.Errorf("%s %d: should be 1 to %d, or 0 for the usual", v.name, v.value, v.most)
		}
	}
	return nil
}

// A tile is one picture of a sheet.
type tile struct {
	pix     *std.RGBA
	caption string
}

// Sheet draws a contact sheet of what a network sees: images of the source as a loader with these
// settings prepares them, its transforms, mixers and views included, with their classes written below.
// Where images differ in size and cfg has no input, 128×128 pixels of their middle are shown.
func Sheet(ctx context.Context, src Source, cfg Config, opts SheetOptions) (*std.RGBA, error) {
	if err := opts.Validate(); err != nil {
		return nil, fmt.Errorf("contact sheet: %w", err)
	}
	if opts.Images == 0 {
		opts.Images = 24
	}
	if opts.Tile == 0 {
		opts.Tile = 96
	}
	if src == nil {
		return nil, fmt.Errorf("contact sheet: %w", errNoSource)
	}
	info := src.Info()
	if cfg.Input.Shape == (image.Shape{}) && info.Shape.H == 0 && cfg.Input.Crop == 0 {
		cfg.Input.Resize, cfg.Input.Crop = 128, 128
	}
	cfg.Limit = min(opts.Images, src.Len())
	cfg.Batch = max(cfg.Limit, 1)
	cfg.DropLast, cfg.Prefetch = false, 1
	plain := cfg
	plain.Transforms, plain.Augment, plain.Mixers = nil, nil, nil
	// An epoch of the loader for each column, but for the views of one image, which are columns themselves.
	var columns [][]tile
	show := func(cfg Config, epoch int) error {
		l, err := NewLoader(src, cfg)
		if err != nil {
			return err
		}
		c := l.Input().C
		if c != 1 && c != 3 {
			return fmt.Errorf("contact sheet: an input of %d channels is no picture: should have 1 or 3", c)
		}
		side := max(l.Input().H, l.Input().W, opts.Tile)
		if err := image.CheckSize(side*(max(opts.Variants, 1)+1)*cfg.Views.Len(), side*cfg.Limit); err != nil {
			return fmt.Errorf("contact sheet: %w", err)
		}
		for b, err := range l.Epoch(ctx, epoch, 0) {
			if err != nil {
				return err
			}
			views := cfg.Views.Len()
			for v := range views {
				var column []tile
				for i := range b.N {
					column = append(column, tile{picture(b, i*views+v, l.Input(), opts.Tile), caption(b, i, info.Classes)})
				}
				columns = append(columns, column)
			}
		}
		return nil
	}
	rows := opts.Variants > 1 || cfg.Views.Len() > 1
	if opts.Variants > 1 && cfg.Views.Len() == 1 {
		plain.Shuffle = false
		cfg.Shuffle = false // each row is of one image
		if err := show(plain, 0); err != nil {
			return nil, err
		}
	}
	for epoch := range max(opts.Variants, 1) {
		if err := show(cfg, epoch); err != nil {
			return nil, err
		}
	}
	if len(columns) == 0 || len(columns[0]) == 0 {
		return nil, errors.New("contact sheet: no image is left to show")
	}

	var tiles []tile
	for i := range columns[0] {
		for _, column := range columns {
			if i < len(column) {
				tiles = append(tiles, column[i])
			}
		}
	}
	across := opts.Columns
	if rows {
		across = len(columns)
	} else if across == 0 {
		across = int(math.Ceil(math.Sqrt(float64(len(tiles)) * 4 / 3)))
	}
	return compose(tiles, min(across, len(tiles)))
}

// gap is the space around the pictures, line the height of a caption of one line; it has captionLines at most.
const gap, line, captionLines = 6, lettering.Height + 3, 3

func compose(tiles []tile, across int) (*std.RGBA, error) {
	size := tiles[0].pix.Rect.Size()
	captions, lines := make([][]string, len(tiles)), 1
	for i, t := range tiles {
		captions[i] = lettering.Wrap(t.caption, size.X, captionLines)
		lines = max(lines, len(captions[i]))
	}
	below := line + (lines-1)*lettering.Height
	down := (len(tiles) + across - 1) / across
	w, h := across*(size.X+gap)+gap, down*(size.Y+below+gap)+gap
	if err := image.CheckSize(w, h); err != nil {
		return nil, fmt.Errorf("contact sheet: %w", err)
	}
	sheet := std.NewRGBA(std.Rect(0, 0, w, h))
	draw.Draw(sheet, sheet.Rect, std.White, std.Point{}, draw.Src)
	for i, t := range tiles {
		at := std.Pt(gap+i%across*(size.X+gap), gap+i/across*(size.Y+below+gap))
		draw.Draw(sheet, std.Rectangle{at, at.Add(size)}, t.pix, std.Point{}, draw.Src)
		for k, text := range captions[i] {
			lettering.Draw(sheet, at.X, at.Y+size.Y+2+k*lettering.Height, color.Black, text)
		}
	}
	return sheet, nil
}

// picture makes pixels of the values of image i again, enlarged to at least that size.
func picture(b *Batch, i int, in Input, least int) *std.RGBA {
	s := b.Shape
	n := s.H * s.W
	values := b.Images[i*s.Len() : (i+1)*s.Len()]
	times := max(1, (least+max(s.H, s.W)-1)/max(s.H, s.W))
	m := std.NewRGBA(std.Rect(0, 0, s.W*times, s.H*times))
	for y := range s.H * times {
		for x := range s.W * times {
			var c [3]uint8
			for k := range c {
				ch := min(k, s.C-1)
				if in.BGR && s.C == 3 {
					ch = 2 - k
				}
				v := values[ch*n+y/times*s.W+x/times]*in.Std[ch] + in.Mean[ch]
				c[k] = uint8(min(max(v/in.Scale*255+.5, 0), 255))
			}
			m.SetRGBA(x, y, color.RGBA{c[0], c[1], c[2], 255})
		}
	}
	return m
}

// caption is the image's class, or both with the greater one's share; one of less than half a per cent is left
// out.
func caption(b *Batch, i int, classes []string) string {
	name := func(label float32) string {
		if int(label) < len(classes) && classes[int(label)] != "" {
			return classes[int(label)]
		}
		return fmt.Sprint(label)
	}
	if b.Weight == nil {
		return name(b.Labels[i])
	}
	// The class with the greater share first: there may be no room for the other.
	share, first, second := b.Weight[i], b.Labels[i], b.Second[i]
	if share < .5 {
		share, first, second = 1-share, second, first
	}
	if share >= .995 {
		return name(first)
	}
	return fmt.Sprintf("%.0f%% %s, %s", 100*share, name(first), name(second))
}
