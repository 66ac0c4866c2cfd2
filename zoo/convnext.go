package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// ConvNeXt: Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the 2020s", CVPR 2022,
// arXiv:2201.03545, table 9.

// A convNeXtTable is a column of table 9: the blocks of each stage, which are 96, 192, 384 and 768 wide.
type convNeXtTable [4]int

var (
	convnextTiny  = Register(convNeXtEntry("convnext-tiny", convNeXtTable{3, 3, 9, 3}, 0.1, 28_589_128, 4_455_531_264, "17.9; 17.48/3.85 (torchvision)"))
	convnextSmall = Register(convNeXtEntry("convnext-small", convNeXtTable{3, 3, 27, 3}, 0.4, 50_223_688, 8_683_712_256, "16.9; 16.38/3.35 (torchvision)"))
)

func convNeXtEntry(name string, table convNeXtTable, drop float64, params, macs int64, paperError string) Entry {
	return Entry{
		Name: name, Title: "ConvNeXt-" + name[9:], Year: 2022, ArXiv: "2201.03545",
		Paper:  "Liu et al., A ConvNet for the 2020s, CVPR 2022",
		Idea:   "ResNet brought up to date step by step, with what vision transformers do: patches, 7×7 filters of one channel each, fewer activations, layer norm.",
		Recipe: "batch 4096, AdamW, weight decay 0.05, lr 4e-3 on a cosine after 20 of 300 epochs of warm-up, label smoothing 0.1, mixup, CutMix, stochastic depth",
		Variants: []VariantInfo{{
			Name: "torchvision", Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
			Takes: []string{"width", "drop_path"}, Params: params, MACs: macs, PaperError: paperError,
		}},
		Recipes: []recipe.Recipe{
			// Table 5, without RandAugment and random erasing.
			{Name: "paper", Config: recipe.Config{
				Epochs: 300, Batch: 4096, EMA: 0.9999, Augment: recipe.Augmentation{"resized-crop", "flip", "mixup(0.8, p=0.5)", "cutmix(p=0.5)"}, Resize: 236, Crop: 224,
				Optimizer: recipe.Optimizer{Name: "adamw", LR: 4e-3, WeightDecay: 0.05, Rules: []recipe.Rule{recipe.DecayWeightsAlone}},
				Schedule:  recipe.Schedule{Name: "cosine", Warmup: 20, WarmupFrom: 1e-3}, Smoothing: 0.1,
			}},
			recipe.Quick(5, 32, 0).With(func(c *recipe.Config) {
				c.Optimizer = recipe.Optimizer{Name: "adamw", LR: 1e-3, WeightDecay: 0.05, Rules: []recipe.Rule{recipe.DecayWeightsAlone}}
			}),
		},
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			return convNeXt(b, x, o, table, drop)
		},
	}
}

// ConvNeXtTiny is ConvNeXt-T of Liu et al. (arXiv:2201.03545, table 9), which is torchvision's as well.
//
// Input N×3×224×224; 28,589,128 parameters; 4.456 GMAC. Options: [DropPath], 0.1; [Width].
func ConvNeXtTiny(opts ...Option) *Model { return convnextTiny(opts...) }

// ConvNeXtSmall is ConvNeXt-S: 50,223,688 parameters; 8.684 GMAC; stochastic depth up to 0.4.
func ConvNeXtSmall(opts ...Option) *Model { return convnextSmall(opts...) }

// convNeXt builds a column of table 9. Names and shapes of parameters are torchvision's.
func convNeXt(b *graph.Builder, x *gorgonia.Node, o Options, table convNeXtTable, drop float64) *gorgonia.Node {
	const eps = 1e-6
	b.DefaultInit(graph.Normal(0.02), graph.Constant(0))
	total, done := 0, 0
	for _, blocks := range table {
		total += blocks
	}
	for stage, blocks := range table {
		width, name := o.units(96<<stage, 1), fmt.Sprintf("features.%d.", 2*stage)
		if stage == 0 {
			x = b.LayerNorm(b.Conv(x, name+"0", width, 4, graph.Stride(4)), name+"1", eps) // patches of 4×4
		} else {
			x = b.Conv(b.LayerNorm(x, name+"0", eps), name+"1", width, 2, graph.Stride(2))
		}
		for i := range blocks {
			x = convNeXtBlock(b, x, fmt.Sprintf("features.%d.%d.", 2*stage+1, i), o.path(drop, done, total-1), eps)
			done++
		}
		// 96×56×56, 192×28×28, 384×14×14, 768×7×7
	}
	x = b.LayerNorm(b.GlobalAvgPool(x), "classifier.0", eps) // 768
	return b.Dense(x, "classifier.2", o.Classes)
}

// convNeXtBlock adds a block (figure 4): 7×7 filters of one channel each, layer norm, and two 1×1
// convolutions with GELU between them, four times as wide there.
func convNeXtBlock(b *graph.Builder, x *gorgonia.Node, name string, drop float64, eps float32) *gorgonia.Node {
	width := channels(x)
	y := b.LayerNorm(b.Conv(x, name+"block.0", width, 7, graph.Pad(3), graph.Groups(width)), name+"block.2", eps)
	y = b.Activate(b.Pointwise(y, name+"block.3", 4*width), graph.GELU)
	y = b.LayerScale(b.Pointwise(y, name+"block.5", width), name+"layer_scale", 1e-6)
	return b.Add(b.StochasticDepth(y, drop), x)
}
