package download

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
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
		g.Progress(Progress{f.Name, size(path), size(path)})
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
		err := g.attempt(ctx, g.address(m, f), f, part)
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
	var errs []error
	for _, m := range g.Mirrors {
		if err := last[m]; err != nil {
			reasons, errs = append(reasons, fmt.Sprintf("%s: %v", m, err)), append(errs, err)
			delete(last, m)
		}
	}
	return &unreachable{fmt.Sprintf("%s: no mirror has it: %s", f.Name, strings.Join(reasons, "; ")), errs}
}

// unreachable is an error that is [ErrUnreachable].
type unreachable struct {
	text string
	errs []error // the mirrors'
}

func (e *unreachable) Error() string        { return e.text }
func (e *unreachable) Is(target error) bool { return target == ErrUnreachable }
func (e *unreachable) Unwrap() []error      { return e.errs }

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
	if f.Size > 0 && at > f.Size {
		if err := out.Truncate(0); err != nil {
			return err
		}
		if at, err = out.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	if f.Size > 0 && at == f.Size {
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
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return finalError{plain(err)}
	}
	if err != nil {
		return plain(err)
	}
	defer resp.Body.Close()
	skip, total, err := begin(resp, at, f.Size)
	if err != nil || total == at {
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
		if total >= 0 && done+int64(n) > total || done+int64(n) > most {
			if e := out.Truncate(at); e != nil {
				return e
			}
			return finally("sends more than the %d bytes that the file has", min(uint64(total), most))
		}
		if _, e := out.Write(buf[:n]); e != nil {
			return e
		}
		if done += int64(n); n > 0 {
			g.Progress(Progress{f.Name, done, max(total, 0)})
		}
		switch {
		case errors.Is(err, io.EOF) && (done == total || total < 0):
			return out.Sync()
		case err != nil && total < 0:
			return fmt.Errorf("cut after %d bytes: %w", done, plain(err))
		case err != nil:
			return fmt.Errorf("cut after %d of %d bytes: %w", done, total, plain(err))
		}
	}
}

// begin checks a response's status and lengths. It returns how many bytes of the body come before what
// is missing, and how many the file has: size, or where that is 0 what the mirror says, -1 if it doesn't.
func begin(resp *http.Response, at, size int64) (skip, total int64, err error) {
	length := resp.ContentLength // -1 if it does not say
	fail := func(format string, args ...any) (int64, int64, error) { return 0, 0, finally(format, args...) }
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		if size == 0 {
			if length >= 0 && length < at {
				return fail("says that the file has %d bytes, of which %d are here", length, at)
			}
			return at, length, nil
		}
		if length >= 0 && length != size {
			return fail("says that the file has %d bytes: should be %d", length, size)
		}
		return at, size, nil // it cannot begin in the middle: what is there already comes again
	case code == http.StatusPartialContent:
		text := resp.Header.Get("Content-Range")
		var first, end int64
		var of string
		n, _ := fmt.Sscanf(text, "bytes %d-%d/%s", &first, &end, &of)
		if size == 0 && n == 3 {
			if size, err = strconv.ParseInt(of, 10, 64); err != nil { // "*"
				size = end + 1
			}
		}
		if n != 3 || first != at || end != size-1 {
			return fail("answers with the range %q: should be bytes %d-%d/%[3]d", text, at, size-1, size)
		}
		if of != "*" && of != fmt.Sprint(size) {
			return fail("says that the file has %s bytes: should be %d", of, size)
		}
		if length >= 0 && length != size-at {
			return fail("sends %d bytes from byte %d on: should be %d", length, at, size-at)
		}
		return 0, size, nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return 0, 0, fmt.Errorf("answers %s", resp.Status)
	case code == http.StatusRequestedRangeNotSatisfiable && size == 0 && at > 0:
		return 0, at, nil // it may be whole: the check tells
	case code == http.StatusRequestedRangeNotSatisfiable:
		return fail("its file is shorter than %d bytes (%s)", at+1, resp.Status)
	}
	return fail("answers %s", resp.Status)
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
	if f.check != nil {
		return f.check(path)
	}
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
