package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func init() {
	sizes := map[Part]int{Train: 60000, Test: 10000}
	Register(Dataset{
		Info: Info{
			Name:    "fashion-mnist",
			Classes: []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
			Shape:   image.Shape{C: 1, H: 28, W: 28},
			Mean:    []float32{0.2860},
			Std:     []float32{0.3530},
		},
		About:   "articles of clothing, grey (Xiao, Rasul & Vollgraf, arXiv:1708.07747); Debian: dataset-fashion-mnist",
		Licence: "MIT",
		Sizes:   sizes,
		Checksums: map[Part]string{
			Train: "sha256:0342a2af800a2ea46aeb016809f423dacc1028d06625c663773ceeee1f20648c",
			Test:  "sha256:64084aeeffe18d6473690967be658dc519f69141d4bd4494e7dd8de0a1cd1c88",
		},
		Dir:       "/usr/share/datasets/fashion-mnist", // where Debian's package dataset-fashion-mnist puts it
		Recognise: hasIDX,
		Open:      func(dir string, part Part) (Source, error) { return openMNIST("fashion-mnist", dir, part) },
	})
	Register(Dataset{
		Info: Info{
			Name:    "mnist",
			Classes: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
			Shape:   image.Shape{C: 1, H: 28, W: 28},
			Mean:    []float32{0.1307},
			Std:     []float32{0.3081},
		},
		About:     "handwritten digits, grey (LeCun, Bottou, Bengio & Haffner, Proc. IEEE 86(11), 1998)",
		Licence:   "unclear",
		Sizes:     sizes,
		Recognise: hasIDX,
		Open:      func(dir string, part Part) (Source, error) { return openMNIST("mnist", dir, part) },
	})
}

// hasIDX reports whether files in MNIST's format are in a folder.
func hasIDX(dir string) bool {
	for _, stem := range []string{"train", "t10k"} {
		if _, ok := findIDX(dir, stem+"-images", "idx3-ubyte"); ok {
			return true
		}
	}
	return false
}

// openMNIST reads a part of MNIST, or of a set in its format, from the two files' usual names.
func openMNIST(name, dir string, part Part) (Source, error) {
	d, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	stem := "train"
	if part == Test {
		stem = "t10k"
	}
	images, err := readIDXFile(dir, stem+"-images", "idx3-ubyte")
	if err != nil {
		return nil, err
	}
	labels, err := readIDXFile(dir, stem+"-labels", "idx1-ubyte")
	if err != nil {
		return nil, err
	}
	info := d.Info
	info.Part = part
	m, err := NewIDX(info, images, labels)
	if err != nil {
		return nil, err // not m: a nil *Memory would be a Source that is not nil
	}
	return m, nil
}

// findIDX returns the file of a folder that is called stem-kind or, as some archives unpack it, stem.kind, with or
// without ".gz".
func findIDX(dir, stem, kind string) (path string, ok bool) {
	for _, name := range []string{stem + "-" + kind, stem + "." + kind, stem + "-" + kind + ".gz", stem + "." + kind + ".gz"} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, true
		}
	}
	return "", false
}

// readIDXFile reads the file that findIDX finds.
func readIDXFile(dir, stem, kind string) (File, error) {
	path, ok := findIDX(dir, stem, kind)
	if !ok {
		return File{}, fmt.Errorf("%s: no %s-%s or %[2]s-%[3]s.gz in the folder", dir, stem, kind)
	}
	st, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxIDX {
		return File{}, fmt.Errorf("%s: should be a regular file of at most %d bytes", path, maxIDX)
	}
	data, err := os.ReadFile(path)
	return File{path, data}, err
}
