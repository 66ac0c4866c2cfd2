package baduk

import (
	"io"
	"testing"
)

// What is nil, or was not made by a constructor, is an error where one can be told, and has nothing otherwise.
func TestNothingIsAnError(t *testing.T) {
	game := &Game{Size: 9, First: Black}
	corpus, err := NewCorpus(9)
	if err != nil {
		t.Fatal(err)
	}
	for what, f := range map[string]func() error{
		"Check":              func() error { return (*Game)(nil).Check() },
		"WriteNPY":           func() error { return WriteNPY(io.Discard, nil, 48) },
		"WriteNPY nowhere":   func() error { return WriteNPY(nil, game, 48) },
		"WriteSGF":           func() error { return WriteSGF(io.Discard, nil) },
		"WriteSGF nowhere":   func() error { return WriteSGF(nil, game) },
		"Add":                func() error { return corpus.Add(nil) },
		"NewStream":          func() error { _, err := NewStream(nil, StreamConfig{Batch: 1}); return err },
		"ParseVertex":        func() error { _, err := ParseVertex("D4", 0); return err },
		"ParseVertex, large": func() error { _, err := ParseVertex("D4", 26); return err },
		"Bytes":              func() error { return new(Features).Bytes(nil, nil, 48) },
		"Floats":             func() error { return new(Features).Floats(nil, new(Board), 48, 1) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for _, b := range []*Board{nil, {}} {
		var r Playouts
		if r.Play(b, 10, 1); b.Size() != 0 || b.Points() != 0 || len(r.Leads) != 0 || len(r.Owned) != 0 {
			t.Errorf("board %v of size %d, %d points, with games %v", b == nil, b.Size(), b.Points(), r.Leads)
		}
	}
	if c := (*Corpus)(nil); c.Size() != 0 || c.Games() != 0 || c.Len() != 0 {
		t.Error("no corpus has games")
	}
}
