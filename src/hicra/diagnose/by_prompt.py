"""Metrics of each prompt, and the interval of a step's metrics by a bootstrap over its prompts.

Responses to one prompt are alike, so a step of 64 prompts with 8 responses each tells as much as 64 draws, and not as 512.

Deviations (the paper gives no intervals of its curves):
METRIC-7. The intervals of ratios (accuracy, length, shares, entropies, perplexity, pass@k) are percentiles of 1000 resamples
    of the prompts with a fixed seed. Those of semantic entropies, which a bootstrap pulls down, are the jackknife's over prompts.
    More prompts are put together to 1000 bundles for the first, and to 100 for the second. Where all prompts of a step have the
    same share, Wilson's interval with a draw a prompt stands, and other ratios have none. There is none with fewer than 5
    prompts, nor in a step of which only some rows say their prompt. A step in which no row says it counts each response as one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hicra.arrays import Array, Floats, Ints
from hicra.metrics import pass_at_k, rarefied_entropy, semantic_entropy
from hicra.metrics.rollouts import longest_hits
from hicra.metrics.table import RAREFY_HITS, powers_of_two
from hicra.stats import cluster_bootstrap, grouped_share_interval, jackknife_interval
from hicra.tagging import TaggedRows

RESAMPLES, SEED, CONFIDENCE = 1000, 0, 0.95
LEAST_PROMPTS = 5
DRAWN, BUNDLES = 1000, 100  # more prompts are put together before they are drawn, or left out
# metric -> (sum above, sum below); SHARES are counts of a whole, so that they have Wilson's interval, too
RATIOS = {
    "hicra/accuracy": ("correct", "judged"),
    "hicra/reward": ("reward", "scored"),
    "hicra/length": ("tokens", "rows"),
    "hicra/planning_share": ("planning", "tokens"),
    "hicra/repetition": ("looping", "rows"),
    "hicra/reflection_rate": ("reflecting", "rows"),
    "hicra/other_script_planning": ("other_planning", "letters_planning"),
    "hicra/other_script_execution": ("other_execution", "letters_execution"),
    "hicra/entropy_planning": ("entropies_planning", "entropies_planning_tokens"),
    "hicra/entropy_execution": ("entropies_execution", "entropies_execution_tokens"),
    "hicra/ppl_planning": ("logprobs_planning", "logprobs_planning_tokens"),
    "hicra/ppl_execution": ("logprobs_execution", "logprobs_execution_tokens"),
    "hicra/mixed_groups": ("mixed", "with_reward"),
}
SHARES = frozenset(("hicra/accuracy", "hicra/repetition", "hicra/reflection_rate", "hicra/mixed_groups"))


@dataclass(frozen=True)
class RowSums:
    """Sums of each row, by the names that `RATIOS` reads, and the grams of the rows.

    Attributes:
        sums: name -> [B].
        row, gram: [H] of each counted occurrence of a gram.
    """

    sums: dict[str, Floats]
    row: Ints
    gram: Ints

    @classmethod
    def of(
        cls,
        tagged: TaggedRows,
        tables: Mapping[str, Floats],
        correct: Floats,
        reward: Floats,
        further: Mapping[str, Floats],
    ) -> RowSums:
        """Sums up a batch.

        Args:
            tagged: the tagged rows.
            tables: "entropies" and "logprobs" -> [B,T], NaN where unknown.
            correct, reward: [B], NaN where unknown.
            further: other sums, as they are.
        """
        live, planning = tagged.live, tagged.planning & tagged.live
        sums = {
            "rows": np.ones(len(live)), "tokens": live.sum(axis=1).astype(np.float64),
            "planning": planning.sum(axis=1).astype(np.float64), **further,
        }  # fmt: skip
        for name, values, known in (("correct", correct, "judged"), ("reward", reward, "scored")):
            there = ~np.isnan(values)
            sums |= {name: np.where(there, values, 0.0), known: there.astype(np.float64)}
        for name, table in tables.items():
            there = ~np.isnan(table)
            for kind, mask in (("planning", planning & there), ("execution", live & there & ~planning)):
                sums[f"{name}_{kind}"] = np.where(mask, table, 0.0).sum(axis=1)
                sums[f"{name}_{kind}_tokens"] = mask.sum(axis=1).astype(np.float64)
        kept = longest_hits(tagged.row, tagged.start, tagged.stop)
        return cls(sums, tagged.row[kept], tagged.gram[kept])

    @classmethod
    def merge(cls, parts: Sequence[RowSums]) -> RowSums:
        """Puts the rows of several batches one after the other."""
        first = np.cumsum([0, *(len(part.sums["rows"]) for part in parts)]).tolist()
        sums = {name: np.concatenate([part.sums[name] for part in parts]) for name in parts[0].sums}
        row = np.concatenate([part.row + begin for part, begin in zip(parts, first, strict=False)])
        return cls(sums, row, np.concatenate([part.gram for part in parts]))


@dataclass(frozen=True)
class Prompts:
    """The sums of each prompt of a step.

    Attributes:
        group: [K] number of each prompt in `_group`, ascending; -1 for each where every response counts as a prompt.
        sums: name -> [K].
        grams: [K,G] occurrences; of more than `BUNDLES` prompts those of so many bundles of them.
    """

    group: Ints
    sums: dict[str, Floats]
    grams: Ints

    @classmethod
    def of(cls, rows: RowSums, group: Ints) -> Prompts | None:
        """Adds up the rows of each prompt; None where some rows say their prompt and some do not.

        Args:
            rows: the sums of B rows.
            group: [B] number of the prompt of each, -1 where unknown.
        """
        unknown = group < 0
        if unknown.any() and not unknown.all():
            return None
        numbers, of = np.unique(np.arange(len(group)) if unknown.all() else group, return_inverse=True)
        size = len(numbers)
        sums: dict[str, Floats] = {
            name: np.bincount(of, values, size).astype(np.float64) for name, values in rows.sums.items()
        }
        scored = rows.sums["scored"] > 0
        largest, smallest = np.full(size, -np.inf), np.full(size, np.inf)
        np.maximum.at(largest, of[scored], rows.sums["reward"][scored])
        np.minimum.at(smallest, of[scored], rows.sums["reward"][scored])
        sums["with_reward"] = (sums["scored"] > 0).astype(np.float64) * (not unknown.all())
        sums["mixed"] = (largest > smallest).astype(np.float64) * sums["with_reward"]
        grams, index = np.unique(rows.gram, return_inverse=True)
        table = np.zeros((min(size, BUNDLES), len(grams)), np.int64)
        np.add.at(table, (of[rows.row] % BUNDLES, index), 1)
        return cls(np.full(size, -1) if unknown.all() else numbers, sums, table)

    def values(self) -> pl.DataFrame:
        """Returns a row a prompt: rows, and every ratio of `RATIOS` by its name, null where a prompt does not have it."""
        columns: dict[str, Array] = {"rows": self.sums["rows"].astype(np.int64)}
        for name, (above, below) in RATIOS.items():
            if above in self.sums:
                with np.errstate(invalid="ignore", divide="ignore"):
                    columns[name] = _value(name, self.sums[above] / self.sums[below])
        return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))

    def intervals(self) -> dict[str, list[float]]:
        """Returns metric -> [low, high], without those that have none (METRIC-7)."""
        if len(self.group) < LEAST_PROMPTS:
            return {}
        sums = self.sums | (passed := self._passed())
        ratios = {**RATIOS, **{name: (name, f"{name} of") for name in passed if not name.endswith(" of")}}
        known = {
            name: pair
            for name, pair in ratios.items()
            if pair[0] in sums and np.count_nonzero(sums[pair[1]]) >= LEAST_PROMPTS
        }
        return {name: list(ends) for name, ends in _ratio_intervals(known, sums).items()} | self._of_grams()

    def _passed(self) -> dict[str, Floats]:
        """pass@k of each prompt by the metric's name, and under "NAME of" whether the prompt has it; none without groups."""
        there = self.sums["judged"] > 0
        if not there.any() or (self.group < 0).any():
            return {}
        right, judged = self.sums["correct"].round().astype(int), self.sums["judged"].astype(int)
        found: dict[str, Floats] = {}
        for k in powers_of_two(int(judged[there].min())):
            name = f"hicra/pass_at_{k}"
            found[name] = np.array(
                [pass_at_k(n, c, k) if n else 0.0 for n, c in zip(judged.tolist(), right.tolist(), strict=True)]
            )
            found[f"{name} of"] = there.astype(np.float64)
        return found

    def _of_grams(self) -> dict[str, list[float]]:
        """The intervals of the semantic entropies."""
        whole = self.grams.sum(axis=0)
        if not whole.sum():
            return {}
        found = {}
        for name, entropy in _ENTROPIES.items():
            of_all, without = entropy(whole), [entropy(whole - bundle) for bundle in self.grams]
            if of_all is not None and None not in without:
                low, high = jackknife_interval(of_all, without)
                found[name] = [max(0.0, low), high]
        return found


