// Package neon writes assembly for arm64 in the syntax of Go's assembler, over vectors of four float32.
//
// A generator is a main package that describes its functions and calls Write:
//
//	file := neon.NewFile()
//	file.Func("relu", "func(x, y *float32, n int)", "writes max(x, 0) to n floats at y.", func(f *neon.F) {
//		x, y, n := f.Arg("x"), f.Arg("y"), f.Arg("n")
//		zero := f.Const(0)
//		f.Each(n, 4, func(at neon.At) { f.Put(f.Max(zero, f.Get(x, at)), y, at) })
//	})
//	err := file.Write("../relu_arm64.s", "../relu_stub_arm64.go", "simd")
//
// Operations return a new vector; those that change their first operand say so (FMA, AddTo, …). Registers are virtual:
// Write finds out how long each holds something and gives it one of the 32 vector registers, or one of the 24 general
// registers that neither Go nor an operating system wants (see free in alloc.go), and fails if they are not enough.
//
// Go's assembler has no multiply-add by an element and few other vector instructions on floats. Those are written as
// words with their mnemonics beside them, which the test of this package gives to llvm-mc and compares.
package neon

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"math"
	"os"
	"strings"
)

// A File is the functions of one assembly file.
type File struct{ funcs []*F }

// NewFile returns a file without functions.
func NewFile() *File { return &File{} }

// F is a function under construction.
type F struct {
	name, doc, signature string
	code                 []inst
	args                 map[string]int // offsets
	argBytes             int            // of arguments and results
	result               int            // the result's offset
	registers, labels    int
	advanced             []advance // arrays that the current group of Each has touched
}

// A register is virtual until it has a number.
type register struct {
	vector bool
	id     int
	number int // -1: not yet
}

// A Reg is a general register of 64 bits.
type Reg struct{ *register }

// A Vec is a vector register: four floats, or what an operation makes of its bits.
type Vec struct{ *register }

// String returns the name of the general register.
func (r Reg) String() string { return fmt.Sprintf("R%d", free[r.number]) }

// String returns the name of a vector register as a whole.
func (v Vec) String() string { return fmt.Sprintf("F%d", v.number) }

func (v Vec) n() uint32 { return uint32(v.number) }
func (r Reg) n() uint32 { return uint32(free[r.number]) }

// As is a vector register with an arrangement of its lanes, as V3.S4.
func (v Vec) As(arrangement string) fmt.Stringer { return arranged{v, arrangement} }

type arranged struct {
	v  Vec
	as string
}

func (a arranged) String() string { return fmt.Sprintf("V%d.%s", a.v.number, a.as) }

// An inst is an instruction, or a label.
type inst struct {
	uses, defs []*register
	label      string // defined here
	target     string // where it may go
	ends       bool   // never goes on to the next
	flags      bool   // sets the flags too
	move       bool   // only copies its source
	text       func() string
}

// Func adds a function. The signature's arguments are pointers, ints and float32s; it may have one unnamed result.
func (file *File) Func(name, signature, doc string, body func(f *F)) {
	f := &F{name: name, doc: doc, signature: signature, args: map[string]int{}}
	f.layout()
	body(f)
	f.op(nil, nil, "RET")
	f.code[len(f.code)-1].ends = true
	file.funcs = append(file.funcs, f)
}

// layout finds the places of arguments and results: those of Go's assembly functions.
func (f *F) layout() {
	e, err := parser.ParseExpr(f.signature)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", f.name, err))
	}
	size := func(t ast.Expr) int {
		if id, ok := t.(*ast.Ident); ok && id.Name == "float32" {
			return 4
		}
		return 8
	}
	at := 0
	place := func(t ast.Expr) int {
		n := size(t)
		at = (at + n - 1) / n * n
		at += n
		return at - n
	}
	fn := e.(*ast.FuncType)
	for _, field := range fn.Params.List {
		for _, name := range field.Names {
			f.args[name.Name] = place(field.Type)
		}
	}
	if fn.Results != nil {
		at = (at + 7) / 8 * 8
		f.result = place(fn.Results.List[0].Type)
	}
	f.argBytes = at
}

// op adds an instruction in the assembler's syntax. The arguments are formatted when registers have their numbers.
func (f *F) op(defs, uses []*register, form string, args ...any) {
	f.code = append(f.code, inst{defs: defs, uses: uses, text: func() string { return fmt.Sprintf(form, args...) }})
}

// word adds an instruction that the assembler does not know.
func (f *F) word(defs, uses []*register, code func() (uint32, string)) {
	f.code = append(f.code, inst{defs: defs, uses: uses, text: func() string {
		w, mnemonic := code()
		return fmt.Sprintf("WORD $%#08x // %s", w, mnemonic)
	}})
}

func regs(r ...interface{ reg() *register }) []*register {
	var all []*register
	for _, x := range r {
		all = append(all, x.reg())
	}
	return all
}

