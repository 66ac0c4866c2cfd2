package weights

import (
	"io"
	"path/filepath"
	"testing"
)

// 64 MiB: past the caches, and a quarter of AlexNet.
func benchFile() *File {
	var f File
	for _, name := range []string{"a", "b", "c", "d"} {
		f.Tensors = append(f.Tensors, Tensor{name, []int{4096, 1024}, make([]float32, 4096*1024)})
	}
	return &f
}

func BenchmarkReadInto(b *testing.B) {
	f := benchFile()
	path := filepath.Join(b.TempDir(), "net.safetensors")
	if err := Save(path, f); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		r, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		i := 0
		if err := r.ReadInto(func(string, []int) []float32 { i++; return f.Tensors[i-1].Data }); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

func BenchmarkWrite(b *testing.B) {
	f := benchFile()
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(io.Discard, f); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSave includes the syncing of the disk.
func BenchmarkSave(b *testing.B) {
	f := benchFile()
	path := filepath.Join(b.TempDir(), "net.safetensors")
	b.SetBytes(64 << 20)
	for b.Loop() {
		if err := Save(path, f); err != nil {
			b.Fatal(err)
		}
	}
}
