package alphago_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

// A search with the policy that is part of the program: of the four corners one is still empty.
func ExampleSearch() {
	weights, err := pretrained.Open("alphago-policy-small")
	if err != nil {
		log.Fatal(err)
	}
	defer weights.Close()
	policy, err := alphago.LoadPolicyFrom(weights, 0)
	if err != nil {
		log.Fatal(err)
	}
	defer policy.Close()
	board, err := baduk.NewBoard(19, baduk.Rules{})
	if err != nil {
		log.Fatal(err)
	}
	for i, name := range []string{"Q3", "D4", "Q5", "D16"} {
		p, err := baduk.ParseVertex(name, 19)
		if err == nil {
			err = board.Play([]baduk.Color{baduk.Black, baduk.White}[i%2], p)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	search, err := alphago.NewSearch(alphago.SearchConfig{Policy: policy, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}
	if err := search.Set(board, alphago.Goal{Komi: 7.5}); err != nil {
		log.Fatal(err)
	}
	if err := search.Run(context.Background(), alphago.Limits{Visits: 100}, nil); err != nil {
		log.Fatal(err)
	}
	best := search.Candidates()[0]
	x, y := best.Point.XY(19)
	fmt.Println("in the empty corner:", x > 12 && y < 6)
	fmt.Println("a line of some moves:", len(best.Line) > 1)
	// Output:
	// in the empty corner: true
	// a line of some moves: true
}
