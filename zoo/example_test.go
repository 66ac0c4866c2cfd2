package zoo_test

import (
	"cmp"
	"encoding/json"
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func ExampleNew() {
	net, err := zoo.New("vgg16_bn", zoo.Classes(10), zoo.Input(3, 64, 64))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(net.Name, net.Variant, net.Input, net.Classes)

	_, err = zoo.New("alexnt")
	fmt.Println(err)
	// Output:
	// vgg16 bn [3 64 64] 10
	// no network is called "alexnt"; did you mean alexnet?
}

// A network is part of a Gorgonia expression graph, run here by a session.
func ExampleModel_Build() {
	net := zoo.LeNet5()
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("images", 2, 1, 28, 28)
	logits, err := net.Build(b, x)
	if err != nil {
		fmt.Println(err)
		return
	}
	probabilities := b.Softmax(logits)

	b.Params().Init(1) // or read them from a file
	s, err := graph.Compile(b, []*gorgonia.Node{probabilities}, graph.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Bind(x, make([]float32, 2*28*28)); err != nil {
		fmt.Println(err)
		return
	}
	if err := s.Run(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(probabilities.Shape(), len(s.Value(probabilities)), "probabilities of", b.Params().Count(), "parameters")
	// Output:
	// (2, 10) 20 probabilities of 61706 parameters
}

func ExampleModel_Build_tooSmall() {
	_, err := zoo.Inspect(zoo.AlexNet(zoo.Input(3, 32, 32)))
	fmt.Println(err)
	// Output:
	// alexnet: max pool 2: input height 2 is too small: (N - F + 2P)/S + 1 = (2 - 3 + 2·0)/2 + 1 < 1
}

func ExampleInspect() {
	report, err := zoo.Inspect(zoo.AlexNet())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range report.Layers[:4] {
		fmt.Printf("%-10s %6d %9d %v %s\n", l.Name, l.Parameters, l.MACs, l.Out, cmp.Or(l.Formula, "-"))
	}
	fmt.Println(report.Parameters, "parameters,", report.MACs, "MACs")
	// Output:
	// conv1       34944 105415200 [96 55 55] (227 - 11 + 2·0)/4 + 1 = 55
	// relu 1          0         0 [96 55 55] -
	// lrn 1           0         0 [96 55 55] -
	// max pool 1      0         0 [96 27 27] (55 - 3 + 2·0)/2 + 1 = 27
	// 60965224 parameters, 724406816 MACs
}

func ExampleList() {
	for _, e := range zoo.List()[:3] {
		fmt.Println(e.Name, e.Year, e.Params, e.Input)
	}
	// Output:
	// lenet5 1998 61706 [1 28 28]
	// alexnet 2012 60965224 [3 227 227]
	// zfnet 2013 62357608 [3 224 224]
}

// A model's options are enough to make it again.
func ExampleWithOptions() {
	options, err := json.Marshal(zoo.ResNet20(zoo.Width(2), zoo.Classes(100)).Options)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(options))
	var o zoo.Options
	if err := json.Unmarshal(options, &o); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(zoo.ResNet20(zoo.WithOptions(o)).Classes)
	// Output:
	// {"variant":"paper","classes":100,"input":[3,32,32],"width":2,"shortcut":"A"}
	// 100
}
