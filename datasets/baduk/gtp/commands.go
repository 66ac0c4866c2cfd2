package gtp

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// commands are the protocol's (section 6.3 of the specification, and the regression and debugging sets),
// with its words for failures where it has some. Arguments more than a command needs are ignored, as the
// specification's own engine does.
var commands map[string]func(e *Engine, args []string) (string, error)

// thinking are those that only an [Analyst] can carry out.
var thinking map[string]func(e *Engine, args []string) (string, error)

func init() {
	commands = map[string]func(e *Engine, args []string) (string, error){
		"protocol_version": func(*Engine, []string) (string, error) { return "2", nil },
		"name":             func(e *Engine, _ []string) (string, error) { return e.cfg.Name, nil },
		"version":          func(e *Engine, _ []string) (string, error) { return e.cfg.Version, nil },
		"list_commands":    func(e *Engine, _ []string) (string, error) { return strings.Join(e.names(), "\n"), nil },
		"known_command":    known,
		"quit":             func(e *Engine, _ []string) (string, error) { e.rest(); e.quit = true; return "", nil },

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

		// GNU Go's.
		"last_move":    lastMove,
		"move_history": moveHistory,
		"printsgf":     printsgf,

		// KGS's (kgsGtp) and KataGo's.
		"kgs-genmove_cleanup": genmoveCleanup,
		"kgs-game_over":       func(e *Engine, _ []string) (string, error) { e.rest(); return "", nil },
		"kgs-rules":           setKGSRules,
		"kgs-time_settings":   kgsTimeSettings,
		"kata-get-rules":      func(e *Engine, _ []string) (string, error) { return e.rules.String(), nil },
		"kata-set-rules":      setRules,
		"kata-set-rule":       setRule,

		"gogui-analyze_commands": analyzeCommands,
		"zoo-ownership":          ownership,
	}
	thinking = map[string]func(e *Engine, args []string) (string, error){
		"zoo-policy": policyBoard, "zoo-search": searchGraphics, "zoo-winrate": winrateText,
	}
}

func known(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	return strconv.FormatBool(e.knows(args[0])), nil
}

// rest ends what a player does in its opponent's time.
func (e *Engine) rest() {
	if p, ok := e.cfg.Player.(interface{ Close() }); ok {
		p.Close()
	}
}

func (e *Engine) clear() {
	e.board.Clear()
	e.game = baduk.Game{Size: e.board.Size(), Rules: e.rules.Rules, First: baduk.Black}
	e.left, e.spent = [3]timeLeft{}, [3]time.Duration{}
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
	return "", e.resize(size)
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
	e.game.First, e.game.Handicap = baduk.White, len(stones)
	for _, s := range stones {
		e.game.Setup = append(e.game.Setup, baduk.Setup{Stone: s})
	}
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
	if e.move(c, p) != nil {
		return "", errors.New("illegal move")
	}
	return "", nil
}

func genmove(e *Engine, args []string) (string, error) {
	c, text, move, err := generate(e, args, false)
	if err != nil || text == "resign" {
		return text, err
	}
	return text, e.move(c, move)
}

// genmoveCleanup is genmove after the players have not agreed which stones are dead: it captures them.
func genmoveCleanup(e *Engine, args []string) (string, error) {
	c, text, move, err := generate(e, args, true)
	if err != nil || text == "resign" {
		return text, err
	}
	return text, e.move(c, move)
}

func regGenmove(e *Engine, args []string) (string, error) {
	_, text, _, err := generate(e, args, false)
	return text, err
}

