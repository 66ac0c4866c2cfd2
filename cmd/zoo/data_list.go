package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func newDataList(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the data sets and where they are",
		Args:  arguments(0, 0, ""),
		RunE:  func(*cobra.Command, []string) error { return a.dataList(asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of objects")
	return cmd
}

// listedData is one data set of zoo data list --json. What is not known is left out.
type listedData struct {
	Name     string                `json:"name"`
	About    string                `json:"about"`
	Images   map[datasets.Part]int `json:"images,omitempty"`
	Classes  int                   `json:"classes,omitempty"`
	Shape    []int                 `json:"shape,omitempty"` // channels, height, width
	Licence  string                `json:"licence"`
	Embedded bool                  `json:"embedded"`
	Folder   string                `json:"folder,omitempty"`
	Download int64                 `json:"download_bytes,omitempty"`
}

func (a *app) dataList(asJSON bool) error {
	list := []listedData{}
	for _, d := range datasets.List() {
		l := listedData{Name: d.Name, About: d.About, Images: d.Sizes, Classes: len(d.Classes), Licence: d.Licence, Embedded: d.Embedded, Folder: d.Folder()}
		if d.Shape.H > 0 {
			l.Shape = []int{d.Shape.C, d.Shape.H, d.Shape.W}
		}
		if s, err := download.Lookup(d.Name); err == nil {
			l.Download = s.Size()
		}
		list = append(list, l)
	}
	if asJSON {
		return a.printJSON(list)
	}
	t := newTable(a.stdout, "Name", "Training", "Test", "Classes", "Images", "Licence", "Where", "About")
	t.SetColumnConfigs(right(2, 3, 4))
	t.spares("Licence", "Images", "Classes", "About", "Test")
	for _, l := range list {
		shape := ""
		if l.Shape != nil {
			shape = report.Shape([3]int(l.Shape))
		}
		about, _, _ := strings.Cut(l.About, " (") // the paper is in --json
		t.AppendRow(table.Row{l.Name, number(l.Images[datasets.Train]), number(l.Images[datasets.Test]), number(l.Classes), shape, l.Licence, l.where(), about})
	}
	t.Render()
	return nil
}

// where says how the data set is got at.
func (l listedData) where() string {
	switch {
	case l.Embedded:
		return "in the program"
	case l.Folder != "":
		return l.Folder
	case l.Download > 0:
		return fmt.Sprintf("zoo data get %s (%s)", l.Name, megabytes(l.Download))
	}
	return l.Name + "=FOLDER"
}

// number writes a number, or nothing where it is not known.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return report.Group(int64(n))
}

func megabytes(n int64) string {
	if n < 1e6 {
		return fmt.Sprintf("%.1f MB", max(float64(n)/1e6, .1))
	}
	return fmt.Sprintf("%.0f MB", float64(n)/1e6)
}
