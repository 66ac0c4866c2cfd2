package datasets

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Skip says what a loader does about a broken image.
type Skip int

const (
	// Stop ends the epoch with the image's error.
	Stop Skip = iota
	// Replace takes the next good image of the source in its place, for training, whose batches should
	// be full.
	Replace
	// LeaveOut makes the batch smaller, for evaluation, which should count no image twice.
	LeaveOut
)

// A BrokenImage is one that a loader has skipped.
type BrokenImage struct {
	Index int   // in the source
	Err   error // names the image, and what is wrong with it
}

// brokenImages is what a loader's workers know of broken images.
type brokenImages struct {
	n  atomic.Int64
	mu sync.Mutex
	at map[int]error
}

// get returns the error of an image that is known to be broken.
func (b *brokenImages) get(i int) error {
	if b.n.Load() == 0 {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at[i]
}

func (b *brokenImages) add(i int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.at == nil {
		b.at = map[int]error{}
	}
	b.at[i] = err
	b.n.Store(int64(len(b.at)))
}

func (b *brokenImages) all() []BrokenImage {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []BrokenImage
	for i, err := range b.at {
		all = append(all, BrokenImage{i, err})
	}
	slices.SortFunc(all, func(x, y BrokenImage) int { return x.Index - y.Index })
	return all
}
