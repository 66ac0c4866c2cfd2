package gtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// An oracle thinks of the first sensible points, and knows nothing more after so many reports.
type oracle struct {
	Player
	reports int
	asked   []Position
	closed  int
}

func (o *oracle) analysis(pos Position, t Thinking) Analysis {
	a := Analysis{Visits: 30, Winrate: 0.625}
	for p := range baduk.Point(pos.Board.Points()) {
		allowed := true
		for _, r := range pos.Avoid {
			allowed = allowed && (r.Color != pos.Board.ToPlay() || slices.Contains(r.Points, p) == r.Only)
		}
		if allowed && pos.Board.Sensible(pos.Board.ToPlay(), p) {
			a.Moves = append(a.Moves, MoveInfo{Point: p, Visits: max(20-10*len(a.Moves), 0), Winrate: 0.625, Prior: 0.25, LCB: 0.5, Line: []baduk.Point{p, baduk.Pass}})
		}
	}
	if t.Ownership {
		a.Ownership = make([]float32, pos.Board.Points())
		a.Ownership[1] = -0.5 // second from the top in the first column
	}
	return a
}

func (o *oracle) Analyze(ctx context.Context, pos Position, t Thinking) error {
	o.asked = append(o.asked, pos)
	for i := 0; i < o.reports && ctx.Err() == nil; i++ {
		t.Report(o.analysis(pos, t))
	}
	return nil
}

func (o *oracle) GenmoveAnalyze(ctx context.Context, pos Position, t Thinking) (baduk.Point, bool, error) {
	t.Report(o.analysis(pos, t))
	return o.Genmove(ctx, pos)
}

func (o *oracle) Close() { o.closed++ }

