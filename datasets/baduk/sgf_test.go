package baduk

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/rooklift/sgf"
)

// shared returns a file of the folder of large test data, and skips the test if there is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("ZOO_TESTDATA")
	if dir == "" {
		t.Skip("ZOO_TESTDATA is not set: it names the folder with go-games and go-golden")
	}
	return filepath.Join(dir, name)
}

func parseOne(t testing.TB, text string) *Game {
	t.Helper()
	for g, err := range Parse("test.sgf", []byte(text)) {
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	t.Fatalf("no game in %q", text)
	return nil
}

func moves(g *Game) string {
	var s []string
	for _, m := range g.Moves {
		s = append(s, strings.ToUpper(m.Color.String()[:1])+":"+m.Point.Vertex(g.Size))
	}
	return strings.Join(s, " ")
}

func TestParseReadsTheMainLine(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain", "(;GM[1]FF[4]SZ[9];B[aa];W[ii])", "B:A9 W:J1"},
		{"no size is 19", "(;B[dp])", "B:D4"},
		{"the size comes last", "(;B[aa]SZ[5])", "B:A5"},
		{"size written twice", "(;SZ[9:9];B[aa])", "B:A9"},
		{"variations", "(;SZ[9];B[aa](;W[bb](;B[cc];W[dd])(;B[ee]))(;W[ff];B[gg]))", "B:A9 W:B8 B:C7 W:D6"},
		{"nodes after a variation", "(;SZ[9];B[aa](;W[bb]);B[cc])", "B:A9 W:B8"},
		{"passes", "(;SZ[9];B[];W[tt];B[ ];W[aa])", "B:PASS W:PASS B:PASS W:A9"},
		{"tt on a large board is a point", "(;SZ[21];B[tt];W[])", "B:U2 W:PASS"},
		{"space everywhere", "\ufeff ( ; SZ [9]\r\n;\n B\t[aa] ;W [ bb ] ) ", "B:A9 W:B8"},
		{"FF3 names", "(;GaMe[1]SiZe[9];Black[aa];White[bb])", "B:A9 W:B8"},
		{"moves that share a node", "(;SZ[9];B[aa]W[bb])", "B:A9 W:B8"},
		{"the same player twice", "(;SZ[9];B[aa];B[bb])", "B:A9 B:B8"},
		{"escapes", `(;SZ[9]C[a \] ; ( \\];B[aa])`, "B:A9"},
		{"a bracket in a comment", "(;SZ[9]C[see [1] here];B[aa])", "B:A9"},
		{"brackets in a comment", "(;SZ[9];C[(;b[aa\\] :-) ) (];B[aa])", "B:A9"},
		{"no closing bracket", "(;SZ[9];B[aa];W[bb]", "B:A9 W:B8"},
		{"text before", "Date: (today)\n\n(;SZ[9];B[aa])", "B:A9"},
		{"capital points", "(;SZ[9];B[AA])", "B:A9"},
		{"unknown properties", "(;SZ[9]XYZZY[1][2]KGSDE[aa];B[aa]BL[12]WL[1];W[bb]OB[1])", "B:A9 W:B8"},
		{"a capture and a ko retaken later", "(;SZ[5]AB[ba][ab][bc]AW[ca][db][cc];W[bb];B[cb];W[ee];B[ed];W[bb])", "W:B4 B:C4 W:E1 B:E2 W:B4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := moves(parseOne(t, c.text)); got != c.want {
				t.Errorf("got %s, should be %s", got, c.want)
			}
		})
	}
}

