// Package download brings public data sets into the user's cache folder, where [datasets.Open] finds them
// by their names. It is a package of its own so that only programs that download have an HTTP client.
//
// The package guarantees:
//   - A data set's folder appears whole or not at all: files are downloaded, checked and read beside it, and
//     renamed at the end.
//   - What a mirror sends is believed only if its length and its SHA-256 are the published ones. A checksum that
//     is not known is left out, and the reader alone judges the files.
//   - A download that was cut, stalled or interrupted goes on where it ended, at the next mirror if need be.
//   - Two programs never write the same data set at the same time: the second gets [ErrBusy].
//   - An archive writes nothing outside of its folder, no links, and no more bytes than it is known to have.
//
// # Adding one
//
// A data set is an entry of files.json: its mirrors, and its files with their sizes and SHA-256. Package datasets reads
// what was unpacked, under the same name; TestTheListIsComplete holds the two together.
package download

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// ErrBusy is wrapped by the error for a data set that another program is downloading.
var ErrBusy = errors.New("being downloaded by another program")

// ErrUnreachable is what the error is where no mirror has the file: none can be reached, or what they send is
// another.
var ErrUnreachable = errors.New("no mirror has it")

// most is more than any file has, in bytes: a mirror that goes on sending is stopped there.
const most = 1 << 37

// A Set says where the files of a data set are.
type Set struct {
	Name string `json:"name"` // as datasets.Lookup knows it
	// Mirrors are the folders that have all of the files, the best first.
	Mirrors []string `json:"mirrors"`
	Files   []File   `json:"files"`
}

// A File is one file of a data set, as it is published.
type File struct {
	Name   string `json:"name"` // on the mirrors and on disk
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256,omitempty"`
	// Unpacked makes it an archive (.tar.gz) that unpacks to at most that many bytes.
	Unpacked int64 `json:"unpacked,omitempty"`

	check func(path string) error // in place of length and SHA-256
}

//go:embed files.json
var list []byte

var sets = sync.OnceValues(func() ([]Set, error) {
	var all []Set
	d := json.NewDecoder(bytes.NewReader(list))
	d.DisallowUnknownFields()
	err := d.Decode(&all)
	return all, err
})

// List returns the data sets that can be downloaded, sorted by name. They are shared: do not change them.
func List() []Set {
	all, err := sets()
	if err != nil {
		panic("datasets/download: files.json: " + err.Error()) // a test reads it
	}
	return all
}

