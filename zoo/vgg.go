package zoo

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
)

// VGGNet: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
// ICLR 2015, arXiv:1409.1556, table 1.

// vggTable is table 1: the convolutions of each of the five stages, which are 64, 128, 256, 512 and 512
// filters wide and end in a pooling of 2×2. All are 3×3; a 1 in C is its 1×1.
var vggTable = map[string][5][]int{
	"A": {{3}, {3}, {3, 3}, {3, 3}, {3, 3}},
	"B": {{3, 3}, {3, 3}, {3, 3}, {3, 3}, {3, 3}},
	"C": {{3, 3}, {3, 3}, {3, 3, 1}, {3, 3, 1}, {3, 3, 1}},
	"D": {{3, 3}, {3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}},
	"E": {{3, 3}, {3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}, {3, 3, 3, 3}},
}

var (
	vgg11 = registerVGG("vgg11", "A",
		vggVariant("A", 132_863_336, 7_609_090_048, "29.6/10.4"),
		vggVariant("A-LRN", 132_863_336, 7_609_090_048, "29.7/10.5").noting("response normalisation after the first layer"),
		vggVariant("bn", 132_868_840, 7_609_090_048, "29.63/10.19 (torchvision)").withBatchNorm(),
		vggVariant("gap", 9_733_480, 7_485_968_384, "").withAveraging(),
		vggVariant("cifar-bn", 9_231_114, 152_769_536, "").forSmallImages())
	vgg13 = registerVGG("vgg13", "B",
		vggVariant("B", 133_047_848, 11_308_466_176, "28.7/9.9"),
		vggVariant("bn", 133_053_736, 11_308_466_176, "28.41/9.63 (torchvision)").withBatchNorm(),
		vggVariant("gap", 9_917_992, 11_185_344_512, "").withAveraging(),
		vggVariant("cifar-bn", 9_416_010, 228_267_008, "").forSmallImages())
	vgg16 = registerVGG("vgg16", "D",
		vggVariant("D", 138_357_544, 15_470_264_320, "27.0/8.8"),
		vggVariant("C", 133_638_952, 11_770_888_192, "28.1/9.4").noting("the third convolutions of stages 3 to 5 are 1×1"),
		vggVariant("bn", 138_365_992, 15_470_264_320, "26.64/8.48 (torchvision)").withBatchNorm(),
		vggVariant("gap", 15_227_688, 15_347_142_656, "").withAveraging(),
		vggVariant("cifar-bn", 14_728_266, 313_201_664, "").forSmallImages())
	vgg19 = registerVGG("vgg19", "E",
		vggVariant("E", 143_667_240, 19_632_062_464, "27.3/9.0"),
		vggVariant("bn", 143_678_248, 19_632_062_464, "25.78/8.12 (torchvision)").withBatchNorm(),
		vggVariant("gap", 20_537_384, 19_508_940_800, "").withAveraging(),
		vggVariant("cifar-bn", 20_040_522, 398_136_320, "").forSmallImages())
)

func registerVGG(name, configuration string, variants ...VariantInfo) func(...Option) *Model {
	return Register(Entry{
		Name: name, Title: "VGG-" + name[3:], Year: 2014, ArXiv: "1409.1556",
		Paper:    "Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015",
		Idea:     "Nothing but 3×3 convolutions: two see as far as a 5×5, three as a 7×7, with fewer weights and more non-linearity.",
		Recipe:   "batch 256, momentum 0.9, weight decay 5e-4, dropout 0.5, lr 0.01 /10 on plateau three times, 74 epochs",
		Variants: variants, Recipes: vggRecipes,
		Build: func(b *graph.Builder, x *gorgonia.Node, o Options) *gorgonia.Node {
			if o.Variant == "C" {
				return vgg(b, x, o, vggTable["C"])
			}
			return vgg(b, x, o, vggTable[configuration])
		},
	})
}

func vggVariant(name string, params, macs int64, paperError string) VariantInfo {
	return VariantInfo{
		Name: name, Options: Options{Classes: 1000, Input: [3]int{3, 224, 224}, BatchNorm: new(false), Head: "fc"},
		Takes: []string{"width", "dropout", "batch_norm", "head"}, Params: params, MACs: macs, PaperError: paperError,
	}
}

func (v VariantInfo) noting(note string) VariantInfo {
	v.Note = note
	return v
}

func (v VariantInfo) withBatchNorm() VariantInfo {
	v.Options.BatchNorm = new(true)
	return v.noting("batch normalisation after every convolution")
}

func (v VariantInfo) withAveraging() VariantInfo {
	v.Options.Head = "gap"
	return v.noting("global average pooling and one layer in place of the three")
}

