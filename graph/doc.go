// Package graph makes Gorgonia's expression graphs right and fast for convolutional networks.
//
// An architecture is written with a [Builder], which adds nodes to a [gorgonia.ExprGraph]: every
// layer is one node with an op of ours, differentiable by [gorgonia.Grad], and any other Gorgonia
// node can follow it. Parameters have names and live in [Params], apart from the graphs: a training
// graph and an evaluation graph, or graphs of different batch sizes, share them.
//
// [Compile] turns the part of a graph that some outputs need into a [Session]: it fuses neighbouring
// layers, keeps feature maps in the layout that the kernels like, shares memory between values that
// never live at the same time, and knows the memory need before the first run. What a user sees is
// N×C×H×W. A graph can as well be run by a [gorgonia.TapeMachine], op by op, after [Builder.Let];
// that is slower, and meant for debugging and for mixing with code that needs the machine.
//
// # Guarantees
//
// The same parameters, inputs, seed and step give the same bits, for any number of threads, with the
// memory plan on or off. A session's Run allocates nothing for ops of this package. Errors name the
// layer; no panic leaves the package.
package graph
