// Package datasets says where images and labels come from and brings them to a network, batch by batch.
//
// A [Source] is a finite list of labelled images, in memory or read when asked for. [Open] finds one
// by name; what is embedded in the binary registers itself when its package is imported
// (datasets/fashion), what was downloaded (datasets/download) is found in the user's cache folder, and
// [OpenFolder] reads one's own images; [Verify] reads every image of a set, and [Duplicates] names those that stand
// in two parts. A data set has training images, and may have those that choose ([Val]) and those that judge ([Test]);
// [HoldOut] takes some of the first for the second. A [Loader] turns a source
// into batches of float32 N×C×H×W, resized and normalised by one [Input], prepared in the background;
// on the way each image goes through transforms, and each batch through a mixer, which an
// [augment.Spec] names. A [Preparer] does the same for one image, and shows an evaluation its [Views];
// [Sheet] draws what a network sees.
//
// The package guarantees:
//   - Batch k of epoch e has the same bytes whatever the number of workers, and whether or not the
//     epoch began at batch 0: the order is a function of (seed, epoch) alone, and all that happens to
//     sample i is a function of (seed, epoch, i). A place in training is the pair (epoch, batch).
//   - Images are cropped as torchvision does, and normalised bit for bit as its ToTensor and Normalize do.
//     How they are decoded and resized, packages datasets/image/codec and datasets/image say.
//   - A loader allocates its buffers once; batches after that cost no allocation, but for what the formats'
//     decoders take.
//   - Of a folder of images no more is kept in memory than 8 bytes for every 64 files, and 4 for each that is drawn
//     or held out. A broken file is named, and need not end a run (see [Skip]).
//   - What a folder means is certain, or an error that shows the choices; what was left out is counted ([Notes]).
//   - A damaged file is one error that names the file and what is wrong with it; no header can make
//     a reader allocate much more than the file's own data fills.
//
// # Adding one
//
// A data set is a file of this package, or a package of one's own: a [Source], and in its init function
// [Register] with what is known of it. Tests give its images' and labels' literal values.
package datasets
