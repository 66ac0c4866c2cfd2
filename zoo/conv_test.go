package zoo_test

import (
	"reflect"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

func TestParseConv(t *testing.T) {
	for text, want := range map[string]zoo.Conv{
		"36x36x3,5x5,10,stride=1,pad=0": {Input: [3]int{3, 36, 36}, Kernel: [2]int{5, 5}, Filters: 10, Stride: 1, Groups: 1, Dilation: 1},
		"4X5×6, 1x2, 8, dilation=3, groups=2, stride=4, pad=7": {Input: [3]int{6, 4, 5}, Kernel: [2]int{1, 2}, Filters: 8,
			Stride: 4, Pad: 7, Groups: 2, Dilation: 3},
	} {
		if got, err := zoo.ParseConv(text); err != nil || got != want {
			t.Errorf("%q is %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// A convolution alone has the numbers of the same layer in a network.
func TestInspectConvAgreesWithNetworks(t *testing.T) {
	whole, err := zoo.Inspect(zoo.AlexNet())
	if err != nil {
		t.Fatal(err)
	}
	layers := map[string]zoo.LayerReport{}
	for _, l := range whole.Layers {
		layers[l.Name] = l
	}
	for name, text := range map[string]string{
		"conv1": "227x227x3,11x11,96,stride=4",
		"conv2": "27x27x96,5x5,256,pad=2,groups=2",
		"conv3": "13x13x256,3x3,384,pad=1",
	} {
		c, err := zoo.ParseConv(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := zoo.InspectConv(c)
		if err != nil {
			t.Fatal(err)
		}
		got, want := r.Layers[0], layers[name]
		got.Name, got.From, want.From = want.Name, nil, nil
		if !reflect.DeepEqual(got, want) || r.Parameters != want.Parameters || r.MACs != want.MACs {
			t.Errorf("%s alone is %+v, in AlexNet %+v", name, got, want)
		}
	}
}

// Whatever is written, the answer is a report or an error.
func FuzzParseConv(f *testing.F) {
	for _, s := range []string{"36x36x3,5x5,10,stride=1,pad=0", "1048576x1048576x1048576,1x1,1", "9x9x4,3x3,4,groups=3", "1x1x1,1x1,1,pad=1048576,dilation=1048576", ",,,=", "x,x,x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := zoo.ParseConv(text)
		if err != nil {
			return
		}
		if r, err := zoo.InspectConv(c); err == nil && (r.Parameters < 1 || r.MACs < 1 || len(r.Layers) != 1) {
			t.Errorf("%q: %+v", text, r)
		}
	})
}
