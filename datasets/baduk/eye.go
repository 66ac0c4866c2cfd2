package baduk

// eye says whether a point is a player's own eye: empty, with that player's stones on all sides, and of
// the points diagonally beside it at most one the opponent's, none at the edge.
func (b *Board) eye(c Color, p Point) bool {
	if b.color[p] != Empty {
		return false
	}
	for _, q := range &b.near[p] {
		if o := b.color[q]; o != c && o != wall {
			return false
		}
	}
	against, edge := 0, 0
	for _, q := range &b.corners[p] {
		switch b.color[q] {
		case 3 - c:
			against++
		case wall:
			edge = 1
		}
	}
	return against+edge < 2
}

// Sensible says whether a player's stone on a point is legal and does not fill the player's own eye: a
// point with that player's stones on all four sides, of whose diagonal neighbours at most one is the
// opponent's, and at the edge none.
func (b *Board) Sensible(c Color, p Point) bool {
	return p >= 0 && b.Legal(c, p) && !b.eye(c, p)
}
