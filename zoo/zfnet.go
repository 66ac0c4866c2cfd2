package zoo

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// ZFNet: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
// arXiv:1311.2901, figure 3 and section 3.1.

var zfnet = Register(Entry{
	Name: "zfnet", Title: "ZFNet", Year: 2013, ArXiv: "1311.2901",
	Paper:  "Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, ECCV 2014",
	Idea:   "AlexNet after a look inside: smaller first filters and stride keep what the larger ones lost.",
	Recipe: "batch 128, momentum 0.9, dropout 0.5, lr 0.01 reduced by hand on plateau, filters with RMS above 0.1 scaled back, 70 epochs",
	Variants: []VariantInfo{
		{
			Name: "paper", Note: "96/256/384/384/256 filters",
			Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
			Takes:   []string{"width", "dropout"},
			Params:  62_357_608, MACs: 1_168_032_896, PaperError: "38.4/16.5; five nets 36.7/15.3",
		},
		{
			Name: "wide", Note: "512/1024/512 filters in conv3, 4, 5 (section 4.3's larger maps)",
			Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
			Takes:   []string{"width", "dropout"},
			Params:  107_627_624, MACs: 2_476_704_896, PaperError: "37.5/16.0; six nets of both kinds 36.0/14.7",
		},
	},
	Recipes: []recipe.Recipe{
		// Section 3.1: batches of 128, rate 0.01 lowered by hand when the validation error stops improving,
		// momentum 0.9, 70 passes, weights from N(0, 0.01). Filters are not scaled back here when their RMS
		// exceeds 0.1.
		{Name: "paper", Config: recipe.Config{
			Epochs: 70, Batch: 128, Augment: recipe.Augmentation{"resize(256)", "crop", "flip"}, Resize: 256, Crop: 224,
			Optimizer: recipe.Optimizer{LR: 0.01, Momentum: 0.9},
			Schedule:  recipe.Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
		}},
		recipe.Quick(5, 32, 0.01).With(func(c *recipe.Config) { c.Initialiser, c.Schedule.Start = "he", 0.3 }),
	},
	Build: zfnetBuild,
})

// ZFNet is the network of Zeiler and Fergus (arXiv:1311.2901, figure 3).
//
// Input N×3×224×224; 62,357,608 parameters; 1.168 GMAC. Variant "wide": 107,627,624; 2.477. Options:
// [Width], [Dropout].
func ZFNet(opts ...Option) *Model { return zfnet(opts...) }

// zfnetBuild follows figure 3: each of the first two layers is convolved, rectified, pooled 3/2 and
// contrast normalised across maps, for which the paper gives no numbers: they are AlexNet's, from whose
// implementation the authors started. Weights are 1e-2 and biases 0 (section 3.1). The pools' padding of
// 1 gives the figure's 55 and 13.
func zfnetBuild(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	widths := [5]int{96, 256, 384, 384, 256}
	if o.Variant == "wide" {
		widths = [5]int{96, 256, 512, 1024, 512}
	}
	b.DefaultInit(graph.Normal(0.01), graph.Constant(0))
	for i, l := range []struct {
		name                string
		kernel, stride, pad int
		pool, poolPad       int
		norm                bool
	}{
		{"conv1", 7, 2, 1, 3, 1, true},  // 96×110×110, pooled 96×55×55
		{"conv2", 5, 2, 0, 3, 1, true},  // 256×26×26, pooled 256×13×13
		{"conv3", 3, 1, 1, 0, 0, false}, // 384×13×13
		{"conv4", 3, 1, 1, 0, 0, false}, // 384×13×13
		{"conv5", 3, 1, 1, 3, 0, false}, // 256×13×13, pooled 256×6×6
	} {
		x = b.ReLU(b.Conv(x, l.name, o.units(widths[i], 1), l.kernel, graph.Stride(l.stride), graph.Pad(l.pad)))
		if l.pool > 0 {
			x = b.MaxPool(x, l.pool, graph.Stride(2), graph.Pad(l.poolPad))
		}
		if l.norm {
			x = b.LRN(x, 5, 2, 1e-4, 0.75)
		}
	}
	x = b.Flatten(x) // 9216
	for _, name := range []string{"fc6", "fc7"} {
		x = b.Dropout(b.ReLU(b.Dense(x, name, o.units(4096, 1))), o.rate(0.5)) // 4096
	}
	return b.Dense(x, "fc8", o.Classes) // 1000
}
