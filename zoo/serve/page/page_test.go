package page

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/baduk"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/explain"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve"
)

func open(t *testing.T, name string) *infer.Classifier {
	t.Helper()
	c, err := pretrained.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// other is a model that is no classifier of package infer.
type other struct{}

func (other) Input() [3]int                                  { return [3]int{1, 1, 1} }
func (other) Classes() []string                              { return []string{"a"} }
func (other) Prepare(dst []float32, _ []byte, _ int) error   { return nil }
func (other) Run(x []float32, n int, logits []float32) error { return nil }
func (other) Close() error                                   { return nil }

// paged starts a server with the page.
func paged(t *testing.T, c Config, sources ...serve.Source) string {
	t.Helper()
	s := serve.Config{}.New(sources...)
	Add(s, c)
	h := httptest.NewServer(s)
	t.Cleanup(func() { h.Close(); s.Close(context.Background()) })
	return h.URL
}

// ask sends a request, and reads the answer as JSON if v is not nil.
func ask(t *testing.T, method, url string, body []byte, v any) (code int, text string) {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	all, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if v != nil {
		if err := json.Unmarshal(all, v); err != nil || a.StatusCode != 200 {
			t.Fatalf("%s %s: %d %s", method, url, a.StatusCode, all)
		}
	}
	return a.StatusCode, string(all)
}

// shirt is a picture of 40×30 with something bright in it.
func shirt(t *testing.T) (*image.Gray, []byte) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 40, 30))
	for y := 4; y < 26; y++ {
		for x := 12; x < 28; x++ {
			img.SetGray(x, y, color.Gray{uint8(90 + 5*y)})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return img, file.Bytes()
}

func TestTheStateTellsWhatThereIs(t *testing.T) {
	ensemble, err := serve.Ensemble(open(t, "lenet5-fashion-mnist-ensemble-m1"), open(t, "lenet5-fashion-mnist-ensemble-m2"))
	if err != nil {
		t.Fatal(err)
	}
	url := paged(t, Config{Runs: []string{filepath.Join("runs", "a")}},
		serve.Named("clothes", serve.Classifier(open(t, "lenet5-fashion-mnist"))), serve.Named("both", ensemble), serve.Named("other", other{}),
		serve.Source{Name: "lost", Open: func() (serve.Model, error) { return nil, os.ErrNotExist }})
	var got struct {
		Models []struct {
			Name, Network   string
			Members         int
			Classes, Layers []string
		}
		Runs []string
		Go   int
	}
	ask(t, "GET", url+"/page/state", nil, &got)
	if len(got.Models) != 2 || got.Models[0].Name != "both" || got.Models[0].Members != 2 || got.Models[1].Name != "clothes" || got.Models[1].Members != 1 {
		t.Fatalf("%+v", got.Models)
	}
	m := got.Models[1]
	if m.Network != "lenet5" || len(m.Classes) != 10 || m.Classes[9] != "Ankle boot" || !slices.Equal(m.Layers, []string{"relu 1", "max pool 1", "relu 2", "max pool 2"}) {
		t.Errorf("%+v", m)
	}
	if !slices.Equal(got.Runs, []string{"runs/a"}) || got.Go != 0 {
		t.Errorf("runs %q, a board of %d", got.Runs, got.Go)
	}
	for path, want := range map[string]string{
		"/page/models/other/architecture":   "model other is no classifier",
		"/page/models/lost/architecture":    "model lost is not ready",
		"/page/models/nowhere/architecture": "no model is called",
	} {
		if code, text := ask(t, "GET", url+path, nil, nil); code < 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
}

func TestTheArchitectureHasItsArithmetic(t *testing.T) {
	url := paged(t, Config{}, serve.Named("clothes", serve.Classifier(open(t, "lenet5-fashion-mnist"))))
	var got struct {
		Name, Variant    string
		Parameters, MACs int64
		Layers           []struct {
			Name, Kind, Formula string
			Out                 []int
			Parameters          int64
		}
	}
	ask(t, "GET", url+"/page/models/clothes/architecture", nil, &got)
	if got.Name != "lenet5" || got.Parameters != 61706 || got.MACs != 416520 || len(got.Layers) != 12 {
		t.Errorf("%+v", got)
	}
	if c3 := got.Layers[3]; c3.Name != "c3" || c3.Formula != "(14 - 5 + 2·0)/1 + 1 = 10" || !slices.Equal(c3.Out, []int{16, 10, 10}) || c3.Parameters != 2416 {
		t.Errorf("%+v", c3)
	}
}

// What the page lays over a picture is what package explain says.
func TestLooksAreThoseOfExplain(t *testing.T) {
	c := open(t, "lenet5-fashion-mnist")
	url := paged(t, Config{}, serve.Named("clothes", serve.Classifier(c)))
	img, file := shirt(t)
	s := explain.Of(c)
	x := make([]float32, 28*28)
	if err := c.Prepare(x, img); err != nil {
		t.Fatal(err)
	}
	up := func(m explain.Map, of int, err error) (image.Image, int) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m.Resize(28, 28).Heat(), of
	}
	for query, want := range map[string]func() (image.Image, int){
		"how=gradcam":                      func() (image.Image, int) { return up(explain.GradCAM{Class: -1}.Explain(s, x)) },
		"how=gradcam&class=2&layer=relu+1": func() (image.Image, int) { return up(explain.GradCAM{Class: 2, Layer: "relu 1"}.Explain(s, x)) },
		"how=saliency&class=3":             func() (image.Image, int) { return up(explain.Saliency{Class: 3}.Explain(s, x)) },
		"how=occlusion&class=0": func() (image.Image, int) {
			return up(explain.Occlusion{Class: 0, Stride: 1}.Explain(t.Context(), s, x))
		},
		"how=guided&class=4": func() (image.Image, int) {
			g, of, err := explain.Guided{Class: 4}.Explain(s, x)
			if err != nil {
				t.Fatal(err)
			}
			return s.Gradient(g), of
		},
	} {
		var got struct {
			Class               int
			Name, Picture, Heat string
		}
		ask(t, "POST", url+"/page/models/clothes/look?"+query, file, &got)
		heat, of := want()
		if got.Class != of || got.Name != s.Name(of) || !same(t, got.Heat, heat) || !same(t, got.Picture, s.Picture(x)) {
			t.Errorf("%s: class %d, %s; the picture is another one", query, got.Class, got.Name)
		}
	}
	for query, want := range map[string]string{
		"how=gradcam&class=x":  `class \"x\": should be a number`,
		"how=gradcam&class=10": "class 10: the network has 10",
		"how=gradcam&layer=no": `no layer is called \"no\"`,
		"how=none":             "there are gradcam, occlusion, saliency, guided",
	} {
		if code, text := ask(t, "POST", url+"/page/models/clothes/look?"+query, file, nil); code != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", query, code, text)
		}
	}
	for _, path := range []string{"/page/models/clothes/look?how=gradcam", "/page/models/clothes/members"} {
		if code, text := ask(t, "POST", url+path, []byte("no image"), nil); code != 400 || !strings.Contains(text, "image") {
			t.Errorf("%s of no image: %d %s", path, code, text)
		}
	}
}

