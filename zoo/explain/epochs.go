package explain

import (
	"context"
	"fmt"
	"iter"
)

// Epochs tells how features come about: for each at several moments of a training, what the image that excites it
// most then has in it, by a [Deconvnet] (Zeiler and Fergus 2013, section 4.1 and figure 4).
type Epochs struct {
	Layer    string // whose maps are the features; empty for the last one with maps
	Features []int  // numbers of maps
}

// Explain returns a list for each moment, of one excitement a feature. Moments are the same network with the weights
// of then; only one is asked for at a time. Images, prepared as for the network, are gone through once for each.
func (m Epochs) Explain(ctx context.Context, moments iter.Seq2[*Subject, error], images iter.Seq2[[]float32, error]) ([][]Excitement, error) {
	var list [][]Excitement
	for s, err := range moments {
		if err != nil {
			return nil, err
		}
		best, err := Deconvnet{Layer: m.Layer}.Strongest(ctx, s, images, m.Features, 1)
		if err != nil {
			return nil, err
		}
		var row []Excitement
		for i, b := range best {
			if len(b) == 0 {
				return nil, fmt.Errorf("feature %d: there is no image to excite it", m.Features[i])
			}
			row = append(row, b[0])
		}
		list = append(list, row)
	}
	return list, nil
}
