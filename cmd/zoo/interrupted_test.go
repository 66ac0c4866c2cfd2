package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// tinyGo writes networks for Go that take no time, and games, into the folder of the test.
func tinyGo(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	err := errors.Join(
		randomWeights(zoo.AlphaGoPolicy(zoo.Filters(2), zoo.Depth(2)), "policy.safetensors"),
		randomWeights(zoo.AlphaGoValue(zoo.Filters(2), zoo.Depth(2)), "value.safetensors"),
		os.WriteFile("games.sgf", []byte(records(8)), 0o666),
	)
	if err != nil {
		t.Fatal(err)
	}
	picture(t, "boot.png", 1)
}

// A verb that is interrupted ends with the code 130, says so in one line, and how it goes on where it can.
func TestInterruptedVerbsEndWithTheirCode(t *testing.T) {
	tinyGo(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct{ args, told string }{
		{"predict lenet5-fashion-mnist boot.png", ""},
		{"eval lenet5-fashion-mnist", ""},
		{"explain lenet5-fashion-mnist boot.png --how occlusion -o x.png", ""},
		{"explain lenet5-fashion-mnist --how maximise --class 1 -o x.png", ""},
		{"explain lenet5-fashion-mnist boot.png --how dream --layer c1 -o x.png", ""},
		{"explain lenet5-fashion-mnist boot.png --how invert --layer c1 -o x.png", ""},
		{"explain lenet5-fashion-mnist --how deconvnet --feature 1 --data fashion-mnist-small -o x.png", ""},
		{"bench lenet5 --batch 2", ""},
		{"data verify fashion-mnist-small", ""},
		{"data show fashion-mnist-small -o x.png", ""},
		{"data get mnist", "it goes on with: zoo data get mnist\n"},
		{"weights get resnet18", "it goes on with: zoo weights get resnet18\n"},
		{"go eval policy.safetensors --data games.sgf", ""},
		{"go eval value.safetensors --data games.sgf", ""},
		{"go judge games.sgf --weights policy.safetensors -o x.sgf", ""},
		{"train lenet5 --limit 64 --epochs 1 --out run", "it goes on with: zoo resume run\n"},
		{"train lenet5 --limit 64 --epochs 1 --out run2 --dry-run", ""},
		{"train lenet5 --limit 64 --epochs 1 --out members --ensemble 2", "it goes on with: zoo resume members\n"},
		{"go train --data games.sgf --k 2 --depth 2 --epochs 1 --out go", "it goes on with: zoo resume go\n"},
	} {
		var out, problems bytes.Buffer
		code := run(ctx, words(c.args), &out, &problems)
		lines := strings.Split(strings.TrimSpace(problems.String()), "\n")
		last := lines[len(lines)-1]
		if code != 130 || !strings.HasPrefix(last, "zoo: ") || !strings.Contains(last, "interrupted") || !strings.Contains(problems.String(), c.told) || out.Len() > 0 {
			t.Errorf("zoo %s: code %d, printed %q and %q", c.args, code, &out, &problems)
		}
	}
	for _, name := range []string{"x.png", "x.sgf", "run2"} {
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

// full is an output on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// What a verb cannot say is a failure of the verb, whatever it has done.
func TestResultsThatCannotBePrintedAreAFailure(t *testing.T) {
	tinyGo(t)
	for _, args := range []string{
		"list", "list --json", "list --weights", "list --plot trend.png", "weights list", "weights where resnet18", "weights get lenet5-mnist", "data list --json",
		"inspect lenet5", "inspect lenet5 --dot", "inspect --conv 8x8x1,3x3,2", "version", "predict lenet5-fashion-mnist boot.png",
		"predict lenet5-fashion-mnist boot.png --json", "eval lenet5-fashion-mnist --limit 10", "export lenet5-mnist -o w.pt", "explain lenet5-fashion-mnist boot.png -o e.png",
		"bench lenet5 --batch 1 --seconds 0.01", "data show fashion-mnist-small -o s.png", "go features games.sgf -o f.npy", "go picture games.sgf -o p.png",
		"go eval policy.safetensors --data games.sgf --limit 10", "go judge games.sgf --weights policy.safetensors --limit 2 -o j.sgf", "import w.pt --as lenet5 -o w.safetensors",
		"train lenet5 --limit 16 --batch 16 --epochs 1 --set val_limit=10 --out run",
	} {
		var problems bytes.Buffer
		code := run(t.Context(), words(args), full{}, &problems)
		if text := problems.String(); code != 1 || !strings.HasSuffix(text, "zoo: standard output: no space is left: the disk is full\n") || strings.Count(text, "zoo: ") > 1 {
			t.Errorf("zoo %s: code %d, %q", args, code, text)
		}
	}
}

// Games that cannot be used are named with the reason; the others are.
func TestGoVerbsSayWhatTheyLeaveOut(t *testing.T) {
	tinyGo(t)
	told := "(;SZ[19]RE[B+R];B[aa];W[bb])\n(;SZ[19]RE[W+2.5];B[cc];W[dd])\n(;SZ[19]RE[B+7];B[ee];W[ff])\n(;SZ[19]RE[W+R];B[gg];W[hh])\n"
	for name, text := range map[string]string{
		"told.sgf":   told,
		"mixed.sgf":  "(;SZ[19])(;SZ[9];B[aa])(;SZ[19];B[aa];W[aa];B[bb])" + told,
		"drawn.sgf":  strings.ReplaceAll(strings.ReplaceAll(told, "B+R", "0"), "RE[W+2.5]", ""),
		"drawn2.sgf": "(;SZ[19]RE[0];B[aa];W[bb])",
	} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args        string
		code        int
		out, stderr string // all of it
	}{
		{"go judge mixed.sgf --weights policy.safetensors -o all.sgf", 0,
			"all.sgf: 4 games: 4 had a result, 0 were counted, 0 were played on; 0 were too close to tell\n", `zoo: left out: mixed.sgf: game 1: it has no moves
zoo: left out: mixed.sgf: game 2: the board is 9×9: should be 19×19
zoo: left out: mixed.sgf: game 3: move 2, white at A19: the point is occupied: how it ended is not known
`},
		{"go judge told.sgf --weights policy.safetensors -o some.sgf --limit 2", 0, "some.sgf: 2 games: 2 had a result, 0 were counted, 0 were played on; 0 were too close to tell\n", ""},
		{"go judge told.sgf --weights policy.safetensors -o none/j.sgf", 1, "", "zoo: none/j.sgf: not written: none: there is no such file or folder\n"},
		{"go eval value.safetensors --data drawn2.sgf", 1, "", "zoo: left out: 1 of 1 games: without a winner\nzoo: no game has a winner\n"},
		{"go eval policy.safetensors --data told.sgf --holdout 5", 1, "", "zoo: holding out 5 games: there are 4\n"},
		{"go eval value.safetensors --data told.sgf --holdout 5", 1, "", "zoo: holding out 5 games: there are 4\n"},
		{"go features told.sgf --game 2 -o g.npy", 0, "g.npy: 2×48×19×19\n", ""},
		{"go train --data told.sgf --limit -1", 2, "", "zoo: --limit -1: should be at least 1, or 0 for all positions\n"},
		{"go train --data told.sgf --recipe papr", 2, "", "zoo: alphago-policy has no recipe \"papr\": did you mean \"paper\"?\n"},
		{"go train --data told.sgf --holdout 9", 1, "", "zoo: holding out 9 games of 4: should be at least 1 and leave 1 to train on\n"},
	} {
		var out, problems bytes.Buffer
		if code := run(t.Context(), words(c.args), &out, &problems); code != c.code || out.String() != c.out || problems.String() != c.stderr {
			t.Errorf("zoo %s: code %d, want %d: printed\n%s%s\nwant\n%s%s", c.args, code, c.code, &out, &problems, c.out, c.stderr)
		}
	}
	// Of four the first and the third, spread evenly.
	var results []string
	for g, err := range baduk.Open("some.sgf") {
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, g.Result.Text)
	}
	if got := strings.Join(results, " "); got != "B+R B+7" {
		t.Errorf("judged are %s", got)
	}

	// One game in twenty is held out unless a number says otherwise.
	if err := os.WriteFile("forty.sgf", []byte(records(40)), 0o666); err != nil {
		t.Fatal(err)
	}
	if plan, _ := zooOutput(t, words("go train --data forty.sgf --k 2 --depth 2 --dry-run")...); !strings.Contains(plan, "760 training and 40 validation images") {
		t.Errorf("two of forty games should be held out: %s", plan)
	}

	// A value network begins with a policy's convolutions; the result is one object.
	stdout, stderr := zooOutput(t, words("go train --network alphago-value --data told.sgf --holdout 1 --k 2 --depth 2 --epochs 1 --init policy.safetensors --json --out value")...)
	var r report.Result
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || r.Folder != "value" || !r.Last.Val.Squared || r.Last.Val.Images != 2 {
		t.Errorf("%v: %s", err, stdout)
	}
	if !strings.Contains(stderr, "/policy.safetensors\nrun folder value\n") {
		t.Errorf("it does not say what it begins with: %s", stderr)
	}
}

// Members of a run go on with other settings, all of them; the result is one object.
func TestMembersGoOnWithOtherSettings(t *testing.T) {
	t.Chdir(t.TempDir())
	var result ensembleResult
	for _, c := range []struct {
		args   string
		epochs float64
		lr     float64
	}{
		{"train lenet5 --limit 64 --batch 16 --epochs 1 --lr 0.05 --set val_limit=50 --ensemble 2 --json --out e", 1, 0.05},
		{"resume e --epochs 2 --lr 0.01 --set smoothing=0.1 --json", 2, 0.01},
		{"resume e --json", 2, 0.01},
	} {
		stdout, _ := zooOutput(t, words(c.args)...)
		if err := json.Unmarshal([]byte(stdout), &result); err != nil || result.Folder != "e" || len(result.Members) != 2 {
			t.Fatalf("zoo %s: %v: %s", c.args, err, stdout)
		}
		for i, m := range result.Members {
			cfg, err := train.ReadConfig(train.MemberFolder("e", i+1))
			if err != nil || m.Epochs != c.epochs || float64(cfg.Epochs) != c.epochs || cfg.Optimizer.LR != c.lr {
				t.Errorf("zoo %s: member %d: %v epochs of %d at %v, %v", c.args, i+1, m.Epochs, cfg.Epochs, cfg.Optimizer.LR, err)
			}
		}
	}
	if cfg, err := train.ReadConfig("e"); err != nil || cfg.Epochs != 2 || cfg.Smoothing != 0.1 || cfg.Ensemble != 2 {
		t.Errorf("the run's configuration: %+v, %v", cfg, err)
	}
	for args, want := range map[string]string{
		"train lenet5 --limit 64 --epochs 2 --ensemble 3 --dry-run --set val_limit=50":                                             "\n3 members, one after another, each as above\nestimated time about ",
		"train lenet5 --limit 64 --epochs 9 --set early_stop=1 --set optimizer.lr=1e-30 --set val_limit=50 --out s --recipe quick": "ended after 2 epochs: the last ones brought no better result\n",
	} {
		if stdout, _ := zooOutput(t, words(args)...); !strings.Contains(stdout, want) {
			t.Errorf("zoo %s prints %q, without %q", args, stdout, want)
		}
	}
	// Initial weights say the form of their network, unless another one is asked for; what they say wrongly is named.
	if err := weights.Save("odd.safetensors", &weights.File{Meta: weights.Meta{Network: "lenet5", Options: json.RawMessage(`{"colour":1}`)},
		Tensors: []weights.Tensor{{Name: "c1.weight", Shape: []int{1}, Data: []float32{1}}}}); err != nil {
		t.Fatal(err)
	}
	code, text := commanded(t, words("train lenet5 --init odd.safetensors"))
	if want := "odd.safetensors: unknown option of the network colour: there are "; code != 1 || !strings.Contains(text, want) {
		t.Errorf("code %d, %q, want %q", code, text, want)
	}
	code, text = commanded(t, words("train lenet5 --variant 1998 --init lenet5-fashion-mnist --out v"))
	if want := "the tensors are not the network's"; code != 1 || !strings.Contains(text, want) {
		t.Errorf("code %d, %q, want %q", code, text, want)
	}
}

// A picture's file that no picture has is refused before it is read; a long one is read by itself.
func TestImageFilesOfAnyLength(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, size := range map[string]int64{"huge.png": maxFile + 1, "long.png": largeFile + 1} {
		if err := os.WriteFile(name, []byte("no picture"), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Skip(err)
		}
	}
	picture(t, filepath.Join("folder", "boot.png"), 1)
	picture(t, filepath.Join("folder", "within", "coat.png"), 2)
	picture(t, filepath.Join("folder", ".hidden", "bag.png"), 3)
	var out, problems bytes.Buffer
	code := run(t.Context(), words("predict lenet5-fashion-mnist --top 1 huge.png long.png folder"), &out, &problems)
	wantErr := fmt.Sprintf("zoo: huge.png: %d bytes: should be at most %d\nzoo: long.png: broken image: no image format that is known (should be JPEG, PNG, GIF, WebP, BMP or TIFF): it begins 6e 6f 20 70 69 63 74 75\n"+
		"zoo: 2 of 4 images could not be read\n", maxFile+1, maxFile)
	if code != 1 || problems.String() != wantErr || strings.Count(out.String(), "\n") != 2 || !strings.HasPrefix(out.String(), "folder/boot.png  ") || !strings.Contains(out.String(), "\nfolder/within/coat.png  ") {
		t.Errorf("code %d, printed\n%s%s\nwant\n%s", code, &out, &problems, wantErr)
	}
}

// Ranks are the same program with the same verb; rank 0 alone talks.
func TestRanksOfOneCommandTalkAsOne(t *testing.T) {
	said := make([]bytes.Buffer, 2)
	for rank, err := range asRanks(2, func(c cluster.Comm) error {
		w := &said[c.Rank()]
		a := &app{stdout: w, stderr: w, screen: w}
		if a.ranks().Size() != 1 {
			t.Error("a process alone is one of several")
		}
		if err := a.enter(c, "eval"); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, "results")
		fmt.Fprintln(a.stderr, "progress")
		fmt.Fprint(a.screen, "bar")
		if a.ranks().Size() != 2 {
			t.Error("a rank is alone")
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	if said[0].String() != "results\nprogress\nbar" || said[1].Len() > 0 {
		t.Errorf("rank 0 says %q, rank 1 %q", &said[0], &said[1])
	}
	for rank, err := range asRanks(2, func(c cluster.Comm) error {
		return (&app{stdout: &said[0], stderr: &said[0]}).enter(c, []string{"eval", "predict"}[c.Rank()])
	}) {
		if err == nil || !strings.Contains(err.Error(), "ranks differ in the command") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}
