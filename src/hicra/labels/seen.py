"""Knows the traces that a lexicon was fitted on: a score on them flatters it, and its held-out figure says more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hicra.artifacts import sha256_bytes
from hicra.drawing.readable import counted
from hicra.labels.traces import LabelledTrace
from hicra.lexicon import Lexicon

TEXTS = "texts_sha256"  # in the statistics of a fitted lexicon


def fingerprints(texts: Iterable[str]) -> list[str]:
    """Returns the first 16 hex digits of the sha256 of each distinct text, sorted."""
    return sorted({sha256_bytes(text.encode("utf-8", "surrogatepass"))[:16] for text in texts})


def seen_warning(lexicon: Lexicon, traces: Sequence[LabelledTrace]) -> str | None:
    """Says that some traces are those a lexicon was fitted on, with its figure for questions held out; None where none is."""
    statistics = lexicon.meta.get("statistics") or {}
    listed = statistics.get(TEXTS)
    known = {one for one in listed if isinstance(one, str)} if isinstance(listed, list) else set()
    seen = [trace for trace in traces if known.intersection(fingerprints([trace.response]))]
    if not seen:
        return None
    sources = {trace.label_source for trace in seen}
    kind = sources.pop() if len(sources) == 1 else "all"
    cross = statistics.get("cross_validation")
    own, by = _f1(cross, "source", kind), f" with {kind} labels"
    if own is None:
        own, by = _f1(cross, "pooled"), ""
    held = f": on questions that were held out{by}, its F1 is {own:.3f}" if own is not None else ""
    return (
        f"lexicon {lexicon.name!r} was fitted on {len(seen)} of these {counted(len(traces), 'trace')}, so its figures here are "
        f"too high{held}"
    )


def _f1(value: Any, *keys: str) -> float | None:
    for key in (*keys, "f1"):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, int | float) else None
