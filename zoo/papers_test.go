package zoo_test

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// A spread is what initial values are drawn from, as papers and frameworks write it.
type spread struct {
	shape string                      // "normal", "even" or "constant"
	size  func(in, out int) float64   // standard deviation, bound, or value
	fans  func(s []int) (in, out int) // of the parameter; nil: those of its own shape
}

func normal(std float64) spread { return spread{"normal", func(int, int) float64 { return std }, nil} }
func always(v float64) spread   { return spread{"constant", func(int, int) float64 { return v }, nil} }

// within is even in ±a/in^power.
func within(a, power float64) spread {
	return spread{"even", func(in, _ int) float64 { return a / math.Pow(float64(in), power) }, nil}
}

func (s spread) from(fanIn int) spread {
	s.fans = func([]int) (int, int) { return fanIn, 0 }
	return s
}

var (
	// Glorot and Bengio 2010, equation 16.
	glorot = spread{"even", func(in, out int) float64 { return math.Sqrt(6) / math.Sqrt(float64(in+out)) }, nil}
	// He et al. 2015, arXiv:1502.01852, equations 10 and 14.
	he    = spread{"normal", func(in, _ int) float64 { return math.Sqrt(2 / float64(in)) }, nil}
	heOut = spread{"normal", func(_, out int) float64 { return math.Sqrt(2 / float64(out)) }, nil}
	// What PyTorch's layers do unless told otherwise.
	torch = within(1, 0.5)
)

// drop is a dropout layer: the last layer with parameters before it, and its rate.
type drop struct {
	after string
	rate  float64
}

// paperFacts is what the papers say of a network beyond its layers, as text that nothing else is made from.
// The first pattern that matches a parameter's name is its own.
type paperFacts struct {
	network string // regular expression for NAME/VARIANT
	options []zoo.Option
	initial []initial
	dropout []drop
}

type initial struct {
	parameter string
	spread
}

var bn = []initial{{`(bn\d*|norm|downsample\.1)\.weight`, always(1)}, {`(bn\d*|norm|downsample\.1)\.bias`, always(0)}}

