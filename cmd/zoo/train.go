package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

type trainFlags struct {
	network            networkFlags
	data               string
	recipe             string
	augment            string
	config             string
	epochs             int
	batch              int
	lr                 float64
	seed               uint64
	threads            int
	limit              int
	val                string
	ensemble           int
	time               time.Duration
	init               string
	freeze             string
	out                string
	set                []string
	dry, json_, strict bool
}

func newTrain(a *app) *cobra.Command {
	var f trainFlags
	cmd := &cobra.Command{
		Use:   "train NAME|FILE.onnx",
		Short: "Train a network",
		Long: `Train a network, into a folder of its own: runs/NETWORK-DATA/NNN.

Without --data it trains on images that are part of the program. What is trained and how is the
recipe's choice; flags and --set change single settings of it.

An ONNX model is trained on from its own weights. Its last layer is replaced by a new one where the
data has another number of classes.

Under mpirun -np N or srun, N processes train one network together, each with its share of every batch, or
the members of an ensemble side by side; the program has to be built with -tags mpi.`,
		Example:           "  zoo train lenet5\n  zoo train alexnet --limit 1000 --time 10m --set momentum=0.95\n  zoo train resnet20 --data photos --init resnet20.safetensors --freeze 'layer[1-2].*'\n  zoo train model.onnx --data photos",
		Args:              arguments(0, 1, "the name of a network, or an ONNX model"),
		ValidArgsFunction: completeNetwork,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.join(cmd.Context(), cmd.Name()); err != nil {
				return err
			}
			if err := a.have(cmd.Context(), f.init); err != nil {
				return err
			}
			cfg, err := f.configure(args, cmd.Flags())
			if err := cluster.Agree(a.ranks(), cluster.Preparing, err); err != nil {
				return err
			}
			if cfg.Ensemble > 0 && !f.dry {
				folder, err := onFirst(a.ranks(), func() (string, error) {
					return train.NewEnsemble(cfg, train.Options{Folder: f.out, Command: commandLine(cmd, args)})
				})
				if err != nil {
					return err
				}
				return a.ensemble(cmd.Context(), folder, cfg, nil, f.json_)
			}
			t, err := a.prepare(cfg, a.ranks(), func(cfg recipe.Config, n train.Network, d datasets.Split) (*train.Trainer, error) {
				return train.New(cfg, n, d, train.Options{Folder: f.out, Events: a.events(), Command: commandLine(cmd, args), Program: version(), Open: openWeights, Cluster: a.ranks()})
			})
			if err != nil {
				return err
			}
			defer t.Close()
			if f.dry {
				return a.dryRun(cmd.Context(), cfg, t, f.json_)
			}
			return a.finish(cmd.Context(), t, f.json_)
		},
	}
	f.network.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", "", dataHelp)
	flags.StringVar(&f.recipe, "recipe", "quick", "paper, as the authors trained, or quick")
	flags.StringVar(&f.augment, "augment", "", "what happens to training images, as in 'crop(4), flip'; '' is nothing")
	flags.StringVar(&f.config, "config", "", "begin with the settings of a run's config.json in place of a recipe's")
	flags.IntVar(&f.epochs, "epochs", 0, "passes over the images")
	flags.IntVar(&f.batch, "batch", 0, "images in a step")
	flags.Float64Var(&f.lr, "lr", 0, "learning rate that the schedule starts from")
	flags.Uint64Var(&f.seed, "seed", 1, "of everything that is random")
	flags.IntVar(&f.threads, "threads", 0, "threads, which change no result; 0 means one for each core")
	flags.IntVar(&f.ensemble, "ensemble", 0, "train that many networks, with a seed of its own each, into one folder")
	flags.IntVar(&f.limit, "limit", 0, "train on that many images only")
	flags.StringVar(&f.val, "val", "", "what chooses the best weights: a `fraction` of the training images to hold out, as in 0.1, or a part, val or test")
	flags.DurationVar(&f.time, "time", 0, "end after that time, as in 30m")
	flags.StringVar(&f.init, "init", "", "initial weights, which also tell the input's size and preprocessing;\na last layer for another number of classes is replaced by a new one")
	flags.StringVar(&f.freeze, "freeze", "", "leave parameters, and statistics of batch normalisation, alone whose names begin like this pattern")
	flags.BoolVar(&f.strict, "strict", false, "stop at an image that cannot be read, which is left out otherwise")
	flags.StringVar(&f.out, "out", "", "the run's folder, in place of a new one under runs")
	flags.StringArrayVar(&f.set, "set", nil, "change a setting, as in momentum=0.95; can be given several times")
	flags.BoolVar(&f.dry, "dry-run", false, "show the plan and an estimate of the time, and end")
	flags.BoolVar(&f.json_, "json", false, "print the result as one object")
	return cmd
}

