package datasets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestPartsAreKnownByTheirUsualNames(t *testing.T) {
	for part, names := range map[Part]string{
		Train: "train Train TRAINING training_set train-images trainset train2017 seg_train Train_Data",
		Val:   "val VAL Valid validation Dev validation_set images_val val2017",
		Test:  "test Testing test_set TEST-images testset",
		"":    "trains cat testament evaluation dev_test train_test untested contest café-train развал",
	} {
		for name := range strings.FieldsSeq(names) {
			if got := partOf(name); got != part {
				t.Errorf("%s is the part %q: want %q", name, got, part)
			}
		}
	}
}

// Each folder is made of images; "-" stands for a part that is not there.
func TestAFolderMeansWhatPeopleMean(t *testing.T) {
	for _, c := range []struct {
		name             string
		files            string
		train, val, test string // classes and their images
		notes            string // all of them after the layout, with "; " between
	}{
		{"capital letters", "Train/cat/1.jpg Train/dog/1.jpg Test/cat/1.jpg", "cat 1 dog 1", "-", "cat 1 dog 0", ""},
		{"training and testing", "Training/a/1.jpg Training/b/1.jpg Testing/b/1.jpg", "a 1 b 1", "-", "a 0 b 1", ""},
		{"Val beside train", "train/a/1.jpg train/b/1.jpg Val/a/1.jpg", "a 1 b 1", "a 1 b 0", "-", ""},
		{"all three", "train/a/1.jpg train/b/1.jpg dev/a/1.jpg test/b/1.jpg test/b/2.jpg", "a 1 b 1", "a 1 b 0", "a 0 b 2", ""},
		{"the archive's folder within", "seg_train/seg_train/sea/1.jpg seg_train/seg_train/ice/1.jpg seg_test/seg_test/sea/1.jpg seg_pred/1.jpg",
			"ice 1 sea 1", "-", "ice 0 sea 1", "left out beside the parts: seg_pred"},
		{"validation alone", "val/a/1.jpg val/b/1.jpg", "-", "a 1 b 1", "-", ""},
		{"classes without parts", "a/1.jpg b/1.jpg b/2.jpg", "a 1 b 2", "-", "-", ""},
		{"one class", "dog/1.jpg dog/2.jpg", "dog 2", "-", "-", ""},
		{"a class that is called train", "train/1.jpg plane/1.jpg boat/1.jpg", "boat 1 plane 1 train 1", "-", "-", "train is taken for a class, as it holds images and no folders"},
		{"classes that are called train and test", "train/1.jpg test/1.jpg boat/1.jpg", "boat 1 test 1 train 1", "-", "-",
			"test is taken for a class, as it holds images and no folders; train is taken for a class, as it holds images and no folders"},
		{"test images without labels", "train/a/1.jpg train/b/1.jpg test/1.jpg test/2.jpg", "a 1 b 1", "-", "-", "test is left out: its images have no folders of classes"},
		{"test images without labels, in a folder", "train/a/1.jpg train/b/1.jpg test/images/1.jpg", "a 1 b 1", "-", "-", "test is left out: its images have no folders of classes"},
		{"something beside the parts", "train/a/1.jpg train/b/1.jpg val/a/1.jpg unlabelled/1.jpg labels/1.txt", "a 1 b 1", "a 1 b 0", "-", "left out beside the parts: unlabelled"},
		{"what systems leave behind", "a/1.jpg b/1.jpg b/Thumbs.db __MACOSX/a/._1.jpg .cache/1.jpg", "a 1 b 1", "-", "-", "files left out, which are no images: 1 .db"},
		{"endings", "a/1.jfif a/2.JPE a/3.tif a/4.tiff a/5.heic b/1.jpg b/2.avif b/3.avif b/README", "a 4 b 1", "-", "-",
			"files left out, which are no images: 2 .avif, 1 .heic, 1 without ending"},
		{"a table beside the classes", "a/1.jpg b/1.jpg labels.csv", "a 1 b 1", "-", "-", "labels.csv is not read: the folders' names are the classes"},
		{"tables beside the parts and in one", "train/a/1.jpg train/b/1.jpg val/a/1.jpg y.json x.csv train/boxes.xml", "a 1 b 1", "a 1 b 0", "-", "x.csv, y.json are not read: the folders' names are the classes; boxes.xml in train is not read: the folders' names are the classes"},
		{"images beside the classes", "train/a/1.jpg train/b/1.jpg train/2.jpg train/3.jpg", "a 1 b 1", "-", "-", "2 images beside the folders of classes in train are left out"},
		{"two forms of Unicode", "train/cafe\u0301/1.jpg train/b/1.jpg val/caf\u00e9/1.jpg val/caf\u00e9/2.jpg", "b 1 caf\u00e9 1", "b 0 caf\u00e9 2", "-", ""},
		{"other capitals in a part", "train/Cat/1.jpg train/dog/1.jpg val/cat/1.jpg", "Cat 1 dog 1", "Cat 1 dog 0", "-", ""},
		{"a backslash", `cat/cat\001.jpg dog/1.jpg`, "cat 1 dog 1", "-", "-", ""},
		{"a name that is no text", "em\xff/1.jpg dog/\xfe.jpg", `dog 1 em\xff 1`, "-", "-", ""},
		{"an escape sequence", "\x1b[31mred/1.jpg dog/1.jpg", "\x1b[31mred 1 dog 1", "-", "-", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS != "linux" && (strings.ContainsAny(c.files, "\\\x1b") || !utf8.ValidString(c.files)) {
				t.Skip("no such names on this system")
			}
			root := t.TempDir()
			files := map[string]string{}
			for name := range strings.FieldsSeq(c.files) {
				files[name] = ""
				if !strings.HasSuffix(name, ".png") && IsImageName(name) {
					files[name] = string(dot("1.png"))
				}
			}
			tree(t, root, files)
			cache := t.TempDir()
			for range 2 { // once from the folder, once from its index
				s, err := OpenFolder(root, FolderOptions{Cache: cache})
				if err != nil {
					t.Fatal(err)
				}
				for part, want := range map[Part]string{Train: c.train, Val: c.val, Test: c.test} {
					got := "-"
					if src := s.Part(part); src != nil {
						got = tallied(src)
						var img image.Image
						for i := range src.Len() {
							if err := src.Image(i, &img); err != nil {
								t.Error(err)
							}
						}
					}
					if got != want {
						t.Errorf("%s: %s: want %s", part, got, want)
					}
				}
				if s.Train != nil {
					if got := strings.Join(Notes(s.Train)[1:], "; "); got != c.notes {
						t.Errorf("notes %q: want %q", got, c.notes)
					}
				}
			}
		})
	}
}

