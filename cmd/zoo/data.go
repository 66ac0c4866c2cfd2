package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
)

const dataHelp = "data set, NAME or NAME=FOLDER, or a FOLDER of images or of a known data set's files; without it the images in the program (" + fashion.Name + ")"

// dataFlag reads NAME or NAME=FOLDER, or a folder if no data set has its name: one of images, or of the files of a data
// set that is known.
func dataFlag(text string) (name, dir string, err error) {
	name, dir, named := strings.Cut(text, "=")
	_, unknown := datasets.Lookup(name)
	if named && unknown == nil {
		return name, dir, exists(dir)
	}
	if _, err := datasets.Lookup(text); err == nil {
		return text, "", nil
	}
	st, err := os.Stat(text)
	switch {
	case err == nil && st.IsDir():
		name, err := datasets.Recognise(text)
		return name, text, err
	case err == nil:
		return "", "", fmt.Errorf("%s: a file: data are in a folder", text)
	case strings.ContainsRune(text, filepath.Separator) || strings.ContainsAny(text, "/."):
		return "", "", exists(text)
	}
	return "", "", usage(fmt.Errorf("%w; nor is there a folder of that name", unknown))
}

// exists says that a path does not.
func exists(path string) error {
	_, err := os.Stat(path)
	return err
}

// openData opens a data set.
func openData(name, dir string) (datasets.Split, error) {
	s, err := datasets.Open(name, dir)
	return s, dataError(err)
}

// dataError marks an error about the name of a data set as the command line's fault, and says how one that is not here
// is got.
func dataError(err error) error {
	var missing *datasets.MissingError
	switch {
	case errors.Is(err, datasets.ErrUnknown):
		return usage(err)
	case errors.As(err, &missing):
		if _, no := download.Lookup(missing.Dataset.Name); no == nil {
			return fmt.Errorf("%w; zoo data get %s downloads them", err, missing.Dataset.Name)
		}
	}
	return err
}
