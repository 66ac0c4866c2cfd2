package serve

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// What is nil, or was not made by a constructor, is a model that is not ready and says why.
func TestNothingIsServedAsNotReady(t *testing.T) {
	for name, s := range map[string]*Server{
		"a nil classifier":          New(nil),
		"an empty classifier":       New(&infer.Classifier{}),
		"a source that opens none":  Config{}.New(Named("none", nil)),
		"a source without opening":  Config{}.New(Source{Name: "none"}),
		"limits below zero as well": Config{Limits: Limits{-1, -1, -1, -1, -1, -1, -1, -1}}.New(Named("none", nil), Named("pets", &fake{})),
	} {
		h := httptest.NewServer(s)
		if got := send(t, "GET", h.URL+"/v2/health/ready", ""); got.code != 503 {
			t.Errorf("%s: ready %d %s", name, got.code, got.body)
		}
		if got := send(t, "POST", h.URL+"/predict/none", "x"); got.code != 503 || !strings.Contains(string(got.body), "model none is not ready: ") {
			t.Errorf("%s: %d %s", name, got.code, got.body)
		}
		h.Close()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Watch(ctx, 0)
		s.Watch(ctx, -time.Second)
		var none context.Context
		if err := s.Close(none); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, members := range [][]*infer.Classifier{{nil}, {{}}, nil} {
		if _, err := Ensemble(members...); err == nil {
			t.Errorf("an ensemble of %v", members)
		}
	}
}
