package neon

import (
	"fmt"
	"math/bits"
	"slices"
)

// free are the general registers at hand. R16 and R17 are the linker's, R18 is an operating system's (macOS, Windows),
// R27 the assembler's, R28 holds the goroutine, R29 and R30 frame and return address, and R31 is the stack pointer or
// zero.
var free = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 19, 20, 21, 22, 23, 24, 25, 26}

// vectors is the number of vector registers. Go saves none across calls.
const vectors = 32

// A set of registers, by their ids.
type set []uint64

func (s set) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) drop(i int)     { s[i/64] &^= 1 << (i % 64) }

func (s set) each(do func(i int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			do(64*w + bits.TrailingZeros64(word))
		}
	}
}

// allocate gives every virtual register a number: registers that hold something at the same time get different ones.
func (f *F) allocate() error {
	after, err := f.live()
	if err != nil {
		return err
	}
	all := make([]*register, f.registers)
	for _, i := range f.code {
		for _, r := range append(slices.Clone(i.defs), i.uses...) {
			all[r.id] = r
		}
	}
	words := (f.registers + 63) / 64
	apart := make([]set, f.registers)
	for i := range apart {
		apart[i] = make(set, words)
	}
	for at, i := range f.code {
		for _, d := range i.defs {
			clash := func(other int) {
				if i.move && other == i.uses[0].id {
					return // they may share a number, as they hold the same
				}
				if other != d.id && all[other].vector == d.vector {
					apart[d.id].add(other)
					apart[other].add(d.id)
				}
			}
			after[at].each(clash)
			for _, e := range i.defs {
				clash(e.id)
			}
		}
	}
	return f.colour(all, apart)
}

// live drops what nobody reads, and returns the liveness of what is left.
func (f *F) live() ([]set, error) {
	for {
		after, err := f.liveness()
		if err != nil {
			return nil, err
		}
		var kept []inst
		for at, i := range f.code {
			used := len(i.defs) == 0 || i.flags
			for _, d := range i.defs {
				used = used || after[at].has(d.id)
			}
			if used {
				kept = append(kept, i)
			}
		}
		if len(kept) == len(f.code) {
			return after, nil
		}
		f.code = kept
	}
}

// liveness returns which registers are read later, after each instruction.
func (f *F) liveness() ([]set, error) {
	words := (f.registers + 63) / 64
	labels := map[string]int{}
	for at, i := range f.code {
		if i.label != "" {
			labels[i.label] = at
		}
	}
	before, after := make([]set, len(f.code)+1), make([]set, len(f.code))
	for i := range before {
		before[i] = make(set, words)
	}
	for i := range after {
		after[i] = make(set, words)
	}
	for changed := true; changed; {
		changed = false
		for at := len(f.code) - 1; at >= 0; at-- {
			i := f.code[at]
			now := make(set, words)
			merge := func(s set) {
				for w := range now {
					now[w] |= s[w]
				}
			}
			if !i.ends {
				merge(before[at+1])
			}
			if i.target != "" {
				to, ok := labels[i.target]
				if !ok {
					return nil, fmt.Errorf("%s: no label %s", f.name, i.target)
				}
				merge(before[to])
			}
			copy(after[at], now)
			for _, d := range i.defs {
				now.drop(d.id)
			}
			for _, u := range i.uses {
				now.add(u.id)
			}
			if !slices.Equal(now, before[at]) {
				copy(before[at], now)
				changed = true
			}
		}
	}
	var err error
	before[0].each(func(i int) { err = fmt.Errorf("%s: register %d is read before it is written", f.name, i) })
	return after, err
}

// colour is Chaitin's: registers with few neighbours can wait, those with many come first.
func (f *F) colour(all []*register, apart []set) error {
	degree := make([]int, len(all))
	left := make([]bool, len(all))
	var todo, order []int
	for i, r := range all {
		if r == nil || r.number >= 0 {
			continue
		}
		apart[i].each(func(int) { degree[i]++ })
		left[i] = true
		todo = append(todo, i)
	}
	most := func(r *register) int {
		if r.vector {
			return vectors
		}
		return len(free)
	}
	for len(todo) > 0 {
		pick := -1
		for k := len(todo) - 1; k >= 0; k-- {
			if degree[todo[k]] < most(all[todo[k]]) {
				pick = k
				break
			}
		}
		if pick < 0 { // perhaps neighbours share numbers
			pick = 0
			for k, i := range todo {
				if degree[i] < degree[todo[pick]] {
					pick = k
				}
			}
		}
		i := todo[pick]
		todo = slices.Delete(todo, pick, pick+1)
		left[i] = false
		order = append(order, i)
		apart[i].each(func(n int) { degree[n]-- })
	}
	copies := map[int][]*register{}
	for _, i := range f.code {
		if i.move {
			copies[i.defs[0].id] = append(copies[i.defs[0].id], i.uses[0])
			copies[i.uses[0].id] = append(copies[i.uses[0].id], i.defs[0])
		}
	}
	for _, i := range slices.Backward(order) {
		taken := map[int]bool{}
		apart[i].each(func(n int) {
			if all[n].number >= 0 {
				taken[all[n].number] = true
			}
		})
		for _, twin := range copies[i] { // a copy in the same register is none
			if twin.number >= 0 && !taken[twin.number] {
				all[i].number = twin.number
			}
		}
		for n := 0; n < most(all[i]) && all[i].number < 0; n++ {
			if !taken[n] {
				all[i].number = n
				break
			}
		}
		if all[i].number < 0 {
			kind := "general"
			if all[i].vector {
				kind = "vector"
			}
			return fmt.Errorf("%s needs more than the %d %s registers", f.name, most(all[i]), kind)
		}
	}
	return nil
}
