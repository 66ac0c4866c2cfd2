package alphago

import (
	"context"
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A Value is a trained value network: it says who will win. It is for one goroutine at a time.
type Value struct{ *boardNetwork }

// LoadValue reads a value network from a weights file, such as weights/best.safetensors of a run. Threads is
// their number, 0 for one a core; it changes no result. Errors name the file.
func LoadValue(path string, threads int) (*Value, error) {
	r, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return LoadValueFrom(r, threads)
}

// LoadValueFrom is [LoadValue] from an open file, which is not needed afterwards.
func LoadValueFrom(r *weights.Reader, threads int) (*Value, error) {
	n, err := loadBoardNetwork(r, threads, func(m *zoo.Model) error {
		if m.Name != zoo.AlphaGoValue().Name || m.Classes != 1 {
			return fmt.Errorf("%s is no value network: its output should be one number, as that of %s", m.Name, zoo.AlphaGoValue().Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Value{n}, nil
}

// Outcomes returns for each board the result that the network expects, from 1, the player to move wins, to -1, it
// loses. With symmetries 8, it is the mean over the board's eight symmetries; 1 looks at the board as it is.
func (v *Value) Outcomes(boards []*baduk.Board, symmetries int) ([]float32, error) {
	list := make([]float32, len(boards))
	views, err := v.turns(boards, symmetries)
	if err != nil {
		return nil, err
	}
	err = v.see(views, func(i int, out []float32) error {
		list[i/symmetries] += out[0] / float32(symmetries)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// ValueAccuracy is how near the expected results are to those of the games, which are 1 and -1.
type ValueAccuracy struct {
	Phase     string  `json:"phase,omitempty"`
	Positions int     `json:"positions"`
	MSE       float64 `json:"mse"`        // mean squared error; 1 for a network that always says 0
	SignRight float64 `json:"sign_right"` // fraction of positions of which the winner is told
}

func (a *ValueAccuracy) add(expected float32, outcome int) {
	a.Positions++
	d := float64(expected) - float64(outcome)
	a.MSE += float64(d * d)
	if expected*float32(outcome) > 0 {
		a.SignRight++
	}
}

func (a *ValueAccuracy) finish() {
	n := float64(max(a.Positions, 1))
	a.MSE, a.SignRight = a.MSE/n, a.SignRight/n
}

// A ValueEvaluation is what [Value.Evaluate] measures.
type ValueEvaluation struct {
	Symmetries int `json:"symmetries"`
	ValueAccuracy
	Phases []ValueAccuracy `json:"phases"`
}

// Evaluate measures how well the network tells the results of games, all of which must be decided (see
// [baduk.Corpus.Decided]), for each number of symmetries, on at most limit positions spread evenly over the games;
// 0 means all. Progress may be nil.
func (v *Value) Evaluate(ctx context.Context, c *baduk.Corpus, limit int, symmetries []int, progress func(done, of int)) ([]ValueEvaluation, error) {
	list := make([]ValueEvaluation, len(symmetries))
	for i, s := range symmetries {
		list[i].Symmetries = s
		for _, phase := range Phases {
			list[i].Phases = append(list[i].Phases, ValueAccuracy{Phase: phase.Name})
		}
	}
	err := v.walk(ctx, c, limit, progress, func(boards []*baduk.Board, at []int) error {
		for k := range list {
			e := &list[k]
			all, err := v.Outcomes(boards, e.Symmetries)
			if err != nil {
				return err
			}
			for i, expected := range all {
				outcome := c.Outcome(at[i])
				if outcome == 0 {
					return errors.New("nobody knows who won one of the games: take Decided of the corpus")
				}
				e.add(expected, outcome)
				e.Phases[phase(boards[i].Moves())].add(expected, outcome)
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
