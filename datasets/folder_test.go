package datasets

import (
	"bytes"
	"errors"
	"fmt"
	std "image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
)

// tree writes files below a folder: images of one colour each, if no text is given for them.
func tree(t testing.TB, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if text == "" && IsImageName(name) {
			text = string(dot(name))
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, root)
}

// dot is an image that tells its file's name.
func dot(name string) []byte {
	m := std.NewRGBA(std.Rect(0, 0, 3, 2))
	for i := range 6 {
		m.Set(i%3, i/3, color.RGBA{uint8(augment.SplitMix(uint64(len(name)))), name[len(name)-5], uint8(i), 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// settle makes all folders look as if nobody had touched them for an hour.
func settle(t testing.TB, root string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			err = os.Chtimes(path, old, old)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// listed returns class and path of each image, relative to the folder.
func listed(t testing.TB, src Source) (all []string) {
	t.Helper()
	f := src.(*Folder)
	for i := range f.Len() {
		path, err := f.Path(i)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(f.root, path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f.Info().Classes[f.Label(i)]+" "+filepath.ToSlash(rel))
	}
	return all
}

func TestFoldersAreReadInTheirLayouts(t *testing.T) {
	for _, c := range []struct {
		name          string
		files         []string
		train, second string
		part          Part
	}{
		{"train and val", []string{"train/dog/b.JPEG", "train/dog/a.png", "train/cat/1.gif", "val/dog/z.webp", "val/cat/2.bmp"},
			"cat train/cat/1.gif, dog train/dog/a.png, dog train/dog/b.JPEG", "cat val/cat/2.bmp, dog val/dog/z.webp", Val},
		{"train and test, of which not all classes have images", []string{"train/b/1.png", "train/a/1.png", "train/c/1.png", "test/c/1.png"},
			"a train/a/1.png, b train/b/1.png, c train/c/1.png", "c test/c/1.png", Test},
		{"folders within a class's, and what is no image", []string{"train/a/images/2.png", "train/a/1.png", "train/a/.hidden.png", "train/a/boxes.txt",
			"train/a/deep/er/0.jpg", "train/.b/1.png", "train/notes.png", "valid/a/1.png", "readme.md"},
			"a train/a/1.png, a train/a/deep/er/0.jpg, a train/a/images/2.png", "a valid/a/1.png", Val},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{}
			for _, f := range c.files {
				files[f] = ""
			}
			tree(t, root, files)
			s, err := OpenFolder(root, FolderOptions{Cache: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(listed(t, s.Train), ", "); got != c.train {
				t.Errorf("training images %s: want %s", got, c.train)
			}
			if got := strings.Join(listed(t, s.Part(c.part)), ", "); got != c.second {
				t.Errorf("%s images %s: want %s", c.part, got, c.second)
			}
			if got, want := s.Part(c.part).Info().String(), filepath.Base(root)+"/"+string(c.part); got != want {
				t.Errorf("the part is called %s, want %s", got, want)
			}
			if other := map[Part]Part{Val: Test, Test: Val}[c.part]; s.Part(other) != nil {
				t.Errorf("there is a part %s", other)
			}
		})
	}
}

func TestLinksAreFollowed(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	tree(t, elsewhere, map[string]string{"1.png": "", "2.png": ""})
	tree(t, root, map[string]string{"train/a/1.png": "", "val/a/1.png": ""})
	link := func(to, at string) {
		t.Helper()
		if err := os.Symlink(to, filepath.Join(root, at)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	link(elsewhere, "train/b")
	link(filepath.Join(elsewhere, "2.png"), "train/a/9.png")
	link(filepath.Join(elsewhere, "nowhere.png"), "train/a/8.png")
	s, err := OpenFolder(root, FolderOptions{NoCache: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(listed(t, s.Train), ", "), "a train/a/1.png, a train/a/9.png, b train/b/1.png, b train/b/2.png"; got != want {
		t.Errorf("images %s: want %s", got, want)
	}
	var img image.Image
	for i := range s.Train.Len() {
		if err := s.Train.Image(i, &img); err != nil {
			t.Error(err)
		}
	}
	if want := "train/a/8.png is a link that leads nowhere: it is left out"; !slices.Contains(Notes(s.Train), want) || slices.Contains(Notes(s.Val), want) {
		t.Errorf("notes %q, %q: want %q in the first alone", Notes(s.Train), Notes(s.Val), want)
	}
	link(filepath.Join(elsewhere, "nowhere"), "val/c") // a class of its own, were it there
	link("circle", "val/circle")
	val, err := OpenFolderPart(root, Val, FolderOptions{NoCache: true})
	if want := "2 links lead nowhere, val/c for one: they are left out"; err != nil || !slices.Contains(Notes(val), want) {
		t.Errorf("notes %q, error %v: want %q", Notes(val), err, want)
	}
	link(filepath.Join(elsewhere, "nowhere"), "test")
	if _, err := OpenFolder(root, FolderOptions{NoCache: true}); err == nil || !strings.Contains(err.Error(), filepath.Join(root, "test")+": a link that leads nowhere: mend or remove it") {
		t.Errorf("a part that is not there: error %v", err)
	}
	if err := os.Remove(filepath.Join(root, "test")); err != nil {
		t.Fatal(err)
	}
	link(filepath.Join(root, "train"), "train/a/again")
	again, err := OpenFolder(root, FolderOptions{NoCache: true})
	if err != nil || again.Train.Len() != 4 || !slices.Contains(Notes(again.Train), "train/a/again is a link to a folder that it is in: it is left out") {
		t.Errorf("a circle of links: %v, error %v", again, err)
	}
	// One that is only found out far within: each link leads into the other's folder.
	link(filepath.Join(root, "train", "b"), filepath.Join("train/a", "b"))
	link(filepath.Join(root, "train", "a"), filepath.Join("train/b", "a"))
	if _, err := OpenFolder(root, FolderOptions{NoCache: true}); err == nil || !strings.Contains(err.Error(), "more than 16 folders in each other") {
		t.Errorf("a circle of two links: error %v", err)
	}
}

func tinyTree(t testing.TB) string {
	root := t.TempDir()
	tree(t, root, map[string]string{
		"wnids.txt":                   "n02\nn01\n",
		"words.txt":                   "n00\tentity\nn01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane, lifting\n",
		"train/n01/images/n01_0.JPEG": string(dot("jpeg1")),
		"train/n01/n01_boxes.txt":     "n01_0.JPEG\t0\t0\t1\t1\n",
		"train/n02/images/n02_0.JPEG": string(dot("jpeg2")),
		"train/n03/images/n03_0.JPEG": string(dot("jpeg2")),
		"val/images/val_0.JPEG":       string(dot("jpeg3")),
		"val/images/val_1.JPEG":       string(dot("jpeg4")),
		"val/images/val_2.JPEG":       string(dot("jpeg5")),
		"val/val_annotations.txt":     "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn01\t0\t0\t63\t63\nval_2.JPEG\tn02\t0\t0\t9\t9\n",
		"test/images/test_0.JPEG":     string(dot("jpeg6")),
	})
	return root
}

func TestTinyImageNetsValidationImagesHaveTheirAnnotations(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	root := tinyTree(t)
	s, err := Open("tiny-imagenet", root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(listed(t, s.Train), ", "), "goldfish train/n01/images/n01_0.JPEG, crane (n02) train/n02/images/n02_0.JPEG, crane (n03) train/n03/images/n03_0.JPEG"; got != want {
		t.Errorf("training images %s: want %s", got, want)
	}
	if got, want := strings.Join(listed(t, s.Test), ", "), "goldfish val/images/val_1.JPEG, crane (n02) val/images/val_0.JPEG, crane (n02) val/images/val_2.JPEG"; got != want {
		t.Errorf("test images %s: want %s", got, want)
	}
	if info := s.Train.Info(); info.Shape != (image.Shape{C: 3, H: 64, W: 64}) || info.Name != "tiny-imagenet" || len(info.Mean) != 3 {
		t.Errorf("info %+v", info)
	}
	for _, c := range []struct{ annotations, err string }{
		{"val_0.JPEG n02\n", "line 1: should be a file's name and its class"},
		{"val_0.JPEG\tn02\nval_1.JPEG\tn09\n", `line 2: class "n09" is none of the training images'`},
		{"val_7.JPEG\tn02\n", `line 1: there is no file "val_7.JPEG"`},
	} {
		tree(t, root, map[string]string{"val/val_annotations.txt": c.annotations})
		if _, err := OpenPart("tiny-imagenet", root, Test); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("error %v: want one with %s", err, c.err)
		}
	}
	if _, err := Open("tiny-imagenet", t.TempDir()); err == nil || !strings.Contains(err.Error(), "not Tiny-ImageNet's folder") {
		t.Errorf("error %v", err)
	}
}

func TestAFolderThatCannotBeReadSaysWhy(t *testing.T) {
	for _, c := range []struct {
		name  string
		files []string
		opts  FolderOptions
		err   string
	}{
		{"no classes", []string{"1.png", "2.png"}, FolderOptions{}, "no folders of images in it, one for each class: a data folder has CLASS/*.jpg, or train/CLASS/*.jpg and val/CLASS/*.jpg, as in cat/1.jpg and dog/1.jpg; it holds 2 images without classes"},
		{"a class without images", []string{"train/a/1.png", "train/b/notes.txt", "val/a/1.png"}, FolderOptions{}, "train/b: no images in it: remove the folder, or add some; it holds 1 .txt"},
		{"a class that is only tested", []string{"train/a/1.png", "val/a/1.png", "val/b/1.png"}, FolderOptions{}, "val: classes that the training images do not have: b; they have a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{}
			for _, f := range c.files {
				files[f] = ""
			}
			tree(t, root, files)
			for _, no := range []bool{false, true} {
				c.opts.NoCache, c.opts.Cache = no, t.TempDir()
				s, err := OpenFolder(root, c.opts)
				if err == nil || !strings.Contains(filepath.ToSlash(err.Error()), c.err) || s.Train != nil {
					t.Errorf("error %v: want one with %s", err, c.err)
				}
				if left, _ := filepath.Glob(filepath.Join(c.opts.Cache, ".*")); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
	if _, err := OpenFolder(filepath.Join(t.TempDir(), "nowhere"), FolderOptions{NoCache: true}); err == nil {
		t.Error("a folder that does not exist is no error")
	}
}

func TestTheIndexIsKeptUntilAFolderChanges(t *testing.T) {
	root, cache := t.TempDir(), t.TempDir()
	tree(t, root, map[string]string{"train/a/1.png": "", "train/a/in/2.png": "", "train/b/1.png": "", "val/a/1.png": "", "val/b/1.png": ""})
	walked := 0
	open := func() *Folder {
		t.Helper()
		f, err := OpenFolderPart(root, Train, FolderOptions{Cache: cache, Progress: func(int) { walked++ }})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := open()
	want, err := first.Checksum()
	if err != nil || walked == 0 {
		t.Fatalf("%d folders were read, %v", walked, err)
	}
	reopen := func(name string, fresh bool) {
		t.Helper()
		walked = 0
		f := open()
		if fresh != (walked == 0) {
			t.Errorf("%s: %d folders were read", name, walked)
		}
		if sum, _ := f.Checksum(); fresh && sum != want {
			t.Errorf("%s: another checksum", name)
		}
	}
	reopen("nothing changed", true)
	for _, dir := range []string{"train", "train/a", "train/a/in", "."} {
		now := time.Now().Add(-time.Minute)
		if err := os.Chtimes(filepath.Join(root, dir), now, now); err != nil {
			t.Fatal(err)
		}
		reopen(dir+" changed", false)
		reopen(dir+" changed a while ago", true)
	}
	now := time.Now()
	if err := os.Chtimes(filepath.Join(root, "train/a"), now, now); err != nil {
		t.Fatal(err)
	}
	reopen("a folder changed", false)
	reopen("a folder changed just before it was read, and may have right after", false)
	settle(t, root)
	reopen("settled", false)
	if err := os.WriteFile(filepath.Join(root, "train/b/9.png"), dot("9.png"), 0o666); err != nil {
		t.Fatal(err)
	}
	if f := open(); f.Len() != 4 || f.Label(3) != 1 {
		t.Errorf("%d images after one was added: want 4", f.Len())
	}
	settle(t, root)
	open()

	files, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v in the cache, %v: want one index", files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(files[0], whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		reopen(fmt.Sprintf("an index cut to %d bytes", n), false)
		want, _ = open().Checksum()
		reopen("mended", true)
	}
	// A cache that cannot be written is done without.
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cache, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if f := open(); f.Len() != 4 || f.cache != "" {
		t.Errorf("%d images with the index in %q: want 4 in memory", f.Len(), f.cache)
	}
}

func TestAFoldersChecksumIsThatOfNamesAndSizes(t *testing.T) {
	sum := func(change func(root string)) string {
		root := t.TempDir()
		tree(t, root, map[string]string{"train/a/1.png": "x", "train/b/1.png": "xx", "val/a/1.png": "y"})
		change(root)
		f, err := OpenFolderPart(root, Train, FolderOptions{NoCache: true})
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Checksum()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	rename := func(from, to string) func(string) {
		return func(root string) {
			if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	same := sum(func(string) {})
	if sum(func(root string) { tree(t, root, map[string]string{"val/b/2.png": "zzz", "train/notes.txt": "z"}) }) != same {
		t.Error("what is no training image changes the checksum")
	}
	for name, change := range map[string]func(string){
		"another name":  rename("train/a/1.png", "train/a/2.png"),
		"another class": rename("train/b", "train/c"),
		"another size":  func(root string) { tree(t, root, map[string]string{"train/a/1.png": "xxx"}) },
		"one more":      func(root string) { tree(t, root, map[string]string{"train/a/2.png": "x"}) },
	} {
		if sum(change) == same {
			t.Errorf("%s has the same checksum", name)
		}
	}
}

func TestAFoldersImagesAreDecodedAndTheBrokenOnesNamed(t *testing.T) {
	root, cache := t.TempDir(), t.TempDir()
	tree(t, root, map[string]string{"a/1.png": "", "a/2.png": "", "a/3.png": "no image", "b/1.png": "", "b/4.png": "", "b/5.png": ""})
	f, err := OpenFolderPart(root, Train, FolderOptions{Cache: cache})
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range listed(t, f) {
		at[name[2:]] = i
	}
	if len(at) != 6 {
		t.Fatalf("%d images: want 6", len(at))
	}
	var img, want image.Image
	for name, i := range at {
		err := f.Image(i, &img)
		if name == "a/3.png" {
			if !errors.Is(err, image.ErrBroken) || !strings.HasPrefix(err.Error(), filepath.Join(root, name)+": broken image: no image format that is known") {
				t.Errorf("error %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := codec.Decode(dot(name), &want); err != nil {
			t.Fatal(err)
		}
		if img.Shape != (image.Shape{C: 3, H: 2, W: 3}) || !bytes.Equal(img.Pix, want.Pix) {
			t.Errorf("%s is decoded otherwise", name)
		}
	}
	l := newLoader(t, f, Config{Batch: 6, Input: Input{Shape: image.Shape{C: 3, H: 4, W: 4}}, Skip: LeaveOut})
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		if err != nil || b.N != 5 {
			t.Errorf("a batch of %d, %v: want 5", b.N, err)
		}
	}
	if b := l.Broken(); len(b) != 1 || b[0].Index != at["a/3.png"] {
		t.Errorf("broken: %v", b)
	}
	// A file that is gone is one image's matter, one that has changed is everybody's.
	var name string
	for n := range at {
		if strings.HasPrefix(n, "b/") {
			name = n
		}
	}
	if err := os.WriteFile(filepath.Join(root, name), append(dot(name), 0), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := f.Image(at[name], &img); err == nil || errors.Is(err, image.ErrBroken) || !strings.Contains(err.Error(), "has changed since the folder was indexed") || exists(f.cache) {
		t.Errorf("error %v; the index is still there: %v", err, exists(f.cache))
	}
	if err := os.Remove(filepath.Join(root, name)); err != nil {
		t.Fatal(err)
	}
	if err := f.Image(at[name], &img); !errors.Is(err, image.ErrBroken) || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v", err)
	}
}

// indexOf writes an index of that many images to memory.
func indexOf(t testing.TB, images int) []byte {
	t.Helper()
	var file memoryFile
	head := indexHead{Of: "a test", Built: 1, Classes: []string{"a", "b", "c"}, Watched: []indexedPath{{".", 1, 2}, {"a", 3, 4}, {"b/c", 5, 6}}}
	x := newIndexWriter(&file, head)
	for i := range images {
		if err := x.add(2*i/max(images, 1), i%3, fmt.Sprintf("%x.png", augment.SplitMix(uint64(i))>>(i%50)), int64(i)<<(i%40)); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.finish(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestAnIndexGivesBackWhatWasAdded(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 1000} {
		file := indexOf(t, n)
		x, err := readIndex(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		if x.images() != n || len(x.First) != 4 || x.First[3] != n {
			t.Fatalf("%d images, classes begin at %v", x.images(), x.First)
		}
		f := &Folder{index: x}
		var room []byte
		for _, i := range slices.Concat([]int{n - 1, 0}, slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})) {
			if n == 0 {
				break
			}
			path, size, err := x.entry(i, &room)
			want := filepath.Join([]string{".", "a", "b/c"}[i%3], fmt.Sprintf("%x.png", augment.SplitMix(uint64(i))>>(i%50)))
			if err != nil || path != want || size != int64(i)<<(i%40) || f.Label(i) != 2*i/n {
				t.Fatalf("image %d is %s of %d bytes, class %d, %v: want %s", i, path, size, f.Label(i), err, want)
			}
		}
	}
}

func TestADamagedIndexIsNoticed(t *testing.T) {
	file := indexOf(t, 200)
	for at := range file {
		bad := bytes.Clone(file)
		bad[at] ^= 0x10
		x, err := readIndex(bytes.NewReader(bad), int64(len(bad)))
		if err == nil {
			var room []byte
			for i := 0; i < x.images() && err == nil; i++ {
				_, _, err = x.entry(i, &room)
			}
		}
		if err == nil {
			t.Fatalf("a wrong byte at %d of %d is not noticed", at, len(file))
		}
	}
}

func FuzzReadIndex(f *testing.F) {
	for _, n := range []int{0, 1, 64, 130} {
		f.Add(indexOf(f, n))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		file = bytes.Clone(file)
		mend(file) // so that not everything ends at a checksum
		x, err := readIndex(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		folder := &Folder{index: x}
		var room []byte
		for i := range min(x.images(), 1000) {
			if l := folder.Label(i); l < 0 || l >= len(x.Classes) {
				t.Fatalf("label %d of %d classes", l, len(x.Classes))
			}
			path, size, err := x.entry(i, &room)
			if err == nil && (!filepath.IsLocal(path) || size < 0) {
				t.Fatalf("image %d is %q of %d bytes", i, path, size)
			}
		}
		if len(room) > maxBlock {
			t.Errorf("%d bytes for a block", len(room))
		}
	})
}
