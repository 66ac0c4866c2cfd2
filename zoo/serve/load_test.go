package serve

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// crowded is a model that counts how many prepared images there are at a time.
type crowded struct {
	fake
	prepared, most atomic.Int64
}

func (c *crowded) Prepare(dst []float32, file []byte, maxPixels int) error {
	if n := c.prepared.Add(1); n > c.most.Load() {
		c.most.Store(n)
	}
	return c.fake.Prepare(dst, file, maxPixels)
}

func (c *crowded) Run(x []float32, n int, logits []float32) error {
	time.Sleep(time.Millisecond)
	defer c.prepared.Add(-int64(n))
	return c.fake.Run(x, n, logits)
}

// However many wait, only those of the next steps are decoded.
func TestWaitingImagesStayEncoded(t *testing.T) {
	m := &crowded{}
	s := Config{Limits: Limits{Batch: 2, Queue: 300}}.New(Named("pets", m))
	h := httptest.NewServer(s)
	defer h.Close()
	defer s.Close(context.Background())
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if got := send(t, "POST", h.URL+"/predict?top=1", "img 1 2"); got.code != 200 || !strings.Contains(got.body, "dog") {
				t.Errorf("%d %s", got.code, got.body)
			}
		})
	}
	all.Wait()
	if most, bound := m.most.Load(), int64(2*2*runtime.GOMAXPROCS(0)); most > bound || most < 3 {
		t.Errorf("%d images were decoded at a time, at most %d should be", most, bound)
	}
}

// A client that asks again at once finds the others of its step, not the half of them.
func TestStepsOfClientsInTurnsAreFull(t *testing.T) {
	slow := &crowded{}
	s := Config{Limits: Limits{Batch: 4, Delay: time.Second}}.New(Named("pets", slow))
	h := httptest.NewServer(s)
	defer h.Close()
	defer s.Close(context.Background())
	var all sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for range 40 {
				if got := send(t, "POST", h.URL+"/predict?top=1", "img 1 2"); got.code != 200 {
					t.Errorf("%d %s", got.code, got.body)
				}
			}
		})
	}
	all.Wait()
	images := int64(160 * runtime.GOMAXPROCS(0))
	if steps := slow.steps.Load(); steps < images/4 || steps > images/2 {
		t.Errorf("%d steps of up to 4 for %d images", steps, images)
	}
}

// The bytes of all requests together are bounded, and a request that has ended counts no more.
func TestBodiesAreBoundedTogether(t *testing.T) {
	f := &fake{hold: make(chan struct{})}
	url := serve(t, Config{Limits: Limits{Bodies: 1000}}, f)
	first := make(chan reply)
	go func() { first <- send(t, "POST", url+"/predict", "img 1 2"+strings.Repeat(" ", 593)) }()
	for !strings.Contains(send(t, "GET", url+"/metrics", "").body, `zoo_waiting_images{model="pets"} 1`) {
		time.Sleep(time.Millisecond)
	}
	got := send(t, "POST", url+"/predict", "img 1 2"+strings.Repeat(" ", 594))
	if got.code != 429 || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, "the requests inside have 1000 bytes together already") {
		t.Errorf("601 bytes beside 600: %d %s", got.code, got.body)
	}
	close(f.hold)
	if got := <-first; got.code != 200 {
		t.Errorf("the first: %d %s", got.code, got.body)
	}
	if got := send(t, "POST", url+"/predict", "img 1 2"+strings.Repeat(" ", 993)); got.code != 200 {
		t.Errorf("1000 bytes alone: %d %s", got.code, got.body)
	}
}

// A decoder that panics harms its own request alone, also where it is one of several images.
func TestAPanicStaysInItsRequest(t *testing.T) {
	url := serve(t, Config{}, &fake{})
	b := func(s string) string { return `"` + base64.StdEncoding.EncodeToString([]byte(s)) + `"` }
	body := `{"inputs":[{"name":"input","shape":[3],"datatype":"BYTES","data":[` + b("img 1 2") + "," + b("panic") + "," + b("img 3 4") + `]}]}`
	if got := send(t, "POST", url+"/v2/models/pets/infer", body); got.code != 500 || !strings.Contains(got.body, "a decoder's fault") {
		t.Errorf("%d %s", got.code, got.body)
	}
	// Nothing is held by it: more panics than there are rooms and decoders, and an answer.
	for range 50 {
		send(t, "POST", url+"/predict", "panic")
	}
	if got := send(t, "POST", url+"/predict?top=1", "img 1 2"); got.code != 200 {
		t.Errorf("afterwards: %d %s", got.code, got.body)
	}
}

// A network that panics fails its step, and the next one is computed.
func TestAPanicOfTheNetworkIsAnError(t *testing.T) {
	m := &panics{}
	url := func() string {
		s := Config{}.New(Named("pets", m))
		h := httptest.NewServer(s)
		t.Cleanup(func() { h.Close(); s.Close(context.Background()) })
		return h.URL
	}()
	if got := send(t, "POST", url+"/predict", "img 1 2"); got.code != 500 || !strings.Contains(got.body, "model pets: the network's fault") {
		t.Errorf("%d %s", got.code, got.body)
	}
	m.quiet.Store(true)
	if got := send(t, "POST", url+"/predict", "img 1 2"); got.code != 200 {
		t.Errorf("afterwards: %d %s", got.code, got.body)
	}
}

type panics struct {
	fake
	quiet atomic.Bool
}

func (p *panics) Run(x []float32, n int, logits []float32) error {
	if !p.quiet.Load() {
		panic("the network's fault")
	}
	return p.fake.Run(x, n, logits)
}

// Clients that ask without a pause while the server ends get whole answers or a clear no; none is cut off.
func TestNothingIsLostWhenTheServerEndsUnderLoad(t *testing.T) {
	m := &crowded{}
	s := Config{}.New(Named("pets", m))
	h := &http.Server{Handler: s}
	l := httptest.NewUnstartedServer(h.Handler)
	l.Config = h
	l.Start()
	var answered, refused, lost atomic.Int64
	stop := make(chan struct{})
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			want := fmt.Sprintf(`"data":[%d,1,%d]`, i, i-1)
			body := fmt.Sprintf(`{"inputs":[{"name":"input","shape":[1,2,1,1],"datatype":"FP32","data":[%d,1]}],"outputs":[{"name":"logits"}]}`, i)
			for {
				select {
				case <-stop:
					return
				default:
				}
				r, err := http.Post(l.URL+"/v2/models/pets/infer", "application/json", strings.NewReader(body))
				if err != nil {
					if !strings.Contains(err.Error(), "refused") && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "EOF") && !strings.Contains(err.Error(), "closed idle") {
						t.Errorf("%v", err)
					}
					refused.Add(1) // a connection that was never accepted, or was idle
					return
				}
				text := make([]byte, 4096)
				n, _ := r.Body.Read(text)
				r.Body.Close()
				switch {
				case r.StatusCode == 200 && strings.Contains(string(text[:n]), want):
					answered.Add(1)
				case r.StatusCode == 503:
					refused.Add(1)
				default:
					lost.Add(1)
					t.Errorf("%d %s", r.StatusCode, text[:n])
				}
			}
		})
	}
	for answered.Load() < 200 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	close(stop)
	all.Wait()
	if computed := m.computed(); lost.Load() > 0 || answered.Load() != computed {
		t.Errorf("%d were computed, %d answered, %d refused, %d lost", computed, answered.Load(), refused.Load(), lost.Load())
	}
}

// computed is how many images went through the network; prepared counts down by them where none is decoded.
func (c *crowded) computed() int64 { return -c.prepared.Load() }
