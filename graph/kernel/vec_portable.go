package kernel

import "math"

// vecTable is the vector kernels of one family. Each field's meaning is its portable twin.
type vecTable struct {
	relu, reluGrad, add, addReLU, scale, axpy, fill vecKernel
	tanh, tanhGrad, dropout                         vecKernel
	sgd, sgdMomentum, sgdNesterov, adam, ema        vecKernel

	sumSquares func(x *float32, n int) float64
	rowMax     func(x *float32, n int) float32
	rowExp     func(x, y *float32, n int, shift float32) float32
	mulTo      func(y *float32, n int, alpha float32)

	toBlocked, fromBlocked transposer
	copyLanes, addLanes    laneCopier
}

var vecPortable = vecTable{
	relu: reluPortable, reluGrad: reluGradPortable,
	add: addPortable, addReLU: addReLUPortable,
	scale: scalePortable, axpy: axpyPortable, fill: fillPortable,
	tanh: tanhPortable, tanhGrad: tanhGradPortable,
	dropout: dropoutPortable,
	sgd:     sgdPortable, sgdMomentum: sgdMomentumPortable, sgdNesterov: sgdNesterovPortable,
	adam: adamPortable, ema: emaPortable,
	sumSquares: sumSquaresPortable,
	rowMax:     rowMaxPortable, rowExp: rowExpPortable, mulTo: mulToPortable,
	toBlocked: toBlockedPortable, fromBlocked: fromBlockedPortable,
	copyLanes: copyLanesPortable, addLanes: addLanesPortable,
}

func reluPortable(t *vecTask, from, n int) {
	x, y := t.a[from:from+n], t.b[from:from+n]
	for i, v := range x {
		y[i] = max(v, 0) // NaN passes
	}
}

func reluGradPortable(t *vecTask, from, n int) {
	y, dy, dx := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n]
	for i, v := range y {
		d := math.Float32bits(dy[i]) // an integer, since the compiler selects those without a branch
		if v <= 0 {
			d = 0
		}
		dx[i] = math.Float32frombits(d)
	}
}

func addPortable(t *vecTask, from, n int) {
	a, b, y := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n]
	for i, v := range a {
		y[i] = v + b[i]
	}
}

func addReLUPortable(t *vecTask, from, n int) {
	a, b, y := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n]
	for i, v := range a {
		y[i] = max(v+b[i], 0)
	}
}

func scalePortable(t *vecTask, from, n int) {
	x, y, alpha := t.a[from:from+n], t.b[from:from+n], t.s[0]
	for i, v := range x {
		y[i] = alpha * v
	}
}

func axpyPortable(t *vecTask, from, n int) {
	x, y, alpha := t.a[from:from+n], t.b[from:from+n], t.s[0]
	for i, v := range x {
		y[i] += alpha * v
	}
}

func fillPortable(t *vecTask, from, n int) {
	y, value := t.a[from:from+n], t.s[0]
	for i := range y {
		y[i] = value
	}
}

func tanhPortable(t *vecTask, from, n int) {
	x, y, amp, slope := t.a[from:from+n], t.b[from:from+n], t.s[0], t.s[1]
	for i, v := range x {
		y[i] = amp * tanh32(slope*v)
	}
}

func tanhGradPortable(t *vecTask, from, n int) {
	y, dy, dx := t.a[from:from+n], t.b[from:from+n], t.c[from:from+n]
	for i, v := range y {
		dx[i] = dy[i] * (t.s[0] - t.s[1]*v*v)
	}
}

// Constants of the exponential and the hyperbolic tangent: S. Moshier, Cephes library, expf and
// tanhf. ln 2 comes in two parts of which the first has few bits, so that its product with an
// exponent is exact; 1.5·2²³ added to a number and taken off again rounds it to an integer.
const (
	expLow, expHigh       = -104, 88.8 // beyond these the result is 0 and +Inf
	log2e                 = 1.44269504088896341
	ln2High, ln2Low       = 0.693359375, -2.12194440e-4
	roundMagic            = 3 << 22
	exp0, exp1, exp2      = 5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2
	exp3, exp4, exp5      = 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4
	tanhSmall, tanhLarge  = 0.625, 10 // polynomial below the first, ±1 above the second
	tanh0, tanh1, tanh2   = -3.33332819422e-1, 1.33314422036e-1, -5.37397155531e-2
	tanh3, tanh4, bias127 = 2.06390887954e-2, -5.70498872745e-3, 127
)

// exp32 is e^x in float32 arithmetic, with an error below 1.5 units in the last place.
func exp32(x float32) float32 {
	if x < expLow {
		x = expLow
	}
	if x > expHigh {
		x = expHigh
	}
	rounded := x*log2e + roundMagic
	n := int32(math.Float32bits(rounded)) - int32(math.Float32bits(roundMagic))
	f := rounded - roundMagic
	r := x - f*ln2High
	r -= f * ln2Low
	q := (((((exp5*r+exp4)*r+exp3)*r+exp2)*r+exp1)*r + exp0) * r
	e := q*r + r + 1
	// The power of two goes on in two steps, since the exponent runs past both ends of float32's.
	half := n >> 1
	e *= math.Float32frombits(uint32(half+bias127) << 23)
	return e * math.Float32frombits(uint32(n-half+bias127)<<23)
}

// tanh32 is tanh x in float32 arithmetic, with an error below 2 units in the last place.
func tanh32(x float32) float32 {
	const sign = 1 << 31
	bits := math.Float32bits(x)
	a := math.Float32frombits(bits &^ sign)
	var r float32
	if a < tanhSmall {
		s := a * a
		r = ((((tanh4*s+tanh3)*s+tanh2)*s+tanh1)*s+tanh0)*s*a + a
	} else {
		if a > tanhLarge {
			a = tanhLarge
		}
		r = 1 - 2/(exp32(2*a)+1)
	}
	return math.Float32frombits(math.Float32bits(r) | bits&sign)
}
