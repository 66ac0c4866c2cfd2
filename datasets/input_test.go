package datasets

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

func TestPrepareNormalisesAsTorchvisionBitForBit(t *testing.T) {
	raw, err := os.ReadFile("testdata/normalise.golden")
	if err != nil {
		t.Fatal(err)
	}
	want := make([]float32, 3*256)
	if err := binary.Read(bytes.NewReader(raw), binary.LittleEndian, want); err != nil {
		t.Fatal(err)
	}
	in := Input{Shape: image.Shape{C: 3, H: 1, W: 256}, Mean: []float32{.485, .456, .406}, Std: []float32{.229, .224, .225}}
	for _, channels := range []int{1, 3} {
		var ramp image.Image
		ramp.Reset(image.Shape{C: channels, H: 1, W: 256})
		for i := range ramp.Pix {
			ramp.Pix[i] = uint8(i)
		}
		p, err := NewPreparer(in)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(want))
		if err := p.Prepare(got, &ramp); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d channels: values differ from torchvision's", channels)
		}
	}
}

func TestPrepareRepeatsGreyForThreeChannels(t *testing.T) {
	p, err := NewPreparer(Input{Shape: image.Shape{C: 3, H: 5, W: 4}, Mean: []float32{.5}, Std: []float32{.25}})
	if err != nil {
		t.Fatal(err)
	}
	img := imagetest.Pattern(image.Shape{C: 1, H: 7, W: 9})
	got := make([]float32, 3*5*4)
	if err := p.Prepare(got, img); err != nil {
		t.Fatal(err)
	}
	var small image.Image
	small.Reset(image.Shape{C: 1, H: 5, W: 4})
	if err := new(image.Resizer).Resize(&small, img); err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		if want := (float32(small.Pix[i%20])/255 - .5) / .25; g != want {
			t.Fatalf("value %d is %v: want %v", i, g, want)
		}
	}
}

func TestPrepareRefusesWhatDoesNotFit(t *testing.T) {
	p, err := NewPreparer(Input{Shape: image.Shape{C: 3, H: 4, W: 4}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Prepare(make([]float32, 47), imagetest.Pattern(image.Shape{C: 3, H: 4, W: 4})); err == nil {
		t.Error("a short destination is no error")
	}
	if err := p.Prepare(make([]float32, 48), imagetest.Pattern(image.Shape{C: 4, H: 4, W: 4})); err == nil {
		t.Error("four channels for three are no error")
	}
}

func TestInputTakesWhatIsMissingFromTheSource(t *testing.T) {
	grey := Info{Name: "grey", Shape: image.Shape{C: 1, H: 28, W: 28}, Mean: []float32{.3}, Std: []float32{.4}}
	for _, c := range []struct {
		name      string
		in        Input
		info      Info
		shape     image.Shape
		mean, std []float32
		err       string
	}{
		{name: "everything", info: grey, shape: image.Shape{C: 1, H: 28, W: 28}, mean: []float32{.3}, std: []float32{.4}},
		{name: "the mean, for each of three channels", in: Input{Shape: image.Shape{C: 3, H: 9, W: 8}}, info: grey,
			shape: image.Shape{C: 3, H: 9, W: 8}, mean: []float32{.3, .3, .3}, std: []float32{.4, .4, .4}},
		{name: "nothing", in: Input{Shape: image.Shape{C: 1, H: 9, W: 8}, Mean: []float32{0}, Std: []float32{2}}, info: grey,
			shape: image.Shape{C: 1, H: 9, W: 8}, mean: []float32{0}, std: []float32{2}},
		{name: "no mean where the source knows none", info: Info{Shape: image.Shape{C: 3, H: 2, W: 2}}, shape: image.Shape{C: 3, H: 2, W: 2},
			mean: []float32{0, 0, 0}, std: []float32{1, 1, 1}},
		{name: "a size where images have none in common", info: Info{Name: "photos", Shape: image.Shape{C: 3}}, err: "input 3×0×0: every dimension"},
		{name: "more than memory can hold", in: Input{Shape: image.Shape{C: 3, H: 1 << 20, W: 1 << 20}}, info: grey, err: "more than 2 GiB"},
		{name: "channels that cannot be made", in: Input{Shape: image.Shape{C: 4, H: 8, W: 8}}, info: grey, err: "grey: 1 channels cannot become 4"},
		{name: "two means for three channels", in: Input{Shape: image.Shape{C: 3, H: 8, W: 8}, Mean: []float32{0, 0}, Std: []float32{1}}, info: grey, err: "mean of 2 values for 3 channels"},
		{name: "a mean without a deviation", in: Input{Mean: []float32{0}}, info: grey, err: "std of 0 values"},
		{name: "a deviation of 0", in: Input{Mean: []float32{0}, Std: []float32{0}}, info: grey, err: "std 0: should be above 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.in.For(c.info)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v: want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Shape != c.shape || !slices.Equal(got.Mean, c.mean) || !slices.Equal(got.Std, c.std) {
				t.Errorf("got %v: want %v %v %v", got, c.shape, c.mean, c.std)
			}
		})
	}
}

