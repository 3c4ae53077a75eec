"""Reads units of measure after a number: known units are removed, converted if both sides have one, and never guessed.

An answer may leave out the gold answer's unit, or add a known one. Two units must have the same dimension, and then their factors
count: `50 mm` is `5 cm`, `5 cm` is not `5 in`, `2 N m` is `2 J`. From an answer only these are removed: units in unit_table.py,
words that say nothing about the number (`in total`, `of the students`), and one plural noun with at most one word before it.
`42 is not right`, `42 or so` and `42 below` keep their words and equal no number. Words after a gold number are taken as its
unit, unless they change the number (`5 tenths`, `5 factorials`, `5 below zero`).

Deviations:
    VERIFY-6. Percent: if only one side has the sign, `p%` equals `p/100`, and also `p` if p is at least 1 (for questions that ask
        "what percent"); if both sides have the sign, the numbers are compared. What it is a percent of, what it is per, and
        whether it is an increase, may be missing on one side but must not differ.
    VERIFY-7. Degrees: the sign may be missing on either side, also inside a sum. Degrees are not converted to radians, and
        Celsius to nothing else.
    VERIFY-8. A unit of one letter (m, s, g, L ...) counts only if it is written as text (`\\text{m}`) or stands after a space in
        a compound unit (`5 m/s`, `5 kg m`), because `5m` is a product. `2mg`, `2nm` and others of two letters are products, too.
    VERIFY-28. `\\$` before a number means dollars: `\\$5` is neither `5 cents` nor `€5`.
"""

from __future__ import annotations

import functools
import re
from fractions import Fraction

from hicra.verify.reading.unit_table import (
    MULTIPLIERS,
    PARTICLES,
    SURE,
    UNITS,
    Factor,
    Measured,
    Unit,
    factors_of,
    product_of,
)

__all__ = ["PERCENT", "Measured", "ratio_of", "split_unit"]

PERCENT, DEGREE = "percent", "degree"
MAX_TEXT, MAX_TAIL = 400, 60
ONE = Fraction(1)

_COMMANDS = r"\\(?:text|textrm|textnormal|textsf|mathrm|mbox|hbox|operatorname)\*? ?"
_NESTED = re.compile(rf"{_COMMANDS}\{{((?:[^{{}}]|\{{[^{{}}]*+\}})*+)\}}")
_BRACED = re.compile(r"(?<=[0-9)\]]) ?\{ ?([A-Za-z\\](?:[^{}]|\{[^{}]*+\})*+)\}\Z")  # `5 {\rm eV}`
_FRACTION = re.compile(r" ?\\frac ?\{ ?([A-Za-z](?:[^{}]|\{[^{}]*+\})*+)\} ?\{ ?([A-Za-z](?:[^{}]|\{[^{}]*+\})*+)\}\Z")
_WRITTEN = re.compile(
    rf"{_COMMANDS}\{{((?:[^{{}}]|\{{[^{{}}]*+\}})*+)\}}|\\rm(?![A-Za-z])([^{{}}]*+)|(?:\\[,;: ]|~)\s?(\\(?:Omega|mu)(?![A-Za-z]))"
)
_LETTERS = re.compile(r"\\?[A-Za-z]+|μ|µ")
_ENDS = (*"0123456789)}]!", r"\pi")
_SYMBOL = re.compile(r"(?:(?<![A-Za-z\\])[A-Za-z]|[0-9][A-Za-z]|\\[a-z]{2,9})\Z")

_PERCENT = re.compile(r"(?P<core>.*[0-9)}\]]) ?(?:%|percent|per cent|percentage(?: points?)?|pct\.?)", re.DOTALL)
_DEGREES = re.compile(
    r"(?P<core>.*[0-9)}\]]) ?(?:\^ ?\{? ?\\circ ?\}?|degrees?)(?: ?(?P<scale>C|F|Celsius|Fahrenheit))?", re.DOTALL
)
_ANGLE = re.compile(r"sin|cos|tan|cot|sec|csc|circ")  # then the degrees belong to the argument, or to a part only

