"""What a model's scores add to a diagnosis: it opens the scorer, and holds what it leaves behind when all steps are done.

`diagnose.py` knows a model by this file and by `Scorer` alone; without a model an empty `TokenScores` adds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra.diagnose.meter import refuse_flat
from hicra.diagnose.prompts import ASKED, WHOLE
from hicra.diagnose.score_words import refuse_unscored, warnings_of
from hicra.diagnose.scoring import Scorer, Scoring
from hicra.runs.find import SIGNAL_FOLDER
from hicra.tagging import Tagger

READ = (*ASKED, WHOLE)  # what scoring reads beside what measuring does
APART = ("inner", "names")  # of a measurement, for its folder alone
NO_SIGNAL = "the learning signal could not be measured"


@dataclass(frozen=True)
class TokenScores:
    """What was scored; empty where no model was asked.

    Attributes:
        scorer: what scored, or None.
        about: see `Scorer.about`; empty without a model.
        warnings: what is to be said of it.
        measured: arm -> its measurement of the signal, as `Scorer.signal` gives it.
    """

    scorer: Scorer | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def signals(self) -> dict[str, dict[str, Any]]:
        """Arm -> its measurement as JSON values."""
        return {
            arm: {key: value for key, value in found.items() if key not in APART}
            for arm, found in self.measured.items()
        }

    def told(self, several: bool) -> dict[str, Any]:
        """Returns the keys that it adds to the result of a diagnosis of one run, or of several."""
        if self.scorer is None:
            return {}
        signals = [({"arm": arm} if several else {}) | found for arm, found in self.signals.items()]
        more: dict[str, Any] = {"signal": signals} if self.scorer.asked.signal else {}
        if self.scorer.attention is not None:
            more["attention"] = [
                ({"arm": arm} if several else {}) | found for arm, found in self.scorer.attention.result().items()
            ]
        return {"scores": dict(self.about), **more}

    def save(self, arm: str, folder: Path, inputs: Mapping[str, Any]) -> None:
        """Writes the measurement of an arm into its run folder, where there is one."""
        if self.scorer is not None and arm in self.measured:
            self.scorer.save_signal(arm, folder / SIGNAL_FOLDER, self.measured[arm], inputs)


def open_scorer(
    scoring: Scoring, tagger: Tagger, tasks: Sequence[tuple[str, int]], frames: Iterable[pl.DataFrame], height: int
) -> Scorer:
    """Loads the model.

    Args:
        scoring: what is asked for.
        tagger: marks planning tokens, with the model's own tokenizer.
        tasks: each arm and step.
        frames: the rows of each of them, with `reward` and `_group`; read where the signal is asked for.
        height: the number of all rows.

    Raises:
        DataError: the signal is asked for, and these rows have no gradient.
        ConfigError: torch is not installed, or the model cannot be loaded.
    """
    if scoring.signal:
        refuse_flat(frames)
    return Scorer(scoring, tagger, Counter(arm for arm, _ in tasks), height)


def scores_of(scorer: Scorer | None, arms: Sequence[str]) -> TokenScores:
    """Returns what a scorer leaves behind, once the steps of all arms are done.

    Raises:
        DataError: no row at all could be scored.
    """
    if scorer is None:
        return TokenScores()
    about = scorer.about()
    refuse_unscored(about, scorer.total)
    measured = {arm: found for arm in arms if (found := scorer.signal(arm)) is not None}
    warnings = warnings_of(about)
    if scorer.asked.signal:
        warnings += [_unmeasured(arm, len(arms) > 1) for arm in arms if arm not in measured]
    return TokenScores(scorer, about, warnings, measured)


def _unmeasured(arm: str, several: bool) -> str:
    of = f" of {arm}" if several else ""
    return (
        f"{NO_SIGNAL}{of}: it takes two prompts with two rewarded and scored rollouts each in one step, and planning and "
        "execution tokens in them"
    )
