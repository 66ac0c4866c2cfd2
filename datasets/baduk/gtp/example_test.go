package gtp_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk/gtp"
)

// lowest plays the first sensible point of the board.
func lowest(_ context.Context, pos gtp.Position) (baduk.Point, bool, error) {
	for p := range baduk.Point(pos.Board.Points()) {
		if pos.Board.Sensible(pos.Board.ToPlay(), p) {
			return p, false, nil
		}
	}
	return baduk.Pass, false, nil
}

// A player against another program: here an engine of this one, which a pipe connects. Start runs programs such as
// GNU Go.
func ExampleMatch() {
	engine, err := gtp.New(gtp.Config{Name: "another", Version: "1", Player: gtp.PlayerFunc(func(context.Context, gtp.Position) (baduk.Point, bool, error) {
		return baduk.Pass, false, nil
	})})
	if err != nil {
		log.Fatal(err)
	}
	commands, toEngine := io.Pipe()
	fromEngine, answers := io.Pipe()
	go engine.Serve(context.Background(), commands, answers)

	other, err := gtp.Connect(context.Background(), "another", time.Minute, fromEngine, toEngine)
	if err != nil {
		log.Fatal(err)
	}
	defer other.Close()
	match := &gtp.Match{Opponent: other, Name: "lowest", Size: 5, Komi: 7.5}
	game, err := match.Play(context.Background(), 1, gtp.PlayerFunc(lowest), baduk.Black, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(game.Result, game.Ended, game.Won)
	// Output: B+17.5 passes true
}
