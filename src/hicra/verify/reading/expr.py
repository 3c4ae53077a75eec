"""Parses mathematics in LaTeX or plain text to a small tree; the parser is our own, and nothing in a text is called or run.

A tree is nested tuples: ("n", Fraction) a number, ("s", name) a symbol, ("c", "pi" | "e" | "i") a constant, ("+", a, b, ...),
("*", a, b, ...), ("/", a, b), ("^", a, b), ("-", a), ("f", name, a, ...) a function. What the grammar does not know (words,
relations, unknown commands) raises `NotMaths`, and what is too long or too deep raises `TooBig`. Both depend
only on the text.

Deviations (LaTeX does not fix a meaning):
    VERIFY-9. `2\\frac{1}{3}` and `2 1/3` are mixed numbers: a proper fraction of integers directly after an integer is added.
    VERIFY-10. Implicit multiplication has the same precedence as explicit multiplication: `1/2x` is (1/2)x.
    VERIFY-11. `e` is Euler's number and `i` is the imaginary unit, unless they have an index. `x^12` is x to the twelfth.
    VERIFY-12. `\\log` without a base has base e or 10, whichever makes the two sides equal (the same on both sides).
    VERIFY-26. A letter before brackets is a function if it is f, or if the brackets hold one number or symbol (`P(0)`, `y(t)`).
         Otherwise it is a factor (`x(x+1)`, `P(1+r)^t`).
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import Any

from hicra.verify.reading.operators import OF_LISTS, OPERATORS, of_list, operator
from hicra.verify.reading.tokens import FUNCTIONS, GREEK, MAX_DIGITS, MAX_TOKENS, NotMaths, TooBig, TooDeep, tokens_of

Tree = tuple[Any, ...]
MAX_DEPTH, MAX_DEEP = 40, 600  # the most levels of brackets in the caller's process, and in a worker
ONE: Tree = ("n", Fraction(1))
LOG_BASE: Tree = ("s", "\\log")  # stands for the natural logarithm of a base that is not written
_INVERSE = {"sin": "asin", "cos": "acos", "tan": "atan"}
_STOP = ("", ")", "}", "]", ",", r"\}", r"\rfloor", r"\rceil")


@functools.lru_cache(maxsize=2048)
def _parsed(text: str, most: int) -> Tree | ValueError:
    try:
        return _Parser([], most).part(tokens_of(text), 0)
    except (NotMaths, TooBig) as error:
        return error


def parse(text: str, deep: bool = False) -> Tree:
    """Parses a normalised text to a tree; `deep` needs a recursion limit of 20,000.

    Raises:
        NotMaths: the text is no expression of the grammar.
        TooBig: the text exceeds a bound on characters, symbols, digits or depth (TooDeep: the last, without `deep`).
    """
    found = _parsed(text, MAX_DEEP if deep else MAX_DEPTH)
    if isinstance(found, ValueError):
        raise type(found)(*found.args)
    return found


class _Parser:
    """A parser by recursive descent over a list of tokens."""

    def __init__(self, tokens: list[str], most: int) -> None:
        self.tokens, self.at, self.most = tokens, 0, most
        self.bars = self.integrals = 0  # number of open |, and of integrals without their differential

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if token == "" or (expected and token != expected):
            raise NotMaths(f"expected {expected or 'more'}, found {token!r}")
        self.at += 1
        return token

    def sum(self, depth: int) -> Tree:
        if depth > self.most:
            raise TooDeep(f"nested deeper than {self.most}")
        terms = [self.term(depth)]
        while self.peek() in ("+", "-"):
            negative = self.take() == "-"
            term = self.term(depth)
            terms.append(("-", term) if negative else term)
        return terms[0] if len(terms) == 1 else ("+", *terms)

    def term(self, depth: int, tight: bool = False) -> Tree:
        """Parses a product; with `tight` (the argument of a function without brackets) it ends at an explicit sign."""
        factors = [self.signed(depth)]
        while True:
            token = self.peek()
            if token in ("*", r"\cdot", r"\times", "/", r"\div") and not tight:
                self.take()
                factor = self.signed(depth)
                factors.append(("/", ONE, factor) if token in ("/", r"\div") else factor)
            elif self.begins(token) and not (tight and token.startswith("\\") and token[1:] in FUNCTIONS):
                side_by_side = token[0].isdigit() and self.tokens[self.at - 1][0].isdigit()
                if side_by_side and factors[-1][0] != "^":  # `2^3 7` is a product
                    raise NotMaths("two numbers side by side")
                factors.append(self.power(depth))
            else:
                return factors[0] if len(factors) == 1 else ("*", *factors)

    def begins(self, token: str) -> bool:
        if token == "|":
            return self.bars == 0
        if self.differential():
            return False
        return token not in _STOP and token not in ("+", "-", "*", "/", "^", "_", "!", r"\cdot", r"\times", r"\div")

    def differential(self) -> bool:
        """Tells whether the differential of an open integral, as in `dx`, comes next."""
        variable = self.tokens[self.at + 1 : self.at + 2]
        return self.integrals > 0 and self.peek() == "d" and variable != [] and variable[0].removeprefix("\\").isalpha()

    def signed(self, depth: int) -> Tree:
        signs = 0
        while self.peek() in ("+", "-"):
            signs += self.take() == "-"
            if self.at > MAX_TOKENS:
                raise TooBig("signs")
        value = self.power(depth)
        return ("-", value) if signs % 2 else value

    def power(self, depth: int) -> Tree:
        base = self.atom(depth)
        signs = 0
        while self.peek() in ("!", "^"):
            signs += 1
            if depth + signs > self.most:
                raise TooDeep(f"nested deeper than {self.most}")
            if self.take() == "!":
                base = ("f", "factorial", base)
            elif self.degrees():
                base = ("*", base, ("/", ("c", "pi"), ("n", Fraction(180))))
            else:
                base = ("^", base, self.exponent(depth + 1))
        return base

    def degrees(self) -> bool:
        """Takes a degree sign if one comes next, and tells whether it did."""
        for sign in ([r"\circ"], ["{", r"\circ", "}"]):
            if self.tokens[self.at : self.at + len(sign)] == sign:
                self.at += len(sign)
                return True
        return False

    def exponent(self, depth: int) -> Tree:
        if depth > self.most:
            raise TooDeep(f"nested deeper than {self.most}")
        negative = False
        while self.peek() in ("-", "+"):
            negative ^= self.take() == "-"
        value = self.atom(depth)
        if self.peek() == "^":
            self.take()
            value = ("^", value, self.exponent(depth + 1))
        return ("-", value) if negative else value

    def group(self, depth: int, closing: str) -> Tree:
        bars, self.bars = self.bars, 0
        value = self.sum(depth + 1)
        self.take(closing)
        self.bars = bars
        return value

    def part(self, tokens: list[str], depth: int) -> Tree:
        """Parses other tokens to their end."""
        inner = _Parser(list(tokens), self.most)
        tree = inner.sum(depth)
        if inner.peek() != "":
            raise NotMaths(f"unexpected {inner.peek()!r}")
        return tree

    def argument(self, depth: int) -> Tree:
        """Parses the argument of a command: a group in braces, or the next single digit, letter or command."""
        token = self.peek()
        if token == "{":
            self.take()
            return self.group(depth, "}")
        if token[:1].isdigit() and len(token) > 1:
            self.tokens[self.at : self.at + 1] = [token[0], token[1:].replace(",", "")]
        return self.atom(depth + 1)

    def atom(self, depth: int) -> Tree:
        if depth > self.most:
            raise TooDeep(f"nested deeper than {self.most}")
        token = self.take()
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return self.number(token, depth)
        if token in ("(", "{", "["):
            return self.group(depth, {"(": ")", "{": "}", "[": "]"}[token])
        if token in (r"\lfloor", r"\lceil"):
            return ("f", token[2:], self.group(depth, "\\r" + token[2:]))
        if token == "|":
            self.bars += 1
            inner = self.sum(depth + 1)
            self.take("|")
            self.bars -= 1
            return ("f", "abs", inner)
        if len(token) == 1 and token.isalpha():
            return self.symbol(token, depth)
        if token.startswith("\\"):
            return self.command(token[1:], depth)
        raise NotMaths(f"unexpected {token!r}")

    def number(self, token: str, depth: int) -> Tree:
        if len(token) > MAX_DIGITS:
            raise TooBig(f"a number of {len(token)} characters")
        value = Fraction(token.replace(",", "").rstrip("."))
        if token.isdigit():
            mixed = self.mixed(depth)
            if mixed is not None:
                return ("+", ("n", value), mixed)
        if self.peek() == "_":
            raise NotMaths("a number with an index has another base")
        return ("n", value)

    def mixed(self, depth: int) -> Tree | None:
        """Parses the fraction of a mixed number if a proper fraction of plain integers comes next."""
        rest = self.tokens[self.at : self.at + 7]
        if rest[:1] == [r"\frac"]:
            at = self.at
            self.take()
            top, bottom = self.argument(depth), self.argument(depth)
            if (
                top[0] == bottom[0] == "n"
                and 0 < top[1] < bottom[1]
                and top[1].denominator == bottom[1].denominator == 1
            ):
                return ("/", top, bottom)
            self.at = at
            return None
        if len(rest) >= 3 and rest[0].isdigit() and rest[1] == "/" and rest[2].isdigit():
            if int(rest[2][:18]) <= int(rest[0][:18]) or max(len(rest[0]), len(rest[2])) > 18 or rest[3:4] == ["^"]:
                raise NotMaths("two numbers side by side")
            self.at += 3
            return ("/", ("n", Fraction(int(rest[0]))), ("n", Fraction(int(rest[2]))))
        return None

    def symbol(self, name: str, depth: int) -> Tree:
        indexed = self.peek() == "_"
        if indexed:
            self.take()
            name = f"{name}_{self.index()}"
        elif name in ("e", "i"):
            return ("c", name)
        if self.peek() == "(" and (name[0] == "f" or self.single()):
            self.take()
            return ("f", f"@{name}", self.group(depth, ")"))
        return ("s", name)

    def single(self) -> bool:
        """Tells whether the brackets that begin here hold one number or symbol (VERIFY-26)."""
        inner = self.tokens[self.at + 1 : self.at + 4]
        if inner[:1] == ["-"]:
            inner = self.tokens[self.at + 2 : self.at + 5]
        named = inner[:1] and (inner[0][0].isalnum() or inner[0][1:] in GREEK or inner[0] == r"\pi")
        return bool(named) and inner[1:2] == [")"]

    def index(self) -> str:
        token = self.take()
        if token != "{":
            if token in ("^", "_", "}", ")"):
                raise NotMaths("index")
            return token
        found: list[str] = []
        level = 1
        while True:
            token = self.take()
            level += (token == "{") - (token == "}")
            if level == 0:
                return "".join(found)
            found.append(token)

    def command(self, name: str, depth: int) -> Tree:
        if name == "frac":
            top = self.argument(depth)
            return ("/", top, self.argument(depth))
        if name == "binom":
            top = self.argument(depth)
            return ("f", "binomial", top, self.argument(depth))
        if name == "sqrt":
            if self.peek() == "[":
                self.take()
                degree = self.group(depth, "]")
                return ("f", "root", self.argument(depth), degree)
            return ("f", "root", self.argument(depth), ("n", Fraction(2)))
        if name == "pi":
            return ("c", "pi")
        if name == "infty":
            return ("c", "oo")
        if name in FUNCTIONS:
            return self.function(FUNCTIONS[name], name, depth)
        if name in GREEK:
            return self.symbol("\\" + name, depth)
        if name in OPERATORS:
            return operator(self, name, depth)
        if name in OF_LISTS:
            return of_list(self, name, depth)
        if name == "mathbb":
            return ("s", "\\mathbb" + self.index())
        raise NotMaths(f"command \\{name}")

    def function(self, name: str, written: str, depth: int) -> Tree:
        exponent: Tree | None = None
        base: Tree | None = None
        for _ in range(2):
            if self.peek() == "_" and written == "log":
                self.take()
                base = self.argument(depth)
            elif self.peek() == "^":
                self.take()
                exponent = self.exponent(depth + 1)
        bracketed = self.peek() in ("(", "{", "[")
        inner = self.atom(depth + 1) if bracketed else self.term(depth + 1, tight=True)
        if exponent == ("-", ("n", Fraction(1))) and name in _INVERSE:
            name, exponent = _INVERSE[name], None
        value: Tree = ("f", name, inner)
        if base is not None:
            value = ("/", value, ("f", "log", base))
        elif written == "log":
            value = ("/", value, LOG_BASE)
        return value if exponent is None else ("^", value, exponent)
