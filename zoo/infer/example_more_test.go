package infer_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gorgonia-zoo/gorgonia-zoo/weights"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/onnx"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// Weights that are part of a program: in place of os.DirFS, an embed.FS with //go:embed model.safetensors.
func ExampleLoadFrom() {
	var embedded fs.FS = os.DirFS("../../weights/pretrained")
	file, err := fs.ReadFile(embedded, "lenet5-fashion-mnist.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := weights.NewReader("model.safetensors", bytes.NewReader(file), int64(len(file)))
	if err != nil {
		fmt.Println(err)
		return
	}
	model, err := infer.LoadFrom(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	fmt.Println(model.Model().Name, model.Classes()[9])
	// Output:
	// lenet5 Ankle boot
}

// An ONNX file of trained weights, with batch normalisation folded into the convolutions where there is any.
func ExampleSaveONNX() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := weights.Load("../../weights/pretrained/lenet5-fashion-mnist.safetensors")
	if err != nil {
		fmt.Println(err)
		return
	}
	path := filepath.Join(dir, "lenet5.onnx")
	if err := infer.SaveONNX(path, file, onnx.Config{Fold: true}); err != nil {
		fmt.Println(err)
		return
	}
	back, err := onnx.Load(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(back.Inputs[0].Name, back.Inputs[0].Shape, "to", back.Outputs[0].Name, back.Outputs[0].Shape)
	// Output:
	// input [-1 1 28 28] to logits [-1 10]
}
