package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// An output is standard output or standard error of the command. What would steer a terminal is shown in place of being
// done, wherever a name that holds it came from: only what draws on a terminal writes to the file itself. Its first
// error is kept: results that could not be written are a failure.
type output struct {
	file io.Writer
	// before, if not nil, is called before each writing.
	before func()

	mu   sync.Mutex
	rest []byte // the beginning of a letter
	err  error
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	text := append(o.rest, p...)
	o.rest = nil
	// A letter may come in two pieces.
	for i := max(len(text)-utf8.UTFMax+1, 0); i < len(text); i++ {
		if utf8.RuneStart(text[i]) && !utf8.FullRune(text[i:]) {
			o.rest = append([]byte(nil), text[i:]...)
			text = text[:i]
			break
		}
	}
	if o.before != nil {
		o.before()
	}
	if _, err := o.file.Write(shownText(text)); err != nil {
		o.err = err
		return 0, err
	}
	return len(p), nil
}

// Close writes what is left, and returns the first error of all writing.
func (o *output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.rest) > 0 && o.err == nil {
		_, o.err = o.file.Write(shownText(o.rest))
	}
	return o.err
}

// shownText is a text of several lines without what steers a terminal.
func shownText(text []byte) []byte {
	var out []byte
	begun := 0
	for i, c := range text {
		if c == '\n' || c == '\t' {
			out = append(append(out, report.Plain(string(text[begun:i]))...), c)
			begun = i + 1
		}
	}
	return append(out, report.Plain(string(text[begun:]))...)
}

// lost is the error of results that could not be written.
func lost(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("standard output: %w", reason(err))
}

// reason is what the system says of a failure, without the file that it was about.
func reason(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// pngFile refuses a name for a PNG picture that says it is something else.
func pngFile(flag, name string) error {
	if ending := filepath.Ext(name); ending != "" && !strings.EqualFold(ending, ".png") {
		return usage(fmt.Errorf("%s %s: should end in .png", flag, name))
	}
	return nil
}
