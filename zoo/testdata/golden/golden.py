#!/usr/bin/python3
"""Write the golden files that golden_test.go holds the zoo to, or count parameters and multiply-adds.

usage: golden.py [FILE ...]     write FILE.json.gz, all by default
       golden.py count [NAME ...]  print the table of sizes

Needs Debian's python3-torch 1.13 and python3-torchvision 0.14. All is computed in float64 on float32 inputs, so
what differs from the zoo is the zoo's own rounding.

Nothing here is random. Element i of the tensor NAME is made from
    z = mix(fnv1a(NAME) + i·0x9e3779b97f4a7c15)       mix: splitmix64's finaliser; all mod 2^64
    u = (z >> 40)/2^23 - 1                            in [-1, 1)
as float32(u·√(6/fan-in)) for weights, 1 + u/10 for coefficients (weights of one dimension), u/10 for biases and
running_mean, 1 + u/2 for running_var, u for the input, which is called "input". Image i belongs to class
(7·i + 3) mod classes, or has the target u of "target" for mean squared error.

Gradients jump where the input of a ReLU is zero and where two values of a pooling window are the same, and among
millions some come so near that rounding decides. Two corrections keep all of them at a distance (Tuner below): a
bias gets a multiple of a step, "shifts", and a filter is drawn again, "salts": row r of a weight with salt k has
i + k·2^40 in place of i.

A file holds: the logits in evaluation mode; in training mode (no dropout) the loss, with auxiliary losses weighted
0.3, and for the gradient of every parameter its shape, norm, first 64 values (8 where parameters are very many) and eight projections on random signs:
projection k adds element i with the sign of bit k of mix(fnv1a(NAME + "/projection") + i·0x9e37…), set for minus.
And the buffers after that step.
"""
import functools
import gzip
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

from twins import make

