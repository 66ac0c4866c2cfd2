// Package infer puts trained networks to work. [Load] makes a [Classifier] of a weights file that training or
// [Import] wrote: it says what an image shows, for many goroutines at a time, and gives its features for uses of
// one's own. [Import] takes weights that another program wrote; [SaveONNX] writes them for others to run.
// A [Program] is a network compiled for steps of so many images, for what is no classifier.
package infer