// tallied lists a source's classes and their images.
func tallied(src Source) string {
	n := make([]int, len(src.Info().Classes))
	for i := range src.Len() {
		n[src.Label(i)]++
	}
	var list []string
	for c, name := range src.Info().Classes {
		list = append(list, fmt.Sprint(name, " ", n[c]))
	}
	return strings.Join(list, " ")
}

func TestAPartSaysWhatItIsTakenFor(t *testing.T) {
	root := t.TempDir()
	tree(t, root, map[string]string{"train/Cat/1.jpg": "", "train/dog/1.jpg": "", "train/emu/1.jpg": "", "val/cat/1.jpg": "", "val/dog/1.jpg": "", "val/dog/1.txt": ""})
	val, err := OpenFolderPart(root, Val, FolderOptions{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"layout train/CLASS, val/CLASS", "cat of val is the class Cat", "val has no images of emu", "files left out of val, which are no images: 1 .txt"}
	if got := Notes(val); !slices.Equal(got, want) {
		t.Errorf("notes %q: want %q", got, want)
	}
}

func TestAFolderThatCouldMeanSeveralThingsIsRefused(t *testing.T) {
	for _, c := range []struct{ name, files, err string }{
		{"a folder around all", "dataset/cat/1.jpg dataset/dog/1.jpg", "the one folder in it, dataset, holds folders and no images: name that one, ROOT/dataset"},
		{"a folder around the parts", "d/train/cat/1.jpg d/val/dog/1.jpg", "name that one, ROOT/d"},
		{"two of a part", "train/a/1.jpg Training/a/1.jpg", "ROOT: Training, train could all be the part train"},
		{"a part or a class", "train/old/1.jpg plane/1.jpg boat/1.jpg", "ROOT: train could be a part or a class: it holds folders, and boat, plane beside it hold images"},
		{"parts without classes", "train/1.jpg test/2.jpg", "ROOT: the images in test, train have no folders of classes: there should be test/CLASS/*.jpg"},
		{"classes of one name", "caf\u00e9/1.jpg cafe\u0301/1.jpg", "two folders are called caf\u00e9, in different forms of Unicode: rename one"},
		{"classes that are not trained", "train/a/1.jpg train/b/1.jpg val/c/1.jpg val/d/1.jpg val/a/1.jpg", "val: classes that the training images do not have: c, d; they have a, b"},
		{"one class twice in a part", "train/Cat/1.jpg train/b/1.jpg val/cat/1.jpg val/CAT/1.jpg", "are one class of the training images"},
		{"parts within the classes", "cat/train/1.jpg cat/test/2.jpg dog/train/1.jpg dog/test/2.jpg", "ROOT: cat/test and cat/train are parts within a class: the classes should be within the parts, test/cat and train/cat"},
		{"a part of another name", "train/a/1.jpg train/b/1.jpg evaluation/a/1.jpg evaluation/b/1.jpg", "ROOT: evaluation holds images of the class a, as the part train does, but its name is no part's: call it val or test, or move it elsewhere"},
		{"no images at all", "docs/a/1.txt more/2.md", "ROOT: no folders of images in it, one for each class: a data folder has CLASS/*.jpg, or train/CLASS/*.jpg and val/CLASS/*.jpg, as in cat/1.jpg and dog/1.jpg; it holds 1 .txt"},
		{"a folder around the parts, beside others", "data/train/cat/1.jpg data/test/dog/1.jpg docs/a.txt", "ROOT: the parts are within data, data/test and data/train: name that folder, ROOT/data"},
		{"labels in a table beside a folder without images", "1.jpg 2.jpg labels.csv more/a.txt", "; it holds 2 images and labels.csv, which is not read: move the images into folders by their labels"},
		{"labels in a table", "1.jpg 2.jpg labels.csv", "; it holds 2 images and labels.csv, which is not read: move the images into folders by their labels"},
		{"images of other kinds alone", "a/1.heic b/1.jpg", "a: no images in it: remove the folder, or add some; it holds 1 .heic"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{}
			for name := range strings.FieldsSeq(c.files) {
				files[name] = "x"
			}
			tree(t, root, files)
			_, err := OpenFolder(root, FolderOptions{NoCache: true})
			if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(c.err, "ROOT", root)) {
				t.Errorf("error %v: want one with %s", err, c.err)
			}
		})
	}
	root := t.TempDir()
	tree(t, root, map[string]string{"Valid/a/1.png": "", "Valid/b/1.png": ""})
	if _, err := OpenPart("folder", root, Train); !errors.Is(err, ErrNoPart) || !strings.Contains(err.Error(), "no such part as train: there is val (Valid)") {
		t.Errorf("error %v", err)
	}
}

