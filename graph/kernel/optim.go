package kernel

import (
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// Updates collects steps of an optimiser, each for one parameter, to do them as one job: most parameters
// are not worth one, and together they keep all threads awake. Its zero value is empty.
type Updates struct {
	steps []vecTask
	first []int // task of each step
	tasks int
	n     int // floats of all parameters
}

func (u *Updates) add(t vecTask) {
	t.n = len(t.a)
	u.steps, u.first = append(u.steps, t), append(u.first, u.tasks)
	u.tasks += ceil(t.n, vecChunk)
	u.n += t.n
}

// Run does all steps and forgets them.
func (u *Updates) Run(p *Pool) {
	const operands = 4
	runTasks(p, u.tasks, operands*u.n, u)
	clear(u.steps) // let go of the caller's memory
	*u = Updates{steps: u.steps[:0], first: u.first[:0]}
}

// Task does a chunk of a parameter's step.
func (u *Updates) Task(task, worker int) {
	next, _ := slices.BinarySearch(u.first, task+1)
	u.steps[next-1].Task(task-u.first[next-1], worker)
}

// SGDStep is what a step of stochastic gradient descent needs to know; it means what the arguments of
// PyTorch's torch.optim.SGD mean.
type SGDStep struct {
	LR          float32
	Momentum    float32
	Dampening   float32
	WeightDecay float32
	Nesterov    bool
	First       bool // the first step: v is set, not read
}

// SGD adds the update of the weights w by their gradient g and the momentum buffer v, which may be nil if
// there is no momentum. In the order of operations of PyTorch 1.13:
//
//	d = g + WeightDecay·w
//	v = Momentum·v + (1−Dampening)·d, or d in the first step
//	d = v, or d + Momentum·v for Nesterov's form
//	w = w − LR·d
func (u *Updates) SGD(w, g, v []float32, o SGDStep) {
	sameLen("SGD", len(w), len(g))
	t := vecTask{loop: simd.Loops().SGD, a: w, b: g, s: [9]float32{-o.LR, o.WeightDecay, o.Momentum, 1 - o.Dampening}}
	if o.Momentum != 0 {
		sameLen("SGD with momentum", len(w), len(g), len(v))
		t.c = v
		t.loop = simd.Loops().SGDMomentum
		if o.Nesterov {
			t.loop = simd.Loops().SGDNesterov
		}
		if o.First {
			t.clear, t.s[3] = v, 1 // v = Momentum·0 + d
		}
	}
	u.add(t)
}

// AdamStep is what a step of Adam needs to know; it means what the arguments of PyTorch's
// torch.optim.Adam mean, and of AdamW if Decoupled is set. The numbers are float64 because 1−Beta2
// is not what it should be if Beta2 has been rounded to float32 before.
type AdamStep struct {
	LR          float64
	Beta1       float64
	Beta2       float64
	Eps         float64
	WeightDecay float64
	Decoupled   bool // weight decay acts on the weights, not through the gradient
	Step        int  // the number of this step, from 1
}

// Adam adds the update of the weights w by their gradient g and its running first and second moments m and v
// (Kingma & Ba, arXiv:1412.6980, algorithm 1; decoupled weight decay: Loshchilov & Hutter,
// arXiv:1711.05101). In the order of operations of PyTorch 1.13:
//
//	w = w·(1 − LR·WeightDecay) if decoupled, else g = g + WeightDecay·w
//	m = Beta1·m + (1−Beta1)·g
//	v = Beta2·v + (1−Beta2)·g·g
//	w = w − LR/(1−Beta1^Step)·m / (√v/√(1−Beta2^Step) + Eps)
func (u *Updates) Adam(w, g, m, v []float32, o AdamStep) {
	sameLen("Adam", len(w), len(g), len(m), len(v))
	if o.Step < 1 {
		panic(fmt.Sprintf("kernel: Adam: step %d; steps count from 1", o.Step))
	}
	t := vecTask{loop: simd.Loops().Adam, a: w, b: g, c: m, d: v}
	step := float64(o.Step)
	t.s = [9]float32{
		float32(-o.LR / (1 - math.Pow(o.Beta1, step))),
		float32(o.WeightDecay), 1,
		float32(o.Beta1), float32(1 - o.Beta1),
		float32(o.Beta2), float32(1 - o.Beta2),
		float32(math.Sqrt(1 - math.Pow(o.Beta2, step))),
		float32(o.Eps),
	}
	if o.Decoupled {
		t.s[1], t.s[2] = 0, float32(1-float64(o.LR*o.WeightDecay))
	}
	u.add(t)
}

// EMA moves the running average avg towards w: avg += (1−decay)·(w−avg).
func EMA(p *Pool, decay float32, avg, w []float32) {
	sameLen("EMA", len(avg), len(w))
	t := vecTasks.Get().(*vecTask)
	t.a, t.b, t.s[0] = avg, w, 1-decay
	t.runLoop(p, simd.Loops().EMA, len(avg))
}