var paperTable = []paperFacts{
	{
		// Today's form has PyTorch's initial values.
		network: `lenet5/modern`,
		initial: []initial{
			{`c1\.`, torch.from(1 * 5 * 5)}, {`c3\.`, torch.from(6 * 5 * 5)},
			{`c5\.`, torch.from(16 * 5 * 5)}, {`f6\.`, torch.from(120)}, {`output\.`, torch.from(84)},
		},
	},
	{
		// LeCun et al. 1998, appendix A: even in ±2.4/F, F inputs of a unit.
		network: `lenet5/1998`,
		initial: []initial{
			{`c1\.`, within(2.4, 1).from(25)}, {`s[24]\.`, within(2.4, 1).from(4)}, {`c3\.`, within(2.4, 1).from(100)},
			{`c5\.`, within(2.4, 1).from(400)}, {`f6\.`, within(2.4, 1).from(120)},
		},
	},
	{
		// Krizhevsky et al. 2012, section 5: weights N(0, 0.01); biases 1 in the second, fourth and fifth
		// convolutional and in the hidden fully connected layers, 0 in the others. Section 4.2: dropout 0.5.
		network: `alexnet/(paper|ungrouped|cifar|caffe)`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{{`(conv[245]|fc[67])\.bias`, always(1)}, {`(conv[13]|fc8)\.bias`, always(0)}, {`weight`, normal(0.01)}},
		dropout: []drop{{"fc6", 0.5}, {"fc7", 0.5}},
	},
	{
		network: `alexnet/torchvision`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{
			{`features\.0\.bias`, torch.from(3 * 121)}, {`features\.3\.bias`, torch.from(16 * 25)}, {`features\.6\.bias`, torch.from(48 * 9)},
			{`features\.8\.bias`, torch.from(96 * 9)}, {`features\.10\.bias`, torch.from(64 * 9)}, {`classifier\.1\.bias`, torch.from(64 * 36)},
			{`classifier\.[46]\.bias`, torch.from(1024)}, {`weight`, torch},
		},
		dropout: []drop{{"features.10", 0.5}, {"classifier.1", 0.5}},
	},
	{
		// Zeiler and Fergus 2013, section 3.1: weights 1e-2, biases 0; dropout 0.5 in layers 6 and 7.
		network: `zfnet/.*`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{{`weight`, normal(0.01)}, {`bias`, always(0)}},
		dropout: []drop{{"fc6", 0.5}, {"fc7", 0.5}},
	},
	{
		// Simonyan and Zisserman 2014, section 3.1: the procedure of Glorot & Bengio; dropout 0.5 for the first
		// two fully connected layers.
		network: `vgg\d+/([ABCDE]|A-LRN)`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{{`weight`, glorot}, {`bias`, always(0)}},
		dropout: []drop{{"classifier.0", 0.5}, {"classifier.3", 0.5}},
	},
	{
		network: `vgg\d+/gap`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{{`weight`, glorot}, {`bias`, always(0)}},
	},
	{
		// torchvision's: He's by fan-out in convolutions, N(0, 0.01) in fully connected layers.
		network: `vgg\d+/bn`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{{`bias`, always(0)}, {`classifier.*weight`, normal(0.01)}, {`^[^(]*\(\d+\)$`, always(1)}, {`weight`, heOut}},
		dropout: []drop{{"classifier.0", 0.5}, {"classifier.3", 0.5}},
	},
	{
		network: `vgg\d+/cifar-bn`, options: []zoo.Option{zoo.Width(0.25)},
		initial: []initial{{`bias`, always(0)}, {`classifier.*weight`, normal(0.01)}, {`^[^(]*\(\d+\)$`, always(1)}, {`weight`, heOut}},
	},
	{
		// Szegedy et al. 2014, section 5: dropout of 40 % before the classifier, of 70 % in the auxiliary ones.
		// The initial values are Caffe's copy's.
		network: `googlenet/paper`, options: []zoo.Option{zoo.Width(0.5)},
		initial: []initial{{`fc\d?\.bias`, always(0)}, {`bias`, always(0.2)}, {`weight`, glorot}},
		dropout: []drop{{"aux1.fc1", 0.7}, {"aux2.fc1", 0.7}, {"inception5b.branch4", 0.4}},
	},
	{
		// torchvision's: N(0, 0.01) in all weights.
		network: `googlenet/torchvision`, options: []zoo.Option{zoo.Width(0.5)},
		initial: append([]initial{
			{`aux\d\.fc1\.bias`, torch.from(64 * 16)}, {`aux\d\.fc2\.bias`, torch.from(512)}, {`fc\.bias`, torch.from(512)}, {`weight\(\d+,`, normal(0.01)},
		}, bn...),
		dropout: []drop{{"aux1.fc1", 0.7}, {"aux2.fc1", 0.7}, {"inception5b.branch4.1.bn", 0.4}},
	},
	{
		network: `googlenet/cifar`, options: []zoo.Option{zoo.Width(0.5)},
		initial: append([]initial{{`fc\.bias`, torch.from(512)}, {`weight\(\d+,`, normal(0.01)}}, bn...),
		dropout: []drop{{"inception5b.branch4.1.bn", 0.4}},
	},
	{
		// Springenberg et al. 2014, section 3.1: dropout 0.2 on the image, 0.5 after each layer that pools.
		network: `(allcnn|convpool-cnn)-c/paper`,
		initial: []initial{{`weight`, he}, {`bias`, always(0)}},
		dropout: []drop{{"", 0.2}, {"conv3", 0.5}, {"conv6", 0.5}},
	},
	{
		network: `strided-cnn-c/paper`,
		initial: []initial{{`weight`, he}, {`bias`, always(0)}},
		dropout: []drop{{"", 0.2}, {"conv2", 0.5}, {"conv4", 0.5}},
	},
	{
		// He et al. 2015, section 3.4: the initial weights of arXiv:1502.01852, no dropout.
		network: `resnet(18|34|50|101|152)/(paper|A|C|plain|caffe)`, options: []zoo.Option{zoo.Width(0.25)},
		initial: append(slices.Clone(bn), initial{`fc\.weight`, torch}, initial{`fc\.bias`, spread{"even", torch.size, lastFan}}, initial{`weight`, he}),
	},
	{
		network: `resnet(18|34|50|101|152)/torchvision`, options: []zoo.Option{zoo.Width(0.25)},
		initial: append(slices.Clone(bn), initial{`fc\.weight`, torch}, initial{`fc\.bias`, spread{"even", torch.size, lastFan}}, initial{`weight`, heOut}),
	},
	{
		network: `resnet(8|14|20|32|44|56|110)/.*`,
		initial: append(slices.Clone(bn), initial{`linear\.weight`, he}, initial{`linear\.bias`, torch.from(64)}, initial{`weight`, he}),
	},
	{
		// torchvision's: He's, even; N(0, 0.01) in the classifier. Iandola et al. 2016, section 3.3: dropout 0.5
		// after the last module.
		network: `squeezenet/.*`, options: []zoo.Option{zoo.Width(0.5)},
		initial: []initial{{`bias`, always(0)}, {`classifier`, normal(0.01)}, {`weight`, spread{"even", func(in, _ int) float64 { return math.Sqrt(6 / float64(in)) }, nil}}},
		dropout: []drop{{"features.12.expand3x3", 0.5}},
	},
	{
		// Huang et al. 2017, section 4.2: He's initial weights; dropout without augmentation alone.
		network: `densenet.*`, options: []zoo.Option{zoo.Width(0.5)},
		initial: []initial{{`bias`, always(0)}, {`^[^(]*\(\d+\)$`, always(1)}, {`classifier`, torch}, {`weight`, he}},
	},
	{
		// torchvision's.
		network: `(resnext|wide-resnet|se-resnet)\d+/.*`, options: []zoo.Option{zoo.Width(0.25)},
		initial: append([]initial{{`\.se\.fc\d\.bias`, always(0)}}, append(slices.Clone(bn), initial{`fc\.weight\(\d+,\d+\)`, torch}, initial{`^fc\.bias`, spread{"even", torch.size, lastFan}}, initial{`weight`, heOut})...),
	},
	{
		// Zagoruyko and Komodakis 2016 do not tell; these are their PyTorch networks'.
		network: `wrn-.*`, options: []zoo.Option{zoo.Width(0.5)},
		initial: []initial{{`bias`, always(0)}, {`^[^(]*\(\d+\)$`, always(1)}, {`^fc`, torch}, {`weight`, heOut}},
	},
	{
		// torchvision's. Dropout: table 2 and torchvision's 0.2.
		network: `mobilenetv2/.*`, options: []zoo.Option{zoo.Width(0.5)},
		initial: []initial{{`bias`, always(0)}, {`^[^(]*\(\d+\)$`, always(1)}, {`classifier`, normal(0.01)}, {`weight`, heOut}},
		dropout: []drop{{"features.18.1", 0.2}},
	},
	{
		// torchvision's. Howard et al. 2019, section 6.1.1: dropout of 0.8, which is the part that stays.
		network: `mobilenetv3-.*`,
		initial: []initial{{`bias`, always(0)}, {`^[^(]*\(\d+\)$`, always(1)}, {`classifier`, normal(0.01)}, {`weight`, heOut}},
		dropout: []drop{{"classifier.0", 0.2}},
	},
	{
		// torchvision's. Tan and Le 2019, section 5.2: dropout from 0.2 for B0 to 0.5 for B7.
		network: `efficientnet-b[01]/.*`,
		initial: efficientInitial, dropout: []drop{{"features.8.1", 0.2}},
	},
	{
		network: `efficientnet-b[23]/.*`,
		initial: efficientInitial, dropout: []drop{{"features.8.1", 0.3}},
	},
	{
		// Liu et al. 2022, table 5: a normal distribution with 0.02, cut off at 2; layer scale 1e-6.
		network: `convnext-.*`, options: []zoo.Option{zoo.Width(0.5)},
		initial: []initial{{`layer_scale`, always(1e-6)}, {`bias`, always(0)}, {`^[^(]*\(\d+\)$`, always(1)}, {`weight`, normal(0.02)}},
	},
	{
		// Silver et al. 2016 do not tell the initial weights.
		network: `alphago-.*`, options: []zoo.Option{zoo.Filters(32)},
		initial: []initial{{`weight`, he}, {`bias`, always(0)}},
	},
}

