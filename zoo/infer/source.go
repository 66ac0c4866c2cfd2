package infer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/labels"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A Source is a file or a folder of weights that another program wrote, with what is known of it besides its
// tensors.
type Source struct {
	Reader *weights.Reader
	// Network is the network that it is said to be, with its form; nil if it is not said.
	Network *zoo.Model
	// Preprocessing and ClassNames are those that are said; nil if they are not.
	Preprocessing *weights.Preprocessing
	ClassNames    []string
	Notes         []string // where all that comes from
}

// Close closes the files.
func (s *Source) Close() error {
	if s.Reader == nil {
		return nil
	}
	return s.Reader.Close()
}

// OpenSource opens weights that another program wrote: a file of PyTorch, safetensors or Caffe, the
// index of one in shards, or a folder of Hugging Face with its config.json. A file that others publish is
// known by its checksum, whatever it is called.
func OpenSource(path string) (*Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	file := path
	if info.IsDir() {
		if file, err = weightsIn(path); err != nil {
			return nil, err
		}
	}
	r, err := openForeign(file)
	if err != nil {
		return nil, err
	}
	s := &Source{Reader: r}
	switch meta := r.Meta(); {
	case meta.Network != "": // one of ours
		if s.Network, err = Stored(meta); err == nil {
			s.Preprocessing, s.ClassNames = meta.Preprocessing, meta.ClassNames
		}
	case info.IsDir():
		err = s.configuration(path)
	default:
		err = s.recognise(path)
	}
	if err == nil && s.Network == nil && r.Format() == weights.FormatCaffe {
		err = s.caffeNetwork()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return s, nil
}

// weightsIn is the file of a folder that has the weights.
func weightsIn(folder string) (string, error) {
	for _, name := range []string{
		"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
		"diffusion_pytorch_model.safetensors", "open_clip_model.safetensors", "model.pth", "pytorch_model.pth",
	} {
		if info, err := os.Stat(filepath.Join(folder, name)); err == nil && info.Mode().IsRegular() {
			return filepath.Join(folder, name), nil
		}
	}
	var found []string
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if slices.Contains([]string{".safetensors", ".pth", ".pt", ".th", ".bin", ".ckpt", ".caffemodel"}, strings.ToLower(filepath.Ext(e.Name()))) || strings.HasSuffix(e.Name(), ".index.json") {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s: no weights in this folder: should have model.safetensors, its index, or pytorch_model.bin", folder)
	case 1:
		return filepath.Join(folder, found[0]), nil
	}
	return "", fmt.Errorf("%s: several files of weights: name one of %s", folder, strings.Join(found, ", "))
}

// recognise looks whether others publish the file. Only names that end in a part of a checksum, and Caffe's,
// are worth the time.
func (s *Source) recognise(path string) error {
	list, err := Published()
	if err != nil {
		return err
	}
	base := strings.ToLower(filepath.Base(path))
	for _, e := range list {
		if base != strings.ToLower(e.File()) && (len(e.SHA256) < 8 || !strings.Contains(base, e.SHA256[:8])) {
			continue
		}
		if check(e, path) != nil {
			continue
		}
		m, err := modelOf(e)
		if err != nil {
			return err
		}
		s.Network, s.Preprocessing = m, &e.Preprocessing
		s.Notes = append(s.Notes, fmt.Sprintf("is %s, as its checksum says: %s", e.Name, e.Source))
		return nil
	}
	return nil
}

// A config is what a config.json of Hugging Face's libraries says, timm's or Transformers'.
type config struct {
	Architecture  string   `json:"architecture"` // timm
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
	LayerType     string   `json:"layer_type"`
	Depths        []int    `json:"depths"`
	Downsample    bool     `json:"downsample_in_bottleneck"`
	Pretrained    *struct {
		Input         []int     `json:"input_size"`
		TestInput     []int     `json:"test_input_size"`
		Crop          float64   `json:"crop_pct"`
		TestCrop      float64   `json:"test_crop_pct"`
		CropMode      string    `json:"crop_mode"`
		Interpolation string    `json:"interpolation"`
		Mean          []float32 `json:"mean"`
		Std           []float32 `json:"std"`
		Tag           string    `json:"tag"`
	} `json:"pretrained_cfg"`
}

// maxConfig bounds a configuration, in bytes: one with 22,000 classes has 2 MB.
const maxConfig = 32 << 20

// configuration reads a folder's config.json and preprocessor_config.json.
func (s *Source) configuration(folder string) error {
	path := filepath.Join(folder, "config.json")
	text, err := weights.ReadSmall(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	s.Network = c.network()
	if names, err := labels.Parse("config.json", text); err == nil && !numbered(names) {
		s.ClassNames = names
		s.Notes = append(s.Notes, fmt.Sprintf("takes the names of %d classes from config.json", len(names)))
	}
	if p := c.preprocessing(); p != nil {
		s.Preprocessing = p
		s.Notes = append(s.Notes, "takes the preprocessing from config.json")
		return nil
	}
	return s.processor(filepath.Join(folder, "preprocessor_config.json"))
}

// numbered says whether names are no names: LABEL_0, LABEL_1.
func numbered(names []string) bool {
	for i, n := range names {
		if n != fmt.Sprintf("LABEL_%d", i) {
			return false
		}
	}
	return true
}

// network is the one that the configuration names, if it is registered.
func (c config) network() *zoo.Model {
	name, _, _ := strings.Cut(c.Architecture, ".") // resnet50.a1_in1k
	if name == "" && c.ModelType == "resnet" {
		of := map[string]string{"[2 2 2 2]basic": "resnet18", "[3 4 6 3]basic": "resnet34", "[3 4 6 3]bottleneck": "resnet50", "[3 4 23 3]bottleneck": "resnet101", "[3 8 36 3]bottleneck": "resnet152"}
		if name = of[fmt.Sprint(c.Depths)+c.LayerType]; name == "" {
			return nil
		}
		if c.Downsample {
			m, err := zoo.New(name, zoo.Variant("paper"))
			if err != nil {
				return nil
			}
			return m
		}
	}
	if name == "" {
		return nil
	}
	m, err := modelOf(published.Entry{Network: name})
	if err != nil {
		return nil
	}
	return m
}

// preprocessing is timm's.
func (c config) preprocessing() *weights.Preprocessing {
	t := c.Pretrained
	if t == nil || len(t.Input) != 3 {
		return nil
	}
	p := &weights.Preprocessing{Mean: t.Mean, Std: t.Std, Interpolation: interpolation(t.Interpolation), Channels: "rgb"}
	if t.Input[0] == 1 {
		p.Channels = "grey"
	}
	side, crop := t.Input[1], t.Crop
	if crop == 0 {
		crop = 0.875
	}
	p.Resize, p.Crop = int(math.Floor(float64(side)/crop)), side
	p.Squash = t.CropMode == "squash"
	return p
}

// interpolation is a filter's name as we have it; timm's random is one of two.
func interpolation(name string) string {
	switch name = strings.ToLower(name); name {
	case "bilinear", "random":
		return ""
	}
	return name
}

// processor reads Transformers' preprocessor_config.json.
func (s *Source) processor(path string) error {
	text, err := weights.ReadSmall(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var c struct {
		Type      string          `json:"image_processor_type"`
		Extractor string          `json:"feature_extractor_type"`
		Size      json.RawMessage `json:"size"`
		CropSize  json.RawMessage `json:"crop_size"`
		CropPct   float64         `json:"crop_pct"`
		Resize    *bool           `json:"do_resize"`
		Crop      *bool           `json:"do_center_crop"`
		Normalise *bool           `json:"do_normalize"`
		Mean      []float32       `json:"image_mean"`
		Std       []float32       `json:"image_std"`
		Resample  *int            `json:"resample"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	type size struct {
		Shortest int `json:"shortest_edge"`
		Height   int `json:"height"`
		Width    int `json:"width"`
	}
	read := func(raw json.RawMessage) (z size) {
		if json.Unmarshal(raw, &z.Shortest) != nil { // a number, in older files
			z.Shortest = 0
			_ = json.Unmarshal(raw, &z)
		}
		return z
	}
	yes := func(b *bool) bool { return b == nil || *b }
	p := &weights.Preprocessing{Channels: "rgb"}
	if yes(c.Normalise) {
		p.Mean, p.Std = c.Mean, c.Std
	}
	if c.Resample != nil { // Pillow's numbers
		filters := []string{"nearest", "lanczos", "", "bicubic", "box", "hamming"}
		if *c.Resample < 0 || *c.Resample >= len(filters) {
			return fmt.Errorf("%s: resample %d is no filter of Pillow's", path, *c.Resample)
		}
		p.Interpolation = filters[*c.Resample]
	}
	want, crop := read(c.Size), read(c.CropSize)
	convNext := strings.HasPrefix(c.Type, "ConvNext") || strings.HasPrefix(c.Extractor, "ConvNext")
	switch {
	case !yes(c.Resize):
	case convNext && want.Shortest > 0 && want.Shortest < 384: // scaled by crop_pct, then cropped
		pct := c.CropPct
		if pct == 0 {
			pct = 224. / 256
		}
		p.Resize, p.Crop = int(float64(want.Shortest)/pct), want.Shortest
	case want.Shortest > 0:
		p.Resize = want.Shortest
		if c.Crop != nil && *c.Crop {
			p.Crop = max(crop.Height, crop.Shortest)
		}
	case want.Height > 0 && want.Height == want.Width && c.Crop != nil && *c.Crop:
		p.Resize, p.Squash, p.Crop = want.Height, true, max(crop.Height, crop.Shortest)
	}
	s.Preprocessing = p
	s.Notes = append(s.Notes, "takes the preprocessing from preprocessor_config.json")
	return nil
}
