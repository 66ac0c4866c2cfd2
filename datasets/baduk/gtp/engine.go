package gtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Config says what an engine is.
type Config struct {
	Name, Version string
	Player        Player
	// PlayerFor gives the player for boards of a size, whenever the size becomes another, in place of Player. Its error is
	// the command's.
	PlayerFor func(size int) (Player, error)
	// Sizes are the boards that the player can play on, the first of them to begin with; none means all,
	// and 19 to begin with.
	Sizes []int
	Rules Rules   // to begin with
	Komi  float64 // to begin with
	// Commands are more commands than the protocol's, by name. What they return as an error is the text
	// of a failure. They replace the engine's own of the same name.
	Commands map[string]func(e *Engine, args []string) (string, error)
}

// An Engine is a game and the player who plays it. It is not safe for concurrent use.
type Engine struct {
	cfg   Config
	rules Rules
	board *baduk.Board
	game  baduk.Game // that led to the board
	komi  float64
	clock Clock
	left  [3]timeLeft
	spent [3]time.Duration // by the player, while no controller tells what is left
	ctx   context.Context  // of Serve
	quit  bool
}

type timeLeft struct {
	time   time.Duration
	stones int
	known  bool
}

// playouts is the number of random games that final_score judges dead stones by.
const playouts = 400

// maxLine bounds a line of input: no command needs as much.
const maxLine = 1 << 16

// New returns an engine with an empty board.
func New(cfg Config) (*Engine, error) {
	if cfg.Player == nil && cfg.PlayerFor == nil {
		return nil, errors.New("engine: there is no player")
	}
	for name := range cfg.Commands {
		if c, ok := parse(name); !ok || c.id != "" || c.name != name || len(c.args) > 0 {
			return nil, fmt.Errorf("engine: command %q: should be a word that is no number", name)
		}
	}
	size := 19
	if len(cfg.Sizes) > 0 {
		size = cfg.Sizes[0]
	}
	e := &Engine{cfg: cfg, rules: cfg.Rules, komi: cfg.Komi, ctx: context.Background()}
	if math.IsNaN(cfg.Komi) || math.IsInf(cfg.Komi, 0) {
		return nil, fmt.Errorf("engine: komi %v: should be a number", cfg.Komi)
	}
	for _, s := range cfg.Sizes {
		if _, err := baduk.NewBoard(s, cfg.Rules.Rules); err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
	}
	if err := e.resize(size); err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	return e, nil
}

// Board returns the position. It is the engine's: to be read, not played on.
func (e *Engine) Board() *baduk.Board { return e.board }

// Komi returns the points that white has for moving second.
func (e *Engine) Komi() float64 { return e.komi }

// An input is a line of it.
type input struct {
	text string
	long bool // and cut off
	err  error
}

// lines reads the input line by line, each when it is wanted.
func lines(r io.Reader) <-chan input {
	out := make(chan input)
	go func() {
		in := bufio.NewReaderSize(r, maxLine)
		for {
			line, err := in.ReadSlice('\n')
			i := input{text: string(line), err: err}
			if errors.Is(err, bufio.ErrBufferFull) {
				i = input{text: i.text[:64], long: true}
				for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull); {
					_, err = in.ReadSlice('\n')
				}
				i.err = err
			}
			out <- i
			if err != nil {
				return
			}
		}
	}()
	return out
}

