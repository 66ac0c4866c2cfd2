package codec

import (
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// tiny is a BMP file of 4×3 pixels of 8 bits in runs, whose palette's red is 10 times the place.
func tiny(runs ...byte) []byte {
	file := []byte("BM\x00\x00\x00\x00\x00\x00\x00\x00")
	file = append(file, 14+40+16*4, 0, 0, 0)
	file = append(file, 40, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0)
	file = append(file, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0)
	for i := range 16 {
		file = append(file, 0, 0, byte(10*i), 0)
	}
	return append(file, runs...)
}

// Pillow 9.4 misreads steps: what is right is the format's own documentation (Windows GDI, "Bitmap
// Compression").
func TestRunsOfABMPMayStepAndEndEarly(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []byte
		want []uint8 // the red of the rows, from the top; nil is an error
	}{
		{"rows from the bottom up", []byte{4, 1, 0, 0, 4, 2, 0, 0, 4, 3, 0, 1}, []uint8{30, 30, 30, 30, 20, 20, 20, 20, 10, 10, 10, 10}},
		{"pixels as they are, filled up to whole words", []byte{0, 3, 1, 2, 3, 0, 1, 4, 0, 0, 0, 1}, []uint8{0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 30, 40}},
		{"a step to the right and up", []byte{1, 5, 0, 2, 2, 1, 1, 6, 0, 1}, []uint8{0, 0, 0, 0, 0, 0, 0, 60, 50, 0, 0, 0}},
		{"a row that ends early, and an empty one", []byte{2, 7, 0, 0, 0, 0, 3, 8, 0, 1}, []uint8{80, 80, 80, 0, 0, 0, 0, 0, 70, 70, 0, 0}},
		{"a run over the row's end", []byte{9, 1, 0, 0, 1, 2, 0, 1}, []uint8{0, 0, 0, 0, 20, 0, 0, 0, 10, 10, 10, 10}},
		{"no end", []byte{4, 1, 0, 0}, nil},
		{"cut short in pixels", []byte{0, 4, 1}, nil},
		{"a step that is cut short", []byte{0, 2, 1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m image.Image
			err := Decode(tiny(c.runs...), &m)
			if (err == nil) != (c.want != nil) {
				t.Fatalf("error %v", err)
			}
			if err == nil && !slices.Equal(m.Plane(0), c.want) {
				t.Errorf("%v: want %v", m.Plane(0), c.want)
			}
		})
	}
}

func TestBMPFilesThatAreNotReadSayWhy(t *testing.T) {
	whole := tiny(4, 1, 0, 0, 4, 2, 0, 0, 4, 3, 0, 1)
	put := func(at int, bytes ...byte) []byte {
		file := slices.Clone(whole)
		copy(file[at:], bytes)
		return file
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"a header of 13 bytes", put(14, 13), "a BMP file whose header has 13 bytes"},
		{"a header beyond the file", put(14, 0, 0, 1), "truncated"},
		{"runs of 24 bits", put(28, 24), "run lengths with 24 bits a pixel"},
		{"a JPEG within", put(30, 4), "holds a JPEG or PNG file"},
		{"a compression that nobody knows", put(30, 77), "the compression 77"},
		{"bit fields of 8 bits", put(30, 3), "bit fields"},
		{"seven bits", append(put(28, 7, 0, 0, 0), 0), "7 bits a pixel"},
		{"a palette of 300 colours", put(46, 44, 1), "truncated"},
		{"pixels behind the end", put(10, 255, 255), "truncated"},
		{"a size that cannot be", put(18, 255, 255, 255, 127), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m image.Image
			if c.name == "seven bits" {
				c.file[30] = 0
			}
			err := Decode(c.file, &m)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
	for n := range len(whole) - 2 { // without its end mark it is whole
		var m image.Image
		if err := Decode(whole[:n], &m); err == nil {
			t.Errorf("the first %d bytes of %d are a picture", n, len(whole))
		}
	}
}
