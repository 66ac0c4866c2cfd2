package weights

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func mustWritePyTorch(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WritePyTorch(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWritePyTorchReadsBack(t *testing.T) {
	f := sample()
	b := mustWritePyTorch(t, f)
	r := mustOpen(t, b)
	if r.Format() != "PyTorch zip" {
		t.Errorf("format %s", r.Format())
	}
	got, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tensors) != len(f.Tensors) {
		t.Fatalf("%d tensors, want %d", len(got.Tensors), len(f.Tensors))
	}
	for i, want := range f.Tensors {
		have := got.Tensors[i]
		if have.Name != want.Name || !slices.Equal(have.Shape, want.Shape) || !sameBits(have.Data, want.Data) {
			t.Errorf("tensor %d: %q %v differs from %q %v", i, have.Name, have.Shape, want.Name, want.Shape)
		}
	}
	if !bytes.Equal(b, mustWritePyTorch(t, sample())) {
		t.Error("the same file gives other bytes")
	}
}

func TestWritePyTorchAlignsStorages(t *testing.T) {
	b := mustWritePyTorch(t, sample())
	archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.File {
		at, err := f.DataOffset()
		if err != nil || at%64 != 0 {
			t.Errorf("%s starts at byte %d, error %v", f.Name, at, err)
		}
		r, err := f.Open() // which checks the sum
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestWritePyTorchCountsBatches(t *testing.T) {
	one := func(names ...string) *File {
		f := &File{}
		for _, n := range names {
			f.Tensors = append(f.Tensors, Tensor{n, []int{1}, []float32{1}})
		}
		return f
	}
	for _, tt := range []struct {
		name string
		file *File
		want string
	}{
		{"after the running variance", one("bn.weight", "bn.running_mean", "bn.running_var", "fc.bias"), "bn.weight bn.running_mean bn.running_var bn.num_batches_tracked fc.bias"},
		{"of a network that is one batch norm", one("running_mean", "running_var"), "running_mean running_var num_batches_tracked"},
		{"but not twice", one("bn.running_mean", "bn.running_var", "bn.num_batches_tracked"), "bn.running_mean bn.running_var bn.num_batches_tracked"},
		{"only where the mean is there", one("a.running_var", "b.running_mean", "bn.not_running_mean", "bn.not_running_var"), "a.running_var b.running_mean bn.not_running_mean bn.not_running_var"},
		{"as they were", one("bn.num_batches_tracked"), "bn.num_batches_tracked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := mustOpen(t, mustWritePyTorch(t, tt.file))
			if got := strings.Join(r.Names(), " "); got != tt.want {
				t.Errorf("names %s, want %s", got, tt.want)
			}
			for _, n := range r.Names() {
				if !BatchCounter(n) {
					continue
				}
				want, got := float32(0), []float32{-1}
				if slices.ContainsFunc(tt.file.Tensors, func(t Tensor) bool { return t.Name == n }) {
					want = 1
				}
				if err := r.ReadTensor(n, got); err != nil || got[0] != want || r.entries[r.index[n]].dtype.name != "I64" {
					t.Errorf("%s is %s %g, want I64 %g, error %v", n, r.entries[r.index[n]].dtype.name, got[0], want, err)
				}
			}
		})
	}
}

func TestWritePyTorchRefusesWhatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		file *File
		want string
	}{
		{"a name that is there twice", &File{Tensors: []Tensor{{"a", nil, []float32{1}}, {"a", nil, []float32{1}}}}, "there twice"},
		{"too few values", &File{Tensors: []Tensor{{"a", []int{2}, []float32{1}}}}, "has 2 elements, the data 1"},
		{"a dimension beyond 31 bits", &File{Tensors: []Tensor{{"a", []int{0, math.MaxInt}, nil}}}, "not written for PyTorch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "not written for PyTorch" && math.MaxInt == math.MaxInt32 {
				t.Skip("no int has more than 31 bits")
			}
			path := filepath.Join(t.TempDir(), "x.pth")
			if err := SavePyTorch(path, tt.file); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), path+": ") {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
			onlyFile(t, filepath.Dir(path))
		})
	}
	t.Run("a writer that fails, at every byte", func(t *testing.T) {
		f := &File{Tensors: []Tensor{{"a", []int{2}, []float32{1, 2}}}}
		for n := range len(mustWritePyTorch(t, f)) {
			if err := WritePyTorch(&failing{n}, f); err == nil {
				t.Fatalf("no error at byte %d", n)
			}
		}
	})
}

// failing fails after left bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return f.left, errors.New("full")
	}
	f.left -= len(p)
	return len(p), nil
}

// loadStrictly is what a user of PyTorch does with a file of ours.
const loadStrictly = `
import json, sys
try:
    import torch
except ImportError:
    sys.exit(42)
net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, bias=False), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(3, 2))
for only in (False, True):
    state = torch.load(sys.argv[1], weights_only=only)
    net.load_state_dict(state, strict=True)
print(json.dumps({
    "type": type(state).__name__,
    "dtypes": {k: str(v.dtype) for k, v in state.items()},
    "values": {k: v.double().reshape(-1).tolist() for k, v in net.state_dict().items()},
}))
`

func TestPyTorchLoadsStrictlyWhatWeWrite(t *testing.T) {
	const python = "/usr/bin/python3"
	if testing.Short() {
		t.Skip("importing torch takes seconds")
	}
	ours, err := Load(filepath.Join("testdata", "pytorch", "legacy.pth"))
	if err != nil {
		t.Fatal(err)
	}
	ours.Tensors = slices.DeleteFunc(ours.Tensors, func(t Tensor) bool { return BatchCounter(t.Name) })
	path := filepath.Join(t.TempDir(), "ours.pth")
	if err := SavePyTorch(path, ours); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", loadStrictly, path).Output()
	var exit *exec.ExitError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.As(err, &exit) && exit.ExitCode() == 42:
		t.Skipf("%s with torch is not installed", python)
	case exit != nil:
		t.Fatalf("%v: %s", err, exit.Stderr)
	case err != nil:
		t.Fatal(err)
	}
	var got struct {
		Type   string
		Dtypes map[string]string
		Values map[string][]float64
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "OrderedDict" || got.Dtypes["1.num_batches_tracked"] != "torch.int64" || len(got.Dtypes) != len(ours.Tensors)+1 {
		t.Errorf("PyTorch sees a %s of %v", got.Type, got.Dtypes)
	}
	for _, tensor := range ours.Tensors {
		have := got.Values[tensor.Name]
		if len(have) != len(tensor.Data) {
			t.Errorf("%s has %d values, want %d", tensor.Name, len(have), len(tensor.Data))
			continue
		}
		for i, v := range tensor.Data {
			if float32(have[i]) != v {
				t.Errorf("%s at %d is %g, want %g", tensor.Name, i, have[i], v)
			}
		}
	}
}
