// Package baduk knows the game of Go: its rules, its records and the 48 feature planes from which
// AlphaGo's networks see a position (Silver et al., "Mastering the game of Go with deep neural networks
// and tree search", Nature 529, 2016). It is named by the game's Korean name, so that it is not mistaken
// for the language.
//
//   - A [Board] plays by the rules: captures, simple ko or positional superko, suicide or not, set-up
//     stones, undo, area and territory scores. Groups and their liberties are kept move by move.
//   - A [Game] is a record: [Parse] reads the Smart Game Format, [Open] files, folders and zips of it, and
//     [WriteSGF] writes one.
//   - A [Features] turns positions into planes; a [Symmetry] is one of the board's eight.
//   - A [Corpus] keeps many games small, and finds any position of them; a [Stream] makes shuffled
//     training batches of it in the background.
//
// The package guarantees:
//   - Points are numbered x·size+y, x and y counted from 0 at the corner that SGF calls "aa": the top
//     left. Planes are indexed [plane][x][y], and a network's class i is the point i.
//   - The steady state allocates nothing: playing and taking back moves, the features of a position,
//     the batches of a stream.
//   - Same games, same seed, same settings: the same batches, whatever the number of workers, and
//     whether or not an epoch began at batch 0.
//   - A damaged record is one error that names the file, the game and the move, and the games beside it
//     are still read; no record makes a reader take much more memory than the record has bytes.
//
// It needs nothing but the standard library.
//
// # Adding one
//
// A plane is a number in the list of features.go and the lines that paint it; features_reference_test.go computes all of
// them a second time, slowly. A property of the Smart Game Format is a case of its reader. A rule is a field of [Rules],
// which [Board] asks where it matters; random games against the slow board of reference_test.go show whether it does.
package baduk
