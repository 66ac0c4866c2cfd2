package onnx

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// Every way in which a tensor may stand in a file: raw bytes before or behind its type and shape, and typed fields.
func TestTensorsInEveryForm(t *testing.T) {
	le := binary.LittleEndian
	u16 := func(list ...uint16) (b []byte) {
		for _, v := range list {
			b = le.AppendUint16(b, v)
		}
		return b
	}
	header := func(m *message, typ int64, dims ...int64) {
		for _, d := range dims {
			m.int(1, d)
		}
		m.int(2, typ)
	}
	for _, c := range []struct {
		name   string
		write  func(m *message)
		floats []float32
		ints   []int64
		fails  string
	}{
		{"bytes with a sign", func(m *message) { header(m, typeInt8, 3); m.bytes(9, []byte{1, 0xff, 0x80}) }, nil, []int64{1, -1, -128}, ""},
		{"short numbers", func(m *message) { header(m, typeInt16, 2); m.bytes(9, u16(7, 0xfffe)) }, nil, []int64{7, -2}, ""},
		{"short numbers without a sign", func(m *message) { header(m, typeUint16, 2); m.bytes(9, u16(7, 0xfffe)) }, nil, []int64{7, 65534}, ""},
		{"numbers without a sign", func(m *message) { header(m, typeUint32, 1); m.bytes(9, le.AppendUint32(nil, 0xfffffffe)) }, nil, []int64{4294967294}, ""},
		{"truth values", func(m *message) { header(m, typeBool, 2); m.bytes(9, []byte{1, 0}) }, nil, []int64{1, 0}, ""},
		{"brain floats", func(m *message) { header(m, typeBfloat16, 2); m.bytes(9, u16(0x3f80, 0xc020)) }, []float32{1, -2.5}, nil, ""},
		{"halves", func(m *message) { header(m, typeFloat16, 3); m.bytes(9, u16(0x3c00, 0xc100, 0x0001)) }, []float32{1, -2.5, 1. / (1 << 24)}, nil, ""},
		{"halves in a field of numbers", func(m *message) { header(m, typeFloat16, 2); m.int(5, 0x3c00); m.int(5, 0xc100) }, []float32{1, -2.5}, nil, ""},
		{"doubles", func(m *message) {
			header(m, typeDouble, 2)
			m.bytes(9, le.AppendUint64(le.AppendUint64(nil, math.Float64bits(0.5)), math.Float64bits(-3)))
		}, []float32{0.5, -3}, nil, ""},
		{"doubles in their field", func(m *message) {
			header(m, typeDouble, 2)
			m.bytes(10, le.AppendUint64(le.AppendUint64(nil, math.Float64bits(0.5)), math.Float64bits(-3)))
		}, []float32{0.5, -3}, nil, ""},
		{"bytes before the type", func(m *message) { m.bytes(9, []byte{1, 2}); header(m, typeUint8, 2) }, nil, []int64{1, 2}, ""},
		{"bytes before the shape", func(m *message) { m.int(2, typeUint8); m.bytes(9, []byte{1, 2}); m.int(1, 2) }, nil, []int64{1, 2}, ""},
		{"too few bytes", func(m *message) { header(m, typeFloat, 2); m.bytes(9, []byte{0, 0, 0, 0}) }, nil, nil, "for the shape 2 of float32"},
		{"too few numbers", func(m *message) { header(m, typeInt64, 3); m.int(7, 1) }, nil, nil, "1 elements for the shape 3 of int64"},
		{"segments", func(m *message) { header(m, typeFloat, 1); m.bytes(3, nil); m.float(4, 1) }, nil, nil, "stored in segments"},
		{"seventeen dimensions", func(m *message) { header(m, typeFloat, slices.Repeat([]int64{1}, 17)...); m.float(4, 1) }, nil, nil, "17 dimensions"},
		{"a negative dimension", func(m *message) { header(m, typeFloat, 2, -3); m.float(4, 1) }, nil, nil, "dimension 1 is -3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &message{}
			c.write(m)
			m.text(8, "t")
			var b bytes.Buffer
			if err := m.writeTo(&b); err != nil {
				t.Fatal(err)
			}
			v, err := readTensor(&stream{&source{Reader: bufio.NewReader(&b)}, m.size}, nil, "")
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), `"t"`) {
					t.Errorf("error %v does not say %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(v.floats, c.floats) || !slices.Equal(v.ints, c.ints) {
				t.Errorf("%v %v, want %v %v", v.floats, v.ints, c.floats, c.ints)
			}
		})
	}
}
