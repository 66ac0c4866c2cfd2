#!/usr/bin/python3
"""Writes imagenet.txt: ImageNet's 1,000 classes in the order of the challenge, with the readable names that
torchvision publishes beside its weights (0.14.1)."""
import os
from torchvision.models import ResNet50_Weights

names = ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
assert len(names) == 1000
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "imagenet.txt"), "w") as f:
    f.write("\n".join(names) + "\n")
