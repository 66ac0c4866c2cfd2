package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/internal/nearest"
)

// ErrUnknown is wrapped by the error for a data set's name that is not registered.
var ErrUnknown = errors.New("unknown data set")

// A Dataset is a data set that can be opened by name.
type Dataset struct {
	Info           // Part is empty
	About   string // one line
	Licence string // of the images; "unclear" if it is not known
	Sizes   map[Part]int
	// Checksums are those of the parts as published (see [Source.Checksum]), where they are known.
	Checksums map[Part]string
	// Embedded says that the images are in the binary: Open ignores the folder.
	Embedded bool
	// Dir is where a system's package installs the files.
	Dir string
	// Parts are those that it may have; empty means the training and the test part.
	Parts []Part
	// Recognise reports whether a folder holds the data set's own files; nil if they have no names of their own.
	Recognise func(dir string) bool
	// Open reads one part from a folder. That the part is not there is an error that wraps [ErrNoPart].
	Open func(dir string, part Part) (Source, error)
}

// parts are those that the data set may have.
func (d Dataset) parts() []Part {
	if len(d.Parts) == 0 {
		return []Part{Train, Test}
	}
	return d.Parts
}

var registry struct {
	sync.RWMutex
	sets map[string]Dataset
}

// Register makes a data set known by its name. It is meant for init functions, and panics if the
// name is taken.
func Register(d Dataset) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.sets[d.Name]; taken || d.Name == "" || d.Open == nil {
		panic(fmt.Sprintf("datasets: cannot register %q: the name is taken or empty, or Open is nil", d.Name))
	}
	if registry.sets == nil {
		registry.sets = map[string]Dataset{}
	}
	registry.sets[d.Name] = d
}

// List returns the registered data sets, sorted by name.
func List() []Dataset {
	registry.RLock()
	defer registry.RUnlock()
	var all []Dataset
	for _, d := range registry.sets {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b Dataset) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Lookup returns the data set of that name. The error of an unknown name wraps [ErrUnknown] and
// tells the nearest one.
func Lookup(name string) (Dataset, error) {
	registry.RLock()
	d, ok := registry.sets[name]
	registry.RUnlock()
	if ok {
		return d, nil
	}
	var names []string
	for _, d := range List() {
		names = append(names, d.Name)
	}
	if near := nearest.Nearest(name, names); near != "" {
		return Dataset{}, fmt.Errorf("%w %q: did you mean %q?", ErrUnknown, name, near)
	}
	return Dataset{}, fmt.Errorf("%w %q: known are %s", ErrUnknown, name, strings.Join(names, ", "))
}

// Open reads a data set, its parts at the same time. An empty dir means the embedded images, or the
// folder that [Dataset.Folder] finds. Parts that it does not have are nil; there is one at least.
func Open(name, dir string) (Split, error) {
	d, err := Lookup(name)
	if err != nil {
		return Split{}, err
	}
	return openParts(d.parts(), func(part Part) (Source, error) { return OpenPart(name, dir, part) })
}

// openParts opens the parts that there are.
func openParts(parts []Part, open func(Part) (Source, error)) (Split, error) {
	sources, errs := make([]Source, len(parts)), make([]error, len(parts))
	var wg sync.WaitGroup
	for i, part := range parts {
		wg.Go(func() { sources[i], errs[i] = open(part) })
	}
	wg.Wait()
	var s Split
	var none error
	for i, part := range parts {
		switch {
		case errors.Is(errs[i], ErrNoPart):
			none = cmp.Or(none, errs[i])
		case errs[i] != nil:
			return Split{}, errs[i]
		default:
			*map[Part]*Source{Train: &s.Train, Val: &s.Val, Test: &s.Test}[part] = sources[i]
		}
	}
	if s == (Split{}) {
		return s, none
	}
	return s, nil
}

// OpenPart reads one part of a data set, as [Open] does.
func OpenPart(name, dir string, part Part) (Source, error) {
	d, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(d.parts(), part) {
		var has []string
		for _, p := range d.parts() {
			has = append(has, string(p))
		}
		return nil, fmt.Errorf("%s: %w as %q: there is %s", name, ErrNoPart, part, strings.Join(has, ", "))
	}
	if dir == "" && !d.Embedded {
		if dir = d.Folder(); dir == "" {
			return nil, &MissingError{d}
		}
	}
	return d.Open(dir, part)
}

// A MissingError says that a data set's files are not on this machine.
type MissingError struct{ Dataset Dataset }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s: its files are not %s; %[1]s=FOLDER names another place", e.Dataset.Name, e.Dataset.places())
}

// Recognise returns the name of the data set whose own files are in a folder, or "folder" for one of images. Where
// they could be those of several, their published checksums decide; where these do not, the error shows the choices.
func Recognise(dir string) (string, error) {
	var names []string
	for _, d := range List() {
		if d.Recognise != nil && !d.Embedded && d.Recognise(dir) {
			names = append(names, d.Name)
		}
	}
	switch len(names) {
	case 0:
		return "folder", nil
	case 1:
		return names[0], nil
	}
	for _, name := range names {
		d, err := Lookup(name)
		if err != nil {
			return "", err
		}
		for part, want := range d.Checksums {
			src, err := d.Open(dir, part)
			if err != nil {
				continue
			}
			if sum, err := src.Checksum(); err == nil && sum == want {
				return name, nil
			}
		}
	}
	var choices []string
	for _, n := range names {
		choices = append(choices, n+"="+dir)
	}
	return "", fmt.Errorf("%s: the files in it could be %s: say which, as in %s", dir, strings.Join(names, " or "), strings.Join(choices, " or "))
}
