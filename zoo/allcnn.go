package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// All-CNN: Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving for Simplicity: The All
// Convolutional Net", ICLR 2015 workshop, arXiv:1412.6806, tables 1 and 2.

// An allCNNLayer is a convolution of table 2, or with no filters a pooling of 3×3 with stride 2. A layer
// that shrinks its input is followed by dropout.
type allCNNLayer struct{ filters, kernel, stride int }

var (
	allCNN = registerAllCNN("allcnn-c", "All-CNN-C", 1_369_738, 281_174_016, "9.08 (7.25 with augmentation)", []allCNNLayer{
		{96, 3, 1}, {96, 3, 1}, {96, 3, 2}, // 96×32×32, 96×16×16
		{192, 3, 1}, {192, 3, 1}, {192, 3, 2}, // 192×16×16, 192×8×8
		{192, 3, 1}, {192, 1, 1}, // 192×8×8
	})
	convPoolCNN = registerAllCNN("convpool-cnn-c", "ConvPool-CNN-C", 1_369_738, 408_576_000, "9.31", []allCNNLayer{
		{96, 3, 1}, {96, 3, 1}, {96, 3, 1}, {0, 3, 2}, // 96×32×32, 96×16×16
		{192, 3, 1}, {192, 3, 1}, {192, 3, 1}, {0, 3, 2}, // 192×16×16, 192×8×8
		{192, 3, 1}, {192, 1, 1}, // 192×8×8
	})
	stridedCNN = registerAllCNN("strided-cnn-c", "Strided-CNN-C", 954_730, 111_304_704, "10.19", []allCNNLayer{
		{96, 3, 1}, {96, 3, 2}, // 96×32×32, 96×16×16
		{192, 3, 1}, {192, 3, 2}, // 192×16×16, 192×8×8
		{192, 3, 1}, {192, 1, 1}, // 192×8×8
	})
)

func registerAllCNN(name, title string, params, macs int64, paperError string, layers []allCNNLayer) func(...Option) *Model {
	return Register(Entry{
		Name: name, Title: title, Year: 2014, ArXiv: "1412.6806",
		Paper:  "Springenberg et al., Striving for Simplicity: The All Convolutional Net, ICLR 2015 workshop",
		Idea:   "Nothing but convolutions: strides in place of pooling, 1×1 filters and an average in place of fully connected layers.",
		Recipe: "momentum 0.9, weight decay 1e-3, lr between 0.01 and 0.25, /10 after 200, 250 and 300 of 350 epochs",
		Variants: []VariantInfo{{
			Name: "paper", Options: Options{Classes: 10, Input: [3]int{3, 32, 32}},
			Takes: []string{"width", "dropout"}, Params: params, MACs: macs, PaperError: paperError,
		}},
		Recipes: allCNNRecipes,
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return allConvolutional(b, x, o, layers)
		},
	})
}

var allCNNRecipes = []recipe.Recipe{
	// Section 3.1: 350 passes, momentum 0.9, weight decay 0.001, the rate (of 0.25, 0.1, 0.05 and 0.01 the best)
	// multiplied by 0.1 after 200, 250 and 300 passes; crops after 5 pixels of padding and mirror images.
	{Name: "paper", Config: recipe.Config{
		Epochs: 350, Batch: 128, Augment: recipe.Augmentation{"crop(5)", "flip"},
		Optimizer: recipe.Optimizer{LR: 0.05, Momentum: 0.9, WeightDecay: 1e-3},
		Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{200, 250, 300}, Gamma: 0.1},
	}},
	recipe.Quick(10, 64, 0.05).With(func(c *recipe.Config) {
		c.Initialiser, c.Optimizer.WeightDecay, c.Optimizer.Clip = "he", 1e-3, 5
	}),
}

// AllCNN is All-CNN-C (Springenberg et al., arXiv:1412.6806, table 2): model C of table 1 with a strided
// convolution in place of each pooling.
//
// Input N×3×32×32; 1,369,738 parameters; 0.281 GMAC. Options: [Width], [Dropout].
func AllCNN(opts ...Option) *Model { return allCNN(opts...) }

// ConvPoolCNN is ConvPool-CNN-C, All-CNN-C with convolution and pooling in place of each strided
// convolution: 1,369,738 parameters; 0.409 GMAC.
func ConvPoolCNN(opts ...Option) *Model { return convPoolCNN(opts...) }

// StridedCNN is Strided-CNN-C, model C with strides in place of pooling and nothing added: 954,730
// parameters; 0.111 GMAC.
func StridedCNN(opts ...Option) *Model { return stridedCNN(opts...) }

// allConvolutional pads every 3×3 convolution, so that maps keep their size; the average is over 8×8
// where table 1, with no padding in the seventh convolution, has 6×6. Dropout is 0.2 on the image and
// 0.5 after each layer that shrinks (section 3.1).
func allConvolutional(b *graph.Builder, x *gorgonia.Node, o Options, layers []allCNNLayer) *gorgonia.Node {
	b.DefaultInit(graph.He(), graph.Constant(0))
	x = b.Dropout(x, o.rate(0.2))
	number := 0
	conv := func(filters, kernel, stride int) {
		number++
		name := fmt.Sprintf("conv%d", number)
		x = b.ReLU(b.Conv(x, name, filters, kernel, graph.Stride(stride), graph.Pad(kernel/2)))
	}
	for _, l := range layers {
		if l.filters > 0 {
			conv(o.units(l.filters, 1), l.kernel, l.stride)
		} else {
			x = b.MaxPool(x, l.kernel, graph.Stride(l.stride), graph.Pad(1))
		}
		if l.stride > 1 {
			x = b.Dropout(x, o.rate(0.5))
		}
	}
	conv(o.Classes, 1, 1) // 10×8×8
	return b.GlobalAvgPool(x)
}
