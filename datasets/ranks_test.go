package datasets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// Loaders that share the work give together, image by image, what one gives.
func TestRanksShareTheImagesOfOneLoader(t *testing.T) {
	src := ranked(t, 53)
	for name, cfg := range map[string]Config{
		"plain":        {Batch: 8, Seed: 3, Shuffle: true, DropLast: true},
		"last batch":   {Batch: 10, Seed: 3, Shuffle: true},
		"augmented":    {Batch: 8, Seed: 3, Shuffle: true, DropLast: true, Augment: spec(t, "crop(1), flip")},
		"mixed":        {Batch: 8, Seed: 3, Shuffle: true, DropLast: true, Augment: spec(t, "flip, mixup(0.4)")},
		"cut and mix":  {Batch: 8, Seed: 3, Shuffle: true, DropLast: true, Augment: spec(t, "cutmix(1)")},
		"balanced":     {Batch: 8, Seed: 3, Shuffle: true, DropLast: true, Balance: true, Augment: spec(t, "crop(1), flip")},
		"shares":       {Batch: 10, Seed: 3, Shuffle: true, DropLast: true, Shares: 5},
		"mixed shares": {Batch: 9, Seed: 3, Shuffle: true, Shares: 4, Augment: spec(t, "flip, mixup(0.4)")},
		"whole":        {Batch: 8, WholeBatches: true},
		"whole, views": {Batch: 8, WholeBatches: true, Views: Views{Flip: true}},
	} {
		for _, ranks := range []int{1, 2, 3} {
			t.Run(fmt.Sprint(name, " by ", ranks), func(t *testing.T) {
				all, err := NewLoader(src, cfg)
				if err != nil {
					t.Fatal(err)
				}
				var parts []*Loader
				for rank := range ranks {
					c := cfg
					c.Rank, c.Ranks, c.Workers = rank, ranks, rank+1
					l, err := NewLoader(src, c)
					if err != nil {
						t.Fatal(err)
					}
					if l.Batches() != all.Batches() || l.Len() != all.Len() {
						t.Errorf("rank %d counts %d batches and %d images, should be %d and %d", rank, l.Batches(), l.Len(), all.Batches(), all.Len())
					}
					parts = append(parts, l)
				}
				for _, from := range []int{0, 2} {
					want := gathered(t, []*Loader{all}, 1, from)
					got := gathered(t, parts, 1, from)
					if !slices.Equal(got, want) {
						t.Errorf("from batch %d: %d lines, should be %d", from, len(got), len(want))
						for i := range min(len(got), len(want)) {
							if got[i] != want[i] {
								t.Fatalf("line %d is %.200s\nshould be %.200s", i, got[i], want[i])
							}
						}
					}
				}
			})
		}
	}
	if _, err := NewLoader(src, Config{Batch: 13, Ranks: 2}); err == nil { // 53 = 4·13 + 1
		t.Error("one image is shared by two ranks")
	}
	for _, cfg := range []Config{{Batch: 13, Shares: 2}, {Batch: 4, Shares: 5}, {Batch: 10, Shares: 2, Ranks: 3}} {
		if _, err := NewLoader(src, cfg); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d shares", cfg.Shares)) {
			t.Errorf("a batch of %d in %d shares by %d ranks: %v", cfg.Batch, cfg.Shares, cfg.Ranks, err)
		}
	}
}

// gathered is each image of an epoch as text, in order, whichever loader gives it.
func gathered(t *testing.T, loaders []*Loader, epoch, from int) []string {
	t.Helper()
	lines := map[[2]int]string{}
	for _, l := range loaders {
		for b, err := range l.Epoch(context.Background(), epoch, from) {
			if err != nil {
				t.Fatal(err)
			}
			stride := len(b.Images) / b.N
			for i := range b.N {
				line := fmt.Sprint(b.Number, b.Of, b.Index[i], b.Labels[i], b.Images[i*stride:(i+1)*stride])
				if b.Second != nil {
					line += fmt.Sprint(b.Second[i], b.Weight[i])
				}
				at := [2]int{b.Number, b.First + i}
				if lines[at] != "" {
					t.Fatalf("image %d of batch %d comes twice", at[1], at[0])
				}
				lines[at] = line
			}
		}
	}
	var list []string
	for number := range loaders[0].Batches() {
		for i := 0; ; i++ {
			line, ok := lines[[2]int{number, i}]
			if !ok {
				break
			}
			list = append(list, line)
			delete(lines, [2]int{number, i})
		}
	}
	if len(lines) > 0 {
		t.Errorf("%d images have places with gaps", len(lines))
	}
	return list
}

// ranked is a source of n images that differ in every pixel, of five classes of different sizes.
func ranked(t *testing.T, n int) *Memory {
	t.Helper()
	s := image.Shape{C: 3, H: 4, W: 5}
	pix, labels := make([]uint8, n*s.Len()), make([]int32, n)
	for i := range pix {
		pix[i] = uint8(i*i + i/7)
	}
	for i := range labels {
		labels[i] = int32(i * i % 5)
	}
	m, err := NewMemory(Info{Name: "ranked", Classes: []string{"a", "b", "c", "d", "e"}, Shape: s, Mean: []float32{0.5}, Std: []float32{0.25}}, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func spec(t *testing.T, text string) augment.Spec {
	t.Helper()
	s, err := augment.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