PAPER, TV = "paper", "torchvision"
FILES = {
    "lenet5": ("lenet5", 4, dict(variant="modern", input=[1, 28, 28])),
    "lenet5-tanh": ("lenet5", 4, dict(variant="modern", input=[1, 28, 28], activation="tanh", pooling="average")),
    "lenet5-1998": ("lenet5", 4, dict(variant="1998", input=[1, 32, 32])),
    "alexnet": ("alexnet", 4, dict(variant=PAPER, classes=10, input=[3, 127, 127], width=0.5, dropout=0)),
    "alexnet-torchvision": ("alexnet", 2, dict(variant=TV, classes=1000, input=[3, 224, 224], dropout=0)),
    "alexnet-cifar": ("alexnet", 4, dict(variant="cifar", classes=10, input=[3, 32, 32], width=0.5, dropout=0)),
    "zfnet": ("zfnet", 4, dict(variant=PAPER, classes=10, input=[3, 112, 112], width=0.5, dropout=0)),
    "vgg11": ("vgg11", 4, dict(variant="A", classes=10, input=[3, 64, 64], dropout=0)),
    "vgg11-lrn": ("vgg11", 4, dict(variant="A-LRN", classes=10, input=[3, 32, 32], width=0.25, dropout=0)),
    "vgg16": ("vgg16", 4, dict(variant="D", classes=10, input=[3, 32, 32], dropout=0)),
    "vgg16-bn": ("vgg16", 8, dict(variant="bn", classes=10, input=[3, 32, 32], dropout=0)),
    "vgg16-c-gap": ("vgg16", 4, dict(variant="C", head="gap", classes=10, input=[3, 32, 32], width=0.25)),
    "vgg16-cifar-bn": ("vgg16", 8, dict(variant="cifar-bn", classes=10, input=[3, 32, 32])),
    "googlenet": ("googlenet", 2, dict(variant=PAPER, classes=10, input=[3, 80, 80], dropout=0)),
    "googlenet-torchvision": ("googlenet", 3, dict(variant=TV, classes=10, input=[3, 80, 80], dropout=0)),
    "googlenet-cifar": ("googlenet", 4, dict(variant="cifar", classes=10, input=[3, 28, 28], dropout=0)),
    "resnet18": ("resnet18", 2, dict(variant=TV, classes=1000, input=[3, 224, 224])),
    "resnet34": ("resnet34", 4, dict(variant=TV, classes=10, input=[3, 64, 64])),
    "resnet34-a": ("resnet34", 8, dict(variant="A", classes=10, input=[3, 64, 64], width=0.25)),
    "resnet34-c": ("resnet34", 8, dict(variant="C", classes=10, input=[3, 64, 64], width=0.25)),
    "resnet34-plain": ("resnet34", 8, dict(variant="plain", classes=10, input=[3, 64, 64], width=0.25)),
    "resnet50": ("resnet50", 4, dict(variant=TV, classes=10, input=[3, 64, 64])),
    "resnet50-paper": ("resnet50", 8, dict(variant=PAPER, classes=10, input=[3, 64, 64], width=0.25)),
    "resnet20": ("resnet20", 4, dict(variant=PAPER, classes=10, input=[3, 32, 32])),
    "allcnn-c": ("allcnn-c", 4, dict(variant=PAPER, classes=10, input=[3, 32, 32], dropout=0)),
    "convpool-cnn-c": ("convpool-cnn-c", 4, dict(variant=PAPER, classes=10, input=[3, 32, 32], dropout=0)),
    "strided-cnn-c": ("strided-cnn-c", 4, dict(variant=PAPER, classes=10, input=[3, 32, 32], dropout=0)),
    "alphago-policy": ("alphago-policy", 2, dict(variant="k192", input=[48, 19, 19], filters=48)),
    "alphago-value": ("alphago-value", 2, dict(variant="k192", input=[49, 19, 19], filters=48)),
    "squeezenet-1.1": ("squeezenet", 4, dict(variant="1.1", classes=10, input=[3, 64, 63], dropout=0)),
    "squeezenet-1.0": ("squeezenet", 4, dict(variant="1.0", classes=10, input=[3, 64, 64], dropout=0)),
    "densenet121": ("densenet121", 4, dict(variant=TV, classes=10, input=[3, 64, 64])),
    "densenet-bc-100": ("densenet-bc-100", 4, dict(variant="cifar", classes=10, input=[3, 32, 32])),
    "resnext50": ("resnext50", 4, dict(variant=TV, classes=10, input=[3, 64, 64])),
    "wide-resnet50": ("wide-resnet50", 4, dict(variant=TV, classes=10, input=[3, 64, 64])),
    "se-resnet50": ("se-resnet50", 4, dict(variant=TV, classes=10, input=[3, 64, 64])),
    "wrn-16-4": ("wrn-16-4", 4, dict(variant=PAPER, classes=10, input=[3, 32, 32])),
    "wrn-28-10": ("wrn-28-10", 4, dict(variant=PAPER, classes=10, input=[3, 32, 32], width=0.1)),
    "mobilenetv2": ("mobilenetv2", 4, dict(variant=TV, classes=10, input=[3, 96, 96], dropout=0)),
    "mobilenetv2-cifar": ("mobilenetv2", 4, dict(variant="cifar", classes=10, input=[3, 32, 32], width=0.5, dropout=0)),
    "mobilenetv3-large": ("mobilenetv3-large", 4, dict(variant=TV, classes=10, input=[3, 96, 96], dropout=0)),
    "mobilenetv3-small": ("mobilenetv3-small", 4, dict(variant=TV, classes=10, input=[3, 96, 96], dropout=0)),
    "efficientnet-b0": ("efficientnet-b0", 4, dict(variant=TV, classes=10, input=[3, 96, 96], dropout=0, drop_path=0)),
    "efficientnet-b0-paper": ("efficientnet-b0", 4, dict(variant=PAPER, classes=10, input=[3, 70, 70], dropout=0, drop_path=0)),
    "convnext-tiny": ("convnext-tiny", 2, dict(variant=TV, classes=10, input=[3, 64, 64], drop_path=0)),
}
COUNTED = {
    "lenet5": ["modern", "1998"], "alexnet": [PAPER, "ungrouped", TV, "cifar"], "zfnet": [PAPER, "wide"],
    "vgg11": ["A", "A-LRN", "bn", "gap", "cifar-bn"], "vgg13": ["B", "bn", "gap", "cifar-bn"],
    "vgg16": ["D", "C", "bn", "gap", "cifar-bn"], "vgg19": ["E", "bn", "gap", "cifar-bn"],
    "googlenet": [PAPER, TV, "cifar"], "allcnn-c": [PAPER], "convpool-cnn-c": [PAPER], "strided-cnn-c": [PAPER],
    "resnet18": [TV, "A", "C", "plain"], "resnet34": [TV, "A", "C", "plain"],
    "resnet50": [TV, PAPER], "resnet101": [TV, PAPER], "resnet152": [TV, PAPER],
    **{f"resnet{n}": [PAPER, "plain"] for n in (8, 14, 20, 32, 44, 56, 110)},
    "alphago-policy": ["k192", "k128", "k256"], "alphago-value": ["k192"],
    "squeezenet": ["1.1", "1.0"], "densenet121": [TV], "densenet169": [TV], "densenet201": [TV], "densenet-bc-100": ["cifar"],
    "resnext50": [TV], "resnext101": [TV], "wide-resnet50": [TV], "wide-resnet101": [TV],
    "wrn-16-2": [PAPER], "wrn-16-4": [PAPER], "wrn-40-4": [PAPER], "wrn-28-10": [PAPER], "se-resnet50": [TV],
    "mobilenetv2": [TV, "cifar"], "mobilenetv3-large": [TV], "mobilenetv3-small": [TV],
    **{f"efficientnet-b{n}": [TV, PAPER] for n in range(4)}, "convnext-tiny": [TV], "convnext-small": [TV],
}
INPUTS = {"lenet5 modern": (1, 28, 28), "lenet5 1998": (1, 32, 32), "alexnet paper": (3, 227, 227), "alexnet ungrouped": (3, 227, 227),
          "alphago-policy": (48, 19, 19), "alphago-value": (49, 19, 19),
          **{f"efficientnet-b{n} {v}": (3, s, s) for n, v, s in ((1, TV, 240), (1, PAPER, 240), (2, TV, 288), (2, PAPER, 260), (3, TV, 300), (3, PAPER, 300))},
          **dict.fromkeys((f"wrn-{n}" for n in ("16-2", "16-4", "40-4", "28-10")), (3, 32, 32)),
          **dict.fromkeys(("allcnn-c", "convpool-cnn-c", "strided-cnn-c"), (3, 32, 32)),
          **dict.fromkeys((f"resnet{n}" for n in (8, 14, 20, 32, 44, 56, 110)), (3, 32, 32))}
