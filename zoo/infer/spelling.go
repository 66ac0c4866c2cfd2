package infer

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// A spelling is how another library calls the tensors of a network that we know by torchvision's names.
type spelling struct {
	of     string
	rename func(name string) string // nil: as they are
	// preprocessing is what such files want; nil: as torchvision's.
	preprocessing *weights.Preprocessing
}

// spellings are tried one after the other.
var spellings = []spelling{
	{},
	{"timm's VGG", replacer("pre_logits.fc1.", "classifier.0.", "pre_logits.fc2.", "classifier.3.", "head.fc.", "classifier.6."), nil},
	// Karpathy's and Johnson's conversion, https://github.com/jcjohnson/pytorch-vgg: dropout stands before the layers.
	{"the VGG that was converted from Caffe in 2017, whose images are blue first, from 0 to 255", replacer("classifier.1.", "classifier.0.", "classifier.4.", "classifier.3."),
		&weights.Preprocessing{Resize: 256, Crop: 224, Channels: "bgr", Scale: 255, Mean: []float32{103.939, 116.779, 123.68}, Std: []float32{1, 1, 1}}},
	{"Hugging Face's ResNet", huggingFace, nil},
}

// replacer replaces what names begin with, behind any prefix.
func replacer(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if at := strings.Index(name, pairs[i]); at == 0 || at > 0 && name[at-1] == '.' {
				return name[:at] + pairs[i+1] + name[at+len(pairs[i]):]
			}
		}
		return name
	}
}

// Transformers' ResNetForImageClassification: resnet.encoder.stages.0.layers.1.layer.2.normalization.weight.
var (
	embedder = regexp.MustCompile(`^(.*\.)?embedder\.embedder\.(convolution|normalization)\.`)
	layer    = regexp.MustCompile(`^(.*\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.(convolution|normalization)\.`)
	shortcut = regexp.MustCompile(`^(.*\.)?encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.(convolution|normalization)\.`)
)

func huggingFace(name string) string {
	number := func(text string) int {
		n, _ := strconv.Atoi(text) // digits
		return n + 1
	}
	if m := embedder.FindStringSubmatch(name); m != nil {
		return map[string]string{"convolution": "conv1.", "normalization": "bn1."}[m[2]] + name[len(m[0]):]
	}
	if m := layer.FindStringSubmatch(name); m != nil {
		kind := map[string]string{"convolution": "conv", "normalization": "bn"}[m[5]]
		return fmt.Sprintf("layer%d.%s.%s%d.%s", number(m[2]), m[3], kind, number(m[4]), name[len(m[0]):])
	}
	if m := shortcut.FindStringSubmatch(name); m != nil {
		part := map[string]string{"convolution": "0", "normalization": "1"}[m[4]]
		return fmt.Sprintf("layer%d.%s.downsample.%s.%s", number(m[2]), m[3], part, name[len(m[0]):])
	}
	if rest, ok := strings.CutPrefix(name, "classifier.1."); ok {
		return "fc." + rest
	}
	return name
}
