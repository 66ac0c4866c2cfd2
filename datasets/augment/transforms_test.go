package augment

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

// An input is what a network takes of which data.
type input struct {
	image.Shape
	Mean []float32
}

// noise is so many images of noise.
type noise struct {
	n int
	image.Shape
}

func (s noise) Len() int { return s.n }

func (s noise) Image(i int, dst *image.Image) error {
	dst.Reset(s.Shape)
	for j := range dst.Pix {
		dst.Pix[j] = uint8(SplitMix(uint64(i)<<32 | uint64(j)))
	}
	return nil
}

// applied returns the sample that a transform makes of the image by seed.
func applied(t testing.TB, tr Transform, img *image.Image, in input, seed int) *Sample {
	t.Helper()
	s := NewSample(in.Shape, in.Mean)
	s.Image.Reset(img.Shape)
	copy(s.Image.Pix, img.Pix)
	ForSample.Seed(&s.pcg, uint64(seed), 0, 0)
	if err := tr.Apply(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// beyond is the pixel of an image at any place, straight from a border's definition.
func beyond(m *image.Image, c, y, x int, b Border, fill uint8) uint8 {
	place := func(i, n int) int {
		for i < 0 || i >= n {
			switch {
			case b == Black || b == Mean:
				return -1
			case b == Edge && i < 0:
				i = 0
			case b == Edge:
				i = n - 1
			case n == 1:
				i = 0
			case i < 0:
				i = -i
			default:
				i = 2*(n-1) - i
			}
		}
		return i
	}
	y, x = place(y, m.H), place(x, m.W)
	if y < 0 || x < 0 {
		return fill
	}
	return m.Plane(c)[y*m.W+x]
}

func TestACropIsAWindowOfThePaddedImage(t *testing.T) {
	in := input{Shape: image.Shape{C: 3, H: 6, W: 8}, Mean: []float32{.1, .2, .3}}
	img := new(image.Image)
	if err := (noise{1, image.Shape{C: 3, H: 11, W: 13}}).Image(0, img); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		crop RandomCrop
		h, w int
	}{
		{RandomCrop{Pad: 4}, 11, 13}, {RandomCrop{Pad: 4, Fill: Mean}, 11, 13}, {RandomCrop{Pad: 3, Fill: Edge}, 11, 13},
		{RandomCrop{Pad: 4, Fill: Reflect}, 11, 13}, {RandomCrop{Pad: 30, Fill: Reflect}, 11, 13}, {RandomCrop{Pad: 30, Fill: Mean}, 11, 13},
		{RandomCrop{}, 6, 8}, {RandomCrop{Size: 5}, 5, 5}, {RandomCrop{Pad: 2, Size: 15}, 15, 15},
	} {
		t.Run(fmt.Sprintf("%+v", c.crop), func(t *testing.T) {
			seen := map[[2]int]bool{}
			places := (11 + 2*c.crop.Pad - c.h + 1) * (13 + 2*c.crop.Pad - c.w + 1)
			for seed := range min(20*places, 2000) {
				got := applied(t, c.crop, img, in, seed).Image
				if got.Shape != (image.Shape{C: 3, H: c.h, W: c.w}) {
					t.Fatalf("a window of %v", got.Shape)
				}
				found := [2]int{-1, -1}
			search:
				for y := -c.crop.Pad; y <= 11+c.crop.Pad-c.h; y++ {
					for x := -c.crop.Pad; x <= 13+c.crop.Pad-c.w; x++ {
						if isWindow(got, img, y, x, c.crop.Fill, in.Mean) {
							found = [2]int{y + c.crop.Pad, x + c.crop.Pad}
							break search
						}
					}
				}
				if found[0] < 0 {
					t.Fatalf("seed %d: no window of the image", seed)
				}
				seen[found] = true
			}
			if places <= 100 && len(seen) != places {
				t.Errorf("%d of the %d places were drawn", len(seen), places)
			}
		})
	}
}

func isWindow(got, img *image.Image, y, x int, b Border, mean []float32) bool {
	for c := range got.C {
		fill := uint8(0)
		if b == Mean {
			fill = uint8(mean[c]*255 + .5)
		}
		for r := range got.H {
			for k := range got.W {
				if got.Plane(c)[r*got.W+k] != beyond(img, c, y+r, x+k, b, fill) {
					return false
				}
			}
		}
	}
	return true
}

func TestACropOfATooSmallImageIsAnError(t *testing.T) {
	s := NewSample(image.Shape{}, nil)
	s.Image.Reset(image.Shape{C: 3, H: 30, W: 40})
	err := RandomCrop{Size: 32}.Apply(s)
	if want := "crop: an image of 30×40 has no window of 32×32: make it larger first (resize, scale), or pad it more"; err == nil || err.Error() != want {
		t.Errorf("error %v: want %s", err, want)
	}
}

// The image is its own places, from left to right in one channel, from top to bottom in another: what a crop shows
// says where it was taken.
func TestAResizedCropIsAPartOfTheImageScaled(t *testing.T) {
	const n = 240
	img := new(image.Image)
	img.Reset(image.Shape{C: 3, H: n, W: n})
	for y := range n {
		for x := range n {
			img.Plane(0)[y*n+x], img.Plane(1)[y*n+x] = uint8(x), uint8(y)
		}
	}
	tr := RandomResizedCrop{MinArea: .25, MaxArea: .75, MinAspect: .8, MaxAspect: 1.25}
	const size, draws = 40, 3000
	var area, aspect, left, top float64
	leastArea, mostArea, leastAspect, mostAspect := 1., 0., 9., 0.
	for seed := range draws {
		got := applied(t, tr, img, input{Shape: image.Shape{C: 3, H: size, W: size}}, seed).Image
		if got.H != size || got.W != size {
			t.Fatalf("an image of %v", got.Shape)
		}
		// The middles of pixels 4 and 35 are 31/40 of the part's width and height apart.
		row, column := got.Plane(0)[20*size:], got.Plane(1)
		w, h := (float64(row[35])-float64(row[4]))*size/31, (float64(column[35*size+20])-float64(column[4*size+20]))*size/31
		x, y := float64(row[4])+.5-4.5/size*w, float64(column[4*size+20])+.5-4.5/size*h
		if x < -1.5 || y < -1.5 || x+w > n+1.5 || y+h > n+1.5 {
			t.Fatalf("seed %d: %.1f×%.1f at (%.1f, %.1f) of %d×%[6]d", seed, h, w, y, x, n)
		}
		if column[4*size+20] != column[4*size+3] || got.Plane(0)[5*size+4] != row[4] {
			t.Fatalf("seed %d: the part is turned or torn", seed)
		}
		a, r := w*h/(n*n), w/h
		leastArea, mostArea, leastAspect, mostAspect = min(leastArea, a), max(mostArea, a), min(leastAspect, r), max(mostAspect, r)
		area += a / draws
		aspect += math.Log(r) / draws
		left += x / (n - w + 1e-9) / draws
		top += y / (n - h + 1e-9) / draws
	}
	// Read off pixels of whole levels, a side is known to 1.3 pixels or so.
	if leastArea < .24 || leastArea > .27 || mostArea > .78 || mostArea < .73 || leastAspect < .78 || leastAspect > .82 || mostAspect > 1.28 || mostAspect < 1.22 {
		t.Errorf("areas from %.3f to %.3f, aspects from %.3f to %.3f: want 0.25 to 0.75, 0.8 to 1.25", leastArea, mostArea, leastAspect, mostAspect)
	}
	if math.Abs(area-.5) > .015 || math.Abs(aspect) > .015 || math.Abs(left-.5) > .03 || math.Abs(top-.5) > .03 {
		t.Errorf("on average an area of %.3f, an aspect of e^%.3f, %.3f from the left and %.3f from the top: want 0.5, 0, 0.5, 0.5", area, aspect, left, top)
	}
	// No part of a strip has such an area and aspect: the middle is taken.
	for _, s := range []image.Shape{{C: 1, H: 2, W: 300}, {C: 1, H: 300, W: 2}, {C: 1, H: 1, W: 1}} {
		if got := applied(t, RandomResizedCrop{.9, 1, .75, 4. / 3, 7}, imagetest.Pattern(s), input{}, 1).Image; got.Shape != (image.Shape{C: 1, H: 7, W: 7}) {
			t.Errorf("%v became %v", s, got.Shape)
		}
	}
}

// A part as wide or as high as the image is cut out in the other direction alone; where no part has the area and the aspect,
// the middle of the nearest aspect is taken.
func TestAResizedCropMayBeAsWideOrHighAsTheImage(t *testing.T) {
	square := RandomResizedCrop{.5, .5, 1, 1, 10}
	for _, c := range []struct {
		tr     RandomResizedCrop
		h, w   int // of the image
		places int // where the part may begin
		down   int // or the only one
		across int
	}{
		{square, 20, 10, 11, 0, 0},
		{square, 10, 20, 11, 0, 0},
		{RandomResizedCrop{.9, 1, 1, 1, 10}, 10, 41, 1, 0, 15},
		{RandomResizedCrop{.9, 1, 1, 1, 10}, 40, 10, 1, 15, 0},
	} {
		img := imagetest.Pattern(image.Shape{C: 3, H: c.h, W: c.w})
		seen := map[[2]int]bool{}
		for seed := range 200 {
			got := applied(t, c.tr, img, input{}, seed).Image
			at := [2]int{-1, -1}
			for y := range c.h - 9 {
				for x := range c.w - 9 {
					same := true
					for i := range got.Pix {
						k, row, column := i/100, i/10%10, i%10
						same = same && got.Pix[i] == img.Plane(k)[(y+row)*c.w+x+column]
					}
					if same {
						at = [2]int{y, x}
					}
				}
			}
			if at[0] < 0 {
				t.Fatalf("%d×%d, seed %d: no part of the image", c.h, c.w, seed)
			}
			seen[at] = true
		}
		if len(seen) != c.places || c.places == 1 && !seen[[2]int{c.down, c.across}] {
			t.Errorf("%d×%d: parts begin at %v, want %d places", c.h, c.w, seen, c.places)
		}
	}
}

func TestAFlipMirrorsAboutAsOftenAsItShould(t *testing.T) {
	img := imagetest.Pattern(image.Shape{C: 3, H: 5, W: 7})
	flipped := 0
	for seed := range 1000 {
		got := applied(t, HorizontalFlip{P: .25}, img, input{}, seed).Image
		if bytes.Equal(got.Pix, img.Pix) {
			continue
		}
		flipped++
		for c := range 3 {
			for y := range 5 {
				for x := range 7 {
					if got.Plane(c)[y*7+x] != img.Plane(c)[y*7+6-x] {
						t.Fatalf("seed %d: neither the image nor its mirror image", seed)
					}
				}
			}
		}
	}
	if flipped < 200 || flipped > 300 {
		t.Errorf("%d of 1000 flipped: want about 250", flipped)
	}
}

func TestScalesFollowTheShorterSide(t *testing.T) {
	for _, c := range []struct {
		from image.Shape
		size int
		h, w int
	}{
		{image.Shape{C: 3, H: 375, W: 500}, 256, 256, 341}, {image.Shape{C: 3, H: 500, W: 375}, 256, 341, 256}, {image.Shape{C: 1, H: 9, W: 9}, 12, 12, 12},
		{image.Shape{C: 1, H: 3, W: 1000}, 1, 1, 333}, {image.Shape{C: 1, H: 100, W: 101}, 50, 50, 50},
	} {
		got := applied(t, Resize{c.size}, imagetest.Pattern(c.from), input{}, 0).Image
		if got.H != c.h || got.W != c.w {
			t.Errorf("%v to %d is %d×%d: want %d×%d", c.from, c.size, got.H, got.W, c.h, c.w)
		}
	}
	seen := map[int]bool{}
	for seed := range 200 {
		m := applied(t, ScaleJitter{8, 12}, imagetest.Pattern(image.Shape{C: 1, H: 10, W: 20}), input{}, seed).Image
		if m.H < 8 || m.H > 12 || m.W != 2*m.H {
			t.Fatalf("scaled to %v", m.Shape)
		}
		seen[m.H] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 sizes were drawn", len(seen))
	}
	s := NewSample(image.Shape{}, nil)
	s.Image.Reset(image.Shape{C: 1, H: 1, W: 1 << 20})
	if err := (Resize{16}).Apply(s); err == nil {
		t.Error("a strip that becomes 16 million pixels wide is no error")
	}
}

// rotated is a rotation by the sine and cosine in float64, rounded at the end alone.
func rotated(m *image.Image, sin, cos float64, b Border) []float64 {
	var all []float64
	cy, cx := float64(m.H-1)/2, float64(m.W-1)/2
	for c := range m.C {
		for y := range m.H {
			for x := range m.W {
				dy, dx := float64(y)-cy, float64(x)-cx
				sy, sx := cy+cos*dy-sin*dx, cx+sin*dy+cos*dx
				fy, fx := math.Floor(sy), math.Floor(sx)
				v := 0.0
				for j := range 2 {
					for i := range 2 {
						weight := (1 - math.Abs(sy-fy-float64(j))) * (1 - math.Abs(sx-fx-float64(i)))
						v += weight * float64(beyond(m, c, int(fy)+j, int(fx)+i, b, 0))
					}
				}
				all = append(all, v)
			}
		}
	}
	return all
}

func TestARotationIsTheOneOfItsDefinition(t *testing.T) {
	smooth := new(image.Image)
	smooth.Reset(image.Shape{C: 3, H: 21, W: 17})
	for i := range smooth.Pix {
		c, y, x := i/357, i/17%21, i%17
		smooth.Pix[i] = uint8(128 + 100*math.Sin(float64(y+c)/4)*math.Cos(float64(x)/3))
	}
	for _, b := range []Border{Black, Reflect, Edge} {
		for seed := range 20 {
			s := NewSample(image.Shape{}, nil)
			ForSample.Seed(&s.pcg, uint64(seed), 0, 0)
			sin, cos := math.Sincos(Between(s.Rand, -180, 180) * math.Pi / 180)
			want := rotated(smooth, sin, cos, b)
			got := applied(t, Rotation{180, b}, smooth, input{}, seed).Image
			for i, w := range want {
				// Places are exact to 1/512 pixel, between neighbours that differ by up to 255 at a black edge.
				if d := math.Abs(float64(got.Pix[i]) - w); d > 1.6 {
					t.Fatalf("%v, seed %d: pixel %d is %d: want %.2f", b, seed, i, got.Pix[i], w)
				}
			}
		}
	}
}

func TestAnAffineDistortionOfNothingChangesNothing(t *testing.T) {
	img := imagetest.Pattern(image.Shape{C: 3, H: 15, W: 18})
	if got := applied(t, Affine{}, img, input{}, 3).Image; !bytes.Equal(got.Pix, img.Pix) {
		t.Error("the image has changed")
	}
}

func TestAnAffineTranslationMovesTheImage(t *testing.T) {
	img := imagetest.Pattern(image.Shape{C: 1, H: 16, W: 16})
	for seed := range 50 {
		s := NewSample(image.Shape{}, nil)
		ForSample.Seed(&s.pcg, uint64(seed), 0, 0)
		down, right := Between(s.Rand, -.5, .5)*16, Between(s.Rand, -.5, .5)*16
		got := applied(t, Affine{Translate: .5, Fill: Edge}, img, input{}, seed).Image
		for y := range 16 {
			for x := range 16 {
				sy, sx := float64(y)-down, float64(x)-right
				low, high := 255.0, 0.0
				for _, p := range [4][2]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}} {
					v := float64(beyond(img, 0, int(math.Floor(sy+.002))+int(p[0]), int(math.Floor(sx+.002))+int(p[1]), Edge, 0))
					low, high = min(low, v), max(high, v)
				}
				if v := float64(got.Pix[y*16+x]); v < low-1 || v > high+1 {
					t.Fatalf("seed %d: (%d, %d) is %v: its neighbours go from %v to %v", seed, y, x, v, low, high)
				}
			}
		}
	}
}