func TestPrepareGivesEachChannelItsOwnNumbers(t *testing.T) {
	// One pixel of 10, 20 and 200.
	var pixel image.Image
	pixel.Reset(image.Shape{C: 3, H: 1, W: 1})
	copy(pixel.Pix, []uint8{10, 20, 200})
	var grey image.Image
	grey.Reset(image.Shape{C: 1, H: 1, W: 1})
	grey.Pix[0] = 51
	shape := image.Shape{C: 3, H: 1, W: 1}
	for _, c := range []struct {
		name string
		in   Input
		img  *image.Image
		want []float32
	}{
		{"red, green, blue", Input{Shape: shape, Mean: []float32{.1, .2, .3}, Std: []float32{1, 2, 4}}, &pixel, []float32{float32(10)/255 - .1, (float32(20)/255 - .2) / 2, (float32(200)/255 - .3) / 4}},
		{"blue, green, red from 0 to 255, less Caffe's means", Input{Shape: shape, Mean: []float32{104, 117, 123}, Std: []float32{1}, Scale: 255, BGR: true}, &pixel, []float32{200 - 104, 20 - 117, 10 - 123}},
		{"grey as blue, green, red", Input{Shape: shape, Mean: []float32{1, 2, 3}, Std: []float32{1}, Scale: 255, BGR: true}, &grey, []float32{50, 49, 48}},
		{"from 0 to 2", Input{Shape: shape, Mean: []float32{1}, Std: []float32{1}, Scale: 2}, &grey, []float32{-.6, -.6, -.6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := NewPreparer(c.in)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 3)
			if err := p.Prepare(got, c.img); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v: want %v", got, c.want)
			}
		})
	}
	if _, err := NewPreparer(Input{Shape: image.Shape{C: 1, H: 1, W: 1}, BGR: true}); err == nil {
		t.Error("blue, green and red in one channel are no error")
	}
	if _, err := NewPreparer(Input{Shape: shape, Scale: -1}); err == nil {
		t.Error("a negative scale is no error")
	}
}

func TestPrepareInterpolatesAsTheInputSays(t *testing.T) {
	img := imagetest.Pattern(image.Shape{C: 1, H: 40, W: 31})
	p, err := NewPreparer(Input{Shape: image.Shape{C: 1, H: 28, W: 28}, Resize: 32, Crop: 28, Filter: image.Bicubic})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 28*28)
	if err := p.Prepare(got, img); err != nil {
		t.Fatal(err)
	}
	var scaled image.Image
	scaled.Reset(image.Shape{C: 1, H: 41, W: 32})
	r := image.Resizer{Filter: image.Bicubic}
	if err := r.Resize(&scaled, img); err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		// 6.5 pixels are cut off above: Python rounds halves to even.
		if want := float32(scaled.Pix[(i/28+6)*32+i%28+2]) / 255; g != want {
			t.Fatalf("value %d is %v: want %v", i, g, want)
		}
	}
}

