package weights

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// Meta says what a file's tensors are: enough to rebuild the network, prepare
// its images and tell where the weights come from.
//
// It is stored under the header's __metadata__, which maps strings to strings,
// one key a field: strings as they are, everything else as JSON. A field with
// its zero value has no key. Keys that are not listed here are in Extra; so a
// file of another program reads with its metadata in Extra and nothing else.
//
//	zoo.network         string
//	zoo.variant         string
//	zoo.options         JSON of the architecture's own making
//	zoo.classes         number
//	zoo.class_names     list of strings
//	zoo.input           [C,H,W]
//	zoo.preprocessing   {"resize":256,"crop":224,"mean":[…],"std":[…],"channels":"rgb","interpolation":"bicubic"}
//	zoo.seed            number
//	zoo.data            string
//	zoo.data_checksum   string
//	zoo.epoch           number
//	zoo.metrics         {"top1_error":0.0827,…}
//	zoo.recipe          string
//	zoo.command         string
//
// Two more keys, zoo.sha256 and zoo.header_sha256, are the checksums that [Write]
// makes; they stand in no Meta.
type Meta struct {
	Network string          // the registry's name: "alexnet"
	Variant string          // which of the network's variants: "paper", "torchvision"
	Options json.RawMessage // the architecture's options, written and read by package zoo

	Classes       int            // number of classes
	ClassNames    []string       // their names by index; empty where there are none
	Input         []int          // shape of one input: C, H, W
	Preprocessing *Preprocessing // nil where the input is no image

	Seed         uint64             // the run's seed
	Data         string             // name of the data set
	DataChecksum string             // of the images and labels, with the sum's name: "sha256:…"
	Epoch        int                // epochs that were trained
	Metrics      map[string]float64 // fractions, not percent: "top1_error", "top5_error"
	Recipe       string             // name of the training recipe
	Command      string             // what trained them; a run's own files leave it to the run's record

	Extra map[string]string // everything else; no key of the list above
}

// Preprocessing turns an image into the network's input: resize, crop the
// centre, scale to 0…1 (or 0…Scale), subtract Mean and divide by Std a channel.
type Preprocessing struct {
	Resize   int       `json:"resize,omitempty"`   // pixels of the shorter side; 0: straight to the input's height and width
	Squash   bool      `json:"squash,omitempty"`   // both sides become Resize pixels: the image loses its proportions, as in Caffe
	Crop     int       `json:"crop,omitempty"`     // side of the centre square, pixels; 0: no crop
	Mean     []float32 `json:"mean,omitempty"`     // one a channel; empty: nothing is subtracted
	Std      []float32 `json:"std,omitempty"`      // one a channel; empty: nothing is divided
	Channels string    `json:"channels,omitempty"` // order: "rgb", "bgr" or "grey"; Mean and Std have it too

	// Interpolation is the filter that resizes, by Pillow's name: "bicubic"; empty: "bilinear".
	Interpolation string  `json:"interpolation,omitempty"`
	Scale         float32 `json:"scale,omitempty"` // of a white pixel, and of Mean and Std; 0: 1. Caffe's is 255
}

type keyValue struct{ key, value string }

type metaField struct {
	key   string
	value any // pointer into the Meta
}

func (m *Meta) fields() []metaField {
	return []metaField{
		{"zoo.network", &m.Network},
		{"zoo.variant", &m.Variant},
		{"zoo.options", &m.Options},
		{"zoo.classes", &m.Classes},
		{"zoo.class_names", &m.ClassNames},
		{"zoo.input", &m.Input},
		{"zoo.preprocessing", &m.Preprocessing},
		{"zoo.seed", &m.Seed},
		{"zoo.data", &m.Data},
		{"zoo.data_checksum", &m.DataChecksum},
		{"zoo.epoch", &m.Epoch},
		{"zoo.metrics", &m.Metrics},
		{"zoo.recipe", &m.Recipe},
		{"zoo.command", &m.Command},
	}
}

// encode lists the keys and values in a fixed order: ours, then Extra sorted.
func (m Meta) encode() ([]keyValue, error) {
	if err := m.validate(); err != nil {
		return nil, err
	}
	var list []keyValue
	own := map[string]bool{dataSumKey: true, headerSumKey: true}
	for _, f := range m.fields() {
		own[f.key] = true
		if v := reflect.ValueOf(f.value).Elem(); v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
			continue
		}
		if s, ok := f.value.(*string); ok {
			list = append(list, keyValue{f.key, *s})
			continue
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(f.value); err != nil {
			return nil, fmt.Errorf("metadata %s: %w", f.key, err)
		}
		list = append(list, keyValue{f.key, strings.TrimSuffix(b.String(), "\n")})
	}
	for _, key := range slices.Sorted(maps.Keys(m.Extra)) {
		if own[key] {
			return nil, fmt.Errorf("metadata: extra key %s is one of the named fields", quote(key))
		}
		list = append(list, keyValue{key, m.Extra[key]})
	}
	for _, kv := range list {
		if !utf8.ValidString(kv.key) || !utf8.ValidString(kv.value) {
			return nil, fmt.Errorf("metadata %s is not valid UTF-8", quote(kv.key))
		}
	}
	return list, nil
}

