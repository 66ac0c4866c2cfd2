// Package labels has the names of classes: those of ImageNet and CIFAR, in the order of their numbers, and
// what others keep them in: text, JSON and CSV files.
//
// # Adding one
//
// A list of classes is a function that returns them in the order of their numbers, its name in [Names] and a case of
// [Named]. A form that others keep lists in is a case of [Read], with a file of that form in its test.
package labels

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

//go:embed imagenet.txt
var imageNet string

// ImageNet returns the 1,000 classes of the ILSVRC challenge by their readable names, as torchvision has
// them: "tench", "goldfish", "great white shark".
func ImageNet() []string { return strings.Split(strings.TrimSpace(imageNet), "\n") }

//go:embed synsets.txt
var synsets string

// synsetName is a class's name by WordNet's number, alone or with words behind it: "n01440764", "n01440764_tench".
var synsetName = regexp.MustCompile(`^n\d{8}($|[\s_,:.-])`)

// Synset returns the class of ImageNet, by its place in [ImageNet], that a name says by WordNet's number, as the folders
// of the ILSVRC challenge have it: "n01440764" is class 0, "tench". Number says whether the name begins with such a
// number, class is -1 if that is none of the thousand.
func Synset(name string) (class int, number bool) {
	if !synsetName.MatchString(name) {
		return -1, false
	}
	list := strings.Fields(synsets)
	if at, ok := slices.BinarySearch(list, name[:len(list[0])]); ok {
		return at, true
	}
	return -1, true
}

// CIFAR10 returns the classes of CIFAR-10.
func CIFAR10() []string {
	return strings.Fields("airplane automobile bird cat deer dog frog horse ship truck")
}

// CIFAR100 returns the 100 fine classes of CIFAR-100.
func CIFAR100() []string {
	return strings.Fields(`apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can
castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin
elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster
man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck
pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk
skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger
tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm`)
}

// Names are those that [Named] knows.
var Names = []string{"imagenet", "cifar-10", "cifar-100"}

// Named returns the classes of a well-known data set.
func Named(name string) ([]string, bool) {
	switch strings.ToLower(name) {
	case "imagenet", "imagenet-1k", "imagenet1k":
		return ImageNet(), true
	case "cifar-10", "cifar10":
		return CIFAR10(), true
	case "cifar-100", "cifar100":
		return CIFAR100(), true
	}
	return nil, false
}

// Background says whether the first class stands for none, as lists of TensorFlow's and of detectors have
// it: such a list is one longer than the classes of a network without it.
func Background(names []string) bool {
	return len(names) > 1 && slices.Contains([]string{"background", "__background__", "dummy", "none", "n/a", "_background_"}, strings.ToLower(names[0]))
}
