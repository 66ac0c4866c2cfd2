// Package published lists trained weights that others publish: where they are, their checksum, how images
// are prepared for them, and what is said of them. It has none of them, and fetches nothing: package infer
// does, by these names.
//
// # Adding one
//
// The list is table.json, which make.py beside it writes, from torchvision's metadata where it has them. What
// is to be listed for one machine or one program only goes into a file of the same form, which the variable
// ZOO_WEIGHTS names, or through [Register].
package published

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// An Entry is one file of weights.
type Entry struct {
	Name    string   `json:"name"`              // "resnet50-v2"
	Also    []string `json:"also,omitempty"`    // other names: "resnext50_32x4d", where ours is "resnext50"
	Network string   `json:"network"`           // as the registry has it, or as torchvision has it
	Variant string   `json:"variant,omitempty"` // empty: the network's first
	Data    string   `json:"data"`              // that they were trained on: "imagenet"

	Address string `json:"address"`          // of the file
	SHA256  string `json:"sha256,omitempty"` // of the file, or the beginning of it, as torchvision's names have it
	SHA1    string `json:"sha1,omitempty"`   // where the SHA-256 is not known
	// Megabytes is the file's size in millions of bytes, about; 0 if it is not known.
	Megabytes float64 `json:"megabytes,omitempty"`

	Top1 float64 `json:"top1,omitempty"` // accuracy as published, in percent; 0 if it is not known
	Top5 float64 `json:"top5,omitempty"`

	Preprocessing weights.Preprocessing `json:"preprocessing"`
	Licence       string                `json:"licence"` // what is said about terms
	Source        string                `json:"source"`  // who published them, and as what
}

// File is the name of the file, at its address and in the cache.
func (e Entry) File() string {
	u, err := url.Parse(e.Address)
	if err != nil {
		return ""
	}
	return path.Base(u.Path)
}

//go:embed table.json
var table []byte

var registry struct {
	sync.Mutex
	read    bool
	err     error
	entries []Entry
}

// load reads the table once, and the file that ZOO_WEIGHTS names.
func load() error {
	if registry.read {
		return registry.err
	}
	registry.read = true
	own := registry.entries
	if registry.entries, registry.err = parse(table); registry.err != nil {
		return registry.err
	}
	for _, e := range own {
		add(e)
	}
	if file := os.Getenv("ZOO_WEIGHTS"); file != "" {
		text, err := weights.ReadSmall(file, 64<<20)
		var more []Entry
		if err == nil {
			more, err = parse(text)
		}
		if err != nil {
			registry.err = fmt.Errorf("ZOO_WEIGHTS=%s: %w", file, err)
			return registry.err
		}
		for _, e := range more {
			add(e)
		}
	}
	return nil
}

// add puts an entry in the place of one of the same name, or behind all.
func add(e Entry) {
	if i := slices.IndexFunc(registry.entries, func(o Entry) bool { return o.Name == e.Name }); i >= 0 {
		registry.entries[i] = e
		return
	}
	registry.entries = append(registry.entries, e)
}

func parse(text []byte) ([]Entry, error) {
	var list []Entry
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&list); err != nil {
		return nil, fmt.Errorf("no list of weights: %w", err)
	}
	for _, e := range list {
		if err := e.Validate(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Register adds weights to the list, or replaces those of the same name. The error is that of
// [Entry.Validate].
func Register(e Entry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	registry.Lock()
	defer registry.Unlock()
	add(e)
	return nil
}

// Validate says what is wrong with an entry.
func (e Entry) Validate() error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("weights %q: %w", e.Name, fmt.Errorf(format, args...))
	}
	if e.Name == "" || strings.ContainsAny(e.Name, "/\\ \t\n") || strings.HasPrefix(e.Name, ".") || strings.HasPrefix(e.Name, "-") {
		return fail("should have a name without spaces and slashes")
	}
	if e.Network == "" {
		return fail("should name their network")
	}
	u, err := url.Parse(e.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fail("address %q: should be one such as https://example.org/weights.pth", e.Address)
	}
	if f := e.File(); f == "." || f == "/" || f == "" || strings.HasPrefix(f, ".") || strings.ContainsAny(f, "\\:") {
		return fail("address %q: should end in the name of a file", e.Address)
	}
	if err := sum("sha256", e.SHA256, 8, 64); err != nil {
		return fail("%w", err)
	}
	if err := sum("sha1", e.SHA1, 40, 40); err != nil {
		return fail("%w", err)
	}
	if e.SHA256 == "" && e.SHA1 == "" {
		return fail("should have a checksum, sha256 or sha1")
	}
	if err := e.Preprocessing.Validate(); err != nil {
		return fail("%w", err)
	}
	return nil
}

func sum(what, digits string, least, most int) error {
	_, err := hex.DecodeString(digits)
	if digits != "" && (err != nil || len(digits) < least || len(digits) > most || digits != strings.ToLower(digits)) {
		return fmt.Errorf("%s %q: should be %d to %d small hexadecimal digits", what, digits, least, most)
	}
	return nil
}

// List returns all entries, in the order of the table. The error is that of the file that ZOO_WEIGHTS names.
func List() ([]Entry, error) {
	registry.Lock()
	defer registry.Unlock()
	if err := load(); err != nil {
		return nil, err
	}
	return slices.Clone(registry.entries), nil
}

// Lookup finds an entry by its name. Capitals, hyphens, dots and low lines do not count: ResNet50_V2 is
// resnet50-v2. The name of the published file, such as resnet50-11ad3fa6.pth, will do.
func Lookup(name string) (Entry, bool) {
	list, err := List()
	if err != nil {
		return Entry{}, false
	}
	for _, e := range list {
		if e.Is(name) {
			return e, true
		}
	}
	return Entry{}, false
}

// Is says whether an entry goes by a name.
func (e Entry) Is(name string) bool {
	return Same(e.Name, name) || e.File() == name || slices.ContainsFunc(e.Also, func(n string) bool { return Same(n, name) })
}

// Same says whether two names are one.
func Same(a, b string) bool { return plain(a) == plain(b) }

func plain(name string) string { return unmarked.Replace(strings.ToLower(name)) }

var unmarked = strings.NewReplacer("_", "", ".", "", "-", "")
