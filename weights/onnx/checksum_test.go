package onnx_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// lenet5File is LeNet-5 as we write it.
func lenet5File(t testing.TB) []byte {
	t.Helper()
	n := build(t, "lenet5", zoo.LeNet5())
	var b bytes.Buffer
	meta := weights.Meta{Network: "lenet5", Classes: 10, ClassNames: strings.Split("0123456789", ""), Extra: map[string]string{"author": "somebody"}}
	if err := onnx.Write(&b, n.b, n.x, n.y, onnx.Config{Version: "1.2", Meta: meta}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEveryChangedBitOfAFileOfOursIsRefused(t *testing.T) {
	file := lenet5File(t)
	m, err := onnx.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Meta.Extra) != 1 || m.Meta.Extra["author"] != "somebody" {
		t.Errorf("metadata of one's own are %v", m.Meta.Extra)
	}
	from := bytes.Index(file, []byte("1.2")) + len("1.2") // before it is who wrote the file
	random := rand.New(rand.NewPCG(1, 2))
	places := []int{}
	for range 80 {
		places = append(places, from+random.IntN(len(file)-from))
	}
	for range 40 { // nodes, and metadata
		places = append(places, from+random.IntN(1200), len(file)-1-random.IntN(600))
	}
	if os.Getenv("ZOO_LONG") != "" {
		places = nil
		for at := from; at < len(file); at += 1 + at/500 {
			places = append(places, at)
		}
		for at := len(file) - 1000; at < len(file); at++ {
			places = append(places, at)
		}
	}
	for _, at := range places {
		bit := byte(1) << random.IntN(8)
		file[at] ^= bit
		// A mark between fields that is not looked at changes nothing.
		if got, err := onnx.Read(bytes.NewReader(file)); err == nil && (at < len(file)-1000 || got.Opset != m.Opset || !reflect.DeepEqual(got.Meta, m.Meta)) {
			t.Errorf("bit %08b of byte %d of %d: not noticed, near %q", bit, at, len(file), file[max(at-12, 0):min(at+12, len(file))])
		}
		file[at] ^= bit
	}
	if _, err := onnx.Read(bytes.NewReader(file)); err != nil {
		t.Error(err)
	}
}

// edited is a file whose top-level fields are as edit leaves them: their numbers and contents.
func edited(t *testing.T, file []byte, edit func(field protowire.Number, content []byte) [][]byte) []byte {
	t.Helper()
	var out []byte
	for rest := file; len(rest) > 0; {
		field, typ, n := protowire.ConsumeTag(rest)
		whole := protowire.ConsumeFieldValue(field, typ, rest[n:])
		if n < 0 || whole < 0 {
			t.Fatal("no protocol buffer")
		}
		if typ != protowire.BytesType {
			out, rest = append(out, rest[:n+whole]...), rest[n+whole:]
			continue
		}
		content, _ := protowire.ConsumeBytes(rest[n:])
		for _, c := range edit(field, content) {
			out = protowire.AppendBytes(protowire.AppendTag(out, field, typ), c)
		}
		rest = rest[n+whole:]
	}
	return out
}

func TestWhatOthersWriteNeedsNoChecksums(t *testing.T) {
	file := lenet5File(t)
	keep := func(content []byte) [][]byte { return [][]byte{content} }
	without := func(keys ...string) func(protowire.Number, []byte) [][]byte {
		return func(field protowire.Number, content []byte) [][]byte {
			if field == 14 && slices.ContainsFunc(keys, func(k string) bool { return bytes.Contains(content, []byte(k)) }) {
				return nil
			}
			return keep(content)
		}
	}
	renamed := func(field protowire.Number, content []byte) [][]byte { // and its first weight is another
		switch field {
		case 2:
			return keep([]byte("another program"))
		case 7:
			content = slices.Clone(content)
			content[len(content)/2] ^= 1
		}
		return keep(content)
	}
	for name, c := range map[string]struct {
		edit func(protowire.Number, []byte) [][]byte
		want string
	}{
		"as it is":                     {without(), ""},
		"without checksums":            {without("zoo.sha256", "zoo.header_sha256"), ""},
		"without the graph's checksum": {without("zoo.sha256"), "the metadata were changed since the file was written"},
		"without the other checksum":   {without("zoo.header_sha256"), "the metadata were changed since the file was written"},
		"without its classes":          {without("zoo.class_names"), "the metadata were changed"},
		"by another program":           {renamed, ""},
		"with a field of another kind": {func(field protowire.Number, content []byte) [][]byte {
			if field == 3 {
				return [][]byte{[]byte("9.9")}
			}
			return keep(content)
		}, ""},
		"with two graphs": {func(field protowire.Number, content []byte) [][]byte {
			if field == 7 {
				return [][]byte{content, content}
			}
			return keep(content)
		}, "two graphs"},
		"with another version of the operators": {func(field protowire.Number, content []byte) [][]byte {
			if field == 8 {
				content = slices.Clone(content)
				content[len(content)-1]--
			}
			return keep(content)
		}, "the metadata were changed"},
	} {
		_, err := onnx.Read(bytes.NewReader(edited(t, file, c.edit)))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}
