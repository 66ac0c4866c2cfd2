package baduk

import (
	"bufio"
	"fmt"
	"io"
)

// WriteNPY writes the planes of every position of a game, before each move, passes included, as a NumPy
// file (version 1.0): unsigned bytes, 0 or 1, N×planes×size×size, indexed [position][plane][x][y].
func WriteNPY(w io.Writer, g *Game, planes int) error {
	if err := g.Check(); err != nil {
		return fmt.Errorf("%v: %w", g, err)
	}
	if planes < 1 || planes > ValuePlanes {
		return fmt.Errorf("%d feature planes: should be from 1 to %d", planes, ValuePlanes)
	}
	if w == nil {
		return fmt.Errorf("%v: there is nowhere to write it", g)
	}
	out := bufio.NewWriter(w)
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }", len(g.Moves), planes, g.Size, g.Size)
	// Magic, version and length take 10 bytes; the data begin at a multiple of 64.
	length := (10+len(header)+1+63)/64*64 - 10
	out.WriteString("\x93NUMPY\x01\x00")
	out.Write([]byte{byte(length), byte(length >> 8)})
	fmt.Fprintf(out, "%-*s\n", length-1, header)
	var f Features
	dst := make([]uint8, planes*g.Size*g.Size)
	for b := range g.Positions() {
		if err := f.Bytes(dst, b, planes); err != nil {
			return err
		}
		if _, err := out.Write(dst); err != nil {
			return err
		}
	}
	return out.Flush()
}
