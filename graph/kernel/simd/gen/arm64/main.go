// Command arm64 writes the inner loops of the NEON family, one file for each of the x86 generators beside it. What a
// loop computes is told by the generic twin that its comment names.
//
//	go -C gen run ./arm64 -dir .. -pkg simd
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd/gen/neon"
)

func main() {
	dir, pkg := flag.String("dir", ".", "folder to write to"), flag.String("pkg", "simd", "package")
	flag.Parse()
	if err := write(*dir, *pkg); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write writes all files of the family to a folder.
func write(dir, pkg string) error {
	for _, part := range []struct {
		name  string
		write func(file *neon.File)
	}{
		{"pool", pool},
		{"tile", tiles},
		{"winograd", winograd},
		{"vec", vectors},
		{"dense", dense},
		{"box", boxes},
		{"maps", maps},
	} {
		file := neon.NewFile()
		part.write(file)
		base := filepath.Join(dir, part.name)
		if err := file.Write(base+"_arm64.s", base+"_stub_arm64.go", pkg); err != nil {
			return err
		}
	}
	return nil
}

// pool is the pause of a thread that spins. YIELD does nothing on most processors; ISB takes some ten nanoseconds.
func pool(file *neon.File) {
	file.Func("pause", "func(n int)", "lets a little time pass, n times.", func(f *neon.F) {
		f.Loop(f.Arg("n"), f.Pause)
	})
}
