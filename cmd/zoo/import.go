package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/labels"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// importFlags are what the file to import does not say.
type importFlags struct {
	as, out       string
	network       networkFlags // without the number of classes, which is the file's
	key           string
	rename        []string
	mean, std     string
	channels      string
	interpolation string
	scale         float64
	resize, crop  int
	classes       string
	newHead       bool
	seed          uint64
}

func newImport(a *app) *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import FILE|FOLDER -o WEIGHTS",
		Short: "Take over weights of others: PyTorch, safetensors, Hugging Face, Caffe",
		Long: `Take over weights that another program wrote: .pth, .pt, .th and .ckpt of PyTorch, in all versions;
.safetensors, also in shards; folders of Hugging Face with their config.json; .caffemodel of Caffe. Nothing in
a file is executed.

The network and its variant are found by the tensors where only one fits. Of averaged weights beside the
last ones the averaged are taken; prefixes that keep names from fitting are taken off. All that was chosen,
guessed or left out is said.

Images are prepared as torchvision does for the network, unless the file, its folder or a flag says
otherwise. Mean and deviation are on the scale of --scale, in the order of --channels. Classes get the names of
ImageNet or CIFAR where network and number are theirs.`,
		Example: `  zoo import resnet18-f37072fd.pth -o resnet18.safetensors
  zoo import checkpoint.pth --as resnet50 --key model --resize 232 -o resnet50.safetensors
  zoo import vgg16.pth --channels bgr --scale 255 --mean 103.939,116.779,123.68 --std 1 -o vgg16.safetensors
  zoo import resnet18-f37072fd.pth --classes cats-and-dogs.txt --new-head -o start.safetensors`,
		Args: arguments(1, 1, "the file to import"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importWeights(args[0], f, cmd.Flags().Changed)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.as, "as", "", "name of the network, where the tensors are those of several")
	flags.StringVarP(&f.out, "output", "o", "", "weights file to write")
	flags.StringVar(&f.network.variant, "variant", "", "form of the network, such as paper or torchvision")
	flags.StringVar(&f.network.input, "input", "", "size of an image, as in 3x224x224")
	flags.StringVar(&f.key, "key", "", "which of the file's dicts of tensors is meant, such as model_ema, or what names begin with")
	flags.StringArrayVar(&f.rename, "rename", nil, "call a part of the tensors' names otherwise, as in fc=linear or 'block*.conv=layer*.conv1'; can be given several times")
	flags.StringVar(&f.channels, "channels", "", "order of an image's channels, rgb or bgr")
	flags.Float64Var(&f.scale, "scale", 1, "value of a white pixel: 1 or 255")
	flags.IntVar(&f.resize, "resize", 0, "pixels of the shorter side before the crop")
	flags.IntVar(&f.crop, "crop", 0, "pixels of the square that is cut out of the middle")
	flags.StringVar(&f.interpolation, "interpolation", "", "how images are resized: bilinear, bicubic, lanczos, box, hamming or nearest")
	flags.StringVar(&f.mean, "mean", "", "of the pixels, one number a channel or one for all")
	flags.StringVar(&f.std, "std", "", "deviation of the pixels, likewise")
	flags.StringVar(&f.classes, "classes", "", "names of the classes: a file (text, JSON or CSV), imagenet, cifar-10 or cifar-100")
	flags.BoolVar(&f.newHead, "new-head", false, "replace the last layer by a new one for the classes of --classes, to be trained")
	flags.Uint64Var(&f.seed, "seed", 1, "of a new last layer's weights")
	_ = cmd.RegisterFlagCompletionFunc("as", func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		return completeNetwork(cmd, nil, begun) // the file may be named already
	})
	_ = cmd.RegisterFlagCompletionFunc("classes", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return labels.Names, cobra.ShellCompDirectiveDefault
	})
	return cmd
}

