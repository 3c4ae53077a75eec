"""Why rollouts fail: exact on `plan_execute`, whose task knows the right plan and reads every equation.

The paper has a judge model name the reason of each failure, and claims from the counts that training takes away errors of
planning and strategy more than others. On this task no judge is needed.

Deviations (the paper's two classes, on a task with four kinds):
ERRORS-3. Errors of planning and strategy are the failures without a right plan: a wrong plan, and giving up without having
    announced a right one. Wrong execution, a wrong form, and giving up a right plan (after a slip, say) are the others.
ERRORS-4. A run without a recorded task is one on `plan_execute` where every prompt of a failure is a prompt of that task; its
    settings are then taken to be the defaults.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from hicra.drawing.readable import counted, number
from hicra.errors import ConfigError
from hicra.findings.columns import with_columns_of
from hicra.findings.error_counts import change, ends_of, groups, periods, told, where, with_period
from hicra.findings.finding import Evidence, Finding
from hicra.findings.saved import Rollouts
from hicra.tasks.plan_execute.failures import KINDS, announces_right_plan, failure_kind, problem_of
from hicra.tasks.plan_execute.settings import PlanExecuteSettings

TASK = "plan_execute"
_KINDS = {"step": "integer", "prompt": "text", "response": "text", "correct": "truth"}
_COLUMNS = ("prompt", "response", "correct", "group_id")
_WORDS = {
    "wrong_plan": "have a wrong plan", "gave_up": "give up", "wrong_execution": "execute a right plan wrongly",
    "format": "have a wrong form",
}  # fmt: skip


def error_types(evidence: Evidence) -> Finding | None:
    """Counts the kinds of failures of a run on `plan_execute`; None on other tasks, and without prompts and verdicts.

    Figures: periods (see `error_counts.periods`), planning_change {difference, low, high} or null, unreadable (failures whose
    prompt is none of the task), unscorable (rollouts without a verdict, a prompt or a text).
    """
    found = evidence.config.get("task")
    task = found if isinstance(found, dict) else {}
    if task.get("name", TASK) != TASK:
        return None
    named = task.get("name") == TASK
    steps, rows = _judged(evidence.rollouts, named)
    if not steps:
        return None
    ends = _ends(evidence.rollouts, steps)
    failures = ends.filter(~pl.col("correct"))
    problems = [problem_of(prompt) for prompt in failures["prompt"].to_list()]
    unreadable = sum(problem is None for problem in problems)
    if not _is_the_task(named, ends, problems):
        return None
    settings = _settings(task)
    if settings is None:
        return Finding(
            "error_types", "The failures cannot be told apart: the settings of the task in the config are none of it."
        )
    of_ends = periods(ends, _with_kind(failures, problems, settings), KINDS, KINDS)
    figures = {
        "periods": of_ends, "planning_change": change(of_ends), "unreadable": unreadable,
        "unscorable": evidence.rollouts.height - rows,
    }  # fmt: skip
    return Finding("error_types", _text(figures), figures)


def _with_kind(failures: pl.DataFrame, problems: list[Any], settings: PlanExecuteSettings) -> pl.DataFrame:
    """Returns the failures with their `kind`, and with `planning`, which says whether they are errors of planning (ERRORS-3)."""
    kinds: list[str | None] = []
    planning: list[bool | None] = []
    for text, problem in zip(failures["response"].to_list(), problems, strict=True):
        kind = None if problem is None else failure_kind(text, problem, settings)
        kinds.append(kind)
        quits = kind == "gave_up" and not announces_right_plan(text, problem, settings)
        planning.append(None if kind is None else kind == "wrong_plan" or quits)
    return failures.with_columns(pl.Series("kind", kinds, pl.String), pl.Series("planning", planning, pl.Boolean))


def _settings(task: dict[str, Any]) -> PlanExecuteSettings | None:
    """The recorded settings, the defaults where there are none, and None where this version does not know them."""
    given = task.get("settings", {})
    try:
        return PlanExecuteSettings.parse(given) if isinstance(given, dict) else None
    except ConfigError:
        return None


def _judged(rollouts: Rollouts, named: bool) -> tuple[list[int], int]:
    """Returns the steps with rollouts that have a verdict, a prompt and a text, and the number of these.

    There are none where the first failure of a run without a recorded task is on another prompt, which belongs to the first end
    of the run: that spares the others.
    """
    steps, rows, failed = [], 0, False
    for table in rollouts.by_step(*_COLUMNS):
        if (judged := with_columns_of(table, **_KINDS)) is None:
            continue
        steps.append(int(judged["step"][0]))
        rows += judged.height
        failures = judged.filter(~pl.col("correct"))
        if not named and not failed and failures.height and len(steps) == 1:
            failed = True
            if problem_of(failures["prompt"][0]) is None:
                return [], 0
    return steps, rows


def _ends(rollouts: Rollouts, steps: list[int]) -> pl.DataFrame:
    """Returns the judged rollouts of both ends with `period` and `group`; of right ones without their text."""
    kept = []
    for table in rollouts.by_step(*_COLUMNS, steps=ends_of(steps)):
        if (judged := with_columns_of(table, **_KINDS)) is not None:
            text = pl.when("correct").then(pl.lit("")).otherwise("response")
            kept.append(judged.with_columns(text.alias("response")))
    ends = with_period(pl.concat(kept), steps)
    return ends.with_columns(groups(ends, "prompt"))


def _is_the_task(named: bool, ends: pl.DataFrame, problems: list[Any]) -> bool:
    """Whether the run is one on the task: its config says so, or its prompts do (ERRORS-4)."""
    if named:
        return any(problem_of(prompt) is not None for prompt in ends["prompt"].head(100).to_list())
    return bool(problems) and all(problem is not None for problem in problems)


def _text(figures: dict[str, Any]) -> str:
    said = []
    for one in figures["periods"]:
        failures = sum(one["counts"].values())
        if not failures:
            said.append(f"No rollout fails {where(one)}.")
            continue
        shares = [f"{number(one['shares'][kind], percent=True)} {words}" for kind, words in _WORDS.items()]
        said.append(
            f"Of {counted(failures, 'failed rollout')} {where(one)}, {', '.join(shares[:-1])} and {shares[-1]}."
        )
    numbers = [one["planning_errors"] for one in figures["periods"]]
    said.append(told(figures["planning_change"], figures["periods"], numbers))
    if figures["unreadable"]:
        said.append(
            f"{counted(figures['unreadable'], 'failure has', 'failures have')} a prompt that is none of the task."
        )
    return " ".join(filter(None, said))