func TestAnElasticDistortionMovesPixelsAsFarAsItsDefinitionSays(t *testing.T) {
	// The image is its own places: 4 levels a pixel, from left to right in one channel, from top to bottom in another.
	const n = 60
	img := new(image.Image)
	img.Reset(image.Shape{C: 3, H: n, W: n})
	for y := range n {
		for x := range n {
			img.Plane(0)[y*n+x], img.Plane(1)[y*n+x] = uint8(4*x), uint8(4*y)
		}
	}
	const alpha, sigma = 34, 4
	var sum, squares, count, step float64
	for seed := range 20 {
		got := applied(t, Elastic{Alpha: alpha, Sigma: sigma, Fill: Edge}, img, input{}, seed).Image
		for y := 20; y < n-20; y++ {
			for x := 20; x < n-20; x++ {
				for c, at := range []int{x, y} {
					d := float64(got.Plane(c)[y*n+x])/4 - float64(at)
					sum += d
					squares += d * d
					count++
				}
				step = max(step, math.Abs(float64(got.Plane(0)[y*n+x+1])-float64(got.Plane(0)[y*n+x])-4)/4)
			}
		}
	}
	// Uniform noise of variance 1/3, smoothed by a Gaussian: the sum of its squared weights is 1/(4πσ²).
	want := alpha * math.Sqrt(1./3/(4*math.Pi*sigma*sigma))
	got := math.Sqrt(squares/count - sum/count*sum/count)
	if math.Abs(got-want) > .15*want || math.Abs(sum/count) > .25*want {
		t.Errorf("pixels move by %.3f on average and %.3f in deviation: want 0 and %.3f", sum/count, got, want)
	}
	if step > 1.5 {
		t.Errorf("neighbours move %.2f pixels apart: the field is not smooth", step)
	}
}

