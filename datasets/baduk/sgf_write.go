package baduk

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteSGF writes a game as SGF, version 4, in a form that [Parse] reads back as the same game but for its
// Name and Number.
func WriteSGF(w io.Writer, g *Game) error {
	if err := g.Check(); err != nil {
		return fmt.Errorf("%v: %w", g, err)
	}
	if w == nil {
		return fmt.Errorf("%v: there is nowhere to write it", g)
	}
	var b bytes.Buffer
	property := func(name, value string) { fmt.Fprintf(&b, "%s[%s]", name, escape.Replace(value)) }
	fmt.Fprintf(&b, "(;GM[1]FF[4]CA[UTF-8]SZ[%d]", g.Size)
	property("KM", strconv.FormatFloat(g.Komi, 'f', -1, 64))
	for _, p := range []struct{ name, value string }{{"RU", g.RuleSet}, {"PB", g.Black}, {"PW", g.White}, {"RE", g.Result.Text}, {"ZJ", g.Judged}} {
		if p.value != "" {
			property(p.name, p.value)
		}
	}
	if g.Handicap != 0 {
		property("HA", strconv.Itoa(g.Handicap))
	}
	if g.From != 0 {
		property("ZF", strconv.Itoa(g.From))
	}
	if len(g.Moves) == 0 {
		property("PL", letterOf[g.First])
	}
	setup := func(after int) {
		for _, s := range g.Setup {
			if s.After == after {
				property([...]string{Empty: "AE", Black: "AB", White: "AW"}[s.Color], coordinates(s.Point, g.Size))
			}
		}
	}
	setup(0)
	for i, m := range g.Moves {
		if i%10 == 0 {
			b.WriteByte('\n')
		}
		b.WriteByte(';')
		property(letterOf[m.Color], coordinates(m.Point, g.Size))
		setup(i + 1)
	}
	b.WriteString("\n)\n")
	_, err := w.Write(b.Bytes())
	return err
}

// letterOf names the players.
var letterOf = [...]string{Empty: "B", Black: "B", White: "W"}

// escape protects what would end a value or look like the next game, and keeps it on its line.
var escape = strings.NewReplacer(`\`, `\\`, `]`, `\]`, `;`, `\;`, "\n", " ", "\r", " ")

// coordinates are a point's two letters, none for a pass.
func coordinates(p Point, size int) string {
	if p < 0 {
		return ""
	}
	x, y := p.XY(size)
	return string([]byte{'a' + byte(x), 'a' + byte(y)})
}
