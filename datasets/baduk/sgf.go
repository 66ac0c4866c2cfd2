package baduk

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxMoves bounds a game: several times the longest that was ever played, on the largest board.
const maxMoves = 10_000

// Parse reads the games of a file in the Smart Game Format (https://www.red-bean.com/sgf), versions 1 to
// 4: of each its main line, that is the first variation wherever there are several. Name is what errors
// call the file. A game whose beginning is damaged is a nil game with an error; the games after it follow.
// Where a later part is damaged, or a move is illegal, the moves before it are kept, and [Game.Rest] says
// what is missing.
//
// It is lenient where real files are sloppy: text between games, a first node without its semicolon,
// missing brackets at the end of a game, properties in any order and with small letters in their names,
// capital letters and white space in points, moves that share a node, commas in numbers, komi in
// hundredths, a handicap whose stones are not told (they are put on the customary points). What it guesses
// it says in [Game.Guesses]. Text in the encoding that the record names (CA) becomes UTF-8. It insists on what a game
// means: a size from 2 to 25, points on the board, legal moves.
func Parse(name string, data []byte) iter.Seq2[*Game, error] {
	return func(yield func(*Game, error) bool) {
		p := &parser{data: inUTF8(data)}
		for number := 1; p.seek(); number++ {
			g, err := p.game()
			if err != nil {
				g, err = nil, fmt.Errorf("%s: game %d: %w", name, number, err)
			} else {
				g.Name, g.Number = name, number
			}
			if !yield(g, err) {
				return
			}
		}
	}
}

// A parser walks over a file. It keeps a place and no tree, so that no nesting is too deep for it.
type parser struct {
	data []byte
	at   int
}

// seek goes to the next game tree's bracket, past what is no SGF.
func (p *parser) seek() bool {
	for ; p.at < len(p.data); p.at++ {
		if p.data[p.at] == '(' {
			if _, ok := p.opens(p.at); ok {
				return true
			}
		}
	}
	return false
}

// opens says whether a bracket opens a game tree, and returns the name of its first property.
func (p *parser) opens(at int) (first string, ok bool) {
	rest := bytes.TrimLeft(p.data[at+1:min(at+64, len(p.data))], space)
	semicolon := len(rest) > 0 && rest[0] == ';'
	if semicolon {
		rest = bytes.TrimLeft(rest[1:], space)
	}
	n := 0
	for n < len(rest) && letter(rest[n]) {
		n++
	}
	first = capitals(rest[:n])
	if semicolon {
		return first, true
	}
	// Some servers forget the semicolon before what they know of the game.
	return first, rootProperties[first] && n == len(first) && bytes.HasPrefix(bytes.TrimLeft(rest[n:], space), []byte("["))
}

// space is what may stand between the parts of a record.
const space = " \t\r\n\v\f"

// rootProperties are those of the first node, about the record and the game.
var rootProperties = map[string]bool{
	"FF": true, "GM": true, "CA": true, "AP": true, "SZ": true, "KM": true, "HA": true, "RU": true, "RE": true, "PB": true, "PW": true,
	"BR": true, "WR": true, "TE": true, "EV": true, "RD": true, "RO": true, "DT": true, "PC": true, "GN": true, "SO": true, "US": true,
	"TM": true, "OT": true, "LT": true, "GC": true, "ON": true, "AN": true, "CP": true, "ST": true,
}

