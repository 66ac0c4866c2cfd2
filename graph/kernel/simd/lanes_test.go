package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// lanePermutations are none, and that of the third channel of groups of four, as steps of k.
var lanePermutations = func() [][][Block]int32 {
	group := make([][Block]int32, 4)
	for c := range group {
		for l := range Block {
			group[c][l] = int32(l/4*4 + c)
		}
	}
	return [][][Block]int32{nil, group, group[2:3]}
}()

func TestLaneTilesAgreeWithStraightLoopsAtEverySize(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for kind, permutation := range lanePermutations {
			for m := 1; m <= MaxLaneRows(permutation != nil); m++ {
				for try := range 12 {
					nb, kb := rng.IntN(4), 1+rng.IntN(7)
					if kind == 1 {
						kb = 1 + rng.IntN(len(permutation))
					}
					half := (m + 1) / 2
					ams, aks, bks, cms := 16+rng.IntN(40), 16+rng.IntN(9), 16+rng.IntN(20), 16+rng.IntN(20)
					if kind == 1 {
						aks = 0
					}
					a1, c1 := rng.IntN(50), half*cms+rng.IntN(9)
					if try%2 == 0 && kind == 0 { // neighbouring results of neighbouring taps
						ams, aks, bks, a1 = 16, 16, 16, half*16
					}
					offs := make([][2]int, max(nb, 1))
					for i := range offs {
						offs[i] = [2]int{4 * rng.IntN(90), 4 * rng.IntN(50)}
					}
					a := random(rng, 90+a1+half*ams+kb*aks+16)
					b := random(rng, 50+kb*bks+16)
					bias, c := random(rng, Block), newGuard(c1+half*cms+16)
					copy(c.data, random(rng, len(c.data)))
					r := random(rng, len(c.data))
					x := Tile{
						A0: unsafe.Pointer(&a[0]), A1: unsafe.Pointer(&a[a1]), AMS: uintptr(4 * ams), AKS: uintptr(4 * aks),
						Offs: &offs[0], NB: nb, KB: kb, B: unsafe.Pointer(&b[0]), BKS: uintptr(4 * bks),
						C0: unsafe.Pointer(&c.data[0]), C1: unsafe.Pointer(&c.data[c1]), CMS: uintptr(4 * cms), Clip: uintptr(rng.IntN(3)),
					}
					if permutation != nil {
						x.Permute = &permutation[0]
						if len(permutation) > 1 {
							x.PermuteStep = Block * 4
						}
					}
					hasBias, hasResidual := rng.IntN(2) == 0, rng.IntN(2) == 0
					if hasBias {
						x.Bias = unsafe.Pointer(&bias[0])
					}
					if hasResidual {
						x.R0, x.R1 = unsafe.Pointer(&r[0]), unsafe.Pointer(&r[c1])
					}
					want := make([]float64, len(c.data))
					for i, v := range c.data {
						want[i] = float64(v)
					}
					for i := range m {
						from, to := i*ams, i*cms
						if i >= half {
							from, to = a1+(i-half)*ams, c1+(i-half)*cms
						}
						for l := range Block {
							sum := 0.0
							for _, off := range offs[:nb] {
								for k := range kb {
									lane := l
									if permutation != nil {
										lane = int(permutation[min(k, len(permutation)-1)][l])
									}
									sum += float64(a[from+off[0]/4+k*aks+lane]) * float64(b[off[1]/4+k*bks+l])
								}
							}
							if hasBias {
								sum += float64(bias[l])
							}
							if hasResidual {
								sum += float64(r[to+l])
							}
							if x.Clip != Unclipped {
								sum = max(sum, 0)
							}
							if x.Clip == ClipBelow0Above6 {
								sum = min(sum, 6)
							}
							want[to+l] = sum
						}
					}
					x.RunLanes(m)
					what := fmt.Sprintf("permutation %d, %d rows, %d blocks of %d, clip %d", kind, m, nb, kb, x.Clip)
					c.check(t, what)
					for i, v := range c.data {
						if d := math.Abs(float64(v) - want[i]); !(d <= 1e-5) {
							t.Fatalf("%s: c[%d] = %v, want %v", what, i, v, want[i])
						}
					}
				}
			}
		}
	})
}

func TestClippedTilesKeepNaN(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		c, bias := make([]float32, Block), make([]float32, Block)
		bias[3], bias[4], bias[5] = float32(math.NaN()), 7, -1
		var offs [2]int
		x := Tile{Offs: &offs, C0: unsafe.Pointer(&c[0]), C1: unsafe.Pointer(&c[0]), Bias: unsafe.Pointer(&bias[0]), Clip: ClipBelow0Above6}
		for _, run := range []func(){func() { x.RunLanes(1) }, func() { x.Run(1, 1) }} {
			clear(c)
			run()
			if c[3] == c[3] || c[4] != 6 || c[5] != 0 {
				t.Errorf("of NaN, 7 and -1: %v", c[3:6])
			}
		}
	})
}

// The loops of depthwise convolution on data in the first-level cache: beside BenchmarkTile, the share of the peak.
func BenchmarkLanes(b *testing.B) {
	for _, f := range Families() {
		setFamily(b, f)
		for _, permuted := range []bool{false, true} {
			for _, m := range []int{MaxLaneRows(permuted), 14, 7} {
				if m > MaxLaneRows(permuted) {
					continue
				}
				b.Run(fmt.Sprintf("%v/permuted=%v/%d", f, permuted, m), func(b *testing.B) {
					setFamily(b, f)
					const taps = 9
					a, w, c := make([]float32, (m+taps)*Block), make([]float32, taps*Block), make([]float32, m*Block)
					offs := [3][2]int{{0, 0}, {64, 192}, {128, 384}}
					x := Tile{
						A0: unsafe.Pointer(&a[0]), A1: unsafe.Pointer(&a[(m+1)/2*Block]), AMS: 64, AKS: 64, Offs: &offs[0], NB: 3, KB: 3,
						B: unsafe.Pointer(&w[0]), BKS: 64, C0: unsafe.Pointer(&c[0]), C1: unsafe.Pointer(&c[(m+1)/2*Block]), CMS: 64,
					}
					if permuted {
						x.Permute = &lanePermutations[1][0]
					}
					for b.Loop() {
						x.RunLanes(m)
					}
					b.ReportMetric(2*float64(m*Block*taps)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
				})
			}
		}
	}
}
