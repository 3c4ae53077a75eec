"""Gives equal-looking texts one spelling: Unicode, LaTeX spacing, delimiters, text commands, separators, full stops at the end.

`normalise` only removes or renames what has no meaning of its own. It never drops a word, a sign, a relation, a factorial, a base
or a unit of measure; the steps of the comparison handle those. It takes time linear in the text.

Deviations:
    VERIFY-4. Zero-width characters are dropped. Digits of any script are read as digits, superscript and subscript digits as
        powers and indices. Letters of other scripts that only look Latin stay what they are.
    VERIFY-5. A full stop, comma, colon or semicolon at the very end is dropped. An exclamation mark is a factorial and stays.
"""

from __future__ import annotations

import re
import unicodedata

_ZERO_WIDTH = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\ufe0e\ufe0f"), "")
_CHARACTERS = {
    "\u2212": "-", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\ufe63": "-", "\uff0d": "-",
    "×": r"\times ", "✕": r"\times ", "⨯": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ",
    "÷": r"\div ", "∕": "/", "⁄": "/", "±": r"\pm ", "∓": r"\mp ", "√": r"\sqrt ", "∞": r"\infty ", "π": r"\pi ",
    "∛": r"\sqrt[3]",
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
_VULGAR = re.compile("([0-9])? ?([¼½¾⅐-⅞])")
_ROOT = re.compile("([√∛]) ?([0-9]+(?:\\.[0-9]+)?)")

_NAMES = {r"\leq": r"\le", r"\geq": r"\ge", r"\leqslant": r"\le", r"\geqslant": r"\ge", r"\neq": r"\ne", r"\lt": "<",
          r"\gt": ">", r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac", r"\varnothing": r"\emptyset",
          r"\nicefrac": r"\frac", r"\sfrac": r"\frac",
          r"\ast": r"\cdot", r"\colon": ":", r"\land": r"\wedge", r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[",
          r"\rbrack": "]", r"\lnot": r"\neg", r"\varphi": r"\phi", r"\varepsilon": r"\epsilon", r"\dbinom": r"\binom",
          r"\tbinom": r"\binom", r"\degree": r"^{\circ}", r"\mid": "|", r"\vert": "|", r"\lvert": "|", r"\rvert": "|",
          r"\ldots": "...", r"\dots": "...", r"\cdots": "...", r"\textdegree": r"^{\circ}", r"\infin": r"\infty",
          r"\lparen": "(", r"\rparen": ")", r"\implies": r"\Rightarrow", r"\tg": r"\tan", r"\rightarrow": r"\to",
          r"\longrightarrow": r"\to", r"\prime": "'"}  # fmt: skip
_DROPPED = frozenset(
    (
        r"\left", r"\right", r"\displaystyle", r"\textstyle", r"\scriptstyle", r"\limits", r"\big", r"\Big",
        r"\bigg", r"\Bigg", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\biggl", r"\biggr", r"\Biggl", r"\Biggr",
        r"\bigm", r"\Bigm", r"\middle", r"\mathstrut", r"\strut", r"\nolimits", r"\nonumber", r"\hfill",
        r"\centering", r"\bf", r"\rm", r"\it", r"\boldmath", r"\large", r"\Large", r"\LARGE", r"\huge", r"\Huge",
        r"\small", r"\normalsize"
    )
)  # fmt: skip
_SPACES = frozenset(
    (
        r"\quad", r"\qquad", r"\enspace", r"\thinspace", r"\medspace", r"\thickspace", r"\space",
        r"\nobreakspace"
    )
)  # fmt: skip
_MACRO = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)
_FONT = re.compile(r"\\(?:mathbf|mathit|mathsf|mathtt|boldsymbol|bm|mathnormal|displaystyle|ensuremath)(?![A-Za-z])\s*")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textrm|textsf|texttt|textnormal|mathrm|mbox|hbox|emph|underline|operatorname)"
                   r"\*?\s{0,8}\{([^{}]*)\}")  # fmt: skip
_COLOUR = re.compile(r"\\(?:text)?color\s{0,8}\{[^{}]*\}")
_BEFORE = (
    r"((?:[^{}\\]|\\(?!(?:over|choose)(?![A-Za-z]))|\{[^{}]*+\})*+)"  # everything up to the first \over or \choose
)
_AFTER = r"((?:[^{}]|\{[^{}]*+\})*+)"
_INFIX = re.compile(
    rf"\{{{_BEFORE}\\(over|choose)(?![A-Za-z]){_AFTER}\}}|\A{_BEFORE}\\(over|choose)(?![A-Za-z]){_AFTER}\Z"
)
_COMBINATIONS = re.compile(
    r"(?<![A-Za-z0-9}\])])(?:\{ ?\} ?)?[_^] ?\{? ?([0-9]{1,4}|[a-z]) ?\}? ?C ?_ ?\{? ?([0-9]{1,4}|[a-z]) ?\}?(?![A-Za-z0-9])"
)
_WRAPPED = re.compile(r"\\(?:boxed|fbox)\s{0,8}\{")
_GROUPED = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:(?:\\,|\\ |\\;|\\:|\\!|~|\{,\}| )[0-9]{3})+(?![0-9])")
_GROUP_MARK = re.compile(r"\\[, ;:!]|~|\{,\}| ")
_COMMA_THIN = re.compile(r"(?<=[0-9])(?:,\\!|\\!,|\{,\}|\\,,)(?=[0-9]{3})")
_BLANK = re.compile(
    r"\\[,;:! \\]|\\(?:text|mathrm|mathbf|textbf|quad|qquad|ldots|dots|cdots|left|right|boxed|fbox|phantom)(?![A-Za-z])"
    r"|[\s~$.{}?_,;:\u00ad\u200b-\u200d\u2060\ufeff]"
)


