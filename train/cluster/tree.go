package cluster

import (
	"fmt"
	"slices"
)

// A Tree adds up vectors, the leaves of a binary tree, in the order of the tree: the sum has the same bits
// however many ranks share the leaves. Each rank has those of its [Share] and adds them one by one; whole
// subtrees are added up where they are, and the ranks exchange what is left.
//
// With twice as many leaves as ranks, or four or eight times, a rank sends as much as in a ring's sum. With
// other numbers it may have several subtrees, and sends as many times more in the first half of the sum.
type Tree struct {
	c      Comm
	leaves int
	from   int // this rank's leaves
	to     int
	ranks  [][]subtree // that each rank adds up by itself, without their sums
	most   int         // the largest number of them

	next          int // leaf to be added
	stack         []subtree
	free          [][]float32
	send, receive []float32
}

// A subtree is the sum of the leaves [from, to).
type subtree struct {
	from, to int
	sum      []float32
}

// NewTree returns a tree over the ranks of c, each of which needs a leaf.
func NewTree(c Comm, leaves int) (*Tree, error) {
	if c == nil {
		c = Alone()
	}
	if leaves < c.Size() {
		return nil, fmt.Errorf("%d shares: too few for %d ranks", leaves, c.Size())
	}
	t := &Tree{c: c, leaves: leaves}
	t.from, t.to = Share(leaves, c.Rank(), c.Size())
	for rank := range c.Size() {
		t.ranks = append(t.ranks, t.subtrees(rank))
		t.most = max(t.most, len(t.ranks[rank]))
	}
	t.next = t.from
	return t, nil
}

// subtrees are the largest ones that lie within a rank's leaves.
func (t *Tree) subtrees(rank int) []subtree {
	from, to := Share(t.leaves, rank, t.c.Size())
	var list []subtree
	var visit func(lo, hi int)
	visit = func(lo, hi int) {
		switch {
		case hi <= from || to <= lo:
		case from <= lo && hi <= to:
			list = append(list, subtree{from: lo, to: hi})
		default:
			mid := (lo + hi) / 2
			visit(lo, mid)
			visit(mid, hi)
		}
	}
	visit(0, t.leaves)
	return list
}

// siblings reports whether [from, mid) and [mid, to) are the two halves of a subtree.
func (t *Tree) siblings(from, mid, to int) bool {
	lo, hi := 0, t.leaves
	for hi-lo > to-from {
		if m := (lo + hi) / 2; to <= m {
			hi = m
		} else {
			lo = m
		}
	}
	return lo == from && hi == to && (lo+hi)/2 == mid
}

// Add adds this rank's next leaf, of n numbers, which fill writes. All leaves of a sum have the same length.
func (t *Tree) Add(n int, fill func(leaf []float32)) {
	if t.next == t.from { // a new sum: what the last one has returned is free again
		for _, s := range t.stack {
			t.free = append(t.free, s.sum)
		}
		t.stack = t.stack[:0]
	}
	var leaf []float32
	if last := len(t.free) - 1; last >= 0 {
		leaf, t.free = t.free[last], t.free[:last]
	}
	leaf = sized(leaf, n)
	fill(leaf)
	t.stack = append(t.stack, subtree{t.next, t.next + 1, leaf})
	t.next++
	for len(t.stack) > 1 {
		left, right := &t.stack[len(t.stack)-2], t.stack[len(t.stack)-1]
		if !t.siblings(left.from, left.to, right.to) {
			break
		}
		addTo(left.sum, right.sum)
		left.to = right.to
		t.free = append(t.free, right.sum)
		t.stack = t.stack[:len(t.stack)-1]
	}
}

// small is the length of vectors that every rank adds up by itself: two messages would cost more.
const small = 1 << 10

// Sum returns the sum of all leaves, once every rank has added its own. It holds until the next Add.
func (t *Tree) Sum() ([]float32, error) {
	if t.next != t.to {
		return nil, fmt.Errorf("sum of shares %d to %d after share %d", t.from, t.to, t.next)
	}
	t.next = t.from
	sum, size := t.stack[0].sum, t.c.Size()
	n := len(sum)
	if size == 1 {
		return sum, nil
	}
	if n <= small {
		t.send, t.receive = sized(t.send, t.most*n), sized(t.receive, size*t.most*n)
		for k, s := range t.stack {
			copy(t.send[k*n:], s.sum)
		}
		if err := t.c.Collect(bytesOf(t.send), bytesOf(t.receive)); err != nil {
			return nil, err
		}
		copy(sum, t.merge(t.receive, n))
		return sum, nil
	}
	// Each rank adds up a piece of all vectors, and the pieces are brought together.
	piece := (n + size - 1) / size
	t.send, t.receive = sized(t.send, size*t.most*piece), sized(t.receive, size*t.most*piece)
	for rank := range size {
		for k, s := range t.stack {
			copy(t.send[(rank*t.most+k)*piece:][:piece], s.sum[min(rank*piece, n):])
		}
	}
	if err := t.c.Exchange(bytesOf(t.send), bytesOf(t.receive)); err != nil {
		return nil, err
	}
	if err := t.c.Collect(bytesOf(t.merge(t.receive, piece)), bytesOf(t.send[:size*piece])); err != nil {
		return nil, err
	}
	copy(sum, t.send)
	return sum, nil
}

// merge adds up the subtrees of all ranks, vectors of n numbers, in the order of the tree and in place.
func (t *Tree) merge(all []float32, n int) []float32 {
	rank, k := 0, 0 // of the next subtree: they come from left to right
	var sum func(lo, hi int) []float32
	sum = func(lo, hi int) []float32 {
		if s := t.ranks[rank][k]; s.from == lo && s.to == hi {
			v := all[(rank*t.most+k)*n:][:n]
			if k++; k == len(t.ranks[rank]) && rank+1 < len(t.ranks) {
				rank, k = rank+1, 0
			}
			return v
		}
		mid := (lo + hi) / 2
		v := sum(lo, mid)
		addTo(v, sum(mid, hi))
		return v
	}
	return sum(0, t.leaves)
}

// sized is memory for n numbers, that which is there if it is enough.
func sized[T any](v []T, n int) []T { return slices.Grow(v[:0], n)[:n] }

func addTo(sum, v []float32) {
	for i, x := range v[:len(sum)] {
		sum[i] += x
	}
}
