package zoo

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// ResNeXt: Xie, Girshick, Dollár, Tu and He, "Aggregated Residual Transformations for Deep Neural
// Networks", CVPR 2017, arXiv:1611.05431, table 1.

var (
	resnext50 = Register(resnextEntry("resnext50", residualTable{3, 4, 6, 3}, inGroups(32, 4), "22.2",
		resnetVariant("torchvision", "B", 25_028_904, 4_230_479_872, "22.2; 22.38/6.30 (torchvision)").noting("32 groups, 4 wide in the first stage")))
	resnext101 = Register(resnextEntry("resnext101", residualTable{3, 4, 23, 3}, inGroups(32, 8), "",
		resnetVariant("torchvision", "B", 88_791_336, 16_414_015_488, "20.69/5.47 (torchvision)").noting("torchvision's: 32 groups, 8 wide in the first stage")))
)

func resnextEntry(name string, table residualTable, block blockKind, paperError string, variant VariantInfo) Entry {
	return Entry{
		Name: name, Title: "ResNeXt-" + name[7:], Year: 2016, ArXiv: "1611.05431",
		Paper:      "Xie et al., Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017",
		Idea:       "ResNet's blocks with the 3×3 in 32 groups: many narrow paths side by side do more than a wide one for the same work.",
		Recipe:     "batch 256, momentum 0.9, weight decay 1e-4, lr 0.1 /10 three times, He initialisation, crops of 8-100 % of the area",
		PaperError: paperError, Variants: []VariantInfo{variant}, Recipes: resnextRecipes,
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return resnet(b, x, o, table, block)
		},
	}
}

// resnextRecipes are section 4: those of fb.resnet.torch, with crops of Szegedy et al.
var resnextRecipes = []recipe.Recipe{
	{Name: "paper", Config: recipe.Config{
		Epochs: 100, Batch: 256, Initialiser: "he", Augment: recipe.Augmentation{"resized-crop", "flip"}, Resize: 256, Crop: 224,
		Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
		Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{30, 60, 90}, Gamma: 0.1},
	}},
	recipe.Quick(5, 32, 0.05).With(func(c *recipe.Config) { c.Smoothing = 0.1 }),
}

// inGroups makes bottleneck blocks whose 3×3 convolution is in groups, each so wide in the first stage
// (figure 3c).
func inGroups(groups, wide int) blockKind {
	return func(width, stride int, _ bool) []convolution {
		inner := max(1, width*wide/64) * groups
		return []convolution{{inner, 1, 1, 1}, {inner, 3, stride, groups}, {4 * width, 1, 1, 1}}
	}
}

// ResNeXt50 is the network of Xie et al. (arXiv:1611.05431, table 1), 32×4d.
//
// Input N×3×224×224; 25,028,904 parameters; 4.230 GMAC. Options: [Shortcut], [SqueezeExcitation], [Width].
func ResNeXt50(opts ...Option) *Model { return resnext50(opts...) }

// ResNeXt101 is torchvision's network of 101 layers, 32×8d: 88,791,336 parameters; 16.41 GMAC.
func ResNeXt101(opts ...Option) *Model { return resnext101(opts...) }
