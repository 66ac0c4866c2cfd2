package baduk

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// charset is the property that names the encoding of a record.
var charset = regexp.MustCompile(`CA\s*\[\s*([\w.:-]+)\s*\]`)

// declared is how far into a file its encoding is looked for, in bytes.
const declared = 4 << 10

// inUTF8 is a file of records in UTF-8. In Big5, GBK and Shift JIS a letter may end in the byte of a bracket or of a
// backslash: names in them would swallow moves. Records whose encoding is not told, or is told wrongly, stay as they are.
func inUTF8(data []byte) []byte {
	var from encoding.Encoding
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		from = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case utf8.Valid(data):
		return data
	default:
		m := charset.FindSubmatch(data[:min(len(data), declared)])
		if m == nil {
			return data
		}
		var err error
		if from, err = htmlindex.Get(string(m[1])); err != nil {
			return data
		}
	}
	out, err := from.NewDecoder().Bytes(data)
	if err != nil {
		return data
	}
	return out
}
