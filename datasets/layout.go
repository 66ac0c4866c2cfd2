package datasets

import (
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
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
)

// ErrNoPart is wrapped by the error for a part that a data set does not have.
var ErrNoPart = errors.New("no such part")

// partWords are the usual names of the parts, in small letters.
var partWords = map[string]Part{
	"train": Train, "training": Train, "trn": Train, "trainval": Train,
	"val": Val, "valid": Val, "validation": Val, "validate": Val, "dev": Val,
	"test": Test, "testing": Test, "tst": Test,
}

// fillers are words that may stand beside a part's, as in training_set or images-test.
var fillers = []string{"set", "data", "dataset", "images", "image", "imgs", "img", "split", "seg"}

// partOf returns the part that a folder of that name is, or nothing. Case does not matter.
func partOf(name string) Part {
	var part Part
	for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !(r >= 'a' && r <= 'z') // years and versions, too: train2017
	}) {
		p, ok := partWords[word]
		if !ok {
			p, ok = partWords[strings.TrimSuffix(word, "set")] // trainset
		}
		switch {
		case ok && part != "":
			return ""
		case ok:
			part = p
		case !slices.Contains(fillers, word):
			return ""
		}
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return "" // a word that we do not know
	}
	return part
}

// A layout says where the parts of a folder are.
type layout struct {
	// dirs are the parts' folders. Classes without parts are Train, in ".".
	dirs  map[Part]string
	flat  bool     // there are no parts
	notes []string // what was left out or guessed
	// nowhere are links beside the parts, or beside the classes, that lead nowhere.
	nowhere []string
}

// String shows the layout, as in "Train/CLASS, val/CLASS".
func (l layout) String() string {
	if l.flat {
		return "CLASS (no parts)"
	}
	var list []string
	for _, p := range []Part{Train, Val, Test} {
		if dir, ok := l.dirs[p]; ok {
			list = append(list, dir+"/CLASS")
		}
	}
	return strings.Join(list, ", ")
}

// parts lists the parts that there are.
func (l layout) parts() string {
	var list []string
	for _, p := range []Part{Train, Val, Test} {
		if dir, ok := l.dirs[p]; ok {
			text := string(p)
			if dir != text {
				text += " (" + ClassName(dir) + ")"
			}
			list = append(list, text)
		}
	}
	return strings.Join(list, ", ")
}

// peeked is what a folder holds: folders, and images beside them.
type peeked struct{ folders, images bool }

