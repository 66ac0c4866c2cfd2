package zoo

import (
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// evenly draws weights and biases from ±1/√fan-in, as PyTorch does for convolutions and fully
// connected layers that say nothing else.
func evenly(fanIn int) graph.Opt {
	u := graph.Uniform(1 / math.Sqrt(float64(fanIn)))
	return graph.Init(u, u)
}
