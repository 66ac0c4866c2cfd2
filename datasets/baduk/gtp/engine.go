package gtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
	// Sizes are the boards that the player can play on, the first of them to begin with; none means all,
	// and 19 to begin with.
	Sizes []int
	Rules baduk.Rules
	Komi  float64 // to begin with
	// Commands are more commands than the protocol's, by name. What they return as an error is the text
	// of a failure. They replace the engine's own of the same name.
	Commands map[string]func(e *Engine, args []string) (string, error)
}

// An Engine is a game and the player who plays it. It is not safe for concurrent use.
type Engine struct {
	cfg   Config
	board *baduk.Board
	komi  float64
	clock Clock
	left  [3]timeLeft
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
	if cfg.Player == nil {
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
	e := &Engine{cfg: cfg, komi: cfg.Komi}
	if math.IsNaN(cfg.Komi) || math.IsInf(cfg.Komi, 0) {
		return nil, fmt.Errorf("engine: komi %v: should be a number", cfg.Komi)
	}
	for _, s := range cfg.Sizes {
		if _, err := baduk.NewBoard(s, cfg.Rules); err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
	}
	board, err := baduk.NewBoard(size, cfg.Rules)
	if err != nil {
		return nil, fmt.Errorf("engine: %w", err)
	}
	e.board = board
	return e, nil
}

// Board returns the position. It is the engine's: to be read, not played on.
func (e *Engine) Board() *baduk.Board { return e.board }

// Komi returns the points that white has for moving second.
func (e *Engine) Komi() float64 { return e.komi }

// Serve answers the commands that come from r until one is quit, the input ends or the context is done;
// the latter is seen when the next command comes. Each answer is written at once.
func (e *Engine) Serve(ctx context.Context, r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, maxLine)
	e.quit = false
	for !e.quit {
		line, err := in.ReadSlice('\n')
		if ctx.Err() != nil {
			return ctx.Err()
		}
		out := ""
		if errors.Is(err, bufio.ErrBufferFull) {
			c, _ := parse(string(line[:64]))
			out = answer(c.id, fmt.Sprintf("the line is longer than %d characters", maxLine), true)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
		} else {
			out = e.Do(string(line))
		}
		if _, werr := io.WriteString(w, out); werr != nil {
			return fmt.Errorf("writing an answer: %w", werr)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a command: %w", err)
		}
	}
	return nil
}

// Do carries out the command of a line and returns the whole answer, or nothing for a line without one.
func (e *Engine) Do(line string) string {
	c, ok := parse(line)
	if !ok {
		return ""
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
	return commands[name]
}

// names returns all commands, sorted.
func (e *Engine) names() []string {
	var all []string
	for name := range commands {
		all = append(all, name)
	}
	for name, f := range e.cfg.Commands {
		if f != nil && commands[name] == nil {
			all = append(all, name)
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

// choose asks the player for a move and sees to it that it is legal.
func (e *Engine) choose(c baduk.Color) (move baduk.Point, resign bool, err error) {
	pos := Position{Board: e.board.Clone(), Komi: e.komi, Clock: e.clock}
	pos.Board.SetToPlay(c)
	l := e.left[c]
	pos.Clock.Left, pos.Clock.LeftStones, pos.Clock.Known = l.time, l.stones, l.known
	move, resign, err = e.cfg.Player.Genmove(context.Background(), pos)
	if err != nil || resign {
		return move, resign, err
	}
	if err := e.board.Check(c, move); err != nil {
		return move, false, fmt.Errorf("the player would play %s: %w", move.Vertex(e.board.Size()), err)
	}
	return move, false, nil
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
