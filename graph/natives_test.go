package graph

import (
	"fmt"
	"strings"
	"testing"
)

// Of Gorgonia's ops the machine runs nearly all itself. A rule that passes over what it could translate changes no
// result: the op's own Do gives it, more slowly.
func TestStockOpsAreTranslated(t *testing.T) {
	foreign := map[string]string{ // by case
		"upsample": "Upsample{}(stride: (1))", "group norm": "GroupNorm{2, 4}()", "image to columns": "im2col<(3,3), (1, 1), (1,1) (1, 1)>",
		"larger of two": "MaxBetween", "smaller of two": "MinBetween", "sparsemax": "Sparsemax{}()",
		"tensordot": "Tensordot(aAxes=[1], bAxes=[0])", "tensordot of three dimensions": "Tensordot(aAxes=[1 2], bAxes=[1 0])",
	}
	for _, c := range stockCases() {
		l := newStockLeaves(t, 1)
		c.build(l)
		nodes, err := NewMachine(l.g).Nodes()
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var own []string
		for _, n := range nodes {
			if !n.Native {
				own = append(own, fmt.Sprint(n.Node.Op()))
			}
		}
		if got := strings.Join(own, "; "); got != foreign[c.name] {
			t.Errorf("%s: Gorgonia itself computes %q, expected %q", c.name, got, foreign[c.name])
		}
	}
}
