package datasets

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
)

// tinyAnnotations tells Tiny-ImageNet's layout: lines of a file's name, its class and a box.
const tinyAnnotations = "val_annotations.txt"

// maxDepth bounds folders within folders, which links could make endless.
const maxDepth = 16

// A folderWalk finds the images of one part of a folder.
type folderWalk struct {
	root string
	part Part
	opts FolderOptions

	head  *indexHead
	found int
}

// A foundFile is an image of the folder that is read at the moment.
type foundFile struct {
	folder int // in the index's list
	name   string
	size   int64
}

// write writes the index of the walk's part to w, and returns its length.
func (k *folderWalk) write(w io.Writer, head indexHead) (int64, error) {
	counter := &countingWriter{w: w}
	fail := func(err error) (int64, error) { return 0, &folderError{err} }
	trainDir, testDir := "", ""
	if isFolder(filepath.Join(k.root, "train")) {
		trainDir = "train"
		for _, name := range []string{"val", "valid", "validation", "test"} {
			if isFolder(filepath.Join(k.root, name)) {
				testDir = name
				break
			}
		}
	} else {
		trainDir = "."
	}
	k.head = &head
	if _, err := k.note("."); err != nil { // where a part, or the classes, may come or go
		return fail(err)
	}
	classes, err := k.folders(trainDir)
	if err != nil {
		return fail(err)
	}
	if len(classes) == 0 {
		return fail(fmt.Errorf("%s: no folders of classes in it: should have CLASS/*.jpg, or train/CLASS/*.jpg and val/CLASS/*.jpg",
			filepath.Join(k.root, trainDir)))
	}
	head.Classes = classes
	x := newIndexWriter(counter, head)
	k.head = &x.head

	switch {
	case k.part == Test && testDir != "" && exists(filepath.Join(k.root, testDir, tinyAnnotations)):
		err = k.annotated(x, testDir)
	case k.part == Test && testDir != "":
		err = k.classes(x, testDir, nil)
	case testDir != "":
		err = k.classes(x, trainDir, nil)
	default:
		err = k.classes(x, trainDir, k.split)
	}
	if err != nil {
		return 0, err
	}
	err = x.finish()
	return counter.n, err
}

// classes adds the images of the class folders in a folder, of each class those that choose leaves.
func (k *folderWalk) classes(x *indexWriter, dir string, choose func([]foundFile) []foundFile) error {
	own, err := k.folders(dir)
	if err != nil {
		return &folderError{err}
	}
	for _, name := range own {
		if !slices.Contains(k.head.Classes, name) {
			return &folderError{fmt.Errorf("%s: a class that the training images do not have", filepath.Join(k.root, dir, name))}
		}
	}
	var files []foundFile // kept from class to class
	for class, name := range k.head.Classes {
		if _, ok := slices.BinarySearch(own, name); !ok {
			continue
		}
		if files, err = k.files(path.Join(dir, name), 0, files[:0]); err != nil {
			return &folderError{err}
		}
		if len(files) == 0 {
			return &folderError{fmt.Errorf("%s: no images in it: remove the folder, or add some", filepath.Join(k.root, dir, name))}
		}
		chosen := files
		if choose != nil {
			chosen = choose(files)
		}
		for _, f := range chosen {
			if err := x.add(class, f.folder, f.name, f.size); err != nil {
				return err
			}
		}
		if k.found += len(chosen); k.opts.Progress != nil {
			k.opts.Progress(k.found)
		}
	}
	return nil
}

// split returns the files of a class that belong to the walk's part. They are drawn by their paths, so
// that the part is the same wherever the folder is, and mostly the same when files are added.
func (k *folderWalk) split(files []foundFile) []foundFile {
	n := int(math.Round(float64(len(files)) * k.opts.Test))
	if len(files) > 1 {
		n = min(max(n, 1), len(files)-1)
	} else {
		n = 0
	}
	type drawn struct {
		rank uint64
		at   int
	}
	ranks := make([]drawn, len(files))
	for i, f := range files {
		h := fnv.New64a()
		h.Write([]byte(k.head.Watched[f.folder].Path + "/" + f.name))
		ranks[i] = drawn{augment.SplitMix(augment.SplitMix(k.opts.Seed) ^ h.Sum64()), i}
	}
	slices.SortFunc(ranks, func(a, b drawn) int { return cmp.Or(cmp.Compare(a.rank, b.rank), a.at-b.at) })
	test := make([]bool, len(files))
	for _, r := range ranks[:n] {
		test[r.at] = true
	}
	kept := files[:0]
	for i, f := range files {
		if test[i] == (k.part == Test) {
			kept = append(kept, f)
		}
	}
	return kept
}

