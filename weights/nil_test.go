package weights

import (
	"io"
	"path/filepath"
	"testing"
)

func TestNothingIsAnError(t *testing.T) {
	file := &File{Tensors: []Tensor{{Name: "t", Shape: []int{1}, Data: []float32{2}}}}
	reader, err := FromFile("w", "safetensors", file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x")
	for what, f := range map[string]func() error{
		"WriteAtomically":  func() error { return WriteAtomically(path, nil) },
		"Write":            func() error { return Write(nil, file) },
		"Write nil":        func() error { return Write(io.Discard, nil) },
		"WriteHalf":        func() error { return WriteHalf(nil, file) },
		"WritePyTorch":     func() error { return WritePyTorch(nil, file) },
		"WritePyTorch nil": func() error { return WritePyTorch(io.Discard, nil) },
		"Save nil":         func() error { return Save(path, nil) },
		"NewReader":        func() error { _, err := NewReader("w", nil, 10); return err },
		"FromFile":         func() error { _, err := FromFile("w", "", nil); return err },
		"Finite":           func() error { return reader.Finite(nil) },
		"ReadTensor":       func() error { return reader.ReadTensor("t", nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if err := reader.Owning(nil).Close(); err != nil {
		t.Error(err)
	}
}
