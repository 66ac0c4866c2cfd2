package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// shipped is what zoo eval takes where nothing was trained.
const shipped = "lenet5-fashion-mnist"

// shippedEntry looks up an argument that names weights that are part of the program: a file of that name
// comes first.
func shippedEntry(arg string) (pretrained.Entry, bool) {
	if _, err := os.Stat(arg); !errors.Is(err, fs.ErrNotExist) {
		return pretrained.Entry{}, false
	}
	e, err := pretrained.Lookup(arg)
	return e, err == nil
}

// openWeights opens a weights file, weights that are part of the program, or published ones.
func openWeights(arg string) (*weights.Reader, error) {
	if _, ok := shippedEntry(arg); ok {
		return pretrained.Open(arg)
	}
	if _, ok := publishedEntry(arg); ok {
		return openPublished(arg)
	}
	return infer.Open(arg)
}

// missing is the error for a file that does not exist: it adds what was probably meant, or could be.
func missing(arg string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = exists(arg)
	if failed := listError(); failed != nil {
		return failed
	}
	names := pretrained.Names()
	if near := weights.Nearest(arg, weightsNames()); near != "" {
		if slices.Contains(names, near) {
			near += ", which is part of the program"
		}
		return fmt.Errorf("%w: did you mean %s?", err, near)
	}
	if strings.ContainsAny(arg, `/\.`) { // a path is meant
		return err
	}
	return fmt.Errorf("%w: the weights that are part of the program are %s; zoo weights list shows those that others publish, too", err, strings.Join(names, ", "))
}

// newest is the folder of runs, or weights that are part of the program if there is no run in it: an
// ensemble of at least that many members if one is asked for.
func (a *app) newest(ensemble int) (string, error) {
	if runs, err := train.Runs("runs"); err != nil || len(runs) > 0 {
		return "runs", nil
	}
	name := shipped
	if ensemble > 1 {
		single, err := pretrained.Lookup(shipped)
		if err != nil {
			return "", err
		}
		name = ""
		for _, n := range pretrained.Names() {
			if e, err := pretrained.Lookup(n); err == nil && len(e.Members) >= ensemble && e.Meta.Data == single.Meta.Data {
				name = n
				break
			}
		}
		if name == "" {
			return "", fmt.Errorf("no run under runs, and no ensemble of %d is part of the program: zoo train lenet5 --ensemble %[1]d trains one", ensemble)
		}
	}
	fmt.Fprintf(a.stderr, "no run under runs: evaluating %s, which is part of the program\n", name)
	return name, nil
}

// embeddedPart is the part of a data set that is in the program, or else the data set itself: weights
// that are part of the program can be evaluated everywhere, with the same result.
func embeddedPart(data string) string {
	if d, err := datasets.Lookup(data + "-small"); err == nil && d.Embedded {
		return d.Name
	}
	return data
}

// classifier opens trained weights of any kind to predict with, and fetches those that others publish. It
// tells what a run's folder lacks.
func (a *app) classifier(ctx context.Context, arg string, opts ...infer.Option) (*infer.Classifier, error) {
	if err := a.have(ctx, arg); err != nil {
		return nil, err
	}
	path, s, err := find(arg)
	if err != nil {
		return nil, err
	}
	for _, note := range s.notes {
		fmt.Fprintln(a.stderr, "warning:", note)
	}
	r, err := openWeights(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return infer.LoadFrom(r, opts...)
}
