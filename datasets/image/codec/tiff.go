package codec

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// The tags of a TIFF file (TIFF 6.0, 1992) that matter to its pixels.
const (
	tagWidth         = 256
	tagHeight        = 257
	tagBits          = 258
	tagCompression   = 259
	tagPhotometric   = 262
	tagFillOrder     = 266
	tagOffsets       = 273
	tagSamples       = 277
	tagRows          = 278
	tagCounts        = 279
	tagPlanar        = 284
	tagT4            = 292
	tagPredictor     = 317
	tagColours       = 320
	tagTileWidth     = 322
	tagTileHeight    = 323
	tagTileOffsets   = 324
	tagTileCounts    = 325
	tagExtra         = 338
	tagFormat        = 339
	tagTables        = 347
	tagSubsampling   = 530
	maxDirectory     = 1000    // entries
	maxTagValues     = 1 << 22 // numbers in one entry
	maxTagSpace      = 1 << 24 // bytes
	photoWhiteIsZero = 0
	photoBlackIsZero = 1
	photoRGB         = 2
	photoPalette     = 3
	photoInks        = 5
	photoYCbCr       = 6
)

// A tiffFile is the first directory of a TIFF file.
type tiffFile struct {
	file  []byte
	order binary.ByteOrder
	tags  map[uint16][]uint32

	w, h        int
	samples     int // a pixel
	bits        int // a sample
	photometric uint32
	compression uint32
	planar      bool
	alpha       uint32
	blockW      int
	blockH      int
}

// tiff reads a TIFF file, of several pictures the first. golang.org/x/image/tiff knows no CMYK, no grey with
// opacity, none of 2 bits, no planes one after the other, and takes black for white in fax files that say that
// zero is black; its LZW and ccitt are used.
func (d *decoder) tiff(file []byte, dst *image.Image, _ int) (int, error) {
	t, err := parseTIFF(file)
	if err != nil {
		return 0, err
	}
	if err := t.plan(); err != nil {
		return 0, err
	}
	if err := d.tiffPixels(t, dst); err != nil {
		return 0, err
	}
	return tiffOrientation(file), nil
}

func (d *decoder) tiffConfig(file []byte, _ int) (w, h int, memory int64, err error) {
	t, err := parseTIFF(file)
	if err == nil {
		err = t.plan()
	}
	if err != nil {
		return 0, 0, 0, err
	}
	// Its samples, and those of a strip before they are cut to 8 bits.
	block := int64(t.blockW) * int64(t.blockH) * int64(t.samples) * int64(t.bits) / 8
	return t.w, t.h, pixelBytes(t.w, t.h, t.samples) + 2*block, nil
}

// parseTIFF reads the numbers of the first directory.
func parseTIFF(file []byte) (*tiffFile, error) {
	t := &tiffFile{file: file, order: binary.LittleEndian, tags: map[uint16][]uint32{}}
	if file[0] == 'M' {
		t.order = binary.BigEndian
	}
	if len(file) < 8 {
		return nil, errTruncated
	}
	at := int64(t.order.Uint32(file[4:]))
	if at+2 > int64(len(file)) {
		return nil, errTruncated
	}
	n := int(t.order.Uint16(file[at:]))
	entries := file[at+2:]
	if n > maxDirectory || len(entries) < 12*n {
		return nil, errors.New("a directory that is damaged, or truncated")
	}
	space := 0
	for ; n > 0; n, entries = n-1, entries[12:] {
		size := map[uint16]int{1: 1, 3: 2, 4: 4, 7: 1}[t.order.Uint16(entries[2:])] // bytes, shorts, longs, anything
		count := int64(t.order.Uint32(entries[4:]))
		if size == 0 || count > maxTagValues {
			continue
		}
		data := entries[8:12]
		if bytes := count * int64(size); bytes > 4 {
			from := int64(t.order.Uint32(data))
			if from+bytes > int64(len(file)) {
				return nil, errTruncated
			}
			data = file[from : from+bytes]
		}
		if space += int(4 * count); space > maxTagSpace {
			return nil, errors.New("a directory that is too large")
		}
		values := make([]uint32, count)
		for i := range values {
			switch size {
			case 1:
				values[i] = uint32(data[i])
			case 2:
				values[i] = uint32(t.order.Uint16(data[2*i:]))
			case 4:
				values[i] = t.order.Uint32(data[4*i:])
			}
		}
		t.tags[t.order.Uint16(entries)] = values
	}
	return t, nil
}

// one returns a tag's only number, or what it is if it is not there.
func (t *tiffFile) one(tag uint16, otherwise uint32) uint32 {
	if v := t.tags[tag]; len(v) > 0 {
		return v[0]
	}
	return otherwise
}

