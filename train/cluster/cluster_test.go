package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
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
	if err := exerciseParts(c); err != nil {
		return err
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
	if err := c.Wait(Forever); err != nil {
		return err
	}
	err = Same(c, "the data", fmt.Sprint("checksum ", min(rank, 1)))
	if size > 1 && (err == nil || !strings.Contains(err.Error(), "ranks differ in the data: checksum 0 on rank 0, checksum 1 on rank 1")) {
		return fmt.Errorf("ranks that differ: %v", err)
	}
	return nil
}

// exerciseParts is exercise for messages of equal parts, and for the sums that are made of them.
func exerciseParts(c Comm) error {
	rank, size := c.Rank(), c.Size()
	for _, n := range []int{1, 5, 70001} {
		part, all := bytes.Repeat([]byte{byte('a' + rank)}, n), make([]byte, n*size)
		if err := c.Collect(part, all); err != nil {
			return err
		}
		for i, got := range all {
			if got != byte('a'+i/n) {
				return fmt.Errorf("collect of %d: [%d] is %q", n, i, got)
			}
		}
		send := make([]byte, n*size)
		for i := range send {
			send[i] = byte(10*rank + i/n)
		}
		if err := c.Exchange(send, all); err != nil {
			return err
		}
		for i, got := range all {
			if want := byte(10*(i/n) + rank); got != want {
				return fmt.Errorf("exchange of %d: [%d] is %d, not %d", n, i, got, want)
			}
		}
	}
	const leaves = 11
	for _, n := range []int{1, 3, 700, 5003} {
		// Twice, as a tree uses its memory again.
		tree, err := NewTree(c, leaves)
		if err != nil {
			return err
		}
		for turn := range 2 {
			from, to := Share(leaves, rank, size)
			for leaf := from; leaf < to; leaf++ {
				tree.Add(n, func(v []float32) { copy(v, leafOf(leaf+turn, n)) })
			}
			sum, err := tree.Sum()
			if err != nil {
				return err
			}
			for i, want := range halves(turn, turn, turn+leaves, n) {
				if math.Float32bits(sum[i]) != math.Float32bits(want) {
					return fmt.Errorf("tree of %d: [%d] is %g, not %g", n, i, sum[i], want)
				}
			}
		}
	}
	rounded := NewRounded(c)
	for _, n := range []int{0, 1, 2, 4099} {
		data := make([]float32, n)
		for i := range data {
			data[i] = float32(i%100) + 1 + float32(rank)*0.0001 // which is lost
		}
		if err := rounded.Sum(data); err != nil {
			return err
		}
		for i, v := range data {
			want := float32(size * (i%100 + 1))
			if math.Abs(float64(v-want)) > float64(want)/256 {
				return fmt.Errorf("rounded sum of %d: [%d] is %g, not %g", n, i, v, want)
			}
		}
		if err := Same(c, "a rounded sum", fmt.Sprintf("%x", data[:min(n, 100)])); err != nil {
			return err
		}
	}
	return nil
}

// leafOf are numbers whose sum depends on the order.
func leafOf(leaf, n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.Sin(float64(leaf*31+i))) * float32(math.Pow(10, float64((leaf*7+i)%9)))
	}
	return v
}

