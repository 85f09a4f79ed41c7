#!/usr/bin/env python3
"""Writes `static/css/older.css`: the colours of `base.css` for browsers that do not know `light-dark()`."""

import pathlib
import re

CSS = pathlib.Path(__file__).parent.parent / "static/css"
HEAD = """/* Made by `tools/older.py` of the colours in base.css, for browsers before the spring of 2024, which do not know
   `light-dark()`. Of two variables one has no value, so that what stands behind it counts, and the other is empty. */

@supports not (color: light-dark(#000, #fff)) {
  :root {
    --on-light: initial;
    --on-dark: ;

"""
TAIL = """  }

  @media (prefers-color-scheme: dark) {
    :root {
      --on-light: ;
      --on-dark: initial;
    }
  }

  :root[data-theme="light"] {
    --on-light: initial;
    --on-dark: ;
  }

  :root[data-theme="dark"] {
    --on-light: ;
    --on-dark: initial;
  }
}
"""

lines = re.findall(r"^  (--[\w-]+: .*light-dark\(.*;)$", (CSS / "base.css").read_text(), re.MULTILINE)
PAIR = re.compile(r"light-dark\(((?:[^(),]|\([^()]*\))*), ((?:[^(),]|\([^()]*\))*)\)")
body = "".join("    " + PAIR.sub(r"var(--on-light, \1) var(--on-dark, \2)", line) + "\n" for line in lines)
(CSS / "older.css").write_text(HEAD + body + TAIL)
