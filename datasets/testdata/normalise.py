# Writes normalise.golden: the bytes 0 to 255 through torchvision's ToTensor and Normalize with
# ImageNet's three means and deviations, float32 little-endian 3×256. Made with torchvision 0.14.1.
import os
import numpy as np
from PIL import Image
from torchvision import transforms as T

ramp = Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2))
t = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
t(ramp).numpy().astype("<f4").tofile(os.path.join(os.path.dirname(__file__), "normalise.golden"))
