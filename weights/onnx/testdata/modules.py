"""Exports small networks of many kinds of layers to ONNX, as users write them: modules.py modules.zip [PATTERN]

Each is a file NAME-OPSET.onnx; weights are random and the same at every call. outputs.json has what PyTorch gives for
an input of the shape given: element i is (7919·i mod 1009)/252 - 2. Of a large output every so many elements are kept.
Written for Debian's python3-torch 1.13.
"""

import io
import json
import re
import sys
import warnings
import zipfile

import torch
import torch.nn.functional as F
from torch import nn

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
pattern = sys.argv[2] if sys.argv[2:] else ""
archive = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED, compresslevel=9)
outputs = {}


class Of(nn.Module):
    """A function of an image, with modules that it uses."""

    def __init__(self, f, *modules):
        super().__init__()
        self.f, self.list = f, nn.ModuleList(modules)

    def forward(self, x):
        return self.f(x, *self.list)


def export(name, net, *opsets, shape=(1, 3, 12, 10), train=False, dynamic=None, script=False, **more):
    if not re.search(pattern, name):
        return
    for opset in opsets or (13,):
        torch.manual_seed(1)
        net = net.train()
        with torch.no_grad():
            for w in net.parameters():
                if w.dim() > 1 and not w.any():  # a head that begins at nothing
                    w.normal_(0, 0.3)
            for m in net.modules():
                if isinstance(m, (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm)) and m.weight is not None:
                    m.weight.uniform_(0.5, 1.5)
                    m.bias.uniform_(-0.5, 0.5)
            if any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in net.modules()):
                net(torch.randn((4,) + shape[1:]))
        net = net.eval()
        x = ((7919 * torch.arange(torch.Size(shape).numel())) % 1009 / 252 - 2).view(shape)
        file = io.BytesIO()
        try:
            torch.onnx.export(
                torch.jit.script(net) if script else net, x, file, opset_version=opset,
                input_names=["input"], output_names=["output"], dynamic_axes={"input": dynamic} if dynamic else None, **more,
            )
        except Exception as e:
            print(f"{name}-{opset}: torch does not export it: {str(e).splitlines()[0][:150]}")
            continue
        archive.writestr(zipfile.ZipInfo(f"{name}-{opset}.onnx"), file.getvalue(), zipfile.ZIP_DEFLATED, 9)
        with torch.no_grad():
            y = net(x)
        y = y[0] if isinstance(y, tuple) else y
        step = (y.numel() + 99) // 100
        values = [float(f"{v:.8g}") for v in y.double().flatten()[::step].tolist()]
        outputs[f"{name}-{opset}"] = {"input": list(shape), "shape": list(y.shape), "step": step, "values": values}


def act(name, m, *opsets, **more):
    export(name, nn.Sequential(nn.Conv2d(3, 4, 3), m), *opsets, **more)


def f(name, fn, *opsets, modules=(), **more):
    export(name, Of(fn, *modules), *opsets, **more)


# Activations.
for m in [nn.ReLU(), nn.ReLU6(), nn.ELU(0.7), nn.SELU(), nn.CELU(1.3), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.Hardsigmoid(),
          nn.Hardtanh(-0.5, 0.7), nn.Softplus(), nn.Softsign(), nn.LogSigmoid(), nn.Threshold(0.1, 2), nn.LeakyReLU(0.2), nn.Tanh(),
          nn.Tanhshrink(), nn.Hardshrink(0.3), nn.Softshrink(0.3), nn.RReLU()]:
    act("act-" + type(m).__name__, m, 9, 14)
act("act-softplus-2", nn.Softplus(2), 9, 13)
act("act-gelu-tanh", nn.GELU("tanh"), 13)
act("act-prelu", nn.PReLU(), 9, 13)
act("act-prelu-channels", nn.PReLU(4), 9, 13)
export("act-glu", nn.Sequential(nn.Conv2d(3, 6, 3), nn.GLU(1)), 11)
act("act-softmax2d", nn.Softmax2d(), 11, 13)
act("act-softmin", nn.Softmin(1), 11, 13)
act("act-logsoftmax", nn.LogSoftmax(1), 11, 13)