// findLayout finds out what the folders in root mean. A folder is a part by its name if it holds folders itself; if
// it holds images, its name may be a class's.
func findLayout(root string) (layout, error) {
	var names, nowhere, tables []string
	err := eachEntry(root, func(e fs.DirEntry) error {
		switch {
		case isFolderEntry(e, root):
			names = append(names, e.Name())
		case isTable(e.Name()):
			tables = append(tables, e.Name())
		case !leadsNowhere(e, root):
		case partOf(e.Name()) != "":
			return fmt.Errorf("%s: a link that leads nowhere: mend or remove it", filepath.Join(root, e.Name()))
		default:
			nowhere = append(nowhere, e.Name())
		}
		return nil
	})
	if err != nil {
		return layout{}, err
	}
	slices.Sort(names)
	holds := map[string]peeked{}
	part := map[Part][]string{} // folders of folders that are called like a part
	var flat, others []string   // that are called so and hold images, and the other folders with images
	for _, name := range names {
		h, err := peek(filepath.Join(root, name))
		if err != nil {
			return layout{}, err
		}
		holds[name] = h
		switch p := partOf(name); {
		case p == "" && (h.images || h.folders):
			others = append(others, name)
		case p == "":
		case h.images && !h.folders:
			flat = append(flat, name)
		case h.folders:
			part[p] = append(part[p], name)
		}
	}
	withImages := slices.DeleteFunc(slices.Clone(others), func(name string) bool { return !holds[name].images })
	withFolders := slices.DeleteFunc(slices.Clone(others), func(name string) bool { return holds[name].images || !holds[name].folders })

	l := layout{dirs: map[Part]string{}, nowhere: nowhere}
	if len(tables) > 0 {
		l.notes = append(l.notes, notRead(tables, ""))
	}
	if len(part) == 0 {
		switch {
		case len(others) == 0 && len(flat) > 0:
			return l, fmt.Errorf("%s: the images in %s have no folders of classes: there should be %s/CLASS/*.jpg", root, shownNames(flat), ClassName(flat[0]))
		case len(names) == 1 && holds[names[0]].folders && !holds[names[0]].images:
			inner := filepath.Join(root, names[0])
			return l, fmt.Errorf("%s: the one folder in it, %s, holds folders and no images: name that one, %s", root, ClassName(names[0]), inner)
		}
		if err := partsInside(root, withFolders); err != nil {
			return l, err
		}
		for _, name := range flat {
			l.notes = append(l.notes, fmt.Sprintf("%s is taken for a class, as it holds images and no folders", ClassName(name)))
		}
		l.flat, l.dirs[Train] = true, "."
		return l, nil
	}
	for _, p := range []Part{Train, Val, Test} {
		switch dirs := part[p]; len(dirs) {
		case 0:
		case 1:
			l.dirs[p] = dirs[0]
		default:
			return l, fmt.Errorf("%s: %s could all be the part %s: rename or remove what is not", root, shownNames(dirs), p)
		}
	}
	if len(part) == 1 && len(flat) == 0 && len(withImages) > 0 {
		for _, dirs := range part {
			return l, fmt.Errorf("%s: %s could be a part or a class: it holds folders, and %s beside it hold images; name %s for its classes alone, or rename it if it is one",
				root, ClassName(dirs[0]), shownNames(withImages), filepath.Join(root, dirs[0]))
		}
	}
	for p, dir := range l.dirs {
		if l.dirs[p], err = innermost(root, dir, p); err != nil {
			return l, err
		}
	}
	if flat, err = l.unlabelled(root, flat); err != nil {
		return l, err
	}
	for _, name := range flat {
		l.notes = append(l.notes, fmt.Sprintf("%s is left out: its images have no folders of classes", ClassName(name)))
	}
	for _, name := range withFolders {
		if shared, err := l.sameClasses(root, name); err != nil {
			return l, err
		} else if shared != "" {
			return l, fmt.Errorf("%s: %s holds images of the class %s, as the part %s does, but its name is no part's: call it val or test, or move it elsewhere",
				root, ClassName(name), ClassName(shared), l.parts())
		}
	}
	if left := append(withImages, withFolders...); len(left) > 0 {
		slices.Sort(left)
		l.notes = append(l.notes, fmt.Sprintf("left out beside the parts: %s", shownNames(left)))
	}
	return l, nil
}

