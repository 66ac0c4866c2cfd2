package main

import (
	"bytes"
	"context"
	"fmt"
	std "image"
	"image/png"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve"
)

// a locked buffer, which a server writes to while a test reads.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serving runs zoo serve on a free port until the test ends.
func serving(t *testing.T, o serveOptions, args ...string) (url string, stderr *locked) {
	t.Helper()
	stderr = &locked{}
	a := &app{stdout: io.Discard, stderr: stderr}
	if o.addr == "" {
		o.addr = "localhost:0"
	}
	o.limits = serve.Limits{Body: 1 << 20, Bodies: 64 << 20, Pixels: 1 << 20, Images: 8, Queue: 64, Batch: 16, Delay: time.Millisecond, Timeout: time.Minute}
	o.grace = time.Minute
	at := make(chan net.Addr, 1)
	o.listening = func(a net.Addr) { at <- a }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.serve(ctx, o, args) }()
	select {
	case addr := <-at:
		_, port, _ := net.SplitHostPort(addr.String())
		url = "http://localhost:" + port
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return url, stderr
}

// post sends a body and returns status and answer.
func post(t *testing.T, url string, body []byte, header ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequest("POST", url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, string(text)
}

// get asks for a page.
func get(t *testing.T, url string) (int, http.Header, string) {
	t.Helper()
	a, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, a.Header, string(text)
}

// boot is the first of the embedded test images, as a PNG file.
func boot(t *testing.T) []byte {
	t.Helper()
	split, err := fashion.Open()
	if err != nil {
		t.Fatal(err)
	}
	var img image.Image
	if err := split.Test.Image(0, &img); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, &img); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// --half says of each model, and of an ensemble's members, where it changed something.
func TestServingSaysWhatHalfChanged(t *testing.T) {
	for _, ensemble := range []bool{false, true} {
		_, stderr := serving(t, serveOptions{half: true, ensemble: ensemble}, "lenet5-fashion-mnist")
		if want := "lenet5-fashion-mnist: no weights of 16 bits: no layer takes the time of reading them\n"; !strings.Contains(stderr.String(), want) {
			t.Errorf("ensemble %v: %s", ensemble, stderr)
		}
	}
}

func TestServedNetworksAnswer(t *testing.T) {
	url, stderr := serving(t, serveOptions{log: true}, "lenet5-fashion-mnist", "digits=lenet5-mnist")
	if code, body := post(t, url+"/predict/lenet5-fashion-mnist?top=1", boot(t)); code != 200 || !strings.Contains(body, `"class":"Ankle boot"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, body := post(t, url+"/predict/digits?top=1", boot(t)); code != 200 || strings.Contains(body, "boot") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := post(t, url+"/predict", boot(t)); code != 400 || !strings.Contains(body, "which model? there is digits, lenet5-fashion-mnist") {
		t.Errorf("%d %s", code, body)
	}
	for _, want := range []string{"serving digits, lenet5-fashion-mnist at http://127.0.0.1:", `"path":"/predict/digits","status":200`} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("%q is not in %s", want, stderr)
		}
	}
	if strings.Contains(stderr.String(), "beyond this machine") {
		t.Errorf("a loopback address is called wide: %s", stderr)
	}
}

func TestALargePictureIsRefusedByItsHeader(t *testing.T) {
	url, _ := serving(t, serveOptions{}, "lenet5-fashion-mnist")
	var file bytes.Buffer
	if err := png.Encode(&file, std.NewGray(std.Rect(0, 0, 1100, 1000))); err != nil { // the limit is 1<<20 pixels
		t.Fatal(err)
	}
	if code, body := post(t, url+"/predict", file.Bytes()); code != 400 || !strings.Contains(body, "1100×1000 pixels: at most 1048576 are allowed") {
		t.Errorf("%d %s", code, body)
	}
	if code, body := post(t, url+"/predict", []byte("\xff\xd8\xff no JPEG")); code != 400 || !strings.Contains(body, "no image that can be read") {
		t.Errorf("%d %s", code, body)
	}
}

func TestAServedEnsembleIsOneModel(t *testing.T) {
	var members []string
	for i := range 7 {
		members = append(members, fmt.Sprintf("lenet5-fashion-mnist-ensemble-m%d", i+1))
	}
	url, _ := serving(t, serveOptions{ensemble: true}, members...)
	if code, body := post(t, url+"/predict?top=1", boot(t)); code != 200 || !strings.Contains(body, `"class":"Ankle boot"`) || !strings.Contains(body, `"model":"ensemble-of-7"`) {
		t.Errorf("%d %s", code, body)
	}
}

func TestServingBeyondTheMachineIsSaid(t *testing.T) {
	url, stderr := serving(t, serveOptions{addr: "0.0.0.0:0", token: "s3cret"}, "lenet5-fashion-mnist")
	if !strings.Contains(stderr.String(), "listening beyond this machine: whoever knows the token") || strings.Contains(stderr.String(), "s3cret") {
		t.Errorf("it says %s", stderr)
	}
	if code, _ := post(t, url+"/predict", boot(t)); code != 401 {
		t.Errorf("without the token: %d", code)
	}
	if code, _ := post(t, url+"/predict", boot(t), "Authorization", "Bearer s3cret"); code != 200 {
		t.Errorf("with the token: %d", code)
	}
}

func TestWhatCannotBeServedIsSaid(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"nowhere.safetensors"}, 1, "nowhere.safetensors"},
		{[]string{"a/b=lenet5-mnist"}, 2, "a model's name has letters"},
		{[]string{"lenet5-mnist", "lenet5-mnist"}, 2, "would both be called lenet5-mnist"},
		{[]string{"lenet5-mnist", "--queue", "0"}, 2, "--queue 0"},
		{[]string{"lenet5-mnist", "--addr", "localhost:port"}, 2, "--addr localhost:port"},
		{[]string{"lenet5-mnist", "lenet5-fashion-mnist", "--ensemble"}, 1, "does not know class"},
	} {
		var stderr bytes.Buffer
		if code := run(context.Background(), append([]string{"serve"}, c.args...), io.Discard, &stderr); code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: %d %s", c.args, code, &stderr)
		}
	}
}
