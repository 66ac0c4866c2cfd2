package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// slowestPictures is the least time that a rank waits for the others' pictures of a round.
const slowestPictures = 2 * time.Minute

// A round is some groups of pictures, which rank 0 names and the ranks take in turns.
type round struct {
	Groups [][]namedFile
	Begins bool // with the first of all groups
}

// A namedFile is one that could be found, or why it could not.
type namedFile struct{ File, Err string }

// A said is what a rank says of a file.
type said struct {
	Top []infer.Prediction
	Err string
}

// sameClassifier checks that all ranks say the same of a picture: a weights file may be another one on another
// machine, under the same name.
func sameClassifier(r cluster.Comm, c *infer.Classifier, top int) error {
	h := sha256.New()
	meta, err := json.Marshal(c.Meta())
	if err != nil {
		return err
	}
	h.Write(meta)
	for _, p := range c.Parameters().All() {
		fmt.Fprintln(h, p.Name, p.Shape)
		if err := binary.Write(h, binary.LittleEndian, p.Data); err != nil {
			return err
		}
	}
	if err := cluster.Same(r, "the weights", fmt.Sprintf("%x", h.Sum(nil)[:8])); err != nil {
		return err
	}
	return cluster.Same(r, "what they are asked for", fmt.Sprintf("top %d, half %t", top, len(c.Halves()) > 0))
}

// predictTogether is predict by several ranks: rank 0 names the files, round by round, and prints what all say of
// them in their order.
func (a *app) predictTogether(ctx context.Context, c *infer.Classifier, args []string, top int, asJSON bool) error {
	r := a.ranks()
	if err := sameClassifier(r, c, top); err != nil {
		return err
	}
	cores := runtime.GOMAXPROCS(0)
	next := func() round { return round{} }
	if r.Rank() == 0 {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		free, full := make(chan *group, 1), make(chan *group)
		free <- &group{}
		go func() {
			defer close(full)
			fillGroups(ctx, args, free, func(g *group) bool {
				select {
				case full <- g:
					return true
				case <-ctx.Done():
					return false
				}
			})
		}()
		begun := false
		next = func() round {
			one := round{Begins: !begun}
			begun = true
			for len(one.Groups) < 2*cores*r.Size() {
				g, ok := <-full
				if !ok {
					break
				}
				var files []namedFile
				for i, file := range g.files {
					files = append(files, namedFile{file, textOf(g.errs[i])})
				}
				one.Groups = append(one.Groups, files)
				free <- &group{}
			}
			return one
		}
	}
	p := &printer{app: a, top: top, asJSON: asJSON}
	workers := make([]*group, cores) // each with memory that it uses again and again
	for {
		one := next()
		text, err := json.Marshal(one)
		if err != nil {
			return err
		}
		if r.Rank() > 0 {
			text = nil
		}
		all, err := r.Gather(text)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(all[0], &one); err != nil {
			return err
		}
		if len(one.Groups) == 0 {
			return p.end()
		}
		began := time.Now()
		answers := predictMine(ctx, c, one, r.Rank(), r.Size(), workers, top)
		if err := cluster.Agree(r, max(slowestPictures, cluster.Allowance(time.Since(began))), ctx.Err()); err != nil {
			return err
		}
		if text, err = json.Marshal(answers); err != nil {
			return err
		}
		if all, err = r.Gather(text); err != nil {
			return err
		}
		err = func() error {
			by := make([][][]said, r.Size())
			for rank := range by {
				if err := json.Unmarshal(all[rank], &by[rank]); err != nil {
					return err
				}
			}
			for i, files := range one.Groups {
				of := by[i%r.Size()]
				if i/r.Size() >= len(of) || len(of[i/r.Size()]) != len(files) {
					return errors.New("another rank has predicted other pictures")
				}
				for k, file := range files {
					var failed error
					if text := of[i/r.Size()][k].Err; text != "" {
						failed = errors.New(text)
					}
					if err := p.print(file.File, of[i/r.Size()][k].Top, failed); err != nil {
						return err
					}
				}
			}
			return nil
		}()
		if err := cluster.Agree(r, cluster.Patience, err); err != nil { // rank 0's output may be gone
			return err
		}
	}
}

// predictMine predicts this rank's groups of a round on all cores.
func predictMine(ctx context.Context, c *infer.Classifier, one round, rank, size int, workers []*group, top int) [][]said {
	mine := (len(one.Groups) - rank + size - 1) / size
	answers := make([][]said, max(mine, 0))
	work := make(chan int)
	var large sync.Mutex
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			if workers[w] == nil {
				workers[w] = &group{}
			}
			g := workers[w]
			for k := range work {
				g.first, g.files, g.errs = one.Begins && rank+k == 0, g.files[:0], g.errs[:0]
				for _, f := range one.Groups[rank+k*size] {
					var err error
					if f.Err != "" {
						err = errors.New(f.Err)
					}
					g.files, g.errs = append(g.files, f.File), append(g.errs, err)
				}
				g.predict(c, top, &large)
				for i := range g.files {
					answers[k] = append(answers[k], said{g.tops[i], textOf(g.errs[i])})
				}
			}
		})
	}
	for k := range answers {
		if ctx.Err() != nil {
			break
		}
		work <- k
	}
	close(work)
	all.Wait()
	return answers
}

// textOf is what a rank says of an error, in the words of [report.Words]: the others get no more than text.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return report.Words(err)
}
