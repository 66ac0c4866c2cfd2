package datasets

import (
	"errors"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Part names a piece of a data set.
type Part string

// The parts of a data set. Training sees the first, and chooses its best weights by the second; the third measures
// what was chosen. Where there is no second, some of the first are held out ([HoldOut]).
const (
	Train Part = "train"
	Val   Part = "val"
	Test  Part = "test"
)

// Info is what is known of a source without looking at its images. Its slices are shared: do not
// change them.
type Info struct {
	Name    string      // of the data set
	Part    Part        // of the data set; empty if it has none
	Classes []string    // names, by label; none if the labels are numbers to be predicted
	Shape   image.Shape // of every image; H and W are 0 where images differ in size, C never is
	// Mean and Std are each channel's mean and standard deviation over the training images, pixels
	// from 0 to 1. Empty if unknown.
	Mean, Std []float32
}

// String returns the name and part, as in "mnist/train".
func (i Info) String() string {
	if i.Part == "" {
		return i.Name
	}
	return i.Name + "/" + string(i.Part)
}

// A Source is a finite list of labelled images. Its methods are safe for concurrent use and return
// the same for the same i, always. Images are numbered from 0; of one that is not there, Label is -1 and
// what returns errors returns one.
type Source interface {
	Info() Info
	// Len returns the number of images.
	Len() int
	// Label returns the class of image i, an index into Info().Classes, or the number if there are none.
	Label(i int) int
	// Image writes image i to dst, which it resets to the image's shape. It keeps no reference to dst.
	Image(i int, dst *image.Image) error
	// Checksum identifies the images, the labels and their order: "sha256:" and hexadecimal digits.
	Checksum() (string, error)
}

var errNoSource = errors.New("no images: the source is nil")

// within says why a source has no image i, or nil.
func within(src Source, i int) error {
	if n := src.Len(); i < 0 || i >= n {
		return fmt.Errorf("%v: no image %d: there are %d, from 0 on", src.Info(), i, n)
	}
	return nil
}

// A Split is a data set in its parts; those that it does not have are nil.
type Split struct {
	Train, Val, Test Source
}

// Part returns a part, or nil.
func (s Split) Part(p Part) Source {
	return map[Part]Source{Train: s.Train, Val: s.Val, Test: s.Test}[p]
}

// ImageAtLeast is [Source.Image] for an image that will be made smaller anyway: it may be smaller than it is, as long
// as its shorter side keeps that many pixels, if the source has a method of that name. That spares photographs most
// of the time and memory.
func ImageAtLeast(src Source, i, least int, dst *image.Image) error {
	if src == nil {
		return errNoSource
	}
	if s, ok := src.(interface {
		ImageAtLeast(i, least int, dst *image.Image) error
	}); ok && least > 0 {
		return s.ImageAtLeast(i, least, dst)
	}
	return src.Image(i, dst)
}
