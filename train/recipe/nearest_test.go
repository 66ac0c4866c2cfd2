package recipe

import "testing"

func TestANameThatWasProbablyMeantIsNamed(t *testing.T) {
	names := []string{"epochs", "batch", "schedule.name", "optimizer.lr", "Crop"}
	for _, c := range []struct {
		name string
		of   []string
		want string
	}{
		{"epohcs", names, "epochs"}, // two letters that swapped are one fault
		{"EPOCHS", names, "epochs"},
		{"epoch", names, "epochs"},
		{"crap", names, "Crop"},
		{"sched", names, "schedule.name"}, // goes on
		{"lr", names, "optimizer.lr"},     // ends so
		{"x.crop", names, "Crop"},
		{"", names, ""},
		{"e", names, ""},
		{"learning", names, ""},
		{"alexnets", []string{"alexn"}, "alexn"}, // three letters, and no more
		{"alexnetss", []string{"alexn"}, ""},
		{"axnt", []string{"alexnet"}, "alexnet"},
		{"ant", []string{"alexnet"}, ""},
		{"abc", []string{"abd", "abe"}, "abd"}, // the first of equally near ones
		{"ab", []string{"ac"}, "ac"},
		{"a", []string{"b"}, ""},
		{"res", []string{"resnet152", "resnet18", "resnet34"}, "resnet18"}, // of those that go on the first of the shortest
		{"r", []string{"resnet18"}, ""},
	} {
		if got := Nearest(c.name, c.of); got != c.want {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}
