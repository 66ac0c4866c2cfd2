package weights

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"path"
	"slices"
	"strings"
)

// What PyTorch's torch.save writes is a pickle of the object in which each
// tensor's storage is a reference, and the storages, raw. Since PyTorch 1.6
// they are records of an uncompressed zip archive (NAME/data.pkl, NAME/data/KEY).
// Before, a file was a row of pickles (a magic number, a protocol version, facts
// about the machine, the object, the list of the storages' keys) and then the
// storages in the list's order, each behind its number of elements.
//
// We read both with a pickle machine of our own. The Go library for them,
// github.com/nlpodyssey/gopickle, allocates every storage at the size that the
// pickle claims (a terabyte, if it says so) and converts all of them into
// memory while it loads, calls whatever its table of classes has, bounds neither
// lengths nor depth, and panics on the oldest files.

// legacyMagic is the number at the start of the older format, 0x1950a86a20f9469cfc6c,
// as a pickle has it.
const legacyMagic = "\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."

// maxClaim bounds what the tensors of a file may ask for together, in multiples
// of the file's size: tensors may share a storage, and one may even repeat its
// values, but a file that unfolds to many times its size is a bomb.
const maxClaim = 8

// A storage is a reference to one in a pickle. It may be a part of a stored one.
type storage struct {
	key      string
	dtype    *dtype
	elements int // of the stored one
	from, to int // the part
}

// A tensor is a view of a storage, in elements.
type tensor struct {
	storage        *storage
	offset         int
	shape, strides []int
}

// looksLike tells PyTorch's formats from safetensors by the first bytes of a
// file. (Their first eight bytes may well be a valid length of a safetensors
// header, but never before a brace.)
func looksLike(head []byte) (format string) {
	const tarMagic = 257
	switch {
	case len(head) > 8 && head[8] == '{':
		return FormatSafetensors
	case strings.HasPrefix(string(head), "PK\x03\x04"), strings.HasPrefix(string(head), "PK\x05\x06"):
		return formatZip
	case len(head) >= 2 && head[0] == 0x80 && head[1] <= 5:
		return formatLegacy
	case len(head) >= tarMagic+5 && string(head[tarMagic:tarMagic+5]) == "ustar":
		return formatTar
	}
	return FormatSafetensors
}

const (
	formatZip    = "PyTorch zip"
	formatLegacy = "PyTorch legacy"
	formatTar    = "PyTorch tar"
)