func TestPrepareSquashes(t *testing.T) {
	img := imagetest.Pattern(image.Shape{C: 1, H: 40, W: 31})
	p, err := NewPreparer(Input{Shape: image.Shape{C: 1, H: 20, W: 20}, Resize: 24, Crop: 20, Squash: true})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 20*20)
	if err := p.Prepare(got, img); err != nil {
		t.Fatal(err)
	}
	var scaled image.Image
	scaled.Reset(image.Shape{C: 1, H: 24, W: 24})
	if err := new(image.Resizer).Resize(&scaled, img); err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		if want := float32(scaled.Pix[(i/20+2)*24+i%20+2]) / 255; g != want {
			t.Fatalf("value %d is %v: want %v", i, g, want)
		}
	}
}

func TestAPictureMayBeDecodedSmallerAsLongAsItIsTwiceWhatIsWanted(t *testing.T) {
	shape := image.Shape{C: 3, H: 200, W: 224}
	for _, c := range []struct {
		name string
		in   Input
		want int
	}{
		{"scaled and cropped", Input{Shape: shape, Resize: 256, Crop: 224}, 512},
		{"scaled", Input{Shape: shape, Resize: 40}, 80},
		{"cropped as it is", Input{Shape: shape, Crop: 224}, 0},
		{"squeezed", Input{Shape: shape}, 448},
		{"by single pixels", Input{Shape: shape, Resize: 256, Crop: 224, Filter: image.Nearest}, 0},
	} {
		if got := c.in.Least(); got != c.want {
			t.Errorf("%s: at least %d: want %d", c.name, got, c.want)
		}
	}
}

// asked notes which sizes of its images are asked for.
type asked struct {
	Source
	least chan int
}

func (a asked) ImageAtLeast(i, least int, dst *image.Image) error {
	a.least <- least
	return a.Source.Image(i, dst)
}

func TestALoaderAsksForSmallImagesWhereNothingElseIsLost(t *testing.T) {
	plain := numbered(t, 30, image.Shape{C: 3, H: 40, W: 30})
	for _, c := range []struct {
		name string
		cfg  Config
		want int // 0: it asks for the whole image
	}{
		{"for evaluation", Config{Input: Input{Shape: image.Shape{C: 3, H: 8, W: 8}, Resize: 10, Crop: 8}}, 20},
		{"of both sides", Config{Input: Input{Shape: image.Shape{C: 3, H: 8, W: 8}, Resize: 10, Crop: 8}, Views: Views{Flip: true}}, 20},
		{"with corners", Config{Input: Input{Shape: image.Shape{C: 3, H: 8, W: 8}, Resize: 10, Crop: 8}, Views: Views{Crops: 10}}, 0},
		{"with transforms", Config{Input: Input{Shape: image.Shape{C: 3, H: 8, W: 8}}, Augment: augmentation(t, "flip")}, 0},
	} {
		src := asked{plain, make(chan int, 30)}
		half, rest, err := HoldOut(src, .5, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, of := range []Source{src, half, rest} {
			c.cfg.Batch = 2
			for _, err := range newLoader(t, of, c.cfg).Epoch(t.Context(), 0, 0) {
				if err != nil {
					t.Fatal(err)
				}
			}
			n := 0
			for len(src.least) > 0 {
				n++
				if got := <-src.least; got != c.want {
					t.Errorf("%s, %v: at least %d: want %d", c.name, of.Info(), got, c.want)
				}
			}
			if (n > 0) != (c.want > 0) {
				t.Errorf("%s, %v: asked %d times for a size", c.name, of.Info(), n)
			}
		}
	}
}
