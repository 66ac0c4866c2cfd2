# Writes the image files of images/ and decode.golden.gz: what Pillow makes of them, H×W×3 bytes each, in
# the order of their names; what is transparent is put on white. And ../../jpeg/testdata/scaled.golden.gz: what
# its draft mode makes of the JPEG files at 1/2, 1/4, 1/8. Made with Pillow 9.4.0 and libjpeg-turbo 2.1.5, the
# files with ImageMagick 6.9.11 and jpegtran besides.
import gzip, io, math, os, struct, subprocess, zlib
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
rough = Image.frombytes("RGB", (W, H), bytes((x * x * 37 + y * y * 59 + x * y * 71 + z * 83) % 251 for y in range(H) for x in range(W) for z in range(3)))
put("rough.jpg", rough, quality=100, subsampling=0)  # every coefficient counts
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

def magick(name, source, *options):
    files[name] = subprocess.run(["convert", "png:-", *options, "%s:-" % name.rsplit(".", 1)[1].replace("jpg", "jpeg")], input=files[source], stdout=subprocess.PIPE, check=True).stdout

def jpegtran(name, source, *options):
    files[name] = subprocess.run(["jpegtran", *options], input=files[source], stdout=subprocess.PIPE, check=True).stdout

# JPEG: unusual sampling, progressive too; CMYK with fewer samples of two inks than of the others
for sub in ("1x2", "4x1", "3x1", "1x4", "2x4"):
    magick("sub%s.jpg" % sub, "rgb.png", "-quality", "92", "-sampling-factor", sub)
magick("sub1x2progressive.jpg", "rgb.png", "-quality", "92", "-sampling-factor", "1x2", "-interlace", "JPEG")
magick("cmyk420.jpg", "rgb.png", "-quality", "92", "-colorspace", "CMYK", "-sampling-factor", "2x2")
# without Huffman tables, as in films
b, at = files["jpeg422.jpg"], 2
film = b[:2]
while b[at + 1] != 0xDA:
    n = 2 + struct.unpack(">H", b[at + 2:at + 4])[0]
    if b[at + 1] != 0xC4:
        film += b[at:at + n]
    at += n
files["film.jpg"] = film + b[at:]
# restart markers: right; one taken for the next, for one far away, for the one before; two that are gone
jpegtran("restart.jpg", "jpeg420.jpg", "-restart", "1B")
jpegtran("restartprogressive.jpg", "jpeg420.jpg", "-restart", "1B", "-progressive")
def markers(b, change):
    scan = b.index(b"\xff\xda")
    for old, new in change:
        at = b.index(old, scan)
        b = b[:at] + new + b[at + 2:]
    return b
files["restartnext.jpg"] = markers(files["restart.jpg"], [(b"\xff\xd1", b"\xff\xd2")])
files["restartnexttwo.jpg"] = markers(files["restart.jpg"], [(b"\xff\xd1", b"\xff\xd3")])
files["restartfar.jpg"] = markers(files["restart.jpg"], [(b"\xff\xd1", b"\xff\xd5")])
files["restartbefore.jpg"] = markers(files["restart.jpg"], [(b"\xff\xd2", b"\xff\xd1")])
files["restartgone.jpg"] = markers(files["restart.jpg"], [(b"\xff\xd1", b"")])
jpegtran("scans.jpg", "jpeg420.jpg", "-optimize", "-scans", os.path.join(here, "scans.txt"))  # a scan a component

# EXIF orientation in other places than JPEG's
e = Image.Exif()
e[0x0112] = 6
put("turned.png", edges, exif=e.tobytes())
put("turned.webp", edges, quality=95, exif=e.tobytes())
put("turnedlossless.webp", rgba, lossless=True, exact=True, exif=e.tobytes())
def chunk(n, d):
    return struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d))
def png_with(*more):
    b = files["rgb.png"]
    return b[:33] + b"".join(more) + b[33:]