// Each command, with what it must answer: a pattern for the whole of it. Cases go on with one game, line by line.
func TestEveryCommandAnswersAsItShould(t *testing.T) {
	file := filepath.Join(t.TempDir(), "game.sgf")
	cases := []struct{ line, want string }{
		{"protocol_version", "= 2"}, {"name", "= zoo"}, {"version", `= 1\.0`}, {"list_commands", `= boardsize\n(?s:.*)zoo-winrate`}, {"known_command kata-analyze", "= true"},
		{"boardsize 5", "= "}, {"clear_board", "= "}, {"komi 0.5", "= "},
		{"fixed_handicap 2", `\? invalid number of stones`}, {"boardsize 9", "= "}, {"fixed_handicap 2", "= C3 G7"},
		{"last_move", `\? no previous move known`}, {"printsgf", `= \(;GM\[1\]FF\[4\]CA\[UTF-8\]SZ\[9\]KM\[0.5\]RU\[Chinese\]HA\[2\]PL\[W\]AB\[cg\]AB\[gc\]\n\)`},
		{"clear_board", "= "}, {"place_free_handicap 2", "= C3 G7"}, {"clear_board", "= "}, {"set_free_handicap A1 B2", "= "}, {"boardsize 5", "= "},
		{"play b C3", "= "}, {"last_move", "= black C3"}, {"genmove w", "= A5"}, {"reg_genmove b", "= A4"}, {"last_move", "= white A5"},
		{"move_history", "= white A5\nblack C3"}, {"undo", "= "}, {"last_move", "= black C3"}, {"play w D4", "= "},
		{"printsgf", `= \(;GM\[1\](?s:.*)KM\[0.5\]RU\[Chinese\]\n;B\[cc\];W\[db\]\n\)`}, {"printsgf " + file, "= "},
		{"play b B2", "= "}, {"loadsgf " + file, "= black"}, {"last_move", "= white D4"}, {"loadsgf " + file + " 2", "= white"}, {"last_move", "= black C3"},
		{"loadsgf " + file + " 1", "= black"}, {"loadsgf " + file + " x", `\? syntax error`}, {"loadsgf " + file, "= black"},
		{"kata-get-rules", `= \{"hasButton":false,"ko":"SIMPLE","scoring":"AREA","suicide":false,"tax":"NONE","whiteHandicapBonus":"0"\}`},
		{"kata-set-rules tromp-taylor", "= "}, {"kata-get-rules", `= .*"ko":"POSITIONAL","scoring":"AREA","suicide":true.*`},
		{`kata-set-rules {"ko": "SIMPLE", "scoring": "TERRITORY"}`, "= "}, {"kata-get-rules", `= .*"ko":"SIMPLE","scoring":"TERRITORY","suicide":false.*`},
		{"kata-set-rule suicide true", "= "}, {"kata-set-rule ko SITUATIONAL", `\? rule ko: SITUATIONAL: should be SIMPLE or POSITIONAL`}, {"kata-set-rule speed 1", `\? unknown rule speed`},
		{"kata-set-rules checkers", `\? unknown rules checkers: .*japanese.*`}, {`kata-set-rules {"ko":`, `\? unknown rules .*`}, {"kata-set-rules", `\? syntax error`},
		{"kgs-rules new_zealand", "= "}, {"kata-get-rules", `= .*"suicide":true.*`}, {"kgs-rules go", `\? unknown rules go`}, {"kgs-rules chinese", "= "}, {"kata-get-rules", `= .*"POSITIONAL".*"suicide":false.*`},
		{"last_move", "= white D4"}, {"undo", "= "}, {"play w D4", "= "},
		{"time_settings 60 10 5", "= "}, {"time_left w 30 0", "= "}, {"kgs-time_settings byoyomi 60 10 5", "= "}, {"kgs-time_settings canadian 60 10 5", "= "},
		{"kgs-time_settings absolute 60", "= "}, {"kgs-time_settings none", "= "}, {"kgs-time_settings byoyomi 60 10", `\? syntax error`}, {"kgs-time_settings sandglass 1", `\? unknown kind of time sandglass.*`},
		{"kgs-time_settings byoyomi 60 10 1.5", `\? syntax error`}, {"kgs-time_settings byoyomi 60 10 0", `\? syntax error`}, {"kgs-time_settings byoyomi 0 0 1", "= "}, {"kgs-time_settings absolute -0.5", `\? syntax error`}, {"kgs-time_settings absolute 1e8", `\? syntax error`},
		{"kgs-time_settings", `\? syntax error`},
		{"lz-analyze b 10", `=\ninfo move A5 visits 20 winrate 6250 prior 2500 lcb 5000 order 0 pv A5 pass info move A4 visits 10 winrate 6250 prior 2500 lcb 5000 order 1 pv A4 pass`},
		{"lz-analyze interval 10 maxmoves 1", `=\ninfo move A5 [^\n]* order 0 pv A5 pass`}, {"lz-analyze 10 minmoves 4", `=\ninfo [^\n]* order 3 pv A2 pass`},
		{"3 kata-analyze w 10 ownership true rootInfo true maxmoves 1", `=3\ninfo move A5 visits 20 utility 0.250000 winrate 0.625000 prior 0.250000 lcb 0.500000 utilityLcb 0.000000 order 0 pv A5 pass rootInfo visits 30 utility 0.250000 winrate 0.625000 ownership( 0.0000){5} -0.5000( 0.0000){19}`},
		{"lz-analyze b 10 avoid b A5,A4 1 maxmoves 1", `=\ninfo move A3 .*`}, {"lz-analyze b 10 allow b B2 1", `=\ninfo move B2 [^\n]* order 0 pv B2 pass`},
		{"lz-analyze b 10 avoid b Z9 1", `\? vertex "Z9".*`}, {"lz-analyze b 10 avoid b A5", `\? avoid: its value is missing`}, {"lz-analyze b 10 colour 1", `\? unknown key colour`},
		{"lz-analyze b -5", `\? interval -5: .*`}, {"kata-analyze b 5 pvVisits true", `\? pvVisits is not told here`}, {"kata-analyze b 5 maxmoves x", `\? syntax error`},
		{"lz-genmove_analyze b 10", `=\ninfo move A5 [^\n]*\nplay A5`}, {"kata-genmove_analyze w 10 maxmoves 1", `=\ninfo move A4 visits 20 utility [^\n]*\nplay A4`}, {"last_move", "= white A4"},
		{"gogui-analyze_commands", `= string/Score/final_score\n(?s:.*)dboard/Policy/zoo-policy %c\n(?s:.*)`}, {"zoo-ownership", `= \n(-?[01]\.\d{3}[ \n]?){25}`},
		{"zoo-policy b", `= \n0.000 0.250 (?s:.*)`}, {"zoo-winrate", `= 62.5% after 30 visits`}, {"zoo-search b", `= VAR b A3 b PASS\nINFLUENCE A3 1.00 B5 0.50\nLABEL A3 62 B5 62\nTEXT 62.5% after 30 visits|= VAR b A3 w PASS\nINFLUENCE A3 1.00 A2 0.50\nLABEL A3 62 A2 62\nTEXT .*`},
		{"kgs-genmove_cleanup b", "= [A-E][1-5]"}, {"kgs-game_over", "= "},
		{"final_score", `= ([BW]\+[0-9.]+|0)`}, {"final_status_list dead", `= (?s:.*)`}, {"showboard", `= \n(?s:.*)to play; captured: .*`}, {"quit", "= "},
	}
	o := &oracle{Player: first, reports: 1}
	e := newEngine(t, Config{Player: o})
	seen := map[string]bool{}
	for _, c := range cases {
		got := e.Do(c.line)
		if !regexp.MustCompile(`^(?:` + c.want + `)\n\n$`).MatchString(got) {
			t.Errorf("%s: answers %q, should be %s", c.line, got, c.want)
		}
		word, _ := parse(c.line)
		seen[word.name] = true
	}
	for _, name := range e.names() {
		if !seen[name] {
			t.Errorf("%s: no case has it", name)
		}
	}
	if o.closed != 2 { // kgs-game_over and quit
		t.Errorf("the player was told to rest %d times", o.closed)
	}
	if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), ";B[cc];W[db]") {
		t.Errorf("the file is %q (%v)", data, err)
	}
}

