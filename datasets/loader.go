package datasets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// Config says how a loader makes batches of a source.
type Config struct {
	// Batch is the number of images in a batch.
	Batch int
	// Input is what the network takes; what is left zero is the source's.
	Input Input
	// Seed decides the order and whatever is random in the transforms.
	Seed uint64
	// Shuffle gives every epoch an order of its own.
	Shuffle bool
	// Balance gives every class the same share of an epoch, which has as many images as otherwise: those of rare
	// classes come several times, each time transformed anew, and those of frequent ones take turns over the epochs.
	// It needs Shuffle.
	Balance bool
	// DropLast leaves out the last batch of an epoch if it is smaller than the others.
	DropLast bool
	// Limit uses that many images, spread evenly over the source (which may be sorted by class); 0
	// means all.
	Limit int
	// Transforms are applied to each sample, in this order. An image that they leave in the input's height and
	// width is taken as it is: the input's Resize and Crop are for the others.
	Transforms []augment.Transform
	// Augment is applied after them: transforms and mixers by their names.
	Augment augment.Spec
	// Mixers are applied to a batch as a whole: to each one of them, drawn by chance. Those of Augment
	// come after them.
	Mixers []augment.Mixer
	// Views are the parts of each image that are shown, for evaluation: N images are N·V of them, an
	// image's one after the other. Not with transforms or mixers.
	Views Views
	// Skip says what becomes of images that are broken (see [image.ErrBroken]).
	Skip Skip
	// Rank and Ranks leave a part of the work to loaders elsewhere: of each batch this one gives the images that
	// belong to rank Rank of Ranks, side by side in the batch's order. With WholeBatches it gives every
	// Ranks-th batch instead, as evaluation likes it. 0 Ranks is all. What is random is the same for an image,
	// whoever prepares it; with mixers, which need the whole batch, each prepares all of it.
	Rank, Ranks  int
	WholeBatches bool
	// Shares divides batches into that many equal parts, of which each rank gets some whole ones; 0 is as many as
	// there are ranks.
	Shares int
	// Workers is the number of goroutines that prepare images; 0 means one for each core.
	Workers int
	// Prefetch is the number of batches that are prepared while one is used; 0 means as many as fit
	// 32 MiB, from 1 to 4.
	Prefetch int
	// Cache is the memory in bytes that may keep the images, as bytes of the input's size, from the first epoch
	// on, so that later ones neither read nor resize them. It is used if they all fit, and not with
	// transforms or where there is nothing to save; 0 means none.
	Cache int64
}

// Validate says what is wrong with a setting, whatever the source.
func (c Config) Validate() error {
	switch {
	case c.Batch < 1:
		return fmt.Errorf("batch %d: should be at least 1", c.Batch)
	case c.Limit < 0:
		return fmt.Errorf("limit %d: should be at least 1, or 0 for all images", c.Limit)
	case c.Balance && !c.Shuffle:
		return errors.New("balance: needs an order of its own for every epoch (shuffle)")
	case c.Ranks < 0 || c.Rank < 0 || c.Rank >= max(c.Ranks, 1):
		return fmt.Errorf("rank %d of %d: should be from 0 on and less than their number", c.Rank, c.Ranks)
	case c.Ranks > 1 && !c.WholeBatches && c.Batch < c.Ranks:
		return fmt.Errorf("batch %d: too few images for %d ranks", c.Batch, c.Ranks)
	case c.Shares < 0 || c.Shares > c.Batch || c.Shares > 0 && c.Shares < c.Ranks:
		return fmt.Errorf("%d shares: should be from %d, one for each rank, to the %d images of a batch, or 0", c.Shares, max(c.Ranks, 1), c.Batch)
	case c.Workers < 0:
		return fmt.Errorf("workers %d: should be at least 1, or 0 for one a core", c.Workers)
	case c.Prefetch < 0:
		return fmt.Errorf("prefetch %d: should be at least 1, or 0 for the usual", c.Prefetch)
	case c.Cache < 0:
		return fmt.Errorf("cache %d: should be a number of bytes, or 0 for none", c.Cache)
	case slices.Contains(c.Transforms, nil):
		return errors.New("transforms: one of them is nil")
	case slices.Contains(c.Mixers, nil):
		return errors.New("mixers: one of them is nil")
	case c.Skip < Stop || c.Skip > LeaveOut:
		return fmt.Errorf("skip %d: should be Stop, Replace or LeaveOut", c.Skip)
	case c.Views.Len() > 1 && len(c.Transforms)+len(c.Augment)+len(c.Mixers) > 0:
		return errors.New("views are for evaluation: there should be no transforms beside them")
	}
	for _, t := range c.Transforms {
		if err := augment.Check(t); err != nil {
			return err
		}
	}
	for _, s := range c.Augment {
		if err := s.Validate(); err != nil {
			return err
		}
	}
	for _, m := range c.Mixers {
		if err := augment.Check(m); err != nil {
			return err
		}
	}
	return c.Views.Validate()
}

