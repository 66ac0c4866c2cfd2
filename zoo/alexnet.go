package zoo

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// AlexNet: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural
// Networks", NIPS 2012, section 3.5 and figure 2. The torchvision variant follows Krizhevsky, "One weird
// trick for parallelizing convolutional neural networks", arXiv:1404.5997.

var alexnet = Register(Entry{
	Name: "alexnet", Title: "AlexNet", Year: 2012,
	Paper:  "Krizhevsky et al., ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012",
	Idea:   "Deep and wide enough for a million photographs: ReLU, dropout, overlapping pooling, augmentation, and GPUs.",
	Recipe: "batch 128, momentum 0.9, weight decay 5e-4, lr 0.01 /10 on plateau three times, about 90 epochs",
	Variants: []VariantInfo{
		{
			Name: "paper", Note: "groups of two, local response normalisation, 227×227",
			Options: Options{Classes: 1000, Input: [3]int{3, 227, 227}},
			Takes:   []string{"width", "dropout"},
			Params:  60_965_224, MACs: 724_406_816, PaperError: "40.7/18.2; five nets 38.1/16.4",
		},
		{
			Name: "caffe", Note: "the paper's with Caffe's response normalisation, k = 1 and α for the mean of the squares",
			Options: Options{Classes: 1000, Input: [3]int{3, 227, 227}},
			Takes:   []string{"width", "dropout"},
			Params:  60_965_224, MACs: 724_406_816, PaperError: "42.9/19.8 (Caffe)",
		},
		{
			Name: "ungrouped", Note: "the paper's, every filter seeing all channels",
			Options: Options{Classes: 1000, Input: [3]int{3, 227, 227}},
			Takes:   []string{"width", "dropout"},
			Params:  62_378_344, MACs: 1_135_256_096,
		},
		{
			Name: "torchvision", Note: "64/192/384/256/256 filters, no groups and no normalisation, 224×224",
			Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}},
			Takes:   []string{"width", "dropout"},
			Params:  61_100_840, MACs: 714_188_480, PaperError: "43.48/20.93 (torchvision)",
			Recipes: []recipe.Recipe{alexnetRecipes[0].With(func(c *recipe.Config) { c.Crop = 224 }), alexnetRecipes[1]},
		},
		{
			Name: "cifar", Note: "the paper's for 32×32: conv1 5×5 with stride 1, 1024 hidden units",
			Options: Options{Classes: 10, Input: [3]int{3, 32, 32}},
			Takes:   []string{"width", "dropout"},
			Params:  5_726_602, MACs: 177_453_056,
			Recipes: []recipe.Recipe{onSmallImages(alexnetRecipes[0]), recipe.Quick(15, 64, 0.02).With(func(c *recipe.Config) { c.Initialiser, c.Optimizer.Clip = "he", 5 })},
		},
	},
	Recipes: alexnetRecipes,
	Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
		if o.Variant == "torchvision" {
			return alexnetTorchvision(b, x, o)
		}
		return alexnetPaper(b, x, o)
	},
})

var alexnetRecipes = []recipe.Recipe{
	// Section 5: batches of 128, momentum 0.9, weight decay 0.0005 on every weight, rate 0.01 divided by 10
	// when the validation error stopped improving, three times, in about 90 passes; section 4.1: crops, mirror
	// images, noise in the colours.
	{Name: "paper", Config: recipe.Config{
		Epochs: 90, Batch: 128, Augment: recipe.Augmentation{"resize(256)", "crop", "flip", "pca(0.1)"}, Resize: 256, Crop: 227,
		Optimizer: recipe.Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 5e-4},
		Schedule:  recipe.Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
	}},
	// The paper's initial weights are so small, and its biases so large, that the first thousands of steps
	// learn little; He's begin at once.
	recipe.Quick(5, 32, 0.01).With(func(c *recipe.Config) { c.Initialiser, c.Schedule.Start = "he", 0.3 }),
}

// AlexNet is the network of Krizhevsky et al. (NIPS 2012). The paper gives the input as 224×224; its
// maps of 55×55 need 227.
//
// Input N×3×227×227; 60,965,224 parameters; 0.724 GMAC. Variant "caffe" is what Caffe's published weights
// were trained with: as large, with another response normalisation. Variant "ungrouped": 62,378,344; 1.135. Variant
// "torchvision": N×3×224×224; 61,100,840; 0.714. Variant "cifar": N×3×32×32; 5,726,602; 0.177. Options:
// [Width], [Dropout].
//
// "cifar" is the paper's network for images of 32×32, on which its first layer would leave maps of 6×6
// and its last pooling nothing: conv1 is 5×5 with stride 1 and padding 2, as in Krizhevsky's own networks
// for CIFAR-10 (cuda-convnet), so that the maps are 15, 7 and 3 wide after the poolings, and the hidden
// layers have 1024 units for ten classes in place of 4096 for a thousand. Filters, groups, response
// normalisation, overlapping pooling and dropout are the paper's.
func AlexNet(opts ...Option) *Model { return alexnet(opts...) }

