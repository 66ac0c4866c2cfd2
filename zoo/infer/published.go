package infer

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/download"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// Published lists the weights of others that can be loaded by name: those of package published whose network
// is registered. The error is about a list of one's own, ZOO_WEIGHTS.
func Published() ([]published.Entry, error) {
	all, err := published.List()
	if err != nil {
		return nil, err
	}
	var list []published.Entry
	networks := zoo.List()
	for _, e := range all {
		if _, err := modelAmong(networks, e); err == nil {
			list = append(list, e)
		}
	}
	return list, nil
}

// lookup finds published weights by their name.
func lookup(name string) (published.Entry, bool) {
	e, ok := published.Lookup(name)
	if !ok {
		return e, false
	}
	_, err := modelOf(e)
	return e, err == nil
}

// modelOf is the network that published weights belong to.
func modelOf(e published.Entry) (*zoo.Model, error) { return modelAmong(zoo.List(), e) }

func modelAmong(networks []zoo.Entry, e published.Entry) (*zoo.Model, error) {
	for _, known := range networks {
		if published.Same(known.Name, e.Network) {
			return zoo.New(known.Name, zoo.Variant(e.Variant))
		}
		for _, v := range known.Variants {
			if e.Variant == "" && published.Same(known.Name+"-"+v.Name, e.Network) {
				return zoo.New(known.Name, zoo.Variant(v.Name))
			}
		}
	}
	return nil, fmt.Errorf("weights %s: no network is called %s", e.Name, e.Network)
}

// FetchOptions say how published weights come here. The zero value takes what the environment says:
//
//	ZOO_OFFLINE=1     fetches nothing
//	ZOO_MIRROR=URL    is asked first: a folder with the files under their published names
//	ZOO_CACHE=FOLDER  keeps the files, in place of gorgonia-zoo/weights in the user's cache folder
type FetchOptions struct {
	Cache    string   // folder of the files; empty: as above
	Mirrors  []string // addresses of folders that are asked before the published ones
	Offline  bool     // fetches nothing
	Download download.Options
	// Say, if not nil, is told before something is fetched: what, from where, how large, and under which terms.
	Say func(text string)
}

func (o FetchOptions) complete() (FetchOptions, error) {
	if o.Cache == "" {
		o.Cache = os.Getenv("ZOO_CACHE")
	}
	if o.Cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return o, err
		}
		o.Cache = filepath.Join(user, "gorgonia-zoo", "weights")
	}
	if m := os.Getenv("ZOO_MIRROR"); m != "" {
		o.Mirrors = append(o.Mirrors[:len(o.Mirrors):len(o.Mirrors)], m)
	}
	switch strings.ToLower(os.Getenv("ZOO_OFFLINE")) {
	case "", "0", "false", "no":
	default:
		o.Offline = true
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	return o, nil
}

// Where tells where the file of published weights is, or would be, and whether it is there.
func Where(name string, o FetchOptions) (path string, there bool, err error) {
	e, ok := lookup(name)
	if !ok {
		return "", false, unknown(name)
	}
	if o, err = o.complete(); err != nil {
		return "", false, err
	}
	path = filepath.Join(o.Cache, e.File())
	info, err := os.Stat(path)
	return path, err == nil && info.Mode().IsRegular(), nil
}

// Fetch brings the file of published weights into the cache, unless it is there, and returns its path. Two
// programs that want the same file share one download. What is there was checked when it came.
func Fetch(ctx context.Context, name string, o FetchOptions) (path string, err error) {
	path, there, err := Where(name, o)
	if err != nil || there {
		return path, err
	}
	e, _ := lookup(name)
	if o, err = o.complete(); err != nil {
		return "", err
	}
	byHand := fmt.Sprintf("fetch %s by hand, and put it at %s, or take it with: zoo import %s%s -o %s.safetensors", e.Address, path, e.File(), importFlags(e), e.Name)
	if o.Offline {
		return "", fmt.Errorf("%s: its weights are not here, and ZOO_OFFLINE forbids to fetch them: %s", e.Name, byHand)
	}
	size := "size unknown"
	if e.Megabytes > 0 {
		size = fmt.Sprintf("about %g MB", e.Megabytes)
	}
	o.Say(fmt.Sprintf("%s: fetching %s (%s), %s; terms: %s", e.Name, e.Address, size, e.Source, e.Licence))
	err = download.Fetch(ctx, download.Remote{Name: e.File(), Address: e.Address, Mirrors: o.Mirrors, Check: func(path string) error { return check(e, path) }}, path, o.Download)
	switch {
	case ctx.Err() != nil:
		return "", err
	case errors.Is(err, download.ErrUnreachable):
		return "", fmt.Errorf("%s: %w: %s", e.Name, err, byHand)
	case err != nil:
		return "", fmt.Errorf("%s: %w", e.Name, err)
	}
	return path, nil
}

