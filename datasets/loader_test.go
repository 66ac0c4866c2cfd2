package datasets

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// numbered makes n images whose pixels and labels tell them apart.
func numbered(t testing.TB, n int, s image.Shape) *Memory {
	t.Helper()
	classes := make([]string, 10)
	pix := make([]uint8, n*s.Len())
	labels := make([]int32, n)
	for i := range n {
		labels[i] = int32(i % len(classes))
		for j := range s.Len() {
			pix[i*s.Len()+j] = uint8(augment.SplitMix(uint64(i)<<32 | uint64(j)))
		}
	}
	m, err := NewMemory(Info{Name: "numbered", Part: Train, Classes: classes, Shape: s, Mean: []float32{.5}, Std: []float32{.25}}, pix, labels)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// jitter is an augmentation of a random crop, a flip and a shift, different for every sample.
type jitter struct{}

func (jitter) Apply(s *augment.Sample) error {
	h, w := s.Image.H-2, s.Image.W-2
	y, x := s.Rand.IntN(3), s.Rand.IntN(3)
	old := s.Renew(image.Shape{C: s.Image.C, H: h, W: w})
	for c := range old.C {
		for r := range h {
			copy(s.Image.Plane(c)[r*w:(r+1)*w], old.Plane(c)[(y+r)*old.W+x:])
		}
	}
	shift := uint8(s.Rand.Uint32())
	for i := range s.Image.Pix {
		s.Image.Pix[i] += shift
	}
	return nil
}

func newLoader(t testing.TB, src Source, cfg Config) *Loader {
	t.Helper()
	l, err := NewLoader(src, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// prints returns a fingerprint of each batch of an epoch, all of its buffers included.
func prints(t testing.TB, l *Loader, epoch, from int) (all []string) {
	t.Helper()
	for b, err := range l.Epoch(t.Context(), epoch, from) {
		if err != nil {
			t.Fatal(err)
		}
		h := fnv.New128a()
		for _, v := range slices.Concat(b.Images[:cap(b.Images)], b.Labels[:cap(b.Labels)]) {
			bits := math.Float32bits(v)
			h.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
		}
		all = append(all, fmt.Sprintf("%d.%d N=%d %x %v", b.Epoch, b.Number, b.N, h.Sum(nil), b.Index))
	}
	return all
}

func TestBatchesHaveTheSameBytesForAnyNumberOfWorkers(t *testing.T) {
	src := numbered(t, 157, image.Shape{C: 1, H: 12, W: 11})
	var want []string // what one worker makes
	for _, c := range []struct{ workers, prefetch int }{{1, 1}, {1, 4}, {2, 2}, {5, 1}, {16, 3}} {
		l := newLoader(t, src, Config{
			Batch: 20, Input: Input{Shape: image.Shape{C: 3, H: 17, W: 9}}, Seed: 7, Shuffle: true,
			Transforms: []augment.Transform{jitter{}}, Workers: c.workers, Prefetch: c.prefetch,
		})
		got := append(prints(t, l, 0, 0), prints(t, l, 1, 0)...)
		if want == nil {
			want = got
		}
		if len(got) != 16 || !slices.Equal(got, want) {
			t.Errorf("%d workers, %d ahead: other batches than with one worker\n%s\n%s", c.workers, c.prefetch, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestAnEpochGoesOnFromItsMiddle(t *testing.T) {
	src := numbered(t, 57, image.Shape{C: 1, H: 8, W: 8})
	cfg := Config{Batch: 10, Seed: 3, Shuffle: true, Transforms: []augment.Transform{jitter{}}, Workers: 3}
	whole := prints(t, newLoader(t, src, cfg), 4, 0)
	for from := range len(whole) + 1 {
		// A loader that has done something else before: nothing but (epoch, batch) is its state.
		l := newLoader(t, src, cfg)
		prints(t, l, 2, 5)
		if got := prints(t, l, 4, from); !slices.Equal(got, whole[from:]) {
			t.Errorf("from batch %d: got %v, want %v", from, got, whole[from:])
		}
	}
}

// counted counts the images that are read.
type counted struct {
	Source
	reads *atomic.Int64
}

func (c counted) Image(i int, dst *image.Image) error {
	c.reads.Add(1)
	return c.Source.Image(i, dst)
}

func TestTheCacheSavesReadingAndChangesNothing(t *testing.T) {
	src := counted{numbered(t, 101, image.Shape{C: 3, H: 9, W: 9}), new(atomic.Int64)}
	for _, c := range []struct {
		name  string
		cfg   Config
		reads int64 // of three epochs and two thirds
	}{
		{"images that fit", Config{Cache: 101 * 3 * 49}, 101},
		{"images that do not fit", Config{Cache: 101*3*49 - 1}, 101 + 101 + 101 + 71},
		{"a limit", Config{Cache: 37 * 3 * 49, Limit: 37}, 37},
		{"transforms", Config{Cache: 1 << 20, Transforms: []augment.Transform{jitter{}}}, 101 + 101 + 101 + 71},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := c.cfg
			cfg.Batch, cfg.Shuffle, cfg.Input.Shape, cfg.Workers = 10, true, image.Shape{C: 3, H: 7, W: 7}, 3
			run := func(l *Loader) []string {
				return slices.Concat(prints(t, l, 0, 3), prints(t, l, 1, 0), prints(t, l, 2, 0), prints(t, l, 3, 0))
			}
			src.reads.Store(0)
			got := run(newLoader(t, src, cfg))
			if n := src.reads.Load(); n != c.reads {
				t.Errorf("%d reads: want %d", n, c.reads)
			}
			cfg.Cache = 0
			if want := run(newLoader(t, src, cfg)); !slices.Equal(got, want) {
				t.Error("other batches than without a cache")
			}
		})
	}
}

func TestSeedAndEpochDecideTheOrder(t *testing.T) {
	src := numbered(t, 1000, image.Shape{C: 1, H: 1, W: 1})
	seen := map[string]string{}
	for seed := range uint64(3) {
		for epoch := range 3 {
			l := newLoader(t, src, Config{Batch: 1000, Seed: seed, Shuffle: true})
			for b, err := range l.Epoch(t.Context(), epoch, 0) {
				if err != nil {
					t.Fatal(err)
				}
				name, order := fmt.Sprint("seed ", seed, " epoch ", epoch), fmt.Sprint(b.Index)
				if other, ok := seen[order]; ok {
					t.Errorf("%s has the order of %s", name, other)
				}
				seen[order] = name
				still := 0
				for i, at := range b.Index {
					if at == i {
						still++
					}
				}
				if still > 10 {
					t.Errorf("%s: %d images of 1000 are where they were", name, still)
				}
				sorted := slices.Sorted(slices.Values(b.Index))
				for i, at := range sorted {
					if i != at {
						t.Fatalf("%s: image %d is missing or there twice", name, i)
					}
				}
			}
		}
	}
}

// A run must be repeatable with later versions, so the order itself is held.
func TestTheOrderStaysWhatItWas(t *testing.T) {
	l := newLoader(t, numbered(t, 12, image.Shape{C: 1, H: 1, W: 1}), Config{Batch: 12, Seed: 42, Shuffle: true})
	for b, err := range l.Epoch(t.Context(), 1, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{7, 8, 11, 0, 6, 5, 1, 2, 10, 4, 3, 9}; !slices.Equal(b.Index, want) {
			t.Errorf("order %v: want %v", b.Index, want)
		}
	}
}

func TestWithoutShufflingTheOrderIsTheSources(t *testing.T) {
	src := numbered(t, 10, image.Shape{C: 1, H: 2, W: 2})
	for _, c := range []struct {
		name string
		cfg  Config
		want [][]int
	}{
		{"all", Config{Batch: 4}, [][]int{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}}},
		{"the last dropped", Config{Batch: 4, DropLast: true}, [][]int{{0, 1, 2, 3}, {4, 5, 6, 7}}},
		{"a limit, spread over the source", Config{Batch: 3, Limit: 5}, [][]int{{0, 2, 4}, {6, 8}}},
		{"a limit above the source", Config{Batch: 5, Limit: 50}, [][]int{{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}}},
		{"a batch above the source", Config{Batch: 50}, [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLoader(t, src, c.cfg)
			var got [][]int
			n := 0
			for b, err := range l.Epoch(t.Context(), 0, 0) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, slices.Clone(b.Index))
				n += b.N
				var img image.Image
				for i, at := range b.Index {
					if b.Labels[i] != float32(at%10) {
						t.Errorf("label of image %d is %v", at, b.Labels[i])
					}
					src.Image(at, &img)
					for j, p := range img.Pix {
						if want := (float32(p)/255 - .5) / .25; b.Images[i*4+j] != want {
							t.Errorf("pixel %d of image %d is %v: want %v", j, at, b.Images[i*4+j], want)
						}
					}
				}
				if len(b.Images) != b.N*4 || cap(b.Images) != c.cfg.Batch*4 || len(b.Labels) != b.N || cap(b.Labels) != c.cfg.Batch {
					t.Errorf("batch of %d has %d of %d values, %d of %d labels", b.N, len(b.Images), cap(b.Images), len(b.Labels), cap(b.Labels))
				}
				for _, v := range slices.Concat(b.Images[len(b.Images):cap(b.Images)], b.Labels[b.N:cap(b.Labels)]) {
					if v != 0 {
						t.Fatal("values that are not 0 after the last image")
					}
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %v: want %v", got, c.want)
			}
			if l.Batches() != len(got) || l.Len() != n {
				t.Errorf("the loader says %d batches and %d images: there were %d and %d", l.Batches(), l.Len(), len(got), n)
			}
		})
	}
}

// drawer keeps what each sample's generator gives.
type drawer struct {
	mu    sync.Mutex
	drawn map[string]uint64
}

func (d *drawer) Apply(s *augment.Sample) error {
	v := s.Rand.Uint64()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drawn[fmt.Sprint(s.Epoch, "/", s.Index)] = v
	return nil
}

func TestASamplesRandomNumbersBelongToItAndTheEpochAlone(t *testing.T) {
	src := numbered(t, 50, image.Shape{C: 1, H: 2, W: 2})
	draw := func(cfg Config) map[string]uint64 {
		d := &drawer{drawn: map[string]uint64{}}
		cfg.Seed, cfg.Transforms = 9, []augment.Transform{d}
		l := newLoader(t, src, cfg)
		prints(t, l, 0, 0)
		prints(t, l, 1, 0)
		return d.drawn
	}
	a := draw(Config{Batch: 7, Workers: 1})
	b := draw(Config{Batch: 16, Workers: 4, Shuffle: true})
	values := map[uint64]bool{}
	for k, v := range a {
		if b[k] != v {
			t.Errorf("sample %s draws %x and %x", k, v, b[k])
		}
		values[v] = true
	}
	if len(a) != 100 || len(values) != 100 {
		t.Errorf("%d samples drew %d different numbers: want 100", len(a), len(values))
	}
}

// relabel moves the label with the image, as a symmetry of a game does.
type relabel int

func (r relabel) Apply(s *augment.Sample) error {
	s.Label += int(r)
	return nil
}

func TestTransformsMayChangeTheLabelWithinTheClasses(t *testing.T) {
	src := numbered(t, 9, image.Shape{C: 1, H: 2, W: 2}) // classes 0 to 8 of 10
	for b, err := range newLoader(t, src, Config{Batch: 9, Transforms: []augment.Transform{relabel(1)}}).Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if want := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9}; !slices.Equal(b.Labels, want) {
			t.Errorf("labels %v: want %v", b.Labels, want)
		}
	}
	for _, err := range newLoader(t, src, Config{Batch: 9, Transforms: []augment.Transform{relabel(2)}}).Epoch(t.Context(), 0, 0) {
		if err == nil || !strings.Contains(err.Error(), "image 8 of numbered/train: label 10: should be 0 to 9") {
			t.Errorf("error %v", err)
		}
	}
}

// another is a source with other labels, and without classes if there are none.
type another struct {
	Source
	classes []string
	label   func(i int) int
}

func (a another) Info() Info {
	info := a.Source.Info()
	info.Classes = a.classes
	return info
}

func (a another) Label(i int) int { return a.label(i) }

// Where there are no classes, labels are numbers of any size.
func TestNumbersNeedNoClasses(t *testing.T) {
	src := another{numbered(t, 5, image.Shape{C: 1, H: 2, W: 2}), nil, func(i int) int { return 100*i - 150 }}
	for b, err := range newLoader(t, src, Config{Batch: 5}).Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if want := []float32{-150, -50, 50, 150, 250}; !slices.Equal(b.Labels, want) {
			t.Errorf("labels %v: want %v", b.Labels, want)
		}
	}
}

