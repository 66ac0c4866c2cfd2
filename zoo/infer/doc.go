// Package infer puts trained networks to work. [Load] makes a [Classifier] of a weights file that training or
// [Import] wrote: it says what an image shows, for many goroutines at a time, and gives its features for uses of
// one's own. [Import] takes weights that another program wrote; [SaveONNX] writes them for others to run.
// A [Program] is a network compiled for steps of so many images, for what is no classifier.
//
// # Adding one
//
// A network of one's own needs nothing here: what zoo.Register knows is loaded by the name that its weights
// file has. Another form of weights is a case of openForeign, which says what tensors it has; where its
// tensors have other names, import maps them. What a classifier gives besides classes is a method over
// [Outputs], computed in the same step.
package infer
