package train

import (
	"bytes"
	"context"
	"math"
	count "math/bits"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// What is random must look so: by statistics, for orders and masks that are pinned can be pinned wrong.

// seen is what an epoch showed: the images in their order, and what became of each.
type seen struct {
	order []int
	pix   map[int][]float32
}

func epochOf(t *testing.T, tr *Trainer, epoch int) seen {
	t.Helper()
	s := seen{pix: map[int][]float32{}}
	for b, err := range tr.loader.Epoch(context.Background(), epoch, 0) {
		if err != nil {
			t.Fatal(err)
		}
		size := len(b.Images) / b.N
		for i, index := range b.Index[:b.N] {
			s.order = append(s.order, index)
			s.pix[index] = slices.Clone(b.Images[i*size : (i+1)*size])
		}
		b.Release()
	}
	return s
}

func TestEachEpochHasAnOrderAndTransformsOfItsOwn(t *testing.T) {
	cfg := tinyConfig()
	cfg.Augment = recipe.Augmentation{"crop(2)", "flip"}
	tr := begin(t, cfg, t.TempDir(), nil)
	cfg.Seed++
	epochs := []seen{epochOf(t, tr, 0), epochOf(t, tr, 1), epochOf(t, tr, 2), epochOf(t, begin(t, cfg, t.TempDir(), nil), 0)}
	const n = 100
	plain := make([]int, n)
	for i := range plain {
		plain[i] = i
	}
	for i, e := range epochs {
		if sorted := slices.Sorted(slices.Values(e.order)); !slices.Equal(sorted, plain) {
			t.Fatalf("epoch %d does not show every image once", i)
		}
		// Spearman's correlation of the places in two orders: of independent ones it has a deviation of 1/√(n-1).
		for j, other := range append([]seen{{order: plain}}, epochs[:i]...) {
			d := 0.0
			place := make([]int, n)
			for p, index := range other.order {
				place[index] = p
			}
			for p, index := range e.order {
				d += math.Pow(float64(p-place[index]), 2)
			}
			if rho := 1 - 6*d/(n*(n*n-1)); math.Abs(rho) > 5/math.Sqrt(n-1) {
				t.Errorf("the orders of epochs %d and %d are alike: a correlation of %.2f", i, j-1, rho)
			}
		}
		// A crop of 25 places, mirrored or not: one of fifty images looks the same in two epochs.
		for j, other := range epochs[:i] {
			same := 0
			for index, pix := range e.pix {
				if slices.Equal(pix, other.pix[index]) {
					same++
				}
			}
			if same > 12 {
				t.Errorf("%d of %d images look the same in epochs %d and %d", same, n, i, j)
			}
		}
	}
}

// masked is a network whose output tells its dropout masks: pixels are ones, two layers drop the same twelve of
// them, and the weights of what is left are powers of two.
func masked() Network {
	return Network{
		Name: "masked", Input: [3]int{1, 1, 12}, Classes: 2,
		Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			both := b.Concat(b.Dropout(x, 0.25), b.Dropout(x, 0.25))
			return b.Dense(b.Flatten(both), "fc", 2), b.Err()
		},
	}
}

