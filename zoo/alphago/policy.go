package alphago

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A Policy is a trained policy network: it says how probable each point of the board is as the next move.
// It is for one goroutine at a time.
type Policy struct {
	*boardNetwork
	turned []float32
}

// LoadPolicy reads a policy network from a weights file, such as weights/best.safetensors of a run.
// Threads is their number, 0 for one a core; it changes no result. Errors name the file.
func LoadPolicy(path string, threads int) (*Policy, error) {
	r, err := weights.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return LoadPolicyFrom(r, threads)
}

// LoadPolicyFrom is [LoadPolicy] from an open file, which is not needed afterwards.
func LoadPolicyFrom(r *weights.Reader, threads int) (*Policy, error) {
	n, err := loadBoardNetwork(r, threads, func(m *zoo.Model) error {
		if m.Name != zoo.AlphaGoPolicy().Name || m.Classes != m.Input[1]*m.Input[2] {
			return fmt.Errorf("%s is no policy network: its output should be the points of a board, as that of %s", m.Name, zoo.AlphaGoPolicy().Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &Policy{n, make([]float32, n.model.Classes)}, nil
}

// Probabilities returns the probability of each point x·size+y as the next move of the player to move, for
// each board. With symmetries 8, it is the mean over the board's eight symmetries (Silver et al. 2016,
// methods, "Symmetries"); 1 looks at the board as it is. Points where no move is legal have a probability
// too, usually a very small one.
func (p *Policy) Probabilities(boards []*baduk.Board, symmetries int) ([][]float32, error) {
	views, err := p.turns(boards, symmetries)
	if err != nil {
		return nil, err
	}
	list := make([][]float32, len(boards))
	for i := range list {
		list[i] = make([]float32, p.model.Classes)
	}
	err = p.probabilities(views, func(i int, probabilities []float32) error {
		for point, v := range probabilities {
			list[i/symmetries][point] += v / float32(symmetries)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// probabilities gives those of each view, as they belong to the board before it is turned. They hold until each
// returns.
func (p *Policy) probabilities(views []view, each func(i int, probabilities []float32) error) error {
	return p.see(views, func(i int, out []float32) error {
		softmax(out)
		baduk.Turn(p.turned, out, views[i].turn.Inverse(), p.size)
		return each(i, p.turned)
	})
}

// softmax makes probabilities of logits, in their place.
func softmax(v []float32) {
	most := math.Inf(-1)
	for _, x := range v {
		most = max(most, float64(x))
	}
	sum := 0.0
	for _, x := range v {
		sum += math.Exp(float64(x) - most)
	}
	for i, x := range v {
		v[i] = float32(math.Exp(float64(x)-most) / sum)
	}
}

// Choose returns a sensible move (see [baduk.Board.Sensible]; with superko, one that the rules let be
// played), or [baduk.Pass] if there is none. At temperature 0 it is the most probable one, of equals the
// first; otherwise it is drawn with probabilities that are p to the power of 1/temperature.
func Choose(b *baduk.Board, probabilities []float32, temperature float64, r *rand.Rand) (baduk.Point, error) {
	switch {
	case b.Size() == 0:
		return baduk.None, errNoBoard
	case len(probabilities) != b.Points():
		return baduk.None, fmt.Errorf("%d probabilities for %d points", len(probabilities), b.Points())
	case !(temperature >= 0) || math.IsInf(temperature, 0):
		return baduk.None, fmt.Errorf("temperature %v: should be 0 or above", temperature)
	case temperature > 0 && r == nil:
		return baduk.None, errors.New("a temperature needs random numbers")
	}
	best, most := baduk.Pass, float32(-1)
	weight := make([]float64, len(probabilities))
	can := make([]bool, len(probabilities))
	for i, v := range probabilities {
		point := baduk.Point(i)
		if !b.Sensible(b.ToPlay(), point) || b.Check(b.ToPlay(), point) != nil {
			continue
		}
		can[i] = true
		if v > most {
			best, most = point, v
		}
	}
	if best == baduk.Pass || temperature == 0 {
		return best, nil
	}
	sum := 0.0
	for i, v := range probabilities {
		if can[i] && v > 0 {
			weight[i] = math.Exp((math.Log(float64(v)) - math.Log(float64(most))) / temperature)
			sum += weight[i]
		}
	}
	// 53 bits, spelt out: of math/rand/v2 only the generators' output is promised to stay.
	left := float64(r.Uint64()>>11) / (1 << 53) * sum
	for i, w := range weight {
		if left -= w; left < 0 && can[i] {
			return baduk.Point(i), nil
		}
	}
	return best, nil
}
