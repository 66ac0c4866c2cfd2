package infer_test

import (
	"context"
	"fmt"
	"image"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	pixels "github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
)

// Network, classes and preprocessing come from the file. A published name, such as "resnet50", is fetched once.
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
	var img pixels.Image // any image.Image will do
	if err := split.Test.Image(0, &img); err != nil {
		fmt.Println(err)
		return
	}
	top, err := model.Predict(context.Background(), &img, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %.2f, %s %.2f\n", top[0].Class, top[0].Probability, top[1].Class, top[1].Probability)
	features, err := model.Features(context.Background(), &img)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(features), "features")
	// Output:
	// Ankle boot 1.00, Sandal 0.00
	// 84 features
}

// Images that are asked about together share steps of the network.
func ExampleClassifier_PredictBatch() {
	model, err := infer.Load("../../weights/pretrained/lenet5-fashion-mnist.safetensors")
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
		var img pixels.Image
		if err := split.Test.Image(i, &img); err != nil {
			fmt.Println(err)
			return
		}
		images[i] = &img
	}
	predictions, err := model.PredictBatch(context.Background(), images, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, top := range predictions {
		fmt.Printf("%s %.2f, %s %.2f\n", top[0].Class, top[0].Probability, top[1].Class, top[1].Probability)
	}
	// Output:
	// Ankle boot 1.00, Sandal 0.00
	// Pullover 1.00, T-shirt/top 0.00
	// Trouser 1.00, Bag 0.00
}
