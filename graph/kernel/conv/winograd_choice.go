package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// Which algorithm is faster is a matter of shape: minimal filtering saves up to three quarters of the
// products, and pays for it with the transforms, with tiles that reach over the border, and with
// filters four times as large on their way from memory. The costs are in cycles of one AVX-512 core,
// fitted to measured times; other processors have much the same ratios. Packing is done once for evaluation,
// and not counted; in training filters are transformed for each pass, and stay in the cache.
const (
	cycleProduct = 0.55 // a multiply-add of sixteen lanes
	cycleInput   = 130  // to transform a tile of sixteen input channels
	cycleOutput  = 120  // and of results
	cycleInput2  = 40   // the same for tiles of 2×2 pixels
	cycleOutput2 = 30
	cycleMemory  = 0.48 // a float of filters, from memory or the outermost cache
	cycleFilter  = 0.5  // a float of filters to transform, or to transform back
)

// A mapping is the shape of a matrix of filters, and the pixels that it maps.
type mapping struct {
	images, h, w    int // output map
	inputs, outputs int
	groups          int
}

// direct returns the products of the direct sum, each of sixteen lanes, and the filters.
func (m mapping) direct() (products, filters float64) {
	filters = float64(9 * float64(m.inputs) / float64(m.groups) * float64(m.outputs))
	lanes := float64(simd.Blocks(m.outputs)*Block) / float64(m.outputs)
	return float64(float64(m.images*m.h*m.w) * filters * lanes / Block), filters
}

// minimal returns the cycles of the transforms, the products and the transformed filters.
func (m mapping) minimal(side int) (transforms, products, filters float64) {
	input, output := cycleInput, cycleOutput
	if side == winogradSmall {
		input, output = cycleInput2, cycleOutput2
	}
	tiles := float64(m.images * ceil(m.h, side) * ceil(m.w, side))
	kb, nb := channelSteps(m.inputs / m.groups)
	filters = float64(float64((side+2)*(side+2)) * float64(kb*nb) * float64(simd.Blocks(m.outputs)*Block))
	transforms = float64(tiles * float64(simd.Blocks(m.inputs)*input+simd.Blocks(m.outputs)*output))
	return transforms, float64(tiles * filters / Block), filters
}

// winogradSide returns the side of the tiles by which a forward pass, or a data gradient, is fastest; 0 if that is the
// direct sum. In training there are large ones only.
func winogradSide(m mapping, training bool) int {
	if training {
		products, _ := m.direct()
		transforms, fewer, larger := m.minimal(winogradLarge)
		if transforms+float64(larger*cycleFilter) < float64((products-fewer)*cycleProduct) {
			return winogradLarge
		}
		return 0
	}
	best, least := 0, 0.
	for _, side := range []int{0, winogradLarge, winogradSmall} {
		var transforms, products, filters float64
		if side == 0 {
			products, filters = m.direct()
		} else {
			transforms, products, filters = m.minimal(side)
		}
		if cost := transforms + together(float64(products*cycleProduct), float64(filters*cycleMemory)); side == 0 || cost < least {
			best, least = side, cost
		}
	}
	return best
}

// together returns the cycles of multiplying and of reading filters, most of which goes on meanwhile.
func together(products, reading float64) float64 {
	return max(products, reading) + float64(min(products, reading)/4)
}

// winogradGradPays reports whether minimal filtering is faster for a filter gradient. The direct sum
// leaves out the products with the border.
func winogradGradPays(m mapping) bool {
	products, _ := m.direct()
	inside := func(n int) float64 { return float64(3*n-2) / float64(3*n) }
	products = float64(products * inside(m.h) * inside(m.w))
	transforms, fewer, larger := m.minimal(winogradLarge)
	return transforms+float64(larger*cycleFilter) < float64((products-fewer)*cycleProduct)
}
