package weights

import (
	"bytes"
	"testing"
)

// FuzzReader runs the reader on any bytes, FuzzHeader on any header and data
// with the right header length before them, which mutation seldom finds. Their
// corpus in testdata/fuzz is one file a rule of the format, broken or kept.
func FuzzReader(f *testing.F) {
	small := sample()
	small.Tensors[2] = Tensor{"classifier.weight", []int{1, 2}, []float32{1, 2}}
	small.Tensors[0] = Tensor{"features.0.weight", []int{1, 1, 1, 1}, []float32{3}}
	f.Add(mustWrite(f, small))
	f.Fuzz(checkReader)
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
	total := int64(0)
	for _, e := range r.entries {
		if e.elements > len(b) || e.begin != total {
			t.Fatalf("tensor %q at %d has %d elements in a file of %d bytes", e.name, e.begin, e.elements, len(b))
		}
		total = e.end
	}
	if r.start+total != int64(len(b)) {
		t.Fatalf("tensors cover %d of %d bytes", total, int64(len(b))-r.start)
	}
	file, err := r.ReadAll()
	if err != nil {
		return // a type or value that is refused
	}
	var out bytes.Buffer
	if err := Write(&out, file); err != nil {
		if _, empty := r.index[""]; empty { // read, but not written
			return
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
}
