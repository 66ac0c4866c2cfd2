package train

import (
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights/labels"
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

func TestWordNetsNumbersNameImageNetsClasses(t *testing.T) {
	imageNet := labels.ImageNet()
	for _, c := range []struct {
		name          string
		data, network []string
		to            []int
		note, err     string
	}{
		{"the challenge's folders", []string{"n01440764", "n02123045", "n02012849"}, imageNet, []int{0, 281, 134}, "3 classes matched by WordNet's numbers: n01440764 is tench", ""},
		{"with words behind", []string{"n01440764_tench", "n01443537-goldfish"}, imageNet, []int{0, 1}, "n01440764_tench is tench", ""},
		{"names and numbers", []string{"goldfish", "n01440764"}, imageNet, []int{1, 0}, "1 class matched", ""},
		{"a network of ten of them", []string{"n01443537", "n01440764"}, []string{"Tench", "goldfish"}, []int{1, 0}, "n01443537 is goldfish", ""},
		{"a network that has numbers", []string{"goldfish", "great_white_shark"}, []string{"n01484850", "n01443537"}, []int{1, 0}, "goldfish is n01443537", ""},
		{"underscores", []string{"great_white_shark", "Half-Track"}, imageNet, []int{2, 586}, "class great_white_shark is taken for the network's great white shark", ""},
		{"none of the thousand", []string{"n01440764", "n00000001"}, imageNet, nil, "", "does not have: n00000001; it has tench"},
		{"and why", []string{"n00000001"}, imageNet, nil, "", "(n00000001 looks like WordNet's number of a class, but is none of ImageNet's 1,000)"},
		{"one that the network does not have", []string{"n01440764"}, []string{"cat", "dog"}, nil, "", "does not have: n01440764; it has cat, dog (n01440764 is WordNet's number of tench)"},
		{"both of one class", []string{"n01440764", "tench"}, imageNet, nil, "", "classes n01440764 and tench of the data set are both the network's tench"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := matchClasses(c.data, c.network, len(c.network))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v: want one with %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(m.notes, " "); !slices.Equal(m.to, c.to) || !strings.Contains(notes, c.note) {
				t.Errorf("%v, notes %q: want %v, %q", m.to, notes, c.to, c.note)
			}
		})
	}
}

func TestTheRowsOfALastLayerFollowTheirNames(t *testing.T) {
	for _, c := range []struct {
		name          string
		classes, were []string
		from          []int
		says          string
	}{
		{"the same order", []string{"a", "b"}, []string{"A", "b"}, nil, "whose classes are spelt A, b"},
		{"another order", []string{"a", "b", "c"}, []string{"c", "a", "b"}, []int{1, 2, 0}, "whose classes are the same in another order: the last layer is brought into this one"},
		{"one is new", []string{"cat", "dog", "emu"}, []string{"ant", "cat", "dog"}, []int{1, 2, 0}, "by their names; without one of their name begin emu with that of ant"},
		{"one is new at its place", []string{"cat", "dog"}, []string{"cat", "cow"}, nil, "begin dog with that of cow"},
		{"all are others", []string{"x", "y"}, []string{"a", "b"}, nil, "whose classes are others, a, b: the last layer goes on for the new ones, in their order"},
		{"a name that stands twice", []string{"b", "c"}, []string{"c", "c"}, nil, "others, c, c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := rowsFor(c.classes, c.were)
			if !slices.Equal(from, c.from) {
				t.Errorf("rows %v: want %v", from, c.from)
			}
			if says := takenOver(c.classes, c.were, from, true); !strings.Contains(says, c.says) {
				t.Errorf("%q: want %q", says, c.says)
			}
		})
	}
	if says := takenOver([]string{"b", "a"}, []string{"a", "b"}, nil, false); !strings.Contains(says, "as it stands, class by class") {
		t.Errorf("of a network whose last layer is not known: %q", says)
	}
}

func TestReorderMovesAlongADimension(t *testing.T) {
	data := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	reorder(data, []int{2, 3, 2}, 1, []int{2, 0, 1})
	if want := []float32{5, 6, 1, 2, 3, 4, 11, 12, 7, 8, 9, 10}; !slices.Equal(data, want) {
		t.Errorf("%v: want %v", data, want)
	}
	data = []float32{1, 2, 3}
	reorder(data, []int{3}, 0, []int{1, 2, 0})
	if want := []float32{2, 3, 1}; !slices.Equal(data, want) {
		t.Errorf("%v: want %v", data, want)
	}
}
