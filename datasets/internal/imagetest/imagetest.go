// Package imagetest is what tests of images share: pixels that scripts make too, and golden files.
package imagetest

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// Pattern is the image that the scripts in testdata make: a slope, noise, and edges from black to white.
func Pattern(s image.Shape) *image.Image {
	m := new(image.Image)
	m.Reset(s)
	state := uint32(1)
	for y := range s.H {
		for x := range s.W {
			for z := range s.C {
				state = state*1664525 + 1013904223
				v := 255 * ((x/3 + z) & 1)
				if (x/6+y/9)%3 != 0 {
					v = x*5 + y*3 + z*40 + int(state>>27)
				}
				m.Plane(z)[y*s.W+x] = uint8(v)
			}
		}
	}
	return m
}

// Golden reads a packed golden file.
func Golden(t testing.TB, path string) *bytes.Reader {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(all)
}

// Same fails the test if the pixels are not the next golden ones.
func Same(t testing.TB, golden io.Reader, got []uint8) {
	t.Helper()
	want := make([]uint8, len(got))
	if _, err := io.ReadFull(golden, want); err != nil {
		t.Fatal(err)
	}
	wrong, most := 0, 0
	for i, g := range got {
		if d := int(g) - int(want[i]); d != 0 {
			wrong, most = wrong+1, max(most, d, -d)
		}
	}
	if wrong > 0 {
		t.Errorf("%d of %d bytes differ, by up to %d", wrong, len(want), most)
	}
}
