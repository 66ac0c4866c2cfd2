package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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
	writeJSON(w, code, map[string]string{"error": message})
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
