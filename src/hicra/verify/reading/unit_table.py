"""The table of units of measure: their names, dimensions, and exact factors to the base unit of each dimension.

A dimension is a text of sorted powers, such as `length mass time^-2`, so `N m`, `J` and `kg m^2/s^2` have the same one. A unit
without an exact factor to the others (months to days, solar masses to kilograms, gallons of some country to litres) has its own
dimension. The table also holds all names with prefixes, so that reading a name is one look-up.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple


class Unit(NamedTuple):
    """A unit of measure, or other words after a number.

    Attributes:
        dimension: powers of base dimensions, or the name of what is counted, or "" if only `words` are known.
        factor: the factor to the base unit of the dimension.
        words: words such as "per year" or "decrease", which may be missing on the other side but must not differ.
    """

    dimension: str
    factor: Fraction
    words: str = ""


class Measured(NamedTuple):
    """A text without its unit of measure; `unit` is None if it has none, and has dimension "?words" for unknown words."""

    core: str
    unit: Unit | None


COUNTED = """apple ball bag banana basket bead bird block boat book bottle box boy brick bus cake candle candy car card cat
    chair chicken child choice classroom coin color combination cookie cow crayon customer digit dog donut egg employee
    eraser factor fish flower friend game girl glass goal hat horse house integer item jar letter lollipop man marble mark
    match member muffin number orange outcome packet page peach pear pen pencil people permutation person pet piece pizza
    plant plate player point problem question rabbit rose sandwich seat sheep shell shirt shoe slice solution spoon stamp
    sticker student sweet table team term ticket tile toy tree triangle truck value vote way wheel win woman word worker
    cube step arrangement subset path"""
PARTICLES = frozenset(["atom", "molecule", "particle", "photon", "electron", "proton", "neutron", "ion", "nucleus"])
PLURALS = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "fish": "fish", "sheep": "sheep",
    "nucleus": "nuclei",
}  # fmt: skip

_ENERGY, _POWER, _FORCE = "length^2 mass time^-2", "length^2 mass time^-3", "length mass time^-2"
_PRESSURE, _VOLT = "length^-1 mass time^-2", "current^-1 length^2 mass time^-3"
# a row is the dimension, then `names=factor; ...`; `_` stands for a space in a name
_ROWS = [
    ("length", "m metre metres meter meters=1; inch inches in=0.0254; ft foot feet=0.3048; yd yard yards=0.9144; mi mile "
     "miles=1609.344; nautical_mile nautical_miles=1852; Å angstrom angstroms Angstrom Angstroms Ångström Ångströms=1e-10; "
     "AU au astronomical_unit astronomical_units=149597870700; ly lyr light_year light_years lightyear lightyears="
     "9460730472580800; pc parsec parsecs=30856775814913673"),
    ("mass", "g gram grams=1e-3; lb lbs pound pounds=0.45359237; oz ounce ounces=0.028349523125; ton tons tonne tonnes "
     "metric_ton metric_tons=1000; amu u=1.66053906660e-27"),
    ("time", "s sec secs second seconds=1; min mins minute minutes=60; h hr hrs hour hours=3600; day days=86400; week weeks="
     "604800"),
    ("month", "month months=1; year years yr yrs annum=12; decade decades=120; century centuries=1200"),
    ("length^3", "L l liter liters litre litres=1e-3; cc=1e-6"),
    ("length time^-1", "mph=0.44704; kph kmh kmph=5/18; c=299792458"),
    (_ENERGY, "J joule joules=1; eV electron_volt electron_volts electronvolt electronvolts=1.602176634e-19; erg ergs=1e-7; "
     "cal calorie calories=4.184; Wh=3600"),
    (_POWER, "W watt watts=1"),
    (_FORCE, "N newton newtons=1; dyn dyne dynes=1e-5"),
    (_PRESSURE, "Pa pascal pascals=1; atm atmosphere atmospheres=101325; bar bars=1e5; torr Torr=101325/760"),
    (_VOLT, "V volt volts=1"),
    ("current", "A amp amps ampere amperes=1"),
    ("current time", "C coulomb coulombs=1"),
    ("current^-2 length^2 mass time^-3", "Ω ohm ohms Ohm Ohms=1"),
    ("current^2 length^-2 mass^-1 time^4", "F farad farads=1"),
    ("current^-2 length^2 mass time^-2", "H henry henries henrys=1"),
    ("current^-1 mass time^-2", "T tesla teslas=1; G gauss=1e-4"),
    ("current^-1 length^2 mass time^-2", "Wb weber webers=1"),
    ("time^-1", "Hz hertz=1; Bq becquerel=1"),
    ("kelvin", "K kelvin kelvins=1"),
    ("mole", "mol mols mole moles=1"),
    ("length^-3 mole", "M molar=1000"),
    ("mass time^-2", "Jy jansky janskys=1e-26"),
    ("data", "kB kilobyte kilobytes=1/1000; MB mb megabyte megabytes=1; GB gigabyte gigabytes=1000; "
     "TB terabyte terabytes=1000000; kb kilobit kilobits=1/8000; Mb megabit megabits=1/8; Gb gigabit gigabits=125"),
    ("gallon", "gallon gallons gal=1; quart quarts=1/4; pint pints=1/8; cup cups=1/16"),
    ("money", "dollar dollars usd USD=1; cent cents ¢=1/100"),
    ("euro", "euro euros € EUR=1"), ("sterling", "£ GBP=1; pence=1/100"), ("rupee", "rupee rupees ₹ Rs Rs.=1"),
    ("yen", "yen ¥=1"), ("radian", "rad radian radians=1"), ("steradian", "sr steradian steradians=1"),
    ("arc", "arcsec arcsecs arcsecond arcseconds=1; arcmin arcmins arcminute arcminutes=60; mas=1e-3"),
    ("solar mass", "M_\\odot solar_mass solar_masses=1"), ("solar luminosity", "L_\\odot solar_luminosity solar_luminosities=1"),
    ("solar radius", "R_\\odot solar_radius solar_radii=1"), ("rpm", "rpm=1"),
    ("revolution", "rev revs revolution revolutions=1"), ("decibel", "dB decibel decibels=1"),
    ("unit", "unit units=1"),
]  # fmt: skip
_SYMBOLS = {"f": -15, "p": -12, "n": -9, "μ": -6, "m": -3, "c": -2, "d": -1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12}
# there is no `pm`, because that means the afternoon
_PREFIXED = {
    "m": "f n μ m c d k", "g": "μ m k", "s": "f p n μ m", "L": "μ m d", "l": "m d", "J": "n μ m k M G", "eV": "m k M G T",
    "W": "n μ m k M G T", "Wh": "k M G", "V": "μ m k M", "A": "n μ m k", "Hz": "k M G T", "Pa": "h k M G", "N": "μ m k M",
    "F": "p n μ m", "H": "n μ m", "T": "n μ m", "G": "μ m k", "C": "p n μ m", "Ω": "m k M G", "mol": "n μ m k", "pc": "k M G",
    "cal": "k", "bar": "m k", "K": "μ m", "yr": "k M G", "M": "μ m", "rad": "μ m", "Jy": "m",
}  # fmt: skip
_SPELLED = {"nano": -9, "micro": -6, "milli": -3, "centi": -2, "kilo": 3, "mega": 6, "giga": 9, "tera": 12}
_WORDS = (
    "meter meters metre metres gram grams second seconds liter liters litre litres joule joules watt watts volt volts amp amps "
    "ampere amperes hertz pascal pascals newton newtons farad farads ohm ohms calorie calories parsec parsecs tesla coulomb "
    "coulombs mole moles henry henries electronvolt electronvolts"
)


def _table() -> dict[str, Unit]:
    found: dict[str, Unit] = {}
    for dimension, entries in _ROWS:
        for entry in entries.split(";"):
            names, factor = entry.split("=")
            for name in names.split():
                found[name.replace("_", " ") if "\\" not in name else name] = Unit(dimension, Fraction(factor))
    for name, prefixes in _PREFIXED.items():
        for prefix in prefixes.split():
            found.setdefault(prefix + name, _times_ten(found[name], _SYMBOLS[prefix]))
    for name in _WORDS.split():
        for prefix, power in _SPELLED.items():
            found.setdefault(prefix + name, _times_ten(found[name], power))
    for noun in (*COUNTED.split(), *sorted(PARTICLES)):
        plural = PLURALS.get(noun)
        if plural is None:
            plural = noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
            if noun.endswith("y") and noun[-2] not in "aeou":
                plural = noun[:-1] + "ies"
        for name in (noun, plural):
            found.setdefault(name, Unit(f"count {noun}", Fraction(1)))
    return found


def _times_ten(unit: Unit, power: int) -> Unit:
    return Unit(unit.dimension, unit.factor * Fraction(10) ** power)


UNITS = _table()
# units of several letters that are no product of symbols even directly after a number: `5cm`; `2mg` and `3nm` may be products
_SURE = "cm mm km kg ft in yd mi hr lb oz kJ eV Hz mL kW ms ml MB GB Mb Gb mb dB Jy sr Å Ω € £ ¥ ₹ ¢"
SURE = frozenset([*_SURE.split(), *(name for name in UNITS if len(name) > 2 and not name.startswith("μ"))])
MULTIPLIERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}

# the parts of a unit of measure at the end of a text
_PIECE = re.compile(
    r" ?+(?:(?P<sign>\\(?:cdot|times)(?![A-Za-z])|[*/()-]|per(?![A-Za-z]))"
    r"|(?P<power>(?:\^|\*\*) ?+(?:\{ ?+-? ?[1-9] ?+\}|-?[1-9](?![0-9])))"
    r"|(?P<name>[MLR] ?_ ?\{? ?(?:\\odot|[sS]un)(?![A-Za-z]) ?\}?|\\AA(?![A-Za-z])(?: ?\{ ?\})?|\\mathring ?\{ ?A ?\}"
    r"|(?:light|astronomical|electron|solar|nautical|metric)[ -](?:year|unit|volt|mass|radi|luminosit|mile|ton)[a-z]*+"
    r"|\\mu(?![A-Za-z]) ?[A-Za-z]++|[kMGm]?(?: ?\\Omega(?![A-Za-z]))|[A-Za-zÅΩö]++\.?|[€£¥₹¢]))"
)
_SHAPES = {"square": 2, "sq": 2, "sq.": 2, "cubic": 3, "cu": 3, "cu.": 3}
_SHAPED = {"squared": 2, "cubed": 3}


class Factor(NamedTuple):
    """One factor of a compound unit of measure: a name in the table and its power."""

    name: str
    power: int


def factors_of(tail: str) -> list[Factor] | None:
    """Reads the factors of a unit such as `kg m^2/s^2` or `J/(kg K)`, or None; all factors after a slash are divided by."""
    found: list[Factor] = []
    at, down, outer, group, shape = 0, 1, 1, -1, 1
    last = "start"  # what came last: start, factor, power, sign, open, close, shape
    while at < len(tail):
        match = _PIECE.match(tail, at)
        if match is None:
            return None
        at = match.end()
        sign, name = match["sign"], match["name"]
        if name is not None:
            shaped = _SHAPED.get(name, 0)
            if name in _SHAPES and last != "shape":
                shape, last = _SHAPES[name], "shape"
            elif shaped and last == "factor":
                unit, power = found[-1]
                if UNITS[unit].dimension not in (("length", "unit") if power > 0 else ("length", "time")):
                    return None
                found[-1], last = Factor(unit, power * shaped), "power"
            else:
                known = _name(name)
                if known is None:
                    return None
                found.append(Factor(known, shape * down * outer))
                shape, last = 1, "factor"
        elif match["power"] is not None:
            digits = int(re.sub(r"[^0-9-]", "", match["power"]))
            if last == "factor":
                unit, power = found[-1]
                # in `J/kg K^{-1}`, a negative power after a slash is not inverted again
                found[-1] = Factor(unit, digits if power < 0 and digits < 0 and group < 0 else power * digits)
            elif last == "close":
                found[group:] = [Factor(unit, power * digits) for unit, power in found[group:]]
            else:
                return None
            last = "power"
        elif sign == "(":
            if group >= 0 or last not in ("start", "sign", "factor", "power"):
                return None
            group, outer, down, last = len(found), down, 1, "open"
        elif sign == ")":
            if group < 0 or last not in ("factor", "power"):
                return None
            down, outer, last = outer, 1, "close"
        else:
            starts = last == "start" and sign in (r"\cdot", r"\times")
            if last not in ("factor", "power", "close") and not starts:
                return None
            if sign in ("/", "per"):
                down = -1
            last = "start" if starts else "sign"
    return found if last in ("factor", "power", "close") and (group < 0 or tail.count(")") == 1) else None


def _name(text: str) -> str | None:
    """Returns the table's spelling of a written name, or None."""
    if text in UNITS:
        return text
    if "\\" in text or "_" in text:
        if "_" in text:
            return text[0] + "_\\odot"
        if text.startswith(("\\AA", "\\mathring")):
            return "Å"
        text = text.replace("\\Omega", "Ω").replace("\\mu", "μ").replace(" ", "")
    else:
        text = text.replace("-", " ")
        text = text.lower() if len(text) > 3 and text[1:].islower() else text
    return text if text in UNITS else None


def product_of(factors: list[Factor]) -> Unit:
    """Multiplies factors to one unit; radians and particles count only if they stand alone."""
    lone = len(factors) == 1
    powers: dict[str, int] = {}
    factor = Fraction(1)
    for name, power in factors:
        unit = UNITS[name]
        factor *= unit.factor**power
        bases = [unit.dimension] if unit.dimension.startswith(("count", "solar")) else unit.dimension.split()
        for base in bases:
            if not lone and (base in ("radian", "steradian") or base.removeprefix("count ") in PARTICLES):
                continue  # has no dimension next to others
            base, _, times = base.partition("^")
            powers[base] = powers.get(base, 0) + int(times or 1) * power
    return Unit(
        " ".join(f"{base}^{times}" if times != 1 else base for base, times in sorted(powers.items()) if times), factor
    )
