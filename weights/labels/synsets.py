#!/usr/bin/python3
"""Writes synsets.txt: WordNet's numbers of ImageNet's 1,000 classes, in the order of imagenet.txt beside it.

A number is the place of a noun in WordNet 3.0's data.noun (Debian's wordnet-base). The challenge's classes stand in the
order of their numbers: a class is the first sense of its name that comes after the class before it, but for those in
`sense`, of whose senses the challenge has a later one.
"""
import os

here = os.path.dirname(os.path.abspath(__file__))
names = open(os.path.join(here, "imagenet.txt")).read().splitlines()

word = {"crane bird": "crane", "maillot tank suit": "maillot"}
sense = {
    "kit fox": 2119789, "tabby": 2123045, "ox": 2403003, "amphibian": 2704792, "beaker": 2815834, "bib": 2834397,
    "binder": 2840245, "bow": 2879718, "brass": 2892201, "cannon": 2950826, "cloak": 3045698, "clog": 3047690,
    "envelope": 3291819, "file": 3337140, "fountain": 3388043, "grille": 3459775, "half track": 3478589, "hook":
    3532672, "jersey": 3595614, "library": 3661043, "monitor": 3782006, "mortar": 3786901, "pick": 3929660, "pier":
    3933933, "pinwheel": 3944341, "planetarium": 3956157, "pot": 3991062, "printer": 4004767, "rotisserie": 4111531,
    "scale": 4141975, "screen": 4152593, "slot": 4243546, "snorkel": 4251144, "spatula": 4270147, "spider web":
    4275548, "spindle": 4277352, "switch": 4372370, "tank": 4389033, "yawl": 4612504, "volcano": 9472597, "groom":
    10148035, "corn": 12144580, "buckeye": 12768682,
}
index = {}
for line in open("/usr/share/wordnet/index.noun"):
    if not line.startswith(" "):
        fields = line.split()
        index[fields[0]] = [int(x) for x in fields[-int(fields[2]):]]

numbers = []
for name in names:
    senses = index[word.get(name, name).lower().replace(" ", "_")]
    after = numbers[-1] if numbers else 0
    number = sense.get(name, min((s for s in senses if s > after), default=0))
    assert number in senses and number > after, (name, senses, after)
    numbers.append(number)
with open(os.path.join(here, "synsets.txt"), "w") as f:
    f.writelines(f"n{n:08}\n" for n in numbers)
