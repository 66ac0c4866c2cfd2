package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestErrorsOfTheSystemAreToldInPlainWords(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"photos/cat", "real"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "file.txt")
	if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("gone", filepath.Join(dir, "link")); err != nil {
		t.Skip(err)
	}
	open := func(name string) error {
		_, err := os.Open(filepath.Join(dir, name))
		return err
	}
	var config struct {
		Epochs int
		Name   string
		Sizes  []int
	}
	decode := func(text string) error { return json.Unmarshal([]byte(text), &config) }
	strict := json.NewDecoder(strings.NewReader(`{"epoch": 1}`))
	strict.DisallowUnknownFields()
	number := func(text string) error {
		_, err := strconv.ParseInt(text, 10, 64)
		return err
	}
	disk := &fs.PathError{Op: "write", Path: "a/b.png", Err: syscall.ENOSPC}

	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"an error of our own", errors.New("top 0: should be at least 1"), "top 0: should be at least 1"},
		{"nothing of that name, but one much like it", open("photo"), "DIR/photo: there is no such file or folder; did you mean DIR/photos?"},
		{"nothing like it", open("elsewhere"), "DIR/elsewhere: there is no such file or folder"},
		{"no folder either", open("foto/new/cat"), "DIR/foto/new/cat: there is no such file or folder; DIR/foto is missing, too"},
		{"a link to nothing", open("link"), "DIR/link: there is no such file or folder; it is a link to gone"},
		{"a file for a folder", open("file.txt/cat"), "DIR/file.txt/cat: DIR/file.txt is a file, not a folder"},
		{"a folder for a file", &fs.PathError{Op: "read", Path: "runs", Err: syscall.EISDIR}, "runs: a folder; it should be a file"},
		{"a full disk", fmt.Errorf("card: %w", disk), "card: a/b.png: no space is left: the disk is full"},
		{"a path that is said already", fmt.Errorf("a/b.png: %w", disk), "a/b.png: no space is left: the disk is full"},
		{"advice after it", fmt.Errorf("%w: did you mean lenet5?", open("photo")), "DIR/photo: there is no such file or folder: did you mean lenet5?"},
		{"two of them", errors.Join(disk, &fs.PathError{Op: "close", Path: "c", Err: syscall.EIO}), "a/b.png: no space is left: the disk is full; c: the disk failed: input/output error"},
		{"a number of the system alone", fmt.Errorf("standard output: %w", syscall.ENOSPC), "standard output: no space is left: the disk is full"},
		{"a renaming", &os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EXDEV}, "a to b: on another disk"},
		{"an address that is taken", &net.OpError{Op: "listen", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, Err: os.NewSyscallError("bind", syscall.EADDRINUSE)},
			"127.0.0.1:80: the address is in use by another program: choose another"},
		{"an unknown machine", &url.Error{Op: "Get", URL: "https://nowhere/x", Err: &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nowhere", IsNotFound: true}}},
			"https://nowhere/x: no machine of that name: is the network there?"},
		{"text that is no JSON", fmt.Errorf("config.json: %w", decode("hello")), "config.json: no JSON from byte 1 on"},
		{"half of a JSON file", fmt.Errorf("config.json: %w", decode(`{"epochs": 1`)), "config.json: JSON that ends too early"},
		{"text for a number", decode(`{"Epochs": "many"}`), "Epochs: text where there should be a whole number"},
		{"a number for a list", decode(`{"Sizes": 3}`), "Sizes: a number where there should be a list"},
		{"a fraction for a whole number", decode(`{"Epochs": 1.5}`), "Epochs: a number where there should be a whole number"},
		{"an unknown key", strict.Decode(&config), `unknown key "epoch"`},
		{"no number", number("many"), `"many" is no whole number`},
		{"too large a number", number("99999999999999999999"), "99999999999999999999 is too large a number"},
		{"an empty file", fmt.Errorf("config.json: %w", io.EOF), "config.json: ends too early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.ReplaceAll(Words(c.err), dir, "DIR"); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