func TestTheFieldOfADistortionIsSmoothedNoise(t *testing.T) {
	for _, c := range []struct {
		h, w  int
		sigma float64
	}{{13, 17, 1.5}, {5, 3, 4}, {1, 1, 2}, {20, 4, .1}} {
		s := NewSample(image.Shape{}, nil)
		ForSample.Seed(&s.pcg, 9, 0, 0)
		noise := make([]float64, c.h*c.w)
		for i := range noise {
			noise[i] = Between(s.Rand, -1, 1)
		}
		ForSample.Seed(&s.pcg, 9, 0, 0)
		s.warp.gauss(c.sigma)
		got := s.warp.field(s.Rand, 0, c.h, c.w)
		radius := int(math.Ceil(3 * c.sigma))
		weight := func(d int) float64 { return math.Exp(-float64(d*d) / (2 * c.sigma * c.sigma)) }
		sum := 0.0
		for d := -radius; d <= radius; d++ {
			sum += weight(d)
		}
		for y := range c.h {
			for x := range c.w {
				want := 0.0
				for v := max(y-radius, 0); v <= min(y+radius, c.h-1); v++ {
					for u := max(x-radius, 0); u <= min(x+radius, c.w-1); u++ {
						want += weight(v-y) * weight(u-x) / (sum * sum) * noise[v*c.w+u]
					}
				}
				if d := math.Abs(float64(got[y*c.w+x]) - want); d > 1e-6 {
					t.Fatalf("%d×%d, sigma %v: (%d, %d) is %v: want %v", c.h, c.w, c.sigma, y, x, got[y*c.w+x], want)
				}
			}
		}
	}
}

