package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph"
)

// A resizing says how places of a new axis are found on the old one.
type resizing struct {
	mode        string // nearest, linear or cubic
	coordinates string // coordinate_transformation_mode
	nearest     string // nearest_mode
	cubic       float64
	exclude     bool // weights beyond the edge count nothing, the others more
	roi         []float64
	outside     float32
}

// buildUpsample is what Resize was before version 10: nearest takes the pixel that a place lies in.
func buildUpsample(c *call) ([]*value, error) {
	v := c.in[0]
	r := resizing{mode: c.text("mode", "nearest"), coordinates: "asymmetric", nearest: "floor"}
	var scales []float32
	if a := c.attr("scales", attrFloats); a != nil {
		scales = a.floats
	}
	if len(c.in) > 1 {
		var err error
		if scales, err = c.numbers(1); err != nil {
			return nil, err
		}
	}
	if len(scales) == 0 && v.rank() == 4 {
		scales = []float32{1, 1, c.float("height_scale", 1), c.float("width_scale", 1)}
	}
	return one(c.resize(v, r, counting(0, 1, v.rank()), scales, nil))
}

func buildResize(c *call) ([]*value, error) {
	v := c.in[0]
	r := resizing{
		mode: c.text("mode", "nearest"), coordinates: c.text("coordinate_transformation_mode", "half_pixel"), nearest: c.text("nearest_mode", "round_prefer_floor"),
		cubic: float64(c.float("cubic_coeff_a", -0.75)), exclude: c.int("exclude_outside", 0) != 0, outside: c.float("extrapolation_value", 0),
	}
	along := counting(0, 1, v.rank())
	if list := c.ints("axes"); list != nil {
		var err error
		if along, err = axes(list, v.rank()); err != nil {
			return nil, err
		}
	}
	switch {
	case c.int("antialias", 0) != 0:
		return nil, fmt.Errorf("antialias is 1")
	case c.text("keep_aspect_ratio_policy", "stretch") != "stretch":
		return nil, fmt.Errorf("keep_aspect_ratio_policy is %q", c.text("keep_aspect_ratio_policy", ""))
	}
	if c.m.Opset < 11 {
		r.coordinates, r.nearest = "asymmetric", "floor"
		scales, err := c.numbers(1)
		if err != nil {
			return nil, err
		}
		return one(c.resize(v, r, along, scales, nil))
	}
	if r.coordinates == "tf_crop_and_resize" {
		roi, err := c.numbers(1)
		if err != nil {
			return nil, err
		}
		for _, f := range roi {
			r.roi = append(r.roi, float64(f))
		}
		if len(r.roi) != 2*len(along) {
			return nil, fmt.Errorf("%d numbers of a region for %d axes", len(r.roi), len(along))
		}
	}
	scales, err := c.numbers(2)
	if err != nil {
		return nil, err
	}
	sizes, err := c.list(3)
	if err != nil {
		return nil, err
	}
	return one(c.resize(v, r, along, scales, sizes))
}

// numbers returns an input that has to be known, or nil where it is left out.
func (c *call) numbers(i int) ([]float32, error) {
	v := c.input(i)
	switch {
	case v == nil:
		return nil, nil
	case v.t == nil:
		return nil, fmt.Errorf("its input %d, %s, is computed: it has to be known when the graph is built", i, c.node.in[i])
	case !isFloat(v.t.typ):
		return nil, fmt.Errorf("its input %d, %s, is %s where fractions are needed", i, c.node.in[i], typeName(v.t.typ))
	}
	c.needs(v.t)
	return v.t.floats, nil
}

