package datasets

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// everything is one of each kind.
const everything = "scale(20,28), crop(2, size=20), resized-crop, flip, pca, color, rotate(fill=mean), affine(fill=edge), elastic(3,2), cutout(4), mixup, cutmix"

func augmentation(t testing.TB, text string) augment.Spec {
	t.Helper()
	a, err := augment.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestALoaderChecksTransformsThatDidNotComeByName(t *testing.T) {
	src := numbered(t, 10, image.Shape{C: 3, H: 8, W: 8})
	for _, c := range []struct {
		name string
		cfg  Config
		err  string
	}{
		{"a transform", Config{Transforms: []augment.Transform{augment.HorizontalFlip{}}}, "flip: p 0: should be above 0"},
		{"a mixer", Config{Mixers: []augment.Mixer{augment.Mixup{P: 1}}}, "mixup: alpha 0: should be above 0"},
		{"a step of nothing", Config{Augment: augment.Spec{{}}}, "neither a transform nor a mixer"},
		{"a mixer that is nil", Config{Mixers: []augment.Mixer{nil}}, "mixers: one of them is nil"},
		{"views beside transforms", Config{Transforms: []augment.Transform{jitter{}}, Views: Views{Crops: 10}}, "views are for evaluation"},
		{"seven crops", Config{Views: Views{Crops: 7}}, "crops 7: should be 1, 5 or 10"},
		{"a skip that is none", Config{Skip: 3}, "skip 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Batch = 1
			if _, err := NewLoader(src, c.cfg); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %q", err, c.err)
			}
		})
	}
}

func TestAugmentedBatchesHaveTheSameBytesForAnyNumberOfWorkersAndFromAnyBatch(t *testing.T) {
	src := numbered(t, 61, image.Shape{C: 3, H: 24, W: 22})
	cfg := Config{Batch: 10, Input: Input{Shape: image.Shape{C: 3, H: 19, W: 17}}, Seed: 5, Shuffle: true, Augment: augmentation(t, everything)}
	var want []string
	for _, workers := range []int{1, 2, 7} {
		cfg.Workers = workers
		l := newLoader(t, src, cfg)
		got := slices.Concat(prints(t, l, 0, 0), prints(t, l, 1, 0))
		if want == nil {
			want = got
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d workers: other batches than with one", workers)
		}
		if got := prints(t, newLoader(t, src, cfg), 1, 4); !slices.Equal(got, want[7+4:]) {
			t.Errorf("%d workers: other batches from the middle of an epoch", workers)
		}
	}
}

// painted makes images of one value each, 10 times its number, and as many classes.
func painted(t testing.TB, n int, s image.Shape) *Memory {
	pix, labels := make([]uint8, n*s.Len()), make([]int32, n)
	for i := range n {
		copy(pix[i*s.Len():(i+1)*s.Len()], bytes.Repeat([]byte{uint8(10 * i)}, s.Len()))
		labels[i] = int32(i)
	}
	m, err := NewMemory(Info{Name: "painted", Classes: make([]string, n), Shape: s}, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMixersWeighTheLabelsAsTheyMixThePixels(t *testing.T) {
	src := painted(t, 23, image.Shape{C: 3, H: 10, W: 12})
	for _, name := range []string{"mixup(1)", "cutmix", "mixup(p=0.3), cutmix(p=0.7)"} {
		t.Run(name, func(t *testing.T) {
			l := newLoader(t, src, Config{Batch: 5, Shuffle: true, Augment: augmentation(t, name)})
			weights := map[float32]int{}
			for epoch := range 20 {
				for b, err := range l.Epoch(t.Context(), epoch, 0) {
					if err != nil {
						t.Fatal(err)
					}
					targets := make([]float32, b.N*23)
					b.Targets(targets, 23, .1)
					for i := range b.N {
						w, one, other := b.Weight[i], b.Labels[i], b.Second[i]
						weights[w]++
						if int(one) != b.Index[i] || int(other) != b.Index[b.N-1-i] && w != 1 {
							t.Fatalf("labels %v and %v of images %v", one, other, b.Index)
						}
						var mean float64
						for _, v := range b.Images[i*360 : (i+1)*360] {
							mean += float64(v) / 360
						}
						if want := float64(w*one+(1-w)*other) * 10 / 255; math.Abs(mean-want) > 1e-5 {
							t.Fatalf("weight %v of %v and %v: the pixels' mean is %v, want %v", w, one, other, mean, want)
						}
						var sum float64
						for k, v := range targets[i*23 : (i+1)*23] {
							want := float32(.1 / 23)
							if k == int(one) {
								want += .9 * w
							}
							if k == int(other) {
								want += .9 * (1 - w)
							}
							if math.Abs(float64(v-want)) > 1e-6 {
								t.Fatalf("target %d is %v: want %v", k, v, want)
							}
							sum += float64(v)
						}
						if math.Abs(sum-1) > 1e-5 {
							t.Fatalf("targets sum to %v", sum)
						}
					}
				}
			}
			if len(weights) < 30 {
				t.Errorf("%d different weights in 100 batches", len(weights))
			}
		})
	}
	for b := range newLoader(t, src, Config{Batch: 4}).Epoch(t.Context(), 0, 0) {
		targets := make([]float32, b.N*23)
		b.Targets(targets, 23, 0)
		for i, v := range targets {
			want := float32(0)
			if i%23 == int(b.Labels[i/23]) {
				want = 1
			}
			if b.Second != nil || v != want {
				t.Fatalf("without mixers target %d is %v, second labels %v", i, v, b.Second)
			}
		}
	}
}

func TestWhatCannotBeNormalisedIsAnErrorOrLeftAsItIs(t *testing.T) {
	if _, std, err := ComputeNormalisation(faulty{painted(t, 3, image.Shape{C: 1, H: 4, W: 4}), map[int]bool{1: true, 2: true}}, 10); err != nil || std[0] != 1 {
		t.Errorf("a channel of one value has the deviation %v, %v: want 1", std, err)
	}
	for _, src := range []Source{painted(t, 2, image.Shape{C: 4, H: 4, W: 4}), faulty{painted(t, 1, image.Shape{C: 1, H: 4, W: 4}), map[int]bool{0: true}}, broken{painted(t, 1, image.Shape{C: 1, H: 4, W: 4}), map[int]bool{0: true}}} {
		if _, _, err := ComputeNormalisation(src, 10); err == nil {
			t.Errorf("%v is no error", src.Info())
		}
		if _, err := augment.ComputePCA(src, 10); err == nil {
			t.Errorf("%v has components", src.Info())
		}
	}
}
