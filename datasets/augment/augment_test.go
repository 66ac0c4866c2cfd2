package augment

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestAnSpecIsReadFromTextAndJSON(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []any
	}{
		{"nothing", " ", nil},
		{"an empty list", "[]", nil},
		{"names alone have defaults", "flip, pca", []any{HorizontalFlip{P: .5}, PCANoise{Sigma: .1}}},
		{"empty brackets too", "flip( )", []any{HorizontalFlip{P: .5}}},
		{"parameters in their places", "crop(4, 0, reflect), scale(30,40)", []any{RandomCrop{Pad: 4, Fill: Reflect}, ScaleJitter{30, 40}}},
		{"parameters by name", "cutout(fill=black,size = 8)", []any{Cutout{Size: 8, Count: 1}}},
		{"first by place, then by name", "crop(4, fill=mean)", []any{RandomCrop{Pad: 4, Fill: Mean}}},
		{"a JSON list of texts", `["crop(4)", "flip"]`, []any{RandomCrop{Pad: 4}, HorizontalFlip{P: .5}}},
		{"a JSON list of objects", `[{"name": "crop", "pad": 4, "fill": "edge"}, {"name":"mixup","alpha":1.5}]`, []any{RandomCrop{Pad: 4, Fill: Edge}, Mixup{1.5, 1}}},
		{"both", `[{"name": "rotate", "degrees": 7.5}, "cutmix(p=0.5)"]`, []any{Rotation{Degrees: 7.5}, CutMix{1, .5}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := Parse(c.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []any
			for _, s := range a {
				got = append(got, s.Value())
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %#v: want %#v", got, c.want)
			}
			again, err := Parse(a.String())
			if err != nil || !reflect.DeepEqual(again, a) {
				t.Errorf("read again from %q: %v, %v", a, again, err)
			}
			data, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			var back Spec
			if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, a) {
				t.Errorf("read again from %s: %v, %v", data, back, err)
			}
		})
	}
}

func TestEveryKindCanBeWrittenAndReadAgain(t *testing.T) {
	if len(Kinds()) < 13 {
		t.Errorf("%d kinds", len(Kinds()))
	}
	for _, k := range Kinds() {
		s, err := ParseStep(k.Name)
		if err != nil {
			t.Errorf("%s with its defaults: %v", k.Name, err)
			continue
		}
		again, err := ParseStep(s.String())
		if err != nil || again != s {
			t.Errorf("%s, read again: %v, %v", s, again, err)
		}
		for _, p := range k.Params() {
			if !strings.Contains(s.String(), p.Name+"="+p.Default) {
				t.Errorf("%s: without %s", s, p.Name)
			}
		}
	}
}

func TestAWrongSpecIsAnErrorThatHelps(t *testing.T) {
	for _, c := range []struct{ text, err string }{
		{"crpo(4)", `unknown transform "crpo": did you mean "crop"?`},
		{"x9", `unknown transform "x9": known are affine, color, crop,`},
		{"crop(4", `crop: "crop(4": should be crop(parameter, …)`},
		{"crop(4)5", `crop: "crop(4)5": should be crop(parameter, …)`},
		{"crop(padd=4)", `crop: unknown parameter "padd": did you mean "pad"?`},
		{"flip(probability=1)", `flip: unknown parameter "probability": there are p`},
		{"crop(four)", `crop: pad "four": should be a whole number`},
		{"crop(1.5)", `crop: pad "1.5": should be a whole number`},
		{"crop(-1)", "crop: pad -1: should be at least 0, at most 4096"},
		{"flip(0)", "flip: p 0: should be above 0, at most 1"},
		{"flip(NaN)", "flip: p NaN: should be above 0, at most 1"},
		{"flip(half)", `flip: p "half": should be a number`},
		{"crop(4, fill=refelct)", `crop: fill "refelct": should be black, mean, reflect, edge; did you mean "reflect"?`},
		{"cutout(fill=edge)", "cutout: fill edge: should be black or mean"},
		{"flip(0.1, 0.2)", "flip: 2 parameters: there are 1"},
		{"crop(pad=4, pad=5)", "crop: pad is given twice"},
		{"crop(4, pad=5)", "crop: pad is given twice"},
		{"crop(fill=mean, 4)", `crop: "4": needs a name, because one before it has one`},
		{"scale(300, 200)", "scale: min 300: should be at most max, 200"},
		{"resized-crop(min_area=0.5, max_area=0.2)", "resized-crop: min_area 0.5: should be at most max_area, 0.2"},
		{"flip,", "nothing after the last comma"},
		{"flip,,crop", `unknown transform ""`},
		{`["flip", 3]`, `a transform should be text, or an object such as {"name": "crop", "pad": 4}, not 3`},
		{`["flip", null]`, `unknown transform ""`},
		{`[{"pad": 3}]`, "a transform without a name"},
		{`[{"name": "crop", "padd": 3}]`, `crop: unknown parameter "padd": did you mean "pad"?`},
		{`[{"name": "crop", "pad": [3]}]`, `crop: pad "[3]": should be a whole number`},
		{`[{"name": "crop", "pad": 5000}]`, "crop: pad 5000: should be"},
	} {
		_, err := Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v: want one line with %s", c.text, err, c.err)
		}
	}
}

