package alphago

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// ValueFromPolicy returns initial weights for a value network of a policy network's form: the convolutions that both
// have are the policy's, the value's additional plane counts for nothing yet, and the layers behind them are drawn as
// for any new network. The paper trained its value network on 30 million games from nothing; from few games it only
// learns what the policy knows already. The policy's file is not needed afterwards.
func ValueFromPolicy(r *weights.Reader, seed uint64) (*weights.Reader, error) {
	if r == nil {
		return nil, errNoReader
	}
	policy, err := infer.Stored(r.Meta())
	if err != nil {
		return nil, err
	}
	if policy.Name != zoo.AlphaGoPolicy().Name {
		return nil, fmt.Errorf("%s: %s is no policy network", r.Name(), policy.Name)
	}
	in := policy.Input
	value := zoo.AlphaGoValue(zoo.Filters(policy.Options.Filters), zoo.Depth(policy.Options.Depth), zoo.Input(in[0]+1, in[1], in[2]))
	have, err := infer.Params(r, policy)
	if err != nil {
		return nil, err
	}
	params, err := value.Params(graph.Train)
	if err != nil {
		return nil, err
	}
	params.Init(seed)
	last := fmt.Sprintf("conv%d.", policy.Options.Depth) // the policy's answer, which is not the value's
	options, err := json.Marshal(value.Options)
	if err != nil {
		return nil, err
	}
	f := weights.File{Meta: weights.Meta{Network: value.Name, Variant: value.Variant, Options: options, Classes: value.Classes, Input: value.Input[:]}}
	for _, p := range params.All() {
		if from := have.Get(p.Name); from != nil && !strings.HasPrefix(p.Name, last) {
			widen(p.Data, from.Data, p.Shape, from.Shape)
		} else if strings.HasPrefix(p.Name, last) || strings.HasPrefix(p.Name, "fc2.") {
			// The trained convolutions speak louder than fresh ones: tanh must not be deaf to them from the start.
			for i := range p.Data {
				p.Data[i] *= 0.1
			}
		}
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	return weights.FromFile(r.Name(), r.Format(), &f)
}

// PolicyForBoard returns weights of the same policy for boards of another size. Its convolutions know no size; a point's
// own bias is that of the point as far from both edges, and beyond the smaller board's middle that of the middle. Nothing
// has been learnt about the other size. The policy's file is not needed afterwards.
func PolicyForBoard(r *weights.Reader, size int) (*weights.Reader, error) {
	if r == nil {
		return nil, errNoReader
	}
	m, err := infer.Stored(r.Meta())
	if err != nil {
		return nil, err
	}
	if m.Name != zoo.AlphaGoPolicy().Name || m.Classes != m.Input[1]*m.Input[2] || m.Input[1] != m.Input[2] {
		return nil, fmt.Errorf("%s: %s is no policy network of a square board", r.Name(), m.Name)
	}
	was := m.Input[1]
	if was == size {
		return r, nil
	}
	if _, err := baduk.NewBoard(size, baduk.Rules{}); err != nil {
		return nil, err
	}
	have, err := infer.Params(r, m)
	if err != nil {
		return nil, err
	}
	other := zoo.AlphaGoPolicy(zoo.Filters(m.Options.Filters), zoo.Depth(m.Options.Depth), zoo.Input(m.Input[0], size, size), zoo.Classes(size*size))
	options, err := json.Marshal(other.Options)
	if err != nil {
		return nil, err
	}
	meta := r.Meta()
	meta.Options, meta.Classes, meta.Input, meta.ClassNames, meta.Metrics = options, other.Classes, other.Input[:], nil, nil
	f := weights.File{Meta: meta}
	for _, p := range have.All() {
		t := weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data}
		if p.Name == "bias" {
			t.Shape, t.Data = []int{size * size}, make([]float32, size*size)
			for i := range t.Data {
				t.Data[i] = p.Data[likePoint(i/size, size, was)*was+likePoint(i%size, size, was)]
			}
		}
		f.Tensors = append(f.Tensors, t)
	}
	return weights.FromFile(r.Name(), r.Format(), &f)
}

// likePoint is the coordinate on a board of size was that is as far from the nearer edge as i is on one of size n.
func likePoint(i, n, was int) int {
	if far := n - 1 - i; far < i {
		return max(was-1-far, was/2)
	}
	return min(i, (was-1)/2)
}

// widen copies weights of filters to those of filters with more channels, which count for nothing.
func widen(dst, src []float32, to, from []int) {
	if len(to) < 2 {
		copy(dst, src)
		return
	}
	clear(dst)
	wide, narrow := len(dst)/to[0], len(src)/from[0]
	for k := range from[0] {
		copy(dst[k*wide:(k+1)*wide], src[k*narrow:(k+1)*narrow])
	}
}
