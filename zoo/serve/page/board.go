package page

import (
	"encoding/json"
	"net/http"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve"
)

// komi is white's, of the games on the page.
const komi = 7.5

// maxMoves bounds a game on the page.
const maxMoves = 1000

// play replays a game, lets the policy move if it is asked to, and tells the position with the policy's
// probabilities. The page keeps the game: the server remembers nothing.
func (p *page) play(w http.ResponseWriter, r *http.Request) error {
	if p.cfg.Go == nil {
		return serve.BadRequest("there is no board: the server was started without a policy")
	}
	var q struct {
		Moves []string `json:"moves"` // "Q16", "pass"; black's first
		Move  bool     `json:"move"`  // the policy is to move
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return serve.BadRequest("the game cannot be read: %v", err)
	}
	if len(q.Moves) > maxMoves {
		return serve.BadRequest("%d moves: at most %d", len(q.Moves), maxMoves)
	}
	size := p.cfg.Go.Size()
	b, err := baduk.NewBoard(size, baduk.Rules{})
	if err != nil {
		return err
	}
	for i, text := range q.Moves {
		point, err := baduk.ParseVertex(text, size)
		if err != nil {
			return serve.BadRequest("move %d, %q: %v", i+1, text, err)
		}
		if err := b.Play(b.ToPlay(), point); err != nil {
			return serve.BadRequest("move %d, %s: %v", i+1, text, err)
		}
	}
	p.playing.Lock()
	defer p.playing.Unlock()
	if err := r.Context().Err(); err != nil {
		return err
	}
	move := ""
	if q.Move && b.Passes() < 2 {
		player := &alphago.PolicyPlayer{Policy: p.cfg.Go, Symmetries: 1}
		point, _, err := player.Genmove(r.Context(), gtp.Position{Board: b.Clone(), Komi: komi})
		if err != nil {
			return err
		}
		if err := b.Play(b.ToPlay(), point); err != nil {
			return err
		}
		move = point.Vertex(size)
	}
	list, err := p.cfg.Go.Probabilities([]*baduk.Board{b}, 1)
	if err != nil {
		return err
	}
	colors := make([]int, b.Points())
	probabilities := make([]float32, b.Points())
	for i := range colors {
		colors[i] = int(b.Color(baduk.Point(i)))
		if b.Check(b.ToPlay(), baduk.Point(i)) == nil {
			probabilities[i] = list[0][i]
		}
	}
	names := make([]string, b.Points())
	for i := range names {
		names[i] = baduk.Point(i).Vertex(size)
	}
	black, white := b.Area(b.Dead(100, 1)...)
	return answer(w, map[string]any{
		"size": size, "stones": colors, "points": names, "probabilities": probabilities, "toPlay": b.ToPlay().String(), "move": move,
		"over": b.Passes() >= 2, "lead": float64(black) - float64(white) - komi,
	})
}
