package datasets

import (
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestBalanceGivesEachClassTheSameShare(t *testing.T) {
	// 70 images of a class, 28 of another, 2 of a third; the middle one of five classes has none.
	var labels []int32
	for i := range 100 {
		labels = append(labels, []int32{0, 0, 0, 0, 0, 0, 0, 1, 1, 1}[i%10])
	}
	labels[9], labels[99] = 4, 4
	pix := make([]uint8, 100)
	for i := range pix {
		pix[i] = uint8(i)
	}
	src, err := NewMemory(Info{Name: "x", Classes: []string{"a", "b", "c", "d", "e"}, Shape: image.Shape{C: 1, H: 1, W: 1}, Mean: []float32{0}, Std: []float32{1}}, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	if got := tallied(src); got != "a 70 b 28 c 0 d 0 e 2" {
		t.Fatalf("%s", got)
	}
	l, err := NewLoader(src, Config{Batch: 8, Seed: 3, Shuffle: true, Balance: true})
	if err != nil {
		t.Fatal(err)
	}
	seen := make([]int, 100) // in the first three epochs
	var first, again []int
	for epoch := range 3 {
		share := map[float32]int{}
		for b, err := range l.Epoch(t.Context(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			for i, label := range b.Labels {
				share[label]++
				seen[b.Index[i]]++
				if epoch == 0 {
					first = append(first, b.Index[i])
				}
			}
		}
		if share[0] != 33 || share[1] != 33 || share[4] != 34 {
			t.Errorf("epoch %d: %v: want 33, 33 and 34 images", epoch, share)
		}
	}
	for i, n := range seen { // 99 of 70, 99 of 28, 102 of 2
		low, high := 1, 2
		switch labels[i] {
		case 1:
			low, high = 3, 4
		case 4:
			low, high = 51, 51
		}
		if n < low || n > high {
			t.Errorf("image %d of class %d comes %d times in three epochs: want %d to %d", i, labels[i], n, low, high)
		}
	}
	for b, err := range l.Epoch(t.Context(), 0, 5) {
		if err != nil {
			t.Fatal(err)
		}
		again = append(again, b.Index...)
	}
	if !slices.Equal(again, first[40:]) {
		t.Error("an epoch that is gone on with has another order")
	}
	if _, err := NewLoader(src, Config{Batch: 8, Balance: true}); err == nil || !strings.Contains(err.Error(), "balance: needs an order of its own") {
		t.Errorf("error %v", err)
	}
}

// blotted is a transform that writes what is random for a sample into its pixel.
type blotted struct{}

func (blotted) Apply(s *augment.Sample) error {
	s.Image.Pix[0] = uint8(s.Rand.Uint64())
	return nil
}

func TestAnImageThatComesTwiceInAnEpochIsTransformedAnew(t *testing.T) {
	src, err := NewMemory(Info{Name: "x", Classes: []string{"a", "b"}, Shape: image.Shape{C: 1, H: 1, W: 1}, Mean: []float32{0}, Std: []float32{1}}, make([]uint8, 40), append(make([]int32, 39), 1))
	if err != nil {
		t.Fatal(err)
	}
	l, err := NewLoader(src, Config{Batch: 8, Shuffle: true, Balance: true, Transforms: []augment.Transform{blotted{}}})
	if err != nil {
		t.Fatal(err)
	}
	values := map[float32]bool{}
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i, label := range b.Labels {
			if label == 1 {
				values[b.Images[i]] = true
			}
		}
	}
	if len(values) < 15 {
		t.Errorf("%d different forms of an image that comes 20 times", len(values))
	}
}
