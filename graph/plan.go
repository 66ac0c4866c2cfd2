package graph

import (
	"cmp"
	"slices"
)

// align is the number of floats in a cache line: every value starts on one.
const align = 16

// plan gives every value that has no memory of its own a place in one block, so that values which are
// never needed at the same time share it, and returns the block's size in floats. Without sharing,
// every value gets a place for itself.
func plan(steps []*step, share bool) int {
	var values []*value
	seen := map[*value]bool{}
	for i, s := range steps {
		use := func(v *value, written bool) {
			r := v.storage()
			if r.source != nil || r.boxed {
				return
			}
			if !seen[r] {
				seen[r] = true
				r.first, r.last = i, i
				values = append(values, r)
			}
			r.last = i
		}
		for _, v := range s.reads {
			use(v, false)
		}
		for _, v := range s.writes {
			use(v, true)
		}
	}
	for _, v := range values {
		if v.keep || !share {
			v.last = len(steps)
		}
	}
	taken := merge(steps, values, share)
	// Large values first, each at the lowest place that is free while it lives.
	order := slices.Clone(values)
	slices.SortStableFunc(order, func(a, b *value) int { return cmp.Compare(padded(b), padded(a)) })
	var placed []*value
	total := 0
	for _, v := range order {
		if taken[v] != nil {
			continue
		}
		var busy []*value
		for _, w := range placed {
			if !share || w.first <= v.last && v.first <= w.last {
				busy = append(busy, w)
			}
		}
		slices.SortFunc(busy, func(a, b *value) int { return cmp.Compare(a.base, b.base) })
		at := 0
		for _, w := range busy {
			if at+padded(v) <= w.base {
				break
			}
			at = max(at, w.base+padded(w))
		}
		v.base = at
		total = max(total, at+padded(v))
		placed = append(placed, v)
	}
	for _, v := range values {
		if taken[v] != nil {
			v.base = owner(taken, v).base
		}
	}
	return total
}

// merge lets values take the memory of one that dies at the step in which they are made, where the
// step works in place. It returns the previous owner of each such value and extends the life of the
// first owner over the whole chain.
func merge(steps []*step, values []*value, share bool) map[*value]*value {
	taken := map[*value]*value{}
	if !share {
		return taken
	}
	given := map[*value]bool{}
	slices.SortStableFunc(values, func(a, b *value) int { return cmp.Compare(a.first, b.first) })
	for _, v := range values {
		if v.reuse == nil {
			continue
		}
		from := v.reuse
		if from.root != nil || from.source != nil || from.keep || given[from] || from.last != v.first || padded(from) != padded(v) {
			continue
		}
		given[from] = true
		taken[v] = from
		first := owner(taken, v)
		first.last = max(first.last, v.last)
	}
	return taken
}

func owner(taken map[*value]*value, v *value) *value {
	for taken[v] != nil {
		v = taken[v]
	}
	return v
}

func padded(v *value) int { return (v.size() + align - 1) / align * align }
