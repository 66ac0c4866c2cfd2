package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// idx makes an IDX file of unsigned bytes that says it has dims.
func idx(data []byte, dims ...uint32) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, data...)
}

func pack(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// noisy makes bytes that do not compress.
func noisy(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = uint8(augment.SplitMix(uint64(i)))
	}
	return data
}

func TestNewIDXReadsPlainAndPackedFiles(t *testing.T) {
	info := Info{Name: "tiny", Part: Train, Classes: []string{"a", "b", "c"}}
	images, labels := idx([]byte("abcdefghijkl"), 2, 3, 2), idx([]byte{2, 0}, 2)
	var sums []string
	for _, c := range []struct {
		name           string
		images, labels []byte
	}{
		{"plain", images, labels},
		{"packed", pack(images), pack(labels)},
		{"one of each", images, pack(labels)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := NewIDX(info, File{"images", c.images}, File{"labels", c.labels})
			if err != nil {
				t.Fatal(err)
			}
			if m.Len() != 2 || m.Info().Shape != (image.Shape{C: 1, H: 3, W: 2}) || m.Label(0) != 2 || m.Label(1) != 0 {
				t.Errorf("got %d images of %v, labels %d %d", m.Len(), m.Info().Shape, m.Label(0), m.Label(1))
			}
			var img image.Image
			if err := m.Image(1, &img); err != nil || string(img.Pix) != "ghijkl" || img.Shape != (image.Shape{C: 1, H: 3, W: 2}) {
				t.Errorf("image 1 is %q of %v, error %v", img.Pix, img.Shape, err)
			}
			sum, err := m.Checksum()
			if err != nil {
				t.Fatal(err)
			}
			sums = append(sums, sum)
		})
	}
	if len(sums) != 3 || sums[0] != sums[1] || sums[1] != sums[2] || !strings.HasPrefix(sums[0], "sha256:") {
		t.Errorf("checksums of the same images differ: %v", sums)
	}
}

func TestNewIDXSaysWhatIsWrong(t *testing.T) {
	good, labels := idx([]byte("abcdefghijkl"), 2, 3, 2), idx([]byte{2, 0}, 2)
	flip := func(b []byte, at int) []byte {
		b = bytes.Clone(b)
		b[at] ^= 1
		return b
	}
	packed := pack(good)
	noise := pack(idx(noisy(4<<10), 4, 32, 32))
	for _, c := range []struct {
		name           string
		images, labels []byte
		err            string
	}{
		{"an empty file", nil, labels, "images: truncated: 0 bytes, an IDX header has 16"},
		{"an empty packed file", pack(nil), labels, "images: truncated: 0 bytes"},
		{"half a header", good[:9], labels, "images: truncated: 9 bytes, an IDX header with 3 dimensions has 16"},
		{"half a gzip header", packed[:5], labels, "images: gzip: truncated"},
		{"another format", []byte("\x89PNG\r\n\x1a\n01234567"), labels, "images: not an IDX file: it begins 89 50 4e 47, should be 00 00 08 03"},
		{"floats", append([]byte{0, 0, 0xd, 3}, good[4:]...), labels, "images: values of IDX type 0x0d: should be 0x08"},
		{"labels for images", labels, labels, "images: 1 dimensions: should be 3"},
		{"images for labels", good, good, "labels: 3 dimensions: should be 1"},
		{"a byte too few", good[:len(good)-1], labels, "images: truncated: the header promises 2×3×2 bytes, the file holds 11"},
		{"a byte too many", append(bytes.Clone(good), 0), labels, "images: 1 bytes too many: the header promises 2×3×2"},
		{"a byte too few, packed", pack(good[:len(good)-1]), labels, "images: truncated: the header promises 2×3×2 bytes, the file holds 11"},
		{"a byte too many, packed", pack(append(bytes.Clone(good), 0)), labels, "images: more bytes than its dimensions: the header promises 2×3×2"},
		{"a packed file cut short", noise[:len(noise)/2], labels, "images: truncated: the header promises 4×32×32 bytes, the file ends after"},
		{"a packed file without its checksum", packed[:len(packed)-8], labels, "images: gzip: truncated"},
		{"a packed file with a wrong checksum", flip(packed, len(packed)-8), labels, "images: gzip: gzip: invalid checksum"},
		{"bytes after a packed file", append(bytes.Clone(packed), "0123456789"...), labels, "images: gzip: bytes after the end"},
		{"no images", idx(nil, 0, 28, 28), labels, "images: dimension 1 is 0"},
		{"images of no width", idx(nil, 2, 28, 0), labels, "images: dimension 3 is 0"},
		{"2^96 bytes", idx(nil, 1<<32-1, 1<<32-1, 1<<32-1), labels, "images: the header promises 4294967295×4294967295×4294967295 bytes: more than"},
		{"a size that wraps to 4", idx([]byte("abcd"), 1<<31, 1<<31, 4), labels, "more than the 2147483647"},
		{"1 GiB in a small file", idx(nil, 1<<10, 1<<10, 1<<10), labels, "images: truncated: the header promises 1024×1024×1024 bytes, the file holds 0"},
		{"1 GiB in a small packed file", pack(idx(nil, 1<<10, 1<<10, 1<<10)), labels, "compressed bytes cannot hold them"},
		{"fewer labels than images", good, idx([]byte{1}, 1), "labels: 1 labels for the 2 images of images"},
		{"a label without a class", good, idx([]byte{0, 3}, 2), "labels: label 2 of image 1 is 3: should be 0 to 2"},
		{"images of another size", idx([]byte("abcdefgh"), 2, 2, 2), labels, "images: images of 1×2×2: those of tiny are 1×3×2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			info := Info{Name: "tiny", Classes: []string{"a", "b", "c"}, Shape: image.Shape{C: 1, H: 3, W: 2}}
			_, err := NewIDX(info, File{"images", c.images}, File{"labels", c.labels})
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v: want one line with %q", err, c.err)
			}
		})
	}
}

func TestAHeaderCannotClaimMemoryThatItsDataDoesNotFill(t *testing.T) {
	// Incompressible data, and a header that claims as much as DEFLATE could at best have made of it.
	file := pack(idx(noisy(1<<20), 1000, 1<<10, 1<<10))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := decodeIDX(file, 3)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "truncated") {
		t.Fatalf("error %v: want truncated", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("%d MiB allocated for a file of 1 MiB", n>>20)
	}
}

func FuzzDecodeIDX(f *testing.F) {
	f.Add(idx([]byte("abcdefghijkl"), 2, 3, 2), true)
	f.Add(pack(idx([]byte("abcdefghijkl"), 2, 3, 2)), true)
	f.Add(idx([]byte{1, 0, 2}, 3), false)
	f.Add(pack(idx([]byte{1, 0, 2}, 3)), false)
	f.Fuzz(func(t *testing.T, file []byte, images bool) {
		rank := 1
		if images {
			rank = 3
		}
		dims, data, err := decodeIDX(file, rank)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		size := 1
		for _, d := range dims {
			size *= d
		}
		if len(dims) != rank || size != len(data) || size == 0 {
			t.Errorf("accepted %v with %d bytes of data", dims, len(data))
		}
		if len(data) > deflateRatio*len(file) {
			t.Errorf("%d bytes of data out of a file of %d", len(data), len(file))
		}
	})
}
