package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// chunk is the size in bytes of the buffer between file and floats: large
// enough to hide the system call, small enough to stay in the L2 cache.
const chunk = 256 << 10

// A Reader is an open file of tensors whose names, shapes and places have been
// read and checked; the tensors are read when asked for. Its methods may be
// used concurrently.
type Reader struct {
	name    string     // for errors
	files   []*os.File // those that the Reader owns
	format  string
	states  []state // every dict of tensors that is in the file
	unclear error   // which of them is meant
	entries []entry // of the dict that was chosen, in the order of the file
	index   map[string]int
	meta    Meta
	notes   []string
}

// A part is a file, or what stands for one, in which tensors lie.
type part struct {
	src     io.ReaderAt
	compare func() error // the checksums of the data with what they should be; nil where there are none
	once    sync.Once
	err     error
}

// verify compares the checksums when it is first called, and remembers.
func (p *part) verify() error {
	p.once.Do(func() {
		if p.compare != nil {
			p.err = p.compare()
		}
	})
	return p.err
}

// Open opens a safetensors file, or a checkpoint that PyTorch's torch.save
// wrote (.pth, .pt, .th), which it recognises by the content, and checks what
// the file claims against its size. The caller must Close it. A file of
// another kind is a [*FormatError], which says what to do with it. Of shards,
// path is the index (model.safetensors.index.json).
//
// A checkpoint may hold several dicts of tensors, at any depth. Open takes the
// one that is a network's, and of averaged weights beside the last ones the
// averaged; [Reader.Notes] says so. Where that is not certain, the Reader's
// methods that need tensors are a [*ChoiceError], [Reader.Fit] chooses by what
// a network wants, and [Reader.Under] by a name. Prefixes that all names have
// from wrappers, "module." and "_orig_mod.", are taken off.
//
// Nothing in a pickle is executed: what it makes of other globals than those
// that tensors are stored with stays opaque. A tensor that depends on one is a
// [*RefusedError].
//
// Checksums are compared when tensors are read: the SHA-256 that [Write] puts
// into the metadata, and the CRC-32 of a zip archive.
func Open(path string) (*Reader, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	var r *Reader
	if strings.HasSuffix(path, indexEnding) {
		if r, err = openShards(path, f, size); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	} else if r, err = NewReader(path, f, size); err != nil {
		f.Close()
		return nil, err
	}
	r.files = append(r.files, f)
	return r, nil
}

func openFile(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path) // opening a pipe would wait for who writes into it
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// NewReader is Open for a source that is no file, such as embedded weights.
// Name stands in errors; size is the length of src in bytes.
func NewReader(name string, src io.ReaderAt, size int64) (*Reader, error) {
	if src == nil || size < 0 {
		return nil, fmt.Errorf("%s: there is nothing to read", name)
	}
	r := &Reader{name: name}
	if err := r.readIndex(src, size); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.choose()
	return r, nil
}

// FromFile is a Reader of tensors that are in memory: of a format that is read
// whole. Format is what [Reader.Format] says.
func FromFile(name, format string, f *File) (*Reader, error) {
	if _, err := encodeHeader(f, dtypes["F32"], nil); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := &Reader{name: name, format: format, meta: f.Meta}
	var s state
	for _, t := range f.Tensors {
		s.entries = append(s.entries, entry{name: t.Name, dtype: dtypes["F32"], shape: t.Shape, elements: len(t.Data), data: t.Data})
	}
	r.states = []state{s}
	r.choose()
	return r, nil
}

// take makes a dict the one whose tensors the Reader has.
func (r *Reader) take(s state) {
	r.entries = s.entries
	r.index = make(map[string]int, len(r.entries))
	for i, e := range r.entries {
		r.index[e.name] = i
	}
}

func (r *Reader) readIndex(src io.ReaderAt, size int64) error {
	head := make([]byte, min(size, sniffed))
	if err := readFull(src, head, 0); err != nil {
		return err
	}
	switch r.format = looksLike(head); r.format {
	case formatZip:
		return r.readZip(src, size)
	case formatLegacy:
		return r.readLegacy(src, size)
	case formatTar:
		return errors.New("a PyTorch file of before 0.2: load it in PyTorch and save it again")
	}
	if format := Recognise(r.name, head); format != nil && format.Format != FormatSafetensors {
		return format
	}
	entries, meta, err := readHeader(src, size)
	r.meta = meta
	r.states = []state{{entries: entries}}
	return err
}

// readHeader reads the header of a safetensors file, and holds it to its
// checksum.
func readHeader(src io.ReaderAt, size int64) ([]entry, Meta, error) {
	var first [8]byte
	if size < int64(len(first)) {
		return nil, Meta{}, fmt.Errorf("no safetensors file: %d bytes are too few for a header", size)
	}
	if err := readFull(src, first[:], 0); err != nil {
		return nil, Meta{}, err
	}
	n := binary.LittleEndian.Uint64(first[:])
	if n > uint64(size)-8 || n > maxHeader {
		return nil, Meta{}, fmt.Errorf("truncated, or no safetensors file: it claims a header of %d bytes, of which %d follow (at most %d are allowed)", n, size-8, maxHeader)
	}
	raw := make([]byte, 8+n)
	if err := readFull(src, raw, 0); err != nil {
		return nil, Meta{}, err
	}
	start := int64(len(raw))
	entries, text, err := parseHeader(raw[8:], size-start)
	if err != nil {
		return nil, Meta{}, err
	}
	p := &part{src: src}
	sum, err := checkHeader(raw, text)
	if err != nil {
		return nil, Meta{}, err
	}
	if sum != "" {
		p.compare = func() error { return compareData(src, start, size, sum) }
	}
	for i := range entries {
		e := &entries[i]
		e.part, e.begin, e.end = p, start+e.begin, start+e.end
	}
	meta, err := ParseMeta(text)
	return entries, meta, err
}

