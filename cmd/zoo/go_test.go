package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func TestGoScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/go",
		Setup: func(env *testscript.Env) error {
			script, err := filepath.Abs("testdata/sabaki.js")
			env.Setenv("SABAKI_SCRIPT", script)
			env.Setenv("NODE_PATH", filepath.Join(os.Getenv("ZOO_SABAKI"), "node_modules"))
			return err
		},
		Condition: func(name string) (bool, error) {
			if name != "sabaki" {
				return false, fmt.Errorf("unknown condition %s", name)
			}
			dir := os.Getenv("ZOO_SABAKI")
			_, err := os.Stat(filepath.Join(dir, "node_modules/@sabaki/gtp"))
			return dir != "" && err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// policy [SIZE] FILE: writes a tiny policy network with random weights, for boards of 19×19 if no size is said.
			"policy": func(ts *testscript.TestScript, _ bool, args []string) {
				size := 19
				if len(args) > 1 {
					var err error
					size, err = strconv.Atoi(args[0])
					ts.Check(err)
				}
				m := zoo.AlphaGoPolicy(zoo.Input(48, size, size), zoo.Classes(size*size), zoo.Filters(2), zoo.Depth(2))
				ts.Check(randomWeights(m, ts.MkAbs(args[len(args)-1])))
			},
			// value FILE: writes a tiny value network.
			"value": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(randomWeights(zoo.AlphaGoValue(zoo.Filters(2), zoo.Depth(2)), ts.MkAbs(args[0])))
			},
			// games FILE NUMBER: writes games of 20 moves each. Of four, black wins one, white one, one is drawn and
			// one has no result.
			"games": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(records(n)), 0o666))
			},
			// append FILE TEXT: what a killed program may leave.
			"append": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+args[1]), 0o666))
			},
			// gtp ANSWERS: compares what the last program wrote, its lines without the spaces at their ends.
			"gtp": func(ts *testscript.TestScript, _ bool, args []string) {
				trim := func(name string) string {
					var lines []string
					for line := range strings.Lines(ts.ReadFile(name)) {
						lines = append(lines, strings.TrimRight(line, " \n"))
					}
					return strings.TrimSpace(strings.Join(lines, "\n"))
				}
				if got, want := trim("stdout"), trim(args[0]); got != want {
					ts.Fatalf("answers are\n%s\nshould be\n%s", got, want)
				}
			},
		},
	})
}

// records are games of 20 moves each. Of four, black wins one, white one, one is drawn and one has no result.
func records(n int) string {
	var text strings.Builder
	for g := range n {
		text.WriteString("(;SZ[19]" + []string{"RE[B+R]", "RE[W+3.5]", "RE[0]", ""}[g%4])
		for m := range 20 {
			fmt.Fprintf(&text, ";%c[%c%c]", "BW"[m%2], 'a'+(g+3*m)%19, 'a'+(2*g+m+m/19)%19)
		}
		text.WriteString(")\n")
	}
	return text.String()
}

// randomWeights writes a network with random weights.
func randomWeights(m *zoo.Model, name string) error {
	options, err := json.Marshal(m.Options)
	if err != nil {
		return err
	}
	params, err := m.Params(graph.Train)
	if err != nil {
		return err
	}
	params.Allocate()
	f := weights.File{Meta: weights.Meta{Network: m.Name, Variant: m.Variant, Options: options, Classes: m.Classes, Input: m.Input[:]}}
	r := rand.New(rand.NewPCG(1, 1))
	for _, p := range params.All() {
		for i := range p.Data {
			p.Data[i] = float32(r.NormFloat64() / 4)
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	return weights.Save(name, &f)
}