func TestACutoutIsASquare(t *testing.T) {
	in := input{Shape: image.Shape{C: 3, H: 20, W: 20}, Mean: []float32{.2, .4, .6}}
	img := new(image.Image)
	img.Reset(image.Shape{C: 3, H: 20, W: 24})
	set(img.Pix, 9)
	whole, least := 0, 1000
	for seed := range 300 {
		got := applied(t, Cutout{Size: 7, Count: 1, Fill: Mean}, img, in, seed).Image
		top, bottom, left, right, n := 20, 0, 24, 0, 0
		for i, p := range got.Plane(1) {
			if p != 9 {
				y, x := i/24, i%24
				top, bottom, left, right, n = min(top, y), max(bottom, y+1), min(left, x), max(right, x+1), n+1
				if p != 102 || got.Plane(0)[i] != 51 || got.Plane(2)[i] != 153 {
					t.Fatalf("seed %d: filled with %d, %d, %d: want 51, 102, 153", seed, got.Plane(0)[i], p, got.Plane(2)[i])
				}
			}
		}
		if n != (bottom-top)*(right-left) || bottom-top > 7 || right-left > 7 {
			t.Fatalf("seed %d: %d pixels from (%d, %d) to (%d, %d)", seed, n, top, left, bottom, right)
		}
		if n == 49 {
			whole++
		}
		least = min(least, n)
	}
	// Its middle is anywhere, so that it lies inside for 14·18 of 20·24 places.
	if whole < 120 || whole > 195 || least > 20 {
		t.Errorf("%d of 300 are whole, the smallest has %d pixels", whole, least)
	}
}

