package zoo

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// policyBatch is the number of positions of a step, or of one position's symmetries.
const policyBatch = baduk.Symmetries

// A Policy is a trained policy network: it says how probable each point of the board is as the next move.
// It is for one goroutine at a time.
type Policy struct {
	name    string // of the file
	model   *Model
	meta    weights.Meta
	size    int // of the board
	planes  int
	pool    *kernel.Pool
	single  *program
	many    *program
	x       []float32
	feature baduk.Features
	turned  []float32
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
	p, err := loadPolicy(r, threads)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name(), err)
	}
	return p, nil
}

func loadPolicy(r *weights.Reader, threads int) (*Policy, error) {
	m, err := Stored(r.Meta())
	if err != nil {
		return nil, err
	}
	in := m.Input
	if m.Name != alphaGoPolicy.Name || in[1] != in[2] || m.Classes != in[1]*in[2] || in[0] > baduk.ValuePlanes {
		return nil, fmt.Errorf("%s is no policy network: its output should be the points of a board, as that of %s", m.Name, alphaGoPolicy.Name)
	}
	if _, err := baduk.NewBoard(in[1], baduk.Rules{}); err != nil {
		return nil, err
	}
	params, err := m.evaluated(r.Specs())
	if err != nil {
		return nil, err
	}
	params.Allocate()
	err = r.ReadInto(func(name string, _ []int) []float32 {
		if p := params.Get(name); p != nil {
			return p.Data
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p := &Policy{name: r.Name(), model: m, meta: r.Meta(), size: in[1], planes: in[0], pool: kernel.NewPool(threads)}
	cfg := graph.Config{Pool: p.pool, Workspace: graph.NewWorkspace()}
	if p.single, err = newProgram(m, params, 1, cfg); err == nil {
		p.many, err = newProgram(m, params, policyBatch, cfg)
	}
	if err != nil {
		p.pool.Close()
		return nil, err
	}
	p.x = make([]float32, policyBatch*in[0]*m.Classes)
	p.turned = make([]float32, m.Classes)
	return p, nil
}

// Close ends the policy's threads.
func (p *Policy) Close() { p.pool.Close() }

// Model describes the network.
func (p *Policy) Model() *Model { return p.model }

// Meta is what the weights file says about them.
func (p *Policy) Meta() weights.Meta { return p.meta }

// Size is that of the boards that the network sees.
func (p *Policy) Size() int { return p.size }

// Probabilities returns the probability of each point x·size+y as the next move of the player to move, for
// each board. With symmetries 8, it is the mean over the board's eight symmetries (Silver et al. 2016,
// methods, "Symmetries"); 1 looks at the board as it is. Points where no move is legal have a probability
// too, usually a very small one.
func (p *Policy) Probabilities(boards []*baduk.Board, symmetries int) ([][]float32, error) {
	if symmetries != 1 && symmetries != baduk.Symmetries {
		return nil, fmt.Errorf("symmetries %d: should be 1 or %d", symmetries, baduk.Symmetries)
	}
	list := make([][]float32, len(boards))
	for i, b := range boards {
		if b.Size() != p.size {
			return nil, fmt.Errorf("%s: a board of %d×%[2]d for a network of %d×%[3]d", p.name, b.Size(), p.size)
		}
		list[i] = make([]float32, p.model.Classes)
	}
	for from, all := 0, len(boards)*symmetries; from < all; from += policyBatch {
		if err := p.step(boards, list, symmetries, from, min(from+policyBatch, all)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// step adds what the network says of some of the boards' symmetries: number i is symmetry i%symmetries of
// board i/symmetries.
func (p *Policy) step(boards []*baduk.Board, list [][]float32, symmetries, from, to int) error {
	stride := p.planes * p.model.Classes
	for i := from; i < to; i++ {
		dst := p.x[(i-from)*stride : (i-from+1)*stride]
		if err := p.feature.Floats(dst, boards[i/symmetries], p.planes, baduk.Symmetry(i%symmetries)); err != nil {
			return err
		}
	}
	run, x := p.many, p.x
	if to-from == 1 {
		run, x = p.single, p.x[:stride]
	}
	return run.run(x, to-from, func(k int, o outputs) error {
		i := from + k
		if err := softmax(o.logits); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		baduk.Turn(p.turned, o.logits, baduk.Symmetry(i%symmetries).Inverse(), p.size)
		for point, v := range p.turned {
			list[i/symmetries][point] += v / float32(symmetries)
		}
		return nil
	})
}

// softmax makes probabilities of logits, in their place.
func softmax(v []float32) error {
	most := math.Inf(-1)
	for _, x := range v {
		if x-x != 0 {
			return fmt.Errorf("the network answers %v: the weights are damaged, or were trained too fast", x)
		}
		most = max(most, float64(x))
	}
	sum := 0.0
	for _, x := range v {
		sum += math.Exp(float64(x) - most)
	}
	for i, x := range v {
		v[i] = float32(math.Exp(float64(x)-most) / sum)
	}
	return nil
}

// Choose returns a sensible move (see [baduk.Board.Sensible]; with superko, one that the rules let be
// played), or [baduk.Pass] if there is none. At temperature 0 it is the most probable one, of equals the
// first; otherwise it is drawn with probabilities that are p to the power of 1/temperature.
func Choose(b *baduk.Board, probabilities []float32, temperature float64, r *rand.Rand) (baduk.Point, error) {
	switch {
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
