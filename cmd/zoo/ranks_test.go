package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// asRanks runs f as every rank of a group.
func asRanks(n int, f func(c cluster.Comm) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i, c := range cluster.Goroutines(n) {
		all.Go(func() { errs[i] = f(c) })
	}
	all.Wait()
	return errs
}

// Ranks that share the pictures print what one process prints, in its order, what is broken or missing too.
func TestRanksPredictAsOneProcess(t *testing.T) {
	dir := t.TempDir()
	var files []string
	for i := range 7 {
		im := stdimage.NewGray(stdimage.Rect(0, 0, 28, 28))
		for p := range im.Pix {
			im.Pix[p] = uint8(p * (i + 3) % 251)
		}
		im.SetGray(i, i, color.Gray{255})
		var b bytes.Buffer
		if err := png.Encode(&b, im); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.png", i)))
		if err := os.WriteFile(files[i], b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(files[2], []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	args := append(files[:5:5], filepath.Join(dir, "missing.png"), files[5], files[6])
	for _, asJSON := range []bool{false, true} {
		predict := func(c cluster.Comm) (stdout, stderr string, err error) {
			var out, errs bytes.Buffer
			a := &app{stdout: &out, stderr: &errs, group: c}
			classifier, err := a.classifier(t.Context(), "lenet5-fashion-mnist")
			if err != nil {
				return "", "", err
			}
			defer classifier.Close()
			if c == nil {
				err = a.predict(t.Context(), classifier, args, 3, asJSON)
			} else {
				err = a.predictTogether(t.Context(), classifier, args, 3, asJSON)
			}
			return out.String(), errs.String(), err
		}
		wantOut, wantErr, want := predict(nil)
		if lines := strings.Count(wantOut, "\n"); want == nil || lines < 6 || !strings.Contains(wantErr+want.Error(), "missing.png") || !strings.Contains(wantErr+wantOut+want.Error(), "2.png") {
			t.Fatalf("one process: %d lines, %q, %v\n%s", lines, wantErr, want, wantOut)
		}
		for _, n := range []int{2, 3} {
			asRanks(n, func(c cluster.Comm) error {
				out, errs, err := predict(c)
				if c.Rank() == 0 && (out != wantOut || errs != wantErr || err == nil || err.Error() != want.Error()) {
					t.Errorf("JSON %v, %d ranks:\n%s%s%v\none process:\n%s%s%v", asJSON, n, out, errs, err, wantOut, wantErr, want)
				}
				return err
			})
		}
	}
}

// A rank with other weights, or another number of classes to say, does not mix its answers with those of the others.
func TestRanksPredictWithTheSameWeightsAlone(t *testing.T) {
	picture := filepath.Join(t.TempDir(), "1.png")
	var b bytes.Buffer
	if err := errors.Join(png.Encode(&b, stdimage.NewGray(stdimage.Rect(0, 0, 28, 28))), os.WriteFile(picture, b.Bytes(), 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names [2]string
		top   [2]int
		want  string
	}{
		{[2]string{"lenet5-fashion-mnist", "lenet5-mnist"}, [2]int{1, 1}, "ranks differ in the weights: "},
		{[2]string{"lenet5-mnist", "lenet5-mnist"}, [2]int{1, 2}, "ranks differ in what they are asked for: top 1, half false on rank 0, top 2, half false on rank 1"},
	} {
		for rank, err := range asRanks(2, func(g cluster.Comm) error {
			a := &app{stdout: io.Discard, stderr: io.Discard, group: g}
			classifier, err := a.classifier(t.Context(), c.names[g.Rank()])
			if err != nil {
				return err
			}
			defer classifier.Close()
			return a.predictTogether(t.Context(), classifier, []string{picture, picture}, c.top[g.Rank()], false)
		}) {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("rank %d: error %v: want one with %s", rank, err, c.want)
			}
		}
	}
}

func TestRanksShareWhatOneKnows(t *testing.T) {
	calls := make([]int, 3)
	for rank, err := range asRanks(3, func(c cluster.Comm) error {
		got, err := onFirst(c, func() (string, error) { calls[c.Rank()]++; return "runs/001", nil })
		if got != "runs/001" {
			t.Errorf("rank %d is told %q", c.Rank(), got)
		}
		return err
	}) {
		if err != nil || calls[rank] != map[int]int{0: 1}[rank] {
			t.Errorf("rank %d: %d calls, %v", rank, calls[rank], err)
		}
	}
	for rank, err := range asRanks(2, func(c cluster.Comm) error {
		_, err := onFirst(c, func() (string, error) { return "", errors.New("no room") })
		return err
	}) {
		if err == nil || !strings.Contains(err.Error(), "no room") {
			t.Errorf("rank %d does not hear why: %v", rank, err)
		}
	}
	if got, err := onFirst(cluster.Alone(), func() (string, error) { return "alone", nil }); got != "alone" || err != nil {
		t.Errorf("%q, %v", got, err)
	}

	// Members in their order, whoever trained them; one that nobody has trained is left out.
	for rank, err := range asRanks(2, func(c cluster.Comm) error {
		own := []map[int]report.Result{{1: {Folder: "m1"}, 4: {Folder: "m4"}}, {2: {Folder: "m2"}}}[c.Rank()]
		list, err := byMember(c, 4, own)
		var folders []string
		for _, r := range list {
			folders = append(folders, r.Folder)
		}
		if got := strings.Join(folders, " "); got != "m1 m2 m4" {
			t.Errorf("rank %d has %q", c.Rank(), got)
		}
		return err
	}) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

// Of an error that all ranks have one rank speaks.
func TestOneRankTells(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want [2]bool
	}{
		"nothing":         {nil, [2]bool{true, false}},
		"an interruption": {context.Canceled, [2]bool{true, false}},
		"another rank's":  {&cluster.Elsewhere{Rank: 1, Text: "no room"}, [2]bool{false, false}},
		"forgotten":       {cluster.ErrForgotten, [2]bool{false, false}},
		"its own":         {errors.New("no room"), [2]bool{true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			asRanks(2, func(group cluster.Comm) error {
				a := &app{group: group}
				if tell, _ := a.leave(c.err); tell != c.want[group.Rank()] {
					t.Errorf("rank %d tells: %v", group.Rank(), tell)
				}
				if got, want := a.where(errors.New("no room")), []string{"no room", "rank 1: no room"}[group.Rank()]; got != want {
					t.Errorf("%q, should be %q", got, want)
				}
				return nil
			})
		})
	}
	if tell, after := (&app{}).leave(errors.New("x")); !tell {
		t.Error("a process alone does not tell its error")
	} else {
		after()
	}
}
