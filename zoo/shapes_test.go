package zoo

import (
	"slices"
	"testing"
)

// stages gives the shape after each stage, as the papers' tables and figures have them. A stage is named
// by its last layer; "max pool 2" is the second one.
var stages = map[string][]struct {
	layer string
	shape []int
}{
	"lenet5_modern": {
		{"c1", []int{6, 28, 28}}, {"max pool 1", []int{6, 14, 14}}, {"c3", []int{16, 10, 10}}, {"max pool 2", []int{16, 5, 5}},
		{"c5", []int{120}}, {"f6", []int{84}}, {"output", []int{10}},
	},
	"lenet5_1998": {
		{"c1", []int{6, 28, 28}}, {"s2", []int{6, 14, 14}}, {"c3", []int{16, 10, 10}}, {"s4", []int{16, 5, 5}},
		{"c5", []int{120}}, {"f6", []int{84}}, {"output", []int{10}},
	},
	"alexnet_paper": {
		{"conv1", []int{96, 55, 55}}, {"lrn 1", []int{96, 55, 55}}, {"max pool 1", []int{96, 27, 27}}, {"conv2", []int{256, 27, 27}},
		{"max pool 2", []int{256, 13, 13}}, {"conv3", []int{384, 13, 13}}, {"conv4", []int{384, 13, 13}}, {"conv5", []int{256, 13, 13}},
		{"max pool 3", []int{256, 6, 6}}, {"flatten 1", []int{9216}}, {"fc6", []int{4096}}, {"fc7", []int{4096}}, {"fc8", []int{1000}},
	},
	"alexnet_torchvision": {
		{"features.0", []int{64, 55, 55}}, {"max pool 1", []int{64, 27, 27}}, {"features.3", []int{192, 27, 27}}, {"max pool 2", []int{192, 13, 13}},
		{"features.6", []int{384, 13, 13}}, {"features.8", []int{256, 13, 13}}, {"features.10", []int{256, 13, 13}},
		{"max pool 3", []int{256, 6, 6}}, {"classifier.1", []int{4096}}, {"classifier.4", []int{4096}}, {"classifier.6", []int{1000}},
	},
	"alexnet_cifar": {
		{"conv1", []int{96, 32, 32}}, {"lrn 1", []int{96, 32, 32}}, {"max pool 1", []int{96, 15, 15}}, {"conv2", []int{256, 15, 15}},
		{"max pool 2", []int{256, 7, 7}}, {"conv5", []int{256, 7, 7}}, {"max pool 3", []int{256, 3, 3}}, {"fc6", []int{1024}}, {"fc7", []int{1024}}, {"fc8", []int{10}},
	},
	"zfnet_paper": {
		{"conv1", []int{96, 110, 110}}, {"max pool 1", []int{96, 55, 55}}, {"lrn 1", []int{96, 55, 55}}, {"conv2", []int{256, 26, 26}},
		{"max pool 2", []int{256, 13, 13}}, {"conv3", []int{384, 13, 13}}, {"conv4", []int{384, 13, 13}}, {"conv5", []int{256, 13, 13}},
		{"max pool 3", []int{256, 6, 6}}, {"fc8", []int{1000}},
	},
	"zfnet_wide": {
		{"conv3", []int{512, 13, 13}}, {"conv4", []int{1024, 13, 13}}, {"conv5", []int{512, 13, 13}}, {"flatten 1", []int{18432}},
	},
	"vgg11_A": {
		{"max pool 1", []int{64, 112, 112}}, {"max pool 2", []int{128, 56, 56}}, {"max pool 3", []int{256, 28, 28}},
		{"max pool 4", []int{512, 14, 14}}, {"max pool 5", []int{512, 7, 7}}, {"flatten 1", []int{25088}}, {"classifier.6", []int{1000}},
	},
	"vgg16_D": {
		{"features.2", []int{64, 224, 224}}, {"max pool 1", []int{64, 112, 112}}, {"max pool 2", []int{128, 56, 56}}, {"max pool 3", []int{256, 28, 28}},
		{"max pool 4", []int{512, 14, 14}}, {"features.28", []int{512, 14, 14}}, {"max pool 5", []int{512, 7, 7}}, {"classifier.0", []int{4096}}, {"classifier.6", []int{1000}},
	},
	"vgg16_cifar-bn": {
		{"features.0", []int{64, 32, 32}}, {"max pool 1", []int{64, 16, 16}}, {"max pool 2", []int{128, 8, 8}}, {"max pool 3", []int{256, 4, 4}},
		{"max pool 4", []int{512, 2, 2}}, {"max pool 5", []int{512, 1, 1}}, {"global average pool 1", []int{512}}, {"classifier", []int{10}},
	},
	"vgg19_gap": {
		{"features.34", []int{512, 14, 14}}, {"max pool 5", []int{512, 7, 7}}, {"global average pool 1", []int{512}}, {"classifier", []int{1000}},
	},
	"googlenet_paper": {
		{"conv1", []int{64, 112, 112}}, {"max pool 1", []int{64, 56, 56}}, {"conv2", []int{64, 56, 56}}, {"conv3", []int{192, 56, 56}},
		{"max pool 2", []int{192, 28, 28}}, {"concat 1", []int{256, 28, 28}}, {"concat 2", []int{480, 28, 28}}, {"concat 3", []int{512, 14, 14}},
		{"concat 4", []int{512, 14, 14}}, {"concat 5", []int{512, 14, 14}}, {"concat 6", []int{528, 14, 14}}, {"concat 7", []int{832, 14, 14}},
		{"concat 8", []int{832, 7, 7}}, {"concat 9", []int{1024, 7, 7}}, {"global average pool 1", []int{1024}}, {"fc", []int{1000}},
	},
	"googlenet_torchvision": {
		{"conv1.conv", []int{64, 112, 112}}, {"conv3.conv", []int{192, 56, 56}}, {"concat 2", []int{480, 28, 28}}, {"concat 7", []int{832, 14, 14}},
		{"concat 9", []int{1024, 7, 7}}, {"fc", []int{1000}},
	},
	"googlenet_cifar": {
		{"conv1.conv", []int{64, 32, 32}}, {"conv2.conv", []int{64, 32, 32}}, {"conv3.conv", []int{192, 32, 32}}, {"max pool 1", []int{192, 16, 16}},
		{"concat 2", []int{480, 16, 16}}, {"concat 7", []int{832, 8, 8}}, {"concat 9", []int{1024, 4, 4}}, {"fc", []int{10}},
	},
	"allcnn-c_paper": {
		{"conv3", []int{96, 16, 16}}, {"conv6", []int{192, 8, 8}}, {"conv7", []int{192, 8, 8}}, {"conv8", []int{192, 8, 8}},
		{"conv9", []int{10, 8, 8}}, {"global average pool 1", []int{10}},
	},
	"convpool-cnn-c_paper": {
		{"conv3", []int{96, 32, 32}}, {"max pool 1", []int{96, 16, 16}}, {"max pool 2", []int{192, 8, 8}}, {"conv9", []int{10, 8, 8}},
	},
	"strided-cnn-c_paper": {
		{"conv2", []int{96, 16, 16}}, {"conv4", []int{192, 8, 8}}, {"conv7", []int{10, 8, 8}},
	},
	"resnet18_torchvision": {
		{"conv1", []int{64, 112, 112}}, {"max pool 1", []int{64, 56, 56}}, {"layer1.1.bn2", []int{64, 56, 56}}, {"layer2.1.bn2", []int{128, 28, 28}},
		{"layer3.1.bn2", []int{256, 14, 14}}, {"layer4.1.bn2", []int{512, 7, 7}}, {"global average pool 1", []int{512}}, {"fc", []int{1000}},
	},
	"resnet50_torchvision": {
		{"layer1.2.bn3", []int{256, 56, 56}}, {"layer2.0.conv1", []int{128, 56, 56}}, {"layer2.0.conv2", []int{128, 28, 28}}, {"layer2.3.bn3", []int{512, 28, 28}},
		{"layer3.5.bn3", []int{1024, 14, 14}}, {"layer4.2.bn3", []int{2048, 7, 7}}, {"global average pool 1", []int{2048}}, {"fc", []int{1000}},
	},
	"resnet50_paper": {
		{"layer2.0.conv1", []int{128, 28, 28}}, {"layer2.0.conv2", []int{128, 28, 28}}, {"layer4.2.bn3", []int{2048, 7, 7}},
	},
	"resnet152_torchvision": {
		{"layer1.2.bn3", []int{256, 56, 56}}, {"layer2.7.bn3", []int{512, 28, 28}}, {"layer3.35.bn3", []int{1024, 14, 14}}, {"layer4.2.bn3", []int{2048, 7, 7}},
	},
	"resnet110_paper": {
		{"layer1.17.bn2", []int{16, 32, 32}}, {"layer2.17.bn2", []int{32, 16, 16}}, {"layer3.17.bn2", []int{64, 8, 8}}, {"linear", []int{10}},
	},
	"squeezenet_1.1": {
		{"features.0", []int{64, 111, 111}}, {"max pool 1", []int{64, 55, 55}}, {"concat 2", []int{128, 55, 55}}, {"max pool 2", []int{128, 27, 27}}, {"concat 4", []int{256, 27, 27}},
		{"max pool 3", []int{256, 13, 13}}, {"concat 8", []int{512, 13, 13}}, {"classifier.1", []int{1000, 13, 13}}, {"global average pool 1", []int{1000}},
	},
	"squeezenet_1.0": {
		{"features.0", []int{96, 109, 109}}, {"max pool 1", []int{96, 54, 54}}, {"concat 3", []int{256, 54, 54}}, {"max pool 2", []int{256, 27, 27}}, {"concat 7", []int{512, 27, 27}},
		{"max pool 3", []int{512, 13, 13}}, {"concat 8", []int{512, 13, 13}}, {"global average pool 1", []int{1000}},
	},
	"densenet121": {
		{"features.conv0", []int{64, 112, 112}}, {"max pool 1", []int{64, 56, 56}}, {"concat 6", []int{256, 56, 56}}, {"average pool 1", []int{128, 28, 28}}, {"concat 18", []int{512, 28, 28}},
		{"average pool 2", []int{256, 14, 14}}, {"concat 42", []int{1024, 14, 14}}, {"average pool 3", []int{512, 7, 7}}, {"features.norm5", []int{1024, 7, 7}}, {"classifier", []int{1000}},
	},
	"densenet169": {{"average pool 3", []int{640, 7, 7}}, {"features.norm5", []int{1664, 7, 7}}, {"classifier", []int{1000}}},
	"densenet201": {{"average pool 3", []int{896, 7, 7}}, {"features.norm5", []int{1920, 7, 7}}, {"classifier", []int{1000}}},
	"densenet-bc-100": {
		{"features.conv0", []int{24, 32, 32}}, {"concat 16", []int{216, 32, 32}}, {"average pool 1", []int{108, 16, 16}}, {"concat 32", []int{300, 16, 16}},
		{"average pool 2", []int{150, 8, 8}}, {"features.norm5", []int{342, 8, 8}}, {"classifier", []int{10}},
	},
	"resnext50": {
		{"layer1.0.conv2", []int{128, 56, 56}}, {"layer1.2.bn3", []int{256, 56, 56}}, {"layer2.3.bn3", []int{512, 28, 28}}, {"layer3.5.bn3", []int{1024, 14, 14}},
		{"layer4.0.conv2", []int{1024, 7, 7}}, {"layer4.2.bn3", []int{2048, 7, 7}}, {"fc", []int{1000}},
	},
	"resnext101":     {{"layer1.0.conv2", []int{256, 56, 56}}, {"layer3.22.bn3", []int{1024, 14, 14}}, {"layer4.2.conv2", []int{2048, 7, 7}}, {"fc", []int{1000}}},
	"wide-resnet50":  {{"layer1.0.conv2", []int{128, 56, 56}}, {"layer4.2.conv2", []int{1024, 7, 7}}, {"layer4.2.bn3", []int{2048, 7, 7}}, {"fc", []int{1000}}},
	"wide-resnet101": {{"layer3.22.conv2", []int{512, 14, 14}}, {"layer4.2.bn3", []int{2048, 7, 7}}, {"fc", []int{1000}}},
	"se-resnet50": {
		{"layer1.0.se.fc1", []int{16, 1, 1}}, {"excite 1", []int{256, 56, 56}}, {"layer4.2.se.fc1", []int{128, 1, 1}}, {"excite 16", []int{2048, 7, 7}}, {"fc", []int{1000}},
	},
	"wrn-28-10": {
		{"conv1", []int{16, 32, 32}}, {"block1.layer.3.conv2", []int{160, 32, 32}}, {"block2.layer.3.conv2", []int{320, 16, 16}}, {"block3.layer.3.conv2", []int{640, 8, 8}}, {"fc", []int{10}},
	},
	"wrn-16-4": {{"block1.layer.1.conv2", []int{64, 32, 32}}, {"block3.layer.1.conv2", []int{256, 8, 8}}, {"fc", []int{10}}},
	"mobilenetv2": {
		{"features.0.0", []int{32, 112, 112}}, {"features.1.conv.2", []int{16, 112, 112}}, {"features.3.conv.3", []int{24, 56, 56}}, {"features.6.conv.3", []int{32, 28, 28}}, {"features.10.conv.3", []int{64, 14, 14}},
		{"features.13.conv.3", []int{96, 14, 14}}, {"features.16.conv.3", []int{160, 7, 7}}, {"features.17.conv.3", []int{320, 7, 7}}, {"features.18.1", []int{1280, 7, 7}}, {"classifier.1", []int{1000}},
	},
	"mobilenetv2_cifar": {
		{"features.0.0", []int{32, 32, 32}}, {"features.3.conv.3", []int{24, 32, 32}}, {"features.6.conv.3", []int{32, 16, 16}}, {"features.10.conv.3", []int{64, 8, 8}}, {"features.18.1", []int{1280, 4, 4}}, {"classifier.1", []int{10}},
	},
	"mobilenetv3-large": {
		{"features.0.0", []int{16, 112, 112}}, {"features.3.block.2.1", []int{24, 56, 56}}, {"features.6.block.3.1", []int{40, 28, 28}}, {"features.10.block.2.1", []int{80, 14, 14}},
		{"features.12.block.3.1", []int{112, 14, 14}}, {"features.15.block.3.1", []int{160, 7, 7}}, {"features.16.1", []int{960, 7, 7}}, {"classifier.0", []int{1280}}, {"classifier.3", []int{1000}},
	},
	"mobilenetv3-small": {
		{"features.1.block.2.1", []int{16, 56, 56}}, {"features.3.block.2.1", []int{24, 28, 28}}, {"features.8.block.3.1", []int{48, 14, 14}}, {"features.11.block.3.1", []int{96, 7, 7}},
		{"features.12.1", []int{576, 7, 7}}, {"classifier.0", []int{1024}}, {"classifier.3", []int{1000}},
	},
	"efficientnet-b0": {
		{"features.0.0", []int{32, 112, 112}}, {"features.1.0.block.2.1", []int{16, 112, 112}}, {"features.2.1.block.3.1", []int{24, 56, 56}}, {"features.3.1.block.3.1", []int{40, 28, 28}}, {"features.4.2.block.3.1", []int{80, 14, 14}},
		{"features.5.2.block.3.1", []int{112, 14, 14}}, {"features.6.3.block.3.1", []int{192, 7, 7}}, {"features.7.0.block.3.1", []int{320, 7, 7}}, {"features.8.1", []int{1280, 7, 7}}, {"classifier.1", []int{1000}},
	},
	"efficientnet-b3_paper": {
		{"features.0.0", []int{40, 150, 150}}, {"features.2.2.block.3.1", []int{32, 75, 75}}, {"features.3.2.block.3.1", []int{48, 38, 38}}, {"features.4.4.block.3.1", []int{96, 19, 19}}, {"features.8.1", []int{1536, 10, 10}},
	},
	"convnext-tiny": {
		{"features.0.1", []int{96, 56, 56}}, {"features.1.2.block.3", []int{384, 56, 56}}, {"features.1.2.layer_scale", []int{96, 56, 56}}, {"features.3.2.layer_scale", []int{192, 28, 28}}, {"features.5.8.layer_scale", []int{384, 14, 14}},
		{"features.7.2.layer_scale", []int{768, 7, 7}}, {"classifier.0", []int{768}}, {"classifier.2", []int{1000}},
	},
	"convnext-small": {{"features.5.26.layer_scale", []int{384, 14, 14}}, {"features.7.2.layer_scale", []int{768, 7, 7}}},
	"alphago-policy_k192": {
		{"conv1", []int{192, 19, 19}}, {"conv12", []int{192, 19, 19}}, {"conv13", []int{1, 19, 19}}, {"bias", []int{361}},
	},
	"alphago-value_k192": {
		{"conv12", []int{192, 19, 19}}, {"conv13", []int{1, 19, 19}}, {"fc1", []int{256}}, {"fc2", []int{1}},
	},
}

func TestShapesAfterEveryStage(t *testing.T) {
	for name, want := range stages {
		t.Run(name, func(t *testing.T) {
			m, err := New(name)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Inspect(m)
			if err != nil {
				t.Fatal(err)
			}
			next := 0 // stages come in order
			for _, w := range want {
				at := slices.IndexFunc(r.Layers[next:], func(l LayerReport) bool { return l.Name == w.layer })
				if at < 0 {
					t.Errorf("no layer is called %s after %s", w.layer, r.Layers[max(next-1, 0)].Name)
					continue
				}
				next += at + 1
				if got := r.Layers[next-1].Out; !slices.Equal(got, w.shape) {
					t.Errorf("after %s: %s, want %s", w.layer, dims(got), dims(w.shape))
				}
			}
			if last := r.Layers[len(r.Layers)-1]; !slices.Equal(last.Out, []int{m.Classes}) {
				t.Errorf("the output is %s, want %d", dims(last.Out), m.Classes)
			}
		})
	}
}
