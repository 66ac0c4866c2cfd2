package graph_test

import (
	"fmt"
	"log"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A network is built once for training and once for evaluation, over the same parameters.
func Example() {
	params := graph.NewParams()
	network := func(b *graph.Builder, x *gorgonia.Node) *gorgonia.Node {
		x = b.ReLU(b.Conv(x, "conv", 8, 3, graph.Same())) // 8×6×6
		x = b.MaxPool(x, 2)                               // 8×3×3
		return b.Dense(b.Flatten(x), "fc", 2)
	}

	b := graph.NewBuilder(params, graph.Train)
	x, labels := b.Input("x", 4, 1, 6, 6), b.Input("labels", 4)
	loss := b.CrossEntropy(network(b, x), labels, 0)
	grads, err := b.Grads(loss)
	if err != nil {
		log.Fatal(err)
	}
	step, err := graph.Compile(b, append([]*gorgonia.Node{loss}, grads...), graph.Config{})
	if err != nil {
		log.Fatal(err)
	}

	// Images with a bright upper or lower half.
	images, classes := make([]float32, 4*36), []float32{0, 1, 0, 1}
	for i := range images {
		if top := i%36 < 18; top == (i/36%2 == 0) {
			images[i] = 1
		}
	}
	step.Bind(x, images)
	step.Bind(labels, classes)
	params.Init(1)
	for range 20 {
		if err := step.Run(); err != nil {
			log.Fatal(err)
		}
		for i, p := range params.Trained() {
			for j, g := range step.Value(grads[i]) {
				p.Data[j] -= 0.1 * g
			}
		}
		params.Changed()
	}

	b = graph.NewBuilder(params, graph.Eval)
	x = b.Input("x", 4, 1, 6, 6)
	logits := network(b, x)
	eval, err := graph.Compile(b, []*gorgonia.Node{logits}, graph.Config{})
	if err != nil {
		log.Fatal(err)
	}
	eval.Bind(x, images)
	if err := eval.Run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(params.Count(), "parameters")
	for i := range 4 {
		l := eval.Value(logits)[2*i : 2*i+2]
		fmt.Println("image", i, "is of class 1:", l[1] > l[0])
	}
	// Output:
	// 226 parameters
	// image 0 is of class 1: false
	// image 1 is of class 1: true
	// image 2 is of class 1: false
	// image 3 is of class 1: true
}

// Sizes that do not fit are errors that show the arithmetic.
func ExampleBuilder_Conv() {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, 3, 227, 227)
	y := b.Conv(x, "conv1", 96, 11, graph.Stride(4))
	fmt.Println(y.Shape(), b.Layers()[0].Formula)
	b.Conv(y, "conv2", 256, 57)
	fmt.Println(b.Err())
	// Output:
	// (1, 96, 55, 55) (227 - 11 + 2·0)/4 + 1 = 55
	// conv2: input height 55 is too small: (N - F + 2P)/S + 1 = (55 - 57 + 2·0)/1 + 1 < 1
}

// Which pixels speak for a class? The gradient of the class's logit in the image tells: a saliency map.
func ExampleBuilder_Backward() {
	params := graph.NewParams()
	b := graph.NewBuilder(params, graph.Eval)
	x := b.Watch(b.Input("image", 1, 1, 2, 3))
	logits := b.Dense(b.Flatten(x), "fc", 2)
	class := b.Input("class", 1, 2) // 1 at the class asked for
	grads, err := b.Backward(logits, class, x)
	if err != nil {
		log.Fatal(err)
	}
	session, err := graph.Compile(b, grads, graph.Config{})
	if err != nil {
		log.Fatal(err)
	}
	params.Allocate()
	copy(params.Get("fc.weight").Data, []float32{1, 2, 3, 4, 5, 6, 0, -1, 0, -2, 0, -3})
	session.Bind(x, []float32{0, 0, 0, 0, 0, 0})
	session.Bind(class, []float32{0, 1})
	if err := session.Run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.Value(grads[0]))
	// Output: [0 -1 0 -2 0 -3]
}
