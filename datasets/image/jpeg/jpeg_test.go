package jpeg

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/imagetest"
)

// pictures are the JPEG files of the codec's tests.
func pictures(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../codec/testdata/images/*.jpg")
	if err != nil || len(paths) < 30 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		if all[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// What Decode makes at full size, the codec's tests compare with Pillow's pixels.
func TestSmallerPicturesAreThoseOfPillowsDraftMode(t *testing.T) {
	golden := imagetest.Golden(t, "testdata/scaled.golden.gz")
	files := pictures(t)
	var d Decoder // one for all
	var got image.Image
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		config, err := d.Config(files[name], 0)
		w, h := config.Width, config.Height
		if name == "arithmetic.jpg" || min(w, h) <= 8 {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, scale := range []int{2, 4, 8} {
			var size [2]uint16
			if err := binary.Read(golden, binary.LittleEndian, &size); err != nil {
				t.Fatal(err)
			}
			want := make([]byte, 3*int(size[0])*int(size[1]))
			if _, err := io.ReadFull(golden, want); err != nil {
				t.Fatal(err)
			}
			least := (min(w, h) + scale - 1) / scale
			if err := d.Decode(files[name], &got, least); err != nil {
				t.Fatalf("%s at 1/%d: %v", name, scale, err)
			}
			// The golden file is turned by no orientation: draft leaves that to others.
			if got.W != int(size[0]) || got.H != int(size[1]) {
				t.Fatalf("%s at 1/%d is %v: want %d×%d", name, scale, got.Shape, size[1], size[0])
			}
			most := 0
			for i, v := range want {
				e := int(got.Plane(i % 3)[i/3]) - int(v)
				most = max(most, e, -e)
			}
			if most > 0 {
				t.Errorf("%s at 1/%d differs by up to %d", name, scale, most)
			}
		}
	}
	if golden.Len() != 0 {
		t.Errorf("%d golden bytes left over", golden.Len())
	}
}

func TestAPictureIsMadeSmallerAsLongAsItsShorterSideAllows(t *testing.T) {
	file := pictures(t)["jpeg420.jpg"] // 37×29
	for _, c := range []struct{ least, w, h int }{{0, 37, 29}, {29, 37, 29}, {16, 37, 29}, {15, 19, 15}, {9, 19, 15}, {8, 10, 8}, {5, 10, 8}, {4, 5, 4}, {1, 5, 4}} {
		var m image.Image
		if err := new(Decoder).Decode(file, &m, c.least); err != nil {
			t.Fatal(err)
		}
		if m.W != c.w || m.H != c.h {
			t.Errorf("at least %d: %d×%d: want %d×%d", c.least, m.W, m.H, c.w, c.h)
		}
	}
}

// change returns a file with a segment's bytes overwritten from some place on; the first of that marker.
func change(file []byte, marker byte, at int, with ...byte) []byte {
	file = slices.Clone(file)
	copy(file[bytes.Index(file, []byte{0xff, marker})+4+at:], with)
	return file
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	files := pictures(t)
	plain, progressive, film := files["jpeg444.jpg"], files["progressive.jpg"], files["film.jpg"]
	restart := files["restart.jpg"]
	for _, c := range []struct {
		name string
		file []byte
		err  string
	}{
		{"nothing", nil, "not a JPEG file"},
		{"two bytes", []byte{0xff, 0xd8}, "not a JPEG file"},
		{"no picture", []byte{0xff, 0xd8, 0xff, 0xd9}, "truncated"},
		{"cut short in a segment", plain[:50], "truncated"},
		{"cut short in the scan", plain[:len(plain)-300], "truncated"},
		{"cut short in the scan and ended", append(slices.Clone(plain[:len(plain)-300]), 0xff, 0xd9), "truncated"},
		{"cut short between restart markers", restart[:len(restart)-200], "truncated"},
		{"12 bits", change(plain, 0xc0, 0, 12), "a JPEG of 12 bits a sample"},
		{"no height", change(plain, 0xc0, 1, 0, 0), "an image of 37×0"},
		{"4 billion pixels", change(plain, 0xc0, 1, 255, 255, 255, 255), "more than the"},
		{"a size that its bytes cannot fill", change(plain, 0xc0, 1, 0x20, 0, 0x20, 0), "truncated"},
		{"two components", change(plain, 0xc0, 5, 2), "bad segment SOF"},
		{"a sampling factor of 0", change(plain, 0xc0, 7, 0x01), "bad segment SOF"},
		{"a sampling factor of 5", change(plain, 0xc0, 7, 0x51), "bad segment SOF"},
		{"3 beside 2", change(change(plain, 0xc0, 7, 0x31), 0xc0, 10, 0x21), "does not divide evenly"},
		{"a component twice", change(plain, 0xc0, 9, 1), "two components are called 1"},
		{"a table that is none", change(plain, 0xc0, 8, 3), "a scan without its quantisation table"},
		{"a scan of what is no component", change(plain, 0xda, 1, 9), "bad segment SOS"},
		{"a scan of a component twice", change(plain, 0xda, 3, 1), "bad segment SOS"},
		{"a Huffman table that is none", change(plain, 0xda, 2, 0x33), "a scan without its Huffman table"},
		{"no tables, and not the usual two", change(film, 0xda, 2, 0x22), "a scan without its Huffman table"},
		{"too many codes", change(plain, 0xc4, 1, 9, 9, 9), "bad segment DHT"},
		{"codes that its segment has not", change(plain, 0xc4, -2, 0, 2+17+2), "bad segment DHT"},
		{"a band of nothing", change(progressive, 0xda, 7, 5, 2), "bad segment SOS"},
		{"lossless", change(plain, 0xc0, -3, 0xc3), "lossless or hierarchical kind (SOF3)"},
		{"arithmetic coding", change(plain, 0xc0, -3, 0xc9), "arithmetic coding"},
		{"two frames", slices.Concat(plain[:2], plain[bytes.Index(plain, []byte{0xff, 0xc0}):][:19], plain[2:]), "two frames"},
		{"a scan before the frame", slices.Concat(plain[:2], plain[bytes.Index(plain, []byte{0xff, 0xda}):]), "a scan before the frame"},
		{"no scan for one component", slices.Concat(files["scans.jpg"][:bytes.LastIndex(files["scans.jpg"], []byte{0xff, 0xda})], []byte{0xff, 0xd9}), "no scan for the component 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := new(Decoder).Decode(c.file, new(image.Image), 0)
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %q", err, c.err)
			}
		})
	}
}

// Where a part between two restart markers is missing, all others are there, whichever of the eight markers follows it.
func TestAPartThatIsMissingCostsOnlyItself(t *testing.T) {
	const parts = 19
	// Grey squares side by side, with a marker between each two, in the usual tables: "110" says that a mean has five bits,
	// which are 16 to 31 for themselves, and "1010" that nothing follows. By a divisor of 8 a square is 128 and its number.
	file := func(missing int) []byte {
		b := []byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0}
		b = append(b, bytes.Repeat([]byte{8}, 64)...)
		b = append(b, 0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8*parts, 1, 1, 0x11, 0, 0xff, 0xdd, 0, 4, 0, 1, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0)
		for i := range parts {
			if i > 0 {
				b = append(b, 0xff, 0xd0+byte(i-1)&7)
			}
			if i != missing {
				b = append(b, 0b110_10000|byte(i%16), 0b1010_1111)
			}
		}
		return append(b, 0xff, 0xd9)
	}
	for missing := -1; missing < parts; missing++ {
		var m image.Image
		err := new(Decoder).Decode(file(missing), &m, 0)
		if missing == parts-1 {
			if err == nil {
				t.Error("the last part is missing, and nobody says so")
			}
			continue
		}
		if err != nil {
			t.Errorf("without part %d: %v", missing, err)
			continue
		}
		for i := range parts {
			if got, want := m.Pix[8*i+3], byte(128+16+i%16); i != missing && got != want {
				t.Errorf("without part %d part %d is %d, want %d", missing, i, got, want)
			}
		}
	}
}

// Between segments restart markers and TEM stand alone: no segment belongs to them.
func TestMarkersWithoutASegmentAreLeftBehind(t *testing.T) {
	file := pictures(t)["jpeg444.jpg"]
	var want image.Image
	if err := new(Decoder).Decode(file, &want, 0); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte{0xff, 0xdb})
	for _, m := range []byte{0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0x01} {
		var got image.Image
		if err := new(Decoder).Decode(slices.Insert(slices.Clone(file), at, 0xff, m), &got, 0); err != nil || !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("marker %02x: %v", m, err)
		}
	}
}

// There are four tables of each kind, of up to 256 values.
func TestHuffmanTablesHaveTheirBounds(t *testing.T) {
	file := pictures(t)["jpeg444.jpg"]
	var want, got image.Image
	if err := new(Decoder).Decode(file, &want, 0); err != nil {
		t.Fatal(err)
	}
	for _, to := range []byte{2, 3, 4} {
		moved := slices.Clone(file) // the tables of colours are others
		for i := 0; i+4 < len(moved); i++ {
			if moved[i] != 0xff || moved[i+1] != 0xc4 {
				continue
			}
			end := i + 2 + int(binary.BigEndian.Uint16(moved[i+2:]))
			for at := i + 4; at < end; {
				if moved[at]&15 == 1 {
					moved[at] += to - 1
				}
				n := 17
				for _, c := range moved[at+1 : at+17] {
					n += int(c)
				}
				at += n
			}
		}
		moved = change(moved, 0xda, 4, to<<4|to)
		moved = change(moved, 0xda, 6, to<<4|to)
		err := new(Decoder).Decode(moved, &got, 0)
		if to < 4 && (err != nil || !bytes.Equal(got.Pix, want.Pix)) || to == 4 && (err == nil || !strings.Contains(err.Error(), "DHT")) {
			t.Errorf("table %d: %v", to, err)
		}
	}
	for longest, ok := range map[byte]bool{1: true, 2: false} { // with 255 of 16 bits
		table := make([]byte, 1+16+255+int(longest))
		table[0], table[15], table[16] = 0x12, longest, 255
		segment := slices.Concat([]byte{0xff, 0xc4, 0, 0}, table)
		binary.BigEndian.PutUint16(segment[2:], uint16(2+len(table)))
		err := new(Decoder).Decode(slices.Insert(slices.Clone(file), 2, segment...), &got, 0)
		if ok != (err == nil) || ok && !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%d values: %v", 255+int(longest), err)
		}
	}
}

func TestNothingIsLeftOfThePictureBefore(t *testing.T) {
	files := pictures(t)
	var one Decoder
	for _, name := range []string{"cmyk.jpg", "restartnext.jpg", "progressive.jpg", "film.jpg", "grey.jpg", "restartgone.jpg", "sub1x4.jpg", "restartnext.jpg"} {
		var got, want image.Image
		one.Decode(files["restart.jpg"][:700], &got, 0) // fails in the middle
		if err := one.Decode(files[name], &got, 0); err != nil {
			t.Fatal(err)
		}
		if err := new(Decoder).Decode(files[name], &want, 0); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("%s depends on the picture before", name)
		}
		if one.Trim(0); one.room != nil || one.coef != nil {
			t.Error("memory is kept")
		}
	}
}

func TestDecodingAgainAllocatesNothing(t *testing.T) {
	for _, name := range []string{"jpeg420.jpg", "progressive.jpg", "cmyk.jpg"} {
		file := pictures(t)[name]
		var d Decoder
		var m image.Image
		decode := func() {
			if err := d.Decode(file, &m, 0); err != nil {
				t.Fatal(err)
			}
		}
		decode()
		if n := testing.AllocsPerRun(10, decode); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestAConfigSaysWhatDecodingTakes(t *testing.T) {
	files := pictures(t)
	for _, c := range []struct {
		name  string
		least int
		want  Config
	}{
		{"jpeg444.jpg", 0, Config{37, 29, 3*40*32 + 3*37*29}},
		{"jpeg420.jpg", 0, Config{37, 29, 48*32 + 2*24*16 + 3*37*29}},
		{"jpeg420.jpg", 15, Config{37, 29, 3*24*16 + 3*19*15}}, // colours keep their size
		{"progressive.jpg", 0, Config{37, 29, 48*32 + 2*24*16 + 2*(48*32+2*24*16) + 3*37*29}},
		{"grey.jpg", 0, Config{37, 29, 40*32 + 3*37*29}},
	} {
		var d Decoder
		got, err := d.Config(files[c.name], c.least)
		if err != nil || got != c.want {
			t.Errorf("%s, at least %d: %+v, %v: want %+v", c.name, c.least, got, err, c.want)
		}
		var m image.Image
		if err := d.Decode(files[c.name], &m, c.least); err != nil {
			t.Fatal(err)
		}
		if took := int64(len(d.room)+2*len(d.coef)) + int64(len(m.Pix)); took != c.want.Memory {
			t.Errorf("%s, at least %d: decoding took %d bytes", c.name, c.least, took)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, file := range pictures(f) {
		f.Add(file, 0)
		f.Add(file, 8)
	}
	f.Fuzz(func(t *testing.T, file []byte, least int) {
		var d Decoder
		config, err := d.Config(file, least)
		w, h := config.Width, config.Height
		if err != nil || w*h > 1<<18 {
			return // large ones only take time
		}
		var m image.Image
		if d.Decode(file, &m, least) == nil && (m.C != 3 || m.W < 1 || m.W > w || m.H < 1 || m.H > h) {
			t.Errorf("an image of %v of one of %d×%d", m.Shape, w, h)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	file := pictures(b)["jpeg420.jpg"]
	var d Decoder
	var m image.Image
	b.SetBytes(37 * 29)
	for b.Loop() {
		if err := d.Decode(file, &m, 0); err != nil {
			b.Fatal(err)
		}
	}
}