// A label that is no class is an error of whoever balances classes, not a panic.
func TestBalanceNamesALabelThatIsNoClass(t *testing.T) {
	for _, bad := range []int{-1, 2} {
		src := another{numbered(t, 4, image.Shape{C: 1, H: 2, W: 2}), []string{"a", "b"}, func(i int) int {
			if i == 3 {
				return bad
			}
			return i % 2
		}}
		if _, err := NewLoader(src, Config{Batch: 2, Shuffle: true, Balance: true}); err == nil || !strings.Contains(err.Error(), "image 3: label "+strconv.Itoa(bad)+": should be 0 to 1") {
			t.Errorf("label %d: %v", bad, err)
		}
	}
}

// broken is a source with images that cannot be read.
type broken struct {
	Source
	at map[int]bool
}

var errDisk = errors.New("the disk is on fire")

func (b broken) Image(i int, dst *image.Image) error {
	if b.at[i] {
		return errDisk
	}
	return b.Source.Image(i, dst)
}

func TestASourcesErrorComesAfterTheBatchesBeforeItAndNamesTheFirstImage(t *testing.T) {
	src := broken{numbered(t, 2000, image.Shape{C: 1, H: 28, W: 28}), map[int]bool{1203: true, 1290: true, 1900: true}}
	for _, workers := range []int{1, 2, 7} {
		l := newLoader(t, src, Config{Batch: 100, Workers: workers})
		for range 3 { // the loader is as good as before
			good := 0
			var got error
			for b, err := range l.Epoch(t.Context(), 0, 0) {
				if err != nil {
					if b != nil || got != nil {
						t.Error("a batch beside the error, or a second error")
					}
					got = err
					continue
				}
				good++
			}
			if good != 12 || !errors.Is(got, errDisk) || got.Error() != "image 1203 of numbered/train: the disk is on fire" {
				t.Errorf("%d workers: %d batches, then %v", workers, good, got)
			}
		}
	}
}

