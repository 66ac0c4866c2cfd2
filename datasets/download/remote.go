package download

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"time"
)

// A Remote is one file somewhere else, whose length need not be known.
type Remote struct {
	Name    string   // what the file is called here, and on mirrors
	Address string   // where it is published
	Mirrors []string // folders that are asked before
	// Check says what is wrong with a file that came: its checksum, above all.
	Check func(path string) error
}

// Fetch downloads a file to path, unless it is there. It appears whole and checked, or not at all; what was
// downloaded when it was interrupted, path.part, is gone on with. A second program that wants the same file
// waits for the first, and finds it there.
func Fetch(ctx context.Context, r Remote, to string, opts Options) error {
	if u, err := url.Parse(r.Address); err != nil || u.Host == "" || r.Name == "" || path.Base(r.Name) != r.Name || r.Check == nil {
		return fmt.Errorf("%s: no file to fetch from %q", r.Name, r.Address)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	g := &getter{Options: opts, set: Set{Name: r.Name, Mirrors: append(append([]string(nil), r.Mirrors...), r.Address)}, at: map[string]string{r.Address: r.Address}}
	if err := g.complete(); err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	unlock, err := g.wait(ctx, to+".lock")
	if err != nil {
		return fmt.Errorf("%s: %w", r.Name, err)
	}
	defer unlock()
	if info, err := os.Stat(to); err == nil && info.Mode().IsRegular() {
		return nil // while we waited, or before
	}
	return g.fetch(ctx, File{Name: r.Name, check: r.Check}, to)
}

// wait takes a lock as soon as the program that has it is done.
func (g *getter) wait(ctx context.Context, path string) (unlock func(), err error) {
	for told := false; ; told = true {
		unlock, err := lock(path)
		if !errors.Is(err, ErrBusy) {
			return unlock, err
		}
		if !told {
			g.Trouble(fmt.Errorf("%s: %w: waiting for it", g.set.Name, err))
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
