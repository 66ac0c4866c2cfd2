package caffe

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// The following write messages by hand, as Caffe would.
func number(field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, field, protowire.VarintType), v)
}

func float(field protowire.Number, v float32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, field, protowire.Fixed32Type), math.Float32bits(v))
}

func sub(field protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), bytes.Join(parts, nil))
}

func text(field protowire.Number, s string) []byte { return sub(field, []byte(s)) }

func packed(field protowire.Number, values ...float32) []byte {
	var raw []byte
	for _, v := range values {
		raw = protowire.AppendFixed32(raw, math.Float32bits(v))
	}
	return sub(field, raw)
}

// newBlob is a blob of today's form.
func newBlob(shape []uint64, values ...float32) []byte {
	var dims []byte
	for _, d := range shape {
		dims = protowire.AppendVarint(dims, d)
	}
	return sub(7, sub(7, sub(1, dims)), packed(5, values...))
}

func newLayer(name, kind, bottom, top string, parts ...[]byte) []byte {
	return sub(100, append([][]byte{text(1, name), text(2, kind), text(3, bottom), text(4, top)}, parts...)...)
}

func oldBlob(n, c, h, w uint64, values ...float32) []byte {
	return sub(6, number(1, n), number(2, c), number(3, h), number(4, w), packed(5, values...))
}

func oldLayer(name string, kind uint64, bottom, top string, parts ...[]byte) []byte {
	return sub(2, append([][]byte{text(2, bottom), text(3, top), text(4, name), number(5, kind)}, parts...)...)
}

func read(parts ...[]byte) (*weights.File, error) {
	b := bytes.Join(parts, nil)
	return Read(bytes.NewReader(b), int64(len(b)))
}

// small is a network of both forms: a convolution and a fully connected layer.
var small = map[string][][]byte{
	"new": {text(1, "net"),
		newLayer("conv1", "Convolution", "data", "conv1", newBlob([]uint64{2, 1, 1, 1}, 1, 2), newBlob([]uint64{2}, 3, 4)),
		newLayer("norm", "LRN", "conv1", "norm", sub(118, number(1, 5), float(2, 1e-4), float(5, 2))),
		newLayer("pool", "Pooling", "norm", "pool", sub(121, number(2, 3), number(4, 1))),
		newLayer("fc", "InnerProduct", "pool", "fc", newBlob([]uint64{1, 2}, 5, 6), newBlob([]uint64{1}, 7))},
	"old": {text(1, "net"),
		oldLayer("conv1", 4, "data", "conv1", oldBlob(2, 1, 1, 1, 1, 2), oldBlob(1, 1, 1, 2, 3, 4)),
		oldLayer("norm", 15, "conv1", "norm", sub(18, number(1, 5), float(2, 1e-4), float(5, 2))),
		oldLayer("pool", 17, "norm", "pool", sub(19, number(2, 3), number(4, 1))),
		oldLayer("fc", 14, "pool", "fc", oldBlob(1, 1, 1, 2, 5, 6), oldBlob(1, 1, 1, 1, 7))},
}

func TestReadBothForms(t *testing.T) {
	for form, parts := range small {
		t.Run(form, func(t *testing.T) {
			f, err := read(parts...)
			if err != nil {
				t.Fatal(err)
			}
			want := []weights.Tensor{
				{Name: "conv1.weight", Shape: []int{2, 1, 1, 1}, Data: []float32{1, 2}}, {Name: "conv1.bias", Shape: []int{2}, Data: []float32{3, 4}},
				{Name: "fc.weight", Shape: []int{1, 2}, Data: []float32{5, 6}}, {Name: "fc.bias", Shape: []int{1}, Data: []float32{7}},
			}
			if !slices.EqualFunc(f.Tensors, want, func(a, b weights.Tensor) bool {
				return a.Name == b.Name && slices.Equal(a.Shape, b.Shape) && slices.Equal(a.Data, b.Data)
			}) {
				t.Errorf("tensors %v", f.Tensors)
			}
			if e := f.Meta.Extra; e[Name] != "net" || e[Chain] != "true" || e[LRN] != "2" || e[PoolPad] != "1" {
				t.Errorf("metadata %v", e)
			}
		})
	}
}

