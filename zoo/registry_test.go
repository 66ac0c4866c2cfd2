package zoo

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// sizes were counted layer by layer by testdata/golden/golden.py on networks of PyTorch and agree with
// the papers' and torchvision's published totals.
var sizes = []struct {
	name, variant           string
	params, auxiliary, macs int64
}{
	{"lenet5", "modern", 61_706, 0, 416_520},
	{"lenet5", "1998", 60_000, 0, 326_520},
	{"alexnet", "paper", 60_965_224, 0, 724_406_816},
	{"alexnet", "caffe", 60_965_224, 0, 724_406_816},
	{"alexnet", "ungrouped", 62_378_344, 0, 1_135_256_096},
	{"alexnet", "torchvision", 61_100_840, 0, 714_188_480},
	{"alexnet", "cifar", 5_726_602, 0, 177_453_056},
	{"zfnet", "paper", 62_357_608, 0, 1_168_032_896},
	{"zfnet", "wide", 107_627_624, 0, 2_476_704_896},
	{"vgg11", "A", 132_863_336, 0, 7_609_090_048},
	{"vgg11", "A-LRN", 132_863_336, 0, 7_609_090_048},
	{"vgg11", "bn", 132_868_840, 0, 7_609_090_048},
	{"vgg11", "gap", 9_733_480, 0, 7_485_968_384},
	{"vgg11", "cifar-bn", 9_231_114, 0, 152_769_536},
	{"vgg13", "B", 133_047_848, 0, 11_308_466_176},
	{"vgg13", "bn", 133_053_736, 0, 11_308_466_176},
	{"vgg13", "gap", 9_917_992, 0, 11_185_344_512},
	{"vgg13", "cifar-bn", 9_416_010, 0, 228_267_008},
	{"vgg16", "D", 138_357_544, 0, 15_470_264_320},
	{"vgg16", "C", 133_638_952, 0, 11_770_888_192},
	{"vgg16", "bn", 138_365_992, 0, 15_470_264_320},
	{"vgg16", "gap", 15_227_688, 0, 15_347_142_656},
	{"vgg16", "cifar-bn", 14_728_266, 0, 313_201_664},
	{"vgg19", "E", 143_667_240, 0, 19_632_062_464},
	{"vgg19", "bn", 143_678_248, 0, 19_632_062_464},
	{"vgg19", "gap", 20_537_384, 0, 19_508_940_800},
	{"vgg19", "cifar-bn", 20_040_522, 0, 398_136_320},
	{"googlenet", "paper", 6_998_552, 6_379_728, 1_582_671_872},
	{"googlenet", "torchvision", 6_624_904, 6_379_984, 1_498_376_192},
	{"googlenet", "cifar", 5_602_474, 0, 452_175_872},
	{"allcnn-c", "paper", 1_369_738, 0, 281_174_016},
	{"convpool-cnn-c", "paper", 1_369_738, 0, 408_576_000},
	{"strided-cnn-c", "paper", 954_730, 0, 111_304_704},
	{"resnet18", "torchvision", 11_689_512, 0, 1_814_073_344},
	{"resnet18", "A", 11_515_688, 0, 1_794_805_760},
	{"resnet18", "C", 12_043_816, 0, 1_878_298_624},
	{"resnet18", "plain", 11_515_688, 0, 1_794_805_760},
	{"resnet34", "torchvision", 21_797_672, 0, 3_663_761_408},
	{"resnet34", "A", 21_623_848, 0, 3_644_493_824},
	{"resnet34", "C", 22_716_840, 0, 3_830_747_136},
	{"resnet34", "plain", 21_623_848, 0, 3_644_493_824},
	{"resnet50", "torchvision", 25_557_032, 0, 4_089_184_256},
	{"resnet50", "paper", 25_557_032, 0, 3_857_973_248},
	{"resnet50", "caffe", 25_557_032, 0, 3_857_973_248},
	{"resnet101", "torchvision", 44_549_160, 0, 7_801_405_440},
	{"resnet101", "paper", 44_549_160, 0, 7_570_194_432},
	{"resnet101", "caffe", 44_549_160, 0, 7_570_194_432},
	{"resnet152", "torchvision", 60_192_808, 0, 11_513_626_624},
	{"resnet152", "paper", 60_192_808, 0, 11_282_415_616},
	{"resnet152", "caffe", 60_192_808, 0, 11_282_415_616},
	{"resnet8", "paper", 75_290, 0, 12_239_488},
	{"resnet8", "plain", 75_290, 0, 12_239_488},
	{"resnet14", "paper", 172_506, 0, 26_395_264},
	{"resnet14", "plain", 172_506, 0, 26_395_264},
	{"resnet20", "paper", 269_722, 0, 40_551_040},
	{"resnet20", "plain", 269_722, 0, 40_551_040},
	{"resnet32", "paper", 464_154, 0, 68_862_592},
	{"resnet32", "plain", 464_154, 0, 68_862_592},
	{"resnet44", "paper", 658_586, 0, 97_174_144},
	{"resnet44", "plain", 658_586, 0, 97_174_144},
	{"resnet56", "paper", 853_018, 0, 125_485_696},
	{"resnet56", "plain", 853_018, 0, 125_485_696},
	{"resnet110", "paper", 1_727_962, 0, 252_887_680},
	{"resnet110", "plain", 1_727_962, 0, 252_887_680},
	{"alphago-policy", "k192", 3_882_793, 0, 1_400_726_208},
	{"alphago-policy", "k128", 1_777_641, 0, 641_043_584},
	{"alphago-policy", "k256", 6_798_953, 0, 2_453_182_720},
	{"alphago-value", "k192", 3_980_162, 0, 1_402_551_680},
	{"squeezenet", "1.1", 1_235_496, 0, 349_151_936},
	{"squeezenet", "1.0", 1_248_424, 0, 818_924_576},
	{"densenet121", "torchvision", 7_978_856, 0, 2_834_161_664},
	{"densenet169", "torchvision", 14_149_480, 0, 3_359_843_328},
	{"densenet201", "torchvision", 20_013_928, 0, 4_291_365_888},
	{"densenet-bc-100", "cifar", 769_162, 0, 287_929_692},
	{"resnext50", "torchvision", 25_028_904, 0, 4_230_479_872},
	{"resnext101", "torchvision", 88_791_336, 0, 16_414_015_488},
	{"wide-resnet50", "torchvision", 68_883_240, 0, 11_398_021_120},
	{"wide-resnet101", "torchvision", 126_886_696, 0, 22_753_050_624},
	{"wrn-16-2", "paper", 691_674, 0, 101_106_944},
	{"wrn-16-4", "paper", 2_748_890, 0, 392_612_352},
	{"wrn-40-4", "paper", 8_949_210, 0, 1_298_582_016},
	{"wrn-28-10", "paper", 36_479_194, 0, 5_243_328_768},
	{"se-resnet50", "torchvision", 28_088_024, 0, 4_091_699_200},
	{"mobilenetv2", "torchvision", 3_504_872, 0, 300_774_272},
	{"mobilenetv2", "cifar", 2_236_682, 0, 87_976_448},
	{"mobilenetv3-large", "torchvision", 5_483_032, 0, 216_589_760},
	{"mobilenetv3-small", "torchvision", 2_542_856, 0, 56_510_400},
	{"efficientnet-b0", "torchvision", 5_288_548, 0, 385_814_752},
	{"efficientnet-b0", "paper", 5_288_548, 0, 385_814_752},
	{"efficientnet-b1", "torchvision", 7_794_184, 0, 686_802_832},
	{"efficientnet-b1", "paper", 7_794_184, 0, 686_802_832},
	{"efficientnet-b2", "torchvision", 9_109_994, 0, 1_087_529_456},
	{"efficientnet-b2", "paper", 9_109_994, 0, 993_561_872},
	{"efficientnet-b3", "torchvision", 12_233_232, 0, 1_827_141_392},
	{"efficientnet-b3", "paper", 12_233_232, 0, 1_827_141_392},
	{"convnext-tiny", "torchvision", 28_589_128, 0, 4_455_531_264},
	{"convnext-small", "torchvision", 50_223_688, 0, 8_683_712_256},
}

