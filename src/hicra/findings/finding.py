"""What a finding is, and what it is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hicra.artifacts import canonical_json, read_json, write_text
from hicra.credit import BASELINES, METHODS
from hicra.errors import ArtifactError
from hicra.findings.intervals import saved_intervals
from hicra.findings.saved import Rollouts
from hicra.findings.saved_signal import saved_signal
from hicra.runs import RunFolder
from hicra.runs.arms import mapping

JUDGED = "judged_errors.json"
STEPLESS = "stepless"  # the key of the config of a diagnosed run
_AGAIN = "remove the file, or let `hicra diagnose --judge` make the run folder again"


@dataclass(frozen=True)
class Headline:
    """The one figure that a finding rests on.

    Attributes:
        what: what it is, such as "share of the responses that are cut, at the end of the run".
        value: the figure.
        low, high: its interval of 95 %; an end is None where it is not known, as with a single step.
    """

    what: str
    value: float
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Returns {what, value, interval}; the interval is null where an end is not a finite number."""
        known = self.low is not None and self.high is not None and math.isfinite(self.low) and math.isfinite(self.high)
        return {"what": self.what, "value": self.value, "interval": [self.low, self.high] if known else None}


@dataclass(frozen=True)
class Finding:
    """One thing that a run shows.

    Attributes:
        name: fixed; scripts look for it (`lexicon_hacking`, `no_gradient`, ...).
        text: one or two plain sentences with the figures that matter.
        figures: the figures by name, such as JSON holds: numbers, texts, lists, null; never NaN.
        alarm: True where it says that something goes wrong, False where that was looked for and not seen, None where it only
            describes the run.
        headline: the figure that it rests on, with its interval; None where it only describes the run.
        rollouts: a few rollouts that show it, as `examples.examples` names them; empty where none can.
        then: the command to go on with, in which ROLLOUTS, RUN and CONFIG stand for the reader's own files; "" without one.
    """

    name: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    alarm: bool | None = None
    headline: Headline | None = None
    rollouts: tuple[Mapping[str, Any], ...] = ()
    then: str = ""

    def as_json(self) -> dict[str, Any]:
        """Returns {name, text, figures, alarm, headline {what, value, interval} or null, rollouts, then}."""
        return {
            "name": self.name, "text": self.text, "figures": dict(self.figures), "alarm": self.alarm,
            "headline": None if self.headline is None else self.headline.as_json(),
            "rollouts": [dict(one) for one in self.rollouts], "then": self.then,
        }  # fmt: skip


@dataclass(frozen=True)
class Looked:
    """What was looked for in a run.

    Attributes:
        found: what the functions of the table say, in its order.
        unlooked: name -> why it could not be looked at.
    """

    found: list[Finding]
    unlooked: dict[str, str]


@dataclass(frozen=True)
class Evidence:
    """What a finding is made from: the metrics and rollouts of one run, trained or diagnosed.

    Attributes:
        metrics: one mapping a step, ascending by `step`; names as in the metrics table, None where a step has no value.
        rollouts: the saved rollouts of all steps, columns as in a run folder (most may be absent or null).
        config: the run's resolved config; empty where there is none.
        judged: what a judge model said of the run's failures, where it was asked.
        intervals: step -> metric -> [low, high] over prompts, where a diagnosis computed them.
        signal: what `hicra diagnose --signal` measured of the run's rollouts, with the keys of `hicra signal --json`.
    """

    metrics: Sequence[Mapping[str, Any]]
    rollouts: Rollouts
    config: Mapping[str, Any] = field(default_factory=dict)
    judged: Finding | None = None
    intervals: Mapping[int, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    signal: Mapping[str, Any] | None = None

    @property
    def counts(self) -> str:
        """What lengths and shares are of: "tokens", or "words" where rollouts were diagnosed without a tokenizer."""
        return "words" if self.config.get("counts") == "words" else "tokens"

    @property
    def stepless(self) -> bool:
        """Whether no rollout of a diagnosed run said its step; then nothing tells that a model is trained on them."""
        return self.config.get(STEPLESS) is True

    @property
    def system(self) -> str:
        """The name of the system that played in an environment; "" where the run is of responses."""
        name = mapping(self.config.get("system")).get("name")
        return name if isinstance(name, str) else ""

    @property
    def needs_mask(self) -> bool:
        """Whether the planning mask matters in this run.

        It does not where a system plays and neither its baseline nor a shaper reads the mask. On responses it always does: half
        of what is measured is about planning tokens, whatever they are trained with.
        """
        if not self.system:
            return True
        method = mapping(self.config.get("method"))
        then = method.get("then")
        parts = [(METHODS, one) for one in (method, *(then if isinstance(then, list) else []))]
        parts.append((BASELINES, self.config.get("baseline")))
        entries = [table.get(str(mapping(part).get("name"))) for table, part in parts]
        return any(
            entry is None or "planning_mask" in entry.needs for entry in entries
        )  # of one's own, nothing is known

    @classmethod
    def of(cls, run: RunFolder) -> Evidence:
        """Reads it from a run folder; the rollouts stay in their files and are read step by step."""
        config = run.manifest.get("config")
        own = config if isinstance(config, dict) else {}
        rollouts, path = Rollouts(run.rollout_files()), run.path
        beside = saved_judgement(path), saved_intervals(path), saved_signal(path)
        return cls(run.metrics(), rollouts, own, *beside)


def judgement(evidence: Evidence) -> Finding | None:
    """Says what a judge model said of the failures; None where it was not asked."""
    return evidence.judged


def save_judgement(run: Path, judged: Finding) -> None:
    """Writes what a judge model said into a run folder, so that reports need not ask it again."""
    write_text(run / JUDGED, canonical_json(judged.as_json()))


def saved_judgement(run: Path) -> Finding | None:
    """Reads it back; None where there is none.

    Raises:
        ArtifactError: the file is not what `save_judgement` writes.
    """
    if not (run / JUDGED).exists():
        return None
    found = read_json(run / JUDGED, _AGAIN)
    if (
        not isinstance(found, dict)
        or not isinstance(found.get("text"), str)
        or not isinstance(found.get("figures"), dict)
    ):
        raise ArtifactError(f"{run / JUDGED} holds no finding", _AGAIN)
    return Finding("judged_errors", found["text"], found["figures"])
