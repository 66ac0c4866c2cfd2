package main

import (
	"bytes"
	"errors"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"zoo": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// exits CODE PROGRAM ARG...: runs a program that must end with this code.
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				err = ts.Exec(args[1], args[2:]...)
				got := 0
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					got = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
			// clothes FILE NUMBER: writes one of the embedded test images as PNG or JPEG.
			"clothes": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				split, err := fashion.Open()
				ts.Check(err)
				var img image.Image
				ts.Check(split.Test.Image(n, &img))
				var file bytes.Buffer
				if filepath.Ext(args[0]) == ".jpg" {
					err = jpeg.Encode(&file, &img, nil)
				} else {
					err = png.Encode(&file, &img)
				}
				ts.Check(err)
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), file.Bytes(), 0o666))
			},
			// await FILE: waits until a file exists.
			"await": func(ts *testscript.TestScript, _ bool, args []string) {
				for range 6000 {
					if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
						return
					}
					time.Sleep(10 * time.Millisecond)
				}
				ts.Fatalf("%s does not appear", args[0])
			},
			// truncate FILE BYTES
			"truncate": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.ParseInt(args[1], 10, 64)
				ts.Check(err)
				ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
			},
		},
	})
}
