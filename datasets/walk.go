package datasets

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
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

	head    *indexHead
	found   int
	nowhere []string // links that lead nowhere
}

// A foundFile is an image of the folder that is read at the moment.
type foundFile struct {
	folder int // in the index's list
	name   string
	size   int64
}

// A classFolder is a folder within a part's, and the class that it is.
type classFolder struct{ name, class string }

// write writes the index of the walk's part to w, and returns its length.
func (k *folderWalk) write(w io.Writer, head indexHead) (int64, error) {
	counter := &countingWriter{w: w}
	fail := func(err error) (int64, error) { return 0, &folderError{err} }
	k.head = &head
	if _, err := k.note("."); err != nil { // where a part, or the classes, may come or go
		return fail(err)
	}
	l, err := findLayout(k.root)
	if err != nil {
		return fail(err)
	}
	k.nowhere = l.nowhere
	if k.opts.valIsTest {
		if dir, ok := l.dirs[Val]; ok {
			delete(l.dirs, Val)
			l.dirs[Test] = dir
		}
	}
	dir, ok := l.dirs[k.part]
	if !ok {
		return fail(fmt.Errorf("%s: %w as %s: there is %s", k.root, ErrNoPart, k.part, cmp.Or(l.parts(), "none that has classes")))
	}
	trainDir := cmp.Or(l.dirs[Train], dir)
	classes, err := k.folders(trainDir)
	if err != nil {
		return fail(err)
	}
	if trainDir != dir {
		k.nowhere = l.nowhere // the training images tell of theirs
	}
	if len(classes) == 0 {
		return fail(fmt.Errorf("%s: %w", filepath.Join(k.root, trainDir), noClasses(k.beside(trainDir))))
	}
	for i, c := range classes {
		if i > 0 && c.class == classes[i-1].class {
			return fail(fmt.Errorf("%s: two folders are called %s, in different forms of Unicode: rename one", filepath.Join(k.root, trainDir), c.class))
		}
		head.Classes = append(head.Classes, c.class)
	}
	head.Layout, head.Flat, head.Notes = l.String(), l.flat, append(l.notes, muchAlike(head.Classes)...)
	x := newIndexWriter(counter, head)
	k.head = &x.head
	if exists(filepath.Join(k.root, dir, tinyAnnotations)) {
		err = k.annotated(x, dir)
	} else {
		err = k.classes(x, dir, classes)
	}
	if err != nil {
		return 0, err
	}
	slices.Sort(k.nowhere)
	switch n := len(k.nowhere); {
	case n == 1:
		k.head.Notes = append(k.head.Notes, fmt.Sprintf("%s is a link that leads nowhere: it is left out", ClassName(k.nowhere[0])))
	case n > 1:
		k.head.Notes = append(k.head.Notes, fmt.Sprintf("%d links lead nowhere, %s for one: they are left out", n, ClassName(k.nowhere[0])))
	}
	err = x.finish()
	return counter.n, err
}

// classes adds the images of the class folders in a part's folder. Its classes are found by their names: those of the
// training images, or what is the same but for capitals.
func (k *folderWalk) classes(x *indexWriter, dir string, all []classFolder) error {
	own, err := k.folders(dir)
	if err != nil {
		return &folderError{err}
	}
	at := make([]string, len(all)) // the folder of each class
	var strange []string
	for _, c := range own {
		i := slices.IndexFunc(all, func(of classFolder) bool { return of.class == c.class })
		if i < 0 {
			fold := func(of classFolder) bool { return strings.EqualFold(of.class, c.class) }
			if i = slices.IndexFunc(all, fold); i >= 0 && slices.ContainsFunc(all[i+1:], fold) {
				i = -1
			}
			if i >= 0 {
				k.head.Notes = append(k.head.Notes, fmt.Sprintf("%s of %s is the class %s", c.class, ClassName(dir), all[i].class))
			}
		}
		switch {
		case i < 0:
			strange = append(strange, c.class)
		case at[i] != "":
			return &folderError{fmt.Errorf("%s: %s and %s are one class of the training images: rename or remove one", filepath.Join(k.root, dir), at[i], c.name)}
		default:
			at[i] = c.name
		}
	}
	if len(strange) > 0 {
		var names []string
		for _, c := range all {
			names = append(names, c.class)
		}
		return &folderError{fmt.Errorf("%s: classes that the training images do not have: %s; they have %s", filepath.Join(k.root, dir), shownNames(strange), shownNames(names))}
	}
	var absent []string
	for i, c := range all {
		if at[i] == "" {
			absent = append(absent, c.class)
		}
	}
	if len(absent) > 0 {
		k.head.Notes = append(k.head.Notes, fmt.Sprintf("%s has no images of %s", ClassName(dir), shownNames(absent)))
	}
	var files []foundFile // kept from class to class
	for class, name := range at {
		if name == "" {
			continue
		}
		if files, err = k.files(path.Join(dir, name), 0, files[:0]); err != nil {
			return &folderError{err}
		}
		if len(files) == 0 && k.found == 0 && !k.anyImages(dir, at[class+1:]) {
			has := k.leftOut("; it holds ", "")
			if h, err := peek(filepath.Join(k.root, dir)); err == nil && h.images {
				has = k.beside(dir)
			}
			return &folderError{fmt.Errorf("%s: %w", filepath.Join(k.root, dir), noClasses(has))}
		}
		if len(files) == 0 {
			return &folderError{fmt.Errorf("%s: no images in it: remove the folder, or add some%s; each folder is taken for a class, as in cat/1.jpg and dog/1.jpg", filepath.Join(k.root, dir, name), k.leftOut("; it holds ", ""))}
		}
		for _, f := range files {
			if err := x.add(class, f.folder, f.name, f.size); err != nil {
				return err
			}
		}
		if k.found += len(files); k.opts.Progress != nil {
			k.opts.Progress(k.found)
		}
	}
	return nil
}

