package graph

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"gorgonia.org/gorgonia"
)

// parted is a small network with batch normalisation, a residual sum and dropout, and its loss.
func parted(t *testing.T, params *Params, images int, cfg Config) (s *Session, x, target *gorgonia.Node, outputs []*gorgonia.Node) {
	t.Helper()
	b := NewBuilder(params, Train)
	x, target = b.Input("x", images, 3, 6, 5), b.Input("target", images)
	y := b.ReLU(b.BatchNorm(b.Conv(x, "conv1", 20, 3, Pad(1), NoBias()), "bn1", 1e-5, 0.1))
	z := b.BatchNorm(b.Conv(y, "conv2", 20, 3, Pad(1), NoBias()), "bn2", 1e-5, 0.1)
	z = b.Dropout(b.ReLU(b.Add(z, y)), 0.3)
	logits := b.Dense(b.Dropout(b.Flatten(z), 0.5), "fc", 4)
	loss := b.CrossEntropy(logits, target, 0)
	grads, err := b.Grads(loss)
	if err != nil {
		t.Fatal(err)
	}
	outputs = append([]*gorgonia.Node{loss, logits}, grads...)
	if s, err = Compile(b, outputs, cfg); err != nil {
		t.Fatal(err)
	}
	return s, x, target, outputs
}

// meeting adds up what n goroutines bring, in their order.
type meeting struct {
	mu    sync.Mutex
	cond  *sync.Cond
	n     int
	parts [][]float32
	turn  int
	sum   []float32
	took  int
}

func (m *meeting) sumOf(rank int, v []float32) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.parts[rank] != nil {
		m.cond.Wait()
	}
	m.parts[rank] = append([]float32(nil), v...)
	turn := m.turn
	m.took++
	if m.took == m.n {
		m.sum = make([]float32, len(v))
		for _, p := range m.parts {
			for i, x := range p {
				m.sum[i] += x
			}
		}
		clear(m.parts)
		m.took = 0
		m.turn++
		m.cond.Broadcast()
	}
	for m.turn == turn {
		m.cond.Wait()
	}
	copy(v, m.sum)
	return nil
}

func TestPartsOfABatchGiveTheGradientsOfTheWhole(t *testing.T) {
	const images, one = 6, 3 * 6 * 5
	x, labels := random(images*one), []float32{0, 1, 2, 3, 1, 0}
	whole := NewParams()
	s, in, target, outputs := parted(t, whole, images, Config{Seed: 5})
	whole.Init(3)
	s.Bind(in, x)
	s.Bind(target, labels)
	s.SetStep(7)
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	var want [][]float32
	for _, n := range outputs {
		want = append(want, append([]float32(nil), s.Value(n)...))
	}
	for _, sizes := range [][]int{{3, 3}, {4, 2}, {1, 2, 3}} {
		t.Run(fmt.Sprint(sizes), func(t *testing.T) {
			m := &meeting{n: len(sizes), parts: make([][]float32, len(sizes))}
			m.cond = sync.NewCond(&m.mu)
			got := make([][]float64, len(want))
			for k := range got {
				got[k] = make([]float64, len(want[k]))
			}
			all := make([]*Params, len(sizes))
			values := make([][][]float32, len(sizes))
			var ranks sync.WaitGroup
			first := 0
			for rank, n := range sizes {
				all[rank] = NewParams()
				p, in, target, outputs := parted(t, all[rank], n, Config{Seed: 5, Part: Part{First: first, Of: images, Sum: func(v []float32) error { return m.sumOf(rank, v) }}})
				all[rank].Init(3)
				p.Bind(in, x[first*one:(first+n)*one])
				p.Bind(target, labels[first:first+n])
				p.SetStep(7)
				ranks.Go(func() {
					if err := p.Run(); err != nil {
						t.Error(err)
					}
					for _, o := range outputs {
						values[rank] = append(values[rank], p.Value(o))
					}
				})
				first += n
			}
			ranks.Wait()
			first = 0
			for rank, n := range sizes {
				for k, v := range values[rank] {
					for i, g := range v {
						if k == 1 { // logits are each image's own
							got[k][first*4+i] = float64(g)
						} else {
							got[k][i] += float64(g) * float64(n) / images
						}
					}
				}
				first += n
				for _, name := range []string{"bn1.running_mean", "bn1.running_var", "bn2.running_mean", "bn2.running_var"} {
					near(t, name, toFloat64(all[rank].Get(name).Data), whole.Get(name).Data)
				}
			}
			for k := range want {
				near(t, fmt.Sprint("output ", k), got[k], want[k])
			}
		})
	}
}

