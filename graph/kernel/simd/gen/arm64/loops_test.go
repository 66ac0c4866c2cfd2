package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The models of processors that the inner loops are judged by. LLVM has no model of an M1's own: it takes that of Apple's
// Cyclone, which has three vector units where an M1 has four.
var processors = []string{"neoverse-n1", "neoverse-v1", "apple-m1"}

// The loops that the table shows: what the time of networks goes into.
var judged = []string{
	"tile6x1NEON", "tile5x1NEON", "tile4x1NEON",
	"winogradInputNEON", "winogradOutputNEON", "winogradFilterNEON", "winogradOutputGradNEON", "winogradFilterGradNEON",
	"winograd23InputNEON", "winograd23OutputNEON", "winograd23FilterNEON",
	"winograd25InputNEON", "winograd25OutputNEON", "winograd25FilterNEON",
	"lanes6NEON", "permuted5NEON",
	"dot8x1NEON", "dot6x4NEON", "mix1NEON", "mix4NEON", "box7x1NEON", "box3x2NEON",
	"reluNEON", "addReLUNEON", "axpyNEON", "sgdMomentumNEON", "adamNEON", "geluNEON", "tanhNEON", "rowExpNEON", "sumSquaresNEON",
	"normaliseReLUNEON", "sumGradsReLUNEON", "normaliseGradReLUNEON", "sumMomentsNEON", "maxOnlyNEON", "maxArgNEON", "routedNEON", "lrn5NEON",
	"toBlockedNEON", "fromBlockedNEON", "gatherNEON", "scatterNEON", "copy4NEON",
}

// A loop is the instructions from a branch's target to the branch.
type loop struct {
	code      []string
	multiplys int // multiply-adds of vectors
}