func TestABrokenOffEpochLeavesNothingRunning(t *testing.T) {
	l := newLoader(t, numbered(t, 500, image.Shape{C: 1, H: 28, W: 28}), Config{Batch: 10, Workers: 4})
	want := prints(t, l, 0, 0)
	before := runtime.NumGoroutine()
	for stop := range 20 {
		for b := range l.Epoch(t.Context(), 0, 0) {
			if b.Number == stop {
				break
			}
		}
		if got := prints(t, l, 0, 0); !slices.Equal(got, want) {
			t.Fatalf("after an epoch that ended at batch %d the next is another", stop)
		}
	}
	// The loop waits for the workers, whose last instructions may still be running.
	for wait := time.Millisecond; runtime.NumGoroutine() > before && wait < time.Minute; wait *= 2 {
		time.Sleep(wait)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, %d before", after, before)
	}
}

// stuck is a source whose images wait until they are let go.
type stuck struct {
	Source
	let chan struct{}
}

func (s stuck) Image(i int, dst *image.Image) error {
	<-s.let
	return s.Source.Image(i, dst)
}

func TestTheContextEndsAnEpoch(t *testing.T) {
	t.Run("between batches", func(t *testing.T) {
		l := newLoader(t, numbered(t, 500, image.Shape{C: 1, H: 28, W: 28}), Config{Batch: 10})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		batches := 0
		var got error
		for b, err := range l.Epoch(ctx, 0, 0) {
			if got = err; err != nil {
				continue
			}
			batches++
			if b.Number == 4 {
				cancel()
			}
		}
		if batches != 5 || !errors.Is(got, context.Canceled) {
			t.Errorf("%d batches, then %v", batches, got)
		}
	})
	t.Run("while the source is slow", func(t *testing.T) {
		src := stuck{numbered(t, 500, image.Shape{C: 1, H: 28, W: 28}), make(chan struct{})}
		l := newLoader(t, src, Config{Batch: 10, Workers: 2})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			cancel()
			close(src.let)
		}()
		for _, err := range l.Epoch(ctx, 0, 0) {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v: want %v", err, context.Canceled)
			}
		}
	})
}

