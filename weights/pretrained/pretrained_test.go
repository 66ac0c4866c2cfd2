package pretrained_test

import (
	"crypto/sha256"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	_ "github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
)

func TestNames(t *testing.T) {
	files, err := filepath.Glob("*.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, name := range pretrained.Names() {
		e, err := pretrained.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range e.Members {
			have = append(have, m+".safetensors")
		}
	}
	slices.Sort(have)
	if len(have) == 0 || !slices.Equal(have, files) {
		t.Errorf("names stand for %v, the files are %v", have, files)
	}
}

func TestEveryFileIsComplete(t *testing.T) {
	total := int64(0)
	for _, name := range pretrained.Names() {
		t.Run(name, func(t *testing.T) {
			e, err := pretrained.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			total += e.Bytes
			text, err := os.ReadFile(name + ".md")
			if err != nil {
				t.Fatal(err)
			}
			card := string(text)
			if !strings.HasPrefix(card, "# "+name+"\n") {
				t.Error("the card has another title")
			}
			error, known := e.Error()
			want := fmt.Sprintf("%.2f %%", 100*error)
			if mse, judges := e.Meta.Metrics["mse"]; judges && !known {
				want, known = fmt.Sprintf("| %.4f | %.2f %% |", mse, 100*e.Meta.Metrics["sign_right"]), true
			}
			if !known || !strings.Contains(card, want) {
				t.Errorf("the card does not say %q", want)
			}
			seeds := map[uint64]string{}
			for i, member := range e.Members {
				r, err := pretrained.Open(member)
				if err != nil {
					t.Fatal(err)
				}
				m := r.Meta()
				if m.Network == "" || m.Data == "" || m.DataChecksum == "" || m.Seed == 0 || m.Epoch == 0 || m.Classes > 1 && len(m.ClassNames) != m.Classes {
					t.Errorf("%s: metadata %+v", member, m)
				}
				if other, taken := seeds[m.Seed]; taken {
					t.Errorf("%s has the seed of %s", member, other)
				}
				seeds[m.Seed] = member
				file, err := os.ReadFile(member + ".safetensors")
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range []string{m.DataChecksum, "`zoo ", fmt.Sprintf("sha256:%x", sha256.Sum256(file))} {
					if !strings.Contains(card, want) {
						t.Errorf("the card does not say %q of member %d", want, i+1)
					}
				}
				if m.Command != "" && !strings.Contains(card, "`"+m.Command+"`") {
					t.Errorf("the card does not say %q", m.Command)
				}
			}
		})
	}
	if total > 8<<20 {
		t.Errorf("%d bytes are too many for every program that imports the package", total)
	}
}

// A row of a card's table of errors: data set, images, top-1 error in percent.
var row = regexp.MustCompile(`(?m)^\| ([a-z0-9-]+) \| ([0-9,]+) \| ([0-9.]+) % \|`)

// The errors are those of the cards, but for images that the processor's rounding decides.
func TestErrors(t *testing.T) {
	for _, name := range pretrained.Names() {
		e, err := pretrained.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		card, err := os.ReadFile(name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		rows := row.FindAllStringSubmatch(string(card), -1)
		if _, judges := e.Meta.Metrics["mse"]; len(rows) == 0 && !judges {
			t.Errorf("%s: no errors in the card", name)
		}
		for _, r := range rows {
			t.Run(name+" on "+r[1], func(t *testing.T) {
				src, err := datasets.OpenPart(r[1], "", datasets.Test)
				if err != nil {
					t.Skip(err) // not embedded, and not installed
				}
				percent, err := strconv.ParseFloat(r[3], 64)
				if err != nil {
					t.Fatal(err)
				}
				if n := strings.ReplaceAll(r[2], ",", ""); n != strconv.Itoa(src.Len()) {
					t.Errorf("%d images, the card says %s", src.Len(), r[2])
				}
				want := percent / 100 * float64(src.Len())
				if wrong := wrong(t, e, src); math.Abs(float64(wrong)-want) > 2.5 {
					t.Errorf("%d of %d images are wrong, %.0f were when the card was written", wrong, src.Len(), want)
				}
			})
		}
	}
}

// wrong counts the images that an entry puts into a wrong class.
func wrong(t *testing.T, e pretrained.Entry, src datasets.Source) int {
	t.Helper()
	images := make([]image.Image, src.Len())
	for i := range images {
		m := new(pixels.Image)
		if err := src.Image(i, m); err != nil {
			t.Fatal(err)
		}
		images[i] = m
	}
	sums := make([][]float64, len(images))
	for _, name := range e.Members {
		c, err := pretrained.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		list, err := c.PredictBatch(t.Context(), images, c.Model().Classes)
		if err != nil {
			t.Fatal(err)
		}
		for i, top := range list {
			if sums[i] == nil {
				sums[i] = make([]float64, len(top))
			}
			for _, p := range top {
				sums[i][p.Index] += float64(p.Probability)
			}
		}
	}
	wrong := 0
	for i, sum := range sums {
		if slices.Index(sum, slices.Max(sum)) != src.Label(i) {
			wrong++
		}
	}
	return wrong
}

func TestOpenUnknown(t *testing.T) {
	for name, want := range map[string]string{
		"lenet5-fashion-mnst": `no weights are called "lenet5-fashion-mnst": did you mean lenet5-fashion-mnist?`,
		"../pretrained":       `no weights are called "../pretrained": there are `,
		"":                    `no weights are called "": there are `,
	} {
		if _, err := pretrained.Load(name); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What is embedded is held to its checksums like every other file.
func TestShippedWeightsHaveChecksums(t *testing.T) {
	files, err := filepath.Glob("*.safetensors")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)/2] ^= 1
		changed := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(changed, data, 0o666); err != nil {
			t.Fatal(err)
		}
		r, err := weights.Open(changed)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		err = r.ReadInto(func(_ string, shape []int) []float32 {
			n := 1
			for _, d := range shape {
				n *= d
			}
			return make([]float32, n)
		})
		if err == nil || !strings.Contains(err.Error(), "changed since it was written") {
			t.Errorf("%s with one bit flipped: %v", name, err)
		}
		r.Close()
	}
}
