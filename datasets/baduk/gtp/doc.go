// Package gtp lets a program that plays Go be played against, in the Go Text Protocol, version 2
// (Farnebäck, "Specification of the Go Text Protocol, version 2, draft 2", 2002), which GoGui, Sabaki and
// gogui-twogtp speak.
//
// A [Player] chooses moves, and an [Analyst] says why; an [Engine] keeps the board, answers the commands and asks the player. A [Client]
// speaks to another program, and a [Match] lets a player play against it. The package guarantees that
// every command gets one answer, that no input makes it panic or take memory without bound, that
// no illegal move gets to the board, and that a program that does not answer holds nobody up.
//
// # Adding one
//
// A command of one's own is an entry of [Config].Commands, by its name. One of the protocol is an entry in the table of
// commands.go, and a dialogue in TestSessions. A player has the method of [Player], and one that says what it thinks those
// of [Analyst].
package gtp
