package baduk_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
)

// Batches for the policy network, of one short game; Open or ReadCorpus take files, zips and folders.
func Example() {
	corpus, err := baduk.NewCorpus(9)
	if err != nil {
		log.Fatal(err)
	}
	for game, err := range baduk.Parse("game.sgf", []byte("(;SZ[9];B[ee];W[ec];B[gd];W[];B[cd])")) {
		if err != nil {
			log.Fatal(err)
		}
		if err := corpus.Add(game); err != nil {
			log.Fatal(err)
		}
	}
	stream, err := baduk.NewStream(corpus, baduk.StreamConfig{Batch: 3, Seed: 1, Shuffle: true, Symmetries: true})
	if err != nil {
		log.Fatal(err)
	}
	for batch, err := range stream.Epoch(context.Background(), 0, 0) {
		if err != nil {
			log.Fatal(err)
		}
		// A training step on batch.Planes, N×48×9×9, and batch.Labels comes here.
		fmt.Println(batch.Number, batch.N, len(batch.Planes) == batch.N*baduk.Planes*9*9)
	}
	// Output:
	// 0 3 true
	// 1 1 true
}

// A fight on a small board.
func ExampleBoard() {
	b, err := baduk.NewBoard(5, baduk.Rules{})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range []string{"B3", "C3", "C4", "E5", "D3", "E4", "C2"} {
		p, err := baduk.ParseVertex(v, b.Size())
		if err != nil {
			log.Fatal(err)
		}
		if err := b.Play(b.ToPlay(), p); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Print(b)
	fmt.Println(b.Captured(baduk.White), "captured; white at C3:", b.Check(baduk.White, baduk.At(2, 2, 5)))
	// Output:
	//    A B C D E
	//  5 . . . . O 5
	//  4 . . X . O 4
	//  3 . X . X . 3
	//  2 . .(X). . 2
	//  1 . . . . . 1
	//    A B C D E
	// 1 captured; white at C3: the stones would have no liberty
}

// A game is written in the Smart Game Format.
func ExampleWriteSGF() {
	game := &baduk.Game{
		Size: 9, Komi: 7.5, RuleSet: "Chinese", Black: "one", White: "another", Result: baduk.ParseResult("W+R"), First: baduk.Black,
		Moves: []baduk.Move{{Color: baduk.Black, Point: baduk.At(4, 4, 9)}, {Color: baduk.White, Point: baduk.Pass}},
	}
	if err := baduk.WriteSGF(os.Stdout, game); err != nil {
		log.Fatal(err)
	}
	// Output:
	// (;GM[1]FF[4]CA[UTF-8]SZ[9]KM[7.5]RU[Chinese]PB[one]PW[another]RE[W+R]
	// ;B[ee];W[]
	// )
}