// halves is the sum that a tree should have, whose first leaf is base: that of its halves, each by itself.
func halves(base, lo, hi, n int) []float32 {
	if hi-lo == 1 {
		return leafOf(lo, n)
	}
	mid := base + (lo-base+hi-base)/2
	left, right := halves(base, lo, mid, n), halves(base, mid, hi, n)
	for i := range left {
		left[i] += right[i]
	}
	return left
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

func TestATreeNeedsALeafForEachRank(t *testing.T) {
	err := each(Goroutines(3), func(c Comm) error {
		if _, err := NewTree(c, 2); err == nil || !strings.Contains(err.Error(), "2 shares: too few for 3 ranks") {
			return fmt.Errorf("2 leaves for 3 ranks: %v", err)
		}
		tree, err := NewTree(c, 6)
		if err != nil {
			return err
		}
		tree.Add(1, func([]float32) {})
		if _, err := tree.Sum(); err == nil {
			return errors.New("a leaf is missing, and nobody says so")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRoundingToTheUpperHalf(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct{ v, want float64 }{
		{0, 0}, {1, 1}, {-1.5, -1.5}, {1 + 1.0/128, 1 + 1.0/128}, {inf, inf}, {-inf, -inf},
		{1 + 1.0/256, 1}, {1 + 3.0/256, 1 + 4.0/256}, // between two: the even one
		{1 + 1.01/256, 1 + 2.0/256}, {-(1 + 0.99/256), -1},
		{math.MaxFloat32, inf}, {1e-40, math.Ldexp(1, -133)},
	} {
		var h [1]uint16
		round(h[:], []float32{float32(c.v)})
		if got := float64(math.Float32frombits(uint32(h[0]) << 16)); got != c.want {
			t.Errorf("%g is rounded to %g, not %g", c.v, got, c.want)
		}
	}
	for _, bits := range []uint32{0x7fc00000, 0x7f800001, 0xffffffff} {
		var h [1]uint16
		round(h[:], []float32{math.Float32frombits(bits)})
		if got := math.Float32frombits(uint32(h[0]) << 16); got == got {
			t.Errorf("NaN %#x is rounded to %g", bits, got)
		}
	}
}

func TestAnErrorIsToldOnce(t *testing.T) {
	bad := errors.New("the disk is full")
	for _, c := range []struct {
		name string
		has  []int
		want string // by rank: k keeps its error, e hears of another's, a knows that all have one, - has none
	}{
		{"nobody has one", nil, "---"}, {"one has", []int{1}, "eke"}, {"two have", []int{1, 2}, "eke"}, {"all have", []int{0, 1, 2}, "aaa"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := each(Goroutines(3), func(g Comm) error {
				var own error
				if slices.Contains(c.has, g.Rank()) {
					own = fmt.Errorf("rank %d: %w", g.Rank(), bad)
				}
				err := Agree(g, Allowance(0), own)
				var other *Elsewhere
				var all *Everywhere
				got := byte('k')
				switch {
				case err == nil:
					got = '-'
				case errors.As(err, &other):
					got = 'e'
					if other.Rank != c.has[0] || !strings.Contains(err.Error(), "the disk is full") {
						return fmt.Errorf("rank %d hears of %v", g.Rank(), err)
					}
				case errors.As(err, &all):
					got = 'a'
				}
				if got != 'e' && !errors.Is(err, own) {
					return fmt.Errorf("rank %d has %v, and gets %v", g.Rank(), own, err)
				}
				if got != c.want[g.Rank()] {
					return fmt.Errorf("rank %d: %c, should be %c: %v", g.Rank(), got, c.want[g.Rank()], err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
	if err := Agree(Alone(), 0, bad); err != bad {
		t.Errorf("alone: %v", err)
	}
}

// A rank that does not come is an error of the others, after their patience.
func TestPatienceEnds(t *testing.T) {
	ranks := Goroutines(2)
	if err := ranks[0].Wait(time.Millisecond); !errors.Is(err, ErrLost) {
		t.Errorf("waiting for nobody: %v", err)
	}
	ranks = Goroutines(2)
	if err := Agree(ranks[0], time.Millisecond, nil); !errors.Is(err, ErrLost) {
		t.Errorf("agreeing with nobody: %v", err)
	}
	if Allowance(time.Second) != Patience || Allowance(time.Minute) != 10*time.Minute {
		t.Errorf("allowances are %v and %v", Allowance(time.Second), Allowance(time.Minute))
	}
}

// Once the group is broken every call is an error, and what ranks bring has to fit.
func TestErrorsOfAGroup(t *testing.T) {
	bad := errors.New("the disk is full")
	broken := Goroutines(2)
	broken[1].Abort(bad)
	broken[1].Abort(errors.New("a second time"))
	c := broken[0]
	four := make([]byte, 4)
	tree, err := NewTree(c, 4)
	if err != nil {
		t.Fatal(err)
	}
	sumOf := func(n int) error {
		for range 2 {
			tree.Add(n, func([]float32) {})
		}
		_, err := tree.Sum()
		return err
	}
	_, gathered := c.Gather(four)
	for name, err := range map[string]error{
		"sum": c.Sum([]float32{1}), "gather": gathered, "collect": c.Collect(four, make([]byte, 8)), "exchange": c.Exchange(four, four),
		"broadcast": c.Broadcast(four), "floats": BroadcastFloats(c, []float32{1}), "barrier": c.Barrier(), "wait": c.Wait(Forever),
		"same": Same(c, "it", "x"), "tree": sumOf(1), "large tree": sumOf(5000), "rounded": NewRounded(c).Sum([]float32{1, 2}), "agree": Agree(c, Forever, nil),
	} {
		if !errors.Is(err, bad) || !strings.Contains(err.Error(), "rank 1") {
			t.Errorf("%s in a broken group: %v", name, err)
		}
	}
	for name, call := range map[string]func(c Comm, n int) error{
		"sum":       func(c Comm, n int) error { return c.Sum(make([]float32, n)) },
		"collect":   func(c Comm, n int) error { return c.Collect(make([]byte, n), make([]byte, 2*n)) },
		"exchange":  func(c Comm, n int) error { return c.Exchange(make([]byte, 2*n), make([]byte, 2*n)) },
		"broadcast": func(c Comm, n int) error { return c.Broadcast(make([]byte, n)) },
	} {
		errs := each(Goroutines(2), func(c Comm) error { return call(c, 3+c.Rank()) })
		if errs == nil || !strings.HasPrefix(errs.Error(), name+": ") {
			t.Errorf("%s of different lengths: %v", name, errs)
		}
	}
	// Floats go as rank 0 has them; nothing goes nowhere.
	err = each(Goroutines(3), func(c Comm) error {
		v := []float32{float32(c.Rank()), 2.5 * float32(c.Rank()+1)}
		if err := errors.Join(BroadcastFloats(c, v), BroadcastFloats(c, nil), c.Close()); err != nil {
			return err
		}
		if v[0] != 0 || v[1] != 2.5 {
			return fmt.Errorf("rank %d has %v", c.Rank(), v)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
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
