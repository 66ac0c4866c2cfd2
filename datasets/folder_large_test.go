package datasets

import (
	"fmt"
	std "image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// The folder that this makes is too large for every run of the tests: ask for it with
//
//	ZOO_FOLDER_IMAGES=200000 go test ./datasets -run TestALargeFolder -v
func TestALargeFolderIsIndexedInLittleMemory(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("ZOO_FOLDER_IMAGES"))
	if err != nil {
		t.Skip("the environment variable ZOO_FOLDER_IMAGES does not say how many images to make")
	}
	const classes = 200
	root, cache := t.TempDir(), t.TempDir()
	var file strings.Builder
	img := std.NewRGBA(std.Rect(0, 0, 8, 8))
	for i := range 64 {
		img.Set(i%8, i/8, color.RGBA{uint8(4 * i), uint8(255 - i), 7, 255})
	}
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	for c := range classes {
		dir := filepath.Join(root, "train", fmt.Sprintf("n%08d", c))
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for i := c; i < n; i += classes {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("n%08d_%06d.png", c, i)), []byte(file.String()), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	time.Sleep(settled) // so that the index may be kept

	open := func(what string, opts FolderOptions) (*Folder, time.Duration) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		began := time.Now()
		f, err := OpenFolderPart(root, Train, opts)
		took := time.Since(began)
		if err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		kept := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("%s: %d images in %v, %.0f a second; %d KB allocated, %d KB kept", what, f.Len(), took.Round(time.Millisecond),
			float64(f.Len())/took.Seconds(), (after.TotalAlloc-before.TotalAlloc)>>10, kept>>10)
		if kept > int64(f.Len())+1<<20 {
			t.Errorf("%d bytes are kept for %d images: more than one for each", kept, f.Len())
		}
		return f, took
	}
	opts := FolderOptions{Cache: cache}
	built, slow := open("reading the folder", opts)
	again, fast := open("reading its index", opts)
	if a, b := built.index.Sum, again.index.Sum; a != b || fast > slow {
		t.Errorf("the index took %v, the folder %v; checksums %s and %s", fast, slow, b, a)
	}
	runtime.KeepAlive(built)

	began := time.Now()
	var m image.Image
	const some = 20000
	for i := range min(n, some) {
		at := int(augment.SplitMix(uint64(i)) % uint64(again.Len()))
		if err := again.Image(at, &m); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("reading and decoding %d images in any order: %.0f a second", min(n, some), float64(min(n, some))/time.Since(began).Seconds())
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "VmHWM:") {
				t.Logf("most memory of the process: %s", strings.TrimSpace(strings.TrimPrefix(line, "VmHWM:")))
			}
		}
	}
}
