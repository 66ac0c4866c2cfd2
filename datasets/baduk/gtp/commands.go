package gtp

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// commands are the protocol's (section 6.3 of the specification, and the regression and debugging sets),
// with its words for failures where it has some. Arguments more than a command needs are ignored, as the
// specification's own engine does.
var commands map[string]func(e *Engine, args []string) (string, error)

func init() {
	commands = map[string]func(e *Engine, args []string) (string, error){
		"protocol_version": func(*Engine, []string) (string, error) { return "2", nil },
		"name":             func(e *Engine, _ []string) (string, error) { return e.cfg.Name, nil },
		"version":          func(e *Engine, _ []string) (string, error) { return e.cfg.Version, nil },
		"list_commands":    func(e *Engine, _ []string) (string, error) { return strings.Join(e.names(), "\n"), nil },
		"known_command":    known,
		"quit":             func(e *Engine, _ []string) (string, error) { e.quit = true; return "", nil },

		"boardsize":           boardsize,
		"clear_board":         func(e *Engine, _ []string) (string, error) { e.clear(); return "", nil },
		"komi":                komi,
		"fixed_handicap":      fixedHandicap,
		"place_free_handicap": placeFreeHandicap,
		"set_free_handicap":   setFreeHandicap,
		"play":                play,
		"genmove":             genmove,
		"reg_genmove":         regGenmove,
		"undo":                undo,
		"loadsgf":             loadsgf,
		"time_settings":       timeSettings,
		"time_left":           setTimeLeft,
		"final_score":         finalScore,
		"final_status_list":   finalStatusList,
		"showboard":           showboard,
	}
}

func known(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	return strconv.FormatBool(e.find(args[0]) != nil), nil
}

func (e *Engine) clear() {
	e.board.Clear()
	e.left = [3]timeLeft{}
}

func boardsize(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	size, err := strconv.Atoi(args[0])
	if err != nil {
		return "", errors.New("boardsize not an integer")
	}
	if !e.accepts(size) {
		return "", errors.New("unacceptable size")
	}
	if e.board, err = baduk.NewBoard(size, e.cfg.Rules); err != nil {
		return "", err
	}
	e.clear()
	return "", nil
}

func komi(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	k, err := strconv.ParseFloat(args[0], 64)
	if err != nil || math.IsNaN(k) || math.Abs(k) > 1e4 {
		return "", errors.New("komi not a float")
	}
	e.komi = k
	return "", nil
}

// empty says whether nothing has been played or put on the board.
func (e *Engine) empty() bool {
	return e.board.Hash() == 0 && e.board.Moves() == 0
}

// handicap puts black's stones on the board and gives white the turn.
func (e *Engine) handicap(points []baduk.Point) (string, error) {
	var stones []baduk.Stone
	var names []string
	for _, p := range points {
		stones = append(stones, baduk.Stone{Color: baduk.Black, Point: p})
		names = append(names, p.Vertex(e.board.Size()))
	}
	if err := e.board.Setup(stones...); err != nil {
		return "", err
	}
	e.board.SetToPlay(baduk.White)
	return strings.Join(names, " "), nil
}

func fixedHandicap(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	n, err := number(args[0])
	if err != nil {
		return "", err
	}
	points, err := baduk.HandicapPoints(n, e.board.Size())
	if err != nil {
		return "", errors.New("invalid number of stones")
	}
	if !e.empty() {
		return "", errors.New("board not empty")
	}
	return e.handicap(points)
}

// placeFreeHandicap puts the stones on the customary points: as many as there are, if more are asked for,
// which the specification allows.
func placeFreeHandicap(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	n, err := number(args[0])
	if err != nil {
		return "", err
	}
	if n >= e.board.Points() {
		return "", errors.New("invalid number of stones")
	}
	if !e.empty() {
		return "", errors.New("board not empty")
	}
	for n = min(n, 9); n >= 2; n-- {
		if points, err := baduk.HandicapPoints(n, e.board.Size()); err == nil {
			return e.handicap(points)
		}
	}
	return "", errors.New("invalid number of stones")
}

func setFreeHandicap(e *Engine, args []string) (string, error) {
	if !e.empty() {
		return "", errors.New("board not empty")
	}
	if len(args) < 2 || len(args) >= e.board.Points() {
		return "", errors.New("bad vertex list")
	}
	var points []baduk.Point
	seen := map[baduk.Point]bool{}
	for _, a := range args {
		p, err := baduk.ParseVertex(a, e.board.Size())
		if err != nil || p == baduk.Pass || seen[p] {
			return "", errors.New("bad vertex list")
		}
		seen[p] = true
		points = append(points, p)
	}
	if _, err := e.handicap(points); err != nil {
		return "", errors.New("bad vertex list")
	}
	return "", nil
}

