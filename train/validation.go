package train

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// How much of the training images is held out where nothing else is said: a tenth, as He et al. 2015 hold out 5,000 of
// CIFAR-10's 50,000, or a fifth of a few.
const (
	heldOut    = 0.1
	heldOutFew = 0.2
	few        = 5000 // training images
)

// Divide returns the images that a run learns from and those that choose its best weights, and the configuration in
// which Val says which these are. The test part is neither, unless Val asks for it.
func Divide(cfg recipe.Config, data datasets.Split) (learn, choose datasets.Source, _ recipe.Config, err error) {
	if data.Train == nil {
		return nil, nil, cfg, errors.New("the data set has no part to train on")
	}
	bad := func(want string) error {
		return &recipe.ConfigError{Key: "val", Value: strconv.Quote(cfg.Val), Want: want}
	}
	if cfg.Val == "" {
		switch {
		case data.Val != nil:
			cfg.Val = string(datasets.Val)
		case data.Train.Len() < few:
			cfg.Val = fmt.Sprint(heldOutFew)
		default:
			cfg.Val = fmt.Sprint(heldOut)
		}
	}
	switch part := datasets.Part(cfg.Val); part {
	case datasets.Val, datasets.Test:
		if choose = data.Part(part); choose == nil {
			return nil, nil, cfg, bad(fmt.Sprintf("a fraction of the training images, such as %v: %s has no part %s", heldOut, data.Train.Info().Name, part))
		}
		return data.Train, choose, cfg, nil
	case datasets.Train:
		return nil, nil, cfg, bad("other images than those that are learned: a fraction to hold out, or val or test")
	}
	fraction, err := strconv.ParseFloat(cfg.Val, 64)
	if err != nil || !(fraction > 0 && fraction < 1) {
		return nil, nil, cfg, bad("a fraction of the training images between 0 and 1, or a part: val or test")
	}
	rest, held, err := datasets.HoldOut(data.Train, fraction, cfg.ValSeed)
	if err != nil {
		return nil, nil, cfg, err
	}
	return rest, held, cfg, nil
}

// chosenBy says which images choose the best weights, for the plan.
func chosenBy(cfg recipe.Config, learn, choose datasets.Source) string {
	n := report.Group(int64(choose.Len()))
	if s, ok := choose.(*datasets.Subset); ok {
		return fmt.Sprintf("the best weights are chosen by %s of the %s training images, held out (--val %s)", n, report.Group(int64(s.Of().Len())), cfg.Val)
	}
	if cfg.Val == string(datasets.Test) {
		return fmt.Sprintf("the best weights are chosen by the %s test images themselves (--val test): their error on them is too low", n)
	}
	return fmt.Sprintf("the best weights are chosen by the %s images of the part val", n)
}

// classCounts are the numbers of a source's images by class.
func classCounts(src datasets.Source) []int {
	n := make([]int, len(src.Info().Classes))
	if len(n) == 0 {
		return nil
	}
	for i := range src.Len() {
		if l := src.Label(i); l >= 0 && l < len(n) {
			n[l]++
		}
	}
	return n
}

// learnable says why nothing can be learned from classes.
func learnable(src datasets.Source, counts []int) error {
	info := src.Info()
	switch {
	case len(info.Classes) == 1:
		return fmt.Errorf("%s: one class alone, %s: there is nothing to tell apart", info.Name, report.Plain(info.Classes[0]))
	case len(info.Classes) > 1 && slices.Max(counts) == cmp.Or(sum(counts), 1):
		return fmt.Errorf("%s: all training images are of one class, %s: there is nothing to tell apart", info.Name, report.Plain(info.Classes[slices.Index(counts, slices.Max(counts))]))
	}
	return nil
}

func sum(list []int) (n int) {
	for _, v := range list {
		n += v
	}
	return n
}

// balancedWeights are the weights of classes in the loss that give each class the same part of it: the number of images
// over the number of classes and that of the class's own images. Classes without images have 0.
func balancedWeights(counts []int) []float32 {
	present := 0
	for _, n := range counts {
		if n > 0 {
			present++
		}
	}
	w := make([]float32, len(counts))
	for c, n := range counts {
		if n > 0 {
			w[c] = float32(float64(sum(counts)) / float64(present) / float64(n))
		}
	}
	return w
}
