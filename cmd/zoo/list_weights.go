package main

import (
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
)

// listedWeights is one entry of zoo list --weights --json.
type listedWeights struct {
	Name      string   `json:"name"`
	Network   string   `json:"network"`
	Variant   string   `json:"variant,omitempty"`
	Data      string   `json:"data"`
	Input     []int    `json:"input"`
	Classes   int      `json:"classes"`
	Members   int      `json:"members"`
	Top1Error *float64 `json:"top1_error,omitempty"` // a fraction; of the whole ensemble
	MSE       *float64 `json:"mse,omitempty"`        // of a value network, in place of an error
	Seed      uint64   `json:"seed"`                 // of the first member
	Command   string   `json:"command,omitempty"`
	Bytes     int64    `json:"bytes"`
}

// listWeights lists the weights that are part of the program. What is told is their files' metadata.
func (a *app) listWeights(pattern string, asJSON bool) error {
	list := []listedWeights{}
	for _, name := range pretrained.Names() {
		match, err := matches(pattern, name)
		if err != nil {
			return err
		}
		if !match {
			continue
		}
		e, err := pretrained.Lookup(name)
		if err != nil {
			return err
		}
		m := e.Meta
		l := listedWeights{name, m.Network, m.Variant, m.Data, m.Input, m.Classes, len(e.Members), nil, nil, m.Seed, m.Command, e.Bytes}
		if top1, ok := e.Error(); ok {
			l.Top1Error = &top1
		}
		if mse, ok := m.Metrics["mse"]; ok {
			l.MSE = &mse
		}
		list = append(list, l)
	}
	if len(list) == 0 {
		return usage(unknown("weights", pattern, pretrained.Names(), "zoo list --weights without a pattern lists all"))
	}
	if asJSON {
		return a.printJSON(list)
	}
	t := newTable(a.stdout, "Name", "Network", "Trained on", "Input", "Classes", "Error", "Size")
	t.SetColumnConfigs(right(5, 6, 7))
	t.spares("Classes", "Input", "Size", "Network")
	for _, l := range list {
		network, shape, top1 := l.Network, "", ""
		if l.Members > 1 {
			network = fmt.Sprintf("%d × %s", l.Members, network)
		}
		if len(l.Input) == 3 {
			shape = report.Shape([3]int(l.Input))
		}
		if l.Top1Error != nil {
			top1 = report.Percent(*l.Top1Error)
		}
		if l.MSE != nil {
			top1 = fmt.Sprintf("MSE %.3f", *l.MSE)
		}
		t.AppendRow(table.Row{l.Name, network, l.Data, shape, l.Classes, top1, report.Bytes(l.Bytes)})
	}
	t.Render()
	return nil
}
