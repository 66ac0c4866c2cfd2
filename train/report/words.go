package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// Words is an error in plain words, on one line: what the system, or Go's own packages, say in words of theirs is said in
// ours, and a path that does not exist is told with the one that was probably meant. What else the error says, stays.
func Words(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	for _, part := range systemErrors(err, nil) {
		old, words := part.err.Error(), part.words
		at := strings.LastIndex(text, old)
		if at < 0 {
			continue // who wrapped it has words of its own
		}
		if _, ok := part.err.(*fs.PathError); ok && at+len(old) == len(text) {
			words += meant(part.err.(*fs.PathError))
		}
		before := text[:at]
		// Some that wrap say the path, too.
		if path, _, ok := strings.Cut(words, ": "); ok && strings.HasSuffix(before, path+": ") {
			before = strings.TrimSuffix(before, path+": ")
		}
		text = before + words + text[at+len(old):]
	}
	for _, p := range phrases {
		text = p.of.ReplaceAllString(text, p.words)
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// A systemError is a part of an error that is not ours, and what it means.
type systemError struct {
	err   error
	words string
}

// systemErrors lists the parts of an error that others made, the outermost of each.
func systemErrors(err error, list []systemError) []systemError {
	switch e := err.(type) {
	case nil:
		return list
	case *fs.PathError:
		return append(list, systemError{err, e.Path + ": " + because(e.Err, e.Path)})
	case *os.LinkError:
		return append(list, systemError{err, fmt.Sprintf("%s to %s: %s", e.Old, e.New, because(e.Err, e.New))})
	case *url.Error:
		return append(list, systemError{err, e.URL + ": " + because(e.Err, "")})
	case *net.OpError:
		what := ""
		if e.Addr != nil {
			what = e.Addr.String() + ": "
		}
		return append(list, systemError{err, what + because(e.Err, "")})
	case *json.SyntaxError:
		words := fmt.Sprintf("no JSON from byte %d on", e.Offset)
		if strings.HasPrefix(e.Error(), "unexpected end") {
			words = "JSON that ends too early"
		}
		return append(list, systemError{err, words})
	case *json.UnmarshalTypeError:
		words := fmt.Sprintf("%s where there should be %s", jsonKinds[strings.Fields(e.Value)[0]], kindWords(e.Type))
		if e.Field != "" {
			words = e.Field + ": " + words
		}
		return append(list, systemError{err, words})
	case *strconv.NumError:
		words := strconv.Quote(e.Num) + map[string]string{"ParseInt": " is no whole number", "Atoi": " is no whole number", "ParseUint": " is no whole number from 0 on"}[e.Func]
		if words == strconv.Quote(e.Num) {
			words += " is no number"
		}
		if errors.Is(e.Err, strconv.ErrRange) {
			words = e.Num + " is too large a number"
		}
		return append(list, systemError{err, words})
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			list = systemErrors(inner, list)
		}
		return list
	}
	if inner := errors.Unwrap(err); inner != nil {
		return systemErrors(inner, list)
	}
	if words := because(err, ""); words != err.Error() {
		list = append(list, systemError{err, words})
	}
	return list
}

// errnos are the system's numbers in words.
var errnos = []systemError{
	{syscall.ENOSPC, "no space is left: the disk is full"},
	{syscall.EDQUOT, "no space is left: the disk quota is used up"},
	{syscall.EFBIG, "the file would be larger than the system allows"},
	{syscall.EROFS, "the disk can only be read"},
	{syscall.EACCES, "this user has no permission"},
	{syscall.EPERM, "the system does not permit it"},
	{syscall.EISDIR, "a folder; it should be a file"},
	{syscall.ELOOP, "a link that leads round to itself"},
	{syscall.ENAMETOOLONG, "the name is too long"},
	{syscall.EMFILE, "too many files are open: a higher ulimit -n allows more"},
	{syscall.ENFILE, "too many files are open on this machine"},
	{syscall.EIO, "the disk failed: input/output error"},
	{syscall.ENOMEM, "not enough memory"},
	{syscall.EBUSY, "in use"},
	{syscall.EEXIST, "exists already"},
	{syscall.ENOTEMPTY, "the folder is not empty"},
	{syscall.EXDEV, "on another disk"},
	{syscall.ENXIO, "a device or pipe that nothing is behind"},
	{syscall.EINVAL, "cannot be done with such a file"},
	{syscall.EADDRINUSE, "the address is in use by another program: choose another"},
	{syscall.EADDRNOTAVAIL, "this machine does not have the address"},
	{syscall.ECONNREFUSED, "nothing answers there"},
	{syscall.ECONNRESET, "the other side broke the connection off"},
	{syscall.ENETUNREACH, "the network cannot be reached"},
	{syscall.EHOSTUNREACH, "the machine cannot be reached"},
	{syscall.ETIMEDOUT, "no answer in time"},
}

// because says why something failed; path is what it was about, if it was a path.
func because(err error, path string) string {
	switch {
	case errors.Is(err, syscall.ENOTDIR):
		if over := firstFile(path); over != "" && over != path {
			return over + " is a file, not a folder"
		}
		return "a file; it should be a folder"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file or folder"
	}
	for _, e := range errnos {
		if errors.Is(err, e.err) {
			return e.words
		}
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no machine of that name: is the network there?"
	case errors.As(err, &dns):
		return "the machine's address cannot be asked for: is the network there?"
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return "ends too early"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, fs.ErrPermission):
		return "this user has no permission"
	case errors.Is(err, fs.ErrClosed):
		return "closed already"
	}
	return err.Error()
}

