"""Reads the traces.jsonl of prime-rl and verifiers: an episode a line, with a trace for each agent that took part.

A trace is a graph of messages; those that the model produced are marked `sampled`. The same trace stands in the files of all
episodes and of those that were trained on, so a trace is known by its id. An episode or trace that ended before the model said
anything has no response.

Deviations (the layout has what the contract does not name):
READ-7. Several rewards that count (their weight is not 0) and no judge among them leave `correct` unknown; the reward is the
    sum of score times weight all the same.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

from hicra.corpus.fields import Fields, Response, number_of, passes
from hicra.corpus.formats.interface import Context, Format, inner, layout, object_of
from hicra.corpus.strict_json import BadRow
from hicra.corpus.turns import asked, joined, turn
from hicra.correctness import CORRECT_AT, judge_of


def rows(row: dict[str, Any], context: Context) -> list[Response]:
    """Returns a response for each trace in which the model said something."""
    traces = row.get("traces", [row])
    if type(traces) is not list or not all(type(trace) is dict for trace in traces):
        raise BadRow("traces must be a list of objects")
    spoken = [trace for trace in traces if any(_sampled(trace))]
    made = []
    for part, trace in enumerate(spoken):
        fields, judged = _fields(row, trace)
        key = trace.get("id")
        made.append(context.respond(row, fields, part=part, parts=len(spoken), key=key, judged=judged))
    return made


def _fields(row: dict[str, Any], trace: dict[str, Any]) -> tuple[Fields, bool]:
    nodes = _sampled(trace)
    said = itertools.chain.from_iterable(turn(node["message"], "a node") or () for node in nodes)
    task = inner(trace, "task", "data") or inner(row, "task", "data")
    fields: Fields = {
        "response": (joined(said), "messages of sampled nodes"),
        "question": (_question(task, trace), "task.data.prompt"),
        "answer": (inner(task, "answer"), "task.data.answer"),
        "id": (trace.get("id"), "trace.id"),
        "group_id": (inner(row, "group", "id"), "group.id"),
        "step": (inner(row, "run", "work", "step"), "run.work.step"),
        "model": (
            next((call["model"] for call in trace.get("calls") or () if inner(call, "model")), None),
            "calls.model",
        ),
        "source": (inner(row, "env", "name") or inner(row, "env", "id"), "env"),
        "token_ids": (_token_ids(nodes), "token_ids of sampled nodes"),
    }
    given = object_of(trace.get("rewards"), "rewards")
    rewards = {name: object_of(reward, f"reward {name}") for name, reward in given.items()}
    weights = {
        name: 1.0 if reward.get("weight") is None else number_of(reward["weight"], f"the weight of {name}")
        for name, reward in rewards.items()
    }
    scored = {
        name: number_of(reward["score"], f"the score of {name}")
        for name, reward in rewards.items()
        if reward.get("score") is not None
    }
    total = math.fsum(scored[name] * weights[name] for name in scored) if scored else None
    fields["reward"] = (total, "score x weight")
    counted = [name for name in rewards if weights[name] != 0]
    judge = judge_of(counted)
    if judge is not None and len(counted) > 1:
        fields["correct"] = (passes(scored.get(judge)), f"{judge} >= {CORRECT_AT}")
    return {
        name: field for name, field in fields.items() if field[0] is not None or name == "reward"
    }, judge is not None


def _sampled(trace: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = trace.get("nodes")
    if type(nodes) is not list:
        raise BadRow("a trace has no list of nodes")
    found = [node for node in nodes if type(node) is dict and node.get("sampled") and type(node.get("message")) is dict]
    return [node for node in found if any(turn(node["message"], "a node") or ())]


def _question(task: Any, trace: dict[str, Any]) -> Any:
    prompt = inner(task, "prompt")
    if type(prompt) is str:
        return prompt
    messages = prompt if type(prompt) is list else [inner(node, "message") for node in trace["nodes"]]
    return asked(messages, "the nodes")


def _token_ids(nodes: list[dict[str, Any]]) -> list[int] | None:
    """Returns the tokens that the model produced, or None where a node has none (another endpoint served it)."""
    if not all(node.get("token_ids") and len(node["token_ids"]) == len(node.get("mask") or ()) for node in nodes):
        return None
    return [token for node in nodes for token, own in zip(node["token_ids"], node["mask"], strict=True) if own]


FORMAT = Format("prime_rl", rows, layout("task"), one_of=layout("traces", "nodes"))