// partsInside says of classes that hold the parts, as in cat/train, that it should be the other way round; and of a folder
// whose parts hold folders, that it is the data folder.
func partsInside(root string, classes []string) error {
	for _, class := range classes {
		found := map[Part]string{}
		err := eachEntry(filepath.Join(root, class), func(e fs.DirEntry) error {
			if p := partOf(e.Name()); p != "" && isFolderEntry(e, filepath.Join(root, class)) {
				found[p] = path.Join(ClassName(class), ClassName(e.Name()))
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(found) > 1 {
			list := slices.Sorted(maps.Values(found))
			for _, part := range list {
				if h, err := peek(filepath.Join(root, part)); err == nil && h.folders && !h.images {
					return fmt.Errorf("%s: the parts are within %s, %s: name that folder, %s", root, ClassName(class), strings.Join(list, " and "), filepath.Join(root, class))
				}
			}
			var turned []string
			for _, p := range list {
				turned = append(turned, path.Join(path.Base(p), path.Dir(p)))
			}
			return fmt.Errorf("%s: %s are parts within a class: the classes should be within the parts, %s", root, strings.Join(list, " and "), strings.Join(turned, " and "))
		}
	}
	return nil
}

// sameClasses returns a class of the first part that a folder beside the parts has images of, or nothing.
func (l *layout) sameClasses(root, name string) (string, error) {
	for _, p := range []Part{Train, Val, Test} {
		dir, ok := l.dirs[p]
		if !ok {
			continue
		}
		shared := ""
		err := eachEntry(filepath.Join(root, dir), func(e fs.DirEntry) error {
			if shared != "" && shared < e.Name() {
				return nil
			}
			if h, err := peek(filepath.Join(root, name, e.Name())); err == nil && h.images {
				shared = e.Name()
			}
			return nil
		})
		return shared, err
	}
	return "", nil
}

// innermost goes into a part's folder as long as there is nothing in it but a folder that is called like the part, as
// some archives have it: seg_train/seg_train/CLASS.
func innermost(root, dir string, part Part) (string, error) {
	for range maxDepth {
		var inner []string
		images := false
		err := eachEntry(filepath.Join(root, dir), func(e fs.DirEntry) error {
			if isFolderEntry(e, filepath.Join(root, dir)) {
				inner = append(inner, e.Name())
			} else if IsImageName(e.Name()) {
				images = true
			}
			return nil
		})
		if err != nil {
			return "", err
		}
		if images || len(inner) != 1 || partOf(inner[0]) != part {
			return dir, nil
		}
		if h, err := peek(filepath.Join(root, dir, inner[0])); err != nil || !h.folders {
			return dir, err
		}
		dir = path.Join(dir, inner[0])
	}
	return dir, nil
}

// unlabelled adds to a list the parts that hold one folder which is none of the training classes, as test/images of
// Tiny-ImageNet, and takes them out of the layout.
func (l *layout) unlabelled(root string, list []string) ([]string, error) {
	classes := func(dir string) (list []string, err error) {
		err = eachEntry(filepath.Join(root, dir), func(e fs.DirEntry) error {
			if isFolderEntry(e, filepath.Join(root, dir)) {
				list = append(list, strings.ToLower(ClassName(e.Name())))
			}
			return nil
		})
		return list, err
	}
	if l.dirs[Train] == "" {
		return list, nil
	}
	trained, err := classes(l.dirs[Train])
	if err != nil {
		return nil, err
	}
	for _, p := range []Part{Val, Test} {
		dir, ok := l.dirs[p]
		if !ok || exists(filepath.Join(root, dir, tinyAnnotations)) {
			continue
		}
		own, err := classes(dir)
		if err != nil {
			return nil, err
		}
		if len(own) == 1 && len(trained) > 1 && !slices.Contains(trained, own[0]) && (own[0] == "images" || partOf(own[0]) == p) {
			list = append(list, dir)
			delete(l.dirs, p)
		}
	}
	return list, nil
}

// shownNames lists names, not all if there are many.
func shownNames(names []string) string {
	const most = 8
	var list []string
	for _, n := range names[:min(len(names), most)] {
		list = append(list, ClassName(n))
	}
	text := strings.Join(list, ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// peekMost is how many entries of a folder are looked at: one of a class may have millions.
const peekMost = 5000

// peek looks what is in a folder.
func peek(dir string) (h peeked, err error) {
	n := 0
	err = eachEntry(dir, func(e fs.DirEntry) error {
		switch {
		case isFolderEntry(e, dir):
			h.folders = true
		case IsImageName(e.Name()):
			h.images = true
		}
		if n++; n > peekMost || h.folders && h.images {
			return io.EOF
		}
		return nil
	})
	return h, err
}

// eachEntry calls visit for what is in a folder, but for what systems leave there, a thousand at a time: a folder
// may have millions. [io.EOF] ends it.
func eachEntry(dir string, visit func(fs.DirEntry) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		list, err := d.ReadDir(1000)
		for _, e := range list {
			if ignored(e.Name()) {
				continue
			}
			if err := visit(e); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
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

// ignored reports whether a name is of what systems put beside people's files.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || name == "__MACOSX" || name == "@eaDir" || name == "lost+found" || name == "$RECYCLE.BIN"
}

func isFolderEntry(e fs.DirEntry, dir string) bool {
	return e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isFolder(filepath.Join(dir, e.Name()))
}

// leadsNowhere reports whether an entry is a link that cannot be followed.
func leadsNowhere(e fs.DirEntry, dir string) bool {
	return e.Type()&fs.ModeSymlink != 0 && !exists(filepath.Join(dir, e.Name()))
}

// IsImageName reports whether a file is taken for an image, by the ending of its name.
func IsImageName(name string) bool {
	return slices.Contains(codec.Extensions, strings.ToLower(path.Ext(name)))
}

// ClassName is the name of the class of a folder: the folder's name in Unicode's form NFC, for systems differ in how
// they write the same letters. A byte that is no text becomes \xHH.
func ClassName(folder string) string {
	if utf8.ValidString(folder) {
		return norm.NFC.String(folder)
	}
	var b strings.Builder
	for len(folder) > 0 {
		r, n := utf8.DecodeRuneInString(folder)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, folder[0])
		} else {
			b.WriteString(folder[:n])
		}
		folder = folder[n:]
	}
	return norm.NFC.String(b.String())
}
