package labels

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// most is the largest list that is read, in bytes.
const most = 64 << 20

// Read reads a list of classes from a file: one name a line, with WordNet's or running numbers before the
// names or without; JSON such as imagenet_class_index.json, or a Hugging Face config.json; a CSV table with
// a column of numbers and one of names. The names come in the order of their numbers.
func Read(path string) ([]string, error) {
	text, err := weights.ReadSmall(path, most)
	if err != nil {
		return nil, err
	}
	names, err := Parse(filepath.Base(path), text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return names, nil
}

// Parse is [Read] for what is in memory. The name's ending helps to tell a table from a text.
func Parse(name string, text []byte) ([]string, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(inUTF8(text), []byte("\xef\xbb\xbf")))
	var names []string
	var err error
	switch ending := strings.ToLower(filepath.Ext(name)); {
	case len(text) == 0:
		return nil, errors.New("no names of classes: it is empty")
	case text[0] == '{' && json.Valid(text), text[0] == '[' && json.Valid(text):
		names, err = fromJSON(text)
	case ending == ".json":
		return nil, errors.New("no valid JSON")
	case ending == ".yaml" || ending == ".yml":
		return nil, errors.New("no list of classes: YAML: write the names into a file of their own, one a line")
	case !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0:
		if f := weights.Recognise(name, text[:min(len(text), 512)]); f != nil && f.Format != "a text" {
			return nil, fmt.Errorf("no list of classes: %s", f.Format)
		}
		return nil, errors.New("no list of classes: no text in UTF-8")
	case ending == ".csv" || ending == ".tsv":
		names, err = fromTable(text, ending == ".tsv")
	default:
		if f := weights.Recognise(name, text[:min(len(text), 512)]); f != nil && f.Format == "an HTML page" {
			return nil, fmt.Errorf("no list of classes: %w", f)
		}
		names, err = fromLines(text)
	}
	if err != nil {
		return nil, err
	}
	for i, n := range names {
		if strings.TrimSpace(n) == "" {
			return nil, fmt.Errorf("class %d has no name", i)
		}
	}
	if len(names) == 1 {
		return nil, fmt.Errorf("one class only, %q: should be one name a line, JSON or a CSV table", names[0])
	}
	return names, nil
}

// inUTF8 is a text that may be in UTF-16 with its mark, as editors of Windows write it.
func inUTF8(text []byte) []byte {
	var order binary.ByteOrder
	switch {
	case len(text)%2 != 0:
		return text
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		order = binary.LittleEndian
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order = binary.BigEndian
	default:
		return text
	}
	var units []uint16
	for i := 2; i < len(text); i += 2 {
		units = append(units, order.Uint16(text[i:]))
	}
	return []byte(string(utf16.Decode(units)))
}

var (
	wordNet = regexp.MustCompile(`^n\d{8}$`)
	// synset is WordNet's number before a name.
	synset = regexp.MustCompile(`^n\d{8}[\s,:]+`)
	// pair is an entry of a Python dict that was printed: {0: 'tench, Tinca tinca',
	pair = regexp.MustCompile(`^\{?\s*(\d+)\s*:\s*(?:u?'(.*)'|u?"(.*)")\s*,?\s*\}?$`)
	// numbered is a line that begins with a running number.
	numbered = regexp.MustCompile(`^(\d+)\s*[:,;.)\t ]\s*(\S.*)$`)
)

func fromLines(text []byte) ([]string, error) {
	var lines []string
	for line := range bytes.Lines(text) {
		lines = append(lines, strings.TrimSpace(string(line)))
	}
	for _, form := range []*regexp.Regexp{pair, numbered} {
		if names, ok := byNumber(lines, form); ok {
			for i := range names {
				names[i] = synset.ReplaceAllString(names[i], "")
			}
			return names, nil
		}
	}
	var names []string
	for i, line := range lines {
		name := strings.TrimSpace(synset.ReplaceAllString(line, ""))
		if name == "" {
			return nil, fmt.Errorf("line %d is empty: should be the name of a class", i+1)
		}
		names = append(names, name)
	}
	return unquoted(names), nil
}

// unquoted takes off the marks that stand around all names.
func unquoted(names []string) []string {
	for _, mark := range []string{`"`, "'"} {
		inside := make([]string, len(names))
		for i, n := range names {
			n = strings.TrimSuffix(n, ",")
			if len(n) < 3 || !strings.HasPrefix(n, mark) || !strings.HasSuffix(n, mark) || strings.Contains(n[1:len(n)-1], mark) {
				inside = nil
				break
			}
			inside[i] = n[1 : len(n)-1]
		}
		if inside != nil {
			return inside
		}
	}
	return names
}

// byNumber reads lines that all have a number and a name, if the numbers are 0, 1, 2 … or 1, 2, 3 … in
// some order.
func byNumber(lines []string, form *regexp.Regexp) ([]string, bool) {
	found := map[int]string{}
	for _, line := range lines {
		m := form.FindStringSubmatch(line)
		if m == nil {
			return nil, false
		}
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, false
		}
		found[n] = cmp.Or(m[2:]...)
	}
	return inOrder(found, len(lines))
}

// inOrder lists n names whose numbers are 0 to n-1, or 1 to n.
func inOrder(found map[int]string, n int) ([]string, bool) {
	first := 0
	if _, ok := found[0]; !ok {
		first = 1
	}
	names := make([]string, 0, n)
	for i := first; i < first+n; i++ {
		name, ok := found[i]
		if !ok {
			return nil, false
		}
		names = append(names, strings.TrimSpace(name))
	}
	return names, len(found) == n
}
