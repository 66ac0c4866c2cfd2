package explain

import "testing"

// Without a network, or with one without parameters, every way is an error.
func TestNothingToLookAtIsAnError(t *testing.T) {
	x := []float32{0}
	for _, s := range []*Subject{nil, {}, Of(nil), {Input: [3]int{1, 1, 1}}} {
		for what, f := range map[string]func() error{
			"Layers":        func() error { _, err := s.Layers(); return err },
			"LastMaps":      func() error { _, err := s.LastMaps(); return err },
			"Logits":        func() error { _, err := s.Logits(x); return err },
			"Filters":       func() error { _, err := Filters{}.Explain(s); return err },
			"Maps":          func() error { _, err := Maps{}.Explain(s, x); return err },
			"Saliency":      func() error { _, _, err := Saliency{}.Explain(s, x); return err },
			"Guided":        func() error { _, _, err := Guided{}.Explain(s, x); return err },
			"GradCAM":       func() error { _, _, err := GradCAM{}.Explain(s, x); return err },
			"GuidedGradCAM": func() error { _, _, err := GuidedGradCAM{}.Explain(s, x); return err },
			"Deconvnet":     func() error { _, err := Deconvnet{}.Explain(s, x); return err },
			"Occlusion":     func() error { _, _, err := Occlusion{}.Explain(t.Context(), s, x); return err },
			"Maximise":      func() error { _, _, err := Maximise{}.Explain(t.Context(), s); return err },
			"Invert":        func() error { _, _, err := Invert{}.Explain(t.Context(), s, x); return err },
			"Dream":         func() error { _, err := Dream{}.Explain(t.Context(), s, Plane{}); return err },
			"Strongest": func() error {
				_, err := Deconvnet{}.Strongest(t.Context(), s, func(func([]float32, error) bool) {}, []int{0}, 1)
				return err
			},
		} {
			if err := f(); err == nil {
				t.Errorf("%s of %+v is no error", what, s)
			}
		}
	}
	if of, p := Best(nil); of != -1 || p != 0 {
		t.Errorf("class %d of none, with probability %v", of, p)
	}
	if p := Paletted(nil); !p.Bounds().Empty() || len(p.Palette) == 0 {
		t.Errorf("a picture of %v of none", p.Bounds())
	}
}
