package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// strided returns an act whose images lie in a guarded buffer with gaps between them, all canaries.
func strided(n, c, h, w, gap int) (Act, guarded) {
	stride := Blocks(c)*h*w*Block + gap
	g := newGuarded(max(0, n*stride-gap))
	return Act{Data: g.v, N: n, C: c, H: h, W: w, Stride: stride}, g
}

// floatAt returns the index of channel c of pixel i of an image.
func floatAt(a Act, image, c, i int) int {
	return image*a.Stride + (c/Block*a.H*a.W+i)*Block + c%Block
}

func TestToAndFromBlocked(t *testing.T) {
	for _, s := range []struct{ n, c, h, w, gap int }{
		{1, 1, 1, 1, 0}, {2, 3, 5, 7, 0}, {1, 16, 4, 4, 0}, {3, 17, 3, 3, 48}, {2, 33, 7, 7, 16}, {1, 5, 1, 40, 0},
		{1, 15, 2, 16, 0}, {2, 64, 13, 13, 0}, {1, 3, 227, 227, 0}, {5, 96, 17, 31, 32}, {0, 3, 4, 4, 0}, {2, 3, 0, 4, 0}, {1, 20, 41, 25, 0},
	} {
		t.Run(fmt.Sprintf("%d×%d×%d×%d with a gap of %d", s.n, s.c, s.h, s.w, s.gap), func(t *testing.T) {
			onFamilies(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(1, 2))
				p := testPool(t, 2)
				plain, back := newGuarded(s.n*s.c*s.h*s.w), newGuarded(s.n*s.c*s.h*s.w)
				fillNormal(r, plain.v)
				act, g := strided(s.n, s.c, s.h, s.w, s.gap)
				want := slices.Clone(g.v)
				for image := range s.n {
					for c := range Blocks(s.c) * Block {
						for i := range s.h * s.w {
							v := float32(0)
							if c < s.c {
								v = plain.v[(image*s.c+c)*s.h*s.w+i]
							}
							want[floatAt(act, image, c, i)] = v
						}
					}
				}
				ToBlocked(p, plain.v, act)
				g.check(t, "ToBlocked")
				if !sameBits(g.v, want) {
					t.Error("the blocked batch is wrong")
				}
				FromBlocked(p, act, back.v)
				back.check(t, "FromBlocked")
				if !sameBits(back.v, plain.v) {
					t.Error("the plain batch does not come back")
				}
			})
		})
	}
}

func TestCopyChannels(t *testing.T) {
	for _, s := range []struct{ n, h, w, srcC, from, dstC, to, channels int }{
		{2, 3, 5, 32, 0, 64, 32, 32}, {2, 3, 5, 48, 16, 48, 0, 16}, {1, 7, 7, 20, 16, 100, 96, 4}, {2, 5, 5, 40, 3, 50, 7, 30},
		{1, 4, 4, 17, 0, 33, 16, 17}, {1, 2, 2, 3, 1, 3, 0, 2}, {2, 30, 31, 64, 0, 80, 8, 64}, {1, 3, 3, 16, 0, 16, 0, 0}, {2, 40, 41, 96, 32, 64, 0, 64},
	} {
		for _, accumulate := range []bool{false, true} {
			t.Run(fmt.Sprintf("%+v, accumulate %v", s, accumulate), func(t *testing.T) {
				onFamilies(t, func(t *testing.T) {
					r := rand.New(rand.NewPCG(3, 4))
					src, _ := strided(s.n, s.srcC, s.h, s.w, 16)
					fillNormal(r, src.Data)
					dst, g := strided(s.n, s.dstC, s.h, s.w, 32)
					fillNormal(r, dst.Data)
					start := slices.Clone(dst.Data)
					want := slices.Clone(dst.Data)
					for image := range s.n {
						for c := range s.channels {
							for i := range s.h * s.w {
								v := src.Data[floatAt(src, image, s.from+c, i)]
								if accumulate {
									v += start[floatAt(dst, image, s.to+c, i)]
								}
								want[floatAt(dst, image, s.to+c, i)] = v
							}
						}
					}
					for _, threads := range []int{1, 2} {
						copy(dst.Data, start)
						CopyChannels(testPool(t, threads), src, s.from, dst, s.to, s.channels, accumulate)
						g.check(t, "CopyChannels")
						if !sameBits(dst.Data, want) {
							t.Fatalf("wrong on %d threads", threads)
						}
					}
				})
			})
		}
	}
}
