package simd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// A tileCase is a tile over memory of its own, with everything random but its size.
type tileCase struct {
	Tile
	m, panels  int
	offs       [][2]int
	a, b, bias []float32
	c, r       []float32 // the two runs of rows, apart
	cStart     [2]int
}

// newTileCase lays out random arrays with random strides, some negative block offsets among them.
func newTileCase(rng *rand.Rand, m, panels, nb, kb int) *tileCase {
	x := &tileCase{m: m, panels: panels}
	half := (m + 1) / 2
	ams, aks := 1+rng.IntN(40), 1+rng.IntN(9)
	bks, bps := 16+rng.IntN(20), 16+rng.IntN(400)
	blockA, blockB := 1+rng.IntN(90), 1+rng.IntN(300)
	a1 := rng.IntN(50)
	x.a = random(rng, a1+half*ams+kb*aks+nb*blockA+1)
	x.b = random(rng, kb*bks+panels*bps+nb*blockB+16)
	x.bias = random(rng, 16*panels)
	for i := range nb { // the last block lies first: a0 and b point at its end
		x.offs = append(x.offs, [2]int{-4 * i * blockA, -4 * i * blockB})
	}
	if nb == 0 {
		x.offs = [][2]int{{}}
	}
	last := max(nb-1, 0)
	x.A0 = unsafe.Pointer(&x.a[last*blockA])
	x.A1 = unsafe.Add(x.A0, 4*a1)
	x.AMS, x.AKS = uintptr(4*ams), uintptr(4*aks)
	x.Tile.Offs, x.NB, x.KB = (*[2]int)(unsafe.Pointer(&x.offs[0])), nb, kb
	x.Tile.B, x.BKS, x.BPS = unsafe.Pointer(&x.b[last*blockB]), uintptr(4*bks), uintptr(4*bps)
	// Rows of C with gaps, panel after panel or rows of all panels; and space around.
	cms, cps := 16+rng.IntN(20), 0
	if rng.IntN(2) == 0 {
		cps = half*cms + rng.IntN(30)
	} else {
		cps = 16 + rng.IntN(5)
		cms += panels * cps
	}
	run := half*cms + panels*cps + 16
	x.cStart = [2]int{20, 20 + run + rng.IntN(9)}
	x.c = random(rng, x.cStart[1]+run+20)
	x.r = random(rng, len(x.c))
	x.C0, x.C1 = unsafe.Pointer(&x.c[x.cStart[0]]), unsafe.Pointer(&x.c[x.cStart[1]])
	x.CMS, x.CPS = uintptr(4*cms), uintptr(4*cps)
	switch rng.IntN(3) {
	case 0:
		x.R0, x.R1 = unsafe.Pointer(&x.r[x.cStart[0]]), unsafe.Pointer(&x.r[x.cStart[1]])
	case 1:
		x.R0, x.R1 = x.C0, x.C1
	}
	if rng.IntN(2) == 0 {
		x.Tile.Bias = unsafe.Pointer(&x.bias[0])
	}
	x.Clip = uintptr(rng.IntN(3))
	return x
}

func random(rng *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = 2*rng.Float32() - 1
	}
	return s
}

// run returns all of C, gaps and surroundings included, after one call of f.
func (x *tileCase) run(f func(t *Tile, m, panels int)) []float32 {
	before := append([]float32(nil), x.c...)
	f(&x.Tile, x.m, x.panels)
	after := append([]float32(nil), x.c...)
	copy(x.c, before)
	return after
}

// want is the tile's sum in float64; untouched floats are as they were.
func (x *tileCase) want() []float64 {
	out := make([]float64, len(x.c))
	for i, v := range x.c {
		out[i] = float64(v)
	}
	at := func(p unsafe.Pointer, bytes int) float64 { return float64(*(*float32)(unsafe.Add(p, bytes))) }
	half := (x.m + 1) / 2
	for i := range x.m {
		a, r, run, row := x.A0, x.R0, 0, i
		if i >= half {
			a, r, run, row = x.A1, x.R1, 1, i-half
		}
		for n := range 16 * x.panels {
			p, lane := n/16, n%16
			sum := 0.0
			if x.Tile.Bias != nil {
				sum = float64(x.bias[n])
			}
			for b := range x.NB {
				for k := range x.KB {
					sum += at(a, row*int(x.AMS)+x.offs[b][0]+k*int(x.AKS)) *
						at(x.Tile.B, x.offs[b][1]+k*int(x.BKS)+p*int(x.BPS)+4*lane)
				}
			}
			to := row*int(x.CMS) + p*int(x.CPS) + 4*lane
			if r != nil {
				sum += at(r, to)
			}
			if x.Clip != Unclipped {
				sum = max(sum, 0)
			}
			if x.Clip == ClipBelow0Above6 {
				sum = min(sum, 6)
			}
			out[x.cStart[run]+to/4] = sum
		}
	}
	return out
}

