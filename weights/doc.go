// Package weights keeps trained networks on disk: safetensors files with the
// metadata that rebuilds the network, written so that a crash never costs the
// old file. It also reads PyTorch's checkpoints, and writes them; [Reader.Fit]
// finds a network's tensors in what others have saved.
//
// What the package guarantees:
//
//   - Reading costs the memory of the destination and one buffer of 256 KiB.
//     [Open] reads the header, of a checkpoint the pickle; [Reader.ReadInto] and [Reader.ReadTensor]
//     convert into the caller's slices.
//   - A file is believed only after its whole header has been checked against
//     its size: no allocation, read or index follows from an unchecked number.
//   - Nothing in a PyTorch file is executed: what its pickle makes of other
//     globals than those that tensors are stored with stays opaque.
//   - A file of ours that a fault has changed, in a single bit, is refused: its
//     metadata has the SHA-256 of header and tensors. Zip archives are held to
//     their CRC-32.
//   - The same [File] gives the same bytes, whatever the machine.
//   - [Save] and [WriteAtomically] leave either the old file or the new one.
//
// The format (https://github.com/huggingface/safetensors#format) is eight
// bytes of header length, a JSON header and the data. The reader and writer
// are our own: the Go library for it, github.com/nlpodyssey/safetensors, wants
// the whole file in one byte slice and serialises from byte slices (AlexNet
// would need its 244 MB twice), forgets the order of the tensors, lets the
// later of two equal names win, and mends broken UTF-8 silently. PyTorch's
// pickles run on a machine of our own for like reasons: github.com/nlpodyssey/gopickle
// allocates what the pickle claims, converts every tensor while it loads, and
// panics on some old files.
//
// # Adding one
//
// A format that is read has its first bytes in the table of formats.go, and a function that makes a [Reader] of a file:
// a list of tensors with their shapes, each read when it is asked for. A format that is told but not read is a line of
// the table with what to do. A layout of checkpoints, such as a prefix or a dictionary in a dictionary, is a rule in
// states.go. Each gets a file in testdata, and its bytes a place in the corpus of the fuzz test.
package weights
