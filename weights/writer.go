package weights

import (
	"fmt"
	"io"
)

// Write writes f as a safetensors file of F32 tensors. Nothing is written if f
// is not valid: an element count that contradicts the shape, a name that is
// empty, there twice or not UTF-8, metadata that would not read back. Beyond f
// itself it needs the header and one buffer of 256 KiB.
func Write(w io.Writer, f *File) error {
	header, err := encodeHeader(f)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	buf := make([]byte, chunk)
	for _, t := range f.Tensors {
		if err := writeF32(w, t.Data, buf); err != nil {
			return err
		}
	}
	return nil
}

// writeF32 writes data through buf.
func writeF32(w io.Writer, data []float32, buf []byte) error {
	for len(data) > 0 {
		n := min(len(data), len(buf)/4)
		encodeF32(buf[:4*n], data[:n])
		if _, err := w.Write(buf[:4*n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Save writes f to path, whole or not at all; see [WriteAtomically].
func Save(path string, f *File) error {
	if _, err := encodeHeader(f); err != nil { // before the disk is touched
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteAtomically(path, func(w io.Writer) error { return Write(w, f) })
}