func TestParametersAndMACsAreThoseOfThePapers(t *testing.T) {
	counted := map[string]bool{}
	for _, want := range sizes {
		counted[want.name+"_"+want.variant] = true
		t.Run(want.name+"_"+want.variant, func(t *testing.T) {
			m, err := New(want.name, Variant(want.variant))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Inspect(m)
			if err != nil {
				t.Fatal(err)
			}
			if r.Parameters != want.params || r.Auxiliary != want.auxiliary || r.MACs != want.macs {
				t.Errorf("%d parameters, %d auxiliary, %d MACs; want %d, %d, %d", r.Parameters, r.Auxiliary, r.MACs, want.params, want.auxiliary, want.macs)
			}
			var layers int64
			for _, l := range r.Layers {
				layers += l.Parameters
			}
			if layers != r.Parameters {
				t.Errorf("the layers' parameters add up to %d, the network has %d", layers, r.Parameters)
			}
			e, err := Lookup(want.name + "_" + want.variant)
			if err != nil {
				t.Fatal(err)
			}
			if e.Params != want.params || e.MACs != want.macs {
				t.Errorf("the registry has %d parameters and %d MACs", e.Params, e.MACs)
			}
			for _, v := range e.Variants {
				if v.Name == want.variant && (v.Params != want.params || v.Auxiliary != want.auxiliary || v.MACs != want.macs) {
					t.Errorf("the registry's variant has %d parameters, %d auxiliary, %d MACs", v.Params, v.Auxiliary, v.MACs)
				}
			}
		})
	}
	for _, e := range List() {
		for _, v := range e.Variants {
			if !counted[e.Name+"_"+v.Name] {
				t.Errorf("%s %s is registered, but its size is not tested", e.Name, v.Name)
			}
		}
	}
}