// A square's middle is any pixel, with half of the side before it: the columns and rows that are blotted out are those, no
// more and no fewer.
func TestTheMiddleOfACutoutIsAnyPixel(t *testing.T) {
	in := input{Shape: image.Shape{C: 1, H: 7, W: 5}, Mean: []float32{.5}}
	img := new(image.Image)
	img.Reset(in.Shape)
	set(img.Pix, 9)
	for _, c := range []struct {
		size          int
		columns, rows [][2]int // from, to
	}{
		{3, [][2]int{{0, 2}, {0, 3}, {1, 4}, {2, 5}, {3, 5}}, [][2]int{{0, 2}, {0, 3}, {1, 4}, {2, 5}, {3, 6}, {4, 7}, {5, 7}}},
		{4, [][2]int{{0, 2}, {0, 3}, {0, 4}, {1, 5}, {2, 5}}, [][2]int{{0, 2}, {0, 3}, {0, 4}, {1, 5}, {2, 6}, {3, 7}, {4, 7}}},
	} {
		columns, rows := map[[2]int]bool{}, map[[2]int]bool{}
		for seed := range 300 {
			got := applied(t, Cutout{Size: c.size, Count: 1}, img, in, seed).Image
			x, y := [2]int{5, 0}, [2]int{7, 0}
			for i, p := range got.Pix {
				if p != 9 {
					x, y = [2]int{min(x[0], i%5), max(x[1], i%5+1)}, [2]int{min(y[0], i/5), max(y[1], i/5+1)}
				}
			}
			columns[x], rows[y] = true, true
		}
		for name, of := range map[string]struct {
			got  map[[2]int]bool
			want [][2]int
		}{"columns": {columns, c.columns}, "rows": {rows, c.rows}} {
			for _, w := range of.want {
				if !of.got[w] {
					t.Errorf("size %d: %s %v are never blotted out", c.size, name, w)
				}
				delete(of.got, w)
			}
			if len(of.got) > 0 {
				t.Errorf("size %d: %s %v are blotted out", c.size, name, of.got)
			}
		}
	}
}

