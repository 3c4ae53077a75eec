"""Turns the rollouts of one generation of any engine into rows of the run folder (columns: runs/folder.py)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Array, Bools
from hicra.engines.shaping import Generation
from hicra.engines.states import tool_tokens
from hicra.engines.turns import truncated
from hicra.tagging import SPANS, Tagger, covered
from hicra.tasks.base import Task

TOOL_OUTPUTS = pl.List(pl.Struct({"at": pl.Int64, "text": pl.String}))


def rollout_table(
    step: int, made: Generation, tagger: Tagger, task: Task | None, end: int | Sequence[int]
) -> pl.DataFrame:
    """Makes the table of a step with one row per rollout.

    Args:
        step: the step.
        made: the rollouts.
        tagger: has tagged them.
        task: knows the exact function of each token; None where there is only a trainer.
        end: the token that ends a response; of a model with several, all of them.
    """
    a = made.arrays
    texts = tagger.texts(a["response_ids"], a["response_mask"])
    base, live_tokens = a["base"], a["response_mask"]
    if base.ndim == 2:  # one a token: the column says their mean
        base = np.where(live_tokens, base, 0.0).sum(axis=1) / np.maximum(live_tokens.sum(axis=1), 1)
    calls, answers = a.get("n_tool_calls"), tool_outputs(a["response_ids"], live_tokens, tagger)
    cut = truncated(a["response_ids"], live_tokens, end)  # with a tool, earlier turns hold an end token too
    rows = []
    for index, (text, ends) in enumerate(texts):
        live = np.flatnonzero(a["response_mask"][index])
        mine = made.tagged.row == index
        spans = [
            {"start": int(s), "end": int(e), "gram": tagger.phrases[g]}
            for s, e, g in zip(
                made.tagged.char_start[mine], made.tagged.char_stop[mine], made.tagged.hits.gram[mine], strict=True
            )
        ]
        inputs, reward, correct = made.inputs[index], float(a["rewards"][index]), float(a["correct"][index])
        prompt = inputs["prompt"]
        rows.append({
            "step": step, "id": f"{inputs.get('id', '')}#{a['rollout'][index]}", "problem": str(inputs.get("id", "")),
            "response": text,
            "prompt": prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False),
            "group_id": str(a["group_ids"][index]), "reward": None if np.isnan(reward) else reward,
            "correct": None if np.isnan(correct) else bool(correct),
            "spans": spans, "planning_chars": covered([(s["start"], s["end"], s["gram"]) for s in spans]),
            "token_ids": a["response_ids"][index, live].tolist(),
            "planning_mask": a["planning_mask"][index, live].astype(int).tolist(),
            "token_ends": [ends[column] for column in live],
            "entropies": _known(a["entropies"][index, live]), "logprobs": _known(a["logprobs"][index, live]),
            "truncated": bool(cut[index]), "n_tool_calls": None if calls is None else int(calls[index]),
            "tool_outputs": answers[index],
            "advantage": float(base[index]), "advantages": a["advantages"][index, live].astype(float).tolist(),
            "labels": None if task is None else task.labels(text, inputs, not cut[index]),
        })  # fmt: skip
    ints, floats = pl.List(pl.Int64), pl.List(pl.Float64)
    schema: dict[str, Any] = {
        "spans": SPANS, "reward": pl.Float64,
        "correct": pl.Boolean, "labels": pl.List(pl.String), "token_ids": ints, "planning_mask": ints, "token_ends": ints,
        "entropies": floats, "logprobs": floats, "advantages": floats, "n_tool_calls": pl.Int64, "tool_outputs": TOOL_OUTPUTS,
    }  # fmt: skip
    return pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)


def _known(values: Array) -> list[float] | None:
    """Returns the values of a row's tokens, None where one is not finite: the loss never saw the row, or the model is ruined."""
    return values.astype(float).tolist() if np.isfinite(values).all() else None


def tool_outputs(ids: Array, live: Bools, tagger: Tagger) -> list[list[dict[str, Any]]]:
    """Returns for each rollout what tools returned in it, a list of {at, text} in order.

    `at` is the character of the response (which is the policy's text alone) before which the output stood. What comes behind the
    last policy token is padding or was never read, and is not told.

    Args:
        ids: [B,T] token ids.
        live: [B,T] bool, the policy tokens.
        tagger: reads token ids.
    """
    tool = tool_tokens(live)
    found: list[list[dict[str, Any]]] = [[] for _ in ids]
    some = np.flatnonzero(tool.any(axis=1))
    if not len(some):
        return found
    written, returned = tagger.texts(ids[some], live[some]), tagger.texts(ids[some], tool[some])
    for row, (_, policy_ends), (text, ends) in zip(some, written, returned, strict=True):
        columns = np.flatnonzero(tool[row])
        done = 0
        for stretch in np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1):
            last = ends[stretch[-1]]
            found[row].append({"at": policy_ends[stretch[0] - 1], "text": text[done:last]})
            done = last
    return found
