package weights

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Beginnings of files that people take for weights, or that came in their place.
func TestForeignFilesAreNamed(t *testing.T) {
	pad := func(s string) []byte { return append([]byte(s), make([]byte, 600)...) }
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(mustWrite(t, sample()))
	z.Close()
	zipWith := func(names ...string) []byte {
		var records []record
		for _, n := range names {
			records = append(records, record{n, "?"})
		}
		return zipped(t, zip.Store, records...)
	}
	for _, tt := range []struct {
		file string
		data []byte
		want []string // parts of the error
	}{
		{"page.pth", []byte("<!DOCTYPE html><html><head><title>Virus scan warning</title>"), []string{"an HTML page", "browser"}},
		{"page.safetensors", []byte("\n  <HTML><body>404</body>"), []string{"an HTML page"}},
		{"denied.pth", []byte(`<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>`), []string{"an XML text"}},
		{"error.pth", []byte(`{"error": "Repository not found"}`), []string{"a JSON text"}},
		{"note.pth", []byte("Entry not found"), []string{"a text"}},
		{"page.pth", []byte("\xff\xfe<\x00h\x00t\x00m\x00l\x00"), []string{"a text in UTF-16"}},
		{"page.pth", []byte("\xfe\xff\x00<\x00h\x00t"), []string{"a text in UTF-16"}},
		{"net.mlmodel", []byte("\x08\x04\x12\x30" + strings.Repeat("a", 300)), []string{"a Core ML model"}},
		{"model.safetensors", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 46807446\n"), []string{"Git LFS pointer", "git lfs pull"}},
		{"model.pth.gz", packed.Bytes(), []string{"gzip", "gunzip"}},
		{"model.pth.bz2", pad("BZh91AY&SY"), []string{"bzip2"}},
		{"model.pth.xz", pad("\xfd7zXZ\x00"), []string{"xz"}},
		{"model.pth.zst", pad("\x28\xb5\x2f\xfd"), []string{"zstd"}},
		{"vgg16.h5", pad("\x89HDF\r\n\x1a\n"), []string{"HDF5", "Keras", "safetensors"}},
		{"vgg16.keras", zipWith("metadata.json", "config.json", "model.weights.h5"), []string{".keras"}},
		{"vgg.npz", zipWith("conv1_1_W.npy"), []string{"NumPy archive", "numpy.load"}},
		{"packed.zip", zipWith("resnet/resnet20.pth"), []string{`"resnet/resnet20.pth"`, "unpack"}},
		{"a.npy", pad("\x93NUMPY\x01\x00"), []string{"NumPy array"}},
		{"imagenet-vgg-f.mat", pad("MATLAB 5.0 MAT-file, Platform: GLNXA64"), []string{"MATLAB"}},
		{"yolo.weights", append(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0), 2), 0), make([]byte, 600)...), []string{"Darknet"}},
		{"flax_model.msgpack", pad("\x81\xa6params\x82\xa7Conv_0\x81\xa6kernel\xc7"), []string{"MessagePack", "Flax"}},
		{"model.ckpt.index", pad("\x00\x00\x02\x08\x01"), []string{"TensorFlow checkpoint"}},
		{"model.tflite", pad("\x1c\x00\x00\x00TFL3"), []string{"TensorFlow Lite"}},
		{"m.gguf", pad("GGUF\x03\x00\x00\x00"), []string{"GGUF"}},
		{"model.onnx", pad("\x08\x07\x12\x07pytorch\x1a\x051.13"), []string{FormatONNX}},
		{"renamed.pth", pad("\x08\x03\x12\x0bonnx-caffe2"), []string{FormatONNX}},
		{"bvlc_alexnet.caffemodel", pad("\x0a\x07AlexNet\xa2\x06\x10\x0a\x05conv1"), []string{FormatCaffe}},
		{"old.caffemodel", pad("\x0a\x09CaffeNet1\x12\x80\x10\x12"), []string{FormatCaffe}},
		{"deploy.prototxt", []byte("name: \"AlexNet\"\nlayer {\n  name: \"data\"\n"), []string{"prototxt", ".caffemodel"}},
		{"resnet.params", pad("\x12\x01\x00\x00\x00\x00\x00\x00"), []string{"MXNet"}},
		{"cat.jpg", pad("\xff\xd8\xff\xe0"), []string{"JPEG picture", "weights come first"}},
		{"cat.png", pad("\x89PNG\r\n\x1a\n"), []string{"PNG picture"}},
		{"empty.pth", nil, []string{"an empty file"}},
		{"zeros.pth", make([]byte, 1000), []string{"zeros"}},
	} {
		t.Run(tt.file, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.file)
			if err := os.WriteFile(path, tt.data, 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			var format *FormatError
			if !errors.As(err, &format) || format.Advice == "" || !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// A few bytes are enough to tell a format, and what differs from it in one of them, or ends before it, is another.
func TestFormatsAreToldByTheirFirstBytes(t *testing.T) {
	const darknet = "\x00\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00"
	header := binary.LittleEndian.AppendUint64(nil, maxHeader-1)
	long := binary.LittleEndian.AppendUint64(nil, maxHeader)
	for _, c := range []struct{ name, head, want string }{
		{"x", "GGUF", "a GGUF file, of llama.cpp"},
		{"x", "GGU", "a text"},
		{"x", string(header) + "{", FormatSafetensors},
		{"x", string(header), ""},
		{"x", string(long) + "{", ""},
		{"x", "a\tb\r\nc", "a text"},
		{"x", "a\vb", ""},
		{"x", "caf\xc3", "a text"}, // the rest of the letter comes behind the head
		{"x", "caf\xe2\x82", "a text"},
		{"x", "caf\xf0\x9f\x98", "a text"},
		{"x", "\xc3", "a text"},
		{"x", "caf\xe9 au lait", ""},
		{"x", "\x08\x1e\x12\x00", FormatONNX}, // version 30
		{"x", "\x08\x1f\x12\x00", ""},
		{"x", "\x08\x01\x42\x00", FormatONNX},
		{"x", "\x08\x00\x12\x00", ""},
		{"x", "\x08\x07\x12", ""},
		{"x", "\x08\x07\x4a\x00", ""},
		{"x", "\x0a\x50abc", "a text"}, // a name that would be longer than there is
		{"x", "\x0a\x02ab\x12\x10\x0a\x01", FormatCaffe},
		{"x", "\x0a\x02ab\x12\x10\x0a", ""},
		{"x", "\x0a\x02ab\x13\x10\x0a\x01", ""},
		{"x", "\x0a\x02a\x01\x12\x10\x0a\x01", ""},
		{"x", "\x0a\x7f" + strings.Repeat("n", 127) + "\xa2\x06\x01\x01", FormatCaffe},
		{"x", "\xa2\x06\x10\x0a", FormatCaffe},
		{"x", "\xa2\x06\x10", ""},
		{"x", darknet + "\x01\x00\x00\x00", "a Darknet file (.weights)"},
		{"x", darknet + "\x01\x00\x00", ""},
		{"x", strings.Replace(darknet, "\x05", "\x06", 1) + "\x01\x00\x00\x00", ""},
		{"x", strings.Replace(darknet, "\x02", "\x03", 1) + "\x01\x00\x00\x00", ""},
		{"x", "\x81\xa1a", "a MessagePack file, as Flax writes (.msgpack)"},
		{"x", "\x8f\xa1a", "a MessagePack file, as Flax writes (.msgpack)"},
		{"x", "\x90\xa1a", ""},
		{"x", "\x81\xa0a", ""},
		{"x", "\x81\xa2a", ""},
		{"x", "\x81\xbf" + strings.Repeat("k", 31), "a MessagePack file, as Flax writes (.msgpack)"},
		{"x", "\x81\xc0" + strings.Repeat("k", 32), ""},
		{"x", "\xde\x00\x10\xa2ab", "a MessagePack file, as Flax writes (.msgpack)"},
		{"x.ckpt", "\x00\x00\x02\x08\x01", "a TensorFlow checkpoint"},
		{"x.ckpt", "\x00\x01\x02\x08\x01", ""},
		{"x.ckpt", "\x01\x00\x02\x08\x01", ""},
		{"model.ckpt.data-00000-of-00001", "\x01\x02", "a TensorFlow checkpoint"},
		{"x", "\xff\xfea\x00", "a text in UTF-16"},
		{"x", "\xff\xfea", ""},
		{"x", "\xff\xfe\x00\x00", ""},
		{"x", "\xff\xfea\x01", ""},
	} {
		got := ""
		if f := Recognise(c.name, []byte(c.head)[:len(c.head):len(c.head)]); f != nil {
			got = f.Format
		}
		if got != c.want {
			t.Errorf("%q of the name %s is %q, want %q", c.head, c.name, got, c.want)
		}
	}
}

func TestOurFormatsAreNotForeign(t *testing.T) {
	for _, file := range []string{"zip.pth", "legacy.pth", "zip-protocol4.pth"} {
		b := content(t, "testdata", "pytorch", file)
		if f := Recognise(file, []byte(b)[:200]); f != nil {
			t.Errorf("%s is %v", file, f)
		}
	}
	if f := Recognise("x", mustWrite(t, sample())[:200]); f == nil || f.Format != FormatSafetensors {
		t.Errorf("safetensors are %v", f)
	}
}

func TestShards(t *testing.T) {
	f := sample()
	dir := t.TempDir()
	save := func(name string, tensors ...Tensor) {
		t.Helper()
		if err := Save(filepath.Join(dir, name), &File{Tensors: tensors}); err != nil {
			t.Fatal(err)
		}
	}
	save("model-00001-of-00002.safetensors", f.Tensors[:2]...)
	save("model-00002-of-00002.safetensors", f.Tensors[2:4]...)
	index := filepath.Join(dir, "model.safetensors.index.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(index, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const right = `{"metadata": {"total_size": 1}, "weight_map": {"features.0.weight": "model-00001-of-00002.safetensors", "features.0.bias": "model-00001-of-00002.safetensors", "classifier.weight": "model-00002-of-00002.safetensors", "a.scalar": "model-00002-of-00002.safetensors"}}`
	write(right)
	r, err := Open(index)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, err := r.ReadAll()
	if err != nil || len(all.Tensors) != 4 || !sameBits(all.Tensors[2].Data, f.Tensors[2].Data) || r.Format() != "safetensors in 2 files" {
		t.Errorf("%v in the format %q, error %v", all, r.Format(), err)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"a file that is missing":          {strings.ReplaceAll(right, "00002-of", "00003-of"), `"model-00003-of-00002.safetensors" is missing`},
		"a tensor that is missing":        {strings.Replace(right, `"a.scalar"`, `"a.vector": "model-00002-of-00002.safetensors", "a.scalar"`, 1), `"a.vector" is not in`},
		"a tensor in another file":        {strings.Replace(right, `"a.scalar": "model-00002`, `"a.scalar": "model-00001`, 1), `has the tensor "a.scalar"`},
		"a path that leads away":          {strings.ReplaceAll(right, "model-00002", "../model-00002"), "should be one beside the index"},
		"an absolute path":                {strings.ReplaceAll(right, "model-00002", "/etc/model-00002"), "should be one beside the index"},
		"no map":                          {`{"metadata": {}}`, "no weight_map"},
		"no JSON":                         {`weights`, "no index of weights"},
		"itself":                          {strings.ReplaceAll(right, "model-00002-of-00002.safetensors", "model.safetensors.index.json"), "a JSON text"},
		"a map of numbers in place files": {`{"weight_map": {"a": 1}}`, "no index of weights"},
	} {
		t.Run(name, func(t *testing.T) {
			write(tt.text)
			if _, err := Open(index); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), index) {
				t.Errorf("error %v", err)
			}
		})
	}
}
