// Command importer uses the zoo as a program of one's own does: a network, a data set, an augmentation and losses that
// the zoo does not know, trained by its trainer, loaded, asked from many goroutines at once, and exported.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"sync"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

func main() {
	log.SetFlags(0)
	dir, err := os.MkdirTemp("", "importer")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := run(dir); err != nil {
		log.Fatal(err)
	}
}

func run(dir string) error {
	data := datasets.Split{Train: NewSpots(datasets.Train, 512, 1), Val: NewSpots(datasets.Val, 120, 2)}

	// Several labels for each image.
	corners := train.Of(SpotNet())
	corners.Objective = train.MultiLabel(4)
	many, err := fit(corners, data, filepath.Join(dir, "corners"))
	if err != nil {
		return err
	}
	fmt.Printf("corners learned: %v\n", many.Best.Val.Top1 <= 0.05)
	if many.Best.Val.Top1 > 0.05 {
		return errors.New("the corners were not learned")
	}

	// A loss of one's own: images whose first spot is in the same corner shall come to lie close together.
	near := train.Of(SpotNet(zoo.Classes(8)))
	near.Objective = &train.Objective{Name: "triplet loss", Loss: Triplet}
	close, err := fit(near, data, filepath.Join(dir, "near"))
	if err != nil {
		return err
	}
	first, last := close.Last.Train.Loss, close.Best.Val.Loss
	fmt.Printf("triplet loss below a quarter of the margin: %v\n", last < 0.25)
	if last >= 0.25 {
		return fmt.Errorf("a triplet loss of %v in training, %v on other images", first, last)
	}

	// It goes on beyond its end, by its name in the registry alone.
	cfg, err := train.ReadConfig(close.Folder)
	if err != nil {
		return err
	}
	cfg.Epochs++
	again, err := train.Resume(close.Folder, cfg, near, data, train.Options{})
	if err != nil {
		return err
	}
	defer again.Close()
	if more, err := again.Run(context.Background()); err != nil || more.Steps <= close.Steps {
		return fmt.Errorf("going on: %+v, %w", more, err)
	}

	if err := ask(many.BestWeights, data.Val); err != nil {
		return err
	}
	if err := measure(many.BestWeights, corners, data.Val, many.Best.Val.Loss); err != nil {
		return err
	}
	file, err := weights.Load(many.BestWeights)
	if err != nil {
		return err
	}
	exported := filepath.Join(dir, "corners.onnx")
	if err := infer.SaveONNX(exported, file, onnx.Config{Fold: true}); err != nil {
		return err
	}
	info, err := os.Stat(exported)
	if err != nil {
		return err
	}
	e, err := zoo.Lookup("spotnet")
	if err != nil {
		return err
	}
	fmt.Printf("exported %s with %d parameters: %v\n", e.Title, e.Params, info.Size() > 4*e.Params)
	return nil
}

// fit trains a network by the recipe that it was registered with.
func fit(net train.Network, data datasets.Split, folder string) (r report.Result, err error) {
	m, err := zoo.New(net.Name)
	if err != nil {
		return r, err
	}
	quick, err := m.Recipe("quick", "spots")
	if err != nil {
		return r, err
	}
	t, err := train.New(quick.Config, net, data, train.Options{Folder: folder})
	if err != nil {
		return r, err
	}
	defer t.Close()
	return t.Run(context.Background())
}

// Triplet is the mean over all triplets of an image, one of its class and one of another of max(0, d(same) - d(other) +
// 1), d being the squared distance of two outputs. Its nodes are the builder's and Gorgonia's own.
func Triplet(b *graph.Builder, output, labels *gorgonia.Node) *gorgonia.Node {
	n, wide := output.Shape()[0], output.Shape()[1]
	apply := func(x *gorgonia.Node, f graph.Function) *gorgonia.Node { return b.Apply(x, f) }
	apart := b.Combine(b.Reshape(output, n, 1, wide), b.Reshape(output, 1, n, wide), graph.Minus)
	d := b.Reduce(apply(apart, graph.Function{Kind: graph.Square}), graph.SumOf, 2) // n×n×1
	other := apply(b.Combine(b.Reshape(labels, n, 1), b.Reshape(labels, 1, n), graph.Minus), graph.Function{Kind: graph.Abs})
	other = apply(other, graph.Function{Kind: graph.Clip, B: 1}) // 1 where the classes differ
	same := apply(other, graph.Function{Kind: graph.Linear, A: -1, B: 1})
	hinge := b.ReLU(apply(b.Combine(b.Reshape(d, n, n, 1), b.Reshape(d, n, 1, n), graph.Minus), graph.Function{Kind: graph.Linear, A: 1, B: 1}))
	triplets := b.Combine(b.Reshape(same, n, n, 1), b.Reshape(other, n, 1, n), graph.Times) // n×n×n
	total, err := gorgonia.Sum(b.Combine(triplets, hinge, graph.Times))
	if err != nil {
		b.Errorf("triplet loss: %w", err)
		return nil
	}
	number, err := gorgonia.Sum(apply(triplets, graph.Function{Kind: graph.Linear, A: 1, B: 1e-9}))
	if err != nil {
		b.Errorf("triplet loss: %w", err)
		return nil
	}
	loss, err := gorgonia.Div(total, number)
	if err != nil {
		b.Errorf("triplet loss: %w", err)
		return nil
	}
	return loss
}

// ask loads the weights and asks for every image from 64 goroutines, which all have to hear the same.
func ask(path string, src datasets.Source) error {
	model, err := infer.Load(path)
	if err != nil {
		return err
	}
	defer model.Close()
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	said := map[int][]infer.Prediction{}
	wrong := 0
	for g := range 64 {
		all.Go(func() {
			for i := g % 8; i < src.Len(); i += 8 {
				var img image.Image
				err := src.Image(i, &img)
				var list []infer.Prediction
				if err == nil {
					list, err = model.Predict(context.Background(), &img, 4)
				}
				mu.Lock()
				switch before := said[i]; {
				case err != nil:
					failed = err
				case before == nil:
					said[i] = list
					var want [4]float32
					src.(*Spots).Target(i, want[:])
					for _, p := range list {
						if (p.Probability > 0.5) != (want[p.Index] > 0.5) {
							wrong++
						}
					}
				default:
					for k, p := range list {
						if p.Class != before[k].Class || math.Abs(float64(p.Probability-before[k].Probability)) > 1e-6 {
							failed = fmt.Errorf("image %d: %v and %v", i, before, list)
						}
					}
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if failed != nil {
		return failed
	}
	fmt.Printf("64 goroutines agree on %d images, fewer than one label in twenty is wrong: %v\n", len(said), wrong*20 < 4*len(said))
	return nil
}

// measure evaluates the weights again, from their file.
func measure(path string, net train.Network, src datasets.Source, want float64) error {
	e, err := train.Evaluate(context.Background(), train.EvalConfig{
		Weights: []string{path}, Images: src,
		Network: func(m weights.Meta) (train.Network, error) {
			model, err := infer.Stored(m)
			if err != nil {
				return train.Network{}, err
			}
			again := train.Of(model)
			again.Objective = net.Objective
			return again, nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Printf("evaluated as in training: %v\n", e.Loss == want)
	return nil
}