// What Ready tells of is as it is after the run, and each output is told of once.
func TestOutputsAreReadyBeforeTheRunEnds(t *testing.T) {
	params := NewParams()
	var s *Session
	var x, target *gorgonia.Node
	var outputs []*gorgonia.Node
	seen := map[int][]float32{}
	s, x, target, outputs = parted(t, params, 6, Config{Seed: 5, Ready: func(k int) {
		if seen[k] != nil {
			t.Errorf("output %d is ready twice", k)
		}
		seen[k] = append([]float32(nil), s.Value(outputs[k])...)
	}})
	params.Init(3)
	s.Bind(x, random(6*3*6*5))
	s.Bind(target, []float32{0, 1, 2, 3, 1, 0})
	for range 2 {
		clear(seen)
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		for k, n := range outputs {
			if !slices.Equal(seen[k], s.Value(n)) {
				t.Errorf("output %d was not ready: %d numbers of %d", k, len(seen[k]), len(s.Value(n)))
			}
		}
	}
}

// An output that lies in another value's memory is told of when that one is there.
func TestAViewIsReadyWithWhatItShows(t *testing.T) {
	b := NewBuilder(NewParams(), Eval)
	x := b.Input("x", 2, 3)
	flat := b.Reshape(b.Apply(x, Function{Kind: Square}), 6)
	sum := b.Reduce(flat, SumOf, 0)
	told := map[int]float32{}
	var s *Session
	s, err := Compile(b, []*gorgonia.Node{sum, flat}, Config{Ready: func(k int) { told[k] = s.Value([]*gorgonia.Node{sum, flat}[k])[0] }})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Bind(x, []float32{2, -1, 3, 0, 1, 5}); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if len(told) != 2 || told[0] != 40 || told[1] != 4 {
		t.Errorf("told of %v, want 40 of the sum and 4 of the squares", told)
	}
}

// A part that is still moves no running statistics, together with others and by itself.
func TestAStillPartLeavesRunningStatistics(t *testing.T) {
	for name, sum := range map[string]func([]float32) error{"together": func([]float32) error { return nil }, "alone": nil} {
		for _, still := range []bool{false, true} {
			params := NewParams()
			s, x, target, _ := parted(t, params, 6, Config{Part: Part{Of: 6, Sum: sum, Still: still}})
			params.Init(3)
			s.Bind(x, random(6*3*6*5))
			s.Bind(target, []float32{0, 1, 2, 3, 1, 0})
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			moved := params.Get("bn1.running_mean").Data[0] != 0 || params.Get("bn2.running_var").Data[1] != 1
			if moved == still {
				t.Errorf("%s, still %v: the statistics have moved: %v", name, still, moved)
			}
		}
	}
}

func toFloat64(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

func near(t *testing.T, what string, got []float64, want []float32) {
	t.Helper()
	most := 1e-6
	for _, v := range want {
		most = max(most, math.Abs(float64(v)))
	}
	for i, v := range got {
		if math.Abs(v-float64(want[i])) > 2e-5*most {
			t.Errorf("%s: [%d] is %g, should be %g", what, i, v, want[i])
			return
		}
	}
}

// random numbers between -1 and 1, always the same.
func random(n int) []float32 {
	v, z := make([]float32, n), uint64(1)
	for i := range v {
		z = splitmix64(z)
		v[i] = float32(z>>40)/(1<<23) - 1
	}
	return v
}
