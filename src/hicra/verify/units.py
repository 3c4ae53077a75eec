"""Units behind a number: taken off where they are known, converted where both sides have one, never guessed.

An answer may leave out the gold's unit, or add a known one. Two units must be of one dimension, and then their factors
count: `50 mm` is `5 cm`, `5 cm` is not `5 in`. Only words of this table, and one plural noun with at most one
word before it, come off an answer: `42 is not right`, `42 or so`, `42 below` and `42 thousands` keep their words and equal
no number. Words behind a gold number are trusted as its unit.

Deviations:
    D6  percent: with the sign on one side only, `p%` equals `p/100`, and also `p` where p is at least 1 (questions that
        ask "what percent"); with the sign on both sides the numbers are compared.
    D7  degrees: the sign may be missing on either side; degrees are never turned into radians, nor Celsius into anything.
    D8  a one-letter unit (m, s, g, L ...) counts only when it was written as text (`\\text{m}`), as `5m` is a product.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

PERCENT, DEGREE = "percent", "degree"


class Unit(NamedTuple):
    """A dimension (or the name of what is counted) and the factor to its base unit."""

    dimension: str
    factor: Fraction


COUNTED = """apple ball bag banana basket bead bird block boat book bottle box boy brick bus cake calorie candle candy car
    card cat chair chicken child choice classroom coin color combination cookie cow crayon customer digit dog donut egg
    employee eraser factor fish flower friend game girl glass goal hat horse house integer item jar letter lollipop man
    marble mark match member muffin number orange outcome packet page pair pen pencil people peach pear permutation
    person pet piece pizza plant plate player point problem question rabbit rose sandwich seat sheep shell shirt
    shoe slice solution spoon stamp sticker student sweet table team term ticket tile toy tree triangle truck value
    vote way wheel win woman word worker cube step arrangement subset path"""
PLURALS = {"person": "people", "child": "children", "man": "men", "woman": "women", "fish": "fish", "sheep": "sheep"}


def _table() -> dict[str, Unit]:
    rows = {
        "speed_mph": "mph=1", "speed_kph": "kph kmh=1", "rpm": "rpm=1", 
        "data": "MB mb Mb megabyte megabytes=1; GB Gb gigabyte gigabytes=1000",
        "length": "m metre metres meter meters=1; cm centimetre centimetres centimeter centimeters=1/100; mm millimetre "
        "millimetres millimeter millimeters=1/1000; km kilometre kilometres kilometer kilometers=1000; inch inches in=127/5000; "
        "ft foot feet=381/1250; yd yard yards=1143/1250; mi mile miles=201168/125; nm nanometer nanometers=1/1000000000",
        "mass": "g gram grams=1/1000; kg kilogram kilograms=1; mg milligram milligrams=1/1000000; lb lbs pound pounds="
        "45359237/100000000; oz ounce ounces=45359237/1600000000; ton tons tonne tonnes=1000",
        "time": "s sec secs second seconds=1; min mins minute minutes=60; h hr hrs hour hours=3600; day days=86400; week "
        "weeks=604800; ms millisecond milliseconds=1/1000",
        "month": "month months=1; year years yr yrs=12; decade decades=120",
        "volume": "L l liter liters litre litres=1; mL ml milliliter milliliters=1/1000",
        "gallon": "gallon gallons=1; quart quarts=1/4; pint pints=1/8; cup cups=1/16",
        "money": "dollar dollars usd USD=1; cent cents=1/100",
        "euro": "euro euros € EUR=1", "sterling": "£ GBP=1", "rupee": "rupee rupees ₹=1", "yen": "yen ¥=1",
        "force": "N newton newtons=1", "energy": "J joule joules=1; kJ kilojoule kilojoules=1000",
        "power": "W watt watts=1; kW kilowatt kilowatts=1000", "volt": "V volt volts=1", "ampere": "A amp amps=1",
        "kelvin": "K kelvin kelvins=1", "hertz": "Hz hertz=1", "pascal": "Pa pascal pascals=1",
        "angle_radian": "rad radian radians=1", "unit": "unit units=1",
    }  # fmt: skip
    found = {}
    for dimension, entries in rows.items():
        for entry in entries.split(";"):
            names, factor = entry.split("=")
            for name in names.split():
                found[name] = Unit(dimension, Fraction(factor))
    for noun in COUNTED.split():
        _add_noun(found, noun)
    return found


def _add_noun(found: dict[str, Unit], noun: str) -> None:
    plural = PLURALS.get(noun)
    if plural is None:
        plural = noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
        if noun.endswith("y") and noun[-2] not in "aeou":
            plural = noun[:-1] + "ies"
    for name in (noun, plural):
        found.setdefault(name, Unit(f"count {noun}", Fraction(1)))


UNITS = _table()
MULTIPLIERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
_ONE = rf"(?:{'|'.join(sorted(map(re.escape, UNITS), key=lambda name: (-len(name), name)))})"
_POWER = r"(?: ?\^ ?(?:\{ ?[23] ?\}|[23]))?"
_CORE = r"(?P<core>.*(?:[0-9)}\]!]|\\pi))"
_KNOWN = re.compile(
    rf"{_CORE} ?(?:\\cdot )?(?P<shape>square |cubic |sq\.? |cu\.? )?(?P<unit>{_ONE})(?![A-Za-z])(?P<power>{_POWER})"
    rf"(?P<per>(?: ?/ ?| per ){_ONE}(?![A-Za-z]){_POWER})?(?P<square> squared| cubed)?(?: of [a-z]+)?",
    re.DOTALL,
)
_PERCENT = re.compile(r"(?P<core>.*[0-9)}\]]) ?(?:%|percent|per cent|percentage points?)", re.DOTALL)
_DEGREES = re.compile(
    r"(?P<core>.*[0-9)}\]]) ?(?:\^ ?\{? ?\\circ ?\}?|degrees?)(?: ?(?P<scale>C|F|Celsius|Fahrenheit))?", re.DOTALL
)
_LOOSE = re.compile(r"(?P<core>.*[0-9)}\]]) (?P<words>[A-Za-z]{3,}(?: [A-Za-z]{2,}){0,2})", re.DOTALL)
_PLURAL = re.compile(r"(?P<core>.*[0-9)}\]]) (?P<words>(?:[a-z]{3,} )?[a-z]{2,}s)", re.DOTALL)
_NO_UNIT = re.compile(
    r"\b(?:is|was|less|this|thus|does|plus|minus|times|unless|perhaps|besides|halves|quarters|has|always|guess|towards|"
    r"afterwards|sometimes|else|off|not|nor|and|but|the|than|more|fewer|about|over|under|below|above|base|mod|wrong|false|"
    r"incorrect|versus|equals|exceeds|fails|needs|misses|[a-z]+(?:th|rd|ond|if|illion|undred|ousand|ozen|ten)s)\b"
)
_SIGN = re.compile(r"(?P<sign>[€£¥₹]) ?(?P<core>-?[0-9.].*)", re.DOTALL)
_MULTIPLIED = re.compile(rf"(?P<core>.*[0-9]) (?P<word>{'|'.join(MULTIPLIERS)})(?P<rest>(?: .*)?)", re.DOTALL)
_ANGLE = re.compile(r"sin|cos|tan|cot|sec|csc|circ")  # the degrees are the argument's, or not the whole's
MAX_TEXT = 400


class Measured(NamedTuple):
    """A text without its unit; `unit` is None where it has none, and ("?words", 1) for a gold's unknown words."""

    core: str
    unit: Unit | None


