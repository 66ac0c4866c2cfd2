package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// killed is the environment of a process that is to die: the folder of its run.
const killed = "ZOO_TEST_KILLED"

// everything is a run with all that must survive: augmentation, dropout, momentum, a plateau's state
// and averaged weights.
func everything(t *testing.T) (recipe.Config, train.Network, datasets.Split) {
	t.Helper()
	r, err := zoo.LeNet5().Recipe("quick", fashion.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := r.Config
	for key, value := range map[string]string{
		"augment": "crop(2), rotate(10), flip, cutout(6)", "ema": "0.95", "epochs": "4", "batch": "32", "limit": "300", "val_limit": "64",
		"schedule": "", "checkpoint": "4ms",
	} {
		if key == "schedule" {
			cfg.Schedule = recipe.Schedule{Name: "plateau", Patience: 1, Gamma: 0.5, Warmup: 1}
		} else if err := cfg.Set(key, value); err != nil {
			t.Fatal(err)
		}
	}
	m, err := zoo.New("lenet5", zoo.Classes(10))
	if err != nil {
		t.Fatal(err)
	}
	n := train.Of(m)
	build := n.Build
	n.Build = func(b *graph.Builder, x *gorgonia.Node) (*gorgonia.Node, error) { return build(b, b.Dropout(x, 0.2)) }
	split, err := fashion.Open()
	if err != nil {
		t.Fatal(err)
	}
	return cfg, n, split
}

// killer is an Events that kills its own process some time after a step.
type killer struct {
	*report.Lines
	step int
	wait time.Duration
}

func (k *killer) Step(s report.Step) {
	if s.Step != k.step {
		return
	}
	die := func() {
		p, _ := os.FindProcess(os.Getpid())
		p.Kill()
	}
	if k.wait == 0 {
		die()
	}
	time.AfterFunc(k.wait, die) // perhaps in the middle of a checkpoint
}

func TestTheProcessThatIsKilled(t *testing.T) {
	folder := os.Getenv(killed)
	if folder == "" {
		t.Skip("it is started by TestARunThatIsKilledGoesOnToTheSameBytes")
	}
	cfg, n, data := everything(t)
	step, _ := strconv.Atoi(os.Getenv(killed + "_STEP"))
	wait, _ := time.ParseDuration(os.Getenv(killed + "_WAIT"))
	tr, err := train.New(cfg, n, data, train.Options{Folder: folder, Events: &killer{&report.Lines{W: io.Discard}, step, wait}})
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if _, err := tr.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func TestARunThatIsKilledGoesOnToTheSameBytes(t *testing.T) {
	cfg, n, data := everything(t)
	whole, err := train.New(cfg, n, data, train.Options{Folder: filepath.Join(t.TempDir(), "whole")})
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	want, err := whole.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want.Steps != 40 {
		t.Fatalf("%d steps, the points are meant for 40", want.Steps)
	}
	r := rand.New(rand.NewPCG(11, 0))
	for range 10 {
		step, wait := 1+r.IntN(want.Steps), time.Duration(r.IntN(6))*time.Millisecond
		t.Run(fmt.Sprintf("%v after step %d", wait, step), func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "run")
			child := exec.Command(os.Args[0], "-test.run=^TestTheProcessThatIsKilled$")
			child.Env = append(os.Environ(), killed+"="+folder, fmt.Sprintf("%s_STEP=%d", killed, step), fmt.Sprintf("%s_WAIT=%v", killed, wait))
			out, err := child.CombinedOutput()
			if err == nil && (wait == 0 || step < want.Steps-10) { // near the end it may be too late
				t.Fatalf("it was not killed:\n%s", out)
			}
			cfg, err := train.ReadConfig(folder)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			tr, err := train.Resume(folder, cfg, n, data, train.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			got, err := tr.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, files := range [][2]string{{want.LastWeights, got.LastWeights}, {want.BestWeights, got.BestWeights}} {
				a, err := os.ReadFile(files[0])
				if err != nil {
					t.Fatal(err)
				}
				b, err := os.ReadFile(files[1])
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(a, b) {
					t.Errorf("%s differs from that of the run that was never killed", files[1])
				}
			}
		})
	}
}
