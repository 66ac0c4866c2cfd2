package graph

import (
	"math"
	"math/rand/v2"
)

// An Initializer fills a new parameter. A weight's shape is out×in or out×in×kh×kw: fan-in is the
// number of inputs of one output, in·kh·kw, fan-out is out·kh·kw.
type Initializer func(r *rand.Rand, shape []int, data []float32)

// Constant fills with v.
func Constant(v float32) Initializer {
	return func(_ *rand.Rand, _ []int, data []float32) {
		for i := range data {
			data[i] = v
		}
	}
}

// Normal draws from a normal distribution with mean 0 and the standard deviation std, as AlexNet does
// with std 0.01 (Krizhevsky et al. 2012, section 5).
func Normal(std float64) Initializer {
	return func(r *rand.Rand, _ []int, data []float32) {
		for i := range data {
			data[i] = float32(std * r.NormFloat64())
		}
	}
}

// Uniform draws evenly from [-bound, bound).
func Uniform(bound float64) Initializer {
	return func(r *rand.Rand, _ []int, data []float32) {
		for i := range data {
			data[i] = float32(bound * (2*float64(r.Float64()) - 1))
		}
	}
}

// Glorot draws evenly with variance 2/(fan-in + fan-out) (Glorot and Bengio 2010, equation 16), known
// as Xavier initialisation too.
func Glorot() Initializer {
	return func(r *rand.Rand, shape []int, data []float32) {
		in, out := fans(shape)
		Uniform(math.Sqrt(6/float64(in+out)))(r, shape, data)
	}
}

// He draws from a normal distribution with variance 2/fan-in, which keeps the size of the activations
// through layers of ReLU (He et al. 2015, "Delving Deep into Rectifiers", section 2.2).
func He() Initializer {
	return func(r *rand.Rand, shape []int, data []float32) {
		in, _ := fans(shape)
		Normal(math.Sqrt(2/float64(in)))(r, shape, data)
	}
}

// HeUniform is [He] with an even distribution of the same variance; torchvision's choice for SqueezeNet.
func HeUniform() Initializer {
	return func(r *rand.Rand, shape []int, data []float32) {
		in, _ := fans(shape)
		Uniform(math.Sqrt(6/float64(in)))(r, shape, data)
	}
}

// HeFanOut is [He] with fan-out in place of fan-in, which keeps the size of the gradients;
// torchvision's choice for VGG and ResNet.
func HeFanOut() Initializer {
	return func(r *rand.Rand, shape []int, data []float32) {
		_, out := fans(shape)
		Normal(math.Sqrt(2/float64(out)))(r, shape, data)
	}
}

// FanInUniform draws evenly from ±1/√fan-in: PyTorch's default for the weights of convolutions and
// fully connected layers.
func FanInUniform() Initializer {
	return func(r *rand.Rand, shape []int, data []float32) {
		in, _ := fans(shape)
		Uniform(1/math.Sqrt(float64(in)))(r, shape, data)
	}
}

func fans(shape []int) (in, out int) {
	if len(shape) < 2 {
		return product(shape), product(shape)
	}
	receptive := product(shape[2:])
	return shape[1] * receptive, shape[0] * receptive
}
