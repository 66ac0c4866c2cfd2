package train

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

// A classMatch says which class of a network each class of a data set is.
type classMatch struct {
	to []int // by the data set's labels
	// missing are the network's classes that the data set does not have.
	missing []string
	// notes say what was not certain, a sentence each.
	notes []string
}

// matchClasses finds the classes of a data set among those of a network: by their names in Unicode's form NFC, and
// where there is none by the same name in other capitals, if one alone has it. A class that is not found is an
// error that lists all of them. A network whose classes have no names has those of the data set, by their places,
// which is noted.
func matchClasses(data, network []string, classes int) (m classMatch, err error) {
	if len(network) == 0 {
		if len(data) > classes {
			return m, fmt.Errorf("the network has %d classes without names, the data set has %d", classes, len(data))
		}
		for i := range data {
			m.to = append(m.to, i)
		}
		m.notes = append(m.notes, "the weights do not name their classes: those of the data set are taken by their places")
		return m, nil
	}
	if slices.Equal(data, network) { // also where two classes have one name, as ImageNet's cranes
		for i := range data {
			m.to = append(m.to, i)
		}
		return m, nil
	}
	exact, folded := map[string][]int{}, map[string][]int{}
	for i, name := range network {
		n := norm.NFC.String(name)
		exact[n] = append(exact[n], i)
		folded[strings.ToLower(n)] = append(folded[strings.ToLower(n)], i)
	}
	var unknown, twice []string
	taken := map[int]string{}
	for _, name := range data {
		n := norm.NFC.String(name)
		at := exact[n]
		if len(at) == 0 {
			if at = folded[strings.ToLower(n)]; len(at) == 1 {
				m.notes = append(m.notes, fmt.Sprintf("class %s is taken for the network's %s", report.Plain(name), report.Plain(network[at[0]])))
			}
		}
		switch {
		case len(at) == 0:
			unknown = append(unknown, name)
		case len(at) > 1:
			twice = append(twice, name)
		case taken[at[0]] != "":
			return m, fmt.Errorf("classes %s and %s of the data set are both the network's %s", report.Plain(taken[at[0]]), report.Plain(name), report.Plain(network[at[0]]))
		default:
			taken[at[0]] = name
			m.to = append(m.to, at[0])
		}
	}
	if len(unknown) > 0 {
		return m, fmt.Errorf("classes that the network does not have: %s; it has %s", listed(unknown), listed(network))
	}
	if len(twice) > 0 {
		return m, fmt.Errorf("classes whose names the network has twice: %s", listed(twice))
	}
	for i, name := range network {
		if taken[i] == "" {
			m.missing = append(m.missing, name)
		}
	}
	return m, nil
}

// listed lists class names, the first of them where they are many.
func listed(names []string) string {
	const most = 10
	var list []string
	for _, n := range names[:min(len(names), most)] {
		list = append(list, report.Plain(n))
	}
	text := strings.Join(list, ", ")
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// permutation returns for each of the classes its place among the same classes in another order; nil if the order
// is the same. That they are others is an error.
func permutation(of, in []string) ([]int, error) {
	if slices.Equal(of, in) || len(of) == 0 || len(in) == 0 {
		return nil, nil
	}
	m, err := matchClasses(of, in, len(in))
	if err != nil || len(of) != len(in) {
		return nil, fmt.Errorf("its classes are %s, those of the first are %s: members of an ensemble must have the same", listed(in), listed(of))
	}
	return m.to, nil
}

// relabelled is a source whose classes are a network's.
type relabelled struct {
	datasets.Source
	to    []int
	names []string
}

func (r *relabelled) Info() datasets.Info {
	info := r.Source.Info()
	info.Classes = r.names
	return info
}

func (r *relabelled) Label(i int) int { return r.to[r.Source.Label(i)] }

func (r *relabelled) ImageAtLeast(i, least int, dst *image.Image) error {
	return datasets.ImageAtLeast(r.Source, i, least, dst)
}

func (r *relabelled) Path(i int) (string, error) { return datasets.Path(r.Source, i) }
