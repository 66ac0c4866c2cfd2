package infer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained/published"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// tensorsOf is a file of a network's tensors under their own names, which says nothing else.
func tensorsOf(t *testing.T, m *zoo.Model) *weights.File {
	t.Helper()
	params, err := m.Params(graph.Eval)
	if err != nil {
		t.Fatal(err)
	}
	params.Init(1)
	f := &weights.File{}
	for _, p := range params.All() {
		f.Tensors = append(f.Tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Data: p.Data})
	}
	return f
}

func reader(t *testing.T, f *weights.File) *weights.Reader {
	t.Helper()
	r, err := weights.FromFile("net.pth", "PyTorch zip", f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Tensors tell which network they are of, or between which one has to choose.
func TestTensorsTellTheirNetwork(t *testing.T) {
	lenet := reader(t, tensorsOf(t, zoo.LeNet5()))
	if m, err := Find(lenet, ""); err != nil || m.Name != "lenet5" || m.Variant != "modern" {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := FindVariant(lenet, "lenet5"); err != nil || m.Variant != "modern" {
		t.Errorf("%v, %v", m, err)
	}
	if list := Variants(lenet, "lenet5"); !slices.Equal(list, []string{"modern"}) {
		t.Errorf("%q", list)
	}
	if list := Variants(lenet, "vgg11"); len(list) != 0 {
		t.Errorf("of another network: %q", list)
	}
	if _, err := Find(lenet, "1998"); err == nil || !strings.Contains(err.Error(), "of no network here") {
		t.Errorf("of another variant: %v", err)
	}

	// A ResNet-50's stride may lie in either convolution: the tensors are the same.
	resnet := reader(t, tensorsOf(t, zoo.ResNet50()))
	variants := Variants(resnet, "resnet50")
	if len(variants) < 2 || !slices.Contains(variants, "paper") {
		t.Fatalf("ResNet-50's variants are %q", variants)
	}
	_, err := FindVariant(resnet, "resnet50")
	if err == nil || !strings.Contains(err.Error(), "those of several variants, which compute different things: choose one of resnet50 (variant ") {
		t.Errorf("%v", err)
	}
	for _, v := range variants {
		if err == nil || !strings.Contains(err.Error(), "resnet50 (variant "+v) {
			t.Errorf("%s is not offered: %v", v, err)
		}
		if m, err := Find(resnet, v); err != nil || m.Name != "resnet50" || m.Variant != v {
			t.Errorf("variant %s: %v, %v", v, m, err)
		}
	}

	f := tensorsOf(t, zoo.LeNet5())
	f.Tensors = f.Tensors[1:]
	if _, err := Find(reader(t, f), ""); err == nil || !strings.Contains(err.Error(), "the tensors are those of no network here") {
		t.Errorf("without its first tensor: %v", err)
	}
	// A file of another network is told apart by name.
	if _, err := fitTo(lenet, zoo.ResNet8(), ImportConfig{}); err == nil || !strings.Contains(err.Error(), "they are those of lenet5") {
		t.Errorf("LeNet-5 for ResNet-8: %v", err)
	}
	if got := named(zoo.LeNet5()); got != "lenet5" {
		t.Errorf("named %s", got)
	}
	if m, _ := zoo.New("lenet5", zoo.Variant("1998")); named(m) != "lenet5, variant 1998" {
		t.Errorf("named %s", named(m))
	}
	if got := note(&zoo.Model{Name: "nothing"}); got != "" {
		t.Errorf("of no network: %q", got)
	}
}

// A graph in a file's options that is damaged is named, wherever it is.
func TestADamagedGraphIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.onnx")
	m := zoo.LeNet5()
	b := graph.NewBuilder(graph.NewParams(), graph.Eval)
	x := b.Input("input", 1, 1, 28, 28)
	y, err := m.Build(b, x)
	if err != nil {
		t.Fatal(err)
	}
	b.Params().Init(1)
	if err := onnx.Save(path, b, x, y, onnx.Config{}); err != nil {
		t.Fatal(err)
	}
	model, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	good, err := pack(model, 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, classes, err := unpack(good); err != nil || classes != 10 {
		t.Errorf("%d classes, %v", classes, err)
	}
	zipped := func(comment string, text []byte) []byte {
		var buf bytes.Buffer
		z := gzip.NewWriter(&buf)
		z.Comment = comment
		z.Write(text)
		z.Close()
		return buf.Bytes()
	}
	for want, data := range map[string][]byte{
		"the graph is damaged: gzip: invalid header": []byte("no graph at all, but long enough"),
		"the graph is damaged: unexpected EOF":       good[:len(good)-20],
		"how many classes":                           zipped("many", model.Structure()),
		"":                                           zipped("10", []byte("no protocol buffer")),
	} {
		if _, _, err := unpack(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, should say %s", err, want)
		}
	}
	options, err := json.Marshal(zoo.Options{Graph: zipped("0", model.Structure()), Classes: 10, Input: [3]int{1, 28, 28}})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := Stored(weights.Meta{Network: onnxNetwork, Options: options})
	if err == nil {
		_, err = stored.Params(graph.Eval)
	}
	if err == nil || !strings.Contains(err.Error(), "how many classes") {
		t.Errorf("as a network: %v", err)
	}
	if _, err := OpenONNX(filepath.Join(t.TempDir(), "none.onnx"), [3]int{}); err == nil {
		t.Error("no file is opened")
	}
	s, err := ONNXSource(path, [3]int{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Reader.Close()
	if s.Network == nil || s.Network.Name != onnxNetwork || s.Network.Input != [3]int{1, 28, 28} || len(s.Notes) != 1 || s.Preprocessing == nil || s.Preprocessing.Channels != "grey" {
		t.Errorf("%+v of %v", s, s.Network)
	}
	if err := os.WriteFile(path, []byte("no model"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ONNXSource(path, [3]int{}); err == nil {
		t.Error("no model is a source")
	}
}

func TestUnknownPublishedWeightsGetTheNearest(t *testing.T) {
	for name, want := range map[string]string{
		"resnet5O":          `no published weights are called "resnet5O": did you mean resnet50`,
		"nothing-like-that": `no published weights are called "nothing-like-that": zoo weights list shows them`,
	} {
		if _, err := OpenPublished(t.Context(), name, FetchOptions{Offline: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v, should say %s", err, want)
		}
		if _, _, err := Where(name, FetchOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("where: %v, should say %s", err, want)
		}
	}
}

// What has to be said to import a file by hand is what differs from the usual.
func TestTheFlagsOfAnImportByHand(t *testing.T) {
	usual := weights.Preprocessing{Resize: 256, Crop: 224, Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}, Channels: "rgb"}
	odd := weights.Preprocessing{Resize: 240, Crop: 224, Mean: []float32{104, 117, 123}, Std: []float32{1, 1, 1}, Channels: "bgr", Scale: 255, Interpolation: "bicubic"}
	for want, e := range map[string]published.Entry{
		" --as vgg16 --variant D": {Network: "vgg16", Preprocessing: usual},
		" --as vgg16 --variant D --channels bgr --scale 255 --resize 240 --interpolation bicubic --mean 104,117,123 --std 1,1,1": {Network: "vgg16", Preprocessing: odd},
		"": {Network: "no-network"},
	} {
		if got := importFlags(e); got != want {
			t.Errorf("%q, should be %q", got, want)
		}
	}
}

func TestConfigurationsOfOtherLibraries(t *testing.T) {
	read := func(text string) (c config) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, c := range []struct{ text, network, variant string }{
		{`{"architecture": "resnet50.a1_in1k"}`, "resnet50", ""},
		{`{"architecture": "no_such_net"}`, "", ""},
		{`{"model_type": "resnet", "layer_type": "basic", "depths": [2, 2, 2, 2]}`, "resnet18", ""},
		{`{"model_type": "resnet", "layer_type": "bottleneck", "depths": [3, 4, 6, 3]}`, "resnet50", ""},
		{`{"model_type": "resnet", "layer_type": "bottleneck", "depths": [3, 4, 6, 3], "downsample_in_bottleneck": true}`, "resnet50", "paper"},
		{`{"model_type": "resnet", "layer_type": "bottleneck", "depths": [9, 9, 9, 9]}`, "", ""},
		{`{"model_type": "bert"}`, "", ""},
	} {
		m := read(c.text).network()
		if c.network == "" && m != nil || c.network != "" && (m == nil || m.Name != c.network || c.variant != "" && m.Variant != c.variant) {
			t.Errorf("%s is %v", c.text, m)
		}
	}
	p := read(`{"pretrained_cfg": {"input_size": [3, 224, 224], "interpolation": "Bicubic", "crop_pct": 0.95, "crop_mode": "center", "mean": [0.5], "std": [0.25]}}`).preprocessing()
	if p == nil || p.Resize != 235 || p.Crop != 224 || p.Interpolation != "bicubic" || p.Channels != "rgb" || p.Mean[0] != 0.5 || p.Std[0] != 0.25 || p.Squash {
		t.Errorf("%+v", p)
	}
	p = read(`{"pretrained_cfg": {"input_size": [1, 28, 28], "interpolation": "random", "crop_mode": "squash"}}`).preprocessing()
	if p == nil || p.Resize != 32 || p.Crop != 28 || p.Interpolation != "" || p.Channels != "grey" || !p.Squash {
		t.Errorf("%+v", p)
	}
	for _, text := range []string{`{}`, `{"pretrained_cfg": {"input_size": [224]}}`} {
		if p := read(text).preprocessing(); p != nil {
			t.Errorf("%s: %+v", text, p)
		}
	}
}

// Transformers' preprocessor_config.json, in its forms.
func TestProcessorsOfTransformers(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"size": 224, "do_center_crop": true, "crop_size": 200, "image_mean": [0.5], "image_std": [0.2], "resample": 3}`, "224 200 false bicubic [0.5]"},
		{`{"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": true, "do_normalize": false, "image_mean": [0.5]}`, "256 224 false  []"},
		{`{"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 0}`, "256 224 false nearest []"},
		{`{"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224}`, "256 224 false  []"},
		{`{"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 384}}`, "384 0 false  []"},
		{`{"size": {"height": 256, "width": 256}, "do_center_crop": true, "crop_size": {"height": 224}}`, "256 224 true  []"},
		{`{"do_resize": false, "size": 99}`, "0 0 false  []"},
	} {
		path := filepath.Join(t.TempDir(), "preprocessor_config.json")
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		s := &Source{}
		if err := s.processor(path); err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		p := s.Preprocessing
		if got := fmt.Sprint(p.Resize, p.Crop, p.Squash, " ", p.Interpolation, " ", p.Mean); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") || len(s.Notes) != 1 {
			t.Errorf("%s: %s, should be %s", c.text, got, c.want)
		}
	}
	for text, want := range map[string]string{`{"resample": 9}`: "resample 9 is no filter", `{`: "unexpected end"} {
		path := filepath.Join(t.TempDir(), "preprocessor_config.json")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := (&Source{}).processor(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := (&Source{}).processor(filepath.Join(t.TempDir(), "none.json")); err != nil {
		t.Errorf("no file: %v", err)
	}
}

// What cannot be stored or exported is said before a file is written.
func TestWhatCannotBeExported(t *testing.T) {
	for want, meta := range map[string]weights.Meta{
		"which network it belongs to": {},
		"options of lenet5":           {Network: "lenet5", Options: []byte(`{"classes": "ten"}`)},
		"no network is called":        {Network: "lenet6"},
	} {
		if _, err := Stored(meta); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, should say %s", err, want)
		}
		path := filepath.Join(t.TempDir(), "x.onnx")
		if err := SaveONNX(path, &weights.File{Meta: meta}, onnx.Config{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("export: %v, should say %s", err, want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Error("a file is written")
		}
	}
	f := tensorsOf(t, zoo.LeNet5())
	f.Meta = weights.Meta{Network: "lenet5"}
	f.Tensors = f.Tensors[:3]
	if err := SaveONNX(filepath.Join(t.TempDir(), "x.onnx"), f, onnx.Config{}); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a file without most of its tensors: %v", err)
	}
}

// A classifier's parameters are those of its file, and what is no picture is refused before it is decoded.
func TestParametersAndPicturesOfAClassifier(t *testing.T) {
	f := tensorsOf(t, zoo.LeNet5())
	f.Meta = weights.Meta{Network: "lenet5", Preprocessing: &weights.Preprocessing{Channels: "grey"}}
	r, err := weights.FromFile("lenet5.safetensors", weights.FormatSafetensors, f)
	if err != nil {
		t.Fatal(err)
	}
	c, err := LoadFrom(r)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if p := c.Parameters().Get("c3.weight"); p == nil || !slices.Equal(p.Data, f.Tensors[2].Data) {
		t.Errorf("c3's weights are others: %s", f.Tensors[2].Name)
	}
	if got := c.Classes(); len(got) != 10 || got[7] != "7" {
		t.Errorf("classes without names are %q", got)
	}
	x := make([]float32, 28*28)
	for want, err := range map[string]error{
		"room for 3 numbers": c.PrepareFile(x[:3], nil),
		"no image format":    c.PrepareFile(x, []byte("a text that is no picture")),
		"is nil":             c.Prepare(x, nil),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, should say %s", err, want)
		}
	}
	if err := c.Prepare(x, image.NewGray(image.Rect(0, 0, 0, 0))); err == nil {
		t.Error("a picture without pixels is prepared")
	}
	params, err := Params(r, c.Model())
	if err != nil || !slices.Equal(params.Get("c1.bias").Data, f.Tensors[1].Data) {
		t.Errorf("parameters: %v", err)
	}
	if _, err := Params(r, zoo.ResNet8()); err == nil || !strings.Contains(err.Error(), "resnet8") {
		t.Errorf("of another network: %v", err)
	}
}

// What is asked of an import must fit the file.
func TestWhatAnImportCannotDo(t *testing.T) {
	ten := func() (names []string) {
		for i := range 10 {
			names = append(names, fmt.Sprintf("class %d", i))
		}
		return names
	}
	r := reader(t, tensorsOf(t, zoo.LeNet5()))
	for want, c := range map[string]ImportConfig{
		"a new last layer needs the names of its classes": {NewHead: true},
		"9 names for the file's 10 classes":               {ClassNames: ten()[:9]},
		"11 names for the file's 10 classes":              {ClassNames: append(ten(), "one more")},
		"it cannot be":                                    {Adjust: func(*weights.Preprocessing) error { return fmt.Errorf("it cannot be") }},
		`channel order "green"`:                           {Adjust: func(p *weights.Preprocessing) error { p.Channels = "green"; return nil }},
	} {
		if _, err := fitTo(r, zoo.LeNet5(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, should say %s", err, want)
		}
	}
	// A list that begins with a class for nothing has one more.
	f, err := fitTo(r, zoo.LeNet5(), ImportConfig{ClassNames: append([]string{"background"}, ten()...)})
	if err != nil || len(f.notes) != 1 || !strings.Contains(f.notes[0], `"background", stands for none`) || !slices.Equal(f.reader.Meta().ClassNames, ten()) {
		t.Errorf("with a background: %v", err)
	}
	// What is adjusted stands in the metadata, and the usual is left as it was.
	f, err = fitTo(r, zoo.LeNet5(), ImportConfig{ClassNames: ten(), Adjust: func(p *weights.Preprocessing) error { p.Mean = []float32{0.25}; p.Std = []float32{0.5}; return nil }})
	if err != nil || f.reader.Meta().Preprocessing.Mean[0] != 0.25 || f.model.Classes != 10 || len(f.notes) != 0 {
		t.Errorf("adjusted: %v", err)
	}
	if p := Preprocessing(zoo.LeNet5()); len(p.Mean) != 0 {
		t.Errorf("the usual has become %v", p.Mean)
	}
	// A new last layer has as many outputs as there are names.
	f, err = fitTo(r, zoo.LeNet5(), ImportConfig{NewHead: true, ClassNames: ten()[:3]})
	if err != nil || f.model.Classes != 3 || !f.fresh("output.weight") || f.fresh("f6.weight") {
		t.Errorf("a new head: %v", err)
	}
	m, err := zoo.New("lenet5", zoo.Variant("1998"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fitTo(reader(t, tensorsOf(t, m)), m, ImportConfig{NewHead: true, ClassNames: ten()}); err == nil || !strings.Contains(err.Error(), "its 10 outputs cannot be changed") {
		t.Errorf("a head that cannot be changed: %v", err)
	}
	// The network and the number of its classes give their names: CIFAR-10's for a ResNet of 32×32.
	f, err = fitTo(reader(t, tensorsOf(t, zoo.ResNet8())), zoo.ResNet8(), ImportConfig{})
	if err != nil || len(f.notes) != 1 || !strings.Contains(f.notes[0], "CIFAR-10") || f.reader.Meta().ClassNames[3] != "cat" {
		t.Errorf("ResNet-8: %v", err)
	}
}
