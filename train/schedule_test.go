package train

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// golden is testdata/golden.json, written by PyTorch (golden.py).
type golden struct {
	StepsPerEpoch int `json:"steps_per_epoch"`
	Epochs        int
	Errors        []float64
	A, B, W       []float32
	Schedules     map[string]struct {
		LR, Momentum []float64
		Weights      []uint32
	}
	Optimizers map[string][][]uint32
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden.json"))
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// toy is golden.py's toy problem.
type toy struct {
	g       golden
	w       *graph.Param
	dw      []float32
	updater updater
	pool    *kernel.Pool
	step    int
	most    float64 // norm of the gradient
}

func newToy(t *testing.T, g golden, o recipe.Optimizer, s recipe.Schedule) *toy {
	t.Helper()
	p := &toy{g: g, w: &graph.Param{Name: "w", Shape: []int{len(g.W)}, Data: append([]float32(nil), g.W...)}, dw: make([]float32, len(g.W)), pool: kernel.NewPool(1), most: o.Clip}
	t.Cleanup(p.pool.Close)
	var err error
	if p.updater, err = newUpdater(o, s, []*graph.Param{p.w}); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *toy) update(set Hyper) {
	for i, w := range p.w.Data {
		p.dw[i] = float32(p.g.A[i]*w) - p.g.B[i]
	}
	if p.most > 0 {
		clip(p.pool, p, 1, p.most)
	}
	p.updater.update(p.pool, p.step, set, p)
	p.step++
}

func (p *toy) gradient(int) []float32 { return p.dw }

// check compares the weights with PyTorch's. A fused multiply-add may round the last bit otherwise.
func (p *toy) check(t *testing.T, want []uint32) {
	t.Helper()
	for i, bits := range want {
		w := math.Float32frombits(bits)
		if got := p.w.Data[i]; math.Abs(float64(got-w)) > 1e-6*math.Abs(float64(w)) {
			t.Errorf("step %d: weight %d is %v, PyTorch's is %v", p.step, i, got, w)
		}
	}
}

func TestSchedulesAreThoseOfPyTorchStepByStep(t *testing.T) {
	g := readGolden(t)
	schedules := map[string]recipe.Schedule{
		"step":                      {Name: "step", Milestones: []float64{3, 7, 9}, Gamma: 0.3},
		"step every":                {Name: "step", Every: 4, Gamma: 0.1},
		"exponential":               {Name: "exponential", Gamma: 0.9},
		"cosine":                    {Name: "cosine", Final: 0.01},
		"cosine with warm-up":       {Name: "cosine", Warmup: 2, WarmupFrom: 0.01},
		"polynomial":                {Name: "polynomial", Power: 0.5},
		"onecycle":                  {Name: "onecycle", Start: 0.25, MomentumLow: 0.85, MomentumHigh: 0.95},
		"onecycle without momentum": {Name: "onecycle"},
		"plateau":                   {Name: "plateau", Patience: 1},
		// Patience 0 is not to be had from a Config, where 0 means the default.
		"plateau with cooldown": {Name: "plateau", Gamma: 0.5, Cooldown: 1, Threshold: 0.01, Final: 0.2, Patience: -1},
	}
	for name, want := range g.Schedules {
		t.Run(name, func(t *testing.T) {
			c := recipe.Config{Schedule: schedules[name], Optimizer: recipe.Optimizer{LR: 0.1, Momentum: 0.9}}.Complete()
			if c.Schedule.Patience == -1 {
				c.Schedule.Patience = 0
			}
			scheduler := NewScheduler(c.Schedule, Hyper{0.1, 0.9}, g.StepsPerEpoch, g.Epochs)
			p := newToy(t, g, c.Optimizer, c.Schedule)
			for step, lr := range want.LR {
				set := scheduler.At(step)
				if math.Abs(set.LR-lr) > 1e-12 || math.Abs(set.Momentum-want.Momentum[step]) > 1e-12 {
					t.Fatalf("step %d: rate %v and momentum %v, PyTorch's are %v and %v", step, set.LR, set.Momentum, lr, want.Momentum[step])
				}
				p.update(set)
				if (step+1)%g.StepsPerEpoch == 0 {
					scheduler.Observe(g.Errors[step/g.StepsPerEpoch])
				}
			}
			p.check(t, want.Weights)
		})
	}
}

func TestOptimizersArePyTorchsStepByStep(t *testing.T) {
	g := readGolden(t)
	optimizers := map[string]recipe.Optimizer{
		"plain":              {},
		"momentum":           {Momentum: 0.9},
		"momentum and decay": {Momentum: 0.9, WeightDecay: 0.05},
		"nesterov":           {Momentum: 0.9, WeightDecay: 0.05, Nesterov: true},
		"adam":               {Name: "adam"},
		"adam with decay":    {Name: "adam", Beta1: 0.8, Beta2: 0.99, Eps: 1e-4, WeightDecay: 0.05},
		"adamw":              {Name: "adamw", WeightDecay: 0.1},
		"clipped":            {Momentum: 0.9, Clip: 0.4},
		"dampening":          {Momentum: 0.8, Dampening: 0.5, WeightDecay: 0.01},
	}
	for name, steps := range g.Optimizers {
		t.Run(name, func(t *testing.T) {
			o := recipe.Config{Optimizer: optimizers[name]}.Complete().Optimizer
			o.LR = 0.1
			p := newToy(t, g, o, recipe.Schedule{})
			for step, want := range steps {
				set := base(recipe.Config{Optimizer: o})
				if step >= 5 {
					set.LR = 0.01
				}
				p.update(set)
				p.check(t, want)
			}
		})
	}
}

func TestAScheduleGoesOnFromItsState(t *testing.T) {
	for _, name := range recipe.Schedules {
		t.Run(name, func(t *testing.T) {
			s := recipe.Config{Schedule: recipe.Schedule{Name: name, Every: 1, Patience: 1}}.Complete().Schedule
			g := readGolden(t)
			whole := NewScheduler(s, Hyper{0.1, 0.9}, g.StepsPerEpoch, g.Epochs)
			parts := NewScheduler(s, Hyper{0.1, 0.9}, g.StepsPerEpoch, g.Epochs)
			for epoch, e := range g.Errors {
				text, err := json.Marshal(parts)
				if err != nil {
					t.Fatal(err)
				}
				parts = NewScheduler(s, Hyper{0.1, 0.9}, g.StepsPerEpoch, g.Epochs)
				if err := json.Unmarshal(text, parts); err != nil {
					t.Fatal(err)
				}
				for i := range g.StepsPerEpoch {
					step := epoch*g.StepsPerEpoch + i
					if whole.At(step) != parts.At(step) {
						t.Fatalf("step %d: %v, after its state was read again %v", step, whole.At(step), parts.At(step))
					}
				}
				whole.Observe(e)
				parts.Observe(e)
			}
		})
	}
}

func TestRulesMultiply(t *testing.T) {
	params := []*graph.Param{{Name: "conv1.weight", Shape: []int{2, 2, 1, 1}}, {Name: "conv1.bias", Shape: []int{2}}, {Name: "bn1.weight", Shape: []int{2}}, {Name: "fc.weight", Shape: []int{2, 2}}}
	o := recipe.Optimizer{Rules: []recipe.Rule{{Dims: 1, LR: 1, Decay: 0}, {Match: `\.bias$`, LR: 2, Decay: 1}, {Match: "^fc", LR: 10, Decay: 0.5}}}
	lr, decay, err := factors(o, params)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2]float64{{1, 1}, {2, 0}, {1, 0}, {10, 0.5}} {
		if lr[i] != want[0] || decay[i] != want[1] {
			t.Errorf("%s: factors %v and %v, want %v", params[i].Name, lr[i], decay[i], want)
		}
	}
}
