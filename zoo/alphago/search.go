package alphago

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
	"unsafe"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
)

// SearchConfig says how a [Search] looks for moves. The zero value of a number is the usual one.
type SearchConfig struct {
	Policy *Policy
	// Value judges the leaves. Without it random games do, which judge badly before the end of the game is near.
	Value *Value
	// Lambda mixes the judgements of a leaf (the paper's λ): 0 is the value network's alone, 1 that of random
	// games alone. Without a value network it is 1.
	Lambda float64
	// Rollouts is the number of random games for a leaf, 16 if 0. They have no patterns: with a value network they
	// are of use where it is weak.
	Rollouts int
	// Exploration is the paper's c_puct, 5 there, for values from -1 to 1; 1.5 if 0.
	Exploration float64
	// Urgency is how much worse a move is taken to be than its position, before it is visited, when all others
	// were; 0.3 if 0, below 0 for none.
	Urgency float64
	// Flatten is the power to which the policy's probabilities are taken (the paper's softmax temperature β, 0.67
	// there); 0.8 if 0.
	Flatten float64
	// Threshold is how often a position is visited before the policy is asked about it (the paper's n_thr): 1 if 0,
	// so that the second visit goes to a move.
	Threshold int
	// VirtualLoss is how many losses a search counts as while it waits for the networks (the paper's n_vl, 3
	// there); 1 if 0.
	VirtualLoss float64
	// Batch is how many leaves are judged in one run of the machine, 8 if 0. Other batches find other trees.
	Batch int
	// Seed chooses the symmetry in which a position is shown to a network, and the random games.
	Seed uint64
}

// complete fills in what is not said.
func (c SearchConfig) complete() (SearchConfig, error) {
	def := func(p *float64, v float64) {
		if *p == 0 {
			*p = v
		}
	}
	count := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&c.Exploration, 1.5)
	def(&c.Urgency, 0.3)
	def(&c.Flatten, 0.8)
	def(&c.VirtualLoss, 1)
	count(&c.Rollouts, 16)
	count(&c.Threshold, 1)
	count(&c.Batch, 8)
	c.Urgency = max(c.Urgency, 0)
	if c.Value == nil {
		c.Lambda = 1
	}
	switch {
	case c.Policy == nil:
		return c, errors.New("search: there is no policy")
	case c.Value != nil && c.Value.Size() != c.Policy.Size():
		return c, fmt.Errorf("search: a value network of %d×%[1]d for a policy of %d×%[2]d", c.Value.Size(), c.Policy.Size())
	case !(c.Lambda >= 0 && c.Lambda <= 1):
		return c, fmt.Errorf("search: lambda %v: should be from 0, the value network, to 1, random games", c.Lambda)
	case !(c.Exploration > 0) || !(c.Flatten > 0) || !(c.VirtualLoss > 0) || math.IsInf(c.Exploration+c.Flatten+c.VirtualLoss+c.Urgency, 0) || math.IsNaN(c.Urgency):
		return c, errors.New("search: exploration, flattening and virtual loss should be numbers above 0")
	case c.Rollouts < 0 || c.Threshold < 0 || c.Batch < 0 || c.Batch > 1024 || c.Rollouts > 10000:
		return c, errors.New("search: rollouts, threshold and batch should be at least 1, and a batch at most 1024")
	}
	return c, nil
}

// A Search looks ahead from a position: asynchronous policy and value Monte Carlo tree search (Silver et al. 2016,
// methods, "Search algorithm"). Its paths through the tree are those of one thread; while a batch of leaves
// waits for the networks, which use all threads of their pools, virtual losses send the next paths elsewhere. So a
// search is a function of its settings, the position and the visits, whatever the number of threads.
//
// A Search is for one goroutine at a time.
type Search struct {
	cfg  SearchConfig
	root *node
	at   *baduk.Board // the root's position
	komi float64
	// whole counts every stone that is on the board at the end as alive.
	whole bool
	rules []Restriction

	leaves []*leaf
	views  []view
	asked  []*leaf
	random randomGames
}

