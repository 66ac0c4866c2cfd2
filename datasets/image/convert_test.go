package image

import (
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
)

// plainImage hides what an image is, so that it is read pixel by pixel.
type plainImage struct{ image.Image }

// Pictures of 2×2 pixels, of every type that package image has: each pixel is another.
func TestEveryTypeOfImageIsConverted(t *testing.T) {
	box := image.Rect(0, 0, 2, 2)
	gray := &image.Gray{Pix: []uint8{0, 100, 9, 200, 255, 9}, Stride: 3, Rect: box}
	gray16 := image.NewGray16(box)
	for i, v := range []uint16{0, 0x64ff, 0xc800, 0xffff} {
		gray16.SetGray16(i%2, i/2, color.Gray16{Y: v})
	}
	rgba, nrgba := image.NewRGBA(box), image.NewNRGBA(box)
	nrgba64, rgba64 := image.NewNRGBA64(box), image.NewRGBA64(box)
	colours := []color.NRGBA{{255, 0, 10, 255}, {20, 200, 0, 255}, {200, 100, 0, 128}, {77, 88, 99, 0}}
	for i, c := range colours {
		nrgba.SetNRGBA(i%2, i/2, c)
		rgba.Set(i%2, i/2, c)
		nrgba64.Set(i%2, i/2, c)
		rgba64.Set(i%2, i/2, c)
	}
	opaque := image.NewRGBA(box)
	for i, c := range []color.RGBA{{1, 2, 3, 255}, {4, 5, 6, 255}, {7, 8, 9, 255}, {250, 251, 252, 255}} {
		opaque.SetRGBA(i%2, i/2, c)
	}
	paletted := &image.Paletted{Pix: []uint8{0, 1, 2, 3}, Stride: 2, Rect: box, Palette: color.Palette{color.NRGBA{255, 0, 10, 255}, color.Gray{50}, color.NRGBA{200, 100, 0, 128}}}
	cmyk := &image.CMYK{Pix: []uint8{0, 0, 0, 0, 255, 0, 0, 0, 0, 128, 255, 0, 10, 20, 30, 155}, Stride: 8, Rect: box}
	// Full range: grey; and the red, green, blue of JFIF's equations.
	ycbcr := &image.YCbCr{Y: []uint8{100, 76, 150, 29}, Cb: []uint8{128, 85, 44, 255}, Cr: []uint8{128, 255, 21, 107}, YStride: 2, CStride: 2, Rect: box, SubsampleRatio: image.YCbCrSubsampleRatio444}
	clear := &image.NYCbCrA{YCbCr: *ycbcr, A: []uint8{255, 255, 128, 0}, AStride: 2}

	onWhite := [3][]uint8{{255, 20, 227, 255}, {0, 200, 177, 255}, {10, 0, 127, 255}}
	for _, c := range []struct {
		name string
		img  image.Image
		want [3][]uint8
	}{
		{"grey", gray, [3][]uint8{{0, 100, 200, 255}, {0, 100, 200, 255}, {0, 100, 200, 255}}},
		{"grey of 16 bits, cut to 8", gray16, [3][]uint8{{0, 100, 200, 255}, {0, 100, 200, 255}, {0, 100, 200, 255}}},
		{"colours", opaque, [3][]uint8{{1, 4, 7, 250}, {2, 5, 8, 251}, {3, 6, 9, 252}}},
		{"transparent colours", nrgba, onWhite},
		{"a palette, and a pixel beyond it", paletted, [3][]uint8{{255, 50, 227, 0}, {0, 50, 177, 0}, {10, 50, 127, 0}}},
		{"inks", cmyk, [3][]uint8{{255, 0, 255, 96}, {255, 255, 127, 92}, {255, 255, 0, 88}}},
		{"brightness and colour", ycbcr, [3][]uint8{{100, 254, 0, 0}, {100, 0, 255, 0}, {100, 0, 1, 254}}},
		{"and opacity", clear, [3][]uint8{{100, 254, 127, 255}, {100, 0, 255, 255}, {100, 0, 128, 255}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m Image
			if err := m.From(c.img); err != nil {
				t.Fatal(err)
			}
			for ch, want := range c.want {
				if got := m.Plane(ch); !slices.Equal(got, want) {
					t.Errorf("channel %d is %v: want %v", ch, got, want)
				}
			}
		})
	}
	// Colours that are multiplied by their opacity, wide ones, and those of an unknown type differ by the rounding of that
	// alone.
	for name, img := range map[string]image.Image{"multiplied": rgba, "wide": nrgba64, "wide, multiplied": rgba64, "another type": plainImage{nrgba}} {
		var m Image
		if err := m.From(img); err != nil {
			t.Fatal(err)
		}
		for ch := range 3 {
			for i, v := range m.Plane(ch) {
				if d := int(v) - int(onWhite[ch][i]); d < -1 || d > 1 {
					t.Errorf("%s: channel %d is %v: want %v", name, ch, m.Plane(ch), onWhite[ch])
					break
				}
			}
		}
	}
}

