package positions

import (
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestNoCorpusHasNoPositions(t *testing.T) {
	s := New(nil, "")
	r, err := NewResults(nil, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	for what, src := range map[string]interface {
		Len() int
		Image(int, *image.Image) error
		Checksum() (string, error)
	}{"moves": s, "results": r} {
		if _, err := src.Checksum(); err != nil || src.Len() != 0 || src.Image(0, new(image.Image)) == nil {
			t.Errorf("%s: %d positions, %v", what, src.Len(), err)
		}
	}
	if s.Label(0) != -1 || r.Label(0) != 0 {
		t.Error("a position that is not there has a label")
	}
	if _, err := Split(nil, -1); err == nil {
		t.Error("nothing was split")
	}
}
