"""How the tagging benchmark measures: CPU rates, peak memory, and where the time goes."""

from __future__ import annotations

import contextlib
import cProfile
import ctypes
import gc
import importlib.util
import os
import pstats
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FIRST_TOKENS = 32  # of the batch, where a slow tagger begins
STREAM_ROWS = 32
TOP = 14  # entries a profile keeps


@dataclass
class Rate:
    """CPU seconds that one tagger took for `tokens` tokens, each time."""

    tokens: int
    seconds: list[float]

    @property
    def best(self) -> float:
        return self.tokens / max(min(self.seconds), 1e-9)

    def as_row(self) -> dict[str, Any]:
        return {
            "tokens": self.tokens,
            "repeats": len(self.seconds),
            "tokens_per_cpu_s": round(self.best),
            "median_tokens_per_cpu_s": round(self.tokens / max(float(np.median(self.seconds)), 1e-9)),
            "worst_tokens_per_cpu_s": round(self.tokens / max(max(self.seconds), 1e-9)),
        }


def cpu_seconds(call: Callable[[], Any], collect: bool = True) -> tuple[float, Any]:
    """CPU seconds of one call, and what it returned."""
    if collect:
        gc.collect()
    begin = time.process_time()
    out = call()
    return time.process_time() - begin, out


def prefix_rate(tagger: Any, ids: Any, live: Any, budget: float) -> tuple[Any, Rate]:
    """Tags ever longer beginnings of the batch (whole rows and part of one more) until the budget would be passed.

    Returns:
        the mask of the longest one, padded with False to [B,T], and its rate.
    """
    ends = np.cumsum(live.sum(axis=1))
    total, tokens = int(ends[-1]), FIRST_TOKENS
    while True:
        tokens = min(tokens, total)
        whole = int(np.searchsorted(ends, tokens, side="right"))
        rows = min(whole + 1, len(ids))
        part = live[:rows].copy()
        if whole < rows:
            part[whole] &= np.arange(live.shape[1]) < tokens - (int(ends[whole - 1]) if whole else 0)
        width = int(part.sum(axis=1).max())  # a batch of its own: no wider than it must be
        given = (ids, live) if tokens == total else (np.ascontiguousarray(ids[:rows, :width]), part[:, :width])
        seconds, found = cpu_seconds(lambda given=given: tagger.find(*given))
        if tokens == total or seconds * 2.5 > budget:  # twice as much would take twice as long
            mask = np.zeros_like(live)
            mask[: found.shape[0], : found.shape[1]] = found
            return mask, Rate(tokens, [seconds])
        tokens = total if seconds * total < budget * tokens and tokens > 1000 else tokens * 2


def rounds(taggers: dict[str, Any], ids: Any, live: Any, repeats: int, budget: float) -> dict[str, Rate]:
    """Interleaved rounds over the whole batch: each round runs every tagger once; those past their budget drop out."""
    found = {name: Rate(int(live.sum()), []) for name in taggers}
    for _ in range(repeats):
        for name, tagger in taggers.items():
            if sum(found[name].seconds) < budget:
                found[name].seconds.append(cpu_seconds(lambda t=tagger: t.find(ids, live))[0])
    return found


def _status(key: str) -> int:
    """A figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def peak_memory(call: Callable[[], Any], batch_bytes: int) -> dict[str, Any]:
    """What one warm call needs above what was there before, by the allocator's trace and by resident pages (Linux)."""
    call()
    gc.collect()
    found: dict[str, Any] = {"batch_bytes": batch_bytes}
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed goes back, so that it counts again
    if os.path.exists("/proc/self/clear_refs"):
        Path("/proc/self/clear_refs").write_text("5")  # the peak of resident memory starts anew
        before = _status("VmRSS")
        call()
        found["resident_peak_bytes"] = max(0, _status("VmHWM") - before)
        found["resident_multiple_of_batch"] = round(found["resident_peak_bytes"] / batch_bytes, 2)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        call()
        found["traced_peak_bytes"] = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    found["traced_multiple_of_batch"] = round(found["traced_peak_bytes"] / batch_bytes, 2)
    return found


