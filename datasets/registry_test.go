package datasets

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestAnUnknownDataSetGetsTheNearestName(t *testing.T) {
	for _, c := range []struct{ name, err string }{
		{"fashion-mnits", `unknown data set "fashion-mnits": did you mean "fashion-mnist"?`},
		{"Fashion-MNIST", `unknown data set "Fashion-MNIST": did you mean "fashion-mnist"?`},
		{"minst", `unknown data set "minst": did you mean "mnist"?`},
		{"", `unknown data set "": known are cifar-10, cifar-100, fashion-mnist, `},
		{"imagenet-of-dogs", `unknown data set "imagenet-of-dogs": known are cifar-10, cifar-100, fashion-mnist, `},
	} {
		_, err := Open(c.name, t.TempDir())
		if err == nil || !strings.HasPrefix(err.Error(), c.err) || !errors.Is(err, ErrUnknown) {
			t.Errorf("error %v: want %s", err, c.err)
		}
	}
}

func TestRegisterPanicsIfTheNameIsTaken(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	d, err := Lookup("mnist")
	if err != nil {
		t.Fatal(err)
	}
	Register(d)
}

// folder writes a data set's files: two training images and one test image of 28×28.
func folder(t *testing.T, rename func(string) string) string {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"train-images-idx3-ubyte": idx(make([]byte, 2*784), 2, 28, 28),
		"train-labels-idx1-ubyte": idx([]byte{3, 9}, 2),
		"t10k-images-idx3-ubyte":  idx(make([]byte, 784), 1, 28, 28),
		"t10k-labels-idx1-ubyte":  idx([]byte{1}, 1),
	} {
		if name = rename(name); strings.HasSuffix(name, ".gz") {
			data = pack(data)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenReadsTheFourFilesByTheirUsualNames(t *testing.T) {
	for _, name := range []string{"mnist", "fashion-mnist"} {
		for form, rename := range map[string]func(string) string{
			"plain":              func(s string) string { return s },
			"packed":             func(s string) string { return s + ".gz" },
			"named with a point": func(s string) string { return strings.Replace(s, "-idx", ".idx", 1) },
		} {
			t.Run(name+", "+form, func(t *testing.T) {
				s, err := Open(name, folder(t, rename))
				if err != nil {
					t.Fatal(err)
				}
				if s.Train.Len() != 2 || s.Test.Len() != 1 || s.Train.Label(1) != 9 || s.Test.Label(0) != 1 {
					t.Errorf("got %d and %d images", s.Train.Len(), s.Test.Len())
				}
				if got := s.Test.Info().String(); got != name+"/test" {
					t.Errorf("the test part is called %s", got)
				}
			})
		}
	}
}

func TestOpenNamesTheFileThatIsMissingOrBad(t *testing.T) {
	emptyCache(t)
	dir := folder(t, func(s string) string { return s + ".gz" })
	labels := filepath.Join(dir, "t10k-labels-idx1-ubyte.gz")
	if err := os.Truncate(labels, 20); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, err string }{
		{"a damaged file", dir, labels + ": "},
		{"an empty folder", t.TempDir(), "no train-images-idx3-ubyte or train-images-idx3-ubyte.gz in the folder"},
		{"no folder", "", "mnist: its files are not in "},
		{"a file for a folder", labels, "not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Open("mnist", c.dir)
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %q", err, c.err)
			}
			if s.Train != nil || s.Test != nil {
				t.Error("sources beside the error")
			}
		})
	}
	if _, err := OpenPart("mnist", dir, "validation"); err == nil || !strings.Contains(err.Error(), `mnist: no such part as "validation": there is train, test`) {
		t.Errorf("error %v", err)
	}
}

// whole opens the installed Fashion-MNIST, or skips the test.
func whole(t *testing.T) Split {
	t.Helper()
	d, err := Lookup("fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Dir); err != nil {
		t.Skip("Fashion-MNIST is not installed (Debian: apt install dataset-fashion-mnist):", err)
	}
	s, err := Open("fashion-mnist", "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheInstalledFashionMNISTIsThePublishedOne(t *testing.T) {
	s := whole(t)
	if s.Train.Len() != 60000 || s.Test.Len() != 10000 {
		t.Errorf("%d training and %d test images", s.Train.Len(), s.Test.Len())
	}
	for part, want := range map[Source]string{
		s.Train: "sha256:0342a2af800a2ea46aeb016809f423dacc1028d06625c663773ceeee1f20648c",
		s.Test:  "sha256:64084aeeffe18d6473690967be658dc519f69141d4bd4494e7dd8de0a1cd1c88",
	} {
		if got, err := part.Checksum(); err != nil || got != want {
			t.Errorf("%v: checksum %s, error %v: want %s", part.Info(), got, err, want)
		}
	}
	mean, std := moments(t, s.Train)
	info := s.Train.Info()
	if math.Abs(mean-float64(info.Mean[0])) > 5e-5 || math.Abs(std-float64(info.Std[0])) > 5e-5 {
		t.Errorf("mean %.5f and deviation %.5f: the data set says %v and %v", mean, std, info.Mean, info.Std)
	}
}

func moments(t *testing.T, src Source) (mean, std float64) {
	var img image.Image
	var n, sum, squares float64
	for i := range src.Len() {
		if err := src.Image(i, &img); err != nil {
			t.Fatal(err)
		}
		for _, p := range img.Pix {
			sum += float64(p)
			squares += float64(p) * float64(p)
		}
		n += float64(len(img.Pix))
	}
	mean = sum / n
	return mean / 255, math.Sqrt(squares/n-mean*mean) / 255
}

func TestNewMemoryRefusesWhatDoesNotFit(t *testing.T) {
	info := Info{Name: "x", Classes: []string{"a"}, Shape: image.Shape{C: 1, H: 2, W: 2}}
	flat := info
	flat.Shape.W = 0
	for _, c := range []struct {
		name   string
		info   Info
		pix    int
		labels []int32
		err    string
	}{
		{"images of no width", flat, 0, []int32{0}, "x: image shape 1×2×0"},
		{"too few pixels", info, 7, []int32{0, 0}, "x: 7 bytes of pixels for 2 labels of 1×2×2 images: should be 8"},
		{"a label above the classes", info, 4, []int32{1}, "x: label 1 of image 0: should be 0 to 0"},
		{"a label below 0", info, 4, []int32{-1}, "x: label -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewMemory(c.info, make([]uint8, c.pix), c.labels); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %q", err, c.err)
			}
		})
	}
}

func TestChecksumsTellSourcesApart(t *testing.T) {
	classes := []string{"a", "b"}
	seen := map[string]int{}
	for i, c := range []struct {
		shape  image.Shape
		pix    string
		labels []int32
	}{
		{image.Shape{C: 1, H: 2, W: 2}, "abcdefgh", []int32{0, 1}},
		{image.Shape{C: 1, H: 2, W: 2}, "efghabcd", []int32{1, 0}},
		{image.Shape{C: 1, H: 2, W: 2}, "abcdefgh", []int32{1, 0}},
		{image.Shape{C: 1, H: 2, W: 2}, "abcdefgi", []int32{0, 1}},
		{image.Shape{C: 2, H: 2, W: 1}, "abcdefgh", []int32{0, 1}},
	} {
		m, err := NewMemory(Info{Name: "x", Classes: classes, Shape: c.shape}, []uint8(c.pix), c.labels)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := m.Checksum()
		if err != nil {
			t.Fatal(err)
		}
		if j, ok := seen[sum]; ok {
			t.Errorf("sources %d and %d have the same checksum", j, i)
		}
		seen[sum] = i
	}
}