func (r *register) reg() *register { return r }

// Reg returns a general register that holds nothing yet.
func (f *F) Reg() Reg { f.registers++; return Reg{&register{id: f.registers - 1, number: -1}} }

// Vec returns a vector register that holds nothing yet.
func (f *F) Vec() Vec {
	f.registers++
	return Vec{&register{vector: true, id: f.registers - 1, number: -1}}
}

// Pair returns two vector registers that are neighbours, for the instructions that want those: numbers n and n+1.
func (f *F) Pair(n int) (a, b Vec) {
	a, b = f.Vec(), f.Vec()
	a.number, b.number = n, n+1
	return a, b
}

// Arg loads an integer or pointer argument into a general register.
func (f *F) Arg(name string) Reg {
	r := f.Reg()
	f.LoadArg(r, name)
	return r
}

// LoadArg loads an integer or pointer argument into r.
func (f *F) LoadArg(r Reg, name string) {
	f.op(regs(r), nil, "MOVD %s+%d(FP), %v", name, f.offset(name), r)
}

// StoreArg writes r back to where an argument lies, for values that do not fit into registers.
func (f *F) StoreArg(r Reg, name string) {
	f.op(nil, regs(r), "MOVD %v, %s+%d(FP)", r, name, f.offset(name))
}

// ArgVec loads a float32 argument into all lanes.
func (f *F) ArgVec(name string) Vec {
	s, v := f.Vec(), f.Vec()
	f.op(regs(s), nil, "FMOVS %s+%d(FP), %v", name, f.offset(name), s)
	f.op(regs(v), regs(s), "VDUP %v, %v", s.As("S[0]"), v.As("S4"))
	return v
}

func (f *F) offset(name string) int {
	off, ok := f.args[name]
	if !ok {
		panic(fmt.Sprintf("%s has no argument %s", f.name, name))
	}
	return off
}

// Return32 stores the first lane as the function's float32, Return64 as its float64.
func (f *F) Return32(v Vec) { f.op(nil, regs(v), "FMOVS %v, ret+%d(FP)", v, f.result) }

// Return64 stores the first lane as the function's float64.
func (f *F) Return64(v Vec) { f.op(nil, regs(v), "FMOVD %v, ret+%d(FP)", v, f.result) }

// Label returns a label that the function does not have yet, to be put somewhere with Here.
func (f *F) Label(hint string) string {
	f.labels++
	return fmt.Sprintf("%s%d", hint, f.labels)
}

// Here puts a label at the next instruction.
func (f *F) Here(label string) { f.code = append(f.code, inst{label: label}) }

// Write writes the assembly and the declarations of its functions.
func (file *File) Write(assembly, stubs, pkg string) error {
	const head = "// Code generated by command: go run ./arm64. DO NOT EDIT.\n\n//go:build arm64 && !noasm\n\n"
	var s, g bytes.Buffer
	s.WriteString(head + "#include \"textflag.h\"\n")
	g.WriteString(head + "package " + pkg + "\n")
	for _, f := range file.funcs {
		if err := f.allocate(); err != nil {
			return err
		}
		fmt.Fprintf(&s, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", f.name, strings.TrimPrefix(f.signature, "func"), f.name, f.argBytes)
		for _, i := range f.code {
			switch {
			case i.label != "":
				fmt.Fprintf(&s, "\n%s:\n", i.label)
			case i.move && i.defs[0].number == i.uses[0].number:
			default:
				fmt.Fprintf(&s, "\t%s\n", i.text())
			}
		}
		fmt.Fprintf(&g, "\n// %s %s\n//\n//go:noescape\nfunc %s%s\n", f.name, f.doc, f.name, strings.TrimPrefix(f.signature, "func"))
	}
	stub, err := format.Source(g.Bytes())
	if err != nil {
		return err
	}
	if err := os.WriteFile(assembly, s.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(stubs, stub, 0o644)
}

// Const returns x in all lanes.
func (f *F) Const(x float32) Vec { return f.ConstInt(int32(math.Float32bits(x))) }

// ConstInt returns the int32 x in all lanes.
func (f *F) ConstInt(x int32) Vec {
	v := f.Vec()
	if x == 0 {
		f.Clear(v)
		return v
	}
	r := f.Reg()
	f.op(regs(r), nil, "MOVW $%d, %v", x, r)
	f.op(regs(v), regs(r), "VDUP %v, %v", r, v.As("S4"))
	return v
}

// Consts returns up to four numbers in the lanes of one register, for operations by element.
func (f *F) Consts(xs ...float32) Vec {
	v := f.Vec()
	f.Clear(v)
	for i, x := range xs {
		r := f.Reg()
		f.op(regs(r), nil, "MOVW $%d, %v", int32(math.Float32bits(x)), r)
		f.op(regs(v), regs(v, r), "VMOV %v, %v", r, v.As(fmt.Sprintf("S[%d]", i)))
	}
	return v
}
