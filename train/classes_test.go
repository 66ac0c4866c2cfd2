package train

import (
	"slices"
	"strings"
	"testing"
)

func TestClassesAreMatchedByName(t *testing.T) {
	animals := []string{"cat", "dog", "emu"}
	for _, c := range []struct {
		name          string
		data, network []string
		classes       int
		to            []int
		missing       string
		note, err     string
	}{
		{"the same", animals, animals, 3, []int{0, 1, 2}, "", "", ""},
		{"another order", []string{"emu", "cat", "dog"}, animals, 3, []int{2, 0, 1}, "", "", ""},
		{"some", []string{"cat", "emu"}, animals, 3, []int{0, 2}, "dog", "", ""},
		{"one", []string{"dog"}, animals, 3, []int{1}, "cat emu", "", ""},
		{"a new name", []string{"dog", "emu", "zcat"}, animals, 3, nil, "", "", "classes that the network does not have: zcat; it has cat, dog, emu"},
		{"all others", []string{"bee", "fly"}, animals, 3, nil, "", "", "does not have: bee, fly; it has"},
		{"more", []string{"cat", "dog", "emu", "fox"}, animals, 3, nil, "", "", "does not have: fox;"},
		{"two forms of Unicode", []string{"cafe\u0301"}, []string{"bar", "caf\u00e9"}, 2, []int{1}, "bar", "", ""},
		{"capitals", []string{"Cat", "dog"}, animals, 3, []int{0, 1}, "emu", "class Cat is taken for the network's cat", ""},
		{"capitals that could be two", []string{"CAT"}, []string{"Cat", "cat"}, 2, nil, "", "", "whose names the network has twice: CAT"},
		{"capitals that are two", []string{"Cat", "cat"}, []string{"cat", "dog"}, 2, nil, "", "", "classes Cat and cat of the data set are both the network's cat"},
		{"small letters first", []string{"Cat", "cat"}, []string{"cat", "Cat"}, 2, []int{1, 0}, "", "", ""},
		{"names that stand twice", []string{"crane", "crane"}, []string{"crane", "crane"}, 2, []int{0, 1}, "", "", ""},
		{"one of names that stand twice", []string{"crane"}, []string{"crane", "crane"}, 2, nil, "", "", "whose names the network has twice: crane"},
		{"no names", []string{"a", "b"}, nil, 2, []int{0, 1}, "", "the weights do not name their classes", ""},
		{"no names, and more classes", []string{"a", "b", "c"}, nil, 2, nil, "", "", "the network has 2 classes without names, the data set has 3"},
		{"an escape sequence", []string{"\x1b[31m"}, animals, 3, nil, "", "", `does not have: \x1b[31m; it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := matchClasses(c.data, c.network, c.classes)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v: want one with %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(m.to, c.to) || strings.Join(m.missing, " ") != c.missing {
				t.Errorf("%v, missing %v: want %v, missing %s", m.to, m.missing, c.to, c.missing)
			}
			if notes := strings.Join(m.notes, " "); c.note == "" && notes != "" || !strings.Contains(notes, c.note) {
				t.Errorf("notes %q: want %q", notes, c.note)
			}
		})
	}
}

func TestMembersAreBroughtIntoOneOrder(t *testing.T) {
	p, err := permutation([]string{"a", "b", "c"}, []string{"c", "a", "b"})
	if err != nil || !slices.Equal(p, []int{1, 2, 0}) {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := permutation([]string{"a", "b"}, []string{"a", "b"}); p != nil || err != nil {
		t.Errorf("%v, %v for the same order", p, err)
	}
	for _, other := range [][]string{{"a", "x"}, {"a", "b", "c"}, {"a"}} {
		if _, err := permutation([]string{"a", "b"}, other); err == nil || !strings.Contains(err.Error(), "those of the first are a, b: members of an ensemble must have the same") {
			t.Errorf("%v: error %v", other, err)
		}
	}
}
