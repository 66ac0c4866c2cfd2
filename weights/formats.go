package weights

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// sniffed is how much of the beginning of a file [Recognise] wants to see, in
// bytes: as far as a tar archive's mark.
const sniffed = 512

// Formats that this program reads, here or in packages onnx and caffe.
const (
	FormatSafetensors = "safetensors"
	FormatONNX        = "ONNX"
	FormatCaffe       = "Caffe"
)

// A FormatError is a file of a format that is not read here: by its first
// bytes, not by its name.
type FormatError struct {
	Format string // "a Keras HDF5 file", or one of the constants
	Advice string // what to do with it
}

func (e *FormatError) Error() string { return e.Format + ": " + e.Advice }

// A signature is what the files of a format begin with.
type signature struct {
	at     int
	bytes  string
	format string
	advice string
}

const (
	again      = "it is no weights file; download it again, from an address that gives the file itself"
	unpackIt   = "unpack it first"
	viaPyTorch = "load it with the program that wrote it, and save a PyTorch state dict or safetensors from there"
	viaKeras   = "load it in Keras, and save what its get_weights() gives as safetensors, with convolutions transposed to out×in×height×width"
)

var signatures = []signature{
	{0, "\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras writes (.h5)", viaKeras},
	{512, "\x89HDF\r\n\x1a\n", "a MATLAB file of version 7.3", viaPyTorch},
	{0, "MATLAB 7.3 MAT-file", "a MATLAB file of version 7.3", viaPyTorch},
	{0, "MATLAB 5.0 MAT-file", "a MATLAB file (.mat), as MatConvNet writes", "load it with scipy.io.loadmat, and save the arrays as safetensors, with convolutions transposed to out×in×height×width"},
	{0, "\x93NUMPY", "a NumPy array (.npy)", "load it with numpy.load, and save the arrays as safetensors"},
	{0, "version https://git-lfs.github.com/spec/", "a Git LFS pointer, which stands for the file", "fetch the file itself with git lfs pull, or download it from the page of the repository"},
	{0, "\x1f\x8b", "a gzip archive", "unpack it first, as in gunzip FILE.gz"},
	{0, "BZh", "a bzip2 archive", unpackIt},
	{0, "\xfd7zXZ\x00", "an xz archive", unpackIt},
	{0, "\x28\xb5\x2f\xfd", "a zstd archive", unpackIt},
	{0, "7z\xbc\xaf\x27\x1c", "a 7-Zip archive", unpackIt},
	{0, "Rar!\x1a\x07", "a RAR archive", unpackIt},
	{4, "TFL3", "a TensorFlow Lite model (.tflite)", "its weights are mostly quantised; take the model that it was converted from"},
	{0, "GGUF", "a GGUF file, of llama.cpp", "it holds language models, not the networks of this program"},
	{0, "ggml", "a GGML file, of llama.cpp", "it holds language models, not the networks of this program"},
	{0, "tjgg", "a GGML file, of llama.cpp", "it holds language models, not the networks of this program"},
	{0, "\x12\x01\x00\x00\x00\x00\x00\x00", "an MXNet file (.params)", "load it in MXNet or Gluon, and export ONNX from there"},
	{0, "7767517\n", "an ncnn description (.param)", "take the model that it was converted from"},
	{0, "ptrt", "a TensorRT engine", "take the model that it was built from"},
	{0, "ftrt", "a TensorRT engine", "take the model that it was built from"},
	{0, "%PDF", "a PDF document", again},
	{0, "\x89PNG\r\n", "a PNG picture", "the weights come first, then the pictures"},
	{0, "\xff\xd8\xff", "a JPEG picture", "the weights come first, then the pictures"},
	{0, "SQLite format 3\x00", "an SQLite database", again},
	{0, "\x7fELF", "a program or library (ELF)", again},
	{0, "ARROW1\x00", "an Arrow file", again},
	{0, "PAR1", "a Parquet file", again},
	{0, "net\n", "a Darknet configuration", "the weights stand in another file"},
}

