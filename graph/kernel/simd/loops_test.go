package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// lengths lie around those of vectors.
var lengths = []int{1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100}

// same reports whether two numbers are the same, none being like any other none.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

func TestElementwiseLoopsAgreeWithStraightOnes(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	onFamilies(t, func(t *testing.T) {
		const alpha = -1.5
		for _, c := range []struct {
			name string
			loop func(x, r, y *float32, n int)
			want func(x, r float32) float32
		}{
			{"relu", func(x, _, y *float32, n int) { active.ReLU(x, y, nil, nil, nil, n) }, func(x, _ float32) float32 {
				if x < 0 {
					return 0
				}
				return x
			}},
			{"gradient of relu", func(x, r, y *float32, n int) { active.ReLUGrad(x, r, y, nil, nil, n) }, func(x, r float32) float32 {
				if x <= 0 {
					return 0
				}
				return r
			}},
			{"sum", func(x, r, y *float32, n int) { active.Add(x, r, y, nil, nil, n) }, func(x, r float32) float32 { return x + r }},
			{"relu of a sum", func(x, r, y *float32, n int) { active.AddReLU(x, r, y, nil, nil, n) }, func(x, r float32) float32 {
				if x+r < 0 {
					return 0
				}
				return x + r
			}},
			{"multiple", func(x, _, y *float32, n int) { s := float32(alpha); active.Scale(x, y, nil, nil, &s, n) }, func(x, _ float32) float32 { return alpha * x }},
		} {
			for _, n := range lengths {
				rng := rand.New(rand.NewPCG(7, uint64(n)))
				x, r, y := newGuard(n), newGuard(n), newGuard(n)
				copy(x.data, random(rng, n))
				copy(r.data, random(rng, n))
				for i, v := range []float32{inf, -inf, nan, 0} {
					if at := 5 * (i + 1); at < n {
						x.data[at] = v
					}
				}
				want := make([]float32, n)
				for i := range want {
					want[i] = c.want(x.data[i], r.data[i])
				}
				c.loop(&x.data[0], &r.data[0], &y.data[0], n)
				y.check(t, c.name)
				if !slices.EqualFunc(y.data, want, same) {
					t.Errorf("%s of %d: %v, want %v", c.name, n, y.data, want)
				}
				if c.loop(&x.data[0], &r.data[0], &x.data[0], n); !slices.EqualFunc(x.data, want, same) {
					t.Errorf("%s of %d, in place: %v, want %v", c.name, n, x.data, want)
				}
				x.check(t, c.name)
			}
		}
		for _, n := range lengths {
			rng := rand.New(rand.NewPCG(8, uint64(n)))
			x, y := random(rng, n), newGuard(n)
			Fill(y.data, 2.5)
			y.check(t, "filled")
			AddTo(x, y.data)
			y.check(t, "added to")
			for i, v := range y.data {
				if v != 2.5+x[i] {
					t.Fatalf("%d floats: %v at %d, want %v", n, v, i, 2.5+x[i])
				}
			}
			want := slices.Clone(y.data)
			active.MulTo(&y.data[0], n, -3)
			y.check(t, "multiplied")
			for i, v := range y.data {
				if v != -3*want[i] {
					t.Fatalf("%d floats: %v at %d, want %v", n, v, i, -3*want[i])
				}
			}
			Fetch(x) // which changes nothing
		}
		Fill(nil, 1)
		AddTo(nil, nil)
		Fetch(nil)
	})
}