# Resizing.
for mode in ["nearest", "bilinear", "bicubic"]:
    for opset in (9, 11, 13) if mode == "nearest" else (11, 13):  # version 9 has another rule of interpolation
        f(f"up-{mode}-2", lambda x, m=mode: F.interpolate(x, scale_factor=2, mode=m), opset)
        f(f"up-{mode}-size", lambda x, m=mode: F.interpolate(x, size=(17, 31), mode=m), opset)
        f(f"up-{mode}-down", lambda x, m=mode: F.interpolate(x, scale_factor=0.6, mode=m), opset)
        if mode != "nearest":
            f(f"up-{mode}-corners", lambda x, m=mode: F.interpolate(x, scale_factor=1.5, mode=m, align_corners=True), opset)
f("up-nearest-exact", lambda x: F.interpolate(x, scale_factor=1.5, mode="nearest-exact"), 13)
f("up-antialias", lambda x: F.interpolate(x, size=(5, 4), mode="bilinear", antialias=True), 16)
f("up-to-other", lambda x, c: F.interpolate(c(x), size=x.shape[2:], mode="bilinear"), 11, 13, modules=[nn.Conv2d(3, 2, 3, 2)])
f("up-to-other-dynamic", lambda x, c: F.interpolate(c(x), size=x.shape[2:], mode="nearest"), 11, 13, modules=[nn.Conv2d(3, 2, 3, 2)], dynamic={0: "n", 2: "h", 3: "w"})
export("pixel-shuffle", nn.Sequential(nn.Conv2d(3, 8, 3), nn.PixelShuffle(2)), 9, 11, 13)
export("pixel-unshuffle", nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 3, 1)), 11, 13)
export("channel-shuffle", nn.ChannelShuffle(3), 11, shape=(1, 6, 5, 4))

# Convolutions.
export("conv-transpose", nn.Sequential(nn.Conv2d(3, 4, 3, 2), nn.ConvTranspose2d(4, 5, 3, stride=2, padding=1, output_padding=1)), 9, 11, 13)
export("conv-transpose-groups", nn.ConvTranspose2d(6, 9, (2, 3), stride=(2, 1), groups=3, bias=False), 11, shape=(2, 6, 5, 4))
export("conv-transpose-dilated", nn.ConvTranspose2d(3, 4, 3, dilation=2, padding=1), 11)
export("conv-depthwise", nn.Conv2d(6, 12, 3, padding="same", groups=6), 11, shape=(1, 6, 9, 8))
export("conv-same-even", nn.Conv2d(3, 4, 4, padding="same"), 11)
export("conv-dilated", nn.Conv2d(3, 4, 3, dilation=(2, 3), padding=(2, 1)), 11)
export("conv-reflect", nn.Conv2d(3, 4, 3, padding=2, padding_mode="reflect"), 11)
export("conv-1d", nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 5, 5, 2), nn.BatchNorm1d(5), nn.ReLU(), nn.MaxPool1d(3)), 11, 13)
export("conv-3d", nn.Sequential(nn.Conv3d(2, 3, 3, padding=1), nn.BatchNorm3d(3), nn.ReLU(), nn.MaxPool3d(2)), 11, shape=(1, 2, 6, 6, 6))
export("conv-weight-norm", nn.utils.weight_norm(nn.Conv2d(3, 4, 3)), 11)
export("conv-spectral-norm", nn.utils.spectral_norm(nn.Conv2d(3, 4, 3)), 11)
f("conv-standardised", lambda x, c: F.conv2d(x, (c.weight - c.weight.mean((1, 2, 3), keepdim=True)) / (c.weight.std((1, 2, 3), keepdim=True) + 1e-5)), 11, 13, modules=[nn.Conv2d(3, 4, 3)])
f("conv-of-the-input", lambda x: F.conv2d(x, x[:, :, :3, :3]), 11)
f("unfold", lambda x: F.unfold(x, 3, padding=1), 11)

# Pooling and padding.
export("pool-dilated", nn.MaxPool2d(3, 2, dilation=2, padding=1), 11)
export("pool-ceil", nn.Sequential(nn.MaxPool2d(3, 2, ceil_mode=True), nn.AvgPool2d(2, ceil_mode=True)), 10, 11)
export("pool-average-exclude", nn.AvgPool2d(3, 2, padding=1, count_include_pad=False), 9, 11)
export("pool-average-ceil-pad", nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), 11)
export("pool-adaptive-1", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)), 9, 13)
export("pool-adaptive-3x5", nn.AdaptiveAvgPool2d((3, 5)), 11)
export("pool-adaptive-max", nn.AdaptiveMaxPool2d((1, 1)), 11)
export("pool-lp", nn.LPPool2d(2, 3, 2), 11)
f("pool-max-indices", lambda x: F.max_pool2d(x, 2, return_indices=True)[0], 11)
export("pad-reflect", nn.ReflectionPad2d((1, 2, 3, 1)), 9, 11)
export("pad-replicate", nn.ReplicationPad2d((1, 2, 3, 1)), 9, 11)
export("pad-constant", nn.ConstantPad2d((1, 2, 3, 0), 1.5), 9, 11, 13)
f("pad-crop", lambda x: F.pad(x, (-1, -2, 1, 2)), 11)