func TestTileOffsets(t *testing.T) {
	var x Tile
	for i, off := range []uintptr{
		unsafe.Offsetof(x.A0), unsafe.Offsetof(x.A1), unsafe.Offsetof(x.AMS), unsafe.Offsetof(x.AKS),
		unsafe.Offsetof(x.Offs), unsafe.Offsetof(x.NB), unsafe.Offsetof(x.KB),
		unsafe.Offsetof(x.B), unsafe.Offsetof(x.BKS), unsafe.Offsetof(x.BPS),
		unsafe.Offsetof(x.C0), unsafe.Offsetof(x.C1), unsafe.Offsetof(x.CMS), unsafe.Offsetof(x.CPS),
		unsafe.Offsetof(x.R0), unsafe.Offsetof(x.R1), unsafe.Offsetof(x.Bias), unsafe.Offsetof(x.Clip),
		unsafe.Offsetof(x.Ahead), unsafe.Offsetof(x.AheadStep), unsafe.Offsetof(x.Next), unsafe.Offsetof(x.NextStep),
		unsafe.Offsetof(x.Permute), unsafe.Offsetof(x.PermuteStep),
	} {
		if off != uintptr(8*i) {
			t.Errorf("field %d of tile is at %d; the assembly reads it at %d", i, off, 8*i)
		}
	}
}

func TestCallsFetchEveryLineOfTheNextPanels(t *testing.T) {
	const steps, distance, pitch = 48, 1 << 20, 5 << 12
	for panels := 1; panels <= 4; panels++ {
		for calls := panels; calls <= 40; calls++ {
			x := Tile{BPS: pitch}
			asked := map[uintptr]bool{}
			x.FetchNext(calls, panels, distance)
			for range calls {
				for k := range uintptr(steps) {
					asked[(x.Next+k*x.NextStep)/64] = true
				}
				x.Fetched(steps)
			}
			for p := range panels {
				for line := range steps {
					if !asked[uintptr(distance+p*pitch)/64+uintptr(line)] {
						t.Errorf("%d calls for %d panels: line %d of panel %d is not asked for", calls, panels, line, p)
					}
				}
			}
		}
	}
}

func TestTileAgreesWithStraightLoopsAtEverySize(t *testing.T) {
	for _, f := range Families() {
		t.Run(f.String(), func(t *testing.T) {
			setFamily(t, f)
			rng := rand.New(rand.NewPCG(1, 2))
			for panels := 1; panels <= 4; panels++ {
				for m := 1; m <= MaxRows(panels); m++ {
					for range 12 {
						x := newTileCase(rng, m, panels, rng.IntN(6), rng.IntN(20))
						got, want := x.run((*Tile).Run), x.want()
						for i := range got {
							if d := math.Abs(float64(got[i]) - want[i]); !(d <= 2e-5) {
								t.Fatalf("%d rows, %d panels, %d blocks of %d (bias %v, residual %v, clip %v): c[%d] = %v, want %v (rows start at %d)",
									m, panels, x.NB, x.KB, x.Tile.Bias != nil, x.R0 != nil, x.Clip, i, got[i], want[i], x.cStart)
							}
						}
					}
				}
			}
		})
	}
}

func TestColumnsOfSixteenRowsBecomeVectorsAndBack(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		for n := 1; n < 40; n++ {
			for _, step := range []int{Block, Block + 3, -Block} {
				ld := n + rng.IntN(20)
				rows := newGuard(15*ld + n)
				copy(rows.data, random(rng, len(rows.data)))
				vectors, first := newGuard((n-1)*max(step, -step)+Block), 0
				if step < 0 {
					first = (n - 1) * -step
				}
				PackColumns(vectors.data, first, step, rows.data, ld, Block, n)
				vectors.check(t, "vectors")
				for i := range n {
					for lane := range Block {
						if got, want := vectors.data[first+i*step+lane], rows.data[lane*ld+i]; got != want {
							t.Fatalf("%d columns, %d floats apart, row %d, column %d: %g, want %g", n, step, lane, i, got, want)
						}
					}
				}
				if step != Block {
					continue
				}
				back := newGuard(len(rows.data))
				copy(back.data, rows.data)
				for lane := range Block {
					clear(back.data[lane*ld:][:n])
				}
				UnpackColumns(back.data, vectors.data, ld, Block)
				back.check(t, "rows")
				sameBits(t, fmt.Sprintf("%d columns and back", n), rows.data, back.data)
			}
		}
	})
}