_ENTROPIES: dict[str, Callable[[Ints], float | None]] = {
    "hicra/semantic_entropy": semantic_entropy,
    "hicra/semantic_entropy_miller_madow": lambda counts: semantic_entropy(counts, "miller_madow"),
    "hicra/semantic_entropy_chao_shen": lambda counts: semantic_entropy(counts, "chao_shen"),
    "hicra/semantic_entropy_rarefied": lambda counts: rarefied_entropy(counts, RAREFY_HITS),
}


def _ratio_intervals(
    ratios: Mapping[str, tuple[str, str]], sums: Mapping[str, Floats]
) -> dict[str, tuple[float, float]]:
    """The intervals of ratios of sums over prompts, all from the same resamples.

    Args:
        ratios: name -> (sum above, sum below).
        sums: name -> [K].
    """
    columns = sorted({name for pair in ratios.values() for name in pair})
    at = {name: number for number, name in enumerate(columns)}
    whole = {name: sums[above].sum() / sums[below].sum() for name, (above, below) in ratios.items()}

    def figures(drawn: Floats) -> dict[str, Floats]:
        found = {}
        for name, (above, below) in ratios.items():
            size = drawn[:, at[below]]  # 0 where no prompt that has the metric was drawn, which is rare
            found[name] = np.where(size > 0, drawn[:, at[above]] / np.where(size > 0, size, 1.0), whole[name])
        return found

    table = _bundled(np.stack([sums[name] for name in columns], axis=1), DRAWN)
    found: dict[str, tuple[float, float]] = {}
    for name, ends in cluster_bootstrap(table, figures, RESAMPLES, SEED, CONFIDENCE).items():
        if ends[0] < ends[1]:
            low, high = sorted(_value(name, np.array(ends)).tolist())
            found[name] = (low, high)
        elif name in SHARES or name.startswith("hicra/pass_at_"):
            above, below = (sums[column] for column in ratios[name])
            there = below > 0
            found[name] = grouped_share_interval(np.minimum(above, below)[there], below[there])
    return found


def _bundled(table: Array, most: int) -> Array:
    """Adds the rows [K,D] up to at most so many, of which each stands for prompts far apart."""
    if len(table) <= most:
        return table
    bundles = np.zeros((most, table.shape[1]), table.dtype)
    np.add.at(bundles, np.arange(len(table)) % most, table)
    return bundles


def _value(name: str, ratio: Floats) -> Floats:
    """Turns a mean log-probability into a perplexity, and leaves every other ratio as it is."""
    return np.exp(np.minimum(-ratio, 700.0)) if name.startswith("hicra/ppl_") else ratio
