package zoo_test

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A network of one's own, in one declaration: architecture, form, and how it is trained. What is left out of
// its figures is counted.
func ExampleRegister() {
	tiny := zoo.Register(zoo.Entry{
		Name: "tiny-cnn", Title: "Tiny CNN", Year: 2026,
		Input: [3]int{3, 32, 32}, Classes: 10,
		Recipes: []recipe.Recipe{recipe.Quick(5, 64, 0.05)},
		Build: func(b *graph.Builder, x *gorgonia.Node, o zoo.Options) *gorgonia.Node {
			x = b.ReLU(b.Conv(x, "conv1", 16, 3, graph.Same())) // 16×32×32
			x = b.MaxPool(x, 2)                                 // 16×16×16
			x = b.ReLU(b.Conv(x, "conv2", 32, 3, graph.Same())) // 32×16×16
			return b.Dense(b.GlobalAvgPool(x), "fc", o.Classes) // 10
		},
	})
	fmt.Println(tiny(zoo.Classes(100)).Classes)

	entry, err := zoo.Lookup("tiny-cnn")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(entry.Title, entry.Params, entry.MACs)
	r, err := entry.New().Recipe("quick", "cifar-10")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Network, r.Epochs, r.Augment)
	// Output:
	// 100
	// Tiny CNN 5418 1622336
	// tiny-cnn 5 crop(4), flip
}

// The gradient of the image: how each pixel moves a logit, in evaluation mode. The gradients of the weights
// are asked for in the same way.
func ExampleModel_Build_gradientOfTheImage() {
	net := zoo.LeNet5(zoo.Activation("tanh"), zoo.Pooling("average"))
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Watch(b.Input("image", 1, 1, 28, 28))
	logits, err := net.Build(b, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	largest := b.Reshape(b.Reduce(logits, graph.MaxOf, 0, 1)) // any scalar will do
	grads, err := b.Grads(largest, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	b.Params().Init(1) // or read them from a file
	s, err := graph.Compile(b, append(grads, largest), graph.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	image := make([]float32, 28*28)
	run := func() float64 {
		if err := s.Bind(x, image); err != nil {
			fmt.Println(err)
		}
		if err := s.Run(); err != nil {
			fmt.Println(err)
		}
		return float64(s.Value(largest)[0])
	}
	before := run()
	gradient := append([]float32(nil), s.Value(grads[0])...)
	square := 0.0
	for i, g := range gradient {
		square += float64(g * g)
		image[i] += 0.01 * g // a step along the gradient
	}
	gain := run() - before
	fmt.Println(grads[0].Shape(), math.Abs(gain/(0.01*square)-1) < 0.01)
	// Output:
	// (1, 1, 28, 28) true
}
