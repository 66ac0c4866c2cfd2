// Package serve puts trained networks behind HTTP.
//
//	model, err := infer.Load("resnet18.safetensors")
//	http.Handle("/", serve.New(model))
//
// A [Server] is an [http.Handler]. It speaks the Open Inference Protocol, version 2, as KServe, Triton and
// OpenVINO do (JSON, binary tensors, encoded images, the classification parameter), the older
// /v1/models/NAME:predict, and for a person at a shell
//
//	curl -F image=@cat.jpg localhost:8080/predict
//
// Requests that come at the same time share steps of the network. What is asked for beyond the [Limits] is
// refused with 413 or 429 and one sentence; nothing that was accepted is lost when the server is closed.
// No file of the machine can be named by a request. Metrics are at /metrics in Prometheus' form, a
// description of all paths at /openapi.json.
//
// # Adding one
//
// Whatever implements [Model] can be served: the classifiers of package zoo/infer do, and so does an
// ensemble of them. A new path is one line in routes and one method.
package serve

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// A Model is a network that can be served. Its methods are called from many goroutines.
type Model interface {
	// Input is the shape of one image: channels, height, width.
	Input() [3]int

	// Classes are the names of the classes, in the order of the output.
	Classes() []string

	// Prepare decodes an image file and writes it as the network wants it, into Input's number of floats.
	// An error that wraps [ErrImage] is the sender's fault.
	Prepare(dst []float32, file []byte, maxPixels int) error

	// Run computes the logits of n prepared images, x, one number for each class and image.
	Run(x []float32, n int, logits []float32) error

	// Close frees what the model holds, after the last call.
	Close() error
}

// ErrImage says that a file is no image that can be read.
var ErrImage = errors.New("no image that can be read")

// Limits bound what requests may cost. What is not above zero is replaced by the default.
type Limits struct {
	Body    int64         // bytes of a request; 32 MiB
	Bodies  int64         // bytes of all requests that are inside together; 256 MiB
	Pixels  int           // of an image, before it is decoded; 64 million
	Images  int           // in a request; 64
	Queue   int           // images that wait or are computed, for each model; 256
	Batch   int           // images in a step of the network; 4, of which classifiers make a step
	Delay   time.Duration // that a step waits for images that are being decoded; 20 ms
	Timeout time.Duration // of a request from its last byte on; 30 s
}

func (l Limits) complete() Limits {
	d := Limits{32 << 20, 256 << 20, 64_000_000, 64, 256, infer.StepImages, 20 * time.Millisecond, 30 * time.Second}
	if l.Body <= 0 {
		l.Body = d.Body
	}
	if l.Bodies <= 0 {
		l.Bodies = d.Bodies
	}
	if l.Pixels <= 0 {
		l.Pixels = d.Pixels
	}
	if l.Images <= 0 {
		l.Images = d.Images
	}
	if l.Queue <= 0 {
		l.Queue = d.Queue
	}
	if l.Batch <= 0 {
		l.Batch = d.Batch
	}
	if l.Delay <= 0 {
		l.Delay = d.Delay
	}
	if l.Timeout <= 0 {
		l.Timeout = d.Timeout
	}
	return l
}

// A Source makes a model when it is wanted: at the beginning, after a client has asked to load it, or when
// its file has changed.
type Source struct {
	Name string // in the paths: letters, digits, ".", "-" and "_"
	Open func() (Model, error)

	// Version changes when Open would make another model; nil where it never does. It is the modification
	// time and size of a file, say.
	Version func() string
}

// Named is a source of a model that is there already.
func Named(name string, m Model) Source {
	return Source{Name: name, Open: func() (Model, error) { return m, nil }}
}

// open makes the model, or says that there is none.
func (s Source) open() (m Model, err error) {
	if s.Open == nil {
		return nil, errors.New("its source does not say how it is opened")
	}
	if m, err = s.Open(); err == nil && m == nil {
		err = errors.New("there is no model: it is nil")
	}
	return m, err
}

// Config says how a server behaves.
type Config struct {
	Limits  Limits
	Token   string       // that requests have to bring as "Authorization: Bearer …"; empty for none
	Log     *slog.Logger // one line a request; nil for none
	Version string       // of the program, for GET /v2
}

// A Server serves models. It is an [http.Handler].
type Server struct {
	cfg     Config
	limits  Limits
	metrics *metrics
	mux     *http.ServeMux
	bodies  atomic.Int64 // bytes of the requests inside

	mu      sync.RWMutex
	sources map[string]Source
	ready   map[string]*worker
	failed  map[string]error // why a model is not ready
	closed  bool
}

// New is a server of classifiers with the usual limits, each called by its network's name; of two with the
// same the second is NAME-2. The server closes them when it is closed.
func New(models ...*infer.Classifier) *Server {
	var sources []Source
	taken := map[string]int{}
	for _, m := range models {
		if m == nil || m.Model() == nil { // not ready, and says so
			sources = append(sources, Named("none", nil))
			continue
		}
		name := m.Model().Name
		if taken[name]++; taken[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, taken[name])
		}
		sources = append(sources, Named(name, Classifier(m)))
	}
	return Config{}.New(sources...)
}

