package alphago

import (
	"context"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Phases are the pieces of a game by which [Policy.Evaluate] and [Value.Evaluate] count: how many moves were played before.
var Phases = []struct {
	Name     string
	From, To int // To is excluded
}{
	{"moves 1-50", 0, 50}, {"moves 51-100", 50, 100}, {"moves 101-150", 100, 150}, {"moves 151-200", 150, 200}, {"moves 201-", 200, math.MaxInt},
}

// MoveAccuracy is how often the move that was played is the most probable one, or among the five.
type MoveAccuracy struct {
	Phase     string  `json:"phase,omitempty"`
	Positions int     `json:"positions"`
	Top1      float64 `json:"top1"` // fractions
	Top5      float64 `json:"top5"`
	Loss      float64 `json:"loss"` // mean cross-entropy, in nats
}

// add counts a position.
func (a *MoveAccuracy) add(probabilities []float32, played baduk.Point) {
	a.Positions++
	before := 0 // of equals, those with a lower number come before
	own := probabilities[played]
	for i, v := range probabilities {
		if v > own || v == own && i < int(played) {
			before++
		}
	}
	if before < 1 {
		a.Top1++
	}
	if before < 5 {
		a.Top5++
	}
	a.Loss -= math.Log(max(float64(own), math.SmallestNonzeroFloat32))
}

func (a *MoveAccuracy) finish() {
	n := float64(max(a.Positions, 1))
	a.Top1, a.Top5, a.Loss = a.Top1/n, a.Top5/n, a.Loss/n
}

// A PolicyEvaluation is what [Policy.Evaluate] measures.
type PolicyEvaluation struct {
	Symmetries int `json:"symmetries"`
	MoveAccuracy
	Phases []MoveAccuracy `json:"phases"`
}

// Evaluate measures how well the policy predicts the moves of games, for each number of symmetries, on at
// most limit positions spread evenly over the games; 0 means all. Progress may be nil. All 361 points
// count, the rules are not asked, as in the paper.
func (p *Policy) Evaluate(ctx context.Context, c *baduk.Corpus, limit int, symmetries []int, progress func(done, of int)) ([]PolicyEvaluation, error) {
	list := make([]PolicyEvaluation, len(symmetries))
	for i, s := range symmetries {
		list[i].Symmetries = s
		for _, phase := range Phases {
			list[i].Phases = append(list[i].Phases, MoveAccuracy{Phase: phase.Name})
		}
	}
	err := p.walk(ctx, c, limit, progress, func(boards []*baduk.Board, at []int) error {
		for k := range list {
			e := &list[k]
			all, err := p.Probabilities(boards, e.Symmetries)
			if err != nil {
				return err
			}
			for i, probabilities := range all {
				m, _, err := c.Move(at[i])
				if err != nil {
					return err
				}
				e.add(probabilities, m.Point)
				e.Phases[phase(boards[i].Moves())].add(probabilities, m.Point)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for k := range list {
		list[k].finish()
		for i := range list[k].Phases {
			list[k].Phases[i].finish()
		}
	}
	return list, nil
}

// phase is the place in Phases of a position before which so many moves were played.
func phase(played int) int {
	for i, p := range Phases {
		if played < p.To {
			return i
		}
	}
	return len(Phases) - 1
}