# How far, relative to the layer's root mean square, the two largest values of a pooling window are kept apart.
APART = 1e-4
MASK, STEP = (1 << 64) - 1, 0x9E3779B97F4A7C15


def hashed(name, start, count):
    h = 0xCBF29CE484222325
    for c in name.encode():
        h = (h ^ c) * 0x100000001B3 & MASK
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(start, start + count, dtype=np.uint64) * np.uint64(STEP)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def uniform(z):
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


def even(name, count):
    return uniform(hashed(name, 0, count))


def formula(name, shape, salts={}, shift=None):
    u = even(name, int(np.prod(shape)))
    for row, salt in salts.items():
        n = int(np.prod(shape[1:]))
        u[row * n:(row + 1) * n] = uniform(hashed(name, row * n + (salt << 40), n))
    if name.endswith("running_var"):
        u = 1 + u / 2
    elif name.endswith("running_mean") or name.endswith("bias"):
        u = u / 10
    elif name.endswith("weight") and len(shape) == 1:
        u = 1 + u / 10
    elif name.endswith("weight"):
        u = u * np.sqrt(6 / np.prod(shape[1:]))
    u = u.astype(np.float32).astype(np.float64)
    if shift:
        u = (u + shift["step"] * np.array(shift["by"])).astype(np.float32).astype(np.float64)
    return torch.from_numpy(u.reshape(shape))


class TooNear(Exception):
    """The filters, as pairs of weight and row, to draw again; none if biases have been moved."""


