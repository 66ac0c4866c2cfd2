package datasets

import (
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
	// Open reads one part from a folder.
	Open func(dir string, part Part) (Source, error)
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
	if near := nearest.Of(name, names); near != "" {
		return Dataset{}, fmt.Errorf("%w %q: did you mean %q?", ErrUnknown, name, near)
	}
	return Dataset{}, fmt.Errorf("%w %q: known are %s", ErrUnknown, name, strings.Join(names, ", "))
}

// Open reads a data set, both parts at the same time. An empty dir means the embedded images, or the
// folder that [Dataset.Folder] finds.
func Open(name, dir string) (Split, error) {
	if _, err := Lookup(name); err != nil {
		return Split{}, err
	}
	var s Split
	var testErr error
	var wg sync.WaitGroup
	wg.Go(func() { s.Test, testErr = OpenPart(name, dir, Test) })
	var err error
	s.Train, err = OpenPart(name, dir, Train)
	wg.Wait()
	if err == nil {
		err = testErr
	}
	if err != nil {
		return Split{}, err
	}
	return s, nil
}

// OpenPart reads one part of a data set, as [Open] does.
func OpenPart(name, dir string, part Part) (Source, error) {
	d, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	if part != Train && part != Test {
		return nil, fmt.Errorf("%s has no part %q: should be %s or %s", name, part, Train, Test)
	}
	if dir == "" && !d.Embedded {
		if dir = d.Folder(); dir == "" {
			return nil, fmt.Errorf("%s: no folder given, and its files are neither embedded nor %s; %[1]s=FOLDER names one", name, d.places())
		}
	}
	return d.Open(dir, part)
}
