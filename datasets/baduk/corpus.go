package baduk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sort"
)

// A Corpus keeps the games of one size of board in two bytes a move, and finds any of their positions. A
// position is the board before a move; passes are no targets, so that no position stands before one, and
// where a record says that its result belongs to a later part (see [Game.From]), the positions begin there.
// Reading a corpus is safe for concurrent use, adding to it is not.
type Corpus struct {
	size  int
	games []packed
	moves []uint16 // of all games: the point plus 1, 0 for a pass; white's have the highest bit
	setup map[int][]Setup
	all   int // positions
}

// A packed is a game in a corpus.
type packed struct {
	first     int // of its moves
	n         int
	skip      int // moves before its first position, see Game.From
	positions int // in the games before it
	id        int // names its set-up
	rules     Rules
	toPlay    Color
	winner    Color
}

const whiteMove = 1 << 15

// NewCorpus returns a corpus without games.
func NewCorpus(size int) (*Corpus, error) {
	if size < MinSize || size > MaxSize {
		return nil, fmt.Errorf("board size %d: should be from %d to %d", size, MinSize, MaxSize)
	}
	return &Corpus{size: size, setup: map[int][]Setup{}}, nil
}

// ReadCorpus reads the games of files, zips and folders, as [Open] does. Those that are damaged, or of
// another size, are left out and told to skipped, unless that is nil; of a game that is damaged later, the
// moves before it are taken, and a [*Shortened] is told. It is an error if no game is left.
func ReadCorpus(size int, skipped func(error), paths ...string) (*Corpus, error) {
	c, err := NewCorpus(size)
	if err != nil {
		return nil, err
	}
	var first error
	for g, err := range Open(paths...) {
		if err == nil {
			err = c.add(g)
			if err == nil && g.Rest != nil {
				if skipped != nil {
					skipped(&Shortened{g})
				}
				continue
			}
		}
		if err != nil {
			if first == nil {
				first = err
			}
			if skipped != nil {
				skipped(err)
			}
		}
	}
	if c.Games() == 0 {
		if first == nil {
			first = errors.New("no files are named")
		}
		return nil, fmt.Errorf("no game can be used: %w", first)
	}
	return c, nil
}

// A Shortened error tells of a game of which a corpus has only the moves before what is damaged.
type Shortened struct{ Game *Game }

func (e *Shortened) Error() string {
	return fmt.Sprintf("%v: %v: the %d moves before it are kept", e.Game, e.Game.Rest, len(e.Game.Moves))
}

// Unwrap returns what is damaged.
func (e *Shortened) Unwrap() error { return e.Game.Rest }

// Add adds a game, if it has the corpus's size and can be played through.
func (c *Corpus) Add(g *Game) error {
	if err := g.Check(); err != nil {
		return fmt.Errorf("%v: %w", g, err)
	}
	return c.add(g)
}

// add adds a game that was checked.
func (c *Corpus) add(g *Game) error {
	if g.Size != c.size {
		return fmt.Errorf("%v: the board is %d×%d: should be %d×%d", g, g.Size, g.Size, c.size, c.size)
	}
	e := packed{first: len(c.moves), n: len(g.Moves), skip: g.From, positions: c.all, id: len(c.moves), rules: g.Rules, toPlay: g.First, winner: g.Result.Winner}
	if len(g.Setup) > 0 {
		if len(g.Moves) == 0 {
			return nil // it has no positions, and no place of its own to keep the set-up at
		}
		c.setup[e.id] = g.Setup
	}
	for i, m := range g.Moves {
		code := uint16(m.Point + 1)
		if m.Point != Pass && i >= g.From {
			c.all++
		}
		if m.Color == White {
			code |= whiteMove
		}
		c.moves = append(c.moves, code)
	}
	c.games = append(c.games, e)
	return nil
}

// Size returns the size of the games' board: 0 if the corpus is nil.
func (c *Corpus) Size() int {
	if c == nil {
		return 0
	}
	return c.size
}

// Games returns the number of games: 0 if the corpus is nil.
func (c *Corpus) Games() int {
	if c == nil {
		return 0
	}
	return len(c.games)
}

// Len returns the number of positions: 0 if the corpus is nil.
func (c *Corpus) Len() int {
	if c == nil {
		return 0
	}
	return c.all
}

// Memory returns the bytes that the games take.
func (c *Corpus) Memory() int64 { return 2*int64(len(c.moves)) + 48*int64(len(c.games)) }

// Split returns the corpus's first games and its last, which are so many. They share its memory; nothing
// may be added to them. Positions of one game are never in both.
func (c *Corpus) Split(last int) (first, rest *Corpus, err error) {
	if last < 0 || last > len(c.games) {
		return nil, nil, fmt.Errorf("holding out %d games: there are %d", last, len(c.games))
	}
	at := len(c.games) - last
	return c.pick(c.games[:at]), c.pick(c.games[at:]), nil
}

// Decided returns the games whose winner is known, as the value network needs them. It shares the
// corpus's memory; nothing may be added to it.
func (c *Corpus) Decided() *Corpus {
	var some []packed
	for _, g := range c.games {
		if g.winner != Empty {
			some = append(some, g)
		}
	}
	return c.pick(some)
}