class Tuner:
    """Chooses shifts and salts by running the network in training mode.

    Tensors carry along which row of which layer's weight made each of their channels. When a ReLU is called, the
    layer that ran last and has a bias of its channels gets the shifts that keep the channel's values farthest
    from zero; so for other activations whose gradient jumps, and their places. When a pooling is called and the largest two values of a channel's window are too near, that
    channel's filter is drawn again, and all starts anew.
    """

    def __init__(self, net):
        self.net, self.names = net, {m: n for n, m in net.named_modules()}
        self.salts, self.shifts, self.moved, self.filled, self.last, self.apart = {}, {}, {}, {}, None, APART
        self.pool, self.cat = F.max_pool2d, torch.cat
        self.bent = {"relu": (0,), "hardtanh": (0, 6), "hardswish": (-3, 3), "hardsigmoid": (-3, 3)}  # hardtanh: ReLU6
        self.functions = {n: getattr(F, n) for n in self.bent}

    def tune(self, x):
        for m in self.net.modules():
            if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear, torch.nn.BatchNorm2d)) or type(m).__name__ == "LRN":
                m.register_forward_hook(self.ran)
                if type(m).__name__ == "Conv":  # its ReLU is inside
                    m.register_forward_pre_hook(self.runs)
            elif isinstance(m, torchvision.ops.SqueezeExcitation):
                m.register_forward_hook(self.gated)
        F.max_pool2d, torch.cat = self.on_pool, self.on_cat
        for n in self.bent:
            setattr(F, n, functools.partial(self.on_bent, n))
        try:
            drawn = 0
            for attempt in range(400):
                self.apart = APART / 2 ** (drawn // 40)
                self.shifts, self.margin = dict(self.moved), 1.0
                self.fill()
                try:
                    with torch.no_grad():
                        self.net.train()(x)
                    break
                except TooNear as near:
                    drawn += len(near.args[0]) > 0
                    for weight, row in near.args[0]:
                        salts = self.salts.setdefault(weight, {})
                        salts[row] = salts.get(row, 0) + 1
            else:
                sys.exit("no filters keep the pooling windows' values apart")
        finally:
            F.max_pool2d, torch.cat = self.pool, self.cat
            for n, f in self.functions.items():
                setattr(F, n, f)
        self.fill()
        return attempt

    def fill(self):
        for n, t in self.net.state_dict().items():
            if not t.is_floating_point() or n == "output":
                continue
            salts = self.salts.get(n, {})
            if t.dim() < 2 or self.filled.get(n) != salts:  # weights are large, and few change
                t.copy_(formula(n, t.shape, salts, self.shifts.get(n)))
                self.filled[n] = dict(salts)

    def runs(self, m, _):
        self.last = m

    def ran(self, m, inputs, out):
        if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)):
            out.made = [(self.names[m] + ".weight", r) for r in range(out.shape[1])]
        elif hasattr(inputs[0], "made"):
            out.made = inputs[0].made
        if getattr(m, "bias", None) is not None:
            self.last = m

    def gated(self, m, inputs, out):
        self.last, self.gate = None, self.names[m].rsplit(".", 1)[0] + ".bn3.bias"

    def on_bent(self, name, x, *args, inplace=False):
        made = getattr(x, "made", None)
        last = self.last
        if last is None:
            flat = x.transpose(0, 1).reshape(x.shape[1], -1)
            size = flat.square().mean().sqrt().item()
            gap = flat.abs().amin(1) / size
            if (small := (gap < self.apart).nonzero().ravel().tolist()):
                by = self.moved.setdefault(self.gate, dict(step=2.0 ** np.floor(np.log2(size)) / 512, by=[0] * x.shape[1]))["by"]
                for c in small:
                    by[c] += 1
                raise TooNear([])
            self.margin = min(self.margin, gap.min().item())
        if last is not None and self.names[last] + ".bias" not in self.shifts and last.bias.numel() == x.shape[1]:
            flat = x.transpose(0, 1).reshape(x.shape[1], -1)
            step = 2.0 ** np.floor(np.log2(flat.square().mean().sqrt().item())) / 256
            margins = torch.stack([torch.stack([(flat + k * step - b).abs().amin(1) for b in self.bent[name]]).amin(0) for k in range(-32, 33)])
            by = [int(k) - 32 for k in margins.argmax(0)]
            bias = self.names[last] + ".bias"
            self.shifts[bias] = dict(step=step, by=by)
            self.margin = min(self.margin, margins.amax(0).min().item() / (256 * step))
            old = last.bias.clone()
            last.bias.copy_(formula(bias, old.shape, {}, self.shifts[bias]))
            x = x + (last.bias - old).view(1, -1, *[1] * (x.dim() - 2))
        y = self.functions[name](x, *args)
        if made:
            y.made = made
        return y

    def on_pool(self, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        y = self.pool(x, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode)
        if hasattr(x, "made"):
            y.made, stride = x.made, stride or kernel_size
            below, beyond = [max(0, (n - 1) * stride + kernel_size - s - padding) for n, s in zip(y.shape[2:], x.shape[2:])]
            padded = F.pad(x, (padding, beyond, padding, below), value=float("-inf"))
            windows = padded.unfold(2, kernel_size, stride).unfold(3, kernel_size, stride)[:, :, :y.shape[2], :y.shape[3]]
            windows = windows.reshape(*y.shape, -1)
            # Equals come from one pixel through an earlier pooling, to which the gradient returns either way.
            second = torch.where(windows == y.unsqueeze(-1), float("-inf"), windows).amax(-1)
            # Where all are zero, the ReLU before stops the gradient.
            gap = torch.where(y > 0, y - second, torch.tensor(1e9, dtype=x.dtype))
            gap = gap.transpose(0, 1).reshape(x.shape[1], -1).amin(1) / x.square().mean().sqrt()
            small = (gap < self.apart).nonzero().ravel().tolist()
            if small:
                raise TooNear([y.made[c] for c in small])
            self.margin = min(self.margin, gap.min().item())
        return y

    def on_cat(self, tensors, dim=0):
        y = self.cat(tensors, dim)
        if dim == 1 and all(hasattr(t, "made") for t in tensors):
            y.made = [m for t in tensors for m in t.made]
        return y


def projections(name, g):
    sums = np.zeros(8)
    for start in range(0, g.size, 1 << 20):
        part = g[start:start + (1 << 20)]
        z = hashed(name + "/projection", start, part.size)
        for k in range(8):
            sums[k] += np.where((z >> np.uint64(k)) & np.uint64(1), -part, part).sum()
    return sums


def numbers(a):
    return [float(f"{v:.8g}") for v in np.asarray(a).ravel()]


def golden(file):
    name, batch, options = FILES[file]
    net = make(name, options).double()
    x = formula("input", (batch, *options["input"]))
    tuner = Tuner(net)
    attempts = tuner.tune(x)
    with torch.no_grad():
        logits = net.eval()(x)
    out = net.train()(x)
    heads = out if isinstance(out, tuple) else (out,)
    if name == "alphago-value":
        loss = F.mse_loss(heads[0], formula("target", (batch, 1)))
    else:
        y = torch.tensor([(7 * i + 3) % heads[0].shape[1] for i in range(batch)])
        loss = sum(w * F.cross_entropy(h, y) for h, w in zip(heads, (1, 0.3, 0.3)))
    loss.backward()
    gradients, first = [], 64 if len(list(net.parameters())) <= 161 else 8  # of very many, few
    for n, p in net.named_parameters():
        g = p.grad.numpy().ravel()
        gradients.append(dict(name=n, shape=list(p.shape), norm=float(np.linalg.norm(g)), values=numbers(g[:first]), projections=numbers(projections(n, g))))
    buffers = [dict(name=n, shape=list(b.shape), norm=float(b.norm()), values=numbers(b.ravel()[:first]))
               for n, b in net.named_buffers() if not n.endswith("num_batches_tracked")]
    data = dict(network=name, batch=batch, options=options, torch=torch.__version__, salts=tuner.salts, shifts=tuner.shifts, logits=numbers(logits), loss=loss.item(),
                gradients=gradients, buffers=buffers)
    with open(Path(__file__).parent / f"{file}.json.gz", "wb") as f:
        f.write(gzip.compress(json.dumps(data, separators=(",", ":")).encode(), 9, mtime=0))
    print(f"{file}: loss {loss.item():.6g}, {len(gradients)} parameters, logits up to {logits.abs().max():.3g}, "
          f"margin {tuner.margin:.1g} after {attempts} filters, gradient norms {min(g['norm'] for g in gradients):.2g} to {max(g['norm'] for g in gradients):.2g}", flush=True)


def count(names):
    for name, variants in COUNTED.items():
        for variant in variants if not names or name in names else []:
            shape = INPUTS.get(f"{name} {variant}") or INPUTS.get(name) or (3, 224, 224)
            options = dict(variant=variant, input=shape)
            if variant.startswith("cifar"):
                options.update(classes=10, input=(shape := (3, 32, 32)))
            net = make(name, options).eval()
            macs = 0

            def hook(m, inputs, out):
                nonlocal macs
                if hasattr(m, "table"):
                    macs += m.weight.numel() * out.shape[2] * out.shape[3]
                elif m.weight.dim() > 1:
                    macs += m.weight.numel() * (out.numel() // m.weight.shape[0])
            for m in net.modules():
                if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)) or hasattr(m, "table"):
                    m.register_forward_hook(hook)
            with torch.no_grad():
                net(torch.zeros(1, *shape))
            if name == "lenet5" and variant == "1998":
                macs += net.output.numel()
            auxiliary = sum(p.numel() for n, p in net.named_parameters() if n.startswith("aux"))
            params = sum(p.numel() for p in net.parameters()) - auxiliary
            print(f'{{"{name}", "{variant}", {params:_}, {auxiliary:_}, {macs:_}}},', flush=True)


if __name__ == "__main__":
    torch.set_num_threads(2)
    if sys.argv[1:2] == ["count"]:
        count(sys.argv[2:])
    else:
        for file in sys.argv[1:] or FILES:
            golden(file)
