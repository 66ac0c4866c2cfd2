package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/alphago"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve/page"
)

// serveOptions are the flags of zoo serve.
type serveOptions struct {
	addr     string
	token    string
	log      bool
	ensemble bool
	page     bool
	half     bool
	limits   serve.Limits
	reload   time.Duration
	grace    time.Duration

	listening func(net.Addr) // told when the server accepts; nil for none
}

func newServe(a *app) *cobra.Command {
	o := serveOptions{}
	cmd := &cobra.Command{
		Use:   "serve [NAME|RUN|FILE ...]",
		Short: "Answer over HTTP what images show",
		Long: `Answer over HTTP what images show: on a page, by the Open Inference Protocol 2 (KServe, Triton), its
version 1, and

  curl -F image=@cat.jpg localhost:8080/predict

Each argument is a model: the name of weights that are part of the program, a run, or a weights file;
NAME=FILE calls it by a name of your own. Without any, all that are part of the program are served. A file
that changes is loaded anew. The page shows a run's curves while it trains, and an AlphaGo policy plays Go
on it. Metrics are at /metrics, a description of all paths at /openapi.json. Ctrl-C ends the server after
what it has accepted.

Only this machine is listened to unless --addr says otherwise.`,
		Example: `  zoo serve lenet5-fashion-mnist
  zoo serve cats=runs/resnet18-cats/001 --addr :8080 --token "$TOKEN"`,
		Args: arguments(0, -1, ""),
		RunE: func(cmd *cobra.Command, args []string) error { return a.serve(cmd.Context(), o, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.addr, "addr", "localhost:8080", "where to listen; :8080 is all of the machine's addresses")
	flags.StringVar(&o.token, "token", os.Getenv("ZOO_TOKEN"), "that requests have to bring as Authorization: Bearer TOKEN; also $ZOO_TOKEN")
	flags.Lookup("token").DefValue = ""
	flags.BoolVar(&o.log, "log", false, "write a line for each request to standard error, as JSON")
	flags.BoolVar(&o.page, "page", true, "a page to look at in a browser; --page=false is the protocol alone")
	flags.BoolVar(&o.ensemble, "ensemble", false, "serve all as one model, the mean of what they say")
	flags.BoolVar(&o.half, "half", false, halfHelp)
	flags.Int64Var(&o.limits.Body, "max-body", 32<<20, "bytes of a request")
	flags.Int64Var(&o.limits.Bodies, "max-bodies", 256<<20, "bytes of all requests that are inside together")
	flags.IntVar(&o.limits.Pixels, "max-pixels", 64_000_000, "pixels of an image")
	flags.IntVar(&o.limits.Images, "max-images", 64, "images in a request")
	flags.IntVar(&o.limits.Queue, "queue", 256, "images that wait for a model; what comes beyond is answered 429")
	flags.IntVar(&o.limits.Batch, "batch", infer.StepImages, "images in a step of a network")
	flags.DurationVar(&o.limits.Delay, "delay", 20*time.Millisecond, "that a step waits for images that are being decoded")
	flags.DurationVar(&o.limits.Timeout, "timeout", 30*time.Second, "of a request")
	flags.DurationVar(&o.reload, "reload", 2*time.Second, "how often to look whether files have changed; 0 is never")
	flags.DurationVar(&o.grace, "grace", 30*time.Second, "for what was accepted when the server ends")
	return cmd
}

// source makes a model's source of an argument, NAME=WEIGHTS or WEIGHTS.
func (a *app) source(arg string, opts ...infer.Option) (serve.Source, error) {
	name, file, named := strings.Cut(arg, "=")
	if !named {
		file = arg
	}
	if _, ok := shippedEntry(file); ok {
		if !named {
			name = file
		}
		return serve.Source{Name: name, Open: func() (serve.Model, error) {
			c, err := pretrained.Load(file, opts...)
			if err != nil {
				return nil, err
			}
			return serve.Classifier(c), nil
		}}, nil
	}
	if e, ok := publishedEntry(file); ok {
		if !named {
			name = e.Name
		}
		return serve.Source{Name: name, Open: func() (serve.Model, error) {
			c, err := infer.Load(e.Name, opts...)
			if err != nil {
				return nil, err
			}
			return serve.Classifier(c), nil
		}}, nil
	}
	path, _, err := find(file)
	if err != nil {
		return serve.Source{}, err
	}
	if !named {
		name = modelName(file)
	}
	return serve.File(name, path, opts...), nil
}

// modelName makes a model's name of a run's folder, its network and data, or of a file.
func modelName(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		base := filepath.Base(abs)
		if strings.Trim(base, "0123456789") == "" { // runs/NETWORK-DATA/001
			base = filepath.Base(filepath.Dir(abs))
		}
		return clean(base)
	}
	return clean(strings.TrimSuffix(filepath.Base(abs), filepath.Ext(abs)))
}

// clean keeps what may stand in a path of HTTP.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_", r) {
			return r
		}
		return '-'
	}, name)
}