// Players who do not say what they think have no such commands.
func TestOnlyAnAnalystAnalyzes(t *testing.T) {
	e := newEngine(t, Config{})
	for _, name := range []string{"lz-analyze", "kata-genmove_analyze", "zoo-policy"} {
		if e.knows(name) || slices.Contains(e.names(), name) || !strings.HasPrefix(e.Do(name), "? unknown command") {
			t.Errorf("%s is known", name)
		}
	}
	if got := e.Do("gogui-analyze_commands"); strings.Contains(got, "zoo-policy") {
		t.Errorf("GoGui is offered %s", got)
	}
}

// Sabaki reads a win rate as Leela Zero's, in hundredths of a percent, where it has no decimal point, and reads no exponent.
func TestNumbersOfAnalysesHaveADecimalPoint(t *testing.T) {
	e := newEngine(t, Config{Player: &oracle{Player: first}})
	for _, x := range []float64{0, 6.8e-07, 0.5, 1} {
		a := Analysis{Visits: 1, Winrate: x, Ownership: make([]float32, 361), Moves: []MoveInfo{{Visits: 1, Winrate: x, Prior: x, LCB: x, Line: []baduk.Point{0}}}}
		a.Ownership[0] = float32(-x)
		line := e.tell(a, request{most: 9, ownership: true, root: true}, true)
		form := regexp.MustCompile(`^info move \S+ visits 1 utility N winrate N prior N lcb N utilityLcb N order 0 pv A19 rootInfo visits 1 utility N winrate N ownership( N){361}$`)
		if !form.MatchString(regexp.MustCompile(`-?\d\.\d+`).ReplaceAllString(line, "N")) {
			t.Errorf("%g is told as %s", x, line)
		}
	}
}

// An analysis goes on until the next line, which is carried out then, be it an empty one.
func TestAnAnalysisEndsWithTheNextLine(t *testing.T) {
	for _, end := range []string{"name", ""} {
		in, write := io.Pipe()
		read, out := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- newEngine(t, Config{Player: &oracle{Player: first, reports: 1 << 30}}).Serve(context.Background(), in, out)
			out.Close()
		}()
		fmt.Fprintln(write, "7 kata-analyze b 1")
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 1<<20)
		for i := range 5 {
			if !lines.Scan() || i == 0 && lines.Text() != "=7" || i > 0 && !strings.HasPrefix(lines.Text(), "info move A19 ") {
				t.Fatalf("line %d: %q", i, lines.Text())
			}
		}
		go func() {
			fmt.Fprintln(write, end)
			fmt.Fprintln(write, "8 version")
			write.Close()
		}()
		var rest []string
		for lines.Scan() {
			if !strings.HasPrefix(lines.Text(), "info ") {
				rest = append(rest, lines.Text())
			}
		}
		want := []string{"", "= zoo", "", "=8 1.0", ""}
		if end == "" {
			want = []string{"", "=8 1.0", ""}
		}
		if err := <-done; err != nil || !slices.Equal(rest, want) {
			t.Errorf("after %q: %q (%v)", end, rest, err)
		}
	}
}

