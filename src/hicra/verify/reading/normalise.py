"""Gives equal-looking texts one spelling: Unicode, LaTeX spacing, delimiters, text commands, separators, full stops at the end.

`normalise` only removes or renames what has no meaning of its own. It never drops a word, a sign, a relation, a factorial, a base
or a unit of measure; the steps of the comparison handle those. It takes time linear in the text.

Deviations:
    VERIFY-5. A full stop, comma, colon or semicolon at the very end is dropped. An exclamation mark is a factorial and stays.
    VERIFY-33. A text whose commands are escaped twice (`\\\\frac`), as careless JSON leaves them, is read as if they were escaped
        once. Inside an environment a double backslash ends a row, unless the environment itself is escaped twice. An `aligned`,
        `gathered` or `cases` environment without columns is the list of its rows, and an `array` with one cell is that cell.
"""

from __future__ import annotations

import re

from hicra.verify.reading.characters import ascii_maths
from hicra.verify.reading.tokens import FUNCTIONS, GREEK

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
_WRAPPED = re.compile(r"\\(?:boxed|fbox|underline|text|textbf|textit|mathrm|mbox|hbox)\s{0,8}\{")
_THIN_COMMA = r",\\! ?|\\!, ?|\{,\}|\\,,"
_GROUP_MARK = re.compile(rf"{_THIN_COMMA}|\\[, ;:!]|~| ")
_GROUPED = re.compile(rf"(?<![0-9.])[1-9][0-9]{{0,2}}(?:(?:{_GROUP_MARK.pattern})[0-9]{{3}})+(?![0-9])")
_ZERO_LED = re.compile(rf"(?<![0-9.,])0(?:{_THIN_COMMA})(?=[0-9])")
_INFINITY = re.compile(r"(?<![A-Za-z\\])[Ii]nfinity(?![A-Za-z])")
_BLANK = re.compile(
    r"\\[,;:! \\]|\\(?:text|mathrm|mathbf|textbf|quad|qquad|ldots|dots|cdots|left|right|boxed|fbox|phantom)(?![A-Za-z])"
    r"|[\s~$.{}?_,;:\u00ad\u200b-\u200d\u2060\ufeff]"
)


def blank(text: str) -> bool:
    """Tells whether a text holds nothing but spacing, empty text commands and punctuation."""
    return not text or not _BLANK.sub("", text)


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
        return _INFINITY.sub(r"\\infty", text)
    text = undoubled(text).replace("\\$", "$").replace("$", "").strip()
    if text.startswith("~") and not text.endswith("~"):  # here `~` means "about" and is no space
        text = r"\sim " + text[1:]
    if not _PLAIN.fullmatch(text):
        text = _ZERO_LED.sub("0.", _without_environment(text.replace("{:}", ":")))
        text = _GROUPED.sub(lambda match: _GROUP_MARK.sub("", match[0]), text)
        text = _text_commands(text)
        text = _COMBINATIONS.sub(r"\\binom{\1}{\2}", _INFIX.sub(_prefix, _COLOUR.sub("", text)))
        text = _FONT.sub("", text)
        text = _MACRO.sub(_macro, text).replace("~", " ")
    text = _unwrapped(" ".join(_INFINITY.sub(r"\\infty", text).split()))
    text = text.strip('`"').strip()
    if text.startswith("*"):  # it is emphasis, unlike the star in `x^*`
        text = text.strip("*").strip()
    end = "..." if _GOES_ON.search(text[-64:]) else ""
    return _one_brace(text.rstrip(".,;: \\") + end)


_GOES_ON = re.compile(r"(?:[-+,] ?|\.[0-9]+ ?)\.\.\.[., ]*\Z")  # an ellipsis that is part of a list, a sum or a decimal
_COMMANDS = [
    "left",
    "right",
    "text",
    "textbf",
    "mathrm",
    "mathbf",
    "mathbb",
    "boxed",
    "frac",
    "sqrt",
    "binom",
    "pi",
    "infty",
    "cdot",
    "times",
    "div",
    "pm",
    "mp",
    "circ",
    "le",
    "ge",
    "ne",
    "in",
    "cup",
    "cap",
    "overline",
    "vec",
    "angle",
    "begin",
    "end",
    "quad",
    "qquad",
    "sum",
    "int",
    "lim",
    "to",
    "mid",
]
_KNOWN = sorted({*_COMMANDS, *FUNCTIONS, *GREEK, *(name[1:] for name in _NAMES)})
_DOUBLED = re.compile(rf"(?<!\\)\\\\(?=(?:{'|'.join(_KNOWN)})(?![A-Za-z]))")
_DOUBLED_BEGIN = re.compile(r"(?<!\\)\\\\begin(?![A-Za-z])")
_ENVIRONMENT = re.compile(
    r"\\begin ?\{((?:aligned|align|gathered|gather|split|equation|cases|array)\*?)\}(?: ?\[[tcb]\])?(?:\{[clr|]{1,20}\})?"
    r"((?:(?!\\begin).)*)\\end ?\{\1\}",
    re.DOTALL,
)


def undoubled(text: str) -> str:
    """Returns a text whose commands are escaped twice with each backslash once (VERIFY-33)."""
    if "\\\\" not in text:
        return text
    if _DOUBLED_BEGIN.search(text):
        return text.replace("\\\\", "\\")
    return text if "\\begin" in text else _DOUBLED.sub(r"\\", text)


def _without_environment(text: str) -> str:
    """Returns the rows of an environment that is the whole text, as a list (VERIFY-33)."""
    match = _ENVIRONMENT.fullmatch(text.strip())
    if match is None:
        return text
    rows = [row.strip() for row in match[2].split("\\\\") if row.strip()]
    columns = "&" in match[2] and match[1] in ("cases", "array")
    if columns or not rows or (match[1] == "array" and len(rows) > 1):
        return text
    rows = [row.replace("&", " ").strip().rstrip(",;") for row in rows]
    return "".join(row if at == 0 or row.startswith("=") else f", {row}" for at, row in enumerate(rows))


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
_ONE_CHARACTER = re.compile(r"([_^]) ?\{ ?([A-Za-z0-9]) ?\}(?! ?[A-Za-z0-9])")


def compact(text: str) -> str:
    """Removes white space and braces without meaning from a normalised text; two texts are compared in this form."""
    return _SPACE.sub("", _ONE_CHARACTER.sub(r"\1\2", text) if "{" in text else text)
