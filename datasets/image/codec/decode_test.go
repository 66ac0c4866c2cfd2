package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	std "image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

// All formats must give Pillow's bytes, but lossy WebP, whose colours are spread otherwise.
var tolerance = map[string]struct {
	most int
	mean float64
}{
	".webp": {3, .1},
}

func TestDecodeReadsWhatPillowReads(t *testing.T) {
	golden := imagetest.Golden(t, "testdata/decode.golden.gz")
	files, err := filepath.Glob("testdata/images/*")
	if err != nil || len(files) < 88 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	slices.Sort(files)
	var got image.Image // one for all
	for _, path := range files {
		if filepath.Base(path) == "arithmetic.jpg" {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var size [2]uint16
			if err := binary.Read(golden, binary.LittleEndian, &size); err != nil {
				t.Fatal(err)
			}
			w, h := int(size[0]), int(size[1])
			want := make([]uint8, 3*w*h)
			if _, err := io.ReadFull(golden, want); err != nil {
				t.Fatal(err)
			}
			if err := Decode(file, &got); err != nil {
				t.Fatal(err)
			}
			if got.Shape != (image.Shape{C: 3, H: h, W: w}) {
				t.Fatalf("an image of %v: want 3×%d×%d", got.Shape, h, w)
			}
			most, sum := 0, 0
			for i, v := range want {
				d := int(got.Plane(i % 3)[i/3]) - int(v)
				most, sum = max(most, d, -d), sum+max(d, -d)
			}
			may := tolerance[filepath.Ext(path)]
			if strings.Contains(path, "alpha") {
				may.most = max(may.most, 1) // Pillow's composition rounds otherwise
				may.mean = max(may.mean, .5)
			}
			mean := float64(sum) / float64(len(want))
			if strings.Contains(path, "lossless") {
				may.most, may.mean = 0, 0
			}
			if most > may.most || mean > may.mean {
				t.Errorf("differs by up to %d, %.3f on average: want at most %d, %.3f", most, mean, may.most, may.mean)
			}
		})
	}
	if golden.Len() != 0 {
		t.Errorf("%d golden bytes left over", golden.Len())
	}
}