func TestServingEndsWithItsContext(t *testing.T) {
	for name, player := range map[string]Player{
		"while nothing comes": first, "while it thinks": &oracle{Player: first, reports: 1 << 30},
		"while it chooses": PlayerFunc(func(ctx context.Context, _ Position) (baduk.Point, bool, error) {
			<-ctx.Done()
			return 0, false, ctx.Err()
		}),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			in, write := io.Pipe()
			done := make(chan error, 1)
			go func() { done <- newEngine(t, Config{Player: player}).Serve(ctx, in, io.Discard) }()
			fmt.Fprintln(write, map[string]string{"while nothing comes": "name", "while it thinks": "lz-analyze 1", "while it chooses": "genmove b"}[name])
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// By positional superko a position may not come back; which rules are played by changes what is legal in the game.
func TestRulesDecideWhatIsLegal(t *testing.T) {
	// A ko that is taken back after two passes.
	ko := "boardsize 5\nplay b B3\nplay w D4\nplay b C4\nplay w D2\nplay b C2\nplay w E3\nplay b D3\nplay w C3\nplay b pass\nplay w pass\n"
	for rules, want := range map[string]string{"chinese": "= \n\n", "chinese-kgs": "? illegal move\n\n", "tromp-taylor": "? illegal move\n\n"} {
		e := newEngine(t, Config{})
		e.Do("kata-set-rules " + rules)
		for line := range strings.Lines(ko) {
			if got := e.Do(line); got != "= \n\n" {
				t.Fatalf("%s: %q", line, got)
			}
		}
		if got := e.Do("play b D3"); got != want {
			t.Errorf("%s: the ko is taken back: %q, should be %q", rules, got, want)
		}
	}
	e := newEngine(t, Config{Rules: Rules{Rules: baduk.TrompTaylor}})
	for _, line := range []string{"boardsize 5", "play b A3", "play w A2", "play b B2", "play w B1", "play b C1", "play w A1"} {
		if got := e.Do(line); got != "= \n\n" {
			t.Errorf("%s: %q", line, got)
		}
	}
	if got := e.Do("kata-set-rules chinese"); !strings.HasPrefix(got, "? the game was not played by these rules: move 6, white at A1:") {
		t.Errorf("rules that forbid a move of the game: %q", got)
	}
	if got := e.Do("kata-get-rules"); !strings.Contains(got, `"suicide":true`) {
		t.Errorf("the rules changed all the same: %q", got)
	}
}

func TestTerritoryIsCountedWhereTheRulesSaySo(t *testing.T) {
	e := newEngine(t, Config{Komi: 0.5})
	for _, line := range []string{"boardsize 5", "komi 0.5"} {
		e.Do(line)
	}
	for _, p := range []string{"C1", "C2", "C3", "C4", "C5"} {
		e.Do("play b " + p)
		e.Do("play w " + strings.Replace(p, "C", "D", 1))
	}
	if got := e.Do("final_score"); got != "= B+4.5\n\n" { // 15 against 10
		t.Errorf("area: %q", got)
	}
	e.Do("kata-set-rules japanese")
	if got := e.Do("final_score"); got != "= B+4.5\n\n" { // 10 against 5
		t.Errorf("territory: %q", got)
	}
	e.Do("play b A1")
	if got := e.Do("final_score"); got != "= B+3.5\n\n" { // a move into one's own territory costs a point
		t.Errorf("territory: %q", got)
	}
}

func TestClocksAllowTime(t *testing.T) {
	b, _ := baduk.NewBoard(19, baduk.Rules{})
	const s = time.Second
	for _, c := range []struct {
		name      string
		clock     Clock
		low, high time.Duration
		limited   bool
	}{
		{"nothing is known", Clock{}, 0, 0, false},
		{"no limit", Clock{Byo: s}, 0, 0, false},
		{"absolute", Clock{Main: 600 * s}, 3 * s, 6 * s, true},
		{"absolute, little left", Clock{Main: 600 * s, Left: 5 * s, Known: true}, s / 100, s / 3, true},
		{"absolute, nothing left", Clock{Main: 600 * s, Known: true}, 0, 0, true},
		{"Canadian, main time", Clock{Main: 600 * s, Byo: 100 * s, Stones: 10}, 12 * s, 16 * s, true},
		{"Canadian, overtime", Clock{Main: 600 * s, Byo: 100 * s, Stones: 10, Left: 30 * s, LeftStones: 3, Known: true}, 9 * s, 10 * s, true},
		{"Canadian, no main time", Clock{Byo: 100 * s, Stones: 10}, 9 * s, 10 * s, true},
		{"Japanese, main time", Clock{Main: 600 * s, Byo: 20 * s, Periods: 5}, 22 * s, 26 * s, true},
		{"Japanese, a period", Clock{Main: 600 * s, Byo: 20 * s, Periods: 5, Left: 20 * s, LeftStones: 5, Known: true}, 19 * s, 20 * s, true},
		{"Japanese, no main time", Clock{Byo: 20 * s, Periods: 5}, 19 * s, 20 * s, true},
	} {
		got, limited := c.clock.Budget(b)
		if limited != c.limited || got < c.low || got > c.high {
			t.Errorf("%s: %v, %t: should be from %v to %v, %t", c.name, got, limited, c.low, c.high, c.limited)
		}
	}
}

// What the player's own moves took counts, as long as nobody says what is left.
func TestTheEngineKeepsTheTime(t *testing.T) {
	var clocks []Clock
	e := newEngine(t, Config{Player: PlayerFunc(func(ctx context.Context, pos Position) (baduk.Point, bool, error) {
		clocks = append(clocks, pos.Clock)
		time.Sleep(5 * time.Millisecond)
		return first(ctx, pos)
	})})
	for _, line := range []string{"time_settings 100 0 0", "genmove b", "genmove w", "genmove b", "time_left b 42 0", "genmove b", "kgs-time_settings byoyomi 0 10 3", "time_left b 9 2", "genmove b"} {
		if got := e.Do(line); got[0] != '=' {
			t.Fatalf("%s: %q", line, got)
		}
	}
	left := func(i int) time.Duration { return clocks[i].Left }
	if left(0) != 100*time.Second || left(1) != 100*time.Second || left(2) > 99995*time.Millisecond || left(2) < 90*time.Second || left(3) != 42*time.Second {
		t.Errorf("left: %v, %v, %v, %v", left(0), left(1), left(2), left(3))
	}
	for _, line := range []string{"time_settings 60 30 5", "genmove b"} {
		if got := e.Do(line); got[0] != '=' {
			t.Fatalf("%s: %q", line, got)
		}
	}
	if c := clocks[5]; c.Main != time.Minute || c.Byo != 30*time.Second || c.Stones != 5 || c.Periods != 0 {
		t.Errorf("in Canadian overtime: %+v", c)
	}
	if c := clocks[4]; c.Periods != 3 || c.Byo != 10*time.Second || c.LeftStones != 2 || c.Left != 9*time.Second {
		t.Errorf("in Japanese overtime: %+v", c)
	}
}

// Before the overtime of so many moves begins, a move may take more than what is left of the main time; in it, no more
// than is left.
func TestABudgetEndsWithTheTimeOfThePeriod(t *testing.T) {
	b, err := baduk.NewBoard(9, baduk.Rules{}) // of whose game 54 moves are expected, 27 for each player
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		clock Clock
		want  time.Duration
	}{
		{Clock{Main: time.Minute, Byo: 300 * time.Second, Stones: 10, Known: true, Left: 27 * time.Second}, 31 * time.Second},
		{Clock{Main: time.Minute, Byo: 300 * time.Second, Stones: 10, Known: true, Left: 2700 * time.Millisecond}, 30100 * time.Millisecond},
		{Clock{Main: time.Minute, Byo: 300 * time.Second, Stones: 10, Known: true, Left: 20 * time.Second, LeftStones: 4}, 5 * time.Second},
		{Clock{Main: 27 * time.Second}, time.Second},
	} {
		if got, ok := c.clock.Budget(b); !ok || got != max(c.want-lag, c.want/4) {
			t.Errorf("%+v: %v, want %v less the lag", c.clock, got, c.want)
		}
	}
}
