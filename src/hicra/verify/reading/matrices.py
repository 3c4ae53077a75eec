"""Reads a matrix as texts: one environment, the brackets around it and a factor before it, in time linear in the text.

Deviation:
    VERIFY-29. The type of brackets does not matter; bars make a determinant, which equals no matrix. A factor before a matrix
         multiplies its entries.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.reading.brackets import outer_of

MAX_FACTOR = 200  # characters of a factor, which is written before every entry
_BEGIN = re.compile(
    r"\\begin ?\{ ?(?P<kind>[pbBvV]?matrix|smallmatrix|array) ?\}(?: ?\[ ?[tcb] ?\])?(?: ?\{[clr| ]*\})?"
)
_END = re.compile(r"\\end ?\{ ?(?P<kind>[A-Za-z]{1,11}) ?\}")
_ROW = re.compile(r"\\\\(?: ?\[ ?-?[0-9.]{1,8} ?[a-z]{2} ?\])?|\\cr(?![A-Za-z])")
_MATES = {")": "(", "]": "[", "|": "|", r"\|": r"\|", r"\Vert": r"\Vert"}
# a product of numbers, single small letters, fractions and roots; what is inside brackets is masked
_FACTOR = re.compile(
    r"[-+]? ?(?:[0-9./ {(*^\x00]|\\(?:frac|sqrt|pi|cdot|times)(?![A-Za-z])|(?<![A-Za-z\\])[a-z](?![A-Za-z]))*"
)
_TIMES = re.compile(r"(?:\\cdot|\\times|\*)\Z")


class Matrix(NamedTuple):
    """A matrix: the entries of all rows, the number of rows, and whether bars make it a determinant."""

    cells: tuple[str, ...]
    rows: int
    determinant: bool


def matrix_of(text: str) -> Matrix | None:
    """Reads a text that is a matrix, with its factor multiplied in; else returns None."""
    begin = _BEGIN.search(text)
    end = _END.match(text, text.rfind(r"\end")) if begin else None
    if begin is None or end is None or begin["kind"] != end["kind"] or text.count(r"\begin") != 1:
        return None
    factor, closing = text[: begin.start()].strip(), text[end.end() :].strip()
    if closing:
        opening = _MATES.get(closing)
        if opening is None or not factor.endswith(opening):
            return None
        factor = factor.removesuffix(opening).strip()
    determinant = begin["kind"] in ("vmatrix", "Vmatrix") or closing in ("|", r"\|", r"\Vert")
    rows = [row for row in _ROW.split(text[begin.end() : end.start()]) if row.strip()]
    if len({row.count("&") for row in rows}) != 1:
        return None
    cells = tuple(cell.strip() for row in rows for cell in row.split("&"))
    return _times(factor, Matrix(cells, len(rows), determinant))


def _times(factor: str, matrix: Matrix) -> Matrix | None:
    if factor in ("", "+"):
        return matrix
    if matrix.determinant or len(factor) > MAX_FACTOR or not _FACTOR.fullmatch(outer_of(factor)):
        return None
    factor = _TIMES.sub("", factor).strip()
    before = "-" if factor == "-" else f"({factor})*"
    return matrix._replace(cells=tuple(f"{before}({cell})" for cell in matrix.cells))
