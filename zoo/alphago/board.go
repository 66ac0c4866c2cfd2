package alphago

import (
	"context"
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// boardBatch is the number of positions of a step, or of one position's symmetries.
const boardBatch = baduk.Symmetries

// A boardNetwork is a trained network that sees positions of Go.
type boardNetwork struct {
	name    string // of the file
	model   *zoo.Model
	meta    weights.Meta
	size    int // of the board
	planes  int
	pool    *kernel.Pool
	single  *infer.Program
	many    *infer.Program
	x       []float32
	feature baduk.Features
}

// loadBoardNetwork reads the network of an open file, if it fits.
func loadBoardNetwork(r *weights.Reader, threads int, fits func(*zoo.Model) error) (*boardNetwork, error) {
	m, err := infer.Stored(r.Meta())
	if err != nil {
		return nil, err
	}
	if err := fits(m); err != nil {
		return nil, err
	}
	in := m.Input
	if in[1] != in[2] || in[0] > baduk.ValuePlanes {
		return nil, fmt.Errorf("%s: input %d×%d×%d: should be at most %d planes of a square board", m.Name, in[0], in[1], in[2], baduk.ValuePlanes)
	}
	if _, err := baduk.NewBoard(in[1], baduk.Rules{}); err != nil {
		return nil, err
	}
	params, err := infer.Params(r, m)
	if err != nil {
		return nil, err
	}
	n := &boardNetwork{name: r.Name(), model: m, meta: r.Meta(), size: in[1], planes: in[0], pool: kernel.NewPool(threads)}
	cfg := graph.Config{Pool: n.pool, Workspace: graph.NewWorkspace()}
	if n.single, err = infer.NewProgram(m, params, 1, cfg); err == nil {
		n.many, err = infer.NewProgram(m, params, boardBatch, cfg)
	}
	if err != nil {
		n.pool.Close()
		return nil, err
	}
	n.x = make([]float32, boardBatch*in[0]*in[1]*in[2])
	return n, nil
}

// Close ends the network's threads.
func (n *boardNetwork) Close() { n.pool.Close() }

// Model describes the network.
func (n *boardNetwork) Model() *zoo.Model { return n.model }

// Meta is what the weights file says about them.
func (n *boardNetwork) Meta() weights.Meta { return n.meta }

// Size is that of the boards that the network sees.
func (n *boardNetwork) Size() int { return n.size }

// outputs gives what the network says of each board in so many of its symmetries.
func (n *boardNetwork) outputs(boards []*baduk.Board, symmetries int, each func(board int, turn baduk.Symmetry, out []float32) error) error {
	if symmetries != 1 && symmetries != baduk.Symmetries {
		return fmt.Errorf("symmetries %d: should be 1 or %d", symmetries, baduk.Symmetries)
	}
	for _, b := range boards {
		if b.Size() != n.size {
			return fmt.Errorf("%s: a board of %d×%[2]d for a network of %d×%[3]d", n.name, b.Size(), n.size)
		}
	}
	// Number i is symmetry i%symmetries of board i/symmetries.
	stride := n.planes * n.size * n.size
	for from, all := 0, len(boards)*symmetries; from < all; from += boardBatch {
		to := min(from+boardBatch, all)
		for i := from; i < to; i++ {
			dst := n.x[(i-from)*stride : (i-from+1)*stride]
			if err := n.feature.Floats(dst, boards[i/symmetries], n.planes, baduk.Symmetry(i%symmetries)); err != nil {
				return err
			}
		}
		run, x := n.many, n.x
		if to-from == 1 {
			run, x = n.single, n.x[:stride]
		}
		err := run.Run(x, to-from, func(k int, o infer.Outputs) error {
			i := from + k
			for _, v := range o.Logits {
				if v-v != 0 {
					return fmt.Errorf("%s: the network answers %v: the weights are damaged, or were trained too fast", n.name, v)
				}
			}
			return each(i/symmetries, baduk.Symmetry(i%symmetries), o.Logits)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// walk shows at most limit positions, spread evenly over the games, or with 0 all, a few at a time: the boards,
// and the number of each in the corpus. Progress may be nil.
func (n *boardNetwork) walk(ctx context.Context, c *baduk.Corpus, limit int, progress func(done, of int), each func(boards []*baduk.Board, at []int) error) error {
	switch {
	case c.Size() != n.size:
		return fmt.Errorf("%s: games of %d×%[2]d for a network of %d×%[3]d", n.name, c.Size(), n.size)
	case c.Len() == 0:
		return errors.New("the games have no moves")
	case limit < 0:
		return fmt.Errorf("limit %d: should be at least 1, or 0 for all positions", limit)
	}
	all := c.Len()
	if limit > 0 {
		all = min(all, limit)
	}
	var boards [boardBatch]*baduk.Board
	var at [boardBatch]int
	for i := range boards {
		b, err := baduk.NewBoard(n.size, baduk.Rules{})
		if err != nil {
			return err
		}
		boards[i] = b
	}
	for from := 0; from < all; from += boardBatch {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+boardBatch, all)
		for i := from; i < to; i++ {
			at[i-from] = int(int64(i) * int64(c.Len()) / int64(all))
			if _, _, _, err := c.Position(at[i-from], boards[i-from]); err != nil {
				return err
			}
		}
		if err := each(boards[:to-from], at[:to-from]); err != nil {
			return err
		}
		if progress != nil {
			progress(to, all)
		}
	}
	return nil
}
