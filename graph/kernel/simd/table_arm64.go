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
	t.addTo, t.fetch, t.stream = addToNEON, fetchNEON, streamNEON
	t.ToBlocked, t.FromBlocked, t.CopyLanes, t.AddLanes = toBlockedNEON, fromBlockedNEON, copyLanesNEON, addLanesNEON
	t.tile = [5][]func(t *byte){
		1: {1: tile1x1NEON, tile2x1NEON, tile3x1NEON, tile4x1NEON, tile5x1NEON, tile6x1NEON},
	}
	t.lanes = []func(t *byte){1: lanes1NEON, lanes2NEON, lanes3NEON, lanes4NEON, lanes5NEON, lanes6NEON}
	t.permuted = []func(t *byte){1: permuted1NEON, permuted2NEON, permuted3NEON, permuted4NEON, permuted5NEON}
	t.copyPanels = [5]func(n int, src *float32, ld int, dst *float32, step int){1: copy1NEON, 4: copy4NEON}
	t.gather, t.scatter = gatherNEON, scatterNEON
	t.winograd = [3]transforms{
		F43: {winogradInputNEON, winogradOutputNEON, winogradFilterNEON},
		F23: {winograd23InputNEON, winograd23OutputNEON, winograd23FilterNEON},
		F25: {winograd25InputNEON, winograd25OutputNEON, winograd25FilterNEON},
	}
	t.winogradOutGrad, t.winogradSumGrad = winogradOutputGradNEON, winogradFilterGradNEON
	t.dot = []dotRow{
		1: {1: dot1x1NEON, 8: dot8x1NEON},
		2: {1: dot1x2NEON, 8: dot8x2NEON},
		3: {1: dot1x3NEON, 6: dot6x3NEON, 8: dot8x3NEON},
		4: {1: dot1x4NEON, 5: dot5x4NEON, 6: dot6x4NEON},
		5: {1: dot1x5NEON, 4: dot4x5NEON, 5: dot5x5NEON},
		6: {1: dot1x6NEON, 4: dot4x6NEON},
	}
	t.halfDot = []halfDotRow{
		1: {1: halfDot1x1NEON, 8: halfDot8x1NEON},
		2: {1: halfDot1x2NEON, 8: halfDot8x2NEON},
		3: {1: halfDot1x3NEON, 6: halfDot6x3NEON, 8: halfDot8x3NEON},
		4: {1: halfDot1x4NEON, 5: halfDot5x4NEON, 6: halfDot6x4NEON},
		5: {1: halfDot1x5NEON, 4: halfDot4x5NEON, 5: halfDot5x5NEON},
		6: {1: halfDot1x6NEON, 4: halfDot4x6NEON},
	}
	t.narrow = narrowNEON
	t.mix = []mixLoop{1: mix1NEON, mix2NEON, mix3NEON, mix4NEON, mix5NEON, mix6NEON}
	t.vector = 16
	t.boxes = [6][]boxLoop{
		{box1x0NEON, box2x0NEON, box3x0NEON, box4x0NEON, box5x0NEON, box6x0NEON, box7x0NEON},
		{box1x1NEON, box2x1NEON, box3x1NEON, box4x1NEON, box5x1NEON, box6x1NEON, box7x1NEON},
		{box1x2NEON, box2x2NEON, box3x2NEON},
		{box1x3NEON, box2x3NEON},
		{box1x4NEON},
		{box1x5NEON},
	}
	t.places, t.spreadHalves, t.gatherHalves = placesNEON, spreadHalvesNEON, gatherHalvesNEON
	t.maxArg, t.maxOnly, t.unpool, t.sumWindows, t.routed, t.spread = maxArgNEON, maxOnlyNEON, unpoolNEON, sumWindowsNEON, routedNEON, spreadNEON
	t.sumPixels, t.sumMoments = sumPixelsNEON, sumMomentsNEON
	t.normalise = [3]func(x, y *float32, n int, a *byte){normaliseNEON, normaliseReLUNEON, normaliseReLU6NEON}
	t.normaliseAdd = [3]func(x, r, y *float32, n int, a *byte){normaliseAddNEON, normaliseAddReLUNEON, normaliseAddReLU6NEON}
	t.sumGrads = [3]func(x, dy *float32, n int, a *byte, d, q *float32){sumGradsNEON, sumGradsReLUNEON, sumGradsReLU6NEON}
	t.normaliseGrad = [3]func(x, dy, dx *float32, n int, a *byte){normaliseGradNEON, normaliseGradReLUNEON, normaliseGradReLU6NEON}
	t.sumLanes, t.layerMoments, t.layerNormalise = sumLanesNEON, layerMomentsNEON, layerNormaliseNEON
	t.layerSums, t.layerGrad = layerSumsNEON, layerGradNEON
	t.lrn5, t.lrn5Terms, t.lrn5Grad = lrn5NEON, lrn5TermsNEON, lrn5GradNEON
	return t
}()
