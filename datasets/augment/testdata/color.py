# Writes color.golden.gz: what Pillow makes of the pattern of internal/imagetest, in the order of
# golden_test.go (C×H×W bytes each). Made with Pillow 9.4.0.
import gzip, os
from PIL import Image, ImageEnhance

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

for c in (1, 3):
    for f in (0, 0.37, 1, 1.3, 2.75):
        put(ImageEnhance.Brightness(image(c, 40, 30)).enhance(f))
        put(ImageEnhance.Contrast(image(c, 40, 30)).enhance(f))
        put(ImageEnhance.Color(image(c, 40, 30)).enhance(f))
with gzip.GzipFile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "color.golden.gz"), "wb", 9, mtime=0) as f:
    f.write(bytes(out))
