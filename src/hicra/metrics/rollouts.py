"""Statistics of a batch of rollouts, which merge exactly over batches and ranks, and the metrics computed from them.

Deviations (section 3 of the paper leaves these open):
METRIC-1. The semantic entropy counts occurrences per gram of the lexicon; of nested occurrences only the longest counts.
METRIC-2. What follows a gram is the next three tokens; an occurrence counts only if they are policy tokens of its response.
METRIC-3. A response is right if its task says so. Where there are only rewards, it is right if the reward that judges (the only
    one, or the only one whose name holds "accuracy" or "correct") is at least 0.5; where no reward judges, nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hicra.arrays import Array, Bools, Floats, Ints
from hicra.correctness import CORRECT_AT
from hicra.metrics.entropy import all_entropies, conditional_entropy, rarefied_entropy
from hicra.metrics.kinds import KINDS, kind_masks
from hicra.metrics.passk import pass_at_k
from hicra.metrics.table import FOLLOWING, RAREFY_HITS, powers_of_two


def _no_floats() -> Floats:
    return np.zeros(0)


def _no_ints() -> Ints:
    return np.zeros(0, np.int64)


@dataclass
class RolloutStats:
    """Counts of some rollouts; two are merged by adding their sums and joining their lists.

    Attributes:
        rows: number of rollouts.
        tokens, planning, changed: numbers of policy tokens, of planning tokens (None if no lexicon was applied) and of tokens
            whose advantage changed (None if no advantage is known).
        advantage_before, advantage_after: sums over policy tokens.
        size_before, size_after: (planning, execution) sums of absolute advantages over the tokens of each kind, before and after
            shaping; None if no advantage is known.
        reward: [B], NaN where the rollout is unscorable or the reward unknown.
        correct: [B], 1 or 0, NaN where unknown.
        group: [B] group ids, negative where unknown; empty if no group is known.
        grams: [H] gram index of each counted occurrence.
        given, following: [N] pairs for the conditional entropy.
    """

    rows: int = 0
    tokens: int = 0
    planning: int | None = None
    changed: int | None = None
    advantage_before: float = 0.0
    advantage_after: float = 0.0
    size_before: tuple[float, float] | None = None
    size_after: tuple[float, float] | None = None
    reward: Floats = field(default_factory=_no_floats)
    correct: Floats = field(default_factory=_no_floats)
    group: Ints = field(default_factory=_no_ints)
    grams: Ints = field(default_factory=_no_ints)
    given: Ints = field(default_factory=_no_ints)
    following: Ints = field(default_factory=_no_ints)

    @classmethod
    def of(
        cls,
        ids: Array,
        live: Bools,
        *,
        planning: Bools,
        row: Ints,
        start: Ints,
        stop: Ints,
        gram: Ints,
        reward: Floats,
        correct: Floats,
        group: Ints,
        before: Array | None = None,
        after: Array | None = None,
    ) -> RolloutStats:
        """Counts the statistics of a batch.

        Args:
            ids: [B,T] token ids.
            live: [B,T] bool, the policy tokens.
            planning: [B,T] bool, the planning mask.
            row, start, stop, gram: [H] the occurrences of grams as token ranges of rows.
            reward, correct: [B], NaN where unknown.
            group: [B], negative where unknown, or empty if no group is known.
            before, after: advantages [B] or [B,T] before and [B,T] after shaping, if known.
        """
        kept = longest_hits(row, start, stop)
        given, following = gram_pairs(ids, live, row[kept], stop[kept], gram[kept])
        stats = cls(
            rows=len(live), tokens=int(np.count_nonzero(live)), planning=int(np.count_nonzero(planning & live)),
            reward=reward, correct=correct, group=group, grams=gram[kept], given=given, following=following,
        )  # fmt: skip
        if before is not None and after is not None:
            wide = before if before.ndim == 2 else np.broadcast_to(before[:, None], live.shape)
            stats.changed = int(np.count_nonzero((after != wide) & live))
            stats.advantage_before = float(wide[live].sum(dtype=np.float64))
            stats.advantage_after = float(after[live].sum(dtype=np.float64))
            of_kinds = [np.flatnonzero(kind) for kind in kind_masks(planning, live)]
            stats.size_before, stats.size_after = _sizes(wide, of_kinds), _sizes(after, of_kinds)
        return stats

    @classmethod
    def merge(cls, parts: list[RolloutStats]) -> RolloutStats:
        """Merges the statistics of all parts."""
        if len(parts) == 1:
            return parts[0]
        planning = [part.planning for part in parts if part.planning is not None]
        changed = [part.changed for part in parts if part.changed is not None]

        def joined(name: str) -> Array:
            return np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0, np.int64)])

        return cls(
            rows=sum(part.rows for part in parts),
            tokens=sum(part.tokens for part in parts),
            planning=sum(planning) if planning else None,
            changed=sum(changed) if changed else None,
            advantage_before=sum(part.advantage_before for part in parts),
            advantage_after=sum(part.advantage_after for part in parts),
            size_before=_summed([part.size_before for part in parts]),
            size_after=_summed([part.size_after for part in parts]),
            **{name: joined(name) for name in ("reward", "correct", "group", "grams", "given", "following")},
        )

    def values(self) -> dict[str, float | None]:
        """Computes the metrics by name; a metric that the statistics do not give is None (pass@k is then absent)."""
        share = 1.0 / self.tokens if self.tokens else None
        counts = np.bincount(self.grams) if self.grams.size else self.grams
        known, scored = self.correct[~np.isnan(self.correct)], self.reward[~np.isnan(self.reward)]
        shaped = share is not None and self.changed is not None
        groups = _groups(self.group, len(self.reward))
        values: dict[str, float | None] = {
            "hicra/accuracy": float(known.mean()) if known.size else None,
            "hicra/reward": float(scored.mean()) if scored.size else None,
            "hicra/reward_errors": float(self.reward.size - scored.size)
            if scored.size or self.changed is not None
            else None,
            "hicra/length": self.tokens / self.rows if self.rows else None,
            "hicra/planning_share": self.planning * share if share and self.planning is not None else None,
            "hicra/changed_share": self.changed * share if share and self.changed is not None else None,
            "hicra/advantage_mean_before": self.advantage_before * share if share and shaped else None,
            "hicra/advantage_mean_after": self.advantage_after * share if share and shaped else None,
            "hicra/mixed_groups": _mixed(self.reward, groups),
        }
        for index, kind in enumerate(KINDS):
            before, after = (sizes[index] if sizes else 0.0 for sizes in (self.size_before, self.size_after))
            values[f"hicra/weight_{kind}"] = after / before if before else None
        if self.planning is not None:
            entropies = all_entropies(counts)
            values |= {
                "hicra/gram_hits": float(self.grams.size),
                "hicra/semantic_entropy": entropies["plugin"],
                "hicra/semantic_entropy_miller_madow": entropies["miller_madow"],
                "hicra/semantic_entropy_chao_shen": entropies["chao_shen"],
                "hicra/semantic_entropy_rarefied": rarefied_entropy(counts, RAREFY_HITS),
                "hicra/conditional_entropy": conditional_entropy(self.given, self.following),
            }
        return values | _pass_at(self.correct, groups)


def _sizes(advantages: Array, of_kinds: list[Ints]) -> tuple[float, float]:
    """Sums |A| [B,T] over the planning and over the execution tokens, whose places in the flattened array are given."""
    flat = advantages.ravel()
    planning, execution = (float(np.abs(flat.take(at)).sum(dtype=np.float64)) for at in of_kinds)
    return planning, execution


def _summed(pairs: list[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Adds up the pairs that are known; None where none is."""
    known = [pair for pair in pairs if pair is not None]
    return (sum(pair[0] for pair in known), sum(pair[1] for pair in known)) if known else None


