package weights

import (
	"fmt"
	"slices"
	"strings"
)

// view is a Reader of the same files.
func (r *Reader) view() *Reader {
	v := *r
	v.files, v.notes = nil, slices.Clone(r.notes)
	return &v
}

// WithMeta is a view of r with other metadata: what is known of a file that
// does not say it. Closing r closes the view.
func (r *Reader) WithMeta(m Meta) *Reader {
	v := r.view()
	v.meta = m
	return v
}

// Owning is r with the files of another Reader, of which r is a view: closing it closes these. Of nil
// there are none.
func (r *Reader) Owning(of *Reader) *Reader {
	v := r.view()
	if of != nil {
		v.files = of.files
	}
	return v
}

// Keys lists where the file holds dicts of tensors, for [Reader.Under]; one
// that is the file itself is "".
func (r *Reader) Keys() []string {
	var keys []string
	for _, s := range r.states {
		keys = append(keys, s.path)
	}
	return keys
}

// Elements is how many numbers all the tensors of the file have.
func (r *Reader) Elements() int64 {
	n := int64(0)
	for _, s := range r.states {
		for _, e := range s.entries {
			n += int64(e.elements)
		}
	}
	return n
}

// Huge says whether the file has more tensors than any network: Fit does not search them.
func (r *Reader) Huge() bool {
	return slices.ContainsFunc(r.states, func(s state) bool { return len(s.entries) > mostTensors })
}

// Under is a view of r that takes the tensors under a key: of a checkpoint a
// path of keys, such as "model_ema" or "ema.module"; otherwise what names begin
// with, such as "encoder_q", which is taken off. Closing r closes the view.
func (r *Reader) Under(key string) (*Reader, error) {
	v := r.view()
	v.notes, v.states, v.unclear = nil, nil, nil
	for _, s := range r.states {
		if s.path == key {
			v.states = []state{s}
			break
		}
		if strings.HasPrefix(s.path, key+".") {
			v.states = append(v.states, s)
		}
	}
	if len(v.states) == 0 {
		prefix := strings.TrimSuffix(key, ".") + "."
		for _, s := range r.states {
			var under []entry
			for _, e := range s.entries {
				if name, ok := strings.CutPrefix(e.name, prefix); ok {
					e.name = name
					under = append(under, e)
				}
			}
			if len(under) > 0 {
				s.entries = under
				v.states = append(v.states, s)
			}
		}
	}
	if len(v.states) == 0 {
		var keys []string
		for _, k := range r.Keys() {
			if k != "" {
				keys = append(keys, quote(k))
			}
		}
		if len(keys) == 0 {
			keys = []string{"none: they are the file itself"}
		}
		hint := ""
		if near := Nearest(key, r.Keys()); near != "" {
			hint = "; did you mean " + quote(near) + "?"
		} else if len(keys) > 0 {
			hint = "; there are tensors under " + strings.Join(keys[:min(len(keys), 10)], ", ")
		}
		return nil, fmt.Errorf("%s: no tensors under the key %s%s", r.name, quote(key), hint)
	}
	v.choose()
	if v.unclear != nil && len(v.states) > 1 {
		return nil, fmt.Errorf("%s: %w", r.name, v.unclear)
	}
	return v, nil
}

// Rename is a view of r with other names: rename gives each tensor's. Closing r
// closes the view. Two tensors of a dict that get one name are an error.
func (r *Reader) Rename(rename func(name string) string) (*Reader, error) {
	v := r.view()
	v.states = make([]state, len(r.states))
	for i, s := range r.states {
		s.entries = slices.Clone(s.entries)
		from := make(map[string]string, len(s.entries))
		for j := range s.entries {
			e := &s.entries[j]
			old := e.name
			e.name = rename(old)
			if other, twice := from[e.name]; twice {
				return nil, fmt.Errorf("%s: tensors %s and %s would both be called %s", r.name, quote(other), quote(old), quote(e.name))
			}
			from[e.name] = old
		}
		v.states[i] = s
	}
	v.choose()
	return v, nil
}

