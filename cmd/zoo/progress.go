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
	if terminal(a.stderr) {
		return &report.Bar{W: a.stderr}
	}
	return &report.Lines{W: a.stderr}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// configError marks an error about a setting as the command line's fault.
func configError(err error) error {
	var c *recipe.ConfigError
	if errors.As(err, &c) {
		return usage(err)
	}
	return err
}
