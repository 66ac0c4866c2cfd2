package train

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/cluster"
)

// answers are what a network says of some batches, on their way to the other ranks.
type answers struct {
	images int
	data   []byte
}

// add appends a batch's number, its images and labels, and all of the output, what stands for missing
// images included.
func (a *answers) add(b *datasets.Batch, out []float32) {
	a.images += b.N
	word := func(v uint32) { a.data = binary.LittleEndian.AppendUint32(a.data, v) }
	word(uint32(b.Number))
	word(uint32(b.N))
	word(uint32(cap(b.Labels)))
	word(uint32(len(out)))
	for i := range b.N {
		word(uint32(b.Index[i]))
		word(math.Float32bits(b.Labels[i]))
	}
	for _, v := range out {
		word(math.Float32bits(v))
	}
}

// share brings all ranks' answers together and calls judge with each batch, in their order.
func (a *answers) share(c cluster.Comm, batches int, judge func(b *datasets.Batch, out []float32)) error {
	all, err := c.Gather(a.data)
	if err != nil {
		return err
	}
	for number := range batches {
		data := all[number%c.Size()]
		word := func() uint32 {
			if len(data) < 4 {
				return 0
			}
			v := binary.LittleEndian.Uint32(data)
			data = data[4:]
			return v
		}
		at, n, room, outputs := int(word()), int(word()), int(word()), int(word())
		if at != number || n > room || len(data) < 8*n+4*outputs {
			return errors.New("another rank has evaluated other batches")
		}
		b := &datasets.Batch{}
		b.N, b.Number, b.Labels, b.Index = n, number, make([]float32, n, room), make([]int, n)
		for i := range n {
			b.Index[i] = int(word())
			b.Labels[i] = math.Float32frombits(word())
		}
		out := make([]float32, outputs)
		for i := range out {
			out[i] = math.Float32frombits(word())
		}
		judge(b, out)
		all[number%c.Size()] = data
	}
	return nil
}
