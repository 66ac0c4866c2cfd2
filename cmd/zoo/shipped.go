package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
)

// shipped is what zoo eval takes where nothing was trained.
const shipped = "lenet5-fashion-mnist"

// isShipped reports whether an argument names weights that are part of the program: a file of that name
// comes first.
func isShipped(arg string) bool {
	_, err := os.Stat(arg)
	return errors.Is(err, fs.ErrNotExist) && slices.Contains(pretrained.Names(), arg)
}

// openWeights opens a weights file, or weights that are part of the program.
func openWeights(arg string) (*weights.Reader, error) {
	if isShipped(arg) {
		return pretrained.Open(arg)
	}
	return weights.Open(arg)
}

// missing adds to the error for a file that does not exist what was probably meant.
func missing(arg string, err error) error {
	if near := weights.Nearest(arg, pretrained.Names()); near != "" && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: did you mean %s, which is part of the program?", err, near)
	}
	return err
}

// newest is the folder of runs, or the weights that are part of the program if there is no run in it.
func (a *app) newest() string {
	if runs, err := train.Runs("runs"); err != nil || len(runs) > 0 {
		return "runs"
	}
	fmt.Fprintf(a.stderr, "no run under runs: evaluating %s, which is part of the program\n", shipped)
	return shipped
}

// embeddedPart is the part of a data set that is in the program, or else the data set itself: weights
// that are part of the program can be evaluated everywhere, with the same result.
func embeddedPart(data string) string {
	if d, err := datasets.Lookup(data + "-small"); err == nil && d.Embedded {
		return d.Name
	}
	return data
}