func TestOnlyOneEpochRunsAtATime(t *testing.T) {
	l := newLoader(t, numbered(t, 50, image.Shape{C: 1, H: 2, W: 2}), Config{Batch: 10})
	for range l.Epoch(t.Context(), 0, 0) {
		for _, err := range l.Epoch(t.Context(), 0, 0) {
			if err == nil || !strings.Contains(err.Error(), "running already") {
				t.Errorf("error %v", err)
			}
		}
	}
	if n := len(prints(t, l, 0, 0)); n != 5 {
		t.Errorf("%d batches afterwards: want 5", n)
	}
}

func TestAReleasedBatchIsFilledAgainWhileTheLoopGoesOn(t *testing.T) {
	l := newLoader(t, numbered(t, 40, image.Shape{C: 1, H: 2, W: 2}), Config{Batch: 10, Prefetch: 1})
	var slots []int
	for b, err := range l.Epoch(t.Context(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, b.Slot)
		b.Release()
		b.Release() // twice is once
	}
	if want := []int{0, 1, 0, 1}; !slices.Equal(slots, want) || l.Slots() != 2 {
		t.Errorf("slots %v of %d: want %v of 2", slots, l.Slots(), want)
	}
}

func TestASlotsBuffersStayWhereTheyAre(t *testing.T) {
	l := newLoader(t, numbered(t, 95, image.Shape{C: 1, H: 2, W: 2}), Config{Batch: 10, Prefetch: 3})
	at := map[int]*float32{}
	for epoch := range 3 {
		for b, err := range l.Epoch(t.Context(), epoch, 0) {
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := at[b.Slot]; ok && p != &b.Images[0] {
				t.Errorf("slot %d has moved", b.Slot)
			}
			at[b.Slot] = &b.Images[0]
		}
	}
	if len(at) != l.Slots() {
		t.Errorf("%d slots seen: want %d", len(at), l.Slots())
	}
}

