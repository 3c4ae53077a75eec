"""Why rollouts on real text fail, in the opinion of a judge model behind an OpenAI-compatible endpoint; only when asked for.

Each failed rollout with a question and a reference is judged twice. The first pass counts; the second one, with the kinds in
reverse order, says how far the judge agrees with itself (`hicra.stats.cohen_kappa`). Nothing here checks it against people.

Deviations (the paper names GPT-4o as the judge and gives neither sample sizes nor agreement; its prompt is not used):
JUDGE-3. Decoding is greedy (temperature 0), the two passes have different seeds, and an answer has at most 2048 tokens.
JUDGE-4. Of each end of the run (ERRORS-1) at most a set number of failures is judged, drawn with a fixed seed. The number of
    planning errors of all failures is then an estimate: the share among the judged ones times the number of failures.
JUDGE-5. The share of planning errors is of the failures that the first pass calls planning or other. What is acceptable, not
    to be told or unparsable is counted beside it and never scored.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from hicra.drawing.readable import counted, decimal, number
from hicra.errors import ConfigError, EngineError, UsageError
from hicra.findings.error_counts import PERIOD, change, groups, periods, told, where, with_period
from hicra.findings.finding import Finding
from hicra.findings.judge_prompt import MEANINGS, UNPARSABLE, kind_in, question
from hicra.generation.endpoint import FIRST_WAIT_S, KEYS, Endpoint
from hicra.generation.interface import Generator, Request, SamplingSettings
from hicra.stats import cohen_kappa, raw_agreement

LIMIT = 200
COLUMNS = ("step", "response", "correct", "question", "answer", "solution", "group_id")  # what is read of the rows
LONGEST = 60_000  # characters of a question, its reference and the response together
SETTINGS = SamplingSettings(temperature=0.0, top_p=1.0, max_new_tokens=2048)
_PASSES, _SEED = 2, 0
_CHECK = (
    f"check --judge (the address usually ends in /v1), --judge-model and the key in {KEYS[0]}; nothing has been written"
)


class Judge(NamedTuple):
    """What judges, two requests a failure, and how many failures of each end of a run it judges at most."""

    generator: Generator
    limit: int = LIMIT


def judge_of(address: str, model: str, limit: int = LIMIT, first_wait_s: float = FIRST_WAIT_S) -> Judge | None:
    """Makes the judge that the command line names, or None where it names none; nothing is sent yet.

    Args:
        address, model: of the endpoint, and its name for the judge model.
        limit: of `Judge`.
        first_wait_s: seconds before the second try of a request that fails; later waits are longer.

    Raises:
        UsageError: the address or the model is missing, or the limit is below 1.
        ConfigError: the address is none of an endpoint.
    """
    if not address and not model:
        return None
    if not address or not model:
        given, missing = ("--judge", "--judge-model NAME") if address else ("--judge-model", "--judge URL")
        raise UsageError(f"{given} needs {missing}", "as in --judge http://localhost:8000/v1 --judge-model NAME")
    if limit < 1:
        raise UsageError(f"--judge-limit is {limit}", f"give at least 1; the default is {LIMIT}")
    try:
        return Judge(Endpoint(address, model, first_wait_s), limit)
    except ConfigError as error:
        fix = "give an address, as in --judge http://localhost:8000/v1"
        raise ConfigError(f"--judge: {error.message}", fix) from None


def judged_errors(rows: pl.DataFrame, judge: Judge) -> Finding:
    """Has a judge name the kind of failed rollouts, and counts them in the first and the last fifth of the steps.

    Args:
        rows: step, response, correct, question, and answer or solution; further columns do not matter but `group_id`.
        judge: what answers.

    Returns:
        The finding. Its figures are periods (as `error_counts.periods`, with `failures`, all of that end with a reference, and
        `judged`; planning_errors is an estimate for all of them), planning_change, agreement {failures, raw, kappa}, unparsable
        (answers of each pass), without_reference and too_long (failures that are not judged for that), unscorable (rollouts
        without a verdict) and requests. There are none where no rollout has a verdict, a question and a reference.

    Raises:
        EngineError: the endpoint refuses, or does not answer after several tries.
    """
    known = rows.filter(pl.col("correct").is_not_null())
    usable = known.with_columns(_reference(known)).filter(
        pl.col("question").is_not_null() & (pl.col("reference") != "")
    )
    if not usable.height:
        return Finding(
            "judged_errors", "The judge was not asked: no rollout has a verdict, a question and an answer or solution."
        )
    ends = with_period(usable)
    ends = ends.with_columns(groups(ends, "question"))
    failures = ends.filter(~pl.col("correct"))
    short = pl.sum_horizontal(pl.col("question", "reference", "response").str.len_chars()) <= LONGEST
    asked = _drawn(failures.filter(short), judge.limit)
    first, second = _passes(asked, judge.generator)
    scored = [{"planning": True, "other": False}.get(kind) for kind in first]
    named = asked.with_columns(pl.Series("kind", first, pl.String), pl.Series("planning", scored, pl.Boolean))
    found = periods(ends, named, [*MEANINGS, UNPARSABLE], ["planning", "other"])
    for one in found:
        one["failures"] = failures.filter(pl.col("period") == one["period"]).height
        one["judged"] = asked.filter(pl.col("period") == one["period"]).height
        one["planning_errors"] = round(_estimate(one), 1)
    both = [pair for pair in zip(first, second, strict=True) if UNPARSABLE not in pair]
    figures: dict[str, Any] = {
        "periods": found, "planning_change": change(found),
        "agreement": {
            "failures": len(both), "raw": raw_agreement(*_columns(both)), "kappa": cohen_kappa(*_columns(both)),
        },
        "unparsable": [first.count(UNPARSABLE), second.count(UNPARSABLE)],
        "without_reference": _failed(known) - _failed(usable), "too_long": failures.filter(~short).height,
        "unscorable": rows.height - known.height, "requests": _PASSES * asked.height,
    }  # fmt: skip
    return Finding("judged_errors", _text(figures), figures)


def _reference(rows: pl.DataFrame) -> pl.Expr:
    """[rows] the worked solution and the answer, as far as there are any; else the empty text."""
    names = [name for name in ("solution", "answer") if name in rows.columns and rows.schema[name] == pl.String]
    return pl.concat_str(
        [pl.col(name).fill_null("").str.strip_chars() for name in names] or [pl.lit("")], separator="\n"
    ).str.strip_chars().alias("reference")  # fmt: skip


def _drawn(failures: pl.DataFrame, limit: int) -> pl.DataFrame:
    rng = np.random.default_rng(_SEED)
    parts = [failures.filter(pl.col("period") == name) for name in PERIOD]
    return pl.concat(
        part if part.height <= limit else part[np.sort(rng.choice(part.height, limit, replace=False))] for part in parts
    )


def _passes(asked: pl.DataFrame, judge: Generator) -> tuple[list[str], list[str]]:
    """Returns the kind of each failure in the first and in the second pass."""
    texts = list(zip(asked["question"], asked["reference"], asked["response"], strict=True))
    requests = [
        Request([{"role": "user", "content": question(*of, reverse=bool(seed))}], seed)
        for seed in range(_PASSES)
        for of in texts
    ]
    try:
        made = judge.generate(requests, SETTINGS)
    except EngineError as error:
        raise EngineError(f"the judge gave no answer: {error.message}", _CHECK) from None
    kinds = [kind_in(one) for one in made]
    return kinds[: len(texts)], kinds[len(texts) :]


def _failed(rows: pl.DataFrame) -> int:
    return int((~rows["correct"]).sum())


def _columns(pairs: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [first for first, _ in pairs], [second for _, second in pairs]


def _estimate(period: dict[str, Any]) -> float:
    return period["failures"] * period["counts"]["planning"] / period["judged"] if period["judged"] else 0.0


def _text(figures: dict[str, Any]) -> str:
    said = [_of_period(one) for one in figures["periods"]]
    numbers = [one["planning_errors"] for one in figures["periods"]]
    said.append(told(figures["planning_change"], figures["periods"], numbers))
    agreement = figures["agreement"]
    if agreement["failures"]:
        kappa = "not defined" if agreement["kappa"] is None else decimal(agreement["kappa"], 2)
        said.append(
            f"Two passes agree in {number(agreement['raw'], percent=True)} of {counted(agreement['failures'], 'failure')} "
            f"(Cohen's kappa {kappa}); no person has checked the judge."
        )
    for name, what in (("without_reference", "no question or no reference"), ("too_long", "too long a text")):
        if figures[name]:
            said.append(f"Not judged, with {what}: {counted(figures[name], 'failure')}.")
    return " ".join(filter(None, said))


def _of_period(one: dict[str, Any]) -> str:
    if not one["judged"]:
        return f"No failure {where(one)} was judged."
    counts, share = one["counts"], one["planning_share"]
    shown = "" if share is None else f" ({number(share, percent=True)} planning)"
    return (
        f"Of {counted(one['failures'], 'failure')} {where(one)} the judge saw {one['judged']}: {counts['planning']} planning and "
        f"{counts['other']} other errors{shown}, {counts['acceptable']} acceptable answers, {counts['cannot_tell']} that it "
        f"cannot tell, and {counts[UNPARSABLE]} unparsable replies."
    )