func TestAnEmptySpecIsAnEmptyList(t *testing.T) {
	for _, text := range []string{"null", "[]", `""`} {
		a := MustParse("flip")
		if err := json.Unmarshal([]byte(text), &a); err != nil || a != nil {
			t.Errorf("%s is %v, %v", text, a, err)
		}
	}
	if data, err := json.Marshal(Spec(nil)); err != nil || string(data) != "[]" {
		t.Errorf("nothing is written %s, %v", data, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(everything)
	f.Add(`["crop(4, fill=mean)", {"name": "flip", "p": 0.25}]`)
	f.Add("resized-crop(0.08, 1, max_aspect=2), cutout(16,1,black), pca(")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(a.String())
		if err != nil || !reflect.DeepEqual(again, a) {
			t.Errorf("%q is %q, which is %v, %v", text, a, again, err)
		}
	})
}

// everything is one of each kind.
const everything = "scale(20,28), crop(2, size=20), resized-crop, flip, pca, color, rotate(fill=mean), affine(fill=edge), elastic(3,2), cutout(4), mixup, cutmix"

func TestTransformsAllocateNothing(t *testing.T) {
	src := noise{40, image.Shape{C: 3, H: 24, W: 22}}
	for _, k := range Kinds() {
		step, err := ParseStep(k.Name)
		if err != nil {
			t.Fatal(err)
		}
		transforms, _, err := (Spec{step}).Build(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range transforms {
			s := NewSample(image.Shape{C: 3, H: 20, W: 20}, nil)
			apply := func() {
				for i := range 40 {
					s.pcg.Seed(uint64(i), 1)
					if err := src.Image(i, s.Image); err != nil {
						t.Fatal(err)
					}
					if err := tr.Apply(s); err != nil {
						t.Fatal(err)
					}
				}
			}
			apply()
			if n := testing.AllocsPerRun(3, apply); n > 0 {
				t.Errorf("%s: %v allocations for 40 images", k.Name, n)
			}
		}
	}
}

// The draws are what a run's repeatability rests on: they must stay what they were.
func TestDrawsStayWhatTheyWere(t *testing.T) {
	s := NewSample(image.Shape{}, nil)
	ForSample.Seed(&s.pcg, 42, 3, 7)
	got := fmt.Sprintf("%d %d %.6f %v %.6f %.6f %.6f", Below(s.Rand, 9), Below(s.Rand, 1000), Between(s.Rand, -1, 1), Chance(s.Rand, .5), normal(s.Rand), gamma(s.Rand, .2), beta(s.Rand, 1))
	if want := "7 764 0.556675 true 0.032975 0.006515 0.452388"; got != want {
		t.Errorf("drew %s: want %s", got, want)
	}
}

func TestDrawsHaveTheirDistributions(t *testing.T) {
	s := NewSample(image.Shape{}, nil)
	ForSample.Seed(&s.pcg, 1, 0, 0)
	const n = 200000
	for _, c := range []struct {
		name           string
		draw           func() float64
		mean, variance float64
	}{
		{"below 10", func() float64 { return float64(Below(s.Rand, 10)) }, 4.5, 8.25},
		{"between 2 and 4", func() float64 { return Between(s.Rand, 2, 4) }, 3, 1. / 3},
		{"normal", func() float64 { return normal(s.Rand) }, 0, 1},
		{"gamma of shape 3", func() float64 { return gamma(s.Rand, 3) }, 3, 3},
		{"gamma of shape 0.3", func() float64 { return gamma(s.Rand, .3) }, .3, .3},
		{"beta of 0.2", func() float64 { return beta(s.Rand, .2) }, .5, .25 / 1.4},
		{"beta of 1", func() float64 { return beta(s.Rand, 1) }, .5, 1. / 12},
		{"beta of 4", func() float64 { return beta(s.Rand, 4) }, .5, .25 / 9},
		{"beta of 0.001, all at the ends", func() float64 { return beta(s.Rand, .001) }, .5, .25 / 1.002},
	} {
		var sum, squares float64
		for range n {
			v := c.draw()
			sum += v
			squares += v * v
		}
		mean := sum / n
		variance := squares/n - mean*mean
		// Five deviations of the mean, and a fortieth of the variance.
		if math.Abs(mean-c.mean) > 5*math.Sqrt(c.variance/n) || math.Abs(variance-c.variance) > c.variance/40 {
			t.Errorf("%s: mean %.4f and variance %.4f: want %.4f and %.4f", c.name, mean, variance, c.mean, c.variance)
		}
	}
}