// What tells variants apart is the first normalisation's k and the padding of the first pooling that has one layer with
// weights before it; what comes later says nothing.
func TestTheFirstLayersSayHowTheNetworkComputes(t *testing.T) {
	conv := func(name, bottom string) []byte {
		return newLayer(name, "Convolution", bottom, name, newBlob([]uint64{1, 1, 1, 1}, 1))
	}
	pool := func(name, bottom string, pad uint64) []byte {
		return newLayer(name, "Pooling", bottom, name, sub(121, number(2, 3), number(4, pad)))
	}
	lrn := func(name, bottom string, parts ...[]byte) []byte {
		return newLayer(name, "LRN", bottom, name, sub(118, parts...))
	}
	for _, c := range []struct {
		name     string
		layers   [][]byte
		pad, lrn string // empty: not said
	}{
		{"behind the first convolution", [][]byte{conv("a", "data"), pool("p", "a", 1)}, "1", ""},
		{"the first of two", [][]byte{conv("a", "data"), pool("p", "a", 0), pool("q", "p", 1)}, "0", ""},
		{"not behind the second", [][]byte{conv("a", "data"), conv("b", "a"), pool("p", "b", 1)}, "", ""},
		{"not before the first", [][]byte{pool("p", "data", 1), conv("a", "p")}, "", ""},
		{"behind the first, then behind the second", [][]byte{pool("o", "data", 3), conv("a", "o"), pool("p", "a", 2), conv("b", "p"), pool("q", "b", 1)}, "2", ""},
		{"a scale has no weights of its own", [][]byte{conv("a", "data"), newLayer("s", "Scale", "a", "s", newBlob([]uint64{1}, 1)), pool("p", "s", 1)}, "1", ""},
		{"k is 1 where nothing is said", [][]byte{conv("a", "data"), lrn("l", "a", number(1, 5))}, "", "1"},
		{"k with all its digits", [][]byte{conv("a", "data"), lrn("l", "a", float(5, 1.625))}, "", "1.625"},
		{"the first k", [][]byte{lrn("l", "data", float(5, 0.5)), conv("a", "l"), lrn("m", "a", float(5, 2))}, "", "0.5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := read(append([][]byte{text(1, "net")}, c.layers...)...)
			if err != nil {
				t.Fatal(err)
			}
			for key, want := range map[string]string{PoolPad: c.pad, LRN: c.lrn} {
				if got := f.Meta.Extra[key]; got != want {
					t.Errorf("%s %q, want %q", key, got, want)
				}
			}
		})
	}
}

