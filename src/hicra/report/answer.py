"""Makes the top of the page: what the runs say, in sentences, with the forest plot or the figures of the one arm beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hicra.drawing.readable import counted, number, shorten
from hicra.findings import Finding, told
from hicra.findings.planning_change import NAME
from hicra.report.by_question import pair_figure, pair_sentences, pair_table
from hicra.report.extra import words_of
from hicra.report.figures import counted_in
from hicra.report.model import ReportModel
from hicra.report.planning_change import planning_line, planning_of_each
from hicra.report.sections import GLANCE
from hicra.report.signal import kind_sentence
from hicra.report.values import average
from hicra.report.verdict import OpeningLine, verdict_figure, verdict_sentences

MAX_ALARMS, MAX_SIGNALS, MAX_COMPARED, MAX_DESCRIBED = 4, 3, 4, 3
# lines beside the forest plot or the tiles, which are about as high; the others stand below in two columns
MAX_BESIDE = 4
MAX_SIDE = 3  # arms side by side in the summary
# the first leads; the second checks other figures, and answers no question of its own
_ELSEWHERE = (NAME, "sensitivity")
_HEADLINE = 330  # characters of a finding at the top; the section on findings has it whole


def answer(model: ReportModel, glance: Mapping[str, Any]) -> dict[str, Any]:
    """Makes the values of the first section.

    Args:
        model: the model.
        glance: the summary of the arms, which is shown as tiles where there is one arm.
    """
    figure = verdict_figure(model, model.compared) or pair_figure(model)
    if figure:
        figure |= {"svg": Markup(figure["svg"])}
    lines = [*_verdicts(model), *_signals(model), *_alarms(model), *_descriptions(model)]
    shown = tiles(model) if len(model.arms) == 1 else []
    beside = MAX_BESIDE if figure or shown else 0
    return {
        "beside": lines[:beside],
        "below": lines[beside:],
        "figure": figure,
        "tiles": shown,
        "tiles_text": f"{glance['text']} {_start_told(model)}".strip(),
        "arms": arms_card(glance) if figure else None,
        "pairs": pair_table(model),
    }


def arms_card(glance: Mapping[str, Any]) -> dict[str, Any] | None:
    """Makes the summary of the arms for both shapes of a screen; None where there are too many arms.

    Its `rows` have a row a metric, so that a telephone shows them, and `wide` a row an arm.
    """
    rows = glance["rows"]
    if not 1 < len(rows) <= MAX_SIDE:
        return None
    return {
        "arms": [{"arm": row["arm"], "name": row["name"]} for row in rows],
        "rows": [
            {"name": column["name"], "cells": [row["cells"][at]["mean"] for row in rows]}
            for at, column in enumerate(glance["columns"])
        ],
        "columns": [column["name"] for column in glance["columns"]],
        "wide": [[cell["mean"] for cell in row["cells"]] for row in rows],
        "text": f"{glance['means']}.",
    }


def _first_sentences(text: str) -> str:
    """Returns as many whole sentences as fit; a first sentence that does not fit is cut."""
    if len(text) <= _HEADLINE:
        return text
    end = text.rfind(". ", 0, _HEADLINE)
    return text[: end + 1] if end > 0 else shorten(text, _HEADLINE)


def _began(words: str) -> str:
    return words[:1].upper() + words[1:]


def _verdicts(model: ReportModel) -> list[OpeningLine]:
    """Returns the sentences on the comparison; those that the caller gives say more, and stand in their place."""
    given: Any = model.extra.get("verdict")
    if spoken(given):
        return [
            OpeningLine(f"{_began(name)}:", text if text.endswith(".") else f"{text}.") for name, text in given.items()
        ]
    found = [*verdict_sentences(model, model.compared), *pair_sentences(model)]
    more = len(found) - MAX_COMPARED
    further = OpeningLine(
        f"{counted(more, 'further comparison')}:", "see the table.", link="by-question" * bool(model.pairs)
    )
    return [*found[:MAX_COMPARED], *([further] if more > 0 else []), *_apart(model)]


def _apart(model: ReportModel) -> list[OpeningLine]:
    """Says which diagnosed runs are compared with nothing, and why."""
    apart = model.apart
    if not apart.arms:
        return []
    names = [shorten(model.labels[arm], 40) for arm in apart.arms]
    whole = len(names) == len(model.arms)
    lead = "The runs are" if whole else f"{names_of(names)} {'is' if len(names) == 1 else 'are'}"
    return [OpeningLine(f"{lead} not compared.", apart.why, details=apart.details)]


def spoken(verdict: Any) -> bool:
    """Tells whether a verdict that was handed over is made of sentences by name."""
    return isinstance(verdict, Mapping) and bool(verdict) and all(isinstance(text, str) for text in verdict.values())


def _signals(model: ReportModel) -> list[OpeningLine]:
    return [
        OpeningLine(f"Signal, {shorten(one.name, 60)}:", kind_sentence(one), link="signal")
        for one in model.signal[:MAX_SIGNALS]
    ]


def _alarms(model: ReportModel) -> list[OpeningLine]:
    """Returns the alarms of all runs, or the sentence that there is none and what was looked for."""
    if not any(run.findings for run in model.runs):
        return []
    found: dict[str, list[tuple[str, Finding]]] = {}
    looked: dict[str, None] = {}
    for run in model.runs:
        seen, not_seen = told(run.findings)
        for one in seen:
            if one.alarm:
                found.setdefault(one.name, []).append((model.run_label(run), one))
        looked |= dict.fromkeys(words_of(one.name) for one in (*seen, *not_seen) if one.alarm is not None)
    several = len(model.runs) > 1
    out = []
    for name, ones in [*found.items()][:MAX_ALARMS]:
        where = f" in {names_of([shorten(run, 40) for run, _ in ones])}" if several else ""
        out.append(OpeningLine(f"{_began(words_of(name))}{where}:", _text_of(ones), alarm=True, link="findings"))
    if len(found) > MAX_ALARMS:
        out.append(
            OpeningLine(f"{counted(len(found) - MAX_ALARMS, 'further alarm')}:", "see the findings.", link="findings")
        )
    if not found and looked:
        text = f"Looked for and not seen: {', '.join(looked)}."
        out.append(OpeningLine("No alarm.", shorten(text, _HEADLINE), link="findings"))
    return out


def _text_of(ones: Sequence[tuple[str, Finding]]) -> str:
    """Writes an alarm of one run or of several: once where they have the same text, else the first sentence of each text."""
    by_text: dict[str, list[str]] = {}
    for run, one in ones:
        by_text.setdefault(one.text, []).append(shorten(run, 40))
    if len(by_text) == 1:
        return _first_sentences(ones[0][1].text)
    firsts = [f"{names_of(runs)}: {text.partition('. ')[0].rstrip('.')}." for text, runs in by_text.items()]
    return _first_sentences(" ".join(firsts))


def names_of(names: Sequence[str], most: int = 3) -> str:
    """Lists names in a sentence.

    >>> [names_of(["a"]), names_of(["a", "b"]), names_of(["a", "b", "c", "d", "e"])]
    ['a', 'a and b', 'a, b, c and 2 more']
    """
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _descriptions(model: ReportModel) -> list[OpeningLine]:
    """Returns what the findings of a single run describe, which is the answer where nothing is compared.

    Of several runs it says of each whether it plans more.
    """
    if len(model.runs) != 1:
        return planning_of_each({model.run_label(run): run for run in model.runs[:MAX_COMPARED]})
    seen = [one for one in told(model.runs[0].findings)[0] if one.alarm is None and one.name not in _ELSEWHERE]
    seen = [
        one for one in seen if one.name != "phases" or "first_phase_ends" in one.figures
    ]  # else there were too few steps
    return [
        *planning_line(model.runs[0]),
        *(
            OpeningLine(f"{_began(words_of(one.name))}:", _first_sentences(one.text), link="findings")
            for one in seen[:MAX_DESCRIBED]
        ),
    ]


def tiles(model: ReportModel) -> list[dict[str, str]]:
    """Makes {name, value, unit, before} for one arm: means over runs of the last tenth of the steps, and of the first tenth."""
    out = []
    for metric, name, percent in GLANCE:
        ends = [_ends([row.get(metric) for row in run.metrics]) for run in model.runs]
        first, last = (average([pair[at] for pair in ends]) for at in (0, 1))
        if last is None or (metric == "reward" and model.has("accuracy")):
            continue
        steps = max((len(run.metrics) for run in model.runs), default=0)
        before = f"{number(first, percent)} at the start" if steps > 1 else ""
        unit = {"length": counted_in(model), "semantic_entropy": "nats", "semantic_entropy_rarefied": "nats"}.get(
            metric, ""
        )
        out.append({"name": name, "value": number(last, percent), "unit": unit, "before": before})
    return out


def _start_told(model: ReportModel) -> str:
    steps = max((len(run.metrics) for run in model.runs), default=0)
    window = max(1, steps // 10)
    told = "the first step" if window == 1 else f"the mean of the first {window} steps"
    return f"The start is {told}." if steps > 1 else ""


def _ends(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    window = max(1, len(values) // 10)
    return average(values[:window]), average(values[-window:])