func TestTileKeepsNaNThroughReLU(t *testing.T) {
	for _, f := range Families() {
		t.Run(f.String(), func(t *testing.T) {
			setFamily(t, f)
			for panels := 1; panels <= 4 && MaxRows(panels) > 0; panels++ {
				m := MaxRows(panels)
				x := newTileCase(rand.New(rand.NewPCG(3, 4)), m, panels, 2, 3)
				x.Clip, x.Tile.Bias = 1, unsafe.Pointer(&x.bias[0])
				x.bias[5] = float32(math.NaN())
				x.bias[6] = float32(math.Inf(-1))
				got := x.run((*Tile).Run)[x.cStart[0]:]
				if got[5] == got[5] {
					t.Errorf("%d panels: a NaN sum became %v", panels, got[5])
				}
				if got[6] != 0 {
					t.Errorf("%d panels: a sum of -Inf became %v, want 0", panels, got[6])
				}
			}
		})
	}
}

// The micro-kernel alone, on data in the first-level cache: the peak that all else is measured by.
func BenchmarkTile(b *testing.B) {
	for _, f := range Families() {
		setFamily(b, f)
		for panels := 1; panels <= 4; panels++ {
			most := MaxRows(panels)
			for _, m := range []int{most, 7} {
				if m > most || m == 0 {
					continue
				}
				const k = 128
				half := (m + 1) / 2
				run := func(lie string, ams, aks, a1 int) {
					b.Run(fmt.Sprintf("%v/%dx%d/neighbouring %s", f, m, panels, lie), func(b *testing.B) {
						setFamily(b, f)
						av, bv := make([]float32, m*(k+Block)), make([]float32, k*16*panels)
						cv := make([]float32, m*16*panels)
						offs := [1][2]int{}
						x := Tile{
							A0: unsafe.Pointer(&av[0]), A1: unsafe.Pointer(&av[a1]), AMS: uintptr(4 * ams), AKS: uintptr(4 * aks),
							Offs: &offs[0], NB: 1, KB: k,
							B: unsafe.Pointer(&bv[0]), BKS: uintptr(64 * panels), BPS: 64,
							C0: unsafe.Pointer(&cv[0]), C1: unsafe.Pointer(&cv[half*16*panels]), CMS: uintptr(64 * panels), CPS: 64,
						}
						for b.Loop() {
							x.Run(m, panels)
						}
						b.ReportMetric(2*float64(m*16*panels*k)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
					})
				}
				run("rows", 1, m, half) // a packed A
				run("k", k+Block, 1, half*(k+Block))
			}
		}
	}
}

// A row's sums are the same bits whatever tile it is in and however A's numbers lie, so that how work is cut changes nothing.
func TestRowsDoNotDependOnTheirTile(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		const kb, nb = 23, 2
		for panels := 1; panels <= MostPanels(); panels++ {
			most := MaxRows(panels)
			if most == 0 {
				continue
			}
			a, b := random(rng, most*nb*kb), random(rng, nb*kb*panels*Block)
			spread := make([]float32, 3*len(a)) // the same numbers, each with two others behind it
			for i, v := range a {
				spread[3*i] = v
			}
			run := func(a []float32, gap, first, m int) []float32 {
				c := make([]float32, m*panels*Block)
				offs := [nb][2]int{{}, {4 * gap * kb, 4 * kb * panels * Block}}
				half := (m + 1) / 2 % m
				row := gap * nb * kb
				x := Tile{
					A0: unsafe.Pointer(&a[first*row]), A1: unsafe.Pointer(&a[(first+half)*row]), AMS: uintptr(4 * row), AKS: uintptr(4 * gap), Offs: &offs[0], NB: nb, KB: kb,
					B: unsafe.Pointer(&b[0]), BKS: uintptr(4 * panels * Block), BPS: 4 * Block,
					C0: unsafe.Pointer(&c[0]), C1: unsafe.Pointer(&c[half*panels*Block]), CMS: uintptr(4 * panels * Block), CPS: 4 * Block,
				}
				x.Run(m, panels)
				return c
			}
			want := run(a, 1, 0, most)
			sameBits(t, fmt.Sprintf("%d panels, numbers apart", panels), run(spread, 3, 0, most), want)
			for m := 1; m < most; m++ {
				for first := range most - m + 1 {
					sameBits(t, fmt.Sprintf("%d panels, %d rows from %d on", panels, m, first), run(a, 1, first, m), want[first*panels*Block:][:m*panels*Block])
				}
			}
		}
	})
}