def correct_from_reward(reward: Floats) -> Floats:
    """Returns [B] 1.0 where the reward is at least `CORRECT_AT` and 0.0 where it is not, NaN where the reward is NaN."""
    return np.where(np.isnan(reward), np.nan, (reward >= CORRECT_AT).astype(float))


def longest_hits(row: Ints, start: Ints, stop: Ints) -> Bools:
    """Returns [H] bool, true for hits that lie in no other hit of their row; of equal ranges only the first is kept.

    Args:
        row, start, stop: [H] row of each hit, and its first token and the one past its last.
    """
    keep = np.zeros(len(row), np.bool_)
    if not len(row):
        return keep
    place = row * (int(stop.max()) + 1)  # the rows are laid one after another
    begin, end = place + start, place + stop
    order = np.argsort(begin, kind="stable")  # quick where hits come in order, as those of a tagger do
    begin, end = begin[order], end[order]
    first = np.flatnonzero(np.append(True, begin[1:] != begin[:-1]))
    longest = np.maximum.reduceat(end, first)  # of those that start at one place only this one may be kept
    reach = np.maximum.accumulate(longest)
    beyond = np.append(True, longest[1:] > reach[:-1])
    of = np.cumsum(np.append(False, begin[1:] != begin[:-1]))
    candidates = np.flatnonzero((end == longest[of]) & beyond[of])
    once = np.append(True, of[candidates][1:] != of[candidates][:-1])
    keep[order[candidates[once]]] = True
    return keep


