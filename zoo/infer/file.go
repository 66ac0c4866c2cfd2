package infer

import (
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
)

const (
	// gateBytes is what all pictures that are decoded at the same time may take together, unless a single one
	// takes more: then it is alone.
	gateBytes = 128 << 20
	// largePicture is how many bytes a picture takes that leaves nothing behind for the next.
	largePicture = 32 << 20
)

// PrepareFile decodes an image file, no larger than the network needs it, and writes it to dst as [Classifier.Prepare]
// does. It may be called from many goroutines: pictures that take much memory wait for each other, so that they
// never take more than 128 MiB together, or a single one more.
func (c *Classifier) PrepareFile(dst []float32, file []byte) error {
	if c.runner == nil {
		return errNotMade
	}
	if len(dst) != c.input.Len() {
		return fmt.Errorf("%s: room for %d numbers: an image has %d", c.name, len(dst), c.input.Len())
	}
	info, err := codec.Examine(file, c.input.Least())
	if err != nil {
		return err
	}
	p, err := c.runner.preparer(c.input)
	if err != nil {
		return err
	}
	defer c.runner.preparers.Put(p)
	r := c.runner
	defer r.large.leave(r.large.enter(info.Memory))
	if info.Memory > largePicture {
		defer func() {
			p.img.Pix = nil
			debug.FreeOSMemory() // before the next one takes as much
		}()
	}
	if err := codec.DecodeAtLeast(file, &p.img, c.input.Least()); err != nil {
		return err
	}
	return c.prepare(p, dst, &p.img)
}

// Top picks the most probable of an image's classes by its logits, as [Classifier.Predict] does.
func (c *Classifier) Top(logits []float32, top int) []Prediction { return c.best(logits, top) }

// A gate lets in what takes no more than gateBytes together, and what takes more alone. The zero value is open.
type gate struct {
	mu     sync.Mutex
	inside int64
	left   *sync.Cond
}

// enter waits until there is room, and returns what to leave with.
func (g *gate) enter(bytes int64) int64 {
	bytes = min(bytes, gateBytes)
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left == nil {
		g.left = sync.NewCond(&g.mu)
	}
	for g.inside+bytes > gateBytes {
		g.left.Wait()
	}
	g.inside += bytes
	return bytes
}

func (g *gate) leave(bytes int64) {
	g.mu.Lock()
	g.inside -= bytes
	g.left.Broadcast()
	g.mu.Unlock()
}