func TestEveryEntryIsComplete(t *testing.T) {
	year, seen := 0, map[string]bool{}
	for _, e := range List() {
		if e.Name == "" || e.Title == "" || e.Paper == "" || e.Idea == "" || e.Recipe == "" || e.New == nil || len(e.Variants) == 0 {
			t.Errorf("%s: an entry with a gap: %+v", e.Name, e)
		}
		if seen[e.Name] {
			t.Errorf("%s is registered twice", e.Name)
		}
		seen[e.Name] = true
		if e.Year < year {
			t.Errorf("%s of %d comes after a network of %d", e.Name, e.Year, year)
		}
		year = e.Year
		if m := e.New(); m.Name != e.Name || m.Variant != e.Variants[0].Name || m.Input != e.Input || m.Classes != e.Classes {
			t.Errorf("%s: New makes %+v", e.Name, m)
		}
	}
}

func TestModelsSurviveJSON(t *testing.T) {
	for _, e := range List() {
		for _, v := range e.Variants {
			m, err := New(e.Name, Variant(v.Name))
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			var back Model
			if err := json.Unmarshal(data, &back); err != nil {
				t.Fatalf("%s: %v", data, err)
			}
			m.build, back.build = nil, nil
			if !reflect.DeepEqual(*m, back) {
				t.Errorf("%s came back as\n%+v, was\n%+v", data, back, *m)
			}
		}
	}
}