def split_unit(text: str, raw: str, gold: bool) -> Measured:
    """Takes the unit off a normalised text. `raw` is the text before (D8); `gold` trusts unknown words."""
    if len(text) > MAX_TEXT or text.isdigit():
        return Measured(text, None)
    if match := _MULTIPLIED.fullmatch(text):
        text = f"({match['core']})*{MULTIPLIERS[match['word']]}{match['rest']}"
    if match := _SIGN.fullmatch(text):
        return Measured(match["core"], UNITS[match["sign"]])
    if match := _PERCENT.fullmatch(text):
        return Measured(match["core"], Unit(PERCENT, Fraction(1)))
    if (match := _DEGREES.fullmatch(text)) and not _ANGLE.search(match["core"]):
        scale = (match["scale"] or "")[:1]
        return Measured(match["core"], Unit(DEGREE + scale, Fraction(1)))
    if match := _KNOWN.fullmatch(text):
        unit = _known(match, raw)
        if unit is not None:
            return Measured(match["core"], unit)
    if not gold and (match := _PLURAL.fullmatch(text)) and not _NO_UNIT.search(match["words"]):
        return Measured(match["core"], Unit(f"?{match['words'].lower()}", Fraction(1)))
    if gold and (match := _LOOSE.fullmatch(text)):
        return Measured(match["core"], Unit(f"?{match['words'].lower()}", Fraction(1)))
    return Measured(text, None)


def text_before(match: re.Match[str]) -> str:
    return match.string[: match.start("unit")]


def _known(match: re.Match[str], raw: str) -> Unit | None:
    name = match["unit"]
    written = re.search(
        r"\\(?:text|mathrm|mbox|textrm|rm)\b[^}]*(?<![A-Za-z])" + re.escape(name) + r"(?![A-Za-z])", raw
    )
    compound = match["per"] and text_before(match).endswith(" ")
    if len(name) == 1 and name.isascii() and not written and not compound:
        return None
    if name == "in" and match["core"].endswith(")") and not written:
        return None
    unit = UNITS[name]
    power = 1
    shape, square = match["shape"] or "", match["square"] or ""
    if digits := re.search(r"[23]", match["power"]):
        power = int(digits[0])
    elif shape.startswith("sq") or square == " squared":
        power = 2
    elif shape or square:
        power = 3
    dimension, factor = unit.dimension, unit.factor**power
    if power > 1:
        dimension += f"^{power}"
    if per := match["per"]:
        below = re.match(rf"(?: ?/ ?| per )(?P<unit>{_ONE})", per)
        if below is None:
            return None
        under = re.search(r"\^ ?\{? ?([23])", per)
        exponent = int(under[1]) if under else 1
        other = UNITS[below["unit"]]
        dimension += f"/{other.dimension}^{exponent}"
        factor /= other.factor**exponent
    return Unit(dimension, factor)
