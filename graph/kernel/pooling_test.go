package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

var poolingCases = []struct {
	name  string
	shape mapShape
	w     Window
}{
	{"AlexNet's overlapping windows", mapShape{2, 6, 13, 27}, Window{KH: 3, KW: 3, SH: 2, SW: 2}},
	{"GoogLeNet's inner pool", mapShape{1, 35, 7, 9}, Window{KH: 3, KW: 3, SH: 1, SW: 1, PadT: 1, PadB: 1, PadL: 1, PadR: 1}},
	{"GoogLeNet's ceil mode", mapShape{1, 17, 14, 12}, Window{KH: 3, KW: 3, SH: 2, SW: 2, Ceil: true}},
	{"ResNet's padded stride", mapShape{1, 17, 15, 16}, Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1}},
	{"LeNet's tiles", mapShape{3, 6, 28, 28}, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"tiles that leave a row and a column", mapShape{2, 35, 13, 11}, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"tiles that hang over, padded", mapShape{2, 17, 10, 13}, Window{KH: 3, KW: 3, SH: 3, SW: 3, PadT: 1, PadB: 1, PadL: 2, PadR: 1, Ceil: true}},
	{"tiles that are wide", mapShape{1, 33, 9, 23}, Window{KH: 2, KW: 5, SH: 2, SW: 5, PadL: 3}},
	{"tiles of a pixel", mapShape{1, 6, 3, 5}, Window{KH: 1, KW: 1, SH: 1, SW: 1}},
	{"tiles of 256 pixels", mapShape{1, 17, 33, 35}, Window{KH: 16, KW: 16, SH: 16, SW: 16, PadT: 7, PadL: 9, Ceil: true}},
	{"ceil mode on a map smaller than the window", mapShape{2, 17, 2, 3}, Window{KH: 3, KW: 4, SH: 2, SW: 3, Ceil: true}},
	{"padding on one side", mapShape{1, 17, 9, 12}, Window{KH: 4, KW: 3, SH: 2, SW: 3, PadT: 0, PadB: 3, PadL: 2, PadR: 0, Ceil: true}},
	{"padding on one side, counted", mapShape{1, 17, 9, 12}, Window{KH: 4, KW: 3, SH: 2, SW: 3, PadT: 0, PadB: 3, PadL: 2, PadR: 0, Ceil: true, CountPad: true}},
	{"padding counted, ceil mode hangs over it", mapShape{1, 6, 8, 10}, Window{KH: 3, KW: 4, SH: 3, SW: 3, PadT: 1, PadB: 1, PadL: 2, PadR: 2, Ceil: true, CountPad: true}},
	{"strides beyond the window leave pixels out", mapShape{1, 17, 11, 10}, Window{KH: 2, KW: 1, SH: 3, SW: 4}},
	{"strides far beyond the map", mapShape{1, 3, 5, 4}, Window{KH: 2, KW: 3, SH: 9, SW: 7}},
	{"one window over all", mapShape{2, 33, 7, 5}, Window{KH: 7, KW: 5, SH: 1, SW: 1}},
	{"one window over all and its padding", mapShape{3, 35, 11, 13}, Window{KH: 13, KW: 16, SH: 1, SW: 1, PadT: 2, PadL: 1, PadR: 2, CountPad: true}},
	{"a window of 256 pixels", mapShape{1, 6, 17, 19}, Window{KH: 16, KW: 16, SH: 1, SW: 2, PadT: 15, PadB: 15, PadL: 8, PadR: 7}},
	{"a map smaller than the window", mapShape{1, 17, 2, 1}, Window{KH: 3, KW: 3, SH: 1, SW: 1, PadT: 1, PadB: 1, PadL: 1, PadR: 2}},
	{"enough rows for several tasks", mapShape{2, 35, 31, 47}, Window{KH: 3, KW: 2, SH: 1, SW: 2, PadT: 1, PadB: 0, PadL: 0, PadR: 1}},
	{"a pixel", mapShape{1, 1, 1, 1}, Window{KH: 1, KW: 1, SH: 1, SW: 1}},
}

