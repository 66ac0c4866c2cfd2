package conv

import (
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

// setFamily chooses a family for the rest of the test.
func setFamily(t testing.TB, f simd.Family) {
	t.Helper()
	old := simd.CurrentFamily()
	if err := simd.SetFamily(f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = simd.SetFamily(old) })
}
