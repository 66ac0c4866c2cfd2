package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// chunk is the size in bytes of the buffer between file and floats: large
// enough to hide the system call, small enough to stay in the L2 cache.
const chunk = 256 << 10

// A Reader is an open file of tensors whose names, shapes and places have been
// read and checked; the tensors are read when asked for. Its methods may be
// used concurrently.
type Reader struct {
	src     io.ReaderAt
	file    *os.File // nil if the Reader does not own the source
	name    string   // for errors
	format  string
	start   int64   // where the data starts
	entries []entry // in the order of the file
	index   map[string]int
	meta    Meta
}

// Open opens a safetensors file, or a checkpoint that PyTorch's torch.save
// wrote (.pth, .pt, .th), which it recognises by the content, and checks what
// the file claims against its size. The caller must Close it.
//
// Of a checkpoint the state dict is opened, whether it is the whole file or the
// entry state_dict, model or net of a dict; a prefix "module." of all names is
// taken off. Nothing in its pickle is executed: a global that tensors are not
// stored with is a [*RefusedError]. Checksums of a zip archive are not compared.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	var r *Reader
	if err == nil {
		r, err = NewReader(path, f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file = f
	return r, nil
}

// NewReader is Open for a source that is no file, such as embedded weights.
// Name stands in errors; size is the length of src in bytes.
func NewReader(name string, src io.ReaderAt, size int64) (*Reader, error) {
	r := &Reader{src: src, name: name}
	if err := r.readIndex(size); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.index = make(map[string]int, len(r.entries))
	for i, e := range r.entries {
		r.index[e.name] = i
	}
	return r, nil
}

func (r *Reader) readIndex(size int64) error {
	head := make([]byte, min(size, 512))
	if err := readFull(r.src, head, 0); err != nil {
		return err
	}
	switch r.format = looksLike(head); r.format {
	case formatZip:
		return r.readZip(size)
	case formatLegacy:
		return r.readLegacy(size)
	case formatTar:
		return errors.New("a PyTorch file of before 0.2: load it in PyTorch and save it again")
	}
	return r.readHeader(size)
}

func (r *Reader) readHeader(size int64) error {
	var first [8]byte
	if size < int64(len(first)) {
		return fmt.Errorf("no safetensors file: %d bytes are too few for a header", size)
	}
	if err := readFull(r.src, first[:], 0); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint64(first[:])
	if n > uint64(size)-8 || n > maxHeader {
		return fmt.Errorf("truncated, or no safetensors file: it claims a header of %d bytes, of which %d follow (at most %d are allowed)", n, size-8, maxHeader)
	}
	raw := make([]byte, n)
	if err := readFull(r.src, raw, 8); err != nil {
		return err
	}
	r.start = 8 + int64(n)
	entries, meta, err := parseHeader(raw, size-r.start)
	if err != nil {
		return err
	}
	if r.meta, err = decodeMeta(meta); err != nil {
		return err
	}
	r.entries = entries
	return nil
}

// Close closes the file that Open opened.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Meta gives the file's metadata; of a foreign file all but Extra is zero. The
// maps and slices are the Reader's own: do not change them.
func (r *Reader) Meta() Meta { return r.meta }

// Name is what errors call the file: the path that [Open] was given, or [NewReader]'s name.
func (r *Reader) Name() string { return r.name }

// Format names the file's format: "safetensors", "PyTorch zip" or "PyTorch
// legacy".
func (r *Reader) Format() string { return r.format }

// Names lists the tensors: those of a safetensors file in the order of their
// data, those of a PyTorch file in the order of the state dict.
func (r *Reader) Names() []string {
	names := make([]string, len(r.entries))
	for i, e := range r.entries {
		names[i] = e.name
	}
	return names
}

// Specs lists names and shapes in the order of [Reader.Names].
func (r *Reader) Specs() []Spec {
	specs := make([]Spec, len(r.entries))
	for i, e := range r.entries {
		specs[i] = Spec{e.name, e.shape}
	}
	return specs
}

// Shape gives a tensor's shape, and whether there is such a tensor. The shape
// of a scalar is empty.
func (r *Reader) Shape(name string) ([]int, bool) {
	i, ok := r.index[name]
	if !ok {
		return nil, false
	}
	return r.entries[i].shape, true
}

// Match compares the file with what a network wants; see the function [Match].
func (r *Reader) Match(want []Spec) error {
	if err := Match(r.Specs(), want); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// ReadTensor reads one tensor into dst, which must have exactly its number of
// elements. F32 is taken as it is; F16 and BF16 convert exactly; F64 rounds to
// nearest, and a finite value beyond float32 is an error; so is an I64 that is
// no exact float32, and every other type. After an error the content of dst is
// undefined.
//
// A tensor of a PyTorch file that is a view (transposed, a column) is brought
// into row-major order; what lies between its first and its last element is in
// memory meanwhile.
func (r *Reader) ReadTensor(name string, dst []float32) error {
	i, ok := r.index[name]
	if !ok {
		hint := ""
		if near := Nearest(name, r.Names()); near != "" {
			hint = "; did you mean " + quote(near) + "?"
		}
		return fmt.Errorf("%s: no tensor %s%s", r.name, quote(name), hint)
	}
	e := &r.entries[i]
	if err := r.check(e, dst); err != nil {
		return err
	}
	return r.read(e, dst, make([]byte, min(chunk, e.elements*e.dtype.size)))
}

// ReadInto reads the file in one pass into the slices that lookup gives for
// each tensor; nil skips the tensor. Lookup is called for every tensor, in the
// order of [Reader.Names], and all its answers are checked before the first byte is
// written: a wrong length or a type that cannot be read (see
// [Reader.ReadTensor]) changes nothing. After an error of reading itself the
// content of the slices is undefined.
func (r *Reader) ReadInto(lookup func(name string, shape []int) []float32) error {
	dst := make([][]float32, len(r.entries))
	for i := range r.entries {
		e := &r.entries[i]
		if dst[i] = lookup(e.name, e.shape); dst[i] == nil {
			continue
		}
		if err := r.check(e, dst[i]); err != nil {
			return err
		}
	}
	buf := make([]byte, chunk)
	for i := range r.entries {
		if dst[i] == nil {
			continue
		}
		if err := r.read(&r.entries[i], dst[i], buf); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) check(e *entry, dst []float32) error {
	if len(dst) != e.elements {
		return fmt.Errorf("%s: tensor %s (%s) has %d elements, the slice to read into %d", r.name, quote(e.name), formatShape(e.shape), e.elements, len(dst))
	}
	return r.checkType(e)
}

func (r *Reader) checkType(e *entry) error {
	if e.dtype.decode == nil {
		return fmt.Errorf("%s: tensor %s is %s; F32, F16, BF16, F64 and I64 can be read", r.name, quote(e.name), e.dtype.name)
	}
	return nil
}

// read streams a checked entry through buf, whose length is a multiple of
// every element size.
func (r *Reader) read(e *entry, dst []float32, buf []byte) error {
	if e.strides != nil {
		return r.readStrided(e, dst, buf)
	}
	for at := e.begin; at < e.end; {
		raw := buf[:min(int64(len(buf)), e.end-at)]
		if err := readFull(r.src, raw, r.start+at); err != nil {
			return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), err)
		}
		n := len(raw) / e.dtype.size
		if err := e.dtype.decode(dst[:n], raw); err != nil {
			return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), err)
		}
		dst, at = dst[n:], at+int64(len(raw))
	}
	return nil
}