// firstFile is the part of a path that is a file where a folder is needed.
func firstFile(path string) string {
	for p := filepath.Clean(path); p != "." && p != filepath.Dir(p); p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil && !info.IsDir() {
			return p
		}
	}
	return ""
}

// meant says of a path that does not exist what is there instead: the nearest name, or the folder that is missing.
func meant(e *fs.PathError) string {
	if !errors.Is(e.Err, fs.ErrNotExist) {
		return ""
	}
	path := filepath.Clean(e.Path)
	missing := ""
	for above := filepath.Dir(path); above != filepath.Dir(above); above = filepath.Dir(above) {
		if _, err := os.Stat(above); err == nil {
			break
		}
		missing = above
	}
	if missing != "" {
		return "; " + missing + " is missing, too"
	}
	if link, err := os.Lstat(path); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		if err == nil {
			return "; it is a link to " + to
		}
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return ""
	}
	defer d.Close()
	names, err := d.Readdirnames(5000) // a folder may have millions
	if err != nil {
		return ""
	}
	if near := weights.Nearest(filepath.Base(path), names); near != "" {
		return "; did you mean " + filepath.Join(filepath.Dir(path), near) + "?"
	}
	return ""
}

// jsonKinds are the words for what encoding/json found.
var jsonKinds = map[string]string{
	"string": "text", "number": "a number", "object": "an object", "array": "a list", "bool": "true or false", "null": "null",
}

func kindWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number from 0 on"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Pointer:
		return kindWords(t.Elem())
	}
	return "an object"
}

// phrases are errors of Go's packages that have no type.
var phrases = []struct {
	of    *regexp.Regexp
	words string
}{
	{regexp.MustCompile(`json: unknown field ("[^"]*")`), "unknown key $1"},
	{regexp.MustCompile(`zip: not a valid zip file`), "no zip archive, or one that ends too early"},
	{regexp.MustCompile(`zip: checksum error`), "damaged: a checksum of the zip archive does not fit"},
	{regexp.MustCompile(`gzip: invalid (header|checksum)`), "damaged, or not compressed by gzip"},
	{regexp.MustCompile(`flate: corrupt input before offset \d+`), "damaged: it cannot be decompressed"},
	{regexp.MustCompile(`exec: ("[^"]*"): executable file not found in (?:\$PATH|%PATH%)`), "no program is called $1 on the path"},
	{regexp.MustCompile(`time: (?:invalid|missing unit in|unknown unit ".*" in) duration ("[^"]*")`), "$1 is no time, such as 90s, 30m or 2h"},
	{regexp.MustCompile(`invalid argument ("[^"]*") for "(?:-\w, )?(--[\w-]+)" flag: `), "$2: "},
}
