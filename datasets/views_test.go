package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

func TestTheLoaderShowsTheViewsThatThePreparerMakes(t *testing.T) {
	src := numbered(t, 7, image.Shape{C: 3, H: 12, W: 15})
	for _, v := range []Views{{}, {Flip: true}, {Crops: 5}, {Crops: 5, Flip: true}, {Crops: 10}, {Crops: 10, Flip: true}} {
		for _, in := range []Input{{Shape: image.Shape{C: 3, H: 9, W: 9}, Resize: 11, Crop: 10}, {Shape: image.Shape{C: 3, H: 8, W: 10}}, {Shape: image.Shape{C: 1, H: 7, W: 7}, Resize: 9}} {
			t.Run(fmt.Sprintf("%+v of %v, resize %d, crop %d", v, in.Shape, in.Resize, in.Crop), func(t *testing.T) {
				l := newLoader(t, src, Config{Batch: 3, Input: in, Views: v})
				p, err := NewPreparer(l.Input())
				if err != nil {
					t.Fatal(err)
				}
				want := make([]float32, v.Len()*in.Len())
				var img image.Image
				for b, err := range l.Epoch(t.Context(), 0, 0) {
					if err != nil {
						t.Fatal(err)
					}
					if len(b.Images) != b.N*len(want) {
						t.Fatalf("%d values for %d images of %d views", len(b.Images), b.N, v.Len())
					}
					for i, at := range b.Index {
						if err := src.Image(at, &img); err != nil {
							t.Fatal(err)
						}
						if err := p.PrepareViews(want, &img, v); err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(b.Images[i*len(want):(i+1)*len(want)], want) {
							t.Fatalf("image %d is shown otherwise", at)
						}
						if v == (Views{}) {
							one := make([]float32, in.Len())
							if err := p.Prepare(one, &img); err != nil || !slices.Equal(one, want) {
								t.Fatalf("the one view is not what Prepare makes, or %v", err)
							}
						}
					}
				}
			})
		}
	}
}

func TestCornersOfASmallInputAreTakenFromALargerImage(t *testing.T) {
	p, err := NewPreparer(Input{Shape: image.Shape{C: 1, H: 28, W: 28}})
	if err != nil {
		t.Fatal(err)
	}
	img := imagetest.Pattern(image.Shape{C: 1, H: 28, W: 28})
	got := make([]float32, 10*784)
	if err := p.PrepareViews(got, img, Views{Crops: 10}); err != nil {
		t.Fatal(err)
	}
	var large image.Image
	large.Reset(image.Shape{C: 1, H: 32, W: 32})
	if err := new(image.Resizer).Resize(&large, img); err != nil {
		t.Fatal(err)
	}
	for k, at := range [5][2]int{{0, 0}, {0, 4}, {4, 0}, {4, 4}, {2, 2}} {
		for y := range 28 {
			for x := range 28 {
				want := float32(large.Pix[(at[0]+y)*32+at[1]+x]) / 255
				if v, m := got[k*784+y*28+x], got[(k+5)*784+y*28+27-x]; v != want || m != want {
					t.Fatalf("view %d at (%d, %d) is %v, its mirror image %v: want %v", k, y, x, v, m, want)
				}
			}
		}
	}
}

func TestAnInputWithACropTakesItsSizeFromItWhereImagesDiffer(t *testing.T) {
	photos := Info{Name: "photos", Shape: image.Shape{C: 3}}
	in, err := Input{Resize: 256, Crop: 224}.For(photos)
	if err != nil || in.Shape != (image.Shape{C: 3, H: 224, W: 224}) || in.Resize != 256 || in.Crop != 224 {
		t.Errorf("got %+v, %v", in, err)
	}
	for _, in := range []Input{{Shape: image.Shape{C: 3, H: 8, W: 8}, Resize: -1}, {Shape: image.Shape{C: 3, H: 8, W: 8}, Crop: -1}, {Shape: image.Shape{C: 3, H: 8, W: 8}, Crop: 1 << 20}} {
		if _, err := in.For(photos); err == nil || !strings.Contains(err.Error(), "should be 1 to 16384, or 0 for none") {
			t.Errorf("%+v: error %v", in, err)
		}
	}
}

