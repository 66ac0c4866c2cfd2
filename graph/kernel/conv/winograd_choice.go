package conv

import "github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"

// Which algorithm is faster is a matter of shape: minimal filtering saves up to three quarters of the
// products, and pays for it with the transforms, with tiles that reach over the border, and with
// filters four times as large on their way from memory. The costs are in cycles of one AVX-512 core,
// fitted to measured times; other processors have much the same ratios. Packing is done once for evaluation,
// and not counted; in training filters are transformed for each pass, and stay in the cache.
const (
	cycleProduct = 0.55 // a multiply-add of sixteen lanes
	cycleMemory  = 0.48 // a float of filters, from memory or the outermost cache
	cycleCall    = 2000 // to begin and end a call, beyond what the direct sum takes
	cycleFilter  = 0.5  // a float of filters to transform, or to transform back
)

// cycleTile is what it takes to transform a tile of sixteen input channels, and of results.
var cycleTile = [...]struct{ input, output int }{simd.F43: {130, 120}, simd.F23: {40, 30}, simd.F25: {130, 60}}

// A mapping is the shape of a matrix of filters, and the pixels that it maps.
type mapping struct {
	images, h, w    int // output map
	inputs, outputs int
	groups          int
	taps            int // pixels of a filter's side
}

// forwardMapping is what a convolution maps, gradMapping what its data gradient does.
func forwardMapping(s Shape) mapping {
	return mapping{images: s.N, h: s.OutH(), w: s.OutW(), inputs: s.C, outputs: s.F, groups: s.Groups, taps: s.KH}
}

func gradMapping(s Shape) mapping {
	return mapping{images: s.N, h: s.H, w: s.W, inputs: s.F, outputs: s.C, groups: s.Groups, taps: s.KH}
}

// direct returns the products of the direct sum, each of sixteen lanes, and the filters.
func (m mapping) direct() (products, filters float64) {
	filters = float64(float64(m.taps*m.taps) * float64(m.inputs) / float64(m.groups) * float64(m.outputs))
	lanes := float64(simd.Blocks(m.outputs)*Block) / float64(m.outputs)
	return float64(float64(m.images*m.h*m.w) * filters * lanes / Block), filters
}

// minimal returns the cycles of the transforms, the products and the transformed filters.
func (m mapping) minimal(form simd.Winograd) (transforms, products, filters float64) {
	side, reach := form.Side(), form.Side()+form.Taps()-1
	tiles := float64(m.images * ceil(m.h, side) * ceil(m.w, side))
	kb, nb := channelSteps(m.inputs / m.groups)
	filters = float64(float64(reach*reach) * float64(kb*nb) * float64(simd.Blocks(m.outputs)*Block))
	cycles := cycleTile[form]
	transforms = cycleCall + float64(tiles*float64(simd.Blocks(m.inputs)*cycles.input+simd.Blocks(m.outputs)*cycles.output))
	return transforms, float64(tiles * filters / Block), filters
}

// winogradForm returns the form by which a forward pass, or a data gradient, is fastest, and whether that is faster than
// the direct sum. Of small tiles there are none in training.
func winogradForm(m mapping, training bool) (best simd.Winograd, pays bool) {
	products, filters := m.direct()
	least := together(float64(products*cycleProduct), float64(filters*cycleMemory))
	for _, form := range []simd.Winograd{simd.F43, simd.F23, simd.F25} {
		if form.Taps() != m.taps || training && form == simd.F23 {
			continue
		}
		transforms, fewer, larger := m.minimal(form)
		if training {
			if transforms+float64(larger*cycleFilter) < float64((products-fewer)*cycleProduct) {
				return form, true
			}
			continue
		}
		if cost := transforms + together(float64(fewer*cycleProduct), float64(larger*cycleMemory)); cost < least {
			best, pays, least = form, true, cost
		}
	}
	return best, pays
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
	transforms, fewer, larger := m.minimal(simd.F43)
	return transforms+float64(larger*cycleFilter) < float64((products-fewer)*cycleProduct)
}