// A fitting is a dict's tensors as a network wants them.
type fitting struct {
	state             // with the tensors under the network's names, in its order
	removed  []string // what was taken off names
	outside  []string // tensors that belong to something else
	reshaped []string
	prefix   string // of all
}

// Fit is a view of r with exactly the tensors that a network wants, in the
// order of want: a dimension of -1 may have any size. Closing r closes the view.
//
// Of the dicts of tensors that the file holds it takes the one that fits, of
// averaged ones beside the last ones the averaged, also where these are the
// trained tensors alone; of several others, it is a
// [*ChoiceError]. What stands before the network's names is taken off, whether
// it is the same before all of them or not, as long as every tensor that is
// wanted is found once: "model.", "features.module.". A fully connected layer
// that is kept as a convolution, or the other way round, gets its shape. The
// counters of batch normalisation are left out. [Reader.Notes] tells all of it.
//
// Where nothing fits, it is a [*MismatchError] of what comes closest.
func (r *Reader) Fit(want []Spec) (*Reader, error) {
	var fits []fitting
	for _, s := range distinct(r.states) {
		if s.err == nil {
			fits = append(fits, fit(s, want)...)
		}
	}
	if len(fits) == 0 {
		if all, ok := together(r.states); ok {
			fits = fit(all, want)
		}
	}
	v := r.view()
	v.notes, v.unclear = nil, nil
	if len(fits) == 0 {
		if r.unclear != nil {
			return nil, fmt.Errorf("%s: %w", r.name, r.unclear)
		}
		return nil, fmt.Errorf("%s: %w", r.name, mismatch(r.entries, want))
	}
	best, err := v.amongFitting(fits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	if best, err = v.withAverage(best, r.states, want); err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	if len(r.states) > 1 && best.path != "" && len(v.notes) == 0 {
		v.note("takes the tensors under %s", quote(best.path))
	}
	if best.stripped != "" {
		for i := range best.removed {
			best.removed[i] = best.stripped + best.removed[i]
		}
		if len(best.removed) == 0 {
			best.removed = []string{best.stripped}
		}
	}
	if len(best.removed) > 0 {
		v.note("takes %s off the names", quoted(best.removed))
	}
	if len(best.reshaped) > 0 {
		v.note("reshapes %s", quoted(best.reshaped))
	}
	if len(best.outside) > 0 {
		v.note("leaves out %d tensors beside the network's: %s", len(best.outside), quoted(best.outside))
	}
	v.states = []state{best.state}
	v.take(best.state)
	return v, nil
}

// quoted lists the first few names.
func quoted(names []string) string {
	var list []string
	for _, n := range names[:min(len(names), 4)] {
		list = append(list, quote(n))
	}
	if len(names) > len(list) {
		list = append(list, fmt.Sprintf("and %d more", len(names)-len(list)))
	}
	return strings.Join(list, ", ")
}

// amongFitting picks one of several ways in which the file fits.
func (r *Reader) amongFitting(fits []fitting) (fitting, error) {
	for i := range fits {
		f := &fits[i]
		f.averaged = f.averaged || averaged(f.prefix)
		// The key that takes just these.
		if len(fits) > 1 && f.prefix != "" {
			if f.path == "" || slices.ContainsFunc(fits, func(g fitting) bool { return g.path == f.path && g.prefix != f.prefix }) {
				f.path = strings.TrimSuffix(f.prefix, ".")
			}
		}
	}
	var list []state
	for _, f := range fits {
		list = append(list, f.state)
	}
	s, err := r.among(list)
	if err != nil {
		return fitting{}, err
	}
	i := slices.IndexFunc(fits, func(f fitting) bool {
		return f.path == s.path && (len(f.entries) == 0 || &f.entries[0] == &s.entries[0])
	})
	return fits[i], nil
}

// together is all dicts of a file as one: {"encoder": {…}, "head": {…}} has the
// tensors encoder.… and head.….
func together(states []state) (state, bool) {
	if len(states) < 2 {
		return state{}, false
	}
	all := state{begun: true}
	for _, s := range states {
		if s.err != nil || aside(s.path) {
			continue
		}
		for _, e := range s.entries {
			e.name = join(s.path, e.name)
			all.entries = append(all.entries, e)
		}
	}
	return all, true
}

// counter says whether a tensor counts what training did, and is no weight.
func counter(name string) bool {
	return BatchCounter(name) || name == updates || strings.HasSuffix(name, "."+updates)
}

// wrappers are what libraries put into names for the module around a module:
// DataParallel, torch.compile, FSDP, activation checkpointing.
var wrappers = []string{"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"}

// ends lists the ends of a name at its dots, the longest first.
func ends(name string) func(yield func(end string) bool) {
	return func(yield func(string) bool) {
		for yield(name) {
			_, after, ok := strings.Cut(name, ".")
			if !ok {
				return
			}
			name = after
		}
	}
}

// unwrapped is the name without the wrappers' parts.
func unwrapped(name string) string {
	if !strings.Contains(name, "module") && !strings.Contains(name, "_orig_mod") {
		return name
	}
	parts := strings.Split(name, ".")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return slices.Contains(wrappers, p) }), ".")
}

