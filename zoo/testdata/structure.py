#!/usr/bin/python3
"""Compare the zoo's networks with the ONNX project's graphs of the same papers, layer by layer.

usage: structure.py ZOO FOLDER      (the zoo's binary; the folder with light_*.onnx)

For every convolution, pooling, normalisation and fully connected layer, in order: output shape, kernel, stride,
padding, groups (through the shape of the filters), number of weights, LRN's size. Prints each difference. The graphs
come from Caffe and have constant weights, so only their structure says something. Needs Debian's python3-onnx.
"""
import json, re, subprocess, sys

import onnx
import onnx.numpy_helper
from onnx import shape_inference

PAIRS = [("bvlc_alexnet", ["alexnet"]), ("zfnet512", ["zfnet", "--variant", "wide"]), ("vgg19", ["vgg19"]),
         ("inception_v1", ["googlenet"]), ("resnet50", ["resnet50"]), ("resnet50", ["resnet50", "--variant", "paper"])]


def theirs(path):
    g = shape_inference.infer_shapes(onnx.load(path)).graph
    shape = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in list(g.value_info) + list(g.input) + list(g.output)}
    shape.update({i.name: list(i.dims) for i in g.initializer})
    values = {i.name: list(onnx.numpy_helper.to_array(i)) for i in g.initializer}
    for n in g.node:
        if n.op_type == "ConstantOfShape" and n.input[0] in values:
            shape[n.output[0]] = [int(v) for v in values[n.input[0]]]
    out = []
    for n in g.node:
        a = {x.name: list(x.ints) or x.i or x.f for x in n.attribute}
        dims = shape.get(n.output[0], [])[1:]
        weights = [shape.get(i, []) for i in n.input[1:]]
        pads = a.get("pads", [0] * 4)
        if n.op_type == "Conv":
            out.append(dict(kind="conv", out=dims, k=a["kernel_shape"][0], s=a.get("strides", [1])[0], p=[pads[0], pads[2]], weights=weights[0]))
        elif n.op_type in ("MaxPool", "AveragePool"):
            out.append(dict(kind={"MaxPool": "max pool", "AveragePool": "average pool"}[n.op_type], out=dims, k=a["kernel_shape"][0], s=a.get("strides", [1])[0], p=[pads[0], pads[2]]))
        elif n.op_type == "LRN":
            out.append(dict(kind="lrn", out=dims, lrn=[a["size"], a["alpha"], a["beta"], a.get("bias", 1.0)]))
        elif n.op_type == "Gemm":
            out.append(dict(kind="dense", out=dims, weights=weights[0]))
    return out


def ours(zoo, args):
    report = json.loads(subprocess.run([zoo, "inspect", *args, "--json"], check=True, capture_output=True, text=True).stdout)
    out = []
    for l in report["layers"]:
        kind = l["kind"]
        if kind not in ("conv", "max pool", "average pool", "global average pool", "lrn", "dense"):
            continue
        d = dict(kind=kind, out=l["out"], name=l["name"])
        m = re.match(r"[⌊⌈]?\((\d+) - (\d+) \+ (?:2·(\d+)|(\d+) \+ (\d+))\)/(\d+)", l.get("formula", ""))
        if m and kind != "dense":
            n, k, both, low, high, s = m.groups()
            d.update(k=int(k), s=int(s), p=[int(both), int(both)] if both else [int(low), int(high)])
        if kind == "dense":
            d["weights"] = [l["out"][0], l["in"][0]]
        if kind == "conv":
            f, h, w = l["out"]
            d["weights"] = [f, l["macs"] // (f * h * w * d["k"] ** 2), d["k"], d["k"]]
        if kind == "global average pool":
            d.update(kind="average pool", out=l["out"] + [1, 1], k=l["in"][1], s=1, p=[0, 0])
        out.append(d)
    return out


def main():
    zoo, folder = sys.argv[1:]
    for file, args in PAIRS:
        a, b = theirs(f"{folder}/light_{file}.onnx"), ours(zoo, args)
        # Branches are listed in another order: compare as sets, first with the size of the maps, then without.
        size = lambda d: (d["kind"], d["out"][1:] if len(d["out"]) > 1 else "")
        rule = lambda d: (d["kind"], d["out"][0], d.get("k"), d.get("s"), d.get("p"), d.get("weights"))
        rest, left, resized = list(b), a, []
        for same in (lambda x, y: rule(x) == rule(y) and size(x) == size(y), lambda x, y: rule(x) == rule(y)):
            todo, left = left, []
            for d in todo:
                match = next((r for r in rest if same(d, r)), None)
                if match is None:
                    left.append(d)
                    continue
                rest.remove(match)
                if size(d) != size(match):
                    resized.append(f"{d['out'][1]} for {match['out'][1]}")
        print(f"{' '.join(args)} and light_{file}: {len(a)} and {len(b)} layers, {len(a) - len(left)} alike, {len(resized)} of them on maps of another size"
              + (f" ({', '.join(dict.fromkeys(resized))})" if resized else ""))
        for d in left:
            print("   ONNX:", *rule(d), *size(d)[1:])
        for d in rest:
            print("   zoo: ", *rule(d), *size(d)[1:])
        for d in a:
            if "lrn" in d:
                print("   ONNX's LRN: size, alpha, beta, k =", [round(v, 6) for v in d["lrn"]])


main()
