package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// AlphaGo: Silver et al., "Mastering the game of Go with deep neural networks and tree search", Nature
// 529, 2016, methods, "Neural network architecture".

const (
	alphaGoPaper = "Silver et al., Mastering the game of Go with deep neural networks and tree search, Nature 529"
)

var alphaGoPolicy = Register(Entry{
	Name: "alphago-policy", Title: "AlphaGo policy network", Year: 2016, Paper: alphaGoPaper,
	Idea:   "The board as an image of 48 planes, the next move as one of 361 classes.",
	Recipe: "batch 16, SGD without momentum, lr 0.003 halved every 80 M steps, 340 M steps, 8 symmetries",
	Variants: []VariantInfo{
		alphaGoVariant("k192", 192, 361, 48, 3_882_793, 1_400_726_208, "44.6 (move prediction)").noting("the match version"),
		alphaGoVariant("k128", 128, 361, 48, 1_777_641, 641_043_584, "45.4 (move prediction)"),
		alphaGoVariant("k256", 256, 361, 48, 6_798_953, 2_453_182_720, "44.1 (move prediction)"),
	},
	Recipes: []recipe.Recipe{
		// Methods, "Policy network: classification": batches of 16, no momentum, rate 0.003 halved every 80 of
		// 340 million steps. An epoch here is all of the 29.4 million positions, 1,837,500 steps.
		{Name: "paper", Steps: 340e6, Fall: 80e6, Config: recipe.Config{
			Epochs: 185, Batch: 16,
			Optimizer: recipe.Optimizer{LR: 0.003},
			Schedule:  recipe.Schedule{Name: "step", Every: 80e6 / (29.4e6 / 16), Gamma: 0.5},
		}},
		// Without the clipping, twelve convolutions and more never leave the loss of a guess.
		recipe.Quick(20, 32, 0.02).With(func(c *recipe.Config) {
			c.Optimizer.WeightDecay, c.Optimizer.Clip, c.Schedule.Start = 1e-4, 1, 0.2
		}),
	},
	Build:   policy,
	Outputs: func(input [3]int) int { return input[1] * input[2] },
})

var alphaGoValue = Register(Entry{
	Name: "alphago-value", Title: "AlphaGo value network", Year: 2016, Paper: alphaGoPaper,
	Idea:     "The same board, and who plays, as one number: who will win.",
	Recipe:   "batch 32, SGD without momentum, lr 0.003 halved every 80 M steps, 50 M steps on 30 M positions of self-play, each from a game of its own",
	Variants: []VariantInfo{alphaGoVariant("k192", 192, 1, 49, 3_980_162, 1_402_551_680, "MSE 0.234")},
	Recipes: []recipe.Recipe{
		// Methods, "Value network: regression": batches of 32, 50 million steps on 30 million positions, else
		// as the policy. The paper's gradient is that of half the squared distance, so that its rate of 0.003
		// is half of that here.
		{Name: "paper", Steps: 50e6, Fall: 80e6, Config: recipe.Config{
			Epochs: 53, Batch: 32,
			Optimizer: recipe.Optimizer{LR: 0.0015},
			Schedule:  recipe.Schedule{Name: "step", Every: 80e6 / (30e6 / 32), Gamma: 0.5},
		}},
		recipe.Quick(20, 32, 0.005).With(func(c *recipe.Config) {
			c.Optimizer.WeightDecay, c.Optimizer.Clip, c.Schedule.Start = 1e-4, 5, 0.2
		}),
	},
	Loss:  MSE,
	Build: value,
})

func alphaGoVariant(name string, k, classes, planes int, params, macs int64, paperError string) VariantInfo {
	return VariantInfo{
		Name: name, Options: Options{Classes: classes, Input: [3]int{planes, 19, 19}, Filters: k, Depth: 13},
		Takes: []string{"filters", "depth"}, Params: params, MACs: macs, PaperError: paperError,
	}
}

// AlphaGoPolicy is the policy network of Silver et al. (Nature 2016): 13 convolutions and a softmax over
// the points of the board.
//
// Input N×48×19×19; 3,882,793 parameters; 1.40 GMAC. Variants "k128" and "k256" have other numbers of
// filters. Options: [Filters], [Depth]; Input may have other planes and another size of board.
func AlphaGoPolicy(opts ...Option) *Model { return alphaGoPolicy(opts...) }

// AlphaGoValue is the value network: its output, N×1, is the expected result, between -1 and 1, and is
// trained by [MSE].
//
// Input N×49×19×19; 3,980,162 parameters; 1.40 GMAC. Options: [Filters], [Depth].
func AlphaGoValue(opts ...Option) *Model { return alphaGoValue(opts...) }

// board adds the convolutions that both networks share, all rectified and padded to keep the board's
// size, and the last, of one 1×1 filter without ReLU. The paper doesn't tell the initial weights: He's
// keep the signal alive.
func board(b *graph.Builder, x *gorgonia.Node, o Options, last ...graph.Opt) *gorgonia.Node {
	b.DefaultInit(graph.He(), graph.Constant(0))
	kernel := 5
	for layer := 1; layer < o.Depth; layer++ {
		x = b.ReLU(b.Conv(x, fmt.Sprintf("conv%d", layer), o.Filters, kernel, graph.Same())) // k×19×19
		kernel = 3
	}
	x = b.Conv(x, fmt.Sprintf("conv%d", o.Depth), 1, 1, last...) // 1×19×19
	return b.Flatten(x)                                          // 361
}

// policy ends with a bias of its own for each point.
func policy(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	if points := o.Input[1] * o.Input[2]; o.Classes != points {
		b.Errorf("%d classes, but the board has %d points", o.Classes, points)
		return nil
	}
	return b.PointBias(board(b, x, o, graph.NoBias()), "bias")
}

// value ends with a fully connected layer of 256 rectified units and one of a single tanh unit.
func value(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
	x = board(b, x, o)
	x = b.ReLU(b.Dense(x, "fc1", 256))
	return b.Tanh(b.Dense(x, "fc2", o.Classes)) // 1
}
