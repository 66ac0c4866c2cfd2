package image

import (
	"fmt"
	"math"
	"strings"
)

// A Filter says how pixels are interpolated when an image is resized. The names and the results are
// Pillow's: an image that becomes smaller is smoothed accordingly (antialias), but for Nearest.
type Filter uint8

// Filters. Bilinear, the zero value, is what most networks were trained with.
const (
	Bilinear Filter = iota
	Bicubic
	Lanczos
	Box
	Hamming
	Nearest
)

var filters = []struct {
	name    string
	support float64 // pixels on either side
	weight  func(x float64) float64
}{
	Bilinear: {"bilinear", 1, func(x float64) float64 { return max(1-max(x, -x), 0) }},
	Bicubic:  {"bicubic", 2, bicubic},
	Lanczos:  {"lanczos", 3, lanczos},
	Box:      {"box", 0.5, box},
	Hamming:  {"hamming", 1, hamming},
	Nearest:  {"nearest", 0, nil},
}

// String is the filter's name, as torchvision and timm have it: "bilinear".
func (f Filter) String() string {
	if int(f) < len(filters) {
		return filters[f].name
	}
	return fmt.Sprintf("filter %d", uint8(f))
}

// ParseFilter gives the filter of a name; "" is bilinear. The error lists the names.
func ParseFilter(name string) (Filter, error) {
	if name == "" {
		return Bilinear, nil
	}
	var names []string
	for f, one := range filters {
		if strings.EqualFold(name, one.name) {
			return Filter(f), nil
		}
		names = append(names, one.name)
	}
	return 0, fmt.Errorf("interpolation %q: should be one of %s", name, strings.Join(names, ", "))
}

// The following are Pillow's (src/libImaging/Resample.c). The conversions forbid fused
// multiply-adds, which round otherwise.

func bicubic(x float64) float64 {
	const a = -0.5
	switch x = math.Abs(x); {
	case x < 1:
		return float64(float64(float64(float64((a+2.)*x)-(a+3.))*x)*x) + 1
	case x < 2:
		return float64(float64(float64(float64(float64(x-5)*x)+8)*x)-4) * a
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x = float64(x * math.Pi)
	return math.Sin(x) / x
}

func lanczos(x float64) float64 {
	if -3 <= x && x < 3 {
		return float64(sinc(x) * sinc(x/3))
	}
	return 0
}

func box(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func hamming(x float64) float64 {
	switch x = math.Abs(x); {
	case x == 0:
		return 1
	case x >= 1:
		return 0
	}
	x = float64(x * math.Pi)
	return float64(math.Sin(x) / x * float64(0.54+float64(0.46*math.Cos(x))))
}

// nearest takes, for each of out pixels, the one of in that its centre lies in. Steps are added up, as
// Pillow's are.
func nearest(in, out int) []int {
	list := make([]int, out)
	step := float64(in) / float64(out)
	at := float64(step * 0.5)
	for i := range list {
		list[i] = min(int(at), in-1)
		at += step
	}
	return list
}
