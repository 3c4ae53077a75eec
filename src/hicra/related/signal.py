"""Where the learning signal of an agent or a tree lies: on blueprints, thoughts or actions, and on critical or other actions.

    python -m hicra.related.signal --run RUN --batches 16 --prompts 4

The policy is fixed. Each batch is one round of the run's system, with the advantages of its baseline before any shaper. Its
gradient is split by kinds of tokens, and `metrics.gradient_signal` says of each kind how much of it is signal. Prints one JSON
object with the key `kinds` that `hicra signal` has; a kind without a token in any batch is left out.

Source: this project's; the same estimates as `hicra signal`, whose kinds are planning and execution.

Deviations (no publication measures this):
RELATED-7. The gradients of the generations of a round (HiMAC has two) are added, each a mean over its own tokens, as they are
    trained on one after the other. None is updated on in between, so all are of one policy.
RELATED-8. The share of a kind is its signal over the sum of the signals of its division: blueprint, thought and action are one,
    critical and other actions another, null where that is not above 0. Its interval is the jackknife over batches,
    null where a sum without one of them is not.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hicra.arrays import Bools, Floats
from hicra.artifacts import finite
from hicra.engines.open import begin
from hicra.errors import ConfigError, DataError, HicraError
from hicra.metrics.gradient_signal import signal_of_products
from hicra.related.agents.words import EXECUTION_LEVEL, PLAN_LEVEL, THOUGHT_LEVEL
from hicra.runs import RunFolder
from hicra.runs.sections import RunConfig
from hicra.signal.halves import wide
from hicra.stats.jackknife import jackknife_interval

LEVELS = {"blueprint": PLAN_LEVEL, "thought": THOUGHT_LEVEL, "action": EXECUTION_LEVEL}
DIVISIONS = (tuple(LEVELS), ("critical", "other"))  # the kinds of one division share out the signal among them
KINDS = tuple(kind for division in DIVISIONS for kind in division)


def masks_of(batch: Mapping[str, Any]) -> dict[str, Bools]:
    """Returns the policy tokens [B,T] of every kind that a batch can tell.

    Without level_ids, as in trees, every token is of an action. Without critical_mask, critical and other are not told apart.

    Args:
        batch: holds response_mask, and level_ids and critical_mask where they are known, [B,T] each.
    """
    live = batch["response_mask"]
    levels = batch.get("level_ids")
    masks = {
        kind: live & (levels == level) if levels is not None else live & (level == EXECUTION_LEVEL)
        for kind, level in LEVELS.items()
    }
    if (critical := batch.get("critical_mask")) is not None:
        masks |= {"critical": masks["action"] & critical, "other": masks["action"] & ~critical}
    return masks


def told(gradients: Mapping[str, Any], confidence: float = 0.95) -> dict[str, dict[str, Any]]:
    """Returns what the gradients of batches tell, by kind.

    Args:
        gradients: by kind, [N,D] one gradient for each batch, N >= 2.
        confidence: of the intervals.

    Returns:
        {kind: {signal, signal_ci, noise, snr, share, ci}}; numbers that are not known are None, and intervals of two batches.

    Raises:
        DataError: there are fewer than two batches, or a gradient is not finite.
    """
    inner = {kind: _products(kind, rows) for kind, rows in gradients.items()}
    found: dict[str, dict[str, Any]] = {}
    for kind, products in inner.items():
        one = signal_of_products(products, confidence)
        interval = [one.low, one.high]
        found[kind] = {
            "signal": one.signal, "signal_ci": interval if np.isfinite(interval).all() else None, "noise": one.noise,
            "snr": one.snr if np.isfinite(one.snr) else None, "share": None, "ci": None,
        }  # fmt: skip
    for division in DIVISIONS:
        of_it = {kind: inner[kind] for kind in division if kind in inner}
        for kind in of_it:
            share = _share(of_it, kind, confidence)
            found[kind] |= {"share": share[0], "ci": share[1]}
    return found


def config_of(run: Path) -> RunConfig:
    """Returns the config of a run folder."""
    return RunConfig.model_validate(RunFolder.open(run).config)


def measure(
    given: RunConfig, model: Path | None = None, *, batches: int = 16, prompts: int = 4, seed: int = 0, project: int = 0
) -> dict[str, Any]:
    """Measures the signal of a policy under the system, the environment and the baseline of a config.

    Args:
        given: of the engine related.
        model: a folder that transformers loads; None takes the start model of the config.
        batches: number of independent batches, N.
        prompts: seeds of a batch.
        seed: decides the seeds and the draws.
        project: numbers that a gradient is projected to; 0 keeps all.

    Returns:
        `kinds` as `told` gives them, each with `tokens` (the number of its tokens over all batches) and `token_share` (of all),
        and batches, rows, accuracy, interactions, seconds, system, model.

    Raises:
        ConfigError: the config is of another engine, there are too few batches, or a number is out of range.
        ArtifactError, DataError: the model cannot be read.
    """
    if batches < 2:
        raise ConfigError(f"{batches} batch has no pair of batches", "give --batches 3 or more, better 16")
    for name, value, least in (("prompts", prompts, 1), ("project", project, 0), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"--{name} is {value}", f"give {least} or more")

    from hicra.generation import models
    from hicra.generation.sampling import load
    from hicra.lexicon import Lexicon
    from hicra.related.policy.sample import NetworkPolicy
    from hicra.related.policy.words import TokenizerCodec
    from hicra.related.shape import RowShaping
    from hicra.related.system import Arena, accuracy
    from hicra.related.systems import open_system
    from hicra.related.task import EnvironmentTask
    from hicra.related.update import encoded_of
    from hicra.signal.gradients import batch_gradients
    from hicra.signal.parameters import as_before, chosen_parameters

    began = time.monotonic()
    config, task = begin(given)
    if not isinstance(task, EnvironmentTask):
        raise ConfigError(
            f"the config is of the engine {config.engine}",
            "`hicra signal` measures models on tasks of single responses",
        )
    folder = models.resolve(str(model or config.model.name))
    network, tokenizer = load(folder, config.train.threads)
    codec = TokenizerCodec(tokenizer)
    policy = NetworkPolicy(network, codec, temperature=config.train.temperature, seed=seed)
    place = Arena(task.environment, codec, policy, config.train.max_new_tokens)
    system, _ = open_system(config.system.name, config.system.settings, config.train.group_size)
    shape = RowShaping(config, Lexicon.load(config.lexicon), codec, system)
    seeds = task.seeds("train", batches * prompts, seed)
    sums: dict[str, list[Floats]] = {kind: [] for kind in KINDS}
    tokens, success, rows, interactions = dict.fromkeys(KINDS, 0), list[float](), 0, 0
    network.eval()
    with as_before(network):
        parameters = chosen_parameters(network, "all")
        for number in range(batches):
            of_batch: dict[str, Any] = dict.fromkeys(KINDS, 0.0)
            for made in system.generations(place, seeds[number * prompts : (number + 1) * prompts], number + 1):
                arrays = shape(made).arrays
                masks, base = masks_of(arrays), wide(arrays["base"], arrays["response_mask"])
                encoded = encoded_of(made.rows, arrays["response_ids"], arrays["response_mask"])
                basis = np.stack([np.where(mask, base, 0.0) for mask in masks.values()])
                vectors = batch_gradients(
                    network, encoded, basis, parameters=parameters, project=project, seed=seed,
                    temperature=config.train.temperature,
                )  # fmt: skip
                for kind, vector in zip(masks, vectors, strict=True):
                    of_batch[kind] = of_batch[kind] + vector
                    tokens[kind] += int(masks[kind].sum())
                success, rows, interactions = (
                    success + made.success,
                    rows + len(made.rows),
                    interactions + made.interactions,
                )
            for kind, vector in of_batch.items():
                sums[kind].append(vector)
    there = {kind: np.stack(vectors) for kind, vectors in sums.items() if tokens[kind]}
    kinds = told(there)
    every = sum(tokens[kind] for kind in LEVELS)
    for kind, one in kinds.items():
        one |= {"tokens": tokens[kind], "token_share": tokens[kind] / every}
    return {
        "kinds": kinds, "batches": batches, "rows": rows, "accuracy": accuracy(success), "interactions": interactions,
        "system": config.system.name, "model": str(folder), "seconds": time.monotonic() - began,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; prints the result as JSON, and returns 0, or 1 where an input is wrong."""
    parser = argparse.ArgumentParser(prog="python -m hicra.related.signal", description="Measures the signal by level.")
    parser.add_argument("--run", type=Path, required=True, help="a run folder of the engine related")
    parser.add_argument("--model", type=Path, help="a folder with a model (default: the start model of the run)")
    for name, default in (("batches", 16), ("prompts", 4), ("seed", 0), ("project", 0)):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    given = parser.parse_args(arguments)
    try:
        result = measure(
            config_of(given.run),
            given.model,
            batches=given.batches,
            prompts=given.prompts,
            seed=given.seed,
            project=given.project,
        )
    except HicraError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(finite(result), allow_nan=False))
    return 0


def _products(kind: str, rows: Any) -> Floats:
    vectors = np.asarray(rows, np.float64)
    if vectors.ndim != 2 or len(vectors) < 2 or not np.isfinite(vectors).all():
        raise DataError(
            f"the gradients of {kind} have shape {vectors.shape}, they must be [N,D], finite, with N >= 2",
            "measure two batches or more, and lower the learning rate of a run whose model is not finite",
        )
    inner: Floats = vectors @ vectors.T
    return inner


def _share(inner: Mapping[str, Floats], kind: str, confidence: float) -> tuple[float | None, list[float] | None]:
    """Returns the share of a kind in the signal of its division, and its interval."""
    n = len(inner[kind])
    shares: list[float] = []
    for left in (None, *range(n if n > 2 else 0)):
        kept = np.array([number for number in range(n) if number != left])
        signal = {name: signal_of_products(products[np.ix_(kept, kept)]).signal for name, products in inner.items()}
        total = sum(signal.values())
        if not total > 0:
            return (shares[0] if shares else None), None
        shares.append(signal[kind] / total)
    whole, *without = shares
    return whole, list(jackknife_interval(whole, without, confidence)) if without else None


if __name__ == "__main__":
    raise SystemExit(main())
