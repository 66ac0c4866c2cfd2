package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func newDataVerify(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify NAME[=FOLDER]",
		Short: "Read every image of a data set",
		Long: `Read every image of a data set, count them, and compare their checksum with the published one where it is
known. Images that cannot be read are named, and the exit code is 1.

Images that stand in two parts, or in two classes, are named too: a network that is tested on what it has learned proves
nothing, and one of two classes must be wrong. The exit code is 1 then, too, but for published data sets: theirs are as
they are, and the same for everybody.`,
		Example:           "  zoo data verify fashion-mnist-small\n  zoo data verify folder=photos",
		Args:              arguments(1, 1, "a data set, NAME or NAME=FOLDER"),
		ValidArgsFunction: completeData,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, dir, err := dataFlag(args[0])
			if err != nil {
				return err
			}
			return dataError(a.dataVerify(cmd.Context(), name, dir, asJSON))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object")
	return cmd
}

// verifiedPart is one part of zoo data verify --json.
type verifiedPart struct {
	Part     datasets.Part `json:"part"`
	Images   int           `json:"images"`
	Want     int           `json:"images_expected,omitempty"`
	Classes  []int         `json:"images_of_class"`
	Checksum string        `json:"checksum"`
	// Published is null if no checksum is known.
	Published *bool    `json:"checksum_is_published"`
	Broken    []string `json:"broken"`
}

func (a *app) dataVerify(ctx context.Context, name, dir string, asJSON bool) error {
	d, err := datasets.Lookup(name)
	if err != nil {
		return err
	}
	var faults []error
	parts := []verifiedPart{}
	known := true
	var verified []datasets.Verification
	var notes []string
	for _, part := range []datasets.Part{datasets.Train, datasets.Val, datasets.Test} {
		v, err := datasets.Verify(ctx, name, dir, part, a.dataCounter(string(part)))
		if errors.Is(err, datasets.ErrNoPart) && (part != datasets.Test || len(verified) > 0) {
			continue
		}
		if err != nil {
			return err
		}
		verified = append(verified, v)
		for _, note := range v.Notes {
			if !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
		p := verifiedPart{Part: part, Images: v.Images, Want: v.Want, Classes: v.Classes, Checksum: v.Checksum, Broken: []string{}}
		if v.Published != "" {
			same := v.Checksum == v.Published
			p.Published = &same
		} else {
			known = false
		}
		for _, b := range v.Broken {
			p.Broken = append(p.Broken, b.Err.Error())
		}
		parts = append(parts, p)
		faults = append(faults, v.Err())
	}
	twice, err := datasets.Duplicates(verified)
	if err != nil {
		return err
	}
	fault := errors.Join(faults...)
	if fault != nil {
		fault = fmt.Errorf("%s: %w", name, fault)
	}
	whole := fault == nil
	if len(twice) > 0 && !(whole && known) {
		fault = errors.Join(fault, fmt.Errorf("%s: %s in several parts or classes: keep each in one place", name, report.Plural(len(twice), "image")))
	}
	if dir == "" && !d.Embedded {
		dir = d.Folder()
	}
	if asJSON {
		return errors.Join(a.printJSON(struct {
			Name   string         `json:"name"`
			Folder string         `json:"folder,omitempty"`
			Whole  bool           `json:"whole"`
			Parts  []verifiedPart `json:"parts"`
			// Notes are what was guessed or left out; Twice the images that stand in several parts or classes.
			Notes []string        `json:"notes,omitempty"`
			Twice []verifiedTwice `json:"duplicates"`
		}{name, dir, whole, parts, notes, twiceOf(twice)}), fault)
	}
	if dir == "" {
		dir = "in the program"
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", name, dir)
	for _, p := range parts {
		fmt.Fprintf(a.stdout, "%-5s  %s images, %s; %s\n", p.Part, report.Group(int64(p.Images)), classCounts(p.Classes), p.Checksum)
		for _, b := range p.Broken {
			fmt.Fprintf(a.stdout, "broken %s\n", b)
		}
	}
	for _, note := range notes {
		fmt.Fprintf(a.stdout, "%s\n", note)
	}
	a.printDuplicates(twice)
	switch {
	case !whole:
	case known:
		fmt.Fprintln(a.stdout, "whole: every image was read, and they are the published ones")
	default:
		fmt.Fprintln(a.stdout, "whole: every image was read; no published checksum is known")
	}
	return fault
}

// verifiedTwice is an image that stands in several places, in zoo data verify --json.
type verifiedTwice struct {
	Images  []string `json:"images"`
	Parts   bool     `json:"in_several_parts"`
	Classes bool     `json:"in_several_classes"`
}

func twiceOf(list []datasets.Duplicate) []verifiedTwice {
	all := []verifiedTwice{}
	for _, d := range list {
		v := verifiedTwice{Parts: d.Parts, Classes: d.Classes}
		for _, i := range d.Images {
			v.Images = append(v.Images, i.String())
		}
		all = append(all, v)
	}
	return all
}

// duplicatesShown is how many images that stand twice are named.
const duplicatesShown = 20

// printDuplicates names images that stand in several parts or classes.
func (a *app) printDuplicates(list []datasets.Duplicate) {
	parts, classes := 0, 0
	for i, d := range twiceOf(list) {
		what := "several parts"
		switch {
		case d.Parts && d.Classes:
			what = "several parts and classes"
		case d.Classes:
			what = "several classes"
		}
		if list[i].Parts {
			parts++
		}
		if list[i].Classes {
			classes++
		}
		if i < duplicatesShown {
			fmt.Fprintf(a.stdout, "the same image in %s: %s\n", what, strings.Join(d.Images, ", "))
		}
	}
	if parts+classes > 0 {
		fmt.Fprintf(a.stdout, "in several parts: %s; in several classes: %s\n", report.Plural(parts, "image"), report.Plural(classes, "image"))
	}
}

// classCounts says how many images classes have.
func classCounts(n []int) string {
	if len(n) == 0 {
		return "no classes"
	}
	low, high := slices.Min(n), slices.Max(n)
	text := report.Group(int64(low))
	if high > low {
		text += " to " + report.Group(int64(high))
	}
	return fmt.Sprintf("%s in each of %s", text, report.Plural(len(n), "class"))
}

// dataCounter shows on a terminal how far a count is, now and then.
func (a *app) dataCounter(what string) func(done, of int) {
	if !a.onTerminal() {
		return nil
	}
	var mu sync.Mutex
	var shown time.Time
	most := 0
	return func(done, of int) {
		mu.Lock()
		defer mu.Unlock()
		if most = max(most, done); time.Since(shown) < 100*time.Millisecond && most < of {
			return
		}
		shown = time.Now()
		fmt.Fprintf(a.screen, "\r\x1b[K%s: %s of %s images", what, report.Group(int64(most)), report.Group(int64(of)))
		if most == of {
			fmt.Fprint(a.screen, "\r\x1b[K")
		}
	}
}