var efficientInitial = []initial{
	{`bias`, always(0)}, {`^[^(]*\(\d+\)$`, always(1)}, {`classifier`, spread{"even", func(_, out int) float64 { return 1 / math.Sqrt(float64(out)) }, nil}}, {`weight`, heOut},
}

// lastFan is the fan-in of ImageNet's residual networks' last layer at a quarter of their width: 512 or 2048 by
// 1/4. It is found by the layer's weights.
func lastFan([]int) (int, int) { return -1, 0 }

func TestWeightsBeginAsThePapersSay(t *testing.T) {
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			name := e.Name + "/" + v.Name
			t.Run(name, func(t *testing.T) {
				facts := factsOf(t, name)
				params, err := e.New(append([]zoo.Option{zoo.Variant(v.Name)}, facts.options...)...).Params(graph.Train)
				if err != nil {
					t.Fatal(err)
				}
				params.Init(11)
				pooled := make([][]float64, len(facts.initial)) // of each rule, values over their expected size
				for _, p := range params.All() {
					if p.Buffer {
						continue
					}
					rule := slices.IndexFunc(facts.initial, func(i initial) bool { return regexp.MustCompile(i.parameter).MatchString(described(p)) })
					if rule < 0 {
						t.Errorf("%s: nothing says how it begins", described(p))
						continue
					}
					s := facts.initial[rule].spread
					in, out := shapeFans(p.Shape)
					if s.fans != nil {
						if in, out = s.fans(p.Shape); in < 0 {
							in = params.Get(strings.TrimSuffix(p.Name, "bias") + "weight").Shape[1]
						}
					}
					size := s.size(in, out)
					if s.shape == "constant" {
						for _, x := range p.Data {
							if float64(x) != float64(float32(size)) {
								t.Errorf("%s begins with %v, should be %v", described(p), x, size)
								break
							}
						}
						continue
					}
					values := make([]float64, len(p.Data))
					for i, x := range p.Data {
						values[i] = float64(x) / size
					}
					if len(values) >= 200 {
						if wrong := s.misses(values); wrong != "" {
							t.Errorf("%s: %s", described(p), wrong)
						}
					}
					pooled[rule] = append(pooled[rule], values...)
				}
				for i, values := range pooled {
					if wrong := facts.initial[i].misses(values); len(values) > 0 && wrong != "" {
						t.Errorf("all of %s together: %s", facts.initial[i].parameter, wrong)
					}
				}
			})
		}
	}
}

// factsOf is a network's row of the table.
func factsOf(t *testing.T, name string) paperFacts {
	t.Helper()
	for _, f := range paperTable {
		if regexp.MustCompile("^(?:" + f.network + ")$").MatchString(name) {
			return f
		}
	}
	t.Fatalf("paperTable says nothing of %s: how its weights begin, and where it drops out", name)
	return paperFacts{}
}

func described(p *graph.Param) string {
	return p.Name + strings.NewReplacer("[", "(", "]", ")", " ", ",").Replace(fmt.Sprint(p.Shape))
}

// shapeFans counts the inputs of an output, and the outputs of an input, of a weight out×in or out×in×h×w; those
// of a convolution that sees some maps alone are listed as kernels×h×w.
func shapeFans(shape []int) (in, out int) {
	area := 1
	for _, d := range shape[min(2, len(shape)):] {
		area *= d
	}
	if len(shape) < 2 {
		return area, area
	}
	return shape[1] * area, shape[0] * area
}

