"""PyTorch twins of the networks, written from the papers, with the zoo's parameter names.

Where torchvision has the network, it is torchvision's. Widths, heads and inputs that torchvision has no
argument for are set from outside, on its modules.
"""
import re
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
import torchvision.models as tv


def units(n, width, groups=1):
    """The zoo's width multiplier; Go rounds halves away from zero."""
    return n if width == 1 else max(1, int(n * width / groups + 0.5)) * groups


class LeNet5(nn.Module):
    """LeCun et al. 1998 with complete C3, plain pooling and a linear output."""

    def __init__(self, activation="relu", pooling="max", classes=10, **_):
        super().__init__()
        self.c1, self.c3 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.c5, self.f6, self.output = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, classes)
        self.squash = {"relu": nn.ReLU(), "tanh": torch.tanh}[activation]
        self.pool = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2)}[pooling]

    def forward(self, x):
        x = self.pool(self.squash(self.c1(x)))
        x = self.pool(self.squash(self.c3(x)))
        x = self.squash(self.c5(x.flatten(1)))
        return self.output(self.squash(self.f6(x)))


class Subsampling(nn.Module):
    """The sum of each 2×2 times a coefficient plus a bias, one of each a map."""

    def __init__(self, maps):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(maps)), nn.Parameter(torch.zeros(maps))

    def forward(self, x):
        s = x[:, :, 0::2, 0::2] + x[:, :, 0::2, 1::2] + x[:, :, 1::2, 0::2] + x[:, :, 1::2, 1::2]
        return s * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class PartialConv(nn.Module):
    """A 5×5 convolution whose filter f sees the maps table[f]."""

    def __init__(self, table):
        super().__init__()
        self.table = table
        self.weight, self.bias = nn.Parameter(torch.zeros(sum(map(len, table)), 5, 5)), nn.Parameter(torch.zeros(len(table)))

    def forward(self, x):
        maps, k = [], 0
        for f, seen in enumerate(self.table):
            w = self.weight[k:k + len(seen)].unsqueeze(0)
            maps.append(F.conv2d(x[:, seen], w, self.bias[f:f + 1]))
            k += len(seen)
        return torch.cat(maps, 1)


class LeNet51998(nn.Module):
    """Section II.B to the letter; logits are the negative distances to the codes."""

    def __init__(self, **_):
        super().__init__()
        table = [[(i + j) % 6 for j in range(3)] for i in range(6)] + [[(i + j) % 6 for j in range(4)] for i in range(6)]
        table += [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]
        self.c1, self.s2 = nn.Conv2d(1, 6, 5), Subsampling(6)
        self.c3, self.s4 = PartialConv([sorted(t) for t in table]), Subsampling(16)
        self.c5, self.f6 = nn.Linear(400, 120), nn.Linear(120, 84)
        rows = re.findall(r'^\t"([#. ]+)",$', (Path(__file__).parents[2] / "lenet_codes.go").read_text(), re.M)
        codes = [[1.0 if c == "#" else -1.0 for row in rows for c in row[8 * d:8 * d + 7]] for d in range(10)]
        self.register_buffer("output", torch.tensor(codes))

    def forward(self, x):
        def squash(a):
            return 1.7159 * torch.tanh(a * (2 / 3))
        x = squash(self.s2(squash(self.c1(x))))
        x = squash(self.s4(squash(self.c3(x))))
        x = squash(self.f6(squash(self.c5(x.flatten(1)))))
        return -(x.unsqueeze(1) - self.output.unsqueeze(0)).square().sum(2)


