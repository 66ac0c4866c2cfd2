package train

import (
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
)

// family returns the recipes that belong to a network, by their names: "paper" is how the authors
// trained, as far as this package can; "quick" makes the best of minutes on two cores.
func family(network string) map[string]Config {
	network, variant, _ := strings.Cut(network, "_")
	if own, ok := small[strings.TrimRight(network, "0123456789")]; ok && strings.HasPrefix(variant, "cifar") {
		// The paper's optimiser, and what ResNet's paper did to images of that size.
		paper := with(family(network)["paper"], func(c *Config) { c.Augment, c.Resize, c.Crop = augment.MustParse("crop(4), flip"), 0, 0 })
		return map[string]Config{"paper": paper, "quick": own}
	}
	if c, ok := recipes[network]; ok {
		return c
	}
	if strings.HasPrefix(network, "vgg") {
		return recipes["vgg"]
	}
	switch network {
	case "resnet18", "resnet34", "resnet50", "resnet101", "resnet152":
		return recipes["resnet"]
	case "resnet8", "resnet14", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110":
		paper, quick := recipes["resnet-cifar"]["paper"], recipes["resnet-cifar"]["quick"]
		depth, _ := strconv.Atoi(strings.TrimPrefix(network, "resnet"))
		quick.Epochs = min(quick.Epochs, quick.Epochs*20/depth) // for about the same time
		if depth == 110 {
			// A rate of 0.01 in the beginning, until it learns; a rise over about as many steps does the same.
			paper.Schedule.Warmup, paper.Schedule.WarmupFrom = 1, 0.1
		}
		return map[string]Config{"paper": paper, "quick": quick}
	case "allcnn-c", "convpool-cnn-c", "strided-cnn-c":
		return recipes["allcnn"]
	}
	return nil
}

// decayed are the rules by which weight decay acts on weights alone, as is usual now.
var decayed = []Rule{{Dims: 1, LR: 1, Decay: 0}}

// quickly is a one-cycle recipe with Nesterov's momentum.
func quickly(epochs, batch int, lr float64) Config {
	return Config{
		Epochs: epochs, Batch: batch,
		Optimizer: Optimizer{LR: lr, Momentum: 0.9, Nesterov: true, WeightDecay: 5e-4, Rules: decayed},
		Schedule:  Schedule{Name: "onecycle", Start: 0.25},
	}
}

// with changes a configuration.
func with(c Config, change func(*Config)) Config {
	change(&c)
	return c
}

// The steps of an epoch of CIFAR-10's 50,000 images in batches of 128, in which papers count.
const cifarSteps = 391

// imageNet is what AlexNet and those after it did to the images of ILSVRC: the shorter side scaled to
// 256, a random part as large as the input, a mirror image or not.
const imageNet = "resize(256), crop, flip"

// small are the quick recipes of the variants for images of 32×32, for a whole data set of that size.
var small = map[string]Config{
	"alexnet":   with(quickly(15, 64, 0.02), func(c *Config) { c.Initialiser, c.Optimizer.Clip = "he", 5 }),
	"vgg":       with(quickly(15, 128, 0.05), func(c *Config) { c.Smoothing = 0.1 }),
	"googlenet": with(quickly(8, 64, 0.05), func(c *Config) { c.Initialiser, c.Smoothing = "he", 0.1 }),
}