func TestNewLoaderRefusesWhatCannotWork(t *testing.T) {
	src := numbered(t, 10, image.Shape{C: 1, H: 2, W: 2})
	empty := numbered(t, 0, image.Shape{C: 1, H: 2, W: 2})
	for _, c := range []struct {
		name string
		src  Source
		cfg  Config
		err  string
	}{
		{"no batch", src, Config{}, "loading numbered/train: batch 0: should be at least 1"},
		{"a limit below 0", src, Config{Batch: 1, Limit: -1}, "limit -1"},
		{"workers below 0", src, Config{Batch: 1, Workers: -1}, "workers -1"},
		{"prefetch below 0", src, Config{Batch: 1, Prefetch: -2}, "prefetch -2"},
		{"a cache below 0", src, Config{Batch: 1, Cache: -1}, "cache -1"},
		{"a transform that is nil", src, Config{Batch: 1, Transforms: []augment.Transform{nil}}, "transforms: one of them is nil"},
		{"channels that cannot be made", src, Config{Batch: 1, Input: Input{Shape: image.Shape{C: 5, H: 2, W: 2}}}, "1 channels cannot become 5"},
		{"no images", empty, Config{Batch: 1}, "the source is empty"},
		{"no batch left", src, Config{Batch: 11, DropLast: true}, "batch 11: there are only 10 images"},
		{"too much memory", src, Config{Batch: 1 << 20, Input: Input{Shape: image.Shape{C: 1, H: 1000, W: 1000}}}, "more than 2 GiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewLoader(c.src, c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v: want one with %q", err, c.err)
			}
		})
	}
	l := newLoader(t, src, Config{Batch: 4})
	for _, c := range []struct{ epoch, from int }{{-1, 0}, {0, -1}, {0, 4}} {
		for _, err := range l.Epoch(t.Context(), c.epoch, c.from) {
			if err == nil || !strings.Contains(err.Error(), "no batch") {
				t.Errorf("epoch %d from %d: error %v", c.epoch, c.from, err)
			}
		}
	}
}

