package zoo

import (
	"math"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// GoogLeNet: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015, arXiv:1409.4842, table 1 and
// section 5.

var googlenet = Register(Entry{
	Name: "googlenet", Title: "GoogLeNet", Year: 2014, ArXiv: "1409.4842",
	Paper:  "Szegedy et al., Going Deeper with Convolutions, CVPR 2015",
	Idea:   "Modules that look at several scales side by side, with 1×1 convolutions to make them cheap: 22 layers, a twelfth of AlexNet's weights.",
	Recipe: "momentum 0.9, lr falling 4 % every 8 epochs, averaged weights, crops of 8-100 % of the area, auxiliary losses weighted 0.3",
	Variants: []VariantInfo{
		{
			Name: "paper", Note: "biases, 5×5 filters, local response normalisation",
			Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}, Auxiliary: new(true)},
			Takes:   []string{"width", "dropout", "auxiliary"},
			Params:  6_998_552, Auxiliary: 6_379_728, MACs: 1_582_671_872, PaperError: "top-5 10.07; 144 crops 7.89; seven nets 6.67",
		},
		{
			Name: "torchvision", Note: "batch normalisation, 3×3 where the paper has 5×5",
			Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}, Auxiliary: new(true)},
			Takes:   []string{"width", "dropout", "auxiliary"},
			Params:  6_624_904, Auxiliary: 6_379_984, MACs: 1_498_376_192, PaperError: "30.22/10.47 (torchvision)",
		},
		{
			Name: "cifar", Note: "torchvision's for 28×28 and 32×32: conv1 3×3 with stride 1, no pooling after it, no auxiliary classifiers",
			Options: Options{Classes: 10, Input: [3]int{3, 32, 32}, Auxiliary: new(false)},
			Takes:   []string{"width", "dropout", "auxiliary"},
			Params:  5_602_474, MACs: 452_175_872,
			Recipes: []recipe.Recipe{onSmallImages(googlenetPaper), recipe.Quick(8, 64, 0.05).With(func(c *recipe.Config) { c.Initialiser, c.Smoothing = "he", 0.1 })},
		},
	},
	Recipes: []recipe.Recipe{
		googlenetPaper,
		recipe.Quick(5, 32, 0.01).With(func(c *recipe.Config) { c.EMA, c.Optimizer.Clip = 0.99, 5 }),
	},
	Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
		n := inceptionNet{b: b, o: o, torchvision: o.Variant != "paper"}
		return n.build(x)
	},
})

// googlenetPaper is section 6: momentum 0.9, the rate 4 % lower every 8 passes, averaged weights at the end,
// parts of 8 to 100 % of the area with an aspect from 3/4 to 4/3. Rate, batch and number of passes are not told:
// these are those of Caffe's copy but for the passes, in which the rate falls to a quarter.
var googlenetPaper = recipe.Recipe{Name: "paper", Config: recipe.Config{
	Epochs: 250, Batch: 32, EMA: 0.9999, Augment: recipe.Augmentation{"resized-crop", "flip", "color"}, Resize: 256, Crop: 224,
	Optimizer: recipe.Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 2e-4},
	Schedule:  recipe.Schedule{Name: "exponential", Gamma: 0.96, Every: 8},
}}

// GoogLeNet is the network of Szegedy et al. (arXiv:1409.4842, table 1).
//
// Input N×3×224×224; 6,998,552 parameters, 13,378,280 with the auxiliary classifiers that training adds;
// 1.583 GMAC. Variant "torchvision": 6,624,904 and 13,004,888; 1.498. Variant "cifar": N×3×32×32; 5,602,474;
// 0.452. Options: [AuxiliaryHeads], [Dropout], [Width].
//
// "cifar" is torchvision's for images of 28×28 and 32×32: conv1 is 3×3 with stride 1 and no pooling
// follows it, so that conv2 and conv3 see the whole image and the modules maps a half, a quarter and an
// eighth as wide (16, 8 and 4 for 32). The auxiliary classifiers, which such a net with batch
// normalisation has no need for, are left out unless they are asked for.
//
// torchvision's published weights expect images normalised with mean 0.5 and deviation 0.5.
func GoogLeNet(opts ...Option) *Model { return googlenet(opts...) }

// inceptionRow is a row of table 1: filters of the 1×1, of the 3×3 and 5×5 with the 1×1 that reduces
// their input, and of the 1×1 after the pooling.
type inceptionRow struct {
	name                                        string
	one, reduce3, three, reduce5, five, project int
}

var inceptionStages = [][]inceptionRow{
	{
		{"3a", 64, 96, 128, 16, 32, 32},   // 256×28×28
		{"3b", 128, 128, 192, 32, 96, 64}, // 480×28×28
	}, {
		{"4a", 192, 96, 208, 16, 48, 64},    // 512×14×14, first auxiliary classifier
		{"4b", 160, 112, 224, 24, 64, 64},   // 512×14×14
		{"4c", 128, 128, 256, 24, 64, 64},   // 512×14×14
		{"4d", 112, 144, 288, 32, 64, 64},   // 528×14×14, second auxiliary classifier
		{"4e", 256, 160, 320, 32, 128, 128}, // 832×14×14
	}, {
		{"5a", 256, 160, 320, 32, 128, 128}, // 832×7×7
		{"5b", 384, 192, 384, 48, 128, 128}, // 1024×7×7
	},
}