func (r *Reader) readZip(src io.ReaderAt, size int64) error {
	archive, err := zip.NewReader(src, size)
	if err != nil {
		return fmt.Errorf("no PyTorch file, or truncated: %w", err)
	}
	records := make(map[string]*zip.File, len(archive.File))
	pickle, folder := "", ""
	for _, f := range archive.File {
		if records[f.Name] != nil {
			return fmt.Errorf("the archive has two records %s", quote(f.Name))
		}
		records[f.Name] = f
		if dir, base := path.Split(f.Name); base == "data.pkl" && (pickle == "" || len(dir) < len(folder)) {
			pickle, folder = f.Name, dir
		}
	}
	if pickle == "" {
		var names []string
		for _, f := range archive.File {
			names = append(names, f.Name)
		}
		if other := foreignZip(names); other != nil {
			return other
		}
		return errors.New("a zip archive, but no PyTorch file: it has no data.pkl")
	}
	if records[folder+"constants.pkl"] != nil {
		return errors.New("a TorchScript archive, which holds a program: in PyTorch, save torch.jit.load(FILE).state_dict()")
	}
	// find gives the place of a record's data.
	find := func(name string) (at, n int64, err error) {
		f := records[name]
		if f == nil {
			return 0, 0, fmt.Errorf("the archive has no record %s", quote(name))
		}
		if f.Method != zip.Store || f.Flags&1 != 0 || f.CompressedSize64 != f.UncompressedSize64 {
			return 0, 0, fmt.Errorf("record %s is compressed or encrypted, which PyTorch never does: pack the archive again without (zip -0)", quote(name))
		}
		at, err = f.DataOffset()
		if err != nil {
			return 0, 0, fmt.Errorf("record %s: %w", quote(name), err)
		}
		if at < 0 || at > size || f.UncompressedSize64 > uint64(size-at) {
			return 0, 0, fmt.Errorf("record %s reaches beyond the end of the file: truncated", quote(name))
		}
		return at, int64(f.UncompressedSize64), nil
	}
	sums := slices.ContainsFunc(archive.File, func(f *zip.File) bool { return f.CRC32 != 0 })
	// compare holds records to their checksums, which PyTorch can be told to leave out.
	compare := func(names ...string) error {
		if !sums {
			return nil
		}
		for _, name := range names {
			at, n, err := find(name)
			if err != nil {
				return err
			}
			h := crc32.NewIEEE()
			if _, err := io.CopyBuffer(h, io.NewSectionReader(src, at, n), make([]byte, chunk)); err != nil {
				return err
			}
			if h.Sum32() != records[name].CRC32 {
				return fmt.Errorf("record %s was changed since it was written: its CRC-32 is %08x, should be %08x", quote(name), h.Sum32(), records[name].CRC32)
			}
		}
		return nil
	}
	if records[folder+"byteorder"] != nil {
		at, n, err := find(folder + "byteorder")
		if err != nil {
			return err
		}
		order := make([]byte, min(n, 16))
		if err := readFull(src, order, at); err != nil {
			return err
		}
		if string(order) != "little" {
			return fmt.Errorf("byte order %s: only little-endian files can be read", quote(string(order)))
		}
	}
	at, n, err := find(pickle)
	if err != nil {
		return err
	}
	if err := compare(pickle); err != nil {
		return err
	}
	stored := storages{}
	root, _, err := unpickle(src, at, at+n, stored.persistent)
	if err != nil {
		return err
	}
	var data []string
	for _, f := range archive.File {
		if strings.HasPrefix(f.Name, folder+"data/") {
			data = append(data, f.Name)
		}
	}
	p := &part{src: src, compare: func() error { return compare(data...) }}
	return r.readStates(root, size, p, func(s *storage) (int64, error) {
		at, n, err := find(folder + "data/" + s.key)
		if err == nil && n != int64(s.elements)*int64(s.dtype.size) {
			err = fmt.Errorf("storage %s has %d bytes, its %d elements of %s need another number", quote(s.key), n, s.elements, s.dtype.name)
		}
		return at, err
	})
}

func (r *Reader) readLegacy(src io.ReaderAt, size int64) error {
	magic := make([]byte, 40)
	n, err := src.ReadAt(magic, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !strings.Contains(string(magic[:n]), legacyMagic) {
		return errors.New("a pickle, but none that torch.save wrote: save the state dict with torch.save")
	}
	stored := storages{}
	var objects [5]any // magic number, protocol version, system, object, keys
	var at int64
	for i := range objects {
		var persistent func(tuple) (any, error)
		if i == 3 {
			persistent = stored.persistent
		}
		if objects[i], at, err = unpickle(src, at, size, persistent); err != nil {
			return err
		}
	}
	if objects[1] != int64(1001) {
		return fmt.Errorf("protocol version %s of the older PyTorch format is unknown", describe(objects[1]))
	}
	if system, ok := objects[2].(*dict); ok && system.values["little_endian"] == false {
		return errors.New("written on a big-endian machine: only little-endian files can be read")
	}
	keys, ok := objects[4].(*list)
	if !ok {
		return fmt.Errorf("the list of storages is %s", describe(objects[4]))
	}
	places := make(map[string]int64, len(keys.items))
	for _, k := range keys.items {
		key, _ := k.(string)
		s := stored[key]
		if s == nil {
			return fmt.Errorf("no tensor refers to the storage %s", describe(k))
		}
		if _, twice := places[key]; twice {
			return fmt.Errorf("storage %s is there twice", quote(key))
		}
		var count [8]byte
		if err := readFull(src, count[:], at); err != nil {
			return err
		}
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.elements) {
			return fmt.Errorf("storage %s has %d elements, tensors refer to one of %d", quote(key), n, s.elements)
		}
		at += 8
		places[key] = at
		if int64(s.elements) > (size-at)/int64(s.dtype.size) {
			return fmt.Errorf("storage %s has %d elements of %s, but only %d bytes are left in the file: truncated, or not what it claims to be",
				quote(key), s.elements, s.dtype.name, size-at)
		}
		at += int64(s.elements) * int64(s.dtype.size)
	}
	return r.readStates(objects[3], size, &part{src: src}, func(s *storage) (int64, error) {
		at, ok := places[s.key]
		if !ok {
			return 0, fmt.Errorf("storage %s is not in the file", quote(s.key))
		}
		return at, nil
	})
}

