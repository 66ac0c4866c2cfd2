"""Writes maps.json, what PyTorch 1.13 says about pooling and normalisation: python3 maps.py > maps.json

Inputs are not stored: they are series(seed, count), which the Go test knows as well.
"""
import json
import sys

import torch
import torch.nn.functional as F


def series(seed, *shape):
    """Numbers in [-1, 1) with ties, from a linear congruential generator."""
    count = 1
    for s in shape:
        count *= s
    state, out = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append((state >> 24) / 128 - 1)
    return torch.tensor(out, dtype=torch.float32).reshape(shape)


def numbers(t):
    return [float("%.7g" % v) for v in t.detach().reshape(-1).tolist()]


cases = []


def pool(kind, n, c, h, w, k, s, p, ceil=False, count_pad=False):
    x = series(1, n, c, h, w).requires_grad_()
    if kind == "max":
        y, index = F.max_pool2d(x, k, s, p, ceil_mode=ceil, return_indices=True)
    else:
        y, index = F.avg_pool2d(x, k, s, p, ceil_mode=ceil, count_include_pad=count_pad), None
    dy = series(2, *y.shape)
    y.backward(dy)
    case = dict(kind=kind, shape=[n, c, h, w], window=list(k), stride=list(s), pad=list(p), ceil=ceil,
                countPad=count_pad, out=list(y.shape[2:]), y=numbers(y), dx=numbers(x.grad))
    if index is not None:
        case["index"] = index.reshape(-1).tolist()
    cases.append(case)


pool("max", 1, 2, 7, 9, (3, 3), (2, 2), (0, 0), ceil=True)
pool("max", 1, 2, 8, 6, (3, 3), (2, 2), (0, 0), ceil=True)
pool("max", 2, 3, 6, 5, (3, 3), (1, 1), (1, 1))
pool("max", 1, 3, 7, 8, (3, 3), (2, 2), (1, 1))
pool("max", 1, 2, 9, 10, (2, 2), (2, 2), (0, 0))
pool("max", 1, 2, 6, 7, (2, 3), (3, 2), (1, 0), ceil=True)
pool("max", 1, 1, 8, 8, (2, 2), (3, 3), (1, 1), ceil=True)
for count_pad in False, True:
    pool("avg", 1, 2, 7, 9, (3, 3), (2, 2), (1, 1), ceil=True, count_pad=count_pad)
    pool("avg", 2, 2, 6, 5, (3, 3), (1, 1), (1, 1), count_pad=count_pad)
    pool("avg", 1, 2, 8, 7, (4, 3), (3, 2), (2, 1), ceil=True, count_pad=count_pad)
    pool("avg", 1, 1, 8, 8, (2, 2), (3, 3), (1, 1), ceil=True, count_pad=count_pad)
pool("avg", 1, 3, 6, 8, (2, 2), (2, 2), (0, 0))


def batch_norm(n, c, h, w, relu, offset):
    x = (series(3, n, c, h, w) + offset).requires_grad_()
    gamma = (series(4, c) + 1.5).requires_grad_()
    beta = series(5, c).requires_grad_()
    mean, var = torch.zeros(c), torch.ones(c)
    y = F.batch_norm(x, mean, var, gamma, beta, training=True, momentum=1.0, eps=1e-5)
    if relu:
        y = torch.relu(y)
    dy = series(6, *y.shape)
    y.backward(dy)
    cases.append(dict(kind="batchnorm", shape=[n, c, h, w], relu=relu, offset=offset, y=numbers(y), dx=numbers(x.grad),
                      mean=numbers(mean), variance=numbers(var), dgamma=numbers(gamma.grad), dbeta=numbers(beta.grad)))


batch_norm(2, 3, 5, 4, False, 0)
batch_norm(3, 2, 4, 3, True, 0)
batch_norm(2, 17, 2, 2, True, 4)


def lrn(n, c, h, w, size, alpha, beta, k):
    x = (4 * series(7, n, c, h, w)).requires_grad_()
    y = F.local_response_norm(x, size, alpha=alpha * size, beta=beta, k=k)  # alpha is divided by size
    y.backward(series(8, *y.shape))
    cases.append(dict(kind="lrn", shape=[n, c, h, w], size=size, alpha=alpha, beta=beta, k=k, y=numbers(y), dx=numbers(x.grad)))


lrn(1, 35, 2, 3, 5, 0.05, 0.75, 2)
lrn(1, 17, 2, 2, 5, 1e-4, 0.75, 2)
lrn(2, 6, 2, 3, 3, 0.1, 0.5, 1)
lrn(1, 20, 2, 2, 4, 0.1, 0.75, 1)

json.dump(dict(torch=torch.__version__, cases=cases), sys.stdout, separators=(",", ":"))
print()
