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
	cycleMemory  = 0.8  // a float of filters, from memory or the outermost cache
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
func (m mapping) minimal() (transforms, products, filters float64) {
	side := func(n int) int { return (n + winogradSide - 1) / winogradSide }
	tiles := float64(m.images * side(m.h) * side(m.w))
	kb, nb := channelSteps(m.inputs / m.groups)
	filters = float64(36 * float64(kb*nb) * float64(simd.Blocks(m.outputs)*Block))
	transforms = float64(tiles * float64(simd.Blocks(m.inputs)*cycleInput+simd.Blocks(m.outputs)*cycleOutput))
	return transforms, float64(tiles * filters / Block), filters
}

// winogradPays reports whether minimal filtering is faster for a forward pass, or a data gradient.
func winogradPays(m mapping, training bool) bool {
	products, filters := m.direct()
	transforms, fewer, larger := m.minimal()
	saved := float64((products - fewer) * cycleProduct)
	if training {
		return transforms+float64(larger*cycleFilter) < saved
	}
	return transforms+float64((larger-filters)*cycleMemory) < saved
}

// winogradGradPays reports whether minimal filtering is faster for a filter gradient. The direct sum
// leaves out the products with the border.
func winogradGradPays(m mapping) bool {
	products, _ := m.direct()
	inside := func(n int) float64 { return float64(3*n-2) / float64(3*n) }
	products = float64(products * inside(m.h) * inside(m.w))
	transforms, fewer, larger := m.minimal()
	return transforms+float64(larger*cycleFilter) < float64((products-fewer)*cycleProduct)
}
