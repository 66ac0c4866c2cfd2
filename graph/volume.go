package graph

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
)

// A Volume says how a window walks over N×C×D×H×W: each field by depth, height and width.
type Volume struct {
	Size, Stride, Dilation [3]int
	Before, After          [3]int // padding
	Ceil                   bool   // see [Ceil]
	CountPad               bool   // of averages: padding counts as zeros
}

// out is the size of the result for a volume of that size, by PyTorch's rule.
func (v Volume) out(size [3]int) (out [3]int, err error) {
	for a := range 3 {
		if v.Size[a] < 1 || v.Stride[a] < 1 || v.Dilation[a] < 1 || v.Before[a] < 0 || v.After[a] < 0 {
			return out, fmt.Errorf("window, stride and dilation must be at least 1 and padding at least 0")
		}
		room := size[a] + v.Before[a] + v.After[a] - (v.Size[a]-1)*v.Dilation[a] - 1
		if v.Ceil {
			room += v.Stride[a] - 1
		}
		if room < 0 {
			return out, fmt.Errorf("a side of %d is too small for a window of %d", size[a], v.Size[a])
		}
		out[a] = room/v.Stride[a] + 1
		if v.Ceil && out[a] > 1 && (out[a]-1)*v.Stride[a] >= size[a]+v.Before[a] {
			out[a]--
		}
	}
	return out, nil
}

// reach gives for each place of the result on an axis the taps that lie inside a side of that size: taps
// from to to-1, the first of which reads the place first.
func (v Volume) reach(a, place, size int) (from, to, first int) {
	start, d := place*v.Stride[a]-v.Before[a], v.Dilation[a]
	if start < 0 {
		from = (-start + d - 1) / d
	}
	to = min(v.Size[a], max(0, (size-1-start)/d+1))
	if size-1-start < 0 {
		to = 0
	}
	return min(from, to), to, start + min(from, to)*d
}

// window calls visit for every tap of the result's place o that lies inside, with the tap's number and
// the offset of what it reads.
func (v Volume) window(size, o [3]int, visit func(tap, at int)) {
	df, dt, d0 := v.reach(0, o[0], size[0])
	hf, ht, h0 := v.reach(1, o[1], size[1])
	wf, wt, w0 := v.reach(2, o[2], size[2])
	for kd := df; kd < dt; kd++ {
		d := d0 + (kd-df)*v.Dilation[0]
		for kh := hf; kh < ht; kh++ {
			h := h0 + (kh-hf)*v.Dilation[1]
			for kw := wf; kw < wt; kw++ {
				visit((kd*v.Size[1]+kh)*v.Size[2]+kw, (d*size[1]+h)*size[2]+w0+(kw-wf)*v.Dilation[2])
			}
		}
	}
}

// taps is the number of pixels of the window.
func (v Volume) taps() int { return v.Size[0] * v.Size[1] * v.Size[2] }

func sizes(shape []int) [3]int { return [3]int{shape[2], shape[3], shape[4]} }

func volume(s [3]int) int { return s[0] * s[1] * s[2] }

// at turns the number of a place into its coordinates.
func at(i int, size [3]int) [3]int {
	return [3]int{i / (size[1] * size[2]), i / size[2] % size[1], i % size[2]}
}

// Conv3DWith adds a convolution over x, N×C×D×H×W, with filters, out×C/groups×D×H×W, and a bias, nil for
// none, that are nodes of the graph. Its loops are plain ones: right for any geometry, not fast.
func (b *Builder) Conv3DWith(x, filters, bias *gorgonia.Node, name string, v Volume, groups int) *gorgonia.Node {
	inputs, params, ok := b.given(name, x, filters, bias, 5)
	if !ok {
		return nil
	}
	s, w := x.Shape(), filters.Shape()
	v.Size = sizes(w)
	out, err := v.out(sizes(s))
	if err == nil && (groups < 1 || w[1]*groups != s[1] || w[0]%groups != 0) {
		err = fmt.Errorf("filters %s for %d channels in %d groups", dims(w), s[1], groups)
	}
	if err != nil {
		b.Errorf("%s: %w", name, err)
		return nil
	}
	o := &volumeConvOp{volume: v, groups: groups}
	o.core = newCore(o, "conv 3d", []int{s[0], w[0], out[0], out[1], out[2]}, len(inputs), inputs...)
	return b.layer(Layer{Name: name, Kind: o.kind, Params: params, MACs: int64(w[0]) * int64(volume(out)) * int64(product(w[1:]))}, o, inputs...)
}

