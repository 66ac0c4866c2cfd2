// Package pretrained embeds weights that were trained with this program: small networks, ready to use.
// Each has a card beside its file here, NAME.md, with the data, the command that trained it and the error
// that was measured.
//
//	lenet5-fashion-mnist   LeNet-5, articles of clothing, 28×28 grey; 9.29 % error
//
// Importing the package adds 0.25 MB to a program. It imports package zoo for [Load], unlike package
// weights, which knows no network: a program that only builds or trains networks carries no weights.
package pretrained

import (
	"embed"
	"fmt"
	"io"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

const ending = ".safetensors"

//go:embed *.safetensors
var files embed.FS

// Names lists what there is, in alphabetical order.
func Names() []string {
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

// Open returns the weights of that name with their metadata, without a copy of them. There is nothing
// to close.
func Open(name string) (*weights.Reader, error) {
	f, err := files.Open(name + ending)
	if err != nil {
		names := Names()
		if near := weights.Nearest(name, names); near != "" {
			return nil, fmt.Errorf("no weights are called %q: did you mean %s?", name, near)
		}
		return nil, fmt.Errorf("no weights are called %q: there are %s", name, strings.Join(names, ", "))
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return weights.NewReader(name, f.(io.ReaderAt), info.Size())
}

// Load makes a classifier of the weights of that name.
func Load(name string) (*zoo.Classifier, error) {
	r, err := Open(name)
	if err != nil {
		return nil, err
	}
	return zoo.LoadFrom(r)
}
