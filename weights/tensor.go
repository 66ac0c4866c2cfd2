package weights

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Tensor is a named array in row-major order. Names are torchvision's
// ("features.0.weight"). A nil or empty Shape is a scalar: one element.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Spec is a tensor's name and shape without its values.
type Spec struct {
	Name  string
	Shape []int
}

// String gives the spec as errors show it: "fc.weight" (10×512).
func (s Spec) String() string { return quote(s.Name) + " (" + formatShape(s.Shape) + ")" }

// File is a whole weights file in memory. Tensors are written in their order.
type File struct {
	Tensors []Tensor
	Meta    Meta
}

// Specs lists the names and shapes in the order of the file.
func (f *File) Specs() []Spec {
	specs := make([]Spec, len(f.Tensors))
	for i, t := range f.Tensors {
		specs[i] = Spec{t.Name, t.Shape}
	}
	return specs
}

// elements multiplies a shape out. It refuses negative dimensions and products
// that no int holds; like the reference implementation it does so even where
// a later zero would make the product small.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %s has a negative dimension", formatShape(shape))
		}
		if d != 0 && n > math.MaxInt/d {
			return 0, fmt.Errorf("shape %s has more elements than can be addressed", formatShape(shape))
		}
		n *= d
	}
	return n, nil
}

// formatShape writes 64×3×11×11, and stays short for a hostile rank.
func formatShape(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	const most = 8
	var b strings.Builder
	for i, d := range shape {
		if i == most {
			fmt.Fprintf(&b, "×… %d dimensions", len(shape))
			break
		}
		if i > 0 {
			b.WriteString("×")
		}
		if d == -1 { // any, of what is wanted
			b.WriteString("n")
			continue
		}
		b.WriteString(strconv.Itoa(d))
	}
	return b.String()
}

// quote quotes a name that may come from a hostile file: escaped and bounded.
func quote(name string) string {
	const most = 100
	if len(name) <= most {
		return strconv.Quote(name)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return strconv.Quote(name[:cut]) + "…"
}
