package infer_test

import (
	"encoding/binary"
	"errors"
	"image/png"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// torchvisionPhotograph writes a state dict with random weights and statistics, and what torchvision's own
// path from a file makes of it: the logits and what the last layer sees.
const torchvisionPhotograph = `
import sys
try:
    import torch, torchvision
    from torchvision import transforms
    from PIL import Image
except ImportError:
    sys.exit(42)
name, photo, folder = sys.argv[1:]
torch.manual_seed(1)
torch.set_num_threads(1)
options = {"init_weights": True} if name == "googlenet" else {}
net = getattr(torchvision.models, name)(**options)
for m in net.modules():
    if isinstance(m, torch.nn.BatchNorm2d):
        m.running_mean.normal_(0, 0.1)
        m.running_var.uniform_(0.5, 1.5)
net.eval()
torch.save(net.state_dict(), folder + "/theirs.pth")
x = transforms.Compose([
    transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])(Image.open(photo).convert("RGB")).unsqueeze(0)
with torch.no_grad():
    y = net(x)
    if name in ("alexnet", "vgg11_bn"):
        net.classifier[6] = torch.nn.Identity()
    else:
        net.fc = torch.nn.Identity()
    f = net(x)
for file, v in ("logits", y), ("features", f):
    with open(folder + "/" + file, "wb") as out:
        out.write(v.numpy().tobytes())
`

// From the file of a photograph to the logits: decoded, resized to 256, the centre cropped to 224 and
// normalised as torchvision does.
func TestClassifierAgreesWithTorchvisionOnPhotographs(t *testing.T) {
	if testing.Short() {
		t.Skip("starts PyTorch")
	}
	dir := os.Getenv("ZOO_TESTDATA")
	if dir == "" {
		t.Skip("ZOO_TESTDATA names no folder with photos")
	}
	photos, err := filepath.Glob(filepath.Join(dir, "photos", "*.png"))
	if err != nil || len(photos) == 0 {
		t.Skipf("no photos in %s, %v", dir, err)
	}
	networks := []string{"resnet18"}
	if os.Getenv("ZOO_SLOW_TESTS") != "" { // about a minute, and 1.5 GB on disk
		networks = append(networks, "alexnet", "vgg11_bn", "googlenet", "resnet50")
	}
	for _, name := range networks {
		for _, photo := range photos {
			t.Run(name+" of "+filepath.Base(photo), func(t *testing.T) { comparePhotograph(t, name, photo) })
		}
	}
}

func comparePhotograph(t *testing.T, name, photo string) {
	var opts []zoo.Option
	if name == "alexnet" || name == "googlenet" {
		opts = append(opts, zoo.Variant("torchvision"))
	}
	m, err := zoo.New(name, opts...)
	if err != nil {
		t.Fatal(err)
	}
	tmp := t.TempDir()
	const python = "/usr/bin/python3"
	_, err = exec.Command(python, "-c", torchvisionPhotograph, name, photo, tmp).Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &exit) && exit.ExitCode() == 42:
		t.Skipf("%s with torchvision is not installed", python)
	case exit != nil:
		t.Fatalf("%v: %s", err, exit.Stderr)
	case err != nil:
		t.Fatal(err)
	}
	r, err := weights.Open(filepath.Join(tmp, "theirs.pth"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	imported, err := infer.Import(r, m, infer.ImportConfig{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tmp, "ours.safetensors")
	if err := weights.Save(path, imported.File); err != nil {
		t.Fatal(err)
	}
	c := load(t, path)
	file, err := os.Open(photo)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	logits, err := c.Logits(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	features, err := c.Features(t.Context(), img)
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		name string
		got  []float32
	}{{"logits", logits}, {"features", features}} {
		raw, err := os.ReadFile(filepath.Join(tmp, of.name))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, len(raw)/4)
		for i := range want {
			want[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		if len(of.got) != len(want) {
			t.Fatalf("%d %s, torchvision has %d", len(of.got), of.name, len(want))
		}
		d := apart(of.got, want)
		t.Logf("%s are %.2g apart", of.name, d)
		if !(d <= 1e-4) {
			t.Errorf("%s are %.2g apart", of.name, d)
		}
	}
}