func TestReductionsAgreeWithStraightLoops(t *testing.T) {
	nan, least := float32(math.NaN()), float32(math.Inf(-1))
	onFamilies(t, func(t *testing.T) {
		for _, n := range lengths {
			rng := rand.New(rand.NewPCG(9, uint64(n)))
			x, y := random(rng, n), newGuard(n)
			squares, largest := 0.0, least
			for _, v := range x {
				squares += float64(v) * float64(v)
				largest = max(largest, v)
			}
			if got := active.SumSquares(&x[0], n); math.Abs(got-squares) > 1e-6*squares {
				t.Errorf("%d floats: the squares' sum is %v, want %v", n, got, squares)
			}
			if got := active.RowMax(&x[0], n); got != largest {
				t.Errorf("%d floats: the largest is %v, want %v", n, got, largest)
			}
			powers, sum := make([]float64, n), 0.0
			for i, v := range x {
				powers[i] = math.Exp(float64(v) - 0.5)
				sum += powers[i]
			}
			got := active.RowExp(&x[0], &y.data[0], n, 0.5)
			y.check(t, "powers")
			near(t, "powers", append(slices.Clone(y.data), got), append(powers, sum), 3e-7)
			// What is no number is passed over; where there is nothing else the largest is below all numbers.
			for i := range x {
				if i != n/2 {
					x[i] = nan
				}
			}
			if got := active.RowMax(&x[0], n); got != x[n/2] {
				t.Errorf("%d floats, of which one is a number: %v, want %v", n, got, x[n/2])
			}
			if x[n/2] = nan; active.RowMax(&x[0], n) != least {
				t.Errorf("no number among %d: %v", n, active.RowMax(&x[0], n))
			}
		}
	})
}

// The mask of an element is that of its number, whatever part of a whole it is done in.
func TestDropoutGoesByTheNumbersOfElements(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		const n, from = 1000, 12345
		key := [3]uint32{0x9e3779b9, 7, 3 << 22} // three quarters of 2²⁴ are kept
		scale := float32(4.0 / 3)
		x, whole := make([]float32, n), newGuard(n)
		for i := range x {
			x[i] = float32(i + 1)
		}
		active.Dropout(&x[0], &whole.data[0], &scale, &key[0], from, n)
		whole.check(t, "kept")
		kept := 0
		for i, v := range whole.data {
			switch v {
			case 0:
			case x[i] * scale:
				kept++
			default:
				t.Fatalf("element %d: %v of %v", i, v, x[i])
			}
		}
		if kept < 690 || kept > 810 { // 4 deviations
			t.Errorf("%d of %d are kept, want about 750", kept, n)
		}
		twin := make([]float32, n)
		dropoutGeneric(&x[0], &twin[0], &scale, &key[0], from, n)
		sameBits(t, "the twin", whole.data, twin)
		for _, at := range []int{1, 15, 16, 17, 500} {
			part := newGuard(n - at)
			active.Dropout(&x[at], &part.data[0], &scale, &key[0], from+at, n-at)
			part.check(t, "a part")
			sameBits(t, "a part", part.data, whole.data[at:])
		}
	})
}

