package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// A status is an error with the code to answer with.
type status struct {
	code    int
	message string
}

func (s *status) Error() string { return s.message }

// BadRequest is an error that is the sender's fault, for handlers of one's own.
func BadRequest(format string, args ...any) error { return badRequest(format, args...) }

func badRequest(format string, args ...any) error {
	return &status{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// codeOf is the status of any error.
func codeOf(err error) (code int, message string) {
	var s *status
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &s):
		return s.code, s.message
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes", large.Limit)
	case errors.Is(err, ErrImage):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, "the request took too long"
	case errors.Is(err, context.Canceled):
		return 499, "the client went away" // as nginx and Triton count it
	}
	return http.StatusInternalServerError, err.Error()
}

// writeError answers {"error": "…"}, as the protocol has it.
func writeError(w http.ResponseWriter, err error) {
	if r, ok := w.(*recorder); ok && r.sent != 0 {
		return // the answer has begun
	}
	code, message := codeOf(err)
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	writeJSON(w, code, map[string]string{"error": shortened(message)})
}

// shortened leaves out the middle of a text that is long, since a request's own words are in it.
func shortened(text string) string {
	const begin, end = 400, 200
	if len(text) <= begin+end {
		return text
	}
	return strings.ToValidUTF8(text[:begin], "") + " … " + strings.ToValidUTF8(text[len(text)-end:], "")
}

// A refusal answers what no handler is there for, in place of the text that the standard library has for it.
type refusal struct {
	http.ResponseWriter
	request *http.Request
	said    bool
}

func (f *refusal) WriteHeader(code int) {
	switch code {
	case http.StatusNotFound:
		f.said = true
		writeError(f.ResponseWriter, &status{code, fmt.Sprintf("there is no path %q: /openapi.json lists those that there are", f.request.URL.Path)})
	case http.StatusMethodNotAllowed:
		f.said = true
		writeError(f.ResponseWriter, &status{code, fmt.Sprintf("%s is no method of %q: it has %s", f.request.Method, f.request.URL.Path, f.Header().Get("Allow"))})
	default:
		f.ResponseWriter.WriteHeader(code)
	}
}

func (f *refusal) Write(p []byte) (int, error) {
	if f.said {
		return len(p), nil
	}
	return f.ResponseWriter.Write(p)
}

// plainBody refuses bodies that were compressed as a whole: there is no telling how large they become.
func plainBody(r *http.Request) error {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &status{http.StatusUnsupportedMediaType, fmt.Sprintf("Content-Encoding: %q: the body should come as it is, without one", e)}
	}
	return nil
}

// noProtocol is the error for a body that cannot be read as JSON of the protocol.
func noProtocol(err error) error {
	var kind *json.UnmarshalTypeError
	if !errors.As(err, &kind) {
		return badRequest("the request is no JSON of the protocol: %v", err)
	}
	what := kind.Value // "string", "number 1.5"
	if article, ok := map[string]string{"array": "an array", "object": "an object", "string": "a string", "bool": "true or false"}[what]; ok {
		what = article
	}
	where := "the whole"
	if kind.Field != "" {
		where = strconv.Quote(kind.Field)
	}
	return badRequest("the request is no JSON of the protocol: %s cannot be %s", where, what)
}

func writeJSON(w http.ResponseWriter, code int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, err = w.Write(append(text, '\n'))
	if err != nil {
		return nil // nobody listens any more
	}
	return nil
}
