package gtp

import (
	"context"
	"io"
	"strings"
	"testing"
)

func TestNobodyToSpeakToIsAnError(t *testing.T) {
	in, out := io.Pipe()
	defer in.Close()
	for what, f := range map[string]func() error{
		"Connect without answers":  func() error { _, err := Connect(t.Context(), "x", 0, nil, out); return err },
		"Connect without commands": func() error { _, err := Connect(t.Context(), "x", 0, in, nil); return err },
		"Serve without commands":   func() error { return new(Engine).Serve(context.Background(), nil, io.Discard) },
		"Serve without answers":    func() error { return new(Engine).Serve(context.Background(), strings.NewReader("quit\n"), nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}