// mostTensors is more than any network has: longer dicts are not searched.
const mostTensors = 20_000

// fit looks for the ways in which a dict's tensors are the ones that are wanted.
func fit(s state, want []Spec) []fitting {
	if len(s.entries) < len(want) || len(s.entries) > mostTensors {
		return nil
	}
	wanted := make(map[string]int, len(want))
	for i, w := range want {
		wanted[w.Name] = i
	}
	type group struct {
		prefix string
		at     []int // of each tensor that is wanted, its place in the dict, or -1
		found  int
		twice  bool
	}
	groups := map[string]*group{}
	var order []*group
	member := make([]*group, len(s.entries))
	removed := make([]string, len(s.entries))
	for i := range s.entries {
		e := &s.entries[i]
		if counter(e.name) {
			continue
		}
		plain := unwrapped(e.name)
		for end := range ends(plain) {
			w, ok := wanted[end]
			if !ok || !fitsShape(e, want[w].Shape) {
				continue
			}
			prefix := strings.TrimSuffix(plain, end)
			g := groups[prefix]
			if g == nil {
				g = &group{prefix: prefix, at: slices.Repeat([]int{-1}, len(want))}
				groups[prefix] = g
				order = append(order, g)
				if len(order) > 1000 { // no network's file
					return nil
				}
			}
			if g.at[w] >= 0 {
				g.twice = true
			}
			g.at[w] = i
			g.found++
			member[i] = g
			if cut, ok := strings.CutSuffix(e.name, end); ok {
				removed[i] = cut
			} else {
				removed[i] = strings.Join(slices.DeleteFunc(strings.Split(e.name, "."), func(p string) bool { return !slices.Contains(wrappers, p) }), ".") + "."
			}
			break
		}
	}
	var whole []*group
	for _, g := range order {
		if g.found == len(want) && !g.twice {
			whole = append(whole, g)
		}
	}
	if len(whole) == 0 {
		// Every tensor once, behind several prefixes.
		sum := &group{at: slices.Repeat([]int{-1}, len(want))}
		for _, g := range order {
			for w, i := range g.at {
				if i >= 0 {
					sum.twice = sum.twice || g.twice || sum.at[w] >= 0
					sum.at[w] = i
					sum.found++
				}
			}
		}
		if sum.twice || sum.found != len(want) || len(want) == 0 {
			return nil
		}
		for i := range member {
			if member[i] != nil {
				member[i] = sum
			}
		}
		whole = []*group{sum}
	}
	var list []fitting
	for _, g := range whole {
		f := fitting{state: s, prefix: g.prefix}
		f.entries = make([]entry, len(want))
		for w, i := range g.at {
			e := s.entries[i]
			e.name = want[w].Name
			if e.made == "" {
				if shape := resolve(e.shape, want[w].Shape); !slices.Equal(shape, e.shape) {
					e.shape = shape
					f.reshaped = append(f.reshaped, want[w].Name)
				}
			}
			if removed[i] != "" && !slices.Contains(f.removed, removed[i]) {
				f.removed = append(f.removed, removed[i])
			}
			f.entries[w] = e
		}
		inside := false
		for i, e := range s.entries {
			if member[i] == g || counter(e.name) || member[i] != nil && slices.Contains(whole, member[i]) {
				continue
			}
			if rest, ok := strings.CutPrefix(unwrapped(e.name), g.prefix); ok {
				if part, _, ok := strings.Cut(rest, "."); ok && averaged(part) {
					f.outside = append(f.outside, e.name)
					continue
				}
				inside = true // the network has no such tensor: it is another one
				break
			}
			f.outside = append(f.outside, e.name)
		}
		if !inside {
			list = append(list, f)
		}
	}
	return list
}