func TestParseSaysWhatIsDamaged(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"another game", "(;GM[2];B[aa])", "GM[2]: not a game of Go"},
		{"too large", "(;SZ[26];B[aa])", "SZ[26]: should be from 2 to 25"},
		{"no number", "(;SZ[x];B[aa])", "SZ[x]"},
		{"a rectangle", "(;SZ[9:13];B[aa])", "SZ[9:13]: boards are square here"},
		{"no point", "(;SZ[9];B[a1])", `move 1: point "a1"`},
		{"suicide", "(;SZ[5]AB[ba][ab];W[aa])", "move 1, white at A5: the stones would have no liberty"},
		{"a value without end before the first move", "(;SZ[9];B[aa", "a value has no closing bracket"},
		{"set up beyond the board", "(;SZ[9]AB[jj];W[aa])", `set-up of "jj"`},
		{"set up without liberties", "(;SZ[2]AB[aa][ab][ba][bb];W[])", "would have no liberty"},
		{"too much handicap", "(;SZ[9]HA[12];W[aa])", "handicap 12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			for g, err := range Parse("test.sgf", []byte(c.text)) {
				if n++; g != nil || err == nil || !strings.Contains(err.Error(), "test.sgf: game 1: ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v and %v, should be %s", g, err, c.want)
				}
			}
			if n != 1 {
				t.Errorf("%d games", n)
			}
		})
	}
}