# Normalisation.
export("norm-group", nn.Sequential(nn.Conv2d(3, 6, 3), nn.GroupNorm(3, 6), nn.ReLU()), 9, 13)
export("norm-group-dynamic", nn.Sequential(nn.Conv2d(3, 6, 3), nn.GroupNorm(2, 6)), 11, dynamic={0: "n"})
export("norm-instance", nn.Sequential(nn.Conv2d(3, 6, 3), nn.InstanceNorm2d(6)), 9, 13)
export("norm-instance-affine", nn.Sequential(nn.Conv2d(3, 6, 3), nn.InstanceNorm2d(6, affine=True)), 11)
export("norm-layer", nn.Sequential(nn.Conv2d(3, 6, 3), nn.LayerNorm([6, 10, 8])), 11, 14, 17)
export("norm-layer-last", nn.Sequential(nn.Flatten(2), nn.LayerNorm(120), nn.Linear(120, 7)), 11, 17)
f("norm-layer-channels-first", lambda x, c, n: n(c(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2), 11, 17, modules=[nn.Conv2d(3, 6, 3), nn.LayerNorm(6)])
export("norm-batch-plain", nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6, affine=False)), 9, 13)
export("norm-batch-first", nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 6, 3)), 9, 13)
export("norm-batch-1d", nn.Sequential(nn.Flatten(), nn.Linear(360, 7), nn.BatchNorm1d(7), nn.ReLU(), nn.Linear(7, 3)), 9, 13)
export("norm-local", nn.LocalResponseNorm(5, 0.1, 0.6, 2), 9, 11, shape=(1, 8, 5, 4))
f("norm-l2", lambda x: F.normalize(x, dim=1), 11, 13)
f("norm-p1", lambda x: x / x.abs().sum(1, keepdim=True), 11, 13)

# Attention and recurrence.
def attend(x, c, m):
    t = c(x).flatten(2).transpose(1, 2)
    return m(t, t, t, need_weights=False)[0]

f("attention", attend, 11, 13, modules=[nn.Conv2d(3, 8, 3, 3), nn.MultiheadAttention(8, 2, batch_first=True)])
f("transformer", lambda x, c, m: m(c(x).flatten(2).transpose(1, 2)).mean(1), 13, modules=[nn.Conv2d(3, 8, 3, 3), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)])
f("self-attention", lambda x, q, k, v: torch.bmm(v(x).flatten(2), torch.softmax(torch.bmm(q(x).flatten(2).transpose(1, 2), k(x).flatten(2)), -1).transpose(1, 2)).view(x.shape[0], 3, 12, 10), 11, 13, modules=[nn.Conv2d(3, 2, 1), nn.Conv2d(3, 2, 1), nn.Conv2d(3, 3, 1)])
f("lstm", lambda x, m: m(x.flatten(2).transpose(1, 2))[0], 11, modules=[nn.LSTM(3, 5, batch_first=True)])
f("gru", lambda x, m: m(x.flatten(2).transpose(1, 2))[0], 11, modules=[nn.GRU(3, 5, batch_first=True)])
f("rnn", lambda x, m: m(x.flatten(2).transpose(1, 2))[0], 11, modules=[nn.RNN(3, 5, batch_first=True)])
f("excite", lambda x, c, a, b: c(x) * torch.sigmoid(b(F.relu(a(c(x).mean((2, 3), keepdim=True))))), 9, 11, 13, modules=[nn.Conv2d(3, 8, 3), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)])
f("excite-linear", lambda x, a, b: x * torch.sigmoid(b(F.relu(a(F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1))))).view(x.size(0), 3, 1, 1), 9, 13, modules=[nn.Linear(3, 2), nn.Linear(2, 3)], dynamic={0: "n"})
f("spatial-attention", lambda x, c: x * torch.sigmoid(c(torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], 1))), 11, 13, modules=[nn.Conv2d(2, 1, 3, padding=1)])
f("efficient-channel", lambda x, c: x * torch.sigmoid(c(x.mean((2, 3)).unsqueeze(1))).transpose(1, 2).unsqueeze(-1), 11, 13, modules=[nn.Conv1d(1, 1, 3, padding=1, bias=False)])

