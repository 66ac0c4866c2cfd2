package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/fashion"
	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/image"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/infer"
	"github.com/gorgonia-zoo/gorgonia-zoo/zoo/serve"
)

// A server is an http.Handler: any program can have it at any path, beside its own.
func ExampleNew() {
	model, err := infer.Load("../../weights/pretrained/lenet5-fashion-mnist.safetensors") // or a published name: "resnet50"
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	handler := serve.New(model)
	defer handler.Close(context.Background())
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	server := httptest.NewServer(mux) // http.ListenAndServe("localhost:8080", mux)
	defer server.Close()

	// Somebody sends a picture.
	split, err := fashion.Open()
	if err != nil {
		log.Fatal(err)
	}
	var img image.Image
	if err := split.Test.Image(0, &img); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, &img); err != nil {
		log.Fatal(err)
	}
	r, err := http.Post(server.URL+"/predict?top=1", "image/png", &file)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	var answer struct{ Images []serve.Answer }
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		log.Fatal(err)
	}
	top := answer.Images[0].Top[0]
	fmt.Printf("%d %s %.2f\n", r.StatusCode, top.Class, top.Probability)
	// Output: 200 Ankle boot 1.00
}
