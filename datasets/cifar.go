package datasets

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// cifarPixels is the size of an image of CIFAR: 3×32×32.
const cifarPixels = 3 * 32 * 32

// cifar says how one of the two sets is laid out (https://www.cs.toronto.edu/~kriz/cifar.html, "binary version").
type cifar struct {
	folder string   // what the original archive unpacks to
	labels []int    // number of classes of each label byte before the pixels; the last is the one that is taken
	train  []string // the files of the parts
	test   []string
	names  string // the file of the class names
}

func init() {
	const about = "(Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009)"
	register := func(name, about string, classes []string, mean, std []float32, c cifar) {
		info := Info{Name: name, Classes: classes, Shape: image.Shape{C: 3, H: 32, W: 32}, Mean: mean, Std: std}
		Register(Dataset{
			Info:      info,
			About:     about,
			Licence:   "unclear",
			Sizes:     map[Part]int{Train: 50000, Test: 10000},
			Recognise: c.in,
			Open:      func(dir string, part Part) (Source, error) { return c.open(info, dir, part) },
		})
	}
	register("cifar-10", "photographs of ten kinds of things, colour "+about,
		strings.Fields("airplane automobile bird cat deer dog frog horse ship truck"),
		[]float32{.4914, .4822, .4465}, []float32{.2470, .2435, .2616},
		cifar{
			folder: "cifar-10-batches-bin",
			labels: []int{10},
			train:  []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
			test:   []string{"test_batch.bin"},
			names:  "batches.meta.txt",
		})
	register("cifar-100", "photographs of a hundred kinds of things, colour "+about,
		strings.Fields(`apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
			castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
			forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
			mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
			possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
			sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree
			wolf woman worm`),
		[]float32{.5071, .4865, .4409}, []float32{.2673, .2564, .2762},
		cifar{
			folder: "cifar-100-binary",
			labels: []int{20, 100}, // the coarse classes, and the fine ones
			train:  []string{"train.bin"},
			test:   []string{"test.bin"},
			names:  "fine_label_names.txt",
		})
}

// in reports whether the original files are in a folder, or in the one below it that their archive unpacks to.
func (c cifar) in(dir string) bool {
	for _, dir := range []string{dir, filepath.Join(dir, c.folder)} {
		if !exists(filepath.Join(dir, c.train[0])) && !exists(filepath.Join(dir, c.test[0])) {
			continue
		}
		// CIFAR-100's files have names that say little.
		if c.train[0] != "train.bin" || exists(filepath.Join(dir, c.names)) {
			return true
		}
	}
	return false
}

// open reads a part from the folder of the original files, or the one above it. The class names are
// those of the file beside the images; without it, the ones that are known.
func (c cifar) open(info Info, dir string, part Part) (Source, error) {
	info.Part = part
	files := c.train
	if part == Test {
		files = c.test
	}
	if _, err := os.Stat(filepath.Join(dir, files[0])); errors.Is(err, fs.ErrNotExist) {
		inner := filepath.Join(dir, c.folder)
		if _, err := os.Stat(inner); err != nil {
			return nil, fmt.Errorf("%s: no %s in the folder, and no folder %s", dir, files[0], c.folder)
		}
		dir = inner
	}
	names, err := readClassNames(filepath.Join(dir, c.names), len(info.Classes))
	if err == nil {
		info.Classes = names
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}

	sizes := make([]int, len(files))
	total := 0
	for i, name := range files {
		path := filepath.Join(dir, name)
		st, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !st.Mode().IsRegular() || st.Size() > math.MaxInt32-int64(total) {
			return nil, fmt.Errorf("%s: should be a regular file, all of them together at most %d bytes", path, math.MaxInt32)
		}
		// A file that was cut between two images looks whole by itself.
		if sizes[i] = int(st.Size()); sizes[i] != sizes[0] {
			return nil, fmt.Errorf("%s: %d bytes, and %s has %d: they should be alike", path, sizes[i], files[0], sizes[0])
		}
		total += sizes[i]
	}
	// All files into one slice, which is also the one that the pixels stay in.
	all := make([]byte, total)
	var pix []byte
	var labels []int32
	for i, name := range files {
		path := filepath.Join(dir, name)
		data := all[:sizes[i]]
		all = all[sizes[i]:]
		if err := readExactly(path, data); err != nil {
			return nil, err
		}
		p, l, err := decodeCIFAR(data, c.labels)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if pix == nil {
			pix = p[:0:total]
		}
		pix = append(pix, p...) // in place, towards the front
		labels = append(labels, l...)
	}
	m, err := NewMemory(info, pix, labels)
	if err != nil {
		return nil, err // not m: a nil *Memory would be a Source that is not nil
	}
	return m, nil
}

// readExactly fills data with a file that was that long when it was looked at.
func readExactly(path string, data []byte) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.ReadFull(f, data); err != nil {
		return fmt.Errorf("%s: %w", path, plainEOF(err))
	}
	return nil
}

// decodeCIFAR reads images of CIFAR's binary format: a byte for each kind of label, then 3×32×32
// bytes of red, green and blue planes. The pixels are moved together within the file's own memory;
// the labels are those of the last kind. Classes are the number of each kind.
func decodeCIFAR(file []byte, classes []int) (pix []byte, labels []int32, err error) {
	record := len(classes) + cifarPixels
	n := len(file) / record
	switch rest := len(file) % record; {
	case len(file) == 0:
		return nil, nil, errors.New("empty: should hold images")
	case rest != 0:
		return nil, nil, fmt.Errorf("%d bytes: no whole number of images, which have %d each: %d bytes too many, or %d too few", len(file), record, rest, record-rest)
	}
	labels = make([]int32, n)
	for i := range n {
		one := file[i*record : (i+1)*record]
		for k, limit := range classes {
			if int(one[k]) >= limit {
				return nil, nil, fmt.Errorf("label %d of image %d: should be 0 to %d (is it the binary version of the right set?)", one[k], i, limit-1)
			}
		}
		labels[i] = int32(one[len(classes)-1])
		copy(file[i*cifarPixels:], one[len(classes):])
	}
	return file[:n*cifarPixels], labels, nil
}

// readClassNames reads n different names, one a line; empty lines at the end do not count.
func readClassNames(path string, n int) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > 1<<20 {
		return nil, fmt.Errorf("%s: should be a regular file of at most 1 MiB", path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimRight(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n"), "\n")
	if len(names) != n {
		return nil, fmt.Errorf("%s: %d lines: should be %d, a class name each", path, len(names), n)
	}
	seen := map[string]bool{}
	for i, name := range names {
		if name == "" || strings.TrimSpace(name) != name || seen[name] {
			return nil, fmt.Errorf("%s: line %d is %q: should be a name that no other line has", path, i+1, name)
		}
		seen[name] = true
	}
	return names, nil
}
