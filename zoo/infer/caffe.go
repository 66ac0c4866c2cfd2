package infer

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/caffe"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// openForeign opens a file of weights that this program did not write.
func openForeign(path string) (*weights.Reader, error) {
	r, err := weights.Open(path)
	var other *weights.FormatError
	if !errors.As(err, &other) || other.Format != weights.FormatCaffe {
		return r, err
	}
	f, err := caffe.Open(path)
	if err != nil {
		return nil, err
	}
	return weights.FromFile(path, weights.FormatCaffe, f)
}

// caffeSpellings are the names of the networks with branches that Caffe's authors and users published.
var caffeSpellings = []spelling{
	{of: "Caffe's GoogLeNet", rename: caffeGoogLeNet},
	{of: "Caffe's ResNet", rename: caffeResNet},
}

var caffeInception = regexp.MustCompile(`^inception_(\d[a-e])/(1x1|3x3_reduce|3x3|5x5_reduce|5x5|pool_proj)\.`)

func caffeGoogLeNet(name string) string {
	if m := caffeInception.FindStringSubmatch(name); m != nil {
		branch := map[string]string{"1x1": "branch1", "3x3_reduce": "branch2.0", "3x3": "branch2.1", "5x5_reduce": "branch3.0", "5x5": "branch3.1", "pool_proj": "branch4"}[m[2]]
		return "inception" + m[1] + "." + branch + "." + name[len(m[0]):]
	}
	return replacer(
		"conv1/7x7_s2.", "conv1.", "conv2/3x3_reduce.", "conv2.", "conv2/3x3.", "conv3.", "loss3/classifier.", "fc.",
		"loss1/conv.", "aux1.conv.", "loss1/fc.", "aux1.fc1.", "loss1/classifier.", "aux1.fc2.",
		"loss2/conv.", "aux2.conv.", "loss2/fc.", "aux2.fc1.", "loss2/classifier.", "aux2.fc2.",
	)(name)
}

// caffeBlock is res4b22_branch2a, bn4b22_branch2a or scale4b22_branch2a.
var caffeBlock = regexp.MustCompile(`^(res|bn|scale)([2-5])([a-z])(\d*)_branch(1|2[abc])\.`)

func caffeResNet(name string) string {
	m := caffeBlock.FindStringSubmatch(name)
	if m == nil {
		return replacer("bn_conv1.", "bn1.", "scale_conv1.", "bn1.", "fc1000.", "fc.")(name)
	}
	stage, _ := strconv.Atoi(m[2])
	block := int(m[3][0] - 'a')
	if m[4] != "" { // b1, b2 and so on after a
		block, _ = strconv.Atoi(m[4])
	}
	layer := map[bool]string{true: "conv", false: "bn"}[m[1] == "res"]
	if m[5] == "1" {
		layer = map[bool]string{true: "downsample.0", false: "downsample.1"}[m[1] == "res"]
	} else {
		layer += map[string]string{"2a": "1", "2b": "2", "2c": "3"}[m[5]]
	}
	return fmt.Sprintf("layer%d.%d.%s.%s", stage-1, block, layer, name[len(m[0]):])
}

// inOrder gives the tensors of a chain of layers the names of the network's, one after the other.
func inOrder(r *weights.Reader, m *zoo.Model) (*weights.Reader, bool) {
	if r.Format() != weights.FormatCaffe || r.Meta().Extra[caffe.Chain] != "true" {
		return nil, false
	}
	params, err := m.Params(graph.Eval)
	if err != nil {
		return nil, false
	}
	theirs, ours := r.Names(), params.All()
	if len(theirs) != len(ours) {
		return nil, false
	}
	to := map[string]string{}
	for i, p := range ours {
		to[theirs[i]] = p.Name
	}
	renamed, err := r.Rename(func(name string) string { return to[name] })
	return renamed, err == nil
}

// caffeVariant is the variant that a file tells of: the paper's if it normalises by k = 2, or pads the first pooling.
func caffeVariant(said map[string]string) string {
	if said[caffe.LRN] == "2" || said[caffe.PoolPad] == "1" {
		return "paper"
	}
	return "caffe"
}

// caffeNetwork finds the network of a Caffe file by its structure, and its variant by what layers without
// weights are told to do: the authors' own forms where the file does not say.
func (s *Source) caffeNetwork() error {
	list := find(s.Reader, "", "")
	if len(list) == 0 {
		return nil
	}
	if slices.ContainsFunc(list, func(m *zoo.Model) bool { return m.Name != list[0].Name }) {
		return nil // a question for the user
	}
	variant := caffeVariant(s.Reader.Meta().Extra)
	s.Network = list[0]
	for _, m := range list {
		if m.Variant == variant {
			s.Network = m
		}
	}
	if s.Network.Variant == "caffe" {
		s.Notes = append(s.Notes, fmt.Sprintf("takes the variant caffe of %s%s", s.Network.Name, note(s.Network)))
	}
	all, err := published.List()
	if err != nil {
		return err
	}
	// ResNet-101 and -152 want what ResNet-50 wants.
	family := strings.TrimRight(s.Network.Name, "0123456789")
	for _, e := range all {
		if strings.HasSuffix(e.Name, "-caffe") && strings.TrimRight(e.Network, "0123456789") == family {
			p := e.Preprocessing
			s.Preprocessing = &p
			s.Notes = append(s.Notes, "images are prepared as for "+e.Source+": blue first, from 0 to 255, less a mean")
			break
		}
	}
	return nil
}