func TestLayoutsComeAndGo(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for _, pixels := range []int{1, 2, 15, 16, 17, 40} {
			for _, channels := range []int{1, 5, 15, 16} {
				plane := pixels + 3
				plain, blocked := numbers((channels-1)*plane+pixels), newGuard(pixels*Block)
				active.ToBlocked(&plain[0], &blocked.data[0], plane, pixels, channels)
				blocked.check(t, "blocked")
				for i, v := range blocked.data {
					want := float32(0)
					if c := i % Block; c < channels {
						want = plain[c*plane+i/Block]
					}
					if v != want {
						t.Fatalf("%d pixels of %d channels: %v in lane %d of pixel %d, want %v", pixels, channels, v, i%Block, i/Block, want)
					}
				}
				back := newGuard(len(plain))
				back.image, back.gap = pixels, 3
				active.FromBlocked(&back.data[0], &blocked.data[0], plane, pixels, channels)
				back.check(t, "plain")
				for i, v := range back.data {
					if i%plane < pixels && v != plain[i] {
						t.Fatalf("%d pixels of %d channels: %v at %d, want %v", pixels, channels, v, i, plain[i])
					}
				}
				// The first lanes alone.
				n := channels
				lanes := newGuard((pixels-1)*Block + n)
				lanes.image, lanes.gap = n, Block-n
				from := numbers(pixels * Block)
				active.CopyLanes(&from[0], &lanes.data[0], pixels, n)
				lanes.check(t, "copied lanes")
				active.AddLanes(&from[0], &lanes.data[0], pixels, n)
				lanes.check(t, "added lanes")
				for i, v := range lanes.data {
					if i%Block < n && v != 2*from[i] {
						t.Fatalf("%d pixels, %d lanes: %v at %d, want %v", pixels, n, v, i, 2*from[i])
					}
				}
			}
		}
		active.CopyLanes(nil, nil, 0, 3)
		active.AddLanes(nil, nil, 0, 3)
		const pixels = 5
		half, whole, again := numbers(pixels*Block/2), newGuard(pixels*Block), newGuard(pixels*Block/2)
		SpreadHalves(pixels, half, whole.data)
		whole.check(t, "spread")
		for i, v := range whole.data {
			want := float32(0)
			if i%Block < Block/2 {
				want = half[i/Block*Block/2+i%Block]
			}
			if v != want {
				t.Fatalf("spread: %v at %d, want %v", v, i, want)
			}
		}
		GatherHalves(pixels, whole.data, again.data)
		again.check(t, "gathered")
		sameBits(t, "spread and gathered", again.data, half)
	})
}

func TestMatricesArePackedIntoPanels(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for _, lanes := range []int{1, 7, 15, 16} {
			for _, kc := range []int{1, 3, 4, 5, 16, 19} {
				const first, apart = 3, 5 // from the row that is written first, and between rows beyond their sixteen
				ld, step := kc+2, Block+apart
				src := numbers((lanes-1)*ld + kc)
				g := newGuard(first + (kc-1)*step + Block)
				PackColumns(g.data, first, step, src, ld, lanes, kc)
				for i, v := range g.data {
					k, lane := (i-first)/step, (i-first)%step
					switch {
					case i < first || lane >= Block:
						if math.Float32bits(v) != math.Float32bits(canary) {
							t.Fatalf("%d columns of %d: wrote at %d", kc, lanes, i)
						}
					case lane >= lanes && v != 0, lane < lanes && v != src[lane*ld+k]:
						t.Fatalf("%d columns of %d: %v in lane %d of row %d", kc, lanes, v, lane, k)
					}
				}
				g.image, g.gap = len(g.data), 0
				g.check(t, "packed columns")

				dense := make([]float32, kc*Block)
				PackTransposed(dense, src, ld, lanes, kc)
				back := newGuard((lanes-1)*ld + kc)
				back.image, back.gap = kc, ld-kc
				UnpackColumns(back.data, dense, ld, lanes)
				back.check(t, "unpacked columns")
				for i, v := range back.data {
					if i%ld < kc && v != src[i] {
						t.Fatalf("%d columns of %d, back: %v at %d, want %v", kc, lanes, v, i, src[i])
					}
				}

				from, rows := numbers((kc-1)*21+lanes), newGuard(kc*Block)
				PackRows(rows.data, from, 21, lanes, kc)
				rows.check(t, "packed rows")
				for i, v := range rows.data {
					want := float32(0)
					if i%Block < lanes {
						want = from[i/Block*21+i%Block]
					}
					if v != want {
						t.Fatalf("%d rows of %d: %v at %d, want %v", kc, lanes, v, i, want)
					}
				}
			}
		}
		for _, panels := range []int{1, 4} {
			for _, n := range []int{0, 1, 2, 7} {
				ld, step := panels*Block+3, 10*Block
				src, g := numbers(max(n-1, 0)*ld+panels*Block), newGuard((panels-1)*step+n*Block)
				g.image, g.gap = n*Block, step-n*Block
				CopyPanels(n, panels, src, ld, g.data, step)
				g.check(t, "panels")
				for p := range panels {
					for i := range n * Block {
						if got, want := g.data[p*step+i], src[i/Block*ld+p*Block+i%Block]; got != want {
							t.Fatalf("row %d of panel %d of %d: %v, want %v", i/Block, p, panels, got, want)
						}
					}
				}
			}
		}
	})
}

