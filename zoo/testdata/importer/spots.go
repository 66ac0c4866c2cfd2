package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// SpotNet is a network of one's own: what is registered trains, resumes, loads, predicts and exports as the zoo's
// own networks do.
var SpotNet = zoo.Register(zoo.Entry{
	Name: "spotnet", Title: "SpotNet", Year: 2026,
	Idea:  "Two convolutions find spots, wherever they are.",
	Input: [3]int{1, 12, 12}, Classes: 4,
	Recipes: []recipe.Recipe{
		recipe.Quick(12, 32, 0.1).With(func(c *recipe.Config) { c.Augment = recipe.Augmentation{"dim(0.8)", "flip"} }),
	},
	Build: func(b *graph.Builder, x *gorgonia.Node, o zoo.Options) *gorgonia.Node {
		b.DefaultInit(graph.He(), graph.Constant(0))
		x = b.ReLU(b.Conv(x, "conv1", 8, 3, graph.Same())) // 8×12×12
		x = b.MaxPool(x, 2)                                // 8×6×6
		x = b.ReLU(b.Conv(x, "conv2", 16, 3))              // 16×4×4
		return b.Dense(b.Flatten(x), "fc", o.Classes)      // 4
	},
})

// Spots is a data set of one's own: each image has bright spots in some of its four corners, a label for each corner.
// Its class, for losses that want one, is the first corner with a spot.
type Spots struct {
	part    datasets.Part
	corners [][4]float32
	seed    uint64
}

// NewSpots draws so many images.
func NewSpots(part datasets.Part, n int, seed uint64) *Spots {
	s := &Spots{part: part, seed: seed}
	r := rand.New(rand.NewPCG(seed, 1))
	for range n {
		var c [4]float32
		c[r.IntN(4)] = 1 // at least one
		for i := range c {
			if r.IntN(3) == 0 {
				c[i] = 1
			}
		}
		s.corners = append(s.corners, c)
	}
	return s
}

// Info names the corners.
func (s *Spots) Info() datasets.Info {
	return datasets.Info{
		Name: "spots", Part: s.part, Classes: []string{"north-west", "north-east", "south-west", "south-east"},
		Shape: image.Shape{C: 1, H: 12, W: 12}, Mean: []float32{0.3}, Std: []float32{0.3},
	}
}

// Len is the number of images.
func (s *Spots) Len() int { return len(s.corners) }

// Label is the first corner with a spot.
func (s *Spots) Label(i int) int {
	for c, v := range s.corners[i] {
		if v > 0 {
			return c
		}
	}
	return 0
}

// Target says of each corner whether there is a spot.
func (s *Spots) Target(i int, dst []float32) { copy(dst, s.corners[i][:]) }

// Image draws the spots on noise.
func (s *Spots) Image(i int, dst *image.Image) error {
	dst.Reset(image.Shape{C: 1, H: 12, W: 12})
	r := rand.New(rand.NewPCG(s.seed, uint64(i)+2))
	for p := range dst.Pix {
		dst.Pix[p] = uint8(r.IntN(100))
	}
	for c, v := range s.corners[i] {
		if v == 0 {
			continue
		}
		y, x := 6*(c/2)+1+r.IntN(3), 6*(c%2)+1+r.IntN(3)
		for dy := range 2 {
			for dx := range 2 {
				dst.Pix[12*(y+dy)+x+dx] = 255
			}
		}
	}
	return nil
}

// Checksum identifies the images and labels.
func (s *Spots) Checksum() (string, error) {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Append(nil, s.part, s.seed, s.corners))), nil
}

// Dim is an augmentation of one's own: it darkens an image by a factor between Least and 1.
type Dim struct {
	Least float64 `param:"least (0,1]"`
}

// Apply darkens one image.
func (d Dim) Apply(s *augment.Sample) error {
	by := d.Least + (1-d.Least)*s.Rand.Float64()
	for i, v := range s.Image.Pix {
		s.Image.Pix[i] = uint8(float64(v) * by)
	}
	return nil
}

func init() {
	augment.Register(augment.Kind{Name: "dim", About: "darkens an image", Default: Dim{Least: 0.5}})
}
