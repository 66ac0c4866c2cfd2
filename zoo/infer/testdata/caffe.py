#!/usr/bin/python3
"""Writes a network as Caffe does, layer by layer from its published description, and tells what it makes of
photographs, computed with PyTorch.

usage: caffe.py NETWORK FORM FILE.caffemodel PHOTO ...     FORM is old (layers, field 2) or new (layer, field 100)

Weights are random, but such that signals neither grow nor vanish. Exit code 42: PyTorch is not there."""
import json
import struct
import sys

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
    from PIL import Image
except ImportError:
    sys.exit(42)

torch.manual_seed(1)
torch.set_num_threads(2)
network, form, file, *photos = sys.argv[1:]
layers = []  # name, type, bottoms, top, parameters


def add(name, kind, bottoms, top=None, **p):
    layers.append((name, kind, [bottoms] if isinstance(bottoms, str) else bottoms, top or name, p))
    return top or name


def conv(name, x, out, size, relu=True, **p):
    y = add(name, "Convolution", x, out=out, size=size, **p)
    return add("relu_" + name, "ReLU", y, y) if relu else y


def fc(name, x, out, relu=True):
    y = add(name, "InnerProduct", x, out=out)
    return add("relu_" + name, "ReLU", y, y) if relu else y


def pool(name, x, size, stride, kind="MAX", pad=0):
    return add(name, "Pooling", x, how=kind, size=size, stride=stride, pad=pad)


def alexnet():  # models/bvlc_alexnet
    x = add("norm1", "LRN", conv("conv1", "data", 96, 11, stride=4))
    x = conv("conv2", pool("pool1", x, 3, 2), 256, 5, pad=2, group=2)
    x = conv("conv3", pool("pool2", add("norm2", "LRN", x), 3, 2), 384, 3, pad=1)
    x = conv("conv4", x, 384, 3, pad=1, group=2)
    x = pool("pool5", conv("conv5", x, 256, 3, pad=1, group=2), 3, 2)
    return fc("fc8", fc("fc7", fc("fc6", x, 4096), 4096), 1000, False)


def vgg(*stages):  # VGG_ILSVRC_16_layers, VGG_ILSVRC_19_layers
    x = "data"
    for s, (width, n) in enumerate(zip((64, 128, 256, 512, 512), stages)):
        for i in range(n):
            x = conv(f"conv{s + 1}_{i + 1}", x, width, 3, pad=1)
        x = pool(f"pool{s + 1}", x, 2, 2)
    return fc("fc8", fc("fc7", fc("fc6", x, 4096), 4096), 1000, False)


def googlenet():  # models/bvlc_googlenet, deploy
    x = add("pool1/norm1", "LRN", pool("pool1/3x3_s2", conv("conv1/7x7_s2", "data", 64, 7, stride=2, pad=3), 3, 2))
    x = conv("conv2/3x3", conv("conv2/3x3_reduce", x, 64, 1), 192, 3, pad=1)
    x = pool("pool2/3x3_s2", add("conv2/norm2", "LRN", x), 3, 2)
    for row in """3a 64 96 128 16 32 32|3b 128 128 192 32 96 64|pool3|4a 192 96 208 16 48 64|4b 160 112 224 24 64 64|
                  4c 128 128 256 24 64 64|4d 112 144 288 32 64 64|4e 256 160 320 32 128 128|pool4|
                  5a 256 160 320 32 128 128|5b 384 192 384 48 128 128""".split("|"):
        name, *w = row.split()
        if not w:
            x = pool(name + "/3x3_s2", x, 3, 2)
            continue
        w, i = [int(v) for v in w], f"inception_{name}/"
        one = conv(i + "1x1", x, w[0], 1)
        three = conv(i + "3x3", conv(i + "3x3_reduce", x, w[1], 1), w[2], 3, pad=1)
        five = conv(i + "5x5", conv(i + "5x5_reduce", x, w[3], 1), w[4], 5, pad=2)
        project = conv(i + "pool_proj", pool(i + "pool", x, 3, 1, pad=1), w[5], 1)
        x = add(i + "output", "Concat", [one, three, five, project])
    return fc("loss3/classifier", pool("pool5/7x7_s1", x, 7, 1, "AVE"), 1000, False)


def resnet(depth, *blocks):  # KaimingHe/deep-residual-networks
    def normed(name, x, out, size, relu, bias=False, **p):
        kind = name[3:] if name.startswith("res") else "_" + name
        y = conv(name, x, out, size, False, bias=bias, **p)
        add("bn" + kind, "BatchNorm", y, y)
        add("scale" + kind, "Scale", y, y)
        return add(name + "_relu", "ReLU", y, y) if relu else y

    x = pool("pool1", normed("conv1", "data", 64, 7, True, bias=depth == 50, stride=2, pad=3), 3, 2)
    for s, n in enumerate(blocks):
        for b in range(n):
            letter = "a" if b == 0 else f"b{b}" if depth > 50 and s in (1, 2) else chr(ord("a") + b)
            name, width, stride = f"res{s + 2}{letter}", 64 << s, 2 if s > 0 and b == 0 else 1
            short = normed(name + "_branch1", x, 4 * width, 1, False, stride=stride) if b == 0 else x
            y = normed(name + "_branch2a", x, width, 1, True, stride=stride)
            y = normed(name + "_branch2b", y, width, 3, True, pad=1)
            y = normed(name + "_branch2c", y, 4 * width, 1, False)
            x = add(name + "_sum", "Eltwise", [short, y], name)
            x = add(name + "_relu", "ReLU", x, x)
    return fc("fc1000", pool("pool5", x, 7, 1, "AVE"), 1000, False)