// What a window has chosen becomes the place of its box.
func TestChoicesBecomePlaces(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		const rows, pixels = 2, 3
		for _, kw := range []int{1, 2, 3, 5} {
			const row, column, right, below = 1000, 20, 3, 70000
			chosen, first, at := make([]uint8, rows*pixels*Block), [Block]int32{}, make([]int32, rows*pixels*Block+1)
			for i := range chosen {
				chosen[i] = uint8(i * 7 % (4 * kw))
			}
			for lane := range first {
				first[lane] = int32(4 * lane)
			}
			at[len(at)-1] = -1
			r := NewRoute(kw, row, column, right, below)
			r.Places(rows, pixels, &chosen[0], &first, &at[0])
			for i, c := range chosen {
				want := 4 * (i%Block + i/Block/pixels*below + i/Block%pixels*right + int(c)/kw*row + int(c)%kw*column)
				if int(at[i]) != want {
					t.Fatalf("windows %d wide: choice %d of pixel %d is at %d, want %d", kw, c, i/Block, at[i], want)
				}
			}
			if at[len(at)-1] != -1 {
				t.Error("a place too many")
			}
		}
	})
}

// The parts of a box cover it once, and a loop is there for each.
func TestABoxIsCutIntoPartsThatLoopsTake(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for rows := 1; rows <= 20; rows++ {
			for cols := range 14 {
				covered := map[[2]int]int{}
				for _, b := range CutBox(rows, cols) {
					if b.Rows < 1 || b.Rows > len(active.boxes[b.Cols]) || b.Cols == 0 && cols > 0 {
						t.Fatalf("%d×%d: no loop for %+v", rows, cols, b)
					}
					for r := range b.Rows {
						for c := range max(b.Cols, 1) {
							covered[[2]int{b.R + r, b.C + c}]++
						}
					}
				}
				for r := range rows {
					for c := range max(cols, 1) {
						if covered[[2]int{r, c}] != 1 {
							t.Fatalf("%d×%d: row %d, column %d is covered %d times", rows, cols, r, c, covered[[2]int{r, c}])
						}
					}
				}
				if len(covered) != rows*max(cols, 1) {
					t.Fatalf("%d×%d: %d places are covered", rows, cols, len(covered))
				}
			}
		}
	})
}

