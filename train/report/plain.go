package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain is a name as it can be shown: what would steer a terminal, break a line or turn the direction of the text, and
// bytes that are no text, are written as Go writes them in a string, \x1b or \u202e. Other names stay as they are.
func Plain(name string) string {
	if strings.IndexFunc(name, steers) < 0 && utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for len(name) > 0 {
		r, n := utf8.DecodeRuneInString(name)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, name[0])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case steers(r) && r < 0x7f: // those after it as JSON has them, too, which escapes only those before
			fmt.Fprintf(&b, `\x%02x`, r)
		case steers(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

// steers reports whether a character does something other than to be seen. Joiners stay: words and emoji of many
// languages need them.
func steers(r rune) bool {
	switch {
	case unicode.IsControl(r):
		return true
	case r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\u200e', r == '\u200f', r == '\u061c': // direction
		return true
	case r == '\u2028', r == '\u2029', r == '\ufeff': // lines
		return true
	}
	return false
}

// Cell is a name for a table that a spreadsheet may open: one that a spreadsheet would take for a formula begins with
// an apostrophe.
func Cell(name string) string {
	name = Plain(name)
	if name != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(name)[0]) {
		return "'" + name
	}
	return name
}

var markdown = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "#", `\#`, "~", `\~`, "$", `\$`, "!", `\!`)

// Markdown is a name in a text of Markdown, in which it has no other meaning.
func Markdown(name string) string { return markdown.Replace(Plain(name)) }