# words that say nothing about the number, and words that may be missing
_EMPTY_WORDS = re.compile(
    r" (?:(?:left|left over|remaining|old|each|apiece|total|altogether|overall|away|long|tall|wide|high|deep)"
    r"|in (?:total|all|length|width|height|depth|area|volume|size)|of age)\Z"
)
_NUMBER = "one|two|three|four|five|six|seven|eight|nine|ten|twelve|hundred|thousand|million|mille|cent|pair|half|dozen"
_PER_WORDS = re.compile(
    rf"(?: per|(?P<money> ?/)) ?(?!(?:{_NUMBER})(?![A-Za-z]))(?P<what>[a-z]{{2,}}(?: [a-z]{{3,}})?)\Z"
    r"| (?:an?|each|every) (?P<time>second|minute|hour|day|week|month|year)\Z| (?P<adverb>annually|yearly|monthly|weekly|daily)\Z"
)
_ADVERBS = {"annually": "year", "yearly": "year", "monthly": "month", "weekly": "week", "daily": "day"}
_OF_WORDS = re.compile(
    r" of(?P<the> (?:the|an?|all|his|her|its|their|our|your|my|these|those))?(?: [a-z]{2,}){0,3} [a-z]{3,}\Z"
)
_WAYS = {"off": "decrease", "discount": "decrease", "reduction": "decrease", "drop": "decrease", "growth": "increase"}
_WAY_WORDS = re.compile(r" (?P<way>increase|decrease|profit|loss|gain|interest|off|discount|reduction|drop|growth)\Z")

_LOOSE = re.compile(r"(?P<core>.*[0-9)}\]]) (?P<words>[A-Za-z]{3,}(?: [A-Za-z]{2,}){0,2})", re.DOTALL)
_LOOSE_PERCENT = re.compile(r"(?P<core>.*[0-9)}\]]) ?% (?P<words>[A-Za-z]{3,}(?: [A-Za-z]{2,}){0,2})", re.DOTALL)
_PLURAL = re.compile(r"(?P<core>.*[0-9)}\]]) (?P<words>(?:[a-z]{3,} )?[a-z]{2,}s)", re.DOTALL)
_A_WORD = re.compile(r"(?=[a-z]*[aeiou])[a-z]{4}")
_CHANGING = re.compile(  # words after a number that make it another number
    r"\b(?:hal(?:f|ves)|(?:third|quarter|fourth|fif?th|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth)s?|[a-z]+(?:teen|tie)ths?"
    r"|(?:hundred|thousand|[a-z]*illion)(?:ths?|s)?|dozens?|cent|lakhs?|lacs?|crores?|googols?|scores|couples|grands?|halfs|"
    r"[a-z]+folds?|percents?|percentiles?|percentages|basis|imaginary|infinit(?:y|ies)|invalid|undefined|double|triple|twelves|"
    r"(?:one|two|three|four|five|seven|eight|nine|ten|eleven)s|"
    r"sixes|[a-z]+(?:teen|ty)s|twenties|gross(?:es)?|negatives?|factorials?|squared|cubed|below|less|fewer|"
    r"deficits?|owed|owing|owes|debts?|overdrawn|overdraft|shortfall|shortage|"
    r"short|under|minus|inverses?|reciprocals?|opposites?|conjugates?)\b",
    re.IGNORECASE,
)
_NO_UNIT = re.compile(
    r"\b(?:is|was|this|thus|does|plus|times|unless|perhaps|besides|has|always|guess|towards|afterwards|sometimes|else|off|"
    r"not|nor|and|but|the|than|more|about|over|above|base|mod|wrong|false|incorrect|versus|equals|exceeds|fails|needs|misses|"
    r"never|cannot|does?nt|do|isnt|arent|hardly|barely|violates?|yields?|contradict[a-z]*|denies|works|holds|counts|passes|only|if)\b"
)
_SIGN = re.compile(r"(?P<minus>-? ?)(?P<sign>[€£¥₹]|Rs\.?|USD|EUR|GBP) ?(?P<core>-?[0-9.(\\].*)", re.DOTALL)
_MULTIPLIED = re.compile(rf"(?P<core>.*[0-9)}}]) ?(?P<word>{'|'.join(MULTIPLIERS)})s?(?P<rest>(?: .*)?)", re.DOTALL)
_MONEY = ("money", "euro", "sterling", "rupee", "yen")
_LEADING = re.compile(r"[-(\s{]*([0-9.])?")


