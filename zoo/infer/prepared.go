package infer

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strconv"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// Input is the shape of one prepared image: channels, height, width.
func (c *Classifier) Input() [3]int {
	if c.model == nil {
		return [3]int{}
	}
	return c.model.Input
}

// Classes are the names of the classes in the order of the output: their numbers where the weights have no
// names.
func (c *Classifier) Classes() []string {
	if len(c.meta.ClassNames) > 0 {
		return slices.Clone(c.meta.ClassNames)
	}
	if c.model == nil {
		return nil
	}
	names := make([]string, c.model.Classes)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// Parameters are the network's weights. They are shared with the classifier: do not change them.
func (c *Classifier) Parameters() *graph.Params {
	if c.runner == nil {
		return nil
	}
	return c.runner.params
}

// Prepare writes an image to dst as the network takes it, C×H×W, ready for [Classifier.Compute].
func (c *Classifier) Prepare(dst []float32, img image.Image) error {
	if c.runner == nil {
		return errNotMade
	}
	if len(dst) != c.input.Len() {
		return fmt.Errorf("%s: room for %d numbers: an image of %d×%d×%d has %d", c.name, len(dst), c.model.Input[0], c.model.Input[1], c.model.Input[2], c.input.Len())
	}
	if img == nil {
		return c.imageError(0, 1, fmt.Errorf("is nil"))
	}
	p, err := c.runner.preparer(c.input)
	if err != nil {
		return err
	}
	defer c.runner.preparers.Put(p)
	if err := c.prepare(p, dst, img); err != nil {
		return c.imageError(0, 1, err)
	}
	return nil
}

// Compute writes the logits of n prepared images, x, N×C×H×W: Classes numbers for each. It may be called
// from many goroutines; images that come together share steps of the network.
func (c *Classifier) Compute(x []float32, n int, logits []float32) error {
	if c.runner == nil {
		return errNotMade
	}
	one, k := c.input.Len(), c.model.Classes
	if n < 1 || len(x) != n*one || len(logits) != n*k {
		return fmt.Errorf("%s: %d images in %d numbers, with room for %d: should be %d and %d an image", c.name, n, len(x), len(logits), one, k)
	}
	for from := 0; from < n; from += StepImages {
		m := min(StepImages, n-from)
		part := x[from*one : (from+m)*one]
		if m >= fewImages && m < StepImages {
			room := c.runner.room(StepImages * one)
			defer c.runner.rooms.Put(room)
			copy(*room, part)
			part = (*room)[:StepImages*one]
		}
		err := c.runner.compute(context.Background(), part, m, func(i int, o Outputs) error {
			for _, v := range o.Logits {
				if v-v != 0 {
					return fmt.Errorf("%s: %s answers %v: the weights are damaged, or were trained too fast", c.name, c.model.Name, v)
				}
			}
			copy(logits[(from+i)*k:], o.Logits)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// preparer takes one that is free, or makes one.
func (r *runner) preparer(in datasets.Input) (*preparer, error) {
	if p, _ := r.preparers.Get().(*preparer); p != nil {
		return p, nil
	}
	made, err := datasets.NewPreparer(in)
	if err != nil {
		return nil, err
	}
	return &preparer{Preparer: made}, nil
}

// room takes memory for a step's images.
func (r *runner) room(floats int) *[]float32 {
	if x, _ := r.rooms.Get().(*[]float32); x != nil && len(*x) >= floats {
		return x
	}
	x := make([]float32, floats)
	return &x
}
