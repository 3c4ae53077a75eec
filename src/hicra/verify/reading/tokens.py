"""Splits a normalised text into the tokens of the grammar, and defines the errors of all that reads mathematics here.

Deviation:
    VERIFY-27. Letters next to each other are a product. Words next to each other, a letter with a digit after it (`x2`), and a
         word next to a 0 are no product. `dy/dx` is one symbol.
"""

from __future__ import annotations

import re

MAX_CHARACTERS, MAX_TOKENS, MAX_DIGITS = 20_000, 10_000, 1_000


class NotMaths(ValueError):
    """The text is no expression of the grammar."""


class TooBig(ValueError):
    """The text, or the work that it needs, exceeds a bound."""


class TooDeep(TooBig):
    """The text is nested too deeply for the caller's stack."""


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
    r"\s*(?:(?P<number>(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?(?![0-9])|\.[0-9]+|[0-9]+\.(?![0-9]))"
    r"|(?P<macro>\\(?:[A-Za-z]+|[{}|]))|(?P<word>[A-Za-z]+)|(?P<op>\*\*|[-+*/^_!(){}\[\]|,=]))"
)
_SUFFIXES = ("sqrt", "sin", "cos", "tan", "log", "ln", "exp", "pi")  # `xsin` is x times a sine
_SPELLED = {name: name for name in ("infty", "pi", "max", "min", "gcd", "lcm")} | {"oo": "infty", "inf": "infty"}
_NAME = rf"(?:{'|'.join([*FUNCTIONS, *GREEK, *_SPELLED])}|[A-Za-z]{{0,2}}(?:{'|'.join(_SUFFIXES)}))(?![A-Za-z])"
_PLAIN = rf"(?<![A-Za-z\\])(?!{_NAME})[A-Za-z]"  # begins a word that is no name
# `x2` may be an index or a product (`\frac n2` is neither); words next to each other are a sentence; a word next to a 0 must not
# be multiplied away
_PROSE = re.compile(
    rf"(?<!\\frac )(?<!\\binom ){_PLAIN}+[0-9]++(?! ?\^)|{_PLAIN}+ {_PLAIN}{{2,}}|{_PLAIN}{{2,}} {_PLAIN}"
    rf"|(?<![0-9.])0 ?{_PLAIN}{{2,}}|{_PLAIN}{{2,}} ?\(?0(?![0-9.])"
)
_VARIABLE, _ORDER = r"(?:[A-Za-z]|\\[a-z]++)", r"(?: ?\^ ?\{? ?[2-9] ?\}?)?"
_DERIVATIVE = re.compile(
    rf"\\frac ?\{{ ?(d|\\partial)(?![A-Za-z]{{2}}){_ORDER} ?{_VARIABLE}? ?\}} ?\{{ ?\1 ?{_VARIABLE}{_ORDER} ?\}}"
    r"|(?<![A-Za-z\\])d[a-z] ?/ ?d[a-z](?![A-Za-z])"
)


_DIFFERENTIAL = re.compile(r"(?<![A-Za-z\\])d([a-z])(?![A-Za-z])")  # its letters are no word


def _one_symbol(match: re.Match[str]) -> str:
    """Replaces `dy/dx`, which is no quotient, by an indexed symbol that no answer has."""
    return rf" \ell_{{{' '.join(filter(str.isalnum, match[0].removeprefix(chr(92) + 'frac')))}}} "


def tokens_of(text: str) -> list[str]:
    """Splits a normalised text into tokens; raises TooBig past the bounds, and NotMaths for a character of no token."""
    if len(text) > MAX_CHARACTERS:
        raise TooBig(f"{len(text)} characters")
    text = _DERIVATIVE.sub(_one_symbol, text)
    if "\\int" in text:
        text = _DIFFERENTIAL.sub(r" d \1 ", text)
    if _PROSE.search(text):
        raise NotMaths("words, or a name with a digit after it")
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
    if word in FUNCTIONS or word in GREEK or word in _SPELLED:
        return ["\\" + _SPELLED.get(word, word)]
    for name in _SUFFIXES:
        if word.endswith(name) and len(word) - len(name) <= 2:
            return [*word[: -len(name)], "\\" + name]
        if name == "pi" and word.startswith(name) and len(word) <= 4:
            return ["\\pi", *word[2:]]
    if len(word) > 4:
        raise NotMaths(f"word {word!r}")
    return list(word)
