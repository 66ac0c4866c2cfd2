package alphago

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// boardBatch is the number of positions of a step, or of one position's symmetries.
const boardBatch = baduk.Symmetries

// steps are the batches for which a network is compiled, so that few positions don't cost what eight do.
var steps = [...]int{boardBatch, 4, 2, 1}

// A boardNetwork is a trained network that sees positions of Go.
type boardNetwork struct {
	name    string // of the file
	model   *zoo.Model
	meta    weights.Meta
	sum     string
	size    int // of the board
	planes  int
	pool    *kernel.Pool
	run     [len(steps)]*infer.Program
	x       []float32
	painter painter
	views   []view
}

var (
	errNoReader  = errors.New("no weights: the reader is nil")
	errNoNetwork = errors.New("no network: it is made by LoadPolicy or LoadValue")
	errNoBoard   = errors.New("there is no board")
)

// loadBoardNetwork reads the network of an open file, if it fits. Errors name the file.
func loadBoardNetwork(r *weights.Reader, threads int, fits func(*zoo.Model) error) (*boardNetwork, error) {
	if r == nil {
		return nil, errNoReader
	}
	m, err := boardModel(r.Meta(), fits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name(), err)
	}
	params, err := infer.Params(r, m)
	if err != nil {
		return nil, err
	}
	in := m.Input
	n := &boardNetwork{name: r.Name(), model: m, meta: r.Meta(), sum: checksum(params), size: in[1], planes: in[0], pool: kernel.NewPool(threads)}
	cfg := graph.Config{Pool: n.pool, Workspace: graph.NewWorkspace()}
	for i, batch := range steps {
		if n.run[i], err = infer.NewProgram(m, params, batch, cfg); err != nil {
			n.pool.Close()
			return nil, fmt.Errorf("%s: %w", r.Name(), err)
		}
	}
	n.x = make([]float32, boardBatch*in[0]*in[1]*in[2])
	return n, nil
}

// boardModel is the network that a file's metadata tells of, if it fits and sees a square board.
func boardModel(meta weights.Meta, fits func(*zoo.Model) error) (*zoo.Model, error) {
	m, err := infer.Stored(meta)
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
	return m, nil
}

// checksum is the SHA-256 of all parameters, in their order.
func checksum(params *graph.Params) string {
	h := sha256.New()
	var buf []byte
	for _, p := range params.All() {
		buf = append(buf[:0], p.Name...)
		for _, v := range p.Data {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		h.Write(buf)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// Checksum identifies the network's weights, whatever file they came from.
func (n *boardNetwork) Checksum() string { return n.sum }

// Close ends the network's threads.
func (n *boardNetwork) Close() {
	if n != nil {
		n.pool.Close()
	}
}

// Model describes the network.
func (n *boardNetwork) Model() *zoo.Model { return n.model }

// Meta is what the weights file says about them.
func (n *boardNetwork) Meta() weights.Meta { return n.meta }

// Size is that of the boards that the network sees.
func (n *boardNetwork) Size() int { return n.size }

// A view is a board as a network sees it: turned.
type view struct {
	board *baduk.Board
	turn  baduk.Symmetry
}

// turns are the views of each board in so many of its symmetries: number i is symmetry i%symmetries of board
// i/symmetries. They hold until the next call.
func (n *boardNetwork) turns(boards []*baduk.Board, symmetries int) ([]view, error) {
	if n == nil {
		return nil, errNoNetwork
	}
	if symmetries != 1 && symmetries != baduk.Symmetries {
		return nil, fmt.Errorf("symmetries %d: should be 1 or %d", symmetries, baduk.Symmetries)
	}
	n.views = n.views[:0]
	for i := range len(boards) * symmetries {
		n.views = append(n.views, view{boards[i/symmetries], baduk.Symmetry(i % symmetries)})
	}
	return n.views, nil
}

// see gives what the network says of each view, a few in one run of the machine.
func (n *boardNetwork) see(views []view, each func(i int, out []float32) error) error {
	for _, v := range views {
		if v.board.Size() != n.size {
			return fmt.Errorf("%s: a board of %d×%[2]d for a network of %d×%[3]d", n.name, v.board.Size(), n.size)
		}
	}
	stride := n.planes * n.size * n.size
	for from, k := 0, 0; from < len(views); {
		// The largest step that the rest fills, or fills but for one.
		for steps[k] > len(views)-from+steps[k]/boardBatch {
			k++
		}
		now := views[from:min(from+steps[k], len(views))]
		if err := n.painter.paint(n.pool, n.x[:len(now)*stride], now, n.planes); err != nil {
			return err
		}
		err := n.run[k].Run(n.x[:steps[k]*stride], len(now), func(i int, o infer.Outputs) error {
			for _, v := range o.Logits {
				if v-v != 0 {
					return fmt.Errorf("%s: the network answers %v: the weights are damaged, or were trained too fast", n.name, v)
				}
			}
			return each(from+i, o.Logits)
		})
		if err != nil {
			return err
		}
		from += len(now)
	}
	return nil
}

// A painter computes the planes of views on a pool's threads.
type painter struct {
	features []baduk.Features // of each thread
	errs     []error          // of each view
	dst      []float32
	views    []view
	planes   int
}

// paint writes the views' planes to dst, one after the other.
func (p *painter) paint(pool *kernel.Pool, dst []float32, views []view, planes int) error {
	if len(p.features) < pool.Threads() {
		p.features = make([]baduk.Features, pool.Threads())
	}
	p.errs = append(p.errs[:0], make([]error, len(views))...)
	p.dst, p.views, p.planes = dst, views, planes
	pool.Run(len(views), p)
	return errors.Join(p.errs...)
}

// Task paints a view.
func (p *painter) Task(i, worker int) {
	n := len(p.dst) / len(p.views)
	p.errs[i] = p.features[worker].Floats(p.dst[i*n:(i+1)*n], p.views[i].board, p.planes, p.views[i].turn)
}

// walk shows at most limit positions, spread evenly over the games, or with 0 all, a few at a time: the boards,
// and the number of each in the corpus. Progress may be nil.
func (n *boardNetwork) walk(ctx context.Context, c *baduk.Corpus, limit int, progress func(done, of int), each func(boards []*baduk.Board, at []int) error) error {
	switch {
	case n == nil:
		return errNoNetwork
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
