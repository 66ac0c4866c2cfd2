package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// groupSize is how many pictures are prepared and predicted together, on one core. Groups begin at every so many
// files, so that what one picture gives does not depend on the number of cores.
const groupSize = infer.StepImages

// maxFile is the most that an image file may have: 256 MiB. One of more than largeFile is in memory alone.
const (
	maxFile   = 256 << 20
	largeFile = 16 << 20
)

func newPredict(a *app) *cobra.Command {
	var asJSON, half bool
	var top int
	cmd := &cobra.Command{
		Use:   "predict WEIGHTS IMAGE...",
		Short: "Say what images show",
		Long: `Say what images show: the most probable classes with their probabilities.

WEIGHTS is a weights file, an ONNX model, a run, or the name of weights that are part of the program, such as
lenet5-fashion-mnist, or that others publish, such as resnet50: these are fetched once (zoo weights list). An image is a JPEG, PNG, GIF, WebP, BMP or TIFF file of any size, or a folder of them.
They are prepared as for training. Those that cannot be read are named and left out, and the exit code
is 1 in the end.

Under mpirun -np N or srun, N processes share the images; the program has to be built with -tags mpi.`,
		Example: `  zoo predict lenet5-fashion-mnist shoe.png
  zoo predict resnet50 cat.jpg
  zoo predict runs/resnet18-photos/001 photos --top 1`,
		Args: arguments(2, -1, "weights and images"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if top < 1 {
				return usage(fmt.Errorf("--top %d: should be at least 1", top))
			}
			if err := a.join(cmd.Context(), cmd.Name()); err != nil {
				return err
			}
			c, err := a.classifier(cmd.Context(), args[0], halfOption(half)...)
			if err := cluster.Agree(a.ranks(), cluster.Preparing, err); err != nil {
				return err
			}
			defer c.Close()
			if half {
				fmt.Fprintln(a.stderr, halves(c.Halves()))
			}
			// Pictures leave little behind: what the weights took when they were read need not be kept twice.
			defer debug.SetGCPercent(debug.SetGCPercent(25))
			if a.ranks().Size() > 1 {
				return a.predictTogether(cmd.Context(), c, args[1:], top, asJSON)
			}
			return a.predict(cmd.Context(), c, args[1:], top, asJSON)
		},
	}
	cmd.Flags().IntVar(&top, "top", 5, "number of classes for each image")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one object for each image")
	cmd.Flags().BoolVar(&half, "half", false, halfHelp)
	return cmd
}

// A group is some pictures on their way to the network, with memory for them that is used again and again.
type group struct {
	first bool // of all
	files []string
	errs  []error
	tops  [][]infer.Prediction
	done  chan struct{} // has one when all are predicted

	file   []byte
	x      []float32 // the prepared ones, one after the other
	logits []float32
}

// imagePrediction is what --json prints for one image.
type imagePrediction struct {
	File string             `json:"file"`
	Top  []infer.Prediction `json:"top"`
}

