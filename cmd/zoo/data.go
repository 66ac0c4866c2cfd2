package main

import (
	"errors"
	"os"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
)

const dataHelp = "data set, NAME or NAME=FOLDER, or a FOLDER of images; without it the images in the program (" + fashion.Name + ")"

// dataFlag reads NAME or NAME=FOLDER, or a folder of images if no data set has its name.
func dataFlag(text string) (name, dir string) {
	name, dir, named := strings.Cut(text, "=")
	if _, err := datasets.Lookup(text); err != nil && !named {
		if st, err := os.Stat(text); err == nil && st.IsDir() {
			return "folder", text
		}
	}
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
