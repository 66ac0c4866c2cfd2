package nearest

import "testing"

func TestANameThatWasProbablyMeantIsNamed(t *testing.T) {
	names := []string{"lenet5", "alexnet", "vgg16", "module.fc.bias", "Crop"}
	for name, want := range map[string]string{
		"alxenet":   "alexnet", // two that swapped are one fault
		"ALEXNET":   "alexnet",
		"lennet":    "lenet5",
		"crap":      "Crop",
		"alex":      "alexnet", // goes on
		"fc.bias":   "module.fc.bias",
		"x.crop":    "Crop",
		"":          "",
		"a":         "",
		"resnet152": "",
		"vg":        "vgg16",
	} {
		if got := Nearest(name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := Nearest("ab", []string{"abd", "abc"}); got != "abd" {
		t.Errorf("of equally close ones %q, want the first", got)
	}
	if got, want := Hint("vgg61", names), `; did you mean "vgg16"?`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Hint("nothing like it", names); got != "" {
		t.Errorf("%q of a name that is near none", got)
	}
}