NETWORKS = {
    "alexnet": (alexnet, 227, [104.007, 116.669, 122.679], True),
    "googlenet": (googlenet, 224, [104, 117, 123], True),
    "vgg16": (lambda: vgg(2, 2, 3, 3, 3), 224, [103.939, 116.779, 123.68], False),
    "vgg19": (lambda: vgg(2, 2, 4, 4, 4), 224, [103.939, 116.779, 123.68], False),
    "resnet50": (lambda: resnet(50, 3, 4, 6, 3), 224, [103.063, 115.903, 123.152], False),
    "resnet101": (lambda: resnet(101, 3, 4, 23, 3), 224, [103.063, 115.903, 123.152], False),
    "resnet152": (lambda: resnet(152, 3, 8, 36, 3), 224, [103.063, 115.903, 123.152], False),
}
build, side, mean, squash = NETWORKS[network]
last = build()
blobs = {}  # of each layer


def run(x, learn):
    """Runs the layers; learn draws weights, and takes statistics of what it sees."""
    at = {"data": x}
    for name, kind, bottoms, top, p in layers:
        v = [at[b] for b in bottoms]
        if kind in ("Convolution", "InnerProduct") and learn:
            fan = v[0].shape[1] // p.get("group", 1) * p["size"] ** 2 if kind == "Convolution" else v[0][0].numel()
            shape = (p["out"], v[0].shape[1] // p.get("group", 1), p["size"], p["size"]) if kind == "Convolution" else (p["out"], fan)
            blobs[name] = [torch.randn(shape) * (2 / fan) ** 0.5]
            if p.get("bias", True):
                blobs[name].append(torch.randn(p["out"]) * 0.1)
        if kind == "BatchNorm" and learn:  # sums of 20 steps' statistics, which Caffe divides by their factor
            factor = torch.tensor([19.5])
            blobs[name] = [v[0].mean((0, 2, 3)) * factor, v[0].var((0, 2, 3)) * factor, factor]
        if kind == "Scale" and learn:
            blobs[name] = [torch.rand(v[0].shape[1]) + 0.5, torch.randn(v[0].shape[1]) * 0.1]
        w = blobs.get(name)
        if kind == "Convolution":
            y = F.conv2d(v[0], w[0], w[1] if len(w) > 1 else None, p.get("stride", 1), p.get("pad", 0), groups=p.get("group", 1))
        elif kind == "InnerProduct":
            y = F.linear(v[0].flatten(1), *w)
        elif kind == "ReLU":
            y = F.relu(v[0])
        elif kind == "LRN":
            y = F.local_response_norm(v[0], 5, 1e-4, 0.75, 1)
        elif kind == "Pooling" and p["how"] == "MAX":
            y = F.max_pool2d(v[0], p["size"], p["stride"], p["pad"], ceil_mode=True)
        elif kind == "Pooling":
            y = F.avg_pool2d(v[0], p["size"], p["stride"])
        elif kind == "Concat":
            y = torch.cat(v, 1)
        elif kind == "Eltwise":
            y = v[0] + v[1]
        elif kind == "BatchNorm":
            y = F.batch_norm(v[0], w[0] / w[2], w[1] / w[2], eps=1e-5)
        elif kind == "Scale":
            y = v[0] * w[0][None, :, None, None] + w[1][None, :, None, None]
        at[top] = y
    return at[last]


images = []
for path in photos:
    im = Image.open(path).convert("RGB")
    scale = 256 / min(im.size)
    im = im.resize((256, 256) if squash else tuple(256 if s == min(im.size) else int(256 * s / min(im.size)) for s in im.size), Image.BILINEAR)
    left, top = (round((s - side) / 2) for s in im.size)
    pixels = np.asarray(im.crop((left, top, left + side, top + side)), dtype=np.float32)[:, :, ::-1]  # BGR
    images.append(torch.from_numpy((pixels - np.array(mean, dtype=np.float32)).transpose(2, 0, 1).copy()))
with torch.no_grad():
    batch = torch.stack(images + [i.flip(2) for i in images])
    scale = 3 / run(batch, True).std()
    blobs[last] = [b * scale for b in blobs[last]]
    answers = []
    for i in images:
        top = torch.topk(torch.softmax(run(i[None], False)[0].double(), 0), 5)
        answers.append([{"index": int(k), "probability": float(v)} for k, v in zip(top.indices, top.values)])


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(b, kind):
    b, data = b.float(), field(5, b.float().contiguous().numpy().tobytes())
    if form == "new":
        return field(7, field(1, b"".join(varint(d) for d in b.shape))) + data
    shape = [1] * (4 - b.dim()) + list(b.shape)  # num, channels, height, width
    return b"".join(field(i + 1, d) for i, d in enumerate(shape)) + data


OLD = {"Convolution": 4, "InnerProduct": 14, "ReLU": 18, "LRN": 15, "Pooling": 17, "Concat": 3, "Eltwise": 25}
with open(file, "wb") as f:
    f.write(field(1, network + " by caffe.py"))
    for name, kind, bottoms, top, p in layers:
        old = form == "old"
        body = field(4 if old else 1, name) + field(5 if old else 2, OLD[kind] if old else kind)
        body += b"".join(field(2 if old else 3, b) for b in bottoms) + field(3 if old else 4, top)
        body += b"".join(field(6 if old else 7, blob(b, kind)) for b in blobs.get(name, []))
        if kind == "LRN":
            body += field(18 if old else 118, field(1, 5) + field(2, 1e-4) + field(3, 0.75))
        if kind == "Pooling":
            body += field(19 if old else 121, field(1, 0 if p["how"] == "MAX" else 1) + field(2, p["size"]) + field(3, p["stride"]) + (field(4, p["pad"]) if p["pad"] else b""))
        f.write(field(2 if old else 100, body))
json.dump(answers, sys.stdout)
