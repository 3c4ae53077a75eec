"""The last step of the comparison, in a worker: values at points (probe.py), or math-verify for what our grammar does not know.

math-verify is called with its own LaTeX grammar and its comparison of finished expressions, never with its search in texts, whose
second grammar is Python's. Its yes counts only for texts that hold no relation, negation, base or prose
(`spellings.mathematical`) and are within the bounds here; its no always counts. No question is asked twice.

Deviation:
    VERIFY-23. The work of math-verify is bounded: at most 300 characters, 12 digits per number, exponents of at most 2 digits
         that are never stacked, no factorial of more than 2 digits, and no sum, product, integral, limit or derivative. An
         answer that exceeds a bound is wrong, on every machine.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from hicra.verify.algebra import probe
from hicra.verify.reading.expr import Tree
from hicra.verify.reading.tokens import TooBig

_STACKED = re.compile(r"\^ ?(?:\{[^{}]*\^|[^{}]\^|\\[a-z]+ ?\^)")
_LONG = re.compile(r"[0-9]{13}|\^ ?\{?[^{}]{0,3}[0-9]{3}|[0-9]{3} ?!|! ?!|\)!")
_COSTLY = re.compile(
    r"\\(?:sum|prod|int|iint|oint|lim|partial|det|gcd|lcm|binom|operatorname|begin|exp|pmod|bmod)(?![A-Za-z])|'"
)


BUDGET = 30_000  # the most steps of work per item: a sum or product is 1 step, a function or power 20
LIBRARY = 6_000  # the steps that one question to math-verify counts as


def weight(tree: Tree) -> int:
    """Counts the steps to evaluate a tree once."""
    own = 20 if tree[0] in ("f", "^") else 1
    return own + sum(weight(part) for part in tree[1:] if isinstance(part, tuple))


class WorkerAlgebra:
    """The algebra for one item; every method may raise TooBig, and an exception of math-verify counts as a no."""

    def __init__(self) -> None:
        self.left = BUDGET

    def spend(self, steps: int) -> None:
        """Counts work, so that an item of many parts is refused by its size and not by its time; raises TooBig."""
        self.left -= steps
        if self.left < 0:
            raise TooBig(f"more than {BUDGET} steps")

    def trees(self, answer: Tree, gold: Tree) -> bool:
        """Tells whether two trees are the same function, or, if they have no values, the same tree."""
        work = weight(answer) + weight(gold)
        self.spend(4 * work)
        found = probe.equal(answer, gold, lambda digits: self.spend(work * digits // 100))
        return answer == gold if found is None else found

    def near(self, answer: Tree, gold: Tree, tolerance: Fraction) -> bool:
        """Tells whether two values differ by at most an absolute tolerance."""
        self.spend(weight(answer) + weight(gold))
        first, second = probe.number(answer), probe.number(gold)
        if first is None or second is None:
            return False
        return bool(abs(first - second) <= probe.high().mpf(tolerance.numerator) / tolerance.denominator)

    def rounds_to(self, decimal: Fraction, places: int, tree: Tree) -> bool:
        """Tells whether an irrational value is the decimal when it is rounded or cut (VERIFY-17)."""
        self.spend(weight(tree))
        found = probe.number(tree)
        if found is None or probe.magnitude(found) > 1_000:
            return False
        context = probe.high()
        gap = found - context.mpf(decimal.numerator) / decimal.denominator
        unit = context.mpf(1) / 10**places
        cut = 0 <= gap < unit if found >= 0 else -unit < gap <= 0
        return bool(cut or abs(gap) * 2 <= unit)

    def proportional(self, answer: Tree, gold: Tree, positive: bool) -> bool:
        """Tells whether two trees are proportional (VERIFY-22)."""
        self.spend(6 * (weight(answer) + weight(gold)))
        return probe.proportional(answer, gold, positive)

    def texts(self, answer: str, gold: str) -> bool:
        """Asks math-verify if both texts are within the bounds (VERIFY-23)."""
        if past_bounds(answer) or past_bounds(gold):
            return False
        self.spend(LIBRARY)
        return _math_verify(answer, gold)


def past_bounds(text: str) -> bool:
    """Tells whether a text that `spellings.mathematical` accepted exceeds the bounds of VERIFY-23."""
    return bool(_STACKED.search(text) or _LONG.search(text) or _COSTLY.search(text)) or text.count("^") > 8


def _math_verify(answer: str, gold: str) -> bool:
    grader, latex = _libraries()
    try:
        trees = [latex(text, is_real=True, convert_degrees=False, normalization_config=None) for text in (answer, gold)]
        if any(getattr(tree, "free_symbols", set()) != trees[0].free_symbols for tree in trees):
            return False
        return bool(grader.verify(trees[1], trees[0], float_rounding=12, timeout_seconds=0, raise_on_error=False))
    except MemoryError:
        raise
    except Exception:  # whatever a library raises on a hostile text counts as a no
        return False


def _libraries() -> tuple[Any, Any]:
    from latex2sympy2_extended import latex2sympy
    from math_verify import grader

    return grader, latex2sympy


def warm_up() -> None:
    """Imports everything and runs each library once, so that the first answer takes no longer than others."""
    _libraries()
    _math_verify(r"\overline{x}", r"\overline{x}")
    probe.equal(("s", "x"), ("f", "sin", ("s", "x")))
