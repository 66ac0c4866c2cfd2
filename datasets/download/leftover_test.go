package download

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patient is quick, and waits for a server as long as the test has time.
func patient(dir string) Options {
	o := quick(dir)
	o.Stall = time.Minute
	return o
}

// leave writes what an earlier download left.
func leave(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestWhateverWasLeftTheFilesAreRight(t *testing.T) {
	set, files := toy()
	train := files["train.bin"]
	for _, c := range []struct {
		name, file string
		data       []byte
		asked      []string // for train.bin
	}{
		{"the whole file", "train.bin", train, nil},
		{"the whole file, not yet called so", "train.bin.part", train, nil},
		{"its beginning", "train.bin.part", train[:1000], []string{"0 train.bin bytes=1000-"}},
		{"more than the file", "train.bin.part", append(slices.Clone(train), 1), []string{"0 train.bin"}},
		{"its beginning, called a whole file", "train.bin", train[:1000], []string{"0 train.bin"}},
		{"a set that was being put together", "../set/other.bin", []byte("x"), []string{"0 train.bin"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked *log
			set.Mirrors, asked = serve(t, files, good)
			opts := patient(t.TempDir())
			leave(t, filepath.Join(opts.Dir, ".toy.part", "files", c.file), c.data)
			told := map[string]Progress{}
			opts.Progress = func(p Progress) { told[p.File] = p }
			r, err := set.Get(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(r.Dir, "train.bin")); err != nil || !bytes.Equal(got, train) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			var requests []string
			for _, a := range asked.asked() {
				if strings.Contains(a, "train.bin") {
					requests = append(requests, a)
				}
			}
			if !slices.Equal(requests, c.asked) {
				t.Errorf("asked for %q, want %q", requests, c.asked)
			}
			if c.file == "train.bin" && c.asked == nil && told["train.bin"].Done != int64(len(train)) {
				t.Errorf("told %v of what was there", told["train.bin"])
			}
			if names, _ := filepath.Glob(filepath.Join(r.Dir, "*")); len(names) != 2 {
				t.Errorf("the folder has %q", names)
			}
		})
	}
}

// A file whose size nobody has published may have come whole already, or have another end than its server says.
func TestAFileOfUnknownSizeGoesOn(t *testing.T) {
	starred := func(w http.ResponseWriter, r *http.Request, data []byte, _ int) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 1000-%d/*", len(data)-1))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(data[1000:])
	}
	for _, c := range []struct {
		name   string
		here   func(data []byte) []byte
		server mirror
		fails  string
	}{
		{"it is whole", func(data []byte) []byte { return data }, good, ""},
		{"it is longer", func(data []byte) []byte { return append(slices.Clone(data), 1) }, good, ""},
		{"it is its beginning", func(data []byte) []byte { return data[:1000] }, good, ""},
		{"the server does not know its size", func(data []byte) []byte { return data[:1000] }, starred, ""},
		{"the server has less than is here", func(data []byte) []byte { return append(slices.Clone(data), 1) }, whole, "says that the file has 196608 bytes, of which 196609 are here"},
		{"it is of another file", func(data []byte) []byte { return make([]byte, 1000) }, good, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, data, _ := remote(t, c.server)
			to := filepath.Join(t.TempDir(), "net.pth")
			leave(t, to+".part", c.here(data))
			err := Fetch(t.Context(), r, to, patient(""))
			if c.fails != "" { // a page in place of the file should not cost what is here
				if err == nil || !strings.Contains(err.Error(), c.fails) || size(to+".part") != int64(len(data)+1) {
					t.Errorf("error %v, %d bytes are left", err, size(to+".part"))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if left, _ := filepath.Glob(to + ".part"); left != nil {
				t.Errorf("%q is left", left)
			}
		})
	}
}

func TestWhatCannotBeDownloadedSaysWhy(t *testing.T) {
	set, files := toy()
	set.Mirrors, _ = serve(t, files, first(cut(100), status(http.StatusRequestedRangeNotSatisfiable)))
	if _, err := set.Get(t.Context(), patient(t.TempDir())); err == nil || !strings.Contains(err.Error(), "its file is shorter than 101 bytes") {
		t.Errorf("a server with less: %v", err)
	}
	set.Mirrors, _ = serve(t, files, good)

	elsewhere := set
	elsewhere.Files = slices.Clone(set.Files)
	elsewhere.Files[0].Name = "../train.bin"
	if _, err := elsewhere.Get(t.Context(), patient(t.TempDir())); err == nil {
		t.Error("a file outside of the folder is no error")
	}
	nowhere := set
	nowhere.Mirrors = nil
	if _, err := nowhere.Get(t.Context(), patient(t.TempDir())); err == nil || !strings.Contains(err.Error(), "toy: no mirror is known") {
		t.Errorf("without mirrors: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	leave(t, file, nil)
	if _, err := set.Get(t.Context(), patient(file)); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a folder that is a file: %v", err)
	}
	r, _, asked := remote(t, good)
	if err := Fetch(t.Context(), r, filepath.Join(file, "net.pth"), patient("")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("into a folder that is a file: %v", err)
	}
	r.Mirrors = []string{"ftp://example.org/"}
	if err := Fetch(t.Context(), r, filepath.Join(t.TempDir(), "net.pth"), patient("")); err == nil || !strings.Contains(err.Error(), "should be an address such as") {
		t.Errorf("a mirror that is none: %v", err)
	}
	if list := asked.asked(); len(list) > 0 {
		t.Errorf("asked for %q all the same", list)
	}

	for name, want := range map[string]string{"folder": "cannot be downloaded: these can be: ", "nonsense": "nonsense"} {
		if _, err := Lookup(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}

	// Ended while what is there is looked at, it says so and replaces nothing.
	opts := patient(t.TempDir())
	if _, err := set.Get(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opts.Trouble = func(err error) { t.Errorf("told %v", err) }
	if _, err := set.Get(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if r, err := set.Get(t.Context(), opts); err != nil || !r.Had {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
}
