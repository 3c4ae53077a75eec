"""Measures where the learning signal of a dump is, at one model: what `hicra signal` measures on rollouts that it samples.

The rollouts are cut into batches by prompt. The gradient of the policy objective at the model is taken of each batch, split by
kind of token, and the inner products of batches are read as in `hicra.signal`.

Deviations (this project's; the paper measures no gradient):
TOKENS-4. The gradient is that of `hicra signal` (SIGNAL-5) with the baseline `dr_grpo`, at the model that is given, on rollouts
    that this model need not have sampled. It is the policy gradient only where it has; how far off they are is said beside
    it (TOKENS-3). No probability ratio corrects it.
TOKENS-5. A batch holds prompts of one step alone, and each prompt wholly. A step has two batches, and more where there are fewer
    than four steps, so that eight batches or more tell signal from noise. Prompts go to the batches in turn, in the order of
    the data. A prompt with fewer than two rewarded rollouts that can be scored is left out, and so is a step with fewer than
    two such prompts. The figures of a step are those of its two halves, each the even or the odd ones of its batches, as a
    training run logs them (METER-4, METER-6).
TOKENS-6. Gradients are of all parameters. They are kept whole where all of them take at most 512 MB, else projected to 8192
    numbers, which moves a signal by about 1.6 %.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hicra.arrays import Bools, Floats, Ints
from hicra.errors import DataError
from hicra.metrics.kinds import KINDS
from hicra.signal.components import components
from hicra.signal.halves import HALVES, masks_by_kind, readings
from hicra.signal.keys import kind_key, method_key
from hicra.signal.methods import UNSHAPED, read_baseline, read_methods, shaped, unshaped
from hicra.signal.parts import MeasuredBatch
from hicra.tagging import Tagger

BASELINE = "dr_grpo"
LEAST_BATCHES = 8  # over all steps, as far as there are prompts for them
WHOLE_BYTES, PROJECTED, SEED = 2**29, 8192, 0
METRICS = tuple(f"hicra/{of}_{kind}" for of in ("signal", "noise") for kind in KINDS)


@dataclass
class _Arm:
    parts: list[MeasuredBatch] = field(default_factory=list)
    steps: set[int] = field(default_factory=set)
    passed_over: int = 0
    values: dict[int, dict[str, float | None]] = field(default_factory=dict)
    rows: dict[int, int] = field(default_factory=dict)


class RolloutMeter:
    """Takes the gradients of batches, step by step, and reads them at the end.

    Args:
        model: a transformers causal LM in evaluation mode; from now on all its parameters have gradients.
        tagger: marks planning tokens in token ids.
        steps: the number of steps of each arm.
    """

    def __init__(self, model: Any, tagger: Tagger, steps: Mapping[str, int]) -> None:
        from hicra.signal.parameters import chosen_parameters

        self.model, self.tagger = model, tagger
        self.parameters = chosen_parameters(model, "all")
        self.size = sum(one.numel() for one in self.parameters)
        self._halves = {arm: max(1, math.ceil(LEAST_BATCHES / (HALVES * number))) for arm, number in steps.items()}
        batches = sum(HALVES * self._halves[arm] * number for arm, number in steps.items())
        whole = 4 * batches * len(KINDS) * self.size
        self.project = PROJECTED if whole > WHOLE_BYTES and self.size > PROJECTED else 0
        self.methods, self.baseline = read_methods([UNSHAPED]), read_baseline(BASELINE)
        self._arms: dict[str, _Arm] = {arm: _Arm() for arm in steps}

    def add(
        self, arm: str, step: int, rows: pl.DataFrame, prompts: Sequence[Sequence[int]], ids: Sequence[Sequence[int]]
    ) -> None:
        """Measures a step.

        Args:
            arm, step: whose rollouts they are.
            rows: B rollouts that can be scored, with `reward`, `correct` and `_group`.
            prompts, ids: the token ids of each one's prompt and response, at least one each.
        """
        own = self._arms[arm]
        groups = usable_groups(rows)
        own.values[step] = dict.fromkeys(METRICS)
        if len(groups) < HALVES:
            own.passed_over += 1
            return
        size = min(HALVES * self._halves[arm], len(groups))
        parts = []
        for number in range(size):
            members = np.concatenate([groups[at] for at in range(number, len(groups), size)])
            parts.append(
                self._batch(rows[members.tolist()], [prompts[at] for at in members], [ids[at] for at in members])
            )
        own.parts += parts
        own.steps.add(step)
        own.rows[step] = sum(part.about["rollouts"] for part in parts)
        own.values[step] = of_halves(parts)

    def values(self, arm: str, step: int) -> tuple[dict[str, float | None], int]:
        """Returns signal and noise of a step by the names of the metrics, and the number of rollouts that they count."""
        own = self._arms[arm]
        return own.values.get(step, dict.fromkeys(METRICS)), own.rows.get(step, 0)

    def result(self, arm: str) -> dict[str, Any] | None:
        """Returns what all batches of an arm tell, with the keys of `hicra signal --json`; None where nothing was measured.

        Besides them: `inner` [N,P,N,P] and `names` of the inner products, `steps` measured and `steps_passed_over`.
        """
        from hicra.signal.totals import told

        own = self._arms[arm]
        tokens = {kind: sum(part.about["tokens"][kind] for part in own.parts) for kind in KINDS}
        if len(own.parts) < HALVES or not all(tokens.values()):
            return None
        inner, found = told(own.parts, [UNSHAPED], KINDS)
        if len(own.steps) > 1:
            found["warnings"].append(
                f"the batches are of {len(own.steps)} steps, whose rollouts may be of as many policies; the figures are of "
                "all of them at one model"
            )
        return found | {
            "parameters": self.size, "numbers": self.project or self.size, "steps": len(own.steps),
            "steps_passed_over": own.passed_over, "seconds": sum(part.about["seconds"] for part in own.parts),
            "inner": inner, "names": [*KINDS, UNSHAPED],
        }  # fmt: skip

    def settings(self, arm: str) -> dict[str, Any]:
        """Returns how it was measured, as the manifest of a measurement holds it."""
        return {
            "methods": [UNSHAPED], "batches": len(self._arms[arm].parts), "baseline": BASELINE, "parameters": "all",
            "project": self.project, "temperature": 1.0, "unit": self.tagger.unit, "seed": SEED,
        }  # fmt: skip

    def _batch(
        self, rows: pl.DataFrame, prompts: Sequence[Sequence[int]], ids: Sequence[Sequence[int]]
    ) -> MeasuredBatch:
        from hicra.signal.gradients import batch_gradients, encode

        began = time.monotonic()
        encoded = encode(prompts, ids)
        planning = self.tagger.tag(encoded.ids, encoded.live).mask
        rewards, groups = rows["reward"].to_numpy().astype(np.float64), rows["_group"].to_numpy().astype(np.int64)
        fields = {
            "response_ids": encoded.ids, "response_mask": encoded.live, "planning_mask": planning, "group_ids": groups,
            "rewards": rewards,
        }  # fmt: skip
        masks = masks_by_kind(planning, encoded.live)
        base = unshaped(self.baseline, fields)
        advantages = {kind_key(name): np.where(mask, base, 0.0) for name, mask in masks.items()}
        advantages |= {method_key(name): one for name, one in shaped(self.methods, base, fields).items()}
        split = components(advantages, encoded.live)
        vectors = batch_gradients(
            self.model, encoded, split.basis, parameters=self.parameters, project=self.project, seed=SEED
        )
        if not np.isfinite(vectors).all():
            raise DataError(
                "a gradient of --signal is not finite", "look for what overflows in the model's forward pass"
            )
        judged = rows["correct"].drop_nulls()
        about = {
            "rollouts": rows.height, "judged": len(judged), "right": int(judged.sum()), "unscorable": 0,
            "reward": float(rewards.mean()), "groups": len(np.unique(groups)), "mixed_groups": mixed_groups(rewards, groups),
            "tokens": {name: int(mask.sum()) for name, mask in masks.items()}, "all_tokens": int(encoded.live.sum()),
            "seconds": time.monotonic() - began,
        }  # fmt: skip
        return MeasuredBatch(vectors, split.coefficients, about)


def usable_groups(rows: pl.DataFrame) -> list[Ints]:
    """Returns the rows of each prompt with at least two rewarded rollouts, in the order of the data."""
    known = rows.select(pl.col("_group"), pl.col("reward").is_not_null()).with_row_index("at")
    kept = known.filter(pl.col("reward"), pl.col("_group") >= 0).group_by("_group", maintain_order=True).agg("at")
    return [np.array(at, np.int64) for at in kept["at"].to_list() if len(at) > 1]


def mixed_groups(rewards: Floats, groups: Ints) -> int:
    """Returns the number of groups whose rewards differ."""
    return sum(bool(np.ptp(rewards[groups == group]) > 0) for group in np.unique(groups))


def refuse_flat(steps: Iterable[pl.DataFrame]) -> None:
    """Raises DataError where no step has a gradient, before any model is loaded.

    Args:
        steps: the rows of each step of each arm, with `reward` and `_group`.
    """
    most, mixed = 0, 0
    for rows in steps:
        groups = usable_groups(rows)
        most = max(most, len(groups))
        if len(groups) >= HALVES:
            rewards = rows["reward"].to_numpy()
            mixed += sum(bool(np.ptp(rewards[group]) > 0) for group in groups)
    if most < HALVES:
        raise DataError(
            "--signal compares the rollouts of a prompt, and halves of the prompts of a step: no step has two prompts with at "
            "least two rewarded rollouts each",
            "give rollouts with reward (or correct), and with group_id or question; or `hicra signal`, which samples its own",
        )
    if not mixed:
        raise DataError(
            "--signal: rewards differ within no group, so there is no gradient at all",
            "give rollouts of prompts that are neither too hard nor too easy; the finding no_gradient says why groups are flat",
        )


def of_halves(parts: Sequence[MeasuredBatch]) -> dict[str, float | None]:
    """Returns signal and noise of a step, by the names of the metrics, from its batches (TOKENS-5)."""
    tokens = np.array([part.about["all_tokens"] for part in parts], np.float64)
    half = np.arange(len(parts)) % HALVES
    chosen: Bools = half == np.arange(HALVES)[:, None]
    products = {}
    for kind in KINDS:
        sums = [
            count * (part.coefficients[kind_key(kind)] @ part.vectors)
            for count, part in zip(tokens, parts, strict=True)
        ]
        whole = chosen.astype(np.float64) @ np.stack(sums).astype(np.float64)
        products[kind] = whole @ whole.T
    signal, noise = readings(products, chosen @ tokens)
    by_kind = {"signal": signal, "noise": noise}
    return {f"hicra/{of}_{kind}": by_kind[of][kind] for of in by_kind for kind in KINDS}


def save(
    folder: Path,
    found: Mapping[str, Any],
    settings: Mapping[str, Any],
    model: Mapping[str, str],
    inputs: Mapping[str, Any],
) -> None:
    """Writes a measurement as `hicra signal` does, but for the parts of its batches.

    Args:
        folder: a folder to make.
        found: what `RolloutMeter.result` gave.
        settings: what `RolloutMeter.settings` gave.
        model: its name and sha256.
        inputs: what was read, name -> sha256.
    """
    from hicra.signal.store import SignalStore
    from hicra.signal.weights import package_versions

    folder.mkdir()
    asked = {"settings": dict(settings), "model": dict(model), "inputs": dict(inputs)}
    store = SignalStore.open(folder, asked, package_versions(), resume=False)
    result = {key: value for key, value in found.items() if key not in ("inner", "names", "seconds")}
    store.finish(found["inner"], found["names"], asked | result, found["seconds"])
