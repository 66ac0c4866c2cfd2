package pretrained_test

import (
	"context"
	"fmt"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
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
	var img image.Image // or any image.Image
	if err := split.Test.Image(0, &img); err != nil {
		fmt.Println(err)
		return
	}
	top, err := model.Predict(context.Background(), &img, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(top[0].Class, top[0].Probability > 0.5)
	// Output: Ankle boot true
}

func ExampleLookup() {
	e, err := pretrained.Lookup("lenet5-fashion-mnist")
	if err != nil {
		fmt.Println(err)
		return
	}
	top1, _ := e.Error()
	fmt.Println(e.Meta.Network, e.Meta.Input, len(e.Members), top1 < 0.1)
	// Output: lenet5 [1 28 28] 1 true
}
