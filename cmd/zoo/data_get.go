package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func newDataGet(a *app) *cobra.Command {
	var opts download.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "get NAME",
		Short: "Download a data set",
		Long: `Download a data set into the user's cache folder, where it is found by its name. A download that was
interrupted goes on where it ended. Files are checked against their published lengths and SHA-256, and every
image is read before the data set appears.`,
		Example:           "  zoo data get mnist\n  zoo train lenet5 --data mnist",
		Args:              arguments(1, 1, "the name of a data set: zoo data list shows them"),
		ValidArgsFunction: completeData,
		RunE: func(cmd *cobra.Command, args []string) error {
			set, err := download.Lookup(args[0])
			if err != nil {
				return dataError(err)
			}
			return a.dataGet(cmd.Context(), set, opts, asJSON)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&opts.Mirrors, "mirror", nil, "address of a folder with the files, to ask first; can be given several times")
	f.DurationVar(&opts.Stall, "stall", 30*time.Second, "how long a mirror may be silent")
	f.BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

func (a *app) dataGet(ctx context.Context, set download.Set, opts download.Options, asJSON bool) error {
	show := &downloads{w: a.progress(), bars: a.onTerminal()}
	opts.Progress = show.progress
	opts.Trouble = func(err error) {
		show.end()
		fmt.Fprintln(a.stderr, report.Words(err))
	}
	r, err := set.Get(ctx, opts)
	show.end()
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(a.stderr, "it goes on with: zoo data get %s\n", set.Name)
	}
	if err != nil {
		return err
	}
	images := map[datasets.Part]int{}
	for _, p := range r.Parts {
		images[p.Part] = p.Images
	}
	if asJSON {
		return a.printJSON(struct {
			Name   string                `json:"name"`
			Folder string                `json:"folder"`
			Had    bool                  `json:"was_there"`
			Images map[datasets.Part]int `json:"images"`
		}{set.Name, r.Dir, r.Had, images})
	}
	there := ""
	if r.Had {
		there = "was there already: "
	}
	fmt.Fprintf(a.stdout, "%s: %s%s training and %s test images in %s\n", set.Name, there,
		report.Group(int64(images[datasets.Train])), report.Group(int64(images[datasets.Test])), r.Dir)
	return nil
}

// downloads shows how far files are: a bar for each on a terminal, elsewhere a line for each that is whole.
type downloads struct {
	w    io.Writer
	bars bool

	file string
	bar  *progressbar.ProgressBar
}

func (d *downloads) progress(p download.Progress) {
	switch {
	case d.bars && (d.bar == nil || d.file != p.File):
		d.end()
		d.bar = progressbar.NewOptions64(p.Size,
			progressbar.OptionSetWriter(d.w),
			progressbar.OptionSetDescription(p.File),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(15),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionUseANSICodes(true),
		)
		fallthrough
	case d.bars:
		d.bar.Set64(p.Done)
	}
	d.file = p.File
	if p.Done == p.Size {
		d.end()
		fmt.Fprintf(d.w, "%s: %s\n", p.File, megabytes(p.Size))
	}
}

// end makes room for a line.
func (d *downloads) end() {
	if d.bar != nil {
		d.bar.Clear()
		d.bar = nil
	}
}