func TestColourJitterAppliesItsPartsInSomeOrder(t *testing.T) {
	img := imagetest.Pattern(image.Shape{C: 3, H: 12, W: 9})
	orders := map[string]bool{}
	for seed := range 200 {
		got := applied(t, ColorJitter{.4, .5, .6}, img, input{}, seed).Image
		s := NewSample(image.Shape{}, nil)
		ForSample.Seed(&s.pcg, uint64(seed), 0, 0)
		var f [3]float32
		for i, x := range []float64{.4, .5, .6} {
			f[i] = float32(Between(s.Rand, 1-x, 1+x))
			Below(s.Rand, i+1)
		}
		matched := ""
		for _, order := range [][3]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			m := imagetest.Pattern(img.Shape)
			for _, k := range order {
				switch k {
				case 0:
					blend(m.Pix, 0, f[0])
				case 1:
					blend(m.Pix, meanGrey(m), f[1])
				case 2:
					saturate(m, f[2])
				}
			}
			if bytes.Equal(m.Pix, got.Pix) {
				matched = fmt.Sprint(order)
			}
		}
		if matched == "" {
			t.Fatalf("seed %d: no order of the three gives this", seed)
		}
		orders[matched] = true
	}
	if len(orders) != 6 {
		t.Errorf("%d of 6 orders were drawn", len(orders))
	}
}

func TestColourJitterDrawsItsFactorsEvenly(t *testing.T) {
	grey := new(image.Image)
	grey.Reset(image.Shape{C: 3, H: 2, W: 2})
	const draws = 4000
	for _, c := range []struct {
		name            string
		jitter          ColorJitter
		pixels          [2]uint8 // of two columns
		read            func(m *image.Image) float64
		low, high, mean float64
	}{
		{"brightness", ColorJitter{Brightness: .4}, [2]uint8{100, 100}, func(m *image.Image) float64 { return float64(m.Pix[0]) }, 60, 140, 100},
		{"contrast", ColorJitter{Contrast: .5}, [2]uint8{50, 150}, func(m *image.Image) float64 { return float64(m.Pix[1]) - float64(m.Pix[0]) }, 50, 150, 100},
		{"a factor that cannot be below 0", ColorJitter{Brightness: 2}, [2]uint8{60, 60}, func(m *image.Image) float64 { return float64(m.Pix[0]) }, 0, 180, 90},
	} {
		sum, squares, low, high := 0., 0., 999., -999.
		for seed := range draws {
			for i := range grey.Pix {
				grey.Pix[i] = c.pixels[i%2]
			}
			v := c.read(applied(t, c.jitter, grey, input{}, seed).Image)
			sum += v / draws
			squares += v * v / draws
			low, high = min(low, v), max(high, v)
		}
		deviation := math.Sqrt(squares - sum*sum)
		want := (c.high - c.low) / math.Sqrt(12)
		if math.Abs(sum-c.mean) > 2.5 || math.Abs(deviation-want) > .05*want || low < c.low-1.5 || low > c.low+3 || high > c.high+1.5 || high < c.high-3 {
			t.Errorf("%s: from %v to %v, %.2f on average, deviation %.2f: want %v to %v, %v, %.2f", c.name, low, high, sum, deviation, c.low, c.high, c.mean, want)
		}
	}
}

