"""What measured batches say together: inner products, shares and methods, and totals of their rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.signal.keys import kind_key, method_key
from hicra.signal.parts import MeasuredBatch
from hicra.signal.products import EXECUTION, PLANNING, analyse, products


def told(
    parts: Sequence[MeasuredBatch], methods: Sequence[str], kinds: Sequence[str] = ()
) -> tuple[Floats, dict[str, Any]]:
    """Returns the inner products of measured batches, and what they tell.

    Args:
        parts: the batches, all of the same methods.
        methods: their names; `none` is among them.
        kinds: planning, execution and further kinds; by default every kind that occurs in a batch.

    Returns:
        [N,P,N,P] as `products.products` gives them, kinds first, and {kinds, methods, warnings} as `products.analyse` gives them
        with the counts of all batches.
    """
    kinds = kinds or _kinds(parts)
    keys = [*map(kind_key, kinds), *map(method_key, methods)]
    inner = products([(part.vectors, {key: _row(part, key) for key in keys}) for part in parts], keys)
    return inner, analyse(inner, kinds, methods) | _totals(parts, kinds)


def _kinds(parts: Sequence[MeasuredBatch]) -> list[str]:
    """Returns planning, execution, then the labels that occur in any batch."""
    labels = {name for part in parts for name in part.about["tokens"]} - {PLANNING, EXECUTION}
    return [PLANNING, EXECUTION, *sorted(labels)]


def _row(part: MeasuredBatch, key: str) -> Any:
    """Returns the coefficients of a kind or method in a batch; a label that does not occur there has the gradient 0."""
    return part.coefficients.get(key, np.zeros(len(part.vectors)))


def _totals(parts: Sequence[MeasuredBatch], kinds: Sequence[str]) -> dict[str, Any]:
    def total(key: str) -> int:
        return int(sum(part.about[key] for part in parts))

    judged = total("judged")
    return {
        "batches": len(parts), "rollouts": total("rollouts"), "accuracy": total("right") / judged if judged else None,
        "reward": sum(part.about["reward"] for part in parts) / len(parts), "unscorable": total("unscorable"),
        "groups": total("groups"), "mixed_groups": total("mixed_groups"),
        "tokens": {kind: sum(part.about["tokens"].get(kind, 0) for part in parts) for kind in kinds},
        "all_tokens": total("all_tokens"), "components": [len(part.vectors) for part in parts],
    }  # fmt: skip