// A Loader makes batches of a source. It has a ring of buffers, allocated once, which its workers
// fill while the caller uses one; between epochs nothing of it runs, and nothing needs to be closed.
type Loader struct {
	src    Source
	info   Info
	cfg    Config
	images int // in an epoch, DropLast aside
	stride int // values of an image, with all its views

	order []int32
	class [][]int32 // with Balance, the images of each class that has some
	ring  []*Batch
	work  []*worker
	busy  atomic.Bool

	// The images in the input's size, and which of them are there. No two workers have the same image
	// in an epoch, and between epochs the workers end, so that no lock is needed.
	cached image.Shape
	least  int // that an image's shorter side must keep; 0 if transforms or corners need all of it
	cache  []uint8
	known  []bool

	broken brokenImages
}

// A Batch is the caller's from the time the loop gets it until the next turn of the loop, or until
// Release.
type Batch struct {
	// N is Config.Batch but for an epoch's last. Images[:cap(Images)] is Config.Batch×C×H×W, zero from N
	// on; each image is there as often as it has views. Labels[:cap(Labels)] is Config.Batch long, zero
	// from N on.
	augment.Batch
	Index []int // N, where the images are in the source

	// Of a batch that several loaders share, see Config.Rank: the number of its images, and where those begin
	// that are here.
	Of, First int

	Epoch  int
	Number int // in its epoch, from 0
	// Slot tells the loader's few batches apart, from 0 to Loader.Slots()-1: each slot's Images and
	// Labels begin at the same address always.
	Slot int

	images, labels []float32
	second, weight []float32
	index          []int
	missing        []bool       // images that are left out
	left           atomic.Int32 // chunks not yet done
	done           chan struct{}
	held           atomic.Bool // by the caller
	free           chan *Batch

	mu  sync.Mutex
	bad int // the first place in the batch that failed
	err error
}

