package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

// A file that ends too early is an error, or nothing of its picture is missing.
func TestAFileThatIsCutOffIsNoOtherPicture(t *testing.T) {
	paths, err := filepath.Glob("testdata/images/*")
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var whole, part image.Image
		if Decode(file, &whole) != nil {
			continue // one that is not read
		}
		refused, cuts := 0, 0
		for n := 1; n < len(file); n += 1 + min(len(file)/25, (len(file)-n)/3) {
			cuts++
			err := Decode(file[:n], &part)
			switch {
			case err != nil:
				if refused++; !errors.Is(err, image.ErrBroken) {
					t.Errorf("%s, %d bytes of %d: %v", path, n, len(file), err)
				}
			case part.Shape != whole.Shape || !bytes.Equal(part.Pix, whole.Pix):
				t.Errorf("%s: %d bytes of %d are another picture", path, n, len(file))
			}
		}
		if refused == 0 {
			t.Errorf("%s: none of %d cuts is refused", path, cuts)
		}
	}
}

// A chunk that says how the picture is to be turned must be whole, and a text beside it need not.
func TestDamageThatMayTurnAPictureIsAnError(t *testing.T) {
	file, err := os.ReadFile("testdata/images/turned.png")
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte("eXIf"))
	if at < 0 {
		t.Fatal("no eXIf")
	}
	file[at+8] ^= 4
	if err := Decode(file, new(image.Image)); !errors.Is(err, image.ErrBroken) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("%v", err)
	}
}

// Pillow makes the whole as large as its first picture needs.
func TestAGIFLargerThanItsScreen(t *testing.T) {
	file, err := os.ReadFile("testdata/images/offset.gif")
	if err != nil {
		t.Fatal(err)
	}
	var want, got image.Image
	if err := Decode(file, &want); err != nil {
		t.Fatal(err)
	}
	at := bytes.IndexByte(file[13+3<<(file[10]&7+1):], 0x2c) + 13 + 3<<(file[10]&7+1)
	frame := [4]uint16{}
	for i := range frame {
		frame[i] = binary.LittleEndian.Uint16(file[at+1+2*i:])
	}
	binary.LittleEndian.PutUint16(file[6:], 2)
	binary.LittleEndian.PutUint16(file[8:], 3)
	small := slices.Clone(file)
	if err := Decode(file, &got); err != nil {
		t.Fatal(err)
	}
	if got.W != int(frame[0]+frame[2]) || got.H != int(frame[1]+frame[3]) || !bytes.Equal(small, file) {
		t.Fatalf("%v of a picture of %v", got.Shape, frame)
	}
	for c := range 3 {
		for y := range got.H {
			if !bytes.Equal(got.Plane(c)[y*got.W:(y+1)*got.W], want.Plane(c)[y*want.W:][:got.W]) {
				t.Fatalf("row %d of channel %d differs", y, c)
			}
		}
	}
}
