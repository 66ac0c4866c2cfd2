package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// SqueezeNet: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB
// model size", arXiv:1602.07360, table 1; version 1.1 is the authors' of 2016.

// A fireRow is a fire module of table 1: 1×1 filters that squeeze, then as many 1×1 as 3×3 filters side by
// side that expand. A row without filters is a pooling.
type fireRow struct{ squeeze, expand int }

// squeezeTable is table 1 from the first pooling on, after the first convolution.
var squeezeTable = map[string][]fireRow{
	"1.0": {{}, {16, 64}, {16, 64}, {32, 128}, {}, {32, 128}, {48, 192}, {48, 192}, {64, 256}, {}, {64, 256}},
	"1.1": {{}, {16, 64}, {16, 64}, {}, {32, 128}, {32, 128}, {}, {48, 192}, {48, 192}, {64, 256}, {64, 256}},
}

var squeezenet = Register(Entry{
	Name: "squeezenet", Title: "SqueezeNet", Year: 2016, ArXiv: "1602.07360",
	Paper:  "Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size, 2016",
	Idea:   "Few channels go into the 3×3 filters, and pooling comes late: AlexNet's accuracy in a fiftieth of its weights.",
	Recipe: "batch 512, momentum 0.9, weight decay 2e-4, lr 0.04 falling linearly to 0 in 170,000 steps, dropout 0.5",
	Variants: []VariantInfo{
		squeezeVariant("1.1", 1_235_496, 349_151_936, "41.82/19.38 (torchvision)").noting("first convolution 3×3, pooling earlier: 2.3 times fewer multiply-adds"),
		squeezeVariant("1.0", 1_248_424, 818_924_576, "42.5/19.7; 41.91/19.58 (torchvision)").noting("the paper's, first convolution 7×7"),
	},
	Recipes: []recipe.Recipe{
		// The authors' solver: rate 0.04 falling in a straight line to zero in 170,000 steps of 512 images.
		{Name: "paper", Config: recipe.Config{
			Epochs: 68, Batch: 512, Augment: recipe.Augmentation{"resize(256)", "crop", "flip"}, Resize: 256, Crop: 224,
			Optimizer: recipe.Optimizer{LR: 0.04, Momentum: 0.9, WeightDecay: 2e-4},
			Schedule:  recipe.Schedule{Name: "polynomial", Power: 1},
		}},
		recipe.Quick(8, 32, 0.02),
	},
	Build: squeezeNet,
})

func squeezeVariant(name string, params, macs int64, paperError string) VariantInfo {
	return VariantInfo{
		Name: name, Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
		Takes: []string{"width", "dropout"}, Params: params, MACs: macs, PaperError: paperError,
	}
}

// SqueezeNet is the network of Iandola et al. (arXiv:1602.07360, table 1) in the authors' version 1.1.
//
// Input N×3×224×224; 1,235,496 parameters; 0.349 GMAC. Variant "1.0" is the paper's: 1,248,424; 0.819.
// Options: [Dropout], [Width].
func SqueezeNet(opts ...Option) *Model { return squeezenet(opts...) }

// squeezeNet builds the table. Layers are numbered as in torchvision's list of modules. The classes are
// maps, whose averages are the output.
func squeezeNet(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	b.DefaultInit(graph.HeUniform(), graph.Constant(0))
	if o.Variant == "1.0" {
		x = b.Conv(x, "features.0", o.units(96, 1), 7, graph.Stride(2)) // 96×109×109
	} else {
		x = b.Conv(x, "features.0", o.units(64, 1), 3, graph.Stride(2)) // 64×111×111
	}
	x = b.ReLU(x)
	for i, row := range squeezeTable[o.Variant] {
		if row.squeeze == 0 {
			x = b.MaxPool(x, 3, graph.Stride(2), graph.Ceil()) // 55×55 (1.0: 54×54), 27×27, 13×13
			continue
		}
		name, expand := fmt.Sprintf("features.%d.", i+2), o.units(row.expand, 1)
		x = b.ReLU(b.Conv(x, name+"squeeze", o.units(row.squeeze, 1), 1))
		x = b.Concat(
			b.ReLU(b.Conv(x, name+"expand1x1", expand, 1)),
			b.ReLU(b.Conv(x, name+"expand3x3", expand, 3, graph.Pad(1))))
		// 128, 128, 256, 256, 384, 384, 512, 512 channels
	}
	x = b.Dropout(x, o.rate(0.5))
	x = b.ReLU(b.Conv(x, "classifier.1", o.Classes, 1, graph.Init(graph.Normal(0.01), nil))) // 1000×13×13
	return b.GlobalAvgPool(x)
}
