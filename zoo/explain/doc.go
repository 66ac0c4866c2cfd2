// Package explain shows what a trained network looks at.
//
// A [Subject] is a trained network of any kind: of the registry, of a file, or one's own. Each method is a
// small type:
//
//   - [Filters], the first layer's weights as pictures, and [Maps], what a layer makes of an image
//   - [Occlusion], how the answer changes when a part of the image is covered (Zeiler and Fergus 2013)
//   - [Saliency], how each pixel moves the answer (Simonyan, Vedaldi and Zisserman 2013), and [Guided],
//     the same with the negative parts left out on the way back (Springenberg et al. 2014)
//   - [GradCAM], where in a layer the evidence for a class lies, and with Guided at the image's own
//     resolution (Selvaraju et al. 2016)
//   - [Deconvnet], what in the image made a feature answer (Zeiler and Fergus 2013), with the patches of a
//     data set that excite a feature most
//   - [Epochs], how features come about while a network is trained
//   - [Maximise], an image that a class, or a layer, answers to most (Simonyan et al. 2013), and [Dream], a
//     picture that shows more of what a layer sees in it (DeepDream; Mordvintsev et al. 2015)
//   - [Invert], an image that a layer cannot tell from a given one (Mahendran and Vedaldi 2014)
//
// What a method returns is numbers; render.go makes pictures of them.
//
// # Adding one
//
// A method that needs gradients asks [Subject] for a program that runs to a layer and back, and tests itself
// by two sanity checks: with random weights its map must change (Adebayo et al. 2018), and a patch that
// decides the class must be found.
package explain