def ratio_of(mine: Unit, right: Unit) -> Fraction | None:
    """Returns the factor from numbers of the one unit to those of the other; None if the units cannot be compared."""
    if mine.words != right.words and mine.words and right.words:
        return None
    if mine.dimension == right.dimension:
        return mine.factor / right.factor
    degrees = [unit.dimension.startswith(DEGREE) for unit in (mine, right)]
    if not (mine.dimension and right.dimension) or (all(degrees) and DEGREE in (mine.dimension, right.dimension)):
        return ONE  # only one of them says what is measured
    return None


def split_unit(text: str, raw: str, gold: bool) -> Measured:
    """Separates a normalised text from its unit of measure.

    Args:
        text: the normalised text.
        raw: the text as written (VERIFY-8, VERIFY-28).
        gold: whether it is a gold answer, whose unknown words are taken as a unit.
    """
    if len(text) > MAX_TEXT:
        return Measured(text, None)
    currency = UNITS["dollar"] if _dollars(text, raw) else None
    if text.isdigit():
        return Measured(text, currency)
    if match := _SIGN.fullmatch(text):
        currency = UNITS[match["sign"]]
        text = match["minus"].strip() + match["core"]
    found = _split(_multiplied(text), raw, gold, currency is not None)
    unit = found.unit
    if currency is None or (unit is not None and unit.dimension in (*_MONEY, PERCENT)):
        return found
    if unit is not None and unit.dimension and not unit.dimension.startswith(("count", "unit", "?")):
        return Measured(text, None)  # `\\$5 kg`, and `\\$5 M` is no 5
    return Measured(found.core, currency._replace(words=unit.words if unit else ""))


def _dollars(text: str, raw: str) -> bool:
    """Tells whether the text as written has `\\$` before the number; a plain `$` only delimits mathematics."""
    if "\\$" not in raw:
        return False
    if (match := _LEADING.match(text)) and match[1]:  # in a list, it is looked for before the item with this digit
        return re.search(r"\\\$(?:[\s{~(-]|\\[,;:! ])*+" + re.escape(match[1]), raw) is not None
    return re.match(r"(?:[\s({$~-]|\\text)*+\\\$", raw) is not None


def _multiplied(text: str) -> str:
    for _ in range(3):
        match = _MULTIPLIED.fullmatch(text)
        if match is None:
            break
        text = f"({match['core']})*{MULTIPLIERS[match['word']]}{match['rest'].removeprefix(' of')}"
    return text


def _split(text: str, raw: str, gold: bool, money: bool) -> Measured:
    rest, words, plain = text, "", True
    for _ in range(4):
        found = _known(rest, raw)
        if found is not None and found.unit is not None:
            return Measured(found.core, found.unit._replace(words=words or found.unit.words))
        if match := _EMPTY_WORDS.search(rest):
            pass
        elif (match := _PER_WORDS.search(rest)) and _harmless(match[0]) and (money or not match["money"]):
            words = _per(match["what"] or match["time"] or _ADVERBS[match["adverb"]])
        elif (match := _OF_WORDS.search(rest)) and _harmless(match[0].replace(" the", "")):
            plain = plain and match["the"] is not None
        elif match := _WAY_WORDS.search(rest):
            words = f"{_WAYS.get(match['way'], match['way'])} {words}".strip()
            plain = plain and money  # no bare number grows
        else:
            break
        rest = rest[: match.start()]
    if rest != text and plain and rest.endswith(_ENDS):
        return Measured(rest, Unit("", ONE, words) if words else None)
    for last in (rest, text):
        if (loose := _unknown(last, raw, gold)) is not None and loose.unit is not None:
            return loose if last == text else Measured(loose.core, loose.unit._replace(words=words))
    return Measured(text, None)


def _unknown(text: str, raw: str, gold: bool) -> Measured | None:
    """Reads words of no table: of an answer only a plural, of a gold answer what is written as text or looks like a word."""
    if gold and (match := _LOOSE_PERCENT.fullmatch(text)) and not _CHANGING.search(match["words"]):
        return Measured(match["core"], Unit(PERCENT, ONE, match["words"].lower()))
    match = (_LOOSE if gold else _PLURAL).fullmatch(text)
    if match is None or _CHANGING.search(match["words"]) or not (gold or _harmless(match["words"])):
        return None
    if gold and not (_written(raw) or _A_WORD.match(match["words"])):  # `3 xyz` is a product
        return None
    return Measured(match["core"], Unit(f"?{match['words'].lower()}", ONE))


