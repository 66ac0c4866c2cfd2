package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// A tensor is an array that is known before a model runs: a weight, a constant, or what follows from
// those and from the shapes of values. Numbers of all types are kept either as float32 or as int64;
// truth values are 0 and 1.
type tensor struct {
	name   string
	typ    int64
	shape  []int
	floats []float32 // one of the two, by typ
	ints   []int64

	weight bool   // comes from a tensor that the model stores: what training may change
	source string // its name there
	how    string // what was done to the one of that name
	absent bool   // its numbers were left out: they are a parameter's, kept elsewhere
	fresh  bool   // its numbers are drawn anew
}

// Element types of ONNX.
const (
	typeFloat    = 1
	typeUint8    = 2
	typeInt8     = 3
	typeUint16   = 4
	typeInt16    = 5
	typeInt32    = 6
	typeInt64    = 7
	typeString   = 8
	typeBool     = 9
	typeFloat16  = 10
	typeDouble   = 11
	typeUint32   = 12
	typeUint64   = 13
	typeBfloat16 = 16
)

var typeNames = map[int64]string{
	typeFloat: "float32", typeUint8: "uint8", typeInt8: "int8", typeUint16: "uint16", typeInt16: "int16", typeInt32: "int32",
	typeInt64: "int64", typeString: "string", typeBool: "bool", typeFloat16: "float16", typeDouble: "float64",
	typeUint32: "uint32", typeUint64: "uint64", 14: "complex64", 15: "complex128", typeBfloat16: "bfloat16",
}

func typeName(typ int64) string {
	if name := typeNames[typ]; name != "" {
		return name
	}
	return fmt.Sprintf("of type %d", typ)
}

// isFloat reports whether numbers of the type are kept as float32.
func isFloat(typ int64) bool {
	switch typ {
	case typeFloat, typeFloat16, typeDouble, typeBfloat16:
		return true
	}
	return false
}

// width is the number of bytes of an element; 0 means that the type is not read.
func width(typ int64) int {
	switch typ {
	case typeUint8, typeInt8, typeBool:
		return 1
	case typeUint16, typeInt16, typeFloat16, typeBfloat16:
		return 2
	case typeFloat, typeInt32, typeUint32:
		return 4
	case typeInt64, typeUint64, typeDouble:
		return 8
	}
	return 0
}

func (t *tensor) size() int {
	if t.absent {
		return product(t.shape)
	}
	if isFloat(t.typ) {
		return len(t.floats)
	}
	return len(t.ints)
}

// most is the largest number of elements that a value may have, and the largest side.
const most = 1 << 31

// elements multiplies a shape. Sides may be zero; a product that no memory could hold is an error.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 || d >= most {
			return 0, fmt.Errorf("the shape %s has a side of %d", sides(shape), d)
		}
	}
	if slices.Contains(shape, 0) {
		return 0, nil
	}
	for _, d := range shape {
		if n > most/d {
			return 0, fmt.Errorf("the shape %s has more than %d elements", sides(shape), most)
		}
		n *= d
	}
	return n, nil
}

// A tensorMessage is a TensorProto while it is read. Field numbers are those of onnx.proto.
type tensorMessage struct {
	tensor
	dims     []int64
	segment  bool
	raw      []byte // until type and shape are known
	f32      []float32
	f64      []float64
	numbers  []int64 // of int32_data, int64_data or uint64_data
	filled   bool    // from raw_data on the way
	hasRaw   bool
	external map[string]string
	outside  bool
}

