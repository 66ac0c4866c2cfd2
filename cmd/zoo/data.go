package main

import (
	"errors"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
)

const dataHelp = "data set, NAME or NAME=FOLDER; without it the images in the program (" + fashion.Name + ")"

// dataFlag reads NAME or NAME=FOLDER.
func dataFlag(text string) (name, dir string) {
	name, dir, _ = strings.Cut(text, "=")
	return name, dir
}

// openData opens a data set; that it does not exist is the command line's fault.
func openData(name, dir string) (datasets.Split, error) {
	s, err := datasets.Open(name, dir)
	if errors.Is(err, datasets.ErrUnknown) {
		err = usage(err)
	}
	return s, err
}
