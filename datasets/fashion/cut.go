//go:build ignore

// The command cut makes the embedded files: the first images and labels of the four original files
// of Fashion-MNIST, in their order.
//
//	go run cut.go [-from FOLDER]
package main

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	from := flag.String("from", "/usr/share/datasets/fashion-mnist", "the folder of the original files (Debian's dataset-fashion-mnist by default)")
	flag.Parse()
	for _, f := range []struct {
		name  string
		count int64
		size  int64 // bytes of one image or label
		rank  int64
	}{
		{"train-images-idx3-ubyte.gz", 10000, 28 * 28, 3},
		{"train-labels-idx1-ubyte.gz", 10000, 1, 1},
		{"t10k-images-idx3-ubyte.gz", 2000, 28 * 28, 3},
		{"t10k-labels-idx1-ubyte.gz", 2000, 1, 1},
	} {
		if err := cut(*from, f.name, f.count, f.size, f.rank); err != nil {
			log.Fatalf("%s: %v", f.name, err)
		}
	}
}

func cut(from, name string, count, size, rank int64) error {
	src, err := os.Open(filepath.Join(from, name))
	if err != nil {
		return err
	}
	defer src.Close()
	r, err := gzip.NewReader(bufio.NewReader(src))
	if err != nil {
		return err
	}
	head := make([]byte, 4+4*rank)
	if _, err := io.ReadFull(r, head); err != nil {
		return err
	}
	binary.BigEndian.PutUint32(head[4:], uint32(count))

	dst, err := os.Create(name)
	if err != nil {
		return err
	}
	w, err := gzip.NewWriterLevel(dst, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	if _, err := io.CopyN(w, r, count*size); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	fmt.Println(name, count)
	return dst.Close()
}
