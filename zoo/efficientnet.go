package zoo

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// EfficientNet: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
// ICML 2019, arXiv:1905.11946, table 1.

// efficientTable is table 1, the baseline B0: expansion, kernel, stride of the first block, channels, and
// number of blocks.
var efficientTable = []struct{ expand, kernel, stride, channels, blocks int }{
	{1, 3, 1, 16, 1}, // 16×112×112
	{6, 3, 2, 24, 2}, // 24×56×56
	{6, 5, 2, 40, 2}, // 40×28×28
	{6, 3, 2, 80, 3}, // 80×14×14
	{6, 5, 1, 112, 3},
	{6, 5, 2, 192, 4}, // 192×7×7
	{6, 3, 1, 320, 1},
}

// A compound scales the baseline's width and depth (section 4), and raises dropout.
type compound struct{ width, depth, dropout float64 }

var (
	efficientnetB0 = Register(efficientEntry("efficientnet-b0", compound{1, 1, 0.2},
		efficientVariant("torchvision", 224, 5_288_548, 385_814_752, "22.9/6.7; 22.31/6.47 (torchvision)"),
		efficientVariant("paper", 224, 5_288_548, 385_814_752, "22.9/6.7")))
	efficientnetB1 = Register(efficientEntry("efficientnet-b1", compound{1, 1.1, 0.2},
		efficientVariant("torchvision", 240, 7_794_184, 686_802_832, "20.9/5.6; 21.36/5.81 (torchvision)"),
		efficientVariant("paper", 240, 7_794_184, 686_802_832, "20.9/5.6")))
	efficientnetB2 = Register(efficientEntry("efficientnet-b2", compound{1.1, 1.2, 0.3},
		efficientVariant("torchvision", 288, 9_109_994, 1_087_529_456, "19.39/4.69 (torchvision); 19.9/5.1 in the paper, at 260×260"),
		efficientVariant("paper", 260, 9_109_994, 993_561_872, "19.9/5.1")))
	efficientnetB3 = Register(efficientEntry("efficientnet-b3", compound{1.2, 1.4, 0.3},
		efficientVariant("torchvision", 300, 12_233_232, 1_827_141_392, "18.4/4.3; 17.99/3.95 (torchvision)"),
		efficientVariant("paper", 300, 12_233_232, 1_827_141_392, "18.4/4.3")))
)

func efficientEntry(name string, scale compound, variants ...VariantInfo) Entry {
	return Entry{
		Name: name, Title: "EfficientNet-B" + name[14:], Year: 2019, ArXiv: "1905.11946",
		Paper:    "Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019",
		Idea:     "A small network found by search, scaled in depth, width and resolution at once.",
		Recipe:   "batch 4096, RMSProp 0.9, weight decay 1e-5, lr 0.256 falling 3 % every 2.4 epochs, dropout, stochastic depth 0.2, averaged weights",
		Variants: variants,
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return efficientNet(b, x, o, scale)
		},
	}
}

func efficientVariant(name string, side int, params, macs int64, paperError string) VariantInfo {
	v := VariantInfo{
		Name: name, Options: Options{Classes: 1000, Input: [3]int{3, side, side}},
		Takes: []string{"width", "dropout", "drop_path"}, Params: params, MACs: macs, PaperError: paperError,
		Recipes: []recipe.Recipe{
			// Section 5.2 with momentum in place of RMSProp, and without AutoAugment.
			{Name: "paper", Config: recipe.Config{
				Epochs: 350, Batch: 4096, EMA: 0.9999, Augment: recipe.Augmentation{"resized-crop", "flip"}, Resize: side * 8 / 7, Crop: side,
				Optimizer: recipe.Optimizer{LR: 0.256, Momentum: 0.9, WeightDecay: 1e-5},
				Schedule:  recipe.Schedule{Name: "exponential", Gamma: 0.97, Every: 2.4, Warmup: 5, WarmupFrom: 0.1},
				Smoothing: 0.1,
			}},
			recipe.Quick(5, 32, 0.05),
		},
	}
	if name == "paper" {
		return v.noting("pads as TensorFlow does, with the odd pixel at the bottom and right; batch normalisation's eps 0.001")
	}
	return v
}

// EfficientNetB0 is the baseline of Tan and Le (arXiv:1905.11946, table 1) as torchvision has it.
//
// Input N×3×224×224; 5,288,548 parameters; 0.386 GMAC. Variant "paper" pads strided convolutions as
// TensorFlow does. Options of all four: [Dropout]; [DropPath], 0.2; [Width], on top of the network's own.
func EfficientNetB0(opts ...Option) *Model { return efficientnetB0(opts...) }

// EfficientNetB1 is 1.1 times as deep: N×3×240×240; 7,794,184 parameters; 0.687 GMAC.
func EfficientNetB1(opts ...Option) *Model { return efficientnetB1(opts...) }

// EfficientNetB2 is 1.1 times as wide and 1.2 times as deep: 9,109,994 parameters; 1.088 GMAC for
// torchvision's N×3×288×288. Variant "paper": N×3×260×260.
func EfficientNetB2(opts ...Option) *Model { return efficientnetB2(opts...) }

// EfficientNetB3 is 1.2 times as wide and 1.4 times as deep: N×3×300×300; 12,233,232 parameters; 1.827
// GMAC.
func EfficientNetB3(opts ...Option) *Model { return efficientnetB3(opts...) }

// efficientNet builds the table, scaled. Names are torchvision's. Blocks are MobileNetV2's with SiLU and
// squeeze-and-excitation, whose inner layer is a quarter of the block's input.
func efficientNet(b *graph.Builder, x *gorgonia.Node, o Options, scale compound) *gorgonia.Node {
	b.DefaultInit(graph.HeFanOut(), graph.Constant(0))
	m := mobile{b: b, eps: 1e-5, momentum: 0.1}
	if o.Variant == "paper" {
		m = mobile{b: b, eps: 1e-3, momentum: 0.01, same: true}
	}
	repeats := func(blocks int) int { return int(math.Ceil(float64(blocks) * scale.depth)) }
	total, done := 0, 0
	for _, row := range efficientTable {
		total += repeats(row.blocks)
	}
	x = m.conv(x, "features.0", o.divisible(32, scale.width), 3, 2, 1, graph.SiLU) // 32×112×112
	for stage, row := range efficientTable {
		for i := range repeats(row.blocks) {
			in := channels(x)
			block := invertedResidual{
				name: fmt.Sprintf("features.%d.%d.block", stage+1, i), expanded: Options{}.divisible(float64(in), float64(row.expand)), out: o.divisible(float64(row.channels), scale.width),
				kernel: row.kernel, stride: 1, act: graph.SiLU, squeezed: max(1, in/4), inner: graph.SiLU, gate: graph.Sigmoid, drop: o.path(0.2, done, total),
			}
			if i == 0 {
				block.stride = row.stride
			}
			x = m.block(x, block)
			done++
		}
	}
	x = m.conv(x, "features.8", 4*channels(x), 1, 1, 1, graph.SiLU) // 1280×7×7
	x = b.Dropout(b.GlobalAvgPool(x), o.rate(scale.dropout))
	return b.Dense(x, "classifier.1", o.Classes, graph.Init(graph.Uniform(1/math.Sqrt(float64(o.Classes))), nil))
}
