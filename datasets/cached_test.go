package datasets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// emptyCache gives the test a cache folder of its own, and returns the one for data sets within.
func emptyCache(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CACHE_HOME", "LocalAppData"} {
		t.Setenv(name, home)
	}
	dir, err := CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(dir, home) {
		t.Fatalf("cache folder %s: should be in %s", dir, home)
	}
	return dir
}

func TestADownloadedDataSetOpensByItsName(t *testing.T) {
	cache := emptyCache(t)
	if _, err := Open("mnist", ""); err == nil || !strings.Contains(err.Error(), filepath.Join(cache, "mnist")) {
		t.Errorf("error %v: should name the place in the cache folder", err)
	}
	if err := os.MkdirAll(cache, 0o777); err != nil {
		t.Fatal(err)
	}
	files := folder(t, func(s string) string { return s + ".gz" })
	if err := os.Rename(files, filepath.Join(cache, "mnist")); err != nil {
		t.Fatal(err)
	}
	s, err := Open("mnist", "")
	if err != nil {
		t.Fatal(err)
	}
	if s.Train.Len() != 2 || s.Test.Len() != 1 {
		t.Errorf("%d and %d images: should be 2 and 1", s.Train.Len(), s.Test.Len())
	}
}

func TestFolderPrefersWhatWasDownloadedToWhatIsInstalled(t *testing.T) {
	cache, installed := emptyCache(t), t.TempDir()
	d := Dataset{Info: Info{Name: "x"}, Dir: installed}
	if got := d.Folder(); got != installed {
		t.Errorf("%q: should be the installed folder %q", got, installed)
	}
	own := filepath.Join(cache, "x")
	if err := os.MkdirAll(own, 0o777); err != nil {
		t.Fatal(err)
	}
	if got := d.Folder(); got != own {
		t.Errorf("%q: should be the downloaded folder %q", got, own)
	}
	d.Embedded = true
	if got := d.Folder(); got != "" {
		t.Errorf("%q: what is embedded has no folder", got)
	}
	if got := (Dataset{Info: Info{Name: "../x"}}).Folder(); got != "" {
		t.Errorf("%q: a name must not lead out of the cache folder", got)
	}
	if got := (Dataset{Info: Info{Name: "y"}, Dir: filepath.Join(installed, "none")}).Folder(); got != "" {
		t.Errorf("%q: there is no such folder", got)
	}
}
