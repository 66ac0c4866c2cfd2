package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// events is a progress bar on a terminal, and plain lines elsewhere.
func (a *app) events() report.Events {
	if a.onTerminal() {
		return &report.Bar{W: a.screen, Width: a.width}
	}
	return &report.Lines{W: a.stderr}
}

// progress is where progress is told: where a bar can be drawn, if there is such a place.
func (a *app) progress() io.Writer {
	if a.onTerminal() {
		return a.screen
	}
	return a.stderr
}

// onTerminal reports whether progress can be drawn.
func (a *app) onTerminal() bool {
	f, ok := a.terminal.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// width is the number of the terminal's columns.
func (a *app) width() int {
	if f, ok := a.terminal.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 80
}

// configError marks an error about a setting as the command line's fault.
func configError(err error) error {
	var c *recipe.ConfigError
	if errors.As(err, &c) {
		return usage(err)
	}
	return err
}
