#!/usr/bin/python3
"""Writes the files of this folder with PyTorch (1.13), and expected.json: for
each file its format and the names, shapes and values that a reader must find.
Files of which "refused" is part of the expected error must not open."""

import argparse
import collections
import json
import os

import numpy
import torch

os.chdir(os.path.dirname(os.path.abspath(__file__)))
torch.manual_seed(1)
expected = {}


def expect(file, state):
    expected[file] = {
        "tensors": [
            {"name": k, "shape": list(v.shape), "values": [float(x) for x in v.detach().double().reshape(-1)]}
            for k, v in state.items()
        ]
    }


def save(file, obj, state, zipped=True, protocol=2):
    torch.save(obj, file, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    expect(file, state)
    expected[file]["format"] = "PyTorch zip" if zipped else "PyTorch legacy"


def refuse(file, obj, error, zipped=True):
    torch.save(obj, file, _use_new_zipfile_serialization=zipped)
    expected[file] = {"refused": error}


def net():
    n = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3, bias=False), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(3, 2)
    )
    n(torch.randn(4, 2, 3, 3))
    return n


state = net().state_dict()
save("zip.pth", state, state)
save("legacy.pth", state, state, zipped=False)
save("zip-protocol4.pth", state, state, protocol=4)
save("legacy-protocol5.pth", state, state, zipped=False, protocol=5)

# Every element type that can be read, and numbers at their limits.
types = collections.OrderedDict(
    float32=torch.tensor([1.5, -0.0, 3.4028234663852886e38, 1e-45]),
    float64=torch.tensor([1.0, -2.25], dtype=torch.float64),
    float16=torch.tensor([1.0, -65504.0, 6e-8], dtype=torch.float16),
    bfloat16=torch.tensor([1.0, -3.3e38], dtype=torch.bfloat16),
    int64=torch.tensor(16777216),
    parameter=torch.nn.Parameter(torch.randn(2, 2)),
    scalar=torch.tensor(3.5),
    empty=torch.zeros(3, 0, 2),
)
save("types-zip.pth", types, types)
save("types-legacy.pth", types, types, zipped=False)

# Views: shared, offset, transposed, permuted, strided, repeated.
base = torch.arange(60.0).reshape(3, 4, 5)
tied = torch.randn(4, 3)
half = torch.randn(6, 5).half()
views = collections.OrderedDict(
    whole=base,
    part=base[1],
    transposed=base[0].t(),
    permuted=base.permute(2, 0, 1),
    column=base[:, 2, 3],
    every_second=base[:, ::2, 1::2],
    ones=base[:, :1, :1].transpose(0, 2),
    repeated=torch.tensor([7.0]).expand(2, 3),
    tied_a=tied,
    tied_b=tied,
    tied_transposed=tied.t(),
    half_transposed=half.t()[1:4],
    channels_last=torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
)
save("views-zip.pth", views, views)
save("views-legacy.pth", views, views, zipped=False)

# What training scripts save.
model = net()
parallel = torch.nn.DataParallel(model)
optimizer = torch.optim.Adam(model.parameters())
model(torch.randn(4, 2, 3, 3)).sum().backward()
optimizer.step()
schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])
checkpoint = {
    "epoch": 3,
    "best_prec1": torch.tensor(91.78),
    "best": numpy.float64(0.5),
    "args": argparse.Namespace(lr=0.1, data=None),
    "optimizer": optimizer.state_dict(),
    "schedule": schedule.state_dict(),
    "state_dict": parallel.state_dict(),
}
save("checkpoint-zip.pth", checkpoint, model.state_dict())
save("checkpoint-legacy.pth", checkpoint, model.state_dict(), zipped=False)
save("net.pth", {"net": state, "acc": 91.2}, state)
save("model-in-model.pth", {"model": {"state_dict": {"_orig_mod.module." + k: v for k, v in state.items()}}}, state)
save("plain-dict.pth", {"w": types["float32"], "step": 4}, {"w": types["float32"]})


class Evil:
    def __init__(self, call):
        self.call = call

    def __reduce__(self):
        return self.call


# Of a whole model the tensors are data too; what else is called stays opaque.
linear = torch.nn.Linear(2, 2)
save("whole-model.pth", linear, linear.state_dict())
whole = net()
save("whole-model-legacy.pth", whole, whole.state_dict(), zipped=False)
save("system-zip.pth", {"w": state["0.weight"], "x": Evil((os.system, ("touch executed",)))}, {"w": state["0.weight"]})
refuse("system-legacy.pth", {"x": Evil((os.system, ("touch executed",)))}, 'a dict with the keys "x"', zipped=False)
refuse("eval.pth", Evil((eval, ("open('executed', 'w')",))), 'asks for "__builtin__.eval"')
refuse("sparse.pth", {"w": torch.eye(3).to_sparse()}, 'asks for "torch._utils._rebuild_sparse_tensor"')
refuse("complex.pth", {"w": torch.zeros(2, dtype=torch.complex128)}, 'tensor "w" is C128')
refuse("no-tensors.pth", {"epoch": 3, "optimizer": {}}, 'a dict with the keys "epoch", "optimizer"')
refuse("a-tensor.pth", torch.zeros(2), "holds a tensor, no dict of tensors")
torch.jit.script(torch.nn.Linear(2, 2)).save("script.pt")
expected["script.pt"] = {"refused": "a TorchScript archive"}

with open("expected.json", "w") as f:
    json.dump(expected, f, indent=1)
    f.write("\n")
