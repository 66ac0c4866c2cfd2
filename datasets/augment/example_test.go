package augment_test

import (
	"fmt"
	"log"

	"github.com/gorgonia-zoo/gorgonia-zoo/datasets/augment"
)

// A recipe names transforms as data: typed, checked, and written out with all parameters.
func ExampleParse() {
	a, err := augment.Parse("crop(4), flip, mixup(alpha=0.2)")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a)
	_, err = augment.Parse("crop(4), filp")
	fmt.Println(err)
	// Output:
	// crop(pad=4, size=0, fill=black), flip(p=0.5), mixup(alpha=0.2, p=1)
	// unknown transform "filp": did you mean "flip"?
}
