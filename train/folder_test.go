package train

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/train/recipe"
	"github.com/gorgonia-zoo/gorgonia-zoo/train/report"
)

func TestNoFolderIsUsedTwice(t *testing.T) {
	root := t.TempDir()
	folders := make([]string, 20)
	var wg sync.WaitGroup
	for i := range folders {
		wg.Go(func() {
			var err error
			if folders[i], err = create("", root, "lenet5-x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	slices.Sort(folders)
	for i, f := range folders {
		if want := filepath.Join(root, "lenet5-x", []string{"001", "002", "003"}[min(i, 2)]); i < 3 && f != want {
			t.Errorf("folder %d is %s, want %s", i, f, want)
		}
		if i > 0 && f == folders[i-1] {
			t.Errorf("%s was made twice", f)
		}
	}
}

func TestNumbersGoOnAfterTheHighest(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"002", "1000", "notes"} {
		if err := os.MkdirAll(filepath.Join(root, "n", name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	f, err := create("", root, "n")
	if err != nil || filepath.Base(f) != "1001" {
		t.Errorf("got %s, %v", f, err)
	}
}

func TestAFolderOfOnesOwnMustBeEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if f, err := create(dir, "", ""); err != nil || f != dir {
		t.Fatalf("got %s, %v", f, err)
	}
	// Nothing was written yet: that is what a run leaves that was killed at once.
	if f, err := create(dir, "", ""); err != nil || f != dir {
		t.Fatalf("got %s, %v", f, err)
	}
	if err := os.WriteFile(filepath.Join(dir, report.ConfigFile), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := create(dir, "", ""); err == nil || !strings.Contains(err.Error(), "needs an empty one") {
		t.Errorf("a second run in it: %v", err)
	}
}

func TestRunsAreNewestFirst(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	for i, name := range []string{"a/001", "b/001", "b/002", "empty/001"} {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(dir, "weights"), 0o777); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dir, report.ConfigFile), nil, 0o666)
		if strings.HasPrefix(name, "empty") {
			continue
		}
		last := filepath.Join(dir, report.LastFile)
		os.WriteFile(last, nil, 0o666)
		at := now.Add([]time.Duration{2, 3, 1}[i] * time.Hour)
		os.Chtimes(last, at, at)
	}
	got, err := Runs(root)
	want := []string{filepath.Join(root, "b/001"), filepath.Join(root, "a/001"), filepath.Join(root, "b/002")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if got, err := Runs(filepath.Join(root, "b/002")); err != nil || len(got) != 1 {
		t.Errorf("a run itself: %v, %v", got, err)
	}
	if got, err := Runs(filepath.Join(root, "nowhere")); err != nil || len(got) != 0 {
		t.Errorf("a folder that does not exist: %v, %v", got, err)
	}
}

func TestReadConfigSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct{ text, want string }{
		"broken":   {`{"network": `, "unexpected EOF"},
		"unknown":  {`{"netwrok": "lenet5"}`, `unknown field "netwrok"`},
		"no range": {`{"network": "lenet5", "data": "x", "epochs": -1}`, "epochs -1"},
		"twice":    {`{"network": "lenet5", "data": "x"} {"network": "vgg16"}`, "more follows the configuration, after byte"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			os.WriteFile(path, []byte(c.text), 0o666)
			if _, err := ReadConfig(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want the path and %q", err, c.want)
			}
		})
	}
	if _, err := ReadConfig(dir); err == nil || !strings.Contains(err.Error(), "not the folder of a run") {
		t.Errorf("a folder that is no run: %v", err)
	}
}

func TestARunIsCalledByItsNetworkAndItsData(t *testing.T) {
	for _, c := range []struct{ data, dir, want string }{
		{"mnist", "", "net-mnist"},
		{"cifar-10", "/data/cifar", "net-cifar-10"},
		{"folder", "/home/me/photos", "net-photos"},
		{"folder", "photos/", "net-photos"},
		{"folder", "/home/me/My photos (2024)", "net-My-photos--2024"},
		{"folder", "/home/me/\u732b \u0915\u0941\u0924\u094d\u0924\u093e", "net-\u732b-\u0915\u0941\u0924\u094d\u0924\u093e"},
		{"folder", "/x/\x1b[31m=cmd", "net-31m-cmd"},
		{"folder", "/", "net-folder"},
	} {
		if got := runName("net", recipe.Config{Data: c.data, DataDir: c.dir}); got != c.want {
			t.Errorf("%s in %q: %q, want %q", c.data, c.dir, got, c.want)
		}
	}
}
