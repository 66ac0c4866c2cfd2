package datasets

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
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

// draws are what a loader makes of the same image, by epoch and place: a fingerprint of each.
func draws(t *testing.T, spec string, seed uint64, n, epochs int) (all [][]uint64) {
	t.Helper()
	shape := image.Shape{C: 3, H: 24, W: 22}
	img := imagetest.Pattern(shape)
	src, err := NewMemory(Info{Name: "the same", Classes: []string{"a"}, Shape: shape}, bytes.Repeat(img.Pix, n), make([]int32, n))
	if err != nil {
		t.Fatal(err)
	}
	l := newLoader(t, src, Config{Batch: 10, Input: Input{Shape: image.Shape{C: 3, H: 20, W: 18}}, Seed: seed, Augment: augmentation(t, spec)})
	for epoch := range epochs {
		one := make([]uint64, n)
		for b, err := range l.Epoch(t.Context(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			for i, at := range b.Index {
				h := fnv.New64a()
				for _, v := range b.Images[i*3*20*18 : (i+1)*3*20*18] {
					h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
				}
				one[at] = h.Sum64()
			}
		}
		all = append(all, one)
	}
	return all
}

// Two draws of the same image agree as often as chance has it, whether they are of two epochs, of two images or of
// two seeds.
func TestAugmentationDiffersByEpochImageAndSeed(t *testing.T) {
	const n, epochs = 60, 4
	for _, spec := range []string{
		"flip", "crop(1, size=20)", "crop(4, fill=reflect)", "resized-crop", "scale(20, 40)", "pca(2)", "color", "rotate", "affine", "elastic(3, 2)", "cutout(4)",
	} {
		t.Run(spec, func(t *testing.T) {
			one, other := draws(t, spec, 1, n, epochs), draws(t, spec, 2, n, epochs)
			counts := map[uint64]int{}
			for _, list := range append(one, other...) {
				for _, d := range list {
					counts[d]++
				}
			}
			const all = 2 * n * epochs
			chance := 0.0 // that two draws agree
			for _, k := range counts {
				chance += float64(k) / all * float64(k-1) / (all - 1)
			}
			if chance > .6 {
				t.Fatalf("%d different images in %d draws", len(counts), all)
			}
			var agree, pairs [3]float64
			note := func(k int, same bool) {
				pairs[k]++
				if same {
					agree[k]++
				}
			}
			for e, list := range one {
				for i, d := range list {
					if e > 0 {
						note(0, d == one[e-1][i])
					}
					if i > 0 {
						note(1, d == list[i-1])
					}
					note(2, d == other[e][i])
				}
			}
			for k, what := range []string{"epochs", "images", "seeds"} {
				got := agree[k] / pairs[k]
				if math.Abs(got-chance) > 5*math.Sqrt(chance*(1-chance)/pairs[k])+.01 {
					t.Errorf("two %s agree in %.1f %% of the draws: want %.1f %%", what, 100*got, 100*chance)
				}
			}
		})
	}
}

func TestMixersDifferByEpochBatchAndSeed(t *testing.T) {
	src := painted(t, 23, image.Shape{C: 3, H: 10, W: 12})
	for _, spec := range []string{"mixup(1)", "cutmix"} {
		seen := map[float32]int{}
		batches := 0
		for seed := range uint64(3) {
			l := newLoader(t, src, Config{Batch: 4, Seed: seed, Augment: augmentation(t, spec)})
			for epoch := range 5 {
				for b, err := range l.Epoch(t.Context(), epoch, 0) {
					if err != nil {
						t.Fatal(err)
					}
					batches++
					seen[b.Weight[0]]++
				}
			}
		}
		// CutMix has areas of whole pixels, of 120, and often all or nothing.
		if want := map[string]int{"mixup(1)": batches - 2, "cutmix": 35}[spec]; len(seen) < want {
			t.Errorf("%s: %d different weights in %d batches: want at least %d", spec, len(seen), batches, want)
		}
	}
}

func TestTheOrdersOfTwoEpochsHaveNothingToDoWithEachOther(t *testing.T) {
	const n = 2000
	place := func(seed uint64, epoch int) []float64 {
		l := newLoader(t, numbered(t, n, image.Shape{C: 1, H: 1, W: 1}), Config{Batch: n, Seed: seed, Shuffle: true})
		places := make([]float64, n)
		for b, err := range l.Epoch(t.Context(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			for at, i := range b.Index {
				places[i] = float64(at)
			}
		}
		return places
	}
	source := make([]float64, n)
	for i := range source {
		source[i] = float64(i)
	}
	all := map[string][]float64{"the source": source, "seed 1, epoch 0": place(1, 0), "seed 1, epoch 1": place(1, 1), "seed 1, epoch 2": place(1, 2), "seed 2, epoch 0": place(2, 0), "seed 2, epoch 1": place(2, 1)}
	for one, a := range all {
		for other, b := range all {
			if one >= other {
				continue
			}
			r := 0.0 // their correlation
			for i := range a {
				r += (a[i] - (n-1)/2.) * (b[i] - (n-1)/2.) / (n * (n*n - 1) / 12.)
			}
			if math.Abs(r) > 5/math.Sqrt(n) {
				t.Errorf("%s and %s: correlation %.3f", one, other, r)
			}
		}
	}
}
