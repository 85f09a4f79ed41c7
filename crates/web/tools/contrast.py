#!/usr/bin/env python3
"""Checks that every pair of text and background of the style sheet can be read (WCAG 2.2, 4.5:1; 3:1 for lines)."""

import pathlib
import re
import sys

CSS = (pathlib.Path(__file__).parent.parent / "static/css/base.css").read_text()
COLOURS = {
    name: pair
    for name, *pair in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", CSS)
}


def luminance(colour):
    def channel(value):
        value /= 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (channel(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


SURFACES = ["paper", "surface", "raised", "own", "other", "hover", "chosen"]
PAIRS = [(ink, surface, 4.5) for ink in ("ink", "accent", "accent-strong", "danger") for surface in SURFACES]
PAIRS += [("ink-2", surface, 4.5) for surface in SURFACES if surface != "own"]
PAIRS += [("read", surface, 4.5) for surface in SURFACES]
PAIRS += [("good", surface, 4.5) for surface in ("paper", "surface", "raised")]
PAIRS += [("own-ink-2", "own", 4.5), ("on-accent", "accent", 4.5), ("on-accent", "accent-strong", 4.5)]
PAIRS += [("on-danger", "danger", 4.5), ("warn-ink", "warn-paper", 4.5), ("danger", "danger-paper", 4.5)]
PAIRS += [("ink", "danger-paper", 4.5), ("paper", "ink-2", 4.5), ("accent", "warn-paper", 4.5)]
PAIRS += [(f"hue-{n}", f"hue-{n}-paper", 4.5) for n in range(8)]
PAIRS += [(f"hue-{n}", surface, 4.5) for n in range(8) for surface in ("other", "paper", "surface")]
PAIRS += [("edge", surface, 3.0) for surface in ("paper", "surface", "raised")]

bad = 0
for one, other, least in PAIRS:
    for theme, at in (("light", 0), ("dark", 1)):
        ratio = contrast(COLOURS[one][at], COLOURS[other][at])
        if ratio < least:
            bad += 1
            print(f"{theme}: {one} on {other}: {ratio:.2f}, wants {least}")
print(f"{2 * len(PAIRS)} pairs, {bad} too low")
sys.exit(bad > 0)