func TestDecodeSaysWhatIsBroken(t *testing.T) {
	read := func(name string) []byte {
		file, err := os.ReadFile("testdata/images/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	huge := read("rgb.png")
	binary.BigEndian.PutUint32(huge[16:], 1<<16)
	binary.BigEndian.PutUint32(huge[20:], 1<<16)
	hugeJPEG := read("jpeg444.jpg")
	at := bytes.Index(hugeJPEG, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(hugeJPEG[at+5:], 65535)
	binary.BigEndian.PutUint16(hugeJPEG[at+7:], 65535)
	hugeGIF := read("plain.gif")
	binary.LittleEndian.PutUint16(hugeGIF[6:], 65535)
	binary.LittleEndian.PutUint16(hugeGIF[8:], 65535)
	for _, c := range []struct {
		name string
		file []byte
		err  string
	}{
		{"an empty file", nil, "broken image: an empty file"},
		{"text", []byte("not found"), "broken image: no image format that is known (should be JPEG, PNG, GIF, WebP, BMP or TIFF): it begins 6e 6f 74 20 66 6f 75 6e"},
		{"a web page", []byte("\n<!DOCTYPE html><html>not found"), "broken image: a web page instead of an image"},
		{"a JPEG with arithmetic coding", read("arithmetic.jpg"), "broken image: a JPEG with arithmetic coding, which is not read"},
		{"zeros", make([]byte, 5000), "broken image: it begins with zeros alone"},
		{"AVIF", []byte("\x00\x00\x00\x1cftypavif\x00\x00"), "broken image: a file of the format AVIF, which is not read: should be JPEG, PNG"},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic\x00\x00"), "broken image: a file of the format HEIC, which is not read"},
		{"JPEG XL", []byte("\xff\x0a\x00\x00"), "broken image: a file of the format JPEG XL, which is not read"},
		{"JPEG 2000", []byte("\x00\x00\x00\x0cjP  \r\n\x87\n"), "broken image: a file of the format JPEG 2000, which is not read"},
		{"an SVG drawing", []byte("<?xml version='1.0'?>\n<svg xmlns="), "broken image: a file of the format SVG, which is not read"},
		{"a JPEG cut short", read("jpeg444.jpg")[:900], "broken image: "},
		{"a PNG cut short", read("rgb.png")[:900], "broken image: "},
		{"a GIF cut short", read("plain.gif")[:900], "broken image: "},
		{"a GIF of a header", read("plain.gif")[:8], "broken image: truncated"},
		{"a WebP cut short", read("lossy.webp")[:400], "broken image: "},
		{"a BMP cut short", read("rgb.bmp")[:900], "broken image: truncated"},
		{"a PNG that claims 4 billion pixels", huge, "broken image: "},
		{"a JPEG that claims 4 billion pixels", hugeJPEG, "broken image: an image of 65535×65535 pixels: more than the"},
		{"a GIF that claims 4 billion pixels", hugeGIF, "broken image: an image of 65535×65535 pixels: more than the"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Decode(c.file, new(image.Image))
			if !errors.Is(err, image.ErrBroken) || !strings.HasPrefix(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v: want one line that begins with %q", err, c.err)
			}
		})
	}
}

func TestFromImageTakesAnyImage(t *testing.T) {
	file, err := os.ReadFile("testdata/images/rgba.png")
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var whole, part image.Image
	if err := whole.From(m); err != nil {
		t.Fatal(err)
	}
	sub := m.(*std.NRGBA).SubImage(std.Rect(5, 7, 20, 17))
	wide := std.NewRGBA64(std.Rect(-3, -3, 12, 7))
	for y := range 10 {
		for x := range 15 {
			wide.Set(x-3, y-3, sub.At(5+x, 7+y))
		}
	}
	for _, m := range []std.Image{sub, wide, struct{ std.Image }{sub}} {
		if err := part.From(m); err != nil {
			t.Fatal(err)
		}
		if part.Shape != (image.Shape{C: 3, H: 10, W: 15}) {
			t.Fatalf("an image of %v", part.Shape)
		}
		for i, p := range part.Pix {
			c, y, x := i/150, i/15%10, i%15
			// RGBA64 multiplies colours by their opacity, and loses by it.
			if w := int(whole.Plane(c)[(7+y)*whole.W+5+x]); int(p) < w-1 || int(p) > w+1 {
				t.Fatalf("%T: channel %d at (%d, %d) is %d: want %d", m, c, y, x, p, w)
			}
		}
	}
	if err := part.From(std.NewGray(std.Rect(0, 0, 0, 5))); err == nil {
		t.Error("an image of no width is no error")
	}
	if err := part.From(std.NewUniform(color.White)); err == nil {
		t.Error("an image without end is no error")
	}
}

func TestAGIFsFirstPictureStandsWhereItBelongs(t *testing.T) {
	m := std.NewPaletted(std.Rect(3, 1, 6, 5), color.Palette{color.RGBA{200, 10, 30, 255}, color.Transparent})
	m.SetColorIndex(4, 2, 1)
	var file bytes.Buffer
	if err := gif.EncodeAll(&file, &gif.GIF{Image: []*std.Paletted{m}, Delay: []int{0}, Config: std.Config{Width: 9, Height: 7}}); err != nil {
		t.Fatal(err)
	}
	var got image.Image
	if err := Decode(file.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Shape != (image.Shape{C: 3, H: 7, W: 9}) {
		t.Fatalf("an image of %v", got.Shape)
	}
	for i := range 63 {
		want := [3]uint8{255, 255, 255}
		if at := std.Pt(i%9, i/9); at.In(m.Rect) && at != std.Pt(4, 2) {
			want = [3]uint8{200, 10, 30}
		}
		if p := [3]uint8{got.Plane(0)[i], got.Plane(1)[i], got.Plane(2)[i]}; p != want {
			t.Errorf("(%d, %d) is %v: want %v", i/9, i%9, p, want)
		}
	}
}

// What the fuzzer's corpus claims, up to 2⁶² pixels, must not be believed before it is there.
func TestAnImageCannotClaimMemoryThatItsFileDoesNotFill(t *testing.T) {
	files, err := filepath.Glob("testdata/fuzz/FuzzDecode/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, quoted, _ := strings.Cut(strings.TrimSpace(string(text)), "\n[]byte(")
		file, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err = Decode([]byte(file), new(image.Image))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
			t.Errorf("%s: %d KB for a file of %d bytes (error %v)", path, n>>10, len(file), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/images/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		file, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		info, unknown := Examine(file, 0)
		if unknown == nil && info.W*info.H > 1<<18 {
			return // large claims are allowed, and only take time
		}
		var m image.Image
		if err := Decode(file, &m); err != nil {
			if !errors.Is(err, image.ErrBroken) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q", err)
			}
			return
		}
		if unknown != nil || m.H*m.W != info.H*info.W || min(m.H, m.W) != min(info.H, info.W) || info.Memory < int64(len(m.Pix)) {
			t.Errorf("an image of %v: examined it is %+v, %v", m.Shape, info, unknown)
		}
		if m.C != 3 || m.H < 1 || m.W < 1 || len(m.Pix) != m.Len() || m.H*m.W > image.MaxPixels {
			t.Errorf("an image of %v with %d bytes", m.Shape, len(m.Pix))
		}
	})
}