var tiffPacked = map[uint32]string{
	1: "", 2: "", 3: "", 4: "", 5: "", 7: "", 8: "", 32773: "", 32946: "",
	6: "old JPEG", 34661: "JBIG", 34712: "JPEG 2000", 34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 52546: "JPEG XL",
}

// plan checks that what the directory says is a picture that can be read.
func (t *tiffFile) plan() error {
	not := func(format string, args ...any) error {
		return fmt.Errorf("a TIFF file with "+format+", which is not read", args...)
	}
	w, h := t.one(tagWidth, 0), t.one(tagHeight, 0)
	if w > 1<<30 || h > 1<<30 {
		return errors.New("a size that cannot be")
	}
	t.w, t.h = int(w), int(h)
	if err := image.CheckSize(t.w, t.h); err != nil {
		return err
	}
	t.samples, t.bits = int(min(t.one(tagSamples, 1), 1<<16)), int(t.one(tagBits, 1))
	for _, b := range t.tags[tagBits] {
		if int(b) != t.bits {
			return not("samples of different lengths")
		}
	}
	t.compression = t.one(tagCompression, 1)
	if name, known := tiffPacked[t.compression]; !known {
		return not("the compression %d", t.compression)
	} else if name != "" {
		return not("%s compression", name)
	}
	switch t.bits {
	case 1, 2, 4, 8, 16:
	default:
		return not("samples of %d bits", t.bits)
	}
	for _, f := range t.tags[tagFormat] {
		if f != 1 && f != 4 {
			return not("samples that are %s", map[uint32]string{2: "below zero", 3: "floating-point numbers"}[f])
		}
	}
	t.photometric = t.one(tagPhotometric, photoBlackIsZero)
	colours, known := map[uint32]int{photoWhiteIsZero: 1, photoBlackIsZero: 1, photoRGB: 3, photoPalette: 1, photoInks: 4, photoYCbCr: 3}[t.photometric]
	if !known {
		name := map[uint32]string{8: "CIELab", 9: "ICCLab", 10: "ITULab", 32803: "a sensor's mosaic of"}[t.photometric]
		return not("%s colours (photometric interpretation %d)", name, t.photometric)
	}
	if t.samples < colours || t.samples > 16 {
		return fmt.Errorf("%d samples a pixel: should be at least %d", t.samples, colours)
	}
	if t.photometric == photoYCbCr && t.compression != 7 && (t.one(tagSubsampling, 2) != 1 || len(t.tags[tagSubsampling]) > 1 && t.tags[tagSubsampling][1] != 1) {
		return not("colours of fewer samples than brightness")
	}
	// The first of the other samples may be opacity: 1 if colours are multiplied by it already, 2 if not.
	t.alpha = t.one(tagExtra, 0)
	if len(t.tags[tagExtra]) == 0 && t.photometric == photoRGB && t.samples == 4 {
		t.alpha = 2 // as Pillow takes it
	}
	if t.alpha > 2 || t.samples == colours || t.photometric == photoInks || t.photometric == photoPalette {
		t.alpha = 0
	}
	if t.photometric == photoPalette && (t.bits > 8 || len(t.tags[tagColours]) != 3<<t.bits) {
		return errors.New("a palette that is damaged")
	}
	t.planar = t.one(tagPlanar, 1) == 2 && t.samples > 1
	if t.compression >= 2 && t.compression <= 4 && (t.bits != 1 || t.samples != 1) {
		return errors.New("fax compression of more than one bit a pixel")
	}
	t.blockW, t.blockH = t.w, int(min(t.one(tagRows, 1<<31-1), uint32(t.h)))
	if _, tiles := t.tags[tagTileWidth]; tiles {
		t.blockW, t.blockH = int(min(t.one(tagTileWidth, 0), 1<<16)), int(min(t.one(tagTileHeight, 0), 1<<16))
		t.tags[tagOffsets], t.tags[tagCounts] = t.tags[tagTileOffsets], t.tags[tagTileCounts]
	}
	if t.blockW < 1 || t.blockH < 1 || int64(t.blockW)*int64(t.blockH) > 4*image.MaxPixels {
		return errors.New("strips or tiles of no size, or too large")
	}
	return t.believe()
}

// believe refuses a size that the file's data cannot fill, by what each compression makes of a byte at most.
func (t *tiffFile) believe() error {
	most := int64(1100) // Deflate; LZW, 1365 of one colour in theory
	switch t.compression {
	case 1:
		most = 1
	case 2, 3, 4:
		most = 1 << 14
	case 5:
		most = 1400
	case 7:
		most = 8 * 64 * 16
	case 32773:
		most = 64
	}
	if bits := int64(t.w) * int64(t.h) * int64(t.samples*t.bits); bits/8 > most*int64(len(t.file)) {
		return errTruncated
	}
	return nil
}
