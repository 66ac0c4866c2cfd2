package datasets

import (
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestNothingIsAnError(t *testing.T) {
	img := new(image.Image)
	for what, f := range map[string]func() error{
		"NewLoader":            func() error { _, err := NewLoader(nil, Config{Batch: 1}); return err },
		"Sheet":                func() error { _, err := Sheet(t.Context(), nil, Config{}, SheetOptions{}); return err },
		"ImageAtLeast":         func() error { return ImageAtLeast(nil, 0, 1, img) },
		"HoldOut":              func() error { _, _, err := HoldOut(nil, 0.5, 1); return err },
		"ComputeNormalisation": func() error { _, _, err := ComputeNormalisation(nil, 1); return err },
		"Measure":              func() error { _, err := image.Measure(nil, 1); return err },
		"ComputePCA":           func() error { _, err := augment.ComputePCA(nil, 1); return err },
		"From":                 func() error { return img.From(nil) },
		"Resize":               func() error { return new(image.Resizer).Resize(nil, img) },
		"Resize nil":           func() error { return new(image.Resizer).Resize(img, nil) },
	} {
		if err := f(); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestImagesThatAreNotThere(t *testing.T) {
	f, err := OpenFolderPart(tinyTree(t), Train, FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	memory, err := NewMemory(Info{Name: "two", Classes: []string{"a", "b"}, Shape: image.Shape{C: 1, H: 1, W: 1}}, make([]uint8, 4), []int32{0, 1, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	rest, held, err := HoldOut(memory, 0.5, 1)
	if err != nil {
		t.Fatal(err)
	}
	img := new(image.Image)
	for what, src := range map[string]Source{"folder": f, "memory": memory, "rest": rest, "held": held} {
		for _, i := range []int{-1, src.Len(), src.Len() + 1000} {
			if src.Label(i) != -1 || src.Image(i, img) == nil || ImageAtLeast(src, i, 1, img) == nil {
				t.Errorf("%s has an image %d", what, i)
			}
			if _, err := Path(src, i); err == nil && what == "folder" {
				t.Errorf("%s has a path %d", what, i)
			}
		}
		if src.Label(src.Len()-1) < 0 || src.Image(src.Len()-1, img) != nil {
			t.Errorf("%s has no last image", what)
		}
	}
}