// muchAlike tells of classes whose names differ by capitals or spaces alone, which are easily one by mistake.
func muchAlike(classes []string) (notes []string) {
	seen := map[string]string{}
	for _, c := range classes {
		key := strings.ToLower(strings.TrimSpace(c))
		if other, ok := seen[key]; ok {
			notes = append(notes, fmt.Sprintf("%q and %q are two classes: their names differ by capitals or spaces alone", other, c))
		} else if c != strings.TrimSpace(c) {
			notes = append(notes, fmt.Sprintf("the name of the class %q begins or ends with a space", c))
		}
		seen[key] = c
	}
	return notes
}

// noClasses is the error for a folder of another kind: it tells what one should be like, and what this one has.
func noClasses(has string) error {
	return fmt.Errorf("no folders of images in it, one for each class: a data folder has CLASS/*.jpg, or train/CLASS/*.jpg and val/CLASS/*.jpg, as in cat/1.jpg and dog/1.jpg%s", has)
}

// beside says what a folder holds in place of folders of classes.
func (k *folderWalk) beside(dir string) string {
	images, tables, others := 0, []string(nil), 0
	err := eachEntry(filepath.Join(k.root, dir), func(e fs.DirEntry) error {
		switch {
		case isFolderEntry(e, filepath.Join(k.root, dir)):
		case IsImageName(e.Name()):
			images++
		case isTable(e.Name()):
			tables = append(tables, e.Name())
		default:
			others++
		}
		return nil
	})
	switch {
	case err != nil || images+len(tables)+others == 0:
		return "; it is empty"
	case len(tables) > 0 && images > 0:
		return fmt.Sprintf("; it holds %d images and %s, which is not read: move the images into folders by their labels", images, shownNames(tables))
	case images > 0:
		return fmt.Sprintf("; it holds %d images without classes", images)
	}
	return fmt.Sprintf("; it holds %d other files", others+len(tables))
}

// isTable reports whether a file's name is one of those that people keep labels in.
func isTable(name string) bool {
	return slices.Contains([]string{".csv", ".tsv", ".json", ".xml", ".xlsx", ".parquet"}, strings.ToLower(path.Ext(name)))
}

// notRead is the note on tables beside folders: where, as in " in train", or nothing.
func notRead(tables []string, where string) string {
	slices.Sort(tables)
	is := map[bool]string{true: "is", false: "are"}[len(tables) == 1]
	return fmt.Sprintf("%s%s %s not read: the folders' names are the classes", shownNames(tables), where, is)
}

// anyImages reports whether any of the folders within a part's has images.
func (k *folderWalk) anyImages(dir string, names []string) bool {
	probe := folderWalk{root: k.root, head: &indexHead{}}
	for _, name := range names {
		if name == "" {
			continue
		}
		if files, err := probe.files(path.Join(dir, name), 0, nil); err == nil && len(files) > 0 {
			return true
		}
	}
	return false
}

