package datasets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A Verification is what reading every image of a part has shown.
type Verification struct {
	Part   Part
	Images int // that the part has, broken ones included
	// Want is the number of images that the data set should have; 0 if it is not known.
	Want int
	// Classes is the number of images in each class, by label.
	Classes []int
	// Checksum is the source's, and Published what it should be; empty if it is not known.
	Checksum, Published string
	Broken              []BrokenImage
	// Notes say what was guessed, left out or replaced.
	Notes []string

	src  Source
	sums []pixelSum // of each image; zero if it is broken
}

// A pixelSum tells images apart by their size and pixels.
type pixelSum [16]byte

// A Duplicate is a list of images with the same pixels that stand in several parts, or in several classes.
type Duplicate struct {
	Images []VerifiedImage
	// Parts and Classes say which of them differ.
	Parts, Classes bool
}

// A VerifiedImage says where an image is.
type VerifiedImage struct {
	Part  Part
	Index int
	Class string
	File  string // empty if it is not in a file of its own
}

func (i VerifiedImage) String() string {
	if i.File != "" {
		return i.File
	}
	return fmt.Sprintf("%s image %d (%s)", i.Part, i.Index, i.Class)
}

// Duplicates returns the images that stand in two parts, where a network is tested on what it was trained on, or in
// two classes, of which one must be wrong. Images are the same if all of their pixels are.
func Duplicates(parts []Verification) ([]Duplicate, error) {
	type place struct{ part, index int }
	at := map[pixelSum][]place{}
	for p, v := range parts {
		for i, sum := range v.sums {
			if sum != (pixelSum{}) {
				at[sum] = append(at[sum], place{p, i})
			}
		}
	}
	var list []Duplicate
	for p, v := range parts { // in the order of their first images
		for i, sum := range v.sums {
			places := at[sum]
			if len(places) < 2 || places[0] != (place{p, i}) {
				continue
			}
			var d Duplicate
			for _, at := range places {
				src := parts[at.part].src
				d.Parts = d.Parts || at.part != p
				d.Classes = d.Classes || src.Label(at.index) != v.src.Label(i)
			}
			if !d.Parts && !d.Classes {
				continue
			}
			for _, at := range places {
				one := VerifiedImage{Part: parts[at.part].Part, Index: at.index}
				src := parts[at.part].src
				if l, names := src.Label(at.index), src.Info().Classes; l >= 0 && l < len(names) {
					one.Class = names[l]
				}
				var err error
				if one.File, err = Path(src, at.index); err != nil {
					return nil, err
				}
				d.Images = append(d.Images, one)
			}
			list = append(list, d)
		}
	}
	return list, nil
}

// Err says what is wrong with the part, or nil. It wraps [image.ErrBroken] if images are broken.
func (v Verification) Err() error {
	var errs []error
	if v.Want > 0 && v.Images != v.Want {
		errs = append(errs, fmt.Errorf("%s: %d images: should be %d", v.Part, v.Images, v.Want))
	}
	if v.Published != "" && v.Checksum != v.Published {
		errs = append(errs, fmt.Errorf("%s: checksum %s: should be %s", v.Part, v.Checksum, v.Published))
	}
	if n := len(v.Broken); n > 0 {
		errs = append(errs, fmt.Errorf("%s: %d of %d images cannot be read: %w", v.Part, n, v.Images, image.ErrBroken))
	}
	return errors.Join(errs...)
}

// Verify reads every image of one part of a data set, opened as [OpenPart] does, and compares what it
// finds with what is known of the data set. Broken images are listed; the error is for what
// ends the reading. progress, if not nil, is called from several goroutines, now and then, with the
// number of images read.
func Verify(ctx context.Context, name, dir string, part Part, progress func(done, of int)) (Verification, error) {
	v, err := verify(ctx, name, dir, part, progress)
	if errors.Is(err, errIndexRemoved) { // a file has changed since somebody opened the folder
		return verify(ctx, name, dir, part, progress)
	}
	return v, err
}

func verify(ctx context.Context, name, dir string, part Part, progress func(done, of int)) (Verification, error) {
	d, err := Lookup(name)
	if err != nil {
		return Verification{}, err
	}
	src, err := OpenPart(name, dir, part)
	if err != nil {
		return Verification{}, err
	}
	v := Verification{Part: part, Images: src.Len(), Want: d.Sizes[part], Published: d.Checksums[part], Notes: Notes(src), src: src, sums: make([]pixelSum, src.Len())}
	v.Classes = make([]int, len(src.Info().Classes))
	for i := range src.Len() {
		if l := src.Label(i); l >= 0 && l < len(v.Classes) { // numbers are no classes
			v.Classes[l]++
		}
	}
	if v.Checksum, err = src.Checksum(); err != nil {
		return v, err
	}
	v.Broken, err = readAll(ctx, src, v.sums, progress)
	return v, err
}

// readAll decodes every image, on all cores, notes its checksum, and returns those that are broken.
func readAll(ctx context.Context, src Source, sums []pixelSum, progress func(done, of int)) ([]BrokenImage, error) {
	const chunk = 256
	n := src.Len()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var mu sync.Mutex
	var broken []BrokenImage
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var img image.Image
			for ctx.Err() == nil {
				end := int(next.Add(chunk))
				if end-chunk >= n {
					return
				}
				for i := end - chunk; i < min(end, n); i++ {
					err := src.Image(i, &img)
					switch {
					case errors.Is(err, image.ErrBroken):
						mu.Lock()
						broken = append(broken, BrokenImage{i, err})
						mu.Unlock()
					case err != nil:
						cancel(err)
						return
					default:
						sums[i] = hashPixels(&img)
					}
				}
				if d := done.Add(int64(min(end, n) - (end - chunk))); progress != nil {
					progress(int(d), n)
				}
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	slices.SortFunc(broken, func(a, b BrokenImage) int { return a.Index - b.Index })
	return broken, nil
}

func hashPixels(m *image.Image) (sum pixelSum) {
	h := sha256.New()
	fmt.Fprintln(h, m.Shape)
	h.Write(m.Pix)
	copy(sum[:], h.Sum(nil))
	return sum
}