// same compares a data URL with a picture.
func same(t *testing.T, url string, want image.Image) bool {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(url, "data:image/png;base64,"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		return false
	}
	b := want.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := got.At(x, y).RGBA()
			wr, wg, wb, _ := want.At(x, y).RGBA()
			if r != wr || g != wg || bl != wb {
				return false
			}
		}
	}
	return true
}

// Who goes away while another explanation is computed costs none.
func TestALookEndsWithItsRequest(t *testing.T) {
	c := open(t, "lenet5-fashion-mnist")
	p := &page{}
	s := serve.Config{}.New(serve.Named("clothes", serve.Classifier(c)))
	defer s.Close(context.Background())
	p.server = s
	_, file := shirt(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, how := range []string{"gradcam", "occlusion"} {
		r := httptest.NewRequestWithContext(ctx, "POST", "/page/models/clothes/look?how="+how, bytes.NewReader(file))
		r.SetPathValue("name", "clothes")
		if err := p.look(httptest.NewRecorder(), r); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", how, err)
		}
	}
	r := httptest.NewRequestWithContext(ctx, "POST", "/page/models/clothes/members", bytes.NewReader(file))
	r.SetPathValue("name", "clothes")
	if err := p.members(httptest.NewRecorder(), r); !errors.Is(err, context.Canceled) {
		t.Errorf("members: %v", err)
	}
}

func TestMembersSayWhatEachPredicts(t *testing.T) {
	var list []*infer.Classifier
	for i := range 3 {
		list = append(list, open(t, fmt.Sprintf("lenet5-fashion-mnist-ensemble-m%d", i+1)))
	}
	ensemble, err := serve.Ensemble(list...)
	if err != nil {
		t.Fatal(err)
	}
	url := paged(t, Config{}, serve.Named("all", ensemble))
	img, file := shirt(t)
	var got struct{ Members [][]infer.Prediction }
	ask(t, "POST", url+"/page/models/all/members", file, &got)
	if len(got.Members) != 3 {
		t.Fatalf("%d members", len(got.Members))
	}
	for i, c := range list {
		want, err := c.Predict(t.Context(), img, 3)
		if err != nil {
			t.Fatal(err)
		}
		for k, w := range want {
			if g := got.Members[i][k]; g.Class != w.Class || math.Abs(float64(g.Probability-w.Probability)) > 1e-6 {
				t.Errorf("member %d says %+v, should be %+v", i, g, w)
			}
		}
	}
}