// pick returns a corpus of some of the games.
func (c *Corpus) pick(games []packed) *Corpus {
	p := &Corpus{size: c.size, moves: c.moves[:len(c.moves):len(c.moves)], setup: c.setup}
	p.games = append(p.games, games...)
	for i := range p.games {
		g := &p.games[i]
		g.positions = p.all
		for _, code := range c.moves[g.first+g.skip : g.first+g.n] {
			if code&^whiteMove != 0 {
				p.all++
			}
		}
	}
	return p
}

// Game returns a game, from 0 to Games()-1, without what a corpus does not keep: names, komi, the result but for its
// winner. It is nil if there is no such game.
func (c *Corpus) Game(i int) *Game {
	if i < 0 || i >= len(c.games) {
		return nil
	}
	p := c.games[i]
	g := &Game{Number: i + 1, Size: c.size, Rules: p.rules, Result: Result{Winner: p.winner}, Setup: c.setup[p.id], First: p.toPlay, From: p.skip}
	for _, code := range c.moves[p.first : p.first+p.n] {
		g.Moves = append(g.Moves, unpack(code))
	}
	return g
}

// Position makes b, a board of the corpus's size, position i, from 0 to Len()-1, and returns the move that
// was played in it, and the game's number and winner, Empty if unknown. The board's player to move is the
// move's.
func (c *Corpus) Position(i int, b *Board) (m Move, game int, winner Color, err error) {
	switch {
	case i < 0 || i >= c.all:
		return Move{}, 0, Empty, fmt.Errorf("position %d: should be from 0 to %d", i, c.all-1)
	case b.size != c.size:
		return Move{}, 0, Empty, fmt.Errorf("a board of %d×%d for games of %d×%d", b.size, b.size, c.size, c.size)
	}
	game = c.game(i)
	g := &c.games[game]
	i -= g.positions
	b.Clear()
	b.rules = g.rules
	b.SetToPlay(g.toPlay)
	setup := c.setup[g.id]
	for n, code := range c.moves[g.first : g.first+g.n] {
		if len(setup) > 0 {
			if err := (&Game{Setup: setup}).setUp(b, n); err != nil {
				return Move{}, 0, Empty, err
			}
		}
		m = unpack(code)
		if m.Point != Pass && n >= g.skip {
			if i == 0 {
				break
			}
			i--
		}
		b.play(m.Color, m.Point)
	}
	b.SetToPlay(m.Color)
	return m, game, g.winner, nil
}

// Move returns the move that was played in position i, from 0 to Len()-1, and how many moves, passes
// included, the game had before it. It plays nothing, and so is much faster than Position.
func (c *Corpus) Move(i int) (m Move, played int, err error) {
	if i < 0 || i >= c.all {
		return Move{}, 0, fmt.Errorf("position %d: should be from 0 to %d", i, c.all-1)
	}
	g := &c.games[c.game(i)]
	i -= g.positions
	for n, code := range c.moves[g.first : g.first+g.n] {
		if code&^whiteMove == 0 || n < g.skip {
			continue
		}
		if i == 0 {
			return unpack(code), n, nil
		}
		i--
	}
	return Move{}, 0, fmt.Errorf("game at move %d: a position is missing", g.first) // add counts them
}

// Positions returns the positions of a game, from 0 to Games()-1: those from from to before to.
func (c *Corpus) Positions(game int) (from, to int) {
	if game < 0 || game >= len(c.games) {
		return 0, 0
	}
	if to = c.all; game+1 < len(c.games) {
		to = c.games[game+1].positions
	}
	return c.games[game].positions, to
}

// Outcome returns how the game of position i ended for the player to move in it: 1 if that player won, -1 if
// it lost, 0 if nobody did or it is not known, or there is no such position. It plays nothing.
func (c *Corpus) Outcome(i int) int {
	m, _, err := c.Move(i)
	if err != nil {
		return 0
	}
	switch c.games[c.game(i)].winner {
	case Empty:
		return 0
	case m.Color:
		return 1
	}
	return -1
}

// game returns the number of the game of position i.
func (c *Corpus) game(i int) int {
	return sort.Search(len(c.games), func(k int) bool { return c.games[k].positions > i }) - 1
}

// unpack reads the two bytes of a move.
func unpack(code uint16) Move {
	m := Move{Black, Point(code&^whiteMove) - 1}
	if code&whiteMove != 0 {
		m.Color = White
	}
	return m
}

// Checksum is the SHA-256 of the games as they are played, in their order, whatever files they came
// from: "sha256:" and hexadecimal digits.
func (c *Corpus) Checksum() string {
	h := sha256.New()
	var buf []byte
	number := func(v int) { buf = binary.LittleEndian.AppendUint32(buf, uint32(v)) }
	number(c.size)
	number(len(c.games))
	for _, g := range c.games {
		number(g.n)
		buf = append(buf, byte(g.toPlay), byte(g.winner))
		if g.rules.Suicide {
			buf = append(buf, 1)
		}
		if g.skip > 0 {
			buf = append(buf, 2)
			number(g.skip)
		}
		for _, s := range c.setup[g.id] {
			number(s.After)
			number(int(s.Point))
			buf = append(buf, byte(s.Color))
		}
		for _, code := range c.moves[g.first : g.first+g.n] {
			buf = binary.LittleEndian.AppendUint16(buf, code)
		}
		h.Write(buf)
		buf = buf[:0]
	}
	h.Write(buf)
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
