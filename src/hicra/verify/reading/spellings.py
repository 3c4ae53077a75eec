"""Compares other spellings of a single value: words, numbers of another base, decimals of an exact value, repeating decimals.

Deviations:
    VERIFY-17. A plain number with at least 6 decimals and 6 significant digits equals a value that is no plain number if it is
         that value, rounded or cut at its last digit (0.333333 for 1/3, 1.414214 for the root of 2); of 16 or 17 significant
         digits, as programs print them, 15 count. 0.33 and 3.14 have too few digits.
    VERIFY-18. A number with a base as index equals only the same digits with the same base, and neither the digits alone nor the
         value; with base ten it is the plain number.
    VERIFY-50. The case of words does not matter, except of words in mixed case (`NaCl`) and of two letters that are no common
         word (`Hf` is not `HF`): there it may be the meaning.
    VERIFY-51. A decimal that goes on with dots (`0.1666...`) repeats its last digits: a digit that stands twice, or a group of
         digits that stands twice directly after the point, or three times elsewhere. Else it is equal only as text. `0.(3)`
         repeats what is in brackets.
"""

from __future__ import annotations

import re
from fractions import Fraction

from hicra.verify.reading.numbers import Key, number_key
from hicra.verify.reading.tokens import FUNCTIONS, GREEK

MAX_KEY = 1_000  # the most digits, and the largest power of ten, of a key that is made a fraction
_WORDS = re.compile(r"[A-Za-z](?:[A-Za-z ']|-(?=[A-Za-z]{3}))*")
_VARIABLES = frozenset("xyzwtuv")
_PRODUCTS = re.compile(r"[b-df-hj-np-tv-z]{2,3}|[a-d]{2,3}")  # letters that are no word
_BASES = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
          "twelve": 12, "sixteen": 16, "binary": 2, "hex": 16}  # fmt: skip
_BASED = re.compile(
    r"\(?(-?[0-9][0-9A-Fa-f]*|-?[0-9A-Fa-f]*[0-9][0-9A-Fa-f]*)\)? ?(?:_ ?\{? ?([0-9]{1,2}|[a-z]+) ?\}?| base ([0-9]{1,2}|[a-z]+))"
)
_PREFIXED = re.compile(r"-?0[xXbBoO][0-9A-Fa-f]+")


# a word of at least three letters in one case, a capitalised one, or one of two letters that is known
_FOLDED = re.compile(
    r"(?<![A-Za-z])(?:[A-Z]?[a-z]{2,}|[A-Z]{3,}|(?i:no|is|in|on|or|at|by|it|if|as|an|am|pm|so|to|up)|[A-Z](?= ))(?![A-Za-z])"
)
_HYPHEN = re.compile("(?<=[a-z])-(?=[a-z]{3})")  # any other is a minus
_APOSTROPHE, _ARTICLE = re.compile("(?<=[a-z])'(?=[a-z])"), re.compile(r"\A(?:an?|the) (?=[a-z]{3})")


def same_words(answer: str, gold: str, written: bool) -> bool | None:
    """Tells whether two answers in plain words are equal, whatever their case; None if the gold answer is not in plain words.

    With `written`, a side says in LaTeX that it is text, so its letters are no product.
    """
    if written and _WORDS.fullmatch(gold) and len(gold) > 1:
        return plain_words(answer) == plain_words(gold)
    if not _WORDS.fullmatch(gold) or gold in ("pi", "e", "i", "oo", "infty"):
        return None
    if len(gold) == 1 or (set(gold) <= _VARIABLES and _WORDS.fullmatch(answer) is None):
        return None
    if set(gold.replace(" ", "")) <= _VARIABLES and set(answer.replace(" ", "")) <= _VARIABLES:
        return sorted(gold.replace(" ", "")) == sorted(answer.replace(" ", ""))
    if _PRODUCTS.fullmatch(gold) and _PRODUCTS.fullmatch(answer):
        return sorted(gold) == sorted(answer)
    spaced = any(all(len(word) == 1 for word in text.split()) for text in (answer, gold))
    if spaced and len(gold.replace(" ", "")) <= 3:  # a product, as in `m n`
        return answer.replace(" ", "") == gold.replace(" ", "")
    return plain_words(answer) == plain_words(gold)


def plain_words(text: str) -> str:
    """Folds words: drops case, hyphens, quotation marks, apostrophes inside a word (a prime stays) and an article before them.

    A word keeps its case if that may be its meaning (VERIFY-50).
    """
    text = _FOLDED.sub(lambda match: match[0].casefold(), text.replace('"', ""))
    text = _HYPHEN.sub(" ", _APOSTROPHE.sub("", text))
    return _ARTICLE.sub("", " ".join(text.split()))


_CLOCK = re.compile(r"([0-9]{1,2}) ?: ?([0-9]{2})(?: ?([ap])\.? ?m\.?)?", re.IGNORECASE)


