package onnx

import (
	"encoding/binary"
	"io"
	"math"
)

// A message is a protocol buffer in the making: bytes, and between them the
// values of tensors, which are not copied until they are written.
type message struct {
	parts []part
	size  int64
}

type part struct {
	bytes  []byte
	floats []float32
}

// Wire types of the encoding (https://protobuf.dev/programming-guides/encoding).
const (
	wireVarint = 0
	wireBytes  = 2
	wireFixed4 = 5
)

func (m *message) raw(b []byte) {
	m.size += int64(len(b))
	if n := len(m.parts); n > 0 && m.parts[n-1].floats == nil {
		m.parts[n-1].bytes = append(m.parts[n-1].bytes, b...)
		return
	}
	m.parts = append(m.parts, part{bytes: append([]byte(nil), b...)})
}

func (m *message) tag(field, wire int, value uint64) {
	m.raw(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|uint64(wire)), value))
}

func (m *message) int(field int, v int64) { m.tag(field, wireVarint, uint64(v)) }

func (m *message) float(field int, v float32) {
	m.raw(binary.LittleEndian.AppendUint32(binary.AppendUvarint(nil, uint64(field)<<3|wireFixed4), math.Float32bits(v)))
}

func (m *message) text(field int, s string) { m.bytes(field, []byte(s)) }

func (m *message) bytes(field int, b []byte) {
	m.tag(field, wireBytes, uint64(len(b)))
	m.raw(b)
}

// floats adds little-endian values as bytes.
func (m *message) floats(field int, data []float32) {
	m.tag(field, wireBytes, 4*uint64(len(data)))
	if len(data) > 0 {
		m.parts = append(m.parts, part{floats: data})
		m.size += 4 * int64(len(data))
	}
}

func (m *message) message(field int, sub *message) {
	m.tag(field, wireBytes, uint64(sub.size))
	for _, p := range sub.parts {
		if p.floats == nil {
			m.raw(p.bytes)
		} else {
			m.parts = append(m.parts, p)
			m.size += 4 * int64(len(p.floats))
		}
	}
}

func (m *message) writeTo(w io.Writer) error {
	buf := make([]byte, 256<<10)
	for _, p := range m.parts {
		if _, err := w.Write(p.bytes); err != nil {
			return err
		}
		for data := p.floats; len(data) > 0; {
			n := min(len(data), len(buf)/4)
			for i, v := range data[:n] {
				binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
			}
			if _, err := w.Write(buf[:4*n]); err != nil {
				return err
			}
			data = data[n:]
		}
	}
	return nil
}
