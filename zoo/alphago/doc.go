// Package alphago plays Go with the networks of Silver et al. (Nature 529, 2016): a [Policy] says how probable
// each point is as the next move, a [Value] who will win, and a [Search] looks ahead with both. A [SearchPlayer] plays what the
// search visits most, a [PolicyPlayer] what the policy finds most probable, over GTP if asked to; [SelfPlay] makes the games
// that a value network learns from. The networks measure themselves on game records. They are described in package
// zoo, the rules and the planes that they see in datasets/baduk.
//
// The package guarantees that a game is a function of its settings, its seed and its visits, whatever the number of threads.
//
// # Adding one
//
// Another player has the methods of gtp.Player, or of gtp.Analyst if it says what it thinks; [Choose] picks a move of any
// probabilities. Another judge of leaves is a case of Search.judge. Another network of the board's planes loads as these two
// do, by a function that says which models fit.
package alphago
