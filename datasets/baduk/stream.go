package baduk

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
)

// A Target is what a network is to learn.
type Target uint8

const (
	// NextMove is the point that was played, x·size+y: a class of the policy network.
	NextMove Target = iota
	// Outcome is 1 if the player to move won the game, -1 if it lost: the value network's answer.
	Outcome
)

// StreamConfig says how a stream makes batches of a corpus.
type StreamConfig struct {
	// Batch is the number of positions in a batch.
	Batch int
	// Planes is how many of the feature planes are made; 0 means 48 for NextMove and 49 for Outcome.
	Planes int
	Target Target
	// Seed decides the order and the symmetries.
	Seed uint64
	// Shuffle gives every epoch an order of its own, over all positions of all games.
	Shuffle bool
	// Symmetries turns every position by one of the eight, another in every epoch.
	Symmetries bool
	// Turn turns every position by that symmetry, if Symmetries is not set: for the mean of eight answers.
	Turn Symmetry
	// DropLast leaves out the last batch of an epoch if it is smaller than the others.
	DropLast bool
	// Limit uses that many positions, spread evenly over the games; 0 means all.
	Limit int
	// Workers is the number of goroutines that prepare batches; 0 means one for each core.
	Workers int
	// Prefetch is the number of batches that are prepared while one is used; 0 means as many as
	// there are workers, and at least 2.
	Prefetch int
}

// Validate says what is wrong with a setting, whatever the corpus.
func (c StreamConfig) Validate() error {
	switch {
	case c.Batch < 1:
		return fmt.Errorf("batch %d: should be at least 1", c.Batch)
	case c.Planes < 0 || c.Planes > ValuePlanes:
		return fmt.Errorf("planes %d: should be from 1 to %d, or 0 for the usual", c.Planes, ValuePlanes)
	case c.Target > Outcome:
		return fmt.Errorf("target %d: should be NextMove or Outcome", c.Target)
	case c.Turn >= Symmetries:
		return fmt.Errorf("turn %d: should be from 0 to %d", c.Turn, Symmetries-1)
	case c.Limit < 0:
		return fmt.Errorf("limit %d: should be at least 1, or 0 for all positions", c.Limit)
	case c.Workers < 0:
		return fmt.Errorf("workers %d: should be at least 1, or 0 for one a core", c.Workers)
	case c.Prefetch < 0:
		return fmt.Errorf("prefetch %d: should be at least 1, or 0 for the usual", c.Prefetch)
	}
	return nil
}

// A Stream makes batches of a corpus's positions. Its memory is a few batches, whatever the number of
// positions: an epoch's order is computed rather than kept. Between epochs nothing of it runs, and nothing
// needs to be closed.
type Stream struct {
	corpus    *Corpus
	cfg       StreamConfig
	positions int // in an epoch, DropLast aside
	ring      []*Batch
	workers   []*streamWorker
	busy      atomic.Bool
}

// A Batch is the caller's from the time the loop gets it until the next turn of the loop.
type Batch struct {
	N      int       // positions in it, StreamConfig.Batch but for an epoch's last
	Planes []float32 // N×planes×size×size; Planes[:cap(Planes)] has StreamConfig.Batch of them, zero from N on
	Labels []float32 // N targets; Labels[:cap(Labels)] is StreamConfig.Batch long, zero from N on
	Index  []int     // N, where the positions are in the corpus
	Played []int     // N, how many moves were played before

	Epoch  int
	Number int // in its epoch, from 0
	// Slot tells the stream's few batches apart, from 0 to Stream.Slots()-1: each slot's Planes and
	// Labels begin at the same address always.
	Slot int

	planes, labels []float32
	index, played  []int
	done           chan error
}

