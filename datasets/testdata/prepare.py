# Writes prepare.golden.gz: what Pillow and torchvision make of the pattern of internal/imagetest, in the
# order of golden_test.go (C×H×W bytes each). Made with Pillow 9.4.0, torchvision 0.14.1.
import gzip, os
import torchvision.transforms.functional as F
from PIL import Image

def pixels(c, h, w):
    v, state = bytearray(), 1
    for y in range(h):
        for x in range(w):
            for z in range(c):
                state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
                v.append((x * 5 + y * 3 + z * 40 + (state >> 27)) & 255 if (x // 6 + y // 9) % 3 else 255 * ((x // 3 + z) & 1))
    return bytes(v)

def image(c, h, w):
    return Image.frombytes("L" if c == 1 else "RGB", (w, h), pixels(c, h, w))

out = bytearray()
def put(im):
    for band in im.split():
        out.extend(band.tobytes())

for c, h, w, resize, crop in [(3, 100, 75, 36, 29), (1, 75, 100, 36, 32), (3, 40, 31, 0, 28), (3, 33, 20, 24, 30), (1, 300, 7, 14, 14), (3, 61, 61, 61, 40)]:
    im = image(c, h, w)
    if resize:
        im = F.resize(im, resize, F.InterpolationMode.BILINEAR)
    put(F.center_crop(im, crop))
for c, h, w, resize, crop in [(3, 100, 75, 36, 29), (1, 75, 100, 36, 32)]:
    im = F.resize(image(c, h, w), resize, F.InterpolationMode.BILINEAR)
    for part in F.five_crop(im, crop):
        put(part)
with gzip.GzipFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "prepare.golden.gz"), "wb", 9, mtime=0) as f:
    f.write(bytes(out))
