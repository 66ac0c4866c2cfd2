// Command judge stands for the go command while gremlins works: .ci/mutate puts it first on the path, as "go". It hands
// on what it is asked, but for two things.
//
// Where gremlins asks for coverage, judge runs each test by itself and keeps which lines it reaches and how long it takes;
// scripts are tests, too. Where gremlins asks whether tests see a change, those that reach the changed line are run first,
// the quick ones before the slow ones, and then all others, unless the reaching ones alone shall judge. The answer is that of
// all tests in any order: a test that is not run before another fails cannot make a change live.
//
// What gremlins 0.6.0 asks is put right on the way. It cannot tell a change that does not compile from one that a test saw
// (go test ends with 1 for both), and looks for package main in the module's root. Its own --test-cpu is not to be given:
// it makes "-cpu 1" one word, which go test refuses, and every change counts as killed.
package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/scanner"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A test is a test, an example, the saved inputs of a fuzz test, or one script of a test that runs scripts.
type test struct {
	Pattern string            // for -test.run
	Seconds float64           // of processors
	Reaches map[string][]span // by a file's name
}

// A span is some lines of a file.
type span struct{ First, Last int }

// What .ci/mutate says.
var (
	goCommand = os.Getenv("GO")
	original  = os.Getenv("MUTATE_COPY")           // the root of the module as it is without a change
	kept      = os.Getenv("MUTATE_SCHEMATA")       // a folder with the binaries that have many changes
	reached   = os.Getenv("MUTATE_REACHED")        // a folder with what the tests of each package reach
	packages  = os.Getenv("MUTATE_PACKAGES")       // those to measure; all that gremlins asks for, where it is empty
	listing   = os.Getenv("MUTATE_LISTS") != ""    // no coverage is needed to list what could be changed
	alone     = os.Getenv("MUTATE_REACHING") != "" // the tests that reach a line judge it alone
	late      = os.Getenv("MUTATE_LATE")           // gets the changes whose tests do not end
	logFile   = os.Getenv("MUTATE_LOG")            // gets what tests say that see a change; empty for none
	apart     = os.Getenv("MUTATE_APART")          // a pattern of tests that are not measured; empty for none
)