// eachTap calls visit for every tap of every window that lies on the map.
func eachTap(w Window, in, out mapShape, visit func(window, pixel, tap int)) {
	for oh := range out.h {
		for ow := range out.w {
			for kh := range w.KH {
				for kw := range w.KW {
					h, x := oh*w.SH-w.PadT+kh, ow*w.SW-w.PadL+kw
					if h >= 0 && h < in.h && x >= 0 && x < in.w {
						visit(oh*out.w+ow, h*in.w+x, kh*w.KW+kw)
					}
				}
			}
		}
	}
}

func outOf(w Window, in mapShape) mapShape {
	oh, ow := w.Out(in.h, in.w)
	return mapShape{in.n, in.c, oh, ow}
}

func TestMaxPoolAgreesWithStraightLoops(t *testing.T) {
	contents := map[string]func(i int, v float64) float64{
		"numbers":           func(_ int, v float64) float64 { return v },
		"numbers with ties": func(_ int, v float64) float64 { return math.Round(v) },
		"NaN and infinities here and there": func(i int, v float64) float64 {
			switch i % 23 {
			case 5:
				return math.NaN()
			case 7, 8, 9:
				return math.Inf(-1)
			case 11:
				return math.Inf(1)
			}
			return math.Round(4 * v)
		},
		"nothing but -Inf": func(int, float64) float64 { return math.Inf(-1) },
	}
	for _, c := range poolingCases {
		for content, of := range contents {
			t.Run(c.name+", "+content, func(t *testing.T) {
				in, out := c.shape, outOf(c.w, c.shape)
				x, dy := mapRandom(1, in.len(), 0), mapRandom(2, out.len(), 0)
				for i, v := range x {
					x[i] = of(i, v)
				}
				y, dx, taps := make([]float64, out.len()), make([]float64, in.len()), make([]uint8, out.len())
				for n := range in.n {
					for ch := range in.c {
						x, y, dx, dy := in.plane(x, n, ch), out.plane(y, n, ch), in.plane(dx, n, ch), out.plane(dy, n, ch)
						best := make([]int, len(y))
						seen := make([]bool, len(y))
						eachTap(c.w, in, out, func(o, i, tap int) {
							if !seen[o] || x[i] > y[o] || math.IsNaN(x[i]) {
								seen[o], y[o], best[o] = true, x[i], i
								taps[(n*out.c+ch)*out.h*out.w+o] = uint8(tap)
							}
						})
						for o, i := range best {
							dx[i] += dy[o]
						}
					}
				}
				onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
					got, evaluated, gotDx := mapBuffer(out), mapBuffer(out), mapBuffer(in)
					argmax := make([]uint8, BlockedLen(out.n, out.c, out.h, out.w)+2*Block)
					for i := range argmax {
						argmax[i] = 201
					}
					inner := argmax[Block : len(argmax)-Block]
					MaxPool(p, c.w, mapOf(in, x), got, inner)
					MaxPool(p, c.w, mapOf(in, x), evaluated, nil)
					wantSame(t, "y", plainOf(t, got), y)
					wantSame(t, "y without argmax", plainOf(t, evaluated), y)
					for i, want := range taps {
						n, ch, o := i/(out.h*out.w)/out.c, i/(out.h*out.w)%out.c, i%(out.h*out.w)
						if tap := inner[((n*Blocks(out.c)+ch/Block)*out.h*out.w+o)*Block+ch%Block]; tap != want {
							t.Fatalf("image %d, channel %d, window %d: tap %d is the largest, must be %d", n, ch, o, tap, want)
						}
					}
					for _, v := range append(argmax[:Block:Block], argmax[len(argmax)-Block:]...) {
						if v != 201 {
							t.Fatal("wrote around argmax")
						}
					}
					MaxPoolGrad(p, c.w, mapOf(out, dy), inner, gotDx)
					wantNear(t, "dx", plainOf(t, gotDx), dx, 1e-6)
					return append(append(got.Data, evaluated.Data...), gotDx.Data...)
				})
			})
		}
	}
}