// A Restriction keeps a player from moves, in the first Depth moves of the search; 0 means always.
type Restriction struct {
	Color  baduk.Color
	Points []baduk.Point
	Only   bool // from all moves but these
	Depth  int
}

// A leaf is a position at the end of a path through the tree.
type leaf struct {
	path   []*node // from the root to the leaf
	board  *baduk.Board
	expand bool // the policy is wanted, else the value
}

const (
	nodeBytes = int64(unsafe.Sizeof(node{}))
	maxPath   = 400 // moves: without superko, games may have no end
)

// NewSearch returns a search without a position.
func NewSearch(cfg SearchConfig) (*Search, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	return &Search{cfg: cfg, random: randomGames{games: cfg.Rollouts, seed: cfg.Seed}}, nil
}

// Clear forgets the tree.
func (s *Search) Clear() { s.root, s.at = nil, nil }

// Goal says what a search is about.
type Goal struct {
	Komi float64
	// Whole counts every stone on the board as alive when both have passed, as Tromp and Taylor's rules do; else those
	// that random games find dead are taken off.
	Whole    bool
	Restrict []Restriction
}

// Set goes to a position. Of the tree what belongs to it is kept: all if it is the same position, and what is below
// the moves if it comes at most two moves later. It copies the board.
func (s *Search) Set(b *baduk.Board, g Goal) error {
	switch {
	case s == nil || s.cfg.Policy == nil:
		return errors.New("search: it is made by NewSearch")
	case b.Size() == 0:
		return fmt.Errorf("search: %w", errNoBoard)
	case b.Size() != s.cfg.Policy.size:
		return fmt.Errorf("search: a board of %d×%[1]d for a policy of %d×%[2]d", b.Size(), s.cfg.Policy.size)
	}
	kept := s.kept(b)
	if s.komi != g.Komi || s.whole != g.Whole || len(s.rules) > 0 || len(g.Restrict) > 0 {
		kept = nil
	}
	if kept == nil {
		kept = &node{}
	}
	s.root, s.at, s.komi, s.whole, s.rules = kept, b.Clone(), g.Komi, g.Whole, g.Restrict
	return nil
}

// same says whether two boards are the same position as far as a search can tell.
func same(x, y *baduk.Board) bool {
	return x.Hash() == y.Hash() && x.ToPlay() == y.ToPlay() && x.Moves() == y.Moves() && x.Last() == y.Last() && x.Ko() == y.Ko() && x.Rules() == y.Rules() && x.Passes() == y.Passes()
}

// kept returns the node of a position, or nil.
func (s *Search) kept(b *baduk.Board) *node {
	if s.root == nil {
		return nil
	}
	switch b.Moves() - s.at.Moves() {
	case 0:
		if same(b, s.at) {
			return s.root
		}
	case 1:
		if n := s.root.after(b.Last()); n != nil && s.leads(b, b.Last()) {
			return n
		}
	case 2:
		for i, n := range s.root.children {
			if m := n.after(b.Last()); m != nil && s.leads(b, baduk.Point(s.root.moves[i]), b.Last()) {
				return m
			}
		}
	}
	return nil
}

// after returns the node of a move, or nil.
func (n *node) after(p baduk.Point) *node {
	for i, c := range n.children {
		if baduk.Point(n.moves[i]) == p {
			return c
		}
	}
	return nil
}

// leads says whether moves lead from the root's position to another.
func (s *Search) leads(to *baduk.Board, moves ...baduk.Point) bool {
	b := s.at.Clone()
	for _, p := range moves {
		if b.Play(b.ToPlay(), p) != nil {
			return false
		}
	}
	return same(b, to)
}

