"""Writes optim.json: weights after every step of PyTorch's optimisers, for TestOptimisersAgreeWithPyTorch.

Made with PyTorch 1.13: python3 optim.py > optim.json
"""

import json

import torch

STEPS, SIZE, CHANGE, FACTOR = 7, 21, 4, 0.1

torch.manual_seed(1)
start = torch.randn(SIZE)
grads = torch.randn(STEPS, SIZE)

CASES = [
    ("SGD", dict(lr=0.1)),
    ("SGD", dict(lr=0.1, weight_decay=5e-4)),
    ("SGD", dict(lr=0.05, momentum=0.9)),
    ("SGD", dict(lr=0.05, momentum=0.9, weight_decay=5e-4)),
    ("SGD", dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    ("SGD", dict(lr=0.05, momentum=0.8, weight_decay=5e-4, nesterov=True)),
    ("Adam", dict(lr=0.01)),
    ("Adam", dict(lr=0.01, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.05)),
    ("AdamW", dict(lr=0.01, weight_decay=0.1)),
]


def run(name, args):
    w = start.clone().requires_grad_()
    optimiser = getattr(torch.optim, name)([w], foreach=False, **args)
    after = []
    for step, grad in enumerate(grads):
        if step == CHANGE:
            optimiser.param_groups[0]["lr"] *= FACTOR
        w.grad = grad.clone()
        optimiser.step()
        after.append(w.detach().tolist())
    return dict(name=name, args=args, after=after)


print(json.dumps(dict(
    change=CHANGE, factor=FACTOR, start=start.tolist(), grads=grads.tolist(),
    cases=[run(*case) for case in CASES],
)))
