package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// Flags' numbers may be the least and the most that is named, and nothing beyond.
func TestNumbersOfFlagsMayBeTheirBounds(t *testing.T) {
	for name, b := range bounds {
		for _, c := range []struct {
			value float64
			ok    bool
		}{
			{b.least, true}, {b.most, true}, {math.Nextafter(b.least, math.Inf(-1)), false}, {math.Nextafter(b.most, math.Inf(1)), false}, {math.NaN(), false}, {math.Inf(1), false},
		} {
			err := b.check("x", strconv.FormatFloat(c.value, 'g', -1, 64))
			if (err == nil) != c.ok || err != nil && !strings.HasSuffix(err.Error(), ": should be "+b.want) {
				t.Errorf("%s: %v: %v", name, c.value, err)
			}
		}
		// Where the text names both ends they are these, or 0 has a meaning of its own.
		if low, rest, ok := strings.Cut(b.want, " to "); ok {
			high, _, _ := strings.Cut(rest, ",")
			high, _, _ = strings.Cut(high, " ")
			if most, err := strconv.ParseFloat(high, 64); err == nil && most != b.most {
				t.Errorf("%s: at most %v, and is said to be %s", name, b.most, b.want)
			}
			if least, err := strconv.ParseFloat(low, 64); err == nil && least != b.least && !strings.Contains(b.want, "or 0") {
				t.Errorf("%s: at least %v, and is said to be %s", name, b.least, b.want)
			}
		}
	}
	for value, ok := range map[string]bool{"1ns": true, "0s": false, "-1s": false, "1h": true, "2000000000s": false, "soon": false} {
		if err := stallBound.check("stall", value); (err == nil) != ok {
			t.Errorf("--stall %s: %v", value, err)
		}
	}
}

func TestTextsAreBrokenWhereTheyMayBe(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"one two", 7, "one two"}, {"one two", 6, "one\ntwo"}, {"one two", 3, "one\ntwo"}, {"one two", 2, "on\ne\ntw\no"}, {"runs/a-b_c.d", 5, "runs/\na-b_\nc.d"}, {"runs/a-b_c.d", 12, "runs/a-b_c.d"},
		{"東京都", 4, "東京\n都"}, {"東京", 1, "東\n京"}, {"", 3, ""}, {"a  b", 2, "a\nb"}, {"abc  def", 3, "abc\ndef"}, {"trailing ", 8, "trailing"}, {"abcdef/g", 4, "abcd\nef/g"},
	} {
		if got := broken(c.text, c.width); got != c.want {
			t.Errorf("%q in %d columns: %q, want %q", c.text, c.width, got, c.want)
		}
	}
	if got, want := pieces("a b/c--d"), []string{"a ", "b/", "c-", "-", "d"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	columns := func(widths ...int) (list []fittedColumn) {
		for _, w := range widths {
			list = append(list, fittedColumn{width: w})
		}
		return list
	}
	if n := total(columns(3, 4, 5)); n != 3+2+4+2+5 {
		t.Errorf("%d columns, want 16", n)
	}
	unseen := columns(3, 4, 5)
	unseen[1].unseen = true
	if n := total(unseen); n != 3+2+5 {
		t.Errorf("%d columns, want 10", n)
	}
	for _, c := range []struct {
		widths []int
		room   int
		want   []int
		ok     bool
	}{
		{[]int{10, 6, 4}, 24, []int{10, 6, 4}, true}, {[]int{10, 6, 4}, 21, []int{7, 6, 4}, true}, {[]int{10, 6, 4}, 19, []int{5, 6, 4}, true}, {[]int{6, 6, 4}, 19, []int{5, 6, 4}, true},
		{[]int{10, 6, 4}, 16, []int{4, 4, 4}, true}, {[]int{10, 6, 4}, 15, []int{4, 4, 4}, false}, {[]int{3, 3}, 5, []int{3, 3}, false},
	} {
		list := columns(c.widths...)
		ok := shrink(list, c.room, func(fittedColumn) int { return 4 })
		var got []int
		for _, l := range list {
			got = append(got, l.width)
		}
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%v in %d: %v, %v; want %v, %v", c.widths, c.room, got, ok, c.want, c.ok)
		}
	}
}