func TestMovesBeforeWhatIsDamagedAreKept(t *testing.T) {
	for _, c := range []struct{ name, text, want, rest string }{
		{"beyond the board", "(;SZ[9];B[aa];W[jj];B[bb])", "B:A9", `move 2: point "jj"`},
		{"an occupied point", "(;SZ[9];B[aa];W[aa];B[bb])", "B:A9", "move 2, white at A9: the point is occupied"},
		{"a ko retaken", "(;SZ[5]AB[ba][ab][bc]AW[ca][db][cc];W[bb];B[cb];W[bb];B[ee])", "W:B4 B:C4", "move 3, white at B4: the ko"},
		{"suicide where the rules forbid it", "(;SZ[5]RU[Japanese];B[ab];W[ee];B[ba];W[aa])", "B:A4 W:E1 B:B5", "move 4, white at A5: the stones would have no liberty"},
		{"a value without end", "(;SZ[9];B[aa];W[bb", "B:A9", "a value has no closing bracket"},
		{"a comment without end", "(;SZ[9];B[aa];W[bb]C[and then", "B:A9 W:B8", "a value has no closing bracket"},
		{"set up without liberties", "(;SZ[5];B[ab];W[ee];B[ba];AW[aa];W[cc])", "B:A4 W:E1 B:B5", "after move 3: setting up stones: the group at A5"},
		{"set up beyond the board", "(;SZ[9];B[aa];AW[zz];W[bb];B[cc])", "B:A9", `after move 1: set-up of "zz"`},
		{"damaged in a variation", "(;SZ[9];B[aa](;W[bb])(;W[zz];B[", "B:A9 W:B8", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parseOne(t, c.text)
			if got := moves(g); got != c.want {
				t.Errorf("got %s, should be %s", got, c.want)
			}
			if c.rest == "" != (g.Rest == nil) || c.rest != "" && !strings.HasPrefix(g.Rest.Error(), c.rest) {
				t.Errorf("the rest: %v, should be %s", g.Rest, c.rest)
			}
			if err := g.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRealServersRecordsAreRead(t *testing.T) {
	for _, c := range []struct {
		name, text, moves string
		komi              float64
		guesses           int
	}{
		{"Fox, Chinese rules", "(;GM[1]FF[4]SZ[19]KM[375]HA[0]RU[Chinese]AP[foxwq]RE[W+R];B[pd];W[dd])", "B:Q16 W:D16", 7.5, 1},
		{"Fox, an older komi", "(;SZ[19]KM[325]RU[Chinese]AP[foxwq:1];B[pd])", "B:Q16", 6.5, 1},
		{"Fox, Japanese rules", "(;SZ[19]KM[650]RU[Japanese]AP[foxwq];B[pd])", "B:Q16", 6.5, 1},
		{"Fox, handicap", "(;SZ[19]KM[50]HA[2]RU[Japanese]AP[foxwq]RE[W+R];B[pd];B[dp];W[dd])", "B:Q16 B:D4 W:D16", 0.5, 1},
		{"Fox, no komi", "(;SZ[19]KM[0]HA[2]AP[foxwq];W[dd])", "W:D16", 0, 0},
		{"hundredths of an unknown server", "(;SZ[19]KM[750];B[pd])", "B:Q16", 7.5, 1},
		{"points", "(;SZ[19]KM[7.5]AP[foxwq];B[pd])", "B:Q16", 7.5, 0},
		{"a high komi", "(;SZ[19]KM[60.5];B[pd])", "B:Q16", 60.5, 0},
		{"the highest komi that is points", "(;SZ[19]KM[99.5];B[pd])", "B:Q16", 99.5, 0},
		{"the lowest that is hundredths", "(;SZ[19]KM[100];B[pd])", "B:Q16", 1, 1},
		{"Fox, the highest komi that is points", "(;SZ[19]KM[24.5]AP[foxwq];B[pd])", "B:Q16", 24.5, 0},
		{"Fox, the lowest that is hundredths", "(;SZ[19]KM[25]AP[foxwq];B[pd])", "B:Q16", 0.5, 1},
		{"Fox, negative hundredths of stones", "(;SZ[19]KM[-375]AP[foxwq];B[pd])", "B:Q16", -7.5, 1},
		{"negative hundredths", "(;SZ[19]KM[-550];B[pd])", "B:Q16", -5.5, 1},
		{"komi in words", "(;SZ[19]KM[six and a half];B[pd])", "B:Q16", 0, 1},
		{"a pasted record in a comment", `(;SZ[19]KM[6.5];B[pd]C[pasted (;FF[4\] text];W[dd];B[pp])`, "B:Q16 W:D16 B:Q4", 6.5, 0},
		{"a whole pasted record", `(;SZ[19];B[pd]C[(;FF[4\]GM[1\];B[aa\])];W[dd])`, "B:Q16 W:D16", 0, 0},
		{"white space inside of points", "(\r\n;\r\nFF[4]\r\nGM[1]\r\n;B[p\r\nd]\r\n;W[ d d ]\r\n)", "B:Q16 W:D16", 0, 0},
		{"no semicolon at first", "(\nTE[9th Cup]\nRD[2000]\nSZ[19]KM[6.5]\n;B[pd];W[dd])", "B:Q16 W:D16", 6.5, 0},
		{"no semicolon after text", "Game (see below)\n(KM[6.5]SZ[9];B[aa])", "B:A9", 6.5, 0},
		{"words after the komi", "(;SZ[19]KM[6.5目];B[pd])", "B:Q16", 6.5, 1},
		{"words after hundredths", "(;SZ[19]KM[375 (Fox)];B[pd])", "B:Q16", 7.5, 2},
		{"cut off after a move", "(;SZ[19];B[pd];W[dd]", "B:Q16 W:D16", 0, 1},
		{"cut off after its main line", "(;SZ[19];B[pd](;W[dd])(;W[pp]", "B:Q16 W:D16", 0, 0},
		{"Big5, with a letter that ends in a backslash", "(;GM[1]SZ[9]CA[Big5]PB[\xb3\x5c\xa5\x5c\xbb\x5c]KM[6.5];B[cc];W[ee])", "B:C7 W:E5", 6.5, 0},
		{"Shift JIS, too", "(;GM[1]SZ[9]CA[shift_jis]GN[\x95\x5c]KM[6.5];B[cc];W[ee])", "B:C7 W:E5", 6.5, 0},
		{"GBK", "(;GM[1]SZ[9]CA[GBK]PW[\xd5\x5c\x91\x5c]KM[6.5];B[cc];W[ee])", "B:C7 W:E5", 6.5, 0},
		{"UTF-16", "\xff\xfe(\x00;\x00G\x00M\x00[\x001\x00]\x00S\x00Z\x00[\x009\x00]\x00P\x00B\x00[\x00\xefg\x01m]\x00K\x00M\x00[\x006\x00.\x005\x00]\x00;\x00B\x00[\x00c\x00c\x00]\x00;\x00W\x00[\x00e\x00e\x00]\x00)\x00", "B:C7 W:E5", 6.5, 0},
		{"another encoding than it says", "(;SZ[9]CA[GBK]PB[柯洁]KM[6.5];B[cc];W[ee])", "B:C7 W:E5", 6.5, 0},
		{"an encoding that is none", "(;SZ[9]CA[nonsense]PB[\xe9]KM[6.5];B[cc];W[ee])", "B:C7 W:E5", 6.5, 0},
		{"capital letters", "(;GM[1]FF[4]SZ[19];B[PD];W[DD];B[TT];W[pp])", "B:Q16 W:D16 B:PASS W:Q4", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parseOne(t, c.text)
			if got := moves(g); got != c.moves || g.Komi != c.komi || len(g.Guesses) != c.guesses || g.Rest != nil {
				t.Errorf("got %s, komi %g, guesses %q, rest %v; should be %s, komi %g, %d guesses", got, g.Komi, g.Guesses, g.Rest, c.moves, c.komi, c.guesses)
			}
		})
	}
}

func TestADamagedGameCostsOnlyItself(t *testing.T) {
	const before, after = "(;GM[1]SZ[9];B[aa];W[bb])", "(;GM[1]SZ[9];B[cc];W[dd])"
	for _, c := range []struct{ name, damage string }{
		{"a point beyond the board", "(;GM[1]SZ[9];B[zz];W[bb](;B[cc])(;B[dd]))"},
		{"a point beyond a small board", "(;GM[1]SZ[9];B[jj];W[bb])"},
		{"cut in a value", "(;GM[1]SZ[9];B[b"},
		{"cut at a value's beginning", "(;GM[1]SZ[9];B["},
		{"cut in a comment", `(;GM[1]SZ[9]C[well \] [`},
		{"cut in a long comment", "(;GM[1]SZ[9]C[" + strings.Repeat("a move (of sorts) ", 9)},
		{"another game", "(;GM[3];B[1];W[2])"},
	} {
		for _, gap := range []string{"", "\n"} {
			t.Run(c.name, func(t *testing.T) {
				var games, errs []string
				for g, err := range Parse("f", []byte(before+c.damage+gap+after)) {
					if err != nil {
						errs = append(errs, err.Error())
					} else {
						games = append(games, moves(g))
					}
				}
				if got := strings.Join(games, ", "); got != "B:A9 W:B8, B:C7 W:D6" || len(errs) != 1 || !strings.HasPrefix(errs[0], "f: game 2: ") {
					t.Errorf("with %q before the next: got %s and %q", gap, got, errs)
				}
			})
		}
	}
	t.Run("a game that is not closed is not damaged", func(t *testing.T) {
		n := 0
		for _, err := range Parse("f", []byte("(;GM[1]SZ[9];B[aa](;W[bb]"+after)) {
			if n++; err != nil {
				t.Error(err)
			}
		}
		if n != 2 {
			t.Errorf("%d games", n)
		}
	})
}

// What has the form of a game's beginning ends a value if it stands within 63 bytes of the value's bracket; farther
// from it, it is text.
func TestANextGameBeginsNearTheEndOfAValueThatHasNone(t *testing.T) {
	for _, c := range []struct {
		space int
		want  string
	}{{0, "B:A9, B:C7"}, {56, "B:A9, B:C7"}, {57, "B:A9, B:C7"}, {58, "B:A9 B:C7"}, {59, "B:A9 B:C7"}, {100, "B:A9 B:C7"}} {
		var games []string
		for g, err := range Parse("f", []byte("(;GM[1]SZ[9];B[aa]C[and then (;"+strings.Repeat(" ", c.space)+"GM[1]SZ[9];B[cc])")) {
			if err != nil {
				t.Fatal(err)
			}
			games = append(games, moves(g))
		}
		if got := strings.Join(games, ", "); got != c.want {
			t.Errorf("with %d blanks: %s, want %s", c.space, got, c.want)
		}
	}
}

func TestParseKeepsWhatIsKnownOfTheGame(t *testing.T) {
	g := parseOne(t, `(;SZ[19]KM[6,5]HA[2]RU[NZ]PB[A \[B\]]PW[C]RE[W+3.5]AB[dp][pd];W[dd];B[pp])`)
	want := Result{White, 3.5, "W+3.5"}
	if g.Komi != 6.5 || g.Handicap != 2 || g.RuleSet != "NZ" || !g.Rules.Suicide || g.Black != "A [B]" || g.White != "C" || g.Result != want || g.First != White {
		t.Errorf("got %+v", g)
	}
	for text, want := range map[string]Result{
		"B+R": {Black, 0, "B+R"}, "b+Resign": {Black, 0, "b+Resign"}, "0": {Empty, 0, "0"}, "Draw": {Empty, 0, "Draw"},
		"W+T": {White, 0, "W+T"}, "": {}, "Void": {Empty, 0, "Void"}, "B+0,5": {Black, 0.5, "B+0,5"}, "?+3": {Empty, 0, "?+3"},
	} {
		if got := ParseResult(text); got != want {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestHandicapStonesGoWhereTheRecordSaysOrCustomHasThem(t *testing.T) {
	for _, c := range []struct {
		name, text string
		black      int
		first      Color
	}{
		{"told", "(;SZ[19]HA[3]AB[aa][bb][cc];W[dd])", 3, White},
		{"told in the second node", "(;SZ[19]HA[2];AB[aa][bb];W[dd])", 2, White},
		{"told as a rectangle", "(;SZ[19]HA[4]AB[cc:dd];W[ee])", 4, White},
		{"not told", "(;SZ[19]HA[4];W[cc])", 4, White},
		{"played", "(;SZ[19]HA[2];B[dd];B[pp];W[dp])", 0, Black},
		{"none", "(;SZ[19]HA[0];B[dd])", 0, Black},
		{"without a move", "(;SZ[19]HA[2]AB[dd][pp])", 2, White},
		{"white begins", "(;SZ[19]PL[W])", 0, White},
		{"taken off again", "(;SZ[19]AB[aa:cc]AE[bb])", 8, Black},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parseOne(t, c.text)
			b, _ := NewBoard(g.Size, g.Rules)
			if err := g.start(b); err != nil {
				t.Fatal(err)
			}
			n := 0
			for p := range Point(b.Points()) {
				if b.Color(p) == Black {
					n++
				}
			}
			if n != c.black || b.ToPlay() != c.first {
				t.Errorf("%d black stones and %v to play, should be %d and %v", n, b.ToPlay(), c.black, c.first)
			}
		})
	}
}

// As many stones are set up as a game may have moves, and no more.
func TestStonesThatAreSetUpHaveABound(t *testing.T) {
	for more, want := range map[string]string{"": "", "AW[aa]": "more than 10000 stones are set up"} {
		n := 0
		for g, err := range Parse("f", []byte("(;SZ[19]"+strings.Repeat("AB[aa:jj]", 100)+more+";W[ss])")) {
			if n++; want == "" && (err != nil || len(g.Setup) != 10_000) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("with %q: %v", more, err)
			}
		}
		if n != 1 {
			t.Errorf("%d games", n)
		}
	}
}

func TestStonesAreSetUpInTheMiddleOfAGame(t *testing.T) {
	g := parseOne(t, "(;SZ[5];B[aa];W[bb];AE[aa]AW[ee];B[ab];W[aa])")
	if len(g.Moves) != 4 {
		t.Fatalf("%d moves", len(g.Moves))
	}
	b, err := g.Final()
	if err != nil || b.Color(0) != White || b.Color(24) != White || b.Color(1) != Black {
		t.Errorf("%v\n%v", err, b)
	}
}

func TestOpenReadsFilesFoldersAndZips(t *testing.T) {
	dir := t.TempDir()
	good := func(x string) string { return "(;SZ[9];B[" + x + "])" }
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o777)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var z bytes.Buffer
	w := zip.NewWriter(&z)
	for _, f := range [][2]string{{"x/c.sgf", good("cc") + good("dd")}, {"read.me", good("aa")}, {"d.SGF", "(;SZ[9];B[zz])" + good("ee")}, {"e.sgf", "nothing"}} {
		f0, _ := w.Create(f[0])
		f0.Write([]byte(f[1]))
	}
	w.Close()
	write("all/1.sgf", []byte(good("aa")))
	write("all/2/3.SGF", []byte(good("bb")))
	write("all/games.zip", z.Bytes())
	write("all/notes.txt", []byte(good("ff")))
	write("all/z-broken.zip", append([]byte("PK\x03\x04"), "nothing more"...))
	odd := write("odd.mgt", []byte(good("gg")))
	var damaged bytes.Buffer
	damaged.Write(z.Bytes())
	damaged.Bytes()[45] ^= 0x55 // in the packed bytes of the first file
	torn := write("torn.zip", damaged.Bytes())
	for _, c := range []struct {
		name  string
		paths []string
		games string
		errs  []string
	}{
		{"a folder", []string{filepath.Join(dir, "all")}, "B:A9, B:B8, B:C7, B:D6, B:E5", []string{"d.SGF: game 1: ", "e.sgf: no game", "z-broken.zip: zip"}},
		{"files", []string{odd, filepath.Join(dir, "all/1.sgf")}, "B:G3, B:A9", nil},
		{"a missing file", []string{filepath.Join(dir, "none"), odd}, "B:G3", []string{"none"}},
		{"an empty folder", []string{t.TempDir()}, "", []string{"no .sgf or .zip"}},
		{"a zip with a damaged file", []string{torn}, "B:E5", []string{"x/c.sgf: ", "d.SGF: game 1", "e.sgf"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var games, errs []string
			for g, err := range Open(c.paths...) {
				if err != nil {
					errs = append(errs, err.Error())
				} else {
					games = append(games, moves(g))
				}
			}
			if got := strings.Join(games, ", "); got != c.games || len(errs) != len(c.errs) {
				t.Fatalf("got %s and %q", got, errs)
			}
			for i, want := range c.errs {
				if !strings.Contains(errs[i], want) {
					t.Errorf("error %q should have %q", errs[i], want)
				}
			}
		})
	}
}

// Every move of a hundred games of strong players, and the golden ones, on another library's board.
func TestWholeGamesGoAsOnAnotherBoard(t *testing.T) {
	archive, err := zip.OpenReader(shared(t, "go-games/tygem-2016-07-train.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	files := map[string][]byte{}
	f, err := archive.File[len(archive.File)/2].Open()
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	all.ReadFrom(f)
	files[archive.File[len(archive.File)/2].Name] = all.Bytes()
	golden, _ := filepath.Glob(shared(t, "go-golden/*.sgf"))
	for _, name := range golden {
		if files[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	compared, captured, kos := 0, 0, 0
	for name, data := range files {
		roots, err := sgf.LoadCollectionSGF(string(data))
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for g, err := range Parse(name, data) {
			if err != nil {
				t.Fatal(err)
			}
			b, _ := NewBoard(g.Size, g.Rules)
			other := sgf.NewBoard(g.Size)
			node := roots[i]
			i++
			for n, m := range g.Moves {
				node = node.MainChild()
				key := "B"
				if m.Color == White {
					key = "W"
				}
				where, ok := node.GetValue(key)
				x, y := m.Point.XY(g.Size)
				if m.Point == Pass {
					if where != "" && where != "tt" {
						t.Fatalf("%v: move %d is a pass, should be %s", g, n+1, where)
					}
					b.Play(m.Color, Pass)
					other.Pass()
					continue
				}
				if !ok || sgf.Point(x, y) != where {
					t.Fatalf("%v: move %d is %s, should be %s", g, n+1, m.Point.Vertex(g.Size), where)
				}
				color := sgf.BLACK
				if m.Color == White {
					color = sgf.WHITE
				}
				if err := other.PlayColour(where, color); err != nil {
					t.Fatal(err)
				}
				if err := b.Play(m.Color, m.Point); err != nil {
					t.Fatal(err)
				}
				for p := range Point(b.Points()) {
					x, y := p.XY(g.Size)
					if c := other.State[x][y]; (c == sgf.BLACK) != (b.Color(p) == Black) || (c == sgf.WHITE) != (b.Color(p) == White) {
						t.Fatalf("%v: after move %d %s is %v", g, n+1, p.Vertex(g.Size), b.Color(p))
					}
				}
				ko := ""
				if b.Ko() != None {
					x, y := b.Ko().XY(g.Size)
					ko = sgf.Point(x, y)
					kos++
				}
				if ko != other.Ko || b.Captured(White) != other.CapturesBy[sgf.BLACK] || b.Captured(Black) != other.CapturesBy[sgf.WHITE] {
					t.Fatalf("%v: after move %d ko %q, should be %q, and prisoners", g, n+1, ko, other.Ko)
				}
				compared++
			}
			captured += b.Captured(Black) + b.Captured(White)
		}
	}
	if compared < 15000 || captured < 500 || kos < 100 {
		t.Errorf("only %d moves, %d stones captured, %d kos", compared, captured, kos)
	}
}

func TestAllGamesOfTheArchiveCanBePlayedButTheEndOfOne(t *testing.T) {
	n, all := 0, 0
	var errs []string
	for g, err := range Open(shared(t, "go-games")) {
		if err != nil {
			t.Error(err)
			continue
		}
		if g.Rest != nil {
			errs = append(errs, fmt.Sprintf("%v: %v", g, g.Rest))
		}
		n++
		all += len(g.Moves)
	}
	if n != 9500 || all != 1_941_983+302 {
		t.Errorf("%d games, %d moves", n, all)
	}
	if len(errs) != 1 || !strings.HasSuffix(errs[0], "games-00000.sgf: game 24: move 303, black at H1: the ko may not be retaken at once") {
		t.Errorf("damaged are %q", errs)
	}
}

func readAll(t testing.TB, data []byte) []*Game {
	t.Helper()
	var games []*Game
	for g, err := range Parse("again", data) {
		if err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		games = append(games, g)
	}
	return games
}

func TestGamesAreWrittenAsTheyAreRead(t *testing.T) {
	for name, record := range map[string]string{
		"an ordinary game":       "(;SZ[19]KM[7.5]RU[Chinese]PB[a]PW[b]RE[W+3.5];B[pd];W[dp];B[];W[])",
		"handicap and set-up":    "(;SZ[13]HA[2]AB[dd][jj]AW[aa];W[gg];B[cc]AE[gg];W[bb])",
		"handicap stones untold": "(;SZ[9]HA[3]KM[0.5];W[ee];B[aa])",
		"no moves":               "(;SZ[9]PL[W])",
		"the largest board":      "(;SZ[25]RU[NZ]KM[-3];B[yy];W[yx];B[xy];W[tt])",
		"suicide":                "(;SZ[5]RU[NZ];B[ab];W[ee];B[ba];W[aa])",
		"names that need care":   `(;SZ[9]PB[x\];y]PW[(\;GM[1\]\\]RE[?];B[aa])`,
	} {
		t.Run(name, func(t *testing.T) {
			game := readAll(t, []byte(record))
			if len(game) != 1 {
				t.Fatalf("%d games", len(game))
			}
			var text bytes.Buffer
			if err := WriteSGF(&text, game[0]); err != nil {
				t.Fatal(err)
			}
			again := readAll(t, text.Bytes())
			if len(again) != 1 {
				t.Fatalf("%s\nare %d games", text.Bytes(), len(again))
			}
			again[0].Name = game[0].Name
			if !reflect.DeepEqual(again[0], game[0]) {
				t.Errorf("%+v\nshould be %+v\nin %s", again[0], game[0], text.Bytes())
			}
		})
	}
	bad := &Game{Size: 9, First: Black, Moves: []Move{{Black, 0}, {White, 0}}}
	if err := WriteSGF(io.Discard, bad); err == nil {
		t.Error("an illegal game is written")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"(;GM[1]FF[4]SZ[19]KM[6.5]RE[B+R];B[pd];W[dp];B[])",
		"(;SZ[5]HA[2]AB[aa:bb]AW[ee]PL[W];W[cc](;B[dd]C[x\\]])(;B[de]))(;GM[1];B[aa];W[aa])",
		"((((;GaMe[1](;Black[tt](((;W[;;(;GM[1",
		"(;SZ[25]RU[NZ];B[yy];W[yx];AE[yy];B[xy])",
		"(;SZ[2];B[aa];W[bb];B[ab];W[ba];B[bb])",
		"(;C[(;SZ[9];B[aa])(;FF[4];W[ii])",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		for g, err := range Parse("f", data) {
			if n++; n > len(data) {
				t.Fatal("more games than bytes")
			}
			if (g == nil) == (err == nil) {
				t.Fatalf("game %v and error %v", g, err)
			}
			if err != nil {
				continue
			}
			seen := 0
			for b, m := range g.Positions() {
				if b.ToPlay() != m.Color || !b.Legal(m.Color, m.Point) {
					t.Fatalf("%v: move %d is not legal", g, seen+1)
				}
				seen++
			}
			var text bytes.Buffer
			if err := WriteSGF(&text, g); err != nil {
				t.Fatal(err)
			}
			again := readAll(t, text.Bytes())
			if len(again) != 1 || fmt.Sprint(again[0].Setup, again[0].First, again[0].Moves, again[0].Size, again[0].Komi) != fmt.Sprint(g.Setup, g.First, g.Moves, g.Size, g.Komi) {
				t.Fatalf("written as %s, it is read as other games", text.Bytes())
			}
			if seen != len(g.Moves) {
				t.Fatalf("%d positions of %d moves", seen, len(g.Moves))
			}
		}
	})
}

func TestNamesBecomeUTF8(t *testing.T) {
	for _, text := range []string{"(;GM[1]SZ[9]CA[Big5]PB[\xb3\x5c\xa5\x5c\xbb\x5c]KM[6.5];B[cc];W[ee])", "\xff\xfe(\x00;\x00G\x00M\x00[\x001\x00]\x00S\x00Z\x00[\x009\x00]\x00P\x00B\x00[\x001\x8a\x9fR\xcb\x84]\x00K\x00M\x00[\x006\x00.\x005\x00]\x00;\x00B\x00[\x00c\x00c\x00]\x00;\x00W\x00[\x00e\x00e\x00]\x00)\x00", "(;GM[1]SZ[9]CA[UTF-8]PB[許功蓋]KM[6.5];B[cc];W[ee])"} {
		if g := parseOne(t, text); g.Black != "許功蓋" {
			t.Errorf("%q is black in %q", g.Black, text)
		}
	}
}

// A file of another kind is one error, however many brackets its bytes hold; text in UTF-16 is none of them.
func TestAFileThatIsNoTextIsOneError(t *testing.T) {
	record := "(;SZ[9];B[aa];W[bb])"
	wide := []byte("\xff\xfe")
	for _, c := range record {
		wide = append(wide, byte(c), 0)
	}
	for name, tt := range map[string]struct {
		data          []byte
		games, errors int
	}{
		"a model with brackets": {[]byte("\x08\x08(;B[aa])\x00(;B[\x01\x02])(;(("), 0, 1},
		"zeros far behind":      {append([]byte(record+strings.Repeat(" ", 600)), make([]byte, 99)...), 1, 0},
		"UTF-16":                {wide, 1, 0},
	} {
		path := filepath.Join(t.TempDir(), "games.sgf")
		if err := os.WriteFile(path, tt.data, 0o666); err != nil {
			t.Fatal(err)
		}
		games, errs := 0, 0
		for g, err := range Open(path) {
			if err != nil {
				errs++
			} else if len(g.Moves) == 2 {
				games++
			}
		}
		if games != tt.games || errs != tt.errors {
			t.Errorf("%s: %d games and %d errors, want %d and %d", name, games, errs, tt.games, tt.errors)
		}
	}
}
