package zoo

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// SENet: Hu, Shen, Albanie, Sun and Wu, "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507.

var seResNet50 = Register(Entry{
	Name: "se-resnet50", Title: "SE-ResNet-50", Year: 2017, ArXiv: "1709.01507",
	Paper:    "Hu et al., Squeeze-and-Excitation Networks, CVPR 2018",
	Idea:     "A look at the averages of all maps decides how much each of them counts: an eighth more weights, hardly more work.",
	Recipe:   "batch 1024, momentum 0.9, weight decay 1e-4, lr 0.6 /10 every 30 of 100 epochs, crops of 8-100 % of the area",
	Variants: []VariantInfo{resnetVariant("torchvision", "B", 28_088_024, 4_091_699_200, "23.29/6.62").withExcitation(16)},
	Recipes: []recipe.Recipe{
		// Section 4: batches of 1,024, rate 0.6 divided by 10 every 30 of 100 passes.
		{Name: "paper", Config: recipe.Config{
			Epochs: 100, Batch: 1024, Initialiser: "he", Augment: recipe.Augmentation{"resized-crop", "flip"}, Resize: 256, Crop: 224,
			Optimizer: recipe.Optimizer{LR: 0.6, Momentum: 0.9, WeightDecay: 1e-4},
			Schedule:  recipe.Schedule{Name: "step", Every: 30, Gamma: 0.1},
		}},
		recipe.Quick(5, 32, 0.05).With(func(c *recipe.Config) { c.Smoothing = 0.1 }),
	},
	Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
		return resnet(b, x, o, residualTable{3, 4, 6, 3}, bottleneck)
	},
})

func (v VariantInfo) withExcitation(reduction int) VariantInfo {
	v.Options.Excitation = reduction
	return v.noting("torchvision's ResNet-50, strides on the 3×3 convolutions; reduction 16")
}

// SEResNet50 is ResNet-50 with squeeze-and-excitation in every block (arXiv:1709.01507, table 2). Other
// residual networks get it by the option [SqueezeExcitation].
//
// Input N×3×224×224; 28,088,024 parameters; 4.092 GMAC. Options: [Shortcut], [SqueezeExcitation], [Width].
func SEResNet50(opts ...Option) *Model { return seResNet50(opts...) }

// squeezeExcite weights the maps of x by what their averages say (section 3, figure 2): a layer of few
// units, an activation, a layer of a unit for each map, and the gate. Both layers have biases, as in the
// authors' published weights, and are 1×1 convolutions of maps of one pixel; names are torchvision's.
func squeezeExcite(b *graph.Builder, x *gorgonia.Node, name string, squeezed int, inner, gate graph.Activation) *gorgonia.Node {
	s := b.AdaptiveAvgPool(x, 1, 1)
	s = b.Activate(b.Conv(s, name+".fc1", squeezed, 1), inner)
	s = b.Activate(b.Conv(s, name+".fc2", channels(x), 1), gate)
	return b.Excite(x, s)
}
