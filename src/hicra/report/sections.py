"""Makes the parts of the page that are tables or lists: summary, findings, grams, runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hicra.drawing.readable import counted, number, shorten
from hicra.findings import Finding, told
from hicra.findings.examples import place_text
from hicra.report.extra import words_of
from hicra.report.figures import counted_in, meaning_in
from hicra.report.model import ReportModel, Run
from hicra.report.values import average
from hicra.runs.arms import mapping, shown

MAX_GRAMS, MAX_CONFIG = 60, 20_000
MAX_FINDING, MAX_OPEN = 3000, 3  # characters of a finding; runs whose findings are unfolded without an alarm
GLANCE = (
    ("accuracy", "accuracy", True),
    ("reward", "reward", False),
    ("length", "length", False),
    ("planning_share", "planning share", True),
    ("changed_share", "changed share", True),
    ("semantic_entropy", "semantic entropy", False),
    ("semantic_entropy_rarefied", "rarefied entropy", False),
)


def glance(model: ReportModel) -> dict[str, Any]:
    """Makes one row per arm: the mean over seeds of the last tenth of each run's steps, with the lowest and highest seed."""
    same = all(row.get("reward") in (None, row.get("accuracy")) for run in model.runs for row in run.metrics)
    columns = [
        entry
        for entry in GLANCE
        if model.has(entry[0]) and not (entry[0] == "reward" and same and model.has("accuracy"))
    ]
    rows, several, window = [], False, 1
    for arm, name in enumerate(model.labels):
        members = [run for run in model.runs if run.arm == arm and run.metrics]
        if not members:
            continue
        cells = []
        for metric, _, percent in columns:
            values = []
            for run in members:
                window = max(window, len(run.metrics) // 10)
                value = average([row.get(metric) for row in run.metrics[-max(1, len(run.metrics) // 10) :]])
                values += [] if value is None else [value]
            low, high = (number(end(values), percent) if len(values) > 1 else "" for end in (min, max))
            several = several or len(values) > 1
            cells.append(
                {"mean": number(average(values), percent), "range": low if low == high else f"{low} to {high}"}
            )
        rows.append(
            {
                "arm": arm,
                "name": name,
                "seeds": str(len({run.seed for run in members} - {None}) or "\u2013"),
                "cells": cells,
            }
        )
    means = (
        f"The values are means of the last {window} steps"
        if window > 1
        else f"The values are those of step {model.steps[0]}"
        if model.one_step
        else "The values are those of the last step"
    )
    means += " and of all seeds" if several else ""
    text = f"{means}." + (" Below each are the lowest and the highest seed." if several else "")
    return {
        "means": means,
        "several": several,
        "text": text,
        "columns": [{"name": label, "meaning": meaning_in(metric, counted_in(model))} for metric, label, _ in columns],
        "rows": rows,
        "seeds": bool(model.seeds),
    }


def finding_rows(model: ReportModel) -> list[dict[str, Any]]:
    """Makes the findings of each run: those to tell, the alarms first, those not seen, and what could not be looked for."""
    out = []
    for run in model.runs:
        seen, not_seen = told(run.findings)
        if not run.findings and not run.unlooked:
            continue
        alarms = sum(bool(one.alarm) for one in seen)
        parts = [
            [
                {
                    "name": words_of(one.name),
                    "text": shorten(one.text, MAX_FINDING),
                    "alarm": bool(one.alarm),
                    "figure": _headline(one),
                    "rollouts": ", ".join(map(place_text, one.rollouts)),
                    "then": one.then,
                }
                for one in part
            ]
            for part in (seen, not_seen)
        ]
        out.append(
            {
                "arm": run.arm,
                "name": model.run_label(run),
                "alarms": counted(alarms, "alarm")
                if alarms
                else "no alarm"
                if run.findings
                else "nothing could be looked for",
                "open": bool(alarms) or len(model.runs) <= MAX_OPEN,
                "seen": parts[0],
                "not_seen": parts[1],
                "unlooked": [
                    {"name": words_of(name), "text": why, "alarm": False} for name, why in run.unlooked.items()
                ],
            }
        )
    return out


def _headline(one: Finding) -> str:
    """Says the figure that a finding rests on, with its interval; the empty text where it only describes the run."""
    if one.headline is None:
        return ""
    told = one.headline.as_json()
    ends = (
        f" (95\u00a0% interval {number(told['interval'][0])} to {number(told['interval'][1])})"
        if told["interval"]
        else ""
    )
    return f"{told['what']}: {number(told['value'])}{ends}"


def gram_table(model: ReportModel) -> dict[str, Any]:
    """Makes the table of the grams used most, with their use early and late in each arm."""
    shown = model.grams[:MAX_GRAMS]
    clusters = any(gram.cluster is not None for gram in shown)
    pairs = [(arm, name) for arm, name in enumerate(model.labels)]
    columns = ["gram", "words"]
    if clusters:
        columns += ["cluster", "solutions with the cluster", "with the gram"]
    for _, name in pairs:
        columns += early_and_late(model, name)
    rows = []
    for gram in shown:
        row = [gram.text, str(gram.n)]
        if clusters:
            row += [
                "\u2013" if gram.cluster is None else str(gram.cluster),
                number(gram.cluster_df),
                number(gram.doc_freq),
            ]
        for arm, _ in pairs:
            row += [number(use[arm]) for use in (gram.early, gram.late)[: 1 if model.one_step else 2]]
        rows.append(row)
    text = (
        "Early and late are occurrences per 100 rollouts in the first and the last third of the steps, over all rollouts."
        if not model.one_step
        else "The use of a gram is its occurrences per 100 rollouts, over all rollouts."
    )
    if len(model.grams) > len(shown):
        text += f" The table has the {len(shown)} most used of {len(model.grams)} grams."
    return {"text": text, "columns": columns, "rows": rows}


def early_and_late(model: ReportModel, name: str) -> list[str]:
    """Names the two columns of an arm, or the one where runs have one step; where there is one arm, its name says nothing."""
    if model.one_step:
        return [name if len(model.arms) > 1 else "use"]
    return [f"{name}, early", f"{name}, late"] if len(model.arms) > 1 else ["early", "late"]


def credit_parts(run: Run) -> dict[str, str]:
    """Names the parts of credit that a run was trained with, as its config has them; "" for those that it has not.

    Keys: system (what makes the rollouts), preset, baseline, method (with further shapers behind "then"), loss.
    """
    method = mapping(run.config.get("method"))
    then = method.get("then")
    shapers = [
        _called(method) or shorten(run.method, 300),
        *(_called(one) for one in (then if isinstance(then, list) else [])),
    ]
    return {
        "system": _called(run.config.get("system")),
        "preset": shorten(str(run.config.get("preset") or ""), 300),
        "baseline": _called(run.config.get("baseline")),
        "method": " then ".join(filter(None, shapers)),
        "loss": _called(run.config.get("loss")),
    }


def parts_shown(model: ReportModel) -> list[str]:
    """Returns the keys of `credit_parts` that some run has."""
    of_runs = [credit_parts(run) for run in model.runs]
    return [name for name in (of_runs[0] if of_runs else ()) if any(one[name] for one in of_runs)]


def _called(part: Any) -> str:
    """Writes {name, settings} as `name(setting=value)`; "" where there is no name."""
    name, settings = mapping(part).get("name"), mapping(mapping(part).get("settings"))
    told = ", ".join(f"{key}={shown(value)}" for key, value in settings.items())
    return shorten(f"{name}({told})" if told else str(name or ""), 300)


def run_rows(model: ReportModel) -> list[dict[str, Any]]:
    """Makes the rows of the table of runs."""
    out = []
    for run in model.runs:
        config = json.dumps({"config": run.config, "inputs": run.inputs}, indent=2, ensure_ascii=False)
        out.append(
            {
                "arm": run.arm,
                "name": run.name,
                "parts": credit_parts(run),
                "seed": "\u2013" if run.seed is None else str(run.seed),
                "steps": len(run.steps),
                "rollouts": number(float(run.rollouts)),
                "model": shorten(run.model, 300) or "\u2013",
                "versions": shorten(", ".join(f"{key} {value}" for key, value in run.versions.items()), 500),
                "config": shorten(config, MAX_CONFIG),
            }
        )
    return out


def folder_count(model: ReportModel) -> str:
    """Says what the page was made from."""
    runs, measurements = counted(len(model.runs), "run folder"), counted(len(model.signal), "measurement")
    return " and ".join([runs] * bool(model.runs) + [f"{measurements} of the signal"] * bool(model.signal))


def sentence(names: Sequence[str], most: int = 6) -> str:
    """Lists names with commas, and counts those past the first `most`."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