// predict takes groups of pictures to all cores, and prints in their order.
func (a *app) predict(ctx context.Context, c *infer.Classifier, args []string, top int, asJSON bool) error {
	ctx, cancel := context.WithCancel(ctx)
	cores := runtime.GOMAXPROCS(0)
	// A group is either waiting to be filled, or at work, or done and waiting to be printed.
	free, ready, work := make(chan *group, 2*cores), make(chan *group, 2*cores), make(chan *group)
	for range 2 * cores {
		free <- &group{done: make(chan struct{}, 1)}
	}
	var all sync.WaitGroup
	all.Go(func() {
		defer close(work)
		defer close(ready)
		fillGroups(ctx, args, free, func(g *group) bool {
			select {
			case work <- g:
				ready <- g
				return true
			case <-ctx.Done():
				return false
			}
		})
	})
	var large sync.Mutex
	for range cores {
		all.Go(func() {
			for g := range work {
				if ctx.Err() == nil {
					g.predict(c, top, &large)
				}
				g.done <- struct{}{}
			}
		})
	}
	defer all.Wait()
	defer cancel()

	p := &printer{app: a, top: top, asJSON: asJSON}
	for g := range ready {
		<-g.done
		if err := ctx.Err(); err != nil {
			return err
		}
		for i, file := range g.files {
			var of []infer.Prediction
			if g.errs[i] == nil {
				of = g.tops[i]
			}
			if err := p.print(file, of, g.errs[i]); err != nil {
				return err
			}
		}
		free <- g
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return p.end()
}

// A printer prints what is said of pictures, and counts those that could not be read.
type printer struct {
	*app
	top         int
	asJSON      bool
	bad, images int
}

func (p *printer) print(file string, of []infer.Prediction, failed error) error {
	p.images++
	switch {
	case failed != nil:
		p.bad++
		fmt.Fprintln(p.stderr, "zoo:", report.Words(failed))
		return nil
	case p.asJSON:
		return p.printJSON(imagePrediction{file, of})
	}
	return p.printPrediction(file, of, p.top)
}

func (p *printer) end() error {
	if p.bad == 0 {
		return nil
	}
	return &cluster.Everywhere{Err: fmt.Errorf("%s of %s images could not be read", report.Group(int64(p.bad)), report.Group(int64(p.images)))}
}

// fillGroups hands on the images that arguments name, in their order, a group at a time.
func fillGroups(ctx context.Context, args []string, free <-chan *group, send func(*group) bool) {
	var g *group
	first := true
	each := func(file string, err error) bool {
		if g == nil {
			select {
			case g = <-free:
				g.first, g.files, g.errs = first, g.files[:0], g.errs[:0]
				first = false
			case <-ctx.Done():
				return false
			}
		}
		g.files, g.errs = append(g.files, file), append(g.errs, err)
		if len(g.files) < groupSize {
			return true
		}
		full := g
		g = nil
		return send(full)
	}
	for _, arg := range args {
		if !imageFiles(arg, each) {
			return
		}
	}
	if g != nil {
		send(g)
	}
}

// predict fills in what the group's pictures show, and the errors of those that cannot be read.
func (g *group) predict(c *infer.Classifier, top int, large *sync.Mutex) {
	in := c.Input()
	one, classes := in[0]*in[1]*in[2], c.Model().Classes
	if g.x == nil {
		g.x, g.logits = make([]float32, groupSize*one), make([]float32, groupSize*classes)
	}
	g.tops = append(g.tops[:0], make([][]infer.Prediction, len(g.files))...)
	var at []int // of the files that could be read
	for i := range g.files {
		if g.errs[i] == nil {
			g.errs[i] = g.prepare(c, i, g.x[len(at)*one:][:one], large)
		}
		if g.errs[i] == nil {
			at = append(at, i)
		}
	}
	// All at once; if that is an error, one by one, to know whose it is. After the first group fewer are filled up
	// with those of the group before: a step of another size would need the weights packed another time.
	n := len(at)
	if n > 0 && !g.first {
		n = groupSize
	}
	if n > 0 && c.Compute(g.x[:n*one], n, g.logits[:n*classes]) == nil {
		for k, i := range at {
			g.tops[i] = c.Top(g.logits[k*classes:][:classes], top)
		}
		return
	}
	for k, i := range at {
		if err := c.Compute(g.x[k*one:][:one], 1, g.logits[:classes]); err != nil {
			g.errs[i] = fmt.Errorf("%s: %w", g.files[i], err)
			continue
		}
		g.tops[i] = c.Top(g.logits[:classes], top)
	}
}

// prepare reads a file and makes the network's input of it.
func (g *group) prepare(c *infer.Classifier, i int, x []float32, large *sync.Mutex) error {
	name := g.files[i]
	if info, err := os.Stat(name); err == nil && info.Size() > largeFile {
		large.Lock()
		defer large.Unlock()
		defer func() { g.file = nil }()
	}
	var err error
	if g.file, err = readImage(g.file, name); err != nil {
		return err
	}
	if err := c.PrepareFile(x, g.file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readImage reads an image file into memory that is there, if there is enough of it.
func readImage(room []byte, name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return room, err
	case info.IsDir():
		return room, fmt.Errorf("%s: a folder: an image file is needed", name)
	case !info.Mode().IsRegular():
		return room, fmt.Errorf("%s: not a regular file", name)
	case info.Size() > maxFile:
		return room, fmt.Errorf("%s: %d bytes: should be at most %d", name, info.Size(), maxFile)
	}
	size := info.Size()
	file, err := os.Open(name)
	if err != nil {
		return room, err
	}
	defer file.Close()
	if int64(cap(room)) < size {
		room = make([]byte, size+size/4)
	}
	n, err := io.ReadFull(file, room[:size])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil // it has become shorter: the decoder will say so
	}
	return room[:n], err
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