// Strings gives the metadata as files keep it: strings under the keys that
// [Meta] lists.
func (m Meta) Strings() (map[string]string, error) {
	list, err := m.encode()
	if err != nil {
		return nil, err
	}
	all := make(map[string]string, len(list))
	for _, kv := range list {
		all[kv.key] = kv.value
	}
	return all, nil
}

// ParseMeta reads metadata from what [Meta.Strings] gives. Keys that are not ours are in Extra.
func ParseMeta(raw map[string]string) (Meta, error) {
	var m Meta
	rest := maps.Clone(raw)
	delete(rest, dataSumKey)
	delete(rest, headerSumKey)
	for _, f := range m.fields() {
		value, ok := raw[f.key]
		if !ok {
			continue
		}
		delete(rest, f.key)
		if s, ok := f.value.(*string); ok {
			*s = value
			continue
		}
		// A field that we do not know could change what the weights mean.
		dec := json.NewDecoder(strings.NewReader(value))
		dec.DisallowUnknownFields()
		if err := dec.Decode(f.value); err != nil {
			return Meta{}, fmt.Errorf("metadata %s cannot be read: %s (%s)", f.key, quote(value), quote(err.Error()))
		} else if !json.Valid([]byte(value)) {
			return Meta{}, fmt.Errorf("metadata %s cannot be read: %s (something follows the value)", f.key, quote(value))
		}
	}
	if len(rest) > 0 {
		m.Extra = rest
	}
	return m, m.validate()
}

func (m *Meta) validate() error {
	if m.Options != nil && !json.Valid(m.Options) {
		return fmt.Errorf("metadata: options are no JSON: %s", quote(string(m.Options)))
	}
	if m.Classes < 0 || len(m.ClassNames) > 0 && len(m.ClassNames) != m.Classes {
		return fmt.Errorf("metadata: %d classes with %d class names", m.Classes, len(m.ClassNames))
	}
	for _, s := range m.ClassNames { // JSON would replace what is broken
		if !utf8.ValidString(s) {
			return fmt.Errorf("metadata: class name %s is not valid UTF-8", quote(s))
		}
	}
	if m.Epoch < 0 {
		return fmt.Errorf("metadata: epoch %d is negative", m.Epoch)
	}
	if len(m.Input) != 0 && (len(m.Input) != 3 || slices.Min(m.Input) < 1) {
		return fmt.Errorf("metadata: input %s is no C×H×W", formatShape(m.Input))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Metrics)) {
		if v := m.Metrics[name]; math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("metadata: metric %s is %g, which JSON cannot hold", quote(name), v)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("metadata: metric %s is not valid UTF-8", quote(name))
		}
	}
	if m.Preprocessing != nil {
		return m.Preprocessing.validate(m.Input)
	}
	return nil
}

// Validate says what cannot be.
func (p *Preprocessing) Validate() error { return p.validate(nil) }

func (p *Preprocessing) validate(input []int) error {
	if p.Resize < 0 || p.Crop < 0 || p.Squash && p.Resize == 0 {
		return fmt.Errorf("metadata: preprocessing with resize %d and crop %d", p.Resize, p.Crop)
	}
	channels := 3
	switch p.Channels {
	case "rgb", "bgr":
	case "grey":
		channels = 1
	default:
		return fmt.Errorf("metadata: channel order %s is none of rgb, bgr, grey", quote(p.Channels))
	}
	if len(input) == 3 && input[0] != channels {
		return fmt.Errorf("metadata: channel order %q with an input of %d channels", p.Channels, input[0])
	}
	if !slices.Contains([]string{"", "bilinear", "bicubic", "lanczos", "box", "hamming", "nearest"}, p.Interpolation) {
		return fmt.Errorf("metadata: interpolation %s is none of bilinear, bicubic, lanczos, box, hamming, nearest", quote(p.Interpolation))
	}
	if s := p.Scale; s < 0 || s-s != 0 {
		return fmt.Errorf("metadata: scale %g of the pixels", s)
	}
	for _, l := range []struct {
		name string
		list []float32
	}{{"mean", p.Mean}, {"std", p.Std}} {
		if len(l.list) != 0 && len(l.list) != channels {
			return fmt.Errorf("metadata: %s has %d values for %d channels", l.name, len(l.list), channels)
		}
		for _, v := range l.list {
			// x-x is zero for finite values only.
			if v-v != 0 || l.name == "std" && v <= 0 {
				return fmt.Errorf("metadata: %s holds %g", l.name, v)
			}
		}
	}
	return nil
}