func TestImagesThatTransformsMakeTheInputsSizeAreTakenAsTheyAre(t *testing.T) {
	src := numbered(t, 4, image.Shape{C: 3, H: 20, W: 20})
	in := Input{Shape: image.Shape{C: 3, H: 20, W: 20}, Resize: 30, Crop: 20}
	first := func(cfg Config) float32 {
		cfg.Batch, cfg.Input = 4, in
		for b, err := range newLoader(t, src, cfg).Epoch(t.Context(), 0, 0) {
			if err != nil {
				t.Fatal(err)
			}
			return b.Images[0]
		}
		return -1
	}
	var img image.Image
	if err := src.Image(0, &img); err != nil {
		t.Fatal(err)
	}
	if got, want := first(Config{Transforms: []augment.Transform{relabel(0)}}), (float32(img.Pix[0])/255-.5)/.25; got != want {
		t.Errorf("with transforms the corner is %v: want the image's own, %v", got, want)
	}
	p, err := NewPreparer(Input{Shape: in.Shape, Resize: in.Resize, Crop: in.Crop, Mean: []float32{.5}, Std: []float32{.25}})
	if err != nil {
		t.Fatal(err)
	}
	one := make([]float32, in.Len())
	if err := p.Prepare(one, &img); err != nil {
		t.Fatal(err)
	}
	if got := first(Config{}); got != one[0] {
		t.Errorf("without transforms the corner is %v: want the preparer's, %v", got, one[0])
	}
}

// faulty is a source some of whose images cannot be decoded.
type faulty struct {
	Source
	at map[int]bool
}

func (f faulty) Image(i int, dst *image.Image) error {
	if f.at[i] {
		return fmt.Errorf("%d.jpg: %w: no picture at all", i, image.ErrBroken)
	}
	return f.Source.Image(i, dst)
}

func TestBrokenImagesAreReplacedOrLeftOutOrStopTheEpoch(t *testing.T) {
	src := faulty{numbered(t, 30, image.Shape{C: 1, H: 4, W: 4}), map[int]bool{3: true, 4: true, 20: true, 29: true}}
	run := func(cfg Config, epochs int) (index [][]int, l *Loader, err error) {
		cfg.Batch = 10
		l = newLoader(t, src, cfg)
		var img image.Image
		for epoch := range epochs {
			for b, err := range l.Epoch(t.Context(), epoch, 0) {
				if err != nil {
					return index, l, err
				}
				index = append(index, slices.Clone(b.Index))
				for i, at := range b.Index {
					if err := src.Source.Image(at, &img); err != nil {
						t.Fatal(err)
					}
					if want := (float32(img.Pix[15])/255 - .5) / .25; b.Images[i*16+15] != want || b.Labels[i] != float32(at%10) {
						t.Fatalf("place %d of batch %d is not image %d", i, b.Number, at)
					}
				}
				for _, v := range slices.Concat(b.Images[len(b.Images):cap(b.Images)], b.Labels[b.N:cap(b.Labels)]) {
					if v != 0 {
						t.Fatal("values that are not 0 after the last image")
					}
				}
			}
		}
		return index, l, nil
	}
	for _, workers := range []int{1, 5} {
		for _, cache := range []int64{0, 1 << 20} {
			cfg := Config{Workers: workers, Cache: cache, Input: Input{Shape: image.Shape{C: 1, H: 4, W: 4}}}
			cfg.Skip = Replace
			got, l, err := run(cfg, 1)
			want := [][]int{{0, 1, 2, 5, 5, 5, 6, 7, 8, 9}, {10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, {21, 21, 22, 23, 24, 25, 26, 27, 28, 0}}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("replaced: %v, %v: want %v", got, err, want)
			}
			if b := l.Broken(); len(b) != 4 || b[0].Index != 3 || b[3].Index != 29 || b[2].Err.Error() != "20.jpg: broken image: no picture at all" {
				t.Errorf("broken: %v", b)
			}
			cfg.Skip = LeaveOut
			got, l, err = run(cfg, 3)
			want = [][]int{{0, 1, 2, 5, 6, 7, 8, 9}, {10, 11, 12, 13, 14, 15, 16, 17, 18, 19}, {21, 22, 23, 24, 25, 26, 27, 28}}
			if err != nil || fmt.Sprint(got) != fmt.Sprint(slices.Concat(want, want, want)) || len(l.Broken()) != 4 {
				t.Errorf("left out: %v, %v: want %v three times", got, err, want)
			}
			cfg.Skip = Stop
			if _, _, err = run(cfg, 1); !errors.Is(err, image.ErrBroken) || err.Error() != "image 3 of numbered/train: 3.jpg: broken image: no picture at all" {
				t.Errorf("error %v", err)
			}
		}
	}
	all := faulty{src.Source, map[int]bool{}}
	for i := range 30 {
		all.at[i] = true
	}
	for _, err := range newLoader(t, all, Config{Batch: 10, Skip: Replace}).Epoch(t.Context(), 0, 0) {
		if err == nil || !strings.Contains(err.Error(), "(and so are all after it)") {
			t.Errorf("error %v", err)
		}
	}
	for b, err := range newLoader(t, all, Config{Batch: 10, Skip: LeaveOut}).Epoch(t.Context(), 0, 0) {
		if err != nil || b.N != 0 || len(b.Images) != 0 {
			t.Errorf("a batch of %d images, %v", b.N, err)
		}
	}
}
