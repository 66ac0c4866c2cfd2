#!/usr/bin/python3
"""Writes table.json: torchvision's part from the metadata of torchvision (0.14.1), the rest as it stands here.
Sizes are those of later versions' metadata or of the tensors, in MB of 1,000,000 bytes."""
import json
import os

import torchvision.models as models

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
BSD = "torchvision's code is BSD-3-Clause; the weights were trained on ImageNet, whose terms may bind their use: yours to judge"
# torchvision's name: the networks' names here are the same, but for these
VARIANTS = {n + "_bn": (n, "bn") for n in ("vgg11", "vgg13", "vgg16", "vgg19")}
VARIANTS.update({n: (n, "torchvision") for n in ("alexnet", "googlenet")})
VARIANTS.update({
    "squeezenet1_0": ("squeezenet", "1.0"), "squeezenet1_1": ("squeezenet", "1.1"),
    "wide_resnet50_2": ("wide-resnet50", ""), "wide_resnet101_2": ("wide-resnet101", ""),
    "resnext50_32x4d": ("resnext50", ""), "resnext101_32x8d": ("resnext101", ""), "resnext101_64x4d": ("resnext101-64x4d", ""),
    "mobilenet_v2": ("mobilenetv2", ""), "mobilenet_v3_small": ("mobilenetv3-small", ""), "mobilenet_v3_large": ("mobilenetv3-large", ""),
})
NAMES = """alexnet vgg11 vgg13 vgg16 vgg19 vgg11_bn vgg13_bn vgg16_bn vgg19_bn googlenet resnet18 resnet34 resnet50
resnet101 resnet152 squeezenet1_0 squeezenet1_1 densenet121 densenet161 densenet169 densenet201 resnext50_32x4d
resnext101_32x8d resnext101_64x4d wide_resnet50_2 wide_resnet101_2 mobilenet_v2 mobilenet_v3_small
mobilenet_v3_large efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 convnext_tiny
convnext_small convnext_base""".split()
HALF = {"wide_resnet50_2-95faca4d.pth", "wide_resnet101_2-32ee1156.pth"}  # 16-bit floats

entries = []


def entry(name, network, variant, address, mb, top1, top5, preprocessing, licence, source, data="imagenet", **more):
    e = {"name": name, "network": network}
    if variant:
        e["variant"] = variant
    e |= {"data": data, "address": address} | more
    if mb:
        e["megabytes"] = round(mb, 1 if mb < 10 else 0) if mb < 10 else round(mb)
    if top1:
        e |= {"top1": top1, "top5": top5} if top5 else {"top1": top1}
    e |= {"preprocessing": preprocessing, "licence": licence, "source": source}
    entries.append(e)


def prefix(address):
    return os.path.splitext(address)[0].rsplit("-", 1)[1]


def images(resize, crop, interpolation="bilinear", mean=MEAN, std=STD):
    p = {"resize": resize, "crop": crop, "mean": mean, "std": std, "channels": "rgb"}
    if interpolation != "bilinear":
        p["interpolation"] = interpolation
    return p


weights = {k.lower(): getattr(models, k) for k in dir(models) if k.endswith("_Weights")}
for name in NAMES:
    for w in weights[name + "_weights"]:
        if w.name not in ("IMAGENET1K_V1", "IMAGENET1K_V2"):
            continue
        t = w.transforms()
        p = images(t.resize_size[0], t.crop_size[0], t.interpolation.value, t.mean, t.std)
        if name == "googlenet":  # its transform_input undoes the normalisation for another
            p["mean"], p["std"] = [0.5] * 3, [0.5] * 3
        network, variant = VARIANTS.get(name, (name, ""))
        metrics = w.meta["_metrics"]["ImageNet-1K"]
        label = network + ("-" + variant if variant not in ("", "torchvision") else "")
        if label == network and name not in VARIANTS:
            label = network = name.replace("_", "-")
        second = "-v2" if w.name.endswith("V2") else ""
        label, other = label + second, name + second
        also = {} if label.replace("-", "") == other.replace("-", "").replace("_", "") else {"also": [other]}
        size = w.meta["num_params"] * (2 if os.path.basename(w.url) in HALF else 4) / 1e6
        if name == "googlenet":  # with its classifiers on inner layers
            size = 13_004_888 * 4 / 1e6
        entry(label, network, variant, w.url, size, metrics["acc@1"], metrics["acc@5"], p, BSD,
              "torchvision " + type(w).__name__ + "." + w.name, sha256=prefix(w.url), **also)

