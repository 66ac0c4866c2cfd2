package graph

// An Opt sets what a layer leaves to its defaults: stride 1 for convolutions and the window's size for
// pooling, no padding, one group, a bias.
type Opt func(*opts)

type opts struct {
	kh, kw                         int
	sh, sw                         int
	top, bottom, left, right       int
	dh, dw                         int
	groups                         int
	noBias, ceil, excludePad, same bool
	weights, biases                Initializer
}

func (b *Builder) opts(kernel, stride int, list []Opt) opts {
	o := opts{kh: kernel, kw: kernel, sh: stride, sw: stride, dh: 1, dw: 1, groups: 1, weights: b.weights, biases: b.biases}
	for _, f := range list {
		if f != nil {
			f(&o)
		}
	}
	if o.same {
		h, w := (o.kh-1)*o.dh, (o.kw-1)*o.dw
		o.top, o.left, o.bottom, o.right = h/2, w/2, h-h/2, w-w/2
	}
	return o
}

// Kernel sets a window that is not square.
func Kernel(h, w int) Opt { return func(o *opts) { o.kh, o.kw = h, w } }

// Stride sets the step of the window.
func Stride(s int) Opt { return func(o *opts) { o.sh, o.sw = s, s } }

// Strides sets the steps down and across.
func Strides(h, w int) Opt { return func(o *opts) { o.sh, o.sw = h, w } }

// Pad adds p rows and columns on each side: zeros for convolutions, nothing for max pooling.
func Pad(p int) Opt { return Pads(p, p, p, p) }

// Pads sets the padding of each side.
func Pads(top, bottom, left, right int) Opt {
	return func(o *opts) { o.top, o.bottom, o.left, o.right = top, bottom, left, right }
}

// Same pads by (F - 1)/2, which keeps the size at stride 1; an even window gets the larger part at the
// bottom and right.
func Same() Opt { return func(o *opts) { o.same = true } }

// Dilation spreads the taps of a filter d pixels apart.
func Dilation(d int) Opt { return Dilations(d, d) }

// Dilations sets the distances of the taps down and across.
func Dilations(h, w int) Opt { return func(o *opts) { o.dh, o.dw = h, w } }

// Groups splits the input channels and the filters into g groups that do not see each other.
func Groups(g int) Opt { return func(o *opts) { o.groups = g } }

// NoBias leaves the bias out, as before a batch normalisation.
func NoBias() Opt { return func(o *opts) { o.noBias = true } }

// Init sets the initialisers of the weights and of the bias; nil keeps the builder's default.
func Init(weights, biases Initializer) Opt {
	return func(o *opts) {
		if weights != nil {
			o.weights = weights
		}
		if biases != nil {
			o.biases = biases
		}
	}
}

// Ceil rounds the output size of a pooling up, so that the last window may hang over the edge.
func Ceil() Opt { return func(o *opts) { o.ceil = true } }

// ExcludePad divides an average by the number of pixels that are no padding.
func ExcludePad() Opt { return func(o *opts) { o.excludePad = true } }
