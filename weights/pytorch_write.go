package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
)

// WritePyTorch writes f's tensors as torch.save writes a state dict (the zip
// format): torch.load gives an OrderedDict, also with weights_only, and
// load_state_dict(strict=True) takes it. The metadata stays behind.
//
// For that each batch normalisation gets the num_batches_tracked that PyTorch
// counts in and we don't: a name that ends in running_mean, with its
// running_var beside it, is followed by an int64 of zero behind the
// running_var. With a momentum that is a number, PyTorch never reads it. All
// other names are written as they are, being torchvision's.
//
// Nothing is written if f is not valid; see [Write].
func WritePyTorch(w io.Writer, f *File) error {
	if w == nil {
		return errNowhere
	}
	if err := checkPyTorch(f); err != nil {
		return err
	}
	place := &countingWriter{w: w}
	archive := zip.NewWriter(place)
	add := func(name string, size int, write func(io.Writer) error) error {
		sum := crc32.NewIEEE()
		if err := write(sum); err != nil {
			return err
		}
		h := &zip.FileHeader{
			Name: "archive/" + name, Method: zip.Store, CRC32: sum.Sum32(),
			CompressedSize64: uint64(size), UncompressedSize64: uint64(size),
		}
		// As PyTorch does, an extra field moves the data to a multiple of 64, so
		// that it can be mapped into memory.
		if err := archive.Flush(); err != nil {
			return err
		}
		const fixed, align = 30, 64
		pad := -(place.n + fixed + int64(len(h.Name)) + 4) & (align - 1)
		h.Extra = append(binary.LittleEndian.AppendUint16([]byte("FB"), uint16(pad)), make([]byte, pad)...)
		to, err := archive.CreateRaw(h)
		if err != nil {
			return err
		}
		return write(to)
	}
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, s)
			return err
		}
	}
	var p pickler
	list := p.state(f)
	if err := add("data.pkl", p.Len(), text(p.String())); err != nil {
		return err
	}
	if err := add("byteorder", len("little"), text("little")); err != nil {
		return err
	}
	buf := make([]byte, chunk)
	for i, t := range list {
		size, write := 4*len(t.Data), func(w io.Writer) error { return writeData(w, t.Data, dtypes["F32"], buf) }
		if t.counter {
			size, write = 8, text(string(binary.LittleEndian.AppendUint64(nil, t.count)))
		}
		if err := add(fmt.Sprintf("data/%d", i), size, write); err != nil {
			return err
		}
	}
	if err := add("version", 2, text("3\n")); err != nil {
		return err
	}
	return archive.Close()
}

// SavePyTorch writes f to path as [WritePyTorch] does, whole or not at all; see
// [WriteAtomically].
func SavePyTorch(path string, f *File) error {
	if err := checkPyTorch(f); err != nil { // before the disk is touched
		return fmt.Errorf("%s: %w", path, err)
	}
	return WriteAtomically(path, func(w io.Writer) error { return WritePyTorch(w, f) })
}

func checkPyTorch(f *File) error {
	if _, err := encodeHeader(f, dtypes["F32"], nil); err != nil {
		return err
	}
	for _, t := range f.Tensors {
		if len(t.Data) > math.MaxInt32 || 4*int64(len(t.Data)) > math.MaxUint32 { // beyond it, zip needs other headers
			return fmt.Errorf("tensor %s has %d bytes, 4 GiB is the most that is written for PyTorch", quote(t.Name), 4*int64(len(t.Data)))
		}
		for _, d := range t.Shape {
			if d > math.MaxInt32 {
				return fmt.Errorf("tensor %s has the shape %s, which is not written for PyTorch", quote(t.Name), formatShape(t.Shape))
			}
		}
	}
	return nil
}

// A saved tensor is one of the file, or a counter of batches.
type saved struct {
	Tensor
	counter bool
	count   uint64
}

const (
	runningMean    = "running_mean"
	runningVar     = "running_var"
	batchesTracked = "num_batches_tracked"
)

// BatchCounter reports whether name is that of the counter that PyTorch keeps
// in each batch normalisation. Our networks have none, and ignore it.
func BatchCounter(name string) bool {
	return name == batchesTracked || strings.HasSuffix(name, "."+batchesTracked)
}

// withCounters puts a counter behind every batch normalisation that has none,
// and makes integers of those that were read from a file of PyTorch.
func withCounters(f *File) []saved {
	names := make(map[string]bool, len(f.Tensors))
	for _, t := range f.Tensors {
		names[t.Name] = true
	}
	var list []saved
	for _, t := range f.Tensors {
		if BatchCounter(t.Name) && len(t.Data) == 1 && t.Data[0] >= 0 && t.Data[0] <= 1<<62 {
			list = append(list, saved{t, true, uint64(t.Data[0])})
			continue
		}
		list = append(list, saved{Tensor: t})
		layer, ok := strings.CutSuffix(t.Name, runningVar)
		if ok && (layer == "" || strings.HasSuffix(layer, ".")) && names[layer+runningMean] && !names[layer+batchesTracked] {
			list = append(list, saved{Tensor{Name: layer + batchesTracked}, true, 0})
		}
	}
	return list
}

// A pickler writes the few opcodes (protocol 2) that a state dict takes.
type pickler struct{ bytes.Buffer }

// state pickles the state dict of f and lists the storages, whose keys are
// their indices.
func (p *pickler) state(f *File) []saved {
	list := withCounters(f)
	p.WriteString("\x80\x02")
	p.emptyDict()
	p.WriteByte('(')
	for i, t := range list {
		class, n := "FloatStorage", len(t.Data)
		if t.counter {
			class, n = "LongStorage", 1
		}
		p.text(t.Name)
		p.global("torch._utils", "_rebuild_tensor_v2")
		p.WriteString("((")
		p.text("storage")
		p.global("torch", class)
		p.text(fmt.Sprint(i))
		p.text("cpu")
		p.int(n)
		p.WriteString("tQ") // TUPLE, BINPERSID
		p.int(0)
		p.ints(t.Shape)
		p.ints(strides(t.Shape))
		p.WriteByte(0x89) // requires no gradient
		p.emptyDict()     // hooks
		p.WriteString("tR")
	}
	p.WriteString("u.")
	return list
}

func (p *pickler) emptyDict() {
	p.global("collections", "OrderedDict")
	p.WriteString(")R")
}

func (p *pickler) global(module, name string) { p.WriteString("c" + module + "\n" + name + "\n") }

func (p *pickler) text(s string) {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

func (p *pickler) int(n int) { // at most 31 bits: see checkPyTorch
	p.WriteByte('J')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func (p *pickler) ints(list []int) {
	p.WriteByte('(')
	for _, n := range list {
		p.int(n)
	}
	p.WriteByte('t')
}

// strides of a dense tensor in row-major order; of an empty one all are 1.
func strides(shape []int) []int {
	list := make([]int, len(shape))
	empty := slices.Contains(shape, 0)
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		list[i] = n
		if !empty {
			n *= shape[i]
		}
	}
	return list
}

// A countingWriter knows how much went through it.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