// New is a server of models as the configuration says. A model that cannot be opened is not ready; GET
// /v2/models/NAME says why.
func (c Config) New(sources ...Source) *Server {
	s := &Server{
		cfg: c, limits: c.Limits.complete(),
		sources: map[string]Source{}, ready: map[string]*worker{}, failed: map[string]error{},
	}
	s.metrics = newMetrics(s)
	s.mux = s.routes()
	for _, source := range sources {
		s.sources[source.Name] = source
		s.load(source.Name) // its error is kept
	}
	return s
}

// Names lists the models, ready or not.
func (s *Server) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.sources))
}

// Err tells why a model is not ready, or nil.
func (s *Server) Err(name string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failed[name]
}

// load opens a model anew and puts it in the place of the one that was there, whose requests are finished.
func (s *Server) load(name string) error {
	s.mu.RLock()
	source, ok := s.sources[name]
	s.mu.RUnlock()
	if !ok {
		return s.unknown(name)
	}
	version := ""
	if source.Version != nil {
		version = source.Version()
	}
	m, err := source.open()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.ready[name] == nil {
			s.failed[name] = err
		}
		return err
	}
	if s.closed {
		m.Close()
		return errClosing
	}
	old := s.ready[name]
	s.ready[name] = newWorker(name, version, m, s.limits, s.metrics)
	delete(s.failed, name)
	if old != nil {
		go old.close(old.model != m)
	}
	return nil
}

// unload closes a model after its requests.
func (s *Server) unload(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.sources[name]; !ok {
		return s.unknown(name)
	}
	if w := s.ready[name]; w != nil {
		delete(s.ready, name)
		s.failed[name] = errors.New("it was unloaded")
		go w.close(true)
	}
	return nil
}

// unknown is the error for a model that there is not.
func (s *Server) unknown(name string) error {
	return &status{http.StatusNotFound, fmt.Sprintf("no model is called %q: there is %s", name, strings.Join(slices.Sorted(maps.Keys(s.sources)), ", "))}
}

// worker finds a model that is ready; an empty name is that of the only one.
func (s *Server) worker(name string) (*worker, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if name == "" {
		if len(s.sources) != 1 {
			return nil, &status{http.StatusBadRequest, "which model? there is " + strings.Join(slices.Sorted(maps.Keys(s.sources)), ", ")}
		}
		for only := range s.sources {
			name = only
		}
	}
	if w := s.ready[name]; w != nil {
		return w, nil
	}
	if err := s.failed[name]; err != nil {
		return nil, &status{http.StatusServiceUnavailable, fmt.Sprintf("model %s is not ready: %v", name, err)}
	}
	return nil, s.unknown(name)
}

// Watch looks every so often whether the models' sources have changed, until ctx ends, and loads those
// that have. A model that cannot be loaded leaves the old one in its place and is told to the log. No time
// between two looks means two seconds.
func (s *Server) Watch(ctx context.Context, every time.Duration) {
	if ctx == nil {
		ctx = context.Background()
	}
	if every <= 0 {
		every = 2 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	tried := map[string]string{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, name := range s.Names() {
			s.mu.RLock()
			source, w := s.sources[name], s.ready[name]
			s.mu.RUnlock()
			if source.Version == nil || w == nil {
				continue
			}
			now := source.Version()
			if now == "" || now == w.version || now == tried[name] {
				continue
			}
			tried[name] = now
			err := s.load(name)
			if s.cfg.Log == nil {
				continue
			}
			if err != nil {
				s.cfg.Log.Warn("a changed model could not be loaded; the old one stays", "model", name, "error", err)
			} else {
				s.cfg.Log.Info("loaded a changed model", "model", name)
			}
		}
	}
}

// Close waits for what was accepted, up to ctx's end, and closes the models. Requests that come later are
// refused. Call it after [http.Server.Shutdown], which waits for the answers to be written.
func (s *Server) Close(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	s.mu.Lock()
	s.closed = true
	var all []*worker
	for name, w := range s.ready {
		all = append(all, w)
		delete(s.ready, name)
		s.failed[name] = errClosing
	}
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, w := range all {
			errs = append(errs, w.close(true))
		}
		done <- errors.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errClosing = &status{http.StatusServiceUnavailable, "the server is ending"}

// routes lists all paths.
func (s *Server) routes() *http.ServeMux {
	m := http.NewServeMux()
	handle := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		m.Handle(pattern, s.wrap(pattern, h))
	}
	handle("GET /v2", s.server)
	handle("GET /v2/health/live", s.live)
	handle("GET /v2/health/ready", s.isReady)
	handle("GET /v2/models", s.models)
	for _, version := range []string{"", "/versions/{version}"} {
		handle("GET /v2/models/{name}"+version, s.metadata)
		handle("GET /v2/models/{name}"+version+"/ready", s.modelReady)
		handle("POST /v2/models/{name}"+version+"/infer", s.infer)
	}
	handle("POST /v2/repository/index", s.index)
	handle("POST /v2/repository/models/{name}/load", s.loadModel)
	handle("POST /v2/repository/models/{name}/unload", s.unloadModel)
	handle("GET /v1/models/{name}", s.v1Status)
	handle("POST /v1/models/{name}", s.v1Predict) // NAME:predict
	handle("POST /predict", s.predict)
	handle("POST /predict/{name}", s.predict)
	handle("GET /openapi.json", s.openAPI)
	m.Handle("GET /metrics", s.authorised(s.metrics.handler()))
	return m
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern == "" {
		w = &refusal{ResponseWriter: w, request: r}
	}
	s.mux.ServeHTTP(w, r)
}

// Handle adds a path of one's own, which needs no token: what a page is made of, for example.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// HandleFunc adds a path of one's own with the server's limits, token, counting and log. An error is
// answered as the protocol's errors are, see [BadRequest].
func (s *Server) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request) error) {
	s.mux.Handle(pattern, s.wrap(pattern, h))
}

