package main

import (
	"fmt"
	"io"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// inspectConv shows the arithmetic of one convolution.
func (a *app) inspectConv(text string, asJSON bool) error {
	c, err := zoo.ParseConv(text)
	if err != nil {
		return usage(err)
	}
	r, err := zoo.InspectConv(c)
	if err != nil {
		return usage(fmt.Errorf("convolution %q: %w", text, err))
	}
	if asJSON {
		return a.printJSON(r)
	}
	printConv(a.stdout, c, r)
	return nil
}

// printConv writes sizes as lectures do, height × width × channels.
func printConv(w io.Writer, c zoo.Conv, r zoo.Report) {
	l := r.Layers[0]
	depth := c.Input[0] / c.Groups
	fmt.Fprintf(w, "input          %d×%d×%d\n", c.Input[1], c.Input[2], c.Input[0])
	fmt.Fprintf(w, "filters        %d of %d×%d×%d, stride %d, padding %d", c.Filters, c.Kernel[0], c.Kernel[1], depth, c.Stride, c.Pad)
	if c.Dilation > 1 {
		fmt.Fprintf(w, ", dilation %d", c.Dilation)
	}
	if c.Groups > 1 {
		fmt.Fprintf(w, ", in %d groups", c.Groups)
	}
	size := fmt.Sprintf("%d×%d×%d", l.Out[1], l.Out[2], l.Out[0])
	taps := fmt.Sprintf("%d·%d·%d", c.Kernel[0], c.Kernel[1], depth)
	fmt.Fprintf(w, "\noutput         %s: %s\n", size, l.Formula)
	fmt.Fprintf(w, "parameters     (%s + 1)·%d = %s\n", taps, c.Filters, report.Group(r.Parameters))
	fmt.Fprintf(w, "multiply-adds  %s for each of %s = %s\n", taps, size, report.Group(r.MACs))
}