// leftOut lists the files that are no images, by their endings, most first.
func (x *indexHead) leftOut() string {
	endings := slices.SortedFunc(maps.Keys(x.Left), func(a, b string) int {
		return cmp.Or(x.Left[b]-x.Left[a], strings.Compare(a, b))
	})
	var list []string
	for _, e := range endings {
		list = append(list, fmt.Sprintf("%d %s", x.Left[e], ClassName(e)))
	}
	return strings.Join(list, ", ")
}

func (k *folderWalk) leftOut(before, after string) string {
	if text := k.head.leftOut(); text != "" {
		return before + text + after
	}
	return ""
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
	file, err := openRegular(filepath.Join(k.root, filepath.FromSlash(list)))
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
	at := slices.IndexFunc(k.head.Watched[:min(len(k.head.Watched), 2)], func(w indexedPath) bool { return string(w.Path) == rel })
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

// folders lists the class folders in a folder, sorted by their classes.
func (k *folderWalk) folders(rel string) ([]classFolder, error) {
	if _, err := k.note(rel); err != nil {
		return nil, err
	}
	var list []classFolder
	dir, beside := filepath.Join(k.root, rel), 0
	var tables []string
	err := eachEntry(dir, func(e fs.DirEntry) error {
		if isFolderEntry(e, dir) {
			list = append(list, classFolder{e.Name(), ClassName(e.Name())})
		} else if lost := path.Join(rel, e.Name()); leadsNowhere(e, dir) && !slices.Contains(k.nowhere, lost) {
			k.nowhere = append(k.nowhere, lost)
		} else if IsImageName(e.Name()) {
			beside++
		} else if isTable(e.Name()) && rel != "." { // of those in the root the layout tells
			tables = append(tables, e.Name())
		}
		return nil
	})
	if len(tables) > 0 {
		if note := notRead(tables, " in "+ClassName(rel)); !slices.Contains(k.head.Notes, note) {
			k.head.Notes = append(k.head.Notes, note)
		}
	}
	if note := fmt.Sprintf("%d images beside the folders of classes in %s are left out", beside, ClassName(rel)); beside > 0 && !slices.Contains(k.head.Notes, note) {
		k.head.Notes = append(k.head.Notes, note)
	}
	slices.SortFunc(list, func(a, b classFolder) int {
		return cmp.Or(strings.Compare(a.class, b.class), strings.Compare(a.name, b.name))
	})
	return list, err
}

// files appends the images in a folder and those within it, sorted in each.
func (k *folderWalk) files(rel string, depth int, to []foundFile) ([]foundFile, error) {
	if depth > 0 && leadsBack(filepath.Join(k.root, filepath.FromSlash(rel))) {
		k.head.Notes = append(k.head.Notes, fmt.Sprintf("%s is a link to a folder that it is in: it is left out", ClassName(rel)))
		return to, nil
	}
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
	dir := filepath.Join(k.root, filepath.FromSlash(rel))
	err = eachEntry(dir, func(e fs.DirEntry) error {
		info, err := e.Info()
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			info, err = os.Stat(filepath.Join(dir, e.Name()))
		}
		switch {
		case leadsNowhere(e, dir):
			k.nowhere = append(k.nowhere, path.Join(rel, e.Name()))
		case errors.Is(err, fs.ErrNotExist): // gone meanwhile
		case err != nil:
			return err
		case info.IsDir():
			inner = append(inner, e.Name())
		case info.Mode().IsRegular() && IsImageName(e.Name()):
			to = append(to, foundFile{folder, e.Name(), info.Size()})
		default:
			if k.head.Left == nil {
				k.head.Left = map[string]int{}
			}
			k.head.Left[cmp.Or(strings.ToLower(path.Ext(e.Name())), "without ending")]++
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

// leadsBack reports whether a folder is a link to one that it is in itself.
func leadsBack(dir string) bool {
	if link, err := os.Lstat(dir); err != nil || link.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	to, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	in, err := filepath.EvalSymlinks(filepath.Dir(dir))
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(to, in)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func isFolder(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openRegular opens a regular file: opening a pipe would wait for who writes into it.
func openRegular(path string) (*os.File, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: should be a regular file", path)
	}
	return os.Open(path)
}

// classNames returns the names of classes whose folders are called by WordNet's numbers, if there is a
// words.txt that says them; otherwise the folders' names.
func classNames(root string, folders []string) ([]string, error) {
	file, err := openRegular(filepath.Join(root, "words.txt"))
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
