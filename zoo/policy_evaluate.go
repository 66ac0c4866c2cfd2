package zoo

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Phases are the pieces of a game by which [Policy.Evaluate] counts: how many moves were played before.
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
	switch {
	case c.Size() != p.size:
		return nil, fmt.Errorf("%s: games of %d×%[2]d for a network of %d×%[3]d", p.name, c.Size(), p.size)
	case c.Len() == 0:
		return nil, errors.New("the games have no moves")
	case limit < 0:
		return nil, fmt.Errorf("limit %d: should be at least 1, or 0 for all positions", limit)
	}
	n := c.Len()
	if limit > 0 {
		n = min(n, limit)
	}
	list := make([]PolicyEvaluation, len(symmetries))
	for i, s := range symmetries {
		list[i].Symmetries = s
		for _, phase := range Phases {
			list[i].Phases = append(list[i].Phases, MoveAccuracy{Phase: phase.Name})
		}
	}
	var boards [policyBatch]*baduk.Board
	var played [policyBatch]baduk.Point
	for i := range boards {
		b, err := baduk.NewBoard(p.size, baduk.Rules{})
		if err != nil {
			return nil, err
		}
		boards[i] = b
	}
	for from := 0; from < n; from += policyBatch {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to := min(from+policyBatch, n)
		for i := from; i < to; i++ {
			m, _, _, err := c.Position(int(int64(i)*int64(c.Len())/int64(n)), boards[i-from])
			if err != nil {
				return nil, err
			}
			played[i-from] = m.Point
		}
		for k := range list {
			e := &list[k]
			all, err := p.Probabilities(boards[:to-from], e.Symmetries)
			if err != nil {
				return nil, err
			}
			for i, probabilities := range all {
				e.add(probabilities, played[i])
				for at, phase := range Phases {
					if moves := boards[i].Moves(); moves >= phase.From && moves < phase.To {
						e.Phases[at].add(probabilities, played[i])
					}
				}
			}
		}
		if progress != nil {
			progress(to, n)
		}
	}
	for k := range list {
		list[k].finish()
		for i := range list[k].Phases {
			list[k].Phases[i].finish()
		}
	}
	return list, nil
}
