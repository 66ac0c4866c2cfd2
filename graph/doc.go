// Package graph makes Gorgonia's expression graphs right and fast for convolutional networks.
//
// # Building
//
// An architecture is written with a [Builder], which adds nodes to a [gorgonia.ExprGraph]: every layer is
// one node with an op of ours, differentiable by [gorgonia.Grad], and any other Gorgonia node can follow
// it. Parameters have names and live in [Params], apart from the graphs: a training graph and an
// evaluation graph, or graphs of different batch sizes, share them.
//
// # Running
//
// A graph is run in one of two ways, by the same engine. [NewMachine] takes any Gorgonia graph, of stock
// ops, of ours, or of both, and is used like [gorgonia.NewTapeMachine]: it reads values from the nodes and
// leaves values and gradients there. [Compile] is for who has the data in slices, as the shared trainer
// has: a [Session] computes some outputs of a Builder's graph from slices that are bound to its inputs,
// shares memory with other sessions in a [Workspace], and knows its [Memory] before the first run.
//
// Either way the graph goes through three passes, each a file that can be read by itself:
//
//   - translate.go: stock nodes become ours where there is a rule for them, and gradients are found by
//     differentiating the result; stock.go reads what Gorgonia does not export
//   - fuse.go: neighbours that the kernels compute together become one op: a convolution with its batch
//     normalisation, residual sum, activation or pooling, and their gradients; the rules stand beside the ops
//   - compile.go: each op adds its steps over values; plan.go gives values that never live at the same
//     time the same memory
//
// Feature maps are kept in the layout that the kernels like; what a user sees is N×C×H×W. A graph can as
// well be run by a Gorgonia tape machine, op by op, after [Builder.Let]; that is slower, and meant for
// debugging and for mixing with code that needs it.
//
// # Guarantees
//
// The same parameters, inputs, seed and step give the same bits, for any number of threads, with the
// memory plan on or off. A run allocates nothing for ops of this package. Errors name the layer; no panic
// leaves the package.
//
// # Adding one
//
// An op is a file: a method of [Builder] that checks its arguments and adds a layer; a struct with the
// op's core and settings; lower, which adds the step that computes it to a program; and SymDiff, which
// makes the nodes of its gradient, of other ops or of one in the same file. Nothing else needs to know
// of it. What it can do beyond that it says by small optional interfaces:
//
//   - follower: an input is only there to be computed first, as what its op keeps is needed
//   - fuser, finisher: a rule that takes neighbours in, and makes a fused op of them
//   - activator, summer: the op that also computes the activation that follows, or adds a value
//   - placer: the result can be written straight into a concatenation
//   - describer: what else the result depends on, for those who write a graph down, as for ONNX
//
// A straight loop in float64 beside the other cases of ops_test.go is its test, forward and backward.
//
// A stock op of Gorgonia's that should run natively is a rule in translate.go, under the name of its type,
// and a case of machine_cases_test.go, which holds it to the tape machine and to finite differences.
package graph
