package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// DenseNet: Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", CVPR
// 2017, arXiv:1608.06993, tables 1 and 2.

const (
	densePaper = "Huang et al., Densely Connected Convolutional Networks, CVPR 2017"
	denseIdea  = "Every layer reads the maps of all layers before it and adds a few of its own: nothing is learned twice, and gradients reach everywhere."
)

// A denseTable is a column of table 1: the layers of each block, the maps that each adds (the growth rate
// k), and the filters of the first convolution.
type denseTable struct {
	blocks       []int
	growth, stem int
}

var (
	densenet121 = Register(denseEntry("densenet121", denseTable{[]int{6, 12, 24, 16}, 32, 64},
		denseVariant("torchvision", 7_978_856, 2_834_161_664, "25.02/7.71; 25.57/8.03 (torchvision)")))
	densenet169 = Register(denseEntry("densenet169", denseTable{[]int{6, 12, 32, 32}, 32, 64},
		denseVariant("torchvision", 14_149_480, 3_359_843_328, "23.80/6.85; 24.40/7.19 (torchvision)")))
	densenet201 = Register(denseEntry("densenet201", denseTable{[]int{6, 12, 48, 32}, 32, 64},
		denseVariant("torchvision", 20_013_928, 4_291_365_888, "22.58/6.34; 23.10/6.63 (torchvision)")))
	densenetBC100 = Register(denseCIFAR("densenet-bc-100", denseTable{[]int{16, 16, 16}, 12, 24},
		denseVariant("cifar", 769_162, 287_929_692, "4.51").noting("for 32×32: growth rate 12, first convolution 3×3 without pooling")))
)

func denseEntry(name string, table denseTable, variants ...VariantInfo) Entry {
	return Entry{
		Name: name, Title: "DenseNet-" + name[8:], Year: 2016, ArXiv: "1608.06993",
		Paper: densePaper, Idea: denseIdea, Variants: variants,
		Recipe: "batch 256, Nesterov's momentum 0.9, weight decay 1e-4, lr 0.1 /10 at epochs 30 and 60 of 90, He initialisation",
		Recipes: []recipe.Recipe{
			{Name: "paper", Config: recipe.Config{
				Epochs: 90, Batch: 256, Initialiser: "he", Augment: recipe.Augmentation{"resized-crop", "flip"}, Resize: 256, Crop: 224,
				Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4},
				Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{30, 60}, Gamma: 0.1},
			}},
			recipe.Quick(5, 32, 0.05),
		},
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node { return denseNet(b, x, o, table) },
	}
}

// denseCIFAR is the form for 32×32 images (sections 3 and 4.1): three blocks, and a first convolution of 2k
// filters of 3×3. Without augmentation the paper adds dropout of 0.2 after each convolution.
func denseCIFAR(name string, table denseTable, variant VariantInfo) Entry {
	e := denseEntry(name, table)
	e.Title = "DenseNet-BC-100 for CIFAR, k 12"
	e.Recipe = "batch 64, Nesterov's momentum 0.9, weight decay 1e-4, lr 0.1 /10 at half and three quarters of 300 epochs, 4-pixel pad, crop and flip"
	e.Recipes = []recipe.Recipe{
		{Name: "paper", Config: recipe.Config{
			Epochs: 300, Batch: 64, Initialiser: "he", Augment: recipe.Augmentation{"crop(4)", "flip"},
			Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-4},
			Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{150, 225}, Gamma: 0.1},
		}},
		recipe.Quick(12, 64, 0.1),
	}
	variant.Options.Classes, variant.Options.Input = 10, [3]int{3, 32, 32}
	e.Variants = []VariantInfo{variant}
	return e
}

func denseVariant(name string, params, macs int64, paperError string) VariantInfo {
	return VariantInfo{
		Name: name, Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
		Takes: []string{"width", "dropout"}, Params: params, MACs: macs, PaperError: paperError,
	}
}

// DenseNet121 is the 121-layer column of Huang et al. (arXiv:1608.06993, table 1), which is torchvision's
// as well.
//
// Input N×3×224×224; 7,978,856 parameters; 2.834 GMAC. Options of all densely connected networks:
// [Dropout], after every 3×3 convolution and none by default, and [Width], which multiplies the growth
// rate.
func DenseNet121(opts ...Option) *Model { return densenet121(opts...) }

// DenseNet169 is the 169-layer column: 14,149,480 parameters; 3.360 GMAC.
func DenseNet169(opts ...Option) *Model { return densenet169(opts...) }

// DenseNet201 is the 201-layer column: 20,013,928 parameters; 4.291 GMAC.
func DenseNet201(opts ...Option) *Model { return densenet201(opts...) }

// DenseNetBC100 is DenseNet-BC for 32×32 images with 100 layers and growth rate 12 (table 2): 769,162
// parameters; 0.288 GMAC.
func DenseNetBC100(opts ...Option) *Model { return densenetBC100(opts...) }

// denseNet builds a column of table 1. In a layer, batch normalisation and ReLU come before the
// convolution; the 1×1 makes 4k maps, from which the 3×3 makes k (section 3, "bottleneck layers").
// Transitions halve the maps and their sides ("compression"). Names are torchvision's.
func denseNet(b *graph.Builder, x *gorgonia.Node, o Options, table denseTable) *gorgonia.Node {
	b.DefaultInit(graph.He(), graph.Constant(0))
	normalised := func(x *gorgonia.Node, name string) *gorgonia.Node { return b.ReLU(b.BatchNorm(x, name, 1e-5, 0.1)) }
	if o.Variant == "cifar" {
		x = b.Conv(x, "features.conv0", o.units(table.stem, 1), 3, graph.Pad(1), graph.NoBias()) // 24×32×32
	} else {
		x = b.Conv(x, "features.conv0", o.units(table.stem, 1), 7, graph.Stride(2), graph.Pad(3), graph.NoBias()) // 64×112×112
		x = b.MaxPool(normalised(x, "features.norm0"), 3, graph.Stride(2), graph.Pad(1))                          // 64×56×56
	}
	growth := o.units(table.growth, 1)
	for i, layers := range table.blocks {
		for l := range layers {
			name := fmt.Sprintf("features.denseblock%d.denselayer%d.", i+1, l+1)
			y := b.Conv(normalised(x, name+"norm1"), name+"conv1", 4*growth, 1, graph.NoBias())
			y = b.Conv(normalised(y, name+"norm2"), name+"conv2", growth, 3, graph.Pad(1), graph.NoBias())
			x = b.Concat(x, b.Dropout(y, o.rate(0)))
		}
		if i < len(table.blocks)-1 {
			name := fmt.Sprintf("features.transition%d.", i+1)
			x = b.Conv(normalised(x, name+"norm"), name+"conv", channels(x)/2, 1, graph.NoBias())
			x = b.AvgPool(x, 2) // 121: 128×28×28, 256×14×14, 512×7×7
		}
	}
	x = b.GlobalAvgPool(normalised(x, "features.norm5")) // 121: 1024
	return b.Dense(x, "classifier", o.Classes, graph.Init(graph.FanInUniform(), nil))
}