// readTensor reads a TensorProto. Bytes of raw_data are converted while they are read, so that a weight
// is in memory once.
func readTensor(s *stream, files fs.FS, dir string) (*tensor, error) {
	m := &tensorMessage{}
	err := s.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch field {
		case 1:
			return s.ints(typ, &m.dims)
		case 2:
			m.typ, err = s.int(typ)
		case 3:
			m.segment = true
			return s.skip(typ)
		case 4:
			return s.floats(typ, &m.f32)
		case 5, 7, 11:
			return s.ints(typ, &m.numbers)
		case 8:
			m.name, err = s.text()
		case 9:
			return s.within(typ, m.readRaw)
		case 10:
			return s.numbers(typ, protowire.Fixed64Type, func(v uint64) { m.f64 = append(m.f64, math.Float64frombits(v)) })
		case 13:
			return s.within(typ, func(e *stream) error {
				key, value, err := readEntry(e)
				if m.external == nil {
					m.external = map[string]string{}
				}
				m.external[key] = value
				return err
			})
		case 14:
			var where int64
			where, err = s.int(typ)
			m.outside = where == 1
		default:
			return s.skip(typ)
		}
		return err
	})
	if err == nil {
		err = m.complete(files, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", m.name, err)
	}
	return &m.tensor, nil
}

// readEntry reads a key and its value.
func readEntry(e *stream) (key, value string, err error) {
	err = e.each(func(field protowire.Number, typ protowire.Type) (err error) {
		switch {
		case field == 1 && typ == protowire.BytesType:
			key, err = e.text()
		case field == 2 && typ == protowire.BytesType:
			value, err = e.text()
		default:
			err = e.skip(typ)
		}
		return err
	})
	return key, value, err
}

func (m *tensorMessage) readRaw(s *stream) (err error) {
	m.hasRaw = true
	if m.typ == 0 { // comes later in a file of unusual order
		m.raw, err = s.bytes()
		return err
	}
	n, err := m.count()
	if err != nil {
		return err
	}
	if w := width(m.typ); w == 0 {
		m.raw, err = s.bytes() // to be told of at its use
		return err
	} else if int64(n)*int64(w) != s.left {
		// The dimensions may still follow.
		m.raw, err = s.bytes()
		return err
	}
	m.filled = true
	m.make(n)
	err = m.fill(s.r, n)
	s.left = 0
	return err
}

func (m *tensorMessage) count() (int, error) {
	m.shape = make([]int, len(m.dims))
	if len(m.dims) > 16 {
		return 0, fmt.Errorf("%d dimensions", len(m.dims))
	}
	for i, d := range m.dims {
		if d < 0 || d >= most {
			return 0, fmt.Errorf("dimension %d is %d", i, d)
		}
		m.shape[i] = int(d)
	}
	return elements(m.shape)
}

func (m *tensorMessage) make(n int) {
	if isFloat(m.typ) {
		m.floats = make([]float32, n)
	} else {
		m.ints = make([]int64, n)
	}
}

// complete checks the shape against the data and converts what was not converted yet.
func (m *tensorMessage) complete(files fs.FS, dir string) error {
	n, err := m.count()
	switch {
	case err != nil:
		return err
	case m.segment:
		return fmt.Errorf("it is stored in segments, which no program writes and this one does not read")
	case m.filled:
		if n != m.size() {
			return fmt.Errorf("%d elements for the shape %s", m.size(), sides(m.shape))
		}
		return nil
	case width(m.typ) == 0:
		return nil // an operator that wants it says what it is
	case m.outside && m.external["location"] == parametersFile && files == nil:
		m.absent = true
		return nil
	case m.outside:
		return m.readOutside(files, dir, n)
	case m.hasRaw:
		if len(m.raw) != n*width(m.typ) {
			return fmt.Errorf("%d bytes for the shape %s of %s", len(m.raw), sides(m.shape), typeName(m.typ))
		}
		m.make(n)
		return m.fill(&sliceReader{m.raw}, n)
	}
	have := 0
	switch {
	case m.typ == typeFloat:
		have = len(m.f32)
		m.floats = m.f32
	case m.typ == typeDouble:
		have = len(m.f64)
		for _, v := range m.f64 {
			m.floats = append(m.floats, float32(v))
		}
	default:
		have = len(m.numbers)
		m.ints = m.numbers
		if isFloat(m.typ) { // halves have their bits in int32_data
			for _, v := range m.numbers {
				m.floats = append(m.floats, half(m.typ, uint16(v)))
			}
			m.ints = nil
		}
	}
	if have != n {
		return fmt.Errorf("%d elements for the shape %s of %s", have, sides(m.shape), typeName(m.typ))
	}
	if n == 0 {
		m.make(0)
	}
	return nil
}