def gram_pairs(ids: Array, live: Bools, row: Ints, stop: Ints, gram: Ints) -> tuple[Ints, Ints]:
    """Pairs each hit whose next `FOLLOWING` tokens are policy tokens with a number that stands for those tokens.

    Args:
        ids: [B,T] token ids.
        live: [B,T] bool, the policy tokens.
        row, stop, gram: [H] row, end (token past the last) and gram index of each hit.

    Returns:
        (given [N], following [N]): the gram indices, and the numbers of what follows.
    """
    width = ids.shape[1]
    inside = stop + FOLLOWING <= width
    gram, next_one = gram[inside], row[inside] * width + stop[inside]
    live, ids = live.ravel(), ids.ravel()
    produced = np.logical_and.reduce([live[next_one + ahead] for ahead in range(FOLLOWING)])
    gram, next_one = gram[produced], next_one[produced]
    code = np.zeros(len(gram), np.uint64)
    for ahead in range(FOLLOWING):  # an odd multiplier keeps different triples apart, except for 64-bit collisions
        code = code * np.uint64(0x9E3779B97F4A7C15) + ids[next_one + ahead].astype(np.uint64) + np.uint64(1)
    return gram, code.view(np.int64)


def _groups(group: Ints, rows: int) -> Ints:
    """Numbers the groups of the rows from 0, [B]; -1 where the group of a row is unknown, or that of all."""
    if group.size != rows:
        return np.full(rows, -1, np.int64)
    number = np.unique(group, return_inverse=True)[1]
    return np.where(group < 0, -1, number)


def _mixed(reward: Floats, number: Ints) -> float | None:
    """Returns the share of groups whose known rewards differ; groups without a known reward do not count."""
    kept = ~np.isnan(reward) & (number >= 0)
    if not kept.any():
        return None
    reward, number = reward[kept], number[kept]
    of_group = np.empty(number.max() + 1)
    of_group[number] = reward  # any one reward of the group serves
    differs = np.bincount(number, reward != of_group[number])
    return float(np.count_nonzero(differs) / np.count_nonzero(np.bincount(number)))


def _pass_at(correct: Floats, number: Ints) -> dict[str, float | None]:
    """Computes pass@k for k = 1, 2, 4 ... up to the size of the smallest group, over groups with a known verdict."""
    kept = ~np.isnan(correct) & (number >= 0)
    if not kept.any():
        return {}
    sizes, right = np.bincount(number[kept]), np.bincount(number[kept], correct[kept])
    pairs = [(n, round(c)) for n, c in zip(sizes.tolist(), right.tolist(), strict=True) if n]
    values: dict[str, float | None] = {}
    for k in powers_of_two(min(pairs)[0]):
        of = {pair: pass_at_k(*pair, k) for pair in set(pairs)}  # a batch has few different pairs
        values[f"hicra/pass_at_{k}"] = float(np.mean([of[pair] for pair in pairs]))
    return values