def _harmless(words: str) -> bool:
    return not (_CHANGING.search(words) or _NO_UNIT.search(words))


def _per(name: str) -> str:
    unit = UNITS.get(name)
    return f"per {unit.dimension} {unit.factor}" if unit else f"per {name.removesuffix('s')}"


def _known(text: str, raw: str) -> Measured | None:
    """Reads percent, degrees, or a unit of the table."""
    if match := _PERCENT.fullmatch(text):
        return Measured(match["core"], Unit(PERCENT, ONE))
    if (match := _DEGREES.fullmatch(text)) and not _ANGLE.search(match["core"]):
        return Measured(match["core"], Unit(DEGREE + (match["scale"] or "")[:1], ONE))
    if "{" in text:
        text = " ".join(_BRACED.sub(r" \1", _NESTED.sub(r" \1 ", text)).split())
        text = re.sub(" {2,}", " ", _FRACTION.sub(r"\1/(\2)", text))  # no space in front: may be a product (VERIFY-8)
    if text[-1:] in "!]0123456789%" and not re.search(r"\^|\*\*", text[-8:]):
        return None
    for at in range(max(1, len(text) - MAX_TAIL), len(text)):
        core = text[:at]
        if core.endswith(_ENDS) or (text[at] == " " and _SYMBOL.search(core[-12:])):
            unit = _unit(core, text[at:], raw)
            if unit is not None:
                return Measured(core, unit)
    return None


def _unit(core: str, tail: str, raw: str) -> Unit | None:
    factors = factors_of(tail)
    if not factors or not _counts(core, tail, factors, _written(raw)):
        return None
    above = [part for part in factors if part.power > 0]
    below = [part._replace(power=-part.power) for part in factors if part.power < 0]
    counted = [UNITS[part.name].dimension for part in above]
    plain = all(what.startswith(("count", "unit", *_MONEY)) for what in counted)
    plain = plain and not all(what.removeprefix("count ") in PARTICLES for what in counted)
    if below and counted and (plain or all(UNITS[part.name].dimension.startswith("count") for part in below)):
        under = product_of(below)  # what is counted or paid may be given without "per day"
        return product_of(above)._replace(words=f"per {under.dimension} {under.factor}")
    return product_of(factors)


def _counts(core: str, tail: str, factors: list[Factor], written: frozenset[str]) -> bool:
    """Tells whether factors count as a unit of measure (VERIFY-8), also for a single unit with a power."""
    bare = [name for name, _ in factors if not written.intersection(_parts(name))]
    if not core.endswith(_ENDS) and (bare or factors[0].name == "in"):
        return False  # after a symbol, only a unit written as text counts, as in `5x \\text{ cm}`
    loose = [name for name in bare if name not in SURE]
    spaced = tail.startswith(" ") and not tail.startswith((r" \cdot", r" \times"))
    first = factors[0]
    if any(name == "c" for name, _ in factors) and not any(name.endswith("eV") for name, _ in factors):
        return False
    if len(factors) > 1:
        return not loose or (
            (first.name not in loose or spaced)
            and (len(loose) < len(factors) or (len(loose) == 2 and first.power > 0 > factors[1].power))
        )
    sure = first.name in written
    if first.power not in (1, -1) and not sure:
        return UNITS[first.name].dimension in ("length", "unit") and not loose
    if first.name == "in" and core.endswith(")"):
        return sure
    long = len(first.name) > 1 or not first.name.isascii()
    return not loose or (long and spaced and first.power == 1 and re.search(r"[0-9.][0-9]\Z", core) is not None)


def _parts(name: str) -> tuple[str, ...]:
    """Returns the spellings of a name, or of its parts, that may stand in a text command."""
    if name in ("Ω", "Å"):
        return name, "\\Omega", "\\AA"
    if name.startswith("μ"):
        return "\\mu", "μ", "µ", name[1:]
    return (name[0], "\\Omega", "Ω") if name.endswith("Ω") else (name,)


@functools.lru_cache(maxsize=64)
def _written(raw: str) -> frozenset[str]:
    """Returns the words inside text commands; the result is cached, because a list asks for each of its items."""
    found = set(_LETTERS.findall(" ".join(match[1] or match[2] or match[3] or "" for match in _WRITTEN.finditer(raw))))
    return frozenset(found | {char for char in "μµΩÅ" if char in raw})