// NewLoader checks the settings against the source and allocates the buffers.
func NewLoader(src Source, cfg Config) (*Loader, error) {
	if src == nil {
		return nil, errNoSource
	}
	info := src.Info()
	fail := func(err error) (*Loader, error) { return nil, fmt.Errorf("loading %v: %w", info, err) }
	err := cfg.Validate()
	if err != nil {
		return fail(err)
	}
	if cfg.Input, err = cfg.Input.For(info); err != nil {
		return fail(err)
	}
	transforms, mixers, err := cfg.Augment.Build(src)
	if err != nil {
		return fail(err)
	}
	cfg.Transforms = slices.Concat(cfg.Transforms, transforms)
	cfg.Mixers = slices.Concat(cfg.Mixers, mixers)
	l := &Loader{src: src, info: info, images: src.Len()}
	if cfg.Limit > 0 {
		l.images = min(l.images, cfg.Limit)
	}
	stride := cfg.Input.Len() * cfg.Views.Len()
	l.stride = stride
	switch {
	case l.images == 0:
		return fail(errors.New("the source is empty"))
	case src.Len() > math.MaxInt32:
		return fail(fmt.Errorf("%d images: more than the %d that a loader can take", src.Len(), math.MaxInt32))
	case cfg.DropLast && l.images < cfg.Batch:
		return fail(fmt.Errorf("batch %d: there are only %d images, and a smaller batch is to be dropped", cfg.Batch, l.images))
	case cfg.Ranks > 1 && !cfg.WholeBatches && !cfg.DropLast && l.images%cfg.Batch > 0 && l.images%cfg.Batch < cfg.Ranks:
		return fail(fmt.Errorf("the last batch of an epoch has %d images, too few for %d ranks: drop it (drop_last)", l.images%cfg.Batch, cfg.Ranks))
	case !cfg.DropLast && l.images%cfg.Batch > 0 && l.images%cfg.Batch < cfg.Shares:
		return fail(fmt.Errorf("the last batch of an epoch has %d images, too few for %d shares: drop it (drop_last)", l.images%cfg.Batch, cfg.Shares))
	case cfg.Batch > math.MaxInt32/4/stride:
		return fail(fmt.Errorf("batch %d of %v: more than 2 GiB", cfg.Batch*cfg.Views.Len(), cfg.Input.Shape))
	}
	if cfg.Workers == 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Prefetch == 0 {
		cfg.Prefetch = min(max((32<<20)/(4*stride*cfg.Batch), 1), 4)
	}
	l.cfg = cfg

	l.order = make([]int32, l.images)
	if cfg.Balance {
		if l.class, err = byClass(src, l.order); err != nil {
			return fail(err)
		}
	}
	l.cached = image.Shape{C: min(info.Shape.C, cfg.Input.C), H: cfg.Input.H, W: cfg.Input.W}
	_, memory := src.(*Memory)
	ready := memory && info.Shape == l.cached
	if n := l.images * l.cached.Len(); int64(n) <= cfg.Cache && len(cfg.Transforms) == 0 && cfg.Views.Len() == 1 && !cfg.Balance && !ready {
		l.cache, l.known = make([]uint8, n), make([]bool, l.images)
	}
	if len(cfg.Transforms) == 0 && cfg.Views.Crops < 5 {
		l.least = cfg.Input.Least()
	}
	for range cfg.Workers {
		p, err := NewPreparer(cfg.Input)
		if err != nil {
			return fail(err)
		}
		w := &worker{loader: l, prepare: p, sample: augment.NewSample(cfg.Input.Shape, cfg.Input.Mean)}
		w.rand = rand.New(&w.pcg)
		l.work = append(l.work, w)
	}
	for slot := range cfg.Prefetch + 1 {
		b := &Batch{
			Batch:  augment.Batch{Shape: cfg.Input.Shape},
			Slot:   slot,
			images: make([]float32, cfg.Batch*stride),
			labels: make([]float32, cfg.Batch),
			index:  make([]int, cfg.Batch),
		}
		if len(cfg.Mixers) > 0 {
			b.second, b.weight = make([]float32, cfg.Batch), make([]float32, cfg.Batch)
		}
		if cfg.Skip == LeaveOut {
			b.missing = make([]bool, cfg.Batch)
		}
		l.ring = append(l.ring, b)
	}
	return l, nil
}

// Batches returns the number of batches in an epoch.
func (l *Loader) Batches() int {
	if l.cfg.DropLast {
		return l.images / l.cfg.Batch
	}
	return (l.images + l.cfg.Batch - 1) / l.cfg.Batch
}

// Len returns the number of images in an epoch.
func (l *Loader) Len() int {
	if l.cfg.DropLast {
		return l.images / l.cfg.Batch * l.cfg.Batch
	}
	return l.images
}

// Source returns the source.
func (l *Loader) Source() Source { return l.src }

