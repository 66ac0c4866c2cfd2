package zoo

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// ResNet for CIFAR-10: He et al., arXiv:1512.03385, section 4.2.

var (
	resnet8   = registerCIFAR(8, 75_290, 12_239_488, "")
	resnet14  = registerCIFAR(14, 172_506, 26_395_264, "")
	resnet20  = registerCIFAR(20, 269_722, 40_551_040, "8.75")
	resnet32  = registerCIFAR(32, 464_154, 68_862_592, "7.51")
	resnet44  = registerCIFAR(44, 658_586, 97_174_144, "7.17")
	resnet56  = registerCIFAR(56, 853_018, 125_485_696, "6.97")
	resnet110 = registerCIFAR(110, 1_727_962, 252_887_680, "6.43")
)

func registerCIFAR(depth int, params, macs int64, paperError string) func(...Option) *Model {
	e := Entry{
		Name: fmt.Sprintf("resnet%d", depth), Title: fmt.Sprintf("ResNet-%d for CIFAR", depth), Year: 2015, ArXiv: "1512.03385",
		Paper: resnetPaper + ", section 4.2", Idea: resnetIdea,
		Recipe:  "batch 128, momentum 0.9, weight decay 1e-4, lr 0.1 /10 at 32k and 48k of 64k steps, 4-pixel pad, crop and flip",
		Recipes: cifarRecipes(depth),
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return cifarResNet(b, x, o, (depth-2)/6)
		},
	}
	if depth == 110 {
		e.Recipe += ", warm-up at 0.01"
	}
	residual := resnetVariant("paper", "A", params, macs, paperError).noting("shortcuts without parameters")
	plain := resnetVariant("plain", "none", params, macs, "").noting("no shortcuts")
	for _, v := range []VariantInfo{residual, plain} {
		v.Options.Classes, v.Options.Input = 10, [3]int{3, 32, 32}
		e.Variants = append(e.Variants, v)
	}
	return Register(e)
}

// cifarRecipes are section 4.2: batches of 128, rate 0.1 divided by 10 at 32,000 and 48,000 of 64,000 steps, weight
// decay 0.0001, 4 pixels of padding, random crops and mirror images. The paper counts in steps, and holds 5,000 of
// CIFAR-10's 50,000 images out to choose by, as training here does with a tenth: 352 batches are an epoch.
func cifarRecipes(depth int) []recipe.Recipe {
	const epoch = 352
	paper := recipe.Recipe{Name: "paper", Config: recipe.Config{
		Epochs: 182, Val: "0.1", Batch: 128, Initialiser: "he", Augment: recipe.Augmentation{"crop(4)", "flip"},
		Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
		Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{32000. / epoch, 48000. / epoch}, Gamma: 0.1},
	}}
	if depth == 110 {
		// A rate of 0.01 in the beginning, until it learns; a rise over about as many steps does the same.
		paper.Schedule.Warmup, paper.Schedule.WarmupFrom = 1, 0.1
	}
	return []recipe.Recipe{paper, recipe.Quick(min(50, 50*20/depth), 128, 0.2)} // deeper ones take about the same time
}

// ResNet8 is the network of He et al. (arXiv:1512.03385, section 4.2) for 32×32 images with n = 1 block
// in each stage, a depth of 6n + 2. Its shortcuts have no parameters (option A).
//
// Input N×3×32×32; 75,290 parameters; 0.012 GMAC. Variant "plain" has no shortcuts. Options: [Shortcut], [Width].
func ResNet8(opts ...Option) *Model { return resnet8(opts...) }

// ResNet14 has n = 2: 172,506 parameters; 0.026 GMAC.
func ResNet14(opts ...Option) *Model { return resnet14(opts...) }

// ResNet20 has n = 3: 269,722 parameters; 0.041 GMAC.
func ResNet20(opts ...Option) *Model { return resnet20(opts...) }

// ResNet32 has n = 5: 464,154 parameters; 0.069 GMAC.
func ResNet32(opts ...Option) *Model { return resnet32(opts...) }

// ResNet44 has n = 7: 658,586 parameters; 0.097 GMAC.
func ResNet44(opts ...Option) *Model { return resnet44(opts...) }

// ResNet56 has n = 9: 853,018 parameters; 0.125 GMAC.
func ResNet56(opts ...Option) *Model { return resnet56(opts...) }

// ResNet110 has n = 18: 1,727,962 parameters; 0.253 GMAC.
func ResNet110(opts ...Option) *Model { return resnet110(opts...) }

// cifarResNet has the names and initial weights of Y. Idelbayev's PyTorch networks, whose published
// weights fit.
func cifarResNet(b *graph.Builder, x *gorgonia.Node, o Options, n int) *gorgonia.Node {
	b.DefaultInit(graph.He(), graph.Constant(0))
	x = b.Conv(x, "conv1", o.units(16, 1), 3, graph.Pad(1), graph.NoBias())
	x = b.ReLU(b.BatchNorm(x, "bn1", 1e-5, 0.1)) // 16×32×32
	for stage := range 3 {
		for i := range n {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = residual(b, x, fmt.Sprintf("layer%d.%d", stage+1, i), basic(o.units(16<<stage, 1), stride, false), o)
		}
		// 16×32×32, 32×16×16, 64×8×8
	}
	x = b.GlobalAvgPool(x) // 64
	return b.Dense(x, "linear", o.Classes, graph.Init(nil, graph.Uniform(1/math.Sqrt(float64(channels(x))))))
}