def profiled(call: Callable[[], Any], repeats: int) -> dict[str, Any]:
    """Where the time goes, as shares of one warm call.

    `by_function`: hicra's functions, each with the numpy and C calls it makes but without other functions of hicra.
    `by_call`: the single functions, Python's and C's, by their own time (the profiler weighs on short calls).
    """
    call()
    shares = _profile(call, repeats, builtins=False)
    own: dict[str, float] = {}
    for place, (_, _, _, cumulative, callers) in shares.items():
        if not _is_hicra(place):
            continue
        own[_label(place)] = own.get(_label(place), 0.0) + cumulative
        for caller, (_, _, _, inside) in callers.items():
            above = _hicra_above(caller, shares)
            if above is not None and above != place:
                own[_label(above)] = own.get(_label(above), 0.0) - inside
    calls: dict[str, float] = {}
    for place, (_, _, own_time, _, _) in _profile(call, repeats, builtins=True).items():
        calls[_label(place)] = calls.get(_label(place), 0.0) + own_time
    return {"by_function": _top(own), "by_call": _top(calls)}


def _profile(call: Callable[[], Any], repeats: int, builtins: bool) -> dict[Any, Any]:
    profile = cProfile.Profile(time.process_time, builtins=builtins)
    for _ in range(repeats):
        profile.runcall(call)
    return pstats.Stats(profile).stats  # type: ignore[attr-defined]


def _is_hicra(place: tuple[str, int, str]) -> bool:
    return f"{os.sep}hicra{os.sep}" in place[0] and "site-packages" not in place[0]


def _hicra_above(place: Any, shares: dict[Any, Any]) -> Any:
    """The function of hicra that a call came from: itself, or the first one above (through numpy's wrappers)."""
    for _ in range(8):
        if _is_hicra(place):
            return place
        callers = shares.get(place, (0, 0, 0, 0, {}))[4]
        if not callers:
            return None
        place = max(callers, key=lambda caller: callers[caller][3])
    return None


def _label(place: tuple[str, int, str]) -> str:
    file, _, name = place
    return name if file == "~" else f"{Path(file).stem}.{name}"


def _top(times: dict[str, float]) -> dict[str, float]:
    total = sum(times.values()) or 1.0
    ranked = sorted(times.items(), key=lambda item: -item[1])[:TOP]
    return {name: round(seconds / total, 3) for name, seconds in ranked if seconds > 0.005 * total}


def streamed(tagger: Any, ids: Any, live: Any, grams: int, seconds: float) -> list[dict[str, Any]]:
    """The streaming tagger on the first rows side by side, in pieces of 1, 16 and 256 tokens a row, as far as the time goes.

    Each is held against `Tagger.mask` of the same tokens in one go: the mask must be the same, the ratio says what it costs.
    """
    if importlib.util.find_spec("hicra.tagging.streaming") is None:
        return []
    from hicra.tagging import StreamTagger

    ids, live, found = ids[:STREAM_ROWS], live[:STREAM_ROWS], []
    for piece in (1, 16, 256):
        stream, spent, at = StreamTagger(tagger, len(ids)), 0.0, 0
        parts: list[list[Any]] = [[] for _ in ids]
        while at < ids.shape[1] and live[:, at].any() and spent < seconds:
            part = slice(at, at + piece)
            took, masks = cpu_seconds(lambda s=stream, p=part: s.feed(ids[:, p], live[:, p]), collect=False)
            spent, at = spent + took, min(at + piece, ids.shape[1])
            for row, mask in zip(parts, masks, strict=True):
                row.append(mask)
        for row, mask in zip(parts, stream.finish(), strict=True):
            row.append(mask)
        fed = np.ascontiguousarray(ids[:, :at]), np.ascontiguousarray(live[:, :at])
        tokens = int(fed[1].sum())
        tagger.mask(*fed)
        whole, mask = min((cpu_seconds(lambda f=fed: tagger.mask(*f)) for _ in range(5)), key=lambda pair: pair[0])
        found.append(
            {
                "grams": grams,
                "rows": len(ids),
                "piece": piece,
                "tokens": tokens,
                "tokens_per_cpu_s": round(tokens / spent),
                "us_per_feed": round(1e6 * spent / -(-at // piece), 1),
                "one_go_tokens_per_cpu_s": round(tokens / max(whole, 1e-9)),
                "same_as_one_go": bool(
                    all((np.concatenate(row) == one).all() for row, one in zip(parts, mask, strict=True))
                ),
            }
        )
    return found