// readStrided gathers the elements of a view in row-major order.
func (r *Reader) readStrided(e *entry, dst []float32, buf []byte) error {
	span := make([]byte, e.end-e.begin)
	if err := readFull(r.src, span, r.start+e.begin); err != nil {
		return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), err)
	}
	size, at := e.dtype.size, 0
	index := make([]int, len(e.shape))
	for len(dst) > 0 {
		n := min(len(buf)/size, len(dst))
		for i := range n {
			copy(buf[i*size:(i+1)*size], span[at:])
			for d := len(index) - 1; d >= 0; d-- {
				if index[d]++; index[d] < e.shape[d] {
					at += size * e.strides[d]
					break
				}
				at -= size * e.strides[d] * (e.shape[d] - 1)
				index[d] = 0
			}
		}
		if err := e.dtype.decode(dst[:n], buf[:n*size]); err != nil {
			return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), err)
		}
		dst = dst[n:]
	}
	return nil
}

// readFull fills p from offset off. An end of file in between means that the
// file shrank after its size was taken.
func readFull(src io.ReaderAt, p []byte, off int64) error {
	n, err := src.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("the file ends at byte %d, within what its size promised", off+int64(n))
	}
	return err
}

// Load reads a whole file into fresh memory. For a network whose parameters
// exist already, Open, Match and ReadInto need no second copy, and allocate
// nothing on the word of the file.
func Load(path string) (*File, error) {
	r, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.ReadAll()
}

// ReadAll reads every tensor into fresh memory.
func (r *Reader) ReadAll() (*File, error) {
	for i := range r.entries { // before anything is allocated
		if err := r.checkType(&r.entries[i]); err != nil {
			return nil, err
		}
	}
	f := &File{Meta: r.meta}
	err := r.ReadInto(func(name string, shape []int) []float32 {
		n, _ := elements(shape) // checked with the header
		f.Tensors = append(f.Tensors, Tensor{name, shape, make([]float32, n)})
		return f.Tensors[len(f.Tensors)-1].Data
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}