// TestInnerLoops prints what llvm-mca says of the inner loops, as a table of Markdown (go test -v), and holds the tile to 85
// percent of the multiply-adds that a processor could start.
func TestInnerLoops(t *testing.T) {
	mca, dump := tool(t, "llvm-mca"), tool(t, "llvm-objdump")
	binary := filepath.Join(t.TempDir(), "simd.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	peaks := map[string]float64{}
	var independent []string
	for i := range 28 {
		independent = append(independent, fmt.Sprintf("fmla v%d.4s, v30.4s, v31.s[0]", i))
	}
	for _, p := range processors {
		peaks[p] = float64(len(independent)) / judge(t, mca, p, independent).cycles
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| Loop | Instructions | Multiply-adds |")
	for _, p := range processors {
		fmt.Fprintf(&table, " %s: cycles | multiply-adds a cycle | share of %.0f | bound |", p, peaks[p])
	}
	fmt.Fprintf(&table, "\n|---|---|---|%s\n", strings.Repeat("---|---|---|---|", len(processors)))
	for _, name := range judged {
		for _, l := range innerLoops(t, dump, binary, name) {
			fmt.Fprintf(&table, "| %s | %d | %d |", strings.TrimSuffix(name, "NEON"), len(l.code), l.multiplys)
			for _, p := range processors {
				j := judge(t, mca, p, l.code)
				rate := float64(l.multiplys) / j.cycles
				share := rate / peaks[p]
				if l.multiplys == 0 {
					fmt.Fprintf(&table, " %.1f | | | %s |", j.cycles, j.bound)
				} else {
					fmt.Fprintf(&table, " %.1f | %.2f | %.0f %% | %s |", j.cycles, rate, 100*share, j.bound)
				}
				if strings.HasPrefix(name, "tile6x1") && share < 0.85 {
					t.Errorf("%s on %s: %.0f %% of the peak, want 85", name, p, 100*share)
				}
			}
			fmt.Fprintln(&table)
		}
	}
	t.Log("\n" + table.String())
}

// tool returns the newest of a tool of LLVM's, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	for version := 30; version >= 14; version-- {
		if path, err := exec.LookPath(fmt.Sprintf("%s-%d", name, version)); err == nil {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip("no ", name)
	}
	return path
}

var (
	instruction = regexp.MustCompile(`^\s*([0-9a-f]+):\s+(.*)$`)
	branch      = regexp.MustCompile(`^(?:b|b\.\w+|cbn?z|tbn?z)\s(?:.*\s)?0x([0-9a-f]+)$`)
)

// innerLoops returns the loops of a function that have none inside. Those of a last, partial vector are left out: they are
// short, and run once.
func innerLoops(t *testing.T, dump, binary, name string) []loop {
	t.Helper()
	const pkg = "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd."
	out, err := exec.Command(dump, "-d", "--no-show-raw-insn", "--disassemble-symbols="+pkg+name+".abi0", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	var code []string
	var loops [][2]int
	at := map[uint64]int{}
	for _, line := range strings.Split(string(out), "\n") {
		m := instruction.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		address, _ := strconv.ParseUint(m[1], 16, 64)
		at[address] = len(code)
		text, _, _ := strings.Cut(strings.ReplaceAll(m[2], "\t", " "), " <")
		if b := branch.FindStringSubmatch(text); b != nil {
			to, _ := strconv.ParseUint(b[1], 16, 64)
			if begin, ok := at[to]; ok {
				loops = append(loops, [2]int{begin, len(code)})
			}
			text = strings.TrimSuffix(text, "0x"+b[1]) + "out" // llvm-mca follows no branch
		}
		code = append(code, text)
	}
	if len(code) == 0 {
		t.Fatalf("no function %s", name)
	}
	var inner []loop
	for _, l := range loops {
		whole := true
		for _, o := range loops {
			whole = whole && (o == l || o[0] < l[0] || o[1] > l[1])
		}
		if !whole || l[1]-l[0] < 4 {
			continue
		}
		x := loop{code: code[l[0] : l[1]+1]}
		for _, i := range x.code {
			if strings.HasPrefix(i, "fmla") || strings.HasPrefix(i, "fmls") {
				x.multiplys++
			}
		}
		inner = append(inner, x)
	}
	return inner
}

// A judgement is what llvm-mca says of a loop.
type judgement struct {
	cycles float64 // of an iteration
	bound  string  // what cannot be faster
}

var (
	totalCycles = regexp.MustCompile(`Total Cycles:\s+(\d+)`)
	totalOps    = regexp.MustCompile(`Total uOps:\s+(\d+)`)
	dispatch    = regexp.MustCompile(`Dispatch Width:\s+(\d+)`)
	resource    = regexp.MustCompile(`(?m)^\[([\d.]+)\]\s+- (\S+)`)
)

func judge(t *testing.T, mca, processor string, code []string) judgement {
	t.Helper()
	const iterations = 200
	cmd := exec.Command(mca, "-mtriple=aarch64", "-mcpu="+processor, fmt.Sprintf("-iterations=%d", iterations))
	cmd.Stdin = strings.NewReader(strings.Join(code, "\n") + "\nout:\n")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("llvm-mca: %v\n%s", err, problems.Bytes())
	}
	number := func(r *regexp.Regexp) float64 {
		m := r.FindSubmatch(out)
		if m == nil {
			t.Fatalf("llvm-mca says nothing of %v:\n%s", r, out)
		}
		x, _ := strconv.ParseFloat(string(m[1]), 64)
		return x
	}
	j := judgement{cycles: number(totalCycles) / iterations, bound: "latency"}
	most := 0.0
	if d := number(totalOps) / iterations / number(dispatch); d > most {
		most, j.bound = d, "decoding"
	}
	// The table of pressure has a column for each unit, in the order of the list above it.
	units := resource.FindAllSubmatch(out, -1)
	_, pressure, _ := strings.Cut(string(out), "Resource pressure per iteration:\n")
	lines := strings.SplitN(pressure, "\n", 3)
	if len(lines) < 2 {
		t.Fatalf("no pressure:\n%s", out)
	}
	for i, text := range strings.Fields(lines[1]) {
		if x, err := strconv.ParseFloat(text, 64); err == nil && i < len(units) && x > most {
			most, j.bound = x, unit(string(units[i][2]))
		}
	}
	if j.cycles > 1.15*most {
		j.bound = "latency"
	}
	return j
}

// unit is what LLVM's models call a unit, in words.
func unit(name string) string {
	switch {
	case strings.Contains(name, "UnitV"), strings.Contains(name, "VALU"):
		return "vector units"
	case strings.Contains(name, "UnitL"), strings.HasSuffix(name, "UnitLS"):
		return "loads and stores"
	case strings.Contains(name, "UnitS"), strings.Contains(name, "UnitST"):
		return "stores"
	case strings.Contains(name, "UnitI"), strings.Contains(name, "UnitM"):
		return "integer units"
	case strings.Contains(name, "UnitB"):
		return "branches"
	}
	return name
}
