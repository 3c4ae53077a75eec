"""Says in sentences what a measurement of the learning signal tells and what it does not; the terminal and the page share them.

Each function takes the result as a mapping with the keys of `hicra signal --json`.

Deviations (the paper argues from entropy curves and does not measure the gradient):
REPORT-5. A kind is said to hold the signal only where the 95 % interval of its share lies above one half; a method's step is said
    to be better or worse only where the interval of its difference lies off 0 and the gradient itself can be told from noise: the
    cosine of `none` has an interval above 0, and the planning share one that does not hold both 0 and 1. No interval is widened
    for the number of methods.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hicra.drawing.readable import counted, decimal, shorten
from hicra.drawing.signal import side_of

Found = Mapping[str, Any]
NO_RUN = "A better step is not yet a better run: what the model does well already has no signal, and can be lost."
NOISE = "noise: that of one batch (a training run logs that of half a generation as hicra/noise_*)."
COSINE = (
    "cosine: of one batch's step with the mean unshaped gradient of the other batches; minus none: less that of none, which is "
    "GRPO's step."
)
DIRECTION = "direction: cosine of the mean steps, corrected for noise; at 1 the method points where the unshaped gradient points."
LEAST_PROJECTION = 1000
_MOST_BATCHES = 1000  # beyond this, a guess of how many would do has no use as a number
_NAME = 60  # letters of the name of a method
_BEYOND = 0.05  # how far an interval of a cosine may pass 1 without a word on it


def gradient_told(found: Found) -> bool:
    """Says whether the gradient itself can be told from noise, without which no step is better or worse (REPORT-5)."""
    cosine, share = found["methods"]["none"].get("cosine_ci"), found["kinds"]["planning"].get("ci")
    return bool(cosine and share and cosine[0] > 0 and not (share[0] <= 0 and share[1] >= 1))


def kind_sentence(found: Found) -> str:
    """Says which kind of token holds the signal, if its interval tells; figures are as computed, also beyond 0 to 100 %."""
    kinds = {name: found["kinds"][name] for name in ("planning", "execution")}
    if any(one["share"] is None for one in kinds.values()):
        return "The signal is too small for these batches: its shares cannot be told."
    top = max(kinds, key=lambda name: kinds[name]["share"])
    share, ends = kinds[top]["share"], kinds[top].get("ci")
    if ends is None or ends[0] <= 0.5:
        span = "without an interval" if ends is None else f"({_percent(ends[0])} to {_percent(ends[1])} %)"
        return (
            f"Which kind of token holds more of the signal cannot be told from {_batches(found)}: the share of {top} tokens is "
            f"{_percent(share)} % {span}{_guess(found)}."
        )
    span = f"({_percent(ends[0])} to {_percent(ends[1])} %)"
    if share >= 0.98 and ends[0] >= 0.9:
        return f"Nearly all of the signal lies on {top} tokens {span}."
    if 0.6 <= share < 0.98:
        return f"{round(10 * share)} of 10 parts of the signal lie on {top} tokens {span}."
    return f"{_percent(share)} % of the signal lies on {top} tokens {span}."


def step_sentences(found: Found) -> list[str]:
    """Says which methods take a better or a worse step than `none`; [] without methods."""
    sides = _sides(found)
    if not sides:
        return []
    if not gradient_told(found):
        return [
            "The gradient itself cannot be told from noise with these batches, so no step is called better or worse; "
            "measure more."
        ]
    return [
        f"{_listed(names)} {'takes' if len(names) == 1 else 'take'} a {word} step than none."
        for side, word in ((1, "better"), (-1, "worse"))
        if (names := [name for name, told in sides.items() if told == side])
    ]


def chance_sentence(compared: int) -> str:
    """Says what chance does where so many methods are compared with `none` at once; "" where it is one, or none."""
    if compared < 2:
        return ""
    return (
        f"{compared} methods were compared with none at once, each by its own 95 % interval: by chance alone about one in twenty "
        "such intervals lies off 0."
    )


def compared(found: Found) -> int:
    """Returns how many methods are told from `none`, or could be: 0 where the gradient itself cannot be told from noise."""
    return len(_sides(found)) if gradient_told(found) else 0


def untold(found: Found) -> tuple[str, list[str]]:
    """Returns a line on the methods that cannot be told from `none`, and one entry for each; ("", []) where there are none."""
    names = [name for name, side in _sides(found).items() if not side]
    if not names or not gradient_told(found):
        return "", []
    guesses = {name: _would_do(found["methods"][name].get("batches_needed")) for name in names}
    head = f"{counted(len(names), 'method')} cannot be told from none with these batches"
    if any(guesses.values()):
        head += (
            f"; how many batches{size(found)} would do is a rough guess, which takes the figures here for the true ones"
        )
    return f"{head}:", [f"{shorten(name, _NAME)}{guesses[name] and ': '}{guesses[name]}" for name in names]


def notes(found: Found) -> list[str]:
    """Returns the warnings of the measurement but for what the sentences above say, and what its figures ask for beside."""
    lines = [text for text in found.get("warnings") or () if "cannot be told" not in text]
    if any(_impossible(one) for one in found["methods"].values()):
        lines.append(
            "an interval of a cosine reaches beyond -1 or 1, where no cosine is: intervals are symmetric and know no limit, so "
            "read that end as -1 or 1"
        )
    kept = (found.get("settings") or {}).get("project")
    if isinstance(kept, int | float) and 0 < kept < LEAST_PROJECTION:
        lines.append(projection_note(kept))
    return lines


def projection_note(kept: float) -> str:
    """Says what a projection to so few numbers costs.

    >>> projection_note(200)  # sqrt(2 / 200) = .1
    'a projection to 200 numbers may move each signal by about 10 %, sqrt(2/200), which no interval holds; 8192 move it by 1.6 %'
    """
    error = 100 * math.sqrt(2 / kept)
    return (
        f"a projection to {kept:.0f} numbers may move each signal by about {error:.0f} %, sqrt(2/{kept:.0f}), which no interval "
        "holds; 8192 move it by 1.6 %"
    )


def labels_note(found: Found) -> str:
    """Says how the rows of a task's exact labels are to be read; "" where there are none."""
    labels = [name for name in found["kinds"] if name.startswith("label:")]
    if not labels:
        return ""
    said = (
        "label:NAME: the task's exact labels, as shares of the same sum, the signal of planning and execution; they need not add "
        "up to 100 %."
    )
    return (
        f"{said} By the task, planning is plan and reflect together."
        if {"label:plan", "label:reflect"} <= {*labels}
        else said
    )


