package cluster

import "math"

// A Rounded sum sends bfloat16, the upper half of a float32, and half the bytes therefore: each rank's
// numbers are rounded to it, added up as float32 in the order of ranks, and the sum is rounded once more.
// A number keeps 8 significant bits, an error of at most 1/256 of it, and the range of float32.
type Rounded struct {
	c             Comm
	send, receive []uint16
	sum           []float32
}

// NewRounded returns sums over the ranks of c.
func NewRounded(c Comm) *Rounded {
	if c == nil {
		c = Alone()
	}
	return &Rounded{c: c}
}

// Sum replaces data by the sum of all ranks' data, which have the same length and get the same bits.
func (r *Rounded) Sum(data []float32) error {
	n, size := len(data), r.c.Size()
	if size == 1 || n == 0 {
		return nil
	}
	piece := (n + size - 1) / size
	r.send, r.receive, r.sum = sized(r.send, size*piece), sized(r.receive, size*piece), sized(r.sum, piece)
	round(r.send, data)
	clear(r.send[n:])
	if err := r.c.Exchange(bytesOf(r.send), bytesOf(r.receive)); err != nil {
		return err
	}
	clear(r.sum)
	for rank := range size {
		for i, h := range r.receive[rank*piece:][:piece] {
			r.sum[i] += math.Float32frombits(uint32(h) << 16)
		}
	}
	round(r.send, r.sum)
	if err := r.c.Collect(bytesOf(r.send[:piece]), bytesOf(r.receive)); err != nil {
		return err
	}
	for i, h := range r.receive[:n] {
		data[i] = math.Float32frombits(uint32(h) << 16)
	}
	return nil
}

// round rounds to the nearest, to an even last bit between two.
func round(to []uint16, from []float32) {
	to = to[:len(from)]
	for i, v := range from {
		b := math.Float32bits(v)
		if v != v {
			to[i] = uint16(b>>16) | 0x40 // still no number
			continue
		}
		to[i] = uint16((b + 0x7fff + b>>16&1) >> 16)
	}
}
