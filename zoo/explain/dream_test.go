package explain

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// squaresOf is the sum of a layer's squares for an image, by its maps.
func squaresOf(t *testing.T, s *Subject, layer string, feature int, x []float32) float64 {
	t.Helper()
	maps, err := Maps{Layer: layer}.Explain(s, x)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, m := range maps {
		for _, v := range m.V {
			if feature < 0 || i == feature {
				sum += float64(v) * float64(v)
			}
		}
	}
	return sum
}

func TestSquaresAreThoseOfALayerOrOfOneFeature(t *testing.T) {
	y := []float32{1, 2, 3, 4, 5, 6, -7, 8, 9, 10, 11, -12}
	for _, c := range []struct {
		feature int
		sum     float64
		dy      []float32
	}{
		{-1, 650, y},
		{0, 1 + 4 + 9 + 16, []float32{1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0}},
		{1, 25 + 36 + 49 + 64, []float32{0, 0, 0, 0, 5, 6, -7, 8, 0, 0, 0, 0}},
		{2, 81 + 100 + 121 + 144, []float32{0, 0, 0, 0, 0, 0, 0, 0, 9, 10, 11, -12}},
	} {
		dy := make([]float32, len(y))
		if sum := squares([]int{1, 3, 2, 2}, c.feature, y, dy); sum != c.sum || !slices.Equal(dy, c.dy) {
			t.Errorf("feature %d: %g and %v", c.feature, sum, dy)
		}
	}
}

func TestADreamHasMoreOfWhatALayerSees(t *testing.T) {
	s := subject(t, 3)
	s.Mean, s.Std = []float32{0.5}, []float32{0.1}
	x := noise(1, s.size())
	kept := slices.Clone(x)
	for _, feature := range []int{-1, 2} {
		p, err := Dream{Layer: "relu 2", Feature: feature, Octaves: 1, Steps: 10}.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
		if err != nil {
			t.Fatal(err)
		}
		before, after := squaresOf(t, s, "relu 2", feature, x), squaresOf(t, s, "relu 2", feature, p.X)
		if p.H != tinyH || p.W != tinyW || after < 1.5*before {
			t.Errorf("feature %d: %d×%d, the squares go from %g to %g", feature, p.H, p.W, before, after)
		}
		if r := correlation(p.X, x); r < 0.8 || r > 0.9999 {
			t.Errorf("feature %d: dream and picture correlate by %g", feature, r)
		}
	}
	if !slices.Equal(x, kept) {
		t.Error("the picture that was given has changed")
	}
	// With another network's weights it is another dream.
	a, _ := Dream{Layer: "relu 2", Feature: -1, Octaves: 1}.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
	o := subject(t, 4)
	o.Mean, o.Std = s.Mean, s.Std
	b, _ := Dream{Layer: "relu 2", Feature: -1, Octaves: 1}.Explain(context.Background(), o, Plane{tinyH, tinyW, x})
	da, db := make([]float32, len(x)), make([]float32, len(x))
	for i := range x {
		da[i], db[i] = a.X[i]-x[i], b.X[i]-x[i]
	}
	if r := correlation(da, db); r > 0.9 {
		t.Errorf("what two networks add correlates by %g", r)
	}
}

func TestADreamGrowsWithItsOctaves(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	var sizes [][2]int
	m := Dream{Layer: "relu 1", Feature: -1, Octaves: 3, Scale: 1.5, Steps: 2, Seed: 5, Frame: func(step int, p Plane) {
		if step != len(sizes) {
			t.Errorf("frame %d is called step %d", len(sizes), step)
		}
		sizes = append(sizes, [2]int{p.H, p.W})
	}}
	p, err := m.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{10, 12}, {10, 12}, {15, 18}, {15, 18}, {23, 27}, {23, 27}} // 10, 12 by 1.5 and 2.25
	if !slices.Equal(sizes, want) || p.H != 23 || p.W != 27 || len(p.X) != tinyC*23*27 {
		t.Errorf("the sizes are %v", sizes)
	}
	m.Frame = nil
	again, _ := m.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
	if !slices.Equal(again.X, p.X) {
		t.Error("the same seed gives another dream")
	}
	m.Seed = 6
	other, _ := m.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
	if slices.Equal(other.X, p.X) {
		t.Error("tiles lie at the same places for every seed")
	}
}

