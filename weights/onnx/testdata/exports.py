"""Exports torchvision's networks to ONNX: exports.py FOLDER [NAME...]

Weights are random and the same at every call; statistics of batch normalisation are those of a few steps on
noise, so that no layer is close to nothing. Each network has a version of the operators and a batch that is
fixed at 1 or free. Written for Debian's python3-torch 1.13 and python3-torchvision 0.14.
"""

import os
import sys
import warnings

import torch
import torchvision

# Network, operator set, whether the batch is free.
EXPORTS = [
    ("alexnet", 9, False),
    ("vgg11", 11, True),
    ("vgg13_bn", 13, False),
    ("resnet18", 9, True),
    ("resnet50", 13, True),
    ("googlenet", 11, False),
    ("inception_v3", 13, True),
    ("squeezenet1_1", 9, True),
    ("densenet121", 11, True),
    ("mobilenet_v2", 13, True),
    ("mobilenet_v3_small", 9, False),
    ("mobilenet_v3_large", 14, True),
    ("shufflenet_v2_x1_0", 11, True),
    ("efficientnet_b0", 14, False),
    ("mnasnet1_0", 13, True),
    ("regnet_y_400mf", 13, False),
    ("convnext_tiny", 14, True),
]

warnings.filterwarnings("ignore")
folder = sys.argv[1]
torch.set_num_threads(1)
for name, opset, free in EXPORTS:
    if sys.argv[2:] and name not in sys.argv[2:]:
        continue
    torch.manual_seed(1)
    kwargs = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    net = getattr(torchvision.models, name)(weights=None, **kwargs)
    side = 299 if name == "inception_v3" else 224
    net.train()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5
                module.weight.uniform_(0.5, 1.5)
                module.bias.uniform_(-0.5, 0.5)
        if any(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()):
            net(torch.randn(4, 3, side, side))
    net.eval()
    path = os.path.join(folder, f"{name}-{opset}-{'free' if free else 'fixed'}.onnx")
    torch.onnx.export(
        net,
        torch.randn(1, 3, side, side),
        path,
        opset_version=opset,
        input_names=["input"],
        output_names=["logits"],
        # Without this, batch normalisation is computed into the convolutions.
        training=torch.onnx.TrainingMode.PRESERVE if free else torch.onnx.TrainingMode.EVAL,
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}} if free else None,
    )
    print(path, flush=True)