func TestBatchesAfterTheFirstAllocateNothing(t *testing.T) {
	const batches = 400
	src := numbered(t, batches*8, image.Shape{C: 1, H: 12, W: 12})
	l := newLoader(t, src, Config{
		Batch: 8, Input: Input{Shape: image.Shape{C: 3, H: 20, W: 20}}, Shuffle: true, Transforms: []augment.Transform{jitter{}}, Workers: 2,
	})
	prints(t, l, 0, batches-20)
	var before, after runtime.MemStats
	for b, err := range l.Epoch(t.Context(), 1, 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch b.Number {
		case batches / 2:
			runtime.ReadMemStats(&before)
		case batches - 1:
			runtime.ReadMemStats(&after)
		}
	}
	// The runtime itself may allocate now and then: a wait queue's entry, a goroutine's stack.
	if n := after.Mallocs - before.Mallocs; n > batches/20 {
		t.Errorf("%d allocations in %d batches", n, batches/2)
	}
}

func BenchmarkLoader(b *testing.B) {
	src := numbered(b, 2048, image.Shape{C: 1, H: 28, W: 28})
	for _, c := range []struct {
		to    image.Shape
		cache int64
	}{{image.Shape{C: 1, H: 28, W: 28}, 0}, {image.Shape{C: 1, H: 32, W: 32}, 0}, {image.Shape{C: 1, H: 32, W: 32}, 2 << 20}, {image.Shape{C: 3, H: 227, W: 227}, 0}} {
		b.Run(fmt.Sprintf("%v cache %d MiB", c.to, c.cache>>20), func(b *testing.B) {
			l := newLoader(b, src, Config{Batch: 64, Input: Input{Shape: c.to}, Shuffle: true, Cache: c.cache})
			b.ReportAllocs()
			images := 0
			for epoch := 0; images < b.N; epoch++ {
				for batch, err := range l.Epoch(b.Context(), epoch, 0) {
					if err != nil {
						b.Fatal(err)
					}
					if images += batch.N; images >= b.N {
						break
					}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkAugmentation(b *testing.B) {
	src := numbered(b, 4096, image.Shape{C: 3, H: 32, W: 32})
	for _, text := range []string{"", "crop(4), flip", "resized-crop", "color", "pca", "rotate", "elastic", "cutout", "crop(4), flip, mixup"} {
		b.Run(text, func(b *testing.B) {
			l := newLoader(b, src, Config{Batch: 128, Shuffle: true, Workers: 1, Augment: augmentation(b, text)})
			b.ReportAllocs()
			images := 0
			for epoch := 0; images < b.N; epoch++ {
				for batch, err := range l.Epoch(b.Context(), epoch, 0) {
					if err != nil {
						b.Fatal(err)
					}
					if images += batch.N; images >= b.N {
						break
					}
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
