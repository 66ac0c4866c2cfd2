package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// An algorithm is one way to compute a convolution. Each of its functions plans a pass, or returns nil for a shape that
// the algorithm cannot do or, unless it is forced, that another does faster. A function may be nil.
type algorithm struct {
	name       string
	forward    func(s Shape, o options) pass
	dataGrad   func(s Shape, o options) pass
	filterGrad func(s Shape, o options) filterPass
}

// algorithms are all there are: for each pass, the first that plans a shape computes it. The direct sum takes all.
var algorithms = []*algorithm{&depthwise, &minimal, &smallTiles, &fiveTaps, &pixelwise, &direct}

// options are what a plan depends on beside the shape.
type options struct {
	plain    bool // the input is plain
	training bool // filters change from call to call
	forced   bool // the algorithm shall be used wherever it can
}

// A pass maps a batch to another by filters: a forward pass or, from the output's gradient to the input's, a data
// gradient.
type pass interface {
	packedLen() int                    // floats of packed filters; 0 if they are read as they are
	pack(p *Pool, w, packed []float32) // of filters; not called if there is nothing to pack
	scratch(threads int) int           // floats of scratch space
	run(p *Pool, a *args, scratch []float32)
}

// A pooledPass is a forward pass that can hand its result to max pooling.
type pooledPass interface {
	pass
	pools() bool // whether that is faster
	pooledScratch(threads int, w Window) int
	runPooled(p *Pool, a *args, w Window, argmax []uint8, scratch []float32)
}

// A filterPass computes the gradients of filters and bias. db may be nil.
type filterPass interface {
	scratch(threads int) int
	run(p *Pool, x []float32, xs int, dy Act, dw, db, scratch []float32)
}

// args are what a pass is about: y = act(x∗filters + bias + res).
type args struct {
	x       []float32
	xs      int       // floats from an image to the next
	filters []float32 // packed, or as they are
	bias    []float32 // one for each output channel, or nil
	res     Act       // added to the result; no data for none
	act     simd.Activation
	y       Act
	watch   watch // of the results; off for most
}