// alexnetPaper is section 3.5: ReLU after every layer, response normalisation (3.3) after the ReLU of
// conv1 and conv2, overlapping pooling 3/2 (3.4), dropout (4.2) on the first two fully connected layers,
// weights from N(0, 0.01), and biases of 1 in conv2, 4, 5 and the hidden fully connected layers
// (section 5). conv2, conv4 and conv5 see the half of the maps that lay on their GPU.
func alexnetPaper(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	gaussian, hidden := graph.Normal(0.01), 4096
	if o.Variant == "cifar" {
		hidden = 1024
	}
	for _, l := range []struct {
		name                                 string
		filters, kernel, stride, pad, groups int
		bias                                 float32
		norm, pool                           bool
	}{
		{"conv1", 96, 11, 4, 0, 1, 0, true, true},   // 96×55×55, pooled 96×27×27
		{"conv2", 256, 5, 1, 2, 2, 1, true, true},   // 256×27×27, pooled 256×13×13
		{"conv3", 384, 3, 1, 1, 1, 0, false, false}, // 384×13×13
		{"conv4", 384, 3, 1, 1, 2, 1, false, false}, // 384×13×13
		{"conv5", 256, 3, 1, 1, 2, 1, false, true},  // 256×13×13, pooled 256×6×6
	} {
		switch {
		case o.Variant == "ungrouped":
			l.groups = 1
		case o.Variant == "cifar" && l.name == "conv1":
			l.kernel, l.stride, l.pad = 5, 1, 2 // 96×32×32, pooled 96×15×15; later 256×7×7 and 256×3×3
		}
		// All widths are multiples of two, so that the next layer's groups come out even.
		x = b.ReLU(b.Conv(x, l.name, o.units(l.filters, 2), l.kernel, graph.Stride(l.stride), graph.Pad(l.pad),
			graph.Groups(l.groups), graph.Init(gaussian, graph.Constant(l.bias))))
		switch {
		case l.norm && o.Variant == "caffe":
			x = b.LRN(x, 5, 1, 1e-4/5, 0.75)
		case l.norm:
			x = b.LRN(x, 5, 2, 1e-4, 0.75)
		}
		if l.pool {
			x = b.MaxPool(x, 3, graph.Stride(2))
		}
	}
	x = b.Flatten(x) // 9216
	for _, name := range []string{"fc6", "fc7"} {
		x = b.ReLU(b.Dense(x, name, o.units(hidden, 1), graph.Init(gaussian, graph.Constant(1)))) // 4096
		x = b.Dropout(x, o.rate(0.5))
	}
	return b.Dense(x, "fc8", o.Classes, graph.Init(gaussian, graph.Constant(0))) // 1000
}

// alexnetTorchvision has the layers, names and initial weights of torchvision's alexnet. Inputs of
// other sizes are pooled to 6×6, so that its weights fit them too.
func alexnetTorchvision(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	for _, l := range []struct {
		name                         string
		filters, kernel, stride, pad int
		pool                         bool
	}{
		{"features.0", 64, 11, 4, 2, true},  // 64×55×55, pooled 64×27×27
		{"features.3", 192, 5, 1, 2, true},  // 192×27×27, pooled 192×13×13
		{"features.6", 384, 3, 1, 1, false}, // 384×13×13
		{"features.8", 256, 3, 1, 1, false}, // 256×13×13
		{"features.10", 256, 3, 1, 1, true}, // 256×13×13, pooled 256×6×6
	} {
		fanIn := l.kernel * l.kernel * channels(x)
		x = b.ReLU(b.Conv(x, l.name, o.units(l.filters, 1), l.kernel, graph.Stride(l.stride), graph.Pad(l.pad), evenly(fanIn)))
		if l.pool {
			x = b.MaxPool(x, 3, graph.Stride(2))
		}
	}
	x = b.Flatten(b.AdaptiveAvgPool(x, 6, 6)) // 9216
	for _, name := range []string{"classifier.1", "classifier.4"} {
		x = b.Dropout(x, o.rate(0.5))
		x = b.ReLU(b.Dense(x, name, o.units(4096, 1), evenly(channels(x)))) // 4096
	}
	return b.Dense(x, "classifier.6", o.Classes, evenly(channels(x))) // 1000
}