func main() {
	args := os.Args[1:]
	code, err := 0, error(nil)
	switch {
	case slices.Contains(args, "-failfast"):
		code, err = judge(args)
	case slices.Contains(args, "-coverprofile"):
		err = profile(args)
	default:
		code, err = run(exec.Command(goCommand, args...))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// run hands on a command.
func run(cmd *exec.Cmd) (code int, err error) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// after is the argument behind another.
func after(args []string, flag string) string {
	if i := slices.Index(args, flag); i >= 0 && i+1 < len(args) {
		return args[i+1]
	}
	return ""
}

// list asks the go command about packages.
func list(format string, of ...string) ([]string, error) {
	out, err := exec.Command(goCommand, append([]string{"list", "-f", format}, of...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", strings.Join(of, " "), err)
	}
	return strings.Fields(string(out)), nil
}

// A binary is the tests of a package.
type binary struct{ path, dir string }

// test runs those that match, and tells the time that processors spent on them: a machine that stands still makes no test slow.
func (b binary) test(env []string, args ...string) (out string, spent time.Duration, err error) {
	cmd := exec.Command(b.path, args...)
	cmd.Dir, cmd.Env = b.dir, append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState != nil {
		spent = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return string(text), spent, err
}

// profile measures the packages, and writes the coverage of all their tests together.
func profile(args []string) error {
	var of []string
	if !listing {
		of = strings.Fields(packages)
		if len(of) == 0 {
			of = args[len(args)-1:]
		}
		names, err := list("{{.ImportPath}}={{.Dir}}", of...)
		if err != nil {
			return err
		}
		of = names
	}
	blocks := map[string]bool{}
	for _, p := range of {
		name, dir, _ := strings.Cut(p, "=")
		m, err := measure(name, dir)
		if err != nil {
			return err
		}
		if err := buildSchemata(name, dir); err != nil {
			return err
		}
		for b, reached := range m.Blocks {
			blocks[b] = blocks[b] || reached
		}
	}
	text := "mode: set\n"
	for _, b := range slices.Sorted(maps.Keys(blocks)) {
		text += fmt.Sprintf("%s %d\n", b, map[bool]int{true: 1}[blocks[b]])
	}
	return os.WriteFile(after(args, "-coverprofile"), []byte(text), 0o666)
}

// measured is what is known of a package's tests. It is kept test by test: who is interrupted need not begin again.
type measured struct {
	Tests  []test
	Blocks map[string]bool // of statements, as a profile names them, and whether a test reaches them
}

func reachedBy(name string) string {
	return filepath.Join(reached, strings.ReplaceAll(name, "/", "_")+".json")
}

func readMeasured(name string) (m measured) {
	if text, err := os.ReadFile(reachedBy(name)); err == nil {
		_ = json.Unmarshal(text, &m)
	}
	return m
}

// measure runs each test of a package.
func measure(name, dir string) (m measured, err error) {
	if m = readMeasured(name); m.Blocks == nil {
		m.Blocks = map[string]bool{}
	}
	temp, err := os.MkdirTemp("", "judge")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(temp)
	b := binary{filepath.Join(temp, "x.test"), dir}
	if out, err := exec.Command(goCommand, "test", "-c", "-cover", "-o", b.path, name).CombinedOutput(); err != nil {
		return m, fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	if _, err := os.Stat(b.path); err != nil {
		return m, nil // it has no tests
	}
	all, _, err := b.test(nil, "-test.list=.")
	if err != nil {
		return m, fmt.Errorf("%s: %w\n%s", name, err, all)
	}
	for _, t := range strings.Fields(all) {
		if !strings.HasPrefix(t, "Test") && !strings.HasPrefix(t, "Example") && !strings.HasPrefix(t, "Fuzz") {
			continue
		}
		if apart != "" && regexp.MustCompile(apart).MatchString(t) {
			continue
		}
		patterns := []string{"^" + t + "$"}
		if strings.HasSuffix(t, "Scripts") {
			var scripts []string
			for _, pattern := range []string{"testdata/*.txtar", "testdata/*/*.txtar"} {
				found, _ := filepath.Glob(filepath.Join(dir, pattern))
				scripts = append(scripts, found...)
			}
			whole := patterns[0]
			patterns = nil
			for _, s := range scripts {
				patterns = append(patterns, whole+"/^"+regexp.QuoteMeta(strings.TrimSuffix(filepath.Base(s), ".txtar"))+"$")
			}
		}
		for _, p := range patterns {
			if slices.ContainsFunc(m.Tests, func(t test) bool { return t.Pattern == p }) {
				continue
			}
			data, err := os.MkdirTemp(temp, "data")
			if err != nil {
				return m, err
			}
			file := filepath.Join(data, "profile")
			out, spent, err := b.test([]string{"GOCOVERDIR=" + data}, "-test.run="+p, "-test.v", "-test.paniconexit0", "-test.timeout=20m", "-test.gocoverdir="+data, "-test.coverprofile="+file)
			if err != nil {
				return m, fmt.Errorf("%s: %s fails where nothing was changed: %w\n%s", name, p, err, out)
			}
			if strings.Contains(p, "/") && !strings.Contains(out, "    --- ") {
				continue // another test's script
			}
			one := test{p, spent.Seconds(), map[string][]span{}}
			if err := one.read(file, m.Blocks); err != nil {
				return m, err
			}
			os.RemoveAll(data)
			m.Tests = append(m.Tests, one)
			text, err := json.Marshal(m)
			if err == nil {
				err = os.WriteFile(reachedBy(name), text, 0o666)
			}
			if err != nil {
				return m, err
			}
		}
	}
	return m, nil
}

var block = regexp.MustCompile(`^(.*:(\d+)\.\d+,(\d+)\.\d+ \d+) (\d+)$`)

// read reads a profile of coverage.
func (t test) read(file string, blocks map[string]bool) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) { // no statement in the package
		return nil
	}
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		m := block.FindStringSubmatch(lines.Text())
		if m == nil {
			continue
		}
		blocks[m[1]] = blocks[m[1]] || m[4] != "0"
		if m[4] == "0" {
			continue
		}
		var s span
		fmt.Sscan(m[2]+" "+m[3], &s.First, &s.Last)
		name := filepath.Base(m[1][:strings.LastIndex(m[1], ":")])
		t.Reaches[name] = append(t.Reaches[name], s)
	}
	return nil
}

// judge runs the tests of a package with a change. Its code is 0 if none of them sees it, 1 if one does, and 2 if it does
// not compile.
func judge(args []string) (code int, err error) {
	name := args[len(args)-1]
	if module, err := exec.Command(goCommand, "list", "-m").Output(); err != nil {
		return 1, err
	} else if strings.TrimSpace(string(module)) == name {
		name = "."
	}
	found, err := list("{{.ImportPath}}={{.Dir}}", name)
	if err != nil {
		return 2, err
	}
	path, dir, _ := strings.Cut(found[0], "=")
	at := changed(dir, filepath.Join(original, strings.TrimPrefix(path, modulePath(path, dir))))
	b := binary{"", dir}
	if b.path = selectChange(path, at); b.path == "" {
		temp, err := os.MkdirTemp("", "judge")
		if err != nil {
			return 1, err
		}
		defer os.RemoveAll(temp)
		b.path = filepath.Join(temp, "x.test")
		if exec.Command(goCommand, "test", "-c", "-vet=off", "-o", b.path, name).Run() != nil {
			return 2, nil
		}
		if _, err := os.Stat(b.path); err != nil {
			return 0, nil // it has no tests
		}
	}
	begun := time.Now()
	for _, step := range steps(path, at.file, at.line) {
		limit := after(args, "-timeout")
		if step.seconds > 0 {
			limit = fmt.Sprintf("%.0fs", 60+20*step.seconds)
		}
		out, _, err := b.test(nil, append(step.args, "-test.failfast", "-test.paniconexit0", "-test.timeout="+limit)...)
		if err == nil {
			continue
		}
		if strings.Contains(out, "panic: test timed out after") && late != "" { // for gremlins, as if it did not compile
			return 2, appendTo(late, fmt.Sprintf("%s:%d:%d %s\n", at.file, at.line, at.column, at.is))
		}
		if logFile != "" {
			text := fmt.Sprintf("== %s:%d:%d %s is seen after %.1f s by %s: %v\n%s\n", at.file, at.line, at.column, at.is, time.Since(begun).Seconds(), strings.Join(step.args, " "), err, out)
			if err := appendTo(logFile, text); err != nil {
				return 1, err
			}
		}
		return 1, nil
	}
	return 0, nil
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// modulePath is a package's path without the folders from the module's root to its own.
func modulePath(path, dir string) string {
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil || root == filepath.Dir(root) {
			return strings.TrimSuffix(path, strings.TrimPrefix(filepath.ToSlash(dir), filepath.ToSlash(root)))
		}
	}
}

// A change is an operator that is another one.
type change struct {
	file         string
	line, column int
	is           string
}

// changed finds the first difference from the original that is more than blanks; all is empty if there is none.
func changed(dir, original string) change {
	files, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, f := range files {
		is, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		was, err := os.ReadFile(filepath.Join(original, filepath.Base(f)))
		if err != nil || bytes.Equal(is, was) {
			continue
		}
		a, b := tokens(was), tokens(is)
		for i := range min(len(a), len(b)) {
			if a[i].text != b[i].text {
				return change{filepath.Base(f), a[i].at.Line, a[i].at.Column, b[i].text}
			}
		}
	}
	return change{}
}

type word struct {
	text string
	at   token.Position
}

func tokens(text []byte) (list []word) {
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return list
		}
		if tok == token.SEMICOLON { // a line's end is one, too
			lit = ""
		}
		list = append(list, word{tok.String() + lit, file.Position(pos)})
	}
}