func TestNumbersArePrintedAtTheirBorders(t *testing.T) {
	for p, want := range map[float32]string{0: "", 1: strings.Repeat("█", 20), .5: strings.Repeat("█", 10), .05: "█", 1. / 160: "▏", 7. / 160: "▉", .003: "", .0032: "▏", 9. / 160: "█▏"} {
		if got := probabilityBar(p); got != want {
			t.Errorf("%v: %q, want %q", p, got, want)
		}
	}
	for p, want := range map[float32]string{0: "  0.00 %", 1: "100.00 %", .12345: " 12.35 %"} {
		if got := percent(p); got != want {
			t.Errorf("%v: %q, want %q", p, got, want)
		}
	}
	for n, want := range map[int64]string{1: "0.1 MB", 149_000: "0.1 MB", 999_999: "1.0 MB", 1_000_000: "1 MB", 30_600_000: "31 MB"} {
		if got := megabytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "", 1: "1", 60000: "60,000"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{{"", "vgg16", true}, {"vgg*", "vgg16", true}, {"GG", "vgg16", true}, {"vgg", "resnet18", false}, {"*18", "resnet18", true}, {"r*18", "vgg16", false}} {
		if got, err := matches(c.pattern, c.name); err != nil || got != c.want {
			t.Errorf("%q for %s: %v, %v", c.pattern, c.name, got, err)
		}
	}
	if _, err := matches("[", "vgg16"); err == nil {
		t.Error("half a pattern is one")
	}
}

// Up to twenty classes are shown one by one, of more those ten with the least recall.
func TestClassesAreShownOneByOneWhereTheyAreFew(t *testing.T) {
	for n, want := range map[int]int{1: 1, 19: 19, 20: 20, 21: 10, 200: 10} {
		var list []report.ClassResult
		for i := range n {
			list = append(list, report.ClassResult{Name: fmt.Sprint("c", i), Images: 5, Recall: report.Some(float64(i) / 200), Precision: report.Some(.5)})
		}
		var out bytes.Buffer
		(&app{stdout: &out}).printClasses(report.Evaluation{Classes: append(list, report.ClassResult{Name: "neither of it nor taken for it"})})
		if got := strings.Count(out.String(), "50.00 %"); got != want || strings.Contains(out.String(), "neither") {
			t.Errorf("%d classes: %d are shown, want %d", n, got, want)
		}
		if said := strings.Contains(out.String(), fmt.Sprintf("the worst of %d classes", n)); said != (n > 20) {
			t.Errorf("%d classes: %s", n, out.String())
		}
	}
	var out bytes.Buffer
	(&app{stdout: &out}).printClasses(report.Evaluation{Classes: []report.ClassResult{{Name: "taken for it", Predicted: 1}}})
	if !strings.Contains(out.String(), "taken for it") {
		t.Errorf("a class without images that others were taken for: %q", out.String())
	}
	out.Reset()
	(&app{stdout: &out}).printClasses(report.Evaluation{Classes: []report.ClassResult{{Name: "nothing"}}})
	if out.Len() > 0 {
		t.Errorf("nothing to show: %q", out.String())
	}
}

// Pictures are handed on in groups, in their order; the last group has what is left.
func TestPicturesAreHandedOnInGroups(t *testing.T) {
	for _, n := range []int{0, 1, groupSize - 1, groupSize, groupSize + 1, 3 * groupSize} {
		var args, got []string
		for i := range n {
			args = append(args, filepath.Join(t.TempDir(), fmt.Sprint(i)))
		}
		free := make(chan *group, 100)
		for range cap(free) {
			free <- &group{}
		}
		var sizes []int
		fillGroups(context.Background(), args, free, func(g *group) bool {
			if g.first != (len(sizes) == 0) {
				t.Errorf("%d pictures: group %d is the first: %v", n, len(sizes), g.first)
			}
			for _, err := range g.errs {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("a picture that is not there: %v", err)
				}
			}
			sizes, got = append(sizes, len(g.files)), append(got, g.files...)
			return true
		})
		want := slices.Repeat([]int{groupSize}, n/groupSize)
		if n%groupSize > 0 {
			want = append(want, n%groupSize)
		}
		if !slices.Equal(sizes, want) || !slices.Equal(got, args) {
			t.Errorf("%d pictures: groups of %d, want %d", n, sizes, want)
		}
	}
}

// A picture's bytes go where there is room for them already; a larger one gets new room.
func TestPicturesAreReadIntoTheRoomThatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.png")
	room := make([]byte, 0, 8)
	for _, c := range []struct {
		size int
		same bool
	}{{0, true}, {1, true}, {7, true}, {8, true}, {9, false}} {
		text := strings.Repeat("x", c.size)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := readImage(room, path)
		if err != nil || string(got) != text {
			t.Errorf("%d bytes: %q, %v", c.size, got, err)
		}
		if same := &got[:1][0] == &room[:1][0]; same != c.same {
			t.Errorf("%d bytes in room for 8: the same room %v", c.size, same)
		}
	}
}