func (a *app) importWeights(path string, f importFlags, given func(flag string) bool) error {
	if f.out == "" {
		return usage(fmt.Errorf("zoo import needs a file to write: -o WEIGHTS"))
	}
	src, err := f.source(path)
	if err != nil {
		return choiceHint(err)
	}
	defer src.Close()
	notes := src.Notes
	r := src.Reader
	if f.key != "" {
		if r, err = r.Under(f.key); err != nil {
			return choiceHint(err)
		}
	}
	for _, rule := range f.rename {
		rename, used, err := renaming(rule)
		if err != nil {
			return usage(err)
		}
		if r, err = r.Rename(rename); err != nil {
			return err
		}
		if !*used {
			return usage(fmt.Errorf("--rename %s: no tensor has that in its name%s", rule, nearestPart(rule, r.Names())))
		}
	}
	m, err := f.model(src, r)
	if err != nil {
		return choiceHint(err)
	}
	if f.network.variant == "" && src.Network == nil {
		for _, v := range infer.Variants(r, m.Name) {
			if v != m.Variant {
				notes = append(notes, fmt.Sprintf("takes the variant %s; %s has the same tensors, and computes something else (--variant %[2]s)", m.Variant, v))
			}
		}
	}
	c := infer.ImportConfig{Preprocessing: src.Preprocessing, ClassNames: src.ClassNames, NewHead: f.newHead, Seed: f.seed}
	for _, flag := range []string{"channels", "scale", "resize", "crop", "interpolation", "mean", "std"} {
		if given(flag) && infer.Preprocessing(m) == nil {
			return usage(fmt.Errorf("--%s: the input of %s, %s, is no image", flag, m.Name, report.Shape(m.Input)))
		}
		if given(flag) {
			c.Adjust = func(p *weights.Preprocessing) error { return usage(f.prepare(p, m.Input[0], given)) }
		}
	}
	if f.classes != "" {
		var known bool
		if c.ClassNames, known = labels.Named(f.classes); !known {
			if c.ClassNames, err = labels.Read(f.classes); err != nil {
				return err
			}
		}
	}
	if f.newHead && f.classes == "" {
		return usage(fmt.Errorf("--new-head needs the names of its classes: --classes FILE"))
	}
	got, err := infer.Import(r, m, c)
	if err != nil {
		return choiceHint(err)
	}
	if err := weights.Save(f.out, got.File); err != nil {
		return err
	}
	for _, n := range append(notes, got.Notes...) {
		fmt.Fprintln(a.stderr, "note:", n)
	}
	fmt.Fprintf(a.stdout, "%s: %s (%s), %s parameters, %d classes, from %s (%s)\n", f.out,
		m.Name, m.Variant, report.Group(got.Parameters), got.Model.Classes, path, r.Format())
	if p := got.File.Meta.Preprocessing; p != nil {
		fmt.Fprintf(a.stdout, "images: %s\n", report.Preprocessing(p, got.File.Meta.Input))
	}
	if got.NewHead {
		fmt.Fprintf(a.stdout, "The last layer is new and has to be trained: zoo train %s --init %s\n", m.Name, f.out)
	}
	return nil
}

// source opens the file. An ONNX model that is to be one of the zoo's networks gives its weights under that
// network's names.
func (f *importFlags) source(path string) (*infer.Source, error) {
	if !isONNX(path) {
		return infer.OpenSource(path)
	}
	if f.as != "" && f.as != "onnx" {
		r, m, err := infer.ONNXAs(path, f.as, f.network.variant)
		if err != nil {
			return nil, err
		}
		s := &infer.Source{Reader: r, Network: m, Preprocessing: r.Meta().Preprocessing, ClassNames: r.Meta().ClassNames}
		if assumed := infer.Assumed(r.Meta()); assumed != "" {
			s.Notes = append(s.Notes, assumed)
		}
		return s, nil
	}
	opts, err := f.network.options()
	if err != nil {
		return nil, err
	}
	var asked zoo.Options
	for _, set := range opts {
		set(&asked)
	}
	return infer.ONNXSource(path, asked.Input)
}

// model is the network that is asked for, that the source names, or whose tensors are the file's.
func (f *importFlags) model(src *infer.Source, r *weights.Reader) (*zoo.Model, error) {
	opts, err := f.network.options()
	if err != nil {
		return nil, err
	}
	switch {
	case f.as != "" && isONNX(r.Name()): // it was laid over that network
		return src.Network, nil
	case f.as != "":
		if f.network.variant == "" && src.Network != nil && strings.EqualFold(src.Network.Name, f.as) {
			opts = append(opts, zoo.Variant(src.Network.Variant))
		}
		m, err := zoo.New(f.as, opts...)
		if err != nil {
			return nil, usage(err)
		}
		if f.network.variant != "" || infer.Fits(r, m) {
			return m, nil
		}
		if other, err := infer.FindVariant(r, f.as); err == nil { // the default has other tensors, one variant has these
			return zoo.New(f.as, append(opts, zoo.Variant(other.Variant))...)
		}
		return m, nil // the import says what does not fit
	case src.Network != nil && f.network.variant == "":
		if infer.Fits(r, src.Network) {
			return zoo.New(src.Network.Name, append([]zoo.Option{zoo.WithOptions(src.Network.Options)}, opts...)...)
		}
	}
	m, err := infer.Find(r, f.network.variant)
	if err != nil {
		return nil, fmt.Errorf("%w: --as NAME, --variant V", err)
	}
	return zoo.New(m.Name, append([]zoo.Option{zoo.Variant(m.Variant)}, opts...)...)
}

