package neon

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var wordLine = regexp.MustCompile(`WORD \$0x([0-9a-f]{8}) // (.*)`)

// assemble returns llvm-mc's encodings of instructions, or skips the test.
func assemble(t *testing.T, instructions []string) []string {
	t.Helper()
	mc, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("no llvm-mc: ", err)
	}
	cmd := exec.Command(mc, "-triple=aarch64", "-show-encoding")
	cmd.Stdin = strings.NewReader(strings.Join(instructions, "\n") + "\n")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, problems.Bytes())
	}
	var all []string
	for _, m := range regexp.MustCompile(`encoding: \[0x(..),0x(..),0x(..),0x(..)\]`).FindAllStringSubmatch(string(out), -1) {
		all = append(all, m[4]+m[3]+m[2]+m[1])
	}
	if len(all) != len(instructions) {
		t.Fatalf("llvm-mc encoded %d of %d instructions", len(all), len(instructions))
	}
	return all
}

func TestWordsAreWhatTheirMnemonicsSay(t *testing.T) {
	files, err := filepath.Glob("../../*_arm64.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly: ", err)
	}
	words := map[string]string{} // by mnemonic
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if !strings.Contains(line, "WORD") {
				continue
			}
			m := wordLine.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: a word without a mnemonic: %s", name, line)
			}
			if old, ok := words[m[2]]; ok && old != m[1] {
				t.Errorf("%s is %s and %s", m[2], old, m[1])
			}
			words[m[2]] = m[1]
		}
	}
	var mnemonics []string
	for m := range words {
		mnemonics = append(mnemonics, m)
	}
	slices.Sort(mnemonics)
	for i, code := range assemble(t, mnemonics) {
		if m := mnemonics[i]; words[m] != code {
			t.Errorf("%s is %s, not %s", m, code, words[m])
		}
	}
	t.Logf("%d words", len(words))
}

// Files hold few of all the registers and lanes that an encoder may meet.
func TestEncodersKnowAllRegistersAndLanes(t *testing.T) {
	file := NewFile()
	file.Func("all", "func()", "", func(f *F) {
		vec := func(n int) Vec { v := f.Vec(); v.number = n; return v }
		for n := range vectors {
			a, b, d := vec(n), vec((n+11)%vectors), vec((n+21)%vectors)
			for lane := range 4 {
				f.FMALane(d, a, b, lane)
				f.FNMALane(d, a, b, lane)
				f.element("fmul", 0x4f809000, d, a, b, lane)
			}
			f.three("fadd", "4s", fadd, d, a, b)
			f.two("fsqrt", "4s", "4s", 0x6ea1f800, d, a)
			if n < len(free) {
				base, index := f.Reg(), f.Reg()
				base.number, index.number = n, (n+7)%len(free)
				f.LoadAt(d, base, index)
			}
		}
	})
	var mnemonics, words []string
	for _, i := range file.funcs[0].code {
		if m := wordLine.FindStringSubmatch(i.text()); m != nil {
			words, mnemonics = append(words, m[1]), append(mnemonics, m[2])
		}
	}
	for i, code := range assemble(t, mnemonics) {
		if words[i] != code {
			t.Errorf("%s is %s, not %s", mnemonics[i], code, words[i])
		}
	}
}

func TestRegistersThatLiveTogetherDiffer(t *testing.T) {
	var kept []Vec
	var first, second Vec
	file := NewFile()
	file.Func("f", "func(x *float32, n int)", "", func(f *F) {
		x, n := f.Arg("x"), f.Arg("n")
		for range 30 {
			kept = append(kept, f.Zero())
		}
		f.Loop(n, func() {
			first = f.Load(Mem{Base: x}) // dead before the second is loaded
			f.AddTo(kept[0], first)
			second = f.Load(Mem{Base: x, Disp: 16})
			f.AddTo(kept[1], second)
		})
		for i, v := range kept {
			f.Store(v, Mem{Base: x, Disp: 16 * i})
		}
	})
	if err := file.funcs[0].allocate(); err != nil {
		t.Fatal(err)
	}
	taken := map[int]bool{}
	for _, v := range append(kept, first) {
		if taken[v.number] {
			t.Errorf("two vectors in register %d", v.number)
		}
		taken[v.number] = true
	}
	if taken[second.number] && second.number != first.number {
		t.Error("a vector lies where another lives")
	}
}

func TestMistakesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		body       func(f *F)
	}{
		{"too many vectors", "more than the 32 vector registers", func(f *F) {
			x := f.Arg("x")
			var all []Vec
			for range 33 {
				all = append(all, f.Zero())
			}
			for _, v := range all {
				f.Store(v, Mem{Base: x})
			}
		}},
		{"a register that holds nothing", "read before it is written", func(f *F) { f.Store(f.Vec(), Mem{Base: f.Arg("x")}) }},
		{"a label that is nowhere", "no label there", func(f *F) { f.JumpZero(f.Arg("x"), "there") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := NewFile()
			file.Func("f", "func(x *float32)", "", c.body)
			if err := file.funcs[0].allocate(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}
