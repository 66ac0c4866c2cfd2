package datasets_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	_ "github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
)

// The batches of an epoch, as AlexNet takes them.
func Example() {
	set, err := datasets.Open("fashion-mnist-small", "")
	if err != nil {
		log.Fatal(err)
	}
	loader, err := datasets.NewLoader(set.Train, datasets.Config{
		Batch:   32,
		Input:   datasets.Input{Shape: datasets.Shape{C: 3, H: 227, W: 227}},
		Seed:    1,
		Shuffle: true,
		Limit:   72,
	})
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			log.Fatal(err)
		}
		// A training step on batch.Images, N×3×227×227, and batch.Labels comes here.
		fmt.Println(batch.Number, batch.N, len(batch.Images) == batch.N*3*227*227)
	}
	// Output:
	// 0 32 true
	// 1 32 true
	// 2 8 true
}

// A source of one's own images; here four of one pixel.
func ExampleNewMemory() {
	src, err := datasets.NewMemory(datasets.Info{
		Name:    "greys",
		Classes: []string{"dark", "light"},
		Shape:   datasets.Shape{C: 1, H: 1, W: 1},
	}, []uint8{0, 51, 204, 255}, []int32{0, 0, 1, 1})
	if err != nil {
		log.Fatal(err)
	}
	loader, err := datasets.NewLoader(src, datasets.Config{Batch: 4})
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(batch.Images, batch.Labels)
	}
	// Output:
	// [0 0.2 0.8 1] [0 0 1 1]
}

// invert is a transform that makes every second image, by chance, its negative.
type invert struct{}

func (invert) Apply(s *datasets.Sample) error {
	if s.Rand.IntN(2) == 0 {
		for i, p := range s.Image.Pix {
			s.Image.Pix[i] = 255 - p
		}
	}
	return nil
}

func ExampleTransform() {
	src, err := datasets.NewMemory(datasets.Info{
		Name:    "black",
		Classes: []string{"black"},
		Shape:   datasets.Shape{C: 1, H: 1, W: 1},
	}, make([]uint8, 8), make([]int32, 8))
	if err != nil {
		log.Fatal(err)
	}
	loader, err := datasets.NewLoader(src, datasets.Config{Batch: 8, Seed: 1, Transforms: []datasets.Transform{invert{}}})
	if err != nil {
		log.Fatal(err)
	}
	for epoch := range 2 {
		for batch, err := range loader.Epoch(context.Background(), epoch, 0) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(batch.Images)
		}
	}
	// Output:
	// [0 1 1 0 1 0 1 0]
	// [1 0 0 0 0 0 0 1]
}

func ExampleOpen_unknown() {
	_, err := datasets.Open("fashion-minst", "")
	fmt.Println(err)
	// Output:
	// unknown data set "fashion-minst": did you mean "fashion-mnist"?
}

// One image, prepared as the loader prepares those of a batch.
func ExamplePreparer() {
	p, err := datasets.NewPreparer(datasets.Input{
		Shape: datasets.Shape{C: 1, H: 1, W: 2},
		Mean:  []float32{0.5},
		Std:   []float32{0.5},
	})
	if err != nil {
		log.Fatal(err)
	}
	img := datasets.Image{Shape: datasets.Shape{C: 1, H: 2, W: 2}, Pix: []uint8{0, 255, 0, 255}}
	values := make([]float32, 2)
	if err := p.Prepare(values, &img); err != nil {
		log.Fatal(err)
	}
	fmt.Println(values)
	// Output:
	// [-1 1]
}
