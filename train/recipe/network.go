package recipe

import "encoding/json"

// A Network describes a network in data: what a trainer has to know beside its layers.
type Network struct {
	Name, Variant string
	Options       json.RawMessage // complete: the network can be made again with them
	Input         [3]int          // channels, height, width
	Classes       int             // length of the output for one image
	Squared       bool            // trained on the squared distance of its output, not on the cross-entropy of classes
}