// A step is a run of some tests.
type step struct {
	args    []string
	seconds float64 // that they took; 0 if that is not known
}

// steps are the runs of tests, one after the other.
func steps(path, file string, line int) []step {
	all := readMeasured(path).Tests
	slices.SortStableFunc(all, func(a, b test) int { return cmp.Compare(a.Seconds, b.Seconds) })
	var reaching []test
	whole, own := 0., 0.
	for _, t := range all {
		whole += t.Seconds
		if slices.ContainsFunc(t.Reaches[file], func(s span) bool { return s.First <= line && line <= s.Last }) {
			reaching = append(reaching, t)
			own += t.Seconds
		}
	}
	if len(reaching) == 0 || file == "" {
		return []step{{}}
	}
	// Quick ones together, then one by one as long as that is worth it, for tests may run side by side.
	var list []step
	var quick, tried []string
	spent, short := 0., 0.
	for _, t := range reaching {
		if t.Seconds < 1 && !strings.Contains(t.Pattern, "/") {
			quick = append(quick, t.Pattern)
			short += t.Seconds
		}
	}
	if len(quick) > 0 {
		list = append(list, step{[]string{"-test.run=" + strings.Join(quick, "|")}, short})
		tried = quick
	}
	var left []string
	for _, t := range reaching {
		switch {
		case slices.Contains(quick, t.Pattern):
		case spent < whole/4:
			spent += t.Seconds
			list = append(list, step{[]string{"-test.run=" + t.Pattern}, t.Seconds})
			tried = append(tried, t.Pattern)
		default:
			left = append(left, t.Pattern)
		}
	}
	switch {
	case !alone:
		list = append(list, step{args: []string{"-test.skip=" + strings.Join(tried, "|")}})
	case len(left) > 0:
		list = append(list, step{[]string{"-test.run=" + strings.Join(left, "|")}, own - short - spent})
	}
	return list
}
