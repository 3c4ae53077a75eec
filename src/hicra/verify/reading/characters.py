"""Writes Unicode mathematics in LaTeX, character by character; characters without a LaTeX spelling stay.

Deviation:
    VERIFY-4. Zero-width characters are dropped. Digits of any script are read as digits, superscript and subscript digits and
        HTML's `<sup>` and `<sub>` as powers and indices. Letters of other scripts that only look Latin stay what they are. The
        Chinese words for "or" and "and" between two answers are read as these words.
"""

from __future__ import annotations

import re
import unicodedata

_ZERO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\ufe0e\ufe0f"), "")
_CHARACTERS = {
    "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\ufe63": "-", "\uff0d": "-",
    "×": r"\times ", "✕": r"\times ", "⨯": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ",
    "÷": r"\div ", "∕": "/", "⁄": "/", "±": r"\pm ", "∓": r"\mp ", "√": r"\sqrt ", "∞": r"\infty ", "π": r"\pi ",
    "∛": r"\sqrt[3]", "∀": r"\forall ",
    "≤": r"\le ", "⩽": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≠": r"\ne ", "≈": r"\approx ", "∈": r"\in ", "∉": r"\notin ",
    "∪": r"\cup ", "∩": r"\cap ", "∅": r"\emptyset ", "⌀": r"\emptyset ", "°": r"^\circ ", "º": r"^\circ ", "′": "'",
    "’": "'", "‘": "'", "“": '"', "”": '"', "α": r"\alpha ", "β": r"\beta ", "γ": r"\gamma ", "δ": r"\delta ",
    "ε": r"\epsilon ", "θ": r"\theta ", "λ": r"\lambda ", "μ": r"\mu ", "µ": r"\mu ", "ρ": r"\rho ", "σ": r"\sigma ",
    "τ": r"\tau ", "φ": r"\phi ", "ϕ": r"\phi ", "ω": r"\omega ", "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "¬": r"\neg ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "＝": "=", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ",
    "⌉": r"\rceil ", "\u2028": " ", "\u2029": " ", "\u00a0": " ", "\u2009": r"\,", "\u202f": r"\,", "\u2006": r"\,",
    "\u2007": r"\,", "\u2008": r"\,", "\u200a": r"\,", "、": ", ", "，": ",", "。": ".",
}  # fmt: skip
_SPECIAL = re.compile(r"[^\x00-\x7f]")
_SUPER = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n")
_SUB = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n")
_SUPERS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ]+")
_SUBS = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋ₙ]+")
_HTML = re.compile(r"<(sup|sub)>([^<>]{1,40})</\1>")
_SIGNS = {"sup": "^", "sub": "_"}
_VULGAR = re.compile("([0-9])? ?([¼½¾⅐-⅞])")
_ROOT = re.compile("([√∛]) ?([0-9]+(?:\\.[0-9]+)?)")
# only next to what is no Chinese, because elsewhere it is a part of a sentence
_JOINTS = re.compile("(?<![\u4e00-\u9fff])(?:(?P<either>或者?)|以及|[和与及且])(?![\u4e00-\u9fff])")


def _character(match: re.Match[str]) -> str:
    char = match[0]
    if char in _CHARACTERS:
        return _CHARACTERS[char]
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(char) == "No":  # a circled 4 is a label and no digit
        return char
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) == 1 and plain.isascii() and plain.isprintable() else char


def _vulgar(match: re.Match[str]) -> str:
    """Writes a vulgar fraction as part of a mixed number after a digit, else as a fraction of its own."""
    top, bottom = unicodedata.normalize("NFKC", match[2]).split("\u2044")
    return f"{match[1]} {top}/{bottom}" if match[1] else rf"\frac{{{top}}}{{{bottom}}}"


def ascii_maths(text: str) -> str:
    """Writes Unicode mathematics and HTML powers and indices in LaTeX; characters without a LaTeX spelling stay."""
    if "</su" in text:
        text = _HTML.sub(lambda match: f"{_SIGNS[match[1]]}{{{match[2]}}}", text)
    if text.isascii():
        return text
    text = text.translate(_ZERO_WIDTH)
    text = _JOINTS.sub(lambda match: " or " if match["either"] else " and ", text)
    text = _ROOT.sub(r"\1{\2}", _VULGAR.sub(_vulgar, text))
    text = _SUPERS.sub(lambda match: "^{" + match[0].translate(_SUPER) + "}", text)
    text = _SUBS.sub(lambda match: "_{" + match[0].translate(_SUB) + "}", text)
    return unicodedata.normalize("NFC", _SPECIAL.sub(_character, text))