# Arithmetic and shapes.
f("amax", lambda x: x.amax((2, 3)), 11, 13)
f("std", lambda x: x.std((2, 3)), 11)
f("var-biased", lambda x: x.var((2, 3), unbiased=False), 11)
f("logsumexp", lambda x: torch.logsumexp(x, 1), 11)
f("prod", lambda x: x.prod(1), 11)
f("norm-frobenius", lambda x: torch.norm(x, dim=1), 11)
f("norm-one", lambda x: torch.norm(x, p=1, dim=1), 11)
f("einsum", lambda x: torch.einsum("nchw,kc->nkhw", x, torch.arange(6.0).view(2, 3)), 12, 13)
f("chunk-cat", lambda x: torch.cat(torch.chunk(x, 2, 3)[::-1], 1), 11, 13)
f("split-sizes", lambda x: torch.cat([x.split([3, 4, 5], 2)[1], x.split([3, 4, 5], 2)[2]], 2), 11, 13)
f("stack-sum", lambda x: torch.stack([x, x * 2, x - 1]).sum(0), 11, 13)
f("roll", lambda x: torch.roll(x, (1, 2), (2, 3)), 11)
f("flip", lambda x: x.flip(3), 11)
f("strided", lambda x: torch.cat([x[:, :, ::2, ::2], x[:, :, 1::2, ::2], x[:, :, ::2, 1::2], x[:, :, 1::2, 1::2]], 1), 9, 11, 13)
f("expand", lambda x: x.mean(1, keepdim=True).expand(-1, 5, -1, -1), 9, 13)
f("repeat", lambda x: x.repeat(1, 2, 1, 3), 11, 13)
f("repeat-interleave", lambda x: x.repeat_interleave(2, dim=2), 13)
f("index-select", lambda x: x[:, [2, 0, 1]], 11, 13)
f("narrow-negative", lambda x: x[:, -2:, 1:-1, -3], 9, 11, 13)
f("where", lambda x: torch.where(x > 0.2, x, x * x), 11, 13)
f("mask", lambda x: x * (x > 0).float(), 11, 13)
f("masked-fill", lambda x: x.masked_fill(x < 0, -1), 11, 13)
f("clamp-min", lambda x: x.clamp(min=0.1), 9, 11, 13)
f("minimum", lambda x: torch.minimum(x, x.mean()), 12, 13)
f("scaled-tanh", lambda x: 1.7159 * torch.tanh(x * (2 / 3)), 9, 13)
f("floor", lambda x: torch.floor(x * 3) + torch.ceil(x) - torch.round(x), 11, 13)
f("sin-cos", lambda x: torch.cat([torch.sin(x), torch.cos(x)], 1), 11, 13)
f("sign-abs", lambda x: torch.sign(x) * torch.sqrt(torch.abs(x)), 11, 13)
f("pow", lambda x: x.abs() ** 1.7 + x ** 2 + x ** 3, 9, 13)
f("exp-log", lambda x: torch.log(torch.exp(x) + 1) + torch.rsqrt(x.abs() + 1) + torch.log1p(x.abs()) + torch.expm1(x), 11, 13)
f("trigonometric", lambda x: torch.tan(x) + torch.atan(x) + torch.sinh(x), 11)
f("scalar-minus", lambda x: 1 - x / 255.0 + (x - 0.5) / 0.25, 9, 13)
f("normalise-inside", lambda x: (x - torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).view(1, 3, 1, 1), 9, 13)
f("argmax", lambda x: x.argmax(1), 11, 13)
f("topk", lambda x: x.flatten(1).topk(3)[0], 11, 13)
f("cumsum", lambda x: x.cumsum(2), 11, 13)
f("sort", lambda x: x.flatten(1).sort(1)[0], 11)
f("gather", lambda x: torch.gather(x, 2, torch.tensor([[[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]] * 2] * 3])), 11)
f("scatter", lambda x: x.index_fill(1, torch.tensor([1]), 0.0), 11)
f("assign", lambda x: torch.cat([x[:, :1] * 2, x[:, 1:]], 1), 11, 13)
f("view-dynamic", lambda x: x.view(x.size(0), -1, x.size(3)).permute(0, 2, 1).contiguous().view(x.size(0), -1), 9, 11, 13, dynamic={0: "n", 2: "h", 3: "w"})
f("coordinates", lambda x: torch.cat([x, torch.linspace(-1, 1, x.size(3)).view(1, 1, 1, -1).expand(x.size(0), 1, x.size(2), -1)], 1), 11, 13)
f("coordinates-dynamic", lambda x: x + torch.arange(x.size(3), dtype=torch.float32), 11, 13, dynamic={3: "w"})
f("several-outputs", lambda x, c: (c(x), x.mean((2, 3))), 11, modules=[nn.Conv2d(3, 4, 3)])
f("grid-sample", lambda x: F.grid_sample(x, F.affine_grid(torch.tensor([[[0.9, 0.1, 0.0], [0.0, 1.1, 0.2]]]), list(x.shape))), 16)
f("dropout", lambda x, d, l: l(d(x.flatten(1))), 9, 11, 13, modules=[nn.Dropout(0.5), nn.Linear(360, 4)])
export("dropout-kept", nn.Sequential(nn.Conv2d(3, 4, 3), nn.Dropout2d(0.5), nn.Flatten(), nn.Dropout(0.3), nn.Linear(320, 4)), 11, 13, training=torch.onnx.TrainingMode.PRESERVE)
f("linear-shared", lambda x, l: l(l(x.flatten(2)[:, :, :9])), 9, 13, modules=[nn.Linear(9, 9)])
f("bilinear", lambda x, l: l(x.flatten(2)[:, :, :4], x.flatten(2)[:, :, 4:9]), 13, modules=[nn.Bilinear(4, 5, 3)])
f("cosine", lambda x: F.cosine_similarity(x[:, :, :6], x[:, :, 6:], 1), 11)
f("double", lambda x, l: l(x.double().flatten(1)).float(), 11, 13, modules=[nn.Linear(360, 4).double()])
f("whole-numbers", lambda x: (x * 10).int().float() / 10, 11, 13)

