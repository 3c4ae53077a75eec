"""Makes the JSON block of the rollout viewer within a number of bytes; texts are cut before rollouts are dropped."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hicra.drawing import theme
from hicra.drawing.readable import shorten
from hicra.report.encode import counts, levels, runs, script_json, utf16
from hicra.report.model import Gram, ReportModel, Rollout
from hicra.report.pictures import MOST_BYTES, Picture, pictures
from hicra.report.trees import shown_tree

TAIL = 200
MOST_OF_NODE = 60  # characters of an action in a tree
MOST_SUBGOALS = 50
MOST_OF_ANSWER = 300  # characters of a gold answer, or of one that was found
LEAST = 300  # characters: below this, rollouts are dropped instead of cut further
_WORD = re.compile(r"\S+")


def cut(rollout: Rollout, most: int) -> Rollout:
    """Cuts prompt and response to at most `most` characters, and drops the tokens and spans beyond the cut."""
    prompt = rollout.prompt if len(rollout.prompt) <= most else rollout.prompt[: most - 1] + "\u2026"
    subgoals = tuple(shorten(one, most) for one in rollout.subgoals[:MOST_SUBGOALS])
    if len(rollout.response) <= most:
        tools = tuple((at, shorten(returned, most)) for at, returned in rollout.tools)
        return replace(rollout, prompt=prompt, tools=tools, subgoals=subgoals)
    kept = bisect_right(rollout.ends, most)
    text = rollout.response[: rollout.ends[kept - 1] if kept else most]
    words = len(_WORD.findall(text))
    one_a_token = len(rollout.labels) == len(rollout.ends)
    return replace(
        rollout,
        prompt=prompt,
        response=text,
        spans=tuple((start, min(end, len(text)), gram) for start, end, gram in rollout.spans if start < len(text)),
        ends=rollout.ends[:kept],
        planning=rollout.planning[:kept],
        after=rollout.after[:kept],
        entropies=rollout.entropies[:kept],
        logprobs=rollout.logprobs[:kept],
        labels=rollout.labels[: kept if one_a_token else words],
        tools=tuple((at, shorten(returned, most)) for at, returned in rollout.tools if at <= len(text)),
        subgoals=subgoals,
    )


def entry(
    rollout: Rollout, whole: Rollout, grams: dict[str, int], labels: dict[str, int], prompt: int | None
) -> dict[str, Any]:
    """Makes one rollout for the viewer; keys are named as the fields of `Rollout`, and only values that exist have one.

    `arm`, `run`, `prompt` and the grams of `spans` are indices into the lists of the block. These are packed (encode.py, unpacked
    in packed.js): `spans` (start minus the last start, length, gram), `ends` (length of each token), `planning`, `after`,
    `entropies`, `logprobs`, `labels`, and, if labels are one per word, `words` (starts and ends of words). `whole` describes the
    uncut response, and `nodes` is the number of nodes of a tree that was cut.
    """
    text = rollout.response
    name = " · ".join(
        part for part in (rollout.id[:120], f"group {rollout.group[:120]}" if rollout.group else "") if part
    )
    head: dict[str, Any] = {
        "run": rollout.run,
        "arm": rollout.arm,
        "step": rollout.step,
        "name": name or None,
        "prompt": prompt,
    }
    head |= {"reward": rollout.reward, "correct": rollout.correct, "before": rollout.before, "length": whole.length}
    head |= {name: shorten(getattr(whole, name), MOST_OF_ANSWER) or None for name in ("gold", "found")}
    out: dict[str, Any] = {key: value for key, value in head.items() if value is not None} | {"response": text}
    if len(text) < len(whole.response):
        tail = whole.response[max(len(text), len(whole.response) - TAIL) :]
        out["whole"] = {"length": len(whole.response), "end": tail}
    flat, last = [], 0
    for (_, _, gram), start, end in zip(
        rollout.spans,
        utf16(text, [start for start, _, _ in rollout.spans]),
        utf16(text, [end for _, end, _ in rollout.spans]),
        strict=True,
    ):
        flat += [start - last, end - start, grams[gram]]
        last = start
    out["spans"] = counts(flat)
    if rollout.ends:
        ends = utf16(text, rollout.ends)
        out["ends"] = counts(end - start for start, end in zip((0, *ends), ends, strict=False))
        out["planning"] = runs(rollout.planning)
        for key in ("after", "entropies", "logprobs"):
            column = getattr(rollout, key)
            if any(value is not None for value in column):
                out[key] = levels(column)
    if rollout.tools:
        places = utf16(text, [at for at, _ in rollout.tools])
        out["tools"] = [[at, returned] for at, (_, returned) in zip(places, rollout.tools, strict=True)]
    if rollout.tree:
        out["tree"] = shown_tree(rollout.tree, MOST_OF_NODE)
        if len(rollout.tree) > len(out["tree"]):
            out["nodes"] = len(rollout.tree)
    if rollout.subgoals:
        out["subgoals"] = list(rollout.subgoals)
    if rollout.labels:
        out["labels"] = counts(labels[label] for label in rollout.labels)
        if len(rollout.labels) != len(rollout.ends):
            words = [found.span() for found in _WORD.finditer(text)][: len(rollout.labels)]
            edges = utf16(text, [edge for span in words for edge in span])
            out["words"] = counts(edge - before for before, edge in zip((0, *edges), edges, strict=False))
    return out


def block(
    model: ReportModel, rollouts: Sequence[Rollout], most: int, made: Mapping[tuple[int, str], Picture] | None = None
) -> str:
    """Makes the JSON block of these rollouts, as the page's script reads it.

    Args:
        model: the model.
        rollouts: the rollouts.
        most: the characters that their texts are cut to.
        made: their images by run and name; None makes them.
    """
    made = pictures(model, rollouts) if made is None else made
    keys = dict.fromkeys((rollout.run, name) for rollout in rollouts for name in rollout.images)
    images = {key: number for number, key in enumerate(keys)}
    numbers: dict[str, int] = {}
    for rollout in rollouts:  # prompts are numbered before they are cut, since different ones may be equal afterwards
        if rollout.prompt:
            numbers.setdefault(rollout.prompt, len(numbers))
    short = [cut(rollout, most) for rollout in rollouts]
    prompts = {
        numbers[whole.prompt]: cut_one.prompt for whole, cut_one in zip(rollouts, short, strict=True) if whole.prompt
    }
    known = {gram.text: gram for gram in model.grams}
    grams = {gram: i for i, gram in enumerate(sorted({gram for rollout in short for _, _, gram in rollout.spans}))}
    labels = {label: i for i, label in enumerate(_order({label for rollout in short for label in rollout.labels}))}
    steps = [rollout.step for rollout in rollouts]
    units = {rollout.unit for rollout in rollouts}
    return script_json(
        {
            "arms": list(model.labels),
            "colours": theme.ARMS,
            "runs": [run.name for run in model.runs],
            "steps": [min(steps), max(steps)],
            "unit": units.pop() if len(units) == 1 else "length",
            "has": shown_parts(rollouts),
            "grams": [_gram(known.get(text, Gram(text, 0))) for text in grams],
            "labels": list(labels),
            "prompts": [prompts[number] for number in range(len(numbers))],
            **({"images": [made[key] for key in keys]} if keys else {}),
            "rollouts": [
                entry(one, whole, grams, labels, numbers.get(whole.prompt))
                | ({"images": [images[one.run, name] for name in one.images]} if one.images else {})
                for one, whole in zip(short, rollouts, strict=True)
            ],
        }
    )


def shown_parts(rollouts: Sequence[Rollout]) -> list[str]:
    """Lists the columns of the table of rollouts, and the ways to colour tokens, for which some rollout has values."""
    ways = {
        "correct": any(one.correct is not None for one in rollouts),
        "question": any(one.prompt for one in rollouts),
        "gold": any(one.gold for one in rollouts),
        "found": any(one.found for one in rollouts),
        "reward": any(one.reward is not None for one in rollouts),
        "share": any(one.planning for one in rollouts),
        "cluster": any(one.spans for one in rollouts),
        "advantage": any(one.after for one in rollouts),
        "change": any(one.after and one.before is not None for one in rollouts),
        "entropy": any(one.entropies for one in rollouts),
        "logprob": any(one.logprobs for one in rollouts),
        "labels": any(one.labels for one in rollouts),
    }
    return ["step", "arm", "length", "planning", *(name for name, there in ways.items() if there)]


def _gram(gram: Gram) -> dict[str, Any]:
    """Makes one gram for the viewer, which is only its text if the lexicon is not known."""
    out = {"gram": gram.text, "cluster": gram.cluster, "cluster_df": gram.cluster_df, "doc_freq": gram.doc_freq}
    return {key: value for key, value in out.items() if value is not None}


def _order(labels: set[str]) -> list[str]:
    """Sorts labels: the known ones first, in their usual order (page.css has their colours), then the others by name."""
    usual = ("plan", "reflect", "execute", "format")
    return [*(label for label in usual if label in labels), *sorted(labels - set(usual))]


def pack(model: ReportModel, budget: int) -> tuple[str, list[Rollout], int | None]:
    """Makes the JSON block within `budget` bytes.

    Returns:
        The text, the rollouts in it, and the number of characters that texts were cut to (None if they were not cut).
    """
    rollouts = list(model.rollouts)
    if not rollouts:
        return "", [], None
    made = pictures(model, rollouts, min(MOST_BYTES, budget // 2))
    most, longest = (
        _guess(rollouts, budget - sum(len(src) for src in {one.get("src", "") for one in made.values()})),
        max(len(text) for r in rollouts for text in (r.response, r.prompt, *(returned for _, returned in r.tools))),
    )
    while True:
        text = block(model, rollouts, most, made)
        size = len(text.encode())
        if size <= budget or (len(rollouts) == 1 and most <= LEAST):
            return text, rollouts, most if most < longest else None
        if most > LEAST:  # short texts are not cut, so try again with a little less than the ratio says
            most = max(LEAST, int(min(most, longest) * max(0.3, 0.97 * budget / size)))
        else:
            rollouts = rollouts[::2]


def _guess(rollouts: Sequence[Rollout], budget: int) -> int:
    """Estimates how many characters a text may have, from the bytes of texts and columns, so that few sizes are tried."""
    sizes: list[tuple[int, float]] = [
        (len(text), len(text.encode())) for text in {rollout.prompt for rollout in rollouts}
    ]
    for rollout in rollouts:
        columns = (
            1.1 + 2 * bool(rollout.entropies) + 2 * bool(rollout.logprobs) + bool(rollout.after) + bool(rollout.labels)
        )
        sizes += [(len(returned), len(returned.encode())) for _, returned in rollout.tools]
        sizes.append((len(rollout.response), len(rollout.response.encode()) + columns * len(rollout.ends)))
    low, high = LEAST, max(LEAST, *(length for length, _ in sizes)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        fits = sum(size * min(length, middle) / max(1, length) for length, size in sizes) <= budget
        low, high = (middle, high) if fits else (low, middle)
    return low
