"""Signal and noise by kind, remembered over the steps of a training run, and the weights that adaptive methods read.

One step measures with two halves of a generation, and what it says of the signal is mostly noise: it may be negative. So steps
are averaged. The average of an unbiased estimate is one too, at a policy of some steps ago.

Deviations (this project's; the paper measures no signal):
METER-1. The average is exponential: each measured step has the weight 1/10, and what came before fades by 9/10. It is divided
    by the sum of its weights, so that the first steps are neither pulled towards 0 nor towards a first guess.
METER-2. What a method is told of a kind is the averaged signal over the sum of averaged signal and noise, so that a few steps
    with long gradients do not decide. An averaged signal below 0 counts as 0. Before anything is measured both are 0, so that a
    method that adapts does nothing.
METER-3. A value that could not be measured (null) leaves the average of its kind as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from hicra.arrays import Floats
from hicra.errors import ArtifactError
from hicra.metrics.kinds import KINDS

FADES = 0.9
KIND, SCHEMA_VERSION = "hicra.signal_memory", 1
MOST = sys.float_info.max


class SignalMemory:
    """Averages over measured steps.

    Attributes:
        steps: number of measured steps that were taken in.
        weights: [2] float64 in [0, 1], for planning and execution: signal / (signal + noise) of half a generation.
    """

    def __init__(self) -> None:
        self.steps = 0
        self.weights: Floats = np.zeros(2)
        self._sums = {of: dict.fromkeys(KINDS, 0.0) for of in ("signal", "noise")}
        self._mass = {of: dict.fromkeys(KINDS, 0.0) for of in ("signal", "noise")}

    def update(self, signal: Mapping[str, float | None], noise: Mapping[str, float | None]) -> None:
        """Takes in a measured step.

        Args:
            signal, noise: by kind (planning, execution); None where it could not be measured.
        """
        self.steps += 1
        for of, values in (("signal", signal), ("noise", noise)):
            for kind in KINDS:
                value = values[kind]
                if value is None:
                    continue
                self._sums[of][kind] = FADES * self._sums[of][kind] + (1 - FADES) * float(value)
                self._mass[of][kind] = FADES * self._mass[of][kind] + (1 - FADES)
        self.weights = np.array(self._weights())

    @property
    def signal(self) -> dict[str, float | None]:
        """The averaged signal by kind; None where none was measured."""
        return self._average("signal")

    @property
    def noise(self) -> dict[str, float | None]:
        """The averaged noise by kind; None where none was measured."""
        return self._average("noise")

    def state(self) -> dict[str, Any]:
        """Returns all that it holds as JSON values, from which `load` makes the same again to the bit."""
        return {
            "kind": KIND, "schema_version": SCHEMA_VERSION, "steps": self.steps, "weights": self.weights.tolist(),
            "sums": {of: dict(by) for of, by in self._sums.items()}, "mass": {of: dict(by) for of, by in self._mass.items()},
        }  # fmt: skip

    def load(self, state: Any, of: str = "the state") -> None:
        """Takes over what `state` gave.

        Args:
            state: JSON values.
            of: what the message calls them, such as the path of a file.

        Raises:
            ArtifactError: they are not what `state` gives, such as weights that do not follow from the sums, or of another
                version. The memory stays as it was.
        """
        taken = SignalMemory()
        try:
            if (state["kind"], state["schema_version"]) != (KIND, SCHEMA_VERSION):
                raise ValueError(f"it is {state['kind']!r} of version {state['schema_version']!r}")
            taken.steps = state["steps"]
            if type(taken.steps) is not int or taken.steps < 0:
                raise ValueError(f"steps is {taken.steps!r}, no number of steps")
            for name, into in (("sums", taken._sums), ("mass", taken._mass)):
                for part, by_kind in into.items():
                    for kind in by_kind:
                        by_kind[kind] = _number(state[name][part][kind], f"{name}.{part}.{kind}")
            taken._check(state["weights"])
        except (TypeError, KeyError, ValueError) as error:
            raise ArtifactError(
                f"{of} holds no memory of the signal that this hicra reads: {type(error).__name__}: {error}",
                "resume from another checkpoint, or train anew",
            ) from error
        self.__dict__.update(taken.__dict__)

    def _check(self, weights: Any) -> None:
        """Raises ValueError where the numbers are none that `update` can leave; keeps the weights."""
        for of, mass in self._mass.items():
            for kind, value in mass.items():
                # The weights of n steps sum to 1 - .9^n.
                if not 0 <= value <= 1 or (value > 0 and not self.steps) or (self._sums[of][kind] != 0 and not value):
                    raise ValueError(f"mass.{of}.{kind} is {value} after {self.steps} steps")
        ours = self._weights()
        if not isinstance(weights, list) or [_number(one, "weights") for one in weights] != ours:
            raise ValueError(f"weights are {weights!r}, and the sums give {ours}")
        self.weights = np.array(ours)

    def _weights(self) -> list[float]:
        return [_share(self.signal[kind], self.noise[kind]) for kind in KINDS]

    def _average(self, of: str) -> dict[str, float | None]:
        mass = self._mass[of]
        return {kind: self._sums[of][kind] / mass[kind] if mass[kind] else None for kind in KINDS}


def _share(signal: float | None, noise: float | None) -> float:
    """Returns signal / (signal + noise); what is below 0 or unknown counts as 0."""
    signal, noise = max(signal or 0.0, 0.0), max(noise or 0.0, 0.0)
    return signal / (signal + noise) if signal else 0.0


def _number(value: Any, name: str) -> float:
    """Returns a finite number, or raises ValueError that names it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -MOST <= value <= MOST:
        raise ValueError(f"{name} holds {str(value)[:60]!r}, no finite number")
    return float(value)
