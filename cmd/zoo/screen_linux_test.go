package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/sys/unix"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// pseudoTerminal is a terminal of so many columns. What was shown on it is told when it is closed.
func pseudoTerminal(t *testing.T, columns int) (terminal *os.File, shown func() string) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo terminal here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	all := make(chan []byte)
	go func() {
		var b bytes.Buffer
		io.Copy(&b, master) // ends in an error when nobody has the terminal open
		all <- b.Bytes()
	}()
	return terminal, func() string {
		terminal.Close()
		return strings.ReplaceAll(string(<-all), "\r\n", "\n")
	}
}

// onScreen runs the command with its output on a terminal of so many columns, and returns what it shows there.
func onScreen(t *testing.T, columns int, args ...string) string {
	t.Helper()
	terminal, shown := pseudoTerminal(t, columns)
	var problems bytes.Buffer
	code := run(context.Background(), args, terminal, &problems)
	out := shown()
	if code != 0 {
		t.Fatalf("zoo %s ends with %d: %s", strings.Join(args, " "), code, &problems)
	}
	return out
}

// On a terminal progress is drawn where it can be, and taken away before results come; elsewhere nothing is drawn.
func TestProgressIsDrawnOnATerminal(t *testing.T) {
	terminal, shown := pseudoTerminal(t, 61)
	var out, drawn bytes.Buffer
	if code := run(t.Context(), words("data verify fashion-mnist-small"), &out, terminal); code != 0 {
		t.Fatal(&out)
	}
	plain := &app{stdout: &out, stderr: &out, screen: &drawn, terminal: &out}
	a := &app{stdout: &out, stderr: &out, screen: &drawn, terminal: terminal}
	if a.width() != 61 || plain.width() != 80 {
		t.Errorf("%d columns on a terminal of 61, %d without", a.width(), plain.width())
	}
	if plain.counter() != nil || plain.dataCounter("test") != nil {
		t.Error("something counts where nothing can be drawn")
	}
	if a.progress() != io.Writer(&drawn) || plain.progress() != io.Writer(&out) {
		t.Error("progress is told in another place")
	}
	if bar, ok := a.events().(*report.Bar); !ok || bar.Width() != 61 {
		t.Errorf("%T on a terminal", a.events())
	}
	if _, ok := plain.events().(*report.Lines); !ok {
		t.Errorf("%T without one", plain.events())
	}
	count := a.counter()
	for _, done := range []int{1, 399, 400, 401, 1200, 1234} {
		count(done, 1234)
	}
	if got, want := drawn.String(), "\r400 of 1,234 positions\r1,200 of 1,234 positions\r\x1b[K"; got != want {
		t.Errorf("positions are counted by %q, want %q", got, want)
	}
	drawn.Reset()
	count = a.dataCounter("test")
	count(3, 2000) // the first is shown at once
	count(2000, 2000)
	if got, want := drawn.String(), "\r\x1b[Ktest: 3 of 2,000 images\r\x1b[Ktest: 2,000 of 2,000 images\r\x1b[K"; got != want {
		t.Errorf("images are counted by %q, want %q", got, want)
	}
	text := shown()
	for _, want := range []string{"train: 10,000 of 10,000 images\r\x1b[K", "test: 2,000 of 2,000 images\r\x1b[K"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q has no %q", text, want)
		}
	}
	if !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("something is left: %q", text)
	}
}

func TestTablesFitScreensOf40To200Columns(t *testing.T) {
	data := t.TempDir()
	for i, class := range []string{"shirt", "a class with a name of very many words", "東京都庁舎の写真を集めたもの東京都庁舎の写真を集めたもの", "supercalifragilisticexpialidociouslysupercalifragilistic", "esc\x1b[31mape"} {
		for n := range 2 {
			img := image.NewGray(image.Rect(0, 0, 28, 28))
			img.SetGray(5+i, 5+n, color.Gray{200})
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(data, "test", class, fmt.Sprintf("a-photograph-with-a-long-name-%d.png", n))
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			other := filepath.Join(data, "train", class, fmt.Sprintf("%d.png", n))
			if err := os.MkdirAll(filepath.Dir(other), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(other, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	runFolder := filepath.Join(t.TempDir(), "run")
	var out bytes.Buffer
	if code := run(context.Background(), []string{"train", "lenet5", "--data", data, "--input", "1x28x28", "--epochs", "1", "--batch", "2", "--out", runFolder}, &out, &out); code != 0 {
		t.Fatal(&out)
	}
	for _, c := range []struct {
		args []string
		rows []string // of the table's first line
		told []string // at 40 columns
	}{
		{[]string{"list"}, []string{"Name ", "Parameters", "Error in the"}, []string{"GMAC"}},
		{[]string{"list", "--weights"}, []string{"Name ", "Trained on", "Error"}, []string{"Size"}},
		{[]string{"weights", "list"}, []string{"Name ", "Top-1/top-5", "Here"}, []string{"Source"}},
		{[]string{"data", "list"}, []string{"Name ", "Training", "Where"}, []string{"About"}},
		{[]string{"inspect", "resnet18"}, []string{"Layer ", "Output", "Parameters"}, []string{"Memory"}},
		{[]string{"inspect", "googlenet"}, []string{"Layer ", "Output", "Parameters"}, []string{"Memory"}},
		{[]string{"eval", runFolder, "--data", data, "--worst", "3"}, []string{"Weights ", "Top-1"}, []string{"Seed"}},
	} {
		for _, columns := range []int{40, 80, 200} {
			out := onScreen(t, columns, c.args...)
			header, table := "", false
			for line := range strings.Lines(out) {
				line = strings.TrimSuffix(line, "\n")
				if strings.HasPrefix(line, c.rows[0]) && header == "" {
					header, table = line, true
				}
				// Sentences stand around tables, behind empty lines.
				if table = table && line != "" || strings.HasPrefix(line, "Class ") || strings.HasPrefix(line, "Image "); !table {
					continue
				}
				if n := text.StringWidth(line); n > columns {
					t.Errorf("zoo %s: %d columns on a screen of %d: %q", strings.Join(c.args, " "), n, columns, line)
				}
			}
			for _, want := range c.rows {
				if !strings.Contains(header, want) {
					t.Errorf("zoo %s on %d columns has no %s:\n%s", strings.Join(c.args, " "), columns, want, out)
				}
			}
			_, told, _ := strings.Cut(out, "40 columns have no room for: ")
			for _, name := range c.told {
				if columns == 40 && !strings.Contains(told, name) {
					t.Errorf("zoo %s on %d columns does not say that %s is left out:\n%s", strings.Join(c.args, " "), columns, name, out)
				}
			}
		}
	}
}