// forSmallImages is the form in which VGG is trained on CIFAR-10 since Liu & Deng ("Very deep
// convolutional neural network based image classification using small training sample size", ACPR 2015:
// 8.45 % error) and Zagoruyko ("92.45% on CIFAR-10 in Torch", 2015): all convolutions, each with batch
// normalisation. The last pooling of 32×32 leaves one pixel, on which a single layer decides: they have
// another of 512 units before it, and dropout, which normalisation and augmentation make superfluous.
func (v VariantInfo) forSmallImages() VariantInfo {
	v = v.withBatchNorm().withAveraging()
	v.Options.Classes, v.Options.Input = 10, [3]int{3, 32, 32}
	v.Recipes = []recipe.Recipe{onSmallImages(vggRecipes[0]), recipe.Quick(15, 128, 0.05).With(func(c *recipe.Config) { c.Smoothing = 0.1 })}
	return v.noting("for 32×32: batch normalisation after every convolution, one layer in place of the three")
}

var vggRecipes = []recipe.Recipe{
	// Section 3.1: batches of 256, momentum 0.9, weight decay 0.0005, rate 0.01 divided by 10 three times on a
	// plateau, 74 passes; weights as Glorot's (the footnote), the scale of the images drawn from 256 to 512,
	// colour noise.
	{Name: "paper", Config: recipe.Config{
		Epochs: 74, Batch: 256, Initialiser: "glorot", Augment: recipe.Augmentation{"scale(256, 512)", "crop", "flip", "pca(0.1)"}, Resize: 256, Crop: 224,
		Optimizer: recipe.Optimizer{LR: 0.01, Momentum: 0.9, WeightDecay: 5e-4},
		Schedule:  recipe.Schedule{Name: "plateau", Gamma: 0.1, Patience: 3, Final: 1e-3},
	}},
	recipe.Quick(5, 32, 0.01).With(func(c *recipe.Config) { c.Initialiser, c.Optimizer.Clip = "he", 5 }),
}

// VGG11 is configuration A of Simonyan and Zisserman (arXiv:1409.1556, table 1).
//
// Input N×3×224×224; 132,863,336 parameters; 7.61 GMAC. Variants: "A-LRN"; "bn", 132,868,840 parameters;
// "gap", 9,733,480; "cifar-bn", for N×3×32×32 and 10 classes, 9,231,114 and 0.153 GMAC. Options of all VGG
// networks: [BatchNorm], [Head], [Dropout], [Width].
func VGG11(opts ...Option) *Model { return vgg11(opts...) }

// VGG13 is configuration B: 133,047,848 parameters; 11.31 GMAC. Variants: "bn", 133,053,736; "gap";
// "cifar-bn", 9,416,010 and 0.228 GMAC.
func VGG13(opts ...Option) *Model { return vgg13(opts...) }

// VGG16 is configuration D: 138,357,544 parameters; 15.47 GMAC. Variants: "C", 133,638,952 parameters,
// 11.77 GMAC; "bn", 138,365,992; "gap", 15,227,688; "cifar-bn", for N×3×32×32 and 10 classes, 14,728,266
// and 0.313 GMAC.
func VGG16(opts ...Option) *Model { return vgg16(opts...) }

// VGG19 is configuration E: 143,667,240 parameters; 19.63 GMAC. Variants: "bn", 143,678,248; "gap",
// 20,537,384; "cifar-bn", 20,040,522 and 0.398 GMAC.
func VGG19(opts ...Option) *Model { return vgg19(opts...) }

// vgg builds a row of the table. Layers are numbered as in torchvision's list of modules, where ReLU,
// pooling and normalisation count. Initial weights are Glorot's, as the paper came to recommend (section
// 3.1); with batch normalisation, which is not the paper's, they are torchvision's.
func vgg(b *graph.Builder, x *gorgonia.Node, o Options, row [5][]int) *gorgonia.Node {
	b.DefaultInit(graph.Glorot(), graph.Constant(0))
	if yes(o.BatchNorm) {
		b.DefaultInit(graph.HeFanOut(), graph.Constant(0))
	}
	module := 0
	next := func() string { module++; return fmt.Sprintf("features.%d", module-1) }
	for stage, convolutions := range row {
		for _, kernel := range convolutions {
			x = b.Conv(x, next(), o.units(min(64<<stage, 512), 1), kernel, graph.Same())
			if yes(o.BatchNorm) {
				x = b.BatchNorm(x, next(), 1e-5, 0.1)
			}
			x = b.ReLU(x)
			next()
			if o.Variant == "A-LRN" && stage == 0 {
				x = b.LRN(x, 5, 2, 1e-4, 0.75)
				next()
			}
		}
		x = b.MaxPool(x, 2)
		next()
		// 64×112×112, 128×56×56, 256×28×28, 512×14×14, 512×7×7
	}
	if yes(o.BatchNorm) {
		b.DefaultInit(graph.Normal(0.01), graph.Constant(0))
	}
	if o.Head == "gap" {
		return b.Dense(b.GlobalAvgPool(x), "classifier", o.Classes) // 512, 1000
	}
	x = b.Flatten(x) // 25088
	for _, name := range []string{"classifier.0", "classifier.3"} {
		x = b.Dropout(b.ReLU(b.Dense(x, name, o.units(4096, 1))), o.rate(0.5)) // 4096
	}
	return b.Dense(x, "classifier.6", o.Classes) // 1000
}
