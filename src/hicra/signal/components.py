"""Advantages of many kinds and methods as sums of a few rows, so that a backward pass is made for a row and not for a method.

The gradient of a batch is linear in the advantages. HICRA, its parts and its controls are sums of the planning advantages, the
execution advantages and one or two rows more, and so are their gradients. The rows are found by Gaussian elimination with
complete pivoting: of all advantages the one with the largest remainder gives its remainder as the next row, until no remainder is
left. No method is known by name.

Source: this project's; complete pivoting after Wilkinson 1961.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hicra.arrays import Array, Bools, Floats, as_numpy
from hicra.errors import DataError

_ROUNDING = 64  # remainders below this many rounding errors of the advantages' own type are no remainders


@dataclass(frozen=True)
class Components:
    """A batch's advantages as sums: those of `name` are sum_r coefficients[name][r] basis[r].

    Attributes:
        basis: [R,B,T] float64, 0 where no policy token stands. R is 0 if all advantages are 0.
        coefficients: {name: [R] float64}, in the order in which the advantages were given.
    """

    basis: Floats
    coefficients: dict[str, Floats]


def components(advantages: Mapping[str, Array], live: Bools) -> Components:
    """Finds a smallest set of rows whose sums the advantages are.

    Args:
        advantages: {name: [B,T] floats}: of a kind its unshaped advantages, 0 on other tokens; of a method its shaped ones. What
            stands where no policy token is does not matter. Kinds come first: those that share no token become rows as they are.
        live: [B,T] bool, the policy tokens.

    Returns:
        The rows and the coefficients. The sums differ from the advantages by at most 64 rounding errors of their type, relative
        to the largest advantage of that name: 1e-14 for float64, 8e-6 for float32. No coefficient is larger than the largest
        advantage of its name over that of the name whose remainder the row is.

    Raises:
        DataError: nothing is given, a shape differs from that of `live`, or an advantage of a policy token is not finite.
    """
    live = np.asarray(live, np.bool_)
    if not advantages:
        raise DataError("components of no advantages", "give the advantages [B,T] of at least one kind or method")
    given = {name: as_numpy(values) for name, values in advantages.items()}
    for name, values in given.items():
        if values.shape != live.shape:
            raise DataError(
                f"advantages of {name} have shape {values.shape}, the mask of policy tokens has {live.shape}",
                "give both as [B,T] of one batch",
            )
    rest = np.stack([values[live] for values in given.values()]).astype(np.float64)  # [names, P]
    broken = np.flatnonzero(~np.isfinite(rest).all(axis=1))
    if broken.size:
        raise DataError(
            f"advantages of {list(given)[broken[0]]} are not finite on a policy token",
            "leave unscorable rollouts at advantage 0, as the baselines do",
        )
    size = np.abs(rest).max(axis=1, initial=0.0)
    rounding = np.array([_ROUNDING * _epsilon(values) for values in given.values()])
    rows: list[Floats] = []
    factors: list[Floats] = []
    while True:
        left = np.abs(rest).max(axis=1, initial=0.0) / np.where(size > 0, size, 1.0)
        left[left <= rounding] = 0.0
        if not left.any():
            break
        next_one = int(left.argmax())
        token = int(np.abs(rest[next_one]).argmax())
        row, factor = rest[next_one].copy(), rest[:, token] / rest[next_one, token]
        factor[left == 0.0] = 0.0
        rest -= factor[:, None] * row
        rest[next_one] = 0.0
        rows.append(row)
        factors.append(factor)
    basis = np.zeros((len(rows), *live.shape))
    if rows:
        basis[:, live] = np.stack(rows)
    table = np.stack(factors, axis=1) if rows else np.zeros((len(given), 0))
    return Components(basis, {name: table[i] for i, name in enumerate(given)})


def _epsilon(values: Array) -> float:
    """Returns the rounding error of a type, relative to 1; whole numbers are exact and count as float64."""
    return float(np.finfo(values.dtype if values.dtype.kind == "f" else np.float64).eps)
