package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	std "image"
	"image/png"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A started server is zoo serve as the command line starts it.
type started struct {
	url    string
	stderr *locked
	stop   context.CancelFunc
	code   chan int
}

var servingAt = regexp.MustCompile(`serving .* at http://(\S+)`)

// startServe runs zoo serve with arguments on a free port, until the test ends or stop is called.
func startServe(t *testing.T, args ...string) *started {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &started{stderr: &locked{}, stop: cancel, code: make(chan int, 1)}
	if !strings.Contains(strings.Join(args, " "), "--addr") {
		args = append([]string{"--addr", "localhost:0"}, args...)
	}
	go func() { s.code <- run(ctx, append([]string{"serve"}, args...), io.Discard, s.stderr) }()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if m := servingAt.FindStringSubmatch(s.stderr.String()); m != nil {
			_, port, _ := net.SplitHostPort(m[1])
			s.url = "http://localhost:" + port
			break
		}
		if len(s.code) > 0 || time.Now().After(deadline) {
			t.Fatalf("it does not serve: %s", s.stderr)
		}
	}
	t.Cleanup(func() {
		cancel()
		select {
		case code := <-s.code:
			s.code <- code
		case <-time.After(time.Minute):
			t.Error("it does not end")
		}
	})
	return s
}

// several is a request of some images.
func several(files ...[]byte) []byte {
	var list []string
	for _, f := range files {
		list = append(list, `"`+base64.StdEncoding.EncodeToString(f)+`"`)
	}
	return fmt.Appendf(nil, `{"inputs":[{"name":"input","shape":[%d],"datatype":"BYTES","data":[%s]}],"outputs":[{"name":"probabilities","parameters":{"classification":1}}]}`, len(files), strings.Join(list, ","))
}

const inferClothes = "/v2/models/lenet5-fashion-mnist/infer"

// stepsOf is how many steps a server made, and of how many images in all.
func stepsOf(t *testing.T, url string) (steps, images int) {
	t.Helper()
	_, _, text := get(t, url+"/metrics")
	number := func(name string) int {
		m := regexp.MustCompile(`(?m)^` + name + `\{[^}]*\} (\d+)$`).FindStringSubmatch(text)
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return number("zoo_batch_images_count"), number("zoo_batch_images_sum")
}

func TestServeListensWhereAddrSays(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	s := startServe(t, "--addr", at, "lenet5-fashion-mnist")
	if !strings.HasSuffix(s.url, at[strings.LastIndexByte(at, ':'):]) {
		t.Errorf("--addr %s serves at %s", at, s.url)
	}
	if code, body := post(t, s.url+"/predict?top=1", boot(t)); code != 200 || !strings.Contains(body, "Ankle boot") {
		t.Errorf("%d %s", code, body)
	}
}

// Each limit refuses what is beyond it, and lets through what is at it.
func TestServeHasLimits(t *testing.T) {
	one := boot(t)
	for _, c := range []struct {
		flags []string
		path  string
		body  []byte
		code  int
		want  string
	}{
		{[]string{"--max-body", fmt.Sprint(len(one) - 1)}, "/predict", one, 413, fmt.Sprintf("the request has more than %d bytes", len(one)-1)},
		{[]string{"--max-body", fmt.Sprint(len(one))}, "/predict", one, 200, "Ankle boot"},
		{[]string{"--max-bodies", fmt.Sprint(len(one) - 1)}, "/predict", one, 429, fmt.Sprintf("the requests inside have %d bytes together", len(one)-1)},
		{[]string{"--max-bodies", fmt.Sprint(len(one))}, "/predict", one, 200, "Ankle boot"},
		{[]string{"--max-images", "2"}, inferClothes, several(one, one, one), 413, "3 images in a request: at most 2"},
		{[]string{"--max-images", "3"}, inferClothes, several(one, one, one), 200, "Ankle boot"},
		{[]string{"--max-pixels", "783"}, "/predict", one, 400, "28×28 pixels: at most 783 are allowed"},
		{[]string{"--max-pixels", "784"}, "/predict", one, 200, "Ankle boot"},
		{[]string{"--queue", "2"}, inferClothes, several(one, one, one), 429, "has 2 images to do already"},
		{[]string{"--queue", "3"}, inferClothes, several(one, one, one), 200, "Ankle boot"},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			s := startServe(t, append(c.flags, "lenet5-fashion-mnist")...)
			if code, body := post(t, s.url+c.path, c.body); code != c.code || !strings.Contains(body, c.want) {
				t.Errorf("%d %s, should be %d with %q", code, body, c.code, c.want)
			}
		})
	}
}

func TestServeMakesStepsOfBatch(t *testing.T) {
	one := boot(t)
	s := startServe(t, "--batch", "1", "lenet5-fashion-mnist")
	if code, body := post(t, s.url+inferClothes, several(one, one, one, one, one)); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	if steps, images := stepsOf(t, s.url); steps != 5 || images != 5 {
		t.Errorf("--batch 1: %d images in %d steps", images, steps)
	}
}

