package fashion_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
)

func Example() {
	set, err := fashion.Open()
	if err != nil {
		log.Fatal(err)
	}
	info := set.Train.Info()
	fmt.Println(info, info.Shape, set.Train.Len(), "training images,", set.Test.Len(), "test images")
	fmt.Println("the first is an", info.Classes[set.Train.Label(0)])
	// Output:
	// fashion-mnist-small/train 1×28×28 10000 training images, 2000 test images
	// the first is an Ankle boot
}

func open(t *testing.T) datasets.Split {
	t.Helper()
	s, err := fashion.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheEmbeddedImagesAreThoseThatWereCut(t *testing.T) {
	s := open(t)
	for part, want := range map[datasets.Source]string{
		s.Train: "sha256:f11b8c070be3f2b7b3cc6ace765e7a3af8d838f0fb101fdceac776648a1249e3",
		s.Test:  "sha256:ebaccf4e790358ad75444f10e527f2126eb12544cf644cf51dc35988234dee48",
	} {
		if got, err := part.Checksum(); err != nil || got != want {
			t.Errorf("%v: checksum %s, error %v: want %s", part.Info(), got, err, want)
		}
	}
}

func TestTheEmbeddedImagesAreTheFirstOfTheOriginalFiles(t *testing.T) {
	d, err := datasets.Lookup("fashion-mnist")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Dir); err != nil {
		t.Skip("Fashion-MNIST is not installed (Debian: apt install dataset-fashion-mnist):", err)
	}
	whole, err := datasets.Open("fashion-mnist", "")
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	for _, pair := range [][2]datasets.Source{{s.Train, whole.Train}, {s.Test, whole.Test}} {
		var a, b image.Image
		for i := range pair[0].Len() {
			if err := pair[0].Image(i, &a); err != nil {
				t.Fatal(err)
			}
			if err := pair[1].Image(i, &b); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a.Pix, b.Pix) || pair[0].Label(i) != pair[1].Label(i) {
				t.Fatalf("%v: image %d is another", pair[0].Info(), i)
			}
		}
	}
}

func TestTheDataSetIsListedAsEmbedded(t *testing.T) {
	d, err := datasets.Lookup(fashion.Name)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	if !d.Embedded || d.Dir != "" || d.Sizes[datasets.Train] != s.Train.Len() || d.Sizes[datasets.Test] != s.Test.Len() {
		t.Errorf("listed as %+v", d)
	}
	for _, want := range []string{"Zalando SE", "MIT License", "WITHOUT WARRANTY"} {
		if !strings.Contains(fashion.Licence, want) {
			t.Errorf("the licence does not say %q", want)
		}
	}
}
