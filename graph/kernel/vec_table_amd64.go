//go:build amd64 && !noasm

package kernel

//go:generate go -C gen run ./vec -out ../vec_amd64.s -stubs ../vec_stub_amd64.go -pkg kernel

var vecTables = [...]vecTable{
	Portable: vecPortable,
	AVX2: {
		relu: elementwise(reluAVX2), reluGrad: elementwise(reluGradAVX2),
		add: elementwise(addAVX2), addReLU: elementwise(addReLUAVX2),
		scale: elementwise(scaleAVX2), axpy: elementwise(axpyAVX2), fill: elementwise(fillAVX2),
		tanh: elementwise(tanhAVX2), tanhGrad: elementwise(tanhGradAVX2),
		dropout: numbered(dropoutAVX2),
		sgd:     elementwise(sgdAVX2), sgdMomentum: elementwise(sgdMomentumAVX2), sgdNesterov: elementwise(sgdNesterovAVX2),
		adam: elementwise(adamAVX2), ema: elementwise(emaAVX2),
		sumSquares: sumSquaresAVX2,
		rowMax:     rowMaxAVX2, rowExp: rowExpAVX2, mulTo: mulToAVX2,
		toBlocked: toBlockedAVX2, fromBlocked: fromBlockedAVX2,
		copyLanes: copyLanesAVX2, addLanes: addLanesAVX2,
	},
	AVX512: {
		relu: elementwise(reluAVX512), reluGrad: elementwise(reluGradAVX512),
		add: elementwise(addAVX512), addReLU: elementwise(addReLUAVX512),
		scale: elementwise(scaleAVX512), axpy: elementwise(axpyAVX512), fill: elementwise(fillAVX512),
		tanh: elementwise(tanhAVX512), tanhGrad: elementwise(tanhGradAVX512),
		dropout: numbered(dropoutAVX512),
		sgd:     elementwise(sgdAVX512), sgdMomentum: elementwise(sgdMomentumAVX512), sgdNesterov: elementwise(sgdNesterovAVX512),
		adam: elementwise(adamAVX512), ema: elementwise(emaAVX512),
		sumSquares: sumSquaresAVX512,
		rowMax:     rowMaxAVX512, rowExp: rowExpAVX512, mulTo: mulToAVX512,
		toBlocked: toBlockedAVX512, fromBlocked: fromBlockedAVX512,
		copyLanes: copyLanesAVX512, addLanes: addLanesAVX512,
	},
}

// elementwise makes a kernel of an assembly function on operands and scalars.
func elementwise(f func(a, b, c, d, s *float32, n int)) vecKernel {
	return func(t *vecTask, from, n int) {
		f(start(t.a, from), start(t.b, from), start(t.c, from), start(t.d, from), &t.s[0], n)
	}
}

// numbered makes a kernel of an assembly function that wants to know the elements' numbers.
func numbered(f func(x, y, s *float32, k *uint32, from, n int)) vecKernel {
	return func(t *vecTask, from, n int) {
		f(start(t.a, from), start(t.b, from), &t.s[0], &t.k[0], from, n)
	}
}

// start returns where element from lies, nil for an operand that the kernel has not.
func start(x []float32, from int) *float32 {
	if x == nil {
		return nil
	}
	return &x[from]
}
