package infer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// small is a file as others publish it: ResNet-8 in PyTorch's format, padded to a few hundred kilobytes.
func small(t *testing.T) []byte {
	t.Helper()
	params, err := zoo.ResNet8().Params(graph.Eval)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(7)
	f := &weights.File{}
	for _, p := range params.All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	var b bytes.Buffer
	if err := weights.WritePyTorch(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// offered registers the file at an address, and returns options for a cache of the test's own.
func offered(t *testing.T, name string, file []byte, address string) FetchOptions {
	t.Helper()
	sum := sha256.Sum256(file)
	e := published.Entry{
		Name: name, Network: "resnet8", Data: "cifar-10", Address: address, SHA256: hex.EncodeToString(sum[:])[:8],
		Top1: 90, Preprocessing: weights.Preprocessing{Channels: "rgb", Mean: []float32{.4, .5, .6}, Std: []float32{.2, .2, .2}, Interpolation: "bicubic"},
		Licence: "none at all", Source: "a test",
	}
	if err := published.Register(e); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"ZOO_OFFLINE", "ZOO_MIRROR", "ZOO_CACHE"} {
		t.Setenv(v, "")
	}
	return FetchOptions{Cache: t.TempDir(), Download: download.Options{Stall: 200 * time.Millisecond, Rounds: 3, Pause: time.Millisecond}}
}

func TestPublishedWeightsAreFetchedOnce(t *testing.T) {
	file := small(t)
	requests := atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	}))
	defer s.Close()
	o := offered(t, "test-once", file, s.URL+"/some/folder/once.pth")
	var said []string
	o.Say = func(text string) { said = append(said, text) }
	if path, there, err := Where("Test_Once", o); err != nil || there || path != filepath.Join(o.Cache, "once.pth") {
		t.Errorf("%s, there %v, error %v", path, there, err)
	}
	for range 2 {
		r, err := OpenPublished(t.Context(), "test-once", o)
		if err != nil {
			t.Fatal(err)
		}
		m := r.Meta()
		if m.Network != "resnet8" || m.Preprocessing.Interpolation != "bicubic" || m.ClassNames[3] != "cat" || m.Metrics["top1_error"] != .1 {
			t.Errorf("metadata %+v", m)
		}
		c, err := LoadFrom(r)
		if err != nil {
			t.Fatal(err)
		}
		var img image.Image
		img.Reset(image.Shape{C: 3, H: 40, W: 50})
		if top, err := c.Predict(t.Context(), &img, 1); err != nil || len(top) != 1 {
			t.Errorf("%v, error %v", top, err)
		}
		c.Close()
		r.Close()
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	if len(said) != 1 || !strings.Contains(said[0], s.URL) || !strings.Contains(said[0], "none at all") {
		t.Errorf("said %q", said)
	}
	// The name alone is enough for Load.
	t.Setenv("ZOO_CACHE", o.Cache)
	c, err := Load("test-once")
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestServersThatMisbehave(t *testing.T) {
	file := small(t)
	whole := func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	}
	cut := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(file)))
			_, _ = w.Write(file[:n])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	once := func(first, then http.HandlerFunc) http.HandlerFunc {
		n := atomic.Int32{}
		return func(w http.ResponseWriter, r *http.Request) {
			if n.Add(1) == 1 {
				first(w, r)
				return
			}
			then(w, r)
		}
	}
	for _, tt := range []struct {
		name  string
		serve http.HandlerFunc
		want  string // part of the error; none if it is to come all the same
	}{
		{"right", whole, ""},
		{"without a length", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(file)
		}, ""},
		{"cut, and then whole", once(cut(len(file)/3), whole), ""},
		{"cut, and then whole from a server that cannot begin in the middle", once(cut(len(file)/3), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(file) }), ""},
		{"always cut before anything", cut(0), "EOF"},
		{"busy, and then right", once(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "later", http.StatusServiceUnavailable) }, whole), ""},
		{"silent, and then right", once(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(file)))
			_, _ = w.Write(file[:1000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, whole), ""},
		{"redirected", func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/elsewhere" {
				http.Redirect(w, r, "/elsewhere", http.StatusFound)
				return
			}
			whole(w, r)
		}, ""},
		{"redirected in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "redirects"},
		{"gone", http.NotFound, "404"},
		{"another file", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte{7}, len(file))) }, "should begin with"},
		{"a page in its place", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Please log in</html>")) }, "an HTML page"},
		{"one flipped bit", func(w http.ResponseWriter, _ *http.Request) {
			b := bytes.Clone(file)
			b[len(b)/2] ^= 1
			_, _ = w.Write(b)
		}, "should begin with"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(tt.serve)
			defer s.Close()
			o := offered(t, "test-server", file, s.URL+"/file.pth")
			path, err := Fetch(t.Context(), "test-server", o)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), s.URL+"/file.pth by hand") || !strings.Contains(err.Error(), "zoo import file.pth --as resnet8 ") || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %v: want %q and what to do", err, tt.want)
				}
				if _, there, _ := Where("test-server", o); there {
					t.Error("a file that is not right is there")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, file) {
				t.Errorf("%d bytes came, error %v", len(got), err)
			}
		})
	}
}

