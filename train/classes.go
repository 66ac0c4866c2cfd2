package train

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/labels"
)

// A classMatch says which class of a network each class of a data set is.
type classMatch struct {
	to []int // by the data set's labels
	// missing are the network's classes that the data set does not have.
	missing []string
	// notes say what was not certain, a sentence each.
	notes []string
}

// matchClasses finds the classes of a data set among those of a network, as finder does. A class that is not found is an
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
	if slices.Equal(data, network) { // also where two classes have one name
		for i := range data {
			m.to = append(m.to, i)
		}
		return m, nil
	}
	f := newFinder(network)
	var unknown, twice []string
	taken := map[int]string{}
	numbers, example, strange := 0, "", ""
	for _, name := range data {
		at, how := f.find(name)
		switch {
		case len(at) == 0:
			unknown = append(unknown, name)
			if _, number := labels.Synset(name); number && strange == "" {
				strange = name
			}
		case len(at) > 1:
			twice = append(twice, name)
		case taken[at[0]] != "":
			return m, fmt.Errorf("classes %s and %s of the data set are both the network's %s", report.Plain(taken[at[0]]), report.Plain(name), report.Plain(network[at[0]]))
		default:
			taken[at[0]] = name
			m.to = append(m.to, at[0])
			switch how {
			case bySpelling:
				m.notes = append(m.notes, fmt.Sprintf("class %s is taken for the network's %s", report.Plain(name), report.Plain(network[at[0]])))
			case byNumber:
				if numbers++; numbers == 1 {
					example = fmt.Sprintf("%s is %s", report.Plain(name), report.Plain(network[at[0]]))
				}
			}
		}
	}
	if len(unknown) > 0 {
		err := fmt.Errorf("classes that the network does not have: %s; it has %s", listed(unknown), listed(network))
		if class, _ := labels.Synset(strange); class >= 0 {
			return m, fmt.Errorf("%w (%s is WordNet's number of %s)", err, report.Plain(strange), labels.ImageNet()[class])
		} else if strange != "" {
			return m, fmt.Errorf("%w (%s looks like WordNet's number of a class, but is none of ImageNet's 1,000)", err, report.Plain(strange))
		}
		return m, err
	}
	if len(twice) > 0 {
		return m, fmt.Errorf("classes whose names the network has twice: %s", listed(twice))
	}
	if numbers > 0 {
		m.notes = append(m.notes, fmt.Sprintf("%s matched by WordNet's numbers: %s", report.Plural(numbers, "class"), example))
	}
	for i, name := range network {
		if taken[i] == "" {
			m.missing = append(m.missing, name)
		}
	}
	return m, nil
}

// How a class was found.
const (
	byName     = iota
	bySpelling // in other capitals, or with other signs between words
	byNumber   // WordNet's
)

// A finder finds classes by their names: in Unicode's form NFC; where there is none of that name, by the same name in
// other capitals or with other signs between its words; where there is none either, ImageNet's by WordNet's numbers,
// whichever of the two has them.
type finder struct {
	exact, loose map[string][]int
	synset       map[int][]int // by ImageNet's class
}

func newFinder(network []string) *finder {
	f := &finder{map[string][]int{}, map[string][]int{}, map[int][]int{}}
	imageNet := labels.ImageNet()
	whole := slices.Equal(network, imageNet)
	byName := map[string]int{}
	for i, name := range imageNet {
		byName[loosely(name)] = i
	}
	for i, name := range network {
		n := norm.NFC.String(name)
		f.exact[n] = append(f.exact[n], i)
		f.loose[loosely(n)] = append(f.loose[loosely(n)], i)
		class, number := labels.Synset(name)
		if !number {
			var known bool
			if class, known = byName[loosely(name)]; !known {
				class = -1
			}
		}
		if whole {
			class = i
		}
		f.synset[class] = append(f.synset[class], i)
	}
	return f
}

// loosely is a name without what people write in several ways.
func loosely(name string) string {
	return strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(norm.NFC.String(name)))
}

// find returns the classes that a name could be.
func (f *finder) find(name string) (at []int, how int) {
	if at = f.exact[norm.NFC.String(name)]; len(at) > 0 {
		return at, byName
	}
	if at = f.loose[loosely(name)]; len(at) > 0 {
		return at, bySpelling
	}
	class, number := labels.Synset(name)
	if number && class >= 0 {
		return f.synset[class], byNumber
	}
	// A readable name, of a network whose classes are WordNet's numbers.
	i := slices.IndexFunc(labels.ImageNet(), func(n string) bool { return loosely(n) == loosely(name) })
	if i >= 0 {
		return f.synset[i], byNumber
	}
	return nil, byName
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

// rowsFor returns for each class of a last layer which of its old classes it goes on with: that of the same name, and
// where there is none, one of those that are left, in their order. It is nil if all stay where they are.
func rowsFor(classes, were []string) []int {
	f := newFinder(were)
	from := make([]int, len(classes))
	free := map[int]bool{}
	for i := range were {
		free[i] = true
	}
	for i, name := range classes {
		from[i] = -1
		if at, _ := f.find(name); len(at) == 1 && free[at[0]] {
			from[i] = at[0]
			delete(free, at[0])
		}
	}
	left := slices.Sorted(maps.Keys(free))
	moved := false
	for i := range from {
		if from[i] < 0 {
			from[i], left = left[0], left[1:]
		}
		moved = moved || from[i] != i
	}
	if !moved {
		return nil
	}
	return from
}

// reorder puts the rows of a tensor along one of its dimensions into another order: row i is that which was from[i].
func reorder(data []float32, shape []int, dim int, from []int) {
	inner := 1
	for _, n := range shape[dim+1:] {
		inner *= n
	}
	block := shape[dim] * inner
	old := make([]float32, block)
	for at := 0; at < len(data); at += block {
		copy(old, data[at:at+block])
		for i, k := range from {
			copy(data[at+i*inner:][:inner], old[k*inner:][:inner])
		}
	}
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

func (r *relabelled) Label(i int) int {
	label := r.Source.Label(i)
	if label < 0 { // there is no such image
		return label
	}
	return r.to[label]
}

func (r *relabelled) ImageAtLeast(i, least int, dst *image.Image) error {
	return datasets.ImageAtLeast(r.Source, i, least, dst)
}

func (r *relabelled) Path(i int) (string, error) { return datasets.Path(r.Source, i) }