func TestARunsTableIsReadAsFarAsItIsWritten(t *testing.T) {
	run, fresh := t.TempDir(), t.TempDir()
	url := paged(t, Config{Runs: []string{run, fresh, filepath.Join(run, "metrics.csv")}})
	if err := os.WriteFile(filepath.Join(run, "metrics.csv"), []byte("epoch,top1_error\n1,0.5\n2,0."), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(fresh, "log.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rows  [][]string
		Alive bool
	}
	ask(t, "GET", url+"/page/runs/0/metrics", nil, &got)
	if len(got.Rows) != 2 || !slices.Equal(got.Rows[1], []string{"1", "0.5"}) || got.Alive {
		t.Errorf("%+v", got)
	}
	got.Rows = nil
	ask(t, "GET", url+"/page/runs/1/metrics", nil, &got)
	if len(got.Rows) != 0 || !got.Alive {
		t.Errorf("a run that has begun: %+v", got)
	}
	for path, code := range map[string]int{"3": 400, "-1": 400, "x": 400, "2": 500} {
		if got, text := ask(t, "GET", url+"/page/runs/"+path+"/metrics", nil, nil); got != code {
			t.Errorf("run %s: %d %s", path, got, text)
		}
	}
}

func TestAGameAgainstThePolicy(t *testing.T) {
	r, err := pretrained.Open("alphago-policy-small")
	if err != nil {
		t.Fatal(err)
	}
	policy, err := alphago.LoadPolicyFrom(r, 1)
	r.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer policy.Close()
	url := paged(t, Config{Go: policy})
	type position struct {
		Size          int
		Stones        []int
		Points        []string
		Probabilities []float32
		ToPlay, Move  string
		Over          bool
		Lead          float64
	}
	play := func(body string) position {
		t.Helper()
		var p position
		ask(t, "POST", url+"/page/go", []byte(body), &p)
		return p
	}
	p := play(`{}`)
	sum := 0.0
	for _, v := range p.Probabilities {
		sum += float64(v)
	}
	if p.Size != 19 || len(p.Stones) != 361 || p.ToPlay != "black" || p.Move != "" || p.Over || math.Abs(sum-1) > 1e-3 {
		t.Errorf("the empty board: %d×, %s to play, probabilities %g", p.Size, p.ToPlay, sum)
	}
	p = play(`{"moves":["Q16"],"move":true}`)
	at := slices.Index(p.Points, "Q16")
	stones := 0
	for _, s := range p.Stones {
		if s != 0 {
			stones++
		}
	}
	if at < 0 || p.Stones[at] != int(baduk.Black) || p.Probabilities[at] != 0 || stones != 2 || p.ToPlay != "black" {
		t.Errorf("after a move: stone %d, probability %g, %d stones, %s to play", p.Stones[at], p.Probabilities[at], stones, p.ToPlay)
	}
	if m := slices.Index(p.Points, p.Move); m < 0 || p.Stones[m] != int(baduk.White) {
		t.Errorf("the policy's move is %q", p.Move)
	}
	// The policy plays the best of its own probabilities.
	before := play(`{"moves":["Q16"]}`)
	best := slices.Index(before.Probabilities, slices.Max(before.Probabilities))
	if before.Points[best] != p.Move {
		t.Errorf("it plays %s, where %s is the most probable", p.Move, before.Points[best])
	}
	if p := play(`{"moves":["pass","pass"],"move":true}`); !p.Over || p.Move != "" || p.Lead != -7.5 {
		t.Errorf("after two passes: %+v", p)
	}
	for body, want := range map[string]string{
		`{"moves":["Q16","Q16"]}`: "move 2, Q16",
		`{"moves":["Z99"]}`:       `move 1, \"Z99\"`,
		`{`:                       "the game cannot be read",
		`{"moves":[` + strings.Repeat(`"pass",`, maxMoves) + `"pass"]}`: "1001 moves: at most 1000",
	} {
		if code, text := ask(t, "POST", url+"/page/go", []byte(body), nil); code != 400 || !strings.Contains(text, want) {
			t.Errorf("%.30s: %d %s", body, code, text)
		}
	}
}

func TestThePageMayAskNoOtherOrigin(t *testing.T) {
	url := paged(t, Config{})
	for path, kind := range map[string]string{"/": "text/html; charset=utf-8", "/page.js": "text/javascript; charset=utf-8", "/page.css": "text/css; charset=utf-8"} {
		r, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		name := path
		if path == "/" {
			name = "/index.html"
		}
		want, err := static.ReadFile("static" + name)
		if err != nil || !bytes.Equal(body, want) {
			t.Errorf("%s: other bytes, %v", path, err)
		}
		h := r.Header
		if csp := h.Get("Content-Security-Policy"); h.Get("Content-Type") != kind || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	for path, want := range map[string]string{"/page/go": "without a policy"} {
		if code, text := ask(t, "POST", url+path, []byte("{}"), nil); code != 400 || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	if code, _ := ask(t, "GET", url+"/static/index.html", nil, nil); code != 404 {
		t.Errorf("another path: %d", code)
	}
}

func TestWithoutAServerThereIsNoPage(t *testing.T) {
	Add(nil, Config{Runs: []string{"runs"}}) // does not panic
}
