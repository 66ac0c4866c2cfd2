package zoo_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A figure stands once, beside its table. What else tells it, the README and the documentation, is held to it here.

// notSizes are the large numbers of the documentation that are no parameters and no multiply-adds.
var notSizes = []string{
	"340,908", // connections of LeNet-5, which the paper counts
}

// says reports whether a number such as 61,706 or, of multiply-adds in billions, 0.724 is one of an entry's.
func says(e zoo.Entry, number string) bool {
	for _, v := range e.Variants {
		for _, n := range []int64{v.Params, v.Params + v.Auxiliary, v.Auxiliary, v.MACs} {
			if commas(n) == number {
				return true
			}
		}
		if _, after, ok := strings.Cut(number, "."); ok && strconv.FormatFloat(float64(v.MACs)/1e9, 'f', len(after), 64) == number {
			return true
		}
	}
	return false
}

func commas(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var (
	grouped = regexp.MustCompile(`\b\d{1,3}(?:,\d{3})+\b`)
	gmac    = regexp.MustCompile(`\b(\d+\.\d+) GMAC`)
)

// sizes are the numbers of a text that tell how large a network is.
func sizesIn(text string) (list []string) {
	for _, n := range grouped.FindAllString(text, -1) {
		if !slices.Contains(notSizes, n) {
			list = append(list, n)
		}
	}
	for _, m := range gmac.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	return list
}

// named finds the entry that a function such as AllCNN or WRN16x4 describes: that of the nearest name.
func named(function string) (zoo.Entry, bool) {
	low := strings.ToLower(function)
	for _, e := range zoo.List() {
		name := regexp.MustCompile(`(\d)-(\d)`).ReplaceAllString(e.Name, "${1}x$2")
		if name = strings.ReplaceAll(name, "-", ""); name == low || name == low+"c" {
			return e, true
		}
	}
	return zoo.Entry{}, false
}

func TestTheDocumentationSaysTheFiguresOfTheTables(t *testing.T) {
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	described, checked := map[string]bool{}, 0
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() {
				continue
			}
			e, ok := named(f.Name.Name)
			if !ok {
				continue
			}
			described[e.Name] = true
			text := strings.ReplaceAll(f.Doc.Text(), "\n", " ")
			if !strings.Contains(text, commas(e.Params)+" parameters") {
				t.Errorf("the documentation of %s does not say that it has %s parameters", f.Name.Name, commas(e.Params))
			}
			for _, n := range sizesIn(text) {
				checked++
				if !says(e, n) {
					t.Errorf("the documentation of %s says %s, which is none of its figures", f.Name.Name, n)
				}
			}
		}
		if file.Doc == nil {
			continue
		}
		// A paragraph of the tour begins with the networks that it is about.
		for paragraph := range strings.SplitSeq(file.Doc.Text(), "\n\n") {
			var about []zoo.Entry
			for _, m := range regexp.MustCompile(`\[(\w+)\]`).FindAllStringSubmatch(paragraph, -1) {
				if e, ok := named(m[1]); ok {
					about = append(about, e)
				}
			}
			for _, n := range sizesIn(strings.ReplaceAll(paragraph, "\n", " ")) {
				checked++
				if !slices.ContainsFunc(about, func(e zoo.Entry) bool { return says(e, n) }) {
					t.Errorf("the tour says %s where none of the networks has it: %.60q", n, paragraph)
				}
			}
		}
	}
	for _, e := range zoo.List() {
		if !described[e.Name] {
			t.Errorf("no function describes %s", e.Name)
		}
	}
	if checked < 60 {
		t.Errorf("only %d figures were found", checked)
	}
}

func TestTheReadmeSaysTheFiguresOfTheTables(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		m := regexp.MustCompile("^\\| `([a-z0-9.-]+)`(?: \\((\\d+)\\))?").FindStringSubmatch(line)
		if m == nil || len(cells) < 6 || !grouped.MatchString(cells[1]) {
			continue
		}
		rows++
		e, err := zoo.Lookup(m[1])
		if err != nil {
			t.Errorf("the README's %v", err)
			continue
		}
		if m[2] != "" && m[2] != strconv.Itoa(e.Year) {
			t.Errorf("%s is of %d, the README says %s", e.Name, e.Year, m[2])
		}
		params, _, several := strings.Cut(cells[1], " … ")
		macs, _, _ := strings.Cut(cells[2], " … ")
		if params != commas(e.Params) || !says(zoo.Entry{Variants: e.Variants[:1]}, macs) {
			t.Errorf("%s has %s parameters and %.3f GMAC, the README says %s and %s", e.Name, commas(e.Params), float64(e.MACs)/1e9, params, macs)
		}
		if in := fmt.Sprintf("%d×%d×%d", e.Input[0], e.Input[1], e.Input[2]); cells[3] != in {
			t.Errorf("%s sees %s, the README says %s", e.Name, in, cells[3])
		}
		paper, _, _ := strings.Cut(strings.TrimPrefix(cells[4], "-/"), " ") // without what it is of
		told := e.PaperError
		for _, v := range e.Variants {
			told += "; " + v.PaperError
		}
		if !several && !strings.Contains(told, paper) {
			t.Errorf("the paper of %s has %q, the README says %s", e.Name, told, paper)
		}
	}
	if rows < 17 {
		t.Errorf("only %d rows were found", rows)
	}
}
