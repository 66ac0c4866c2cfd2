package cluster

import (
	"fmt"
	"sync"
	"time"
)

// Goroutines returns the n ranks of a group inside this process. Sums are taken in the order of ranks.
func Goroutines(n int) []Comm {
	n = max(n, 0)
	g := &room{size: n, broken: make(chan struct{})}
	ranks := make([]Comm, n)
	for i := range ranks {
		ranks[i] = &guest{room: g, rank: i}
	}
	return ranks
}

// A room is where the ranks of one process meet, one meeting after the other.
type room struct {
	mu      sync.Mutex
	size    int
	meeting *meeting      // that ranks are coming to; nil before the first has come
	broken  chan struct{} // closed by Abort
	reason  error
}

// A meeting is one call of every rank.
type meeting struct {
	parts   []any // what each rank has brought; read only once done is closed
	arrived int
	done    chan struct{} // closed when the last one has come
}

// meet waits for all ranks and returns what each has brought.
func (r *room) meet(rank int, part any, patience time.Duration) ([]any, error) {
	r.mu.Lock()
	select {
	case <-r.broken:
		r.mu.Unlock()
		return nil, r.reason
	default:
	}
	m := r.meeting
	if m == nil {
		m = &meeting{parts: make([]any, r.size), done: make(chan struct{})}
		r.meeting = m
	}
	m.parts[rank] = part
	if m.arrived++; m.arrived == r.size {
		r.meeting = nil
		close(m.done)
	}
	r.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-m.done:
		return m.parts, nil
	case <-r.broken:
		return nil, r.reason
	case <-late.C:
		return nil, ErrLost
	}
}

type guest struct {
	*room
	rank int
}

func (g *guest) Rank() int { return g.rank }
func (g *guest) Size() int { return g.size }

func (g *guest) Sum(data []float32) error {
	own := append([]float32(nil), data...)
	all, err := g.meet(g.rank, own, Patience)
	if err != nil {
		return err
	}
	clear(data)
	for rank, part := range all {
		v := part.([]float32)
		if len(v) != len(data) {
			return fmt.Errorf("sum: %d numbers on rank %d, %d on rank %d", len(v), rank, len(data), g.rank)
		}
		for i, x := range v {
			data[i] += x
		}
	}
	return nil
}

func (g *guest) Gather(data []byte) ([][]byte, error) {
	all, err := g.meet(g.rank, append([]byte(nil), data...), Patience)
	if err != nil {
		return nil, err
	}
	list := make([][]byte, len(all))
	for i, part := range all {
		list[i] = append([]byte(nil), part.([]byte)...)
	}
	return list, nil
}

func (g *guest) Collect(part, all []byte) error {
	parts, err := g.Gather(part)
	if err != nil {
		return err
	}
	for rank, p := range parts {
		if len(p) != len(part) || len(all) != len(part)*g.size {
			return fmt.Errorf("collect: %d bytes on rank %d, %d on rank %d, and room for %d", len(p), rank, len(part), g.rank, len(all))
		}
		copy(all[rank*len(part):], p)
	}
	return nil
}

func (g *guest) Exchange(send, receive []byte) error {
	parts, err := g.Gather(send)
	if err != nil {
		return err
	}
	one := len(send) / g.size
	for rank, p := range parts {
		if len(p) != one*g.size || len(receive) != len(p) {
			return fmt.Errorf("exchange: %d bytes on rank %d, %d on rank %d of %d, and room for %d", len(p), rank, len(send), g.rank, g.size, len(receive))
		}
		copy(receive[rank*one:][:one], p[g.rank*one:])
	}
	return nil
}

func (g *guest) Broadcast(data []byte) error {
	var own []byte
	if g.rank == 0 {
		own = append(own, data...)
	}
	all, err := g.meet(g.rank, own, Patience)
	if err != nil {
		return err
	}
	root := all[0].([]byte)
	if len(root) != len(data) {
		return fmt.Errorf("broadcast: %d bytes on rank 0, %d on rank %d", len(root), len(data), g.rank)
	}
	copy(data, root)
	return nil
}

func (g *guest) Barrier() error {
	_, err := g.meet(g.rank, nil, Patience)
	return err
}

func (g *guest) Wait(patience time.Duration) error {
	_, err := g.meet(g.rank, nil, patience)
	return err
}

func (g *guest) Abort(reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.broken:
	default:
		g.reason = fmt.Errorf("rank %d: %w", g.rank, reason)
		close(g.broken)
	}
}

func (g *guest) Close() error { return nil }
