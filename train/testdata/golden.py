#!/usr/bin/python3
"""Write golden.json: what PyTorch's optimisers and schedules do, step by step, on a toy problem.

usage: /usr/bin/python3 golden.py    (made with PyTorch 1.13, Debian's python3-torch)

The toy problem has one tensor of 3 weights with the gradient g_i = a_i·w_i - b_i at each step, so that the
test can compute gradients without a network. Weights are written as the bits of float32.
"""
import json
import struct
import warnings

import torch

warnings.simplefilter("ignore")
STEPS_PER_EPOCH, EPOCHS = 5, 12
A, B, W = [1.0, 0.5, 0.25], [0.3, -0.7, 0.1], [1.0, -2.0, 0.5]


def bits(t):
    return [struct.unpack("<I", struct.pack("<f", v))[0] for v in t.detach().tolist()]


# An error for each epoch, with plateaus of several lengths.
ERRORS = [0.9, 0.5, 0.5, 0.51, 0.49999, 0.3, 0.31, 0.32, 0.3, 0.29, 0.3, 0.3]

S = torch.optim.lr_scheduler
SCHEDULES = {  # name: (when it is stepped, make)
    "step": ("epoch", lambda o: S.MultiStepLR(o, [3, 7, 9], 0.3)),
    "step every": ("epoch", lambda o: S.StepLR(o, 4, 0.1)),
    "exponential": ("epoch", lambda o: S.ExponentialLR(o, 0.9)),
    "cosine": ("step", lambda o: S.CosineAnnealingLR(o, STEPS_PER_EPOCH * EPOCHS, eta_min=0.1 * 0.01)),
    "cosine with warm-up": ("step", lambda o: S.SequentialLR(o, [
        S.LinearLR(o, 0.01, 1.0, 2 * STEPS_PER_EPOCH),
        S.CosineAnnealingLR(o, STEPS_PER_EPOCH * (EPOCHS - 2))], [2 * STEPS_PER_EPOCH])),
    "polynomial": ("step", lambda o: S.PolynomialLR(o, STEPS_PER_EPOCH * EPOCHS, 0.5)),
    "onecycle": ("step", lambda o: S.OneCycleLR(o, 0.1, total_steps=STEPS_PER_EPOCH * EPOCHS, pct_start=0.25)),
    "onecycle without momentum": ("step", lambda o: S.OneCycleLR(
        o, 0.1, total_steps=STEPS_PER_EPOCH * EPOCHS, cycle_momentum=False)),
    "plateau": ("error", lambda o: S.ReduceLROnPlateau(o, factor=0.1, patience=1, threshold=1e-4)),
    "plateau with cooldown": ("error", lambda o: S.ReduceLROnPlateau(
        o, factor=0.5, patience=0, cooldown=1, threshold=0.01, min_lr=0.1 * 0.2)),
}

OPTIMIZERS = {
    "plain": dict(),
    "momentum": dict(momentum=0.9),
    "momentum and decay": dict(momentum=0.9, weight_decay=0.05),
    "nesterov": dict(momentum=0.9, weight_decay=0.05, nesterov=True),
    "adam": dict(kind=torch.optim.Adam),
    "adam with decay": dict(kind=torch.optim.Adam, betas=(0.8, 0.99), eps=1e-4, weight_decay=0.05),
    "adamw": dict(kind=torch.optim.AdamW, weight_decay=0.1),
    "clipped": dict(momentum=0.9, clip=0.4),
    "dampening": dict(momentum=0.8, dampening=0.5, weight_decay=0.01),
}


def toy(opt, w, clip=0):
    opt.zero_grad()
    w.grad = torch.tensor(A) * w.detach() - torch.tensor(B)
    if clip:
        torch.nn.utils.clip_grad_norm_([w], clip)
    opt.step()


def main():
    out = {"steps_per_epoch": STEPS_PER_EPOCH, "epochs": EPOCHS, "errors": ERRORS, "a": A, "b": B, "w": W, "schedules": {}, "optimizers": {}}
    for name, (when, make) in SCHEDULES.items():
        w = torch.tensor(W, requires_grad=True)
        opt = torch.optim.SGD([w], lr=0.1, momentum=0.9)
        sched = make(opt)
        rates, momenta = [], []
        for epoch in range(EPOCHS):
            for _ in range(STEPS_PER_EPOCH):
                rates.append(opt.param_groups[0]["lr"])
                momenta.append(opt.param_groups[0]["momentum"])
                toy(opt, w)
                last = len(rates) == STEPS_PER_EPOCH * EPOCHS
                if when == "step" and not last:
                    sched.step()
            if when == "epoch":
                sched.step()
            if when == "error":
                sched.step(ERRORS[epoch])
        out["schedules"][name] = {"lr": rates, "momentum": momenta, "weights": bits(w)}
    for name, args in OPTIMIZERS.items():
        w = torch.tensor(W, requires_grad=True)
        args = dict(args)
        clip = args.pop("clip", 0)
        opt = args.pop("kind", torch.optim.SGD)([w], lr=0.1, **args)
        steps = []
        for i in range(8):
            if i == 5:
                opt.param_groups[0]["lr"] = 0.01  # a rate that changes under way
            toy(opt, w, clip)
            steps.append(bits(w))
        out["optimizers"][name] = steps
    with open("golden.json", "w") as f:
        json.dump(out, f, indent=1)
        f.write("\n")


main()
