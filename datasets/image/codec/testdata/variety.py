# Writes image files of all kinds that Pillow 9.4 writes and ImageMagick 6 converts to, and beside each what
# Pillow makes of it: NAME.rgb, two shorts for width and height, then H×W×3 bytes. The first picture of many
# is taken, EXIF orientation followed, what is transparent put on white. What Pillow cannot read has no .rgb.
# Usage: variety.py FOLDER
import math, os, random, shutil, struct, subprocess, sys
from PIL import Image, ImageOps, features

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
random.seed(7)

def picture(w, h):
    v = bytearray()
    for y in range(h):
        for x in range(w):
            for z in range(3):
                if (x // 11 + y // 7) % 5 == 0:
                    v.append((255, 40, 90)[z])  # edges between colours, odd in place
                else:
                    v.append(max(0, min(255, int(127.5 + 110 * math.sin(x / (5.0 + 2 * z) + z) * math.cos(y / (9.0 - 2 * z)) + random.randint(-9, 9)))))
    return Image.frombytes("RGB", (w, h), bytes(v))

rgb = picture(61, 43)
grey = rgb.convert("L")
bilevel = grey.convert("1")
alpha = Image.frombytes("L", (61, 43), bytes(min(255, 5 * x) for y in range(43) for x in range(61)))
rgba = rgb.copy(); rgba.putalpha(alpha)
la = grey.copy(); la.putalpha(alpha)
cmyk = rgb.convert("CMYK")
wide = Image.frombytes("I;16", (61, 43), b"".join(struct.pack("<H", g * 257) for g in grey.tobytes()))
other = ImageOps.mirror(rgb)

def put(name, im, **how):
    im.save(os.path.join(out, name), **how)

def oriented(o):
    e = Image.Exif(); e[0x0112] = o
    return e.tobytes()

# JPEG
for q in (5, 30, 75, 90, 100):
    for s, n in ((0, "444"), (1, "422"), (2, "420")):
        put("q%d-%s.jpg" % (q, n), rgb, quality=q, subsampling=s)
for s, n in ((0, "444"), (1, "422"), (2, "420")):
    put("progressive-%s.jpg" % n, rgb, quality=85, subsampling=s, progressive=True)
put("optimised.jpg", rgb, quality=85, optimize=True)
put("grey.jpg", grey, quality=80)
put("grey-progressive.jpg", grey, quality=80, progressive=True)
put("cmyk.jpg", cmyk, quality=90)
put("cmyk-progressive.jpg", cmyk, quality=90, progressive=True)
for o in range(1, 9):
    put("turned-%d.jpg" % o, rgb, quality=90, exif=oriented(o))
for w, h in ((1, 1), (2, 2), (3, 5), (5, 3), (8, 8), (16, 16), (17, 17), (1, 40), (40, 1)):
    put("size-%dx%d.jpg" % (w, h), picture(w, h), quality=90, subsampling=2)
# PNG
for name, im in (("1", bilevel), ("L", grey), ("LA", la), ("RGB", rgb), ("RGBA", rgba), ("I16", wide), ("P", rgb.quantize(200))):
    put("mode-%s.png" % name, im)
for bits, colours in ((1, 2), (2, 4), (4, 16)):
    put("palette-%dbit.png" % bits, rgb.quantize(colours), bits=bits)
put("clear-L.png", grey, transparency=100)
put("clear-RGB.png", rgb, transparency=(255, 40, 90))
put("clear-P.png", rgb.quantize(60), transparency=bytes(range(0, 240, 4)))
put("clear-1.png", bilevel, transparency=255)
put("turned-6.png", rgb, exif=oriented(6))
put("moving.png", rgb, save_all=True, append_images=[other], duration=100)
put("moving-apart.png", rgb, save_all=True, append_images=[other], default_image=True)
# GIF
put("P.gif", rgb.quantize(64)); put("L.gif", grey); put("1.gif", bilevel)
put("straight.gif", rgb.quantize(64), interlace=0)
put("clear.gif", rgb.quantize(64), transparency=5)
put("moving.gif", rgb.quantize(64), save_all=True, append_images=[other.quantize(64)], duration=50, loop=0)
put("moving-clear.gif", rgba, save_all=True, append_images=[other], duration=50, disposal=2)
put("one-colour.gif", Image.new("P", (20, 9), 3))
# BMP
for name, im in (("1", bilevel), ("L", grey), ("P", rgb.quantize(100)), ("RGB", rgb), ("RGBA", rgba)):
    put("mode-%s.bmp" % name, im)
put("other.dib", rgb)
# TIFF
for c in ("raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "jpeg", "tiff_lzma", "zstd", "webp"):
    try:
        put("RGB-%s.tif" % c, rgb, compression=None if c == "raw" else c)
    except Exception:
        pass
for c in ("raw", "group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw"):
    put("1-%s.tif" % c, bilevel, compression=None if c == "raw" else c)
for name, im in (("L", grey), ("P", rgb.quantize(100)), ("RGBA", rgba), ("LA", la), ("CMYK", cmyk), ("I16", wide), ("YCbCr", rgb.convert("YCbCr")), ("LAB", Image.merge("LAB", rgb.split())), ("F", grey.convert("F"))):
    put("mode-%s.tif" % name, im)
    if name not in ("YCbCr", "LAB", "F"):
        put("mode-%s-lzw.tif" % name, im, compression="tiff_lzw")
put("pages.tif", rgb, save_all=True, append_images=[other])
put("turned-8.tif", rgb, tiffinfo={0x0112: 8})
# WebP
for q in (5, 50, 80, 100):
    put("q%d.webp" % q, rgb, quality=q)
for m in (0, 6):
    put("method-%d.webp" % m, rgb, quality=80, method=m)
put("lossless.webp", rgb, lossless=True)
put("lossless-alpha.webp", rgba, lossless=True, exact=True)
put("alpha.webp", rgba, quality=80)
put("alpha-q20.webp", rgba, quality=80, alpha_quality=20)
put("moving.webp", rgb, save_all=True, append_images=[other], duration=80)
put("moving-alpha.webp", rgba, save_all=True, append_images=[other], duration=80, lossless=True)
put("turned-3.webp", rgb, quality=90, exif=oriented(3))
put("turned-5-lossless.webp", rgba, lossless=True, exact=True, exif=oriented(5))
put("profile.webp", rgb, quality=90, icc_profile=b"\0" * 200)
for w, h in ((1, 1), (3, 2), (17, 33)):
    put("size-%dx%d.webp" % (w, h), picture(w, h), quality=90)

# ImageMagick
magick = shutil.which("convert")
if magick:
    for name, im in (("rgb", rgb), ("rgba", rgba), ("grey", grey)):
        im.save(os.path.join(out, "from-%s.tmp" % name), "png")
    def convert(source, options, name, kind=""):
        subprocess.run([magick, os.path.join(out, "from-%s.tmp" % source)] + options.split() + [kind + os.path.join(out, name)], check=True, stderr=subprocess.DEVNULL)
    for s in ("1x2", "4x1", "4x2", "3x1", "1x4", "2x4", "1x3", "2x2,1x2,2x1", "2x1,1x1,2x1", "2x2,2x1,2x1", "3x2", "1x1,1x2,2x1", "1x2,1x1,1x2"):
        convert("rgb", "-quality 90 -sampling-factor " + s, "im-%s.jpg" % s.replace(",", "-"))
    convert("rgb", "-quality 90 -sampling-factor 1x2 -interlace JPEG", "im-progressive-1x2.jpg")
    convert("rgb", "-quality 90 -sampling-factor 4x1 -interlace JPEG", "im-progressive-4x1.jpg")
    convert("rgb", "-quality 90 -colorspace CMYK -sampling-factor 2x2", "im-cmyk-2x2.jpg")
    convert("rgb", "-quality 90 -colorspace CMYK -sampling-factor 2x1", "im-cmyk-2x1.jpg")
    convert("rgb", "-quality 90 -colorspace RGB -set colorspace RGB", "im-rgb.jpg")
    convert("grey", "-quality 90", "im-grey.jpg")
    for kind in ("PNG8", "PNG24", "PNG48"):
        convert("rgb", "-interlace PNG", "im-%s-interlaced.png" % kind, kind + ":")
        convert("rgb", "", "im-%s.png" % kind, kind + ":")
    for kind in ("PNG32", "PNG64"):
        convert("rgba", "-interlace PNG", "im-%s-interlaced.png" % kind, kind + ":")
        convert("rgba", "", "im-%s.png" % kind, kind + ":")
    for depth in (1, 2, 4, 8, 16):
        convert("grey", "-depth %d -interlace PNG" % depth, "im-grey-%d-interlaced.png" % depth)
        convert("grey", "-depth %d" % depth, "im-grey-%d.tif" % depth)
    convert("rgb", "-colors 30 -page 90x70+11+7", "im-offset.gif")
    convert("rgb", "-colors 30 -interlace GIF", "im-interlaced.gif")
    for kind in ("BMP2", "BMP3", "BMP"):
        convert("rgb", "", "im-%s.bmp" % kind, kind + ":")
        convert("rgb", "-colors 60 -type palette", "im-%s-palette.bmp" % kind, kind + ":")
    convert("rgb", "-colors 60 -type palette -compress RLE", "im-rle.bmp", "BMP3:")
    convert("rgb", "-colors 13 -type palette", "im-4bit.bmp", "BMP3:")
    convert("rgb", "-monochrome", "im-1bit.bmp", "BMP3:")
    convert("rgba", "", "im-alpha.bmp", "BMP:")
    for s in ("RGB555", "RGB565"):
        convert("rgb", "-define bmp:subtype=" + s, "im-%s.bmp" % s, "BMP:")
    for s in ("ARGB4444", "ARGB1555"):
        convert("rgba", "-define bmp:subtype=" + s, "im-%s.bmp" % s, "BMP:")
    for c in ("None", "LZW", "Zip", "RLE"):
        convert("rgb", "-compress " + c, "im-%s.tif" % c)
        convert("rgb", "-depth 16 -compress " + c, "im-%s-16.tif" % c)
    convert("rgb", "-compress LZW -define tiff:predictor=2", "im-predictor.tif")
    convert("rgb", "-compress None -endian MSB", "im-msb.tif")
    convert("rgb", "-compress Zip -define tiff:tile-geometry=16x16", "im-tiles.tif")
    convert("rgb", "-compress None -interlace Plane", "im-planes.tif")
    convert("rgba", "-compress Zip", "im-alpha.tif")
    convert("rgb", "-quality 70", "im-lossy.webp")
    convert("rgba", "-quality 70", "im-alpha.webp")
    convert("rgba", "-define webp:lossless=true", "im-lossless.webp")
    for name in ("rgb", "rgba", "grey"):
        os.remove(os.path.join(out, "from-%s.tmp" % name))

for name in sorted(os.listdir(out)):
    path = os.path.join(out, name)
    try:
        im = Image.open(path)
        im.seek(0)
        if im.format == "TIFF":
            im.load()  # which turns it: exif_transpose would do so again
        else:
            im = ImageOps.exif_transpose(im)
        if im.mode.startswith("I"):  # converted, Pillow clips 16 bits to 255; the upper 8 are what they show
            im = Image.frombytes("L", im.size, bytes(min(255, v >> 8) for v in im.convert("I").getdata()))
        if im.mode in ("RGBA", "LA", "PA") or "transparency" in im.info:
            im = im.convert("RGBA")
            im = Image.alpha_composite(Image.new("RGBA", im.size, "white"), im)
        im = im.convert("RGB")
    except Exception as e:
        print("Pillow cannot read %s: %s" % (name, e))
        continue
    with open(path + ".rgb", "wb") as f:
        f.write(struct.pack("<HH", *im.size) + im.tobytes())
