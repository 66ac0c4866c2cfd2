// Package zoo holds the convolutional networks that made computer vision, from LeNet-5 to ResNet and
// AlphaGo, and those that came of them, each as a function that describes it:
//
//	net := zoo.ResNet18(zoo.Classes(10), zoo.Input(3, 64, 64))
//
// Describing allocates nothing. [Model.Build] adds the network to a Gorgonia expression graph, which any
// Gorgonia node can go on from; [Inspect] tells it layer by layer; [New] finds it by name. Every network
// is held to its paper's table by tests: parameters and multiply-adds to the last digit, the shape after
// every stage, and outputs and gradients against PyTorch, where torchvision has the network against
// torchvision. Parameter names are torchvision's.
//
// # A tour
//
// Parameters and multiply-adds (MAC: convolutions and fully connected layers, one image) are for the
// paper's input and classes. Errors are the paper's, in percent: top-1/top-5 on ImageNet's validation
// images, one network and one crop where the paper tells, unless said otherwise.
//
// [LeNet5], 1998. LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
// Recognition". Convolutions with shared weights, subsampling between them, everything learned from
// pixels by gradient descent. 1×32×32; 61,706 parameters, 417 kMAC in today's form; 60,000 in the
// paper's, variant "1998". Error on MNIST 0.95.
//
// [AlexNet], 2012. Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional
// Neural Networks". The same idea deep and wide enough for a million photographs, thanks to ReLU,
// dropout, augmentation and two GPUs. 3×227×227; 60,965,224 parameters; 0.724 GMAC; 40.7/18.2, five
// networks 38.1/16.4. Variant "torchvision": 61,100,840; 0.714.
//
// [ZFNet], 2013. Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks"
// (arXiv:1311.2901). A look into AlexNet's layers showed what its large first filters and stride lost.
// 3×224×224; 62,357,608 parameters; 1.168 GMAC; 38.4/16.5. Variant "wide": 107,627,624; 2.477;
// 37.5/16.0.
//
// [VGG11], [VGG13], [VGG16], [VGG19], 2014. Simonyan and Zisserman, "Very Deep Convolutional Networks
// for Large-Scale Image Recognition" (arXiv:1409.1556). Nothing but 3×3: two of them see as far as a 5×5
// and three as a 7×7, with fewer weights and more non-linearity. 3×224×224; 133 to 144 million
// parameters, most of them in the first fully connected layer (variant "gap" does without, in 10 to 21
// million); 7.61 to 19.63 GMAC; 29.6/10.4 to 27.0/8.8.
//
// [GoogLeNet], 2014. Szegedy et al., "Going Deeper with Convolutions" (arXiv:1409.4842). Modules look at
// several scales side by side, and 1×1 convolutions keep that cheap: 22 layers in a tenth of AlexNet's
// parameters. 3×224×224; 6,998,552 parameters; 1.583 GMAC; top-5 10.07, seven networks and 144 crops
// 6.67. Variant "torchvision": 6,624,904; 1.498.
//
// [AllCNN], [ConvPoolCNN], [StridedCNN], 2014. Springenberg, Dosovitskiy, Brox and Riedmiller, "Striving
// for Simplicity: The All Convolutional Net" (arXiv:1412.6806). Even pooling can go: a stride does its
// work, and an average that of the fully connected layers. 3×32×32; 1,369,738 parameters; 0.281 GMAC;
// error on CIFAR-10 9.08.
//
// [ResNet18], [ResNet34], [ResNet50], [ResNet101], [ResNet152], 2015. He, Zhang, Ren and Sun, "Deep
// Residual Learning for Image Recognition" (arXiv:1512.03385). Blocks learn what to add to their input,
// which passes by on a shortcut: depth, which hurts plain networks (variant "plain"), helps. 3×224×224;
// 11,689,512 to 60,192,808 parameters; 1.814 to 11.51 GMAC; ten crops 27.88 to 21.43/5.71.
//
// [ResNet8], [ResNet14], [ResNet20], [ResNet32], [ResNet44], [ResNet56], [ResNet110], 2015. The same
// paper's networks for 32×32 images, whose shortcuts have no parameters. 75,290 to 1,727,962 parameters;
// 12 to 253 MMAC; errors on CIFAR-10 for 20/32/44/56/110 8.75, 7.51, 7.17, 6.97, 6.43.
//
// [AlphaGoPolicy], [AlphaGoValue], 2016. Silver et al., "Mastering the game of Go with deep neural
// networks and tree search". The board is an image of 48 planes, the next move one of 361 classes: the
// policy network predicts 55.4 % of strong players' moves. 48×19×19; 3,882,793 parameters; 1.40 GMAC.
// The value network says who will win; one more plane tells it who plays: 3,980,162 parameters.
//
// [SqueezeNet], 2016. Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
// <0.5MB model size" (arXiv:1602.07360). Few channels go into the 3×3 filters, and pooling comes late.
// 3×224×224; 1,235,496 parameters; 0.349 GMAC; 41.82/19.38 (torchvision's). Variant "1.0", the paper's:
// 1,248,424; 0.819; 42.5/19.7.
//
// [WideResNet50], [WideResNet101], [WRN16x2], [WRN16x4], [WRN40x4], [WRN28x10], 2016. Zagoruyko and
// Komodakis, "Wide Residual Networks" (arXiv:1605.07146). Width does as much as depth, and faster. The
// first two are for 3×224×224: 68,883,240 and 126,886,696 parameters; 11.40 and 22.75 GMAC; 21.9/6.03 for
// the first. The others are for 32×32: 691,674 to 36,479,194 parameters; 0.101 to 5.243 GMAC; errors on
// CIFAR-10 for 16-4, 40-4 and 28-10 5.02, 4.53 and 4.00.
//
// [DenseNet121], [DenseNet169], [DenseNet201], [DenseNetBC100], 2016. Huang, Liu, van der Maaten and
// Weinberger, "Densely Connected Convolutional Networks" (arXiv:1608.06993). Every layer reads the maps of
// all before it and adds a few of its own. 3×224×224; 7,978,856 to 20,013,928 parameters; 2.834 to 4.291
// GMAC; 25.02/7.71 to 22.58/6.34. The last is for 32×32: 769,162; 0.288; error on CIFAR-10 4.51.
//
// [ResNeXt50], [ResNeXt101], 2016. Xie, Girshick, Dollár, Tu and He, "Aggregated Residual Transformations
// for Deep Neural Networks" (arXiv:1611.05431). The 3×3 in 32 groups: many narrow paths side by side.
// 3×224×224; 25,028,904 and 88,791,336 parameters; 4.230 and 16.41 GMAC; 22.2 for the first.
//
// [SEResNet50], 2017. Hu, Shen, Albanie, Sun and Wu, "Squeeze-and-Excitation Networks" (arXiv:1709.01507).
// The averages of all maps decide how much each of them counts. 3×224×224; 28,088,024 parameters; 4.092
// GMAC; 23.29/6.62. [SqueezeExcitation] does so in every residual network.
//
// [MobileNetV2], 2018. Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and
// Linear Bottlenecks" (arXiv:1801.04381). Filters of one channel each, between 1×1 convolutions that widen
// and narrow. 3×224×224; 3,504,872 parameters; 0.301 GMAC; 28.0. Variant "cifar": 3×32×32; 2,236,682; 0.088.
//
// [MobileNetV3Large], [MobileNetV3Small], 2019. Howard et al., "Searching for MobileNetV3"
// (arXiv:1905.02244). The same with squeeze-and-excitation and hard-swish, its sizes found by search.
// 3×224×224; 5,483,032 and 2,542,856 parameters; 0.217 and 0.057 GMAC; 24.8 and 32.6.
//
// [EfficientNetB0], [EfficientNetB1], [EfficientNetB2], [EfficientNetB3], 2019. Tan and Le, "EfficientNet:
// Rethinking Model Scaling for Convolutional Neural Networks" (arXiv:1905.11946). Depth, width and
// resolution grow at once. 3×224×224 to 3×300×300; 5,288,548 to 12,233,232 parameters; 0.386 to 1.827 GMAC;
// 22.9/6.7 to 18.4/4.3.
//
// [ConvNeXtTiny], [ConvNeXtSmall], 2022. Liu, Mao, Wu, Feichtenhofer, Darrell and Xie, "A ConvNet for the
// 2020s" (arXiv:2201.03545). ResNet with what vision transformers do: patches, 7×7 filters of one channel
// each, layer norm, GELU. 3×224×224; 28,589,128 and 50,223,688 parameters; 4.456 and 8.684 GMAC; 17.9 and
// 16.9.
//
// # Options
//
// [Classes] and [Input] fit a network to other data, [Variant] chooses among its known forms, [Width]
// makes it thinner or wider; families have more, listed with their functions. Options are kept in
// [Model.Options], which survive JSON and make the network again with [WithOptions]. A bad option is an
// error of [New] and [Model.Build], and so is an input that shrinks to nothing on the way: the error
// names the layer and shows the arithmetic, (N - F + 2P)/S + 1.
//
// # Recipes
//
// Each network brings the ways to train it, as data: "paper", as its authors did, and "quick", the best of
// minutes on two cores. [Model.Recipe] makes one complete for a data set, and package train follows it.
//
// # Trained networks
//
// Package zoo/infer makes classifiers of weights files that training wrote, that others publish, or that it
// imports; package weights/pretrained has some that are ready. Nothing of that is linked into a program that
// only describes networks.
//
// # Adding one
//
// [Register] makes a network of one's own known by its name: it is then listed, trained, resumed, loaded,
// evaluated and exported as these are, which register themselves in the same way. One file has it all: the
// paper, the table of its layers and the loop over it with the shape after each stage, its forms with their
// figures, its recipes, and a function that describes it. Branches of a network take nodes as arguments; the
// builder keeps the first error and names network, layer and shapes in it. Parameter names are those of the
// reference implementation, so that weights go both ways. In this repository a new family also gets rows in
// the tables of the tests: sizes (registry_test.go), the shape after every stage (shapes_test.go), what its
// paper says of initial weights, dropout and training (papers_test.go), and a golden file (testdata/golden).
package zoo
