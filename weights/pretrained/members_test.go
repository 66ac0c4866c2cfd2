package pretrained

import (
	"slices"
	"testing"
)

// An ensemble's members are in the order of their numbers, not of their names; a file of the name itself is no ensemble.
func TestMembersAreInTheOrderOfTheirNumbers(t *testing.T) {
	files := []string{"a-m1", "a-m10", "a-m2", "a-more-m1", "b", "b-m1", "c-m0", "c-m01"}
	for name, want := range map[string][]string{
		"a": {"a-m1", "a-m2", "a-m10"}, "a-more": {"a-more-m1"}, "a-m10": {"a-m10"}, "b": {"b"}, "c": nil, "a-m": nil, "": nil,
	} {
		if got := members(files, name); !slices.Equal(got, want) {
			t.Errorf("%q stands for %q, want %q", name, got, want)
		}
	}
}
