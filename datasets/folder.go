package datasets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
)

func init() {
	Register(Dataset{
		Info:    Info{Name: "folder", Shape: image.Shape{C: 3}},
		About:   "one's own images: train/CLASS/ with val/CLASS/ or test/CLASS/, or CLASS/ alone",
		Licence: "unclear",
		Parts:   []Part{Train, Val, Test},
		Open:    func(dir string, part Part) (Source, error) { return folderSource(dir, part, FolderOptions{}) },
	})
	tiny := Info{
		Name:  "tiny-imagenet",
		Shape: image.Shape{C: 3, H: 64, W: 64},
		Mean:  []float32{.4802, .4481, .3975},
		Std:   []float32{.2770, .2691, .2821},
	}
	Register(Dataset{
		Info:    tiny,
		About:   "photographs of 200 kinds of things, colour (Stanford CS231n; its val folder is the test part)",
		Licence: "unclear",
		Sizes:   map[Part]int{Train: 100000, Test: 10000},
		Open: func(dir string, part Part) (Source, error) {
			if _, err := os.Stat(filepath.Join(dir, "val", tinyAnnotations)); err != nil {
				return nil, fmt.Errorf("%s: not Tiny-ImageNet's folder: %w", dir, err)
			}
			f, err := OpenFolderPart(dir, part, FolderOptions{Name: tiny.Name, valIsTest: true})
			if err != nil {
				return nil, err
			}
			f.info.Shape, f.info.Mean, f.info.Std = tiny.Shape, tiny.Mean, tiny.Std
			return f, nil
		},
	})
}

// FolderOptions say how a folder of images is read.
type FolderOptions struct {
	// Name is what the data set is called; empty means the folder's name.
	Name string
	// Cache is the folder where indexes are kept; empty means gorgonia-zoo/indexes in the user's cache folder.
	// NoCache keeps the index in memory.
	Cache   string
	NoCache bool
	// Progress, if not nil, is called now and then with the number of images found so far; of those for
	// training where both parts are opened.
	Progress func(images int)

	valIsTest bool // Tiny-ImageNet's validation images are what everybody tests on
}

// A Folder is a source of image files in folders, read and decoded when asked for. Of the files it keeps
// no more in memory than a number for every 64.
//
// Labels are the places of the classes in the order of their names' bytes, as torchvision's ImageFolder has them;
// see [ClassName]. Every image has three channels (see [codec.Decode]). One that cannot be decoded is
// an error that names the file and wraps [image.ErrBroken].
type Folder struct {
	info  Info
	root  string
	index *index
	cache string // the index's file; empty if it is in memory
}

// OpenFolder reads a folder in one of three layouts:
//
//   - train/CLASS/… with val/CLASS/… or test/CLASS/… or both, under any of their usual names in small or capital
//     letters (training, valid, validation, dev, testing, train_set, …);
//   - CLASS/…, which are the training images of a data set without parts;
//   - Tiny-ImageNet's, whose val/images are told apart by val/val_annotations.txt.
//
// Folders within a class's are read as well; names that begin with a point are passed over, and files that do not end
// in one of .jpg, .jpeg, .jpe, .jfif, .png, .gif, .webp, .bmp, .tif and .tiff are counted and left out. Where a folder
// could mean several things, the error shows them. [Folder.Notes] tells what was found and what was left out. If there
// is a words.txt in WordNet's form, classes have its names.
//
// The index of what is there is kept in a file, and used as long as no folder has changed.
func OpenFolder(dir string, opts FolderOptions) (Split, error) {
	quiet := opts
	quiet.Progress = nil // the parts run at the same time, and one that tells is enough
	return openParts([]Part{Train, Val, Test}, func(part Part) (Source, error) {
		if part == Train {
			return folderSource(dir, part, opts)
		}
		return folderSource(dir, part, quiet)
	})
}

func folderSource(dir string, part Part, opts FolderOptions) (Source, error) {
	f, err := OpenFolderPart(dir, part, opts)
	if err != nil {
		return nil, err // not f: a nil *Folder would be a Source that is not nil
	}
	return f, nil
}