// begins says whether a bracket begins a game rather than a variation of one that goes on: its first
// property is one that only the first node of a game has.
func (p *parser) begins(at int) bool {
	first, ok := p.opens(at)
	return ok && (first == "GM" || first == "FF" || first == "SZ" || first == "CA")
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// capitals is a property's name without the small letters that FF[1] to FF[3] allow in it.
func capitals(s []byte) string {
	var name [2]byte
	n := 0
	for _, c := range s {
		if c >= 'A' && c <= 'Z' {
			if n == len(name) {
				return "" // no property that matters here is longer
			}
			name[n] = c
			n++
		}
	}
	return string(name[:n])
}

var errUnfinished = errors.New("a value has no closing bracket")

// game reads the game tree at the parser's place and goes past it: whatever is wrong with a game, the
// place is nearer to the end afterwards, and not behind the beginning of the next game.
func (p *parser) game() (*Game, error) {
	g := draft{size: "19"}
	depth := 0
	main := true // on the main line, which ends at the first closing bracket
	name := ""
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '(':
			if depth > 0 && p.begins(p.at) {
				return g.game() // the game before it was not closed
			}
			depth++
			p.at++
			name = ""
		case c == ')':
			depth--
			p.at++
			name = ""
			main = false
			if depth == 0 {
				return g.game()
			}
		case c == ';':
			p.at++
			name = ""
		case c == '[':
			v, err := p.value()
			if err != nil {
				if main {
					g.rest = err
				}
				return g.game()
			}
			if main {
				if err := g.property(name, v); err != nil {
					// The rest of the tree is of no use, but has to be passed.
					main = false
					g.err = err
				}
			}
		case letter(c):
			from := p.at
			for p.at < len(p.data) && letter(p.data[p.at]) {
				p.at++
			}
			name = capitals(p.data[from:p.at])
		default:
			p.at++
		}
	}
	if main {
		g.Guesses = append(g.Guesses, "no bracket closes the game: moves may be missing at its end")
	}
	return g.game()
}

// value reads what is between the bracket at the parser's place and its partner. Escapes stay in it. If
// it has no end, or it ends in what is plainly the next game, the place is that game's beginning.
func (p *parser) value() ([]byte, error) {
	from := p.at + 1
	escaped := false
	for to := from; to < len(p.data); to++ {
		switch c := p.data[to]; {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == ']':
			v := p.data[from:to]
			// A bracket that is escaped was meant to be part of the value.
			if next := bytes.LastIndexByte(v, '('); next >= 0 && len(v)-next < 64 && p.begins(from+next) && bytes.Count(v[next:], []byte("[")) == 1 && bytes.IndexByte(v[next:], '\\') < 0 {
				p.at = from + next
				return nil, errUnfinished
			}
			p.at = to + 1
			return v, nil
		}
	}
	// Nor has any value that begins later.
	p.at = len(p.data)
	return nil, errUnfinished
}

// A draft is a game whose points cannot be told before its size is known.
type draft struct {
	Game
	size   string
	player Color
	moves  []draftMove
	setup  []draftSetup
	komi   string
	fox    bool  // written by the server Fox
	err    error // of the game's beginning
	rest   error // of what comes after the moves
}

type draftMove struct {
	color Color
	text  string
}

type draftSetup struct {
	after int
	color Color
	text  string
}

// property takes note of a value on the main line.
func (d *draft) property(name string, v []byte) error {
	switch name {
	case "GM":
		if s := text(v); s != "1" && s != "" {
			return fmt.Errorf("GM[%s]: not a game of Go", short(s))
		}
	case "SZ":
		d.size = text(v)
	case "AP":
		d.fox = strings.HasPrefix(strings.ToLower(text(v)), "fox")
	case "KM":
		d.komi = text(v)
	case "HA":
		d.Handicap, _ = strconv.Atoi(text(v))
	case "ZF":
		d.From, _ = strconv.Atoi(text(v))
	case "ZJ":
		d.Judged = text(v)
	case "RU":
		d.RuleSet = text(v)
	case "RE":
		d.Result = ParseResult(text(v))
	case "PB":
		d.Black = text(v)
	case "PW":
		d.White = text(v)
	case "PL":
		switch s := strings.ToUpper(text(v)); {
		case strings.HasPrefix(s, "B") || s == "1":
			d.player = Black
		case strings.HasPrefix(s, "W") || s == "2":
			d.player = White
		}
	case "B", "W":
		c := Black
		if name == "W" {
			c = White
		}
		if len(d.moves) == maxMoves {
			d.rest = fmt.Errorf("more than %d moves", maxMoves)
			return nil
		}
		d.moves = append(d.moves, draftMove{c, place(v)})
	case "AB", "AW", "AE":
		c := map[string]Color{"AB": Black, "AW": White, "AE": Empty}[name]
		if len(d.setup) == maxMoves {
			return fmt.Errorf("more than %d stones are set up", maxMoves)
		}
		d.setup = append(d.setup, draftSetup{len(d.moves), c, place(v)})
	}
	return nil
}

