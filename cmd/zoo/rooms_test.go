package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gorgonia-zoo/gorgonia-zoo/"

// rooms says which packages a room may import; "x/..." is x and all below it. A package belongs to the
// longest room that it lies in. Arrows only run down.
var rooms = []struct {
	room string
	may  []string
}{
	{"cmd/zoo", []string{"train/...", "zoo/...", "datasets/...", "weights/...", "graph/..."}},

	{"train", []string{"train/recipe", "train/report", "train/cluster", "datasets/...", "weights", "weights/labels", "graph/..."}},
	{"train/cluster", nil},
	{"train/report", []string{"train/recipe", "datasets/...", "weights"}},
	{"train/recipe", nil}, // plain data

	{"zoo/serve", []string{"zoo/infer", "zoo", "datasets/...", "weights/...", "graph/..."}},
	{"zoo/serve/page", []string{"zoo/serve", "zoo/explain", "zoo/alphago", "zoo/infer", "zoo", "datasets/...", "graph/..."}},
	{"zoo/explain", []string{"zoo/infer", "zoo", "datasets/...", "weights/...", "graph/..."}},
	{"zoo/alphago", []string{"zoo/infer", "zoo", "datasets/baduk/...", "weights", "graph/..."}},
	{"weights/pretrained", []string{"zoo/infer", "weights"}}, // what is embedded, with a way to load it
	{"zoo/infer", []string{"zoo", "datasets", "datasets/image/...", "datasets/download", "weights/...", "graph/..."}},
	{"zoo", []string{"train/recipe", "graph"}}, // architectures and registry alone

	{"datasets", []string{"datasets/..."}},
	{"datasets/image", []string{"datasets/image/..."}},
	{"datasets/augment", []string{"datasets/image", "datasets/internal/..."}},
	{"datasets/baduk", []string{"datasets/baduk/..."}},
	{"datasets/baduk/positions", []string{"datasets", "datasets/...", "datasets/baduk/..."}},

	{"weights", nil},
	{"weights/labels", []string{"weights"}},
	{"weights/onnx", []string{"weights", "graph/..."}},
	{"weights/caffe", []string{"weights"}},

	{"graph", []string{"graph/kernel"}},
	{"graph/kernel", []string{"graph/kernel/..."}},
	{"graph/kernel/conv", []string{"graph/kernel/simd"}}, // knows no processor
	{"graph/kernel/simd", nil},                           // knows no convolution
}

// within says whether a package is x, or for "x/..." lies in x.
func within(pkg, pattern string) bool {
	below, all := strings.CutSuffix(pattern, "/...")
	return pkg == below || all && strings.HasPrefix(pkg, below+"/")
}

type imports struct {
	ImportPath string
	Imports    []string
}

func goList(t *testing.T, args ...string) []imports {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []imports
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p imports
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestArrowsOnlyRunDown(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range goList(t, module+"...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		room, may := "", []string(nil)
		for _, r := range rooms {
			if within(name, r.room+"/...") && len(r.room) > len(room) {
				room, may = r.room, r.may
			}
		}
		if room == "" {
			t.Errorf("%s lies in no room", name)
			continue
		}
		seen[room] = true
		for _, i := range p.Imports {
			i, ours := strings.CutPrefix(i, module)
			if ours && !slices.ContainsFunc(may, func(pattern string) bool { return within(i, pattern) }) {
				t.Errorf("%s, of the room %s, imports %s: the room may import %v", name, room, i, may)
			}
		}
	}
	for _, room := range []string{"cmd/zoo", "train", "train/recipe", "train/report", "zoo", "zoo/infer", "zoo/alphago", "datasets", "weights", "graph", "graph/kernel"} {
		if !seen[room] {
			t.Errorf("the room %s is empty", room)
		}
	}
}

// A program that describes a network and builds its graph links what the graph needs, and no more: no codec, no
// plot, no ONNX, no other process, no game of Go.
func TestDescribingANetworkNeedsNothingButTheGraph(t *testing.T) {
	has := map[string]bool{}
	for _, p := range goList(t, "-deps", module+"graph") {
		has[p.ImportPath] = true
	}
	if !has["gorgonia.org/gorgonia"] {
		t.Fatal("package graph without Gorgonia")
	}
	own := []string{module + "zoo", module + "train/recipe"}
	for _, p := range goList(t, "-deps", module+"zoo") {
		if !has[p.ImportPath] && !slices.Contains(own, p.ImportPath) && p.ImportPath != "encoding/json" {
			t.Errorf("package zoo needs %s, package graph does not", p.ImportPath)
		}
	}
	for _, none := range []string{"image/png", "image/jpeg", "image/gif", "golang.org/x/image/", "gonum.org/v1/plot", module + "weights", module + "datasets", "os/exec", "net/http", "archive/zip"} {
		for p := range has {
			if strings.HasPrefix(p, none) {
				t.Errorf("package graph needs %s", p)
			}
		}
	}
}

// The comment of each package is a tour of it that ends in how to add to it.
func TestEveryPackageSaysHowToAddToIt(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles \",\"}}", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		parts := strings.Split(strings.TrimSpace(line), "\t")
		if len(parts) < 3 || strings.Contains(parts[0], "/internal/") {
			continue
		}
		doc := ""
		for _, name := range strings.Split(parts[2], ",") {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(parts[1], name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				doc += file.Doc.Text()
			}
		}
		last := doc[strings.LastIndex(doc, "\n# ")+1:]
		if !strings.HasPrefix(last, "# Adding one\n") || len(last) < 100 {
			t.Errorf("the comment of %s does not end in a section \"Adding one\"", parts[0])
		}
	}
}

// Three rooms that import nothing of ours look for the nearest name: by the same file.
func TestTheNearestNameIsTheSameEverywhere(t *testing.T) {
	var first string
	for _, path := range []string{"weights", "train/recipe", "datasets/internal/nearest"} {
		text, err := os.ReadFile(filepath.Join("../..", path, "nearest.go"))
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(text), "\n")
		if first == "" {
			first = code
		}
		if code != first {
			t.Errorf("%s/nearest.go is not the file of package weights", path)
		}
	}
}