// misses says how values over their expected size are not of the spread: by their mean, their deviation, or
// how far they reach. Six standard errors are allowed.
func (s spread) misses(values []float64) string {
	var sum, squares, most float64
	for _, v := range values {
		sum, squares, most = sum+v, squares+v*v, max(most, math.Abs(v))
	}
	n := float64(len(values))
	mean, deviation := sum/n, math.Sqrt(squares/n)
	want, kurtosis := 1.0, 3.0
	if s.shape == "even" {
		want, kurtosis = 1/math.Sqrt(3), 1.8
	}
	switch {
	case math.Abs(mean) > 6*want/math.Sqrt(n):
		return fmt.Sprintf("the mean is %.3g of the size expected, should be 0", mean)
	case math.Abs(deviation/want-1) > 6*math.Sqrt((kurtosis-1)/4/n):
		return fmt.Sprintf("the deviation is %.3f of that expected", deviation/want)
	case s.shape == "even" && most > 1:
		return fmt.Sprintf("a value reaches %.3f of the bound", most)
	case s.shape == "even" && n >= 200 && most < 0.95:
		return fmt.Sprintf("no value reaches more than %.3f of the bound", most)
	case s.shape == "normal" && n >= 200 && most < 2:
		return fmt.Sprintf("no value reaches more than %.3f deviations: not a normal distribution", most)
	}
	return ""
}

func TestNoTwoWeightsComeFromTheSameStream(t *testing.T) {
	for _, m := range []*zoo.Model{zoo.LeNet5(), zoo.ResNet20(), zoo.AlexNet(zoo.Variant("cifar"), zoo.Width(0.25)), zoo.AlphaGoPolicy(zoo.Filters(16))} {
		draw := func(seed uint64) map[string][]float32 {
			params, err := m.Params(graph.Train)
			if err != nil {
				t.Fatal(err)
			}
			params.Init(seed)
			all := map[string][]float32{}
			for _, p := range params.All() {
				if len(p.Shape) > 1 && p.Len() >= 100 {
					all[p.Name] = p.Data
				}
			}
			return all
		}
		first, again, other := draw(1), draw(1), draw(2)
		for a, x := range first {
			if !reflect.DeepEqual(x, again[a]) {
				t.Errorf("%s, %s: the same seed gives other weights", m.Name, a)
			}
			if r := correlation(x, other[a]); math.Abs(r) > 6 {
				t.Errorf("%s, %s: the weights of two seeds are alike (%.1f standard errors)", m.Name, a, r)
			}
			for b, y := range first {
				if r := correlation(x, y); a < b && math.Abs(r) > 6 {
					t.Errorf("%s: the weights of %s and %s are alike (%.1f standard errors)", m.Name, a, b, r)
				}
			}
		}
	}
}

// correlation is that of the first numbers, in standard errors of numbers that have nothing to do with each other.
func correlation(x, y []float32) float64 {
	var xy, xx, yy float64
	n := min(len(x), len(y))
	for i := range n {
		a, b := float64(x[i]), float64(y[i])
		xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
	}
	return xy / math.Sqrt(xx*yy) * math.Sqrt(float64(n))
}

// The rates are read back from the graph that trains.
func TestDropoutIsWhereThePapersHaveIt(t *testing.T) {
	dropouts := func(t *testing.T, m *zoo.Model, mode graph.Mode) (list []drop) {
		b := graph.NewBuilder(graph.NewParams(), mode)
		if _, err := m.Build(b, b.Input("x", 2, m.Input[0], m.Input[1], m.Input[2])); err != nil {
			t.Fatal(err)
		}
		last := ""
		for _, l := range b.Layers() {
			if l.Params > 0 {
				last = l.Name
			}
			if l.Kind == "dropout" {
				list = append(list, drop{last, l.Rate})
			}
		}
		return list
	}
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			name := e.Name + "/" + v.Name
			t.Run(name, func(t *testing.T) {
				want := factsOf(t, name).dropout
				of := func(opts ...zoo.Option) *zoo.Model {
					return e.New(append([]zoo.Option{zoo.Variant(v.Name)}, opts...)...)
				}
				if got := dropouts(t, of(), graph.Train); !slices.EqualFunc(got, want, func(a, b drop) bool {
					return a.after == b.after && math.Abs(a.rate-b.rate) < 1e-12
				}) {
					t.Errorf("dropout %v, want %v", got, want)
				}
				if got := dropouts(t, of(), graph.Eval); len(got) > 0 {
					t.Errorf("evaluation drops out %v", got)
				}
				if !slices.Contains(v.Takes, "dropout") {
					return
				}
				got := dropouts(t, of(zoo.Dropout(0.125)), graph.Train)
				if len(got) < len(want) || slices.ContainsFunc(got, func(d drop) bool { return d.rate != 0.125 }) {
					t.Errorf("with the option dropout 0.125: %v", got)
				}
				if got := dropouts(t, of(zoo.Dropout(0)), graph.Train); len(got) > 0 {
					t.Errorf("with the option dropout 0: %v", got)
				}
			})
		}
	}
}

