//go:build amd64 && !noasm

package simd

var tables = [...]*Table{Generic: &tableGeneric, AVX2: &tableAVX2, AVX512: &tableAVX512}

// tableAVX2 is the loops of the family.
var tableAVX2 = Table{
	ReLU:        reluAVX2,
	ReLUGrad:    reluGradAVX2,
	Add:         addAVX2,
	AddReLU:     addReLUAVX2,
	Scale:       scaleAVX2,
	Axpy:        axpyAVX2,
	Fill:        fillAVX2,
	Tanh:        tanhAVX2,
	TanhGrad:    tanhGradAVX2,
	SGD:         sgdAVX2,
	SGDMomentum: sgdMomentumAVX2,
	SGDNesterov: sgdNesterovAVX2,
	Adam:        adamAVX2,
	EMA:         emaAVX2,
	Dropout:     dropoutAVX2,
	Activate:    withOwn(activateGeneric, reluAVX2, tanhAVX2), ActivateGrad: withOwn(activateGradGeneric, reluGradAVX2, tanhGradAVX2),
	SumSquares: sumSquaresAVX2,
	RowMax:     rowMaxAVX2,
	RowExp:     rowExpAVX2,
	MulTo:      mulToAVX2,
	addTo:      sumToAVX2, fetch: fetchLines,
	ToBlocked: toBlockedAVX2, FromBlocked: fromBlockedAVX2, CopyLanes: copyLanesAVX2, AddLanes: addLanesAVX2,
	tile: [5][]func(t *byte){
		1: {
			1: tile1x1AVX2, tile2x1AVX2, tile3x1AVX2, tile4x1AVX2, tile5x1AVX2,
			tile6x1AVX2,
		},
	},
	lanes: []func(t *byte){
		1: lanes1AVX2, lanes2AVX2, lanes3AVX2, lanes4AVX2, lanes5AVX2, lanes6AVX2, lanes7AVX2,
	},
	permuted: []func(t *byte){
		1: permuted1AVX2, permuted2AVX2, permuted3AVX2, permuted4AVX2, permuted5AVX2,
	},
	copyPanels: [5]func(n int, src *float32, ld int, dst *float32, step int){1: copy1AVX2, 4: copy4AVX2},
	gather:     gatherAVX2, scatter: scatterAVX2,
	dot: []dotRow{
		1: {1: dot1x1AVX2, 4: dot4x1AVX2, 6: dot6x1AVX2},
		2: {1: dot1x2AVX2, 3: dot3x2AVX2, 4: dot4x2AVX2},
		3: {1: dot1x3AVX2, 2: dot2x3AVX2, 3: dot3x3AVX2},
		4: {1: dot1x4AVX2, 2: dot2x4AVX2},
	},
	mix:    []mixLoop{1: mix1AVX2, mix2AVX2, mix3AVX2, mix4AVX2},
	vector: 32,
	boxes: [6][]boxLoop{
		{box1x0AVX2, box2x0AVX2, box3x0AVX2, box4x0AVX2, box5x0AVX2, box6x0AVX2, box7x0AVX2},
		{box1x1AVX2, box2x1AVX2, box3x1AVX2, box4x1AVX2, box5x1AVX2, box6x1AVX2, box7x1AVX2},
		{box1x2AVX2, box2x2AVX2, box3x2AVX2},
		{box1x3AVX2, box2x3AVX2},
		{box1x4AVX2},
		{box1x5AVX2},
	},
	places: placesAVX2, spreadHalves: spreadHalvesAVX2, gatherHalves: gatherHalvesAVX2,
	winogradInput: winogradInputAVX2, winogradOutput: winogradOutputAVX2, winogradFilter: winogradFilterAVX2,
	winogradOutGrad: winogradOutputGradAVX2, winogradSumGrad: winogradFilterGradAVX2,
	maxArg: maxArgAVX2, maxOnly: maxOnlyAVX2, sumWindows: sumWindowsAVX2, routed: routedAVX2, spread: spreadAVX2,
	sumPixels: sumPixelsAVX2, sumMoments: sumMomentsAVX2,
	normalise:     [2]func(x, y *float32, n int, a *byte){normaliseAVX2, normaliseReLUAVX2},
	normaliseAdd:  [2]func(x, r, y *float32, n int, a *byte){normaliseAddAVX2, normaliseAddReLUAVX2},
	sumGrads:      [2]func(x, dy *float32, n int, a *byte, d, q *float32){sumGradsAVX2, sumGradsReLUAVX2},
	normaliseGrad: [2]func(x, dy, dx *float32, n int, a *byte){normaliseGradAVX2, normaliseGradReLUAVX2},
	lrn5:          lrn5AVX2, lrn5Terms: lrn5TermsAVX2, lrn5Grad: lrn5GradAVX2,
}

