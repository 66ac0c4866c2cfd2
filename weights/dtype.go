package weights

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A dtype is an element type of the format. Every whole-byte type of the
// format is known, because the header can only be checked when all sizes are;
// the types with a decode function can also be read, those with an encode
// function written.
type dtype struct {
	name   string
	size   int
	decode func(dst []float32, src []byte) error // len(src) is size*len(dst)
	encode func(dst []byte, src []float32)       // len(dst) is size*len(src)
}

var dtypes = map[string]*dtype{}

func init() {
	for _, d := range []dtype{
		{"F32", 4, decodeF32, encodeF32}, {"F16", 2, decodeF16, encodeF16}, {"BF16", 2, decodeBF16, nil},
		{"F64", 8, decodeF64, nil}, {"I64", 8, decodeI64, nil},
		{"BOOL", 1, nil, nil}, {"U8", 1, nil, nil}, {"I8", 1, nil, nil}, {"F8_E5M2", 1, nil, nil}, {"F8_E4M3", 1, nil, nil},
		{"F8_E8M0", 1, nil, nil}, {"F8_E4M3FNUZ", 1, nil, nil}, {"F8_E5M2FNUZ", 1, nil, nil},
		{"I16", 2, nil, nil}, {"U16", 2, nil, nil}, {"I32", 4, nil, nil}, {"U32", 4, nil, nil}, {"U64", 8, nil, nil}, {"C64", 8, nil, nil},
	} {
		dtypes[d.name] = &d
	}
}

func decodeF32(dst []float32, src []byte) error {
	for len(dst) >= 4 && len(src) >= 16 { // four at a time without bounds checks take a quarter of the time
		dst[0] = math.Float32frombits(binary.LittleEndian.Uint32(src))
		dst[1] = math.Float32frombits(binary.LittleEndian.Uint32(src[4:]))
		dst[2] = math.Float32frombits(binary.LittleEndian.Uint32(src[8:]))
		dst[3] = math.Float32frombits(binary.LittleEndian.Uint32(src[12:]))
		dst, src = dst[4:], src[16:]
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
	return nil
}

// encodeF32 is decodeF32's way back; len(dst) is 4*len(src).
func encodeF32(dst []byte, src []float32) {
	for len(src) >= 4 && len(dst) >= 16 {
		binary.LittleEndian.PutUint32(dst, math.Float32bits(src[0]))
		binary.LittleEndian.PutUint32(dst[4:], math.Float32bits(src[1]))
		binary.LittleEndian.PutUint32(dst[8:], math.Float32bits(src[2]))
		binary.LittleEndian.PutUint32(dst[12:], math.Float32bits(src[3]))
		src, dst = src[4:], dst[16:]
	}
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
}

// decodeF16 is exact: every half is a float32.
func decodeF16(dst []float32, src []byte) error {
	for i := range dst {
		dst[i] = halfToFloat(binary.LittleEndian.Uint16(src[2*i:]))
	}
	return nil
}

func halfToFloat(h uint16) float32 {
	sign, exp, frac := uint32(h>>15)<<31, uint32(h>>10)&31, uint32(h)&1023
	switch exp {
	case 0: // zero and subnormals: frac · 2⁻²⁴, exact in a float32
		return math.Float32frombits(sign | math.Float32bits(float32(frac)*0x1p-24))
	case 31: // infinity and NaN
		return math.Float32frombits(sign | 255<<23 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

// encodeF16 rounds to the nearest half, of two as near to the one that is even.
func encodeF16(dst []byte, src []float32) {
	for i, v := range src {
		binary.LittleEndian.PutUint16(dst[2*i:], floatToHalf(v))
	}
}

// halfOverflow is the least magnitude that rounds to infinity: what lies half-way
// between the largest half, 65504, and the next power of two.
const halfOverflow = 65520

// checkHalf refuses what would become infinite.
func checkHalf(data []float32) error {
	for i, v := range data {
		// v-v is zero for finite values only.
		if (v >= halfOverflow || v <= -halfOverflow) && v-v == 0 {
			return fmt.Errorf("element %d is %g: should be from -65504 to 65504 for F16", i, v)
		}
	}
	return nil
}

func floatToHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign := uint16(bits>>16) & 0x8000
	switch bits &= 1<<31 - 1; {
	case bits > 255<<23: // a NaN stays one
		return sign | 0x7e00 | uint16(bits>>13)&1023
	case bits >= math.Float32bits(halfOverflow):
		return sign | 31<<10
	case bits < (127-14)<<23: // a subnormal: a multiple of 2⁻²⁴, up to the smallest normal half
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(bits))*0x1p24))
	}
	// Rounding may carry into the exponent, which is as it should be.
	bits += 1<<12 - 1 + bits>>13&1
	return sign | uint16((bits-(127-15)<<23)>>13)
}

// decodeBF16 is exact: a bfloat16 is the upper half of a float32.
func decodeBF16(dst []float32, src []byte) error {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
	return nil
}

// decodeF64 rounds to the nearest float32 and refuses a finite value that
// would become infinite.
func decodeF64(dst []float32, src []byte) error {
	for i := range dst {
		v := math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:]))
		dst[i] = float32(v)
		if math.IsInf(float64(dst[i]), 0) && !math.IsInf(v, 0) {
			return fmt.Errorf("the F64 value %g is too large for a float32", v)
		}
	}
	return nil
}

// decodeI64 refuses an integer that a float32 does not hold exactly: integers
// count or index, and a rounded one would be silently wrong.
func decodeI64(dst []float32, src []byte) error {
	for i := range dst {
		v := int64(binary.LittleEndian.Uint64(src[8*i:]))
		dst[i] = float32(v)
		// 2⁶³ itself does not convert back; no other result is out of range.
		if dst[i] == 1<<63 || int64(dst[i]) != v {
			return fmt.Errorf("the I64 value %d is no exact float32", v)
		}
	}
	return nil
}
