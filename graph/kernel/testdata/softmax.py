"""Writes softmax.json: PyTorch's cross entropy and its gradient, for TestCrossEntropyAgreesWithPyTorch.

Made with PyTorch 1.13: python3 softmax.py > softmax.json
"""

import json

import torch
import torch.nn.functional as F

torch.manual_seed(2)
N, C = 5, 11


def run(target, smoothing):
    logits = (3 * torch.randn(N, C)).requires_grad_()
    loss = F.cross_entropy(logits, target, ignore_index=-1, label_smoothing=smoothing)
    loss.backward()
    return dict(logits=logits.detach().flatten().tolist(), target=target.flatten().tolist(),
                smoothing=smoothing, loss=loss.item(), grad=logits.grad.flatten().tolist())


classes = torch.randint(C, (N,))
ignored = classes.clone()
ignored[1] = ignored[4] = -1
dense = torch.rand(N, C)
print(json.dumps(dict(n=N, c=C, cases=[
    run(target, smoothing) for target in (classes, ignored, dense) for smoothing in (0.0, 0.1)
])))
