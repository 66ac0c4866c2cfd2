package gtp

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// streams are the commands whose answers come bit by bit, for players who say what they think: lz-analyze of Leela Zero
// and kata-analyze of KataGo (docs/GTP_Extensions.md), which go on until another line comes, and their forms that play.
var streams map[string]stream

type stream struct {
	kata bool // KataGo's fields
	play bool // a move ends it
}

func init() {
	streams = map[string]stream{
		"lz-analyze": {}, "lz-genmove_analyze": {play: true}, "kata-analyze": {kata: true}, "kata-genmove_analyze": {kata: true, play: true},
	}
}

// A request is what the arguments of an analysis say.
type request struct {
	color           baduk.Color
	every           time.Duration
	least, most     int // moves to tell
	ownership, root bool
	restrictions    []Avoid
}

// parseRequest reads [color] [interval] and pairs of a key and its value.
func (e *Engine) parseRequest(args []string) (request, error) {
	q := request{color: e.board.ToPlay(), every: time.Second, most: math.MaxInt}
	if len(args) > 0 {
		if c, err := parseColor(args[0]); err == nil {
			q.color, args = c, args[1:]
		}
	}
	interval := func(text string) error {
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !(n >= 0 && n <= 1e7) {
			return fmt.Errorf("interval %s: should be hundredths of a second", text)
		}
		q.every = max(time.Duration(n*float64(10*time.Millisecond)), 10*time.Millisecond)
		return nil
	}
	if len(args) > 0 {
		if _, err := strconv.ParseFloat(args[0], 64); err == nil {
			if err := interval(args[0]); err != nil {
				return q, err
			}
			args = args[1:]
		}
	}
	for len(args) > 0 {
		key := args[0]
		values := 1
		if key == "avoid" || key == "allow" {
			values = 3
		}
		if len(args) < 1+values {
			return q, fmt.Errorf("%s: its value is missing", key)
		}
		v := args[1 : 1+values]
		args = args[1+values:]
		var err error
		switch key {
		case "interval":
			err = interval(v[0])
		case "minmoves":
			q.least, err = number(v[0])
		case "maxmoves":
			q.most, err = number(v[0])
		case "ownership":
			q.ownership, err = strconv.ParseBool(v[0])
		case "rootInfo":
			q.root, err = strconv.ParseBool(v[0])
		case "movesOwnership", "ownershipStdev", "pvVisits", "pvEdgeVisits", "noResultValue":
			var on bool
			if on, err = strconv.ParseBool(v[0]); on {
				err = fmt.Errorf("%s is not told here", key)
			}
		case "avoid", "allow":
			var a Avoid
			if a, err = e.parseAvoid(v); err == nil {
				a.Only = key == "allow"
				q.restrictions = append(q.restrictions, a)
			}
		default:
			err = fmt.Errorf("unknown key %s", key)
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

// parseAvoid reads a color, vertices with commas between them, and the number of moves ahead.
func (e *Engine) parseAvoid(v []string) (Avoid, error) {
	c, err := parseColor(v[0])
	if err != nil {
		return Avoid{}, err
	}
	a := Avoid{Color: c}
	for name := range strings.SplitSeq(v[1], ",") {
		p, err := baduk.ParseVertex(name, e.board.Size())
		if err != nil {
			return Avoid{}, err
		}
		a.Points = append(a.Points, p)
	}
	if a.Depth, err = number(v[2]); err == nil && a.Depth < 1 {
		err = errSyntax
	}
	return a, err
}

// analyze carries out a command that streams. More says that another line has come.
func (e *Engine) analyze(ctx context.Context, s stream, c command, write func(string), more <-chan struct{}) {
	player := e.cfg.Player.(Analyst)
	q, err := e.parseRequest(c.args)
	if err != nil {
		write(answer(c.id, err.Error(), true))
		return
	}
	pos := e.position(q.color)
	pos.Avoid = q.restrictions
	begun := false
	begin := func() {
		if !begun {
			write("=" + c.id + "\n")
			begun = true
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	t := Thinking{Every: q.every, Ownership: q.ownership, Report: func(a Analysis) {
		begin()
		if line := e.tell(a, q, s.kata); line != "" {
			write(line + "\n")
		}
		if more == nil && !s.play {
			cancel() // nobody can end it otherwise
		}
	}}
	if s.play {
		e.genmoveAnalyze(ctx, player, q, pos, t, c, begin, write)
		return
	}
	if more != nil {
		go func() {
			select {
			case <-more:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	err = player.Analyze(ctx, pos, t)
	switch {
	case err != nil && !begun:
		write(answer(c.id, err.Error(), true))
		return
	case err != nil:
		write("# " + clean(err.Error()) + "\n") // the answer has begun as a success
	}
	begin()
	if more != nil {
		select {
		case <-more:
		case <-ctx.Done():
		}
	}
	write("\n")
}

// genmoveAnalyze plays the move that ends an analysis.
func (e *Engine) genmoveAnalyze(ctx context.Context, player Analyst, q request, pos Position, t Thinking, c command, begin func(), write func(string)) {
	move, resign, err := e.choose(q.color, func() (baduk.Point, bool, error) { return player.GenmoveAnalyze(ctx, pos, t) })
	if err == nil && !resign {
		err = e.move(q.color, move)
	}
	if err != nil {
		write(answer(c.id, err.Error(), true))
		return
	}
	begin()
	text := "resign"
	if !resign {
		text = vertex(move, e.board.Size())
	}
	write("play " + text + "\n\n")
}

// vertex names a move as analyses have it: GTP's names, the pass in small letters.
func vertex(p baduk.Point, size int) string {
	if p == baduk.Pass {
		return "pass"
	}
	return p.Vertex(size)
}

// tell writes an analysis as one line.
func (e *Engine) tell(a Analysis, q request, kata bool) string {
	size := e.board.Size()
	var parts []string
	told := 0
	for _, m := range a.Moves {
		if told == q.most || m.Visits == 0 && told >= q.least {
			break
		}
		var line []string
		for _, p := range m.Line {
			line = append(line, vertex(p, size))
		}
		form := "info move %s visits %d winrate %.0f prior %.0f lcb %.0f order %d pv %s"
		values := []any{vertex(m.Point, size), m.Visits, 1e4 * m.Winrate, 1e4 * m.Prior, 1e4 * m.LCB, told, strings.Join(line, " ")}
		if kata {
			form = "info move %s visits %d utility %.6f winrate %.6f prior %.6f lcb %.6f utilityLcb %.6f order %d pv %s"
			values = []any{values[0], m.Visits, 2*m.Winrate - 1, m.Winrate, m.Prior, m.LCB, 2*m.LCB - 1, told, values[6]}
		}
		parts = append(parts, fmt.Sprintf(form, values...))
		told++
	}
	if kata && q.root {
		parts = append(parts, fmt.Sprintf("rootInfo visits %d utility %.6f winrate %.6f", a.Visits, 2*a.Winrate-1, a.Winrate))
	}
	if kata && q.ownership && len(a.Ownership) == size*size {
		owned := []string{"ownership"}
		for y := range size {
			for x := range size {
				owned = append(owned, strconv.FormatFloat(float64(a.Ownership[baduk.At(x, y, size)]), 'f', 4, 64))
			}
		}
		parts = append(parts, strings.Join(owned, " "))
	}
	return strings.Join(parts, " ")
}

// goGuiCommands are what GoGui's analyze dialog offers (type/label/command). Those with * need an analyst.
var goGuiCommands = []string{
	"string/Score/final_score", "plist/Dead Stones/final_status_list dead", "dboard/Ownership/zoo-ownership",
	"*dboard/Policy/zoo-policy %c", "*gfx/Search/zoo-search %c", "*string/Win Rate/zoo-winrate %c",
}

func analyzeCommands(e *Engine, _ []string) (string, error) {
	_, thinks := e.cfg.Player.(Analyst)
	var list []string
	for _, c := range goGuiCommands {
		if name, needs := strings.CutPrefix(c, "*"); thinks || !needs {
			list = append(list, name)
		}
	}
	return strings.Join(list, "\n"), nil
}

// doubles is a board of numbers as GoGui reads it, row by row from the top.
func (e *Engine) doubles(of func(p baduk.Point) float64) string {
	size := e.board.Size()
	var rows []string
	for y := range size {
		var row []string
		for x := range size {
			row = append(row, strconv.FormatFloat(of(baduk.At(x, y, size)), 'f', 3, 64))
		}
		rows = append(rows, strings.Join(row, " "))
	}
	return "\n" + strings.Join(rows, "\n")
}

func ownership(e *Engine, _ []string) (string, error) {
	owner := e.board.Ownership(playouts, 0)
	return e.doubles(func(p baduk.Point) float64 { return float64(owner[p]) }), nil
}

// glance is how long the commands of the dialog think.
const glance = time.Second

// look asks the player what it thinks, for a moment.
func (e *Engine) look(args []string) (Analysis, error) {
	c := e.board.ToPlay()
	if len(args) > 0 {
		var err error
		if c, err = parseColor(args[0]); err != nil {
			return Analysis{}, err
		}
	}
	ctx, cancel := context.WithTimeout(e.ctx, glance)
	defer cancel()
	var last Analysis
	err := e.cfg.Player.(Analyst).Analyze(ctx, e.position(c), Thinking{Report: func(a Analysis) { last = a }})
	return last, err
}

func policyBoard(e *Engine, args []string) (string, error) {
	a, err := e.look(args)
	if err != nil {
		return "", err
	}
	return e.doubles(func(p baduk.Point) float64 {
		if i := slices.IndexFunc(a.Moves, func(m MoveInfo) bool { return m.Point == p }); i >= 0 {
			return a.Moves[i].Prior
		}
		return 0
	}), nil
}

func winrateText(e *Engine, args []string) (string, error) {
	a, err := e.look(args)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.1f%% after %d visits", 100*a.Winrate, a.Visits), nil
}

// searchGraphics draws the visits of moves, and the line of the best one.
func searchGraphics(e *Engine, args []string) (string, error) {
	a, err := e.look(args)
	if err != nil || len(a.Moves) == 0 {
		return "", err
	}
	c := e.board.ToPlay()
	if len(args) > 0 {
		c, _ = parseColor(args[0])
	}
	size := e.board.Size()
	out := []string{"VAR"}
	for _, p := range a.Moves[0].Line {
		out = append(out, map[baduk.Color]string{baduk.Black: "b", baduk.White: "w"}[c], p.Vertex(size))
		c = c.Opponent()
	}
	lines := []string{strings.Join(out, " ")}
	influence, labels := "INFLUENCE", "LABEL"
	for _, m := range a.Moves {
		if m.Visits > 0 && m.Point != baduk.Pass {
			influence += fmt.Sprintf(" %s %.2f", m.Point.Vertex(size), float64(m.Visits)/float64(a.Moves[0].Visits))
			labels += fmt.Sprintf(" %s %.0f", m.Point.Vertex(size), 100*m.Winrate)
		}
	}
	return strings.Join(append(lines, influence, labels, fmt.Sprintf("TEXT %.1f%% after %d visits", 100*a.Winrate, a.Visits)), "\n"), nil
}
