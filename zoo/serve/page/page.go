// Package page is what a person sees of a server: a page on which one drops an image, sees what a network
// says and where it looks, how the network is built, how a run is going, and plays Go against the policy.
//
// Everything is part of the program: the page asks no other origin for anything, and its
// Content-Security-Policy forbids it. What it shows of names is text, never markup.
//
// # Adding one
//
// A new view is a section of static/index.html, a function of static/page.js that fills it, and one path in
// Add that answers JSON.
package page

import (
	"context"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image/codec"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/explain"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve"
)

//go:embed static
var static embed.FS

// Config says what the page shows besides the server's models.
type Config struct {
	Runs []string        // folders whose curves are shown, as they grow
	Go   *alphago.Policy // plays; nil for no board
}

// Add puts the page at the server's root; without a server, nowhere.
func Add(s *serve.Server, c Config) {
	if s == nil {
		return
	}
	p := &page{server: s, cfg: c}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // embedded
	}
	s.Handle("GET /{$}", policy(file(files, "index.html", "text/html; charset=utf-8")))
	s.Handle("GET /page.js", policy(file(files, "page.js", "text/javascript; charset=utf-8")))
	s.Handle("GET /page.css", policy(file(files, "page.css", "text/css; charset=utf-8")))
	s.HandleFunc("GET /page/state", p.state)
	s.HandleFunc("GET /page/models/{name}/architecture", p.architecture)
	s.HandleFunc("POST /page/models/{name}/look", p.look)
	s.HandleFunc("POST /page/models/{name}/members", p.members)
	s.HandleFunc("GET /page/runs/{number}/metrics", p.metrics)
	s.HandleFunc("POST /page/go", p.play)
}

type page struct {
	server *serve.Server
	cfg    Config

	looking sync.Mutex // one explanation at a time: they take all cores
	playing sync.Mutex
}

// policy forbids the page everything but what comes from here.
func policy(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-cache")
		h.ServeHTTP(w, r)
	})
}

func file(files fs.FS, name, kind string) http.Handler {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		panic(err) // embedded
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write(data)
	})
}

func answer(w http.ResponseWriter, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	w.Write(text)
	return nil
}

// state is what the page has to show.
func (p *page) state(w http.ResponseWriter, r *http.Request) error {
	type model struct {
		Name    string   `json:"name"`
		Network string   `json:"network"`
		Members int      `json:"members"`
		Classes []string `json:"classes"`
		Layers  []string `json:"layers"` // with maps
	}
	models := []model{}
	for _, name := range p.server.Names() {
		err := p.server.Use(name, func(m serve.Model) error {
			list := serve.Classifiers(m)
			if len(list) == 0 {
				return nil
			}
			c := list[0]
			one := model{Name: name, Network: c.Model().Name, Members: len(list), Classes: c.Classes()}
			layers, err := explain.Of(c).Layers()
			for _, l := range layers {
				if len(l.Out) == 3 && l.Out[1]*l.Out[2] > 1 && l.Kind != "conv" && l.Kind != "batch norm" {
					one.Layers = append(one.Layers, l.Name)
				}
			}
			models = append(models, one)
			return err
		})
		if err != nil && p.server.Err(name) == nil {
			return err
		}
	}
	runs := []string{}
	for _, run := range p.cfg.Runs {
		runs = append(runs, filepath.ToSlash(run))
	}
	size := 0
	if p.cfg.Go != nil {
		size = p.cfg.Go.Size()
	}
	return answer(w, map[string]any{"models": models, "runs": runs, "go": size})
}

// classifiers calls f with those of a model.
func (p *page) classifiers(r *http.Request, f func([]*infer.Classifier) error) error {
	return p.server.Use(r.PathValue("name"), func(m serve.Model) error {
		list := serve.Classifiers(m)
		if len(list) == 0 {
			return serve.BadRequest("model %s is no classifier that the page knows", r.PathValue("name"))
		}
		return f(list)
	})
}

func (p *page) architecture(w http.ResponseWriter, r *http.Request) error {
	return p.classifiers(r, func(list []*infer.Classifier) error {
		report, err := zoo.Inspect(list[0].Model())
		if err != nil {
			return err
		}
		return answer(w, report)
	})
}

