// Package alphago plays Go with the networks of Silver et al. (Nature 529, 2016): a [Policy] says how probable
// each point is as the next move, a [Value] who will win, and a [PolicyPlayer] plays what the policy finds most
// probable, over GTP if asked to. Both measure themselves on game records. The networks are described in package
// zoo, the rules and the planes that they see in datasets/baduk.
//
// # Adding one
//
// Another player has the methods of gtp.Player, and [Choose] picks a move of any probabilities. Another network
// of the board's planes loads as these two do, by a function that says which models fit.
package alphago
