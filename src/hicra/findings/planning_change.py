"""Whether the policy plans more at the end of a run than at its start, or only writes more.

Deviations (the paper compares no two steps of a run):
FINDING-12. It plans more, or less, where the planning share changed surely and by at least a tenth of what it was. Where one gram
    has more than half of a sure rise, or where the grams without a letter together have, that is said in place of it. It only
    writes more where responses grew surely and by a fifth, and the share did not surely rise by a tenth. None of this is an
    alarm. The comparison is that of CHANGE-1 to CHANGE-3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hicra.arrays import Bools
from hicra.drawing.readable import decimal, interval_end, number, printable, shorten
from hicra.findings.curves import LEAST_STEPS, Rise
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.laid_spans import OF_CHARACTERS, Spans, has_letter, spans_of
from hicra.findings.length import LONGER
from hicra.findings.share_changes import LEAST_QUESTIONS, ShareChanges

NAME = "planning_change"
LARGE = 0.1  # of the share at the start: a smaller change is called hardly any
MOSTLY = 0.5
SHOWN_GRAMS, MOST_CHARACTERS = 3, 40
LEADS = {
    "more": "It plans more.", "less": "It plans less.", "hardly_more": "It plans hardly more.",
    "hardly_less": "It plans hardly less.", "only_writes_more": "It only writes more.",
    "marks": "The rise is mostly marks, not plans.", "unknown": "Whether it plans more cannot be told.",
}  # fmt: skip
RISES = ("more", "one_gram", "marks")
SURE = (*RISES, "less", "only_writes_more")  # the answers that claim a change


def planning_change(evidence: Evidence) -> Finding | None:
    """Answers it; None where no rollout has a span, or fewer than two steps have rollouts.

    Figures: answer (one of `LEADS`, or one_gram), lead (the sentence that begins the text), lexicon, counts (what shares and
    lengths are of), by (what the interval is over: steps, questions or responses), questions, paired, ends ([first, last] step of
    both), planning_share and length [start, end], their changes [difference, low, high], grams (what the change is made of, the
    largest parts first: {gram, first, last}), mostly (the grams that have more than half of a sure rise), without (the
    change of the share without them, or null), without_marks_too (where that is still a sure rise: the change without the grams
    without a letter as well, else null), form_share (the part of what is lit that is a heading or lit by a gram without
    a letter, [start, end]), thresholds.
    """
    spans = spans_of(evidence)
    if spans is None or sum(one.size > 0 for one in spans.laid) < 2:
        return None
    changes = ShareChanges(spans)
    share, length = changes.share(), changes.length()
    mostly = _mostly(spans, changes, share)
    rest = changes.share(_chosen(spans, mostly)) if mostly else None
    marks = [gram for gram in spans.grams if not has_letter(gram)]
    bare = None
    if rest is not None and rest.sure and rest.change > 0 and not set(marks) <= set(mostly):
        bare = changes.share(_chosen(spans, [*mostly, *marks]))
    answer = _answer(share, length, mostly)
    lead = LEADS.get(answer) or f"The rise is mostly one gram, {_quoted(mostly[0])}."
    name = evidence.config.get("lexicon")
    moved = changes.parts[1] - changes.parts[0]
    order = sorted(range(len(spans.grams)), key=lambda at: (-moved[at] * np.sign(share.change or 1), spans.grams[at]))
    figures: dict[str, Any] = {
        "answer": answer, "lead": lead, "lexicon": name if isinstance(name, str) else None, "counts": spans.counts,
        "by": "steps" if changes.by_steps else "questions" if spans.by else "responses", "questions": changes.questions,
        "paired": changes.paired, "ends": [list(one) for one in changes.ends],
        "planning_share": [share.first, share.last], "planning_share_change": share.figures(),
        "length": [length.first, length.last], "length_change": length.figures(),
        "grams": [
            {"gram": spans.grams[at], "first": float(changes.parts[0, at]), "last": float(changes.parts[1, at])}
            for at in order[:SHOWN_GRAMS]
        ],
        "mostly": mostly, "without": None if rest is None else rest.figures(),
        "without_marks_too": None if bare is None else bare.figures(), "form_share": changes.form,
        "thresholds": {"large": LARGE, "longer": LONGER, "mostly": MOSTLY, "questions": LEAST_QUESTIONS},
    }  # fmt: skip
    saved = "" if evidence.config.get("counts") else " of the saved rollouts"  # a trained run has metrics of all
    said = [lead, *_text(figures, saved, share, length, rest, bare)]
    if spans.counts == "characters" and evidence.config.get("counts"):
        said.append(OF_CHARACTERS)
    headline = Headline("change of the planning share from start to end", share.change, *share.figures()[1:])
    return Finding(NAME, " ".join(said), figures, None, headline)


def _answer(share: Rise, length: Rise, mostly: list[str]) -> str:
    large = share.sure and abs(share.change) >= LARGE * share.first
    if large and share.change > 0:
        return "more" if not mostly else "one_gram" if len(mostly) == 1 else "marks"
    if length.sure and length.last >= LONGER * length.first:
        return "only_writes_more"
    if not share.sure:
        return "unknown"
    return f"{'' if large else 'hardly_'}{'more' if share.change > 0 else 'less'}"


def _mostly(spans: Spans, changes: ShareChanges, share: Rise) -> list[str]:
    """Returns the gram that has more than half of a sure rise, or the grams without a letter that have; else none."""
    if not share.sure or share.change <= 0:
        return []
    moved = changes.parts[1] - changes.parts[0]
    most = int(moved.argmax())
    if moved[most] > MOSTLY * share.change:
        return [spans.grams[most]]
    marks = [at for at, gram in enumerate(spans.grams) if not has_letter(gram)]
    if moved[marks].sum() > MOSTLY * share.change:
        return sorted((spans.grams[at] for at in marks), key=lambda gram: -moved[spans.grams.index(gram)])
    return []


def _chosen(spans: Spans, grams: list[str]) -> Bools:
    chosen: Bools = np.isin(np.array(spans.grams, object), np.array(grams, object))
    return chosen


def _text(
    figures: dict[str, Any], saved: str, share: Rise, length: Rise, rest: Rise | None, bare: Rise | None
) -> list[str]:
    """Says the figures in sentences."""
    counts = figures["counts"]
    at = [_place(*one) for one in figures["ends"]]
    by = (
        ""
        if figures["lexicon"] is None
        else f" by the lexicon {shorten(printable(figures['lexicon']), MOST_CHARACTERS)}"
    )
    percent = [number(value, True) for value in (share.first, share.last)]
    of_share = (
        f"The planning share{saved}{by} is {percent[0]} of the {counts} {at[0]} and {percent[1]} {at[1]}: {_points(share)} points"
        f"{_interval(figures, share)}."
    )
    of_length = (
        f"Responses go from {number(length.first)} to {number(length.last)} {counts}: "
        f"{decimal(length.change, 0, sign=True)}{_ends(length, 1, 0)}."
    )
    said = [of_length, of_share] if figures["answer"] == "only_writes_more" else [of_share, of_length]
    if share.sure and share.change > 0:
        parts = [
            f"{_quoted(one['gram'])} {decimal(100 * (one['last'] - one['first']), 1, sign=True)}"
            for one in figures["grams"]
            if one["last"] > one["first"]
        ]
        said.append(f"Most of the rise, in points: {', '.join(parts)}.")
    if rest is not None:
        names = figures["mostly"]
        what = _quoted(names[0]) if len(names) == 1 else f"the {len(names)} grams without a letter"
        also = "" if bare is None else (
            f", and without the grams without a letter too {_points(bare)}{_ends(bare, 100, 1)}"
        )  # fmt: skip
        said.append(f"Without {what} the change is {_points(rest)} points{_ends(rest, 100, 1)}{also}.")
    if figures["answer"] in RISES and figures["by"] != "steps":
        said.append(f"Two steps are compared; to look for lexicon hacking takes {LEAST_STEPS}.")
    if figures["form_share"][1] > MOSTLY:
        part = number(figures["form_share"][1], True)
        said.append(f"Of what is lit {at[1]}, {part} is headings or lit by marks without a letter.")
    return said


def _place(first: int, last: int) -> str:
    return f"at step {first}" if first == last else f"in steps {first} to {last}"


def _points(change: Rise) -> str:
    return decimal(100 * change.change, 1, sign=True)


def _ends(change: Rise, times: float, places: int) -> str:
    if None in change.figures():
        return ""
    return f" ({interval_end(times * change.low, places)} to {interval_end(times * change.high, places)})"


def _interval(figures: dict[str, Any], change: Rise) -> str:
    """Says the interval of the share with what it is over."""
    questions, paired = figures["questions"], figures["paired"]
    if None in change.figures():
        return f" (no interval: it takes {LEAST_QUESTIONS} {figures['by']} at each end)"
    over = figures["by"] if figures["by"] == "steps" else f"{questions} {figures['by']}"
    pairs = (
        "" if figures["by"] != "questions"
        else ", each at both steps" if paired == questions
        else f", {paired} of them at both steps" if paired else ", none at both steps"
    )  # fmt: skip
    ends = f"{interval_end(100 * change.low, 1)} to {interval_end(100 * change.high, 1)}"
    return f" (95\u00a0% interval {ends}, over {over}{pairs})"


def _quoted(gram: str) -> str:
    return f'"{shorten(printable(gram), MOST_CHARACTERS)}"'