func TestNormalisationAgreesWithStraightLoops(t *testing.T) {
	onFamilies(t, func(t *testing.T) {
		for _, n := range []int{1, 2, 3, 8, 40} {
			rng := rand.New(rand.NewPCG(10, uint64(n)))
			x, r, dy := random(rng, n*Block), random(rng, n*Block), random(rng, n*Block)
			mean, invstd := random(rng, n), random(rng, n)
			a := Affine{Mean: [Block]float32(random(rng, Block)), Scale: [Block]float32(random(rng, Block)), Shift: [Block]float32(random(rng, Block)),
				Slope: [Block]float32(random(rng, Block)), Offset: [Block]float32(random(rng, Block))}

			sums, rows := make([]float64, Block), make([]float64, n)
			first, second := make([]float64, n*Block), make([]float64, n*Block)
			g, gx, dgamma, dbeta := make([]float64, n*Block), make([]float64, n*Block), make([]float64, Block), make([]float64, Block)
			for i, v := range x {
				p, lane := i/Block, i%Block
				v, d := float64(v), float64(dy[i])
				sums[lane] += v
				rows[p] += v
				away := v - float64(mean[p])
				first[i], second[i] = 2+away, 3+away*away
				hat := away * float64(invstd[p])
				g[i], gx[i] = 4+d*float64(a.Scale[lane]), 5+d*float64(a.Scale[lane])*hat
				dgamma[lane] += d * hat
				dbeta[lane] += d
			}
			var sum [Block]float32
			SumPixels(x, &sum)
			near(t, "sums of pixels", sum[:], sums, 1e-6)
			lanes := newGuard(n)
			SumLanes(x, lanes.data)
			lanes.check(t, "sums of lanes")
			near(t, "sums of lanes", lanes.data, rows, 1e-6)
			one, two := newGuard(n*Block), newGuard(n*Block)
			Fill(one.data, 2)
			Fill(two.data, 3)
			LayerMoments(x, mean, one.data, two.data)
			one.check(t, "moments")
			two.check(t, "squares")
			near(t, "moments", one.data, first, 1e-6)
			near(t, "squares", two.data, second, 1e-6)
			var ofGamma, ofBeta [Block]float32
			Fill(one.data, 4)
			Fill(two.data, 5)
			LayerSums(x, dy, mean, invstd, &a.Scale, one.data, two.data, &ofGamma, &ofBeta)
			one.check(t, "sums of gradients")
			two.check(t, "sums of gradients")
			near(t, "sums of gradients", one.data, g, 1e-6)
			near(t, "sums of gradients times values", two.data, gx, 1e-6)
			near(t, "gradient of gamma", ofGamma[:], dgamma, 2e-6)
			near(t, "gradient of beta", ofBeta[:], dbeta, 2e-6)

			for clip, bounds := range [][2]float64{Unclipped: {math.Inf(-1), math.Inf(1)}, ClipBelow0: {0, math.Inf(1)}, ClipBelow0Above6: {0, 6}} {
				big := [Block]float32{}
				for lane := range big {
					big[lane] = 9 * a.Scale[lane] // some are above six
				}
				b := a
				b.Scale = big
				want := make([]float64, len(x))
				for i, v := range x {
					lane := i % Block
					want[i] = min(max((float64(v)-float64(b.Mean[lane]))*float64(b.Scale[lane])+float64(b.Shift[lane])+float64(r[i]), bounds[0]), bounds[1])
				}
				y := newGuard(len(x))
				NormaliseAdd(x, r, y.data, &b, uintptr(clip))
				y.check(t, "normalised and added")
				near(t, "normalised and added", y.data, want, 1e-6)
			}

			// Behind an activation whose gradient is found from what it saw, and one whose is found from its result.
			for name, k := range map[string]struct {
				act   Activation
				slope func(seen float64) float64
			}{
				"silu": {Activation{Kind: SiLUKind}, func(x float64) float64 {
					s := 1 / (1 + math.Exp(-x))
					return s * (1 + x*(1-s))
				}},
				"sigmoid": {Activation{Kind: SigmoidKind}, func(x float64) float64 {
					s := 1 / (1 + math.Exp(-x))
					return s * (1 - s)
				}},
			} {
				want := make([]float64, len(x))
				for i, v := range x {
					lane := i % Block
					want[i] = float64(dy[i]) * k.slope((float64(v)-float64(a.Mean[lane]))*float64(a.Scale[lane])+float64(a.Shift[lane]))
				}
				dx := newGuard(len(x))
				GradBehind(k.act, x, dy, dx.data, &a)
				dx.check(t, name)
				near(t, "the gradient behind "+name, dx.data, want, 2e-6)
			}
		}
	})
}

func TestResultsAreStreamedFromASizeOn(t *testing.T) {
	defer StreamFrom(StreamFrom(1000))
	onFamilies(t, func(t *testing.T) {
		if Streams(999) || Streams(1000) != active.pastCaches {
			t.Errorf("999 bytes are streamed: %v; 1000: %v", Streams(999), Streams(1000))
		}
	})
	if before := StreamFrom(0); before != 1000 {
		t.Errorf("it was %d", before)
	}
	onFamilies(t, func(t *testing.T) {
		if !Streams(0) || !Streams(1) {
			t.Error("asked for at any size, and not done")
		}
	})
}
