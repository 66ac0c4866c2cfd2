package augment

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// batch is one of n images in which every value is another: 100 times the image, and the place.
func batch(n int, s image.Shape) *Batch {
	b := &Batch{N: n, Shape: s, Second: make([]float32, n), Weight: make([]float32, n)}
	for i := range n {
		b.Labels = append(b.Labels, float32(i))
		b.Second[i], b.Weight[i] = float32(i), 1
		for k := range s.Len() {
			b.Images = append(b.Images, float32(1000*i+k))
		}
	}
	return b
}

func TestMixupBlendsPairs(t *testing.T) {
	s := image.Shape{C: 2, H: 3, W: 4}
	n := s.Len()
	for _, size := range []int{1, 2, 5} {
		b := batch(size, s)
		old := slices.Clone(b.Images)
		if err := (Mixup{Alpha: .4, P: 1}).Mix(b, rand.New(rand.NewPCG(1, 2))); err != nil {
			t.Fatal(err)
		}
		for i := range size {
			j := size - 1 - i
			if i == j {
				if b.Weight[i] != 1 || b.Second[i] != float32(i) || !slices.Equal(b.Images[i*n:][:n], old[i*n:][:n]) {
					t.Errorf("the middle one of %d is mixed: %v, %v", size, b.Weight, b.Second)
				}
				continue
			}
			lambda := float64(b.Weight[i])
			if lambda <= 0 || lambda >= 1 || b.Weight[j] != b.Weight[i] || b.Second[i] != float32(j) {
				t.Errorf("image %d of %d has the weight %v, second class %v", i, size, lambda, b.Second[i])
			}
			for k := range n {
				want := lambda*float64(old[i*n+k]) + (1-lambda)*float64(old[j*n+k])
				if got := float64(b.Images[i*n+k]); math.Abs(got-want) > 1e-3*(1+math.Abs(want)) {
					t.Fatalf("value %d of image %d is %v: want %v", k, i, got, want)
				}
			}
		}
	}
}

func TestCutMixExchangesARectangle(t *testing.T) {
	s := image.Shape{C: 2, H: 8, W: 10}
	n, some := s.Len(), 0
	for seed := range uint64(50) {
		b := batch(2, s)
		old := slices.Clone(b.Images)
		if err := (CutMix{Alpha: 1, P: 1}).Mix(b, rand.New(rand.NewPCG(seed, 7))); err != nil {
			t.Fatal(err)
		}
		// What was exchanged is one rectangle, the same in both images and all channels, and the weight is what is left.
		top, bottom, left, right, count := s.H, -1, s.W, -1, 0
		for k := range n {
			a, z := b.Images[k], b.Images[n+k]
			switch {
			case a == old[k] && z == old[n+k]:
			case a == old[n+k] && z == old[k]:
				count++
				y, x := k/s.W%s.H, k%s.W
				top, bottom, left, right = min(top, y), max(bottom, y), min(left, x), max(right, x)
			default:
				t.Fatalf("seed %d: value %d is %v and %v", seed, k, a, z)
			}
		}
		area := 0
		if count > 0 {
			area = (bottom - top + 1) * (right - left + 1)
			some++
		}
		if count != s.C*area {
			t.Errorf("seed %d: %d values are exchanged, of a rectangle of %d pixels and %d channels", seed, count, area, s.C)
		}
		if want := 1 - float64(area)/float64(s.H*s.W); math.Abs(float64(b.Weight[0])-want) > 1e-6 || b.Second[0] != 1 || b.Second[1] != 0 {
			t.Errorf("seed %d: weight %v, want %v; second classes %v", seed, b.Weight[0], want, b.Second)
		}
	}
	if some < 25 {
		t.Errorf("%d of 50 batches are mixed", some)
	}
}

func TestMixersMixAsOftenAsTheyShould(t *testing.T) {
	s := image.Shape{C: 1, H: 4, W: 4}
	for name, m := range map[string]Mixer{"mixup": Mixup{Alpha: 1, P: .25}, "cutmix": CutMix{Alpha: 1, P: .25}} {
		r, mixed := rand.New(rand.NewPCG(3, 4)), 0
		for range 400 {
			b := batch(2, s)
			if err := m.Mix(b, r); err != nil {
				t.Fatal(err)
			}
			if b.Second[0] != 0 {
				mixed++
			}
		}
		if mixed < 70 || mixed > 130 {
			t.Errorf("%s mixes %d of 400 batches: should be about 100", name, mixed)
		}
	}
}

func TestTargetsAreProbabilities(t *testing.T) {
	b := &Batch{N: 2, Labels: []float32{2, 0}}
	dst := []float32{9, 9, 9, 9, 9, 9, 9}
	b.Targets(dst, 3, 0)
	if want := []float32{0, 0, 1, 1, 0, 0, 9}; !slices.Equal(dst, want) {
		t.Errorf("%v: want %v", dst, want)
	}
	b.Second, b.Weight = []float32{1, 0}, []float32{.75, .5}
	b.Targets(dst, 3, 0)
	if want := []float32{0, .25, .75, 1, 0, 0, 9}; !slices.Equal(dst, want) {
		t.Errorf("mixed: %v: want %v", dst, want)
	}
	b.Targets(dst, 3, .75) // a quarter to all, and of the rest a quarter
	if want := []float32{.25, .3125, .4375, .5, .25, .25, 9}; !slices.Equal(dst, want) {
		t.Errorf("smoothed: %v: want %v", dst, want)
	}
}

func TestASpecChecksWhatDidNotComeByItsName(t *testing.T) {
	if err := Check(Mixup{Alpha: .2, P: 1}); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		value any
		want  string
	}{{Mixup{Alpha: 0, P: 1}, "alpha"}, {CutMix{Alpha: 1, P: 2}, "p"}} {
		if err := Check(c.value); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.value, err)
		}
	}
	if err := Check(struct{}{}); err != nil {
		t.Errorf("a type of one's own is none of ours: %v", err)
	}
	spec := MustParse("flip, mixup(0.2)")
	if spec[1].Name() != "mixup" || spec[1].Value().(Mixup).Alpha != .2 || spec[1].String() != "mixup(alpha=0.2, p=1)" {
		t.Errorf("%s: %+v", spec[1], spec[1].Value())
	}
	if text, err := Reflect.MarshalText(); err != nil || string(text) != "reflect" || Border(9).String() != "border 9" {
		t.Errorf("%s (%v), %v", text, err, Border(9))
	}
	defer func() {
		if recover() == nil {
			t.Error("MustParse takes what is no spec")
		}
	}()
	MustParse("flap")
}

func TestASampleDrawsTheSameForItsPlace(t *testing.T) {
	s := NewSample(image.Shape{C: 1, H: 2, W: 2}, []float32{.5, 2, -1})
	if want := []uint8{128, 255, 0}; !slices.Equal(s.mean, want) {
		t.Errorf("means %v: want %v", s.mean, want)
	}
	draw := func(epoch, place int) uint64 {
		s.Epoch = epoch
		s.Reseed(7, place)
		return s.Rand.Uint64()
	}
	if a := draw(1, 2); a != draw(1, 2) || a == draw(1, 3) || a == draw(2, 2) {
		t.Error("a draw depends on something else than epoch and place")
	}
}