// prepare changes what flags say about the preprocessing.
func (f *importFlags) prepare(p *weights.Preprocessing, channels int, given func(string) bool) error {
	if given("channels") {
		order := strings.ToLower(f.channels)
		if channels != 3 || order != "rgb" && order != "bgr" {
			return fmt.Errorf("--channels %s: should be rgb or bgr, for an input of 3 channels", f.channels)
		}
		if order != p.Channels && !given("mean") && !uniform(p.Mean, p.Std) {
			return fmt.Errorf("--channels %s needs --mean and --std in that order", f.channels)
		}
		p.Channels = order
	}
	if given("scale") {
		if !(f.scale > 0) || f.scale > 1e6 {
			return fmt.Errorf("--scale %v: should be 1 or 255", f.scale)
		}
		scale := float32(f.scale)
		if scale == 1 {
			scale = 0
		}
		if scale != p.Scale && !given("mean") {
			return fmt.Errorf("--scale %v needs --mean and --std on that scale: 0 and 1 for none", f.scale)
		}
		if scale != p.Scale && !given("std") {
			p.Std = nil
		}
		p.Scale = scale
	}
	if given("resize") {
		if f.resize < 1 || f.resize > 1<<14 {
			return fmt.Errorf("--resize %d: should be 1 to %d pixels", f.resize, 1<<14)
		}
		p.Resize, p.Squash = f.resize, false
	}
	if given("crop") {
		if f.crop < 0 || f.crop > 1<<14 {
			return fmt.Errorf("--crop %d: should be 1 to %d pixels, or 0 for none", f.crop, 1<<14)
		}
		p.Crop = f.crop
	}
	if given("interpolation") {
		filter, err := image.ParseFilter(f.interpolation)
		if err != nil || f.interpolation == "" {
			return fmt.Errorf("--interpolation %s: should be bilinear, bicubic, lanczos, box, hamming or nearest", f.interpolation)
		}
		if p.Interpolation = filter.String(); filter == image.Bilinear {
			p.Interpolation = ""
		}
	}
	for _, flag := range []struct {
		name, value string
		to          *[]float32
	}{{"mean", f.mean, &p.Mean}, {"std", f.std, &p.Std}} {
		if !given(flag.name) {
			continue
		}
		var list []float32
		for part := range strings.SplitSeq(flag.value, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(part), 32)
			if err != nil || v-v != 0 || flag.name == "std" && v <= 0 {
				return fmt.Errorf("--%s %s: should be one number a channel, as in 0.485,0.456,0.406", flag.name, flag.value)
			}
			list = append(list, float32(v))
		}
		if len(list) == 1 {
			for len(list) < channels {
				list = append(list, list[0])
			}
		}
		if len(list) != channels {
			return fmt.Errorf("--%s %s: %s for %s", flag.name, flag.value, report.Plural(len(list), "number"), report.Plural(channels, "channel"))
		}
		*flag.to = list
	}
	return nil
}

// uniform says whether all channels have the same numbers.
func uniform(lists ...[]float32) bool {
	for _, list := range lists {
		for _, v := range list {
			if v != list[0] {
				return false
			}
		}
	}
	return true
}

// renaming reads old=new: parts of a name between dots, where * is any text without one, and in new the
// text that it was.
func renaming(rule string) (rename func(string) string, used *bool, err error) {
	old, to, ok := strings.Cut(rule, "=")
	old, to = strings.Trim(old, "."), strings.Trim(to, ".")
	if !ok || old == "" || strings.Count(to, "*") > strings.Count(old, "*") {
		return nil, nil, fmt.Errorf("--rename %s: should be old=new, as in fc=linear or 'block*.conv=layer*.conv1'", rule)
	}
	pattern := `(^|\.)` + strings.ReplaceAll(regexp.QuoteMeta(old), `\*`, `([^.]*)`) + `(\.|$)`
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("--rename %s: %w", rule, err)
	}
	stars := strings.Split(to, "*")
	used = new(bool)
	return func(name string) string {
		m := re.FindStringSubmatchIndex(name)
		if m == nil {
			return name
		}
		*used = true
		text := stars[0]
		for i, after := range stars[1:] {
			text += name[m[4+2*i]:m[5+2*i]] + after
		}
		before, behind := name[:m[3]], name[m[len(m)-2]:]
		if text == "" { // left out, with its dot
			behind = strings.TrimPrefix(behind, ".")
		}
		return before + text + behind
	}, used, nil
}

// nearestPart looks for what was probably meant by the old name of a rule.
func nearestPart(rule string, names []string) string {
	old, _, _ := strings.Cut(rule, "=")
	var parts []string
	for _, n := range names {
		for end := n; end != ""; {
			parts = append(parts, end)
			_, after, ok := strings.Cut(end, ".")
			if !ok {
				break
			}
			end = after
		}
		cut := strings.LastIndex(n, ".")
		if cut > 0 {
			parts = append(parts, n[:cut])
		}
	}
	if near := weights.Nearest(old, parts); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// choiceHint adds the flag that chooses.
func choiceHint(err error) error {
	if errors.As(err, new(*weights.ChoiceError)) {
		return fmt.Errorf("%w: --key KEY", err)
	}
	return err
}
