"""Reads a matrix as texts: environments, the brackets around them, factors before them, and sums and products of a few of them.

Deviation:
    VERIFY-29. The type of brackets does not matter; bars make a determinant, which equals no matrix. A factor before a matrix
         multiplies its entries, and a T as exponent exchanges its rows and columns. Sums and products of at most 4 matrices with
         at most 36 entries each are worked out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hicra.verify.reading.brackets import outer_of

MAX_FACTOR = 200  # characters of a factor, which is written before every entry
MAX_MATRICES, MAX_CELLS, MAX_WORKED_OUT = 4, 36, 6_000  # the last: characters of all entries of a sum or product
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
_TRANSPOSED = re.compile(
    r" ?\^ ?(?:\{ ?(?:T|\\top|\\intercal|\\prime) ?\}|T|\\top(?![A-Za-z])|\\intercal(?![A-Za-z]))\Z"
)
_TERM_SIGN = re.compile(r" ?([-+]) ?")
_TIMES = re.compile(r"(?:\\cdot|\\times|\*)\Z")


class Matrix(NamedTuple):
    """A matrix: the entries of all rows, the number of rows, and whether bars make it a determinant."""

    cells: tuple[str, ...]
    rows: int
    determinant: bool


def matrix_of(text: str) -> Matrix | None:
    """Reads a text that is a matrix, or a sum or product of matrices, which is worked out; else returns None."""
    count = text.count(r"\begin")
    if count == 1:
        return _single(text)
    return _worked_out(text) if 1 < count <= MAX_MATRICES else None


def _single(text: str) -> Matrix | None:
    """Reads one matrix, with its factor multiplied in."""
    if match := _TRANSPOSED.search(text):
        found = _single(text[: match.start()])
        return None if found is None or found.determinant else _transposed(found)
    begin = _BEGIN.search(text)
    end = _END.match(text, text.rfind(r"\end")) if begin else None
    if begin is None or end is None or begin["kind"] != end["kind"]:
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


def _worked_out(text: str) -> Matrix | None:
    """Works out a sum of products of matrices."""
    outer = outer_of(text)
    signs = [match for match in _TERM_SIGN.finditer(outer) if match.start()]
    starts, ends = [0, *(match.end() for match in signs)], [*(match.start() for match in signs), len(text)]
    total: Matrix | None = None
    for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
        term = _product(text[start:end])
        if term is None or term.determinant:
            return None
        sign = signs[at - 1][1] if at else "+"
        total = term if total is None else _plus(total, term, sign)
        if total is None or sum(map(len, total.cells)) > MAX_WORKED_OUT:
            return None
    return total


def _product(text: str) -> Matrix | None:
    """Works out a product of matrices, each with a factor before it."""
    found: Matrix | None = None
    for piece in re.findall(
        r".*?\\end ?\{ ?[A-Za-z]{1,11} ?\}(?: ?(?:\)|\]))?(?: ?\^ ?(?:\{[^{}]*\}|T))?", text, re.DOTALL
    ):
        matrix = _single(re.sub(r"\A ?(?:\\cdot|\\times|\*) ?", "", piece).strip())
        if matrix is None or matrix.determinant or len(matrix.cells) > MAX_CELLS:
            return None
        found = matrix if found is None else _multiplied(found, matrix)
        if found is None:
            return None
    left = text[text.rfind(r"\end") :].partition("}")[2] if found else text
    return found if re.fullmatch(r" ?[)\]]? ?(?:\^ ?(?:\{[^{}]*\}|T))? ?", left) else None


def _plus(first: Matrix, second: Matrix, sign: str) -> Matrix | None:
    if (first.rows, len(first.cells)) != (second.rows, len(second.cells)) or len(first.cells) > MAX_CELLS:
        return None
    return first._replace(cells=tuple(f"({a}){sign}({b})" for a, b in zip(first.cells, second.cells, strict=True)))


def _multiplied(first: Matrix, second: Matrix) -> Matrix | None:
    inner, columns = len(first.cells) // first.rows, len(second.cells) // second.rows
    if inner != second.rows or first.rows * columns > MAX_CELLS:
        return None
    cells = []
    for row in range(first.rows):
        for column in range(columns):
            pairs = [(first.cells[row * inner + at], second.cells[at * columns + column]) for at in range(inner)]
            cells.append("+".join(f"({a})*({b})" for a, b in pairs))
    return Matrix(tuple(cells), first.rows, False) if sum(map(len, cells)) <= MAX_WORKED_OUT else None


def _transposed(matrix: Matrix) -> Matrix:
    columns = len(matrix.cells) // matrix.rows
    cells = tuple(matrix.cells[row * columns + column] for column in range(columns) for row in range(matrix.rows))
    return Matrix(cells, columns, matrix.determinant)
