// Package pretrained embeds weights that were trained with this program: small networks, ready to use.
// [Names] lists them, as does zoo list --weights. Each has a card beside its file here, NAME.md, with the
// data, the command that trained it and the error that was measured.
//
// A name stands for the file NAME.safetensors, or for the files NAME-m1.safetensors, NAME-m2.safetensors
// and so on, which are the members of an ensemble: their probabilities are averaged. Everything that is
// told about them is in the files' metadata.
//
// Importing the package adds all of them to a program. It imports package zoo for [Load], unlike package
// weights, which knows no network: a program that only builds or trains networks carries no weights.
//
// # Adding one
//
// A file comes from a run, as 16-bit floats, with its card; a file or card of that name is replaced:
//
//	zoo train lenet5 --data fashion-mnist --set weight_decay=1e-3 --out run
//	zoo export run --last --half --card -o weights/pretrained/lenet5-fashion-mnist.safetensors
//
// The card says what the metadata says, and the errors of the weights as they are written, measured on the
// test images of the run's data and, where a part of them is embedded (Fashion-MNIST), on that too. --last takes the
// weights after the last epoch: the best ones were chosen by the test images. A run of several members
// (zoo train --ensemble 7) becomes one file each and one card; name it NAME-ensemble. Nothing else
// has to be written: the tests take each file with its card.
package pretrained

import (
	"embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

const ending = ".safetensors"

//go:embed *.safetensors
var files embed.FS

// An Entry is what one name stands for: a network, or an ensemble of several.
type Entry struct {
	Name string
	// Members are the names for [Open] and [Load]: the name itself, or those of an ensemble's members.
	Members []string
	Meta    weights.Meta // of the first member
	Bytes   int64        // of all files
}

// Error is the fraction of test images that the file says are put into a wrong class, by the whole
// ensemble if it is one, and whether it says so.
func (e Entry) Error() (top1 float64, known bool) {
	metric := "top1_error"
	if len(e.Members) > 1 {
		metric = "ensemble_top1_error"
	}
	top1, known = e.Meta.Metrics[metric]
	return top1, known
}

// memberName is the name of an ensemble's member.
var memberName = regexp.MustCompile(`^(.+)-m([1-9][0-9]*)$`)

// Names lists what there is, in alphabetical order; ensembles without their members.
func Names() []string {
	var names []string
	for _, f := range fileNames() {
		if m := memberName.FindStringSubmatch(f); m != nil {
			f = m[1]
		}
		names = append(names, f)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// fileNames lists the files without their ending.
func fileNames() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ending))
	}
	return names
}

// Lookup tells what a name stands for; that of an ensemble's member is an entry by itself. The error of
// an unknown name tells the nearest, or all.
func Lookup(name string) (Entry, error) {
	e := Entry{Name: name, Members: members(fileNames(), name)}
	if len(e.Members) == 0 {
		names := Names()
		if near := weights.Nearest(name, names); near != "" {
			return e, fmt.Errorf("no weights are called %q: did you mean %s?", name, near)
		}
		return e, fmt.Errorf("no weights are called %q: there are %s", name, strings.Join(names, ", "))
	}
	for i, m := range e.Members {
		r, size, err := open(m)
		if err != nil {
			return e, err
		}
		if i == 0 {
			e.Meta = r.Meta()
		}
		e.Bytes += size
	}
	return e, nil
}

// members are the files that a name stands for: the one of that name, or an ensemble's in the order of their numbers.
func members(files []string, name string) []string {
	if slices.Contains(files, name) {
		return []string{name}
	}
	number := func(file string) int {
		m := memberName.FindStringSubmatch(file)
		if m == nil || m[1] != name {
			return 0
		}
		n, _ := strconv.Atoi(m[2])
		return n
	}
	var all []string
	for _, f := range files {
		if number(f) > 0 {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return number(a) - number(b) })
	return all
}

// Open returns the weights of one network of that name with their metadata, without a copy of them. There
// is nothing to close.
func Open(name string) (*weights.Reader, error) {
	e, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	if len(e.Members) > 1 {
		return nil, fmt.Errorf("%s: an ensemble of %d: name one of its members, as in %s", name, len(e.Members), e.Members[0])
	}
	r, _, err := open(e.Members[0])
	return r, err
}

// open opens a file, and tells its length in bytes.
func open(member string) (*weights.Reader, int64, error) {
	f, err := files.Open(member + ending)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	r, err := weights.NewReader(member, f.(io.ReaderAt), info.Size())
	return r, info.Size(), err
}

// Load makes a classifier of the weights of that name.
func Load(name string, opts ...infer.Option) (*infer.Classifier, error) {
	r, err := Open(name)
	if err != nil {
		return nil, err
	}
	return infer.LoadFrom(r, opts...)
}
