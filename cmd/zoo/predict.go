package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// Pictures that are decoded and predicted together: not more than these, nor much more memory.
const (
	groupSize  = 32
	groupBytes = 64 << 20
)

func newPredict(a *app) *cobra.Command {
	var asJSON bool
	var top int
	cmd := &cobra.Command{
		Use:   "predict WEIGHTS IMAGE...",
		Short: "Say what images show",
		Long: `Say what images show: the most probable classes with their probabilities.

WEIGHTS is a weights file, an ONNX model, a run, or the name of weights that are part of the program, such as
lenet5-fashion-mnist. An image is a JPEG, PNG, GIF, WebP, BMP or TIFF file of any size, or a folder of them.
They are prepared as for training. Those that cannot be read are named and left out, and the exit code
is 1 in the end.`,
		Example: `  zoo predict lenet5-fashion-mnist shoe.png
  zoo predict runs/resnet18-photos/001 photos --top 1`,
		Args: arguments(2, -1, "weights and images"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return usage(fmt.Errorf("--top %d: should be at least 1", top))
			}
			path, s, err := find(args[0])
			if err != nil {
				return err
			}
			for _, note := range s.notes {
				fmt.Fprintln(a.stderr, "warning:", note)
			}
			r, err := openWeights(path)
			if err != nil {
				return err
			}
			defer r.Close()
			if assumed := infer.Assumed(r.Meta()); assumed != "" {
				fmt.Fprintf(a.stderr, "%s: %s\n", r.Name(), assumed)
			}
			c, err := infer.LoadFrom(r)
			if err != nil {
				return err
			}
			defer c.Close()
			return a.predict(cmd.Context(), c, args[1:], top, asJSON)
		},
	}
	cmd.Flags().IntVar(&top, "top", 5, "number of classes for each image")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object for each image")
	return cmd
}

// A picture is an image file on its way to the network.
type picture struct {
	file string
	img  pixels.Image
	err  error
}

// imagePrediction is what --json prints for one image.
type imagePrediction struct {
	File string             `json:"file"`
	Top  []infer.Prediction `json:"top"`
}

// predict reads one group of pictures while it predicts the one before, and prints in order.
func (a *app) predict(ctx context.Context, c *infer.Classifier, args []string, top int, asJSON bool) error {
	ctx, cancel := context.WithCancel(ctx)
	groups := make(chan []*picture)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(groups)
		readGroups(ctx, args, groups)
	})
	defer reader.Wait()
	defer cancel()

	bad, all := 0, 0
	for group := range groups {
		tops := predictGroup(c, group, top)
		for i, p := range group {
			all++
			if p.err != nil {
				bad++
				fmt.Fprintf(a.stderr, "zoo: %v\n", p.err)
				continue
			}
			var err error
			if asJSON {
				err = a.printJSON(imagePrediction{p.file, tops[i]})
			} else {
				err = a.printPrediction(p.file, tops[i], top)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%s of %s images could not be read", report.Group(int64(bad)), report.Group(int64(all)))
	}
	return nil
}

// predictGroup returns the predictions for pictures that could be read, by their place in the group.
func predictGroup(c *infer.Classifier, group []*picture, top int) [][]infer.Prediction {
	tops := make([][]infer.Prediction, len(group))
	var images []image.Image
	var at []int
	for i, p := range group {
		if p.err == nil {
			images, at = append(images, &p.img), append(at, i)
		}
	}
	list, err := c.PredictBatch(images, top)
	for k, i := range at {
		if err == nil {
			tops[i] = list[k]
		} else if tops[i], group[i].err = c.Predict(images[k], top); group[i].err != nil { // it is one of them
			group[i].err = fmt.Errorf("%s: %w", group[i].file, group[i].err)
		}
	}
	return tops
}

// readGroups decodes the images that arguments name, in their order, several at a time.
func readGroups(ctx context.Context, args []string, groups chan<- []*picture) {
	var group, wave []*picture
	bytes := 0
	decode := func() {
		var all sync.WaitGroup
		for _, p := range wave {
			if p.err == nil {
				all.Go(p.read)
			}
		}
		all.Wait()
		for _, p := range wave {
			bytes += len(p.img.Pix)
		}
		group, wave = append(group, wave...), nil
	}
	send := func() bool {
		select {
		case groups <- group:
			group, bytes = nil, 0
			return ctx.Err() == nil
		case <-ctx.Done():
			return false
		}
	}
	each := func(file string, err error) bool {
		if wave = append(wave, &picture{file: file, err: err}); len(wave) < min(runtime.GOMAXPROCS(0), groupSize-len(group)) {
			return true
		}
		decode()
		return len(group) < groupSize && bytes < groupBytes || send()
	}
	for _, arg := range args {
		if !imageFiles(arg, each) {
			return
		}
	}
	if decode(); len(group) > 0 {
		send()
	}
}

// imageFiles calls each for a file, or for the images in a folder and those within it, by their names;
// with an error for what is none. It stops when each returns false.
func imageFiles(arg string, each func(file string, err error) bool) bool {
	info, err := os.Stat(arg)
	if err != nil || !info.IsDir() {
		return each(arg, err)
	}
	found, root := false, arg
	if link, err := os.Lstat(arg); err == nil && link.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // or the walk would not go into it
	}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			found = true
			if !each(path, err) {
				return errStop
			}
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case path != root && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !datasets.IsImageName(d.Name()):
			return nil
		}
		found = true
		if !each(path, nil) {
			return errStop
		}
		return nil
	})
	if err != nil {
		return false
	}
	return found || each(arg, fmt.Errorf("%s: no images in this folder", arg))
}

var errStop = errors.New("stop")

// read decodes the file.
func (p *picture) read() {
	info, err := os.Stat(p.file)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", p.file)
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(p.file)
	}
	if err == nil {
		if err = codec.Decode(data, &p.img); err != nil {
			err = fmt.Errorf("%s: %w", p.file, err)
		}
	}
	p.err = err
}

// printPrediction writes an image's classes with a bar for each; a single one on the image's own line.
func (a *app) printPrediction(file string, list []infer.Prediction, top int) error {
	var b strings.Builder
	if top == 1 {
		fmt.Fprintf(&b, "%s  %s  %s\n", file, percent(list[0].Probability), list[0].Class)
	} else {
		width := 0
		for _, p := range list {
			width = max(width, text.StringWidthWithoutEscSequences(p.Class))
		}
		fmt.Fprintln(&b, file)
		for _, p := range list {
			line := fmt.Sprintf("  %s  %s  %s", text.Pad(p.Class, width, ' '), percent(p.Probability), probabilityBar(p.Probability))
			fmt.Fprintln(&b, strings.TrimRight(line, " "))
		}
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

func percent(p float32) string { return fmt.Sprintf("%6.2f %%", 100*p) }

// probabilityBar is 20 characters long for certainty, in steps of an eighth of one.
func probabilityBar(p float32) string {
	eighths := int(math.Round(float64(p) * 20 * 8))
	return strings.Repeat("█", eighths/8) + strings.TrimSpace(string([]rune(" ▏▎▍▌▋▊▉")[eighths%8]))
}