func TestAnInterruptedDownloadGoesOn(t *testing.T) {
	file := small(t)
	var ranges []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		if len(ranges) == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(file)))
			_, _ = w.Write(file[:5000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file))
	}))
	defer s.Close()
	o := offered(t, "test-resume", file, s.URL+"/file.pth")
	o.Download.Stall = time.Minute
	ctx, cancel := context.WithCancel(t.Context())
	o.Download.Progress = func(p download.Progress) {
		if p.Done >= 5000 {
			cancel()
		}
	}
	if _, err := Fetch(ctx, "test-resume", o); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	o.Download.Progress = nil
	if _, err := Fetch(t.Context(), "test-resume", o); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ranges, []string{"", "bytes=5000-"}) {
		t.Errorf("asked for %q", ranges)
	}
}

func TestAMirrorIsAskedFirst(t *testing.T) {
	file := small(t)
	asked := ""
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		_, _ = w.Write(file)
	}))
	defer mirror.Close()
	o := offered(t, "test-mirror", file, "http://127.0.0.1:1/deep/in/there/file.pth")
	t.Setenv("ZOO_MIRROR", mirror.URL+"/weights/")
	if _, err := Fetch(t.Context(), "test-mirror", o); err != nil || asked != "/weights/file.pth" {
		t.Errorf("asked for %q, error %v", asked, err)
	}
}

func TestOfflineFetchesNothing(t *testing.T) {
	file := small(t)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked") }))
	defer s.Close()
	o := offered(t, "test-offline", file, s.URL+"/file.pth")
	t.Setenv("ZOO_OFFLINE", "1")
	_, err := Fetch(t.Context(), "test-offline", o)
	if err == nil || !strings.Contains(err.Error(), "ZOO_OFFLINE") || !strings.Contains(err.Error(), s.URL+"/file.pth") || !strings.Contains(err.Error(), "zoo import") {
		t.Errorf("error %v", err)
	}
	// What is there by hand is taken.
	if err := os.WriteFile(filepath.Join(o.Cache, "file.pth"), file, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Fetch(t.Context(), "test-offline", o); err != nil {
		t.Error(err)
	}
}

// fetcher is the environment that makes the test's program fetch and end.
const fetcher = "ZOO_TEST_FETCHER"

func TestTwoProcessesFetchOneFileOnce(t *testing.T) {
	if where := os.Getenv(fetcher); where != "" {
		address, cache, _ := strings.Cut(where, " ")
		o := offered(t, "test-two", small(t), address)
		o.Cache, o.Download.Stall = cache, time.Minute
		if _, err := Fetch(t.Context(), "test-two", o); err != nil {
			t.Fatal(err)
		}
		return
	}
	file := small(t)
	requests := atomic.Int32{}
	begun := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 {
			close(begun)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(file)))
		for at := 0; at < len(file); at += 1 + len(file)/10 { // slowly
			_, _ = w.Write(file[at:min(at+1+len(file)/10, len(file))])
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}))
	defer s.Close()
	cache := t.TempDir()
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			if i == 1 {
				<-begun
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestTwoProcessesFetchOneFileOnce$")
			cmd.Env = append(os.Environ(), fetcher+"="+s.URL+"/file.pth "+cache)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	if got, err := os.ReadFile(filepath.Join(cache, "file.pth")); err != nil || !bytes.Equal(got, file) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
}

// Entries are listed as soon as the registry has their networks.
func TestEveryPublishedEntryHasItsNetwork(t *testing.T) {
	list, err := Published()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
		m, err := modelOf(e)
		if err != nil {
			t.Error(err)
			continue
		}
		if c := e.Preprocessing.Crop; e.Data == "imagenet" && (c != m.Input[1] || c != m.Input[2]) {
			t.Errorf("%s: images are cropped to %d pixels for an input of %v", e.Name, c, m.Input)
		}
	}
	for _, name := range []string{"alexnet", "vgg11", "vgg16-bn", "googlenet", "resnet18", "resnet50", "resnet50-v2", "resnet152-v2", "resnet50-a1", "resnet20-cifar10-akamaster"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is missing", name)
		}
	}
	if e, _ := lookup("googlenet"); e.Preprocessing.Mean[0] != .5 {
		t.Errorf("googlenet: %+v", e.Preprocessing)
	}
	if e, _ := lookup("resnet50-v2"); e.Preprocessing.Resize != 232 {
		t.Errorf("resnet50-v2: %+v", e.Preprocessing)
	}
	if e, _ := lookup("resnet50_a1"); e.Preprocessing.Resize != 235 || e.Preprocessing.Interpolation != "bicubic" {
		t.Errorf("resnet50-a1: %+v", e.Preprocessing)
	}
}
