package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestGetSaysWhereTheDownloadedImagesAre(t *testing.T) {
	info := datasets.Info{Name: "squares", Classes: []string{"square"}, Shape: image.Shape{C: 1, H: 2, W: 2}}
	datasets.Register(datasets.Dataset{Info: info, Open: func(dir string, part datasets.Part) (datasets.Source, error) {
		pix, err := os.ReadFile(filepath.Join(dir, "squares.bin"))
		if err != nil {
			return nil, err
		}
		m, err := datasets.NewMemory(info, pix, make([]int32, len(pix)/4))
		if err != nil {
			return nil, err
		}
		return m, nil
	}})
	data := []byte("abcdefghijkl")
	sum := sha256.Sum256(data)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/good/squares.bin" {
			http.NotFound(w, r)
			return
		}
		w.Write(data)
	}))
	defer server.Close()
	set := download.Set{Name: "squares", Mirrors: []string{server.URL + "/good"},
		Files: []download.File{{Name: "squares.bin", Size: 12, SHA256: hex.EncodeToString(sum[:])}}}
	opts := download.Options{Dir: t.TempDir(), Mirrors: []string{server.URL + "/bad"}}
	dir := filepath.Join(opts.Dir, "squares")

	for _, c := range []struct {
		name        string
		json        bool
		out, stderr string
	}{
		{"the first time", false, "squares: 3 training and 3 test images in " + dir + "\n",
			"squares.bin: " + server.URL + "/bad: answers 404 Not Found\nsquares.bin: 0.1 MB\n"},
		{"when it is there", false, "squares: was there already: 3 training and 3 test images in " + dir + "\n", ""},
		{"for a program", true, `{"name":"squares","folder":"` + dir + `","was_there":true,"images":{"test":3,"train":3}}` + "\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			a := &app{stdout: &stdout, stderr: &stderr}
			if err := a.dataGet(t.Context(), set, opts, c.json); err != nil {
				t.Fatal(err)
			}
			if stdout.String() != c.out || stderr.String() != c.stderr {
				t.Errorf("printed %q and %q: should be %q and %q", stdout.String(), stderr.String(), c.out, c.stderr)
			}
		})
	}

	set.Mirrors = nil
	opts.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	err := (&app{stdout: &stdout, stderr: &stderr}).dataGet(t.Context(), set, opts, false)
	if err == nil || !strings.Contains(err.Error(), "squares.bin: no mirror has it: "+server.URL+"/bad: answers 404 Not Found") || stdout.Len() > 0 {
		t.Errorf("error %v, printed %q", err, stdout.String())
	}
}