// wantSame fails unless got is want, NaN being NaN.
func wantSame(t testing.TB, name string, got, want []float64) {
	t.Helper()
	for i, v := range want {
		if got[i] != v && !(math.IsNaN(v) && math.IsNaN(got[i])) {
			t.Fatalf("%s: element %d is %v, must be %v", name, i, got[i], v)
		}
	}
}

func TestAvgPoolAgreesWithStraightLoops(t *testing.T) {
	for _, c := range poolingCases {
		t.Run(c.name, func(t *testing.T) {
			in, out := c.shape, outOf(c.w, c.shape)
			x, dy := mapRandom(1, in.len(), 0.1), mapRandom(2, out.len(), 0.1)
			y, dx := make([]float64, out.len()), make([]float64, in.len())
			// What to divide by, counted pixel by pixel.
			count := make([]float64, out.h*out.w)
			padded := mapShape{1, 1, in.h + c.w.PadT + c.w.PadB, in.w + c.w.PadL + c.w.PadR}
			if c.w.CountPad {
				bare := c.w
				bare.PadT, bare.PadB, bare.PadL, bare.PadR = 0, 0, 0, 0
				eachTap(bare, padded, out, func(o, _, _ int) { count[o]++ })
			} else {
				eachTap(c.w, in, out, func(o, _, _ int) { count[o]++ })
			}
			for i := range in.n * in.c {
				x, y := in.plane(x, 0, i), out.plane(y, 0, i)
				dx, dy := in.plane(dx, 0, i), out.plane(dy, 0, i)
				eachTap(c.w, in, out, func(o, i, _ int) {
					y[o] += x[i] / count[o]
					dx[i] += dy[o] / count[o]
				})
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got, gotDx := mapBuffer(out), mapBuffer(in)
				AvgPool(p, c.w, mapOf(in, x), got)
				wantNear(t, "y", plainOf(t, got), y, 1e-6)
				AvgPoolGrad(p, c.w, mapOf(out, dy), gotDx)
				wantNear(t, "dx", plainOf(t, gotDx), dx, 1e-6)
				return append(got.Data, gotDx.Data...)
			})
		})
	}
}

func TestGlobalAvgPoolAgreesWithStraightLoops(t *testing.T) {
	for _, s := range []mapShape{{2, 35, 7, 7}, {3, 6, 1, 1}, {2, 17, 23, 31}, {9, 64, 8, 9}} {
		t.Run(s.String(), func(t *testing.T) {
			x, dy := mapRandom(1, s.len(), 3), mapRandom(2, s.n*s.c, 0)
			y, dx := make([]float64, s.n*s.c), make([]float64, s.len())
			for i := range y {
				for j, v := range s.plane(x, 0, i) {
					y[i] += v / float64(s.h*s.w)
					s.plane(dx, 0, i)[j] = dy[i] / float64(s.h*s.w)
				}
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got, gotDx := make([]float32, len(y)), mapBuffer(s)
				GlobalAvgPool(p, mapOf(s, x), got)
				wantNear(t, "y", widen(got), y, 1e-6)
				GlobalAvgPoolGrad(p, narrow(dy), gotDx)
				wantNear(t, "dx", plainOf(t, gotDx), dx, 1e-6)
				return append(got, gotDx.Data...)
			})
		})
	}
}

func TestWindowValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		w    Window
		h, v int
		want string
	}{
		{"no rows", Window{KW: 1, SH: 1, SW: 1}, 4, 4, "window is 0×1"},
		{"no stride", Window{KH: 2, KW: 2, SH: 2}, 4, 4, "stride is 2×0"},
		{"negative padding", Window{KH: 2, KW: 2, SH: 2, SW: 2, PadL: -1}, 4, 4, "must not be negative"},
		{"windows full of padding", Window{KH: 2, KW: 2, SH: 2, SW: 2, PadB: 2}, 4, 4, "must be smaller than the window of 2×2"},
		{"a map that is too small", Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1}, 2, 2, "larger than the map of 2×2"},
		{"more pixels than a byte counts", Window{KH: 16, KW: 17, SH: 1, SW: 1}, 20, 20, "272 pixels, must have at most 256"},
		{"nothing", Window{KH: 16, KW: 16, SH: 1, SW: 1, PadT: 8, PadB: 15}, 20, 20, ""},
	} {
		t.Run("complains about "+c.name, func(t *testing.T) {
			message := ""
			if err := c.w.ValidateMax(c.h, c.v); err != nil {
				message = err.Error()
			}
			if c.want == "" && message != "" || !strings.Contains(message, c.want) {
				t.Errorf("got %q, must say %q", message, c.want)
			}
		})
	}
}

