package report

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// A WeightsCard is what to know about weights that are given away: those of one network, or of an
// ensemble's members. It is a Markdown text.
type WeightsCard struct {
	Name    string
	Network string // its title, "LeNet-5"
	MACs    int64  // of one image
	Trained int64  // parameters
	Files   []WeightsFile
	Data    datasets.Dataset // that they were trained on
	Choice  string           // how these weights of the run were chosen, a sentence; may be empty
	// Evaluations of the weights as they are in the files: on the data's own test images, and others.
	Evaluations []Evaluation
}

// A WeightsFile is one file of a [WeightsCard].
type WeightsFile struct {
	Path   string
	Type   string // of its tensors, "F16"
	Bytes  int64
	SHA256 string // hexadecimal
	Meta   weights.Meta
}

// String writes the card.
func (c WeightsCard) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	several := len(c.Files) > 1
	var m weights.Meta // of the first
	if len(c.Files) > 0 {
		m = c.Files[0].Meta
	}
	line("# %s", c.Name)
	line("")
	what := fmt.Sprintf("%s (`%s`, variant %s: %s parameters, %s multiply-adds an image)", c.Network, m.Network, m.Variant, Group(c.Trained), Group(c.MACs))
	if several {
		what = fmt.Sprintf("%d times %s, an ensemble whose probabilities are averaged,", len(c.Files), what)
	}
	line("%s on %s.", what, c.Data.Name)
	line("")
	squared := len(c.Evaluations) > 0 && c.Evaluations[0].Squared
	if squared {
		line("| Test images of | Number | Mean squared error | Sign right |")
		line("|---|---|---|---|")
	} else {
		line("| Test images of | Number | Top-1 error | Top-5 error | Loss |")
		line("|---|---|---|---|---|")
	}
	for _, e := range c.Evaluations {
		if squared {
			line("| %s | %s | %.4f | %s |", e.Data, Group(int64(e.Images)), e.Loss, Percent(1-e.Top1))
			continue
		}
		line("| %s | %s | %s | %s | %.4f |", e.Data, Group(int64(e.Images)), Percent(e.Top1), e.Top5, e.Loss)
	}
	line("")
	if several && len(c.Evaluations) > 0 {
		e := c.Evaluations[0]
		line("| Member | Seed | Top-1 error | Top-5 error | Loss |")
		line("|---|---|---|---|---|")
		for i, one := range e.Members {
			line("| m%d | %d | %s | %s | %.4f |", i+1, one.Seed, Percent(one.Top1), one.Top5, one.Loss)
		}
		line("| mean | | %s | %s | %.4f |", Percent(e.Mean.Top1), e.Mean.Top5, e.Mean.Loss)
		line("")
	}
	if c.Choice != "" {
		line("%s", c.Choice)
		line("")
	}
	line("- **Data**: %s. Licence: %s. `%s` over what was trained on.", c.Data.About, or(c.Data.Licence, "unclear"), m.DataChecksum)
	if m.Command != "" {
		line("- **Command**: `%s`", m.Command)
	}
	seeds := fmt.Sprintf("seed %d", m.Seed)
	if several {
		seeds = fmt.Sprintf("seeds %d to %d", m.Seed, c.Files[len(c.Files)-1].Meta.Seed)
	}
	steps := ""
	if n := m.Extra["zoo.step"]; n != "" {
		steps = ", " + n + " steps"
	}
	line("- **Training**: recipe %s, %s, %s%s. With other kernels than AVX-512's the last bits differ.", or(m.Recipe, "of its own"), seeds, Plural(m.Epoch, "epoch"), steps)
	if len(m.ClassNames) > 0 && len(m.ClassNames) <= 100 {
		line("- **Classes**: %s", Markdown(strings.Join(m.ClassNames, ", ")))
	}
	if p := m.Preprocessing; p != nil {
		line("- **Input**: %s", Preprocessing(p, m.Input))
	}
	for _, f := range c.Files {
		line("- **File**: `%s`, %s, %s bytes, `sha256:%s`", filepath.Base(f.Path), f.Type, Group(f.Bytes), f.SHA256)
	}
	again := fmt.Sprintf("zoo eval %s --data %s", c.Name, c.Data.Name)
	if strings.HasPrefix(m.Command, "zoo go ") {
		again = fmt.Sprintf("zoo go eval %s --data GAMES", c.Name)
	}
	line("- **Again**: `%s`", again)
	return b.String()
}

// Preprocessing tells how an image becomes the input; of nil, nothing is known.
func Preprocessing(p *weights.Preprocessing, input []int) string {
	if p == nil {
		return "not known"
	}
	text := p.Channels
	if p.Resize > 0 {
		text += fmt.Sprintf(", the shorter side scaled to %d pixels", p.Resize)
	}
	if p.Squash {
		text = strings.Replace(text, "the shorter side", "both sides", 1)
	}
	if p.Interpolation != "" {
		text += " (" + p.Interpolation + ")"
	}
	if p.Crop > 0 {
		text += fmt.Sprintf(", the middle %d×%[1]d pixels", p.Crop)
	}
	if len(input) == 3 {
		text += fmt.Sprintf(", %d×%d pixels", input[1], input[2])
	}
	text += " from 0 to " + fmt.Sprint(cmp.Or(p.Scale, 1))
	if len(p.Mean) > 0 {
		text += ", less " + numbers(p.Mean)
	}
	if len(p.Std) > 0 {
		text += ", over " + numbers(p.Std)
	}
	return text
}

func numbers(list []float32) string {
	var texts []string
	for _, v := range list {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, " ")
}
