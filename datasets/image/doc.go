// Package image is what a picture is between its file and a network: planes of bytes, scaled, turned,
// cut and converted as Pillow does it. It knows no file format: datasets/image/codec reads files.
//
// The package guarantees:
//   - An image is resized byte for byte as Pillow's bilinear filter does it, and its grey is Pillow's.
//   - Colours with fewer samples than brightness are as smooth between them as libjpeg makes them.
//
// # Adding one
//
// A filter stands beside [Resizer], a conversion beside [Image.From]: with a script in testdata that
// writes what Pillow makes of the same pixels, and a test that compares every byte.
package image