// Limits end a search: whichever comes first. With none it goes on until its context ends.
type Limits struct {
	Visits int           // of the root, those of a tree that was kept included
	Time   time.Duration // is looked at after each batch
	// Settle ends it as soon as no other move can become the most visited one by the visits that are left.
	Settle bool
}

// Run searches. Told, if not nil, is called after every batch, and may look at the search. When the context ends, its
// error is returned, and the tree is kept.
func (s *Search) Run(ctx context.Context, l Limits, told func()) error {
	if s.root == nil {
		return errors.New("search: there is no position")
	}
	began := time.Now()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.root.moves != nil { // else there is no move to choose
			if l.Visits > 0 && (int(s.root.visits) >= l.Visits || l.Settle && s.decided(l.Visits-int(s.root.visits))) {
				return nil
			}
			if l.Time > 0 && time.Since(began) >= l.Time {
				return nil
			}
		}
		most := s.cfg.Batch
		if l.Visits > 0 {
			most = max(min(most, l.Visits-int(s.root.visits)), 1)
		}
		if err := s.step(most); err != nil {
			return err
		}
		if told != nil {
			told()
		}
		if s.root.over {
			return nil
		}
	}
}

// decided says whether the most visited move stays so, whatever so many more visits go to.
func (s *Search) decided(left int) bool {
	var first, second int32
	for _, c := range s.root.children {
		switch {
		case c.visits > first:
			first, second = c.visits, first
		case c.visits > second:
			second = c.visits
		}
	}
	return len(s.root.moves) == 1 && s.root.visits > 0 || first > 0 && int(first-second) > left
}

// step judges a batch of at most so many leaves, and expands what has been visited often enough on the way to them.
func (s *Search) step(most int) error {
	waiting, expanding := 0, 0
	s.leaves = s.leaves[:0]
	for collisions := 0; waiting < most && expanding < s.cfg.Batch && collisions < s.cfg.Batch; {
		l := s.next()
		last := s.descend(l)
		switch {
		case last.waits:
			s.leaves = s.leaves[:len(s.leaves)-1]
			l.virtual(-1)
			collisions++
		case last.known && (last.over || len(l.path) > maxPath || last != s.root && int(last.visits) < s.cfg.Threshold):
			// The same judgement counts once more, as more rollouts from a leaf do in the paper.
			s.leaves = s.leaves[:len(s.leaves)-1]
			l.virtual(-1)
			l.backup(last.value)
			waiting++
		case last.known: // visited often enough for its moves to be looked at
			l.expand, last.waits = true, true
			expanding++
		default:
			l.expand, last.waits = false, true
			waiting++
		}
	}
	err := s.judge()
	if e := s.expand(); err == nil {
		err = e
	}
	for _, l := range s.leaves {
		last := l.path[len(l.path)-1]
		last.waits = false
		l.virtual(-1)
		if !l.expand && last.known {
			l.backup(last.value)
		}
	}
	return err
}

// next returns the memory of another leaf.
func (s *Search) next() *leaf {
	n := len(s.leaves)
	if n < cap(s.leaves) {
		s.leaves = s.leaves[:n+1]
		if s.leaves[n] != nil {
			return s.leaves[n]
		}
		s.leaves = s.leaves[:n]
	}
	s.leaves = append(s.leaves, &leaf{board: s.at.Clone()})
	return s.leaves[n]
}

// descend goes down from the root to a node that has no moves yet, or is not known, and returns it.
func (s *Search) descend(l *leaf) *node {
	l.board.CopyFrom(s.at)
	n := s.root
	l.path = append(l.path[:0], n)
	for n.known && !n.waits && !n.over && len(l.path) <= maxPath {
		if n.moves == nil {
			break
		}
		i := n.choose(l.board.ToPlay(), &s.cfg)
		// The rules were asked when the moves were listed.
		if err := l.board.Play(l.board.ToPlay(), baduk.Point(n.moves[i])); err != nil {
			break
		}
		n = n.child(i)
		l.path = append(l.path, n)
		if l.board.Passes() >= 2 {
			n.over = true
		}
	}
	l.virtual(1)
	return n
}

