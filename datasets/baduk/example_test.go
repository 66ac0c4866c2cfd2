package baduk_test

import (
	"context"
	"fmt"
	"log"

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