// NewStream checks the settings against the corpus and allocates the batches.
func NewStream(c *Corpus, cfg StreamConfig) (*Stream, error) {
	fail := func(err error) (*Stream, error) { return nil, fmt.Errorf("streaming positions: %w", err) }
	if err := cfg.Validate(); err != nil {
		return fail(err)
	}
	s := &Stream{corpus: c, positions: c.Len()}
	if cfg.Limit > 0 {
		s.positions = min(s.positions, cfg.Limit)
	}
	if cfg.Planes == 0 {
		cfg.Planes = Planes + int(cfg.Target)
	}
	stride := cfg.Planes * c.Size() * c.Size()
	switch {
	case s.positions == 0:
		return fail(errors.New("the games have no moves"))
	case cfg.DropLast && s.positions < cfg.Batch:
		return fail(fmt.Errorf("batch %d: there are only %d positions, and a smaller batch is to be dropped", cfg.Batch, s.positions))
	case cfg.Batch > (1<<31-1)/4/stride:
		return fail(fmt.Errorf("batch %d of %d×%d×%d: more than 2 GiB", cfg.Batch, cfg.Planes, c.size, c.size))
	}
	if cfg.Target == Outcome {
		for i, g := range c.games {
			if g.winner == Empty {
				return fail(fmt.Errorf("nobody knows who won game %d of %d: take Decided of the corpus", i+1, len(c.games)))
			}
		}
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Prefetch == 0 {
		cfg.Prefetch = max(cfg.Workers, 2)
	}
	s.cfg = cfg
	for range cfg.Workers {
		b, err := NewBoard(c.size, Rules{})
		if err != nil {
			return fail(err)
		}
		s.workers = append(s.workers, &streamWorker{stream: s, board: b})
	}
	for slot := range cfg.Prefetch + 1 {
		s.ring = append(s.ring, &Batch{
			Slot:   slot,
			planes: make([]float32, cfg.Batch*stride), labels: make([]float32, cfg.Batch),
			index: make([]int, cfg.Batch), played: make([]int, cfg.Batch),
		})
	}
	return s, nil
}

// Batches returns the number of batches in an epoch.
func (s *Stream) Batches() int {
	if s.cfg.DropLast {
		return s.positions / s.cfg.Batch
	}
	return (s.positions + s.cfg.Batch - 1) / s.cfg.Batch
}

// Len returns the number of positions in an epoch.
func (s *Stream) Len() int {
	if s.cfg.DropLast {
		return s.positions / s.cfg.Batch * s.cfg.Batch
	}
	return s.positions
}

// Planes returns the number of planes of a position.
func (s *Stream) Planes() int { return s.cfg.Planes }

// Slots returns the number of batches that share the stream's memory.
func (s *Stream) Slots() int { return len(s.ring) }

// Memory returns the bytes that the stream's batches take.
func (s *Stream) Memory() int64 {
	one := int64(s.cfg.Batch) * int64(4*s.cfg.Planes*s.corpus.size*s.corpus.size+4+8+8)
	return one * int64(len(s.ring))
}

// Epoch returns the batches of an epoch in their order, beginning with number from (to go on in
// the middle of one). They are prepared in the background while the loop runs; a loop that ends
// early ends that too before it is left. Only one epoch of a stream can run at a time. An error ends the
// loop: the context's.
func (s *Stream) Epoch(ctx context.Context, epoch, from int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if epoch < 0 || from < 0 || from > s.Batches() {
			yield(nil, fmt.Errorf("streaming positions: no batch %d in epoch %d: there are %d", from, epoch, s.Batches()))
			return
		}
		if !s.busy.CompareAndSwap(false, true) {
			yield(nil, errors.New("streaming positions: an epoch of this stream is running already"))
			return
		}
		defer s.busy.Store(false)
		if err := s.run(ctx, epoch, from, yield); err != nil {
			yield(nil, err)
		}
	}
}

