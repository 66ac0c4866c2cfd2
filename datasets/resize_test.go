package datasets

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"testing"
)

// pillowCases are those of testdata/resize.py, in its order.
var pillowCases = []struct{ c, h, w, oh, ow int }{
	{1, 28, 28, 227, 227}, {1, 28, 28, 32, 32}, {1, 28, 28, 14, 14}, {1, 28, 28, 28, 40}, {1, 28, 28, 9, 28},
	{3, 40, 30, 64, 64}, {3, 100, 75, 64, 48}, {1, 375, 500, 57, 61}, {1, 17, 31, 5, 3}, {1, 1, 1, 7, 9},
	{1, 2, 3, 1, 1}, {1, 1, 300, 1, 7}, {3, 256, 341, 29, 29}, {1, 63, 64, 64, 63}, {1, 600, 2, 3, 5},
}

// pattern is the image that testdata/resize.py makes.
func pattern(s Shape) *Image {
	m := new(Image)
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

func pillow(t *testing.T, name string) *bytes.Reader {
	f, err := os.Open("testdata/" + name)
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

func TestResizeIsPillowsBilinearByteForByte(t *testing.T) {
	golden := pillow(t, "resize.golden.gz")
	var r Resizer // one for all, so that its memory is seen to follow the sizes
	for _, c := range pillowCases {
		t.Run(fmt.Sprintf("%d×%d×%d to %d×%d", c.c, c.h, c.w, c.oh, c.ow), func(t *testing.T) {
			var got Image
			got.Reset(Shape{c.c, c.oh, c.ow})
			if err := r.Resize(&got, pattern(Shape{c.c, c.h, c.w})); err != nil {
				t.Fatal(err)
			}
			want := make([]uint8, got.Len())
			if _, err := io.ReadFull(golden, want); err != nil {
				t.Fatal(err)
			}
			wrong, most := 0, 0
			for i, g := range got.Pix {
				if d := int(g) - int(want[i]); d != 0 {
					wrong, most = wrong+1, max(most, d, -d)
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d bytes differ, by up to %d", wrong, len(want), most)
			}
		})
	}
	t.Run("colour to grey", func(t *testing.T) {
		p, err := NewPreparer(Input{Shape: Shape{1, 40, 30}, Mean: []float32{0}, Std: []float32{1}})
		if err != nil {
			t.Fatal(err)
		}
		got := make([]float32, 40*30)
		if err := p.Prepare(got, pattern(Shape{3, 40, 30})); err != nil {
			t.Fatal(err)
		}
		for i, g := range got {
			want, err := golden.ReadByte()
			if err != nil {
				t.Fatal(err)
			}
			if g != float32(want)/255 {
				t.Fatalf("pixel %d is %v/255: want %d", i, g*255, want)
			}
		}
		if golden.Len() != 0 {
			t.Errorf("%d golden bytes left over", golden.Len())
		}
	})
}

func TestResizeRefusesWhatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to Shape
	}{
		{"no pixels to resize", Shape{1, 0, 4}, Shape{1, 4, 4}},
		{"no pixels to make", Shape{1, 4, 4}, Shape{1, 4, 0}},
		{"other channels", Shape{1, 4, 4}, Shape{3, 4, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Resizer
			var from, to Image
			from.Reset(c.from)
			to.Reset(c.to)
			if err := r.Resize(&to, &from); err == nil {
				t.Error("no error")
			}
		})
	}
}