func TestOptionsSurviveJSON(t *testing.T) {
	m, err := New("vgg16_bn", Classes(7), Input(1, 64, 96), Width(0.25), Dropout(0), BatchNorm(false), Head("gap"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(m.Options)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"variant":"bn","classes":7,"input":[1,64,96],"width":0.25,"batch_norm":false,"dropout":0,"head":"gap"}`
	if string(data) != want {
		t.Errorf("options are %s, want %s", data, want)
	}
	var o Options
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatal(err)
	}
	again := VGG16(WithOptions(o))
	if again.err != nil || !reflect.DeepEqual(again.Options, m.Options) {
		t.Errorf("options came back as %+v (%v), were %+v", again.Options, again.err, m.Options)
	}
}

func TestLookupKnowsVariantsAndLetterCase(t *testing.T) {
	for name, want := range map[string][2]string{
		"vgg16":               {"vgg16", "D"},
		"VGG16_BN":            {"vgg16", "bn"},
		"alexnet_torchvision": {"alexnet", "torchvision"},
		"resnet50_paper":      {"resnet50", "paper"},
	} {
		m, err := New(name)
		if err != nil {
			t.Error(err)
		} else if m.Name != want[0] || m.Variant != want[1] {
			t.Errorf("%s is %s %s, want %v", name, m.Name, m.Variant, want)
		}
	}
	if m, err := New("vgg16_bn", Variant("C")); err != nil || m.Variant != "C" {
		t.Errorf("an explicit variant should win over the name's: %v %v", m, err)
	}
}

func TestBadOptionsAreErrorsThatSayWhatWouldBeRight(t *testing.T) {
	for name, c := range map[string]struct {
		network string
		opts    []Option
		want    []string
	}{
		"an unknown network":                 {"alexnt", nil, []string{`"alexnt"`, "did you mean alexnet?"}},
		"nothing like a network":             {"transformer-xxl", nil, []string{"no network is called"}},
		"an unknown variant":                 {"alexnet", []Option{Variant("torchvison")}, []string{"alexnet: ", "paper, caffe, ungrouped, torchvision, cifar", "did you mean torchvision?"}},
		"an option that the network hasn't":  {"alexnet", []Option{BatchNorm(true)}, []string{"alexnet: ", "no option batch_norm", "width, dropout"}},
		"an option that the variant hasn't":  {"lenet5_1998", []Option{Pooling("max")}, []string{"variant 1998 has no option pooling"}},
		"a choice that does not exist":       {"lenet5", []Option{Activation("rleu")}, []string{"relu, tanh", "did you mean relu?"}},
		"no classes":                         {"lenet5", []Option{Classes(-1)}, []string{"-1 classes"}},
		"a side of zero":                     {"lenet5", []Option{Input(1, 28, 0)}, []string{"1×28×0"}},
		"a negative width":                   {"vgg11", []Option{Width(-1)}, []string{"width -1"}},
		"a dropout rate of one":              {"vgg11", []Option{Dropout(1)}, []string{"dropout 1", "below 1"}},
		"a dropout rate of more in the JSON": {"vgg11", []Option{WithOptions(Options{Dropout: new(1.5)})}, []string{"dropout 1.5"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.network, c.opts...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if e, found := Lookup(c.network); found == nil {
				if _, err2 := Inspect(e.New(c.opts...)); err2 == nil || err2.Error() != err.Error() {
					t.Errorf("building says %v, New says %v", err2, err)
				}
			}
		})
	}
}

func TestAnInputTooSmallShowsTheArithmetic(t *testing.T) {
	for name, c := range map[string]struct {
		model *Model
		want  []string
	}{
		"alexnet at 32":           {AlexNet(Input(3, 32, 32)), []string{"alexnet: ", "(2 - 3 + 2·0)/2 + 1"}},
		"lenet5 at 8":             {LeNet5(Input(1, 8, 8)), []string{"lenet5: c3: ", "(2 - 5 + 2·0)/1 + 1"}},
		"vgg16 at 16":             {VGG16(Input(3, 16, 16)), []string{"vgg16: ", "(1 - 2 + 2·0)/2 + 1"}},
		"googlenet's heads at 64": {GoogLeNet(Input(3, 64, 64)), []string{"googlenet: aux1: ", "(4 - 5 + 2·0)/3 + 1", "leave the auxiliary classifiers out"}},
		"zfnet, too thin":         {ZFNet(Input(3, 224, 12)), []string{"zfnet: ", "width"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Inspect(c.model)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
		})
	}
}

func TestGoogLeNetFitsSmallImagesWithoutItsHeads(t *testing.T) {
	r, err := Inspect(GoogLeNet(Input(1, 48, 48), Classes(10), AuxiliaryHeads(false)))
	if err != nil {
		t.Fatal(err)
	}
	if r.Auxiliary != 0 {
		t.Errorf("%d parameters of auxiliary classifiers that were left out", r.Auxiliary)
	}
}

func TestWidthsScaleByTheMultiplier(t *testing.T) {
	for _, c := range []struct {
		n, groups int
		width     float64
		want      int
	}{{64, 1, 0, 64}, {64, 1, 0.25, 16}, {6, 1, 0.25, 2}, {96, 2, 0.26, 24}, {96, 2, 0.001, 2}, {4096, 1, 1.5, 6144}} {
		if got := (Options{Width: c.width}).units(c.n, c.groups); got != c.want {
			t.Errorf("%d at width %v in groups of %d: %d, want %d", c.n, c.width, c.groups, got, c.want)
		}
	}
	full, err := Inspect(ResNet18())
	if err != nil {
		t.Fatal(err)
	}
	half, err := Inspect(ResNet18(Width(0.5)))
	if err != nil {
		t.Fatal(err)
	}
	if ratio := float64(full.Parameters) / float64(half.Parameters); ratio < 3.5 || ratio > 4 {
		t.Errorf("half the width divides the parameters by %.2f, want almost 4", ratio)
	}
}

func TestTheReportTellsWhatEachLayerReads(t *testing.T) {
	r, err := Inspect(ResNet20())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Layers[0].From, []int{-1}) {
		t.Errorf("the first layer reads %v, want the image", r.Layers[0].From)
	}
	joins := 0
	for i, l := range r.Layers {
		if len(l.From) == 0 {
			t.Errorf("%s reads nothing", l.Name)
		}
		for _, j := range l.From {
			if j >= i {
				t.Errorf("%s reads a later layer", l.Name)
			}
			if j < 0 && i > 0 {
				t.Errorf("%s reads the image", l.Name)
			}
		}
		if l.Kind == "add" {
			joins++
			if len(l.From) != 2 || l.From[0] == l.From[1] {
				t.Errorf("%s reads %v, want a branch and a shortcut", l.Name, l.From)
			}
		}
	}
	if joins != 9 {
		t.Errorf("%d shortcuts, want 9", joins)
	}
}