// A small picture waits, or not, for a large one that is being decoded.
func TestServeDelaysAStepForWhatIsDecoded(t *testing.T) {
	noise := std.NewRGBA(std.Rect(0, 0, 2500, 2500))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = uint8(r.Uint32())
	}
	var large bytes.Buffer
	if err := png.Encode(&large, noise); err != nil {
		t.Fatal(err)
	}
	body := several(large.Bytes(), boot(t))
	for delay, want := range map[string]int{"1m": 1, "1ns": 2} {
		s := startServe(t, "--delay", delay, "--max-body", "100000000", "lenet5-fashion-mnist")
		fewest, most := 9, 0
		for range 5 { // the small one may be through before the large one is begun
			before, _ := stepsOf(t, s.url)
			if code, text := post(t, s.url+inferClothes, body); code != 200 {
				t.Fatalf("%d %.200s", code, text)
			}
			after, _ := stepsOf(t, s.url)
			fewest, most = min(fewest, after-before), max(most, after-before)
			if after-before == want {
				break
			}
		}
		if got := map[int]int{1: fewest, 2: most}[want]; got != want {
			t.Errorf("--delay %s: %d steps for two images, should be %d", delay, got, want)
		}
	}
}

func TestServeWritesALogOnRequest(t *testing.T) {
	for _, flag := range []string{"--log", "--log=false"} {
		s := startServe(t, flag, "lenet5-fashion-mnist")
		post(t, s.url+"/predict", []byte("no image"))
		logged := strings.Contains(s.stderr.String(), `"path":"/predict","status":400`)
		if logged != (flag == "--log") {
			t.Errorf("%s: it says %s", flag, s.stderr)
		}
	}
}

func TestServeHasAPageUnlessToldOtherwise(t *testing.T) {
	for flag, want := range map[string]int{"--page": 200, "--page=false": 404} {
		s := startServe(t, flag, "lenet5-fashion-mnist")
		if code, _, _ := get(t, s.url+"/"); code != want {
			t.Errorf("%s: GET / answers %d, should be %d", flag, code, want)
		}
	}
}

func TestServeMakesAnEnsembleOneModel(t *testing.T) {
	members := []string{"lenet5-fashion-mnist-ensemble-m1", "lenet5-fashion-mnist-ensemble-m2"}
	for flag, want := range map[string]string{
		"--ensemble":       `{"models":["ensemble-of-2"]}`,
		"--ensemble=false": `{"models":["lenet5-fashion-mnist-ensemble-m1","lenet5-fashion-mnist-ensemble-m2"]}`,
	} {
		s := startServe(t, append([]string{flag}, members...)...)
		if _, _, body := get(t, s.url+"/v2/models"); strings.TrimSpace(body) != want {
			t.Errorf("%s: %s, should be %s", flag, body, want)
		}
	}
}

// A file that changes is loaded anew, if one looks.
func TestServeReloadsAChangedFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "net.safetensors")
	export := func(name string) {
		t.Helper()
		var stderr bytes.Buffer
		if code := run(context.Background(), []string{"export", name, "-o", filepath.Join(dir, "new.safetensors")}, io.Discard, &stderr); code != 0 {
			t.Fatal(stderr.String())
		}
		if err := os.Rename(filepath.Join(dir, "new.safetensors"), file); err != nil {
			t.Fatal(err)
		}
	}
	isBoot := func(s *started) bool {
		_, body := post(t, s.url+"/predict?top=1", boot(t))
		return strings.Contains(body, "Ankle boot")
	}
	export("lenet5-fashion-mnist")
	looks, never := startServe(t, "--reload", "10ms", file), startServe(t, "--reload", "0", file)
	if !isBoot(looks) || !isBoot(never) {
		t.Fatal("the first network does not know a boot")
	}
	export("lenet5-mnist") // digits
	for deadline := time.Now().Add(time.Minute); isBoot(looks); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the changed file was never loaded")
		}
	}
	if !isBoot(never) {
		t.Error("--reload 0 has loaded a changed file")
	}
}

// Who does not send a request's end is waited for as long as --grace says.
func TestServeEndsAfterItsGrace(t *testing.T) {
	s := startServe(t, "--grace", "50ms", "lenet5-fashion-mnist")
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nbegun")
	// It is inside when another request was answered after it.
	if r, err := http.Get(s.url + "/v2/health/live"); err != nil {
		t.Fatal(err)
	} else {
		r.Body.Close()
	}
	time.Sleep(50 * time.Millisecond)
	s.stop()
	code := <-s.code
	s.code <- code
	if code != 1 || !strings.Contains(s.stderr.String(), "some requests were not answered within 50ms") {
		t.Errorf("exit code %d: %s", code, s.stderr)
	}
}
