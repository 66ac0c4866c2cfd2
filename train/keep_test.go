package train

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// The weights of every second epoch and of the last are kept, whole and as they were then, also of a run that was
// stopped on the way; and keeping them changes nothing else.
// A part of an epoch, which its time ended, is no epoch to keep, though its weights are evaluated and saved.
func TestAPartOfAnEpochIsNotKept(t *testing.T) {
	cfg := tinyConfig()
	cfg.Keep, cfg.Time = 1, 1 // a nanosecond: one step, and the evaluation
	r := finish(t, begin(t, cfg, t.TempDir(), nil))
	if files, err := report.EpochFiles(r.Folder); err != nil || len(files) > 0 || r.Stopped != "time" || r.Steps != 1 {
		t.Errorf("after %d steps kept are %q, %v", r.Steps, files, err)
	}
	if r.Last == nil || r.Last.Epoch <= 0 || r.Last.Epoch >= 1 {
		t.Errorf("the last evaluation is of epoch %+v", r.Last)
	}
}

func TestEpochsAreKept(t *testing.T) {
	cfg := tinyConfig()
	cfg.Epochs = 5
	plain := finish(t, begin(t, cfg, t.TempDir(), nil)).Folder
	cfg.Keep = 2
	whole := finish(t, begin(t, cfg, t.TempDir(), nil)).Folder

	ctx, stop := context.WithCancel(context.Background())
	stopped := begin(t, cfg, t.TempDir(), hook{step: func(step int) {
		if step == 17 {
			stop()
		}
	}})
	if _, err := stopped.Run(ctx); err == nil {
		t.Fatal("the run was not stopped")
	}
	stopped.Close()
	resumed := finish(t, goOn(t, stopped.folder, nil)).Folder

	files, err := report.EpochFiles(whole)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, filepath.Base(f))
	}
	if !slices.Equal(names, []string{"epoch-0002.safetensors", "epoch-0004.safetensors", "epoch-0005.safetensors"}) {
		t.Fatalf("kept are %q", names)
	}
	for i, epoch := range []int{2, 4, 5} {
		r, err := weights.Open(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if r.Meta().Epoch != epoch {
			t.Errorf("%s is of epoch %d", names[i], r.Meta().Epoch)
		}
		r.Close()
		if !bytes.Equal(read(t, files[i]), read(t, resumed, report.EpochFile(epoch))) {
			t.Errorf("%s is another file in the run that was stopped", names[i])
		}
		if i > 0 && bytes.Equal(read(t, files[i]), read(t, files[i-1])) {
			t.Errorf("%s is %s", names[i], names[i-1])
		}
	}
	if !bytes.Equal(read(t, files[2]), read(t, whole, report.LastFile)) || !bytes.Equal(read(t, plain, report.LastFile), read(t, whole, report.LastFile)) ||
		!bytes.Equal(read(t, plain, report.BestFile), read(t, whole, report.BestFile)) {
		t.Error("the last weights are others with epochs kept")
	}
	if none, err := report.EpochFiles(plain); err != nil || len(none) > 0 {
		t.Errorf("without the setting: %q, %v", none, err)
	}
	if left, _ := filepath.Glob(filepath.Join(whole, "weights", "*.tmp")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