type volumeConvOp struct {
	core
	volume Volume
	groups int
}

func (o *volumeConvOp) lower(c *compiler, in []*value) *value {
	x, w, y := c.asPlain(in[0]), c.asPlain(in[1]), c.plain(o.shape...)
	reads := []*value{x, w}
	if len(in) > 2 {
		reads = append(reads, in[2])
	}
	size, out, per, taps := sizes(x.shape), sizes(o.shape), w.shape[1], o.volume.taps()
	maps := inChunks(o.shape[0]*o.shape[1], volume(out)*per*taps, func(m int) {
		f := m % o.shape[1]
		first := m/o.shape[1]*x.shape[1] + f/(w.shape[0]/o.groups)*per
		for i := range volume(out) {
			sum := float32(0)
			if len(in) > 2 {
				sum = in[2].data[f]
			}
			o.volume.window(size, at(i, out), func(tap, at int) {
				for ch := range per {
					sum += float32(w.data[(f*per+ch)*taps+tap] * x.data[(first+ch)*volume(size)+at])
				}
			})
			y.data[m*volume(out)+i] = sum
		}
	})
	c.add(reads, []*value{y}, 0, func(e *exec) error { maps.run(e.pool); return nil })
	return y
}

func (o *volumeConvOp) detail() any { return o.volume }

func (o *volumeConvOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &volumeConvGradOp{of: o, bias: len(inputs) > 2}
	g.core = newCore(g, "conv 3d gradient", inputs[1].Shape(), 0, inputs[0], inputs[1], grad)
	dw, err := derive(g, &o.core, inputs[0], inputs[1], grad)
	if err != nil {
		return nil, err
	}
	dx, err := second(&o.core, &g.core, 0, inputs[0].Shape(), dw)
	if err != nil || !g.bias {
		return gorgonia.Nodes{dx, dw}, err
	}
	db, err := second(&o.core, &g.core, 1, inputs[2].Shape(), dw)
	return gorgonia.Nodes{dx, dw, db}, err
}

type volumeConvGradOp struct {
	core
	of   *volumeConvOp
	bias bool
}

func (o *volumeConvGradOp) lower(c *compiler, in []*value) *value {
	x, w, dy := c.asPlain(in[0]), c.asPlain(in[1]), c.asPlain(in[2])
	dw, dx, db := c.plain(o.shape...), c.plain(x.shape...), c.plain(o.shape[0])
	c.state[&o.core] = []*value{dx, db}
	size, out, per, taps := sizes(x.shape), sizes(dy.shape), w.shape[1], o.of.volume.taps()
	c.add([]*value{x, w, dy}, []*value{dw, dx, db}, 0, func(*exec) error {
		clear(dw.data)
		clear(dx.data)
		clear(db.data)
		for m := range dy.shape[0] * dy.shape[1] {
			f := m % dy.shape[1]
			first := m/dy.shape[1]*x.shape[1] + f/(w.shape[0]/o.of.groups)*per
			for i := range volume(out) {
				d := dy.data[m*volume(out)+i]
				db.data[f] += d
				o.of.volume.window(size, at(i, out), func(tap, at int) {
					for ch := range per {
						k, from := (f*per+ch)*taps+tap, (first+ch)*volume(size)+at
						dw.data[k] += float32(d * x.data[from])
						dx.data[from] += float32(d * w.data[k])
					}
				})
			}
		}
		return nil
	})
	return dw
}

// MaxPool3D adds the maximum over windows of x, N×C×D×H×W. Windows may be dilated and of any size.
func (b *Builder) MaxPool3D(x *gorgonia.Node, v Volume) *gorgonia.Node {
	return b.pool3D(x, "max pool 3d", v, false)
}

