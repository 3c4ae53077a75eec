"""A normalised text to the tokens of the grammar, and the errors of everything that reads mathematics here."""

from __future__ import annotations

import re

MAX_CHARACTERS, MAX_TOKENS, MAX_DIGITS = 20_000, 10_000, 1_000


class NotMaths(ValueError):
    """The text is no expression of the grammar."""


class TooBig(ValueError):
    """The text, or the work that it asks for, is past a bound."""


class TooDeep(TooBig):
    """Nested too deep for the caller's stack."""


FUNCTIONS = {
    "sin": "sin", "cos": "cos", "tan": "tan", "cot": "cot", "sec": "sec", "csc": "csc", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "asin": "asin", "acos": "acos", "atan": "atan",
    "ln": "log", "log": "log", "exp": "exp", "sqrt": "sqrt", "abs": "abs", "floor": "floor", "ceil": "ceil",
}  # fmt: skip
GREEK = frozenset(
    (
        "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu",
        "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma",
        "Phi", "Psi", "Omega", "Pi", "ell", "hbar",
    )
)  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?(?![0-9])|\.[0-9]+|[0-9]+\.(?![0-9]))"
    r"|(?P<macro>\\(?:[A-Za-z]+|[{}|]))|(?P<word>[A-Za-z]+)|(?P<op>\*\*|[-+*/^_!(){}\[\]|,]))"
)


def tokens_of(text: str) -> list[str]:
    """The tokens of a normalised text. Raises TooBig past the bounds, NotMaths for a character of no token."""
    if len(text) > MAX_CHARACTERS:
        raise TooBig(f"{len(text)} characters")
    found: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotMaths(f"character {text[at]!r}")
        at = match.end()
        piece = match[match.lastgroup or "op"]
        if match.lastgroup == "word":
            found.extend(_word(piece))
        else:
            found.append("^" if piece == "**" else piece)
        if len(found) > MAX_TOKENS:
            raise TooBig(f"more than {MAX_TOKENS} symbols")
    return found


def _word(word: str) -> list[str]:
    if word in FUNCTIONS or word in GREEK or word in ("pi", "oo", "inf", "infty"):
        return ["\\" + {"oo": "infty", "inf": "infty"}.get(word, word)]
    for name in ("sqrt", "sin", "cos", "tan", "log", "ln", "exp", "pi"):
        if word.endswith(name) and len(word) - len(name) <= 2:
            return [*word[: -len(name)], "\\" + name]
        if name == "pi" and word.startswith(name) and len(word) <= 4:
            return ["\\pi", *word[2:]]
    if len(word) > 4:
        raise NotMaths(f"word {word!r}")
    return list(word)