var recipes = map[string]map[string]Config{
	"lenet5": {
		// LeCun, Bottou, Bengio & Haffner 1998, section III.B: 20 passes, one image at a time, the global
		// rate lowered after passes 2, 5, 8 and 12 (0.0005, 0.0002, 0.0001, 0.00005, 0.00001). The authors'
		// rates belong to a diagonal Levenberg-Marquardt method that scales each weight's step by its
		// curvature (steps between 7e-5 and 0.016); this is the plain method with a rate in their middle,
		// and one factor of 0.4 at each of the same passes.
		"paper": {
			Epochs: 20, Batch: 1,
			Optimizer: Optimizer{LR: 0.002},
			Schedule:  Schedule{Name: "step", Milestones: []float64{2, 5, 8, 12}, Gamma: 0.4},
		},
		"quick": with(quickly(30, 64, 0.08), func(c *Config) { c.Optimizer.WeightDecay = 5e-3 }),
	},
	"alexnet": {
		// Krizhevsky, Sutskever & Hinton 2012, section 5: batches of 128, momentum 0.9, weight decay
		// 0.0005 on every weight, rate 0.01 divided by 10 when the validation error stopped improving,
		// three times, in about 90 passes; section 4.1: crops, mirror images, noise in the colours.
		"paper": {
			Epochs: 90, Batch: 128, Augment: augment.MustParse(imageNet + ", pca(0.1)"), Resize: 256, Crop: 227,
			Optimizer: Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 5e-4},
			Schedule:  Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
		},
		// The paper's initial weights are so small, and its biases so large, that the first thousands of
		// steps learn little; He's begin at once.
		"quick": with(quickly(5, 32, 0.01), func(c *Config) { c.Initialiser, c.Schedule.Start = "he", 0.3 }),
	},
	"zfnet": {
		// Zeiler & Fergus 2013, section 3.1: batches of 128, rate 0.01 lowered by hand when the validation
		// error stops improving, momentum 0.9, 70 passes, weights from N(0, 0.01). Filters are not scaled
		// back here when their RMS exceeds 0.1.
		"paper": {
			Epochs: 70, Batch: 128, Augment: augment.MustParse(imageNet), Resize: 256, Crop: 224,
			Optimizer: Optimizer{LR: 0.01, Momentum: 0.9},
			Schedule:  Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
		},
		"quick": with(quickly(5, 32, 0.01), func(c *Config) { c.Initialiser, c.Schedule.Start = "he", 0.3 }),
	},
	"vgg": {
		// Simonyan & Zisserman 2014, section 3.1: batches of 256, momentum 0.9, weight decay 0.0005, rate
		// 0.01 divided by 10 three times on a plateau, 74 passes; weights as Glorot's (their footnote), the
		// scale of the images drawn from 256 to 512, colour noise.
		"paper": {
			Epochs: 74, Batch: 256, Initialiser: "glorot", Augment: augment.MustParse("scale(256, 512), crop, flip, pca(0.1)"), Resize: 256, Crop: 224,
			Optimizer: Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 5e-4},
			Schedule:  Schedule{Name: "plateau", Gamma: 0.1, Patience: 3, Final: 1e-3},
		},
		"quick": with(quickly(5, 32, 0.01), func(c *Config) { c.Initialiser, c.Optimizer.Clip = "he", 5 }),
	},
	"googlenet": {
		// Szegedy et al. 2014, section 6: momentum 0.9, the rate 4 % lower every 8 passes, averaged weights
		// at the end, parts of 8 to 100 % of the area with an aspect from 3/4 to 4/3. Rate, batch and number
		// of passes are not told: these are those of Caffe's copy but for the passes, in which the rate
		// falls to a quarter.
		"paper": {
			Epochs: 250, Batch: 32, EMA: 0.9999, Augment: augment.MustParse("resized-crop, flip, color"), Resize: 256, Crop: 224,
			Optimizer: Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 2e-4},
			Schedule:  Schedule{Name: "exponential", Gamma: 0.96, Every: 8},
		},
		"quick": with(quickly(5, 32, 0.01), func(c *Config) { c.EMA, c.Optimizer.Clip = 0.99, 5 }),
	},
	"resnet": {
		// He et al. 2015, section 3.4: batches of 256, rate 0.1 divided by 10 on a plateau, 600,000 steps,
		// which are 120 passes, weight decay 0.0001, momentum 0.9; the shorter side drawn from 256 to 480.
		"paper": {
			Epochs: 120, Batch: 256, Initialiser: "he", Augment: augment.MustParse("scale(256, 480), crop, flip, pca(0.1)"), Resize: 256, Crop: 224,
			Optimizer: Optimizer{LR: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
			Schedule:  Schedule{Name: "plateau", Gamma: 0.1, Patience: 5, Final: 1e-3},
		},
		"quick": with(quickly(5, 32, 0.05), func(c *Config) { c.Smoothing = 0.1 }),
	},
	"resnet-cifar": {
		// He et al. 2015, section 4.2: batches of 128, rate 0.1 divided by 10 at 32,000 and 48,000 of 64,000
		// steps, weight decay 0.0001, 4 pixels of padding, random crops and mirror images.
		"paper": {
			Epochs: 164, Batch: 128, Initialiser: "he", Augment: augment.MustParse("crop(4), flip"),
			Optimizer: Optimizer{LR: 0.1, Momentum: 0.9, WeightDecay: 1e-4},
			Schedule:  Schedule{Name: "step", Milestones: []float64{32000. / cifarSteps, 48000. / cifarSteps}, Gamma: 0.1},
		},
		"quick": quickly(50, 128, 0.2), // of 20 layers
	},
	"allcnn": {
		// Springenberg et al. 2014, section 3.1: 350 passes, momentum 0.9, weight decay 0.001, the rate (of
		// 0.25, 0.1, 0.05 and 0.01 the best) multiplied by 0.1 after 200, 250 and 300 passes; crops after 5
		// pixels of padding and mirror images.
		"paper": {
			Epochs: 350, Batch: 128, Augment: augment.MustParse("crop(5), flip"),
			Optimizer: Optimizer{LR: 0.05, Momentum: 0.9, WeightDecay: 1e-3},
			Schedule:  Schedule{Name: "step", Milestones: []float64{200, 250, 300}, Gamma: 0.1},
		},
		"quick": with(quickly(10, 64, 0.05), func(c *Config) { c.Initialiser, c.Optimizer.WeightDecay, c.Optimizer.Clip = "he", 1e-3, 5 }),
	},
	"alphago-policy": {
		// Silver et al. 2016, methods, "Policy network: classification": batches of 16, no momentum, rate 0.003
		// halved every 80 of 340 million steps. An epoch here is all of the 29.4 million positions, 1,837,500
		// steps; for other epochs see InSteps.
		"paper": {
			Epochs: 185, Batch: 16,
			Optimizer: Optimizer{LR: 0.003},
			Schedule:  Schedule{Name: "step", Every: 80e6 / (29.4e6 / 16), Gamma: 0.5},
		},
		// Without the clipping, twelve convolutions and more never leave the loss of a guess.
		"quick": with(quickly(20, 32, 0.02), func(c *Config) { c.Optimizer.WeightDecay, c.Optimizer.Clip, c.Schedule.Start = 1e-4, 1, 0.2 }),
	},
	"alphago-value": {
		// Silver et al. 2016, methods, "Value network: regression": batches of 32, 50 million steps on 30
		// million positions, else as the policy. The paper's gradient is that of half the squared distance,
		// so that its rate of 0.003 is half of that here.
		"paper": {
			Epochs: 53, Batch: 32,
			Optimizer: Optimizer{LR: 0.0015},
			Schedule:  Schedule{Name: "step", Every: 80e6 / (30e6 / 32), Gamma: 0.5},
		},
		"quick": with(quickly(20, 32, 0.005), func(c *Config) { c.Optimizer.WeightDecay, c.Optimizer.Clip, c.Schedule.Start = 1e-4, 5, 0.2 }),
	},
}

// counted are the steps of papers' recipes that are counted in steps: all of them, and those after which the rate
// falls.
var counted = map[string]struct{ all, fall float64 }{
	"alphago-policy": {340e6, 80e6},
	"alphago-value":  {50e6, 80e6},
}

// InSteps returns a recipe for epochs of so many images with as many steps as the paper has, if the paper
// counts in steps and the recipe is its own.
func InSteps(c Config, images int) Config {
	steps, ok := counted[c.Network]
	if !ok || c.Recipe != "paper" {
		return c
	}
	epoch := float64(max((images+c.Batch-1)/max(c.Batch, 1), 1))
	c.Epochs, c.Schedule.Every = max(int(steps.all/epoch), 1), steps.fall/epoch
	return c
}