// Lookup returns the data set of that name. The error of a name that [datasets.Lookup] does not know is
// its error.
func Lookup(name string) (Set, error) {
	var names []string
	for _, s := range List() {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	d, err := datasets.Lookup(name)
	if err != nil {
		return Set{}, err
	}
	if d.Embedded {
		return Set{}, fmt.Errorf("%s: is part of the program: nothing to download", name)
	}
	return Set{}, fmt.Errorf("%s: cannot be downloaded: these can be: %s", name, strings.Join(names, ", "))
}

// Size is the number of bytes to download.
func (s Set) Size() int64 {
	n := int64(0)
	for _, f := range s.Files {
		n += f.Size
	}
	return n
}

// Validate says what is wrong with the description of a set.
func (s Set) Validate() error {
	if s.Name == "" || filepath.Base(s.Name) != s.Name || !filepath.IsLocal(s.Name) || s.Name[0] == '.' {
		return fmt.Errorf("data set %q: should have a name that a folder can have", s.Name)
	}
	if len(s.Files) == 0 {
		return fmt.Errorf("%s: no files", s.Name)
	}
	for _, f := range s.Files {
		sum, err := hex.DecodeString(f.SHA256)
		switch {
		case f.Name == "" || filepath.Base(f.Name) != f.Name || !filepath.IsLocal(f.Name):
			return fmt.Errorf("%s: file %q: should be a name without a folder", s.Name, f.Name)
		case f.Size < 1 || f.Unpacked < 0:
			return fmt.Errorf("%s: %s: %d bytes, %d unpacked: should be known", s.Name, f.Name, f.Size, f.Unpacked)
		case err != nil || len(sum) != 0 && len(sum) != 32 || f.SHA256 != strings.ToLower(f.SHA256):
			return fmt.Errorf("%s: %s: checksum %q: should be 64 small hexadecimal digits, or none", s.Name, f.Name, f.SHA256)
		}
	}
	return nil
}

// Options say how a set is downloaded. The zero value will do.
type Options struct {
	// Dir is where the sets' folders are; empty means [datasets.CacheDir].
	Dir string
	// Mirrors are asked before the set's own. One that cannot be reached costs a try.
	Mirrors []string
	// Client makes the requests; nil means http.DefaultClient.
	Client *http.Client
	// Stall is how long a mirror may be silent; 0 means 30 seconds.
	Stall time.Duration
	// Rounds is how often every mirror is asked in vain before the download fails; 0 means 4. After each
	// round there is a pause, twice as long as the one before; the first is Pause, 0 means a second.
	Rounds int
	Pause  time.Duration
	// Progress, if not nil, is called after each piece of a file.
	Progress func(Progress)
	// Trouble, if not nil, is told what went wrong where the download goes on all the same.
	Trouble func(error)
}

// Progress is how far a file is.
type Progress struct {
	File       string
	Done, Size int64
}

// A Result is a data set on disk.
type Result struct {
	Dir string
	// Had says that it was there already, whole.
	Had   bool
	Parts []datasets.Verification
}

// Get downloads the set, unless it is there already, and reads all of it. A folder that is there and has
// faults is replaced.
func (s Set) Get(ctx context.Context, opts Options) (Result, error) {
	if err := s.Validate(); err != nil {
		return Result{}, err
	}
	g := &getter{Options: opts, set: s}
	if err := g.complete(); err != nil {
		return Result{}, fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := os.MkdirAll(g.Dir, 0o777); err != nil {
		return Result{}, err
	}
	unlock, err := lock(filepath.Join(g.Dir, "."+s.Name+".lock"))
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", s.Name, err)
	}
	defer unlock()

	r := Result{Dir: filepath.Join(g.Dir, s.Name)}
	if _, err := os.Lstat(r.Dir); err == nil {
		if r.Parts, err = verify(ctx, s.Name, r.Dir); err == nil {
			r.Had = true
			return r, nil
		}
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		g.Trouble(fmt.Errorf("%s has faults, and is replaced: %w", r.Dir, err))
	}
	work := filepath.Join(g.Dir, "."+s.Name+".part")
	whole, err := g.assemble(ctx, work)
	if err != nil {
		return Result{}, err
	}
	if r.Parts, err = verify(ctx, s.Name, whole); err != nil {
		if ctx.Err() != nil {
			return Result{}, context.Cause(ctx)
		}
		// Its files are what the list asks for: going on with them cannot help.
		return Result{}, errors.Join(fmt.Errorf("%s: what was downloaded cannot be used: %w", s.Name, err), os.RemoveAll(work))
	}
	old := filepath.Join(work, "old")
	if err := os.RemoveAll(old); err != nil {
		return Result{}, err
	}
	if err := os.Rename(r.Dir, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Result{}, err
	}
	if err := os.Rename(whole, r.Dir); err != nil {
		return Result{}, err
	}
	return r, os.RemoveAll(work)
}

// verify reads both parts.
func verify(ctx context.Context, name, dir string) ([]datasets.Verification, error) {
	var parts []datasets.Verification
	for _, part := range []datasets.Part{datasets.Train, datasets.Test} {
		v, err := datasets.Verify(ctx, name, dir, part, nil)
		if err == nil {
			err = v.Err()
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, v)
	}
	return parts, nil
}

// A getter downloads one set.
type getter struct {
	Options
	set Set
	at  map[string]string // addresses that are not a mirror's folder and a file's name
}

// address is where a mirror has a file.
func (g *getter) address(mirror string, f File) string {
	if at, ok := g.at[mirror]; ok {
		return at
	}
	return strings.TrimSuffix(mirror, "/") + "/" + f.Name
}

// complete fills in the options' defaults.
func (g *getter) complete() error {
	var err error
	if g.Dir == "" {
		if g.Dir, err = datasets.CacheDir(); err != nil {
			return err
		}
	}
	// Absolute, so that errors and results can be followed.
	if g.Dir, err = filepath.Abs(g.Dir); err != nil {
		return err
	}
	g.Mirrors = append(append([]string(nil), g.Mirrors...), g.set.Mirrors...)
	if len(g.Mirrors) == 0 {
		return errors.New("no mirror is known")
	}
	for _, m := range g.Mirrors {
		if u, err := url.Parse(m); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("mirror %q: should be an address such as https://example.org/%s/", m, g.set.Name)
		}
	}
	if g.Client == nil {
		g.Client = http.DefaultClient
	}
	if g.Stall <= 0 {
		g.Stall = 30 * time.Second
	}
	if g.Rounds <= 0 {
		g.Rounds = 4
	}
	if g.Pause <= 0 {
		g.Pause = time.Second
	}
	if g.Progress == nil {
		g.Progress = func(Progress) {}
	}
	if g.Trouble == nil {
		g.Trouble = func(error) {}
	}
	return nil
}

// assemble downloads all files into the folder work, where the next call finds what this one leaves, and
// makes of them the folder that it returns.
func (g *getter) assemble(ctx context.Context, work string) (string, error) {
	files, whole := filepath.Join(work, "files"), filepath.Join(work, "set")
	if err := os.MkdirAll(files, 0o777); err != nil {
		return "", err
	}
	for _, f := range g.set.Files {
		if err := g.fetch(ctx, f, filepath.Join(files, f.Name)); err != nil {
			return "", err
		}
	}
	if err := os.RemoveAll(whole); err != nil {
		return "", err
	}
	if err := os.Mkdir(whole, 0o777); err != nil {
		return "", err
	}
	for _, f := range g.set.Files {
		path := filepath.Join(files, f.Name)
		if f.Unpacked == 0 {
			// Not a rename: a program that ends here should find the file again.
			if err := copyFile(filepath.Join(whole, f.Name), path); err != nil {
				return "", err
			}
			continue
		}
		if err := unpack(ctx, path, whole, f.Unpacked); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	return whole, nil
}