// text is a value without escapes and space around it.
func text(v []byte) string {
	if len(v) > 1000 {
		v = v[:1000]
	}
	v = bytes.TrimSpace(v)
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v)
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		if v[i] == '\\' && i+1 < len(v) {
			i++
		}
		out = append(out, v[i])
	}
	return string(out)
}

// place is the value of a move or set-up without white space, cut where no such value reaches.
func place(v []byte) string {
	return strings.Join(strings.Fields(string(v[:min(len(v), 64)])), "")
}

// short is the beginning of a value, of whole letters.
func short(s string) string {
	s = s[:min(len(s), 20)]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

// game makes a game of the draft, and plays it through.
func (d *draft) game() (*Game, error) {
	if d.err != nil {
		return nil, d.err
	}
	g := d.Game
	wide, high, rectangle := strings.Cut(d.size, ":")
	size, err := strconv.Atoi(strings.TrimSpace(wide))
	if rectangle && strings.TrimSpace(high) != strings.TrimSpace(wide) {
		return nil, fmt.Errorf("SZ[%s]: boards are square here, with one number from %d to %d", short(d.size), MinSize, MaxSize)
	}
	if err != nil || size < MinSize || size > MaxSize {
		return nil, fmt.Errorf("SZ[%s]: should be from %d to %d", short(d.size), MinSize, MaxSize)
	}
	g.Size = size
	d.readKomi(&g)
	switch s := strings.ToUpper(g.RuleSet); {
	case strings.HasPrefix(s, "NZ"), strings.HasPrefix(s, "NEW ZEALAND"), strings.HasPrefix(s, "GOE"),
		strings.HasPrefix(s, "ING"), strings.HasPrefix(s, "TROMP"):
		g.Rules.Suicide = true
	}
	for _, s := range d.setup {
		stones, err := s.add(g.Setup, size)
		if err == nil && len(stones) > maxMoves {
			err = fmt.Errorf("more than %d stones are set up", maxMoves)
		}
		if err != nil {
			if s.after == 0 {
				return nil, err
			}
			// The moves before it are as they were played.
			d.rest, d.moves = fmt.Errorf("after move %d: %w", s.after, err), d.moves[:s.after]
			break
		}
		g.Setup = stones
	}
	for i, m := range d.moves {
		p, err := point(m.text, size)
		if err != nil {
			d.rest = fmt.Errorf("move %d: %w", i+1, err)
			break
		}
		g.Moves = append(g.Moves, Move{m.color, p})
	}
	if err := g.begin(d.player); err != nil {
		return nil, err
	}
	legal, err := g.legal()
	switch {
	case legal < 0:
		return nil, err
	case err != nil:
		d.rest, g.Moves = err, g.Moves[:legal]
	}
	if d.rest != nil {
		if len(g.Moves) == 0 {
			return nil, d.rest
		}
		// What is set up after the last move is what is damaged, or of no use without what follows.
		g.Setup = slices.DeleteFunc(g.Setup, func(s Setup) bool { return s.After >= len(g.Moves) })
	}
	g.Rest = d.rest
	if g.From < 0 || g.From > len(g.Moves) {
		g.From = 0
	}
	return &g, nil
}

// number is what a komi with words after it begins with.
var number = regexp.MustCompile(`^\s*[-+]?\d+([.,]\d+)?`)

// readKomi reads the komi; many records have words in it. Fox writes it in hundredths: of a point, or of a
// stone, which is two points, under Chinese rules (KM[375] is 7.5, KM[650] is 6.5). Nobody gives a komi of
// a hundred points: a number so large is read alike in other records.
func (d *draft) readKomi(g *Game) {
	v, err := decimal(d.komi)
	if begins := number.FindString(d.komi); err != nil && begins != "" {
		if v, err = decimal(begins); err == nil {
			g.Guesses = append(g.Guesses, fmt.Sprintf("KM[%s] is taken for %g", short(d.komi), v))
		}
	}
	if err != nil {
		if strings.TrimSpace(d.komi) != "" {
			g.Guesses = append(g.Guesses, fmt.Sprintf("KM[%s] is no number: komi is taken for 0", short(d.komi)))
		}
		return
	}
	g.Komi = v
	hundredths := math.Abs(v) >= 100 || d.fox && math.Abs(v) >= 25
	if !hundredths {
		return
	}
	g.Komi = v / 100
	// 2.5 to 3.75 stones are the komis that Chinese rules have had; no points are counted in quarters.
	if math.Mod(math.Abs(v), 50) == 25 {
		g.Komi = v / 50
	}
	g.Guesses = append(g.Guesses, fmt.Sprintf("KM[%s] is taken for hundredths: komi %g", short(d.komi), g.Komi))
}

// begin finds who is to play first, and puts handicap stones that are not told on their points.
func (g *Game) begin(said Color) error {
	blacks := 0
	for _, s := range g.Setup {
		if s.After == 0 && s.Color == Black {
			blacks++
		}
	}
	white := len(g.Moves) > 0 && g.Moves[0].Color == White || len(g.Moves) == 0 && said == White
	if g.Handicap >= 2 && blacks == 0 && white {
		points, err := HandicapPoints(g.Handicap, g.Size)
		if err != nil {
			return err
		}
		handicap := make([]Setup, 0, len(points)+len(g.Setup))
		for _, p := range points {
			handicap = append(handicap, Setup{0, Stone{Black, p}})
		}
		g.Setup = append(handicap, g.Setup...) // what is set up later comes later
	}
	switch {
	case len(g.Moves) > 0:
		g.First = g.Moves[0].Color
	case said != Empty:
		g.First = said
	case g.Handicap >= 2 && blacks >= 2:
		g.First = White
	default:
		g.First = Black
	}
	return nil
}

// add appends the stones of a set-up value: a point, or two opposite corners of a rectangle.
func (s draftSetup) add(to []Setup, size int) ([]Setup, error) {
	from, till, _ := strings.Cut(s.text, ":")
	if till == "" {
		till = from
	}
	p, err := point(strings.TrimSpace(from), size)
	q, err2 := point(strings.TrimSpace(till), size)
	if err = errors.Join(err, err2); err != nil || p < 0 || q < 0 {
		return nil, fmt.Errorf("set-up of %q: should be a point on a board of %d×%d, or a rectangle as aa:cc", s.text, size, size)
	}
	px, py := p.XY(size)
	qx, qy := q.XY(size)
	for x := min(px, qx); x <= max(px, qx); x++ {
		for y := min(py, qy); y <= max(py, qy); y++ {
			to = append(to, Setup{s.after, Stone{s.color, At(x, y, size)}})
		}
	}
	return to, nil
}

// point reads a point or pass: no letters or, on boards up to 19, "tt".
func point(s string, size int) (Point, error) {
	if s == "" || strings.EqualFold(s, "tt") && size <= 19 {
		return Pass, nil
	}
	if len(s) == 2 && letter(s[0]) && letter(s[1]) {
		x, y := int((s[0]|0x20)-'a'), int((s[1]|0x20)-'a')
		if x < size && y < size {
			return At(x, y, size), nil
		}
	}
	return None, fmt.Errorf("point %q: should be two letters from a to %c", s, 'a'+size-1)
}