// virtual adds searches on their way to the nodes of the path.
func (l *leaf) virtual(n int32) {
	for _, node := range l.path {
		node.virtual += n
	}
}

// backup adds a judgement to the nodes of the path.
func (l *leaf) backup(v float32) {
	for _, n := range l.path {
		n.sum += float64(v)
		n.visits++
	}
}

// judge asks the networks and the random games about the leaves whose value is wanted.
func (s *Search) judge() error {
	s.asked, s.views = s.asked[:0], s.views[:0]
	for _, l := range s.leaves {
		last := l.path[len(l.path)-1]
		switch {
		case l.expand:
		case last.over:
			last.value, last.known = s.count(l.board), true
		default:
			s.asked = append(s.asked, l)
			s.views = append(s.views, view{l.board, s.symmetry(l.board, 1)})
		}
	}
	if len(s.asked) == 0 {
		return nil
	}
	if s.cfg.Lambda > 0 {
		s.random.run(s.cfg.Policy.pool, s.asked, s.komi)
	}
	set := func(i int, v float64) {
		last := s.asked[i].path[len(s.asked[i].path)-1]
		last.value, last.known = float32(v), true
	}
	if s.cfg.Value == nil || s.cfg.Lambda == 1 {
		for i := range s.asked {
			set(i, s.random.values[i])
		}
		return nil
	}
	return s.cfg.Value.see(s.views, func(i int, out []float32) error {
		v := sign(s.asked[i].board.ToPlay()) * float64(out[0])
		if s.cfg.Lambda > 0 {
			v = (1-s.cfg.Lambda)*v + s.cfg.Lambda*s.random.values[i]
		}
		set(i, v)
		return nil
	})
}

// count is who wins when both have passed, in black's eyes.
func (s *Search) count(b *baduk.Board) float32 {
	var winner baduk.Color
	if s.whole {
		black, white := b.Area()
		winner = baduk.Score(float64(black-white) - s.komi).Winner
	} else {
		winner = Count(b, s.komi).Winner
	}
	switch winner {
	case baduk.Black:
		return 1
	case baduk.White:
		return -1
	}
	return 0
}

// expand asks the policy about the leaves whose moves are wanted.
func (s *Search) expand() error {
	s.asked, s.views = s.asked[:0], s.views[:0]
	for _, l := range s.leaves {
		if l.expand {
			s.asked = append(s.asked, l)
			s.views = append(s.views, view{l.board, s.symmetry(l.board, 0)})
		}
	}
	return s.cfg.Policy.probabilities(s.views, func(i int, p []float32) error {
		l := s.asked[i]
		l.path[len(l.path)-1].expand(l.board, p, s.cfg.Flatten, s.allowed(l))
		return nil
	})
}

