package zoo

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A Conv is one convolution by itself, to see its arithmetic; [ParseConv] reads it.
type Conv struct {
	Input    [3]int // channels, height, width
	Kernel   [2]int // height, width
	Filters  int
	Stride   int
	Pad      int // on each side
	Groups   int
	Dilation int
}

// convForm is what a convolution is written like, in errors.
const convForm = "36x36x3,5x5,10,stride=1,pad=0"

// ParseConv reads a convolution as it is written on blackboards: the input's height × width × channels,
// the filters' height × width, their number, and what else is not as usual among stride=1, pad=0,
// groups=1 and dilation=1. In
//
//	36x36x3,5x5,10,stride=1,pad=0
//
// ten filters of 5×5 see an image of 36×36 pixels in three colours.
func ParseConv(text string) (Conv, error) {
	c, err := parseConv(text)
	if err != nil {
		return Conv{}, fmt.Errorf("convolution %q: %w", text, err)
	}
	return c, nil
}

func parseConv(text string) (Conv, error) {
	c := Conv{Stride: 1, Groups: 1, Dilation: 1}
	parts := strings.Split(text, ",")
	if len(parts) < 3 {
		return c, fmt.Errorf("%d parts with commas between: should be input, filter, number of filters, as in %s", len(parts), convForm)
	}
	input, err := numbers("input", parts[0], "height, width and channels, as in 36x36x3", 3)
	if err != nil {
		return c, err
	}
	c.Input = [3]int{input[2], input[0], input[1]}
	filter, err := numbers("filter", parts[1], "height and width, as in 5x5", 2)
	if err != nil {
		return c, err
	}
	c.Kernel = [2]int(filter)
	if c.Filters, err = number("number of filters", parts[2], 1); err != nil {
		return c, err
	}
	options := []struct {
		name  string
		least int
		to    *int
	}{{"stride", 1, &c.Stride}, {"pad", 0, &c.Pad}, {"groups", 1, &c.Groups}, {"dilation", 1, &c.Dilation}}
	given := map[string]bool{}
	for _, part := range parts[3:] {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return c, fmt.Errorf("%q: should be NAME=NUMBER, as in stride=1", part)
		}
		var names []string
		known := false
		for _, o := range options {
			names = append(names, o.name)
			if o.name != name {
				continue
			}
			known = true
			if *o.to, err = number(name, value, o.least); err != nil {
				return c, err
			}
		}
		switch {
		case !known:
			return c, fmt.Errorf("%q is none of %s%s", name, strings.Join(names, ", "), didYouMean(name, names))
		case given[name]:
			return c, fmt.Errorf("%s is given twice", name)
		}
		given[name] = true
	}
	return c, nil
}

// numbers reads n numbers with x between them.
func numbers(what, text, form string, n int) ([]int, error) {
	parts := strings.Split(strings.NewReplacer("×", "x", "X", "x").Replace(text), "x")
	if len(parts) != n {
		return nil, fmt.Errorf("%s %q: should be %s", what, text, form)
	}
	list := make([]int, n)
	for i, p := range parts {
		var err error
		if list[i], err = number(what, p, 1); err != nil {
			return nil, fmt.Errorf("%w: should be %s", err, form)
		}
	}
	return list, nil
}

// number reads a whole number.
func number(what, text string, least int) (int, error) {
	const most = 1 << 20
	n, err := strconv.Atoi(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		return 0, fmt.Errorf("%s: %q is no whole number", what, text)
	case err != nil || n < least || n > most:
		return 0, fmt.Errorf("%s: %s is not from %d to %d", what, strings.TrimSpace(text), least, most)
	}
	return n, nil
}

// InspectConv is [Inspect] for a convolution alone, a report of one layer.
func InspectConv(c Conv) (Report, error) {
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("x", 1, c.Input[0], c.Input[1], c.Input[2])
	b.Conv(x, "conv", c.Filters, c.Kernel[0], graph.Kernel(c.Kernel[0], c.Kernel[1]),
		graph.Stride(c.Stride), graph.Pad(c.Pad), graph.Groups(c.Groups), graph.Dilation(c.Dilation))
	if err := b.Err(); err != nil {
		return Report{}, err
	}
	r := Report{Name: "conv", Input: c.Input, Parameters: b.Params().Count()}
	r.add(b)
	return r, nil
}