type inceptionNet struct {
	b           *graph.Builder
	o           Options
	torchvision bool // batch normalisation, and 3×3 in place of 5×5
}

// build follows table 1; names are torchvision's. What the paper doesn't tell is as in the Caffe model
// that reproduces it: Glorot's weights, biases of 0.2 and 0, and a response normalisation whose alpha is
// for the mean of the squares.
func (n inceptionNet) build(x *gorgonia.Node) *gorgonia.Node {
	b, o := n.b, n.o
	shrink := func(x *gorgonia.Node, size int) *gorgonia.Node {
		return b.MaxPool(x, size, graph.Stride(2), graph.Ceil())
	}
	normalise := func(x *gorgonia.Node) *gorgonia.Node {
		if n.torchvision {
			return x
		}
		return b.LRN(x, 5, 1, 1e-4/5, 0.75)
	}
	b.DefaultInit(graph.Glorot(), graph.Constant(0.2))
	if n.torchvision {
		b.DefaultInit(graph.Normal(0.01), graph.Constant(0))
	}
	if o.Variant == "cifar" {
		x = n.conv(x, "conv1", 64, 3, graph.Pad(1)) // 64×32×32
	} else {
		x = n.conv(x, "conv1", 64, 7, graph.Stride(2), graph.Pad(3)) // 64×112×112
		x = normalise(shrink(x, 3))                                  // 64×56×56
	}
	x = n.conv(x, "conv2", 64, 1)                // 64×56×56
	x = n.conv(x, "conv3", 192, 3, graph.Pad(1)) // 192×56×56
	x = normalise(x)
	pools := [3]int{3, 3, 3}
	if n.torchvision {
		pools[2] = 2
	}
	for stage, rows := range inceptionStages {
		x = shrink(x, pools[stage]) // 192×28×28, 480×14×14, 832×7×7
		for _, row := range rows {
			x = n.inception(x, row)
			switch row.name {
			case "4a":
				n.auxiliary(x, "aux1")
			case "4d":
				n.auxiliary(x, "aux2")
			}
		}
	}
	x = b.Dropout(b.GlobalAvgPool(x), o.rate(0.4)) // 1024
	return n.dense(x, "fc", o.Classes)             // 1000
}

// inception looks at x at four scales side by side and joins what it sees (figure 2b).
func (n inceptionNet) inception(x *gorgonia.Node, r inceptionRow) *gorgonia.Node {
	name := "inception" + r.name
	five, last := 5, ".branch4"
	if n.torchvision {
		five, last = 3, ".branch4.1" // 3×3 is a slip of the reference that its weights are trained with
	}
	one := n.conv(x, name+".branch1", r.one, 1)
	three := n.conv(x, name+".branch2.0", r.reduce3, 1)
	three = n.conv(three, name+".branch2.1", r.three, 3, graph.Same())
	wide := n.conv(x, name+".branch3.0", r.reduce5, 1)
	wide = n.conv(wide, name+".branch3.1", r.five, five, graph.Same())
	pooled := n.b.MaxPool(x, 3, graph.Stride(1), graph.Pad(1))
	pooled = n.conv(pooled, name+last, r.project, 1)
	return n.b.Concat(one, three, wide, pooled)
}

// auxiliary adds a classifier on an inner layer to the training loss (section 5).
func (n inceptionNet) auxiliary(x *gorgonia.Node, name string) {
	b := n.b
	if b.Err() != nil || !b.Training() || !yes(n.o.Auxiliary) {
		return
	}
	if n.torchvision {
		x = b.AdaptiveAvgPool(x, 4, 4) // 512×4×4 or 528×4×4
	} else {
		if s := x.Shape(); min(s[2], s[3]) < 5 {
			b.Errorf("%s: maps of %d×%d are too small for the auxiliary classifier's pooling, (N - F + 2P)/S + 1 = (%d - 5 + 2·0)/3 + 1 < 1: leave the auxiliary classifiers out", name, s[2], s[3], min(s[2], s[3]))
			return
		}
		x = b.AvgPool(x, 5, graph.Stride(3))
	}
	x = n.conv(x, name+".conv", 128, 1) // 128×4×4
	x = b.Flatten(x)                    // 2048
	x = b.ReLU(n.dense(x, name+".fc1", n.o.units(1024, 1)))
	x = b.Dropout(x, n.o.rate(0.7))
	b.Auxiliary(n.dense(x, name+".fc2", n.o.Classes), 0.3)
}

// conv is a convolution and its ReLU, in torchvision's variant with batch normalisation between them in
// place of the bias.
func (n inceptionNet) conv(x *gorgonia.Node, name string, filters, kernel int, opts ...graph.Opt) *gorgonia.Node {
	filters = n.o.units(filters, 1)
	if !n.torchvision {
		return n.b.ReLU(n.b.Conv(x, name, filters, kernel, opts...))
	}
	x = n.b.Conv(x, name+".conv", filters, kernel, append(opts, graph.NoBias())...)
	return n.b.ReLU(n.b.BatchNorm(x, name+".bn", 1e-3, 0.1))
}

func (n inceptionNet) dense(x *gorgonia.Node, name string, out int) *gorgonia.Node {
	if n.torchvision {
		bound := graph.Uniform(1 / math.Sqrt(float64(channels(x))))
		return n.b.Dense(x, name, out, graph.Init(nil, bound))
	}
	return n.b.Dense(x, name, out, graph.Init(nil, graph.Constant(0)))
}
