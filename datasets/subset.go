package datasets

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Subset is some images of a source, in their order there.
type Subset struct {
	of   Source
	at   []int32
	part Part
	sum  func() (string, error)
}

// HoldOut divides a source in two: of each class the fraction becomes held, the rest remains. The fraction is rounded
// for each class, and a class of two images or more is in both. What is drawn is a function of the seed and of the
// labels' order alone. A source of numbers is one class.
func HoldOut(src Source, fraction float64, seed uint64) (rest, held *Subset, err error) {
	switch {
	case src == nil:
		return nil, nil, errNoSource
	case !(fraction > 0 && fraction < 1):
		return nil, nil, fmt.Errorf("hold out %v of %v: should be a fraction between 0 and 1", fraction, src.Info())
	case src.Len() > math.MaxInt32:
		return nil, nil, fmt.Errorf("%v: %d images: more than the %d that can be divided", src.Info(), src.Len(), math.MaxInt32)
	}
	type drawn struct {
		rank uint64
		at   int32
	}
	classes := map[int][]drawn{}
	numbers := len(src.Info().Classes) == 0
	for i := range src.Len() {
		label := src.Label(i)
		if numbers {
			label = 0
		}
		of := classes[label]
		rank := augment.SplitMix(augment.SplitMix(augment.SplitMix(seed)^uint64(label)) ^ uint64(len(of)))
		classes[label] = append(of, drawn{rank, int32(i)})
	}
	out := make([]bool, src.Len())
	n := 0
	for _, of := range classes {
		k := 0
		if len(of) > 1 {
			k = min(max(int(math.Round(float64(len(of))*fraction)), 1), len(of)-1)
		}
		slices.SortFunc(of, func(a, b drawn) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.at, b.at)) })
		for _, d := range of[:k] {
			out[d.at] = true
		}
		n += k
	}
	if n == 0 {
		return nil, nil, fmt.Errorf("%v: no class has two images: none can be held out", src.Info())
	}
	rest = &Subset{of: src, at: make([]int32, 0, src.Len()-n), part: Train}
	held = &Subset{of: src, at: make([]int32, 0, n), part: Val}
	for i, o := range out {
		if o {
			held.at = append(held.at, int32(i))
		} else {
			rest.at = append(rest.at, int32(i))
		}
	}
	rest.sum, held.sum = sync.OnceValues(rest.checksum), sync.OnceValues(held.checksum)
	return rest, held, nil
}

// Info is the source's, with the part's name.
func (s *Subset) Info() Info {
	info := s.of.Info()
	info.Part = s.part
	return info
}

// Of returns the whole.
func (s *Subset) Of() Source { return s.of }

// At returns the place of image i in the whole.
func (s *Subset) At(i int) int { return int(s.at[i]) }

// Len returns the number of images.
func (s *Subset) Len() int { return len(s.at) }

// Label returns the class of image i.
func (s *Subset) Label(i int) int {
	if within(s, i) != nil {
		return -1
	}
	return s.of.Label(int(s.at[i]))
}

// Image writes image i to dst.
func (s *Subset) Image(i int, dst *image.Image) error { return s.ImageAtLeast(i, 0, dst) }

// ImageAtLeast reads image i of the subset, as [ImageAtLeast] does.
func (s *Subset) ImageAtLeast(i, least int, dst *image.Image) error {
	if err := within(s, i); err != nil {
		return err
	}
	return ImageAtLeast(s.of, int(s.at[i]), least, dst)
}

// Path returns the file of image i; empty if the images are not in files of their own.
func (s *Subset) Path(i int) (string, error) {
	if err := within(s, i); err != nil {
		return "", err
	}
	return Path(s.of, int(s.at[i]))
}

// Notes are the source's.
func (s *Subset) Notes() []string { return Notes(s.of) }

// Checksum is the SHA-256 of the source's checksum and of the images' places in it.
func (s *Subset) Checksum() (string, error) { return s.sum() }

func (s *Subset) checksum() (string, error) {
	whole, err := s.of.Checksum()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, whole)
	for _, i := range s.at {
		h.Write([]byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// Path returns the file of image i of a source; empty if its images are not in files of their own.
func Path(src Source, i int) (string, error) {
	if p, ok := src.(interface{ Path(int) (string, error) }); ok {
		return p.Path(i)
	}
	return "", nil
}

// Notes says what was guessed, left out or replaced when a source was opened, a clause each.
func Notes(src Source) []string {
	if n, ok := src.(interface{ Notes() []string }); ok {
		return n.Notes()
	}
	return nil
}
