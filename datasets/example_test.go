package datasets_test

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	_ "github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// The batches of an epoch, as AlexNet takes them.
func Example() {
	set, err := datasets.Open("fashion-mnist-small", "")
	if err != nil {
		log.Fatal(err)
	}
	loader, err := datasets.NewLoader(set.Train, datasets.Config{
		Batch:   32,
		Input:   datasets.Input{Shape: pixels.Shape{C: 3, H: 227, W: 227}},
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
		Shape:   pixels.Shape{C: 1, H: 1, W: 1},
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

func (invert) Apply(s *augment.Sample) error {
	if s.Rand.IntN(2) == 0 {
		for i, p := range s.Image.Pix {
			s.Image.Pix[i] = 255 - p
		}
	}
	return nil
}

func ExampleLoader_transform() {
	src, err := datasets.NewMemory(datasets.Info{
		Name:    "black",
		Classes: []string{"black"},
		Shape:   pixels.Shape{C: 1, H: 1, W: 1},
	}, make([]uint8, 8), make([]int32, 8))
	if err != nil {
		log.Fatal(err)
	}
	loader, err := datasets.NewLoader(src, datasets.Config{Batch: 8, Seed: 1, Transforms: []augment.Transform{invert{}}})
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
		Shape: pixels.Shape{C: 1, H: 1, W: 2},
		Mean:  []float32{0.5},
		Std:   []float32{0.5},
	})
	if err != nil {
		log.Fatal(err)
	}
	img := pixels.Image{Shape: pixels.Shape{C: 1, H: 2, W: 2}, Pix: []uint8{0, 255, 0, 255}}
	values := make([]float32, 2)
	if err := p.Prepare(values, &img); err != nil {
		log.Fatal(err)
	}
	fmt.Println(values)
	// Output:
	// [-1 1]
}

// Training batches with mixed labels, as probabilities.
func ExampleBatch_Targets() {
	src, err := datasets.NewMemory(datasets.Info{
		Name:    "greys",
		Classes: []string{"dark", "light"},
		Shape:   pixels.Shape{C: 1, H: 1, W: 1},
	}, []uint8{0, 255}, []int32{0, 1})
	if err != nil {
		log.Fatal(err)
	}
	mixup, err := augment.Parse("mixup(1)")
	if err != nil {
		log.Fatal(err)
	}
	loader, err := datasets.NewLoader(src, datasets.Config{Batch: 2, Seed: 2, Augment: mixup})
	if err != nil {
		log.Fatal(err)
	}
	targets := make([]float32, 2*2)
	for batch, err := range loader.Epoch(context.Background(), 0, 0) {
		if err != nil {
			log.Fatal(err)
		}
		batch.Targets(targets, 2, 0)
		fmt.Printf("%.2f %.2f\n", batch.Images, targets)
	}
	// Output:
	// [0.84 0.16] [0.16 0.84 0.84 0.16]
}

// The ten views that AlexNet's evaluation averages.
func ExamplePreparer_PrepareViews() {
	in := datasets.Input{Shape: pixels.Shape{C: 3, H: 224, W: 224}, Resize: 256, Crop: 224}
	p, err := datasets.NewPreparer(in)
	if err != nil {
		log.Fatal(err)
	}
	var photo pixels.Image
	photo.Reset(pixels.Shape{C: 3, H: 300, W: 400})
	views := datasets.Views{Crops: 10}
	values := make([]float32, views.Len()*in.Len())
	if err := p.PrepareViews(values, &photo, views); err != nil {
		log.Fatal(err)
	}
	fmt.Println(views.Len(), "views of", in.Shape)
	// Output:
	// 10 views of 3×224×224
}

// A folder of one's own images: the classes are its folders, and a fifth of each is held out to choose the best weights by.
func ExampleOpenFolder() {
	dir, err := os.MkdirTemp("", "photos")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for i := range 10 {
		for _, class := range []string{"cat", "dog"} {
			if err := os.MkdirAll(filepath.Join(dir, class), 0o777); err != nil {
				log.Fatal(err)
			}
			file, err := os.Create(filepath.Join(dir, class, fmt.Sprintf("%d.png", i)))
			if err != nil {
				log.Fatal(err)
			}
			if err := png.Encode(file, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
				log.Fatal(err)
			}
			file.Close()
		}
	}
	set, err := datasets.OpenFolder(dir, datasets.FolderOptions{Name: "pets", NoCache: true})
	if err != nil {
		log.Fatal(err)
	}
	train, val, err := datasets.HoldOut(set.Train, .2, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(train.Info(), train.Len(), val.Info(), val.Len(), train.Info().Classes)
	// Output:
	// pets/train 16 pets/val 4 [cat dog]
}
