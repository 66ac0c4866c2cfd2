package weights

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// FuzzReader runs the reader on any bytes, FuzzHeader on any header and data
// with the right header length before them, which mutation seldom finds, and
// FuzzPickle on any pickle, in a zip archive and in the older format. Their
// corpus in testdata/fuzz is one file a rule of the format, broken or kept, and
// what the fuzzer found new ways with.
func FuzzReader(f *testing.F) {
	small := sample()
	small.Tensors[2] = Tensor{"classifier.weight", []int{1, 2}, []float32{1, 2}}
	small.Tensors[0] = Tensor{"features.0.weight", []int{1, 1, 1, 1}, []float32{3}}
	f.Add(mustWrite(f, small))
	small.Tensors = small.Tensors[:3] // the last one holds numbers beyond a half
	var half bytes.Buffer
	if err := WriteHalf(&half, small); err != nil {
		f.Fatal(err)
	}
	f.Add(half.Bytes())
	for _, name := range []string{"zip.pth", "legacy.pth", "views-zip.pth", "types-legacy.pth", "script.pt"} {
		b, err := os.ReadFile(filepath.Join("testdata", "pytorch", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(checkReader)
}

func FuzzPickle(f *testing.F) {
	storage := pStorage("FloatStorage", "0", 8)
	tensor := pTensor(storage, 2, []int64{3}, []int64{2})
	dict := pGlobal("collections", "OrderedDict")
	f.Add(pickled(pDict(pString("w"), tensor, pInt(1), "K\x01")))
	f.Add(pickled(dict + "(](](U\x01w" + tensor + "eetRq\x00h\x00r\x01\x00\x00\x00j\x01\x00\x00\x0000"))
	f.Add("\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00" + "\x8c\x0bcollections\x94\x8c\x0bOrderedDict\x94\x93)\x81\x94(" + "\x8c\x01w" + tensor + "u}b.")
	f.Add(pickled(pDict(pString("module.a"), pTensor(storage, 0, []int64{2, 4}, []int64{1, 2}), pString("module.b"), pTensor(pStorage("FloatStorage", "0", 8, pTuple(pString("1"), pInt(2), pInt(4))), 0, []int64{2, 2}, []int64{0, 1}))))
	f.Fuzz(func(t *testing.T, pickle string) {
		checkReader(t, zipOf(t, pickle, eightFloats))
		checkReader(t, legacy(pickle, 8, eightFloats))
	})
}

func FuzzHeader(f *testing.F) {
	f.Add("{}      ", []byte{})
	f.Fuzz(func(t *testing.T, header string, data []byte) { checkReader(t, raw(header, data...)) })
}

// checkReader holds the reader to its promises: no panic, no memory beyond the
// file's size, and what it accepts, the writer writes back to the same tensors.
func checkReader(t *testing.T, b []byte) {
	r, err := openBytes(b)
	if err != nil {
		return
	}
	covered, claimed := int64(len(b)), 0
	if r.format == FormatSafetensors {
		covered = 8 + int64(binary.LittleEndian.Uint64(b))
	}
	for _, e := range r.entries {
		if e.begin < 0 || e.end < e.begin || e.end > int64(len(b)) {
			t.Fatalf("tensor %q is at %d to %d in a file of %d bytes", e.name, e.begin, e.end, len(b))
		}
		if e.strides == nil && e.end-e.begin != int64(e.elements*e.dtype.size) {
			t.Fatalf("tensor %q of %d elements takes %d bytes", e.name, e.elements, e.end-e.begin)
		}
		if r.format == FormatSafetensors && e.begin != covered {
			t.Fatalf("tensor %q starts at %d, not at %d", e.name, e.begin, covered)
		}
		covered, claimed = e.end, claimed+e.elements
	}
	if r.format == FormatSafetensors && covered != int64(len(b)) {
		t.Fatalf("tensors cover %d of %d bytes", covered, int64(len(b)))
	}
	if claimed > maxClaim*len(b)/4 {
		t.Fatalf("%d elements in a file of %d bytes", claimed, len(b))
	}
	if fitted, err := r.Fit([]Spec{{"w", []int{-1}}, {"a", []int{2, 4}}}); err == nil {
		if got := fitted.Names(); len(got) != 2 || got[0] != "w" || got[1] != "a" {
			t.Fatalf("fitted are %q", got)
		}
		_, _ = fitted.ReadAll()
	}
	file, err := r.ReadAll()
	if err != nil {
		return // a type or value that is refused
	}
	var out bytes.Buffer
	if err := Write(&out, file); err != nil {
		for _, name := range []string{"", metaKey} { // read from a foreign file, but not written
			if _, there := r.index[name]; there {
				return
			}
		}
		t.Fatalf("what was read is not written: %v", err)
	}
	again, err := mustOpen(t, out.Bytes()).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if Match(again.Specs(), file.Specs()) != nil {
		t.Fatal("names or shapes changed")
	}
	for i := range file.Tensors {
		if !sameBits(again.Tensors[i].Data, file.Tensors[i].Data) {
			t.Fatalf("tensor %q changed", file.Tensors[i].Name)
		}
	}
	if !bytes.Equal(mustWrite(t, again), out.Bytes()) {
		t.Fatal("the second writing gives other bytes")
	}
	var half, second bytes.Buffer
	if WriteHalf(&half, file) != nil {
		return // a value that no half holds
	}
	rounded, err := mustOpen(t, half.Bytes()).ReadAll()
	if err == nil {
		err = WriteHalf(&second, rounded)
	}
	if err != nil || !bytes.Equal(second.Bytes(), half.Bytes()) {
		t.Fatalf("halves are written in other bytes the second time (%v)", err)
	}
}