func play(e *Engine, args []string) (string, error) {
	if len(args) < 2 {
		return "", errSyntax
	}
	c, err := parseColor(args[0])
	if err != nil {
		return "", err
	}
	p, err := baduk.ParseVertex(args[1], e.board.Size())
	if err != nil {
		return "", errors.New("invalid color or coordinate")
	}
	if e.board.Play(c, p) != nil {
		return "", errors.New("illegal move")
	}
	return "", nil
}

func genmove(e *Engine, args []string) (string, error) {
	c, text, move, err := generate(e, args)
	if err != nil || text == "resign" {
		return text, err
	}
	return text, e.board.Play(c, move)
}

func regGenmove(e *Engine, args []string) (string, error) {
	_, text, _, err := generate(e, args)
	return text, err
}

// generate asks the player for a move, and names it.
func generate(e *Engine, args []string) (c baduk.Color, text string, move baduk.Point, err error) {
	if len(args) < 1 {
		return c, "", move, errSyntax
	}
	if c, err = parseColor(args[0]); err != nil {
		return c, "", move, errors.New("invalid color")
	}
	move, resign, err := e.choose(c)
	switch {
	case err != nil:
		return c, "", move, err
	case resign:
		return c, "resign", move, nil
	}
	return c, move.Vertex(e.board.Size()), move, nil
}

func undo(e *Engine, _ []string) (string, error) {
	if !e.board.Undo() {
		return "", errors.New("cannot undo")
	}
	return "", nil
}

// loadsgf reads the first game of a file, up to the position before a move if one is told.
func loadsgf(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	before := math.MaxInt
	if len(args) > 1 {
		n, err := number(args[1])
		if err != nil {
			return "", err
		}
		before = n
	}
	for g, err := range baduk.Open(args[0]) {
		if err != nil {
			return "", fmt.Errorf("cannot load file: %w", err)
		}
		if !e.accepts(g.Size) {
			return "", fmt.Errorf("cannot load file: the board is %d×%d", g.Size, g.Size)
		}
		g.Rules = e.cfg.Rules
		if g.Rest != nil && before-1 > len(g.Moves) {
			return "", fmt.Errorf("cannot load file: %w; loadsgf %s %d reads what comes before", g.Rest, args[0], len(g.Moves)+1)
		}
		g.Moves = g.Moves[:min(len(g.Moves), max(before-1, 0))]
		b, err := g.Final()
		if err != nil {
			return "", fmt.Errorf("cannot load file: %w", err)
		}
		e.clear()
		e.board, e.komi = b, g.Komi
		return b.ToPlay().String(), nil
	}
	return "", errors.New("cannot load file")
}

func timeSettings(e *Engine, args []string) (string, error) {
	if len(args) < 3 {
		return "", errSyntax
	}
	var n [3]int
	for i := range n {
		var err error
		if n[i], err = number(args[i]); err != nil {
			return "", err
		}
	}
	e.clock = Clock{Main: time.Duration(n[0]) * time.Second, Byo: time.Duration(n[1]) * time.Second, Stones: n[2]}
	e.left = [3]timeLeft{}
	return "", nil
}

func setTimeLeft(e *Engine, args []string) (string, error) {
	if len(args) < 3 {
		return "", errSyntax
	}
	c, err := parseColor(args[0])
	if err != nil {
		return "", errSyntax
	}
	seconds, err := number(args[1])
	if err != nil {
		return "", err
	}
	stones, err := number(args[2])
	if err != nil {
		return "", err
	}
	e.left[c] = timeLeft{time.Duration(seconds) * time.Second, stones, true}
	return "", nil
}

// finalScore counts the area, stones that random games find dead taken off: a good judge of games
// that were played to their end, and a poor one of others.
func finalScore(e *Engine, _ []string) (string, error) {
	black, white := e.board.Area(e.board.Dead(playouts, 0)...)
	return baduk.Score(float64(black) - float64(white) - e.komi).Text, nil
}

// finalStatusList lists groups, one a line. No group is known to be in a seki: they are alive.
func finalStatusList(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	if args[0] != "alive" && args[0] != "dead" && args[0] != "seki" {
		return "", errors.New("invalid status")
	}
	dead := map[baduk.Point]bool{}
	for _, p := range e.board.Dead(playouts, 0) {
		dead[p] = true
	}
	if args[0] == "seki" {
		return "", nil
	}
	var lines []string
	for _, group := range e.board.Groups() {
		if dead[group[0]] != (args[0] == "dead") {
			continue
		}
		var names []string
		for _, p := range group {
			names = append(names, p.Vertex(e.board.Size()))
		}
		lines = append(lines, strings.Join(names, " "))
	}
	return strings.Join(lines, "\n"), nil
}

func showboard(e *Engine, _ []string) (string, error) {
	b := e.board
	return fmt.Sprintf("\n%v%v to play; captured: %d black (X), %d white (O); komi %v", b, b.ToPlay(), b.Captured(baduk.Black), b.Captured(baduk.White), e.komi), nil
}
