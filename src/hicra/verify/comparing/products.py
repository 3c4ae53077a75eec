"""Tells which products do not commute, because their factors are vectors or matrices; these are compared as text.

Deviation:
    VERIFY-49. A cross product has a direction. Bold capitals, and capitals of which one has an inverse or a transpose, are
         matrices: `PDP^{-1}` is neither `P^{-1}DP` nor D. Other products commute.
"""

from __future__ import annotations

import re

_CROSS = re.compile(r"(?:\\times|×)\s*+[^\s0-9]")
_VECTOR = re.compile(r"\\(?:vec|mathbf|boldsymbol|bm|hat|overrightarrow|nabla)(?![A-Za-z])")
_BOLD = re.compile(r"\\(?:mathbf|boldsymbol|bm)\s*(?:\{\s*[A-Z]{1,4}\s*\}|[A-Z])")
_INVERSE = re.compile(r"([A-Z])\s*\^\s*(?:\{\s*(?:-\s*1|T|\\top|\\intercal|\\mathsf\{T\})\s*\}|T|\\top)")
_DIMENSION = re.compile(r"\^\s*\{\s*-\s*[2-9]")  # as in `M L^{-1} T^{-2}`
_CAPITAL = re.compile(r"([A-Z])(?!\s*\^\s*\{?\s*(?:-\s*1|T|\\top))")
_COMMANDS = re.compile(r"\\(?:text|mathrm|mathbb|mathcal|operatorname)\s*\{[^{}]*\}|\\[A-Za-z]+")
MAX_TEXT = 400


def ordered_factors(raws: tuple[str, str]) -> bool:
    """Tells whether a side, as written, has a product whose factors may not be exchanged."""
    if any(map(_VECTOR.search, raws)) and any(map(_CROSS.search, raws)):
        return True
    return any(_matrices(raw) for raw in raws if len(raw) <= MAX_TEXT)


def _matrices(raw: str) -> bool:
    if "begin" in raw:
        return False
    if len(_BOLD.findall(raw)) > 1 or re.search(r"\\(?:mathbf|boldsymbol|bm)\s*\{\s*[A-Z]{2,4}\s*\}", raw):
        return True
    if "^" not in raw:
        return False
    plain = _COMMANDS.sub(" ", raw.replace(r"\top", "T"))
    inverses, capitals = set(_INVERSE.findall(plain)), set(_CAPITAL.findall(plain))
    return len(inverses) > 1 or bool(inverses and capitals and not _DIMENSION.search(plain))