// OpenFolderPart reads one part of a folder, as [OpenFolder] does.
func OpenFolderPart(dir string, part Part, opts FolderOptions) (*Folder, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(root); err != nil {
		return nil, err
	} else if !st.IsDir() {
		return nil, fmt.Errorf("%s: should be a folder", root)
	}
	f := &Folder{root: root, info: Info{Name: opts.Name, Part: part, Shape: image.Shape{C: 3}}}
	if opts.Name == "" {
		f.info.Name = filepath.Base(root)
	}
	of := fmt.Sprintf("%s of %q by rules %d", part, root, layoutRules)
	if opts.valIsTest {
		of += ", val is test"
	}
	if !opts.NoCache {
		f.cache = indexFile(opts.Cache, of)
	}
	if f.index = openIndex(f.cache, of, root); f.index == nil {
		walk := &folderWalk{root: root, part: part, opts: opts}
		if f.index, f.cache, err = buildIndex(f.cache, of, walk); err != nil {
			return nil, err
		}
	}
	if f.index.images() == 0 {
		return nil, fmt.Errorf("%s: no images for the part %s", root, part)
	}
	if f.index.Flat {
		f.info.Part = ""
	}
	if f.info.Classes, err = classNames(root, f.index.Classes); err != nil {
		return nil, err
	}
	return f, nil
}

// Info returns what is known of the source.
func (f *Folder) Info() Info { return f.info }

// Len returns the number of images.
func (f *Folder) Len() int { return f.index.images() }

// Label returns the class of image i.
func (f *Folder) Label(i int) int {
	if within(f, i) != nil {
		return -1
	}
	// The last class that begins at or before i: classes without images begin where the next one does.
	at, _ := slices.BinarySearch(f.index.First, i+1)
	return at - 1
}

// Notes tells the layout, what was guessed, and what was left out.
func (f *Folder) Notes() []string {
	notes := append([]string{"layout " + f.index.Layout}, f.index.Notes...)
	if left := f.index.leftOut(); left != "" && (f.index.Flat || f.info.Part == Train) {
		notes = append(notes, "files left out, which are no images: "+left)
	} else if left != "" {
		notes = append(notes, fmt.Sprintf("files left out of %s, which are no images: %s", f.info.Part, left))
	}
	return notes
}

// Checksum is the SHA-256 of the classes' names, and of the files' paths and sizes: not of what is in them.
func (f *Folder) Checksum() (string, error) { return f.index.Sum, nil }

// Path returns the file of image i.
func (f *Folder) Path(i int) (string, error) {
	if err := within(f, i); err != nil {
		return "", err
	}
	var room []byte
	path, _, err := f.index.entry(i, &room)
	if err != nil {
		return "", f.badIndex(err)
	}
	return filepath.Join(f.root, path), nil
}

// badIndex makes the next opening read the folder anew.
func (f *Folder) badIndex(err error) error {
	if f.cache == "" {
		return err
	}
	os.Remove(f.cache)
	return fmt.Errorf("%s: %w (%w)", f.cache, err, errIndexRemoved)
}

var errIndexRemoved = errors.New("the index is removed: open the folder again")

// maxImageFile is the most that a file may have: 256 MiB.
const maxImageFile = 256 << 20

// Image reads and decodes image i.
func (f *Folder) Image(i int, dst *image.Image) error { return f.ImageAtLeast(i, 0, dst) }

// ImageAtLeast reads and decodes image i, which may be smaller than it is ([codec.DecodeAtLeast]).
func (f *Folder) ImageAtLeast(i, least int, dst *image.Image) error {
	if err := within(f, i); err != nil {
		return err
	}
	r := fileReaders.Get().(*fileReader)
	defer fileReaders.Put(r)
	path, size, err := f.index.entry(i, &r.block)
	if err != nil {
		return f.badIndex(err)
	}
	path = filepath.Join(f.root, path)
	if size > maxImageFile {
		return fmt.Errorf("%s: %w: %d bytes: should be at most %d", path, image.ErrBroken, size, maxImageFile)
	}
	if err := r.load(path, size); err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%w: %w", image.ErrBroken, err)
		}
		return err
	}
	if int64(len(r.file)) != size {
		return f.badIndex(fmt.Errorf("%s has changed since the folder was indexed: it had %d bytes", path, size))
	}
	if err := codec.DecodeAtLeast(r.file, dst, least); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// A fileReader is memory that reading an image takes.
