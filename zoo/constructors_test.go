package zoo_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// Each function gives the network that the registry has under its name.
func TestEveryFunctionGivesTheNetworkOfItsName(t *testing.T) {
	functions := map[string]func(...zoo.Option) *zoo.Model{
		"lenet5": zoo.LeNet5, "alexnet": zoo.AlexNet, "zfnet": zoo.ZFNet, "googlenet": zoo.GoogLeNet,
		"vgg11": zoo.VGG11, "vgg13": zoo.VGG13, "vgg16": zoo.VGG16, "vgg19": zoo.VGG19,
		"allcnn-c": zoo.AllCNN, "convpool-cnn-c": zoo.ConvPoolCNN, "strided-cnn-c": zoo.StridedCNN,
		"resnet18": zoo.ResNet18, "resnet34": zoo.ResNet34, "resnet50": zoo.ResNet50, "resnet101": zoo.ResNet101, "resnet152": zoo.ResNet152,
		"resnet8": zoo.ResNet8, "resnet14": zoo.ResNet14, "resnet20": zoo.ResNet20, "resnet32": zoo.ResNet32, "resnet44": zoo.ResNet44, "resnet56": zoo.ResNet56, "resnet110": zoo.ResNet110,
		"alphago-policy": zoo.AlphaGoPolicy, "alphago-value": zoo.AlphaGoValue,
		"squeezenet": zoo.SqueezeNet, "wide-resnet50": zoo.WideResNet50, "wide-resnet101": zoo.WideResNet101,
		"wrn-16-2": zoo.WRN16x2, "wrn-16-4": zoo.WRN16x4, "wrn-40-4": zoo.WRN40x4, "wrn-28-10": zoo.WRN28x10,
		"densenet121": zoo.DenseNet121, "densenet169": zoo.DenseNet169, "densenet201": zoo.DenseNet201, "densenet-bc-100": zoo.DenseNetBC100,
		"resnext50": zoo.ResNeXt50, "resnext101": zoo.ResNeXt101, "se-resnet50": zoo.SEResNet50,
		"mobilenetv2": zoo.MobileNetV2, "mobilenetv3-large": zoo.MobileNetV3Large, "mobilenetv3-small": zoo.MobileNetV3Small,
		"efficientnet-b0": zoo.EfficientNetB0, "efficientnet-b1": zoo.EfficientNetB1, "efficientnet-b2": zoo.EfficientNetB2, "efficientnet-b3": zoo.EfficientNetB3,
		"convnext-tiny": zoo.ConvNeXtTiny, "convnext-small": zoo.ConvNeXtSmall,
	}
	for _, e := range zoo.List() {
		f := functions[e.Name]
		if f == nil {
			continue // a test's own
		}
		delete(functions, e.Name)
		m, want := f(), e.New()
		if m.Name != e.Name || m.Variant != want.Variant || m.Input != want.Input || m.Classes != want.Classes || m.Loss != want.Loss {
			t.Errorf("%s is %s (%s) of %v for %d classes", e.Name, m.Name, m.Variant, m.Input, m.Classes)
		}
		if d := m.Describe(); d.Name != e.Name || d.Variant != want.Variant || d.Input != want.Input || d.Classes != want.Classes || d.Squared != (want.Loss != zoo.CrossEntropy) {
			t.Errorf("%s is described as %+v", e.Name, d)
		}
	}
	for name := range functions {
		t.Errorf("the registry has no %s", name)
	}
}

func TestTheHeadIsWhatFollowsTheClasses(t *testing.T) {
	for _, c := range []struct {
		m    *zoo.Model
		want map[string]int
	}{
		{zoo.LeNet5(), map[string]int{"output.weight": 0, "output.bias": 0}},
		{zoo.LeNet5(zoo.Variant("1998")), nil}, // its codes are the ten digits'
		{zoo.SqueezeNet(), map[string]int{"classifier.1.weight": 0, "classifier.1.bias": 0}},
		{zoo.ResNet8(zoo.Classes(16)), map[string]int{"linear.weight": 0, "linear.bias": 0}}, // as many as a layer's filters
	} {
		head, err := c.m.Head()
		if err != nil || !maps.Equal(head, c.want) {
			t.Errorf("%s (%s): %v, %v, want %v", c.m.Name, c.m.Variant, head, err, c.want)
		}
	}
}

func TestOptionsThatCannotBeSayWhy(t *testing.T) {
	for want, o := range map[string]struct {
		name string
		o    zoo.Option
	}{
		"drop_path 1: the rate must be at least 0 and below 1": {"convnext-tiny", zoo.DropPath(1)},
		"excitation -1": {"resnet20", zoo.SqueezeExcitation(-1)},
		"-2 filters":    {"alphago-policy", zoo.Filters(-2)},
		"depth -3":      {"wrn-16-2", zoo.Depth(-3)},
	} {
		if _, err := zoo.New(o.name, o.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	m := zoo.WRN16x2(zoo.Depth(17))
	if _, err := zoo.Inspect(m); err == nil || !strings.Contains(err.Error(), "depth 17: a wide residual network has 6n + 4 layers") {
		t.Errorf("17 layers: %v", err)
	}
	if _, err := zoo.Inspect(zoo.LeNet5(zoo.Variant("1998"), zoo.Classes(11))); err == nil || !strings.Contains(err.Error(), "the output codes of variant 1998 are the ten digits") {
		t.Errorf("eleven digits: %v", err)
	}
}

func TestConvolutionsThatCannotBeReadSayWhy(t *testing.T) {
	for text, want := range map[string]string{
		"36x36x3,5x5":                      "2 parts with commas between",
		"36x36,5x5,10":                     "36x36",
		"36x36x3,5x5,ten":                  `"ten" is no whole number`,
		"36x36x3,5x5,0":                    "is not from 1 to",
		"36x36x3,5x5,10,stride":            `"stride": should be NAME=NUMBER`,
		"36x36x3,5x5,10,stride=x":          "no whole number",
		"36x36x3,5x5,10,strid=1":           "did you mean stride",
		"36x36x3,5x5,10,pad=1,pad=2":       "pad is given twice",
		"36x36x3,5x5,99999999999999999999": "is not from 1 to",
	} {
		if c, err := zoo.ParseConv(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", text, c, err, want)
		}
	}
}