def same_time(answer: str, gold: str) -> bool:
    """Tells whether two texts are the same time of the day, if at least one says a.m. or p.m."""
    mine, right = _CLOCK.fullmatch(answer), _CLOCK.fullmatch(gold)
    if not (mine and right and (mine[3] or right[3])):
        return False
    halves = {match[3].lower() for match in (mine, right) if match[3]}
    return int(mine[1]) == int(right[1]) and mine[2] == right[2] and len(halves) == 1


def based(text: str) -> tuple[str, int] | None:
    """Reads digits and base of a number with a base as index (VERIFY-18), or returns None."""
    if len(text) > 400:
        return None
    if match := _BASED.fullmatch(text):
        name = match[2] or match[3]
        base = int(name) if name.isdigit() else _BASES.get(name, 0)
        return (match[1].upper().lstrip("0"), base) if base else None
    if _PREFIXED.fullmatch(text):
        return text.lower(), 0
    return None


def decimals(text: str) -> int:
    """Counts the decimals of a plain number if it has 6 or more, and 6 or more significant digits (VERIFY-17); else 0."""
    match = re.fullmatch(r"-?([0-9]*)\.([0-9]{6,40})", text)
    digits = len((match[1] + match[2]).lstrip("0")) if match else 0
    if match is None or digits < 6:
        return 0
    return len(match[2]) - (digits - 15 if digits in (16, 17) else 0)


def decimal_of(answer: str, first: Fraction, gold: str, second: Fraction) -> bool:
    """Tells whether one of two exact values is a decimal of the other (VERIFY-17)."""
    places = decimals(answer), decimals(gold)
    if (places[0] and number_key(gold) is not None) or (places[1] and number_key(answer) is not None):
        return False
    return bool(
        (places[0] and rounds_to(first, places[0], second)) or (places[1] and rounds_to(second, places[1], first))
    )


def rounds_to(decimal: Fraction, places: int, value: Fraction) -> bool:
    """Tells whether a decimal is a value rounded to the nearest, or cut, at that many places."""
    gap, unit = value - decimal, Fraction(1, 10**places)
    cut = 0 <= gap < unit if value >= 0 else -unit < gap <= 0
    return cut or abs(gap) * 2 <= unit


def is_short(key: Key) -> bool:
    """Tells whether a key is within `MAX_KEY`."""
    return len(key.digits) <= MAX_KEY and abs(key.power) <= MAX_KEY


PROSE = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{3,}")
_REFUSED = re.compile(
    r"\\(?:neg|not|ne|overline|bar|sim|approx|equiv|write|input|include|def|let|catcode|csname)"
    r"|\\(?:(?:sub|sup)set(?:n?eqq?)?|(?:long|Long)?(?:right|left|Right|Left)arrow|to|mapsto|in|ni|mid|prec|succ)(?![A-Za-z])"
    r"|[<>=\"'`:;@#&]|__|[0-9)}] ?_"
)


def mathematical(text: str) -> bool:
    """Tells whether a text outside the grammar may be mathematics: short, with commands, without prose, negation or code."""
    return len(text) <= 300 and "\\" in text and not PROSE.search(text) and not _REFUSED.search(text)


def in_ten(number: tuple[str, int] | None, key: Key | None) -> tuple[str, int] | Key | None:
    """Returns a number in base ten as the plain number; None, which equals nothing, if neither argument is known."""
    if number is not None and number[1] == 10:
        return number_key(number[0] or "0")
    return key if number is None else number


REPEATING = re.compile(
    r"(-?)([0-9]{0,30})\.(?:([0-9]{0,30}) ?\\(?:overline|bar|dot) ?(?:\{ ?([0-9]{1,30}) ?\}|([0-9]))|()\(([0-9]{1,30})\)()"
    r"|([0-9]{0,40}?)(?:([0-9])\10+|([0-9]{2,20}?)\11+) ?\.\.\.)"
)


def repeated(match: re.Match[str]) -> Fraction | None:
    """Returns the value of a repeating decimal: `0.1\\overline{6}` is 1/6; None if too few digits are repeated (VERIFY-51)."""
    sign, whole, *groups = match.groups()
    once = next((group for group in (groups[0], groups[3], groups[6]) if group is not None), "")
    again = next(group for group in (groups[1], groups[2], groups[4], groups[7], groups[8]) if group)
    if groups[8]:
        repeats = (len(match[0].partition(".")[2].rstrip(". ")) - len(once)) // len(again)
        if repeats < (3 if once else 2):
            return None
    value = Fraction(int(whole or 0)) + Fraction(int(once or 0), 10 ** len(once))
    value += Fraction(int(again), (10 ** len(again) - 1) * 10 ** len(once))
    return -value if sign else value


_COMMAND = re.compile(r"\\[A-Za-z]+")
_KNOWN = frozenset(["frac", "sqrt", "binom", "pi", "infty", "cdot", "times", "div", *FUNCTIONS, *GREEK])


def strange(text: str) -> tuple[list[str], list[str]]:
    """Returns the commands that our grammar does not know, and the letters, both sorted.

    They must be the same on both sides, because math-verify may drop them or change their case.
    """
    commands = sorted(name for name in _COMMAND.findall(text) if name[1:] not in _KNOWN)
    return commands, sorted(set(re.findall(r"[A-Za-z]", _COMMAND.sub("", text))))
