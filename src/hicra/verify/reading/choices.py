"""Compares choice letters: one, with or without brackets and the text of the choice; or several, with or without separators.

Deviation:
    VERIFY-30. A gold answer of two or more of the letters A to F, each once and in alphabetical order, is a set of choices: `BD`,
         `B, D` and `B and D` are equal; `DB` (a product, or a line segment) and `B or D` do not equal `BD`.
    VERIFY-46. A gold answer that is one of the letters A to J is a choice, and from A to F the small letter is the same choice. A
         gold answer that is a letter with the text of the choice (`D. 42`, `\\textbf{(D)} 42`) equals the letter alone, and the
         letter with the same text.
"""

from __future__ import annotations

import re

_CHOICE = re.compile(r"\(?([A-J])\)?")
_CHOSEN = re.compile(
    r"(?:(?:the )?(?:answer is|answer|option|choice) )?\(?([A-Ja-j])(?:\)|[.:] |[.:]?\Z)(.*)", re.DOTALL | re.IGNORECASE
)
_HEDGED = re.compile(r"(?<![A-Za-z])(?:or|and|not|nor|but|[B-J]|\([A-Ja-j]\)|A(?=[.):]|\Z))(?![A-Za-z])")
_GLUED = re.compile(r"[^ 0-9\\$]")  # `(C)x` is a product, `(C)12` is the choice with its value
_DENIED = re.compile(
    r"\A ?[-+*/^_<>=!'|,;]|(?<![A-Za-z])(?:is|isn'?t|was|in?correct|false|untrue|wrong|invalid|impossible|never|cannot"
    r"|can'?t|rejected|excluded|eliminated|ruled|fails?|failed)(?![A-Za-z])",
    re.IGNORECASE,
)
_WITH_TEXT = re.compile(r"(?:\(([A-J])\) ?|([A-J])(?:\)|[.:] ) ?)(?P<text>[^ ].*)", re.DOTALL)
_ALONE = re.compile(r"(?:(?:[Tt]he )?(?:[Aa]nswer is|[Aa]nswer|[Oo]ption|[Cc]hoice) )?\(?([A-J])\)?")
_SMALL = re.compile("[a-f]")
_ONE = r"(?:\([A-F]\)|[A-F])"
_SEVERAL = re.compile(rf"{_ONE}(?: ?(?:[,;&]|,? ?(?:and|or)(?![A-Za-z]))? ?{_ONE}){{1,5}}")
MAX_READ, MAX_SEVERAL = 400, 60  # characters


def one_choice(answer: str, gold: str) -> bool | None:
    """Tells whether the answer's choice letter is the gold answer's; None if the gold answer or the answer is no choice."""
    if max(len(answer), len(gold)) > MAX_READ:
        return None
    wanted = _CHOICE.fullmatch(gold)
    if not wanted:
        return _choice_with_text(answer, gold)
    chosen = _CHOSEN.fullmatch(answer)
    if not chosen or (chosen[1].islower() and not answer.startswith("(") and not _SMALL.fullmatch(answer)):
        return None
    if answer[chosen.start(2) - 1] == ")" and _GLUED.match(chosen[2]):
        return False
    if chosen[2] and (_HEDGED.search(chosen[2]) or _DENIED.search(chosen[2])):
        return False
    return chosen[1].upper() == wanted[1]


def _choice_with_text(answer: str, gold: str) -> bool | None:
    """Compares a choice letter with a gold answer that is a letter and its text (VERIFY-46); None if either is anything else."""
    wanted, chosen = _WITH_TEXT.fullmatch(gold), _ALONE.fullmatch(answer)
    if not wanted or not chosen or _GLUED.match(gold[wanted.end(1) + 1 :] if wanted[1] else " "):
        return None
    if _DENIED.search(wanted["text"]):
        return None
    return chosen[1] == (wanted[1] or wanted[2])


def choice_texts(answer: str, gold: str) -> tuple[str, str] | None:
    """Returns the texts of two choices with the same letter, to be compared; None if a side is anything else."""
    if max(len(answer), len(gold)) > MAX_READ:
        return None
    mine, right = _WITH_TEXT.fullmatch(answer), _WITH_TEXT.fullmatch(gold)
    if not mine or not right or (mine[1] or mine[2]) != (right[1] or right[2]):
        return None
    return mine["text"], right["text"]


def several_choices(answer: str, gold: str) -> bool | None:
    """Tells whether several choice letters are the gold answer's (VERIFY-30); None if either side is anything else."""
    if max(len(answer), len(gold)) > MAX_SEVERAL or not (_SEVERAL.fullmatch(gold) and _SEVERAL.fullmatch(answer)):
        return None
    mine, wanted = (re.sub("[^A-F]", "", text) for text in (answer, gold))
    if "or" in gold or wanted != "".join(sorted(set(wanted))):
        return None
    if "or" in answer:
        return False
    return True if mine == wanted else None
