package weights

import (
	"slices"
	"strings"
)

// Libraries that average weights while they train keep the average of what is trained alone, without the statistics
// of batch normalisation: beside the network under names without dots (LitEma of latent diffusion), or in a dict of
// its own (torch_ema, "shadow").

// An average is such a copy: its tensors by the network's names.
type average struct {
	path, prefix string
	of           map[string]entry
}

// withAverage puts the average of the trained tensors in the place of the last ones, if the file has one.
func (r *Reader) withAverage(best fitting, states []state, want []Spec) (fitting, error) {
	if best.averaged || averaged(best.path) {
		return best, nil
	}
	var found []average
	for _, s := range states {
		if s.err != nil {
			continue
		}
		if s.unnamed {
			of := inPlaces(s.entries, best, states)
			if of == nil { // which tensor is which nobody says, and the last weights are not what is meant
				return best, &ChoiceError{Keys: []string{best.path, s.path}, What: []string{"the last ones", "averaged, but without names"}}
			}
			found = append(found, average{s.path, "", of})
			continue
		}
		parts := map[string][]entry{}
		var order []string
		for _, e := range s.entries {
			prefix := ""
			if !s.averaged { // as the best one's is not
				if prefix = averagedPrefix(e.name); prefix == "" {
					continue
				}
				e.name = strings.TrimPrefix(e.name, prefix)
			}
			if parts[prefix] == nil {
				order = append(order, prefix)
			}
			parts[prefix] = append(parts[prefix], e)
		}
		for _, prefix := range order {
			if of := averageOf(parts[prefix], want); of != nil && (s.begun || !s.averaged) {
				found = append(found, average{strings.TrimSuffix(join(s.path, prefix), "."), prefix, of})
			}
		}
	}
	switch len(found) {
	case 0:
		return best, nil
	case 1:
	default:
		e := &ChoiceError{}
		for _, a := range found {
			e.Keys, e.What = append(e.Keys, a.path), append(e.What, "averaged")
		}
		return best, e
	}
	best.entries = slices.Clone(best.entries)
	for i, w := range want {
		if e, ok := found[0].of[w.Name]; ok {
			e.name = w.Name
			best.entries[i] = e
		}
	}
	taken := map[string]bool{}
	for _, e := range found[0].of {
		taken[found[0].prefix+e.name] = true
	}
	best.outside = slices.DeleteFunc(best.outside, func(name string) bool { return taken[name] })
	r.note("takes the averaged weights, %s, rather than the last ones, with the last statistics of batch normalisation, of which there is no average", quote(found[0].path))
	return best, nil
}

// inPlaces gives a list of averages the names of the tensors that are trained, which torch_ema lists in the order in which
// the network has them; nil if they are not as many, or have other shapes.
func inPlaces(list []entry, best fitting, states []state) map[string]entry {
	names := map[int64]string{} // by where the last ones are
	for _, e := range best.entries {
		names[e.begin] = e.name
	}
	of := map[string]entry{}
	at := 0
	for _, s := range states {
		if s.path != best.path {
			continue
		}
		for _, e := range s.entries {
			if strings.HasSuffix(e.name, ".running_mean") || strings.HasSuffix(e.name, ".running_var") || strings.HasSuffix(e.name, ".num_batches_tracked") {
				continue
			}
			if at == len(list) || list[at].made != "" || !slices.Equal(list[at].shape, e.shape) {
				return nil
			}
			if name, ok := names[e.begin]; ok {
				of[name] = list[at]
			}
			at++
		}
	}
	if at != len(list) {
		return nil
	}
	return of
}

// averagedPrefix is a name as far as the part that tells of an average, with its dot, or nothing.
func averagedPrefix(name string) string {
	parts := strings.SplitAfter(name, ".")
	for i, part := range parts[:len(parts)-1] {
		if averaged(part) {
			return strings.Join(parts[:i+1], "")
		}
	}
	return ""
}

// averageOf finds all tensors that a network trains, under their names or these without dots; nil if one is not there.
func averageOf(entries []entry, want []Spec) map[string]entry {
	named := make(map[string]entry, len(entries))
	for _, e := range entries {
		named[e.name] = e
	}
	of, used := map[string]entry{}, map[string]bool{}
	for _, w := range want {
		plain := strings.ReplaceAll(w.Name, ".", "")
		e, ok := named[w.Name]
		if !ok {
			e, ok = named[plain]
		}
		if !ok || used[plain] || e.made != "" || !slices.Equal(resolve(e.shape, w.Shape), e.shape) {
			if strings.HasSuffix(w.Name, ".running_mean") || strings.HasSuffix(w.Name, ".running_var") {
				continue
			}
			return nil
		}
		used[plain], of[w.Name] = true, e
	}
	return of
}
