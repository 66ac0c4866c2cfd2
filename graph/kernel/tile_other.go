//go:build !amd64 || noasm

package kernel

// runTile runs the micro-kernel on m ≤ maxRows(panels) rows, m ≥ 1.
func runTile(t *tile, m, panels int) { tilePortable(t, m, panels) }

func gatherColumns(kc int, src []float32, ld int, dst []float32, first, step int) bool { return false }

func scatterColumns(n int, src, dst []float32, ld int) bool { return false }

func copyPanels(n, panels int, src []float32, ld int, dst []float32, step int) bool { return false }

func fetch(x []float32) {}

// addTo adds x to as many floats of y.
func addTo(x, y []float32) { addToPortable(x, y) }