// picture reads the request's image.
func picture(r *http.Request) (*pixels.Image, error) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	img := new(pixels.Image)
	if err := codec.Decode(data, img); err != nil {
		return nil, serve.BadRequest("%v", err)
	}
	return img, nil
}

// look explains what a model says of an image.
func (p *page) look(w http.ResponseWriter, r *http.Request) error {
	img, err := picture(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	class := -1
	if text := q.Get("class"); text != "" {
		if class, err = strconv.Atoi(text); err != nil {
			return serve.BadRequest("class %q: should be a number", text)
		}
	}
	return p.classifiers(r, func(list []*infer.Classifier) error {
		c := list[0]
		s := explain.Of(c)
		x := make([]float32, s.Input[0]*s.Input[1]*s.Input[2])
		if err := c.Prepare(x, img); err != nil {
			return err
		}
		p.looking.Lock()
		defer p.looking.Unlock()
		if err := r.Context().Err(); err != nil {
			return err
		}
		heat, of, err := look(r.Context(), s, x, q.Get("how"), q.Get("layer"), class)
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if err != nil {
			return serve.BadRequest("%v", err)
		}
		return answer(w, map[string]any{
			"class": of, "name": s.Name(of), "picture": dataURL(s.Picture(x)), "heat": dataURL(heat),
		})
	})
}

func look(ctx context.Context, s *explain.Subject, x []float32, how, layer string, class int) (image.Image, int, error) {
	var m explain.Map
	var of int
	var err error
	switch how {
	case "gradcam":
		m, of, err = explain.GradCAM{Class: class, Layer: layer}.Explain(s, x)
	case "occlusion":
		m, of, err = explain.Occlusion{Class: class, Stride: max(min(s.Input[1], s.Input[2])/16, 1)}.Explain(ctx, s, x)
	case "saliency":
		m, of, err = explain.Saliency{Class: class}.Explain(s, x)
	case "guided":
		var g []float32
		if g, of, err = (explain.Guided{Class: class}).Explain(s, x); err == nil {
			return s.Gradient(g), of, nil
		}
	default:
		err = fmt.Errorf("way %q: there are gradcam, occlusion, saliency, guided", how)
	}
	if err != nil {
		return nil, 0, err
	}
	return m.Resize(s.Input[1], s.Input[2]).Heat(), of, nil
}

// dataURL is a picture as a page takes it.
func dataURL(img image.Image) string {
	var b strings.Builder
	b.WriteString("data:image/png;base64,")
	e := base64.NewEncoder(base64.StdEncoding, &b)
	if err := png.Encode(e, img); err != nil {
		return ""
	}
	e.Close()
	return b.String()
}

// members tells what each member of an ensemble says.
func (p *page) members(w http.ResponseWriter, r *http.Request) error {
	img, err := picture(r)
	if err != nil {
		return err
	}
	return p.classifiers(r, func(list []*infer.Classifier) error {
		all := make([][]infer.Prediction, len(list))
		for i, c := range list {
			if all[i], err = c.Predict(r.Context(), img, 3); err != nil {
				return err
			}
		}
		return answer(w, map[string]any{"members": all})
	})
}

// metrics is a run's table as it is now: the header and a row for each epoch.
func (p *page) metrics(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 0 || n >= len(p.cfg.Runs) {
		return serve.BadRequest("no run %q", r.PathValue("number"))
	}
	data, err := os.ReadFile(filepath.Join(p.cfg.Runs[n], "metrics.csv"))
	if errors.Is(err, fs.ErrNotExist) {
		data, err = nil, nil // it has not finished an epoch
	}
	if err != nil {
		return err
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if strings.HasSuffix(line, "\n") { // not one that is being written
			rows = append(rows, strings.Split(strings.TrimSpace(line), ","))
		}
	}
	last := time.Time{}
	if info, err := os.Stat(filepath.Join(p.cfg.Runs[n], "log.txt")); err == nil {
		last = info.ModTime()
	}
	return answer(w, map[string]any{"rows": slices.Clip(rows), "alive": time.Since(last) < 2*time.Minute})
}