func TestAuxiliaryClassifiersCountThreeTenths(t *testing.T) {
	for variant, want := range map[string]int{"paper": 2, "torchvision": 2, "cifar": 0} {
		m := zoo.GoogLeNet(zoo.Variant(variant))
		b := graph.NewBuilder(graph.NewParams(), graph.Train)
		if _, err := m.Build(b, b.Input("x", 2, m.Input[0], m.Input[1], m.Input[2])); err != nil {
			t.Fatal(err)
		}
		if len(b.Auxiliaries()) != want {
			t.Errorf("variant %s has %d auxiliary classifiers, want %d", variant, len(b.Auxiliaries()), want)
		}
		for _, a := range b.Auxiliaries() {
			if a.Weight != 0.3 {
				t.Errorf("variant %s weights an auxiliary loss by %v, section 5 says 0.3", variant, a.Weight)
			}
		}
	}
}

// regime is a recipe in the words of papers.
type regime struct {
	epochs, batch        int
	optimizer            string
	lr, momentum, decay  float64
	nesterov, allDecayed bool
	clip, smoothing, ema float64
	initial              string
	schedule             string
	milestones           []float64
	every, gamma, final  float64
	patience             int
	warmup, warmupFrom   float64
	start                float64 // the rising part of a one-cycle
	augment              string
	resize, crop         int
}

func regimeOf(c recipe.Config) regime {
	o, s := c.Optimizer, c.Schedule
	r := regime{
		epochs: c.Epochs, batch: c.Batch, optimizer: o.Name, lr: o.LR, momentum: o.Momentum, decay: o.WeightDecay, nesterov: o.Nesterov,
		allDecayed: len(o.Rules) == 0, clip: o.Clip, smoothing: c.Smoothing, ema: c.EMA, initial: c.Initialiser, schedule: s.Name,
		milestones: s.Milestones, every: s.Every, gamma: s.Gamma, final: s.Final, patience: s.Patience, warmup: s.Warmup, warmupFrom: s.WarmupFrom,
		start: s.Start, augment: c.Augment.String(), resize: c.Resize, crop: c.Crop,
	}
	return r
}

// quickly is what all quick recipes have in common: one cycle of Nesterov's momentum, with weight decay on weights
// alone.
func quickly(epochs, batch int, lr float64, change func(*regime)) regime {
	r := regime{
		epochs: epochs, batch: batch, optimizer: "sgd", lr: lr, momentum: 0.9, decay: 5e-4, nesterov: true, initial: "network",
		schedule: "onecycle", start: 0.25,
	}
	if change != nil {
		change(&r)
	}
	return r
}

func plateau(r regime, gamma float64, patience int) regime {
	r.optimizer, r.momentum, r.allDecayed, r.schedule, r.gamma, r.patience, r.final = "sgd", 0.9, true, "plateau", gamma, patience, 1e-3
	if r.initial == "" {
		r.initial = "network"
	}
	return r
}

