// Package train trains every network of the zoo, and evaluates what was trained.
//
// A recipe.Config is a plain struct that says everything that decides the outcome of a run; networks bring
// ready-made ones: "paper" as the network's authors trained it, "quick" for what two cores can do in minutes.
// A [Trainer] runs one, into a folder of its own, and tells a report.Events how it goes. [Evaluate] measures weights from a file, on the path that the trainer's own evaluation takes.
//
// The package guarantees:
//   - The same Config, data and kernel family give the same bytes of weights, whatever the number of
//     threads, and whether or not the run was interrupted and resumed, in the middle of an epoch too.
//   - A run is never lost: a checkpoint replaces the one before it or leaves it, a run's folder is
//     never used twice, and a loss that is not a number stops the run before it is saved.
//   - The optimisers compute what PyTorch's of the same name compute, in the same order.
//   - A step after the first allocates nothing that grows with the network, and parameters are never
//     copied: the optimiser reads the gradients where the session left them.
//   - The memory need is known before the run ([Trainer.Plan]).
package train