type sliceReader struct{ b []byte }

func (r *sliceReader) Read(p []byte) (int, error) {
	n := copy(p, r.b)
	if r.b = r.b[n:]; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// fill converts n little-endian elements.
func (m *tensorMessage) fill(r io.Reader, n int) error {
	w := width(m.typ)
	buf := make([]byte, min(n*w, 64<<10))
	for at := 0; at < n; {
		b := buf[:min(len(buf), (n-at)*w)]
		if _, err := io.ReadFull(r, b); err != nil {
			return cut(err)
		}
		for ; len(b) > 0; b = b[w:] {
			switch m.typ {
			case typeFloat:
				m.floats[at] = math.Float32frombits(binary.LittleEndian.Uint32(b))
			case typeFloat16, typeBfloat16:
				m.floats[at] = half(m.typ, binary.LittleEndian.Uint16(b))
			case typeDouble:
				m.floats[at] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
			case typeInt64, typeUint64:
				m.ints[at] = int64(binary.LittleEndian.Uint64(b))
			case typeInt32:
				m.ints[at] = int64(int32(binary.LittleEndian.Uint32(b)))
			case typeUint32:
				m.ints[at] = int64(binary.LittleEndian.Uint32(b))
			case typeInt16:
				m.ints[at] = int64(int16(binary.LittleEndian.Uint16(b)))
			case typeUint16:
				m.ints[at] = int64(binary.LittleEndian.Uint16(b))
			case typeInt8:
				m.ints[at] = int64(int8(b[0]))
			default:
				m.ints[at] = int64(b[0])
			}
			at++
		}
	}
	return nil
}

// half converts 16 bits.
func half(typ int64, bits uint16) float32 {
	if typ == typeBfloat16 {
		return math.Float32frombits(uint32(bits) << 16)
	}
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10)&31, uint32(bits)&1023
	switch exponent {
	case 0: // zero, or fraction/1024 of 2^-14
		v := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}

// readOutside reads the data of a tensor from another file beside the model's.
func (m *tensorMessage) readOutside(files fs.FS, dir string, n int) error {
	location := m.external["location"]
	name := path.Join(dir, location)
	switch {
	case files == nil:
		return fmt.Errorf("its data are in the file %q: read the model from a file system to find it", location)
	case location == "" || !fs.ValidPath(location) || !fs.ValidPath(name):
		return fmt.Errorf("its data are said to be in %q: that is no path within the model's folder", location)
	}
	number := func(key string, otherwise int64) (int64, error) {
		text, ok := m.external[key]
		if !ok {
			return otherwise, nil
		}
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v < 0 {
			return 0, fmt.Errorf("its data in %s have the %s %q", location, key, text)
		}
		return v, nil
	}
	need := int64(n) * int64(width(m.typ))
	offset, err := number("offset", 0)
	if err != nil {
		return err
	}
	length, err := number("length", need)
	if err != nil {
		return err
	}
	f, err := files.Open(name)
	if err != nil {
		return fmt.Errorf("its data are in another file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("its data are in %s, which is not a regular file", location)
	case length != need || offset > info.Size() || need > info.Size()-offset:
		return fmt.Errorf("its data are %d bytes from byte %d on of %s, which has %d; the shape %s of %s needs %d",
			length, offset, location, info.Size(), sides(m.shape), typeName(m.typ), need)
	}
	if seeker, ok := f.(io.Seeker); ok {
		_, err = seeker.Seek(offset, io.SeekStart)
	} else {
		_, err = io.CopyN(io.Discard, f, offset)
	}
	if err != nil {
		return err
	}
	m.make(n)
	return m.fill(f, n)
}

// sides prints a shape as papers do, 64×3×11×11; that of a single number is 1.
func sides(shape []int) string {
	if len(shape) == 0 {
		return "1"
	}
	s := ""
	for i, d := range shape {
		if i > 0 {
			s += "×"
		}
		s += strconv.Itoa(d)
	}
	return s
}
