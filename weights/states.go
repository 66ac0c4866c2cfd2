package weights

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A state is a dict of tensors in a file. A safetensors file has one; a
// checkpoint may have several, at any depth: a network's last weights, their
// average, a discriminator, an optimiser's momentum.
type state struct {
	path     string // the keys that lead to it, with dots between; "" for the file itself
	entries  []entry
	err      error  // of its tensors
	averaged bool   // over training steps
	begun    bool   // of averaged ones: something was averaged
	unnamed  bool   // a list, whose places are the names
	stripped string // the wrappers' prefix that was taken off all names
}

// Bounds on the search for dicts of tensors.
const (
	maxDepth  = 8
	maxStates = 1000
)

// A finder walks through what was stored.
type finder struct {
	size   int64
	part   *part
	place  func(*storage) (int64, error)
	seen   map[any]bool
	states []state
}

// readStates finds the dicts of tensors in what was stored and enters their
// tensors; place tells where a storage's data starts, and that all of it is
// there.
func (r *Reader) readStates(root any, size int64, p *part, place func(*storage) (int64, error)) error {
	f := &finder{size: size, part: p, place: place, seen: map[any]bool{}}
	f.walk("", root, 0)
	if len(f.states) == 0 {
		switch v := root.(type) {
		case *object:
			return &RefusedError{v.what}
		case *global:
			return &RefusedError{v.name}
		case *dict:
			var keys []string
			for _, k := range v.keys[:min(len(v.keys), 10)] {
				keys = append(keys, quote(k))
			}
			if len(v.keys) > len(keys) {
				keys = append(keys, "…")
			}
			switch {
			case len(keys) == 0 && v.others == 0:
				return errors.New("no tensors found: the file holds an empty dict")
			case len(keys) == 0:
				return errors.New("no tensors found: the file holds a dict whose keys are no names: in PyTorch, save model.state_dict()")
			}
			return fmt.Errorf("no tensors found: the file holds a dict with the keys %s", strings.Join(keys, ", "))
		}
		return fmt.Errorf("the file holds %s, no dict of tensors: in PyTorch, save model.state_dict()", describe(root))
	}
	if len(f.states) == 1 && f.states[0].err != nil {
		return f.states[0].err
	}
	r.states = f.states
	return nil
}

// walk looks for dicts of tensors in v, and in what v holds.
func (f *finder) walk(path string, v any, depth int) {
	if depth > maxDepth || len(f.states) >= maxStates {
		return
	}
	switch v := v.(type) {
	case *dict:
		if f.first(v) {
			f.enter(path, v.keys, func(k string) any { return v.values[k] })
			f.within(path, v.keys, func(k string) any { return v.values[k] }, depth)
		}
	case *list:
		if f.first(v) {
			f.sequence(path, v.items, depth)
		}
	case tuple:
		if len(v) > 0 && f.first(place{&v[0], len(v)}) {
			f.sequence(path, v, depth)
		}
	case *object:
		if !f.first(v) {
			return
		}
		if names, values := module(v); len(names) > 0 {
			f.enter(path, names, func(k string) any { return values[k] })
			return
		}
		if v.items != nil {
			f.walk(path, v.items, depth)
		}
		f.sequence(path, v.list, depth)
		if state, ok := v.state.(*dict); ok && f.first(state) { // attributes
			f.within(path, state.keys, func(k string) any { return state.values[k] }, depth)
		}
	}
}

// A place tells a tuple from others, as a pointer tells a dict.
type place struct {
	at *any
	n  int
}

// first says whether v is met for the first time: things may hold each other.
func (f *finder) first(v any) bool {
	seen := f.seen[v]
	f.seen[v] = true
	return !seen
}

func (f *finder) within(path string, keys []string, value func(string) any, depth int) {
	for _, k := range keys {
		f.walk(join(path, k), value(k), depth+1)
	}
}

// sequence looks into a list or tuple, which may be one of pairs: a dict's items.
func (f *finder) sequence(path string, items []any, depth int) {
	if len(items) == 0 {
		return
	}
	var names []string
	values := map[string]any{}
	for _, item := range items {
		var pair []any
		switch item := item.(type) {
		case tuple:
			pair = item
		case *list:
			pair = item.items
		}
		if len(pair) != 2 {
			break
		}
		name, ok := pair[0].(string)
		if _, twice := values[name]; !ok || twice || !tensorLike(pair[1]) {
			break
		}
		names, values[name] = append(names, name), pair[1]
	}
	if len(names) == len(items) {
		f.enter(path, names, func(k string) any { return values[k] })
		return
	}
	if averaged(path) && !slices.ContainsFunc(items, func(item any) bool { return !tensorLike(item) }) {
		f.enter(path, numbered(len(items)), func(k string) any { n, _ := strconv.Atoi(k); return items[n] })
		f.states[len(f.states)-1].unnamed = true
		return
	}
	for i, item := range items[:min(len(items), 100)] {
		f.walk(join(path, fmt.Sprint(i)), item, depth+1)
	}
}