// resize resamples axes to sizes, or by scales where there are none.
func (c *call) resize(v *value, r resizing, along []int, scales []float32, sizes []int) (*value, error) {
	if len(sizes) == 0 && len(scales) != len(along) || len(sizes) > 0 && len(sizes) != len(along) {
		return nil, fmt.Errorf("%d scales and %d sizes for %d axes", len(scales), len(sizes), len(along))
	}
	shape := slices.Clone(v.shape)
	factors := make([]float64, len(along))
	for i, a := range along {
		side := v.shape[a]
		if len(sizes) > 0 {
			shape[a], factors[i] = sizes[i], float64(sizes[i])/float64(side)
			if c.stated > 0 && a == 0 && c.batch != c.stated && sizes[i] == c.stated && side == c.batch {
				shape[a], factors[i] = side, 1
			}
		} else {
			factors[i] = float64(scales[i])
			size := math.Floor(float64(float32(side) * scales[i]))
			if !(size >= 1 && size < most) {
				return nil, fmt.Errorf("a side of %d scaled by %g", side, scales[i])
			}
			shape[a] = int(size)
		}
		if shape[a] < 1 || side < 1 {
			return nil, fmt.Errorf("a side of %d becomes %d", side, shape[a])
		}
	}
	if _, err := elements(shape); err != nil {
		return nil, err
	}
	places := make([][]int, v.rank())
	for i, a := range along {
		from, to := v.shape[a], shape[a]
		if from == to && factors[i] == 1 && r.coordinates != "tf_crop_and_resize" {
			continue
		}
		var err error
		if places[a], err = c.places(0, 0, to); err != nil {
			return nil, err
		}
		taps := make([][]graph.Tap, to)
		for p := range taps {
			at, err := r.coordinate(p, i, len(along), from, to, factors[i])
			if err != nil {
				return nil, err
			}
			inside := r.coordinates != "tf_crop_and_resize" || at >= 0 && at <= float64(from-1)
			switch r.mode {
			case "nearest":
				if places[a][p], err = r.pixel(at, from); err != nil {
					return nil, err
				}
				if !inside {
					places[a][p] = -1
				}
			case "linear", "cubic":
				if places[a][p] = p; inside {
					taps[p] = r.taps(at, from)
				} else {
					places[a][p] = -1
				}
			default:
				return nil, fmt.Errorf("mode is %q", r.mode)
			}
		}
		if r.mode != "nearest" {
			before := v
			resampled := slices.Clone(v.shape)
			resampled[a] = to
			if v.t != nil {
				return nil, fmt.Errorf("it resizes a constant")
			}
			v = &value{shape: resampled, raw: v.raw, make: func() *value { return made(c.b.Resample(c.made(before), a, taps)) }}
		}
	}
	return c.pick(v, r.outside, places)
}

// coordinate is where place p of a new axis lies on the old one, in the 32 bits that ONNX Runtime and PyTorch compute
// with: the pixel nearest to a coordinate between two of them hangs on the last one.
func (r resizing) coordinate(p, i, of, from, to int, by float64) (float64, error) {
	x, scale, at := float32(p), float32(by), float32(0)
	switch r.coordinates {
	case "half_pixel":
		at = float32((x+0.5)/scale) - 0.5
	case "half_pixel_symmetric":
		// The middle stays in the middle also where the size was rounded.
		adjusted := float32(to) / float32(scale*float32(from))
		at = float32(float32(from)/2*(1-adjusted)) + float32((x+0.5)/scale) - 0.5
	case "pytorch_half_pixel":
		if to > 1 {
			at = float32((x+0.5)/scale) - 0.5
		}
	case "align_corners":
		if to > 1 {
			at = float32(x*float32(from-1)) / float32(to-1)
		}
	case "asymmetric":
		at = x / scale
	case "tf_half_pixel_for_nn":
		at = (x + 0.5) / scale
	case "tf_crop_and_resize":
		start, end := r.roi[i], r.roi[i+of]
		if to == 1 {
			return 0.5 * (start + end) * float64(from-1), nil
		}
		return start*float64(from-1) + float64(p)*(end-start)*float64(from-1)/float64(to-1), nil
	default:
		return 0, fmt.Errorf("coordinate_transformation_mode is %q", r.coordinates)
	}
	return float64(at), nil
}

// pixel is the place that is nearest to a coordinate.
func (r resizing) pixel(at float64, side int) (int, error) {
	switch r.nearest {
	case "round_prefer_floor":
		at = math.Ceil(at - 0.5)
	case "round_prefer_ceil":
		at = math.Floor(at + 0.5)
	case "floor":
		at = math.Floor(at)
	case "ceil":
		at = math.Ceil(at)
	default:
		return 0, fmt.Errorf("nearest_mode is %q", r.nearest)
	}
	return int(min(max(at, 0), float64(side-1))), nil
}

// taps are the places around a coordinate with their weights. Places beyond the edge are those at it.
func (r resizing) taps(at float64, side int) []graph.Tap {
	low := math.Floor(at)
	f := at - low
	weights, first := []float64{1 - f, f}, int(low)
	if r.mode == "cubic" {
		a := r.cubic
		near := func(d float64) float64 { return ((a+2)*d-(a+3))*d*d + 1 }
		far := func(d float64) float64 { return ((a*d-5*a)*d+8*a)*d - 4*a }
		weights, first = []float64{far(f + 1), near(f), near(1 - f), far(2 - f)}, first-1
	} else if at < 0 || at > float64(side-1) {
		return []graph.Tap{{Place: int(min(max(at, 0), float64(side-1))), Weight: 1}}
	}
	sum := 1.0
	if r.exclude {
		sum = 0
		for i := range weights {
			if p := first + i; p < 0 || p >= side {
				weights[i] = 0
			}
			sum += weights[i]
		}
	}
	var taps []graph.Tap
	for i, w := range weights {
		if w != 0 {
			taps = append(taps, graph.Tap{Place: min(max(first+i, 0), side-1), Weight: float32(w / sum)})
		}
	}
	return taps
}
