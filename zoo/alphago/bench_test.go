package alphago_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
)

// shipped is the policy that is part of the program.
func shipped(b *testing.B, threads int) *alphago.Policy {
	b.Helper()
	r, err := pretrained.Open("alphago-policy-small")
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	p, err := alphago.LoadPolicyFrom(r, threads)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.Close)
	return p
}

// middle is the middle of a game of the policy.
func middle(b *testing.B, p *alphago.Policy) *baduk.Board {
	b.Helper()
	board, _ := baduk.NewBoard(19, baduk.Rules{})
	rnd := rand.New(rand.NewPCG(1, 1))
	for board.Moves() < 100 {
		list, err := p.Probabilities([]*baduk.Board{board}, 1)
		if err != nil {
			b.Fatal(err)
		}
		move, err := alphago.Choose(board, list[0], 0.5, rnd)
		if err == nil {
			err = board.Play(board.ToPlay(), move)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return board
}

// Positions a second of the policy network, planes included.
func BenchmarkPolicy(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("threads=%d/batch=%d", threads, batch), func(b *testing.B) {
				p := shipped(b, threads)
				boards := make([]*baduk.Board, batch)
				for i := range boards {
					boards[i] = middle(b, p)
				}
				for b.Loop() {
					if _, err := p.Probabilities(boards, 1); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "positions/s")
			})
		}
	}
}

// Visits a second of a search of 400, its leaves judged by 16 random games; and the bytes of a position in the tree.
func BenchmarkSearch(b *testing.B) {
	for _, threads := range []int{1, 2} {
		for _, batch := range []int{1, 8, 16} {
			b.Run(fmt.Sprintf("threads=%d/batch=%d", threads, batch), func(b *testing.B) {
				p := shipped(b, threads)
				board := middle(b, p)
				s, err := alphago.NewSearch(alphago.SearchConfig{Policy: p, Batch: batch})
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					s.Clear()
					if err := s.Set(board, alphago.Goal{Komi: 7.5}); err != nil {
						b.Fatal(err)
					}
					if err := s.Run(context.Background(), alphago.Limits{Visits: 400}, nil); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(400*b.N)/b.Elapsed().Seconds(), "visits/s")
				nodes, bytes := s.Memory()
				b.ReportMetric(float64(bytes)/float64(nodes), "B/node")
			})
		}
	}
}