// Serve answers the commands that come from r until one is quit, the input ends or the context is done. Each
// answer is written at once, and those of analyses line by line while the player thinks. After the context's
// end r is still read until one more line has come.
func (e *Engine) Serve(ctx context.Context, r io.Reader, w io.Writer) error {
	if r == nil || w == nil {
		return errors.New("there is nothing to read commands from or to write answers to")
	}
	e.quit, e.ctx = false, ctx
	defer func() { e.ctx = context.Background() }()
	var broken error
	write := func(text string) {
		if broken == nil {
			if _, err := io.WriteString(w, text); err != nil {
				broken = fmt.Errorf("writing an answer: %w", err)
			}
		}
	}
	in := lines(r)
	for next := (*input)(nil); !e.quit; {
		if next == nil {
			select {
			case i := <-in:
				next = &i
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		now := *next
		next = nil
		c, ok := parse(now.text)
		switch s, streams := e.stream(c); {
		case now.long:
			write(answer(c.id, fmt.Sprintf("the line is longer than %d characters", maxLine), true))
		case ok && streams && now.err == nil:
			// The next line ends the analysis, and is carried out then. A move is waited for.
			var more chan struct{}
			done := make(chan struct{})
			if !s.play {
				more = make(chan struct{})
			}
			go func() {
				defer close(done)
				e.analyze(ctx, s, c, write, more)
			}()
			if more != nil {
				select {
				case i := <-in:
					next = &i
				case <-done:
				case <-ctx.Done():
				}
				close(more)
			}
			<-done
		default:
			write(e.Do(now.text))
		}
		switch {
		case broken != nil:
			return broken
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(now.err, io.EOF):
			return nil
		case now.err != nil:
			return fmt.Errorf("reading a command: %w", now.err)
		}
	}
	return nil
}

// stream returns what a command streams, if it does.
func (e *Engine) stream(c command) (stream, bool) {
	_, thinks := e.cfg.Player.(Analyst)
	s, ok := streams[c.name]
	return s, ok && thinks && e.cfg.Commands[c.name] == nil
}

// Do carries out the command of a line and returns the whole answer, or nothing for a line without one. An analysis
// ends with its first report.
func (e *Engine) Do(line string) string {
	c, ok := parse(line)
	if !ok {
		return ""
	}
	if s, ok := e.stream(c); ok {
		var out strings.Builder
		e.analyze(e.ctx, s, c, func(text string) { out.WriteString(text) }, nil)
		return out.String()
	}
	run := e.find(c.name)
	if run == nil {
		return answer(c.id, "unknown command", true)
	}
	text, err := run(e, c.args)
	if err != nil {
		return answer(c.id, err.Error(), true)
	}
	return answer(c.id, text, false)
}

// find returns what a command does, or nil.
func (e *Engine) find(name string) func(e *Engine, args []string) (string, error) {
	if f := e.cfg.Commands[name]; f != nil {
		return f
	}
	if f := thinking[name]; f != nil {
		if _, ok := e.cfg.Player.(Analyst); ok {
			return f
		}
	}
	return commands[name]
}

// knows says whether there is a command.
func (e *Engine) knows(name string) bool {
	_, ok := e.stream(command{name: name})
	return ok || e.find(name) != nil
}

// names returns all commands, sorted.
func (e *Engine) names() []string {
	var all []string
	for _, list := range []iter.Seq[string]{maps.Keys(commands), maps.Keys(thinking), maps.Keys(streams), maps.Keys(e.cfg.Commands)} {
		for name := range list {
			if e.knows(name) && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// accepts says whether the player can play on boards of a size.
func (e *Engine) accepts(size int) bool {
	if len(e.cfg.Sizes) > 0 {
		return slices.Contains(e.cfg.Sizes, size)
	}
	return size >= baduk.MinSize && size <= baduk.MaxSize
}

// position is what a player is asked about.
func (e *Engine) position(c baduk.Color) Position {
	pos := Position{Board: e.board.Clone(), Komi: e.komi, Clock: e.clock}
	pos.Board.SetToPlay(c)
	l := e.left[c]
	pos.Clock.Left, pos.Clock.LeftStones, pos.Clock.Known = l.time, l.stones, l.known
	if !l.known && (e.clock.Main > 0 || e.clock.Byo > 0) {
		pos.Clock.Main = max(e.clock.Main-e.spent[c], 0)
		if e.clock.Byo == 0 {
			pos.Clock.Left, pos.Clock.Known = pos.Clock.Main, true
		}
	}
	return pos
}

// ask asks the player for a move.
func (e *Engine) ask(c baduk.Color, cleanup bool) (move baduk.Point, resign bool, err error) {
	pos := e.position(c)
	pos.Cleanup = cleanup
	return e.choose(c, func() (baduk.Point, bool, error) { return e.cfg.Player.Genmove(e.ctx, pos) })
}

// choose takes the time of a player's choice, and sees to it that it is legal.
func (e *Engine) choose(c baduk.Color, choice func() (baduk.Point, bool, error)) (move baduk.Point, resign bool, err error) {
	began := time.Now()
	move, resign, err = choice()
	e.spent[c] += time.Since(began)
	if err != nil || resign {
		return move, resign, err
	}
	if err := e.board.Check(c, move); err != nil {
		return move, false, fmt.Errorf("the player would play %s: %w", move.Vertex(e.board.Size()), err)
	}
	return move, false, nil
}

// move plays a move and notes it.
func (e *Engine) move(c baduk.Color, p baduk.Point) error {
	if err := e.board.Play(c, p); err != nil {
		return err
	}
	if len(e.game.Moves) == 0 {
		e.game.First = c
	}
	e.game.Moves = append(e.game.Moves, baduk.Move{Color: c, Point: p})
	return nil
}

// resize begins a game on a board of a size.
func (e *Engine) resize(size int) error {
	b, err := baduk.NewBoard(size, e.rules.Rules)
	if err != nil {
		return err
	}
	if err := e.seat(size); err != nil {
		return err
	}
	e.board = b
	e.clear()
	return nil
}

// seat calls the player for boards of a size, if the present one is another's.
func (e *Engine) seat(size int) error {
	if e.cfg.PlayerFor == nil || e.board != nil && e.board.Size() == size {
		return nil
	}
	p, err := e.cfg.PlayerFor(size)
	if err != nil {
		return err
	}
	e.rest()
	e.cfg.Player = p
	return nil
}

// parseColor reads a player's name.
func parseColor(s string) (baduk.Color, error) {
	switch strings.ToLower(s) {
	case "b", "black":
		return baduk.Black, nil
	case "w", "white":
		return baduk.White, nil
	}
	return baduk.Empty, errors.New("invalid color or coordinate")
}

// number reads an integer from 0 on.
func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > 1<<30 {
		return 0, errSyntax
	}
	return n, nil
}

var errSyntax = errors.New("syntax error")