// generate asks the player for a move, and names it.
func generate(e *Engine, args []string, cleanup bool) (c baduk.Color, text string, move baduk.Point, err error) {
	if len(args) < 1 {
		return c, "", move, errSyntax
	}
	if c, err = parseColor(args[0]); err != nil {
		return c, "", move, errors.New("invalid color")
	}
	move, resign, err := e.ask(c, cleanup)
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
	if n := len(e.game.Moves); n > 0 {
		e.game.Moves = e.game.Moves[:n-1]
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
		g.Rules = e.rules.Rules
		if g.Rest != nil && before-1 > len(g.Moves) {
			return "", fmt.Errorf("cannot load file: %w; loadsgf %s %d reads what comes before", g.Rest, args[0], len(g.Moves)+1)
		}
		g.Moves = g.Moves[:min(len(g.Moves), max(before-1, 0))]
		b, err := g.Final()
		if err != nil {
			return "", fmt.Errorf("cannot load file: %w", err)
		}
		if err := e.seat(g.Size); err != nil {
			return "", fmt.Errorf("cannot load file: %w", err)
		}
		e.board = b.Clone()
		e.clear()
		g.Setup = slices.DeleteFunc(g.Setup, func(s baduk.Setup) bool { return s.After > len(g.Moves) })
		e.board, e.komi, e.game = b, g.Komi, *g
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
	e.left, e.spent = [3]timeLeft{}, [3]time.Duration{}
	return "", nil
}

// kgsTimeSettings knows Japanese overtime too: none, absolute MAIN, canadian MAIN BYO STONES, byoyomi MAIN BYO PERIODS.
func kgsTimeSettings(e *Engine, args []string) (string, error) {
	if len(args) < 1 {
		return "", errSyntax
	}
	wants, ok := map[string]int{"none": 0, "absolute": 1, "canadian": 3, "byoyomi": 3}[args[0]]
	if !ok {
		return "", fmt.Errorf("unknown kind of time %s: should be none, absolute, canadian or byoyomi", args[0])
	}
	if len(args) < 1+wants {
		return "", errSyntax
	}
	var n [3]float64
	for i := range wants {
		v, err := strconv.ParseFloat(args[1+i], 64)
		if err != nil || !(v >= 0 && v < 1e8) || i == 2 && (v != math.Trunc(v) || v < 1) {
			return "", errSyntax
		}
		n[i] = v
	}
	seconds := func(v float64) time.Duration { return time.Duration(v * float64(time.Second)) }
	e.clock = Clock{Main: seconds(n[0]), Byo: seconds(n[1])}
	if args[0] == "byoyomi" {
		e.clock.Periods = int(n[2])
	} else {
		e.clock.Stones = int(n[2])
	}
	e.left, e.spent = [3]timeLeft{}, [3]time.Duration{}
	return "", nil
}

func lastMove(e *Engine, _ []string) (string, error) {
	n := len(e.game.Moves)
	if n == 0 {
		return "", errors.New("no previous move known")
	}
	m := e.game.Moves[n-1]
	return m.Color.String() + " " + m.Point.Vertex(e.board.Size()), nil
}

// moveHistory lists the moves, the last first.
func moveHistory(e *Engine, _ []string) (string, error) {
	var list []string
	for _, m := range slices.Backward(e.game.Moves) {
		list = append(list, m.Color.String()+" "+m.Point.Vertex(e.board.Size()))
	}
	return strings.Join(list, "\n"), nil
}

// printsgf answers with the game's record, or writes it to a file.
func printsgf(e *Engine, args []string) (string, error) {
	g := e.game
	g.Komi, g.RuleSet = e.komi, map[bool]string{false: "Chinese", true: "Japanese"}[e.rules.Territory]
	if e.board.Passes() >= 2 {
		g.Result = e.rules.score(e.board, e.komi, e.board.Dead(playouts, 0))
	}
	var out strings.Builder
	if err := baduk.WriteSGF(&out, &g); err != nil {
		return "", err
	}
	if len(args) > 0 && args[0] != "-" {
		if err := os.WriteFile(args[0], []byte(out.String()), 0o666); err != nil {
			return "", fmt.Errorf("cannot write file: %w", err)
		}
		return "", nil
	}
	return out.String(), nil
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

// finalScore counts what the rules count, stones that random games find dead taken off: a good judge of games
// that were played to their end, and a poor one of others.
func finalScore(e *Engine, _ []string) (string, error) {
	return e.rules.score(e.board, e.komi, e.board.Dead(playouts, 0)).Text, nil
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
