package kernel

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

func readGolden(t *testing.T, file string, to any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// optimArgs are the arguments of PyTorch's optimisers, with its defaults.
type optimArgs struct {
	LR, Momentum, Dampening, Eps float64
	WeightDecay                  float64 `json:"weight_decay"`
	Nesterov                     bool
	Betas                        [2]float64
}

// step does step i (from 0) of the named optimiser; m and v are its state.
func (a optimArgs) step(p *Pool, name string, i int, w, g, m, v []float32) {
	var u Updates
	defer u.Run(p)
	if name == "SGD" {
		u.SGD(w, g, m, SGDStep{LR: float32(a.LR), Momentum: float32(a.Momentum), Dampening: float32(a.Dampening),
			WeightDecay: float32(a.WeightDecay), Nesterov: a.Nesterov, First: i == 0})
		return
	}
	u.Adam(w, g, m, v, AdamStep{LR: a.LR, Beta1: a.Betas[0], Beta2: a.Betas[1], Eps: a.Eps,
		WeightDecay: a.WeightDecay, Decoupled: name == "AdamW", Step: i + 1})
}

func TestOptimisersAgreeWithPyTorch(t *testing.T) {
	var golden struct {
		Change int
		Factor float64
		Start  []float32
		Grads  [][]float32
		Cases  []struct {
			Name  string
			Args  json.RawMessage
			After [][]float32
		}
	}
	readGolden(t, "optim.json", &golden)
	for _, c := range golden.Cases {
		t.Run(c.Name+" with "+string(c.Args), func(t *testing.T) {
			onFamilies(t, func(t *testing.T) {
				args := optimArgs{Eps: 1e-8, Betas: [2]float64{0.9, 0.999}}
				if err := json.Unmarshal(c.Args, &args); err != nil {
					t.Fatal(err)
				}
				p := testPool(t, 1)
				n := len(golden.Start)
				w, m, v := slices.Clone(golden.Start), make([]float32, n), make([]float32, n)
				if c.Name == "SGD" {
					Fill(p, float32(math.NaN()), m) // the first step sets it
				}
				for i, g := range golden.Grads {
					if i == golden.Change {
						args.LR *= golden.Factor
					}
					args.step(p, c.Name, i, w, g, m, v)
					for k, want := range c.After[i] {
						tolerance := 0. // PyTorch fuses where the assembly does
						if CurrentFamily() == Generic {
							tolerance = 1.5e-7 * max(1, math.Abs(float64(want)))
						}
						if d := math.Abs(float64(w[k] - want)); !(d <= tolerance) {
							t.Fatalf("after step %d weight %d is %v, want %v", i+1, k, w[k], want)
						}
					}
				}
			})
		})
	}
}

func TestUpdatesDoEveryStepOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 9))
	var u, one Updates
	for _, threads := range []int{1, 3} {
		p := testPool(t, threads)
		var got, want [][]float32
		for _, n := range []int{6, 0, 3*vecChunk + 5, 0, 0, vecChunk, 1, 0} {
			w, g := make([]float32, n), make([]float32, n)
			fillNormal(r, w)
			fillNormal(r, g)
			got, want = append(got, w), append(want, slices.Clone(w))
			u.SGD(w, g, nil, SGDStep{LR: 0.1})
			one.SGD(want[len(want)-1], g, nil, SGDStep{LR: 0.1})
			one.Run(p)
		}
		u.Run(p)
		u.Run(p) // there is nothing left
		for i := range got {
			if !sameBits(got[i], want[i]) {
				t.Errorf("%d threads: step %d, of %d weights, is not what it is alone", threads, i, len(want[i]))
			}
		}
	}
}

func TestOptimisersAgreeWithFloat64(t *testing.T) {
	const steps = 3
	for _, c := range []struct {
		name, optimiser string
		args            optimArgs
	}{
		{"SGD with weight decay", "SGD", optimArgs{LR: 0.1, WeightDecay: 0.01}},
		{"SGD with momentum and dampening", "SGD", optimArgs{LR: 0.1, Momentum: 0.9, Dampening: 0.25, WeightDecay: 0.01}},
		{"SGD with Nesterov's momentum", "SGD", optimArgs{LR: 0.1, Momentum: 0.9, Nesterov: true, WeightDecay: 0.01}},
		{"Adam", "Adam", optimArgs{LR: 0.1, Betas: [2]float64{0.9, 0.99}, Eps: 1e-6, WeightDecay: 0.01}},
		{"AdamW", "AdamW", optimArgs{LR: 0.1, Betas: [2]float64{0.9, 0.99}, Eps: 1e-6, WeightDecay: 0.01}},
	} {
		t.Run(c.name, func(t *testing.T) {
			onFamilies(t, func(t *testing.T) {
				for _, n := range vecSizes {
					r := rand.New(rand.NewPCG(uint64(n), 9))
					var first [][]float32
					start, grads := make([]float32, n), make([]float32, n)
					fillNormal(r, start)
					fillNormal(r, grads)
					for _, threads := range []int{1, 2} {
						p := testPool(t, threads)
						w, g, m, v := newGuarded(n), newGuarded(n), newGuarded(n), newGuarded(n)
						copy(w.v, start)
						copy(g.v, grads)
						clear(m.v)
						clear(v.v)
						for i := range steps {
							c.args.step(p, c.optimiser, i, w.v, g.v, m.v, v.v)
						}
						for _, b := range []guarded{w, g, m, v} {
							b.check(t, c.name)
						}
						if !sameBits(g.v, grads) {
							t.Fatal("the gradient was changed")
						}
						got := [][]float32{w.v, m.v, v.v}
						if first == nil {
							first = got
						}
						for k := range got {
							if !sameBits(got[k], first[k]) {
								t.Fatalf("n=%d: two threads give other bits than one", n)
							}
						}
					}
					want := make([]float64, n)
					for i := range want {
						want[i] = c.args.reference(c.optimiser, steps, float64(start[i]), float64(grads[i]))
					}
					if e := relErr(first[0], want); !(e < 1e-6) {
						t.Fatalf("n=%d: relative error %.2g", n, e)
					}
				}
			})
		})
	}
}

// reference returns the weight after some steps with the same gradient.
func (a optimArgs) reference(name string, steps int, w, grad float64) float64 {
	var m, v float64
	for i := range steps {
		g := grad
		switch name {
		case "SGD":
			g += a.WeightDecay * w
			d := g
			if a.Momentum != 0 {
				m = a.Momentum*m + (1-a.Dampening)*g
				if i == 0 {
					m = g
				}
				d = m
			}
			if a.Nesterov {
				d = g + a.Momentum*m
			}
			w -= a.LR * d
			continue
		case "AdamW":
			w *= 1 - a.LR*a.WeightDecay
		default:
			g += a.WeightDecay * w
		}
		m = a.Betas[0]*m + (1-a.Betas[0])*g
		v = a.Betas[1]*v + (1-a.Betas[1])*g*g
		t := float64(i + 1)
		w -= a.LR * m / (1 - math.Pow(a.Betas[0], t)) / (math.Sqrt(v/(1-math.Pow(a.Betas[1], t))) + a.Eps)
	}
	return w
}
