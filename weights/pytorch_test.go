package weights

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Files that testdata/pytorch/make.py wrote with PyTorch, and what it says of them.
func TestOpenReadsWhatPyTorchWrites(t *testing.T) {
	var expected map[string]struct {
		Format  string
		Refused string
		Tensors []struct {
			Name   string
			Shape  []int
			Values []float64
		}
	}
	if err := json.Unmarshal([]byte(content(t, "testdata", "pytorch", "expected.json")), &expected); err != nil {
		t.Fatal(err)
	}
	for _, file := range slices.Sorted(maps.Keys(expected)) {
		want := expected[file]
		t.Run(file, func(t *testing.T) {
			r, err := Open(filepath.Join("testdata", "pytorch", file))
			if want.Refused != "" {
				if err == nil { // what a tensor needs is asked for when it is read
					_, err = r.ReadAll()
				}
				if err == nil || !strings.Contains(err.Error(), want.Refused) {
					t.Errorf("error %v does not say %q", err, want.Refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if want.Format != r.Format() {
				t.Errorf("format %q, want %q", r.Format(), want.Format)
			}
			var names []string
			for _, tensor := range want.Tensors {
				names = append(names, tensor.Name)
				shape, ok := r.Shape(tensor.Name)
				if !ok || !slices.Equal(shape, tensor.Shape) {
					t.Errorf("%s has the shape %v, want %v", tensor.Name, shape, tensor.Shape)
					continue
				}
				data := make([]float32, len(tensor.Values))
				if err := r.ReadTensor(tensor.Name, data); err != nil {
					t.Error(err)
				}
				for i, v := range tensor.Values {
					if data[i] != float32(v) {
						t.Errorf("%s at %d is %g, want %g", tensor.Name, i, data[i], v)
						break
					}
				}
			}
			if !slices.Equal(r.Names(), names) {
				t.Errorf("names %q, want %q", r.Names(), names)
			}
			all, err := r.ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			for i, tensor := range all.Tensors {
				if tensor.Name != names[i] || len(tensor.Data) != len(want.Tensors[i].Values) {
					t.Errorf("tensor %d of ReadAll is %s with %d values", i, tensor.Name, len(tensor.Data))
				}
			}
		})
	}
	t.Run("and executes nothing", func(t *testing.T) {
		for _, dir := range []string{".", "testdata/pytorch"} {
			if _, err := os.Stat(filepath.Join(dir, "executed")); err == nil {
				t.Error("a pickle was executed")
			}
		}
	})
}

// The published weights of the CIFAR-10 ResNets. The sum is of every name and
// its values in order, made with PyTorch.
func TestOpenReadsThePublishedResNets(t *testing.T) {
	dir := os.Getenv("ZOO_TESTDATA")
	if dir == "" {
		t.Skip("ZOO_TESTDATA names no folder with weights/resnet20-12fca82f.th")
	}
	for _, tt := range []struct {
		file    string
		tensors int
		sum     string
	}{
		{"resnet20-12fca82f.th", 97, "b0a845a931deb07e2020f9498e047407e8dd2ec9b3fa9d8d91bec0ff9bb41059"},
		{"resnet44-014dd654.th", 217, "00c5953f8289051f9b12c95eb3c62f3f02708533e1b3d5b7e4b1ac8024a7203b"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			f, err := Load(filepath.Join(dir, "weights", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			for _, tensor := range f.Tensors {
				h.Write([]byte(tensor.Name))
				b := make([]byte, 4*len(tensor.Data))
				encodeF32(b, tensor.Data)
				h.Write(b)
			}
			if sum := hex.EncodeToString(h.Sum(nil)); len(f.Tensors) != tt.tensors || sum != tt.sum {
				t.Errorf("%d tensors with the sum %s, want %d with %s", len(f.Tensors), sum, tt.tensors, tt.sum)
			}
			if f.Tensors[0].Name != "conv1.weight" {
				t.Errorf("first tensor is %s", f.Tensors[0].Name)
			}
		})
	}
}

// The following write pickles by hand, for what PyTorch would not write.
func pickled(parts ...string) string { return "\x80\x02" + strings.Join(parts, "") + "." }

func pGlobal(module, name string) string { return "c" + module + "\n" + name + "\n" }

func pString(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func pInt(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func pTuple(parts ...string) string { return "(" + strings.Join(parts, "") + "t" }

func pInts(list ...int64) string {
	var parts []string
	for _, n := range list {
		parts = append(parts, pInt(n))
	}
	return pTuple(parts...)
}

func pStorage(class, key string, elements int64, more ...string) string {
	id := []string{pString("storage"), pGlobal("torch", class), pString(key), pString("cpu"), pInt(elements)}
	return pTuple(append(id, more...)...) + "Q"
}

func pTensor(storage string, offset int64, shape, strides []int64) string {
	return pGlobal("torch._utils", "_rebuild_tensor") + pTuple(storage, pInt(offset), pInts(shape...), pInts(strides...)) + "R"
}

func pDict(pairs ...string) string { return "}(" + strings.Join(pairs, "") + "u" }

type record struct {
	name, data string
}

func zipped(t testing.TB, method uint16, records ...record) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, r := range records {
		f, err := w.CreateHeader(&zip.FileHeader{Name: r.name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(r.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipOf is a file of one storage "0" with the bytes given.
func zipOf(t testing.TB, pickle, storage string) []byte {
	return zipped(t, zip.Store, record{"archive/data.pkl", pickle}, record{"archive/data/0", storage})
}

// legacy is a file of the older format with one storage "0" of so many elements.
func legacy(pickle string, elements uint64, storage string) []byte {
	return []byte("\x80\x02" + legacyMagic + pickled(pInt(1001)) + pickled(pDict(pString("little_endian"), "\x88")) +
		pickle + pickled("]", pString("0"), "a") + string(binary.LittleEndian.AppendUint64(nil, elements)) + storage)
}

const eightFloats = "\x00\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40\x00\x00\xa0\x40\x00\x00\xc0\x40\x00\x00\xe0\x40" // 0…7

// lengthened has a zip's directory say that a record reaches so many bytes beyond the file.
func lengthened(t *testing.T, file []byte, name string, beyond int) []byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		if f.Name != name {
			continue
		}
		at, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		entry := bytes.LastIndex(file, []byte(name)) - 46 // in the directory, before the name
		for _, field := range []int{20, 24} {             // compressed and not
			binary.LittleEndian.PutUint32(file[entry+field:], uint32(len(file)-int(at)+beyond))
		}
		return file
	}
	t.Fatalf("no record %s", name)
	return nil
}

// A size of 0 is one, and so is a stride of 0, which repeats a number.
func TestTensorsOfNothingAndOfOneNumberAreRead(t *testing.T) {
	storage := pStorage("FloatStorage", "0", 8)
	r := checkpoint(t, pDict(
		pString("nothing"), pTensor(storage, 3, []int64{0, 2}, []int64{2, 1}), pString("one"), pTensor(storage, 5, []int64{3}, []int64{0}), pString("some"), pTensor(storage, 6, []int64{2}, []int64{1}),
	))
	f, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float32{{}, {5, 5, 5}, {6, 7}} {
		if got := f.Tensors[i].Data; !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v", f.Tensors[i].Name, got, want)
		}
	}
}

func TestOpenRefusesBrokenPyTorchFiles(t *testing.T) {
	i64s := func(n ...int64) []int64 { return n }
	float8 := pStorage("FloatStorage", "0", 8)
	one := func(tensor string) string { return pickled(pDict(pString("w"), tensor)) }
	good := one(pTensor(float8, 0, i64s(2, 4), i64s(4, 1)))
	const tera = 1 << 40
	tests := []struct {
		name string
		file []byte
		want string // part of the error
	}{
		{"a zip that is none", []byte("PK\x03\x04................"), "no PyTorch file, or truncated"},
		{"a zip without a pickle", zipped(t, zip.Store, record{"a.txt", "?"}), "no data.pkl"},
		{"a compressed pickle", zipped(t, zip.Deflate, record{"archive/data.pkl", good}, record{"archive/data/0", eightFloats}), "is compressed"},
		{"two records of a name", zipped(t, zip.Store, record{"archive/data.pkl", good}, record{"archive/data.pkl", good}), "two records"},
		{"a missing storage", zipped(t, zip.Store, record{"archive/data.pkl", good}), `no record "archive/data/0"`},
		{"a record that ends behind the file", lengthened(t, zipOf(t, good, eightFloats), "archive/data/0", 1), `record "archive/data/0" reaches beyond the end of the file`},
		{"a record that is twice as long as the file", lengthened(t, zipOf(t, good, eightFloats), "archive/data/0", 2000), `record "archive/data/0" reaches beyond the end of the file`},
		{"a storage that is too short", zipOf(t, good, eightFloats[:28]), `storage "0" has 28 bytes, its 8 elements of F32 need another number`},
		{"big-endian storages", zipped(t, zip.Store, record{"archive/data.pkl", good}, record{"archive/byteorder", "big"}, record{"archive/data/0", eightFloats}), "little-endian"},
		{"a storage that claims a terabyte", zipOf(t, one(pTensor(pStorage("FloatStorage", "0", tera/4), 0, i64s(tera/4), i64s(1))), eightFloats), "has 32 bytes"},
		{"a tensor that claims a terabyte", zipOf(t, one(pTensor(float8, 0, i64s(tera/4), i64s(1))), eightFloats), "reaches beyond its storage of 8"},
		{"a tensor that repeats a number a terabyte long", zipOf(t, one(pTensor(float8, 0, i64s(tera/4), i64s(0))), eightFloats), "unfold to more than 8 times"},
		{"a tensor of 2⁶² elements", zipOf(t, one(pTensor(float8, 0, i64s(1<<31, 1<<31), i64s(0, 0))), eightFloats), "unfold to more than 8 times"},
		{"a shape that overflows", zipOf(t, one(pTensor(float8, 0, i64s(1<<40, 1<<40), i64s(0, 0))), eightFloats), "more elements than can be addressed"},
		{"strides that overflow", zipOf(t, one(pTensor(float8, 0, i64s(3, 3), i64s(1<<62, 1<<62))), eightFloats), "reaches beyond"},
		{"a stride behind the end", zipOf(t, one(pTensor(float8, 2, i64s(4), i64s(2))), eightFloats), "reaches beyond"},
		{"an offset behind the end", zipOf(t, one(pTensor(float8, 9, i64s(0), i64s(1))), eightFloats), "starts at element 9"},
		{"an offset that overflows", zipOf(t, one(pTensor(float8, 1<<63-1, i64s(1), i64s(1))), eightFloats), "starts at element"},
		{"a negative offset", zipOf(t, one(pTensor(float8, -1, i64s(1), i64s(1))), eightFloats), "a tensor of a storage at -1"},
		{"a negative size", zipOf(t, one(pTensor(float8, 0, i64s(-1), i64s(1))), eightFloats), "no tuple of natural numbers"},
		{"a negative stride", zipOf(t, one(pTensor(float8, 7, i64s(2), i64s(-1))), eightFloats), "no tuple of natural numbers"},
		{"fewer strides than sizes", zipOf(t, one(pTensor(float8, 0, i64s(2, 2), i64s(1))), eightFloats), "2 sizes and 1 strides"},
		{"65 dimensions", zipOf(t, one(pTensor(float8, 0, make([]int64, 65), make([]int64, 65))), eightFloats), "65 dimensions"},
		{"a storage of two types", zipOf(t, pickled(pDict(pString("a"), pTensor(float8, 0, i64s(1), i64s(1)), pString("b"), pTensor(pStorage("HalfStorage", "0", 8), 0, i64s(1), i64s(1)))), eightFloats), "8 elements of F16 here and 8 of F32 elsewhere"},
		{"a storage class that is none", zipOf(t, one(pTensor(pTuple(pString("storage"), pGlobal("torch", "Size"), pString("0"), pString("cpu"), pInt(8))+"Q", 0, i64s(1), i64s(1))), eightFloats), "class torch.Size"},
		{"a persistent module", zipOf(t, pickled(pTuple(pString("module"), "N")+"Q"), eightFloats), "which is no storage"},
		{"a name that is no UTF-8", zipOf(t, pickled(pDict(pString("\xff"), pTensor(float8, 0, i64s(1), i64s(1)))), eightFloats), "not valid UTF-8"},
		{"a pickle of something else", []byte(pickled(pDict(pString("w"), "N"))), "none that torch.save wrote"},
		{"a pickle that ends after the magic number", []byte("\x80\x02" + legacyMagic), "it ends before it is complete"},
		{"an older file of an unknown version", []byte("\x80\x02" + legacyMagic + pickled(pInt(1002)) + pickled("N") + pickled("N") + pickled("N")), "protocol version 1002"},
		{"an older file with a short storage", legacy(good, 8, eightFloats[:31]), "only 31 bytes are left"},
		{"an older file whose storage disagrees with its tensors", legacy(good, 7, eightFloats), "has 7 elements, tensors refer to one of 8"},
		{"an older file with a storage of nobody", legacy(pickled(pDict()), 8, eightFloats), "no tensor refers to the storage"},
		{"an older file that claims a terabyte", legacy(one(pTensor(pStorage("FloatStorage", "0", tera/4), 0, i64s(tera/4), i64s(1))), tera/4, eightFloats), "only 32 bytes are left"},
		{"an older part outside of its storage", legacy(one(pTensor(pStorage("FloatStorage", "0", 8, pTuple(pString("1"), pInt(4), pInt(5))), 0, i64s(1), i64s(1))), 8, eightFloats), "is not in its 8"},
		{"an older tensor outside of its part", legacy(one(pTensor(pStorage("FloatStorage", "0", 8, pTuple(pString("1"), pInt(2), pInt(4))), 3, i64s(2), i64s(1))), 8, eightFloats), "reaches beyond its storage of 4"},
		{"the oldest format", append(make([]byte, 257), "ustar  and more"...), "before 0.2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := allocated()
			start := time.Now()
			_, err := openBytes(tt.file)
			if err == nil || !strings.HasPrefix(err.Error(), "test.safetensors: ") {
				t.Errorf("error %v", err)
			} else if !strings.Contains(err.Error(), tt.want) && strconv.IntSize == 64 { // smaller ints are exceeded earlier
				t.Errorf("error %q does not say %q", err, tt.want)
			}
			if grown := allocated() - before; grown > 4<<20 {
				t.Errorf("%d bytes were allocated (in %v)", grown, time.Since(start))
			}
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestPickleRefusesWhatIsNoData(t *testing.T) {
	tests := []struct {
		name, pickle string
		want         string // part of the error
	}{
		{"os.system", pGlobal("os", "system") + pTuple(pString("id")) + "R", `asks for "os.system"`},
		{"builtins by their stack names", pString("builtins") + pString("eval") + "\x93" + pTuple(pString("1")) + "R", `asks for "builtins.eval"`},
		{"a path through an allowed module", pGlobal("torch", "Size.__init__.__globals__"), `asks for "torch.Size.__init__`},
		{"a path hidden in the module's name", pGlobal("torch._utils", "_rebuild_tensor.__globals__"), "refused"},
		{"a split that gives an allowed name", pString("collections.OrderedDict") + pString("") + "\x93", `asks for "collections.OrderedDict."`},
		{"names that are no strings", "K\x01K\x02\x93", "a global is named by 1 and 2"},
		{"a storage class that is called", pGlobal("torch", "FloatStorage") + pInts(1<<40) + "R", "refused: it calls torch.FloatStorage"},
		{"a string that is called", pString("f") + ")R", `refused: it calls "f"`},
		{"arguments that are no tuple", pGlobal("torch", "Size") + "]R", "in place of a tuple"},
		{"an extension code", "\x82\x01", "opcode 0x82"},
		{"INST", "(ios\nsystem\n", "opcode 0x69"},
		{"text of protocol 0", "I1\n", "opcode 0x49"},
		{"an out-of-band buffer", "\x97", "opcode 0x97"},
		{"protocol 6", "\x80\x06", "protocol 6"},
		{"a string longer than the file", "X\xff\xff\xff\xff", "it ends before it is complete"},
		{"a string of 2⁶⁴ bytes", "\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "it ends before it is complete"},
		{"an integer of 2 GB", "\x8b\xff\xff\xff\x7f", "it ends before it is complete"},
		{"an empty stack", "R", "a value is missing"},
		{"a value below a mark", "N(0" + "0(0(" + "\x85", "a value is missing"},
		{"what is below a mark is appended to", "](Na", "a value is missing on the stack"},
		{"nothing is appended to", "Na", "a value is missing on the stack"},
		{"what is below a mark is doubled", "N(2", "a value is missing on the stack"},
		{"strides that are no tuple", pGlobal("torch._utils", "_rebuild_tensor_v2") + pTuple(pStorage("FloatStorage", "0", 8), pInt(0), pInts(2), pString("steps"), "\x89", "}") + "R", `size or stride is "steps", no tuple of natural numbers`},
		{"a size that is no tuple", pGlobal("torch._utils", "_rebuild_tensor_v2") + pTuple(pStorage("FloatStorage", "0", 8), pInt(0), pString("sides"), pInts(1), "\x89", "}") + "R", `size or stride is "sides", no tuple of natural numbers`},
		{"a mark that is missing", "Nt", "a mark is missing"},
		{"a memo that was never stored", "h\x05", "memo 5"},
		{"a key without a value", "}(Nu", "a key without a value"},
		{"items of a tuple", ")NNs", "sets items of a tuple of 0"},
		{"appending to a string", pString("a") + "Na", `appends to "a"`},
		{"attributes of a string", pString("f") + "Nb", `sets attributes of "f"`},
		{"a global name without an end", "c" + strings.Repeat("x", 1000), "more than 300 letters"},
		{"a set that tensors would come from", pGlobal("torch._tensor", "_rebuild_from_type_v2") + pTuple(pGlobal("collections", "OrderedDict"), "N", ")", "N") + "R", "called with a tuple of 4"},
		{"a parameter of nothing", pGlobal("torch._utils", "_rebuild_parameter") + ")R", "called with a tuple of 0"},
		{"a parameter of no tensor", pGlobal("torch._utils", "_rebuild_parameter") + pTuple("N", "\x88") + "R", "called with a tuple of 2"},
		{"a reference outside", "NQ", "refers to None outside"},
		{"a million values and one", strings.Repeat("N", maxOpcodes+1), "more than 1048576 opcodes"},
		{"a long list that is copied again and again", pListBomb(), "copies more than"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openBytes(zipOf(t, pickled(tt.pickle), eightFloats))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
		})
	}
	t.Run("with an error that can be asked for the name", func(t *testing.T) {
		_, err := openBytes(zipOf(t, pickled(pGlobal("os", "system")), eightFloats))
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Global != "os.system" {
			t.Errorf("error %v", err)
		}
	})
}

// pListBomb makes a dict of the same 100,000 pairs a thousand times.
func pListBomb() string {
	var b strings.Builder
	b.WriteString(pString("k") + "N\x86q\x01" + "](")
	b.WriteString(strings.Repeat("h\x01", 100_000))
	b.WriteString("e\x85q\x00")
	for range 1000 {
		b.WriteString(pGlobal("collections", "OrderedDict") + "h\x00R")
	}
	return b.String()
}

func TestPickleSurvivesDeepNesting(t *testing.T) {
	for _, tt := range []struct{ name, nested string }{
		{"tuples", "N" + strings.Repeat("\x85", 500_000)},
		{"dicts under a key", strings.Repeat("}"+pString("model"), 100_000) + "}" + strings.Repeat("s", 100_000)},
		{"a dict in itself", "}q\x00" + pString("model") + "h\x00s"},
		{"a list in itself", "]q\x00h\x00a"},
		{"tuples of a hundred tuples of a hundred", "(" + strings.Repeat("N", 100) + "tq\x00" + strings.Repeat("("+strings.Repeat("h\x00", 100)+"tq\x00", 9)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openBytes(zipOf(t, pickled(tt.nested), eightFloats))
			if err == nil || !strings.Contains(err.Error(), "no tensors found") && !strings.Contains(err.Error(), "no dict of tensors") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// What old and rare versions write.
func TestPickleKnowsOldWays(t *testing.T) {
	storage := pStorage("FloatStorage", "0", 8)
	tensor := pTensor(storage, 2, []int64{3}, []int64{2})
	py2 := func(s string) string { return "U" + string(byte(len(s))) + s }
	dict := pGlobal("collections", "OrderedDict")
	want := []float32{2, 4, 6}
	for _, tt := range []struct {
		name string
		file []byte
	}{
		{"strings and an OrderedDict of Python 2", zipOf(t, pickled(dict+"(](]("+py2("w")+tensor+"eetR"), eightFloats)},
		{"pairs as tuples", zipOf(t, pickled(dict+"(](("+py2("w")+tensor+"tetR"), eightFloats)},
		{"attributes of the OrderedDict", zipOf(t, pickled(dict+")R("+pString("w")+tensor+"u}"+pString("_metadata")+dict+")Rsb"), eightFloats)},
		{"attributes of a parameter", zipOf(t, pickled(pDict(pString("w"), pGlobal("torch._utils", "_rebuild_parameter")+pTuple(tensor, "\x88", dict+")R")+"R}b")), eightFloats)},
		{"a subclass of a tensor", zipOf(t, pickled(pDict(pString("w"), pGlobal("torch._tensor", "_rebuild_from_type_v2")+pTuple(pGlobal("torch._utils", "_rebuild_tensor_v2"), pGlobal("torch.nn.parameter", "Parameter"),
			pTuple(storage, pInt(2), pInts(3), pInts(2), "\x89", "N"), "}")+"R")), eightFloats)},
		{"a size of its own class", zipOf(t, pickled(pDict(pString("w"), pGlobal("torch._utils", "_rebuild_tensor")+pTuple(storage, pInt(2), pGlobal("torch", "Size")+"("+pInts(3)+"tR", pInts(2))+"R")), eightFloats)},
		{"a part of a storage", legacy(pickled(pDict(pString("w"), pTensor(pStorage("FloatStorage", "0", 8, pTuple(pString("1"), pInt(2), pInt(5))), 0, []int64{3}, []int64{2}))), 8, eightFloats)},
		{"no part of a storage", legacy(pickled(pDict(pString("w"), pTensor(pStorage("FloatStorage", "0", 8, "N"), 2, []int64{3}, []int64{2}))), 8, eightFloats)},
		{"keys that are no strings", zipOf(t, pickled(pDict(pInt(1), "N", pTuple(), "N", pString("w"), tensor)), eightFloats)},
		{"what a mark drops", zipOf(t, pickled("N0(NN1("+"0"+pDict(pString("w"), tensor)), eightFloats)},
		{"the archive's folder with another name", zipped(t, zip.Store, record{"résnet/data.pkl", pickled(pDict(pString("w"), tensor))}, record{"résnet/data/0", eightFloats})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := openBytes(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 3)
			if err := r.ReadTensor("w", got); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, error %v; want %v", got, err, want)
			}
		})
	}
}

func TestPrefixesAreTakenOffOnlyWhereAllNamesHaveThem(t *testing.T) {
	tensor := pTensor(pStorage("FloatStorage", "0", 8), 0, []int64{1}, []int64{1})
	for _, tt := range []struct{ name, names, want string }{
		{"all", "module.a module.b.module.c", "[a b.module.c]"},
		{"but one", "module.a b", "[module.a b]"},
		{"a compiled parallel module", "_orig_mod.module.a", "[a]"},
		{"a parallel compiled module", "module._orig_mod.a", "[a]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pairs []string
			for _, name := range strings.Fields(tt.names) {
				pairs = append(pairs, pString(name), tensor)
			}
			r, err := openBytes(zipOf(t, pickled(pDict(pairs...)), eightFloats))
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.Names()); got != tt.want {
				t.Errorf("names %s, want %s", got, tt.want)
			}
		})
	}
}

// A file is read tensor by tensor: opening it must not cost its size.
func TestOpeningAPyTorchFileDoesNotReadItsTensors(t *testing.T) {
	const n = 8 << 20 // elements
	pickle := pickled(pDict(pString("w"), pTensor(pStorage("FloatStorage", "0", n), 0, []int64{n}, []int64{1})))
	file := zipOf(t, pickle, strings.Repeat("\x00\x00\x80\x3f", n))
	before := allocated()
	r, err := openBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, n)
	opened := allocated()
	if err := r.ReadTensor("w", dst); err != nil {
		t.Fatal(err)
	}
	if read := allocated() - opened; read > 3*chunk {
		t.Errorf("reading allocated %d bytes", read)
	}
	if opened -= before + 4*n; opened > 1<<20 {
		t.Errorf("opening allocated %d bytes", opened)
	}
	if dst[0] != 1 || dst[n-1] != 1 {
		t.Error("wrong values")
	}
}

func TestADictWithoutNamesIsSaidToHaveNone(t *testing.T) {
	tensor := pTensor(pStorage("FloatStorage", "0", 8), 0, []int64{8}, []int64{1})
	for want, pickle := range map[string]string{
		"the file holds an empty dict":                  pDict(),
		"the file holds a dict whose keys are no names": pDict(pInt(1), tensor),
		`the file holds a dict with the keys "a"`:       pDict(pInt(1), tensor, pString("a"), pInt(2)),
	} {
		_, err := openBytes(zipOf(t, pickled(pickle), eightFloats))
		if err == nil || !strings.Contains(err.Error(), "no tensors found: "+want) {
			t.Errorf("error %v: want one with %s", err, want)
		}
	}
}
