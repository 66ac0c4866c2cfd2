// Package simd is the processor: its vectors, in the inner loops of everything that package kernel computes, and its
// threads, in a pool that runs their tasks.
//
// The loops come in families, one for each kind of vector unit: avx512 and avx2 (x86-64), neon (arm64), and generic,
// which is Go and runs anywhere. A family is one [Table] of functions. The fastest that the processor has is taken at the start; the
// environment variable ZOO_KERNEL or [SetFamily] chooses another.
//
// A loop knows slices, strides and vectors of sixteen floats. It knows neither convolution nor any other layer, it
// allocates nothing and it keeps no pointer. Its exported form checks that what it is given is long enough, as the
// assembly behind it trusts it blindly.
//
// # Layouts
//
// A blocked batch of feature maps is N×⌈C/16⌉×H×W×16: sixteen neighbouring channels of one pixel lie side by side,
// one vector register of an AVX-512 processor, two of AVX2, four of NEON. Lanes beyond C are zero in every blocked
// batch. A blocked batch may lie inside a larger one (as the inputs of a concatenation do): [Act] carries the
// distance between two images.
//
// # Adding one
//
// A loop: add a field to [Table], say what it computes in its comment, write that down as a function in a file
// *_generic.go and put it into the table in table_generic.go. That function is the loop's meaning. Add a
// generator's lines under gen, and the assembly's functions to the other tables. Add a test that compares
// every family with a straight loop in float64, and with the generic twin.
//
// A family: add its constant and name in family.go and what the processor must have in family_<arch>.go. Write its
// functions as assembly (a generator beside the others, run by a go:generate line below; those for x86-64 use gen/lanes,
// that for arm64 gen/neon, all of them gen/fields and gen/constants), and its table in table_<arch>.go, starting from a
// copy of the generic one: what is not replaced yet still runs in Go, so that a family grows loop by loop. The sizes of
// its tiles follow from what the table holds: all callers ask [MaxRows] and its like. All tests walk over [Families], so
// that a new one is tested by being there.
package simd

//go:generate go -C gen run ./pool -out ../pool_amd64.s -stubs ../pool_stub_amd64.go -pkg simd
//go:generate go -C gen run ./tile -out ../tile_amd64.s -stubs ../tile_stub_amd64.go -pkg simd
//go:generate go -C gen run ./winograd -out ../winograd_amd64.s -stubs ../winograd_stub_amd64.go -pkg simd
//go:generate go -C gen run ./box -out ../box_amd64.s -stubs ../box_stub_amd64.go -pkg simd
//go:generate go -C gen run ./dense -out ../dense_amd64.s -stubs ../dense_stub_amd64.go -pkg simd
//go:generate go -C gen run ./maps -out ../maps_amd64.s -stubs ../maps_stub_amd64.go -pkg simd
//go:generate go -C gen run ./vec -out ../vec_amd64.s -stubs ../vec_stub_amd64.go -pkg simd
//go:generate go -C gen run ./arm64 -dir .. -pkg simd
