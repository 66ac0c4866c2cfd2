package caffe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// What a file may have, beyond which it is none that Caffe wrote: ResNet-152 has 1,700 layers.
const (
	maxLayers = 20_000
	maxBlobs  = 16
	maxDims   = 32
	maxText   = 4096
)

type (
	net struct {
		name   string
		layers []layer
	}
	layer struct {
		index         int
		name, kind    string
		bottoms, tops []string
		blobs         []blob
		k             float64 // of a response normalisation
		pad           int     // of a pooling
		transposed    bool    // weights of a fully connected layer
		weightsBefore int     // layers with weights before this one
	}
	blob struct {
		shape []int
		data  []float32
	}
)

// A message is a part of the file that holds one: fields from at to end.
type message struct {
	src     io.ReaderAt
	at, end int64
}

// A field is one of a message: a number, or where its bytes are.
type field struct {
	number protowire.Number
	kind   protowire.Type
	value  uint64 // of a number
	message
}

var errEnds = errors.New("it ends within a field")

// next reads a field's head, and steps behind the field; done at the message's end.
func (m *message) next() (f field, done bool, err error) {
	if m.at >= m.end {
		return f, true, nil
	}
	var buf [20]byte
	head := buf[:min(int64(len(buf)), m.end-m.at)]
	if n, err := m.src.ReadAt(head, m.at); n < len(head) {
		if err == nil || errors.Is(err, io.EOF) {
			err = errEnds
		}
		return f, false, err
	}
	number, kind, n := protowire.ConsumeTag(head)
	if n < 0 {
		return f, false, fmt.Errorf("byte %d: %w", m.at, protowire.ParseError(n))
	}
	f = field{number: number, kind: kind}
	rest, begin := head[n:], m.at+int64(n)
	switch kind {
	case protowire.VarintType:
		v, n := protowire.ConsumeVarint(rest)
		if n < 0 {
			return f, false, errEnds
		}
		f.value, m.at = v, begin+int64(n)
	case protowire.Fixed32Type:
		if len(rest) < 4 {
			return f, false, errEnds
		}
		f.value, m.at = uint64(binary.LittleEndian.Uint32(rest)), begin+4
	case protowire.Fixed64Type:
		if len(rest) < 8 {
			return f, false, errEnds
		}
		f.value, m.at = binary.LittleEndian.Uint64(rest), begin+8
	case protowire.BytesType:
		v, n := protowire.ConsumeVarint(rest)
		if n < 0 {
			return f, false, errEnds
		}
		begin += int64(n)
		if v > uint64(m.end-begin) {
			return f, false, fmt.Errorf("byte %d: a field of %d bytes, of which %d are there: truncated", m.at, v, m.end-begin)
		}
		f.message = message{m.src, begin, begin + int64(v)}
		m.at = f.end
	default:
		return f, false, fmt.Errorf("byte %d: a group, which Caffe has none of", m.at)
	}
	return f, false, nil
}

// fields calls each for every field.
func (m message) fields(each func(f field) error) error {
	for {
		f, done, err := m.next()
		if done || err != nil {
			return err
		}
		if err := each(f); err != nil {
			return err
		}
	}
}

func (f field) text() (string, error) {
	n := f.end - f.at
	if f.kind != protowire.BytesType || n > maxText {
		return "", fmt.Errorf("field %d is no name: %d bytes", f.number, n)
	}
	b := make([]byte, n)
	if k, err := f.src.ReadAt(b, f.at); int64(k) < n {
		return "", err
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("the name %q is not valid UTF-8", b)
	}
	return string(b), nil
}

// sub is the message in a field.
func (f field) sub() (message, error) {
	if f.kind != protowire.BytesType {
		return message{}, fmt.Errorf("field %d is no message", f.number)
	}
	return f.message, nil
}

