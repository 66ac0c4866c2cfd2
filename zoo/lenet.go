package zoo

import (
	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// LeNet-5: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
// Recognition", Proceedings of the IEEE 86(11), 1998, section II.B and figure 2.

var lenet5 = Register(Entry{
	Name: "lenet5", Title: "LeNet-5", Year: 1998,
	Paper:      "LeCun et al., Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86(11)",
	Idea:       "Convolutions with shared weights, subsampling between them, all learned from pixels by gradient descent.",
	Recipe:     "20 passes over MNIST, stochastic diagonal Levenberg-Marquardt, one image at a time",
	PaperError: "0.95 on MNIST",
	Variants: []VariantInfo{
		{
			Name: "modern", Note: "complete C3, pooling without weights, a linear output for softmax",
			Options: Options{Classes: 10, Input: [3]int{1, 28, 28}, Activation: "relu", Pooling: "max"},
			Takes:   []string{"width", "activation", "pooling"},
			Params:  61_706, MACs: 416_520,
		},
		{
			Name: "1998", Note: "C3's connection table, subsampling with weights, scaled tanh, distances to drawn codes",
			Options: Options{Classes: 10, Input: [3]int{1, 32, 32}},
			Params:  60_000, MACs: 326_520, PaperError: "0.95 on MNIST, 0.8 with distortions",
		},
	},
	Recipes: []recipe.Recipe{
		// Section III.B: 20 passes, one image at a time, the global rate lowered after passes 2, 5, 8 and 12
		// (0.0005, 0.0002, 0.0001, 0.00005, 0.00001). The authors' rates belong to a diagonal
		// Levenberg-Marquardt method that scales each weight's step by its curvature (steps between 7e-5 and
		// 0.016); this is the plain method with a rate in their middle, and one factor of 0.4 at each of the
		// same passes.
		{Name: "paper", Config: recipe.Config{
			Epochs: 20, Batch: 1,
			Optimizer: recipe.Optimizer{LR: 0.002},
			Schedule:  recipe.Schedule{Name: "step", Milestones: []float64{2, 5, 8, 12}, Gamma: 0.4},
		}},
		// It has too few weights to learn more than the images of Fashion-MNIST by heart in that time.
		recipe.Quick(30, 64, 0.08).Excluding("fashion").With(func(c *recipe.Config) { c.Optimizer.WeightDecay = 5e-3 }),
	},
	Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
		if o.Variant == "1998" {
			return lenet1998(b, x, o)
		}
		return lenetModern(b, x, o)
	},
})

// LeNet5 is LeNet-5 (LeCun et al. 1998) as it is written today: every map of C3 sees all of S2, the
// pooling has no weights, and the ten outputs are logits.
//
// Input N×1×28×28 as MNIST has it, padded by 2 to the paper's 32×32, or anything larger; 61,706
// parameters; 0.000417 GMAC. Options: [Activation] "relu" or "tanh", [Pooling] "max" or "average",
// [Width].
//
// Variant "1998" is the paper's own: C3's maps see some of S2's, subsampling has a coefficient and a
// bias for each map, units squash with 1.7159·tanh(2x/3), and the outputs are distances to fixed codes,
// negated so that the nearest is the largest. Input N×1×32×32, background -0.1 and foreground 1.175;
// 60,000 parameters; 340,908 connections, 0.000327 GMAC.
func LeNet5(opts ...Option) *Model { return lenet5(opts...) }

func lenetModern(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	squash := b.ReLU
	if o.Activation == "tanh" {
		squash = b.Tanh
	}
	pool := b.MaxPool
	if o.Pooling == "average" {
		pool = b.AvgPool
	}
	border := graph.Pad(0)
	if o.Input[1] == 28 && o.Input[2] == 28 {
		border = graph.Pad(2)
	}
	x = squash(b.Conv(x, "c1", o.units(6, 1), 5, border, evenly(25*o.Input[0]))) // 6×28×28
	x = pool(x, 2)                                                               // S2 6×14×14
	x = squash(b.Conv(x, "c3", o.units(16, 1), 5, evenly(25*channels(x))))       // 16×10×10
	x = pool(x, 2)                                                               // S4 16×5×5
	x = b.Flatten(x)                                                             // 400
	x = squash(b.Dense(x, "c5", o.units(120, 1), evenly(channels(x))))           // 120
	x = squash(b.Dense(x, "f6", o.units(84, 1), evenly(channels(x))))            // 84
	return b.Dense(x, "output", o.Classes, evenly(channels(x)))                  // 10
}

// lenetC3 is table I: the maps of S2 that each map of C3 sees.
var lenetC3 = [][]int{
	{0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 5}, {0, 4, 5}, {0, 1, 5},
	{0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}, {0, 3, 4, 5}, {0, 1, 4, 5}, {0, 1, 2, 5},
	{0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5},
	{0, 1, 2, 3, 4, 5},
}

// lenet1998 is section II.B. Initial weights are even in ±2.4/fan-in (appendix A); of a map of C3 that is
// taken as four maps' taps.
func lenet1998(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	if o.Classes != 10 {
		b.Errorf("%d classes: the output codes of variant 1998 are the ten digits; use variant modern", o.Classes)
		return nil
	}
	squash := func(x *gorgonia.Node) *gorgonia.Node { return b.ScaledTanh(x, 1.7159, 2./3) }
	from := func(fanIn int) graph.Opt {
		u := graph.Uniform(2.4 / float64(fanIn))
		return graph.Init(u, u)
	}
	// The sum of four inputs is four times their mean.
	subsample := func(x *gorgonia.Node, name string) *gorgonia.Node {
		return squash(b.ChannelScale(b.AvgPool(x, 2), name, 4, from(4)))
	}
	x = squash(b.Conv(x, "c1", 6, 5, from(25*channels(x))))    // 6×28×28
	x = subsample(x, "s2")                                     // 6×14×14
	x = squash(b.PartialConv(x, "c3", lenetC3, 5, from(4*25))) // 16×10×10
	x = subsample(x, "s4")                                     // 16×5×5
	x = squash(b.Dense(b.Flatten(x), "c5", 120, from(400)))    // 120, a convolution of 5×5 over 5×5
	x = squash(b.Dense(x, "f6", 84, from(120)))                // 84 = 7·12
	var codes [][]float32
	for digit := range o.Classes {
		codes = append(codes, lenetCode(digit))
	}
	return b.RBF(x, "output", codes) // 10
}