// tableAVX512 is the loops of the family.
var tableAVX512 = Table{
	ReLU:        reluAVX512,
	ReLUGrad:    reluGradAVX512,
	Add:         addAVX512,
	AddReLU:     addReLUAVX512,
	Scale:       scaleAVX512,
	Axpy:        axpyAVX512,
	Fill:        fillAVX512,
	Tanh:        tanhAVX512,
	TanhGrad:    tanhGradAVX512,
	SGD:         sgdAVX512,
	SGDMomentum: sgdMomentumAVX512,
	SGDNesterov: sgdNesterovAVX512,
	Adam:        adamAVX512,
	EMA:         emaAVX512,
	Dropout:     dropoutAVX512,
	Activate:    withOwn(activateGeneric, reluAVX512, tanhAVX512), ActivateGrad: withOwn(activateGradGeneric, reluGradAVX512, tanhGradAVX512),
	SumSquares: sumSquaresAVX512,
	RowMax:     rowMaxAVX512,
	RowExp:     rowExpAVX512,
	MulTo:      mulToAVX512,
	addTo:      sumToAVX512, fetch: fetchLines,
	ToBlocked: toBlockedAVX512, FromBlocked: fromBlockedAVX512, CopyLanes: copyLanesAVX512, AddLanes: addLanesAVX512,
	tile: [5][]func(t *byte){
		1: {
			1: tile1x1AVX512, tile2x1AVX512, tile3x1AVX512, tile4x1AVX512, tile5x1AVX512,
			tile6x1AVX512, tile7x1AVX512, tile8x1AVX512, tile9x1AVX512, tile10x1AVX512,
			tile11x1AVX512, tile12x1AVX512, tile13x1AVX512, tile14x1AVX512, tile15x1AVX512,
			tile16x1AVX512, tile17x1AVX512, tile18x1AVX512, tile19x1AVX512, tile20x1AVX512,
		},
		2: {
			1: tile1x2AVX512, tile2x2AVX512, tile3x2AVX512, tile4x2AVX512, tile5x2AVX512,
			tile6x2AVX512, tile7x2AVX512, tile8x2AVX512, tile9x2AVX512, tile10x2AVX512,
			tile11x2AVX512, tile12x2AVX512, tile13x2AVX512, tile14x2AVX512,
		},
		3: {
			1: tile1x3AVX512, tile2x3AVX512, tile3x3AVX512, tile4x3AVX512, tile5x3AVX512,
			tile6x3AVX512, tile7x3AVX512, tile8x3AVX512,
		},
		4: {
			1: tile1x4AVX512, tile2x4AVX512, tile3x4AVX512, tile4x4AVX512, tile5x4AVX512,
			tile6x4AVX512,
		},
	},
	lanes: []func(t *byte){
		1: lanes1AVX512, lanes2AVX512, lanes3AVX512, lanes4AVX512, lanes5AVX512, lanes6AVX512, lanes7AVX512,
		lanes8AVX512, lanes9AVX512, lanes10AVX512, lanes11AVX512, lanes12AVX512, lanes13AVX512, lanes14AVX512,
		lanes15AVX512, lanes16AVX512, lanes17AVX512, lanes18AVX512, lanes19AVX512, lanes20AVX512, lanes21AVX512,
		lanes22AVX512, lanes23AVX512, lanes24AVX512, lanes25AVX512, lanes26AVX512, lanes27AVX512, lanes28AVX512,
	},
	permuted: []func(t *byte){
		1: permuted1AVX512, permuted2AVX512, permuted3AVX512, permuted4AVX512, permuted5AVX512, permuted6AVX512, permuted7AVX512,
		permuted8AVX512, permuted9AVX512, permuted10AVX512, permuted11AVX512, permuted12AVX512, permuted13AVX512, permuted14AVX512,
		permuted15AVX512, permuted16AVX512, permuted17AVX512, permuted18AVX512, permuted19AVX512, permuted20AVX512, permuted21AVX512,
		permuted22AVX512, permuted23AVX512, permuted24AVX512,
	},
	copyPanels: [5]func(n int, src *float32, ld int, dst *float32, step int){1: copy1AVX512, 4: copy4AVX512},
	gather:     gatherAVX512, scatter: scatterAVX512,
	dot: []dotRow{
		1: {1: dot1x1AVX512, 8: dot8x1AVX512},
		2: {1: dot1x2AVX512, 8: dot8x2AVX512},
		3: {1: dot1x3AVX512, 6: dot6x3AVX512, 8: dot8x3AVX512},
		4: {1: dot1x4AVX512, 5: dot5x4AVX512, 6: dot6x4AVX512},
		5: {1: dot1x5AVX512, 4: dot4x5AVX512, 5: dot5x5AVX512},
		6: {1: dot1x6AVX512, 3: dot3x6AVX512, 4: dot4x6AVX512},
		7: {1: dot1x7AVX512, 3: dot3x7AVX512},
		8: {1: dot1x8AVX512, 3: dot3x8AVX512},
	},
	mix:    []mixLoop{1: mix1AVX512, mix2AVX512, mix3AVX512, mix4AVX512, mix5AVX512, mix6AVX512, mix7AVX512, mix8AVX512},
	vector: 64,
	boxes: [6][]boxLoop{
		{box1x0AVX512, box2x0AVX512, box3x0AVX512, box4x0AVX512, box5x0AVX512, box6x0AVX512, box7x0AVX512, box8x0AVX512},
		{box1x1AVX512, box2x1AVX512, box3x1AVX512, box4x1AVX512, box5x1AVX512, box6x1AVX512, box7x1AVX512, box8x1AVX512},
		{box1x2AVX512, box2x2AVX512, box3x2AVX512, box4x2AVX512, box5x2AVX512, box6x2AVX512, box7x2AVX512, box8x2AVX512},
		{box1x3AVX512, box2x3AVX512, box3x3AVX512, box4x3AVX512, box5x3AVX512, box6x3AVX512, box7x3AVX512, box8x3AVX512},
		{box1x4AVX512, box2x4AVX512, box3x4AVX512, box4x4AVX512, box5x4AVX512, box6x4AVX512, box7x4AVX512},
		{box1x5AVX512, box2x5AVX512, box3x5AVX512, box4x5AVX512, box5x5AVX512},
	},
	places: placesAVX512, spreadHalves: spreadHalvesAVX512, gatherHalves: gatherHalvesAVX512,
	winogradInput: winogradInputAVX512, winogradOutput: winogradOutputAVX512, winogradFilter: winogradFilterAVX512,
	winogradOutGrad: winogradOutputGradAVX512, winogradSumGrad: winogradFilterGradAVX512,
	maxArg: maxArgAVX512, maxOnly: maxOnlyAVX512, sumWindows: sumWindowsAVX512, routed: routedAVX512, spread: spreadAVX512,
	sumPixels: sumPixelsAVX512, sumMoments: sumMomentsAVX512,
	normalise:     [2]func(x, y *float32, n int, a *byte){normaliseAVX512, normaliseReLUAVX512},
	normaliseAdd:  [2]func(x, r, y *float32, n int, a *byte){normaliseAddAVX512, normaliseAddReLUAVX512},
	sumGrads:      [2]func(x, dy *float32, n int, a *byte, d, q *float32){sumGradsAVX512, sumGradsReLUAVX512},
	normaliseGrad: [2]func(x, dy, dx *float32, n int, a *byte){normaliseGradAVX512, normaliseGradReLUAVX512},
	lrn5:          lrn5AVX512, lrn5Terms: lrn5TermsAVX512, lrn5Grad: lrn5GradAVX512,
}

// withOwn returns the loops with the family's own ReLU and tanh.
func withOwn(all [ActivationKinds]Elementwise, relu, tanh Elementwise) [ActivationKinds]Elementwise {
	all[ReLUKind], all[TanhKind] = relu, tanh
	return all
}