tiff = e.tobytes()
profile = b"\nexif\n%8d\n%s\n" % (len(tiff), tiff.hex().encode())
files["turnedprofile.png"] = png_with(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile)))
files["turnedxmp.png"] = png_with(chunk(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta><rdf:Description tiff:Orientation="8"/></x:xmpmeta>'))

# PNG: more pixels than there should be; interlaced
raw = zlib.decompress(b"".join(files["rgb.png"][i + 4:i + 4 + struct.unpack(">I", files["rgb.png"][i - 4:i])[0]] for i in [files["rgb.png"].index(b"IDAT")]))
files["toomuch.png"] = files["rgb.png"][:33] + chunk(b"IDAT", zlib.compress(raw + raw[:500], 9)) + chunk(b"IEND", b"")
magick("interlaced.png", "rgb.png", "-strip", "-interlace", "PNG")
magick("interlacedgrey2.png", "grey.png", "-strip", "-interlace", "PNG", "-depth", "2")

# BMP: other depths, bit fields, run lengths, OS/2, from top to bottom
def bmp(bits, rows, palette=b"", compression=0, masks=b"", height=H, header=40):
    if header == 12:
        head = struct.pack("<IHHHH", 12, W, height, 1, bits)
    else:
        head = struct.pack("<IiiHHIIiiII", 40, W, height, 1, bits, compression, len(rows), 0, 0, len(palette) // 4, 0) + masks
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + palette + rows
def rows(pixel, bits, down=False):
    b = b""
    for y in range(H) if down else reversed(range(H)):
        v = 0
        for x in range(W):
            v = v << bits | pixel(x, y)
        n = (W * bits + 31) // 32 * 32
        b += (v << (n - W * bits)).to_bytes(n // 8, "big")
    return b
def swapped(f, bits):  # little-endian pixels
    return lambda x, y: int.from_bytes(f(*edges.getpixel((x, y))).to_bytes(bits // 8, "little"), "big")
r555 = swapped(lambda r, g, b: r >> 3 << 10 | g >> 3 << 5 | b >> 3, 16)
r565 = swapped(lambda r, g, b: r >> 3 << 11 | g >> 2 << 5 | b >> 3, 16)
files["555.bmp"] = bmp(16, rows(r555, 16))
files["565.bmp"] = bmp(16, rows(r565, 16), compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
files["fields.bmp"] = bmp(32, rows(swapped(lambda r, g, b: r << 24 | g << 16 | b << 8, 32), 32), compression=3, masks=struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00))
few = edges.quantize(13)
table = [tuple(few.getpalette()[3 * i:3 * i + 3]) for i in range(13)]
four = b"".join(bytes((b, g, r, 0)) for r, g, b in table)
three = b"".join(bytes((b, g, r)) for r, g, b in table + [(0, 0, 0)] * 3)
at = lambda x, y: few.getpixel((x, y))
files["16colours.bmp"] = bmp(4, rows(at, 4), four)
files["os2.bmp"] = bmp(4, rows(at, 4), three, header=12)
files["down.bmp"] = bmp(8, rows(at, 8, True), four, height=-H)
files["black.bmp"] = bmp(1, rows(lambda x, y: x * y & 1, 1), b"\x20\x40\x60\0\xf0\xd0\xb0\0")
def runs(bits):
    b = b""
    for y in reversed(range(H)):
        line = [at(x, y) for x in range(W)]
        if y % 3 == 0:  # as they are
            n = len(line) // 4 * 4  # Pillow 9.4 misreads odd numbers of 4 bits
            data = bytes(line[:n]) if bits == 8 else bytes(line[i] << 4 | line[i + 1] for i in range(0, n, 2))
            b += bytes((0, n)) + data + bytes((len(line) - n, line[n] * (1 if bits == 8 else 17)))
        else:
            x = 0
            while x < W:
                n = 1
                while x + n < W and line[x + n] == line[x]:
                    n += 1
                b += bytes((n, line[x] if bits == 8 else line[x] * 17))
                x += n
        b += b"\0\0"
    return b + b"\0\1"
files["runs8.bmp"] = bmp(8, runs(8), four, compression=1)
files["runs4.bmp"] = bmp(4, runs(4), four, compression=2)

# TIFF
def tif(name, im, **how):
    b = io.BytesIO()
    im.save(b, "tiff", **how)
    files[name] = b.getvalue()
tif("plain.tif", edges)
tif("lzw.tif", edges, compression="tiff_lzw")
tif("packbits.tif", edges.quantize(40), compression="packbits")
tif("fax3.tif", grey.convert("1"), compression="group3")
tif("fax4.tif", grey.convert("1"), compression="group4")
tif("alpha.tif", rgba, compression="tiff_adobe_deflate")
tif("greyalpha.tif", la)
tif("cmyk.tif", edges.convert("CMYK"))
tif("jpeg.tif", edges, compression="jpeg", quality=95)
tif("turned.tif", edges, tiffinfo={0x0112: 8})
tif("pages.tif", edges, save_all=True, append_images=[grey])
magick("tiles.tif", "rgb.png", "-compress", "Zip", "-define", "tiff:tile-geometry=16x16", "-define", "tiff:predictor=2")
magick("planes.tif", "rgb.png", "-compress", "None", "-interlace", "Plane", "-endian", "MSB")
magick("grey4.tif", "grey.png", "-compress", "LZW", "-depth", "4")
magick("deep.tif", "rgb.png", "-compress", "LZW", "-depth", "16", "-define", "tiff:predictor=2")

# The first of many
put("moving.webp", edges, quality=95, save_all=True, append_images=[grey.convert("RGB")], duration=50)
put("movingalpha.webp", rgba, lossless=True, exact=True, save_all=True, append_images=[edges], duration=50)
put("moving.png", edges, save_all=True, append_images=[grey.convert("RGB")], duration=50)
magick("offset.gif", "rgb.png", "-colors", "20", "-page", "60x50+9+5")

# Not read, but named
jpegtran("arithmetic.jpg", "jpeg420.jpg", "-arithmetic")

out = bytearray()
scaled = bytearray()
for name in sorted(files):
    with open(os.path.join(here, "images", name), "wb") as f:
        f.write(files[name])
    if name == "arithmetic.jpg":
        continue
    im = Image.open(io.BytesIO(files[name]))
    if name.endswith(".tif"):
        im.load()  # which turns it: exif_transpose would do so again
    else:
        im = ImageOps.exif_transpose(im)
    if name.endswith(".jpg") and min(im.size) > 8:
        for scale in (2, 4, 8):
            small = Image.open(io.BytesIO(files[name]))
            small.draft(None, (small.width // scale, small.height // scale))
            assert small.decoderconfig[0] == scale
            small = small.convert("RGB")
            scaled += struct.pack("<HH", *small.size) + small.tobytes()
    if name == "grey16.png":  # Pillow clips instead of scaling
        im = grey
    if im.mode in ("RGBA", "LA") or "transparency" in im.info:
        im = im.convert("RGBA")
        im = Image.alpha_composite(Image.new("RGBA", im.size, "white"), im)
    im = im.convert("RGB")
    out += struct.pack("<HH", *im.size) + im.tobytes()
with gzip.GzipFile(os.path.join(here, "decode.golden.gz"), "wb", 9, mtime=0) as f:
    f.write(bytes(out))
with gzip.GzipFile(os.path.join(here, "../../jpeg/testdata/scaled.golden.gz"), "wb", 9, mtime=0) as f:
    f.write(bytes(scaled))
