package weights

import (
	"fmt"
	"slices"
	"strings"
)

// A MismatchError lists how the tensors of a file differ from what a network
// wants, each list in the order of its source.
type MismatchError struct {
	Missing    []Spec // wanted, not there
	Unexpected []Spec // there, not wanted
	Shapes     []ShapeMismatch
}

// ShapeMismatch is a tensor that is there with another shape than wanted.
type ShapeMismatch struct {
	Name       string
	Have, Want []int
}

// Match compares the tensors that are there with those that a network wants.
// It gives nil if names and shapes agree, in whatever order, and otherwise a
// *[MismatchError].
func Match(have, want []Spec) error {
	there := make(map[string][]int, len(have))
	for _, s := range have {
		there[s.Name] = s.Shape
	}
	var e MismatchError
	wanted := make(map[string]bool, len(want))
	for _, s := range want {
		wanted[s.Name] = true
		if shape, ok := there[s.Name]; !ok {
			e.Missing = append(e.Missing, s)
		} else if !slices.Equal(shape, s.Shape) {
			e.Shapes = append(e.Shapes, ShapeMismatch{s.Name, shape, s.Shape})
		}
	}
	for _, s := range have {
		if !wanted[s.Name] {
			e.Unexpected = append(e.Unexpected, s)
		}
	}
	if len(e.Missing)+len(e.Unexpected)+len(e.Shapes) == 0 {
		return nil
	}
	return &e
}

// Error is one line: the counts, and about ten tensors shared among the three
// kinds, missing ones with the nearest of the unexpected.
func (e *MismatchError) Error() string {
	kinds := 0
	for _, n := range []int{len(e.Missing), len(e.Unexpected), len(e.Shapes)} {
		kinds += min(n, 1)
	}
	most := 10 / max(kinds, 1)

	parts := []string{}
	part := func(n int, what string, show func(i int) string) {
		if n == 0 {
			return
		}
		var list []string
		for i := range min(n, most) {
			list = append(list, show(i))
		}
		if n > most {
			list = append(list, fmt.Sprintf("and %d more", n-most))
		}
		parts = append(parts, fmt.Sprintf("%d %s: %s", n, what, strings.Join(list, ", ")))
	}
	part(len(e.Shapes), "of the wrong shape", func(i int) string {
		s := e.Shapes[i]
		return fmt.Sprintf("%s (%s, wanted %s)", quote(s.Name), formatShape(s.Have), formatShape(s.Want))
	})
	part(len(e.Missing), "missing", func(i int) string {
		if near := e.candidate(e.Missing[i]); near != "" {
			return e.Missing[i].String() + " [is it " + quote(near) + "?]"
		}
		return e.Missing[i].String()
	})
	part(len(e.Unexpected), "unexpected", func(i int) string { return e.Unexpected[i].String() })
	return "the tensors are not the network's: " + strings.Join(parts, "; ")
}

// candidate gives the unexpected tensor that a missing one may be: of the same
// shape, the one of the nearest name, or the only one; failing that, the nearest
// name of any shape.
func (e *MismatchError) candidate(missing Spec) string {
	var all, same []string
	for _, s := range e.Unexpected {
		all = append(all, s.Name)
		if slices.Equal(s.Shape, missing.Shape) {
			same = append(same, s.Name)
		}
	}
	if near := Nearest(missing.Name, same); near != "" {
		return near
	}
	if len(same) == 1 {
		return same[0]
	}
	return Nearest(missing.Name, all)
}
