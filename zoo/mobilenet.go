package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// MobileNetV2: Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear
// Bottlenecks", CVPR 2018, arXiv:1801.04381, table 2.

// mobileTable is table 2: expansion t, channels c, number of blocks n, and the stride s of the first.
var mobileTable = []struct{ t, c, n, s int }{
	{1, 16, 1, 1}, // 16×112×112
	{6, 24, 2, 2}, // 24×56×56
	{6, 32, 3, 2}, // 32×28×28
	{6, 64, 4, 2}, // 64×14×14
	{6, 96, 3, 1},
	{6, 160, 3, 2}, // 160×7×7
	{6, 320, 1, 1},
}

var mobilenetV2 = Register(Entry{
	Name: "mobilenetv2", Title: "MobileNetV2", Year: 2018, ArXiv: "1801.04381",
	Paper:  "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
	Idea:   "Filters of one channel each, between 1×1 convolutions that widen and narrow; the shortcut joins the narrow ends.",
	Recipe: "batch 96 (16 machines), RMSProp 0.9, weight decay 4e-5, lr 0.045 falling 2 % an epoch, dropout 0.2",
	Variants: []VariantInfo{
		{
			Name: "torchvision", Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
			Takes: []string{"width", "dropout"}, Params: 3_504_872, MACs: 300_774_272, PaperError: "28.0; 28.12/9.71 (torchvision)",
		},
		{
			Name: "cifar", Note: "for 32×32: stride 1 in the first convolution and in the blocks of 24 channels",
			Options: Options{Classes: 10, Input: [3]int{3, 32, 32}},
			Takes:   []string{"width", "dropout"}, Params: 2_236_682, MACs: 87_976_448,
			Recipes: []recipe.Recipe{onSmallImages(mobilePaper), recipe.Quick(12, 64, 0.1)},
		},
	},
	Recipes: []recipe.Recipe{mobilePaper, recipe.Quick(5, 32, 0.05)},
	Build:   mobileNetV2,
})

// mobilePaper is section 6.1 with momentum in place of RMSProp.
var mobilePaper = recipe.Recipe{Name: "paper", Config: recipe.Config{
	Epochs: 300, Batch: 96, EMA: 0.9999, Augment: recipe.Augmentation{"resized-crop", "flip"}, Resize: 256, Crop: 224,
	Optimizer: recipe.Optimizer{LR: 0.045, Momentum: 0.9, WeightDecay: 4e-5},
	Schedule:  recipe.Schedule{Name: "exponential", Gamma: 0.98},
}}

// MobileNetV2 is the network of Sandler et al. (arXiv:1801.04381, table 2), which is torchvision's as well.
//
// Input N×3×224×224; 3,504,872 parameters; 0.301 GMAC. Variant "cifar": N×3×32×32; 2,236,682; 0.088.
// Options: [Dropout], [Width], which is torchvision's width_mult.
func MobileNetV2(opts ...Option) *Model { return mobilenetV2(opts...) }

// mobileNetV2 builds the table. Names are torchvision's.
func mobileNetV2(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	b.DefaultInit(graph.HeFanOut(), graph.Constant(0))
	m := mobile{b: b, eps: 1e-5, momentum: 0.1}
	stride := 2
	if o.Variant == "cifar" {
		stride = 1
	}
	x = m.conv(x, "features.0", o.divisible(32, 1), 3, stride, 1, graph.ReLU6) // 32×112×112
	layer := 0
	for stage, row := range mobileTable {
		for i := range row.n {
			layer++
			block := invertedResidual{
				name: fmt.Sprintf("features.%d.conv", layer), expanded: channels(x) * row.t, out: o.divisible(float64(row.c), 1), kernel: 3, stride: 1, act: graph.ReLU6,
			}
			if i == 0 && !(o.Variant == "cifar" && stage == 1) {
				block.stride = row.s
			}
			x = m.block(x, block)
		}
	}
	x = m.conv(x, "features.18", Options{}.divisible(1280, max(1, o.Width)), 1, 1, 1, graph.ReLU6) // 1280×7×7, not fewer where it is thinner
	x = b.Dropout(b.GlobalAvgPool(x), o.rate(0.2))
	return b.Dense(x, "classifier.1", o.Classes, graph.Init(graph.Normal(0.01), nil))
}

// mobile builds the blocks of MobileNetV2, MobileNetV3 and EfficientNet.
type mobile struct {
	b             *graph.Builder
	eps, momentum float32 // of batch normalisation
	same          bool    // pads as TensorFlow does, unevenly where a stride leaves a rest
}

// conv adds a convolution with batch normalisation and an activation.
func (m mobile) conv(x *gorgonia.Node, name string, filters, kernel, stride, groups int, act graph.Activation) *gorgonia.Node {
	pad := graph.Pad(kernel / 2)
	if m.same {
		pad = sameAsTensorFlow(x, kernel, stride)
	}
	x = m.b.Conv(x, name+".0", filters, kernel, graph.Stride(stride), pad, graph.Groups(groups), graph.NoBias())
	return m.b.Activate(m.b.BatchNorm(x, name+".1", m.eps, m.momentum), act)
}

// sameAsTensorFlow pads so that ⌈N/S⌉ pixels come out, with the odd one at the bottom and right.
func sameAsTensorFlow(x *gorgonia.Node, kernel, stride int) graph.Opt {
	var before, after [2]int
	if x != nil && len(x.Shape()) == 4 {
		for i, n := range x.Shape()[2:] {
			total := max(0, ((n+stride-1)/stride-1)*stride+kernel-n)
			before[i], after[i] = total/2, total-total/2
		}
	}
	return graph.Pads(before[0], after[0], before[1], after[1])
}

// An invertedResidual is a block that widens, filters each channel by itself, and narrows.
type invertedResidual struct {
	name                          string
	expanded, out, kernel, stride int
	act                           graph.Activation
	squeezed                      int              // channels inside a squeeze-and-excitation; 0: none
	inner, gate                   graph.Activation // its activations
	drop                          float64          // rate of stochastic depth
}

// block adds an inverted residual (figure 3b). A block that does not widen has no first convolution, and one
// that changes the shape no shortcut. The last convolution is linear (section 3.2).
func (m mobile) block(x *gorgonia.Node, r invertedResidual) *gorgonia.Node {
	part, y := 0, x
	next := func() string { part++; return fmt.Sprintf("%s.%d", r.name, part-1) }
	if r.expanded != channels(x) {
		y = m.conv(y, next(), r.expanded, 1, 1, 1, r.act)
	}
	y = m.conv(y, next(), r.expanded, r.kernel, r.stride, r.expanded, r.act)
	if r.squeezed > 0 {
		y = squeezeExcite(m.b, y, next(), r.squeezed, r.inner, r.gate)
	}
	if r.act == graph.ReLU6 { // MobileNetV2 does not put its last two modules into one
		y = m.b.Conv(y, next(), r.out, 1, graph.NoBias())
		y = m.b.BatchNorm(y, next(), m.eps, m.momentum)
	} else {
		y = m.conv(y, next(), r.out, 1, 1, 1, graph.Identity)
	}
	if r.stride != 1 || channels(x) != r.out {
		return y
	}
	return m.b.Add(m.b.StochasticDepth(y, r.drop), x)
}
