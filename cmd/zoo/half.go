package main

import (
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

const halfHelp = "keep weights as 16-bit floats where a layer takes the time of reading them: each is off by at most 0.05 %"

// halfOption is what --half asks of a classifier.
func halfOption(half bool) []infer.Option {
	if !half {
		return nil
	}
	return []infer.Option{infer.Half()}
}

// halves says which layers --half changed.
func halves(layers []string) string {
	if len(layers) == 0 {
		return "no weights of 16 bits: no layer takes the time of reading them"
	}
	return "weights of 16 bits in " + strings.Join(layers, ", ")
}
