// Package augment is what happens to images on their way to a network in training: transforms of one
// image, mixers of a batch, and their names and parameters as data, which a recipe holds. It links no
// decoder.
//
// The package guarantees:
//   - All that happens to sample i is a function of (seed, epoch, i), and what mixers do to a batch one of
//     (seed, epoch, number of the batch).
//   - Colours are changed byte for byte as Pillow's ImageEnhance does it.
//   - Nothing is allocated once a sample has been through all transforms.
//
// # Adding one
//
// A type with a method Apply is a [Transform], one with a method Mix a [Mixer]. It draws from its
// sample's Rand alone, by [Below], [Between] and [Chance]. Tags on its fields say names and ranges of its
// parameters, and [Register] gives it a name, in a file of its own here or in any other package.
package augment
