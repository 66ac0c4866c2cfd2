package weights

import (
	"fmt"
	"math"
)

// ReadNetwork is [Reader.ReadInto] for the weights of a network, which can compute nothing with a NaN among them: that is an
// error that names the tensor, and so is an infinity, but in an ONNX model, where masks are stored with infinities.
func (r *Reader) ReadNetwork(lookup func(name string, shape []int) []float32) error {
	var names []string
	var read [][]float32
	err := r.ReadInto(func(name string, shape []int) []float32 {
		dst := lookup(name, shape)
		names, read = append(names, name), append(read, dst)
		return dst
	})
	for i := 0; i < len(names) && err == nil; i++ {
		err = r.finite(names[i], read[i])
	}
	return err
}

// Finite says which tensor of a network's file cannot be computed with: see [Reader.ReadNetwork].
func (r *Reader) Finite(f *File) error {
	if f == nil {
		return fmt.Errorf("%s: no tensors", r.name)
	}
	for _, t := range f.Tensors {
		if err := r.finite(t.Name, t.Data); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) finite(name string, data []float32) error {
	const infinite = 255 << 23
	worst := uint32(0) // of the numbers without their signs, whose bits are in the order of what they mean
	for _, v := range data {
		worst = max(worst, math.Float32bits(v)&(1<<31-1))
	}
	if worst < infinite || worst == infinite && r.format == FormatONNX {
		return nil
	}
	bad, what := 0, "NaN"
	if worst == infinite {
		what = "infinite"
	}
	for _, v := range data {
		if math.Float32bits(v)&(1<<31-1) >= infinite && (worst == infinite || v != v) {
			bad++
		}
	}
	return fmt.Errorf("%s: tensor %s: %d of its %d values are %s: the training went wrong before it was saved, or the file is damaged; an earlier checkpoint is needed", r.name, quote(name), bad, len(data), what)
}