// A part of a picture begins elsewhere than at 0.
func TestAPartOfAPictureIsConverted(t *testing.T) {
	whole := image.NewNRGBA(image.Rect(0, 0, 5, 4))
	for y := range 4 {
		for x := range 5 {
			whole.SetNRGBA(x, y, color.NRGBA{uint8(10 * x), uint8(20 * y), 7, 255})
		}
	}
	var m Image
	if err := m.From(whole.SubImage(image.Rect(2, 1, 4, 4))); err != nil {
		t.Fatal(err)
	}
	if m.Shape != (Shape{3, 3, 2}) || !slices.Equal(m.Plane(0), []uint8{20, 30, 20, 30, 20, 30}) || !slices.Equal(m.Plane(1), []uint8{20, 20, 40, 40, 60, 60}) {
		t.Errorf("%v: %v", m.Shape, m.Pix)
	}
}

// Samples of colour that stand for several pixels, against the equations pixel by pixel where all samples are the same.
func TestEverySubsamplingOfOneColourIsThatColour(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		for _, size := range [][2]int{{1, 1}, {5, 3}, {8, 8}, {3, 7}} {
			m := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), ratio)
			for i := range m.Y {
				m.Y[i] = 81
			}
			for i := range m.Cb {
				m.Cb[i], m.Cr[i] = 90, 240
			}
			var full, limited Image
			(&Converter{}).Convert(m, &full)
			(&Converter{Limited: true}).Convert(m, &limited)
			// 81+1.402·112, 81-0.344·(-38)-0.714·112, 81+1.772·(-38); and ITU-R 601 from 16 to 235, which is pure red.
			for ch, want := range []uint8{238, 14, 14} {
				for _, v := range full.Plane(ch) {
					if v != want {
						t.Fatalf("%v of %v: channel %d is %v, want %d", ratio, size, ch, full.Plane(ch), want)
					}
				}
			}
			for ch, want := range []uint8{254, 0, 0} {
				for _, v := range limited.Plane(ch) {
					if v != want {
						t.Fatalf("limited, %v of %v: channel %d is %v, want %d", ratio, size, ch, limited.Plane(ch), want)
					}
				}
			}
		}
	}
}

func TestSizesThatAreNotAcceptedAreErrors(t *testing.T) {
	for _, c := range []struct {
		w, h int
		want string
	}{{0, 5, "an image of 0×5 pixels"}, {5, -1, "an image of 5×-1 pixels"}, {1 << 14, 1<<13 + 1, "more than the 134217728 that are accepted"}, {1<<32 - 1, 1<<32 - 1, "more than"}, {1 << 40, 1 << 40, "more than"}} {
		if err := CheckSize(c.w, c.h); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d×%d: %v", c.w, c.h, err)
		}
	}
	if err := CheckSize(1<<14, 1<<13); err != nil {
		t.Error(err)
	}
	var m Image
	if err := m.From(image.NewGray(image.Rect(0, 0, 0, 3))); err == nil {
		t.Error("an empty image is converted")
	}
}

func TestTheShorterSideIsScaled(t *testing.T) {
	for _, c := range []struct {
		s    Shape
		size int
		want Shape
	}{
		{Shape{3, 375, 500}, 256, Shape{3, 256, 341}}, // 341.33, rounded down
		{Shape{3, 500, 375}, 256, Shape{3, 341, 256}},
		{Shape{1, 28, 28}, 32, Shape{1, 32, 32}},
	} {
		if got, err := c.s.Shorter(c.size); err != nil || got != c.want {
			t.Errorf("%v to %d: %v (%v), want %v", c.s, c.size, got, err, c.want)
		}
	}
	for _, s := range []Shape{{3, 0, 5}, {3, 1, 1 << 20}} {
		if got, err := s.Shorter(224); err == nil {
			t.Errorf("%v is scaled to %v", s, got)
		}
	}
}

func TestGreyIsABrightness(t *testing.T) {
	for _, c := range []struct{ r, g, b, want uint8 }{{255, 255, 255, 255}, {255, 0, 0, 76}, {0, 255, 0, 150}, {0, 0, 255, 29}, {10, 20, 30, 18}} {
		if got := Grey(c.r, c.g, c.b); got != c.want {
			t.Errorf("grey of %d %d %d is %d: want %d", c.r, c.g, c.b, got, c.want)
		}
	}
	if Filter(200).String() != "filter 200" || Bicubic.String() != "bicubic" {
		t.Errorf("%v, %v", Filter(200), Bicubic)
	}
}