// annotated adds the images of Tiny-ImageNet's val/images, in the order of their classes.
func (k *folderWalk) annotated(x *indexWriter, dir string) error {
	list := path.Join(dir, tinyAnnotations)
	if _, err := k.note(list); err != nil {
		return &folderError{err}
	}
	files, err := k.files(path.Join(dir, "images"), 0, nil)
	if err != nil {
		return &folderError{err}
	}
	file, err := os.Open(filepath.Join(k.root, filepath.FromSlash(list)))
	if err != nil {
		return &folderError{err}
	}
	defer file.Close()
	type labelled struct {
		class int
		file  foundFile
	}
	var all []labelled
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Split(lines.Text(), "\t")
		bad := func(what string) error {
			return &folderError{fmt.Errorf("%s: line %d: %s", filepath.Join(k.root, filepath.FromSlash(list)), n, what)}
		}
		if len(fields) < 2 {
			return bad("should be a file's name and its class, with tabs between")
		}
		class, ok := slices.BinarySearch(k.head.Classes, fields[1])
		if !ok {
			return bad(fmt.Sprintf("class %.40q is none of the training images'", fields[1]))
		}
		at, ok := slices.BinarySearchFunc(files, fields[0], func(f foundFile, name string) int { return strings.Compare(f.name, name) })
		if !ok {
			return bad(fmt.Sprintf("there is no file %.100q", fields[0]))
		}
		all = append(all, labelled{class, files[at]})
	}
	if err := lines.Err(); err != nil {
		return &folderError{err}
	}
	slices.SortStableFunc(all, func(a, b labelled) int {
		return cmp.Or(a.class-b.class, strings.Compare(a.file.name, b.file.name))
	})
	for _, f := range all {
		if err := x.add(f.class, f.file.folder, f.file.name, f.file.size); err != nil {
			return err
		}
	}
	return nil
}

// note adds a path to what the index depends on, and returns its number.
func (k *folderWalk) note(rel string) (int, error) {
	at := slices.IndexFunc(k.head.Watched[:min(len(k.head.Watched), 2)], func(w indexedPath) bool { return w.Path == rel })
	if at >= 0 { // "." and "train" are needed twice
		return at, nil
	}
	w, err := watch(k.root, rel)
	if err != nil {
		return 0, err
	}
	k.head.Watched = append(k.head.Watched, w)
	return len(k.head.Watched) - 1, nil
}

// folders lists the folders in a folder, sorted.
func (k *folderWalk) folders(rel string) ([]string, error) {
	if _, err := k.note(rel); err != nil {
		return nil, err
	}
	var names []string
	err := k.each(rel, func(e fs.DirEntry, dir string) error {
		if e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isFolder(filepath.Join(dir, e.Name())) {
			names = append(names, e.Name())
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// files appends the images in a folder and those within it, sorted in each.
func (k *folderWalk) files(rel string, depth int, to []foundFile) ([]foundFile, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: more than %d folders in each other", filepath.Join(k.root, filepath.FromSlash(rel)), maxDepth)
	}
	// Before its names are read: what changes in between makes the index stale.
	folder, err := k.note(rel)
	if err != nil {
		return nil, err
	}
	var inner []string
	first := len(to)
	err = k.each(rel, func(e fs.DirEntry, dir string) error {
		info, err := e.Info()
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = os.Stat(filepath.Join(dir, e.Name()))
		}
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone meanwhile, or a link to nowhere
		case err != nil:
			return err
		case info.IsDir():
			inner = append(inner, e.Name())
		case info.Mode().IsRegular() && isImageName(e.Name()):
			to = append(to, foundFile{folder, e.Name(), info.Size()})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(to[first:], func(a, b foundFile) int { return strings.Compare(a.name, b.name) })
	slices.Sort(inner)
	for _, name := range inner {
		if to, err = k.files(path.Join(rel, name), depth+1, to); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// each calls visit for what is in a folder, but for names that begin with a point, a thousand at a
// time: a folder may have millions.
func (k *folderWalk) each(rel string, visit func(e fs.DirEntry, dir string) error) error {
	dir := filepath.Join(k.root, filepath.FromSlash(rel))
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		list, err := d.ReadDir(1000)
		for _, e := range list {
			if strings.HasPrefix(e.Name(), ".") {
				continue
			}
			if err := visit(e, dir); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func isImageName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp":
		return true
	}
	return false
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// classNames returns the names of classes whose folders are called by WordNet's numbers, if there is a
// words.txt that says them; otherwise the folders' names.
func classNames(root string, folders []string) ([]string, error) {
	file, err := os.Open(filepath.Join(root, "words.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return folders, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	names := slices.Clone(folders)
	count := map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		number, words, _ := strings.Cut(lines.Text(), "\t")
		if at, ok := slices.BinarySearch(folders, number); ok && names[at] == folders[at] {
			first, _, _ := strings.Cut(words, ",")
			if first = strings.TrimSpace(first); first != "" {
				names[at] = first
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	for _, n := range names {
		count[n]++
	}
	for i, n := range names {
		if count[n] > 1 && n != folders[i] { // crane, the bird and the machine
			names[i] = n + " (" + folders[i] + ")"
		}
	}
	return names, nil
}

// A countingWriter knows how much it has written.
type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
