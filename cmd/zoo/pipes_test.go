//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe that nobody writes into, or reads from, is refused: no verb waits for it for ever.
func TestNoVerbWaitsForAPipe(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"pipe", "pipe.onnx", "pipe.caffemodel", "pipe.pth", "pipe.safetensors", "data/words.txt", "run/config.json"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(filepath.Join(folder, name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, class := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(folder, "data", class), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "data", class, "1.png"), []byte("an image"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range []string{
		"train --config pipe",
		"train --config /dev/zero",
		"train lenet5 --data pipe",
		"train lenet5 --data data",
		"train lenet5 --data go-games=pipe",
		"train lenet5 --init pipe",
		"train --config run",
		"resume run",
		"curves run",
		"eval lenet5-fashion-mnist --data pipe",
		"eval pipe.safetensors",
		"predict lenet5-fashion-mnist pipe",
		"predict pipe.onnx pipe",
		"import pipe.pth -o out.safetensors",
		"import pipe.caffemodel -o out.safetensors",
		"import pipe.onnx -o out.safetensors",
		"inspect pipe.onnx",
		"export lenet5-mnist -o pipe.onnx",
		"data verify pipe",
		"data show data -o sheet.png",
		"go train --data pipe --dry-run",
		"go train --data /dev/zero --dry-run",
		"go eval alphago-policy-small --data pipe",
		"go picture pipe -o board.png",
		"go features pipe -o planes.npy",
		"go judge pipe -o judged.sgf",
		"go selfplay --games 1 -o pipe",
	} {
		t.Run(args, func(t *testing.T) {
			t.Chdir(folder)
			var out, problems bytes.Buffer
			code := run(context.Background(), strings.Fields(args), &out, &problems)
			said := problems.String()
			if code == 0 || !strings.Contains(said, "regular file") && !strings.Contains(said, "a pipe that nobody writes into") &&
				!strings.Contains(said, "a file: data are in a folder") {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
}

// A shell's <(command) has a writer, and is read.
func TestPipesWithWritersAreRead(t *testing.T) {
	if _, err := os.Stat("/dev/fd"); err != nil {
		t.Skip("no /dev/fd here")
	}
	var problems bytes.Buffer
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	cat := exec.Command("cat") // its end of the pipe is the only one
	cat.Stdin, cat.Stdout = strings.NewReader("(;GM[1]SZ[19];B[dd];W[pp])"), to
	if err := cat.Start(); err != nil {
		t.Skip(err)
	}
	to.Close()
	record := filepath.Join(t.TempDir(), "board.png")
	path := fmt.Sprintf("/dev/fd/%d", from.Fd())
	if code := run(context.Background(), []string{"go", "picture", path, "-o", record}, io.Discard, &problems); code != 0 {
		t.Errorf("exit code %d: %s", code, &problems)
	}
	if err := cat.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(record); err != nil {
		t.Error(err)
	}
}
