package serve

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics tells, in a registry of the server's own.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	images   *prometheus.CounterVec
	batch    *prometheus.HistogramVec
	steps    *prometheus.HistogramVec
	decoding *prometheus.HistogramVec
}

func newMetrics(s *Server) *metrics {
	latency := []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zoo_requests_total", Help: "Requests by path and status."}, []string{"path", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "zoo_request_seconds", Help: "Time from a request's first byte to its answer.", Buckets: latency}, []string{"path"}),
		images:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "zoo_images_total", Help: "Images that went through a network."}, []string{"model"}),
		batch:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "zoo_batch_images", Help: "Images in a step.", Buckets: []float64{1, 2, 3, 4, 8, 12, 16, 32, 64}}, []string{"model"}),
		steps:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "zoo_step_seconds", Help: "Time of a step of the network.", Buckets: latency}, []string{"model"}),
		decoding: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "zoo_decode_seconds", Help: "Time to decode and prepare an image.", Buckets: latency}, []string{"model"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.images, m.batch, m.steps, m.decoding, waiting{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) request(pattern string, code int, took time.Duration) {
	_, path, _ := strings.Cut(pattern, " ")
	m.requests.WithLabelValues(path, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(path).Observe(took.Seconds())
}

func (m *metrics) step(model string, images int, took time.Duration) {
	m.images.WithLabelValues(model).Add(float64(images))
	m.batch.WithLabelValues(model).Observe(float64(images))
	m.steps.WithLabelValues(model).Observe(took.Seconds())
}

func (m *metrics) prepared(model string, took time.Duration) {
	m.decoding.WithLabelValues(model).Observe(took.Seconds())
}

// waiting tells how many images each model has to do, when it is asked.
type waiting struct{ s *Server }

var (
	waitingDesc = prometheus.NewDesc("zoo_waiting_images", "Images that were accepted and are not answered.", []string{"model"}, nil)
	readyDesc   = prometheus.NewDesc("zoo_model_ready", "1 if the model answers, 0 if not.", []string{"model"}, nil)
)

func (w waiting) Describe(to chan<- *prometheus.Desc) {
	to <- waitingDesc
	to <- readyDesc
}

func (w waiting) Collect(to chan<- prometheus.Metric) {
	w.s.mu.RLock()
	defer w.s.mu.RUnlock()
	for name := range w.s.sources {
		ready := 0.0
		if m := w.s.ready[name]; m != nil {
			ready = 1
			to <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(m.inside.Load()), name)
		}
		to <- prometheus.MustNewConstMetric(readyDesc, prometheus.GaugeValue, ready, name)
	}
}
