package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"image/png"
	"io"
	"regexp"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// png reads a PNG file, of an animated one the picture that stands for it.
func (d *decoder) png(file []byte, dst *image.Image, _ int) (int, error) {
	critical, orientation := pngChunks(file)
	m, err := d.checked(critical, png.DecodeConfig, png.Decode)
	var format png.FormatError
	if errors.As(err, &format) && strings.Contains(format.Error(), "too much pixel data") {
		if critical, err = cutPixels(critical); err == nil {
			m, err = d.checked(critical, png.DecodeConfig, png.Decode)
		}
	}
	if err != nil {
		return 0, err
	}
	d.convert.Convert(m, dst)
	return orientation, nil
}

func (d *decoder) pngConfig(file []byte, _ int) (w, h int, memory int64, err error) {
	if len(file) < 26 {
		return 0, 0, 0, errTruncated
	}
	wide, high := binary.BigEndian.Uint32(file[16:]), binary.BigEndian.Uint32(file[20:])
	if wide > 1<<30 || high > 1<<30 {
		return 0, 0, 0, errors.New("a size that cannot be")
	}
	w, h = int(wide), int(high)
	return w, h, pixelBytes(w, h, max(4, 4*int(file[24])/8)), nil
}

// A chunk is a piece of a PNG file: its four letters, what is in it, and all of it with length and checksum.
type chunk struct {
	kind  string
	data  []byte
	whole []byte
}

// chunks calls each for the chunks of a PNG file, until it says no or the file ends.
func chunks(file []byte, each func(chunk) bool) {
	for at := len(pngMagic); at+12 <= len(file); {
		n := int64(binary.BigEndian.Uint32(file[at:]))
		if n > int64(len(file)-at-12) {
			return
		}
		end := at + 12 + int(n)
		if !each(chunk{string(file[at+4 : at+8]), file[at+8 : end-4], file[at:end]}) {
			return
		}
		at = end
	}
}

// pngChunks returns the file with the chunks alone that the picture depends on, if others may be damaged, and how
// the picture is to be turned.
func pngChunks(file []byte) (critical []byte, orientation int) {
	damaged := false
	var exif, raw, xmp int
	chunks(file, func(c chunk) bool {
		if c.kind[0] >= 'a' && c.kind != "tRNS" && c.kind != "eXIf" && binary.BigEndian.Uint32(c.whole[len(c.whole)-4:]) != crc32.ChecksumIEEE(c.whole[4:len(c.whole)-4]) {
			damaged = true
			return true
		}
		switch c.kind {
		case "eXIf":
			exif = tiffOrientation(bytes.TrimPrefix(c.data, []byte(exifHead)))
		case "tEXt", "zTXt", "iTXt":
			switch key, text := pngText(c); key {
			case "Raw profile type exif":
				raw = rawProfile(text)
			case "XML:com.adobe.xmp":
				xmp = xmpOrientation(text)
			}
		}
		return c.kind != "IEND"
	})
	for _, orientation = range []int{exif, raw, xmp} {
		if orientation > 0 {
			break
		}
	}
	if !damaged {
		return file, orientation
	}
	critical = []byte(pngMagic)
	chunks(file, func(c chunk) bool {
		if c.kind[0] < 'a' || c.kind == "tRNS" || c.kind == "eXIf" {
			critical = append(critical, c.whole...)
		}
		return true
	})
	return critical, orientation
}

// maxText is the most that is unpacked of a text.
const maxText = 1 << 20

// pngText returns a text's name and what it says.
func pngText(c chunk) (key, text string) {
	key, rest, ok := strings.Cut(string(c.data), "\x00")
	if !ok {
		return "", ""
	}
	packed := c.kind == "zTXt"
	if c.kind == "zTXt" && len(rest) > 0 {
		rest = rest[1:] // its method
	}
	if c.kind == "iTXt" && len(rest) > 2 {
		packed = rest[0] == 1
		_, rest, _ = strings.Cut(rest[2:], "\x00") // language
		_, rest, _ = strings.Cut(rest, "\x00")     // the name in that language
	}
	if !packed {
		return key, rest
	}
	z, err := zlib.NewReader(strings.NewReader(rest))
	if err != nil {
		return "", ""
	}
	all, err := io.ReadAll(io.LimitReader(z, maxText))
	if err != nil {
		return "", ""
	}
	return key, string(all)
}

// rawProfile reads EXIF data as ImageMagick writes them: a line of its own, the kind, the length, and
// hexadecimal digits.
func rawProfile(text string) int {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return 0
	}
	data, err := hex.DecodeString(strings.Join(lines[3:], ""))
	if err != nil {
		return 0
	}
	return tiffOrientation(bytes.TrimPrefix(data, []byte(exifHead)))
}

var xmpTag = regexp.MustCompile(`tiff:Orientation(="|>)([1-8])`)

// xmpOrientation reads what an XMP packet says.
func xmpOrientation(text string) int {
	if m := xmpTag.FindStringSubmatch(text); m != nil {
		return int(m[2][0] - '0')
	}
	return 0
}

// cutPixels returns a file whose pixels are as many as its header says: some programs write more.
func cutPixels(file []byte) ([]byte, error) {
	var packed []byte
	var header chunk
	chunks(file, func(c chunk) bool {
		switch c.kind {
		case "IHDR":
			header = c
		case "IDAT":
			packed = append(packed, c.data...)
		}
		return true
	})
	if len(header.data) != 13 || header.data[12] > 1 {
		return nil, errTruncated
	}
	w, h := int(binary.BigEndian.Uint32(header.data)), int(binary.BigEndian.Uint32(header.data[4:]))
	bits := int(header.data[8]) * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[header.data[9]]
	size := 0
	passes := [][4]int{{0, 0, 1, 1}}
	if header.data[12] == 1 { // Adam7
		passes = [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}
	}
	for _, p := range passes {
		if pw, ph := (w-p[0]+p[2]-1)/p[2], (h-p[1]+p[3]-1)/p[3]; pw > 0 && ph > 0 {
			size += ph * (1 + (pw*bits+7)/8)
		}
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	var pixels bytes.Buffer
	store, err := zlib.NewWriterLevel(&pixels, zlib.NoCompression)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(store, z, int64(size)); err != nil {
		return nil, plainEOF(err)
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	out := []byte(pngMagic)
	chunks(file, func(c chunk) bool {
		switch {
		case c.kind == "IDAT" && pixels.Len() > 0:
			out = binary.BigEndian.AppendUint32(out, uint32(pixels.Len()))
			from := len(out)
			out = append(append(out, c.kind...), pixels.Bytes()...)
			out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from:]))
			pixels.Reset()
		case c.kind != "IDAT":
			out = append(out, c.whole...)
		}
		return true
	})
	return out, nil
}
