package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// MobileNetV3: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244, tables 1 and 2.

// A mobileV3Row is a block: kernel, expanded and output channels, whether it has squeeze-and-excitation,
// whether its activation is hard-swish rather than ReLU, and the stride.
type mobileV3Row struct {
	kernel, expanded, out int
	se, hs                bool
	stride                int
}

const se, hs = true, true

var mobileV3Large = []mobileV3Row{
	{3, 16, 16, !se, !hs, 1}, // 16×112×112
	{3, 64, 24, !se, !hs, 2}, // 24×56×56
	{3, 72, 24, !se, !hs, 1},
	{5, 72, 40, se, !hs, 2}, // 40×28×28
	{5, 120, 40, se, !hs, 1},
	{5, 120, 40, se, !hs, 1},
	{3, 240, 80, !se, hs, 2}, // 80×14×14
	{3, 200, 80, !se, hs, 1},
	{3, 184, 80, !se, hs, 1},
	{3, 184, 80, !se, hs, 1},
	{3, 480, 112, se, hs, 1},
	{3, 672, 112, se, hs, 1},
	{5, 672, 160, se, hs, 2}, // 160×7×7
	{5, 960, 160, se, hs, 1},
	{5, 960, 160, se, hs, 1},
}

var mobileV3Small = []mobileV3Row{
	{3, 16, 16, se, !hs, 2},  // 16×56×56
	{3, 72, 24, !se, !hs, 2}, // 24×28×28
	{3, 88, 24, !se, !hs, 1},
	{5, 96, 40, se, hs, 2}, // 40×14×14
	{5, 240, 40, se, hs, 1},
	{5, 240, 40, se, hs, 1},
	{5, 120, 48, se, hs, 1},
	{5, 144, 48, se, hs, 1},
	{5, 288, 96, se, hs, 2}, // 96×7×7
	{5, 576, 96, se, hs, 1},
	{5, 576, 96, se, hs, 1},
}

var (
	mobilenetV3Large = Register(mobileV3Entry("mobilenetv3-large", mobileV3Large, 1280, 5_483_032, 216_589_760, "24.8; 25.96/8.66 (torchvision)"))
	mobilenetV3Small = Register(mobileV3Entry("mobilenetv3-small", mobileV3Small, 1024, 2_542_856, 56_510_400, "32.6; 32.33/12.60 (torchvision)"))
)

func mobileV3Entry(name string, table []mobileV3Row, hidden float64, params, macs int64, paperError string) Entry {
	return Entry{
		Name: name, Title: "MobileNetV3-" + name[12:], Year: 2019, ArXiv: "1905.02244",
		Paper:  "Howard et al., Searching for MobileNetV3, ICCV 2019",
		Idea:   "MobileNetV2's blocks with squeeze-and-excitation and hard-swish, their sizes found by search on a telephone's clock.",
		Recipe: "batch 4096, RMSProp 0.9, weight decay 1e-5, lr 0.1 falling 1 % every 3 epochs, dropout 0.8 kept, averaged weights",
		Variants: []VariantInfo{{
			Name: "torchvision", Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
			Takes: []string{"width", "dropout"}, Params: params, MACs: macs, PaperError: paperError,
		}},
		Recipes: []recipe.Recipe{
			// Section 6.1.1 with momentum in place of RMSProp.
			{Name: "paper", Config: recipe.Config{
				Epochs: 600, Batch: 4096, EMA: 0.9999, Augment: recipe.Augmentation{"resized-crop", "flip"}, Resize: 256, Crop: 224,
				Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9, WeightDecay: 1e-5},
				Schedule:  recipe.Schedule{Name: "exponential", Gamma: 0.99, Every: 3, Warmup: 5, WarmupFrom: 0.1},
			}},
			recipe.Quick(5, 32, 0.05),
		},
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return mobileNetV3(b, x, o, table, hidden)
		},
	}
}

// MobileNetV3Large is table 1 of Howard et al. (arXiv:1905.02244), which is torchvision's as well.
//
// Input N×3×224×224; 5,483,032 parameters; 0.217 GMAC. Options: [Dropout], [Width], which is torchvision's
// width_mult.
func MobileNetV3Large(opts ...Option) *Model { return mobilenetV3Large(opts...) }

// MobileNetV3Small is table 2: 2,542,856 parameters; 0.057 GMAC.
func MobileNetV3Small(opts ...Option) *Model { return mobilenetV3Small(opts...) }

// mobileNetV3 builds a table. Names are torchvision's. The inner layer of squeeze-and-excitation is a
// quarter of the expanded channels; the last layers are rearranged so that the widest works on averages
// (section 5.1).
func mobileNetV3(b *graph.Builder, x *gorgonia.Node, o Options, table []mobileV3Row, hidden float64) *gorgonia.Node {
	b.DefaultInit(graph.HeFanOut(), graph.Constant(0))
	m := mobile{b: b, eps: 1e-3, momentum: 0.01}
	x = m.conv(x, "features.0", o.divisible(16, 1), 3, 2, 1, graph.HardSwish) // 16×112×112
	for i, row := range table {
		block := invertedResidual{
			name: fmt.Sprintf("features.%d.block", i+1), expanded: o.divisible(float64(row.expanded), 1), out: o.divisible(float64(row.out), 1),
			kernel: row.kernel, stride: row.stride, act: graph.ReLU, inner: graph.ReLU, gate: graph.HardSigmoid,
		}
		if row.hs {
			block.act = graph.HardSwish
		}
		if row.se {
			block.squeezed = Options{}.divisible(float64(block.expanded/4), 1)
		}
		x = m.block(x, block)
	}
	x = m.conv(x, fmt.Sprintf("features.%d", len(table)+1), 6*channels(x), 1, 1, 1, graph.HardSwish) // 960×7×7; small: 576
	x = b.GlobalAvgPool(x)
	linear := graph.Init(graph.Normal(0.01), nil)
	x = b.Activate(b.Dense(x, "classifier.0", o.divisible(hidden, 1), linear), graph.HardSwish) // 1280; small: 1024
	return b.Dense(b.Dropout(x, o.rate(0.2)), "classifier.3", o.Classes, linear)
}
