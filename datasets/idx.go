package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A File is a file's bytes and the name that errors call it by.
type File struct {
	Name string
	Data []byte
}

const (
	// maxIDX bounds what a file may unpack to: 2 GiB, four times the largest set in this format (EMNIST).
	maxIDX = math.MaxInt32
	// deflateRatio is the most that DEFLATE can expand a byte to.
	deflateRatio = 1032
)

// NewIDX makes a source of two files in the IDX format of the MNIST database
// (http://yann.lecun.com/exdb/mnist, "file formats"), plain or gzip: images as unsigned bytes N×H×W,
// labels as unsigned bytes N. The images must have info.Shape; if that is zero they set it.
func NewIDX(info Info, images, labels File) (*Memory, error) {
	dims, pix, err := decodeIDX(images.Data, 3)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", images.Name, err)
	}
	ldims, classes, err := decodeIDX(labels.Data, 1)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", labels.Name, err)
	}
	if dims[0] != ldims[0] {
		return nil, fmt.Errorf("%s: %d labels for the %d images of %s", labels.Name, ldims[0], dims[0], images.Name)
	}
	shape := image.Shape{C: 1, H: dims[1], W: dims[2]}
	if info.Shape == (image.Shape{}) {
		info.Shape = shape
	}
	if info.Shape != shape {
		return nil, fmt.Errorf("%s: images of %v: those of %s are %v", images.Name, shape, info.Name, info.Shape)
	}
	wide := make([]int32, len(classes))
	for i, c := range classes {
		if int(c) >= len(info.Classes) {
			return nil, fmt.Errorf("%s: label %d of image %d is %d: should be 0 to %d", labels.Name, i+1, i, c, len(info.Classes)-1)
		}
		wide[i] = int32(c)
	}
	return NewMemory(info, pix, wide)
}

// decodeIDX reads an IDX file of unsigned bytes with rank dimensions, none of them 0. The bytes of a
// plain file are not copied.
func decodeIDX(file []byte, rank int) (dims []int, data []byte, err error) {
	var packed *gzip.Reader
	head := file
	headLen := 4 + 4*rank
	room := int64(len(file) - headLen) // the most that the file's data can be
	if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		if packed, err = gzip.NewReader(bytes.NewReader(file)); err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", plainEOF(err))
		}
		head = make([]byte, headLen)
		n, err := io.ReadFull(packed, head)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		head = head[:n]
		room = int64(len(file)) * deflateRatio
	}
	if len(head) < 4 {
		return nil, nil, fmt.Errorf("truncated: %d bytes, an IDX header has %d", len(head), headLen)
	}
	if head[0] != 0 || head[1] != 0 {
		return nil, nil, fmt.Errorf("not an IDX file: it begins % x, should be 00 00 08 %02x", head[:4], rank)
	}
	if head[2] != 0x08 {
		return nil, nil, fmt.Errorf("values of IDX type 0x%02x: should be 0x08, unsigned bytes", head[2])
	}
	if int(head[3]) != rank {
		return nil, nil, fmt.Errorf("%d dimensions: should be %d (are images and labels exchanged?)", head[3], rank)
	}
	if len(head) < headLen {
		return nil, nil, fmt.Errorf("truncated: %d bytes, an IDX header with %d dimensions has %d", len(head), rank, headLen)
	}

	size := int64(1)
	for i := range rank {
		d := int64(binary.BigEndian.Uint32(head[4+4*i:]))
		if d == 0 {
			return nil, nil, fmt.Errorf("dimension %d is 0: the file holds nothing", i+1)
		}
		dims = append(dims, int(d))
		// size is at most 2³¹ and d below 2³², so a product that wraps is below zero.
		if size *= d; size < 0 || size > maxIDX {
			size = maxIDX + 1
		}
	}
	claim := fmt.Sprintf("the header promises %s bytes", claimed(head, rank))
	if size > maxIDX {
		return nil, nil, fmt.Errorf("%s: more than the %d that are accepted", claim, maxIDX)
	}
	if packed == nil {
		if size > room {
			return nil, nil, fmt.Errorf("truncated: %s, the file holds %d", claim, room)
		}
		if size < room {
			return nil, nil, fmt.Errorf("%d bytes too many: %s", room-size, claim)
		}
		return dims, file[headLen:], nil
	}

	if size > room {
		return nil, nil, fmt.Errorf("truncated: %s, %d compressed bytes cannot hold them", claim, len(file))
	}
	// Images pack to about half. A header that claims far more than that gets memory only as its data
	// arrives; one byte more than it claims shows that there is too much.
	var buf bytes.Buffer
	buf.Grow(int(min(size, 8*int64(len(file)))) + bytes.MinRead)
	n, err := buf.ReadFrom(io.LimitReader(packed, size+1))
	switch {
	case err != nil && n < size && errors.Is(err, io.ErrUnexpectedEOF):
		return nil, nil, fmt.Errorf("truncated: %s, the file ends after %d", claim, n)
	case errors.Is(err, gzip.ErrHeader):
		return nil, nil, errors.New("gzip: bytes after the end of the compressed data")
	case err != nil:
		return nil, nil, fmt.Errorf("gzip: %w", plainEOF(err))
	case n < size:
		return nil, nil, fmt.Errorf("truncated: %s, the file holds %d", claim, n)
	case n > size:
		return nil, nil, fmt.Errorf("more bytes than its dimensions: %s", claim)
	}
	return dims, buf.Bytes(), nil
}

// claimed writes a header's dimensions as a product.
func claimed(head []byte, rank int) string {
	var parts []string
	for i := range rank {
		parts = append(parts, strconv.FormatUint(uint64(binary.BigEndian.Uint32(head[4+4*i:])), 10))
	}
	return strings.Join(parts, "×")
}

// plainEOF says of a stream's early end what it means for a file.
func plainEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("truncated")
	}
	return err
}