// readNet reads a NetParameter.
func readNet(m *message) (*net, error) {
	n := &net{}
	weighty := 0
	err := m.fields(func(f field) (err error) {
		var form form
		switch f.number {
		case 1:
			n.name, err = f.text()
			return err
		case 2:
			form = oldForm
		case 100:
			form = newForm
		default:
			return nil
		}
		if len(n.layers) >= maxLayers {
			return fmt.Errorf("more than %d layers", maxLayers)
		}
		sub, err := f.sub()
		if err != nil {
			return err
		}
		l, err := readLayer(sub, form)
		if err != nil {
			return fmt.Errorf("layer %d, %s: %w", len(n.layers), strconv.Quote(l.name), err)
		}
		l.index, l.weightsBefore = len(n.layers), weighty
		if len(l.blobs) > 0 && l.kind != "BatchNorm" && l.kind != "Scale" {
			weighty++
		}
		n.layers = append(n.layers, l)
		return nil
	})
	if err == nil && len(n.layers) == 0 {
		err = errors.New("it has no layers")
	}
	return n, err
}

// A form is where a layer has its fields: V1LayerParameter of old files, LayerParameter of new ones.
type form struct {
	name, kind, bottom, top, blobs       protowire.Number
	pooling, lrn, innerProduct, outdated protowire.Number
}

var (
	oldForm = form{name: 4, kind: 5, bottom: 2, top: 3, blobs: 6, pooling: 19, lrn: 18, innerProduct: 17, outdated: 1}
	newForm = form{name: 1, kind: 2, bottom: 3, top: 4, blobs: 7, pooling: 121, lrn: 118, innerProduct: 117}
)

// kinds are the numbers that old files have for layers with weights, and for those that matter to others.
var kinds = map[uint64]string{3: "Concat", 4: "Convolution", 14: "InnerProduct", 15: "LRN", 17: "Pooling", 25: "Eltwise", 39: "Deconvolution"}

func readLayer(m message, at form) (layer, error) {
	l := layer{k: 1}
	err := m.fields(func(f field) (err error) {
		switch f.number {
		case at.name:
			l.name, err = f.text()
		case at.kind:
			if f.kind == protowire.VarintType {
				if l.kind = kinds[f.value]; l.kind == "" {
					l.kind = fmt.Sprintf("type %d", f.value)
				}
				return nil
			}
			l.kind, err = f.text()
		case at.bottom, at.top:
			name, err := f.text()
			if err != nil {
				return err
			}
			if f.number == at.bottom {
				l.bottoms = append(l.bottoms, name)
			} else {
				l.tops = append(l.tops, name)
			}
		case at.blobs:
			if len(l.blobs) >= maxBlobs {
				return fmt.Errorf("more than %d blobs", maxBlobs)
			}
			sub, err := f.sub()
			if err != nil {
				return err
			}
			b, err := readBlob(sub)
			if err != nil {
				return fmt.Errorf("blob %d: %w", len(l.blobs), err)
			}
			l.blobs = append(l.blobs, b)
		case at.pooling: // PoolingParameter: pad 4
			return parameter(f, 4, func(v field) { l.pad = int(min(v.value, 1<<20)) })
		case at.lrn: // LRNParameter: k 5
			return parameter(f, 5, func(v field) { l.k = float64(math.Float32frombits(uint32(v.value))) })
		case at.innerProduct: // InnerProductParameter: transpose 6
			return parameter(f, 6, func(v field) { l.transposed = v.value != 0 })
		case at.outdated:
			if at.outdated != 0 {
				return errors.New("a network of before 2013: Caffe's upgrade_net_proto_binary makes it readable")
			}
		}
		return err
	})
	return l, err
}

// parameter looks for one number in a layer's parameters.
func parameter(f field, number protowire.Number, found func(field)) error {
	m, err := f.sub()
	if err != nil {
		return err
	}
	return m.fields(func(v field) error {
		if v.number == number && v.kind != protowire.BytesType {
			found(v)
		}
		return nil
	})
}

