package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// review is what an evaluation remembers of each image.
type review struct {
	index []int // in the source
	label []int32
	top   []int32   // class with the highest probability
	loss  []float64 // -log of the right class's probability
}

// add remembers a batch by its probabilities, N×classes. Order, if not nil, says where each class stands in them and in
// the labels.
func (r *review) add(b *datasets.Batch, p []float64, classes int, order []int) {
	of := make([]float64, classes)
	for i := range b.N {
		label := int(b.Labels[i])
		for c := range of {
			of[c] = p[inOrder(i*classes+c, classes, order)]
		}
		if order != nil {
			label = slices.Index(order, label)
		}
		r.index = append(r.index, b.Index[i])
		r.label = append(r.label, int32(label))
		r.judge(of, float32(label))
	}
}

func (r *review) judge(p []float64, label float32) {
	best := 0
	for c, v := range p {
		if v > p[best] {
			best = c
		}
	}
	r.top = append(r.top, int32(best))
	r.loss = append(r.loss, -math.Log(max(p[int(label)], math.SmallestNonzeroFloat64)))
}

// average judges the images again by the sum of members' probabilities.
func (r *review) average(sum []float64, classes, members int) report.Metrics {
	var t tally
	mean := make([]float32, classes)
	r.top, r.loss = nil, nil
	for i, label := range r.label {
		p := sum[i*classes : (i+1)*classes]
		for c, v := range p {
			mean[c] = float32(v)
			p[c] = v / float64(members)
		}
		t.count(mean, []float32{float32(label)}, classes)
		r.judge(p, float32(label))
		t.Loss += r.loss[i]
	}
	return t.metrics()
}

// worst lists the mistakes with the least probable right classes.
func (r *review) worst(n int, classes []string, of datasets.Source) ([]report.Mistake, error) {
	var wrong []int
	for i := range r.label {
		if r.top[i] != r.label[i] {
			wrong = append(wrong, i)
		}
	}
	slices.SortStableFunc(wrong, func(a, b int) int { return cmp.Compare(r.loss[b], r.loss[a]) })
	var list []report.Mistake
	for _, i := range wrong[:min(n, len(wrong))] {
		file, err := datasets.Path(of, r.index[i])
		if err != nil {
			return nil, err
		}
		list = append(list, report.Mistake{Index: r.index[i], File: file, Class: className(classes, int(r.label[i])), Predicted: className(classes, int(r.top[i])), Probability: math.Exp(-r.loss[i])})
	}
	return list, nil
}

// confusion counts the images by their class and the one that they were put into.
func (r *review) confusion(names []string, classes int) report.Confusion {
	c := report.Confusion{Counts: make([][]int, classes)}
	for i := range c.Counts {
		c.Classes = append(c.Classes, className(names, i))
		c.Counts[i] = make([]int, classes)
	}
	for i, label := range r.label {
		c.Counts[label][r.top[i]]++
	}
	return c
}

func className(names []string, i int) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return fmt.Sprint(i)
}
