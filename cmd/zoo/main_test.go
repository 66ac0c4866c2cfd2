package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestMain(m *testing.M) {
	testscript.Main(tidy{m}, map[string]func(){"zoo": main})
}

// tidy removes what the tests share when they are done.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	defer func() {
		if sharedDir != "" {
			os.RemoveAll(sharedDir)
		}
	}()
	return m.M.Run()
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
			// published TABLE FILE [silent]: serves a weights file of LeNet-5, or its first bytes and then nothing, and
			// writes a table of published weights with it.
			"published": func(ts *testscript.TestScript, _ bool, args []string) {
				file, err := os.ReadFile(ts.MkAbs(args[1]))
				ts.Check(err)
				name := filepath.Base(args[1])
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if len(args) > 2 {
						w.Header().Set("Content-Length", strconv.Itoa(len(file)))
						w.Write(file[:10])
						w.(http.Flusher).Flush()
						<-r.Context().Done()
						return
					}
					http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(file))
				}))
				ts.Defer(server.Close)
				entry := fmt.Sprintf(`[{"name": "%s", "network": "lenet5", "data": "fashion-mnist", "address": "%s/%s", "sha256": "%x", "megabytes": 0.2,
					"preprocessing": {"channels": "grey", "mean": [0.286], "std": [0.353]}, "licence": "ours", "source": "us"}]`,
					strings.TrimSuffix(name, filepath.Ext(name)), server.URL, name, sha256.Sum256(file))
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(entry), 0o666))
			},
			// pictures N FOLDER/CLASS=red|green|blue...: writes pictures of a colour each.
			"pictures": func(ts *testscript.TestScript, _ bool, args []string) {
				n, err := strconv.Atoi(args[0])
				ts.Check(err)
				for _, arg := range args[1:] {
					folder, colour, _ := strings.Cut(arg, "=")
					folder = ts.MkAbs(folder)
					ts.Check(os.MkdirAll(folder, 0o777))
					for k := range n {
						m := stdimage.NewRGBA(stdimage.Rect(0, 0, 32, 32))
						for i := range 32 * 32 {
							c := [3]uint8{uint8(17 * i % 80), uint8(29 * i % 80), uint8(7 * (i + k) % 80)}
							c[map[string]int{"red": 0, "green": 1, "blue": 2}[colour]] += 150
							m.Set(i%32, i/32, color.RGBA{c[0], c[1], c[2], 255})
						}
						var file bytes.Buffer
						ts.Check(png.Encode(&file, m))
						ts.Check(os.WriteFile(filepath.Join(folder, fmt.Sprintf("%03d.png", k)), file.Bytes(), 0o666))
					}
				}
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