func TestWindowOut(t *testing.T) {
	for _, c := range []struct {
		name    string
		w       Window
		h, wide int
		oh, ow  int
	}{
		{"floor", Window{KH: 3, KW: 3, SH: 2, SW: 2}, 112, 13, 55, 6},
		{"ceil", Window{KH: 3, KW: 3, SH: 2, SW: 2, Ceil: true}, 112, 13, 56, 6},
		{"ceil, and the only window hangs over", Window{KH: 3, KW: 3, SH: 2, SW: 2, Ceil: true}, 2, 4, 1, 2},
		{"ceil, but the last window would start in the padding", Window{KH: 2, KW: 2, SH: 3, SW: 3, PadT: 1, PadB: 1, PadL: 1, PadR: 1, Ceil: true}, 8, 9, 3, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if oh, ow := c.w.Out(c.h, c.wide); oh != c.oh || ow != c.ow {
				t.Errorf("got %d×%d, must be %d×%d", oh, ow, c.oh, c.ow)
			}
		})
	}
}

func TestPoolingAllocatesNothing(t *testing.T) {
	w := Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadL: 1}
	in := mapShape{2, 35, 19, 23}
	out := outOf(w, in)
	x, y, mean := mapBuffer(in), mapBuffer(out), make([]float32, in.n*in.c)
	argmax := make([]uint8, BlockedLen(out.n, out.c, out.h, out.w))
	wantNoAllocation(t, func(p *Pool) {
		AdaptiveAvgPool(p, x, y)
		AdaptiveAvgPoolGrad(p, y, x)
		MaxPool(p, w, x, y, argmax)
		MaxPoolGrad(p, w, y, argmax, x)
		AvgPool(p, w, x, y)
		AvgPoolGrad(p, w, y, x)
		GlobalAvgPool(p, x, mean)
		GlobalAvgPoolGrad(p, mean, x)
	})
}

func TestPoolingRefusesWhatDoesNotFit(t *testing.T) {
	defer func() {
		if message := fmt.Sprint(recover()); !strings.Contains(message, "smaller map is 1×3×4×4, must be 1×3×3×3") {
			t.Errorf("panic says %q", message)
		}
	}()
	p := NewPool(1)
	defer p.Close()
	MaxPool(p, Window{KH: 2, KW: 2, SH: 2, SW: 2}, mapBuffer(mapShape{1, 3, 6, 6}), mapBuffer(mapShape{1, 3, 4, 4}), nil)
}

