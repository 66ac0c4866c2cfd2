package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// A finalError is one that the mirror would answer with again.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

func finally(format string, args ...any) error { return finalError{fmt.Errorf(format, args...)} }

// fetch downloads a file, unless it is there already. What there is of it is kept in path.part.
func (g *getter) fetch(ctx context.Context, f File, path string) error {
	if err := check(path, f); err == nil {
		g.Progress(Progress{f.Name, f.Size, f.Size})
		return nil
	}
	part := path + ".part"
	mirrors := slices.Clone(g.Mirrors)
	last := map[string]error{}
	var sources []string // of what is in the part; "" stands for an earlier call
	if size(part) > 0 {
		sources = []string{""}
	}
	vain, mixed := 0, 0
	for len(mirrors) > 0 && vain < g.Rounds*len(mirrors) && mixed < 4 {
		m := mirrors[0]
		before := size(part)
		err := g.attempt(ctx, strings.TrimSuffix(m, "/")+"/"+f.Name, f, part)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if size(part) > before && !slices.Contains(sources, m) {
			sources = append(sources, m)
		}
		if err == nil {
			if err = check(part, f); err == nil {
				return os.Rename(part, path)
			}
			if rm := os.Remove(part); rm != nil {
				return rm
			}
			if len(sources) == 1 && sources[0] == m {
				err = finalError{err}
			} else {
				// Whose bytes are wrong cannot be known: all of them anew, from this one.
				mixed++
				err = fmt.Errorf("%w; starting anew", err)
			}
			sources, before = nil, 0
		}
		last[m] = err
		var here *fs.PathError
		if errors.As(err, &here) {
			return err // a full disk, for one: no mirror can help
		}
		g.Trouble(fmt.Errorf("%s: %s: %w", f.Name, m, err))
		var final finalError
		switch {
		case errors.As(err, &final):
			mirrors = mirrors[1:]
		case size(part) > before:
			vain = 0 // it brought something: the same one goes on
		default:
			mirrors = append(mirrors[1:], m)
			if vain++; vain%len(mirrors) == 0 && vain < g.Rounds*len(mirrors) {
				pause := g.Pause << min(vain/len(mirrors)-1, 5)
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(pause):
				}
			}
		}
	}
	var reasons []string
	for _, m := range g.Mirrors {
		if err := last[m]; err != nil {
			reasons = append(reasons, fmt.Sprintf("%s: %v", m, err))
			delete(last, m)
		}
	}
	return fmt.Errorf("%s: no mirror has it: %s", f.Name, strings.Join(reasons, "; "))
}

var errStalled = errors.New("silent for too long")

// attempt asks one mirror for what is missing of a file. Errors but for a *fs.PathError are the mirror's.
func (g *getter) attempt(ctx context.Context, from string, f File, part string) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(g.Stall, func() { cancel(errStalled) })
	defer watch.Stop()

	out, err := os.OpenFile(part, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	at, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if at > f.Size {
		if err := out.Truncate(0); err != nil {
			return err
		}
		if at, err = out.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	if at == f.Size {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return finalError{err}
	}
	// The file's own bytes: without this the client asks for compressed ones, and unpacks them.
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", "gorgonia-zoo")
	if at > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	}
	plain := func(err error) error {
		if errors.Is(context.Cause(ctx), errStalled) {
			return fmt.Errorf("%w (%v)", errStalled, g.Stall)
		}
		var u *url.Error // repeats the address
		if errors.As(err, &u) {
			return u.Err
		}
		return err
	}
	resp, err := g.Client.Do(req)
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	skip, err := begin(resp, at, f.Size)
	if err != nil {
		return err
	}
	body := &watchedReader{resp.Body, watch, g.Stall}
	if _, err := io.CopyN(io.Discard, body, skip); err != nil {
		return fmt.Errorf("cut before byte %d: %w", at, plain(err))
	}

	done := at
	buf := make([]byte, 128<<10)
	for {
		n, err := body.Read(buf)
		if done+int64(n) > f.Size {
			if e := out.Truncate(at); e != nil {
				return e
			}
			return finally("sends more than the %d bytes that the file has", f.Size)
		}
		if _, e := out.Write(buf[:n]); e != nil {
			return e
		}
		if done += int64(n); n > 0 {
			g.Progress(Progress{f.Name, done, f.Size})
		}
		switch {
		case errors.Is(err, io.EOF) && done == f.Size:
			return out.Sync()
		case err != nil:
			return fmt.Errorf("cut after %d of %d bytes: %w", done, f.Size, plain(err))
		}
	}
}

// begin checks a response's status and lengths. It returns how many bytes of the body come before what
// is missing.
func begin(resp *http.Response, at, size int64) (skip int64, err error) {
	length := resp.ContentLength // -1 if it does not say
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		if length >= 0 && length != size {
			return 0, finally("says that the file has %d bytes: should be %d", length, size)
		}
		return at, nil // it cannot begin in the middle: what is there already comes again
	case code == http.StatusPartialContent:
		text := resp.Header.Get("Content-Range")
		var first, end int64
		var total string
		if n, _ := fmt.Sscanf(text, "bytes %d-%d/%s", &first, &end, &total); n != 3 || first != at || end != size-1 {
			return 0, finally("answers with the range %q: should be bytes %d-%d/%[3]d", text, at, size-1, size)
		}
		if total != "*" && total != fmt.Sprint(size) {
			return 0, finally("says that the file has %s bytes: should be %d", total, size)
		}
		if length >= 0 && length != size-at {
			return 0, finally("sends %d bytes from byte %d on: should be %d", length, at, size-at)
		}
		return 0, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return 0, fmt.Errorf("answers %s", resp.Status)
	case code == http.StatusRequestedRangeNotSatisfiable:
		return 0, finally("its file is shorter than %d bytes (%s)", at+1, resp.Status)
	}
	return 0, finally("answers %s", resp.Status)
}

// A watchedReader puts off the alarm with each piece that it reads.
type watchedReader struct {
	io.Reader
	watch *time.Timer
	stall time.Duration
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.watch.Reset(r.stall)
	}
	return n, err
}

// check says whether a file is the one that is meant.
func check(path string, f File) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	h := sha256.New()
	n, err := io.Copy(h, file)
	if err != nil {
		return err
	}
	if n != f.Size {
		return fmt.Errorf("%d bytes: should be %d", n, f.Size)
	}
	if sum := hex.EncodeToString(h.Sum(nil)); f.SHA256 != "" && sum != f.SHA256 {
		return fmt.Errorf("SHA-256 %s: should be %s", sum, f.SHA256)
	}
	return nil
}

// size is a file's length, 0 if there is none.
func size(path string) int64 {
	st, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return st.Size()
}