func (a *app) serve(ctx context.Context, o serveOptions, args []string) error {
	if len(args) == 0 {
		args = served()
	}
	for _, arg := range args {
		if _, file, named := strings.Cut(arg, "="); named {
			arg = file
		}
		if err := a.have(ctx, arg); err != nil {
			return err
		}
	}
	view, args, err := a.view(args)
	if err != nil {
		return err
	}
	if view.Go != nil {
		defer view.Go.Close()
	}
	sources, err := a.sources(ctx, o, args)
	if err != nil {
		return err
	}
	config := serve.Config{Limits: o.limits, Token: o.token, Version: strings.TrimPrefix(version(), "zoo ")}
	if o.log {
		config.Log = slog.New(slog.NewJSONHandler(a.stderr, nil))
	}
	s := config.New(sources...)
	var failed []error
	for _, name := range s.Names() {
		if err := s.Err(name); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		s.Close(ctx)
		return errors.Join(failed...)
	}
	if o.page {
		page.Add(s, view)
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		s.Close(ctx)
		return fmt.Errorf("--addr %s: %w", o.addr, err)
	}
	at := "http://" + listener.Addr().String()
	what := s.Names()
	if view.Go != nil {
		what = append(what, "a Go player")
	}
	for _, run := range view.Runs {
		what = append(what, "the curves of "+run)
	}
	fmt.Fprintf(a.stderr, "serving %s at %s\n", strings.Join(what, ", "), at)
	if ip := net.ParseIP(hostOf(listener.Addr())); ip != nil && !ip.IsLoopback() {
		who := "whoever reaches this machine can ask; --token TOKEN lets in those who know it"
		if o.token != "" {
			who = "whoever knows the token can ask; it goes over the network as it is: put TLS in front"
		}
		fmt.Fprintf(a.stderr, "zoo: listening beyond this machine: %s\n", who)
	}
	if len(s.Names()) > 0 {
		fmt.Fprintf(a.stderr, "try: curl -F image=@photo.jpg %s/predict%s\n", at, suffix(s.Names()))
	}

	// Pictures leave little behind: what the weights took when they were read need not be kept twice.
	defer debug.SetGCPercent(debug.SetGCPercent(25))
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ReadTimeout: o.limits.Timeout, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	if o.reload > 0 {
		go s.Watch(ctx, o.reload)
	}
	if o.listening != nil {
		o.listening(listener.Addr())
	}
	select {
	case err := <-done:
		s.Close(ctx)
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(a.stderr, "ending: what was accepted is answered first")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.grace)
	defer cancel()
	if err := errors.Join(server.Shutdown(grace), s.Close(grace)); err != nil {
		return fmt.Errorf("some requests were not answered within %v: %w", o.grace, err)
	}
	return nil
}

// served are the weights that are part of the program and can be served: those of one network each.
func served() []string {
	var list []string
	for _, name := range pretrained.Names() {
		if e, ok := shippedEntry(name); ok && len(e.Members) == 1 && e.Meta.Network != "alphago-value" {
			list = append(list, name)
		}
	}
	return list
}