// Input returns the complete input: what to store beside trained weights.
func (l *Loader) Input() Input { return l.cfg.Input }

// Slots returns the number of batches that share the loader's memory.
func (l *Loader) Slots() int { return len(l.ring) }

// Broken returns the images that were skipped so far, by their place in the source.
func (l *Loader) Broken() []BrokenImage { return l.broken.all() }

// Memory returns the bytes that the loader's batches, cache and order take.
func (l *Loader) Memory() int64 {
	one := int64(l.cfg.Batch) * int64(4*l.stride+4+8)
	if len(l.cfg.Mixers) > 0 {
		one += int64(l.cfg.Batch) * 8
	}
	return one*int64(len(l.ring)) + int64(len(l.cache)+len(l.known)) + 4*int64(len(l.order))
}

// Epoch returns the batches of an epoch in their order, beginning with number from (to go on in
// the middle of one). They are prepared in the background while the loop runs; a loop that
// ends early ends that too before it is left. Only one epoch of a loader can run at a time.
//
// An error ends the loop: the source's or a transform's, after the batches before it, naming the
// sample; or the context's.
func (l *Loader) Epoch(ctx context.Context, epoch, from int) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if epoch < 0 || from < 0 || from > l.Batches() {
			yield(nil, fmt.Errorf("loading %v: no batch %d in epoch %d: there are %d", l.info, from, epoch, l.Batches()))
			return
		}
		if !l.busy.CompareAndSwap(false, true) {
			yield(nil, fmt.Errorf("loading %v: an epoch of this loader is running already", l.info))
			return
		}
		defer l.busy.Store(false)
		if err := l.run(ctx, epoch, from, yield); err != nil {
			yield(nil, err)
		}
	}
}