// fitsShape says whether a tensor has the shape that is wanted, or can be given it.
func fitsShape(e *entry, want []int) bool {
	return e.made != "" || resolve(e.shape, want) != nil
}

// resolve is the shape that is wanted with the sizes that are left open, if a
// tensor of shape have is one of it, up to how the dimensions behind the first
// are put together; otherwise it is nil.
func resolve(have, want []int) []int {
	equal := len(have) == len(want)
	for d := 0; equal && d < len(have); d++ {
		equal = want[d] == have[d] || want[d] == -1
	}
	if equal {
		return append([]int{}, have...)
	}
	if len(have) < 2 || len(want) < 2 || len(have) == len(want) || want[0] != -1 && want[0] != have[0] {
		return nil
	}
	rest := func(shape []int) int {
		n, err := elements(shape[1:])
		if err != nil || slices.Contains(shape[1:], -1) {
			return -1
		}
		return n
	}
	if n := rest(have); n < 0 || n != rest(want) {
		return nil
	}
	shape := append([]int{}, want...)
	shape[0] = have[0]
	return shape
}

// mismatch compares a file's tensors with those that are wanted, after taking
// off what most names begin with.
func mismatch(entries []entry, want []Spec) error {
	if len(entries) > mostTensors {
		return fmt.Errorf("the tensors are not the network's: there are %d of them, %s and so on, in place of %d", len(entries), quote(entries[0].name), len(want))
	}
	wanted := make(map[string]bool, len(want))
	for _, w := range want {
		wanted[w.Name] = true
	}
	count := map[string]int{}
	best := ""
	for _, e := range entries {
		for end := range ends(e.name) {
			if wanted[end] {
				p := strings.TrimSuffix(e.name, end)
				count[p]++
				if count[p] > count[best] {
					best = p
				}
				break
			}
		}
	}
	var have []Spec
	for _, e := range entries {
		if !counter(e.name) {
			have = append(have, Spec{strings.TrimPrefix(e.name, best), e.shape})
		}
	}
	return matchOpen(have, want)
}

// matchOpen is [Match] with sizes that are left open.
func matchOpen(have, want []Spec) error {
	there := make(map[string][]int, len(have))
	for _, s := range have {
		there[s.Name] = s.Shape
	}
	closed := slices.Clone(want)
	for i, w := range closed {
		if shape := resolve(there[w.Name], w.Shape); shape != nil {
			closed[i].Shape = shape
		}
	}
	reshaped := slices.Clone(have)
	wanted := make(map[string][]int, len(closed))
	for _, w := range closed {
		wanted[w.Name] = w.Shape
	}
	for i, s := range reshaped {
		if shape := resolve(s.Shape, wanted[s.Name]); shape != nil {
			reshaped[i].Shape = shape
		}
	}
	if err := Match(reshaped, closed); err != nil {
		return err
	}
	return fmt.Errorf("the tensors are not the network's: several have one name but for what stands before it")
}
