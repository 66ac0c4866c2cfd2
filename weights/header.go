package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

const (
	// maxHeader is the reference implementation's bound on the JSON header.
	maxHeader = 100_000_000
	metaKey   = "__metadata__"
)

// An entry is one tensor of a checked header, within the data of the file:
// end-begin is the size that dtype and shape ask for, or with strides what lies
// between the first and the last element.
type entry struct {
	name       string
	dtype      *dtype
	shape      []int
	strides    []int // elements; nil for one that is dense and in row-major order
	sides      []int // that the strides are for: the shape, before it was changed
	elements   int
	part       *part // nil: data holds it
	begin, end int64 // bytes, from the start of the part (of the data, until the header is checked)
	data       []float32
	made       string // the function that would have to be executed for it
}

// parseHeader reads the JSON header of a file with dataLen bytes of data. The
// entries come in the order of their data, which they cover without overlap
// or hole; the map is __metadata__.
func parseHeader(raw []byte, dataLen int64) ([]entry, map[string]string, error) {
	switch {
	case !utf8.Valid(raw):
		return nil, nil, errors.New("the header is not valid UTF-8")
	case len(raw) == 0 || raw[0] != '{':
		return nil, nil, errors.New("the header does not start with '{'")
	case !json.Valid(raw): // Token alone forgives some broken documents
		return nil, nil, errors.New("the header is not valid JSON")
	case loneSurrogate(raw): // encoding/json would put U+FFFD in its place
		return nil, nil, errors.New("the header is not valid Unicode: half of a surrogate pair")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var entries []entry
	var meta map[string]string
	err := jsonObject(dec, func(key string) (err error) {
		if key == metaKey {
			meta, err = parseMetadata(dec)
			return err
		}
		e, err := parseEntry(dec)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", quote(key), err)
		}
		e.name = key
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	return entries, meta, checkLayout(entries, dataLen)
}

// checkLayout holds entries sorted by offset to the format's rule: they cover
// the data from its first byte to its last, each byte once.
func checkLayout(entries []entry, dataLen int64) error {
	var at int64
	for _, e := range entries {
		switch {
		case e.end > dataLen:
			return fmt.Errorf("tensor %s (%s %s) ends at byte %d of the data, but the file holds %d bytes of data: truncated, or not what it claims to be",
				quote(e.name), e.dtype.name, formatShape(e.shape), e.end, dataLen)
		case e.begin < at:
			return fmt.Errorf("tensor %s starts at byte %d of the data and overlaps the one before it, which ends at %d", quote(e.name), e.begin, at)
		case e.begin > at:
			return fmt.Errorf("%d bytes before tensor %s belong to no tensor", e.begin-at, quote(e.name))
		}
		at = e.end
	}
	if at != dataLen {
		return fmt.Errorf("the last %d bytes belong to no tensor", dataLen-at)
	}
	return nil
}

func parseEntry(dec *json.Decoder) (entry, error) {
	var e entry
	var offsets []int
	var have [3]bool
	err := jsonObject(dec, func(key string) (err error) {
		switch key {
		case "dtype":
			have[0] = true
			tok, err := dec.Token()
			if err != nil {
				return err
			}
			name, _ := tok.(string)
			if e.dtype = dtypes[name]; e.dtype == nil {
				return fmt.Errorf("unknown dtype %s", quote(fmt.Sprint(tok)))
			}
			return nil
		case "shape":
			have[1] = true
			e.shape, err = naturals(dec, key)
			return err
		case "data_offsets":
			have[2] = true
			offsets, err = naturals(dec, key)
			return err
		}
		var ignored json.RawMessage // as the reference implementation does
		return dec.Decode(&ignored)
	})
	switch {
	case err != nil:
		return e, err
	case !have[0] || !have[1] || !have[2]:
		return e, errors.New("needs dtype, shape and data_offsets")
	case len(offsets) != 2 || offsets[1] < offsets[0]:
		return e, fmt.Errorf("data_offsets %s are no begin and end", formatShape(offsets))
	}
	e.begin, e.end = int64(offsets[0]), int64(offsets[1])
	if e.elements, err = elements(e.shape); err != nil {
		return e, err
	}
	if e.elements > math.MaxInt/e.dtype.size {
		return e, fmt.Errorf("shape %s of %s has more bytes than can be addressed", formatShape(e.shape), e.dtype.name)
	}
	if want := int64(e.elements * e.dtype.size); e.end-e.begin != want {
		return e, fmt.Errorf("shape %s of %s takes %d bytes, but data_offsets give it %d", formatShape(e.shape), e.dtype.name, want, e.end-e.begin)
	}
	return e, nil
}

func parseMetadata(dec *json.Decoder) (map[string]string, error) {
	meta := map[string]string{}
	err := jsonObject(dec, func(key string) error {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		value, ok := tok.(string)
		if !ok {
			return fmt.Errorf("%s: the value of %s is no string", metaKey, quote(key))
		}
		meta[key] = value
		return nil
	})
	return meta, err
}

// jsonObject reads one JSON object and calls field for each key, with dec at the
// value. A key that comes twice is refused.
func jsonObject(dec *json.Decoder, field func(key string) error) error {
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('{') {
		return errors.New("expected a JSON object")
	}
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, ok := tok.(string)
		if !ok {
			return errors.New("expected a key")
		}
		if seen[key] {
			return fmt.Errorf("%s appears twice in the header", quote(key))
		}
		seen[key] = true
		if err := field(key); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// naturals reads a JSON list of integers from 0 to the largest int.
func naturals(dec *json.Decoder, what string) ([]int, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if tok != json.Delim('[') {
		return nil, fmt.Errorf("%s is no list", what)
	}
	list := []int{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, err
		}
		number, _ := tok.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("%s holds %s, which is no natural number that can be addressed", what, quote(fmt.Sprint(tok)))
		}
		list = append(list, int(n))
	}
	_, err = dec.Token()
	return list, err
}

// loneSurrogate reports whether a valid JSON document escapes one half of a
// surrogate pair without the other.
func loneSurrogate(raw []byte) bool {
	for i := 0; i+1 < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++ // the escaped character, so that \\u is not taken for \u
		switch r := escape(raw[i-1:]); {
		case r >= 0xDC00 && r <= 0xDFFF:
			return true
		case r >= 0xD800 && r <= 0xDBFF:
			low := escape(raw[i+5:])
			if low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 10
		}
	}
	return false
}