def size(found: Found) -> str:
    """Says how large a batch is, as in " of 256 rollouts"; "" where that is not known."""
    batches, rollouts = found.get("batches"), found.get("rollouts")
    return f" of {rollouts / batches:.0f} rollouts" if batches and rollouts else ""


# ---- what they call
def _sides(found: Found) -> dict[str, int]:
    """Returns 1 (better), -1 (worse) or 0 (cannot be told) of each method but `none`, by name, since a file keeps no order."""
    out = {}
    for name in sorted(found["methods"]):
        if name != "none":
            low, high = found["methods"][name].get("difference_ci") or (0.0, 0.0)
            out[name] = side_of(low, high)
    return out


def _guess(found: Found) -> str:
    needed = _would_do(found["kinds"]["planning"].get("batches_needed"))
    return needed and f"; {needed}{size(found)} would do, a rough guess that takes this share for the true one"


def _would_do(needed: float | None) -> str:
    if needed is None:
        return ""
    return f"more than {_MOST_BATCHES} batches" if needed > _MOST_BATCHES else f"about {needed:.0f} batches"


def _batches(found: Found) -> str:
    batches = found.get("batches")
    return "these batches" if batches is None else counted(batches, "batch", "batches")


def _impossible(method: Mapping[str, Any]) -> bool:
    ends = [end for key in ("cosine_ci", "bias_cosine_ci") for end in method.get(key) or ()]
    return any(abs(end) > 1 + _BEYOND for end in ends)


def _percent(value: float) -> str:
    return shorten(decimal(100 * value, 0), 9)


def _listed(names: Sequence[str]) -> str:
    *first, last = (shorten(name, _NAME) for name in names)
    return f"{', '.join(first)} and {last}" if first else last
