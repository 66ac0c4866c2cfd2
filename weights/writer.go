package weights

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// Write writes f as a safetensors file of F32 tensors. Nothing is written if f
// is not valid: an element count that contradicts the shape, a name that is
// empty, there twice or not UTF-8, metadata that would not read back. Beyond f
// itself it needs the header and one buffer of 256 KiB.
//
// The metadata gets the SHA-256 of the tensors' bytes, zoo.sha256, and that of
// the header, zoo.header_sha256, which [Open] and reading compare: a file that
// a fault has changed in a single bit is refused.
func Write(w io.Writer, f *File) error { return write(w, f, dtypes["F32"]) }

// WriteHalf is [Write] with tensors of F16, in half the bytes. Values are
// rounded to the nearest half, which keeps 11 binary digits, or fewer below
// 2⁻¹⁴; a finite one that would become infinite, from 65520 on, is an error that
// names the tensor. They are read as float32 again.
func WriteHalf(w io.Writer, f *File) error { return write(w, f, dtypes["F16"]) }

var errNowhere = errors.New("there is nowhere to write to")

func write(w io.Writer, f *File, d *dtype) error {
	if w == nil {
		return errNowhere
	}
	if _, err := encodeHeader(f, d, nil); err != nil { // before anything is computed of its tensors
		return err
	}
	sum := sha256.New()
	if err := writeTensors(sum, f, d); err != nil {
		return err
	}
	header, err := encodeHeader(f, d, sum.Sum(nil))
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	return writeTensors(w, f, d)
}

func writeTensors(w io.Writer, f *File, d *dtype) error {
	buf := make([]byte, chunk)
	for _, t := range f.Tensors {
		if err := writeData(w, t.Data, d, buf); err != nil {
			return err
		}
	}
	return nil
}

// writeData writes data through buf, whose length is a multiple of every
// element size.
func writeData(w io.Writer, data []float32, d *dtype, buf []byte) error {
	for len(data) > 0 {
		n := min(len(data), len(buf)/d.size)
		raw := buf[:n*d.size]
		d.encode(raw, data[:n])
		if _, err := w.Write(raw); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// Save writes f to path, whole or not at all; see [Write] and [WriteAtomically].
func Save(path string, f *File) error { return save(path, f, dtypes["F32"]) }

// SaveHalf is [Save] with tensors of F16; see [WriteHalf].
func SaveHalf(path string, f *File) error { return save(path, f, dtypes["F16"]) }

func save(path string, f *File, d *dtype) error {
	if _, err := encodeHeader(f, d, nil); err != nil { // before the disk is touched
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteAtomically(path, func(w io.Writer) error { return write(w, f, d) })
}