# Networks of these, small.
import torchvision

export("vit", torchvision.models.VisionTransformer(16, 8, 2, 2, 8, 16, num_classes=5), 13, 14, shape=(1, 3, 16, 16))
export("vit-dynamic", torchvision.models.VisionTransformer(16, 8, 1, 2, 8, 16, num_classes=5), 14, shape=(1, 3, 16, 16), dynamic={0: "n"})
export("swin", torchvision.models.SwinTransformer([2, 2], 8, [1, 1], [2, 2], [2, 2], num_classes=5), 13, shape=(1, 3, 16, 16))
export("unet", Of(lambda x, a, b, u, o: o(torch.cat([F.relu(a(x)), u(F.relu(b(F.max_pool2d(F.relu(a(x)), 2))))], 1)), nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1),
                  nn.ConvTranspose2d(8, 4, 2, stride=2), nn.Conv2d(8, 2, 1)), 11, 13)


# Control flow.
class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        for _ in range(int(x.size(0)) + 1):
            x = torch.relu(self.c(x))
        return x


class Branch(nn.Module):
    def forward(self, x):
        if bool(x.sum() > 0):
            return x * 2
        return x - 1


class Known(nn.Module):
    def forward(self, x):
        if x.size(1) == 3:
            return x * 2
        return x - 1


export("script-loop", Loop(), 11, 13, script=True)
export("script-branch", Branch(), 11, 13, script=True)
export("script-known", Known(), 11, 13, script=True)
export("as-constants", nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(320, 5)), 9, 13, do_constant_folding=False, keep_initializers_as_inputs=True)
for opset in (7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17):
    export("classic", nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU6(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, groups=8), nn.BatchNorm2d(8), nn.ReLU(),
                                     nn.AvgPool2d(2), nn.Flatten(), nn.Dropout(), nn.Linear(16, 10), nn.LogSoftmax(1)), opset, training=torch.onnx.TrainingMode.PRESERVE)
archive.writestr(zipfile.ZipInfo("outputs.json"), json.dumps(outputs), zipfile.ZIP_DEFLATED, 9)
archive.close()
print(len(outputs), "files")