// run gives an epoch's batches to yield, until it says no.
func (l *Loader) run(ctx context.Context, epoch, from int, yield func(*Batch, error) bool) error {
	l.arrange(epoch)
	inner, cancel := context.WithCancel(ctx)
	free := make(chan *Batch, len(l.ring))
	next := make(chan *Batch, len(l.ring))
	chunks := make(chan chunk, len(l.work))
	for _, b := range l.ring {
		// Fresh, so that nothing of an epoch that was left early is still in it.
		b.done, b.free = make(chan struct{}, 1), free
		free <- b
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for _, w := range l.work {
		wg.Go(func() { w.run(inner, chunks) })
	}
	wg.Go(func() { l.dispatch(inner, epoch, from, free, next, chunks) })

	for number := from; number < l.Batches(); number++ {
		if !l.mine(number) {
			continue
		}
		var b *Batch
		select {
		case b = <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-b.done:
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if b.err != nil {
			return b.err
		}
		b.held.Store(true)
		more := func() bool {
			defer b.Release() // also if the loop's body panics
			return yield(b, nil)
		}()
		if !more {
			return nil
		}
	}
	return nil
}

// Release gives the batch back before the loop's next turn, so that its buffer can be filled again
// the sooner. The caller must not touch it any more. A second call does nothing.
func (b *Batch) Release() {
	if b.held.CompareAndSwap(true, false) {
		b.free <- b
	}
}

// arrange writes the order of an epoch, a function of the seed and the epoch.
func (l *Loader) arrange(epoch int) {
	spaced(l.order, l.src.Len())
	if l.cfg.Balance {
		l.balance(epoch)
	}
	if l.cfg.Shuffle {
		var p rand.PCG
		augment.ForOrder.Seed(&p, l.cfg.Seed, epoch, 0)
		shuffle(l.order, &p)
	}
}

// spaced fills the order with images spread evenly over all.
func spaced(order []int32, all int) {
	for i := range order {
		order[i] = int32(int64(i) * int64(all) / int64(len(order)))
	}
}

// byClass lists the images of each class.
func byClass(src Source, order []int32) ([][]int32, error) {
	classes := make([][]int32, len(src.Info().Classes))
	if len(classes) == 0 {
		return nil, errors.New("balance: numbers have no classes to balance")
	}
	spaced(order, src.Len())
	for _, i := range order {
		l := src.Label(int(i))
		if l < 0 || l >= len(classes) {
			return nil, fmt.Errorf("image %d: label %d: should be 0 to %d", i, l, len(classes)-1)
		}
		classes[l] = append(classes[l], i)
	}
	return slices.DeleteFunc(classes, func(c []int32) bool { return len(c) == 0 }), nil
}

// balance puts as many images of each class into the order as it has room for. The images of a class come in turn,
// from epoch to epoch, in an order that is new after each turn.
func (l *Loader) balance(epoch int) {
	n, k := len(l.order), len(l.class)
	at := 0
	var turned []int32
	for c, images := range l.class {
		share := (c+1)*n/k - c*n/k
		known := -1 // the turn that turned is of
		for j := range share {
			place := epoch*share + j
			if turn := place / len(images); turn != known {
				known, turned = turn, append(turned[:0], images...)
				var p rand.PCG
				augment.ForBalance.Seed(&p, l.cfg.Seed, turn, c)
				shuffle(turned, &p)
			}
			l.order[at] = turned[place%len(images)]
			at++
		}
	}
}

// shuffle permutes an epoch's order. It is spelt out, rather than rand.Shuffle, because a run must
// be repeatable with a later Go: of math/rand/v2 only the generators' output is promised to stay.
func shuffle(order []int32, p *rand.PCG) {
	for i := len(order) - 1; i > 0; i-- {
		j, _ := bits.Mul64(p.Uint64(), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
}

// A chunk is a piece of a batch that one worker prepares.
type chunk struct {
	b        *Batch
	from, to int
}

// dispatch hands out the epoch's chunks, batch by batch, as buffers become free.
func (l *Loader) dispatch(ctx context.Context, epoch, from int, free <-chan *Batch, next chan<- *Batch, chunks chan<- chunk) {
	defer close(chunks)
	// Small images go in chunks that are worth a hand-over, large ones one by one.
	size := max((1<<14)/l.stride, 1)
	for number := from; number < l.Batches(); number++ {
		if !l.mine(number) {
			continue
		}
		var b *Batch
		select {
		case b = <-free:
		case <-ctx.Done():
			return
		}
		order := l.order[number*l.cfg.Batch:]
		order = order[:min(l.cfg.Batch, len(order))]
		b.Of, b.First = len(order), 0
		if from, to := l.share(len(order)); len(l.cfg.Mixers) == 0 {
			order, b.First = order[from:to], from
		}
		b.reset(epoch, number, order)
		n := b.N // the batch is its workers' from the last chunk on
		b.left.Store(int32((n + size - 1) / size))
		next <- b
		for at := 0; at < n; at += size {
			select {
			case chunks <- chunk{b, at, min(at+size, n)}:
			case <-ctx.Done():
				return
			}
		}
	}
}

// reset makes the batch one of the images of order, whose pixels are still to come.
func (b *Batch) reset(epoch, number int, order []int32) {
	b.Epoch, b.Number, b.N, b.err = epoch, number, len(order), nil
	stride := len(b.images) / len(b.index)
	b.Images, b.Labels, b.Index = b.images[:b.N*stride], b.labels[:b.N], b.index[:b.N]
	clear(b.images[b.N*stride:])
	clear(b.labels[b.N:])
	clear(b.missing)
	for i, at := range order {
		b.Index[i] = int(at)
	}
}

// A worker prepares samples with memory of its own.
type worker struct {
	loader  *Loader
	prepare *Preparer
	sample  *augment.Sample
	kept    image.Image // a view of the cache
	key     int         // of what is random in the sample
	pcg     rand.PCG    // of a batch as a whole
	rand    *rand.Rand
}

func (w *worker) run(ctx context.Context, chunks <-chan chunk) {
	for c := range chunks {
		for i := c.from; i < c.to && ctx.Err() == nil; i++ {
			if err := w.fill(c.b, i); err != nil {
				c.b.fail(i, fmt.Errorf("image %d of %v: %w", c.b.Index[i], w.loader.info, err))
				break
			}
		}
		if c.b.left.Add(-1) == 0 {
			w.complete(c.b)
			c.b.done <- struct{}{}
		}
	}
}

// complete does what can be done when all images of a batch are there.
func (w *worker) complete(b *Batch) {
	b.close()
	l := w.loader
	if len(l.cfg.Mixers) == 0 || b.err != nil {
		return
	}
	b.Second, b.Weight = b.second[:b.N], b.weight[:b.N]
	copy(b.Second, b.Labels)
	for i := range b.Weight {
		b.Weight[i] = 1
	}
	augment.ForBatch.Seed(&w.pcg, l.cfg.Seed, b.Epoch, b.Number)
	m := l.cfg.Mixers[augment.Below(w.rand, len(l.cfg.Mixers))]
	if err := m.Mix(&b.Batch, w.rand); err != nil {
		b.fail(0, fmt.Errorf("batch %d of %v: %w", b.Number, l.info, err))
	}
	if from, to := l.share(b.N); to-from < b.N {
		b.take(from, to)
	}
}

// mine says whether a batch is this loader's.
func (l *Loader) mine(number int) bool {
	return !l.cfg.WholeBatches || l.cfg.Ranks < 2 || number%l.cfg.Ranks == l.cfg.Rank
}

// share is the part of a batch of n images that is this loader's.
func (l *Loader) share(n int) (from, to int) {
	if l.cfg.WholeBatches || l.cfg.Ranks < 2 {
		return 0, n
	}
	shares := cmp.Or(l.cfg.Shares, l.cfg.Ranks)
	return n * (shares * l.cfg.Rank / l.cfg.Ranks) / shares, n * (shares * (l.cfg.Rank + 1) / l.cfg.Ranks) / shares
}

// take keeps a part of a batch that was mixed as a whole.
func (b *Batch) take(from, to int) {
	stride := len(b.images) / len(b.index)
	n := to - from
	copy(b.images, b.images[from*stride:to*stride])
	clear(b.images[n*stride : b.N*stride])
	copy(b.labels, b.labels[from:to])
	clear(b.labels[n:b.N])
	copy(b.second, b.second[from:to])
	copy(b.weight, b.weight[from:to])
	copy(b.index, b.index[from:to])
	b.N, b.First = n, from
	b.Images, b.Labels, b.Index = b.images[:n*stride], b.labels[:n], b.index[:n]
	b.Second, b.Weight = b.second[:n], b.weight[:n]
}

// close moves the images together if some are left out.
func (b *Batch) close() {
	if !slices.Contains(b.missing, true) {
		return
	}
	stride := len(b.images) / len(b.index)
	n := 0
	for i := range b.N {
		if b.missing[i] {
			continue
		}
		if n < i {
			copy(b.images[n*stride:(n+1)*stride], b.images[i*stride:])
			b.labels[n], b.index[n] = b.labels[i], b.index[i]
		}
		n++
	}
	clear(b.images[n*stride : b.N*stride])
	clear(b.labels[n:b.N])
	b.N = n
	b.Images, b.Labels, b.Index = b.images[:n*stride], b.labels[:n], b.index[:n]
}

// fill prepares the image at a place of a batch.
func (w *worker) fill(b *Batch, at int) error {
	l, s := w.loader, w.sample
	s.Index, s.Epoch = b.Index[at], b.Epoch
	w.key = s.Index
	if l.cfg.Balance { // an image may come twice
		w.key = b.Number*l.cfg.Batch + b.First + at
	}
	img, err := w.good(s.Index, w.image)
	if err != nil && l.cfg.Skip == Replace && errors.Is(err, image.ErrBroken) {
		img, err = w.replacement(err)
		b.Index[at] = s.Index
	}
	if err != nil {
		if l.cfg.Skip == LeaveOut && errors.Is(err, image.ErrBroken) {
			b.missing[at] = true
			return nil
		}
		return err
	}
	if n := len(l.info.Classes); n > 0 && (s.Label < 0 || s.Label >= n) {
		return fmt.Errorf("label %d: should be 0 to %d", s.Label, n-1)
	}
	b.Labels[at] = float32(s.Label)
	dst := b.Images[at*l.stride : (at+1)*l.stride]
	if l.cfg.Views.Len() > 1 {
		return w.prepare.PrepareViews(dst, img, l.cfg.Views)
	}
	w.prepare.normalise(dst, img)
	return nil
}

// replaceable is how many images in a row may be broken before that is an error after all.
const replaceable = 1000

// replacement returns the next good image after one that is broken.
func (w *worker) replacement(first error) (*image.Image, error) {
	l, s := w.loader, w.sample
	from := s.Index
	for k := 1; k < min(replaceable, l.src.Len()); k++ {
		s.Index = (from + k) % l.src.Len()
		if !l.cfg.Balance {
			w.key = s.Index
		}
		// Not from the cache: another worker may have the same image in its hands, as its own.
		img, err := w.good(s.Index, w.fresh)
		if err == nil || !errors.Is(err, image.ErrBroken) {
			return img, err
		}
	}
	s.Index = from
	return nil, fmt.Errorf("%w (and so are all after it)", first)
}

// good returns image i by get; that it is broken is noted.
func (w *worker) good(i int, get func() (*image.Image, error)) (*image.Image, error) {
	l := w.loader
	if err := l.broken.get(i); err != nil && l.cfg.Skip != Stop {
		return nil, err
	}
	w.sample.Label = l.src.Label(i)
	img, err := get()
	if err != nil && errors.Is(err, image.ErrBroken) {
		l.broken.add(i, err)
	}
	return img, err
}

// image returns the sample's image in the input's size, from the cache if there is one.
func (w *worker) image() (*image.Image, error) {
	l := w.loader
	if l.cache == nil {
		return w.fresh()
	}
	// The image's place among those of the limit: what arrange does, backwards.
	all := int64(l.src.Len())
	place := int((int64(w.sample.Index)*int64(l.images) + all - 1) / all)
	n := l.cached.Len()
	w.kept = image.Image{Shape: l.cached, Pix: l.cache[place*n : (place+1)*n]}
	if !l.known[place] {
		img, err := w.fresh()
		if err != nil {
			return nil, err
		}
		if img.Shape != l.cached {
			return nil, fmt.Errorf("%d channels: the source says that it has %d", img.C, l.info.Shape.C)
		}
		copy(w.kept.Pix, img.Pix)
		l.known[place] = true
	}
	return &w.kept, nil
}

// fresh reads the sample's image, transforms it and brings it to the input's size.
func (w *worker) fresh() (*image.Image, error) {
	l, s := w.loader, w.sample
	if err := ImageAtLeast(l.src, s.Index, l.least, s.Image); err != nil {
		return nil, err
	}
	if len(l.cfg.Transforms) > 0 {
		s.Reseed(l.cfg.Seed, w.key)
		for _, t := range l.cfg.Transforms {
			if err := t.Apply(s); err != nil {
				return nil, err
			}
		}
		if s.Image.H == l.cfg.Input.H && s.Image.W == l.cfg.Input.W {
			return w.prepare.channels(s.Image)
		}
	}
	if l.cfg.Views.Len() > 1 {
		return s.Image, nil
	}
	return w.prepare.fit(s.Image)
}

// fail keeps the error of the first place in the batch that has one, whichever worker was faster.
func (b *Batch) fail(at int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil || at < b.bad {
		b.bad, b.err = at, err
	}
}
