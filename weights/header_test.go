package weights

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	const a4 = `"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`
	eight := make([]byte, 8)
	four := make([]byte, 4)
	claims := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	tests := []struct {
		name string
		file []byte
		want string // part of the error
	}{
		{"an empty file", nil, "no bytes at all"},
		{"half a header length", []byte("\x40\x00\x00"), "3 bytes are too few"},
		{"zeros", eight[:7], "begins with zeros only"},
		{"a header longer than the file", append(claims(100), `{}`...), "claims a header of 100 bytes, of which 2 follow"},
		{"a header length that overflows", append(claims(1<<64-1), `{}`...), "claims a header of 18446744073709551615 bytes"},
		{"an empty header", raw("", 1), "does not start with '{'"},
		{"a header that starts with a space", raw(` {`+a4+`}`, four...), "does not start with '{'"},
		{"a header that is a list", raw(`[1]`), "does not start with '{'"},
		{"broken UTF-8", raw("{\"\xff\":{}}"), "not valid UTF-8"},
		{"half a surrogate pair", raw(`{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "surrogate"},
		{"the last first half", raw(`{"a\udbff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "surrogate"},
		{"the last other half", raw(`{"\udfffa":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "surrogate"},
		{"two first halves", raw(`{"\ud83d\ud83d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "surrogate"},
		{"a half, and what is no other half", raw(`{"\ud83d\ue000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "surrogate"},
		{"the other half of a surrogate pair", raw(`{"\\\udc00":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "surrogate"},
		{"broken JSON", raw(`{"a":{"dtype":"F32",}}`), "not valid JSON"},
		{"two JSON documents", raw(`{}{}`), "not valid JSON"},
		{"padding with zeros", raw("{}\x00\x00"), "not valid JSON"},
		{"a tensor that is no object", raw(`{"a":1}`), `tensor "a": expected a JSON object`},
		{"a tensor without shape", raw(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, four...), "needs dtype, shape and data_offsets"},
		{"keys in capitals", raw(`{"a":{"DType":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), "needs dtype, shape and data_offsets"},
		{"an unknown dtype", raw(`{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}`, four...), `unknown dtype "F33"`},
		{"a dtype that is a number", raw(`{"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}`, four...), `unknown dtype "32"`},
		{"a negative dimension", raw(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, four...), `shape holds "-1"`},
		{"a fractional dimension", raw(`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`, four...), `shape holds "1.0"`},
		{"a dimension in quotes", raw(`{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}`, four...), "shape holds"},
		{"a shape in a shape", raw(`{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}`, four...), "shape holds"},
		{"a shape that is a number", raw(`{"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}`, four...), "shape is no list"},
		{"an element count that overflows", raw(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}`, four...), "more elements than can be addressed"},
		{"an element count that overflows and then is zero", raw(`{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}`), "more elements than can be addressed"},
		{"a byte count that overflows", raw(`{"a":{"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]}}`), "more bytes than can be addressed"},
		{"an offset beyond 63 bits", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775808]}}`, four...), "data_offsets holds"},
		{"one offset", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4]}}`, four...), "no begin and end"},
		{"three offsets", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}`, four...), "no begin and end"},
		{"offsets that run backwards", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, four...), "no begin and end"},
		{"offsets that contradict the shape", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, eight...), "takes 4 bytes, but data_offsets give it 8"},
		{"a tensor that claims a terabyte", raw(`{"a":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}`, eight...), "ends at byte 1099511627776 of the data, but the file holds 8"},
		{"data that is cut off", raw(`{`+a4+`}`, four[:3]...), "truncated"},
		{"data after the last tensor", raw(`{`+a4+`}`, eight...), "the last 4 bytes belong to no tensor"},
		{"data without a tensor", raw(`{}`, 1), "the last 1 bytes belong to no tensor"},
		{"a hole before the first tensor", raw(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), `4 bytes before tensor "a" belong to no tensor`},
		{"a hole between tensors", raw(`{`+a4+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, make([]byte, 12)...), `4 bytes before tensor "b"`},
		{"tensors on the same bytes", raw(`{`+a4+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), `tensor "b" starts at byte 0 of the data and overlaps`},
		{"tensors that overlap in part", raw(`{`+a4+`,"b":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}}`, make([]byte, 6)...), `tensor "b" starts at byte 2 of the data and overlaps`},
		{"an empty tensor inside another", raw(`{`+a4+`,"b":{"dtype":"F16","shape":[0],"data_offsets":[2,2]}}`, four...), `tensor "b" starts at byte 2 of the data and overlaps`},
		{"a name that comes twice", raw(`{`+a4+`,"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), `"a" appears twice`},
		{"a name that comes twice in different spelling", raw(`{`+a4+`,"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, eight...), `"a" appears twice`},
		{"a field that comes twice", raw(`{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, four...), `"dtype" appears twice`},
		{"metadata that comes twice", raw(`{"__metadata__":{},"__metadata__":{}}`), `"__metadata__" appears twice`},
		{"a metadata key that comes twice", raw(`{"__metadata__":{"k":"1","k":"2"}}`), `"k" appears twice`},
		{"a metadata value that is no string", raw(`{"__metadata__":{"k":1}}`), `the value of "k" is no string`},
		{"metadata that is no object", raw(`{"__metadata__":"k"}`), "expected a JSON object"},
		{"our metadata, broken", raw(`{"__metadata__":{"zoo.epoch":"many"}}`), `metadata zoo.epoch cannot be read: "many"`},
		{"our metadata with something after it", raw(`{"__metadata__":{"zoo.epoch":"1 2"}}`), `metadata zoo.epoch cannot be read`},
		{"a preprocessing step that we do not know", raw(`{"__metadata__":{"zoo.preprocessing":"{\"gamma\":2}"}}`), `metadata zoo.preprocessing cannot be read`},
		{"a standard deviation of zero", raw(`{"__metadata__":{"zoo.preprocessing":"{\"channels\":\"grey\",\"std\":[0]}"}}`), `std holds 0`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openBytes(tt.file)
			if err == nil {
				t.Fatalf("opened, with tensors %v", r.Specs())
			}
			// Where an int has 32 bits, huge numbers fail before they are multiplied.
			small := strconv.IntSize == 32 && strings.Contains(err.Error(), "no natural number that can be addressed")
			if !strings.Contains(err.Error(), tt.want) && !small {
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "test.safetensors: ") || strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("error %q does not name the file on one line", err)
			}
		})
	}
}

func TestOpenAccepts(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		want []string // names in the order of the data
	}{
		{"no tensors", raw(`{}      `), []string{}},
		{"tensors out of order in the header", raw(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`, make([]byte, 8)...), []string{"a", "b"}},
		{"an empty tensor between others", raw(`{"c":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"b":{"dtype":"F32","shape":[7,0],"data_offsets":[4,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 8)...), []string{"a", "b", "c"}},
		{"data that is not aligned", raw(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}`, make([]byte, 5)...), []string{"a", "b"}},
		{"fields that we do not know", raw(`{"a":{"dtype":"F32","more":{"x":[1,{}]},"shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)...), []string{"a"}},
		{"the last surrogate pair", raw(`{"\udbff\udfff":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)...), []string{"\U0010ffff"}},
		{"the first surrogate pair, and letters beside the surrogates", raw(`{"\ud800\udc00\ud7ff\ue000":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)...), []string{"\U00010000\ud7ff\ue000"}},
		{"a whole surrogate pair", raw(`{"\\u\ud83d\ude00":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)...), []string{`\u😀`}},
		{"an empty name", raw(`{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)...), []string{""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustOpen(t, tt.file).Names(); !slices.Equal(got, tt.want) {
				t.Errorf("names %q, want %q", got, tt.want)
			}
		})
	}
}

// No prefix of a file and no file with a byte too many may pass for a file.
func TestOpenRefusesEveryTruncation(t *testing.T) {
	f := sample()
	f.Tensors[2] = Tensor{"classifier.weight", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}}
	whole := mustWrite(t, f)
	mustOpen(t, whole)
	for n := range whole {
		if _, err := openBytes(whole[:n]); err == nil {
			t.Errorf("opened the first %d of %d bytes", n, len(whole))
		}
	}
	if _, err := openBytes(append(whole, 0)); err == nil {
		t.Error("opened a file with a byte too many")
	}
}

func TestErrorsStayShortForHostileNames(t *testing.T) {
	name := strings.Repeat("é", 100_000)
	shape := strings.TrimSuffix(strings.Repeat("1,", 100_000), ",")
	_, err := openBytes(raw(fmt.Sprintf(`{%q:{"dtype":"F32","shape":[%s],"data_offsets":[0,8]}}`, name, shape), make([]byte, 8)...))
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("error has %d bytes: %.500v", len(fmt.Sprint(err)), err)
	}
}