// AvgPool3D adds the mean over windows of x, N×C×D×H×W.
func (b *Builder) AvgPool3D(x *gorgonia.Node, v Volume) *gorgonia.Node {
	return b.pool3D(x, "average pool 3d", v, true)
}

func (b *Builder) pool3D(x *gorgonia.Node, kind string, v Volume, mean bool) *gorgonia.Node {
	l := b.unnamed(kind)
	if !b.rank(l.Name, x, 5) {
		return nil
	}
	s := x.Shape()
	out, err := v.out(sizes(s))
	if err != nil {
		b.Errorf("%s: %w", l.Name, err)
		return nil
	}
	for a, n := range out {
		for i := range n {
			if from, to, _ := v.reach(a, i, sizes(s)[a]); from == to {
				b.Errorf("%s: window %d of %d lies in the padding", l.Name, i, n)
				return nil
			}
		}
	}
	o := &volumePoolOp{volume: v, mean: mean}
	o.core = newCore(o, kind, []int{s[0], s[1], out[0], out[1], out[2]}, 1, x)
	return b.layer(l, o, x)
}

type volumePoolOp struct {
	core
	volume Volume
	mean   bool
}

// share is what a tap of the window at o counts in a mean.
func (o *volumePoolOp) share(size, at [3]int) float32 {
	n := 1
	for a := range 3 {
		from, to, _ := o.volume.reach(a, at[a], size[a])
		if o.volume.CountPad { // what hangs over the padding does not count
			start := at[a]*o.volume.Stride[a] - o.volume.Before[a]
			from, to = 0, min(o.volume.Size[a], (size[a]+o.volume.After[a]-1-start)/o.volume.Dilation[a]+1)
		}
		n *= to - from
	}
	return 1 / float32(n)
}

func (o *volumePoolOp) lower(c *compiler, in []*value) *value {
	x, y := c.asPlain(in[0]), c.plain(o.shape...)
	size, out := sizes(x.shape), sizes(o.shape)
	maps := inChunks(o.shape[0]*o.shape[1], volume(out)*o.volume.taps(), func(m int) {
		from := x.data[m*volume(size) : (m+1)*volume(size)]
		for i := range volume(out) {
			sum, most := float32(0), float32(math.Inf(-1))
			o.volume.window(size, at(i, out), func(_, at int) {
				sum += from[at]
				most = max(most, from[at])
			})
			if o.mean {
				most = sum * o.share(size, at(i, out))
			}
			y.data[m*volume(out)+i] = most
		}
	})
	c.add([]*value{x}, []*value{y}, 0, func(e *exec) error { maps.run(e.pool); return nil })
	return y
}

func (o *volumePoolOp) detail() any { return o.volume }

func (o *volumePoolOp) SymDiff(inputs gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	g := &volumePoolGradOp{of: o}
	g.core = newCore(g, o.kind+" gradient", inputs[0].Shape(), 0, inputs[0], grad)
	dx, err := derive(g, &o.core, inputs[0], grad)
	return gorgonia.Nodes{dx}, err
}

type volumePoolGradOp struct {
	core
	of *volumePoolOp
}

func (o *volumePoolGradOp) lower(c *compiler, in []*value) *value {
	x, dy, dx := c.asPlain(in[0]), c.asPlain(in[1]), c.plain(o.shape...)
	size, out := sizes(x.shape), sizes(dy.shape)
	maps := inChunks(x.shape[0]*x.shape[1], volume(out)*o.of.volume.taps(), func(m int) {
		from, to := x.data[m*volume(size):(m+1)*volume(size)], dx.data[m*volume(size):(m+1)*volume(size)]
		clear(to)
		for i := range volume(out) {
			d, best := dy.data[m*volume(out)+i], -1
			share := o.of.share(size, at(i, out))
			o.of.volume.window(size, at(i, out), func(_, at int) {
				if o.of.mean {
					to[at] += float32(d * share)
				} else if best < 0 || from[at] > from[best] {
					best = at // the first of equals, as in PyTorch
				}
			})
			if !o.of.mean {
				to[best] += d
			}
		}
	})
	c.add([]*value{x, dy}, []*value{dx}, 0, func(e *exec) error { maps.run(e.pool); return nil })
	return dx
}