// Close closes the files that Open opened.
func (r *Reader) Close() error {
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// Meta gives the file's metadata; of a foreign file all but Extra is zero. The
// maps and slices are the Reader's own: do not change them.
func (r *Reader) Meta() Meta { return r.meta }

// Name is what errors call the file: the path that [Open] was given, or [NewReader]'s name.
func (r *Reader) Name() string { return r.name }

// Format names the file's format: "safetensors", "PyTorch zip" or "PyTorch
// legacy".
func (r *Reader) Format() string { return r.format }

// Notes tell what was chosen or changed on the way to the tensors, a sentence
// each: which of several dicts was taken, which prefixes were taken off.
func (r *Reader) Notes() []string { return r.notes }

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
	if r.unclear != nil {
		return fmt.Errorf("%s: %w", r.name, r.unclear)
	}
	if err := Match(r.Specs(), want); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// ReadTensor reads one tensor into dst, which must have exactly its number of
// elements. F32 is taken as it is; F16 and BF16 convert exactly; F64 rounds to
// nearest, and a finite value beyond float32 is an error; so is an I64 that is
// no exact float32, and every other type. So is a checksum that is wrong: of the
// whole file, which is read for that once. After an error the content of dst is
// undefined.
//
// A tensor of a PyTorch file that is a view (transposed, a column) is brought
// into row-major order; what lies between its first and its last element is in
// memory meanwhile.
func (r *Reader) ReadTensor(name string, dst []float32) error {
	if r.unclear != nil {
		return fmt.Errorf("%s: %w", r.name, r.unclear)
	}
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
	if err := r.verify(e.part); err != nil {
		return err
	}
	return r.read(e, dst, make([]byte, min(chunk, e.elements*e.dtype.size)))
}

// verify compares the checksums of a part.
func (r *Reader) verify(p *part) error {
	if p == nil { // in memory
		return nil
	}
	if err := p.verify(); err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}

// ReadInto reads the file in one pass into the slices that lookup gives for
// each tensor; nil skips the tensor. Lookup is called for every tensor, in the
// order of [Reader.Names], and all its answers are checked before the first byte is
// written: a wrong length or a type that cannot be read (see
// [Reader.ReadTensor]) changes nothing. After an error of reading itself, or a
// wrong checksum, the content of the slices is undefined.
func (r *Reader) ReadInto(lookup func(name string, shape []int) []float32) error {
	if r.unclear != nil {
		return fmt.Errorf("%s: %w", r.name, r.unclear)
	}
	dst := make([][]float32, len(r.entries))
	var parts []*part
	for i := range r.entries {
		e := &r.entries[i]
		if dst[i] = lookup(e.name, e.shape); dst[i] == nil {
			continue
		}
		if err := r.check(e, dst[i]); err != nil {
			return err
		}
		if e.part != nil && !slices.Contains(parts, e.part) {
			parts = append(parts, e.part)
		}
	}
	// Checksums take about as long as the reading: they are compared meanwhile.
	verified := make(chan error, 1)
	go func() {
		for _, p := range parts {
			if err := r.verify(p); err != nil {
				verified <- err
				return
			}
		}
		verified <- nil
	}()
	err := r.readAll(dst)
	if e := <-verified; e != nil {
		return e
	}
	return err
}

func (r *Reader) readAll(dst [][]float32) error {
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
	if e.made != "" {
		return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), &RefusedError{e.made})
	}
	if len(dst) != e.elements {
		return fmt.Errorf("%s: tensor %s (%s) has %d elements, the slice to read into %d", r.name, quote(e.name), formatShape(e.shape), e.elements, len(dst))
	}
	return r.checkType(e)
}

func (r *Reader) checkType(e *entry) error {
	if e.made != "" {
		return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), &RefusedError{e.made})
	}
	if e.dtype.decode == nil {
		return fmt.Errorf("%s: tensor %s is %s; F32, F16, BF16, F64 and I64 can be read", r.name, quote(e.name), e.dtype.name)
	}
	return nil
}

// read streams a checked entry through buf, whose length is a multiple of
// every element size.
func (r *Reader) read(e *entry, dst []float32, buf []byte) error {
	if e.part == nil {
		copy(dst, e.data)
		return nil
	}
	if e.strides != nil {
		return r.readStrided(e, dst, buf)
	}
	for at := e.begin; at < e.end; {
		raw := buf[:min(int64(len(buf)), e.end-at)]
		if err := readFull(e.part.src, raw, at); err != nil {
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
	if err := readFull(e.part.src, span, e.begin); err != nil {
		return fmt.Errorf("%s: tensor %s: %w", r.name, quote(e.name), err)
	}
	size, at := e.dtype.size, 0
	index := make([]int, len(e.sides))
	for len(dst) > 0 {
		n := min(len(buf)/size, len(dst))
		for i := range n {
			copy(buf[i*size:(i+1)*size], span[at:])
			for d := len(index) - 1; d >= 0; d-- {
				if index[d]++; index[d] < e.sides[d] {
					at += size * e.strides[d]
					break
				}
				at -= size * e.strides[d] * (e.sides[d] - 1)
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
		return errShrunk(off + int64(n))
	}
	return err
}

func errShrunk(at int64) error {
	return fmt.Errorf("the file ends at byte %d, within what its size promised", at)
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
	if r.unclear != nil {
		return nil, fmt.Errorf("%s: %w", r.name, r.unclear)
	}
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
