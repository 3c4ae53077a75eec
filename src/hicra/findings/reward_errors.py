"""Rewards that are missing, that contradict each other, or that contradict the gold answer.

A verifier that runs out of time, or dies, leaves rollouts without a reward; one that scores them 0 is worse, since nobody sees
it. Two signs of that can be seen in the rollouts alone: equal responses to one prompt with different rewards, and a response
that was called wrong although the text of its last box is the gold answer.

Deviations:
FINDING-9. The alarm is where surely more than a hundredth of the rollouts lack a reward (Wilson's interval; only steps in which
    some rollout has one count), where equal responses of one prompt and step have different rewards, or where a response whose
    last box equals the gold answer, white space aside, is called wrong. Equal responses of systems that play, and of those that
    call tools, are left out: what they met may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from hicra.drawing.readable import counted, number
from hicra.findings.examples import examples
from hicra.findings.finding import Evidence, Finding, Headline
from hicra.findings.questions import Numbers, question_column, question_numbers
from hicra.findings.saved import Rollouts
from hicra.stats import wilson_interval
from hicra.verify import last_box
from hicra.verify.reading.gold import gold_of

NAME = "reward_errors"
MISSING = 0.01
COLUMNS = ("reward", "correct", "group_id", "prompt", "response", "answer", "n_tool_calls")
THEN, THEN_GOLD = "hicra verify ROLLOUTS --judged judged.jsonl", "hicra corpus inspect ROLLOUTS"
_BUSY = "Judge the answers again; a verifier that ran out of time needs a machine that is less busy."
_VALUES = "Judge the answers again with a verifier that compares values, not texts: load has nothing to do with it."
_COLUMN = "The column reward_errors of the metrics counts only rollouts without a reward."


def reward_errors(evidence: Evidence) -> Finding | None:
    """Looks for the three signs; None where no saved rollout has a reward or a verdict."""
    of_step = _flagger(evidence)
    if of_step is None:
        return None
    n = unreadable = 0
    name, column = question_column(evidence.rollouts)
    signs: dict[str, list[Numbers]] = {
        sign: [] for sign in ("_missing", "_odd", "_denied")
    }  # the question of each rollout
    for table in evidence.rollouts.by_step(*COLUMNS, *filter(None, [column])):
        scored = of_step(table)
        n += int(scored["_known"].sum())
        unreadable += _unreadable(scored)
        if scored.select(pl.any_horizontal(*signs).any()).item():
            questions = question_numbers(scored, name, column)
            for sign, found in signs.items():
                found.append(questions[scored[sign].fill_null(False).to_numpy()])
    if not n:
        return None
    lacking, contradicting, refused = (sum(len(part) for part in found) for found in signs.values())
    asked = {sign: len(np.unique(np.concatenate(found))) if found else 0 for sign, found in signs.items()}
    low, high = wilson_interval(lacking, n)
    figures: dict[str, Any] = {
        "rollouts": n, "unscored": lacking, "share": lacking / n, "share_ci": [low, high], "contradicting": contradicting,
        "gold_called_wrong": refused, "unreadable_gold": unreadable,
        "questions": {"unscored": asked["_missing"], "contradicting": asked["_odd"], "gold_called_wrong": asked["_denied"]}
        if name else None,
        "threshold": MISSING,
    }  # fmt: skip
    what, most = next(
        (one for one in (("called wrong although the last box holds the gold answer", refused),
                         ("with another reward than an equal response to the same prompt", contradicting)) if one[1]),
        ("without a reward", lacking),
    )  # fmt: skip
    headline = Headline(f"share of the rollouts {what}", most / n, *wilson_interval(most, n))
    of = {sign: _of_questions(number_of) if name else "" for sign, number_of in asked.items()}
    said, advice, then = [], [], THEN
    if low > MISSING:
        said.append(
            f"{lacking} of {counted(n, 'rollout')} have no reward{of['_missing']} ({number(lacking / n, True)}, "
            f"95\u00a0% interval {number(low, True)} to {number(high, True)})"
        )
        if unreadable:
            these = "all of these" if unreadable == lacking else f"{unreadable} of these"
            advice.append(
                f"The gold answer of {these} is cut or cannot be read, and judging again cannot help there: repair it first."
            )
    if contradicting:
        said.append(
            f"{contradicting} rollouts have another reward than an equal response to the same prompt in their step{of['_odd']}"
        )
    if refused:
        said.append(
            f"{counted(refused, 'response is', 'responses are')} called wrong although the last box holds the gold answer"
            f"{of['_denied']}"
        )
    if (low > MISSING and unreadable < lacking) or contradicting:
        advice.append(_BUSY)
    elif refused:
        advice.append(_VALUES)
    else:
        then = THEN_GOLD
    if said:
        shown = examples(
            evidence.rollouts, pl.any_horizontal("_odd", "_denied") | (pl.col("_missing") & (low > MISSING)),
            [pl.col("_denied"), pl.col("_odd")], made=of_step, columns=COLUMNS,
        )  # fmt: skip
        text = f"Rewards cannot be trusted: {'; '.join(said)}. {' '.join(advice)} {_COLUMN}"
        return Finding(NAME, text, figures, True, headline, shown, then)
    text = f"No reward contradicts another, and {lacking} of {counted(n, 'rollout')} have none."
    return Finding(NAME, text, figures, False, headline)


def _of_questions(number_of: int) -> str:
    return ", all of one question" if number_of == 1 else f", of {number_of} questions"


def _flagger(evidence: Evidence) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    """Returns what adds to the rollouts of a step whether they count (`_known`: some rollout of the step has a reward or a
    verdict), and show one of the signs; None where no step has either.
    """
    schema = evidence.rollouts.schema
    if "step" not in schema:
        return None
    if _numeric(schema.get("reward")) and evidence.rollouts.once(_rewarded):
        score = pl.col("reward").cast(pl.Float64).fill_nan(None)
    elif schema.get("correct") == pl.Boolean:
        score = pl.col("correct").cast(pl.Float64)
    else:
        return None

    def flagged(table: pl.DataFrame) -> pl.DataFrame:
        table = table.with_columns(score.alias("_score"))
        if table["step"].null_count() or table["_score"].null_count() == table.height:
            return table.with_columns(pl.lit(False).alias(name) for name in ("_known", "_missing", "_odd", "_denied"))
        missing, odd, denied = pl.col("_score").is_null(), _contradicted(table, evidence), _denied(table)
        return table.with_columns(
            pl.lit(True).alias("_known"), missing.alias("_missing"), odd.alias("_odd"), denied.alias("_denied")
        )

    return flagged


def _rewarded(rollouts: Rollouts) -> bool:
    """Says whether a rollout of some step has a reward."""
    known = pl.col("reward").cast(pl.Float64).fill_nan(None).is_not_null() & pl.col("step").is_not_null()
    return any(table.select(known.any()).item() for table in rollouts.by_step("reward"))


def _contradicted(rollouts: pl.DataFrame, evidence: Evidence) -> pl.Expr:
    """Which rollouts equal another one of their prompt and step that has another reward."""
    schema = rollouts.schema
    apart = [name for name in ("group_id", "prompt") if name in schema and not schema[name].is_nested()]
    if evidence.system or not apart or schema.get("response") != pl.String:
        return pl.lit(False)
    known = pl.any_horizontal(pl.col(apart).is_not_null()) & pl.col("response").is_not_null()
    if _numeric(schema.get("n_tool_calls")):
        known &= pl.col("n_tool_calls").fill_null(0) == 0
    score = pl.col("_score")
    return known & (score.max().over("step", *apart, "response") > score.min().over("step", *apart, "response"))


def _denied(rollouts: pl.DataFrame) -> pl.Expr:
    """Which rollouts are called wrong although their last box is the gold answer, letter by letter."""
    schema = rollouts.schema
    if {schema.get("answer"), schema.get("response")} != {pl.String} or schema.get("correct") != pl.Boolean:
        return pl.lit(False)
    wrong = (~pl.col("correct")).fill_null(False) & pl.col("answer").is_not_null() & pl.col("response").is_not_null()
    rows = zip(
        *(rollouts[name].to_list() for name in ("response", "answer")), rollouts.select(wrong).to_series(), strict=True
    )
    return pl.lit(pl.Series([called and _is_gold(text, gold) for text, gold, called in rows], dtype=pl.Boolean))


def _unreadable(scored: pl.DataFrame) -> int:
    """The number of rollouts without a reward whose gold answer cannot be an answer (VERIFY-16)."""
    if scored.schema.get("answer") != pl.String:
        return 0
    golds = scored.filter(pl.col("_missing") & pl.col("answer").is_not_null())["answer"].value_counts()
    return sum(count for gold, count in golds.iter_rows() if gold_of(gold).bad)


def _is_gold(response: str, gold: str) -> bool:
    boxed = last_box(response)
    return boxed is not None and "".join(boxed.split()) == "".join(gold.split()) != ""


def _numeric(dtype: pl.DataType | None) -> bool:
    return dtype is not None and dtype.is_numeric()