// numbered are the names of a list's places.
func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// tensorLike says whether v is a tensor, or would be one if we executed what
// makes it.
func tensorLike(v any) bool {
	switch v := v.(type) {
	case *tensor:
		return true
	case *object:
		return strings.Contains(v.what, "._rebuild_") || strings.HasSuffix(v.what, ".multiarray._reconstruct")
	}
	return false
}

// enter adds the dict's tensors, if it has some.
func (f *finder) enter(path string, names []string, value func(string) any) {
	s := state{path: path, averaged: averaged(path), begun: true}
	var claim int64
	for _, name := range names {
		v := value(name)
		if !tensorLike(v) {
			continue // a counter, a version: no tensor
		}
		var e entry
		if o, ok := v.(*object); ok {
			e = entry{made: o.what, dtype: &dtype{name: "opaque", size: 1}}
		} else {
			var err error
			if e, err = v.(*tensor).entry(f.place); err != nil {
				s.err = fmt.Errorf("tensor %s: %w", quote(name), err)
				break
			}
		}
		if !utf8.ValidString(name) {
			s.err = fmt.Errorf("the name of tensor %s is not valid UTF-8", quote(name))
			break
		}
		e.name, e.part = name, f.part
		if claim += max(4*min(int64(e.elements), maxClaim*f.size), e.end-e.begin); claim > maxClaim*f.size {
			s.err = fmt.Errorf("its tensors unfold to more than %d times the %d bytes of the file (tensor %s has the shape %s): refused", maxClaim, f.size, quote(name), formatShape(e.shape))
			break
		}
		if name == updates && e.elements == 1 && e.dtype.name == "I64" {
			var n [8]byte
			if readFull(f.part.src, n[:], e.begin) == nil {
				s.averaged, s.begun = true, binary.LittleEndian.Uint64(n[:]) > 0
			}
			continue
		}
		s.entries = append(s.entries, e)
	}
	if len(s.entries) > 0 || s.err != nil {
		f.states = append(f.states, s)
	}
}

// updates is how often torch.optim.swa_utils.AveragedModel has averaged.
const updates = "n_averaged"

// averaged says whether keys tell of weights that are averaged over training
// steps: state_dict_ema, model_ema, ema, params_ema, swa_model, average_model_state.
func averaged(path string) bool {
	words := strings.FieldsFunc(strings.ToLower(path), func(r rune) bool { return strings.ContainsRune("._-/ ", r) })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"ema", "swa", "averaged", "average", "avg", "shadow", "polyak", "emamodel", "modelema"}, w)
	})
}

// module lists the tensors of a pickled torch.nn.Module under the names that
// its state_dict would give them.
func module(root *object) (names []string, values map[string]any) {
	values = map[string]any{}
	seen := map[*object]bool{}
	attribute := func(o *object, name string) *dict {
		attributes, ok := o.state.(*dict)
		if !ok {
			return nil
		}
		switch v := attributes.values[name].(type) {
		case *dict:
			return v
		case *object: // an OrderedDict of another kind
			return v.items
		}
		return nil
	}
	var visit func(prefix string, o *object, depth int)
	visit = func(prefix string, o *object, depth int) {
		if seen[o] || depth > 64 {
			return
		}
		seen[o] = true
		for _, kind := range []string{"_parameters", "_buffers"} {
			d := attribute(o, kind)
			if d == nil {
				continue
			}
			for _, k := range d.keys {
				if name := prefix + k; tensorLike(d.values[k]) && values[name] == nil {
					names, values[name] = append(names, name), d.values[k]
				}
			}
		}
		if d := attribute(o, "_modules"); d != nil {
			for _, k := range d.keys {
				if inner, ok := d.values[k].(*object); ok {
					visit(prefix+k+".", inner, depth+1)
				}
			}
		}
	}
	if attribute(root, "_modules") != nil {
		visit("", root, 0)
	}
	return names, values
}

// A ChoiceError is a file with several dicts of tensors, any of which may be meant.
type ChoiceError struct {
	Keys []string // that [Reader.Under] takes
	What []string // what is there, in the order of the keys
}

