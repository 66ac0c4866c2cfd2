package pretrained_test

import (
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/weights/pretrained"
)

func ExampleLoad() {
	model, err := pretrained.Load("lenet5-fashion-mnist")
	if err != nil {
		fmt.Println(err)
		return
	}
	split, err := fashion.Open()
	if err != nil {
		fmt.Println(err)
		return
	}
	var img datasets.Image // or any image.Image
	if err := split.Test.Image(0, &img); err != nil {
		fmt.Println(err)
		return
	}
	top, err := model.Predict(&img, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range top {
		fmt.Printf("%-11s %.2f\n", p.Class, p.Probability)
	}
	// Output:
	// Ankle boot  0.98
	// Sneaker     0.02
	// Sandal      0.01
}