// configure puts the settings together: recipe, then flags, then --set.
func (f *trainFlags) configure(args []string, given *pflag.FlagSet) (recipe.Config, error) {
	var cfg recipe.Config
	var err error
	switch {
	case f.config != "" && len(args) == 0:
		if cfg, err = train.ReadConfig(f.config); err != nil {
			return cfg, configError(err)
		}
	case f.config != "":
		return cfg, usage(fmt.Errorf("%s and --config %s: the file says which network to train", args[0], f.config))
	case len(args) == 0:
		return cfg, usage(fmt.Errorf("zoo train needs the name of a network: zoo list shows them"))
	default:
		var form []zoo.Option
		if f.network.variant != "" {
			form = append(form, zoo.Variant(f.network.variant))
		}
		m, err := architecture(args[0], form...)
		if err != nil {
			return cfg, err
		}
		data := fashion.Name
		if f.data != "" {
			if data, _, err = dataFlag(f.data); err != nil {
				return cfg, err
			}
		}
		r, err := m.Recipe(f.recipe, data)
		if err != nil {
			return cfg, usage(err)
		}
		cfg = r.Config
		cfg.SkipBroken = true
		if isONNX(args[0]) { // its weights are where training begins, its graph is the network
			cfg.Init = args[0]
			o := m.Options
			o.Classes = 0 // as many as the data has
			if cfg.Options, err = json.Marshal(o); err != nil {
				return cfg, err
			}
		}
	}
	if given.Changed("data") {
		if cfg.Data, cfg.DataDir, err = dataFlag(f.data); err != nil {
			return cfg, err
		}
	}
	for name, apply := range map[string]func(){
		"epochs":   func() { cfg.Epochs = f.epochs },
		"batch":    func() { cfg.Batch = f.batch },
		"lr":       func() { cfg.Optimizer.LR = f.lr },
		"seed":     func() { cfg.Seed = f.seed },
		"threads":  func() { cfg.Threads = f.threads },
		"limit":    func() { cfg.Limit = f.limit },
		"val":      func() { cfg.Val = f.val },
		"ensemble": func() { cfg.Ensemble = f.ensemble },
		"time":     func() { cfg.Time = recipe.Duration(f.time) },
		"init":     func() { cfg.Init = f.init },
		"freeze":   func() { cfg.Freeze = f.freeze },
		"strict":   func() { cfg.SkipBroken = !f.strict },
		"variant":  func() { cfg.Variant = f.network.variant },
	} {
		if given.Changed(name) {
			apply()
		}
	}
	if given.Changed("augment") {
		if err := cfg.Set("augment", f.augment); err != nil {
			return cfg, usage(err)
		}
	}
	if err := set(&cfg, f.set); err != nil {
		return cfg, err
	}
	// The run may go on from another folder.
	if cfg.DataDir != "" {
		if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
			return cfg, err
		}
	}
	if cfg.Init, err = initPath(cfg.Init); err != nil {
		return cfg, err
	}
	o, err := options(cfg.Options)
	if err != nil {
		return cfg, usage(err)
	}
	if cfg.Init != "" {
		if o, err = begun(cfg, o, f.network.variant); err != nil {
			return cfg, err
		}
	}
	chosen, err := f.network.options()
	if err != nil {
		return cfg, err
	}
	for _, set := range chosen {
		set(&o)
	}
	if cfg.Options, err = json.Marshal(o); err != nil {
		return cfg, err
	}
	cfg, err = train.Complete(cfg)
	return cfg, usage(err)
}

