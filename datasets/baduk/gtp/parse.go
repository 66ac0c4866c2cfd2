package gtp

import "strings"

// A command is one line of input, without what the protocol ignores.
type command struct {
	id   string // digits, or empty
	name string // empty if there is only an id
	args []string
}

// parse reads a line, and says whether it holds a command at all: control characters and comments are
// taken out, tabs are spaces (section 2.4 of the specification).
func parse(line string) (c command, ok bool) {
	line, _, _ = strings.Cut(line, "#")
	words := strings.Fields(clean(line))
	if len(words) == 0 {
		return c, false
	}
	if strings.Trim(words[0], "0123456789") == "" {
		c.id = words[0]
		words = words[1:]
	}
	if len(words) > 0 {
		c.name, c.args = words[0], words[1:]
	}
	return c, true
}

// clean makes spaces of tabs and takes out control characters, which the protocol ignores, line ends among
// them.
func clean(line string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, line)
}

// answer writes what a command gets: "=" or "?", its id, the text and an empty line. The text may not
// have an empty line in it.
func answer(id, text string, failed bool) string {
	sign := "="
	if failed {
		sign = "?"
	}
	text = strings.TrimRight(strings.ReplaceAll(text, "\r", ""), "\n")
	for strings.Contains(text, "\n\n") {
		text = strings.ReplaceAll(text, "\n\n", "\n")
	}
	return sign + id + " " + text + "\n\n"
}
