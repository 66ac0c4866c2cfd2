package pretrained_test

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	_ "github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
)

func TestNames(t *testing.T) {
	files, err := filepath.Glob("*.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range files {
		want = append(want, strings.TrimSuffix(f, ".safetensors"))
	}
	if got := pretrained.Names(); len(got) == 0 || !slices.Equal(got, want) {
		t.Errorf("%v, the files are %v", got, want)
	}
}

func TestEveryFileIsComplete(t *testing.T) {
	total := int64(0)
	for _, name := range pretrained.Names() {
		t.Run(name, func(t *testing.T) {
			c, err := pretrained.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			m := c.Meta()
			if len(m.ClassNames) != m.Classes || m.Data == "" || m.DataChecksum == "" || m.Seed == 0 || m.Epoch == 0 {
				t.Errorf("metadata %+v", m)
			}
			info, err := os.Stat(name + ".safetensors")
			if err != nil {
				t.Fatal(err)
			}
			total += info.Size()
			card, err := os.ReadFile(name + ".md")
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{
				"# " + name + "\n", fmt.Sprintf("`zoo train %s ", m.Network), fmt.Sprintf("--seed %d`", m.Seed),
				fmt.Sprintf("%.2f %%", 100*m.Metrics["top1_error"]), m.DataChecksum,
			} {
				if !strings.Contains(string(card), want) {
					t.Errorf("the card does not say %q", want)
				}
			}
		})
	}
	if total > 5<<20 {
		t.Errorf("%d bytes are too many for every program that imports the package", total)
	}
}

// The errors are those of the cards, but for images that the processor's rounding decides.
func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name, data string
		wrong      int
	}{
		{"lenet5-fashion-mnist", "fashion-mnist-small", 173},
		{"lenet5-fashion-mnist", "fashion-mnist", 929},
	} {
		t.Run(test.name+" on "+test.data, func(t *testing.T) {
			src, err := datasets.OpenPart(test.data, "", datasets.Test)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			c, err := pretrained.Load(test.name)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			images := make([]image.Image, src.Len())
			for i := range images {
				m := new(datasets.Image)
				if err := src.Image(i, m); err != nil {
					t.Fatal(err)
				}
				images[i] = m
			}
			list, err := c.PredictBatch(images, 1)
			if err != nil {
				t.Fatal(err)
			}
			wrong := 0
			for i, top := range list {
				if top[0].Index != src.Label(i) {
					wrong++
				}
			}
			if wrong < test.wrong-2 || wrong > test.wrong+2 {
				t.Errorf("%d of %d images are wrong, %d were when the card was written", wrong, len(images), test.wrong)
			}
		})
	}
}

func TestOpenUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"lenet5-fashion-mnst": `no weights are called "lenet5-fashion-mnst": did you mean lenet5-fashion-mnist?`,
		"../pretrained":       `no weights are called "../pretrained": there are lenet5-fashion-mnist`,
		"":                    `no weights are called "": there are lenet5-fashion-mnist`,
	} {
		if _, err := pretrained.Load(name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
