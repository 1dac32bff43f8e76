"""The segments' colours, by numbers: apart for everybody who sees colours, and off their ground."""

import itertools
import re

import pytest

import shop

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHTS = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "deuteranope": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "protanope": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}
OKLAB = (
    ((0.4122214708, 0.5363325363, 0.0514459929), (0.2119034982, 0.6806995451, 0.1073969566), (0.0883024619, 0.2817188376, 0.6299787005)),
    ((0.2104542553, 0.793617785, -0.0040720468), (1.9779984951, -2.428592205, 0.4505937099), (0.0259040371, 0.7827717662, -0.808675766)),
)


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def linear(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def oklab(rgb):
    return times(OKLAB[1], [max(0, c) ** (1 / 3) for c in times(OKLAB[0], rgb)])


def contrast(a, b):
    lights = sorted(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x))) for x in (a, b))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def theme(dark):
    css = (shop.ROOT / "report/src/css/base.css").read_text()
    block = re.search(r':root\[data-theme="dark"\] \{(.*?)\}' if dark else r":root \{(.*?)\}", css, re.S)[1]
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block))


@pytest.mark.parametrize("dark", [False, True])
def test_colours_are_told_apart(dark):
    colours = theme(dark)
    ground, eight = colours["surface"], [colours[f"c{i}"] for i in range(8)]
    assert all(contrast(colour, ground) >= 3 for colour in eight)
    for sight, matrix in SIGHTS.items():
        seen = [oklab([min(1, max(0, c)) for c in times(matrix, linear(colour))]) for colour in eight]
        least = min(sum((a - b) ** 2 for a, b in zip(x, y)) ** 0.5 for x, y in itertools.combinations(seen, 2))
        print(f"\n{'dark' if dark else 'light'}, {sight}: least distance {least:.3f} in OKLab")
        assert least >= 0.1