func TestABatchNormalisationIsItsStatistics(t *testing.T) {
	f, err := read(
		newLayer("conv", "Convolution", "data", "conv", newBlob([]uint64{2, 1, 1, 1}, 1, 2), newBlob([]uint64{2}, 10, 20)),
		newLayer("bn", "BatchNorm", "conv", "conv", newBlob([]uint64{2}, 4, 6), newBlob([]uint64{2}, 8, 10), newBlob([]uint64{1}, 2)),
		newLayer("scale", "Scale", "conv", "conv", newBlob([]uint64{2}, 1, 1), newBlob([]uint64{2}, 0, 1)),
		newLayer("never", "BatchNorm", "conv", "conv", newBlob([]uint64{2}, 4, 6), newBlob([]uint64{2}, 8, 10), newBlob([]uint64{1}, 0)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]float32{}
	for _, tensor := range f.Tensors {
		got[tensor.Name] = tensor.Data
	}
	// Divided by the factor, and less the convolution's bias.
	for name, want := range map[string][]float32{"bn.running_mean": {2 - 10, 3 - 20}, "bn.running_var": {4, 5}, "scale.weight": {1, 1}, "scale.bias": {0, 1}, "never.running_var": {0, 0}} {
		if !slices.Equal(got[name], want) {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if _, there := got["conv.bias"]; there {
		t.Error("the convolution has kept its bias")
	}
}

func TestOtherWaysToWriteNumbers(t *testing.T) {
	double := protowire.AppendBytes(protowire.AppendTag(nil, 8, protowire.BytesType), protowire.AppendFixed64(protowire.AppendFixed64(nil, math.Float64bits(1.5)), math.Float64bits(-2)))
	f, err := read(
		newLayer("a", "InnerProduct", "x", "y", sub(7, sub(7, number(1, 1), number(1, 2)), float(5, 1), float(5, 2))),
		newLayer("b", "InnerProduct", "y", "z", sub(7, sub(7, number(1, 2), number(1, 1)), double)))
	if err != nil || !slices.Equal(f.Tensors[0].Data, []float32{1, 2}) || !slices.Equal(f.Tensors[1].Data, []float32{1.5, -2}) {
		t.Errorf("%v, error %v", f, err)
	}
}

func TestBranchesAreNoChain(t *testing.T) {
	one := func(name, from string) []byte {
		return newLayer(name, "Convolution", from, name, newBlob([]uint64{1, 1, 1, 1}, 1))
	}
	dense := func(name, from string) []byte {
		return newLayer(name, "InnerProduct", from, name, newBlob([]uint64{1, 1}, 1))
	}
	joint := func(kind string, from ...string) []byte {
		parts := [][]byte{text(1, "j"), text(2, kind), text(4, "j")}
		for _, name := range from {
			parts = append(parts, text(3, name))
		}
		return sub(100, parts...)
	}
	data := sub(100, text(1, "data"), text(2, "Data"), text(4, "data"), text(4, "label"))
	for name, tt := range map[string]struct {
		net  []([]byte)
		want string
	}{
		"from a layer of data":                   {[][]byte{data, one("a", "data"), dense("b", "a")}, "true"},
		"two fully connected ones from one":      {[][]byte{one("a", "data"), dense("b", "a"), dense("c", "a")}, "false"},
		"a fully connected one, then a branch":   {[][]byte{dense("a", "data"), one("b", "a"), one("c", "a")}, "false"},
		"a join":                                 {[][]byte{one("a", "data"), one("b", "a"), joint("Concat", "a", "b")}, "false"},
		"a join of one":                          {[][]byte{one("a", "data"), joint("Concat", "a"), one("b", "j")}, "true"},
		"a loss, which reads the labels, too":    {[][]byte{data, one("a", "data"), joint("SoftmaxWithLoss", "a", "label")}, "true"},
		"a layer that says not where it reads":   {[][]byte{sub(100, text(1, "a"), text(2, "Convolution"), text(4, "a"), newBlob([]uint64{1, 1, 1, 1}, 1)), one("b", "a")}, "true"},
		"a scale between":                        {[][]byte{one("a", "data"), newLayer("s", "Scale", "a", "s", newBlob([]uint64{1}, 1)), one("b", "s")}, "true"},
		"a branch behind layers of no weights":   {[][]byte{one("a", "data"), newLayer("r", "ReLU", "a", "r"), newLayer("p", "Pooling", "r", "p"), one("b", "p"), newLayer("q", "Pooling", "p", "q"), one("c", "q")}, "false"},
		"a copy that has no weights in the file": {[][]byte{one("a", "data"), newLayer("n", "Convolution", "data", "n"), one("b", "a")}, "true"},
		"two from one":                           {[][]byte{one("a", "data"), one("b", "a"), one("c", "a")}, "false"},
		"a sum":                                  {[][]byte{one("a", "data"), one("b", "a"), sub(100, text(1, "s"), text(2, "Eltwise"), text(3, "a"), text(3, "b"), text(4, "s"))}, "false"},
		"in place":                               {[][]byte{one("a", "data"), newLayer("r", "ReLU", "a", "a"), one("b", "a"), one("c", "b")}, "true"},
		"names of none":                          {[][]byte{one("a", "data"), one("b", "elsewhere")}, "true"},
	} {
		f, err := read(tt.net...)
		if err != nil || f.Meta.Extra[Chain] != tt.want {
			t.Errorf("%s: %v, error %v", name, f, err)
		}
	}
}

// A message may hold fields that this program does not know, of every kind, and as much of what it knows as is allowed.
func TestWhatIsNotNeededIsSteppedOver(t *testing.T) {
	fixed64 := protowire.AppendFixed64(protowire.AppendTag(nil, 30, protowire.Fixed64Type), math.MaxUint64)
	strange := bytes.Join([][]byte{number(31, 1<<40), fixed64, float(32, 3), text(33, "unknown"), text(34, "")}, nil)
	long := strings.Repeat("n", maxText)
	blobs := bytes.Repeat(newBlob([]uint64{1}, 1), maxBlobs)
	ones := slices.Repeat([]uint64{1}, maxDims)
	for _, c := range []struct {
		name string
		file [][]byte
		want string // names and shapes
	}{
		{"unknown fields everywhere", [][]byte{strange, sub(100, strange, text(1, "a"), strange, text(2, "Scale"), sub(7, strange, sub(7, strange, number(1, 2)), strange, packed(5, 1, 2), strange), strange), strange}, "a.weight [2]"},
		{"a long name", [][]byte{newLayer(long, "Scale", "x", "y", newBlob([]uint64{1}, 1))}, long + ".weight [1]"},
		{"many blobs", [][]byte{newLayer("a", "Own", "x", "y", blobs)}, "a.blob15 [1]"},
		{"many dimensions", [][]byte{newLayer("a", "Own", "x", "y", newBlob(ones, 1))}, "a.blob0 [" + strings.TrimSuffix(strings.Repeat("1 ", maxDims), " ") + "]"},
		{"nothing in a blob", [][]byte{newLayer("a", "Own", "x", "y", newBlob([]uint64{2, 0, 3}))}, "a.blob0 [2 0 3]"},
		{"doubles one by one", [][]byte{newLayer("a", "Scale", "x", "y", sub(7, sub(7, number(1, 2)), bytes.Repeat(protowire.AppendFixed64(protowire.AppendTag(nil, 8, protowire.Fixed64Type), math.Float64bits(1.5)), 2)))}, "a.weight [2]"},
		{"many layers", [][]byte{bytes.Repeat(sub(100, text(1, "x")), maxLayers-1), newLayer("a", "Scale", "x", "y", newBlob([]uint64{1}, 1))}, "a.weight [1]"},
	} {
		f, err := read(c.file...)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		last := f.Tensors[len(f.Tensors)-1]
		if got := fmt.Sprint(last.Name, " ", last.Shape); got != c.want {
			t.Errorf("%s: the last tensor is %s, want %s", c.name, got, c.want)
		}
	}
}

// A blob that is read in several pieces has all its numbers, and what stands behind it is the next field's.
func TestALargeBlobIsReadInPieces(t *testing.T) {
	values := make([]float32, 2*chunk/4+3)
	for i := range values {
		values[i] = float32(i)
	}
	f, err := read(newLayer("a", "Scale", "x", "y", newBlob([]uint64{uint64(len(values))}, values...), newBlob([]uint64{2}, -1, -2)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Tensors[0].Data, values) || !slices.Equal(f.Tensors[1].Data, []float32{-1, -2}) {
		t.Error("other numbers are read than were written")
	}
}

func TestDamagedFilesAreOneLine(t *testing.T) {
	conv := func(blobs ...[]byte) []byte { return newLayer("c", "Convolution", "data", "c", blobs...) }
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "no layers"},
		{"a name alone", text(1, "net"), "no layers"},
		{"a description without weights", conv(), "no weights"},
		{"a blob that claims a terabyte", sub(100, text(1, "c"), append(protowire.AppendTag(nil, 7, protowire.BytesType), protowire.AppendVarint(nil, 1<<40)...)), "truncated"},
		{"a field that is cut off", bytes.Join(small["new"], nil)[:40], "truncated"},
		{"fewer numbers than the shape", conv(newBlob([]uint64{2, 1, 1, 1}, 1)), "1 numbers for the shape [2 1 1 1]"},
		{"a shape that overflows", conv(newBlob([]uint64{1 << 31, 1 << 31, 1 << 31, 1}, 1)), "a shape of"},
		{"a shape of 2⁶²", conv(newBlob([]uint64{1<<31 - 1, 1<<31 - 1, 8, 8}, 1)), "the shape [2147483647 2147483647 8 8] is none"},
		{"a dimension too many", newLayer("c", "Own", "a", "b", newBlob(slices.Repeat([]uint64{1}, maxDims+1), 1)), fmt.Sprintf("a shape of %d dimensions", maxDims+1)},
		{"a blob too many", newLayer("c", "Own", "a", "b", bytes.Repeat(newBlob([]uint64{1}, 1), maxBlobs+1)), "more than 16 blobs"},
		{"a layer too many", bytes.Repeat(sub(100, text(1, "x")), maxLayers+1), "more than 20000 layers"},
		{"a letter too many", sub(100, text(1, strings.Repeat("x", maxText+1))), "is no name: 4097 bytes"},
		{"a blob that ends behind its layer", append(sub(100, text(1, "c"), protowire.AppendVarint(protowire.AppendTag(nil, 7, protowire.BytesType), 10), []byte{1, 2, 3}), number(1, 1<<60)...), "a field of 10 bytes, of which 3 are there: truncated"},
		{"four bytes where eight should be", sub(100, text(1, "c"), protowire.AppendTag(nil, 9, protowire.Fixed64Type), []byte{1, 2, 3, 4}), "it ends within a field"},
		{"three bytes where four should be", sub(100, text(1, "c"), protowire.AppendTag(nil, 9, protowire.Fixed32Type), []byte{1, 2, 3}), "it ends within a field"},
		{"a negative dimension", oldLayer("c", 4, "a", "b", oldBlob(math.MaxUint64, 1, 1, 1, 1)), "shape"},
		{"a shape of 32-bit numbers", conv(sub(7, sub(7, protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), 1)))), "no list of integers"},
		{"a shape of 64-bit numbers", conv(sub(7, sub(7, protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 1)))), "no list of integers"},
		{"a shape of a thousand dimensions", conv(newBlob(slices.Repeat([]uint64{1}, 1000), 1)), "too many dimensions"},
		{"half a float", conv(sub(7, sub(7, number(1, 1)), sub(5, []byte{1, 2, 3}))), "3 bytes of numbers of 4"},
		{"integers in place of floats", conv(sub(7, sub(7, number(1, 1)), number(5, 3))), "integers in place of floats"},
		{"a weight that is no number", conv(newBlob([]uint64{1, 1, 1, 1}, float32(math.NaN()))), "infinite"},
		{"three blobs of a convolution", conv(newBlob([]uint64{1, 1, 1, 1}, 1), newBlob([]uint64{1}, 1), newBlob([]uint64{1}, 1)), "3 blobs"},
		{"a thousand blobs", sub(100, text(1, "c"), bytes.Repeat(newBlob([]uint64{1}, 1), 1000)), "more than 16 blobs"},
		{"weights of two dimensions in a convolution", conv(newBlob([]uint64{1, 1}, 1)), "2 dimensions: should be 4"},
		{"a fully connected layer of four dimensions", newLayer("f", "InnerProduct", "a", "b", newBlob([]uint64{2, 1, 1, 1}, 1, 2)), "4 dimensions: should be 2"},
		{"one that is transposed", newLayer("f", "InnerProduct", "a", "b", sub(117, number(6, 1)), newBlob([]uint64{2, 1}, 1, 2)), "transposed"},
		{"a batch normalisation without a factor", newLayer("n", "BatchNorm", "a", "b", newBlob([]uint64{1}, 1), newBlob([]uint64{1}, 1)), "2 blobs"},
		{"two layers of a name", append(conv(newBlob([]uint64{1, 1, 1, 1}, 1)), conv(newBlob([]uint64{1, 1, 1, 1}, 1))...), "two layers are called"},
		{"a name that is no UTF-8", newLayer("\xff", "Convolution", "a", "b", newBlob([]uint64{1, 1, 1, 1}, 1)), "not valid UTF-8"},
		{"a name of a megabyte", sub(100, text(1, strings.Repeat("x", 1<<20))), "is no name"},
		{"a network of before 2013", sub(2, sub(1, text(1, "conv1"))), "upgrade_net_proto_binary"},
		{"a group", protowire.AppendTag(nil, 3, protowire.StartGroupType), "a group"},
		{"a page", []byte("<html><body>not found</body></html>"), "no Caffe network"},
		{"100,000 layers", bytes.Repeat(sub(100, text(1, "x")), 100_000), "more than 20000 layers"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := allocated()
			f, err := read(tt.file)
			if err == nil {
				t.Fatalf("read: %v", f)
			}
			if !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 500 {
				t.Errorf("error %q does not say %q on a line", err, tt.want)
			}
			if grown := allocated() - before; grown > 32<<20 {
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestEveryTruncationIsRefused(t *testing.T) {
	for form, parts := range small {
		whole := bytes.Join(parts, nil)
		for n := range whole {
			f, err := Read(bytes.NewReader(whole[:n]), int64(n))
			if err == nil && len(f.Tensors) == 4 {
				t.Errorf("%s: the first %d of %d bytes are taken for the whole", form, n, len(whole))
			}
			// A source that is shorter than it says.
			if _, err := Read(bytes.NewReader(whole[:n]), int64(len(whole))); err == nil {
				t.Errorf("%s: a file that shrank to %d bytes is read", form, n)
			}
		}
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.caffemodel")
	if err := os.WriteFile(path, []byte("?"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.HasPrefix(err.Error(), path+": ") {
		t.Errorf("error %v", err)
	}
	if _, err := Open(filepath.Dir(path)); err == nil {
		t.Error("a folder is no error")
	}
}

// FuzzRead holds the reader to its promises: no panic, no memory beyond the file's size, and tensors that can
// be written.
func FuzzRead(f *testing.F) {
	for _, parts := range small {
		f.Add(bytes.Join(parts, nil))
	}
	f.Add(newLayer("bn", "BatchNorm", "conv", "conv", newBlob([]uint64{2}, 4, 6), newBlob([]uint64{2}, 8, 10), newBlob([]uint64{1}, 2)))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		elements := 0
		for _, tensor := range file.Tensors {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			if n != len(tensor.Data) {
				t.Fatalf("%s: %v with %d numbers", tensor.Name, tensor.Shape, len(tensor.Data))
			}
			elements += n
		}
		if 4*elements > len(b) {
			t.Fatalf("%d numbers in %d bytes", elements, len(b))
		}
		if err := weights.Write(new(bytes.Buffer), file); err != nil && !strings.Contains(err.Error(), "UTF-8") && !strings.Contains(err.Error(), "cannot be a tensor's name") {
			t.Fatal(err)
		}
	})
}

func TestNothingToReadIsAnError(t *testing.T) {
	if _, err := Read(nil, 1); err == nil || err.Error() != "there is nothing to read" {
		t.Error(err)
	}
}