type fileReader struct {
	file  []byte
	block []byte // of the index
}

var fileReaders = sync.Pool{New: func() any { return new(fileReader) }}

// load reads a file, and a byte more than it should have if there is one.
func (r *fileReader) load(path string, size int64) error {
	file, err := openRegular(path) // it may have been replaced since it was listed
	if err != nil {
		return err
	}
	defer file.Close()
	if int64(cap(r.file)) <= size {
		r.file = make([]byte, size+size/4+512)
	}
	n, err := io.ReadFull(file, r.file[:size+1])
	r.file = r.file[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return nil
}

// indexFile is where the index of that is kept, or nothing if there is no cache folder.
func indexFile(cache, of string) string {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		cache = filepath.Join(user, "gorgonia-zoo", "indexes")
	}
	sum := sha256.Sum256([]byte(of))
	return filepath.Join(cache, hex.EncodeToString(sum[:12])+".index")
}

// layoutRules is the number of the rules by which folders are understood: an index that was made by others is not used.
const layoutRules = 3

// settled is how long a folder must have been left alone before it was read: a file system's clock may
// be so coarse that a change right after the reading leaves the same time.
const settled = 2 * time.Second

// openIndex returns the index in a file if it is whole and up to date, or nil.
func openIndex(path, of, root string) *index {
	if path == "" {
		return nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	st, err := file.Stat()
	if err == nil && st.Mode().IsRegular() {
		var x *index
		if x, err = readIndex(file, st.Size()); err == nil && x.Of == of && x.fresh(root) {
			return x // the file is closed when the index is collected
		}
	}
	file.Close()
	return nil
}

// fresh says whether everything that the index depends on is as it was.
func (x *indexHead) fresh(root string) bool {
	for _, w := range x.Watched {
		now, err := watch(root, string(w.Path))
		if err != nil || now != w || time.Duration(x.Built-w.Time) < settled {
			return false
		}
	}
	return true
}

// watch notes how a folder or file is now.
func watch(root, path string) (indexedPath, error) {
	st, err := os.Stat(filepath.Join(root, filepath.FromSlash(path)))
	if err != nil {
		return indexedPath{}, err
	}
	return indexedPath{rawPath(path), st.ModTime().UnixNano(), st.Size()}, nil
}

// buildIndex reads the folders and writes an index, in memory if it cannot be kept. It returns the
// file that it is in.
func buildIndex(path, of string, walk *folderWalk) (*index, string, error) {
	head := indexHead{Of: of, Built: time.Now().UnixNano()}
	if path != "" && os.MkdirAll(filepath.Dir(path), 0o777) == nil {
		if file, err := os.CreateTemp(filepath.Dir(path), ".index-*.tmp"); err == nil {
			x, err := writeIndex(file, head, walk)
			if err == nil {
				err = file.Sync()
			}
			if err == nil {
				err = os.Rename(file.Name(), path)
			}
			if err == nil {
				return x, path, nil
			}
			file.Close()
			os.Remove(file.Name())
			var here *folderError
			if errors.As(err, &here) {
				return nil, "", here.error
			}
			// The cache's fault: a full disk, for one. It can do without.
			*walk = folderWalk{root: walk.root, part: walk.part, opts: walk.opts}
		}
	}
	var memory memoryFile
	x, err := writeIndex(&memory, head, walk)
	var here *folderError
	if errors.As(err, &here) {
		return nil, "", here.error
	}
	return x, "", err
}

// A folderError is one of the folder that is read, not of the index that is written.
type folderError struct{ error }

// writeIndex fills a file with the index, and reads its trailer again.
func writeIndex(file interface {
	io.Writer
	io.ReaderAt
}, head indexHead, walk *folderWalk) (*index, error) {
	size, err := walk.write(file, head)
	if err != nil {
		return nil, err
	}
	return readIndex(file, size)
}

// A memoryFile is a file that is only written at its end.
type memoryFile struct{ bytes.Buffer }

func (m *memoryFile) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(m.Bytes()).ReadAt(p, at)
}
