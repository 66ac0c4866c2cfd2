package datasets

import (
	"bytes"
	"errors"
	std "image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// records makes images in CIFAR's binary format, each of the bytes of its labels and pixels that tell it apart.
func records(labels ...string) []byte {
	var file []byte
	for i, l := range labels {
		file = append(file, l...)
		for j := range cifarPixels {
			file = append(file, uint8(augment.SplitMix(uint64(i)<<32|uint64(j))))
		}
	}
	return file
}

// cifarFolder writes a set's files: two images in each of CIFAR-10's, or CIFAR-100's.
func cifarFolder(t *testing.T, name string) string {
	dir := t.TempDir()
	files := map[string][]byte{}
	switch name {
	case "cifar-10":
		for i := range 5 {
			files["data_batch_"+string(rune('1'+i))+".bin"] = records(string(rune(i)), string(rune(i+5)))
		}
		files["test_batch.bin"] = records("\x03", "\x08")
	case "cifar-100":
		files["train.bin"] = records("\x13\x63", "\x00\x01")
		files["test.bin"] = records("\x05\x07", "\x04\x00", "\x01\x3e")
	}
	for file, data := range files {
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func labelsOf(src Source) (all []int) {
	for i := range src.Len() {
		all = append(all, src.Label(i))
	}
	return all
}

func TestOpenReadsCIFAR(t *testing.T) {
	for _, c := range []struct {
		name        string
		folder      string
		train, test []int
		class       string // of the first test image
	}{
		{"cifar-10", "cifar-10-batches-bin", []int{0, 5, 1, 6, 2, 7, 3, 8, 4, 9}, []int{3, 8}, "cat"},
		{"cifar-100", "cifar-100-binary", []int{99, 1}, []int{7, 0, 62}, "beetle"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := cifarFolder(t, c.name)
			check := func(dir string) Split {
				t.Helper()
				s, err := Open(c.name, dir)
				if err != nil {
					t.Fatal(err)
				}
				if got := labelsOf(s.Train); !slices.Equal(got, c.train) {
					t.Errorf("training labels %v: want %v", got, c.train)
				}
				if got := labelsOf(s.Test); !slices.Equal(got, c.test) {
					t.Errorf("test labels %v: want %v", got, c.test)
				}
				var img image.Image
				for i := range s.Train.Len() {
					if err := s.Train.Image(i, &img); err != nil {
						t.Fatal(err)
					}
					// The pixels of the record, of which each file has two, behind its label.
					if want := records("", "")[i%2*cifarPixels:][:cifarPixels]; img.Shape != (image.Shape{C: 3, H: 32, W: 32}) || !bytes.Equal(img.Pix, want) {
						t.Errorf("image %d has other pixels than its file", i)
					}
				}
				return s
			}
			s := check(dir)
			if info := s.Test.Info(); info.Classes[s.Test.Label(0)] != c.class || info.String() != c.name+"/test" || len(info.Mean) != 3 {
				t.Errorf("info %+v", info)
			}
			outer := t.TempDir()
			if err := os.Rename(dir, filepath.Join(outer, c.folder)); err != nil {
				t.Fatal(err)
			}
			check(outer)
		})
	}
}

func TestCIFARTakesTheClassNamesOfItsFile(t *testing.T) {
	dir := cifarFolder(t, "cifar-10")
	for _, c := range []struct{ name, file, err string }{
		{"as published, with an empty line at the end", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n", ""},
		{"with the line ends of Windows", "a\r\nb\r\nc\r\nd\r\ne\r\nf\r\ng\r\nh\r\ni\r\nj\r\n", ""},
		{"a name too few", "a\nb\nc\nd\ne\nf\ng\nh\ni\n", "9 lines: should be 10"},
		{"a name twice", "a\nb\nc\nd\ne\nf\ng\nh\ni\na\n", `line 10 is "a"`},
		{"an empty name", "a\nb\nc\n\ne\nf\ng\nh\ni\na\n", `line 4 is ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, "batches.meta.txt")
			if err := os.WriteFile(path, []byte(c.file), 0o666); err != nil {
				t.Fatal(err)
			}
			src, err := OpenPart("cifar-10", dir, Test)
			if c.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v: want one with %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(src.Info().Classes, ""); got != "abcdefghij" {
				t.Errorf("classes %s", got)
			}
		})
	}
}

func TestCIFARNamesTheFileThatIsMissingOrBad(t *testing.T) {
	for _, c := range []struct {
		name, file string
		change     func(path string) error
		err        string
	}{
		{"a file cut within an image", "data_batch_2.bin", func(p string) error { return os.Truncate(p, 5000) }, "data_batch_2.bin: 5000 bytes, and data_batch_1.bin has 6146"},
		{"a file cut between images", "data_batch_5.bin", func(p string) error { return os.Truncate(p, 3073) }, "data_batch_5.bin: 3073 bytes, and"},
		{"the only file cut", "test_batch.bin", func(p string) error { return os.Truncate(p, 6145) }, "test_batch.bin: 6145 bytes: no whole number of images"},
		{"an empty file", "test_batch.bin", func(p string) error { return os.Truncate(p, 0) }, "test_batch.bin: empty"},
		{"a file missing", "data_batch_3.bin", os.Remove, "data_batch_3.bin"},
		{"the first file missing", "data_batch_1.bin", os.Remove, "no data_batch_1.bin in the folder, and no folder cifar-10-batches-bin"},
		{"a wrong label", "test_batch.bin", func(p string) error { return os.WriteFile(p, records("\x00", "\x0a"), 0o666) }, "test_batch.bin: label 10 of image 1: should be 0 to 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := cifarFolder(t, "cifar-10")
			if err := c.change(filepath.Join(dir, c.file)); err != nil {
				t.Fatal(err)
			}
			s, err := Open("cifar-10", dir)
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %q", err, c.err)
			}
			if s.Train != nil || s.Test != nil {
				t.Error("sources beside the error")
			}
		})
	}
	t.Run("a coarse label beyond its classes", func(t *testing.T) {
		dir := cifarFolder(t, "cifar-100")
		if err := os.WriteFile(filepath.Join(dir, "test.bin"), records("\x14\x01"), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenPart("cifar-100", dir, Test); err == nil || !strings.Contains(err.Error(), "label 20 of image 0: should be 0 to 19") {
			t.Errorf("error %v", err)
		}
	})
}

func FuzzDecodeCIFAR(f *testing.F) {
	f.Add(records("\x03", "\x09"), false)
	f.Add(records("\x03\x63", "\x13\x00"), true)
	f.Fuzz(func(t *testing.T, file []byte, hundred bool) {
		classes := []int{10}
		if hundred {
			classes = []int{20, 100}
		}
		before := bytes.Clone(file)
		pix, labels, err := decodeCIFAR(file, classes)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		if len(labels) == 0 || len(pix) != len(labels)*cifarPixels || len(pix)+len(classes)*len(labels) != len(before) {
			t.Fatalf("%d labels and %d pixels out of %d bytes", len(labels), len(pix), len(before))
		}
		for i, l := range labels {
			one := before[i*(cifarPixels+len(classes)):]
			if int(one[len(classes)-1]) != int(l) || !bytes.Equal(one[len(classes):][:cifarPixels], pix[i*cifarPixels:][:cifarPixels]) {
				t.Fatalf("image %d is not what the file holds", i)
			}
		}
	})
}

// wholeCIFAR10 opens the real data set below the folder that ZOO_TESTDATA names, in its original files
// or in lossless sheets of 100 images a row, or skips the test.
func wholeCIFAR10(t *testing.T) Split {
	t.Helper()
	root := os.Getenv("ZOO_TESTDATA")
	if root == "" {
		t.Skip("the environment variable ZOO_TESTDATA does not name a folder with cifar10")
	}
	if testing.Short() {
		t.Skip("reads and unpacks a whole data set")
	}
	dir := filepath.Join(root, "cifar10")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no CIFAR-10 where ZOO_TESTDATA points to:", err)
	}
	if sheets, _ := filepath.Glob(filepath.Join(dir, "*.webp")); len(sheets) > 0 {
		to := t.TempDir()
		for _, s := range sheets {
			if err := unpackSheet(strings.TrimSuffix(s, ".webp"), to); err != nil {
				t.Fatal(err)
			}
		}
		dir = to
	}
	s, err := Open("cifar-10", dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// unpackSheet writes the images of stem.webp, with the labels of stem.labels, as a file of CIFAR.
func unpackSheet(stem, to string) error {
	labels, err := os.ReadFile(stem + ".labels")
	if err != nil {
		return err
	}
	in, err := os.Open(stem + ".webp")
	if err != nil {
		return err
	}
	defer in.Close()
	decoded, err := webp.Decode(in)
	if err != nil {
		return err
	}
	sheet, ok := decoded.(*std.NRGBA)
	if !ok {
		return errors.New(stem + ".webp is not lossless")
	}
	file := make([]byte, 0, len(labels)*(1+cifarPixels))
	for i, l := range labels {
		file = append(file, l)
		at := sheet.PixOffset(i%100*32, i/100*32)
		for c := range 3 {
			for y := range 32 {
				row := sheet.Pix[at+y*sheet.Stride+c:]
				for x := range 32 {
					file = append(file, row[4*x])
				}
			}
		}
	}
	return os.WriteFile(filepath.Join(to, filepath.Base(stem)+".bin"), file, 0o666)
}

func TestTheWholeCIFAR10IsThePublishedOne(t *testing.T) {
	s := wholeCIFAR10(t)
	info := s.Train.Info()
	for src, each := range map[Source]int{s.Train: 5000, s.Test: 1000} {
		count := make([]int, 10)
		for i := range src.Len() {
			count[src.Label(i)]++
		}
		for l, n := range count {
			if n != each {
				t.Errorf("%v: %d images of %s: want %d", src.Info(), n, info.Classes[l], each)
			}
		}
	}
	mean, std, err := ComputeNormalisation(s.Train, s.Train.Len())
	if err != nil {
		t.Fatal(err)
	}
	for c := range 3 {
		if math.Abs(float64(mean[c]-info.Mean[c])) > 5e-5 || math.Abs(float64(std[c]-info.Std[c])) > 1e-4 {
			t.Errorf("channel %d: mean %.5f and deviation %.5f: the data set says %v and %v", c, mean[c], std[c], info.Mean[c], info.Std[c])
		}
	}
}
