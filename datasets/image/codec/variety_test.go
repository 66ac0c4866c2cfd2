package codec

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// otherwise is the files of testdata/variety.py that are not read as Pillow reads them, and why.
var otherwise = map[string]string{
	"1-tiff_ccitt.tif": "refused: CCITT run lengths without line ends, which no scanner writes today",
	"RGB-zstd.tif":     "refused by name: Zstandard needs a decoder that nothing else here needs",
	"RGB-webp.tif":     "refused by name: WebP within TIFF, which GDAL alone writes",
	"mode-F.tif":       "refused: floating-point samples have no white and no black that all agree on",
	"mode-LAB.tif":     "refused: Pillow converts CIELab by a colour management that it links",
	"mode-YCbCr.tif":   "Pillow cannot read what it wrote; it is read here",
	"im-ARGB4444.bmp":  "Pillow knows no such bit fields; they are read here",
}

// All that Pillow and ImageMagick write is compared with what Pillow makes of it, where it is installed.
func TestAllThatPillowAndImageMagickWriteIsReadAsPillowReadsIt(t *testing.T) {
	python := "/usr/bin/python3"
	if p := os.Getenv("ZOO_PYTHON"); p != "" {
		python = p
	}
	if exec.Command(python, "-c", "import PIL").Run() != nil {
		t.Skipf("%s has no Pillow to compare with (python3-pil; ZOO_PYTHON names another Python)", python)
	}
	dir := t.TempDir()
	said, err := exec.Command(python, "testdata/variety.py", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("variety.py: %v\n%s", err, said)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	compared, lossy := 0, 0
	var img image.Image // one for all
	for _, path := range files {
		if strings.HasSuffix(path, ".rgb") {
			continue
		}
		compared++
		name := filepath.Base(path)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		most, why := 0, ""
		if want, bad := os.ReadFile(path + ".rgb"); bad != nil {
			why = "Pillow cannot read it"
		} else if err := Decode(file, &img); err != nil {
			why = err.Error()
		} else if most, err = difference(&img, want); err != nil {
			why = err.Error()
		} else if most > 3 {
			why = fmt.Sprintf("differs by up to %d", most)
		}
		if most > 0 {
			lossy++
		}
		switch as := otherwise[name]; {
		case why != "" && as == "":
			t.Errorf("%s: %s", name, why)
		case why == "" && as != "":
			t.Errorf("%s is read as Pillow reads it: it is listed as %q", name, as)
		}
		// Of JPEG, and of what is lossless, no byte differs; opacity of 16 bits is cut to 8 before Pillow uses it.
		if most > 0 && filepath.Ext(name) != ".webp" && !(strings.Contains(name, "PNG64") && most == 1) {
			t.Errorf("%s: differs by up to %d: want the same bytes", name, most)
		}
	}
	if compared < 100 {
		t.Errorf("%d files: want more than 100", compared)
	}
	t.Logf("%d files, of which %d differ, by at most 3", compared, lossy)
}

// difference returns the most that a byte of the image differs by.
func difference(img *image.Image, want []byte) (most int, err error) {
	w, h := int(binary.LittleEndian.Uint16(want)), int(binary.LittleEndian.Uint16(want[2:]))
	if want = want[4:]; img.W != w || img.H != h {
		return 0, fmt.Errorf("an image of %d×%d: want %d×%d", img.W, img.H, w, h)
	}
	for i, v := range want {
		d := int(img.Plane(i % 3)[i/3]) - int(v)
		most = max(most, d, -d)
	}
	return most, nil
}
