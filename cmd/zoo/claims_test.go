package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

// The document of the lecture's claims shows what commands print: each line after a command stands in its output.
func TestTheLecturesClaimsHold(t *testing.T) {
	text, err := os.ReadFile("../../.docs/claims.md")
	if err != nil {
		t.Fatal(err)
	}
	squeezed := func(line string) string { return strings.Join(strings.Fields(line), " ") }
	said := map[string]bool{} // by the last command
	command, commands, lines := "", 0, 0
	for line := range strings.SplitSeq(string(text), "\n") {
		line, shown := strings.CutPrefix(line, "    ")
		switch line = squeezed(line); {
		case !shown || strings.HasPrefix(line, "zoo "): // prose, or a training
			command = ""
		case strings.HasPrefix(line, "$ zoo "):
			var stdout, stderr bytes.Buffer
			command = strings.TrimPrefix(line, "$ zoo ")
			commands++
			if code := run(context.Background(), strings.Fields(command), &stdout, &stderr); code != 0 {
				t.Errorf("zoo %s: exit code %d: %s", command, code, &stderr)
			}
			clear(said)
			for line := range strings.SplitSeq(stdout.String(), "\n") {
				said[squeezed(line)] = true
			}
		case command == "":
			t.Errorf("%q stands after no command", line)
		default:
			if lines++; !said[line] {
				t.Errorf("zoo %s does not say %q", command, line)
			}
		}
	}
	if commands < 20 || lines < 30 {
		t.Errorf("%d commands with %d lines were found: the document has more", commands, lines)
	}
}