// colours is images of one pixel each.
type colours [][3]uint8

func (c colours) Len() int { return len(c) }

func (c colours) Image(i int, dst *image.Image) error {
	dst.Reset(image.Shape{C: 3, H: 1, W: 1})
	copy(dst.Pix, c[i][:])
	return nil
}

// Three directions that are orthogonal to each other, of length 1, whose matrix and whose squares' matrix
// are not symmetric: what takes rows for columns is seen.
var directions = [3][3]float64{{.36, .48, .8}, {-.8, .6, 0}, {-.48, -.64, .6}}

func TestComponentsAreTheDirectionsThatTheColoursLieIn(t *testing.T) {
	// 128 in each channel, and 100 along the first direction, 50 along the second, 25 along the third, to
	// both sides.
	src := colours{{164, 176, 208}, {92, 80, 48}, {88, 158, 128}, {168, 98, 128}, {116, 112, 143}, {140, 144, 113}}
	p, err := ComputePCA(src, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range [3]float64{.051262335, .012815584, .003203896} { // 2·100²/6/255², …
		if math.Abs(p.Values[k]-want) > 1e-8 {
			t.Errorf("value %d is %.9f: want %.9f", k, p.Values[k], want)
		}
		sign := math.Copysign(1, p.Vectors[k][0]*directions[k][0])
		for c := range 3 {
			if math.Abs(sign*p.Vectors[k][c]-directions[k][c]) > 1e-9 {
				t.Errorf("vector %d is %.6f: want %.2f, or its opposite", k, p.Vectors[k], directions[k])
				break
			}
		}
	}
	if again, err := ComputePCA(src, 3); err != nil || again == p {
		t.Errorf("3 images give the same components as 6, or %v", err)
	}
}

func TestPCANoiseAddsOneColourAlongTheComponents(t *testing.T) {
	p := PCA{Channels: 3, Values: [3]float64{.2, .02, .004}, Vectors: directions}
	img := new(image.Image)
	img.Reset(image.Shape{C: 3, H: 4, W: 4})
	set(img.Pix, 128)
	var products [3][3]float64
	const n = 20000
	for seed := range n {
		got := applied(t, PCANoise{Sigma: .5, PCA: p}, img, input{}, seed).Image
		var d [3]float64
		for c := range 3 {
			plane := got.Plane(c)
			if slices.Min(plane) != slices.Max(plane) {
				t.Fatal("the pixels of one colour became many")
			}
			d[c] = float64(plane[0]) - 128
		}
		for a := range 3 {
			for b := range 3 {
				products[a][b] += d[a] * d[b] / n
			}
		}
	}
	// The sum over k of (0.5·255·value k)²·vector k's a·vector k's b; rounding to whole levels adds a
	// twelfth to the squares.
	want := [3][3]float64{{88.58, 109.32, 187.20}, {109.32, 152.35, 249.60}, {187.20, 249.60, 416.34}}
	for a := range 3 {
		for b := range 3 {
			if math.Abs(products[a][b]-want[a][b]) > .04*want[a][b] {
				t.Errorf("channels %d and %d move together by %.3f: want %.3f", a, b, products[a][b], want[a][b])
			}
		}
	}
	s := NewSample(image.Shape{}, nil)
	s.Image.Reset(image.Shape{C: 3, H: 4, W: 4})
	if err := (PCANoise{Sigma: .1}).Apply(s); err == nil {
		t.Error("noise without components is no error")
	}
}
