package alphago

import (
	"encoding/json"
	"fmt"
	"strings"

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