// readBlob reads a BlobProto: shape 7, or num, channels, height and width, 1 to 4; data 5 or double_data 8.
func readBlob(m message) (blob, error) {
	var b blob
	legacy := [4]int64{1, 1, 1, 1}
	isLegacy := false
	err := m.fields(func(f field) error {
		switch f.number {
		case 1, 2, 3, 4:
			if f.kind != protowire.VarintType {
				return fmt.Errorf("field %d is no number", f.number)
			}
			legacy[f.number-1], isLegacy = int64(int32(f.value)), true
		case 5, 8:
			return b.read(f)
		case 7:
			sub, err := f.sub()
			if err != nil {
				return err
			}
			return sub.fields(func(d field) error { return b.dims(d) })
		}
		return nil
	})
	if err != nil {
		return b, err
	}
	if isLegacy {
		b.shape = nil
		for _, d := range legacy {
			b.shape = append(b.shape, int(d))
		}
	}
	elements := 1
	for _, d := range b.shape {
		if d < 0 || d > 0 && elements > math.MaxInt/d {
			return b, fmt.Errorf("the shape %v is none", b.shape)
		}
		elements *= d
	}
	if elements != len(b.data) {
		return b, fmt.Errorf("%d numbers for the shape %v: truncated, or left out when it was written", len(b.data), b.shape)
	}
	if !finite(b.data) {
		return b, errors.New("it holds infinite numbers, or none")
	}
	return b, nil
}

// dims reads dimensions, one or packed.
func (b *blob) dims(f field) error {
	if f.number != 1 {
		return nil
	}
	add := func(v uint64) error {
		if len(b.shape) >= maxDims || v > math.MaxInt32 {
			return fmt.Errorf("a shape of %d dimensions, or of %d", len(b.shape)+1, v)
		}
		b.shape = append(b.shape, int(v))
		return nil
	}
	if f.kind == protowire.VarintType {
		return add(f.value)
	}
	if f.kind != protowire.BytesType {
		return errors.New("a shape that is no list of integers")
	}
	if f.end-f.at > 10*maxDims {
		return errors.New("a shape of too many dimensions")
	}
	raw := make([]byte, f.end-f.at)
	if n, err := f.src.ReadAt(raw, f.at); n < len(raw) {
		return err
	}
	for len(raw) > 0 {
		v, n := protowire.ConsumeVarint(raw)
		if n < 0 {
			return errEnds
		}
		if err := add(v); err != nil {
			return err
		}
		raw = raw[n:]
	}
	return nil
}

// chunk is the buffer between file and floats, in bytes.
const chunk = 256 << 10

// read reads floats (field 5) or doubles (field 8), one or packed.
func (b *blob) read(f field) error {
	size := map[protowire.Number]int{5: 4, 8: 8}[f.number]
	convert := func(raw []byte) {
		for ; len(raw) >= size; raw = raw[size:] {
			if size == 4 {
				b.data = append(b.data, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
			} else {
				b.data = append(b.data, float32(math.Float64frombits(binary.LittleEndian.Uint64(raw))))
			}
		}
	}
	switch f.kind {
	case protowire.Fixed32Type, protowire.Fixed64Type:
		if f.kind == protowire.Fixed32Type != (size == 4) {
			return fmt.Errorf("field %d has numbers of another size", f.number)
		}
		convert(binary.LittleEndian.AppendUint64(nil, f.value)[:size])
		return nil
	case protowire.VarintType:
		return fmt.Errorf("field %d has integers in place of floats", f.number)
	}
	n := f.end - f.at
	if n%int64(size) != 0 {
		return fmt.Errorf("%d bytes of numbers of %d", n, size)
	}
	if len(b.data) == 0 {
		b.data = make([]float32, 0, n/int64(size)) // as many as are in the file
	}
	buf := make([]byte, min(chunk, n))
	for at := f.at; at < f.end; {
		part := buf[:min(int64(len(buf)), f.end-at)]
		if k, err := f.src.ReadAt(part, at); k < len(part) {
			if err == nil || errors.Is(err, io.EOF) {
				err = errEnds
			}
			return err
		}
		convert(part)
		at += int64(len(part))
	}
	return nil
}
