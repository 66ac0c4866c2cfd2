package kernel

// tileRows is the most rows of a tile by its number of panels, for kernels that hold 28 vectors of
// sums in registers; it serves the portable kernel as well, so that both walk the same tiles.
var tileRows = [...]int{1: 14, 2: 14, 3: 8, 4: 6}

// maxRows returns the most rows that a tile of the given number of panels may have in the current
// family; 0 if the family has no tiles of so many panels (AVX2 has those of one panel only).
func maxRows(panels int) int {
	if panels >= len(tileRows) {
		return 0
	}
	return tileRows[panels]
}

// runTile runs the micro-kernel on m ≤ maxRows(panels) rows.
func runTile(t *tile, m, panels int) { tilePortable(t, m, panels) }
