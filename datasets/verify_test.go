package datasets

import (
	"bytes"
	"context"
	"errors"
	std "image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func TestVerifyCountsWhatASetHas(t *testing.T) {
	dir := folder(t, func(s string) string { return s })
	v, err := Verify(t.Context(), "mnist", dir, Train, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]int, 10)
	want[3], want[9] = 1, 1
	if v.Images != 2 || v.Want != 60000 || !slices.Equal(v.Classes, want) || len(v.Broken) != 0 {
		t.Errorf("got %+v", v)
	}
	if err := v.Err(); err == nil || err.Error() != "train: 2 images: should be 60000" {
		t.Errorf("error %v", err)
	}
	v.Want = 2
	if err := v.Err(); err != nil {
		t.Errorf("error %v for a part without fault", err)
	}
	v.Published = "sha256:00"
	if err := v.Err(); err == nil || !strings.Contains(err.Error(), "train: checksum "+v.Checksum+": should be sha256:00") {
		t.Errorf("error %v", err)
	}
}

func TestVerifyNamesBrokenImages(t *testing.T) {
	emptyCache(t)
	dir := t.TempDir()
	var bad []string
	for _, class := range []string{"cat", "dog"} {
		sub := filepath.Join(dir, "train", class)
		if err := os.MkdirAll(sub, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a.png", "b.png", "c.png"} {
			f, err := os.Create(filepath.Join(sub, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, std.NewGray(std.Rect(0, 0, 3, 2))); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		bad = append(bad, filepath.Join(sub, "b.png"))
	}
	for _, path := range bad {
		if err := os.Truncate(path, 30); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "val"), os.DirFS(filepath.Join(dir, "train"))); err != nil {
		t.Fatal(err)
	}
	most := 0
	v, err := Verify(t.Context(), "folder", dir, Train, func(done, of int) { most = max(most, done) })
	if err != nil {
		t.Fatal(err)
	}
	if v.Images != 6 || v.Want != 0 || !slices.Equal(v.Classes, []int{3, 3}) || most != 6 {
		t.Errorf("got %+v, progress up to %d", v, most)
	}
	if len(v.Broken) != 2 || !errors.Is(v.Err(), image.ErrBroken) {
		t.Fatalf("%d broken images, error %v: should be 2", len(v.Broken), v.Err())
	}
	for i, b := range v.Broken {
		if b.Index != 1+3*i || !strings.Contains(b.Err.Error(), bad[i]) {
			t.Errorf("broken image %d: %v: should be %s", b.Index, b.Err, bad[i])
		}
	}
}

func TestVerifyEndsWhenItIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := folder(t, func(s string) string { return s })
	if _, err := Verify(ctx, "mnist", dir, Train, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v: should be that of the context", err)
	}
}

// A file that changed after its folder was read, and the index of it kept, is read as it is now.
func TestVerifyReadsAFolderAnewThatHasChanged(t *testing.T) {
	emptyCache(t)
	root := t.TempDir()
	past := time.Now().Add(-time.Hour)
	for i, name := range []string{"a/1.png", "a/2.png", "b/3.png", "b/4.png"} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := png.Encode(&file, std.NewGray(std.Rect(0, 0, 3+i, 5))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"a", "b", "."} {
		if err := os.Chtimes(filepath.Join(root, dir), past, past); err != nil {
			t.Fatal(err)
		}
	}
	for _, broken := range []int{0, 1} {
		v, err := Verify(t.Context(), "folder", root, Train, nil)
		if err != nil || len(v.Broken) != broken {
			t.Fatalf("broken: %v, error %v", v.Broken, err)
		}
		if err := os.Truncate(filepath.Join(root, "b", "3.png"), 20); err != nil {
			t.Fatal(err)
		}
	}
}
