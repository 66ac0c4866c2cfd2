package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// ResNet: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
// arXiv:1512.03385, table 1.

const (
	resnetPaper  = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"
	resnetIdea   = "Blocks learn what to add to their input, which passes by on a shortcut: depth helps instead of hurting."
	resnetRecipe = "batch 256, momentum 0.9, weight decay 1e-4, lr 0.1 /10 on plateau, He initialisation, no dropout"
)

var (
	resnet18 = registerResNet("resnet18", "27.88", residualTable{2, 2, 2, 2}, basic,
		resnetVariant("torchvision", "B", 11_689_512, 1_814_073_344, "30.24/10.92 (torchvision)").noting("shortcuts project where the size changes"),
		resnetVariant("A", "A", 11_515_688, 1_794_805_760, "27.88").noting("shortcuts without parameters"),
		resnetVariant("C", "C", 12_043_816, 1_878_298_624, "").noting("all shortcuts project"),
		resnetVariant("plain", "none", 11_515_688, 1_794_805_760, "27.94").noting("no shortcuts"))
	resnet34 = registerResNet("resnet34", "24.52", residualTable{3, 4, 6, 3}, basic,
		resnetVariant("torchvision", "B", 21_797_672, 3_663_761_408, "26.69/8.58 (torchvision); 24.52 in the paper").noting("shortcuts project where the size changes"),
		resnetVariant("A", "A", 21_623_848, 3_644_493_824, "25.03").noting("shortcuts without parameters"),
		resnetVariant("C", "C", 22_716_840, 3_830_747_136, "24.19").noting("all shortcuts project"),
		resnetVariant("plain", "none", 21_623_848, 3_644_493_824, "28.54/10.02").noting("no shortcuts"))
	resnet50 = registerResNet("resnet50", "22.85/6.71", residualTable{3, 4, 6, 3}, bottleneck,
		resnetVariant("torchvision", "B", 25_557_032, 4_089_184_256, "23.87/7.14 (torchvision)").noting("strides on the 3×3 convolutions"),
		resnetVariant("paper", "B", 25_557_032, 3_857_973_248, "22.85/6.71").noting("strides on the first 1×1 convolutions"),
		resnetVariant("caffe", "B", 25_557_032, 3_857_973_248, "24.7/7.8 (one crop)").noting("the paper's, with the first pooling as in Caffe: no padding"))
	resnet101 = registerResNet("resnet101", "21.75/6.05", residualTable{3, 4, 23, 3}, bottleneck,
		resnetVariant("torchvision", "B", 44_549_160, 7_801_405_440, "22.63/6.45 (torchvision)").noting("strides on the 3×3 convolutions"),
		resnetVariant("paper", "B", 44_549_160, 7_570_194_432, "21.75/6.05").noting("strides on the first 1×1 convolutions"),
		resnetVariant("caffe", "B", 44_549_160, 7_570_194_432, "23.6/7.1 (one crop)").noting("the paper's, with the first pooling as in Caffe: no padding"))
	resnet152 = registerResNet("resnet152", "21.43/5.71", residualTable{3, 8, 36, 3}, bottleneck,
		resnetVariant("torchvision", "B", 60_192_808, 11_513_626_624, "21.69/5.95 (torchvision)").noting("strides on the 3×3 convolutions"),
		resnetVariant("paper", "B", 60_192_808, 11_282_415_616, "21.43/5.71").noting("strides on the first 1×1 convolutions"),
		resnetVariant("caffe", "B", 60_192_808, 11_282_415_616, "23.0/6.7 (one crop)").noting("the paper's, with the first pooling as in Caffe: no padding"))
)

// A residualTable is a column of table 1: the number of blocks in each stage. Stage s is 64·2^s wide.
type residualTable [4]int

func registerResNet(name, paperError string, table residualTable, block blockKind, variants ...VariantInfo) func(...Option) *Model {
	return Register(Entry{
		Name: name, Title: "ResNet-" + name[6:], Year: 2015, ArXiv: "1512.03385",
		Paper: resnetPaper, Idea: resnetIdea, Recipe: resnetRecipe, PaperError: paperError, Variants: variants, Recipes: resnetRecipes,
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return resnet(b, x, o, table, block)
		},
	})
}

func resnetVariant(name, shortcut string, params, macs int64, paperError string) VariantInfo {
	return VariantInfo{
		Name: name, Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}, Shortcut: shortcut},
		Takes: []string{"width", "shortcut", "excitation"}, Params: params, MACs: macs, PaperError: paperError,
	}
}

var resnetRecipes = []recipe.Recipe{
	// Section 3.4: batches of 256, rate 0.1 divided by 10 on a plateau, 600,000 steps, which are 120 passes,
	// weight decay 0.0001, momentum 0.9; the shorter side drawn from 256 to 480.
	{Name: "paper", Config: recipe.Config{
		Epochs: 120, Batch: 256, Initialiser: "he", Augment: recipe.Augmentation{"scale(256, 480)", "crop", "flip", "pca(0.1)"}, Resize: 256, Crop: 224,
		Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
		Schedule:  recipe.Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
	}},
	recipe.Quick(5, 32, 0.05).With(func(c *recipe.Config) { c.Smoothing = 0.1 }),
}