class LRN(nn.Module):
    """AlexNet's section 3.3 to the letter: alpha is not divided by n, as nn.LocalResponseNorm does."""

    def __init__(self, n=5, k=2.0, alpha=1e-4, beta=0.75):
        super().__init__()
        self.n, self.k, self.alpha, self.beta = n, k, alpha, beta

    def forward(self, x):
        squares = F.pad(x.square(), (0, 0, 0, 0, self.n // 2, self.n // 2))
        total = sum(squares[:, i:i + x.shape[1]] for i in range(self.n))
        return x / (self.k + self.alpha * total) ** self.beta


class EightLayers(nn.Module):
    """What AlexNet and ZFNet share: conv1-5 with what stands between them, fc6-8."""

    def __init__(self, convs, between, pixels, classes, width, hidden=4096):
        super().__init__()
        self.between = between
        for i, c in enumerate(convs):
            self.add_module(f"conv{i + 1}", c)
        hidden = units(hidden, width)
        self.fc6, self.fc7, self.fc8 = nn.Linear(pixels, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, classes)

    def forward(self, x):
        for i, f in enumerate(self.between):
            x = f(F.relu(getattr(self, f"conv{i + 1}")(x)))
        x = F.relu(self.fc6(x.flatten(1)))
        return self.fc8(F.relu(self.fc7(x)))


def alexnet(variant="paper", classes=1000, input=(3, 227, 227), width=1, **_):
    if variant == "torchvision":
        assert width == 1
        return tv.alexnet(num_classes=classes, dropout=0)
    w = [units(n, width, 2) for n in (96, 256, 384, 384, 256)]
    g = 1 if variant == "ungrouped" else 2
    kernel, stride, pad, hidden = (5, 1, 2, 1024) if variant == "cifar" else (11, 4, 0, 4096)
    convs = [nn.Conv2d(input[0], w[0], kernel, stride, pad), nn.Conv2d(w[0], w[1], 5, 1, 2, groups=g), nn.Conv2d(w[1], w[2], 3, 1, 1),
             nn.Conv2d(w[2], w[3], 3, 1, 1, groups=g), nn.Conv2d(w[3], w[4], 3, 1, 1, groups=g)]
    pool = nn.MaxPool2d(3, 2)
    size = (((((input[1] - kernel + 2 * pad) // stride + 1) - 3) // 2 + 1) - 3) // 2 + 1
    size = (size - 3) // 2 + 1
    same = nn.Identity()
    between = [nn.Sequential(LRN(), pool), nn.Sequential(LRN(), pool), same, same, pool]
    return EightLayers(convs, between, w[4] * size * size, classes, width, hidden)


def zfnet(variant="paper", classes=1000, input=(3, 224, 224), width=1, **_):
    widths = (96, 256, 384, 384, 256) if variant == "paper" else (96, 256, 512, 1024, 512)
    w = [units(n, width) for n in widths]
    convs = [nn.Conv2d(input[0], w[0], 7, 2, 1), nn.Conv2d(w[0], w[1], 5, 2), nn.Conv2d(w[1], w[2], 3, 1, 1),
             nn.Conv2d(w[2], w[3], 3, 1, 1), nn.Conv2d(w[3], w[4], 3, 1, 1)]
    size = ((input[1] - 7 + 2) // 2 + 1 - 1) // 2 + 1
    size = ((size - 5) // 2 + 1 - 1) // 2 + 1
    size = (size - 3) // 2 + 1
    same = nn.Identity()
    normalised = nn.Sequential(nn.MaxPool2d(3, 2, 1), LRN())
    return EightLayers(convs, [normalised, normalised, same, same, nn.MaxPool2d(3, 2)], w[4] * size * size, classes, width)


def vgg(name, variant, classes=1000, input=(3, 224, 224), width=1, head="fc", batch_norm=False, **_):
    """torchvision's vgg; layers that it doesn't have are put into its list."""
    config = [v if v == "M" else units(v, width) for v in tv.vgg.cfgs[{"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}[name]]]
    net = tv.vgg.VGG(tv.vgg.make_layers(config, batch_norm=batch_norm or variant in ("bn", "cifar-bn")), num_classes=1, init_weights=False)
    if variant == "A-LRN":
        net.features.insert(2, LRN())
    if variant == "C":  # the last of three convolutions is 1×1
        for i in (14, 21, 28):
            c = net.features[i]
            net.features[i] = nn.Conv2d(c.in_channels, c.out_channels, 1)
    net.avgpool = nn.Identity()
    out, hidden = config[-2], units(4096, width)
    if head == "gap" or variant in ("gap", "cifar-bn"):
        net.avgpool, net.classifier = nn.AdaptiveAvgPool2d(1), nn.Linear(out, classes)
    else:
        pixels = out * (input[1] // 32) * (input[2] // 32)
        net.classifier = nn.Sequential(nn.Linear(pixels, hidden), nn.ReLU(), nn.Identity(),
                                       nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(), nn.Linear(hidden, classes))
    return net


class Conv(nn.Conv2d):
    def forward(self, x):
        return F.relu(super().forward(x))


class Inception(nn.Module):
    def __init__(self, i, c1, r3, c3, r5, c5, p):
        super().__init__()
        self.branch1 = Conv(i, c1, 1)
        self.branch2 = nn.Sequential(Conv(i, r3, 1), Conv(r3, c3, 3, padding=1))
        self.branch3 = nn.Sequential(Conv(i, r5, 1), Conv(r5, c5, 5, padding=2))
        self.branch4 = Conv(i, p, 1)

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(F.max_pool2d(x, 3, 1, 1))], 1)


class InceptionAux(nn.Module):
    def __init__(self, i, pixels, classes):
        super().__init__()
        self.conv, self.fc1, self.fc2 = Conv(i, 128, 1), nn.Linear(128 * pixels, 1024), nn.Linear(1024, classes)

    def forward(self, x):
        x = self.conv(F.avg_pool2d(x, 5, 3)).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


class GoogLeNet(nn.Module):
    """Table 1 of the paper: biases, 5×5, response normalisation, every pooling 3×3."""

    def __init__(self, classes=1000, input=(3, 224, 224), **_):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = Conv(3, 64, 7, 2, 3), Conv(64, 64, 1), Conv(64, 192, 3, padding=1)
        rows = {"3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
                "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64), "4c": (512, 128, 128, 256, 24, 64, 64),
                "4d": (512, 112, 144, 288, 32, 64, 64), "4e": (528, 256, 160, 320, 32, 128, 128),
                "5a": (832, 256, 160, 320, 32, 128, 128), "5b": (832, 384, 192, 384, 48, 128, 128)}
        for name, row in rows.items():
            self.add_module("inception" + name, Inception(*row))
        pixels = ((input[1] // 16 - 5) // 3 + 1) ** 2
        self.aux1, self.aux2 = InceptionAux(512, pixels, classes), InceptionAux(528, pixels, classes)
        self.fc = nn.Linear(1024, classes)
        self.norm = LRN(5, 1.0, 1e-4 / 5, 0.75)

    def forward(self, x):
        def pool(x):
            return F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = self.norm(pool(self.conv1(x)))
        x = pool(self.norm(self.conv3(self.conv2(x))))
        x = pool(self.inception3b(self.inception3a(x)))
        a = self.inception4a(x)
        d = self.inception4d(self.inception4c(self.inception4b(a)))
        x = pool(self.inception4e(d))
        x = self.fc(self.inception5b(self.inception5a(x)).mean((2, 3)))
        return (x, self.aux2(d), self.aux1(a)) if self.training else x


def googlenet(variant="paper", classes=1000, **options):
    if variant == "torchvision":
        return tv.googlenet(num_classes=classes, aux_logits=True, init_weights=False, dropout=0, dropout_aux=0)
    if variant == "cifar":
        net = tv.googlenet(num_classes=classes, aux_logits=False, init_weights=False, dropout=0)
        net.conv1, net.maxpool1 = type(net.conv1)(options["input"][0], 64, kernel_size=3, padding=1), nn.Identity()
        return net
    return GoogLeNet(classes, **options)


class Block(nn.Module):
    """A residual block of convolutions (filters, kernel, stride) with one of the paper's shortcuts."""

    def __init__(self, i, convs, shortcut):
        super().__init__()
        self.convs, stride, o = len(convs), 1, i
        for n, (f, k, s) in enumerate(convs):
            self.add_module(f"conv{n + 1}", nn.Conv2d(o, f, k, s, k // 2, bias=False))
            self.add_module(f"bn{n + 1}", nn.BatchNorm2d(f))
            o, stride = f, stride * s
        self.changes = i != o or stride != 1
        self.shortcut, self.stride, self.extra = shortcut, stride, o - i
        if shortcut == "C" or shortcut == "B" and self.changes:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = x
        for n in range(self.convs):
            y = F.relu(y) if n else y
            y = getattr(self, f"bn{n + 1}")(getattr(self, f"conv{n + 1}")(y))
        if self.shortcut == "none":
            return F.relu(y)
        if hasattr(self, "downsample"):
            x = self.downsample(x)
        elif self.changes:
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.extra // 2, self.extra - self.extra // 2))
        return F.relu(y + x)


class ResNet(nn.Module):
    def __init__(self, blocks, bottleneck, variant, shortcut, classes=1000, width=1, input=(3, 224, 224), cifar=False):
        super().__init__()
        i = units(16 if cifar else 64, width)
        self.cifar, self.stages = cifar, len(blocks)
        self.conv1 = nn.Conv2d(input[0], i, 3, 1, 1, bias=False) if cifar else nn.Conv2d(input[0], i, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(i)
        for s, n in enumerate(blocks):
            w, stage = units((16 if cifar else 64) << s, width), []
            for k in range(n):
                stride = 2 if s > 0 and k == 0 else 1
                convs = [(w, 3, stride), (w, 3, 1)]
                if bottleneck:
                    a, b = (stride, 1) if variant == "paper" else (1, stride)
                    convs = [(w, 1, a), (w, 3, b), (4 * w, 1, 1)]
                stage.append(Block(i, convs, shortcut))
                i = convs[-1][0]
            self.add_module(f"layer{s + 1}", nn.Sequential(*stage))
        self.add_module("linear" if cifar else "fc", nn.Linear(i, classes))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = x if self.cifar else F.max_pool2d(x, 3, 2, 1)
        for s in range(self.stages):
            x = getattr(self, f"layer{s + 1}")(x)
        return (self.linear if self.cifar else self.fc)(x.mean((2, 3)))


def resnet(name, variant="torchvision", classes=None, width=1, shortcut=None, **options):
    depth = int(name[6:])
    cifar = depth in (8, 14, 20, 32, 44, 56, 110)
    classes = classes or (10 if cifar else 1000)
    if cifar:
        shortcut = shortcut or {"paper": "A", "plain": "none"}[variant]
        return ResNet([(depth - 2) // 6] * 3, False, variant, shortcut, classes, width, cifar=True, **options)
    if variant == "torchvision" and width == 1 and shortcut is None:
        return getattr(tv, name)(num_classes=classes)
    blocks = {18: [2, 2, 2, 2], 34: [3, 4, 6, 3], 50: [3, 4, 6, 3], 101: [3, 4, 23, 3], 152: [3, 8, 36, 3]}[depth]
    shortcut = shortcut or {"A": "A", "C": "C", "plain": "none"}.get(variant, "B")
    return ResNet(blocks, depth >= 50, variant, shortcut, classes, width, **options)


class AllCNN(nn.Module):
    """Table 2 of Springenberg et al.; 0 filters is a pooling 3×3 with stride 2."""

    def __init__(self, name, classes=10, **_):
        super().__init__()
        layers = {
            "allcnn-c": [(96, 3, 1), (96, 3, 1), (96, 3, 2), (192, 3, 1), (192, 3, 1), (192, 3, 2), (192, 3, 1), (192, 1, 1)],
            "convpool-cnn-c": [(96, 3, 1), (96, 3, 1), (96, 3, 1), 0, (192, 3, 1), (192, 3, 1), (192, 3, 1), 0, (192, 3, 1), (192, 1, 1)],
            "strided-cnn-c": [(96, 3, 1), (96, 3, 2), (192, 3, 1), (192, 3, 2), (192, 3, 1), (192, 1, 1)],
        }[name] + [(classes, 1, 1)]
        i, n, self.order = 3, 0, []
        for l in layers:
            if l:
                n += 1
                self.add_module(f"conv{n}", nn.Conv2d(i, l[0], l[1], l[2], l[1] // 2))
                self.order.append(f"conv{n}")
                i = l[0]
            else:
                self.order.append(None)

    def forward(self, x):
        for name in self.order:
            x = F.relu(getattr(self, name)(x)) if name else F.max_pool2d(x, 3, 2, 1)
        return x.mean((2, 3))


class AlphaGo(nn.Module):
    def __init__(self, name, variant="k192", filters=None, depth=13, input=None, **_):
        super().__init__()
        self.depth, self.policy = depth, name == "alphago-policy"
        k = filters or int(variant[1:])
        planes, *size = input or ((48 if self.policy else 49), 19, 19)
        points = size[0] * size[1]
        self.conv1 = nn.Conv2d(planes, k, 5, padding=2)
        for n in range(2, depth):
            self.add_module(f"conv{n}", nn.Conv2d(k, k, 3, padding=1))
        self.add_module(f"conv{depth}", nn.Conv2d(k, 1, 1, bias=not self.policy))
        if self.policy:
            self.bias = nn.Parameter(torch.zeros(points))
        else:
            self.fc1, self.fc2 = nn.Linear(points, 256), nn.Linear(256, 1)

    def forward(self, x):
        for n in range(1, self.depth):
            x = F.relu(getattr(self, f"conv{n}")(x))
        x = getattr(self, f"conv{self.depth}")(x).flatten(1)
        return x + self.bias if self.policy else torch.tanh(self.fc2(F.relu(self.fc1(x))))


# After ResNet. What torchvision has is torchvision's.

class DenseNet(tv.densenet.DenseNet):
    """Huang et al., also for 32×32 (sections 3 and 4.1): no pooling and normalisation after a first 3×3."""

    def __init__(self, blocks, growth, stem, classes, cifar=False):
        super().__init__(growth, blocks, stem, num_classes=classes)
        if cifar:
            self.features.conv0 = nn.Conv2d(3, stem, 3, 1, 1, bias=False)
            del self.features.norm0, self.features.relu0, self.features.pool0

    def forward(self, x):
        return self.classifier(F.relu(self.features(x)).mean((2, 3)))


class SEBottleneck(tv.resnet.Bottleneck):
    """Hu et al., figure 3: reduction 16, before the sum."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        channels = self.conv3.out_channels
        self.se = torchvision.ops.SqueezeExcitation(channels, channels // 16)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.se(self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y))))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class WideBlock(nn.Module):
    """Zagoruyko and Komodakis, figure 1d: normalisation and ReLU come first."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.convShortcut = nn.Conv2d(i, o, 1, stride, bias=False) if i != o or stride != 1 else None

    def forward(self, x):
        y = F.relu(self.bn1(x))
        short = x if self.convShortcut is None else self.convShortcut(y)
        return self.conv2(F.relu(self.bn2(self.conv1(y)))) + short


class WideResNet(nn.Module):
    def __init__(self, depth, k, classes=10, width=1, **_):
        super().__init__()
        self.conv1, i = nn.Conv2d(3, 16, 3, 1, 1, bias=False), 16
        for s in range(3):
            o, layers = units((16 * k) << s, width), []
            for n in range((depth - 4) // 6):
                layers.append(WideBlock(i, o, 2 if s and not n else 1))
                i = o
            block = nn.Module()
            block.layer = nn.Sequential(*layers)
            self.add_module(f"block{s + 1}", block)
        self.bn1, self.fc = nn.BatchNorm2d(i), nn.Linear(i, classes)

    def forward(self, x):
        x = self.conv1(x)
        for block in (self.block1, self.block2, self.block3):
            x = block.layer(x)
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


class SamePadded(nn.Conv2d):
    """A convolution that pads as TensorFlow does: ⌈N/S⌉ pixels come out, the odd one is at the bottom and right."""

    def forward(self, x):
        pads = []
        for n, k, s in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1]):
            total = max(0, (-(-n // s) - 1) * s + k - n)
            pads += [total // 2, total - total // 2]
        return F.conv2d(F.pad(x, pads), self.weight, self.bias, self.stride, 0, 1, self.groups)


def efficientnet(name, variant="torchvision", classes=1000, **_):
    net = getattr(tv, name.replace("-", "_"))(num_classes=classes, stochastic_depth_prob=0)
    net.classifier[0].p = 0
    if variant == "paper":
        for m in net.modules():
            if isinstance(m, nn.Conv2d) and m.kernel_size[0] > 1:
                m.__class__ = SamePadded
            elif isinstance(m, nn.BatchNorm2d):
                m.eps, m.momentum = 1e-3, 0.01
    return net


def mobilenet_v2(variant="torchvision", classes=1000, width=1, **_):
    net = tv.mobilenet_v2(num_classes=classes, width_mult=width, dropout=0)
    if variant == "cifar":
        net.features[0][0].stride = (1, 1)
        net.features[2].conv[1][0].stride = (1, 1)
    return net


def after_resnet(name, classes=None, variant=None, width=1, **options):
    o = dict(num_classes=classes or 1000)
    if name.startswith("densenet"):
        if name == "densenet-bc-100":
            return DenseNet((16, 16, 16), units(12, width), units(24, width), classes or 10, cifar=True)
        blocks = {"121": (6, 12, 24, 16), "169": (6, 12, 32, 32), "201": (6, 12, 48, 32)}[name[8:]]
        return DenseNet(blocks, units(32, width), units(64, width), **dict(classes=o["num_classes"]))
    if name.startswith("wrn"):
        depth, k = map(int, name.split("-")[1:])
        return WideResNet(options.get("depth", depth), k, classes or 10, width)
    if name.startswith("efficientnet"):
        return efficientnet(name, variant, o["num_classes"])
    return {
        "squeezenet": lambda: getattr(tv, "squeezenet" + variant.replace(".", "_"))(dropout=0, **o),
        "resnext50": lambda: tv.resnext50_32x4d(**o), "resnext101": lambda: tv.resnext101_32x8d(**o),
        "wide-resnet50": lambda: tv.wide_resnet50_2(**o), "wide-resnet101": lambda: tv.wide_resnet101_2(**o),
        "se-resnet50": lambda: tv.resnet.ResNet(SEBottleneck, [3, 4, 6, 3], **o),
        "mobilenetv2": lambda: mobilenet_v2(variant, o["num_classes"], width),
        "mobilenetv3-large": lambda: tv.mobilenet_v3_large(dropout=0, width_mult=width, **o),
        "mobilenetv3-small": lambda: tv.mobilenet_v3_small(dropout=0, width_mult=width, **o),
        "convnext-tiny": lambda: tv.convnext_tiny(stochastic_depth_prob=0, **o),
        "convnext-small": lambda: tv.convnext_small(stochastic_depth_prob=0, **o),
    }[name]()


def make(name, options):
    o = {k: v for k, v in options.items() if k not in ("dropout", "auxiliary")}
    if name == "lenet5":
        variant = o.pop("variant", "modern")
        return LeNet51998(**o) if variant == "1998" else LeNet5(**o)
    if name.startswith("vgg"):
        return vgg(name, **o)
    if name.startswith("resnet"):
        return resnet(name, **o)
    if name.endswith("cnn-c"):
        o.pop("variant", None)
        return AllCNN(name, **o)
    if name.startswith("alphago"):
        return AlphaGo(name, **o)
    if name == "googlenet":
        return googlenet(**o)
    if name in ("alexnet", "zfnet"):
        return {"alexnet": alexnet, "zfnet": zfnet}[name](**o)
    return after_resnet(name, **o)
