//go:build unix

package weights

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestASmallFileIsReadWithoutWaiting(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := os.WriteFile(at("file"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("empty"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(at("large"), bytes.Repeat([]byte("x"), 1<<20+1), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("file"), at("link")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(at("pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want, fails string }{
		{name: at("file"), want: "text"},
		{name: at("link"), want: "text"},
		{name: at("empty")},
		{name: at("large"), fails: "more than 1 MB"},
		{name: at("pipe"), fails: "a pipe that nobody writes into"},
		{name: at("none"), fails: "no such file"},
		{name: folder, fails: "a folder"},
		{name: "/dev/zero", fails: "not a regular file"},
		{name: "/dev/null", fails: "not a regular file"},
	} {
		got, err := ReadSmall(c.name, 1<<20)
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v, want an error that says %s", c.name, err, c.fails)
			}
		} else if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}

	// What a shell makes of <(command): a pipe that has a writer, who takes its time.
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	path := fmt.Sprintf("/dev/fd/%d", from.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("no /dev/fd here")
	}
	go func() {
		for range 1000 {
			fmt.Fprint(to, "piped ")
		}
		to.Close()
	}()
	if got, err := ReadSmall(path, 1<<20); err != nil || string(got) != strings.Repeat("piped ", 1000) {
		t.Errorf("a pipe: %d bytes, %v", len(got), err)
	}
}
