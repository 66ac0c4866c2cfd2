package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// The schemata of a package are one test binary with all changes that gremlins can make in the sampled lines, so that a change
// costs no build: a number in a file tells the binary, when it begins, which change to make. "a < b" becomes
//
//	(mutant_ == 1 && (a <= b) || mutant_ == 2 && (a >= b) || mutant_ != 1 && mutant_ != 2 && (a < b))
//
// and "a + b" a call of a function with both. A change that cannot be written so, such as one in a constant, is not among
// them and gets a binary of its own.
type schemata struct {
	Numbers map[string]int // a change by its place and what stands there then, as change.key says

	fset   *token.FileSet
	info   *types.Info
	pkg    *types.Package
	source []byte
	marked map[int]bool // lines of the file
	broken map[string]bool
	names  map[string]string // of the packages that the file imports, by path
}

// other tells what gremlins can make of an operator: of boundaries it makes two.
var other = map[token.Token][]token.Token{
	token.ADD: {token.SUB}, token.SUB: {token.ADD}, token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.GTR: {token.GEQ, token.LEQ}, token.LSS: {token.LEQ, token.GEQ}, token.GEQ: {token.GTR, token.LSS}, token.LEQ: {token.LSS, token.GTR},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

const selector = `package %s

import (
	"os"
	"strconv"
)

var mutant_ = func() int {
	text, _ := os.ReadFile(%q)
	n, _ := strconv.Atoi(string(text))
	return n
}()

func step_[T ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr | ~float32 | ~float64](mutant int, x T) T {
	if mutant_ == mutant {
		return -x
	}
	return x
}
`

// schemataOf names what belongs to a package: the binary, which change it makes, and the list of all.
func schemataOf(name string) (binary, number, list string) {
	base := filepath.Join(kept, strings.ReplaceAll(name, "/", "_"))
	return base + ".test", base + ".number", base + ".json"
}

// selectChange has the binary of a package make a change, and says where it is; empty if the change is not among its own.
func selectChange(name string, c change) string {
	binary, number, list := schemataOf(name)
	var s schemata
	if text, err := os.ReadFile(list); err == nil {
		_ = json.Unmarshal(text, &s)
	}
	n := s.Numbers[c.key()]
	if n == 0 || os.WriteFile(number, []byte(strconv.Itoa(n)), 0o666) != nil {
		return ""
	}
	return binary
}

func (c change) key() string { return fmt.Sprintf("%s:%d:%d %s", c.file, c.line, c.column, c.is) }

// buildSchemata builds those of a package, if there is a line that ends with a blank. What does not compile is left out.
func buildSchemata(name, dir string) error {
	binary, number, list := schemataOf(name)
	s := &schemata{broken: map[string]bool{}}
	for {
		temp, err := os.MkdirTemp("", "judge")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		overlay, err := s.write(name, dir, temp, number)
		if err != nil {
			return err
		}
		if len(s.Numbers) == 0 {
			return nil
		}
		out, err := exec.Command(goCommand, "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", binary, name).CombinedOutput()
		if err == nil {
			break
		}
		known := len(s.broken)
		for _, m := range regexp.MustCompile(`(?m)([^/\s]+\.go):(\d+):\d+: `).FindAllStringSubmatch(string(out), -1) {
			s.broken[m[1]+":"+m[2]] = true
		}
		if len(s.broken) == known {
			return fmt.Errorf("%s with all changes: %w\n%s", name, err, out)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(list, text, 0o666)
}

// write writes a package's files with all changes, and says to the go command what they stand for.
func (s *schemata) write(name, dir, temp, number string) (overlay string, err error) {
	s.Numbers, s.fset = map[string]int{}, token.NewFileSet()
	out, err := exec.Command(goCommand, "list", "-f", "{{.Name}}{{range .GoFiles}} {{.}}{{end}}", name).Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w", name, err)
	}
	words := strings.Fields(string(out))
	var files []*ast.File
	for _, f := range words[1:] {
		file, err := parser.ParseFile(s.fset, filepath.Join(dir, f), nil, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		files = append(files, file)
	}
	exports := map[string]string{}
	if out, err = exec.Command(goCommand, "list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", name).Output(); err != nil {
		return "", fmt.Errorf("go list %s: %w", name, err)
	}
	for _, line := range strings.Fields(string(out)) {
		path, export, _ := strings.Cut(line, "=")
		exports[path] = export
	}
	open := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, errors.New("no export data of " + path)
		}
		return os.Open(exports[path])
	}
	s.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	config := types.Config{Importer: importer.ForCompiler(s.fset, "gc", open)}
	if s.pkg, err = config.Check(name, s.fset, files, s.info); err != nil {
		return "", err
	}

	replace := map[string]string{}
	put := func(file, text string) error {
		path := filepath.Join(temp, filepath.Base(file))
		replace[file] = path
		return os.WriteFile(path, []byte(text), 0o666)
	}
	for i, f := range words[1:] {
		file := filepath.Join(dir, f)
		if s.source, err = os.ReadFile(file); err != nil {
			return "", err
		}
		s.marked = map[int]bool{}
		for n, line := range strings.Split(string(s.source), "\n") {
			s.marked[n+1] = strings.HasSuffix(line, " ")
		}
		s.names = map[string]string{}
		for _, spec := range files[i].Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			for _, p := range s.pkg.Imports() {
				if p.Path() == path {
					s.names[path] = p.Name()
				}
			}
			if spec.Name != nil {
				s.names[path] = spec.Name.Name
			}
		}
		known := len(s.Numbers)
		text := string(s.source[:s.at(files[i].Pos())]) + s.inside(files[i]) + string(s.source[s.at(files[i].End()):])
		if len(s.Numbers) == known {
			continue
		}
		// Lines stay where they are, so that an error of the compiler tells the line.
		if err := put(file, text); err != nil {
			return "", err
		}
	}
	if err := put(filepath.Join(dir, "0_selector.go"), fmt.Sprintf(selector, words[0], number)); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(temp, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o666)
}