// escape gives the code unit of a \uXXXX that raw starts with, or -1.
func escape(raw []byte) int {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// encodeHeader gives the first bytes of a file whose tensors are of one type:
// header length and header, padded with spaces so that the data starts at a
// multiple of eight. Key order and spelling are fixed, so equal files are equal
// bytes.
//
// With the sum of the data, the metadata ends in it and in that of the header
// itself.
func encodeHeader(f *File, d *dtype, dataSum []byte) ([]byte, error) {
	if f == nil {
		return nil, errors.New("no tensors: the file is nil")
	}
	meta, err := f.Meta.encode()
	if err != nil {
		return nil, err
	}
	if dataSum != nil {
		meta = append(meta, keyValue{dataSumKey, hex.EncodeToString(dataSum)}, keyValue{headerSumKey, noSum})
	}
	b := append(make([]byte, 8), '{')
	if len(meta) > 0 {
		b = append(appendString(b, metaKey), ":{"...)
		for i, kv := range meta {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, kv.key), ':')
			b = appendString(b, kv.value)
		}
		b = append(b, '}')
	}
	seen := make(map[string]bool, len(f.Tensors))
	var at int64
	for i, t := range f.Tensors {
		n, err := elements(t.Shape)
		switch {
		case t.Name == "" || t.Name == metaKey || !utf8.ValidString(t.Name):
			return nil, fmt.Errorf("tensor %d: %s cannot be a tensor's name", i, quote(t.Name))
		case seen[t.Name]:
			return nil, fmt.Errorf("tensor %s is there twice", quote(t.Name))
		case err != nil:
			return nil, fmt.Errorf("tensor %s: %w", quote(t.Name), err)
		case n != len(t.Data):
			return nil, fmt.Errorf("tensor %s: shape %s has %d elements, the data %d", quote(t.Name), formatShape(t.Shape), n, len(t.Data))
		}
		if d.name == "F16" {
			if err := checkHalf(t.Data); err != nil {
				return nil, fmt.Errorf("tensor %s: %w", quote(t.Name), err)
			}
		}
		seen[t.Name] = true
		if i > 0 || len(meta) > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, t.Name), `:{"dtype":"`+d.name+`","shape":[`...)
		for j, side := range t.Shape {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, int64(side), 10)
		}
		end := at + int64(d.size)*int64(n)
		b = append(b, `],"data_offsets":[`...)
		b = append(strconv.AppendInt(b, at, 10), ',')
		b = append(strconv.AppendInt(b, end, 10), "]}"...)
		at = end
	}
	b = append(b, '}')
	for len(b)%8 != 0 {
		b = append(b, ' ')
	}
	if len(b)-8 > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, the format allows %d: shorten names or metadata", len(b)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-8))
	if dataSum != nil {
		sum, at := headerSum(b)
		copy(b[at:], hex.EncodeToString(sum))
	}
	return b, nil
}

func appendString(b []byte, s string) []byte {
	q, _ := json.Marshal(s) // no string fails
	return append(b, q...)
}