// view takes from the arguments what the page shows and is no classifier: a policy to play against, and
// runs, of which those with weights are models too.
func (a *app) view(args []string) (page.Config, []string, error) {
	var c page.Config
	var models []string
	fail := func(err error) (page.Config, []string, error) {
		if c.Go != nil {
			c.Go.Close()
		}
		return page.Config{}, nil, err
	}
	for _, arg := range args {
		_, file, named := strings.Cut(arg, "=")
		if !named {
			file = arg
		}
		if _, err := os.Stat(filepath.Join(file, report.ConfigFile)); err == nil {
			c.Runs = append(c.Runs, file)
		}
		path, s, err := find(file)
		for _, note := range s.notes {
			fmt.Fprintln(a.stderr, "warning:", note)
		}
		if err != nil {
			if len(c.Runs) > 0 && c.Runs[len(c.Runs)-1] == file {
				continue // a run that has saved no weights yet
			}
			return fail(err)
		}
		r, err := openWeights(path)
		if err != nil {
			return fail(err)
		}
		if r.Meta().Network != "alphago-policy" {
			models = append(models, arg)
			r.Close()
			continue
		}
		p, err := alphago.LoadPolicyFrom(r, 0)
		r.Close()
		if err != nil {
			return fail(err)
		}
		if c.Go != nil {
			p.Close()
			return fail(usage(fmt.Errorf("%s: one player is enough", arg)))
		}
		c.Go = p
	}
	return c, models, nil
}

// sources are the models to serve; of an ensemble one.
func (a *app) sources(ctx context.Context, o serveOptions, args []string) ([]serve.Source, error) {
	if o.ensemble {
		name := fmt.Sprintf("ensemble-of-%d", len(args))
		return []serve.Source{{Name: name, Open: func() (serve.Model, error) { return a.openEnsemble(ctx, args, halfOption(o.half)...) }}}, nil
	}
	var sources []serve.Source
	taken := map[string]string{}
	for _, arg := range args {
		source, err := a.source(arg, halfOption(o.half)...)
		if err != nil {
			return nil, err
		}
		if clean(source.Name) != source.Name || source.Name == "" {
			return nil, usage(fmt.Errorf("%s: a model's name has letters, digits, and - _ . alone", arg))
		}
		if other, ok := taken[source.Name]; ok {
			return nil, usage(fmt.Errorf("%s and %s would both be called %s: say NAME=%s", other, arg, source.Name, arg))
		}
		taken[source.Name] = arg
		if o.half {
			source.Open = a.sayingHalves(source)
		}
		sources = append(sources, source)
	}
	return sources, nil
}

// sayingHalves is the source's Open that says which layers have weights of 16 bits.
func (a *app) sayingHalves(s serve.Source) func() (serve.Model, error) {
	return func() (serve.Model, error) {
		m, err := s.Open()
		if err == nil {
			a.sayHalves(s.Name, serve.Classifiers(m)...)
		}
		return m, err
	}
}

func (a *app) sayHalves(name string, list ...*infer.Classifier) {
	for _, c := range list {
		fmt.Fprintf(a.stderr, "%s: %s\n", name, halves(c.Halves()))
	}
}

// openEnsemble opens all members.
func (a *app) openEnsemble(ctx context.Context, args []string, opts ...infer.Option) (serve.Model, error) {
	var members []*infer.Classifier
	fail := func(err error) (serve.Model, error) {
		for _, m := range members {
			m.Close()
		}
		return nil, err
	}
	for _, arg := range args {
		c, err := a.classifier(ctx, arg, opts...)
		if err != nil {
			return fail(err)
		}
		members = append(members, c)
		if len(opts) > 0 {
			a.sayHalves(arg, c)
		}
	}
	m, err := serve.Ensemble(members...)
	if err != nil {
		return fail(err)
	}
	return m, nil
}

func hostOf(a net.Addr) string {
	host, _, _ := net.SplitHostPort(a.String())
	return host
}

// suffix is what a path needs to name one of several models.
func suffix(names []string) string {
	if len(names) == 1 {
		return ""
	}
	return "/" + names[0]
}