// initPath is the name of initial weights, which holds from every folder.
func initPath(name string) (string, error) {
	if _, ok := shippedEntry(name); ok || name == "" {
		return name, nil
	}
	if e, ok := publishedEntry(name); ok {
		return e.Name, nil
	}
	path, _, err := find(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// begun puts the form of the network that initial weights belong to under what is chosen, but for
// the number of classes.
func begun(cfg recipe.Config, chosen zoo.Options, variant string) (zoo.Options, error) {
	r, err := openWeights(cfg.Init)
	if err != nil {
		return chosen, err
	}
	defer r.Close()
	m := r.Meta()
	if m.Network != cfg.Network {
		return chosen, nil // if its tensors do not fit, the trainer says so
	}
	o, err := options(m.Options)
	if err != nil {
		return chosen, fmt.Errorf("%s: %w", cfg.Init, err)
	}
	if variant != "" && variant != o.Variant {
		return chosen, nil
	}
	o.Classes = 0
	zoo.WithOptions(chosen)(&o)
	return o, nil
}

// prepare opens what the configuration names, and makes it complete: the network gets as many classes
// as the data has unless the configuration says otherwise.
func (a *app) prepare(cfg recipe.Config, group cluster.Comm, make func(recipe.Config, train.Network, datasets.Split) (*train.Trainer, error)) (*train.Trainer, error) {
	cfg, n, d, err := open(cfg)
	if err := cluster.Agree(group, cluster.Preparing, err); err != nil {
		return nil, err
	}
	t, err := make(cfg, n, d)
	return t, configError(err)
}

// open makes the network and the data of a configuration, which it completes.
func open(cfg recipe.Config) (_ recipe.Config, n train.Network, d datasets.Split, err error) {
	fail := func(err error) (recipe.Config, train.Network, datasets.Split, error) { return cfg, n, d, err }
	d, err = openData(cfg.Data, cfg.DataDir)
	if err != nil {
		return fail(err)
	}
	if d.Train == nil {
		return fail(fmt.Errorf("%s: no training images: there is %s alone; name that folder itself to hold some of its images out", cmp.Or(cfg.DataDir, cfg.Data), strings.Join(partsOf(d), ", ")))
	}
	o, err := options(cfg.Options)
	if err != nil {
		return fail(usage(err))
	}
	if o.Variant == "" {
		o.Variant = cfg.Variant
	}
	if o.Classes == 0 {
		o.Classes = len(d.Train.Info().Classes)
	}
	m, err := zoo.New(cfg.Network, zoo.WithOptions(o))
	if err != nil {
		return fail(usage(err))
	}
	if s := d.Train.Info().Shape; s.C == 3 && m.Input[0] == 1 && o.Input == [3]int{} {
		// Colours help; where a network can see none, they become grey. A few pixels more or less are no
		// reason to resize.
		o.Input = [3]int{s.C, m.Input[1], m.Input[2]}
		if near := func(a, b int) bool { return a-b <= 4 && b-a <= 4 }; near(s.H, m.Input[1]) && near(s.W, m.Input[2]) {
			o.Input = [3]int{s.C, s.H, s.W}
		}
		if coloured, err := zoo.New(cfg.Network, zoo.WithOptions(o)); err == nil {
			m = coloured
		}
	}
	n = train.Of(m)
	cfg.Variant, cfg.Options = n.Variant, n.Options
	return cfg, n, d, nil
}

// finish runs the trainer and prints the result.
func (a *app) finish(ctx context.Context, t *train.Trainer, asJSON bool) error {
	told := context.AfterFunc(ctx, func() {
		fmt.Fprintln(a.stderr, "\nfinishing the step and saving; Ctrl-C again ends at once and loses what came after the last checkpoint")
	})
	defer told()
	r, err := t.Run(ctx)
	if r.Folder == "" {
		return err
	}
	if err != nil {
		fmt.Fprintf(a.stderr, "it goes on with: zoo resume %s\n", r.Folder)
		return err
	}
	if asJSON {
		return a.printJSON(r)
	}
	if r.Best != nil {
		fmt.Fprintf(a.stdout, "val   %s on %s images, after epoch %.4g of %.4g\n", r.Best.Val.Result(), report.Group(int64(r.Best.Val.Images)), r.Best.Epoch, r.Epochs)
		fmt.Fprintf(a.stdout, "best  %s\n", r.BestWeights)
	}
	if r.Last != nil {
		fmt.Fprintf(a.stdout, "last  %s (val %s)\n", r.LastWeights, r.Last.Val.Result())
	}
	if r.Broken > 0 {
		fmt.Fprintf(a.stdout, "left out  %s images that cannot be read; --strict stops at the first\n", report.Group(int64(r.Broken)))
	}
	fmt.Fprintf(a.stdout, "run   %s\n", r.Folder)
	switch r.Stopped {
	case "":
		fmt.Fprintf(a.stdout, "the images above chose the best weights; others judge them: zoo eval %s\n", r.Folder)
	case "early stop":
		fmt.Fprintf(a.stdout, "ended after %.4g epochs: the last ones brought no better result\n", r.Epochs)
	default:
		fmt.Fprintf(a.stdout, "ended by its %s; it goes on with: zoo resume %s\n", r.Stopped, r.Folder)
	}
	return nil
}

// dryRun tells the plan, and how long it would take.
func (a *app) dryRun(ctx context.Context, cfg recipe.Config, t *train.Trainer, asJSON bool) error {
	estimate, err := t.Estimate(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(t.Plan())
	}
	text := t.Plan().String()
	if cfg.Ensemble > 0 {
		text += fmt.Sprintf("%d members, one after another, each as above\n", cfg.Ensemble)
	}
	text += fmt.Sprintf("estimated time about %s, by the pace of a few steps just now\n", report.Clock(estimate))
	_, err = fmt.Fprint(a.stdout, text)
	return err
}

// commandLine is what repeats the run: the flags that were given, but for those that only say where
// to write.
func commandLine(cmd *cobra.Command, args []string) []string {
	line := append([]string{"zoo", "train"}, args...)
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "out", "json":
		case "set":
			for _, v := range f.Value.(pflag.SliceValue).GetSlice() {
				line = append(line, "--set", quote(v))
			}
		default:
			line = append(line, "--"+f.Name, quote(f.Value.String()))
		}
	})
	return line
}

// quote protects an argument from a shell, where it must be.
func quote(arg string) string {
	if arg != "" && strings.IndexFunc(arg, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./,:+@%", r))
	}) < 0 {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