# ResNet strikes back (arXiv:2110.00476), table 2, at 224×224.
RSB = "https://github.com/huggingface/pytorch-image-models/releases/download/v0.1-rsb-weights/"
for kind, hashes, accuracy in (
    ("a1", "d63eafa0 46f8f793 14fe96d1 cdcb52a9 2eee8a7a", (71.5, 76.4, 80.4, 81.5, 82.0)),
    ("a2", "b61bd467 82d47d71 a2746f79 6edb36c7 b4c6978f", (70.6, 75.5, 79.8, 81.3, 81.8)),
    ("a3", "40c531c8 a20cabb6 59cae1ef 1db14157 134d4688", (68.2, 73.0, 78.1, 79.8, 80.6)),
):
    for depth, h, top1 in zip((18, 34, 50, 101, 152), hashes.split(), accuracy):
        size = getattr(models, f"ResNet{depth}_Weights").IMAGENET1K_V1.meta["num_params"] * 4 / 1e6
        entry(f"resnet{depth}-{kind}", f"resnet{depth}", "", f"{RSB}resnet{depth}_{kind}_0-{h}.pth", size, top1, None,
              images(235, 224, "bicubic"), "Apache-2.0", f"timm resnet{depth}.{kind}_in1k", sha256=h)


def caffe(resize, crop, mean, squash=False):
    p = {"resize": resize, "crop": crop, "mean": mean, "std": [1, 1, 1], "channels": "bgr", "scale": 255}
    if squash:
        p["squash"] = True
    return p


# The authors' own, in the form of their papers. The means are those of the mean images.
BVLC = "http://dl.caffe.berkeleyvision.org/"
entry("alexnet-caffe", "alexnet", "caffe", BVLC + "bvlc_alexnet.caffemodel", 244, 57.1, 80.2,
      caffe(256, 227, [104.007, 116.669, 122.679], True), "unrestricted use (BVLC)", "BVLC Caffe, bvlc_alexnet",
      sha1="9116a64c0fbe4459d18f4bb6b56d647b63920377")
entry("googlenet-caffe", "googlenet", "paper", BVLC + "bvlc_googlenet.caffemodel", 53, 68.7, 88.9,
      caffe(256, 224, [104, 117, 123], True), "unrestricted use (BVLC)", "BVLC Caffe, bvlc_googlenet",
      sha1="405fc5acd08a3bb12de8ee5e23a96bec22f08204")
JOHNSON = "https://s3-us-west-2.amazonaws.com/jcjohns-models/"
for depth, h, size in ((16, "00b39a1b", 553), (19, "d01eb7cb", 575)):
    entry(f"vgg{depth}-caffe", f"vgg{depth}", "DE"[depth == 19], f"{JOHNSON}vgg{depth}-{h}.pth", size, None, None,
          caffe(256, 224, [103.939, 116.779, 123.68]), "Creative Commons Attribution (Visual Geometry Group, Oxford)",
          f"the authors' VGG_ILSVRC_{depth}_layers.caffemodel, converted by J. Johnson", sha256=h)
entry("resnet50-caffe", "resnet50", "caffe", "https://deepdetect.com/models/resnet/ResNet-50-model.caffemodel", 102,
      75.3, 92.2, caffe(256, 224, [103.063, 115.903, 123.152]), "MIT (KaimingHe/deep-residual-networks)",
      "the authors' ResNet-50-model.caffemodel", sha1="b7c79ccc21ad0479cddc0dd78b1d20c4d722908d")

AKAMASTER = "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"
for depth, h, size, top1 in ((20, "12fca82f", 1.1, 91.73), (32, "d509ac18", 1.9, 92.63), (44, "014dd654", 2.7, 93.10),
                             (56, "4bfd9763", 3.5, 93.39), (110, "1d1ed7c2", 7.1, 93.68)):
    name = "resnet20-cifar10-akamaster" if depth == 20 else f"resnet{depth}-cifar10"
    entry(name, f"resnet{depth}", "", f"{AKAMASTER}resnet{depth}-{h}.th", size, top1, None,
          {"mean": MEAN, "std": STD, "channels": "rgb"}, "BSD-2-Clause (Yerlan Idelbayev)",
          "akamaster/pytorch_resnet_cifar10", data="cifar-10", sha256=h)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "table.json"), "w") as f:
    f.write("[\n" + ",\n".join("  " + json.dumps(e, ensure_ascii=False) for e in entries) + "\n]\n")