func TestEveryStepLayerAndImageHasAMaskOfItsOwn(t *testing.T) {
	const images, pixels, batch = 64, 12, 16
	white, labels := bytes.Repeat([]byte{255}, images*pixels), make([]int32, images)
	labels[0] = 1
	source, err := datasets.NewMemory(datasets.Info{Name: "white", Classes: []string{"a", "b"}, Shape: image.Shape{C: 1, H: 1, W: pixels}, Mean: []float32{0}, Std: []float32{1}}, white, labels)
	if err != nil {
		t.Fatal(err)
	}
	masks := func(seed uint64) [2][]uint32 { // of both layers, image after image, step after step
		cfg := recipe.Config{Network: "masked", Data: "white", Seed: seed, Epochs: 10, Batch: batch, Optimizer: recipe.Optimizer{LR: 1e-30}}
		var all [2][]uint32
		var tr *Trainer
		events := hook{step: func(int) {
			g := tr.graphs[batch][0]
			for i, v := range g.session.Value(g.out) {
				// What is kept is divided by the part that is kept.
				all[i%2] = append(all[i%2], uint32(math.Round(float64(v)*0.75)))
			}
		}}
		if tr, err = New(cfg, masked(), datasets.Split{Train: source, Val: source}, Options{Folder: t.TempDir(), Events: events}); err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		w := tr.params.Get("fc.weight").Data // two outputs of 24
		clear(w)
		for i := range pixels {
			w[i], w[24+pixels+i] = float32(uint32(1)<<i), float32(uint32(1)<<i)
		}
		tr.params.Changed()
		finish(t, tr)
		return all
	}
	first, again, other := masks(1), masks(1), masks(2)
	if !slices.Equal(first[0], again[0]) || !slices.Equal(first[1], again[1]) {
		t.Error("the same seed gives other masks")
	}
	const n = images * 10
	if len(first[0]) != n {
		t.Fatalf("%d masks", len(first[0]))
	}
	for layer, of := range first {
		kept := 0
		for _, m := range of {
			if m >= 1<<pixels {
				t.Fatalf("%b is no mask", m)
			}
			kept += count.OnesCount32(m)
		}
		if part, e := float64(kept)/(n*pixels), math.Sqrt(0.75*0.25/(n*pixels)); math.Abs(part-0.75) > 5*e {
			t.Errorf("layer %d keeps %.3f, should keep 0.75", layer, part)
		}
	}
	alike := func(what string, a, b []uint32) {
		t.Helper()
		// Two independent masks agree in 0.75² + 0.25² = 0.625 of their bits.
		agree := 0
		for i := range a {
			agree += pixels - count.OnesCount32(a[i]^b[i])
		}
		total := float64(len(a) * pixels)
		if part := float64(agree) / total; math.Abs(part-0.625) > 5*math.Sqrt(0.625*0.375/total) {
			t.Errorf("the masks of %s agree in %.3f of their bits, should in 0.625", what, part)
		}
	}
	alike("two layers", first[0], first[1])
	alike("two seeds", first[0], other[0])
	for _, gap := range []int{1, 2, batch, 2 * batch, images} {
		what := map[int]string{1: "neighbouring images", batch: "neighbouring steps", images: "neighbouring epochs"}[gap]
		if what == "" {
			what = "images some places apart"
		}
		alike(what, first[0][:n-gap], first[0][gap:])
		alike(what+" in the second layer", first[1][:n-gap], first[1][gap:])
	}
}

func TestInitialisersDrawFromAStreamForEachWeight(t *testing.T) {
	// Two layers of the same shape.
	twins := Network{
		Name: "twins", Input: [3]int{1, 8, 8}, Classes: 64,
		Build: func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) {
			x = b.ReLU(b.Dense(b.Flatten(x), "first", 64))
			return b.Dense(x, "second", 64), b.Err()
		},
	}
	for name, deviation := range map[string]float64{"he": math.Sqrt(2. / 64), "glorot": math.Sqrt(2. / 128), "network": 0} {
		cfg := tinyConfig()
		cfg.Initialiser = name
		tr, err := New(cfg, twins, split(t), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		a, b := tr.params.Get("first.weight").Data, tr.params.Get("second.weight").Data
		var ab, aa, bb float64
		for i := range a {
			x, y := float64(a[i]), float64(b[i])
			ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
		}
		n := float64(len(a))
		if r := ab / math.Sqrt(aa*bb); math.Abs(r) > 5/math.Sqrt(n) {
			t.Errorf("%s: two layers' weights have a correlation of %.3f", name, r)
		}
		if got := math.Sqrt(aa / n); deviation > 0 && math.Abs(got/deviation-1) > 5/math.Sqrt(2*n) {
			t.Errorf("%s: a deviation of %.4f, should be %.4f", name, got, deviation)
		}
	}
}
