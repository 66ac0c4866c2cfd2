package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// Wide ResNet: Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016, arXiv:1605.07146, tables 1
// and 8.

const (
	widePaper = "Zagoruyko and Komodakis, Wide Residual Networks, BMVC 2016"
	wideIdea  = "Residual networks get better by width as well as by depth, and wide ones are faster: fewer layers, each with more to do at once."
)

var (
	wideResNet50 = Register(wideEntry("wide-resnet50", residualTable{3, 4, 6, 3},
		resnetVariant("torchvision", "B", 68_883_240, 11_398_021_120, "21.9/6.03; 21.53/5.91 (torchvision)").noting("ResNet-50 with 3×3 convolutions twice as wide")))
	wideResNet101 = Register(wideEntry("wide-resnet101", residualTable{3, 4, 23, 3},
		resnetVariant("torchvision", "B", 126_886_696, 22_753_050_624, "21.15/5.72 (torchvision)").noting("ResNet-101 with 3×3 convolutions twice as wide")))

	wrn16x2  = Register(wrnEntry(16, 2, 691_674, 101_106_944, ""))
	wrn16x4  = Register(wrnEntry(16, 4, 2_748_890, 392_612_352, "5.02"))
	wrn40x4  = Register(wrnEntry(40, 4, 8_949_210, 1_298_582_016, "4.53"))
	wrn28x10 = Register(wrnEntry(28, 10, 36_479_194, 5_243_328_768, "4.00"))
)

func wideEntry(name string, table residualTable, variant VariantInfo) Entry {
	return Entry{
		Name: name, Title: "Wide ResNet-" + name[11:] + "-2", Year: 2016, ArXiv: "1605.07146",
		Paper: widePaper, Idea: wideIdea, Recipe: resnetRecipe, Variants: []VariantInfo{variant}, Recipes: resnetRecipes,
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return resnet(b, x, o, table, inGroups(1, 128))
		},
	}
}

// wrnEntry is WRN-depth-k of table 1, for 32×32 images.
func wrnEntry(depth, k int, params, macs int64, paperError string) Entry {
	return Entry{
		Name: fmt.Sprintf("wrn-%d-%d", depth, k), Title: fmt.Sprintf("WRN-%d-%d for CIFAR", depth, k), Year: 2016, ArXiv: "1605.07146",
		Paper: widePaper, Idea: wideIdea,
		Recipe: "batch 128, Nesterov's momentum 0.9, weight decay 5e-4, lr 0.1 /5 at epochs 60, 120 and 160 of 200, 4-pixel pad, crop and flip",
		Variants: []VariantInfo{{
			Name: "paper", Options: Options{Classes: 10, Input: [3]int{3, 32, 32}, Depth: depth},
			Takes: []string{"width", "depth", "dropout", "excitation"}, Params: params, MACs: macs, PaperError: paperError,
		}},
		Recipes: []recipe.Recipe{
			{Name: "paper", Config: recipe.Config{
				Epochs: 200, Batch: 128, Initialiser: "he", Augment: recipe.Augmentation{"crop(4)", "flip"},
				Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4},
				Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{60, 120, 160}, Gamma: 0.2},
			}},
			recipe.Quick(20, 128, 0.2),
		},
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node { return wideResNet(b, x, o, k) },
	}
}

// WideResNet50 is WRN-50-2-bottleneck of Zagoruyko and Komodakis (arXiv:1605.07146, table 8), torchvision's
// wide_resnet50_2.
//
// Input N×3×224×224; 68,883,240 parameters; 11.40 GMAC. Options: [Shortcut], [SqueezeExcitation], [Width].
func WideResNet50(opts ...Option) *Model { return wideResNet50(opts...) }

// WideResNet101 is the same with 101 layers: 126,886,696 parameters; 22.75 GMAC.
func WideResNet101(opts ...Option) *Model { return wideResNet101(opts...) }

// WRN16x2 is WRN-16-2 (arXiv:1605.07146, table 1): 16 layers for 32×32 images, twice as wide as ResNet's.
//
// Input N×3×32×32; 691,674 parameters; 0.101 GMAC. Options of all four: [Depth], which is 6n + 4;
// [Width], which multiplies the width; [Dropout] between the convolutions of a block, none by default;
// [SqueezeExcitation].
func WRN16x2(opts ...Option) *Model { return wrn16x2(opts...) }

// WRN16x4 is WRN-16-4: 2,748,890 parameters; 0.393 GMAC.
func WRN16x4(opts ...Option) *Model { return wrn16x4(opts...) }

// WRN40x4 is WRN-40-4: 8,949,210 parameters; 1.299 GMAC.
func WRN40x4(opts ...Option) *Model { return wrn40x4(opts...) }

// WRN28x10 is WRN-28-10, the best of table 5: 36,479,194 parameters; 5.243 GMAC.
func WRN28x10(opts ...Option) *Model { return wrn28x10(opts...) }

// wideResNet builds table 1: n blocks each of 16k, 32k and 64k filters, where batch normalisation and ReLU
// come before the convolution (He et al., arXiv:1603.05027). Where the size changes, the shortcut reads what
// the first ReLU gives. Names are those of X. Cheng's PyTorch networks (WideResNet-pytorch).
func wideResNet(b *graph.Builder, x *gorgonia.Node, o Options, k int) *gorgonia.Node {
	if o.Depth < 10 || (o.Depth-4)%6 != 0 {
		b.Errorf("depth %d: a wide residual network has 6n + 4 layers, such as 16, 28 or 40", o.Depth)
		return nil
	}
	b.DefaultInit(graph.HeFanOut(), graph.Constant(0))
	normalised := func(x *gorgonia.Node, name string) *gorgonia.Node { return b.ReLU(b.BatchNorm(x, name, 1e-5, 0.1)) }
	x = b.Conv(x, "conv1", 16, 3, graph.Pad(1), graph.NoBias()) // 16×32×32
	for stage := range 3 {
		filters := o.units(16*k<<stage, 1)
		for i := range (o.Depth - 4) / 6 {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			name, shortcut := fmt.Sprintf("block%d.layer.%d.", stage+1, i), x
			y := normalised(x, name+"bn1")
			if stride != 1 || channels(x) != filters {
				shortcut = b.Conv(y, name+"convShortcut", filters, 1, graph.Stride(stride), graph.NoBias())
			}
			y = b.Conv(y, name+"conv1", filters, 3, graph.Stride(stride), graph.Pad(1), graph.NoBias())
			y = b.Dropout(normalised(y, name+"bn2"), o.rate(0))
			y = b.Conv(y, name+"conv2", filters, 3, graph.Pad(1), graph.NoBias())
			if o.Excitation > 0 {
				y = squeezeExcite(b, y, name+"se", max(1, filters/o.Excitation), graph.ReLU, graph.Sigmoid)
			}
			x = b.Add(y, shortcut)
		}
		// 16k×32×32, 32k×16×16, 64k×8×8
	}
	x = b.GlobalAvgPool(normalised(x, "bn1")) // 64k
	return b.Dense(x, "fc", o.Classes, graph.Init(graph.FanInUniform(), nil))
}
