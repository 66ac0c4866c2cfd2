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
//     never used twice nor by two processes at a time, one that cannot be written is tried again while training
//     goes on, and a loss that is not a number stops the run before it is saved.
//   - Test images have no part in training: the best weights and the schedule follow the validation
//     images ([Divide]), unless a configuration asks for others by name.
//   - Classes are matched by their names: of images, weights and an ensemble's members. What is not found,
//     guessed or left out is said or an error.
//   - The optimisers compute what PyTorch's of the same name compute, in the same order.
//   - A step after the first allocates nothing that grows with the network, and parameters are never
//     copied: the optimiser reads the gradients where the session left them.
//   - The needs of memory and disk are known before the run ([Trainer.Plan]), and what the machine does not have
//     is refused.
//
// # A tour
//
// [New] prepares a run and [Resume] one that goes on; [Trainer.Plan] says what it will do and need, and
// [Trainer.Run] does it: loop.go is the loop, from epochs to steps. [Of] takes any model of package zoo; a
// [Network] may also be put together by hand. [NewEnsemble] and [OpenMember] train several, [Evaluate]
// measures one or averages many, [Bench] times a step. train/recipe has the settings, train/report tells of a
// run, train/cluster lets many processes share one.
//
// # Adding one
//
// A loss is an [Objective] of the [Network]: a function from builder, output and targets to a node, of any
// nodes of Gorgonia. A data set is a datasets.Source, with a method Target where an image has several targets
// ([TargetSource]). An augmentation is registered with package datasets/augment, and is named in the recipe. A
// schedule is a type with the methods of [Scheduler] and a name in [NewScheduler]; what it must remember are
// its exported fields. An optimiser is an updater in optimizer.go, whose state is saved with the run. A new
// setting also gets a row in resume_test.go, which shows that it does something and survives a stop.
package train