// regimes are the recipes for a data set that nothing is usual for, by NAME/VARIANT/RECIPE. Of the first row that
// matches.
var regimes = []struct {
	recipe string
	regime
}{
	// LeCun et al. 1998: 20 passes, one image at a time, the rate lowered after passes 2, 5, 8 and 12.
	{`lenet5/.*/paper`, regime{epochs: 20, batch: 1, optimizer: "sgd", lr: 0.002, allDecayed: true, initial: "network", schedule: "step", milestones: []float64{2, 5, 8, 12}, gamma: 0.4}},
	{`lenet5/.*/quick`, quickly(30, 64, 0.08, func(r *regime) { r.decay = 5e-3 })},
	// Krizhevsky et al. 2012, section 5.
	{`alexnet/cifar/paper`, plateau(regime{epochs: 90, batch: 128, lr: 0.01, decay: 5e-4, augment: "crop(4), flip"}, 0.1, 5)},
	{`alexnet/torchvision/paper`, plateau(regime{epochs: 90, batch: 128, lr: 0.01, decay: 5e-4, augment: "resize(256), crop, flip, pca(0.1)", resize: 256, crop: 224}, 0.1, 5)},
	{`alexnet/.*/paper`, plateau(regime{epochs: 90, batch: 128, lr: 0.01, decay: 5e-4, augment: "resize(256), crop, flip, pca(0.1)", resize: 256, crop: 227}, 0.1, 5)},
	{`alexnet/cifar/quick`, quickly(15, 64, 0.02, func(r *regime) { r.initial, r.clip = "he", 5 })},
	{`alexnet/.*/quick`, quickly(5, 32, 0.01, func(r *regime) { r.initial, r.start = "he", 0.3 })},
	// Zeiler and Fergus 2013, section 3.1: 70 passes, no weight decay told.
	{`zfnet/.*/paper`, plateau(regime{epochs: 70, batch: 128, lr: 0.01, augment: "resize(256), crop, flip", resize: 256, crop: 224}, 0.1, 5)},
	{`zfnet/.*/quick`, quickly(5, 32, 0.01, func(r *regime) { r.initial, r.start = "he", 0.3 })},
	// Simonyan and Zisserman 2014, section 3.1.
	{`vgg\d+/cifar-bn/paper`, plateau(regime{epochs: 74, batch: 256, lr: 0.01, decay: 5e-4, initial: "glorot", augment: "crop(4), flip"}, 0.1, 3)},
	{`vgg\d+/.*/paper`, plateau(regime{epochs: 74, batch: 256, lr: 0.01, decay: 5e-4, initial: "glorot", augment: "scale(256, 512), crop, flip, pca(0.1)", resize: 256, crop: 224}, 0.1, 3)},
	{`vgg\d+/cifar-bn/quick`, quickly(15, 128, 0.05, func(r *regime) { r.smoothing = 0.1 })},
	{`vgg\d+/.*/quick`, quickly(5, 32, 0.01, func(r *regime) { r.initial, r.clip = "he", 5 })},
	// Szegedy et al. 2014, section 6: the rate 4 % lower every 8 epochs, averaged weights.
	{`googlenet/cifar/paper`, regime{epochs: 250, batch: 32, optimizer: "sgd", lr: 0.01, momentum: 0.9, decay: 2e-4, allDecayed: true, ema: 0.9999, initial: "network", schedule: "exponential", gamma: 0.96, every: 8, augment: "crop(4), flip"}},
	{`googlenet/.*/paper`, regime{epochs: 250, batch: 32, optimizer: "sgd", lr: 0.01, momentum: 0.9, decay: 2e-4, allDecayed: true, ema: 0.9999, initial: "network", schedule: "exponential", gamma: 0.96, every: 8, augment: "resized-crop, flip, color", resize: 256, crop: 224}},
	{`googlenet/cifar/quick`, quickly(8, 64, 0.05, func(r *regime) { r.initial, r.smoothing = "he", 0.1 })},
	{`googlenet/.*/quick`, quickly(5, 32, 0.01, func(r *regime) { r.ema, r.clip = 0.99, 5 })},
	// He et al. 2015, sections 3.4 and 4.2.
	{`resnet(18|34|50|101|152)/.*/paper`, plateau(regime{epochs: 120, batch: 256, lr: 0.1, decay: 1e-4, initial: "he", augment: "scale(256, 480), crop, flip, pca(0.1)", resize: 256, crop: 224}, 0.1, 5)},
	{`resnet(18|34|50|101|152)/.*/quick`, quickly(5, 32, 0.05, func(r *regime) { r.smoothing = 0.1 })},
	{`resnet110/.*/paper`, regime{epochs: 182, batch: 128, optimizer: "sgd", lr: 0.1, momentum: 0.9, decay: 1e-4, allDecayed: true, initial: "he", schedule: "step", milestones: []float64{90.9091, 136.3636}, gamma: 0.1, warmup: 1, warmupFrom: 0.1, augment: "crop(4), flip"}},
	{`resnet(8|14|20|32|44|56)/.*/paper`, regime{epochs: 182, batch: 128, optimizer: "sgd", lr: 0.1, momentum: 0.9, decay: 1e-4, allDecayed: true, initial: "he", schedule: "step", milestones: []float64{90.9091, 136.3636}, gamma: 0.1, augment: "crop(4), flip"}},
	{`resnet(8|14|20)/.*/quick`, quickly(50, 128, 0.2, nil)},
	{`resnet32/.*/quick`, quickly(31, 128, 0.2, nil)},
	{`resnet44/.*/quick`, quickly(22, 128, 0.2, nil)},
	{`resnet56/.*/quick`, quickly(17, 128, 0.2, nil)},
	{`resnet110/.*/quick`, quickly(9, 128, 0.2, nil)},
	// Springenberg et al. 2014, section 3.1.
	{`(allcnn|convpool-cnn|strided-cnn)-c/.*/paper`, regime{epochs: 350, batch: 128, optimizer: "sgd", lr: 0.05, momentum: 0.9, decay: 1e-3, allDecayed: true, initial: "network", schedule: "step", milestones: []float64{200, 250, 300}, gamma: 0.1, augment: "crop(5), flip"}},
	{`(allcnn|convpool-cnn|strided-cnn)-c/.*/quick`, quickly(10, 64, 0.05, func(r *regime) { r.initial, r.decay, r.clip = "he", 1e-3, 5 })},
	// Iandola et al. 2016: the solver beside the paper.
	{`squeezenet/.*/paper`, regime{epochs: 68, batch: 512, optimizer: "sgd", lr: 0.04, momentum: 0.9, decay: 2e-4, allDecayed: true, initial: "network", schedule: "polynomial", augment: "resize(256), crop, flip", resize: 256, crop: 224}},
	{`squeezenet/.*/quick`, quickly(8, 32, 0.02, nil)},
	// Huang et al. 2017, section 4.2.
	{`densenet-bc-100/.*/paper`, regime{epochs: 300, batch: 64, optimizer: "sgd", lr: 0.1, momentum: 0.9, nesterov: true, decay: 1e-4, allDecayed: true, initial: "he", schedule: "step", milestones: []float64{150, 225}, gamma: 0.1, augment: "crop(4), flip"}},
	{`densenet-bc-100/.*/quick`, quickly(12, 64, 0.1, nil)},
	{`densenet.*/paper`, regime{epochs: 90, batch: 256, optimizer: "sgd", lr: 0.1, momentum: 0.9, nesterov: true, decay: 1e-4, allDecayed: true, initial: "he", schedule: "step", milestones: []float64{30, 60}, gamma: 0.1, augment: "resized-crop, flip", resize: 256, crop: 224}},
	{`densenet.*/quick`, quickly(5, 32, 0.05, nil)},
	// Xie et al. 2017, section 4; Hu et al. 2018, section 4; Zagoruyko and Komodakis 2016, sections 3 and 3.5.
	{`resnext.*/paper`, regime{epochs: 100, batch: 256, optimizer: "sgd", lr: 0.1, momentum: 0.9, decay: 1e-4, allDecayed: true, initial: "he", schedule: "step", milestones: []float64{30, 60, 90}, gamma: 0.1, augment: "resized-crop, flip", resize: 256, crop: 224}},
	{`se-resnet50/.*/paper`, regime{epochs: 100, batch: 1024, optimizer: "sgd", lr: 0.6, momentum: 0.9, decay: 1e-4, allDecayed: true, initial: "he", schedule: "step", every: 30, gamma: 0.1, augment: "resized-crop, flip", resize: 256, crop: 224}},
	{`wide-resnet.*/paper`, plateau(regime{epochs: 120, batch: 256, lr: 0.1, decay: 1e-4, initial: "he", augment: "scale(256, 480), crop, flip, pca(0.1)", resize: 256, crop: 224}, 0.1, 5)},
	{`(resnext|se-resnet|wide-resnet).*/quick`, quickly(5, 32, 0.05, func(r *regime) { r.smoothing = 0.1 })},
	{`wrn-.*/paper`, regime{epochs: 200, batch: 128, optimizer: "sgd", lr: 0.1, momentum: 0.9, nesterov: true, decay: 5e-4, allDecayed: true, initial: "he", schedule: "step", milestones: []float64{60, 120, 160}, gamma: 0.2, augment: "crop(4), flip"}},
	{`wrn-.*/quick`, quickly(20, 128, 0.2, nil)},
	// Sandler et al. 2018, section 6.1; Howard et al. 2019, section 6.1.1; Tan and Le 2019, section 5.2: with momentum in
	// place of RMSProp.
	{`mobilenetv2/cifar/paper`, regime{epochs: 300, batch: 96, optimizer: "sgd", lr: 0.045, momentum: 0.9, decay: 4e-5, allDecayed: true, ema: 0.9999, initial: "network", schedule: "exponential", gamma: 0.98, every: 1, augment: "crop(4), flip"}},
	{`mobilenetv2/.*/paper`, regime{epochs: 300, batch: 96, optimizer: "sgd", lr: 0.045, momentum: 0.9, decay: 4e-5, allDecayed: true, ema: 0.9999, initial: "network", schedule: "exponential", gamma: 0.98, every: 1, augment: "resized-crop, flip", resize: 256, crop: 224}},
	{`mobilenetv2/cifar/quick`, quickly(12, 64, 0.1, nil)},
	{`mobilenetv3-.*/paper`, regime{epochs: 600, batch: 4096, optimizer: "sgd", lr: 0.1, momentum: 0.9, decay: 1e-5, allDecayed: true, ema: 0.9999, initial: "network", schedule: "exponential", gamma: 0.99, every: 3, warmup: 5, warmupFrom: 0.1, augment: "resized-crop, flip", resize: 256, crop: 224}},
	{`efficientnet-b0/.*/paper`, efficient(224)},
	{`efficientnet-b1/.*/paper`, efficient(240)},
	{`efficientnet-b2/torchvision/paper`, efficient(288)},
	{`efficientnet-b2/paper/paper`, efficient(260)},
	{`efficientnet-b3/.*/paper`, efficient(300)},
	{`(mobilenet|efficientnet).*/quick`, quickly(5, 32, 0.05, nil)},
	// Liu et al. 2022, table 5.
	{`convnext-.*/paper`, regime{epochs: 300, batch: 4096, optimizer: "adamw", lr: 4e-3, decay: 0.05, smoothing: 0.1, ema: 0.9999, initial: "network", schedule: "cosine", warmup: 20, warmupFrom: 1e-3, augment: "resized-crop, flip, mixup(0.8, p=0.5), cutmix(p=0.5)", resize: 236, crop: 224}},
	{`convnext-.*/quick`, quickly(5, 32, 1e-3, func(r *regime) { r.optimizer, r.momentum, r.nesterov, r.decay = "adamw", 0, false, 0.05 })},
	// Silver et al. 2016, methods: 0.003 halved every 80 million steps of 16, or half of that where the loss is the
	// whole squared distance, with 32.
	{`alphago-policy/.*/paper`, regime{epochs: 185, batch: 16, optimizer: "sgd", lr: 0.003, allDecayed: true, initial: "network", schedule: "step", every: 43.53741, gamma: 0.5}},
	{`alphago-policy/.*/quick`, quickly(20, 32, 0.02, func(r *regime) { r.decay, r.clip, r.start = 1e-4, 1, 0.2 })},
	{`alphago-value/.*/paper`, regime{epochs: 53, batch: 32, optimizer: "sgd", lr: 0.0015, allDecayed: true, initial: "network", schedule: "step", every: 85.33333, gamma: 0.5}},
	{`alphago-value/.*/quick`, quickly(20, 32, 0.005, func(r *regime) { r.decay, r.clip, r.start = 1e-4, 5, 0.2 })},
}