var poolingBenchmarks = []struct {
	name  string
	shape mapShape
	w     Window
}{
	{"ResNet 64×112×112 3×3 stride 2", mapShape{4, 64, 112, 112}, Window{KH: 3, KW: 3, SH: 2, SW: 2, PadT: 1, PadB: 1, PadL: 1, PadR: 1}},
	{"GoogLeNet 256×28×28 3×3 stride 1", mapShape{8, 256, 28, 28}, Window{KH: 3, KW: 3, SH: 1, SW: 1, PadT: 1, PadB: 1, PadL: 1, PadR: 1}},
	{"VGG 64×112×112 2×2 stride 2", mapShape{4, 64, 112, 112}, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"AlexNet 256×13×13 3×3 stride 2", mapShape{16, 256, 13, 13}, Window{KH: 3, KW: 3, SH: 2, SW: 2}},
	{"excited 1152×7×7 7×7", mapShape{8, 1152, 7, 7}, Window{KH: 7, KW: 7, SH: 7, SW: 7}},
	{"small 128×7×7 2×2 stride 2", mapShape{64, 128, 7, 7}, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
	{"LeNet 6×28×28 2×2 stride 2", mapShape{64, 6, 28, 28}, Window{KH: 2, KW: 2, SH: 2, SW: 2}},
}

func TestAdaptiveAvgPoolAgreesWithStraightLoops(t *testing.T) {
	for _, k := range []struct {
		in     mapShape
		oh, ow int
	}{
		{mapShape{2, 35, 14, 14}, 4, 4}, {mapShape{1, 6, 5, 9}, 3, 2}, {mapShape{1, 17, 10, 3}, 7, 3},
		{mapShape{1, 3, 4, 5}, 1, 1}, {mapShape{2, 16, 3, 2}, 5, 7}, {mapShape{3, 40, 31, 29}, 13, 17},
	} {
		t.Run(fmt.Sprintf("%v to %d×%d", k.in, k.oh, k.ow), func(t *testing.T) {
			in, out := k.in, mapShape{k.in.n, k.in.c, k.oh, k.ow}
			x, dy := mapRandom(1, in.len(), 0), mapRandom(2, out.len(), 0)
			y, dx := make([]float64, out.len()), make([]float64, in.len())
			for plane := range in.n * in.c {
				for i := range out.h {
					for j := range out.w {
						top, bottom := i*in.h/out.h, int(math.Ceil(float64((i+1)*in.h)/float64(out.h)))
						left, right := j*in.w/out.w, int(math.Ceil(float64((j+1)*in.w)/float64(out.w)))
						share := 1 / float64((bottom-top)*(right-left))
						o := (plane*out.h+i)*out.w + j
						for r := top; r < bottom; r++ {
							for c := left; c < right; c++ {
								y[o] += x[(plane*in.h+r)*in.w+c] * share
								dx[(plane*in.h+r)*in.w+c] += dy[o] * share
							}
						}
					}
				}
			}
			onEveryMapFamily(t, func(t *testing.T, p *Pool) []float32 {
				got, grad := mapBuffer(out), mapBuffer(in)
				AdaptiveAvgPool(p, mapOf(in, x), got)
				wantNear(t, "y", plainOf(t, got), y, 1e-6)
				AdaptiveAvgPoolGrad(p, mapOf(out, dy), grad)
				wantNear(t, "dx", plainOf(t, grad), dx, 1e-6)
				return append(got.Data, grad.Data...)
			})
		})
	}
}

func BenchmarkPooling(b *testing.B) {
	for _, c := range poolingBenchmarks {
		in, out := c.shape, outOf(c.w, c.shape)
		x, y := mapOf(in, mapRandom(1, in.len(), 0)), mapOf(out, mapRandom(2, out.len(), 0))
		argmax := make([]uint8, BlockedLen(out.n, out.c, out.h, out.w))
		large, small := float64(4*BlockedLen(in.n, in.c, in.h, in.w)), float64(4*len(argmax))
		benchmarkMap(b, c.name+"/max", large+small*5/4, func(p *Pool) { MaxPool(p, c.w, x, y, argmax) })
		benchmarkMap(b, c.name+"/max in evaluation", large+small, func(p *Pool) { MaxPool(p, c.w, x, y, nil) })
		benchmarkMap(b, c.name+"/average", large+small, func(p *Pool) { AvgPool(p, c.w, x, y) })
		benchmarkMap(b, c.name+"/max gradient", large+small*5/4, func(p *Pool) { MaxPoolGrad(p, c.w, y, argmax, x) })
		benchmarkMap(b, c.name+"/average gradient", large+small, func(p *Pool) { AvgPoolGrad(p, c.w, y, x) })
	}
	in, out := mapShape{8, 512, 14, 14}, mapShape{8, 512, 4, 4}
	x, y := mapOf(in, mapRandom(1, in.len(), 0)), mapOf(out, mapRandom(2, out.len(), 0))
	bytes := float64(4 * (BlockedLen(in.n, in.c, in.h, in.w) + BlockedLen(out.n, out.c, out.h, out.w)))
	benchmarkMap(b, "GoogLeNet's auxiliary heads/adaptive", bytes, func(p *Pool) { AdaptiveAvgPool(p, x, y) })
	benchmarkMap(b, "GoogLeNet's auxiliary heads/adaptive gradient", bytes, func(p *Pool) { AdaptiveAvgPoolGrad(p, y, x) })
}