func TestHeldOutImagesAreOfEachClass(t *testing.T) {
	labels := make([]int32, 0, 100)
	for i := range 100 { // 70 of the first class, 29 of the second, 1 of the third
		labels = append(labels, int32(min(i%10/7+i/99, 2)))
	}
	info := Info{Name: "x", Part: Train, Classes: []string{"a", "b", "c"}, Shape: image.Shape{C: 1, H: 1, W: 1}}
	pix := make([]uint8, 100)
	for i := range pix {
		pix[i] = uint8(i)
	}
	src, err := NewMemory(info, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	if got := tallied(src); got != "a 70 b 29 c 1" {
		t.Fatalf("%s", got)
	}
	rest, held, err := HoldOut(src, .1, 7)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := tallied(rest), tallied(held); a != "a 63 b 26 c 1" || b != "a 7 b 3 c 0" {
		t.Errorf("%s remain, %s are held out", a, b)
	}
	if a, b := rest.Info().String(), held.Info().String(); a != "x/train" || b != "x/val" {
		t.Errorf("called %s and %s", a, b)
	}
	seen := map[uint8]int{}
	var img image.Image
	for _, s := range []*Subset{rest, held} {
		for i := range s.Len() {
			if err := s.Image(i, &img); err != nil {
				t.Fatal(err)
			}
			seen[img.Pix[0]]++
			if s.Label(i) != int(labels[img.Pix[0]]) {
				t.Errorf("image %d has the label %d", img.Pix[0], s.Label(i))
			}
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d different images: want 100", len(seen))
	}
	sums := map[string]bool{}
	for seed := range uint64(3) {
		for range 2 {
			_, h, err := HoldOut(src, .1, seed)
			if err != nil {
				t.Fatal(err)
			}
			sum, err := h.Checksum()
			if err != nil {
				t.Fatal(err)
			}
			sums[sum] = true
		}
	}
	if len(sums) != 3 {
		t.Errorf("%d different checksums for 3 seeds", len(sums))
	}
	for _, f := range []float64{0, 1, -1} {
		if _, _, err := HoldOut(src, f, 0); err == nil || !strings.Contains(err.Error(), "should be a fraction between 0 and 1") {
			t.Errorf("fraction %v: error %v", f, err)
		}
	}
}

// Of each class the fraction is rounded, but of two images and more one stays on each side.
func TestEachClassIsOnBothSidesOfAHoldOut(t *testing.T) {
	sizes := []int{1, 2, 3, 10}
	var labels []int32
	for class, n := range sizes {
		for range n {
			labels = append(labels, int32(class))
		}
	}
	info := Info{Name: "x", Part: Train, Classes: []string{"one", "two", "three", "ten"}, Shape: image.Shape{C: 1, H: 1, W: 1}}
	src, err := NewMemory(info, make([]uint8, len(labels)), labels)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fraction float64
		held     [4]int
	}{
		{.01, [4]int{0, 1, 1, 1}}, {.14, [4]int{0, 1, 1, 1}}, {.16, [4]int{0, 1, 1, 2}}, {.25, [4]int{0, 1, 1, 3}},
		{.5, [4]int{0, 1, 2, 5}}, {.9, [4]int{0, 1, 2, 9}}, {.99, [4]int{0, 1, 2, 9}},
	} {
		rest, held, err := HoldOut(src, c.fraction, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got, left [4]int
		for i := range held.Len() {
			got[held.Label(i)]++
		}
		for i := range rest.Len() {
			left[rest.Label(i)]++
		}
		for class, n := range sizes {
			if got[class] != c.held[class] || left[class] != n-c.held[class] {
				t.Errorf("%v of %d: %d held out, %d left, want %d held out", c.fraction, n, got[class], left[class], c.held[class])
			}
		}
	}
}

func TestKnownFilesInAFolderAreRecognised(t *testing.T) {
	write := func(names ...string) string {
		dir := t.TempDir()
		for _, n := range names {
			tree(t, dir, map[string]string{n: "x"})
		}
		return dir
	}
	for want, dir := range map[string]string{
		"cifar-10":  write("data_batch_1.bin"),
		"cifar-100": write("cifar-100-binary/train.bin", "cifar-100-binary/fine_label_names.txt"),
		"folder":    write("a/1.png", "b/1.png", "train.bin"),
	} {
		if got, err := Recognise(dir); got != want || err != nil {
			t.Errorf("%s, %v: want %s", got, err, want)
		}
	}
	dir := folder(t, func(s string) string { return s })
	if _, err := Recognise(dir); err == nil || !strings.Contains(err.Error(), "could be fashion-mnist or mnist: say which, as in fashion-mnist="+dir+" or mnist="+dir) {
		t.Errorf("error %v", err)
	}
	const debian = "/usr/share/datasets/fashion-mnist"
	if _, err := os.Stat(debian); err != nil {
		t.Skip("Debian's dataset-fashion-mnist is not installed")
	}
	if got, err := Recognise(debian); got != "fashion-mnist" || err != nil {
		t.Errorf("%s, %v: want fashion-mnist", got, err)
	}
}

func TestImagesThatStandTwiceAreNamed(t *testing.T) {
	emptyCache(t)
	root := t.TempDir()
	same, other := string(dot("1.png")), string(dot("another.png"))
	tree(t, root, map[string]string{
		"train/a/1.png": same, "train/a/2.png": string(dot("2.png")), "train/a/3.png": string(dot("3.png")), "train/a/4.png": string(dot("3.png")),
		"train/b/1.png": other, "val/a/9.png": same, "val/b/1.png": string(dot("2.png")), "val/b/2.png": string(dot("longer.png")),
	})
	var parts []Verification
	for _, p := range []Part{Train, Val} {
		v, err := Verify(t.Context(), "folder", root, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, v)
	}
	list, err := Duplicates(parts)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list {
		text := fmt.Sprint(d.Parts, d.Classes)
		for _, i := range d.Images {
			rel, _ := filepath.Rel(root, i.File)
			text += " " + rel
		}
		got = append(got, text)
	}
	// Two of one class in one part are no fault.
	want := []string{"true false train/a/1.png val/a/9.png", "true true train/a/2.png val/b/1.png"}
	if !slices.Equal(got, want) {
		t.Errorf("%q: want %q", got, want)
	}
}