// Recognise tells a file's format by its first bytes, of which 512 are enough;
// the name helps where they say little. It returns nil for one that it does not
// know, and for PyTorch's.
func Recognise(name string, head []byte) *FormatError {
	if len(head) == 0 {
		return &FormatError{"an empty file", "it has no bytes at all; download or copy it again"}
	}
	if len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) < maxHeader {
		return &FormatError{FormatSafetensors, "weights.Open reads it"}
	}
	for _, s := range signatures {
		if len(head) >= s.at+len(s.bytes) && string(head[s.at:s.at+len(s.bytes)]) == s.bytes {
			return &FormatError{s.format, s.advice}
		}
	}
	if allZero(head) {
		return &FormatError{"a file that begins with zeros only", "it was not written to its end; download or copy it again"}
	}
	ending := strings.ToLower(filepath.Ext(name))
	if bytes.HasPrefix(head, []byte("\xff\xfe")) && len(head) > 3 && head[3] == 0 && head[2] != 0 || bytes.HasPrefix(head, []byte("\xfe\xff\x00")) {
		return &FormatError{"a text in UTF-16", "no weights file begins like that; is it another file's name, or a page that a server sent?"}
	}
	if ending == ".mlmodel" { // it begins as ONNX may
		return &FormatError{"a Core ML model", "take the model that it was converted from"}
	}
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")))
	for _, start := range []string{"<!doctype html", "<html", "<head", "<script", "<!--", "<body"} {
		if strings.HasPrefix(text, start) {
			return &FormatError{"an HTML page", "a server sent a page in place of the file, perhaps one that asks to confirm or to log in; download it in a browser"}
		}
	}
	switch {
	case strings.HasPrefix(text, "<?xml"), strings.HasPrefix(text, "<error"):
		return &FormatError{"an XML text", "perhaps a server's error message; look into it, and download the file again"}
	case ending == ".prototxt", strings.HasPrefix(text, "name:") && strings.Contains(text, "layer"), strings.HasPrefix(text, "layer {"):
		return &FormatError{"a Caffe description (.prototxt)", "the weights stand in its .caffemodel"}
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return &FormatError{"a JSON text", "the weights stand in another file; of a Hugging Face model, give the folder"}
	case isONNX(head):
		return &FormatError{FormatONNX, "package weights/onnx reads it"}
	case isCaffe(head):
		return &FormatError{FormatCaffe, "package weights/caffe reads it"}
	case isDarknet(head, ending):
		return &FormatError{"a Darknet file (.weights)", "convert it to PyTorch or ONNX first: it names no tensors, its layers stand in a .cfg"}
	case isMsgpack(head):
		return &FormatError{"a MessagePack file, as Flax writes (.msgpack)", "load it with Flax, and save the arrays as safetensors, with convolutions transposed to out×in×height×width"}
	case len(head) > 4 && head[0] == 0 && head[1] == 0 && (ending == ".index" || ending == ".ckpt" || strings.Contains(filepath.Base(name), ".ckpt.")),
		strings.Contains(filepath.Base(name), ".data-0"), strings.Contains(filepath.Base(name), ".ckpt.index"):
		return &FormatError{"a TensorFlow checkpoint", "load it in TensorFlow, and save the arrays as safetensors, with convolutions transposed to out×in×height×width"}
	case ending == ".pb":
		return &FormatError{"a TensorFlow graph (.pb)", "convert it to ONNX with tf2onnx"}
	case ending == ".t7":
		return &FormatError{"a file of Lua Torch (.t7)", "load it with a converter to PyTorch, and save its state dict"}
	case utf8.Valid(trimRune(head)) && !bytes.ContainsRune(head, 0) && printable(head):
		return &FormatError{"a text", "no weights file begins like that; is it another file's name?"}
	}
	return nil
}

func allZero(b []byte) bool {
	return len(bytes.Trim(b, "\x00")) == 0
}

// trimRune takes off a rune that the end of the head cuts.
func trimRune(b []byte) []byte {
	for i := 1; i <= 3 && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-i:]) {
				return b[:len(b)-i]
			}
			break
		}
	}
	return b
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// isONNX looks for a ModelProto, which begins with its version (field 1, a
// number) and goes on with the producer's name, its domain, the operators' versions or the graph.
func isONNX(head []byte) bool {
	if len(head) < 4 || head[0] != 0x08 || head[1] < 1 || head[1] > 30 {
		return false
	}
	switch head[2] {
	case 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42: // fields 2 to 8
		return true
	}
	return false
}

// isCaffe looks for a NetParameter: its name (field 1), and then layers of the
// old (field 2) or the new (field 100) form, or inputs (fields 3, 4, 8).
func isCaffe(head []byte) bool {
	at := 0
	if len(head) > 2 && head[0] == 0x0a {
		n := int(head[1])
		if n >= 0x80 || 2+n > len(head) || !utf8.Valid(head[2:2+n]) || !printable(head[2:2+n]) {
			return false
		}
		at = 2 + n
	}
	rest := head[at:]
	switch {
	case len(rest) < 4:
		return false
	case rest[0] == 0xa2 && rest[1] == 0x06: // 100
		return true
	case at == 0:
		return false
	}
	// After a name, any field of a NetParameter.
	switch rest[0] {
	case 0x12, 0x1a, 0x20, 0x28, 0x32, 0x38, 0x42:
		return true
	}
	return false
}

// isDarknet looks for the version (major, minor, revision) and the number of
// images seen, 4 or 8 bytes.
func isDarknet(head []byte, ending string) bool {
	if len(head) < 16 {
		return false
	}
	major, minor, revision := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:]), binary.LittleEndian.Uint32(head[8:])
	return major == 0 && (minor == 1 || minor == 2) && revision <= 5 || ending == ".weights"
}

// isMsgpack looks for a map whose first key is a text.
func isMsgpack(head []byte) bool {
	if len(head) < 3 {
		return false
	}
	key := head[1:]
	switch {
	case head[0] >= 0x81 && head[0] <= 0x8f:
	case head[0] == 0xde && len(head) > 5:
		key = head[3:]
	default:
		return false
	}
	n := int(key[0]) - 0xa0
	return n > 0 && n < 32 && len(key) > n && printable(key[1:1+n])
}

// A zip archive that PyTorch did not write.
func foreignZip(names []string) *FormatError {
	has := func(match func(name string) bool) string {
		for _, n := range names {
			if match(n) {
				return n
			}
		}
		return ""
	}
	ending := func(list ...string) func(string) bool {
		return func(n string) bool {
			for _, e := range list {
				if strings.HasSuffix(strings.ToLower(n), e) {
					return true
				}
			}
			return false
		}
	}
	switch {
	case has(ending("model.weights.h5")) != "":
		return &FormatError{"a Keras archive (.keras)", viaKeras}
	case has(ending(".npy")) != "":
		return &FormatError{"a NumPy archive (.npz)", "load it with numpy.load, and save the arrays as safetensors, with convolutions transposed to out×in×height×width where it comes from TensorFlow"}
	case has(ending("saved_model.pb")) != "":
		return &FormatError{"a zip archive with a TensorFlow model", "convert it to ONNX with tf2onnx"}
	}
	if inner := has(ending(".pth", ".pt", ".th", ".ckpt", ".bin", ".safetensors", ".caffemodel", ".onnx")); inner != "" {
		return &FormatError{"a zip archive with " + quote(inner) + " in it", unpackIt}
	}
	return nil
}
