package train_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// stripes is a data set of one's own: grey images with stripes that run across or down, a few methods of
// [datasets.Source]. Target makes it one for many labels too: whether they run down, and whether they are bright.
type stripes struct {
	part datasets.Part
	n    int
}

func (s stripes) Info() datasets.Info {
	return datasets.Info{Name: "stripes", Part: s.part, Classes: []string{"across", "down"}, Shape: image.Shape{C: 1, H: 20, W: 20}, Mean: []float32{0.3}, Std: []float32{0.3}}
}
func (s stripes) Len() int                  { return s.n }
func (s stripes) Label(i int) int           { return i % 2 }
func (s stripes) Checksum() (string, error) { return fmt.Sprintf("stripes %s %d", s.part, s.n), nil }
func (s stripes) Target(i int, dst []float32) {
	dst[0], dst[1] = float32(i%2), float32(i/2%2)
}

func (s stripes) Image(i int, dst *image.Image) error {
	dst.Reset(image.Shape{C: 1, H: 20, W: 20})
	r := rand.New(rand.NewPCG(uint64(len(s.part)), uint64(i)))
	for p := range dst.Pix {
		along := p / 20
		if s.Label(i) == 1 {
			along = p % 20
		}
		dst.Pix[p] = uint8(r.IntN(40) + along%3/2*(100+100*(i/2%2)))
	}
	return nil
}

// net is a small network for it.
func net() *zoo.Model { return zoo.LeNet5(zoo.Classes(2), zoo.Input(1, 20, 20), zoo.Width(0.5)) }

// settings are those of a run of seconds.
func settings() recipe.Config {
	return recipe.Quick(4, 16, 0.05).For("lenet5", "modern", "stripes").Config
}

var data = datasets.Split{Train: stripes{datasets.Train, 200}, Val: stripes{datasets.Val, 60}}

// A network of the zoo on a data set of one's own, by a recipe, and the evaluation of the weights that it leaves.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	t, err := train.New(settings(), train.Of(net()), data, train.Options{Folder: filepath.Join(dir, "run")}) // Events: &report.Bar{W: os.Stderr} shows a bar
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	result, err := t.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Epochs, "epochs,", result.Best.Val.Result())

	e, err := train.Evaluate(context.Background(), train.EvalConfig{
		Weights: []string{result.BestWeights}, Images: stripes{datasets.Test, 100},
		Network: func(m weights.Meta) (train.Network, error) { return train.Of(net()), nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Images, "other images,", e.Result())
	// Output:
	// 4 epochs, error 0.00 %
	// 100 other images, error 0.00 %
}

// Images that show any number of the classes: each output is a class by itself.
func ExampleMultiLabel() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	many := train.Of(net())
	many.Objective = train.MultiLabel(2)
	cfg := settings()
	cfg.Epochs = 12
	t, err := train.New(cfg, many, data, train.Options{Folder: filepath.Join(dir, "run")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	result, err := t.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Best.Val.Objective, "wrong labels below 5 %:", result.Best.Val.Top1 < 0.05)
	// Output:
	// binary cross-entropy wrong labels below 5 %: true
}

// A loss of one's own is a function from output and targets to a node: here the focal loss of Lin et al. 2017,
// arXiv:1708.02002, -(1 - p)²·log p of the right class's probability p, from the builder's nodes and Gorgonia's.
func ExampleObjective() {
	focal := &train.Objective{
		Name: "focal loss",
		Loss: func(b *graph.Builder, output, labels *gorgonia.Node) *gorgonia.Node {
			n, classes := output.Shape()[0], output.Shape()[1]
			numbers := make([]float32, classes)
			for c := range numbers {
				numbers[c] = float32(c)
			}
			off := b.Apply(b.Combine(b.Reshape(labels, n, 1), b.Values("numbers", numbers, 1, classes), graph.Minus), graph.Function{Kind: graph.Abs})
			right := b.Apply(b.Apply(off, graph.Function{Kind: graph.Clip, B: 1}), graph.Function{Kind: graph.Linear, A: -1, B: 1}) // 1 at the label
			logP := b.LogSoftmax(output, 1)
			rest := b.Apply(b.Softmax(output), graph.Function{Kind: graph.Linear, A: -1, B: 1}) // 1 - p
			each := b.Combine(b.Combine(right, b.Apply(rest, graph.Function{Kind: graph.Square}), graph.Times), logP, graph.Times)
			sum, err := gorgonia.Sum(each)
			if err != nil {
				b.Errorf("focal loss: %w", err)
				return nil
			}
			return b.Apply(sum, graph.Function{Kind: graph.Linear, A: -1 / float32(n)})
		},
		Error: func(output, labels []float32) float64 {
			if output[int(labels[0])] >= max(output[0], output[1]) {
				return 0
			}
			return 1
		},
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	own := train.Of(net())
	own.Objective = focal
	t, err := train.New(settings(), own, data, train.Options{Folder: filepath.Join(dir, "run")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	result, err := t.Run(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Best.Val.Objective, result.Best.Val.Loss < 0.02, result.Best.Val.Top1)
	// Output:
	// focal loss true 0
}
