package infer_test

import (
	"fmt"
	"image"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// Network, classes and preprocessing come from the file.
func ExampleLoad() {
	model, err := infer.Load("../../weights/pretrained/lenet5-fashion-mnist.safetensors") // or runs/…/weights/best.safetensors
	if err != nil {
		fmt.Println(err)
		return
	}
	defer model.Close()
	split, err := fashion.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	images := make([]image.Image, 3)
	for i := range images {
		var img pixels.Image // any image.Image will do
		if err := split.Test.Image(i, &img); err != nil {
			fmt.Println(err)
			return
		}
		images[i] = &img
	}
	predictions, err := model.PredictBatch(images, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, top := range predictions {
		fmt.Printf("%s %.2f, %s %.2f\n", top[0].Class, top[0].Probability, top[1].Class, top[1].Probability)
	}
	features, err := model.Features(images[0])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(features), "features")
	// Output:
	// Ankle boot 1.00, Sandal 0.00
	// Pullover 1.00, T-shirt/top 0.00
	// Trouser 1.00, Bag 0.00
	// 84 features
}
