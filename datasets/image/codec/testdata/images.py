# Writes the image files of images/ and decode.golden.gz: what Pillow makes of them, H×W×3 bytes each, in
# the order of their names; what is transparent is put on white. Made with Pillow 9.4.0.
import gzip, io, math, os, struct, zlib
from PIL import Image, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
W, H = 37, 29

def value(x, y, z):
    return int(127.5 + 120 * math.sin(x / (4.0 + z) + z) * math.cos(y / (5.0 - z))) & 255

rgb = Image.frombytes("RGB", (W, H), bytes(value(x, y, z) for y in range(H) for x in range(W) for z in range(3)))
grey = Image.frombytes("L", (W, H), bytes(value(x, y, 0) for y in range(H) for x in range(W)))
alpha = Image.frombytes("L", (W, H), bytes(min(255, 9 * x) for y in range(H) for x in range(W)))
rgba = rgb.copy()
rgba.putalpha(alpha)
la = grey.copy()
la.putalpha(alpha)
edges = rgb.copy()  # edges between colours, odd in place
edges.paste((255, 0, 0), (5, 3, 18, 20))
edges.paste((0, 0, 255), (18, 7, 33, 15))

files = {}
def put(name, im, **how):
    b = io.BytesIO()
    im.save(b, name.rsplit(".", 1)[1].replace("jpg", "jpeg"), **how)
    files[name] = b.getvalue()

for name, sub in (("444", 0), ("422", 1), ("420", 2)):
    put("jpeg%s.jpg" % name, edges, quality=95, subsampling=sub)
put("jpeg420even.jpg", edges.crop((0, 0, 36, 28)), quality=95, subsampling=2)
put("jpegtiny.jpg", edges.crop((0, 0, 1, 1)), quality=95, subsampling=2)
put("progressive.jpg", edges, quality=90, progressive=True)
put("grey.jpg", grey, quality=95)
put("cmyk.jpg", edges.convert("CMYK"), quality=95)
for o in range(1, 9):
    e = Image.Exif()
    e[0x0112] = o
    put("exif%d.jpg" % o, edges.crop((0, 0, 24, 16)), quality=95, subsampling=0, exif=e.tobytes())
put("rgb.png", edges)
put("grey.png", grey)
put("grey1.png", grey.convert("1"))
put("palette.png", edges.quantize(40))
put("palettealpha.png", edges.quantize(40), transparency=bytes(range(0, 200, 5)))
put("rgba.png", rgba)
put("greyalpha.png", la)
put("plain.gif", edges.quantize(64))
put("transparent.gif", edges.quantize(64), transparency=3)
put("moving.gif", edges.quantize(64), save_all=True, append_images=[grey.convert("P")])
put("lossy.webp", edges, quality=95)
put("lossyalpha.webp", rgba, quality=95, exact=True)
put("lossless.webp", edges, lossless=True)
put("rgb.bmp", edges)
put("grey.bmp", grey)
put("palette.bmp", edges.quantize(40))

def png16(kind, channels):  # Pillow cannot write these
    raw = b"".join(b"\0" + b"".join(struct.pack(">H", value(x, y, z) << 8 | (x * 7 + y) & 255) for x in range(W) for z in range(channels)) for y in range(H))
    chunk = lambda n, d: struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, kind, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
files["rgb16.png"] = png16(2, 3)
files["grey16.png"] = png16(0, 1)

out = bytearray()
for name in sorted(files):
    with open(os.path.join(here, "images", name), "wb") as f:
        f.write(files[name])
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(files[name])))
    if name == "grey16.png":  # Pillow clips instead of scaling
        im = grey
    if im.mode in ("RGBA", "LA") or "transparency" in im.info:
        im = im.convert("RGBA")
        im = Image.alpha_composite(Image.new("RGBA", im.size, "white"), im)
    im = im.convert("RGB")
    out += struct.pack("<HH", *im.size) + im.tobytes()
with gzip.GzipFile(os.path.join(here, "decode.golden.gz"), "wb", 9, mtime=0) as f:
    f.write(bytes(out))
