package baduk

// Area returns what area scoring counts, as Tromp and Taylor define it: a player's stones, and the empty
// points from which only that player's stones can be reached. The dead stones are taken off before, and
// their groups with them; without any, every stone on the board counts as alive.
func (b *Board) Area(dead ...Point) (black, white int) {
	_, owner := b.owners(dead)
	var n [3]int
	for _, c := range owner {
		n[c]++
	}
	return n[Black], n[White]
}

// Territory returns what territory scoring counts: the empty points that only a player's stones reach,
// and the opponent's stones that were captured or are dead. It knows nothing of seki, nor of the moves
// of a game that is not over.
func (b *Board) Territory(dead ...Point) (black, white int) {
	color, owner := b.owners(dead)
	n := [3]int{Black: b.lost[White], White: b.lost[Black]}
	for p, c := range owner {
		if color[p] == Empty {
			n[c]++
			if b.color[p] == 3-c {
				n[c]++
			}
		}
	}
	return n[Black], n[White]
}

// owners returns the board without the groups of the dead stones, and whose each point is then.
func (b *Board) owners(dead []Point) (color, owner []Color) {
	color = append([]Color(nil), b.color...)
	for _, p := range dead {
		if b.Color(p) == Empty {
			continue
		}
		r := b.root[p]
		for s := r; ; {
			color[s] = Empty
			if s = b.next[s]; s == r {
				break
			}
		}
	}
	owner = append([]Color(nil), color[:b.points]...)
	seen := make([]bool, b.points)
	var region []int16
	for p := range int16(b.points) {
		if color[p] != Empty || seen[p] {
			continue
		}
		var reached [4]bool
		seen[p] = true
		region = append(region[:0], p)
		for i := 0; i < len(region); i++ {
			for _, q := range &b.near[region[i]] {
				reached[color[q]] = true
				if color[q] == Empty && !seen[q] {
					seen[q] = true
					region = append(region, q)
				}
			}
		}
		if reached[Black] != reached[White] {
			c := White
			if reached[Black] {
				c = Black
			}
			for _, q := range region {
				owner[q] = c
			}
		}
	}
	return color, owner
}
