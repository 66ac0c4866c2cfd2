package simd

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Seventeen channels are two blocks; images may lie farther apart than they are long.
func TestBlockedBatchesLieAsTheyAreDescribed(t *testing.T) {
	for _, c := range []struct{ channels, blocks int }{{0, 0}, {1, 1}, {15, 1}, {16, 1}, {17, 2}, {32, 2}, {33, 3}} {
		if got := Blocks(c.channels); got != c.blocks {
			t.Errorf("%d channels are %d blocks, should be %d", c.channels, got, c.blocks)
		}
	}
	if got := BlockedLen(2, 17, 3, 5); got != 2*2*3*5*16 {
		t.Errorf("2×17×3×5 has %d floats, should have 960", got)
	}
	data := make([]float32, 1100)
	for i := range data {
		data[i] = float32(i)
	}
	a := NewAct(data, 2, 17, 3, 5)
	if a.Stride != 480 || a.N != 2 || a.C != 17 || a.H != 3 || a.W != 5 {
		t.Errorf("%d×%d×%d×%d with stride %d", a.N, a.C, a.H, a.W, a.Stride)
	}
	for _, stride := range []int{480, 600} {
		a.Stride = stride
		for i, from := range []int{0, 240, stride, stride + 240} {
			if p := a.Plane(i); len(p) != 240 || cap(p) != 240 || p[0] != float32(from) {
				t.Errorf("stride %d: plane %d has %d floats from %v, should have 240 from %d", stride, i, len(p), p[0], from)
			}
		}
	}
	for name, c := range map[string]struct {
		a    Act
		want string // of the error, empty for none
	}{
		"as long as needed":  {Act{make([]float32, 960), 2, 17, 3, 5, 480}, ""},
		"a float too few":    {Act{make([]float32, 959), 2, 17, 3, 5, 480}, "blocked batch 2×17×3×5 with stride 480 has 959 floats, want 960"},
		"far apart":          {Act{make([]float32, 1080), 2, 17, 3, 5, 600}, ""},
		"far apart, too few": {Act{make([]float32, 1079), 2, 17, 3, 5, 600}, "has 1079 floats, want 1080"},
		"over each other":    {Act{make([]float32, 960), 2, 17, 3, 5, 479}, "blocked batch 2×17×3×5 with stride 479"},
		"one alone":          {Act{make([]float32, 480), 1, 17, 3, 5, 0}, ""},
		"none":               {Act{nil, 0, 17, 3, 5, 480}, ""},
		"a negative number":  {Act{nil, -1, 17, 3, 5, 480}, "blocked batch -1×17×3×5"},
		"negative channels":  {Act{nil, 1, -1, 3, 5, 480}, "blocked batch 1×-1×3×5"},
		"a negative height":  {Act{nil, 1, 17, -3, 5, 480}, "blocked batch 1×17×-3×5"},
		"a negative width":   {Act{nil, 1, 17, 3, -5, 480}, "blocked batch 1×17×3×-5"},
	} {
		if err := c.a.Validate(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, should say %q", name, err, c.want)
		}
	}
}

func TestActivationsSayWhatTheyAre(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		a                     Activation
		name, bad             string
		fromResult, keepsZero bool
	}{
		{Activation{}, "identity", "", true, true},
		{Activation{Kind: ReLUKind}, "relu", "", true, true},
		{Activation{Kind: ReLU6Kind}, "relu6", "", true, true},
		{Activation{Kind: LeakyReLUKind, Slope: 0.1}, "leaky relu 0.1", "", true, true},
		{Activation{Kind: LeakyReLUKind}, "leaky relu 0", "", true, true},
		{Activation{Kind: LeakyReLUKind, Slope: -0.1}, "leaky relu -0.1", "", false, true},
		{Activation{Kind: LeakyReLUKind, Slope: inf}, "leaky relu +Inf", "it must be finite", true, true},
		{Activation{Kind: SigmoidKind}, "sigmoid", "", true, false},
		{Activation{Kind: TanhKind, Amp: 1, Slope: 1}, "tanh", "", true, true},
		{Activation{Kind: TanhKind, Amp: 1.7159, Slope: 0.5}, "1.7159·tanh(0.5·x)", "", true, true},
		{Activation{Kind: TanhKind, Slope: 1}, "0·tanh(1·x)", "the amplitude must not be 0", true, true},
		{Activation{Kind: TanhKind, Amp: inf, Slope: 1}, "+Inf·tanh(1·x)", "both must be finite", true, true},
		{Activation{Kind: TanhKind, Amp: 1, Slope: inf}, "1·tanh(+Inf·x)", "both must be finite", true, true},
		{Activation{Kind: HardSigmoidKind}, "hard-sigmoid", "", false, false},
		{Activation{Kind: HardSwishKind}, "hard-swish", "", false, true},
		{Activation{Kind: SiLUKind}, "silu", "", false, true},
		{Activation{Kind: GELUKind}, "gelu", "", false, true},
		{Activation{Kind: GELUKind, Slope: 1}, "gelu", "gelu has no amplitude 0 and slope 1", false, true},
		{Activation{Kind: LeakyReLUKind, Amp: 1}, "leaky relu 0", "leaky relu has no amplitude 1 and slope 0", true, true},
		{Activation{Kind: ActivationKinds}, "activation 10", "there is no activation 10", false, true},
	} {
		if got := c.a.String(); got != c.name {
			t.Errorf("%q, should be %q", got, c.name)
		}
		if err := c.a.Validate(); (err == nil) != (c.bad == "") || err != nil && !strings.Contains(err.Error(), c.bad) {
			t.Errorf("%s: error %v, should say %q", c.name, err, c.bad)
		}
		if got := c.a.GradFromResult(); got != c.fromResult {
			t.Errorf("%s: its gradient is found from its result: %v", c.name, got)
		}
		if got := c.a.KeepsZero(); got != c.keepsZero {
			t.Errorf("%s: it keeps zero: %v", c.name, got)
		}
	}
}

// Lanes beyond the last channel stay zeros, whatever the function of zero is.
func TestPixelsAreActivatedInTheirChannels(t *testing.T) {
	pixels := func() []float32 {
		p := make([]float32, 2*Block)
		for i := range 3 {
			p[i], p[Block+i] = float32(i-1), float32(2-i)
		}
		return p
	}
	for name, c := range map[string]struct {
		a    Activation
		want func(x float32) float32
	}{
		"identity":     {Activation{}, func(x float32) float32 { return x }},
		"relu":         {Activation{Kind: ReLUKind}, func(x float32) float32 { return max(x, 0) }},
		"hard-sigmoid": {Activation{Kind: HardSigmoidKind}, func(x float32) float32 { return (x + 3) / 6 }},
	} {
		got, want := pixels(), make([]float32, 2*Block)
		for i, x := range pixels() {
			if i%Block < 3 {
				want[i] = c.want(x)
			}
		}
		ActivatePixels(c.a, got, 3)
		if !slices.EqualFunc(got, want, func(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-6 && (b != 0 || a == 0) }) {
			t.Errorf("%s: %v, should be %v", name, got, want)
		}
	}
}
