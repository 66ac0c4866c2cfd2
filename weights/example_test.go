package weights_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
)

// folder stands for a run's weights folder.
func folder() string {
	dir, err := os.MkdirTemp("", "weights")
	if err != nil {
		log.Fatal(err)
	}
	return dir
}

func ExampleSave() {
	dir := folder()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "best.safetensors")

	err := weights.Save(path, &weights.File{
		Tensors: []weights.Tensor{
			{Name: "fc.weight", Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
			{Name: "fc.bias", Shape: []int{2}, Data: []float32{-1, 1}},
		},
		Meta: weights.Meta{Network: "tiny", Classes: 2, Metrics: map[string]float64{"top1_error": 0.25}},
	})
	if err != nil {
		log.Fatal(err)
	}

	f, err := weights.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Meta.Network, f.Meta.Metrics["top1_error"])
	for _, t := range f.Tensors {
		fmt.Println(t.Name, t.Shape, t.Data)
	}
	// Output:
	// tiny 0.25
	// fc.weight [2 3] [1 2 3 4 5 6]
	// fc.bias [2] [-1 1]
}

// Half the bytes, for weights that are given away: numbers are rounded to eleven binary digits.
func ExampleSaveHalf() {
	dir := folder()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "small.safetensors")
	err := weights.SaveHalf(path, &weights.File{Tensors: []weights.Tensor{{Name: "fc.bias", Shape: []int{2}, Data: []float32{-1, 0.1}}}})
	if err != nil {
		log.Fatal(err)
	}
	f, err := weights.Load(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(f.Tensors[0].Data)
	err = weights.SaveHalf("none.safetensors", &weights.File{Tensors: []weights.Tensor{{Name: "fc.bias", Shape: []int{2}, Data: []float32{-1, 1e6}}}})
	fmt.Println(err)
	// Output:
	// [-1 0.099975586]
	// none.safetensors: tensor "fc.bias": element 1 is 1e+06: should be from -65504 to 65504 for F16
}

// Weights go straight into a network's parameters: nothing is read before the
// names and shapes are known to fit.
func ExampleReader_ReadInto() {
	dir := folder()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "best.safetensors")
	err := weights.Save(path, &weights.File{Tensors: []weights.Tensor{{Name: "fc.bias", Shape: []int{2}, Data: []float32{-1, 1}}}})
	if err != nil {
		log.Fatal(err)
	}

	parameters := map[string][]float32{"fc.bias": make([]float32, 2)}
	r, err := weights.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	if err := r.Match([]weights.Spec{{Name: "fc.bias", Shape: []int{2}}}); err != nil {
		log.Fatal(err)
	}
	if err := r.ReadInto(func(name string, shape []int) []float32 { return parameters[name] }); err != nil {
		log.Fatal(err)
	}
	fmt.Println(parameters["fc.bias"])
	// Output: [-1 1]
}

// A checkpoint of a training script, with the state dict of a DataParallel model
// and the optimiser in it, reads like a file of our own.
func ExampleOpen_pyTorch() {
	r, err := weights.Open(filepath.Join("testdata", "pytorch", "checkpoint-legacy.pth"))
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(r.Format())
	for _, tensor := range r.Specs() {
		fmt.Println(tensor)
	}
	// Output:
	// PyTorch legacy
	// "0.weight" (3×2×3×3)
	// "1.weight" (3)
	// "1.bias" (3)
	// "1.running_mean" (3)
	// "1.running_var" (3)
	// "1.num_batches_tracked" (scalar)
	// "3.weight" (2×3)
	// "3.bias" (2)
}

func ExampleMatch() {
	have := []weights.Spec{{Name: "fc.wieght", Shape: []int{10, 84}}, {Name: "fc.bias", Shape: []int{100}}}
	want := []weights.Spec{{Name: "fc.weight", Shape: []int{10, 84}}, {Name: "fc.bias", Shape: []int{10}}}
	fmt.Println(weights.Match(have, want))
	// Output: the tensors are not the network's: 1 of the wrong shape: "fc.bias" (100, wanted 10); 1 missing: "fc.weight" (10×84) [is it "fc.wieght"?]; 1 unexpected: "fc.wieght" (10×84)
}

func ExampleNearest() {
	fmt.Println(weights.Nearest("alxenet", []string{"lenet5", "alexnet", "vgg16"}))
	// Output: alexnet
}

func ExampleWriteAtomically() {
	dir := folder()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config.json")
	err := weights.WriteAtomically(path, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(map[string]int{"epochs": 20})
	})
	if err != nil {
		log.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	fmt.Print(string(text))
	// Output: {"epochs":20}
}