// ResNet18 is the 18-layer column of He et al. (arXiv:1512.03385, table 1), with projections where the
// size changes (option B).
//
// Input N×3×224×224; 11,689,512 parameters; 1.814 GMAC. Variants: "A" (the paper's option A, which it
// compares with "plain") and "C". Options of all residual networks: [Shortcut],
// [SqueezeExcitation], [Width].
func ResNet18(opts ...Option) *Model { return resnet18(opts...) }

// ResNet34 is the 34-layer column: 21,797,672 parameters; 3.664 GMAC. Variants: "A", "C", "plain".
func ResNet34(opts ...Option) *Model { return resnet34(opts...) }

// ResNet50 is the 50-layer column, of bottleneck blocks, with torchvision's strides: 25,557,032
// parameters; 4.089 GMAC. Variant "paper" has its strides on the first convolution of a block: 3.858
// GMAC. Variant "caffe" is what the authors published: "paper" with a first pooling that does not pad.
func ResNet50(opts ...Option) *Model { return resnet50(opts...) }

// ResNet101 is the 101-layer column: 44,549,160 parameters; 7.80 GMAC. Variant "paper" as for [ResNet50].
func ResNet101(opts ...Option) *Model { return resnet101(opts...) }

// ResNet152 is the 152-layer column: 60,192,808 parameters; 11.51 GMAC. Variant "paper" as for
// [ResNet50].
func ResNet152(opts ...Option) *Model { return resnet152(opts...) }

// resnet builds a column of table 1. Initial weights are those of He et al. (arXiv:1502.01852), in
// the torchvision variant scaled by fan-out.
func resnet(b *graph.Builder, x *gorgonia.Node, o Options, table residualTable, block blockKind) *gorgonia.Node {
	b.DefaultInit(graph.He(), graph.Constant(0))
	if o.Variant == "torchvision" {
		b.DefaultInit(graph.HeFanOut(), graph.Constant(0))
	}
	x = b.Conv(x, "conv1", o.units(64, 1), 7, graph.Stride(2), graph.Pad(3), graph.NoBias())
	x = b.ReLU(b.BatchNorm(x, "bn1", 1e-5, 0.1)) // 64×112×112
	if o.Variant == "caffe" {
		x = b.MaxPool(x, 3, graph.Stride(2), graph.Ceil())
	} else {
		x = b.MaxPool(x, 3, graph.Stride(2), graph.Pad(1))
	}
	for stage, blocks := range table {
		for i := range blocks {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			name := fmt.Sprintf("layer%d.%d", stage+1, i)
			x = residual(b, x, name, block(o.units(64<<stage, 1), stride, o.Variant == "paper" || o.Variant == "caffe"), o)
		}
		// 64×56×56, 128×28×28, 256×14×14, 512×7×7; with bottlenecks four times the channels
	}
	x = b.GlobalAvgPool(x)
	return b.Dense(x, "fc", o.Classes, evenly(channels(x)))
}

// A convolution is one of a block's, with padding that keeps the size at stride 1.
type convolution struct{ filters, kernel, stride, groups int }

// A blockKind gives the convolutions of a block (figure 5).
type blockKind func(width, stride int, strideFirst bool) []convolution

func basic(width, stride int, _ bool) []convolution {
	return []convolution{{width, 3, stride, 1}, {width, 3, 1, 1}}
}

// bottleneck strides in its 3×3 convolution, as torchvision has it, or in the first, as the paper has.
func bottleneck(width, stride int, strideFirst bool) []convolution {
	if strideFirst {
		return []convolution{{width, 1, stride, 1}, {width, 3, 1, 1}, {4 * width, 1, 1, 1}}
	}
	return []convolution{{width, 1, 1, 1}, {width, 3, stride, 1}, {4 * width, 1, 1, 1}}
}

// residual adds a block y = ReLU(F(x) + shortcut(x)): batch normalisation follows each convolution and
// precedes its ReLU (section 3.4). Where the size changes, the shortcut pads the missing channels with
// zeros (A) or projects (B); C projects always (section 3.3). Without shortcuts the network is plain. A
// squeeze-and-excitation, if there is one, ends F.
func residual(b *graph.Builder, x *gorgonia.Node, name string, convolutions []convolution, o Options) *gorgonia.Node {
	y, stride, filters := x, 1, 0
	for i, c := range convolutions {
		if i > 0 {
			y = b.ReLU(y)
		}
		y = b.Conv(y, fmt.Sprintf("%s.conv%d", name, i+1), c.filters, c.kernel, graph.Stride(c.stride), graph.Pad(c.kernel/2), graph.Groups(c.groups), graph.NoBias())
		y = b.BatchNorm(y, fmt.Sprintf("%s.bn%d", name, i+1), 1e-5, 0.1)
		stride, filters = stride*c.stride, c.filters
	}
	if o.Excitation > 0 {
		y = squeezeExcite(b, y, name+".se", max(1, filters/o.Excitation), graph.ReLU, graph.Sigmoid)
	}
	changes := stride != 1 || channels(x) != filters
	switch {
	case o.Shortcut == "none":
		return b.ReLU(y)
	case o.Shortcut == "C", o.Shortcut == "B" && changes:
		x = b.Conv(x, name+".downsample.0", filters, 1, graph.Stride(stride), graph.NoBias())
		x = b.BatchNorm(x, name+".downsample.1", 1e-5, 0.1)
	case o.Shortcut == "A" && changes:
		x = b.Subsample(x, stride, filters)
	}
	return b.ReLU(b.Add(y, x))
}