// storages are those that a pickle refers to, by their keys, as whole ones.
type storages map[string]*storage

// persistent takes ("storage", class, key, location, elements) and, in older
// files, None or (key of the part, offset, elements) after that.
func (all storages) persistent(id tuple) (any, error) {
	if len(id) == 4 && id[0] == "module" { // a class with its source text, of a whole model in the older format
		return id[1], nil
	}
	if len(id) < 5 || id[0] != "storage" {
		return nil, fmt.Errorf("refers to %s outside of the pickle, which is no storage", describe(id))
	}
	class, ok := id[1].(*global)
	key, ok2 := id[2].(string)
	n, ok3 := id[4].(int64)
	if !ok || !ok2 || !ok3 || class.storage == nil || n < 0 || n > math.MaxInt/16 {
		return nil, fmt.Errorf("refers to a storage of %s elements, class %s, key %s", describe(id[4]), describe(id[1]), describe(id[2]))
	}
	s := &storage{key: key, dtype: class.storage, elements: int(n), to: int(n)}
	if first := all[key]; first == nil {
		all[key] = s
	} else if first.dtype != s.dtype || first.elements != s.elements {
		return nil, fmt.Errorf("storage %s is %d elements of %s here and %d of %s elsewhere", quote(key), s.elements, s.dtype.name, first.elements, first.dtype.name)
	}
	if len(id) > 5 && id[5] != nil {
		view, _ := id[5].(tuple)
		if len(view) != 3 {
			return nil, fmt.Errorf("refers to %s of storage %s", describe(id[5]), quote(key))
		}
		from, ok := view[1].(int64)
		n, ok2 := view[2].(int64)
		if !ok || !ok2 || from < 0 || n < 0 || from > int64(s.elements) || n > int64(s.elements)-from {
			return nil, fmt.Errorf("a part of storage %s, %s elements from %s, is not in its %d", quote(key), describe(view[2]), describe(view[1]), s.elements)
		}
		s = &storage{key, s.dtype, s.elements, int(from), int(from + n)}
	}
	return s, nil
}

// entry checks a tensor against its storage.
func (t *tensor) entry(place func(*storage) (int64, error)) (entry, error) {
	s := t.storage
	e := entry{dtype: s.dtype, shape: t.shape}
	var err error
	if e.elements, err = elements(t.shape); err != nil {
		return e, err
	}
	first := s.from + t.offset
	if first < s.from || first > s.to { // the offset may be anything
		return e, fmt.Errorf("starts at element %d of a storage of %d", t.offset, s.to-s.from)
	}
	span := 0 // elements from the first to behind the last
	contiguous := true
	if e.elements > 0 {
		left, dense := s.to-first, 1
		for i := len(t.shape) - 1; i >= 0; i-- {
			d, stride := t.shape[i], t.strides[i]
			if d == 1 {
				continue
			}
			if stride > 0 && d-1 > (left-1-span)/stride {
				span = left
				break
			}
			span += (d - 1) * stride
			contiguous = contiguous && stride == dense
			dense *= d
		}
		if span++; span > left {
			return e, fmt.Errorf("shape %s with strides %s from element %d reaches beyond its storage of %d", formatShape(t.shape), formatShape(t.strides), t.offset, s.to-s.from)
		}
	}
	at, err := place(s)
	if err != nil {
		return e, err
	}
	if !contiguous {
		e.strides, e.sides = t.strides, t.shape
	}
	e.begin = at + int64(first)*int64(s.dtype.size)
	e.end = e.begin + int64(span)*int64(s.dtype.size)
	return e, nil
}
