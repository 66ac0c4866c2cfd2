// Package fields has the places of fields in the structs that package simd hands its loops, in bytes: what the
// generators of all families read them by. Tests in simd hold them to the Go structs.
package fields

// Fields of simd.Tile, eight bytes each; TestTileOffsets holds them to the Go struct.
const (
	TileA0 = 8 * iota
	TileA1
	TileAMS
	TileAKS
	TileOffs
	TileNB
	TileKB
	TileB
	TileBKS
	TileBPS
	TileC0
	TileC1
	TileCMS
	TileCPS
	TileR0
	TileR1
	TileBias
	TileClip
	TileAhead
	TileAheadStep
	TileNext
	TileNextStep
	TilePermute
	TilePermuteStep
)

// Fields of simd.MaxRow and, up to the result, of simd.SumRow, eight bytes each.
const (
	RowX = 8 * iota
	RowXRow
	RowStep
	RowKH
	RowKW
	RowN
	RowY
	RowArg
	RowIndex
	RowJump
	RowScale = RowArg
)

// Fields of simd.Gather.
const (
	GatherDY = 8 * iota
	GatherDYRow
	GatherRows
	GatherCols
	GatherN
	GatherDX
	GatherStep
	GatherArg
	GatherTap
	GatherTapCol
	GatherTapRow
	GatherHigh
	GatherWide
)

// Fields of simd.Route, four bytes each.
const (
	RouteReciprocal = 4 * iota
	RouteTap
	RouteJump
	RoutePixel
	RouteRow
)

// Fields of simd.Affine, sixteen floats each.
const (
	AffineMean = 64 * iota
	AffineScale
	AffineShift
	AffineSlope
	AffineOffset
)