// run gives an epoch's batches to yield, until it says no.
func (s *Stream) run(ctx context.Context, epoch, from int, yield func(*Batch, error) bool) error {
	inner, cancel := context.WithCancel(ctx)
	free := make(chan *Batch, len(s.ring))
	next := make(chan *Batch, len(s.ring))
	jobs := make(chan *Batch, len(s.ring))
	for _, b := range s.ring {
		// Fresh, so that nothing of an epoch that was left early is still in it.
		b.done = make(chan error, 1)
		free <- b
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, w := range s.workers {
		wg.Go(func() {
			for b := range jobs {
				b.done <- w.fill(inner, b)
			}
		})
	}
	wg.Go(func() {
		defer close(jobs)
		for number := from; number < s.Batches(); number++ {
			select {
			case b := <-free:
				b.Epoch, b.Number = epoch, number
				b.resize(min(s.cfg.Batch, s.positions-number*s.cfg.Batch))
				next <- b
				jobs <- b
			case <-inner.Done():
				return
			}
		}
	})
	for range s.Batches() - from {
		var b *Batch
		select {
		case b = <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case err := <-b.done:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if !yield(b, nil) {
			return nil
		}
		free <- b
	}
	return nil
}

// resize makes room for n positions, zero behind them.
func (b *Batch) resize(n int) {
	stride := len(b.planes) / len(b.labels)
	b.N = n
	b.Planes, b.Labels, b.Index, b.Played = b.planes[:n*stride], b.labels[:n], b.index[:n], b.played[:n]
	clear(b.planes[n*stride:])
	clear(b.labels[n:])
}

// A streamWorker prepares batches with memory of its own.
type streamWorker struct {
	stream   *Stream
	board    *Board
	features Features
}

func (w *streamWorker) fill(ctx context.Context, b *Batch) error {
	s := w.stream
	stride := s.cfg.Planes * s.corpus.size * s.corpus.size
	for i := range b.N {
		if err := ctx.Err(); err != nil {
			return err
		}
		at := s.place(b.Epoch, b.Number*s.cfg.Batch+i)
		move, _, winner, err := s.corpus.Position(at, w.board)
		if err != nil {
			return err
		}
		turn := s.cfg.Turn
		if s.cfg.Symmetries {
			turn = Symmetry(mix(key(s.cfg.Seed, symmetryStream, b.Epoch)+uint64(at)) >> 61)
		}
		if err := w.features.Floats(b.Planes[i*stride:(i+1)*stride], w.board, s.cfg.Planes, turn); err != nil {
			return err
		}
		b.Index[i], b.Played[i] = at, w.board.Moves()
		switch {
		case s.cfg.Target == NextMove:
			b.Labels[i] = float32(turn.Point(move.Point, s.corpus.size))
		case winner == move.Color:
			b.Labels[i] = 1
		default:
			b.Labels[i] = -1
		}
	}
	return nil
}

// The streams of random numbers that a seed gives.
const (
	orderStream = iota + 1
	symmetryStream
)

func key(seed, stream uint64, epoch int) uint64 {
	return mix(mix(mix(seed)^stream) + uint64(epoch))
}

// place returns which position comes i-th in an epoch.
func (s *Stream) place(epoch, i int) int {
	if s.cfg.Shuffle {
		i = permute(key(s.cfg.Seed, orderStream, epoch), i, s.positions)
	}
	if s.positions == s.corpus.Len() {
		return i
	}
	high, low := bits.Mul64(uint64(i), uint64(s.corpus.Len()))
	at, _ := bits.Div64(high, low, uint64(s.positions))
	return int(at)
}

// permute returns the image of i under a permutation of 0 to n-1 that the key chooses: a Feistel network
// on as many bits as n needs, walked along until the image is less than n (Black & Rogaway, "Ciphers with
// arbitrary finite domains", CT-RSA 2002). It takes no memory, where a list of all positions would take
// more than the games.
func permute(key uint64, i, n int) int {
	half := (bits.Len(uint(n-1)) + 1) / 2
	mask := uint64(1)<<half - 1
	v := uint64(i)
	for {
		left, right := v>>half, v&mask
		for round := range uint64(6) {
			left, right = right, left^mix(key+round<<56+right)&mask
		}
		if v = left<<half | right; v < uint64(n) {
			return int(v)
		}
	}
}