// allowed says which moves a leaf may have, nil for all.
func (s *Search) allowed(l *leaf) func(baduk.Point) bool {
	depth, c := len(l.path)-1, l.board.ToPlay()
	var rules []Restriction
	for _, r := range s.rules {
		if r.Color == c && (r.Depth == 0 || depth < r.Depth) {
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	return func(p baduk.Point) bool {
		for _, r := range rules {
			if slices.Contains(r.Points, p) != r.Only {
				return false
			}
		}
		return true
	}
}

// symmetry is the one in which a network is shown a position: always the same for the same position.
func (s *Search) symmetry(b *baduk.Board, network uint64) baduk.Symmetry {
	h := (b.Hash() ^ s.cfg.Seed ^ uint64(b.Moves())<<32 ^ network<<20 ^ uint64(b.ToPlay())) * 0x9e3779b97f4a7c15
	return baduk.Symmetry((h ^ h>>32) * 0xbf58476d1ce4e5b9 >> 61)
}

// randomGames judge leaves on a pool's threads.
type randomGames struct {
	games    int
	seed     uint64
	komi     float64
	playouts []baduk.Playouts // of each thread
	leaves   []*leaf
	values   []float64 // in black's eyes
}

func (r *randomGames) run(pool *kernel.Pool, leaves []*leaf, komi float64) {
	if len(r.playouts) < pool.Threads() {
		r.playouts = make([]baduk.Playouts, pool.Threads())
	}
	r.leaves, r.komi = leaves, komi
	r.values = append(r.values[:0], make([]float64, len(leaves))...)
	pool.Run(len(leaves), r)
}

// Task judges a leaf. A few games say more by how much they were won than by how many were: were the leads normally
// distributed, the probability to win would be that of the mean's distance from 0.
func (r *randomGames) Task(i, worker int) {
	p := &r.playouts[worker]
	p.Play(r.leaves[i].board, r.games, r.seed)
	mean, square := 0.0, 0.0
	for _, lead := range p.Leads {
		d := float64(lead) - r.komi
		mean += d
		square += d * d
	}
	n := float64(len(p.Leads))
	mean /= n
	deviation := math.Sqrt(max(square/n-mean*mean, 1))
	r.values[i] = math.Erf(mean / deviation / math.Sqrt2)
}

// A Candidate is a move that a search has looked at, as the player to move sees it.
type Candidate struct {
	Point   baduk.Point
	Visits  int
	Winrate float64       // from 0 to 1
	Prior   float64       // from 0 to 1
	Bound   float64       // lower confidence bound of the win rate: one of 40 is below it, were the visits independent
	Line    []baduk.Point // the principal variation, from the move on
}

// Visits returns the evaluations below the root.
func (s *Search) Visits() int {
	if s.root == nil {
		return 0
	}
	return int(s.root.visits)
}

// Winrate returns how probable it is that the player to move wins, from 0 to 1; 1/2 before the first visit.
func (s *Search) Winrate() float64 {
	if s.Visits() == 0 {
		return 0.5
	}
	return winrate(s.root.sum / float64(s.root.visits) * sign(s.at.ToPlay()))
}

func winrate(value float64) float64 { return (value + 1) / 2 }

// Candidates returns the moves of the root, best first: the most visited, as it is what the search trusts most
// (the paper's choice), then by their priors.
func (s *Search) Candidates() []Candidate {
	if s.root == nil {
		return nil
	}
	c := s.at.ToPlay()
	list := make([]Candidate, 0, len(s.root.moves))
	for _, i := range s.root.order(c) {
		m := Candidate{Point: baduk.Point(s.root.moves[i]), Prior: float64(s.root.priors[i]), Winrate: s.Winrate()}
		m.Line = []baduk.Point{m.Point}
		if i < len(s.root.children) && s.root.children[i].visits > 0 {
			n := s.root.children[i]
			m.Visits, m.Winrate = int(n.visits), winrate(n.mean(c, 0))
			m.Bound = max(m.Winrate-1.96*math.Sqrt(max(m.Winrate*(1-m.Winrate), 1e-4)/float64(n.visits)), 0)
			m.Line = append(m.Line, n.line(c.Opponent())...)
		}
		list = append(list, m)
	}
	return list
}

// line is the principal variation below a node where c is to play.
func (n *node) line(c baduk.Color) []baduk.Point {
	var line []baduk.Point
	for len(n.children) > 0 && len(line) < maxPath {
		i := n.order(c)[0]
		if i >= len(n.children) || n.children[i].visits == 0 {
			break
		}
		line = append(line, baduk.Point(n.moves[i]))
		n, c = n.children[i], c.Opponent()
	}
	return line
}

// Memory returns the number of positions in the tree, and the bytes that it takes.
func (s *Search) Memory() (nodes, bytes int64) {
	if s.root == nil {
		return 0, 0
	}
	return s.root.bytes()
}