// efficient is section 5.2 of Tan and Le 2019 for images of so many pixels, whose shorter side is scaled to 8/7 of it.
func efficient(side int) regime {
	return regime{epochs: 350, batch: 4096, optimizer: "sgd", lr: 0.256, momentum: 0.9, decay: 1e-5, allDecayed: true, smoothing: 0.1, ema: 0.9999, initial: "network", schedule: "exponential", gamma: 0.97, every: 2.4, warmup: 5, warmupFrom: 0.1, augment: "resized-crop, flip", resize: side * 8 / 7, crop: side}
}

func TestRecipesAreThePapers(t *testing.T) {
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			m := e.New(zoo.Variant(v.Name))
			for _, r := range m.Recipes() {
				name := e.Name + "/" + v.Name + "/" + r.Name
				t.Run(name, func(t *testing.T) {
					i := slices.IndexFunc(regimes, func(r struct {
						recipe string
						regime
					}) bool {
						return regexp.MustCompile("^(?:" + r.recipe + ")$").MatchString(name)
					})
					if i < 0 {
						t.Fatalf("regimes says nothing of %s", name)
					}
					c, err := m.Recipe(r.Name, "nothing usual")
					if err != nil {
						t.Fatal(err)
					}
					got, want := regimeOf(c.Config), regimes[i].regime
					for k := range want.milestones {
						if k < len(got.milestones) && math.Abs(got.milestones[k]-want.milestones[k]) < 1e-3 {
							want.milestones = slices.Clone(want.milestones)
							want.milestones[k] = got.milestones[k]
						}
					}
					if math.Abs(got.every-want.every) < 1e-4 {
						want.every = got.every
					}
					if !reflect.DeepEqual(got, want) {
						t.Errorf("got\n%+v\nwant\n%+v", got, want)
					}
					if !got.allDecayed && !reflect.DeepEqual(c.Optimizer.Rules, []recipe.Rule{{Dims: 1, LR: 1, Decay: 0}}) {
						t.Errorf("rules %+v: weight decay should leave biases and batch normalisation alone, and nothing else", c.Optimizer.Rules)
					}
				})
			}
		}
	}
}

