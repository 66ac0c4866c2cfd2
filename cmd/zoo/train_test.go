package main

import (
	"io"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// colours are a few images of noise in colour.
const colours = "test-colours"

func init() {
	info := datasets.Info{Name: colours, Classes: strings.Split("abcdefghij", ""), Shape: image.Shape{C: 3, H: 32, W: 32}, Mean: []float32{.5}, Std: []float32{.3}}
	datasets.Register(datasets.Dataset{Info: info, Embedded: true, Open: func(_ string, part datasets.Part) (datasets.Source, error) {
		const n = 40
		info := info
		info.Part = part
		pix, labels := make([]byte, n*info.Shape.Len()), make([]int32, n)
		for i := range pix {
			pix[i] = byte(uint32(i)*2654435761>>24) + byte(len(part))
		}
		for i := range labels {
			labels[i] = int32(i % 10)
		}
		return datasets.NewMemory(info, pix, labels)
	}})
}

func TestTheInputFollowsTheDataInItsColours(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		network string
		want    [3]int
	}{
		{"LeNet-5 sees colours", nil, "lenet5", [3]int{3, 32, 32}},
		{"an input that was asked for stays", []string{"--input", "1x32x32"}, "lenet5", [3]int{1, 32, 32}},
		{"the form of 1998 too", []string{"--variant", "1998"}, "lenet5", [3]int{3, 32, 32}},
		{"ResNet-20 has them anyway", nil, "resnet20", [3]int{3, 32, 32}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f trainFlags
			a := &app{stdout: io.Discard, stderr: io.Discard}
			cmd := newTrain(a)
			if err := cmd.ParseFlags(append(c.args, "--data", colours)); err != nil {
				t.Fatal(err)
			}
			f.data, f.recipe = colours, "quick"
			f.network.variant, _ = cmd.Flags().GetString("variant")
			f.network.input, _ = cmd.Flags().GetString("input")
			cfg, err := f.configure([]string{c.network}, cmd.Flags())
			if err != nil {
				t.Fatal(err)
			}
			var again recipe.Config
			tr, err := a.prepare(cfg, cluster.Alone(), func(cfg recipe.Config, n train.Network, d datasets.Split) (*train.Trainer, error) {
				again = cfg
				return train.New(cfg, n, d, train.Options{})
			})
			if err != nil {
				t.Fatal(err)
			}
			defer tr.Close()
			if got := tr.Plan().Input; got != c.want {
				t.Errorf("input %v, want %v", got, c.want)
			}
			if o, err := options(again.Options); err != nil || o.Input != c.want {
				t.Errorf("the configuration says %s: a run that goes on could have another input", again.Options)
			}
		})
	}
}
