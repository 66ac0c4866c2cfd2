//go:build !amd64 || noasm

package kernel

// runTile runs the micro-kernel on m ≤ maxRows(panels) rows, m ≥ 1.
func runTile(t *tile, m, panels int) { tilePortable(t, m, panels) }

func transposeRows(dst, src []float32, ld, kc int) int { return 0 }

func copyPanels(n, panels int, src []float32, ld int, dst []float32, step int) bool { return false }

// addTo adds x to as many floats of y.
func addTo(x, y []float32) { addToPortable(x, y) }