// The rates of stochastic depth rise evenly from the first block to the last: those of ConvNeXt to the rate itself
// (arXiv:2201.03545, table 5), those of EfficientNet as torchvision has them, block i of n having i/n of it. A block without a
// shortcut cannot be left out. What has the rate zero is no layer.
func TestStochasticDepthRisesBlockByBlock(t *testing.T) {
	var tiny, small, b0 []float64
	for i := 1; i <= 17; i++ {
		tiny = append(tiny, 0.1*float64(i)/17)
	}
	for i := 1; i <= 35; i++ {
		small = append(small, 0.4*float64(i)/35)
	}
	for _, i := range []int{2, 4, 6, 7, 9, 10, 12, 13, 14} { // of the sixteen blocks 1 + 2 + 2 + 3 + 3 + 4 + 1 those that are not the first of their stage
		b0 = append(b0, 0.2*float64(i)/16)
	}
	want := map[string][]float64{"convnext-tiny": tiny, "convnext-small": small, "efficientnet-b0": b0}
	last := map[string]float64{"efficientnet-b1": 0.2 * 22 / 23, "efficientnet-b2": 0.2 * 22 / 23, "efficientnet-b3": 0.2 * 25 / 26} // the deepest block with a shortcut
	rates := func(m *zoo.Model, mode graph.Mode) (list []float64) {
		b := graph.NewBuilder(graph.NewParams(), mode)
		if _, err := m.Build(b, b.Input("x", 2, m.Input[0], m.Input[1], m.Input[2])); err != nil {
			t.Fatal(err)
		}
		for _, l := range b.Layers() {
			if l.Kind == "stochastic depth" {
				list = append(list, l.Rate)
			}
		}
		return list
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }
	for _, e := range zoo.List() {
		for _, v := range e.Variants {
			name := e.Name + "/" + v.Name
			got := rates(e.New(zoo.Variant(v.Name)), graph.Train)
			switch {
			case want[e.Name] != nil:
				if !slices.EqualFunc(got, want[e.Name], near) {
					t.Errorf("%s: %v, want %v", name, got, want[e.Name])
				}
			case last[e.Name] > 0:
				if !slices.IsSorted(got) || len(got) == 0 || !near(got[len(got)-1], last[e.Name]) {
					t.Errorf("%s: %v, the last should be %v", name, got, last[e.Name])
				}
			case len(got) > 0 || slices.Contains(v.Takes, "drop_path"):
				t.Errorf("%s: %v: say in this test what it should have", name, got)
			}
			if e.Name != "convnext-tiny" && e.Name != "efficientnet-b0" { // the others are built by the same functions
				continue
			}
			if half := rates(e.New(zoo.Variant(v.Name), zoo.DropPath(0.05)), graph.Train); len(half) != len(got) || !near(half[0]/got[0], half[len(half)-1]/got[len(got)-1]) {
				t.Errorf("%s: with the option drop_path 0.05: %v", name, half)
			}
			if none := rates(e.New(zoo.Variant(v.Name), zoo.DropPath(0)), graph.Train); len(none) > 0 {
				t.Errorf("%s: with the option drop_path 0: %v", name, none)
			}
			if none := rates(e.New(zoo.Variant(v.Name)), graph.Eval); len(none) > 0 {
				t.Errorf("%s: evaluation leaves blocks out: %v", name, none)
			}
		}
	}
}
