package datasets

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// An index lists the images of a folder, in a file: blocks of entries, then a JSON trailer, then its
// CRC-32C (4 bytes), its length (8 bytes) and a magic. Only the trailer is kept in memory, which has a
// number for each block and a record for each folder; an entry is read when its image is.
//
// A block is the CRC-32C of what follows, and entries one after the other: number of the folder, size of
// the file, length of its name (as uvarints) and the name. All numbers are little-endian.
type index struct {
	indexHead
	file io.ReaderAt
}

// indexHead is an index's trailer.
type indexHead struct {
	Of      string         `json:"of"`      // what it is an index of: folder, part, options
	Built   int64          `json:"built"`   // when its reading began, in Unix nanoseconds
	Classes []string       `json:"classes"` // their folders' names
	First   []int          `json:"first"`   // of each class the first image, and the number of all
	Watched []indexedPath  `json:"watched"` // what the index depends on; entries' folders are among them
	Layout  string         `json:"layout"`  // of the folder's parts
	Flat    bool           `json:"flat"`    // there are none
	Notes   []string       `json:"notes"`   // what was guessed or left out
	Left    map[string]int `json:"left"`    // files that are no images, by their endings
	Blocks  []int64        `json:"blocks"`  // where each begins, and where the last one ends
	Sum     string         `json:"sum"`     // SHA-256 of classes, paths and sizes
}

// An indexedPath is a folder or file as it was when the index was made.
type indexedPath struct {
	Path rawPath `json:"path"` // relative, with slashes
	Time int64   `json:"time"` // of its last change, in Unix nanoseconds
	Size int64   `json:"size"`
}

// A rawPath is a path that JSON holds whatever its bytes are: names of files need not be Unicode.
type rawPath string

func (p rawPath) MarshalText() ([]byte, error) { return []byte(strconv.QuoteToASCII(string(p))), nil }

func (p *rawPath) UnmarshalText(text []byte) error {
	s, err := strconv.Unquote(string(text))
	*p = rawPath(s)
	return err
}

const (
	indexMagic = "zooindx2"
	indexTail  = 4 + 8 + len(indexMagic)
	indexBlock = 64   // entries
	maxName    = 1024 // bytes; file systems have less
	// maxBlock is the longest block.
	maxBlock = 4 + indexBlock*(2*binary.MaxVarintLen64+binary.MaxVarintLen16+maxName)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// images returns their number.
func (x *indexHead) images() int { return x.First[len(x.First)-1] }

// An indexWriter writes an index, entry by entry, in the order of their classes.
type indexWriter struct {
	head    indexHead
	w       *bufio.Writer
	at      int64
	block   []byte
	entries int
	sum     hash.Hash
}

func newIndexWriter(w io.Writer, head indexHead) *indexWriter {
	x := &indexWriter{head: head, w: bufio.NewWriterSize(w, 1<<16), sum: sha256.New(), block: make([]byte, 4)}
	for _, c := range head.Classes {
		fmt.Fprintf(x.sum, "%q\n", c)
	}
	return x
}

// add adds an image, whose class must not be below the last one's.
func (x *indexWriter) add(class, folder int, name string, size int64) error {
	if len(name) > maxName {
		return fmt.Errorf("%.40s…: a name of %d bytes: should be at most %d", name, len(name), maxName)
	}
	for len(x.head.First) <= class {
		x.head.First = append(x.head.First, x.entries)
	}
	x.block = binary.AppendUvarint(x.block, uint64(folder))
	x.block = binary.AppendUvarint(x.block, uint64(size))
	x.block = binary.AppendUvarint(x.block, uint64(len(name)))
	x.block = append(x.block, name...)
	fmt.Fprintf(x.sum, "%d %q %q %d\n", class, x.head.Watched[folder].Path, name, size)
	if x.entries++; x.entries%indexBlock == 0 {
		return x.flush()
	}
	return nil
}

// flush writes the block.
func (x *indexWriter) flush() error {
	x.head.Blocks = append(x.head.Blocks, x.at)
	binary.LittleEndian.PutUint32(x.block, crc32.Checksum(x.block[4:], castagnoli))
	n, err := x.w.Write(x.block)
	x.at += int64(n)
	x.block = x.block[:4]
	return err
}

// finish writes the trailer.
func (x *indexWriter) finish() error {
	if len(x.block) > 4 {
		if err := x.flush(); err != nil {
			return err
		}
	}
	for len(x.head.First) <= len(x.head.Classes) {
		x.head.First = append(x.head.First, x.entries)
	}
	x.head.Blocks = append(x.head.Blocks, x.at)
	x.head.Sum = "sha256:" + hex.EncodeToString(x.sum.Sum(nil))
	tail, err := json.Marshal(x.head)
	if err != nil {
		return err
	}
	n := len(tail)
	tail = binary.LittleEndian.AppendUint32(tail, crc32.Checksum(tail, castagnoli))
	tail = binary.LittleEndian.AppendUint64(tail, uint64(n))
	tail = append(tail, indexMagic...)
	if _, err := x.w.Write(tail); err != nil {
		return err
	}
	return x.w.Flush()
}

// readIndex reads an index's trailer, and believes nothing in it that it has not checked.
func readIndex(file io.ReaderAt, size int64) (*index, error) {
	if size < int64(indexTail) {
		return nil, fmt.Errorf("truncated: %d bytes", size)
	}
	var tail [indexTail]byte
	if _, err := file.ReadAt(tail[:], size-int64(indexTail)); err != nil {
		return nil, plainEOF(err)
	}
	if string(tail[12:]) != indexMagic {
		return nil, errors.New("not an index of images")
	}
	n := binary.LittleEndian.Uint64(tail[4:])
	if n > uint64(size)-uint64(indexTail) {
		return nil, fmt.Errorf("truncated: a trailer of %d bytes in %d", n, size)
	}
	end := size - int64(indexTail) - int64(n) // of the blocks
	data := make([]byte, n)
	if _, err := file.ReadAt(data, end); err != nil {
		return nil, plainEOF(err)
	}
	if crc32.Checksum(data, castagnoli) != binary.LittleEndian.Uint32(tail[:]) {
		return nil, errors.New("damaged: the trailer's checksum is wrong")
	}
	x := &index{file: file}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&x.indexHead); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	if err := x.check(end); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	return x, nil
}

