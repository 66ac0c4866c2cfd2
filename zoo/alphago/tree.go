package alphago

import (
	"cmp"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// A node is a position of the search tree, with what the edge that leads to it keeps in the paper. Of its moves only
// those that were visited have nodes: moves are sorted by their priors and what is not visited yet is worth the same,
// so that the next one to be visited is always the first that was not.
type node struct {
	moves    []int16   // sensible moves and the pass, the most probable first; nil before the policy was asked
	priors   []float32 // of moves
	children []*node   // of the first moves

	sum     float64 // of the evaluations below it, in black's eyes: from 1, black wins, to -1
	visits  int32   // evaluations below it
	virtual int32   // searches that are on their way through it
	value   float32 // of the position itself, in black's eyes
	known   bool    // value is
	over    bool    // both players have passed
	waits   bool    // for a network
}

// sign is 1 for black and -1 for white, which turns black's view into the player's.
func sign(c baduk.Color) float64 {
	if c == baduk.White {
		return -1
	}
	return 1
}

// mean is the mean of a node's evaluations as the player sees them who moves to it, with the searches on their way
// counted as so many losses.
func (n *node) mean(c baduk.Color, loss float64) float64 {
	lost := loss * float64(n.virtual)
	return (sign(c)*n.sum - lost) / (float64(n.visits) + lost)
}

// choose returns the number of the move that the search of player c looks at next: that of the largest
// Q + c_puct·P·√ΣN/(1+N) (Silver et al. 2016, methods, "Selection"). What was not visited is worth what the
// node is, less the urgency for each root of the probability that was visited. A node is counted as soon as its value is
// known, before any choice.
func (n *node) choose(c baduk.Color, s *SearchConfig) int {
	all, seen := 0.0, 0.0
	for i, child := range n.children {
		all += float64(child.visits) + s.VirtualLoss*float64(child.virtual)
		seen += float64(n.priors[i])
	}
	explore := s.Exploration * math.Sqrt(max(all, 1))
	best, most := -1, math.Inf(-1)
	for i, child := range n.children {
		visits := float64(child.visits) + s.VirtualLoss*float64(child.virtual)
		q := 0.0
		if visits > 0 {
			q = child.mean(c, s.VirtualLoss)
		}
		if u := q + explore*float64(n.priors[i])/(1+visits); u > most {
			best, most = i, u
		}
	}
	if k := len(n.children); k < len(n.moves) {
		q := sign(c)*n.sum/float64(n.visits) - s.Urgency*math.Sqrt(seen)
		if u := q + explore*float64(n.priors[k]); u > most {
			best = k
		}
	}
	return best
}

// child is that of a move, which is made if it has none yet.
func (n *node) child(i int) *node {
	if i == len(n.children) {
		n.children = append(n.children, &node{})
	}
	return n.children[i]
}

// expand gives the node its moves, of a board whose policy is p. Allowed may be nil.
func (n *node) expand(b *baduk.Board, p []float32, flatten float64, allowed func(baduk.Point) bool) {
	c := b.ToPlay()
	type candidate struct {
		point baduk.Point
		prior float64
	}
	var list []candidate
	sum := 0.0
	for i, v := range p {
		point := baduk.Point(i)
		if allowed != nil && !allowed(point) || !b.Sensible(c, point) {
			continue
		}
		q := math.Pow(float64(v), flatten)
		list = append(list, candidate{point, q})
		sum += q
	}
	if sum == 0 {
		sum = 1
	}
	// The policy knows no pass. It gets the share that it would have among equals: little while there are many moves, and
	// all when none is left.
	pass := 1 / float64(len(list)+1)
	for i := range list {
		list[i].prior *= (1 - pass) / sum
	}
	if allowed == nil || allowed(baduk.Pass) || len(list) == 0 {
		list = append(list, candidate{baduk.Pass, pass})
	}
	slices.SortStableFunc(list, func(x, y candidate) int { return cmp.Compare(y.prior, x.prior) })
	n.moves, n.priors = make([]int16, len(list)), make([]float32, len(list))
	for i, m := range list {
		n.moves[i], n.priors[i] = int16(m.point), float32(m.prior)
	}
}

// order returns the numbers of the node's moves, the most visited first, of equals the one that is better for player
// c, then the more probable.
func (n *node) order(c baduk.Color) []int {
	list := make([]int, len(n.moves))
	for i := range list {
		list[i] = i
	}
	visits := func(i int) int32 {
		if i < len(n.children) {
			return n.children[i].visits
		}
		return 0
	}
	slices.SortStableFunc(list, func(x, y int) int {
		if d := cmp.Compare(visits(y), visits(x)); d != 0 || visits(x) == 0 {
			return d
		}
		return cmp.Compare(n.children[y].mean(c, 0), n.children[x].mean(c, 0))
	})
	return list
}

// bytes is the memory of the tree below the node.
func (n *node) bytes() (nodes, bytes int64) {
	nodes, bytes = 1, nodeBytes+2*int64(cap(n.moves))+4*int64(cap(n.priors))+8*int64(cap(n.children))
	for _, c := range n.children {
		k, b := c.bytes()
		nodes, bytes = nodes+k, bytes+b
	}
	return nodes, bytes
}