func (s *schemata) at(p token.Pos) int { return s.fset.Position(p).Offset }

// inside is a node's text with the changes in the nodes below it.
func (s *schemata) inside(root ast.Node) string {
	text, at := "", s.at(root.Pos())
	ast.Inspect(root, func(n ast.Node) bool {
		if n == nil || n == root {
			return true
		}
		changed := s.changes(n)
		if changed != "" {
			text += string(s.source[at:s.at(n.Pos())]) + changed
			at = s.at(n.End())
		}
		return changed == ""
	})
	return text + string(s.source[at:s.at(root.End())])
}

// text is a node's text with all changes.
func (s *schemata) text(n ast.Node) string {
	if changed := s.changes(n); changed != "" {
		return changed
	}
	return s.inside(n)
}

// changes is the text of a node that can be changed itself, and empty for others.
func (s *schemata) changes(n ast.Node) string {
	switch n := n.(type) {
	case *ast.BinaryExpr:
		comparison, typ := n.Op.Precedence() == token.EQL.Precedence(), s.typeOf(n)
		if !comparison && typ == "" {
			return ""
		}
		numbers := s.number(n.OpPos, n.Op)
		if len(numbers) == 0 {
			return ""
		}
		whole := func(op token.Token) string { return "(" + s.text(n.X) + " " + op.String() + " " + s.text(n.Y) + ")" }
		if !comparison {
			return either(typ, numbers[0], whole(other[n.Op][0]), whole(n.Op))
		}
		changed, same := "", ""
		for i, number := range numbers {
			changed += fmt.Sprintf("mutant_ == %d && %s || ", number, whole(other[n.Op][i]))
			same += fmt.Sprintf("mutant_ != %d && ", number)
		}
		return "(" + changed + same + whole(n.Op) + ")"
	case *ast.UnaryExpr:
		typ := s.typeOf(n)
		if n.Op != token.SUB || typ == "" {
			return ""
		}
		numbers := s.number(n.OpPos, n.Op)
		if len(numbers) == 0 {
			return ""
		}
		return either(typ, numbers[0], "+"+s.text(n.X), "-"+s.text(n.X))
	case *ast.IncDecStmt:
		typ := s.typeOf(n.X)
		if typ == "" {
			return ""
		}
		numbers := s.number(n.TokPos, n.Tok)
		if len(numbers) == 0 {
			return ""
		}
		op := map[token.Token]string{token.INC: " += ", token.DEC: " -= "}[n.Tok]
		return s.text(n.X) + op + fmt.Sprintf("step_[%s](%d, 1)", typ, numbers[0])
	}
	return ""
}

// number numbers the changes of an operator; there are none in lines that are not sampled.
func (s *schemata) number(pos token.Pos, op token.Token) (numbers []int) {
	p := s.fset.Position(pos)
	file := filepath.Base(p.Filename)
	if !s.marked[p.Line] || s.broken[fmt.Sprintf("%s:%d", file, p.Line)] {
		return nil
	}
	for _, o := range other[op] {
		k := change{file, p.Line, p.Column, o.String()}.key()
		if s.Numbers[k] == 0 {
			s.Numbers[k] = len(s.Numbers) + 1
		}
		numbers = append(numbers, s.Numbers[k])
	}
	return numbers
}

// either is a call of a function that tells one value or the other.
func either(typ string, number int, changed, same string) string {
	return fmt.Sprintf("func() %s { if mutant_ == %d { return %s }; return %s }()", typ, number, changed, same)
}

// typeOf is what a number's type is called in the file, and empty if it has no name there or is no number.
func (s *schemata) typeOf(e ast.Expr) string {
	t := s.info.Types[e].Type
	if t == nil {
		return ""
	}
	if b, ok := t.Underlying().(*types.Basic); !ok || b.Info()&types.IsNumeric == 0 || b.Info()&types.IsUntyped != 0 {
		return ""
	}
	named := true
	name := types.TypeString(t, func(p *types.Package) string {
		if p == s.pkg {
			return ""
		}
		named = named && s.names[p.Path()] != ""
		return s.names[p.Path()]
	})
	if !named {
		return ""
	}
	return name
}