func (e *ChoiceError) Error() string {
	var list []string
	for i, k := range e.Keys[:min(len(e.Keys), 10)] {
		list = append(list, quote(k)+" ("+e.What[i]+")")
	}
	if len(e.Keys) > len(list) {
		list = append(list, fmt.Sprintf("and %d more", len(e.Keys)-len(list)))
	}
	return "which weights are meant? Choose by the key: " + strings.Join(list, ", ")
}

func choiceOf(states []state) *ChoiceError {
	e := &ChoiceError{}
	for _, s := range states {
		what := fmt.Sprintf("%d tensors", len(s.entries))
		if s.averaged {
			what += ", averaged"
		}
		e.Keys, e.What = append(e.Keys, s.path), append(e.What, what)
	}
	return e
}

// choose takes the dict that is a network's weights without knowing the
// network, or leaves it unclear.
func (r *Reader) choose() {
	r.states = stripWrappers(r.states)
	var main []state
	most := 0
	for _, s := range r.states {
		if !aside(s.path) {
			most = max(most, len(s.entries))
		}
	}
	for _, s := range r.states {
		// The state of an optimiser and single numbers are not meant.
		if len(r.states) == 1 || !aside(s.path) && 2*len(s.entries) > most {
			main = append(main, s)
		}
	}
	r.unclear = nil
	s, err := r.among(main)
	if err != nil {
		r.unclear = err
		return
	}
	if s.err != nil {
		r.unclear = s.err
		return
	}
	if s.stripped != "" {
		r.note("takes %s off the names", quote(s.stripped))
	}
	r.take(s)
}

// among picks one of several dicts, any of which may be meant: averaged weights
// rather than the last ones.
func (r *Reader) among(list []state) (state, error) {
	if len(list) == 0 {
		return state{}, choiceOf(r.states)
	}
	list = distinct(list)
	if len(list) == 1 {
		return list[0], nil
	}
	var average, raw []state
	for _, s := range list {
		if s.averaged && s.begun {
			average = append(average, s)
		} else if !s.averaged {
			raw = append(raw, s)
		}
	}
	switch {
	case len(average) == 1:
		var others []string
		for _, s := range list {
			if s.path != average[0].path {
				others = append(others, quote(s.path))
			}
		}
		r.note("takes the averaged weights, %s, rather than %s", quote(average[0].path), strings.Join(others, ", "))
		return average[0], nil
	case len(average) == 0 && len(raw) == 1:
		r.note("takes %s: nothing was averaged yet", quote(raw[0].path))
		return raw[0], nil
	}
	return state{}, choiceOf(list)
}

// distinct leaves out dicts of the same tensors under other keys.
func distinct(list []state) []state {
	var kept []state
	for _, s := range list {
		if !slices.ContainsFunc(kept, func(k state) bool { return sameTensors(k, s) }) {
			kept = append(kept, s)
		}
	}
	return kept
}

func sameTensors(a, b state) bool {
	return len(a.entries) == len(b.entries) && a.err == nil && b.err == nil && slices.EqualFunc(a.entries, b.entries, func(x, y entry) bool {
		return x.name == y.name && x.part == y.part && x.begin == y.begin && x.end == y.end && x.dtype == y.dtype && x.made == "" && y.made == "" && slices.Equal(x.shape, y.shape) && x.part != nil
	})
}

// aside says whether keys lead to what training keeps besides networks.
func aside(path string) bool {
	words := strings.FieldsFunc(strings.ToLower(path), func(r rune) bool { return strings.ContainsRune("._-/ ", r) })
	return slices.ContainsFunc(words, func(w string) bool {
		for _, start := range []string{"optim", "sched", "scaler", "rng", "criterion", "loss", "momentum", "adam", "sgd", "lr", "metric", "sampler"} {
			if strings.HasPrefix(w, start) {
				return true
			}
		}
		return w == "opt" || w == "amp"
	})
}

// note remembers what is to be said of the file.
func (r *Reader) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// stripWrappers takes off what wrappers put before every name:
// DataParallel "module.", torch.compile "_orig_mod.".
func stripWrappers(states []state) []state {
	for i := range states {
		entries := states[i].entries
		for _, prefix := range []string{"_orig_mod.", "module.", "_orig_mod."} {
			if slices.ContainsFunc(entries, func(e entry) bool { return !strings.HasPrefix(e.name, prefix) }) {
				continue
			}
			if len(entries) == 0 {
				break
			}
			states[i].stripped += prefix
			entries = slices.Clone(entries)
			for j := range entries {
				entries[j].name = strings.TrimPrefix(entries[j].name, prefix)
			}
		}
		states[i].entries = entries
	}
	return states
}
