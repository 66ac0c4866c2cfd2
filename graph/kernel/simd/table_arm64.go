//go:build arm64 && !noasm

package simd

var tables = [...]*Table{Generic: &tableGeneric, NEON: &tableNEON}

// tableNEON is the loops of the family.
var tableNEON = func() Table {
	t := tableGeneric
	t.ReLU, t.ReLUGrad, t.Add, t.AddReLU, t.Scale, t.Axpy, t.Fill = reluNEON, reluGradNEON, addNEON, addReLUNEON, scaleNEON, axpyNEON, fillNEON
	t.Tanh, t.TanhGrad = tanhNEON, tanhGradNEON
	t.SGD, t.SGDMomentum, t.SGDNesterov, t.Adam, t.EMA = sgdNEON, sgdMomentumNEON, sgdNesterovNEON, adamNEON, emaNEON
	t.Dropout = dropoutNEON
	t.Activate = [ActivationKinds]Elementwise{
		IdentityKind:    activateGeneric[IdentityKind],
		ReLUKind:        reluNEON,
		TanhKind:        tanhNEON,
		ReLU6Kind:       relu6NEON,
		LeakyReLUKind:   leakyReLUNEON,
		SigmoidKind:     sigmoidNEON,
		HardSigmoidKind: hardSigmoidNEON,
		HardSwishKind:   hardSwishNEON,
		SiLUKind:        siluNEON,
		GELUKind:        geluNEON,
	}
	t.ActivateGrad = [ActivationKinds]Elementwise{
		IdentityKind:    activateGradGeneric[IdentityKind],
		ReLUKind:        reluGradNEON,
		TanhKind:        tanhGradNEON,
		ReLU6Kind:       relu6GradNEON,
		LeakyReLUKind:   leakyReLUGradNEON,
		SigmoidKind:     sigmoidGradNEON,
		HardSigmoidKind: hardSigmoidGradNEON,
		HardSwishKind:   hardSwishGradNEON,
		SiLUKind:        siluGradNEON,
		GELUKind:        geluGradNEON,
	}
	t.SumSquares, t.RowMax, t.RowExp, t.MulTo = sumSquaresNEON, rowMaxNEON, rowExpNEON, mulToNEON
	t.addTo, t.fetch = addToNEON, fetchNEON
	t.ToBlocked, t.FromBlocked, t.CopyLanes, t.AddLanes = toBlockedNEON, fromBlockedNEON, copyLanesNEON, addLanesNEON
	t.tile = [5][]func(t *byte){
		1: {1: tile1x1NEON, tile2x1NEON, tile3x1NEON, tile4x1NEON, tile5x1NEON, tile6x1NEON},
	}
	t.copyPanels = [5]func(n int, src *float32, ld int, dst *float32, step int){1: copy1NEON, 4: copy4NEON}
	t.gather, t.scatter = gatherNEON, scatterNEON
	t.winogradInput, t.winogradOutput, t.winogradFilter = winogradInputNEON, winogradOutputNEON, winogradFilterNEON
	t.winogradOutGrad, t.winogradSumGrad = winogradOutputGradNEON, winogradFilterGradNEON
	return t
}()
