// Package fashion embeds a piece of Fashion-MNIST: the first 10,000 training and the first 2,000 test
// images of the original files, in their order. Importing it adds 5.3 MB to a program, and
// "fashion-mnist-small" to the data sets that [datasets.Open] knows.
//
// The images are Copyright 2017 Zalando SE, under the MIT licence in the LICENSE file beside this one
// (Xiao, Rasul & Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
// Algorithms", arXiv:1708.07747).
//
// # Adding one
//
// Another embedded data set is a package like this one: its files, their licence, and a Source that its init function
// registers, so that only programs which import it carry it.
package fashion

import (
	_ "embed"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
)

// Name is what [datasets.Open] knows the embedded images by.
const Name = "fashion-mnist-small"

//go:generate go run cut.go

var (
	//go:embed train-images-idx3-ubyte.gz
	trainImages []byte
	//go:embed train-labels-idx1-ubyte.gz
	trainLabels []byte
	//go:embed t10k-images-idx3-ubyte.gz
	testImages []byte
	//go:embed t10k-labels-idx1-ubyte.gz
	testLabels []byte
	// Licence is the text that the images are under.
	//
	//go:embed LICENSE
	Licence string
)

func init() {
	whole, err := datasets.Lookup("fashion-mnist")
	if err != nil {
		panic(err) // package datasets registers it
	}
	whole.Name = Name
	whole.About = "the first images of fashion-mnist, embedded"
	whole.Sizes = map[datasets.Part]int{datasets.Train: 10000, datasets.Test: 2000}
	whole.Checksums = map[datasets.Part]string{
		datasets.Train: "sha256:f11b8c070be3f2b7b3cc6ace765e7a3af8d838f0fb101fdceac776648a1249e3",
		datasets.Test:  "sha256:ebaccf4e790358ad75444f10e527f2126eb12544cf644cf51dc35988234dee48",
	}
	whole.Embedded, whole.Dir = true, ""
	info := whole.Info
	whole.Open = func(_ string, part datasets.Part) (datasets.Source, error) { return open(info, part) }
	datasets.Register(whole)
}

// Open returns the embedded images.
func Open() (datasets.Split, error) { return datasets.Open(Name, "") }

func open(info datasets.Info, part datasets.Part) (datasets.Source, error) {
	info.Part = part
	images, labels := trainImages, trainLabels
	if part == datasets.Test {
		images, labels = testImages, testLabels
	}
	m, err := datasets.NewIDX(info,
		datasets.File{Name: fmt.Sprintf("embedded %s images", part), Data: images},
		datasets.File{Name: fmt.Sprintf("embedded %s labels", part), Data: labels})
	if err != nil {
		return nil, err
	}
	return m, nil
}
