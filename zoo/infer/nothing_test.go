package infer

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
)

// What is not there is said in words, and nothing at all makes no panic.
func TestNothingIsLoadedAndBuilt(t *testing.T) {
	for _, name := range []string{"resnet5", "", "runs/none/001"} {
		if _, err := Load(name); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `"`+name+`" is no file, no run's folder and no published weights`) {
			t.Errorf("%q: error %v", name, err)
		}
	}
	if _, err := LoadFrom(nil); err == nil || !strings.Contains(err.Error(), "no weights") {
		t.Errorf("no reader: error %v", err)
	}
	if _, err := zoo.VGG16().Build(nil, nil); err == nil || !strings.Contains(err.Error(), "vgg16: no builder") {
		t.Errorf("no builder: error %v", err)
	}
}
