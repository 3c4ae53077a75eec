"""Parses sums, products, integrals and limits as unknown functions of what is under them, and maxima and the like of a list.

Deviation:
    VERIFY-35. Sums, products, integrals and limits are never computed: they are equal if their bounds are, and what is under
         them, whatever the bound variable is called. So `\\sum_{k=1}^{n} ab` equals `\\sum_{j=1}^{n} ba`, and neither equals a
         value. The order of the arguments of `\\gcd`, `\\operatorname{lcm}`, `\\max` and `\\min` does not matter.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Protocol

from hicra.verify.reading.tokens import NotMaths

Tree = tuple[Any, ...]
OPERATORS = frozenset(["sum", "prod", "int", "lim"])
OF_LISTS = frozenset(["gcd", "lcm", "max", "min"])
_TIES = ("=", r"\to", r"\in")  # between a bound variable and where it starts
_INFINITY = ("c", "oo")


class Parser(Protocol):
    """What the readers here need of the parser (expr.py)."""

    tokens: list[str]
    at: int
    integrals: int

    def differential(self) -> bool: ...
    def peek(self) -> str: ...
    def take(self, expected: str = "") -> str: ...
    def sum(self, depth: int) -> Tree: ...
    def term(self, depth: int, tight: bool = False) -> Tree: ...
    def argument(self, depth: int) -> Tree: ...
    def part(self, tokens: list[str], depth: int) -> Tree: ...


def operator(parser: Parser, name: str, depth: int) -> Tree:
    """Parses an operator with its bounds and what is under it; raises NotMaths for an integral without a differential."""
    variable, bounds = "", []
    for sign in ("_", "^"):
        if parser.peek() != sign:
            bounds.append(("s", "\\none"))
            continue
        parser.take()
        if sign == "_" and name != "int":
            variable, start = _start(parser, depth)
        else:
            start = parser.argument(depth)
        bounds.append(_finite(start))
    if name == "int":
        body, variable = _integrand(parser, depth)
        if {("s", "\\none")} == set(bounds):  # a function of its variable, which has a meaning then
            return ("f", f"@int d{variable}", body)
    else:
        body = parser.term(depth + 1)
    if variable:
        body = _renamed(body, variable, f"\\bound{_level(body) + 1}")
    return ("f", f"@{name}", body, *bounds)


def of_list(parser: Parser, name: str, depth: int) -> Tree:
    """Parses the arguments of a function of a list."""
    closing = {"(": ")", r"\{": r"\}"}.get(parser.take())
    if closing is None:
        raise NotMaths(f"\\{name} without a list")
    parts = [parser.sum(depth + 1)]
    while parser.peek() == ",":
        parser.take()
        parts.append(parser.sum(depth + 1))
    parser.take(closing)
    return ("f", name, *parts)


def _start(parser: Parser, depth: int) -> tuple[str, Tree]:
    """Reads what is below a sum or limit: the bound variable and where it starts, or "" and the tokens as one symbol."""
    tokens = _group(parser)
    if len(tokens) > 2 and tokens[0].isalpha() and tokens[1] in _TIES and not set(tokens[2:]).intersection(_TIES):
        return tokens[0], parser.part(tokens[2:], depth + 1)
    return "", ("s", "\\under " + " ".join(tokens))


def _group(parser: Parser) -> list[str]:
    """Takes the tokens of a group in braces, or a single token."""
    if parser.peek() != "{":
        return [parser.take()]
    start, level = parser.at + 1, 0
    while True:
        token = parser.take()
        level += (token == "{") - (token == "}")
        if level == 0:
            return parser.tokens[start : parser.at - 1]


def _integrand(parser: Parser, depth: int) -> tuple[Tree, str]:
    """Parses what is under an integral up to its differential, and the variable of that."""
    _move_differential(parser)
    parser.integrals += 1
    body: Tree = ("n", Fraction(1)) if parser.differential() else parser.sum(depth + 1)
    parser.integrals -= 1
    parser.take("d")
    return body, parser.take().removeprefix("\\")


def _move_differential(parser: Parser) -> None:
    """Moves a differential from the numerator of the next fraction behind it: `\\frac{dx}{x}` is `\\frac{1}{x} dx`."""
    start = parser.at
    if parser.tokens[start : start + 2] != ["\\frac", "{"]:
        return
    parser.at += 1
    top, bottom = _group(parser), _group(parser)
    if len(top) > 1 and top[-2] == "d" and top[-1].isalpha():
        moved = ["\\frac", "{", *(top[:-2] or ["1"]), "}", "{", *bottom, "}", *top[-2:]]
        parser.tokens[start : parser.at] = moved
    parser.at = start


def _finite(tree: Tree) -> Tree:
    """Replaces infinity in a bound by a symbol, so that the bound has a value."""
    if tree == _INFINITY:
        return ("s", "\\infinity")
    return tuple(_finite(part) if isinstance(part, tuple) else part for part in tree)


def _renamed(tree: Tree, name: str, other: str) -> Tree:
    """Gives a symbol another name, also where it is an index; a bound `i` is no imaginary unit."""
    if tree == ("c", name):
        return ("s", other)
    if tree[0] == "s":
        return ("s", _renamed_symbol(tree[1], name, other))
    return tuple(_renamed(part, name, other) if isinstance(part, tuple) else part for part in tree)


def _renamed_symbol(symbol: str, name: str, other: str) -> str:
    if symbol == name:
        return other
    head, line, index = symbol.partition("_")
    if not line or "\\" in index:
        return symbol
    return head + line + re.sub(rf"{name}(?![a-z0-9]*>)", f"<{other[1:]}>", index)


def _level(tree: Tree) -> int:
    """Returns the largest number of a bound variable in a tree, 0 if it has none."""
    if tree[0] == "s":
        return max((int(number) for number in re.findall(r"(?:\\|<)bound(\d+)", tree[1])), default=0)
    return max((_level(part) for part in tree[1:] if isinstance(part, tuple)), default=0)