// importFlags make of the file by hand what the entry says.
func importFlags(e published.Entry) string {
	m, err := modelOf(e)
	if err != nil {
		return ""
	}
	text := " --as " + m.Name + " --variant " + m.Variant
	p, usual := e.Preprocessing, torchvision(m.Input)
	if usual == nil {
		return text
	}
	if p.Channels == "bgr" {
		text += " --channels bgr"
	}
	if p.Scale != 0 {
		text += fmt.Sprintf(" --scale %g", p.Scale)
	}
	if p.Resize != usual.Resize {
		text += fmt.Sprintf(" --resize %d", p.Resize)
	}
	if p.Interpolation != "" {
		text += " --interpolation " + p.Interpolation
	}
	list := func(v []float32) string { return strings.ReplaceAll(strings.Trim(fmt.Sprint(v), "[]"), " ", ",") }
	if fmt.Sprint(p.Mean, p.Std) != fmt.Sprint(usual.Mean, usual.Std) {
		text += " --mean " + list(p.Mean) + " --std " + list(p.Std)
	}
	return text
}

// check holds a file to the published checksum.
func check(e published.Entry, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	what, want := "SHA-256", e.SHA256
	var h hash.Hash = sha256.New()
	if want == "" {
		what, want, h = "SHA-1", e.SHA1, sha1.New()
	}
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	if strings.HasPrefix(sum, want) {
		return nil
	}
	head := make([]byte, 512)
	k, _ := f.ReadAt(head, 0)
	if other := weights.Recognise(e.File(), head[:k]); other != nil && !strings.HasSuffix(e.File(), ".caffemodel") && other.Format != weights.FormatSafetensors {
		return fmt.Errorf("what came, %d bytes, is %s", n, other.Format)
	}
	return fmt.Errorf("%s of the %d bytes is %s: should begin with %s", what, n, sum, want)
}

// OpenPublished opens published weights, which it fetches if they are not in the cache, with the metadata of
// files of our own: network, preprocessing, names of the classes. The caller must Close the Reader.
func OpenPublished(ctx context.Context, name string, o FetchOptions) (*weights.Reader, error) {
	path, err := Fetch(ctx, name, o)
	if err != nil {
		return nil, err
	}
	e, _ := lookup(name)
	m, err := modelOf(e)
	if err != nil {
		return nil, err
	}
	r, err := openForeign(path)
	if err != nil {
		return nil, err
	}
	f, err := fitTo(r, m, ImportConfig{Preprocessing: &e.Preprocessing})
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	meta := f.reader.Meta()
	meta.Data = e.Data
	if e.Top1 > 0 {
		meta.Metrics = map[string]float64{"top1_error": (100 - e.Top1) / 100}
	}
	if e.Top5 > 0 {
		meta.Metrics["top5_error"] = (100 - e.Top5) / 100
	}
	meta.Extra = map[string]string{"zoo.source": e.Source, "zoo.licence": e.Licence}
	return f.reader.WithMeta(meta).Owning(r), nil
}

// unknown is the error for a name that is none of the published.
func unknown(name string) error {
	list, err := Published()
	if err != nil {
		return err
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	if near := weights.Nearest(name, names); near != "" {
		return fmt.Errorf("no published weights are called %q: did you mean %s?", name, near)
	}
	return fmt.Errorf("no published weights are called %q: zoo weights list shows them", name)
}
