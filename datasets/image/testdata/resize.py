# Writes resize.golden.gz: what Pillow's bilinear filter makes of the images and sizes of
# resize_test.go, one after the other (C×H×W bytes each). Made with Pillow 9.4.0.
import gzip, os
from PIL import Image

CASES = [  # channels, from height and width, to height and width
    (1, 28, 28, 227, 227), (1, 28, 28, 32, 32), (1, 28, 28, 14, 14), (1, 28, 28, 28, 40), (1, 28, 28, 9, 28),
    (3, 40, 30, 64, 64), (3, 100, 75, 64, 48), (1, 375, 500, 57, 61), (1, 17, 31, 5, 3), (1, 1, 1, 7, 9),
    (1, 2, 3, 1, 1), (1, 1, 300, 1, 7), (3, 256, 341, 29, 29), (1, 63, 64, 64, 63), (1, 600, 2, 3, 5),
]
# Of the other filters, whose results have files of their own.
FILTER_CASES = [(1, 28, 28, 61, 59), (1, 28, 28, 9, 28), (3, 100, 75, 64, 48), (1, 17, 31, 5, 3), (1, 2, 3, 1, 1), (1, 3, 2, 40, 50), (1, 1, 300, 1, 7), (3, 256, 341, 29, 29), (1, 90, 120, 67, 101)]

def pixels(c, h, w):
    v, state = bytearray(), 1
    for y in range(h):
        for x in range(w):
            for z in range(c):
                state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
                # a slope, noise, and edges from black to white
                v.append((x * 5 + y * 3 + z * 40 + (state >> 27)) & 255 if (x // 6 + y // 9) % 3 else 255 * ((x // 3 + z) & 1))
    return bytes(v)

out = bytearray()
for c, h, w, oh, ow in CASES:
    im = Image.frombytes("L" if c == 1 else "RGB", (w, h), pixels(c, h, w)).resize((ow, oh), Image.BILINEAR)
    for band in im.split():
        out += band.tobytes()
# And a colour image made grey.
out += Image.frombytes("RGB", (30, 40), pixels(3, 40, 30)).convert("L").tobytes()
for name in ["BICUBIC", "LANCZOS", "BOX", "HAMMING", "NEAREST"]:
    filtered = bytearray()
    for c, h, w, oh, ow in FILTER_CASES:
        im = Image.frombytes("L" if c == 1 else "RGB", (w, h), pixels(c, h, w)).resize((ow, oh), getattr(Image, name))
        for band in im.split():
            filtered += band.tobytes()
    with gzip.GzipFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), name.lower() + ".golden.gz"), "wb", 9, mtime=0) as f:
        f.write(bytes(filtered))
with gzip.GzipFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "resize.golden.gz"), "wb", 9, mtime=0) as f:
    f.write(bytes(out))
