package graph_test

import (
	"fmt"
	"log"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A program that was written for Gorgonia's tape machine changes one word.
func ExampleNewMachine() {
	g := gorgonia.NewGraph()
	x := gorgonia.NewMatrix(g, tensor.Float32, gorgonia.WithShape(4, 2), gorgonia.WithName("x"),
		gorgonia.WithValue(tensor.New(tensor.WithShape(4, 2), tensor.WithBacking([]float32{0, 1, 1, 0, 1, 1, 2, 1}))))
	y := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(4), gorgonia.WithName("y"),
		gorgonia.WithValue(tensor.New(tensor.WithBacking([]float32{-1, 2, 1, 3}))))
	w := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(2), gorgonia.WithName("w"), gorgonia.WithInit(gorgonia.Zeroes()))
	miss := gorgonia.Must(gorgonia.Sub(gorgonia.Must(gorgonia.Mul(x, w)), y))
	cost := gorgonia.Must(gorgonia.Mean(gorgonia.Must(gorgonia.Square(miss))))
	if _, err := gorgonia.Grad(cost, w); err != nil {
		log.Fatal(err)
	}

	m := graph.NewMachine(g) // gorgonia.NewTapeMachine(g)
	defer m.Close()
	solver := gorgonia.NewVanillaSolver(gorgonia.WithLearnRate(0.1))
	for range 100 {
		if err := m.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step(gorgonia.NodesToValueGrads(gorgonia.Nodes{w})); err != nil {
			log.Fatal(err)
		}
		m.Reset()
	}
	fmt.Printf("%.2f\n", w.Value())
	// Output: [ 2.00  -1.00]
}

// A machine says which nodes it runs natively, and as what.
func ExampleMachine_Nodes() {
	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(1, 3, 8, 8), gorgonia.WithName("x"))
	w := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(4, 3, 3, 3), gorgonia.WithName("w"))
	maps := gorgonia.Must(gorgonia.Conv2d(x, w, tensor.Shape{3, 3}, []int{1, 1}, []int{1, 1}, []int{1, 1}))
	gorgonia.Must(gorgonia.Upsample2D(gorgonia.Must(gorgonia.Rectify(maps)), 2))
	list, err := graph.NewMachine(g).Nodes()
	if err != nil {
		log.Fatal(err)
	}
	for _, n := range list {
		switch {
		case n.As == "": // a part of another
		case n.Native:
			fmt.Println(n.As)
		default:
			fmt.Println("foreign:", n.As)
		}
	}
	// Output:
	// conv
	// relu
	// foreign: Upsample{}(stride: (1))
}