// Use calls f with a model, which stays open until f returns.
func (s *Server) Use(name string, f func(Model) error) error {
	w, err := s.worker(name)
	if err != nil {
		return err
	}
	if err := w.enter(0); err != nil {
		return err
	}
	defer w.leave(0)
	return f(w.model)
}

// authorised lets requests through that bring the token.
func (s *Server) authorised(h http.Handler) http.Handler {
	if s.cfg.Token == "" {
		return h
	}
	want := []byte("Bearer " + s.cfg.Token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeError(w, &status{http.StatusUnauthorized, "this server wants a token: Authorization: Bearer …"})
			return
		}
		h.ServeHTTP(w, r)
	})
}

// wrap makes a handler of a method: it bounds the request in size and time, writes errors, and counts.
func (s *Server) wrap(pattern string, h func(http.ResponseWriter, *http.Request) error) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		record := &recorder{ResponseWriter: w}
		body := &body{ReadCloser: http.MaxBytesReader(record, r.Body, s.limits.Body), server: s}
		defer body.forget()
		r.Body = body
		ctx, cancel := context.WithTimeout(r.Context(), s.limits.Timeout)
		defer cancel()
		err := plainBody(r)
		if err == nil && r.ContentLength > s.limits.Body {
			record.Header().Set("Connection", "close") // else the answer waits for the body
			err = &http.MaxBytesError{Limit: s.limits.Body}
		}
		if err == nil {
			err = s.safely(h, record, r.WithContext(ctx))
		}
		if err != nil {
			writeError(record, err)
		}
		took := time.Since(began)
		s.metrics.request(pattern, record.code(), took)
		if s.cfg.Log != nil {
			args := []any{"method", r.Method, "path", shortened(r.URL.Path), "status", record.code(), "bytes", record.bytes, "ms", float64(took.Microseconds()) / 1e3}
			if err != nil {
				args = append(args, "error", shortened(err.Error()))
			}
			s.cfg.Log.Info("request", args...)
		}
	})
	if strings.HasPrefix(pattern, "GET /v2/health/") {
		return inner // a cluster's probes bring no token
	}
	return s.authorised(inner)
}

// A body is a request's, whose bytes count among those of all requests that are inside.
type body struct {
	io.ReadCloser
	server *Server
	read   int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if inside := b.server.bodies.Add(int64(n)); inside > b.server.limits.Bodies {
		return n, &status{http.StatusTooManyRequests, fmt.Sprintf("the requests inside have %d bytes together already: try again in %d s", b.server.limits.Bodies, retryAfter)}
	}
	return n, err
}

// whole reads a request's body. The size that it claims is believed up to 1 MiB before it has come.
func whole(r *http.Request) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), 1<<20)) + bytes.MinRead)
	if _, err := b.ReadFrom(r.Body); err != nil {
		return nil, unread(err)
	}
	return b.Bytes(), nil
}

func (b *body) forget() { b.server.bodies.Add(-b.read) }

// safely turns a panic into an error of this request alone.
func (s *Server) safely(h func(http.ResponseWriter, *http.Request) error, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &status{http.StatusInternalServerError, fmt.Sprintf("%v", p)}
		}
	}()
	return h(w, r)
}

// A recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	sent  int
	bytes int64
}

func (r *recorder) WriteHeader(code int) {
	if r.sent == 0 {
		r.sent = code
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.sent == 0 {
		r.sent = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

func (r *recorder) code() int {
	if r.sent == 0 {
		return http.StatusOK
	}
	return r.sent
}

// Unwrap lets [http.ResponseController] find the writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