def blank(text: str) -> bool:
    """Tells whether a text holds nothing but spacing, empty text commands and punctuation."""
    return not text or not _BLANK.sub("", text)


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
    """Writes Unicode mathematics in LaTeX; characters without a LaTeX spelling stay."""
    if text.isascii():
        return text
    text = text.translate(_ZERO_WIDTH)
    text = _ROOT.sub(r"\1{\2}", _VULGAR.sub(_vulgar, text))
    text = _SUPERS.sub(lambda match: "^{" + match[0].translate(_SUPER) + "}", text)
    text = _SUBS.sub(lambda match: "_{" + match[0].translate(_SUB) + "}", text)
    return unicodedata.normalize("NFC", _SPECIAL.sub(_character, text))


def _macro(match: re.Match[str]) -> str:
    name = match[0]
    if name in _DROPPED:
        return " "
    if name in _SPACES or name in (r"\,", r"\;", r"\:", r"\ ", r"\>", "\\\n"):
        return " "
    if name in (r"\!", r"\$", r"\(", r"\)", r"\[", r"\]", r"\-", r"\/"):
        return ""
    if name in (r"\%", r"\#", r"\&", r"\_"):
        return name[1]
    return _NAMES.get(name, name)


_PLAIN = re.compile(r"[^\\~{ _^]*")  # a text that the rules for LaTeX do not change


def normalise(text: str) -> str:
    """Returns the normalised spelling of a text; equal spellings are equal answers."""
    text = ascii_maths(text)
    if text.isalnum():
        return text
    text = text.replace("\\$", "$").replace("$", "").strip()
    if text.startswith("~") and not text.endswith("~"):  # here `~` means "about" and is no space
        text = r"\sim " + text[1:]
    if not _PLAIN.fullmatch(text):
        text = _COMMA_THIN.sub("", text.replace("{:}", ":"))
        text = _GROUPED.sub(lambda match: _GROUP_MARK.sub("", match[0]), text)
        text = _text_commands(text)
        text = _COMBINATIONS.sub(r"\\binom{\1}{\2}", _INFIX.sub(_prefix, _COLOUR.sub("", text)))
        text = _FONT.sub("", text)
        text = _MACRO.sub(_macro, text).replace("~", " ")
    text = _unwrapped(" ".join(text.split()))
    text = text.strip('`"').strip()
    if text.startswith("*"):  # it is emphasis, unlike the star in `x^*`
        text = text.strip("*").strip()
    end = "..." if _GOES_ON.search(text[-64:]) else ""
    return _one_brace(text.rstrip(".,;: \\") + end)


_GOES_ON = re.compile(r", ?\.\.\.[., ]*\Z")  # an ellipsis at the end of a list is part of it


def _prefix(match: re.Match[str]) -> str:
    """Writes `{a \\over b}` as `\\frac{a}{b}`."""
    before, name, after = match.groups()[:3] if match[2] else match.groups()[3:]
    return f"\\{'frac' if name == 'over' else 'binom'}{{{before}}}{{{after}}}"


def _text_commands(text: str) -> str:
    """Replaces text commands by their content, from the inside out, at most four levels."""
    for _ in range(4):
        changed = _TEXT.sub(lambda match: f" {match[1]} " if not match[1].startswith("(") else match[1], text)
        if changed == text:
            break
        text = changed
    return text


def _unwrapped(text: str) -> str:
    """Removes boxes around the whole text."""
    for _ in range(8):
        opened = _WRAPPED.match(text)
        if not opened or not text.endswith("}") or not _closes_last(text, opened.end() - 1):
            break
        text = text[opened.end() : -1].strip()
    return text


def _one_brace(text: str) -> str:
    """Removes plain braces around the whole text: `{42}` is 42."""
    for _ in range(8):
        if not (text.startswith("{") and text.endswith("}") and not text.endswith("\\}") and _closes_last(text, 0)):
            break
        text = text[1:-1].strip()
    return text


def _closes_last(text: str, opening: int) -> bool:
    """Tells whether the brace at `opening` closes at the very end of the text."""
    depth = 0
    at = opening
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 2
            continue
        depth += (char == "{") - (char == "}")
        if depth == 0:
            return at == len(text) - 1
        at += 1
    return False


_SPACE = re.compile(r"(?<![A-Za-z0-9]) | (?![A-Za-z0-9])|(?<=[A-Za-z]) (?=[0-9])|(?<=[0-9]) (?=[A-Za-z])")


def compact(text: str) -> str:
    """Removes white space without meaning from a normalised text; two texts are compared in this form."""
    return _SPACE.sub("", text)
