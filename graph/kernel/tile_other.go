//go:build !amd64 || noasm

package kernel

// runTile runs the micro-kernel on m ≤ maxRows(panels) rows, m ≥ 1.
func runTile(t *tile, m, panels int) { tilePortable(t, m, panels) }
