package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// A stream is a protocol buffer that is read from front to back. Its size is known, so a length that a
// file claims is compared with what is there before anything is allocated for it.
type stream struct {
	r    *source
	left int64 // bytes of this message that were not read yet
}

var errWire = errors.New("damaged, or no ONNX file: a field is cut off")

// next reads the tag of the next field. It returns false at the message's end.
func (s *stream) next() (field protowire.Number, typ protowire.Type, ok bool, err error) {
	if s.left == 0 {
		return 0, 0, false, nil
	}
	tag, err := s.varint()
	if err != nil {
		return 0, 0, false, err
	}
	field, typ = protowire.DecodeTag(tag)
	if field < protowire.MinValidNumber {
		return 0, 0, false, fmt.Errorf("damaged, or no ONNX file: field number %d", field)
	}
	return field, typ, true, nil
}

func (s *stream) varint() (uint64, error) {
	head, err := s.r.Peek(int(min(binary.MaxVarintLen64, s.left)))
	if err != nil && (err != io.EOF || len(head) == 0) {
		return 0, cut(err)
	}
	v, n := protowire.ConsumeVarint(head)
	if n < 0 {
		return 0, errWire
	}
	s.skipped(n)
	return v, nil
}

func (s *stream) skipped(n int) {
	_, _ = s.r.Discard(n) // of what was peeked
	s.left -= int64(n)
}

// fixed reads a number of 4 or 8 bytes.
func (s *stream) fixed(size int) (uint64, error) {
	if int64(size) > s.left {
		return 0, errWire
	}
	b, err := s.r.Peek(size)
	if err != nil {
		return 0, cut(err)
	}
	v := uint64(0)
	if size == 4 {
		v = uint64(binary.LittleEndian.Uint32(b))
	} else {
		v = binary.LittleEndian.Uint64(b)
	}
	s.skipped(size)
	return v, nil
}

// message enters a field that has a length: another message, text, bytes or packed numbers. It has to be
// read to its end before its parent is read on.
func (s *stream) message() (*stream, error) {
	n, err := s.varint()
	if err != nil {
		return nil, err
	}
	if n > uint64(s.left) {
		return nil, errWire
	}
	s.left -= int64(n)
	return &stream{s.r, int64(n)}, nil
}

// bytes reads the whole message.
func (s *stream) bytes() ([]byte, error) {
	b := make([]byte, s.left)
	if _, err := io.ReadFull(s.r, b); err != nil {
		return nil, cut(err)
	}
	s.left = 0
	return b, nil
}

// text reads a field that is text.
func (s *stream) text() (string, error) {
	m, err := s.message()
	if err != nil {
		return "", err
	}
	b, err := m.bytes()
	return string(b), err
}

// int reads a field that is a number.
func (s *stream) int(typ protowire.Type) (int64, error) {
	if typ != protowire.VarintType {
		return 0, errWire
	}
	v, err := s.varint()
	return int64(v), err
}

// numbers adds a field of repeated numbers, packed or single.
func (s *stream) numbers(typ, each protowire.Type, add func(v uint64)) error {
	read := func(s *stream) error {
		var v uint64
		var err error
		switch each {
		case protowire.VarintType:
			v, err = s.varint()
		case protowire.Fixed32Type:
			v, err = s.fixed(4)
		default:
			v, err = s.fixed(8)
		}
		if err == nil {
			add(v)
		}
		return err
	}
	switch typ {
	case each:
		return read(s)
	case protowire.BytesType:
		m, err := s.message()
		for err == nil && m.left > 0 {
			err = read(m)
		}
		return err
	}
	return errWire
}

func (s *stream) ints(typ protowire.Type, list *[]int64) error {
	return s.numbers(typ, protowire.VarintType, func(v uint64) { *list = append(*list, int64(v)) })
}

func (s *stream) floats(typ protowire.Type, list *[]float32) error {
	return s.numbers(typ, protowire.Fixed32Type, func(v uint64) { *list = append(*list, math.Float32frombits(uint32(v))) })
}

// skip leaves out a field. Groups, which ONNX never had, are an error.
func (s *stream) skip(typ protowire.Type) error {
	var err error
	switch typ {
	case protowire.VarintType:
		_, err = s.varint()
	case protowire.Fixed32Type:
		_, err = s.fixed(4)
	case protowire.Fixed64Type:
		_, err = s.fixed(8)
	case protowire.BytesType:
		var m *stream
		if m, err = s.message(); err == nil {
			_, err = io.CopyN(io.Discard, s.r, m.left)
			err = cut(err)
		}
	default:
		err = errWire
	}
	return err
}

// each calls read for every field of a message; read leaves out a field by [stream.skip].
func (s *stream) each(read func(field protowire.Number, typ protowire.Type) error) error {
	for {
		field, typ, ok, err := s.next()
		if err != nil || !ok {
			return err
		}
		if err := read(field, typ); err != nil {
			return err
		}
	}
}

// within reads a field that is a message.
func (s *stream) within(typ protowire.Type, read func(m *stream) error) error {
	if typ != protowire.BytesType {
		return errWire
	}
	m, err := s.message()
	if err != nil {
		return err
	}
	return read(m)
}

func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errWire
	}
	return err
}
