package weights

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func writes(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func TestWriteAtomicallyReplacesTheFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	for _, want := range []string{"first, and longer", "second"} {
		if err := WriteAtomically(path, writes(want)); err != nil {
			t.Fatal(err)
		}
		if got := content(t, path); got != want {
			t.Errorf("file holds %q, want %q", got, want)
		}
	}
	onlyFile(t, dir, "config.json")
}

func TestWriteAtomicallyLeavesTheOldFileOnFailure(t *testing.T) {
	boom := errors.New("boom")
	large := strings.Repeat("new", 100_000) // more than the buffer: some of it is on disk
	for _, tt := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"before the first byte", func(io.Writer) error { return boom }},
		{"within the buffer", func(w io.Writer) error { _ = writes("new")(w); return boom }},
		{"after some of it is on disk", func(w io.Writer) error { _ = writes(large)(w); return boom }},
		{"by a panic", func(w io.Writer) error { _ = writes(large)(w); panic(boom) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "metrics.csv")
			if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
			err := func() (err error) {
				defer func() {
					if r := recover(); r != nil {
						err = r.(error)
					}
				}()
				return WriteAtomically(path, tt.write)
			}()
			if !errors.Is(err, boom) {
				t.Errorf("error %v", err)
			}
			if got := content(t, path); got != "old" {
				t.Errorf("the old file holds %.20q", got)
			}
			onlyFile(t, dir, "metrics.csv")
		})
	}
}

func TestWriteAtomicallyKeepsPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := WriteAtomically(path, writes("x")); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode() != 0o640 {
		t.Errorf("an old file's mode became %v", info.Mode())
	}
	plain, fresh := filepath.Join(dir, "plain"), filepath.Join(dir, "fresh")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := WriteAtomically(fresh, writes("x")); err != nil {
		t.Fatal(err)
	}
	want, _ := os.Stat(plain)
	if got, _ := os.Stat(fresh); got.Mode() != want.Mode() {
		t.Errorf("a new file has mode %v, an ordinary one %v", got.Mode(), want.Mode())
	}
}

func TestWriteAtomicallyFollowsALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", link); err != nil {
		t.Skip("no symbolic links: ", err)
	}
	if err := WriteAtomically(link, writes("new")); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Lstat(link); info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if got := content(t, target); got != "new" {
		t.Errorf("the target holds %q", got)
	}
}

func TestWriteAtomicallyRefuses(t *testing.T) {
	dir := t.TempDir()
	tests := map[string]string{
		"a folder":            dir,
		"a folder not there":  filepath.Join(dir, "missing", "f"),
		"a folder in a file":  filepath.Join(dir, "file", "f"),
		"a name without file": "",
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	// A socket stands for a device: a program with a fault, run as root, would put a file in the place of /dev/null.
	socket := filepath.Join(dir, "socket")
	if l, err := net.Listen("unix", socket); err == nil {
		defer l.Close()
		tests["what is no file"] = socket
	}
	if runtime.GOOS != "windows" && os.Getuid() != 0 { // root may write anywhere
		locked := filepath.Join(dir, "locked")
		if err := os.Mkdir(locked, 0o500); err != nil {
			t.Fatal(err)
		}
		tests["a folder without permission"] = filepath.Join(locked, "f")
	}
	for name, path := range tests {
		t.Run(name, func(t *testing.T) {
			called := false
			err := WriteAtomically(path, func(io.Writer) error { called = true; return nil })
			if err == nil || called || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, write called: %v", err, called)
			}
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				t.Error("a file has taken its place")
			}
		})
	}
}
