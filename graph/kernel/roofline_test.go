package kernel

import (
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/graph/kernel/simd"
)

func TestMeasureRoofline(t *testing.T) {
	for _, f := range Families() {
		t.Run(f.String(), func(t *testing.T) {
			setFamily(t, f)
			p := NewPool(2)
			defer p.Close()
			r := MeasureRoofline(p)
			// No processor that this runs on is outside of these, in any family.
			if r.FLOPS < 1e7 || r.FLOPS > 1e13 {
				t.Errorf("%g operations a second", r.FLOPS)
			}
			if r.Bytes < 1e7 || r.Bytes > 1e13 {
				t.Errorf("%g bytes a second", r.Bytes)
			}
		})
	}
}

func TestTheRooflinesOperationsAreThoseOfTheTile(t *testing.T) {
	for _, f := range Families() {
		setFamily(t, f)
		r := newPeakRun()
		if r.rows*r.panels == 0 || simd.MaxRows(r.panels) != r.rows {
			t.Errorf("%v: a tile of %d rows and %d panels", f, r.rows, r.panels)
		}
		if want := float64(2 * len(r.a) * r.panels * Block * peakCalls); r.flops() != want {
			t.Errorf("%v: %g operations in a task, want %g", f, r.flops(), want)
		}
	}
}
