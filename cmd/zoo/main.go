// Command zoo trains, evaluates and measures the networks of the model zoo.
//
// Results go to standard output, progress to standard error. The exit code is 0, 1 for a failure, 2
// for a command line that makes no sense, or 130 for a run that was interrupted, after saving it.
//
// # Adding one
//
// A verb is a file: a function that makes its cobra command, with flags as fields of a struct of options, and a run
// function over them that a test can call. It holds no logic of its own: that lies in the packages below. It is added to
// the root command in this file, and each of its flags to the table of flags_test.go, which wants a case that shows what
// the flag does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gorgonia-zoo/gorgonia-zoo/train"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// patience is how long the end of the program waits for a terminal that takes no text.
const patience = time.Second

// run is the command: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	// Nothing waits for standard error; what is on it comes before the results that are printed after it.
	screen := report.Detach(stderr)
	results := &output{file: stdout, before: func() { screen.Flush(patience / 5) }}
	a := &app{stdout: results, stderr: &output{file: screen}, screen: screen, terminal: stderr}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if failed := results.Close(); failed != nil && err == nil || errors.Is(err, failed) {
		err = lost(failed)
	}
	code := 0
	var usage usageError
	var saved *train.Interrupted
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		code = 130
		if !errors.As(err, &saved) {
			err = errors.New("interrupted")
		}
	case errors.As(err, &usage):
		code = 2
	default:
		code = 1
	}
	tell, leave := a.leave(err)
	if tell && err != nil && !errors.Is(err, syscall.EPIPE) { // who reads no more knows
		fmt.Fprintln(&output{file: screen}, "zoo:", a.where(err))
	}
	screen.Close(patience)
	leave()
	return code
}

// app is what every verb has.
type app struct {
	stdout, stderr io.Writer
	screen         io.Writer    // where a bar is drawn
	terminal       io.Writer    // what screen ends at
	group          cluster.Comm // that this process is a rank of; nil until a verb joins it
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// usage marks an error as the command line's fault.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "zoo",
		Short: "The networks that made computer vision, to train and to use",
		Long: `The networks that made computer vision, from LeNet-5 to ResNet, AlphaGo and ConvNeXt, to train and to use.

  zoo train lenet5     trains on images that are part of the program
  zoo eval             evaluates what was trained last
  zoo predict lenet5-fashion-mnist img.png
                       says what an image shows`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,

		PersistentPreRunE: flagsAreRight,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			var verbs []string
			for _, c := range cmd.Commands() {
				verbs = append(verbs, c.Name())
			}
			return usage(unknown("command", args[0], verbs, "zoo --help lists them"))
		},
	}
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(newList(a), newInspect(a), newTrain(a), newResume(a), newCurves(a), newEval(a), newPredict(a), newExplain(a), newServe(a), newGo(a), newWeights(a), newImport(a), newExport(a), newData(a), newBench(a), newVersion(a))
	completeAll(root)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var missing *pflag.NotExistError
		if strings.HasSuffix(err.Error(), "needs an argument: --set") {
			return usage(fmt.Errorf("%w: key=value; the keys are %s", err, strings.Join(recipe.Keys(), ", ")))
		}
		if !errors.As(err, &missing) || missing.GetSpecifiedShortnames() != "" {
			return usage(err)
		}
		var flags []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, "--"+f.Name) })
		return usage(unknown("flag", "--"+missing.GetSpecifiedName(), flags, cmd.CommandPath()+" --help lists them"))
	})
	return root
}

// unknown is the error for a name that does not exist: it tells the nearest.
func unknown(what, name string, of []string, otherwise string) error {
	if near := weights.Nearest(name, of); near != "" {
		return fmt.Errorf("unknown %s %s: did you mean %s?", what, name, near)
	}
	return fmt.Errorf("unknown %s %s: %s", what, name, otherwise)
}

// arguments checks the number of a verb's arguments; most below 0 means any number.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usage(fmt.Errorf("%s needs %s: %s", cmd.CommandPath(), what, cmd.UseLine()))
		case most >= 0 && len(args) > most:
			return usage(fmt.Errorf("%s: one argument too many: %s", cmd.CommandPath(), args[most]))
		}
		return nil
	}
}
