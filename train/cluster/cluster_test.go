package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
)

// exercise is what every implementation has to pass, as one rank sees it.
func exercise(c Comm) error {
	rank, size := c.Rank(), c.Size()
	// Sizes around those of packets, and empty.
	for _, n := range []int{0, 1, 3, 17, 1023, 70001} {
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(i%5) + float32(10*(rank+1))
		}
		if err := c.Sum(data); err != nil {
			return fmt.Errorf("sum of %d: %w", n, err)
		}
		for i, v := range data {
			if want := float32(size*(i%5) + 10*size*(size+1)/2); v != want {
				return fmt.Errorf("sum of %d: [%d] is %g, not %g", n, i, v, want)
			}
		}
	}
	// The same bits on all ranks, where the order of summation matters.
	awkward := []float32{float32(math.Pi) * float32(rank+1) * 1e7, 1e-3 / float32(rank+3), float32(1) / 3}
	if err := c.Sum(awkward); err != nil {
		return err
	}
	if err := Same(c, "a sum", fmt.Sprintf("%x", awkward)); err != nil {
		return err
	}
	// Parts of different lengths, one empty.
	all, err := c.Gather(bytes.Repeat([]byte{byte('a' + rank)}, 1000*rank))
	if err != nil {
		return err
	}
	if len(all) != size {
		return fmt.Errorf("gather: %d parts of %d ranks", len(all), size)
	}
	for r, part := range all {
		if want := bytes.Repeat([]byte{byte('a' + r)}, 1000*r); !bytes.Equal(part, want) {
			return fmt.Errorf("gather: part %d has %d bytes and begins with %.5q", r, len(part), part)
		}
	}
	text := []byte("nobody")
	if rank == 0 {
		text = []byte("rank 0")
	}
	if err := c.Broadcast(text); err != nil {
		return err
	}
	if string(text) != "rank 0" {
		return fmt.Errorf("broadcast: %q", text)
	}
	if err := c.Barrier(); err != nil {
		return err
	}
	if err := c.Wait(); err != nil {
		return err
	}
	err = Same(c, "the data", fmt.Sprint("checksum ", min(rank, 1)))
	if size > 1 && (err == nil || !strings.Contains(err.Error(), "checksum 0 on rank 0, checksum 1 on rank 1")) {
		return fmt.Errorf("ranks that differ: %v", err)
	}
	return nil
}

func each(ranks []Comm, f func(Comm) error) error {
	errs := make([]error, len(ranks))
	var wg sync.WaitGroup
	for i, c := range ranks {
		wg.Go(func() { errs[i] = f(c) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func TestGroups(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			if err := each(Goroutines(n), exercise); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("alone", func(t *testing.T) {
		if err := exercise(Alone()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAnAbortEndsEveryRanksCall(t *testing.T) {
	bad := errors.New("the disk is full")
	err := each(Goroutines(3), func(c Comm) error {
		if c.Rank() == 1 {
			c.Abort(bad)
			return nil
		}
		if err := c.Barrier(); !errors.Is(err, bad) || !strings.Contains(err.Error(), "rank 1") {
			return fmt.Errorf("rank %d: %v", c.Rank(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestShares(t *testing.T) {
	for _, n := range []int{0, 1, 7, 128} {
		for size := 1; size < 10; size++ {
			next := 0
			for rank := range size {
				from, to := Share(n, rank, size)
				if from != next || to-from < n/size || to-from > n/size+1 {
					t.Fatalf("%d things, rank %d of %d: %d to %d", n, rank, size, from, to)
				}
				next = to
			}
			if next != n {
				t.Fatalf("%d things, %d ranks: %d have a rank", n, size, next)
			}
		}
	}
}