func (x *indexHead) check(end int64) error {
	if len(x.First) != len(x.Classes)+1 || x.First[0] != 0 {
		return fmt.Errorf("%d classes that begin at %d places", len(x.Classes), len(x.First))
	}
	for i, f := range x.First[1:] {
		if f < x.First[i] {
			return fmt.Errorf("class %d ends at image %d and begins at %d", i, f, x.First[i])
		}
	}
	if n := int64(len(x.Blocks)) - 1; n < 0 || n != (int64(x.images())+indexBlock-1)/indexBlock {
		return fmt.Errorf("%d blocks for %d images", n, x.images())
	}
	for i, b := range x.Blocks[1:] {
		if size := b - x.Blocks[i]; x.Blocks[i] < 0 || size <= 4 || size > maxBlock {
			return fmt.Errorf("a block from %d to %d", x.Blocks[i], b)
		}
	}
	if x.Blocks[0] != 0 || x.Blocks[len(x.Blocks)-1] != end {
		return fmt.Errorf("blocks from %d to %d of %d bytes", x.Blocks[0], x.Blocks[len(x.Blocks)-1], end)
	}
	for _, w := range x.Watched {
		if !filepath.IsLocal(filepath.FromSlash(string(w.Path))) {
			return fmt.Errorf("the path %.100q leads out of the folder", w.Path)
		}
	}
	return nil
}

// entry returns where image i is, and how long its file was. Room is memory that it may use and keep.
func (x *index) entry(i int, room *[]byte) (path string, size int64, err error) {
	from, to := x.Blocks[i/indexBlock], x.Blocks[i/indexBlock+1]
	if n := int(to - from); cap(*room) < n {
		*room = make([]byte, n)
	}
	b := (*room)[:to-from]
	if _, err := x.file.ReadAt(b, from); err != nil {
		return "", 0, plainEOF(err)
	}
	if crc32.Checksum(b[4:], castagnoli) != binary.LittleEndian.Uint32(b) {
		return "", 0, fmt.Errorf("damaged: the checksum of block %d is wrong", i/indexBlock)
	}
	b = b[4:]
	var field [3]uint64 // folder, size of the file, length of the name
	for k := 0; ; k++ {
		for f := range field {
			v, n := binary.Uvarint(b)
			if n <= 0 {
				return "", 0, fmt.Errorf("damaged: block %d ends too early", i/indexBlock)
			}
			field[f], b = v, b[n:]
		}
		if field[2] > uint64(len(b)) {
			return "", 0, fmt.Errorf("damaged: block %d ends too early", i/indexBlock)
		}
		if k == i%indexBlock {
			break
		}
		b = b[field[2]:]
	}
	name := string(b[:field[2]])
	if field[0] >= uint64(len(x.Watched)) || field[1] > 1<<62 || strings.ContainsAny(name, "/"+string(os.PathSeparator)) || !filepath.IsLocal(name) {
		return "", 0, fmt.Errorf("damaged: image %d is %.100q of folder %d", i, name, field[0])
	}
	return filepath.Join(filepath.FromSlash(string(x.Watched[field[0]].Path)), name), int64(field[1]), nil
}
