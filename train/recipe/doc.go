// Package recipe says how to train a network, as plain data: a [Config] decides the outcome of a run, and its
// JSON is the run's config.json. A [Recipe] is a ready-made one, "paper" as the authors trained, "quick" for
// what two cores can do in minutes; each architecture of package zoo has its own beside its layers. The package
// imports nothing, so that describing a network costs nobody a trainer.
//
// [Config.Set] changes one setting from text, [Config.Complete] replaces each zero that means a default, and
// [Config.Validate] names the first setting that cannot be.
//
// # Adding one
//
// A setting is a field of [Config], [Optimizer] or [Schedule] with its JSON name, its meaning and unit in the
// comment, and its range in [Config.Validate]; Set and config.json know it then. Package train gives it its
// effect. A recipe is an element of a network's list of them: a paper's with the section that it is from.
package recipe