func TestDreamsThatCannotBeAreNamed(t *testing.T) {
	s := subject(t, 3)
	x := noise(1, s.size())
	bad := slices.Clone(x)
	bad[7] = float32(math.Inf(1))
	for want, f := range map[string]func() (Plane, error){
		"should be 10×12 at least": func() (Plane, error) {
			return Dream{Layer: "relu 1"}.Explain(context.Background(), s, Plane{5, 12, x[:120]})
		},
		"-1 sizes": func() (Plane, error) {
			return Dream{Octaves: -1}.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
		},
		"number 7 of the picture": func() (Plane, error) {
			return Dream{Layer: "relu 1"}.Explain(context.Background(), s, Plane{tinyH, tinyW, bad})
		},
		`feature 0 of layer ""`: func() (Plane, error) { return Dream{}.Explain(context.Background(), s, Plane{tinyH, tinyW, x}) },
		"feature 3 of layer": func() (Plane, error) {
			return Dream{Layer: "relu 1", Feature: 3}.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
		},
		`no layer is called "x"`: func() (Plane, error) {
			return Dream{Layer: "x"}.Explain(context.Background(), s, Plane{tinyH, tinyW, x})
		},
	} {
		if _, err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, should say %s", err, want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	m := Dream{Layer: "relu 1", Feature: -1, Frame: func(int, Plane) { cancel() }}
	if _, err := m.Explain(ctx, s, Plane{tinyH, tinyW, x}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: %v", err)
	}
}

// The network learns between two moments to see another filter: what excites it is another image, and has another
// patch.
func TestEpochsShowWhatExcitesAFeatureThen(t *testing.T) {
	early, x := patchy(t)
	late, _ := patchy(t)
	copy(late.Params.Get("conv.weight").Data, []float32{-1, -1, -1, -1, 1, -1, -1, -1, -1}) // a lone pixel
	late.Params.Get("conv.bias").Data[0] = 0
	late.Params.Changed()
	lone := make([]float32, 256)
	lone[16*4+11] = 3
	images := func(yield func([]float32, error) bool) { _ = yield(x, nil) && yield(lone, nil) }
	moments := func(yield func(*Subject, error) bool) { _ = yield(early, nil) && yield(late, nil) }
	got, err := Epochs{Layer: "relu 1", Features: []int{0}}.Explain(context.Background(), moments, images)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || len(got[0]) != 1 {
		t.Fatalf("%d moments", len(got))
	}
	if e := got[0][0]; e.Image != 0 || e.Answer != 4 || e.Y != 10 || e.X != 4 || e.Patch != (Patch{9, 3, 12, 6}) {
		t.Errorf("early: image %d, %g at %d, %d, %v", e.Image, e.Answer, e.Y, e.X, e.Patch)
	}
	if e := got[1][0]; e.Image != 1 || e.Answer != 3 || e.Y != 4 || e.X != 11 || e.Patch != (Patch{3, 10, 6, 13}) || e.Pixels[16*4+11] != 3 || e.Pixels[16*4+10] != -3 {
		t.Errorf("late: image %d, %g at %d, %d, %v", e.Image, e.Answer, e.Y, e.X, e.Patch)
	}

	failed := errors.New("a file is gone")
	if _, err := (Epochs{Features: []int{0}}).Explain(context.Background(), func(yield func(*Subject, error) bool) { yield(nil, failed) }, images); err != failed {
		t.Errorf("a moment that fails: %v", err)
	}
	none := func(func([]float32, error) bool) {}
	if _, err := (Epochs{Layer: "relu 1", Features: []int{0}}).Explain(context.Background(), moments, none); err == nil || !strings.Contains(err.Error(), "feature 0: there is no image") {
		t.Errorf("no images: %v", err)
	}
	if _, err := (Epochs{Layer: "relu 1", Features: []int{1}}).Explain(context.Background(), moments, images); err == nil || !strings.Contains(err.Error(), "feature 1: layer relu 1 has 1") {
		t.Errorf("no such feature: %v", err)
	}
	broken := func(yield func([]float32, error) bool) { yield(nil, failed) }
	if _, err := (Epochs{Layer: "relu 1", Features: []int{0}}).Explain(context.Background(), moments, broken); err != failed {
		t.Errorf("an image that fails: %v", err)
	}
}

// More images than a step has, in an order that fills, replaces and drops.
func TestStrongestAgreesWithALookAtEachImage(t *testing.T) {
	s := subject(t, 3)
	const n = 3*strongestBatch + 5
	var all [][]float32
	for i := range n {
		all = append(all, noise(uint64(100+i), s.size()))
	}
	images := func(yield func([]float32, error) bool) {
		for _, x := range all {
			if !yield(x, nil) {
				return
			}
		}
	}
	got, err := Deconvnet{Layer: "relu 2"}.Strongest(context.Background(), s, images, []int{2, 0}, 4)
	if err != nil {
		t.Fatal(err)
	}
	for k, f := range []int{2, 0} {
		answers := make([]float64, n)
		order := make([]int, n)
		for i, x := range all {
			p, err := Deconvnet{Layer: "relu 2", Feature: f}.Explain(s, x)
			if err != nil {
				t.Fatal(err)
			}
			answers[i], order[i] = float64(p.Answer), i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case answers[a] > answers[b]:
				return -1
			case answers[a] < answers[b]:
				return 1
			}
			return 0
		})
		for i, e := range got[k] {
			// The projection's own answer is that of a step of one image.
			if e.Image != order[i] || float64(e.Answer) != answers[order[i]] || e.Feature != f || !slices.Equal(e.Picture, all[e.Image]) {
				t.Errorf("feature %d, place %d: image %d with %g, should be %d with %g", f, i, e.Image, e.Answer, order[i], answers[order[i]])
			}
		}
	}
}
