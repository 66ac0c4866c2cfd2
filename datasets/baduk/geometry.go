package baduk

import "sync"

// A geometry is what all boards of a size share.
type geometry struct {
	size, points, words int
	// near are the points beside a point, up to four; what lies beyond the edge is the point number
	// points, which every board keeps as wall.
	near [][4]int16
	// corners are the points diagonally beside a point, likewise.
	corners [][4]int16
	// keys are Zobrist's random numbers, by color and point.
	keys [3][]uint64
	// turned are the points' images under the eight symmetries.
	turned [Symmetries][]Point
}

var geometries [MaxSize + 1]func() *geometry

func init() {
	for size := MinSize; size <= MaxSize; size++ {
		geometries[size] = sync.OnceValue(func() *geometry { return newGeometry(size) })
	}
}

func newGeometry(size int) *geometry {
	n := size * size
	g := &geometry{size: size, points: n, words: (n + 63) / 64, near: make([][4]int16, n), corners: make([][4]int16, n)}
	place := func(x, y int) int16 {
		if x < 0 || y < 0 || x >= size || y >= size {
			return int16(n)
		}
		return int16(At(x, y, size))
	}
	for p := range n {
		x, y := Point(p).XY(size)
		g.near[p] = [4]int16{place(x-1, y), place(x, y-1), place(x, y+1), place(x+1, y)}
		g.corners[p] = [4]int16{place(x-1, y-1), place(x-1, y+1), place(x+1, y-1), place(x+1, y+1)}
	}
	state := uint64(size)
	for c := range g.keys {
		g.keys[c] = make([]uint64, n)
		for p := range n {
			if Color(c) != Empty {
				state++
				g.keys[c][p] = mix(state)
			}
		}
	}
	for s := range Symmetry(Symmetries) {
		g.turned[s] = make([]Point, n)
		for p := range n {
			g.turned[s][p] = s.turn(Point(p), size)
		}
	}
	return g
}

// mix is the finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014) after its step.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
