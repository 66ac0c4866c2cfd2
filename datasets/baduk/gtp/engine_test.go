package gtp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// first plays the first sensible point of the board, and passes if there is none.
var first = PlayerFunc(func(_ context.Context, pos Position) (baduk.Point, bool, error) {
	for p := range baduk.Point(pos.Board.Points()) {
		if pos.Board.Sensible(pos.Board.ToPlay(), p) {
			return p, false, nil
		}
	}
	return baduk.Pass, false, nil
})

func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if cfg.Player == nil {
		cfg.Player = first
	}
	cfg.Name, cfg.Version = "zoo", "1.0"
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A board of another size has another player; one that there is none for leaves the board as it was.
func TestAPlayerForEachSize(t *testing.T) {
	var asked []int
	e, err := New(Config{Sizes: []int{7, 5, 9}, PlayerFor: func(size int) (Player, error) {
		asked = append(asked, size)
		if size == 9 {
			return nil, errors.New("nobody plays on 9×9")
		}
		return PlayerFunc(func(_ context.Context, pos Position) (baduk.Point, bool, error) {
			return baduk.Point(size), false, nil // the second column's first
		}), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "seven.sgf")
	if err := os.WriteFile(file, []byte("(;SZ[7];B[aa])"), 0o666); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	in := "genmove b\nboardsize 5\ngenmove b\nboardsize 5\nboardsize 9\nplay w A1\nplay w J9\nloadsgf " + file + "\ngenmove w\nboardsize 6\n"
	if err := e.Serve(t.Context(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	want := "= B7\n\n= \n\n= B5\n\n= \n\n? nobody plays on 9×9\n\n= \n\n? invalid color or coordinate\n\n= white\n\n= B7\n\n? unacceptable size\n\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
	if !slices.Equal(asked, []int{7, 5, 9, 7}) {
		t.Errorf("players were asked for on %v", asked)
	}
	if _, err := New(Config{Sizes: []int{9}, PlayerFor: func(int) (Player, error) { return nil, errors.New("nobody is here") }}); err == nil || !strings.Contains(err.Error(), "nobody is here") {
		t.Errorf("without a player to begin with: %v", err)
	}
}

// Each case is a session: lines sent, and answers that must come, byte for byte.
func TestSessions(t *testing.T) {
	for _, c := range []struct{ name, in, out string }{
		{"what every engine is asked", "protocol_version\nname\nversion\n", "= 2\n\n= zoo\n\n= 1.0\n\n"},
		{"ids come back", "1 name\n23 boardsize 99\n0 komi 6.5\n007 quit\n", "=1 zoo\n\n?23 unacceptable size\n\n=0 \n\n=007 \n\n"},
		{"an id alone", "5\n", "?5 unknown command\n\n"},
		{"comments and empty lines", "# nothing\n\n   \nname # the name\n\t\n#5 name\n", "= zoo\n\n"},
		{"control characters and tabs", "na\x01me\r\n\x02\x03\r\n4\tname\t\n", "= zoo\n\n=4 zoo\n\n"},
		{"no newline at the end", "name", "= zoo\n\n"},
		{"nothing follows quit", "quit\nname\n", "= \n\n"},
		{"unknown commands", "fly\n1 NAME\n=\n? x\n", "? unknown command\n\n?1 unknown command\n\n? unknown command\n\n? unknown command\n\n"},
		{"known commands", "known_command play\nknown_command fly\nknown_command\n", "= true\n\n= false\n\n? syntax error\n\n"},
		{"wrong sizes", "boardsize\nboardsize 1\nboardsize 26\nboardsize -9\nboardsize nine\nboardsize 9.5\nboardsize 99999999999999999999\n",
			"? syntax error\n\n? unacceptable size\n\n? unacceptable size\n\n? unacceptable size\n\n? boardsize not an integer\n\n? boardsize not an integer\n\n? boardsize not an integer\n\n"},
		{"a wrong size changes nothing", "boardsize 9\nplay b A1\nboardsize 30\nplay w A1\nplay w J9\n", "= \n\n= \n\n? unacceptable size\n\n? illegal move\n\n= \n\n"},
		{"wrong komis", "komi\nkomi x\nkomi NaN\nkomi inf\nkomi -5.5\nkomi 1e3\n", "? syntax error\n\n? komi not a float\n\n? komi not a float\n\n? komi not a float\n\n= \n\n= \n\n"},
		{"moves", "boardsize 9\nplay B d4\nplay WHITE E5\nplay b pass\nplay w PASS\nplay w a1\n", strings.Repeat("= \n\n", 6)},
		{"illegal moves", "boardsize 9\nplay b D4\nplay w D4\nplay w K1\nplay w I1\nplay w A0\nplay w A10\nplay w\nplay\nplay x D5\nplay w 4D\nplay w resign\n",
			"= \n\n= \n\n? illegal move\n\n" + strings.Repeat("? invalid color or coordinate\n\n", 4) + "? syntax error\n\n? syntax error\n\n" + strings.Repeat("? invalid color or coordinate\n\n", 3)},
		{"suicide", "boardsize 5\nplay b A2\nplay b B1\nplay w A1\nplay b A1\n", "= \n\n= \n\n= \n\n? illegal move\n\n= \n\n"},
		{"ko", "boardsize 5\nplay b B3\nplay w D4\nplay b C4\nplay w D2\nplay b C2\nplay w E3\nplay b D3\nplay w C3\nplay b D3\nplay b A1\nplay w A5\nplay b D3\nplay w C3\n",
			strings.Repeat("= \n\n", 9) + "? illegal move\n\n= \n\n= \n\n= \n\n? illegal move\n\n"},
		{"undo", "boardsize 9\nundo\nplay b D4\nplay w E5\nundo\nundo\nundo\nplay w D4\n", "= \n\n? cannot undo\n\n= \n\n= \n\n= \n\n= \n\n? cannot undo\n\n= \n\n"},
		{"a move of the engine", "boardsize 5\ngenmove b\ngenmove white\nreg_genmove b\nreg_genmove b\nundo\ngenmove w\ngenmove\ngenmove x\n",
			"= \n\n= A5\n\n= A4\n\n= A3\n\n= A3\n\n= \n\n= A4\n\n? syntax error\n\n? invalid color\n\n"},
		{"clearing", "boardsize 9\nplay b D4\nclear_board\nplay w D4\nundo\nundo\n", "= \n\n= \n\n= \n\n= \n\n= \n\n? cannot undo\n\n"},
		{"fixed handicap", "boardsize 9\nfixed_handicap 5\nplay w E5\nfixed_handicap 2\nclear_board\nfixed_handicap 1\nfixed_handicap 10\nfixed_handicap x\nfixed_handicap\n",
			"= \n\n= C3 G7 C7 G3 E5\n\n? illegal move\n\n? board not empty\n\n= \n\n? invalid number of stones\n\n? invalid number of stones\n\n? syntax error\n\n? syntax error\n\n"},
		{"free handicap", "boardsize 8\nplace_free_handicap 9\nplace_free_handicap 2\nclear_board\nplace_free_handicap 64\nplace_free_handicap 1\nboardsize 5\nplace_free_handicap 2\n",
			"= \n\n= C3 F6 C6 F3\n\n? board not empty\n\n= \n\n? invalid number of stones\n\n? invalid number of stones\n\n= \n\n? invalid number of stones\n\n"},
		{"setting a handicap", "boardsize 9\nset_free_handicap A1 B2 C3\nset_free_handicap A1 B2\nclear_board\nset_free_handicap A1\nset_free_handicap A1 A1\nset_free_handicap A1 pass\nset_free_handicap A1 Z9\nset_free_handicap\nplay w A1\n",
			"= \n\n= \n\n? board not empty\n\n= \n\n" + strings.Repeat("? bad vertex list\n\n", 5) + "= \n\n"},
		{"time", "time_settings 600 30 5\ntime_settings 1 2\ntime_settings 1 2 -3\ntime_left b 30 0\ntime_left x 30 0\ntime_left w 1.5 0\ntime_left w 5\n",
			"= \n\n? syntax error\n\n? syntax error\n\n= \n\n? syntax error\n\n? syntax error\n\n? syntax error\n\n"},
		{"the score of an empty board", "komi 6.5\nfinal_score\nkomi 0\nfinal_score\nkomi -2\nfinal_score\n", "= \n\n= W+6.5\n\n= \n\n= 0\n\n= \n\n= B+2\n\n"},
		{"states", "boardsize 5\nfinal_status_list alive\nfinal_status_list seki\nfinal_status_list ill\nfinal_status_list\n", "= \n\n= \n\n= \n\n? invalid status\n\n? syntax error\n\n"},
		{"a file that is not there", "loadsgf\nloadsgf /nowhere/game.sgf\nloadsgf x y\n", "? syntax error\n\n? cannot load file: stat /nowhere/game.sgf: no such file or directory\n\n? syntax error\n\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if err := newEngine(t, Config{}).Serve(context.Background(), strings.NewReader(c.in), &out); err != nil {
				t.Fatal(err)
			}
			if out.String() != c.out {
				t.Errorf("got\n%q, should be\n%q", out.String(), c.out)
			}
		})
	}
}

func TestTheBoardIsShown(t *testing.T) {
	e := newEngine(t, Config{Komi: 5.5})
	e.Do("boardsize 5")
	e.Do("play b C3")
	want := "= \n   A B C D E\n 5 . . . . . 5\n 4 . . . . . 4\n 3 . .(X). . 3\n 2 . . . . . 2\n 1 . . . . . 1\n   A B C D E\n" +
		"white to play; captured: 0 black (X), 0 white (O); komi 5.5\n\n"
	if got := e.Do("showboard"); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestTheScoreLeavesDeadStonesOut(t *testing.T) {
	e := newEngine(t, Config{})
	var out strings.Builder
	in := "boardsize 7\nkomi 0.5\n"
	for x := 'A'; x <= 'G'; x++ {
		in += fmt.Sprintf("play b %c4\nplay w %c5\n", x, x)
	}
	in += "play w D2\n1 final_score\n2 final_status_list dead\n3 final_status_list alive\n"
	if err := e.Serve(context.Background(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	_, got, _ := strings.Cut(out.String(), "=1 ")
	if want := "B+6.5\n\n=2 D2\n\n=3 A5 B5 C5 D5 E5 F5 G5\nA4 B4 C4 D4 E4 F4 G4\n\n"; got != want {
		t.Errorf("got %q, should be %q", got, want)
	}
}

func TestAGameIsLoaded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "game.sgf")
	if err := os.WriteFile(file, []byte("(;SZ[9]KM[3.5]AB[aa];W[ee];B[cc];W[gg])"), 0o666); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Config{})
	for _, c := range []struct {
		args  string
		moves int
		out   string
	}{{"", 3, "= black\n\n"}, {" 2", 1, "= black\n\n"}, {" 3", 2, "= white\n\n"}, {" 1", 0, "= white\n\n"}, {" 0", 0, "= white\n\n"}, {" 99", 3, "= black\n\n"}} {
		if got := e.Do("loadsgf " + file + c.args); got != c.out || e.Board().Moves() != c.moves || e.Board().Size() != 9 || e.Komi() != 3.5 {
			t.Errorf("loadsgf%s: %q, %d moves", c.args, got, e.Board().Moves())
		}
	}
	damaged := filepath.Join(t.TempDir(), "damaged.sgf")
	if err := os.WriteFile(damaged, []byte("(;SZ[9]KM[3.5]AB[aa];W[ee];B[cc];W[cc];B[gg])"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got := e.Do("loadsgf " + damaged + " 3"); got != "= white\n\n" || e.Board().Moves() != 2 {
		t.Errorf("up to what is damaged: %q, %d moves", got, e.Board().Moves())
	}
	for _, args := range []string{"", " 4"} {
		if got := e.Do("loadsgf " + damaged + args); !strings.Contains(got, "move 3, white at C7: the point is occupied; loadsgf "+damaged+" 3 reads what comes before") {
			t.Errorf("loadsgf%s of a damaged game: %q", args, got)
		}
	}
	small := newEngine(t, Config{Sizes: []int{19, 13}})
	if got := small.Do("loadsgf " + file); got != "? cannot load file: the board is 9×9\n\n" || small.Board().Size() != 19 {
		t.Errorf("a game of another size: %q", got)
	}
}

func TestThePlayerIsAskedAboutThePosition(t *testing.T) {
	var asked Position
	move, resign, fault := baduk.Point(7), false, error(nil)
	e := newEngine(t, Config{Sizes: []int{9}, Komi: 7.5, Player: PlayerFunc(func(_ context.Context, pos Position) (baduk.Point, bool, error) {
		asked = pos
		pos.Board.Play(baduk.Black, 0) // its own to play on
		return move, resign, fault
	})})
	for _, line := range []string{"time_settings 60 30 5", "time_left w 20 3", "play w C3"} {
		if got := e.Do(line); got != "= \n\n" {
			t.Fatalf("%s: %q", line, got)
		}
	}
	if got := e.Do("genmove w"); got != "= A2\n\n" {
		t.Errorf("the move is %q", got)
	}
	if asked.Komi != 7.5 || asked.Clock.Main.Seconds() != 60 || asked.Clock.Left.Seconds() != 20 || asked.Clock.LeftStones != 3 || !asked.Clock.Known || asked.Clock.Stones != 5 {
		t.Errorf("asked %+v", asked)
	}
	if e.Board().Color(0) != baduk.Empty || e.Board().Moves() != 2 {
		t.Error("the player moved on the engine's board")
	}
	if got := e.Do("genmove w"); got != "? the player would play A2: the point is occupied\n\n" {
		t.Errorf("an illegal move is %q", got)
	}
	resign = true
	if got := e.Do("genmove b"); got != "= resign\n\n" || e.Board().Moves() != 2 {
		t.Errorf("resigning is %q", got)
	}
	fault = errors.New("no weights\n\nat all")
	if got := e.Do("4 genmove b"); got != "?4 no weights\nat all\n\n" {
		t.Errorf("an error is %q", got)
	}
	if got := e.Do("boardsize 19"); got != "? unacceptable size\n\n" {
		t.Errorf("a size that the player cannot play is %q", got)
	}
}

func TestCommandsAreAdded(t *testing.T) {
	e := newEngine(t, Config{Commands: map[string]func(*Engine, []string) (string, error){
		"zoo-size": func(e *Engine, args []string) (string, error) { return fmt.Sprint(e.Board().Size(), args), nil },
		"name":     func(*Engine, []string) (string, error) { return "another", nil },
	}})
	if got := e.Do("3 zoo-size a b"); got != "=3 19 [a b]\n\n" {
		t.Errorf("got %q", got)
	}
	if got := e.Do("name"); got != "= another\n\n" {
		t.Errorf("got %q", got)
	}
	if list := strings.Fields(e.Do("list_commands"))[1:]; len(list) != len(commands)+1 {
		t.Errorf("commands are %q", list)
	}
	for _, required := range strings.Fields("protocol_version name version known_command list_commands quit boardsize clear_board komi play genmove " +
		"undo showboard final_score final_status_list fixed_handicap place_free_handicap set_free_handicap time_settings time_left loadsgf reg_genmove zoo-size") {
		if e.Do("known_command "+required) != "= true\n\n" {
			t.Errorf("%s is not known", required)
		}
	}
}

func TestEnginesThatCannotBeAreRefused(t *testing.T) {
	for name, cfg := range map[string]Config{
		"no player":    {},
		"size 1":       {Player: first, Sizes: []int{1}},
		"a bad name":   {Player: first, Commands: map[string]func(*Engine, []string) (string, error){"two words": nil}},
		"a bad number": {Player: first, Commands: map[string]func(*Engine, []string) (string, error){"12": nil}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
}

func TestLongLinesAreRefusedAndPassed(t *testing.T) {
	var out strings.Builder
	in := "7 play b " + strings.Repeat("D4", maxLine) + "\n8 name\n9 play " + strings.Repeat("x", 3*maxLine)
	if err := newEngine(t, Config{}).Serve(context.Background(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	if want := "?7 the line is longer than 65536 characters\n\n=8 zoo\n\n?9 the line is longer than 65536 characters\n\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

func TestServeEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	e := newEngine(t, Config{Commands: map[string]func(*Engine, []string) (string, error){
		"zoo-stop": func(*Engine, []string) (string, error) { cancel(); return "stopping", nil },
	}})
	var out strings.Builder
	err := e.Serve(ctx, strings.NewReader("name\nzoo-stop\nversion\n"), &out)
	if want := "= zoo\n\n= stopping\n\n"; !errors.Is(err, context.Canceled) || out.String() != want {
		t.Errorf("ended with %v after %q, should after %q", err, out.String(), want)
	}
}

func TestServeEndsWithABrokenInputOrOutput(t *testing.T) {
	gone := errors.New("gone")
	in := io.MultiReader(strings.NewReader("name\n"), iotest.ErrReader(gone))
	var out strings.Builder
	if err := newEngine(t, Config{}).Serve(context.Background(), in, &out); !errors.Is(err, gone) || !strings.HasPrefix(out.String(), "= zoo\n\n") {
		t.Errorf("a broken input ends with %v after %q", err, out.String())
	}
	r, w := io.Pipe()
	r.CloseWithError(gone)
	if err := newEngine(t, Config{}).Serve(context.Background(), strings.NewReader("name\n"), w); !errors.Is(err, gone) {
		t.Errorf("a broken output ends with %v", err)
	}
}

// A game of the engine with itself, to the end.
func TestAWholeGameIsLegal(t *testing.T) {
	e := newEngine(t, Config{Rules: Rules{Rules: baduk.TrompTaylor}})
	e.Do("boardsize 7")
	for n, c := 0, "b"; ; n++ {
		got := e.Do("genmove " + c)
		if !strings.HasPrefix(got, "= ") || n > 2000 {
			t.Fatalf("move %d: %q", n, got)
		}
		if e.Board().Passes() == 2 {
			break
		}
		c = map[string]string{"b": "w", "w": "b"}[c]
	}
	if got := e.Do("final_score"); !strings.HasPrefix(got, "= ") {
		t.Errorf("the score is %q", got)
	}
}

func FuzzDo(f *testing.F) {
	for _, s := range []string{
		"1 boardsize 9\nplay b D4\ngenmove w\nundo\nshowboard", "known_command x\nlist_commands # all\n\n\x00\r\n", "komi 6.5\nfixed_handicap 4\ngenmove w",
		"boardsize 2\nplay b A1\nplay w A2\nplay w B1\nfinal_status_list dead\nquit", "boardsize 5\nset_free_handicap A1 B2 C3\ntime_settings 0 1 0\ntime_left b 3 1\nreg_genmove b",
		"boardsize 5\nkata-analyze b 10 ownership true\nlz-genmove_analyze w 5 avoid w A5 1\nkata-analyze allow b A1,B2 3\nlz-analyze -1", "kata-set-rules {\"ko\":\"SIMPLE\"}\nkata-set-rule suicide TRUE\nkgs-rules x\nmove_history\nlast_move",
		"kgs-time_settings byoyomi 1e9 NaN 3\nkgs-time_settings canadian 1 2 3\ntime_left w 1 1\nkgs-genmove_cleanup w\nzoo-policy\nzoo-search w\ngogui-analyze_commands",
		"99999999999999999999999 play b pass\nplay w pass\nfinal_status_list alive", "place_free_handicap 9\nclear_board\nplay b Ａ1\nplay w é",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, session string) {
		e := newEngine(t, Config{Sizes: []int{5, 2, 9}, Player: &oracle{Player: first, reports: 2}})
		n := 0
		for line := range strings.Lines(session) {
			if strings.Contains(line, "loadsgf") || strings.Contains(line, "printsgf") || strings.Contains(line, "final") && n > 2 {
				continue // reads and writes files; takes long
			}
			if n++; n > 50 {
				return
			}
			got := e.Do(line)
			if got == "" {
				if c, ok := parse(line); ok {
					t.Fatalf("no answer to %q, command %v", line, c)
				}
				continue
			}
			if got[0] != '=' && got[0] != '?' || !strings.HasSuffix(got, "\n\n") || strings.Contains(got[:len(got)-1], "\n\n") || strings.ContainsAny(got, "\r\x00") {
				t.Fatalf("%q answers %q", got, line)
			}
		}
	})
}
