package main

import (
	"errors"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
)

// events is a progress bar on a terminal, and plain lines elsewhere.
func (a *app) events() train.Events {
	if terminal(a.stderr) {
		return &train.Bar{W: a.stderr}
	}
	return &train.Lines{W: a.stderr}
}

func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// configError marks an error about a setting as the command line's fault.
func configError(err error) error {
	var c *train.ConfigError
	if errors.As(err, &c) {
		return usage(err)
	}
	return err
}
