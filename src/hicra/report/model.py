"""The report as plain values, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hicra.findings import Finding
from hicra.report.mass import Mass
from hicra.report.measured import Measurement
from hicra.report.names import common_name


@dataclass(frozen=True)
class Run:
    """One run folder's header, curves and findings; `metrics` has one mapping per step, names without the prefix `hicra/`.

    `seed` is None for a run that `hicra diagnose` made, whose rollouts come without one.
    """

    name: str
    path: Path
    arm: int
    method: str
    seed: int | None
    model: str
    config: Mapping[str, Any]
    versions: Mapping[str, Any]
    inputs: Mapping[str, Any]
    steps: tuple[int, ...]
    metrics: tuple[Mapping[str, float | None], ...]
    rollouts: int
    findings: tuple[Finding, ...] = ()
    unlooked: Mapping[str, str] = field(default_factory=dict)  # what could not be looked for, and why
    mass: Mapping[int, Mass] = field(default_factory=dict)  # of each step that has rollouts with advantages a token
    intervals: Mapping[int, Mapping[str, tuple[float, float]]] = field(default_factory=dict)  # step -> metric -> ends


@dataclass(frozen=True)
class Rollout:
    """One rollout as it is shown; token columns are as long as `ends` or empty, and `labels` may be one per word instead.

    Attributes:
        before: the advantage before shaping (one per rollout).
        spans: (start, end, gram), character offsets in `response`, end exclusive.
        ends: the character where each token ends.
        planning: the planning mask, one per token.
        after: the advantages trained on, one per token.
        entropies, logprobs: nats, one per token.
        tools: (character of the response before which it stood, text) of what tools returned, in order.
        tree: nodes (parent, text, value, advantage of the edge to it) of a tree of actions; the root has the parent -1.
        subgoals: a text for each stretch of an episode.
        gold, found: the gold answer, and the answer that was found in the response; "" where there is none.
        images: names of the prompt's images, files of the run folder (pictures.py).
        labels: what each token is for, as the task says; where an environment knows its critical steps, critical or other.
    """

    run: int
    arm: int
    step: int
    id: str
    group: str
    prompt: str
    response: str
    reward: float | None
    correct: bool | None
    before: float | None
    spans: tuple[tuple[int, int, str], ...] = ()
    ends: tuple[int, ...] = ()
    planning: tuple[bool, ...] = ()
    after: tuple[float | None, ...] = ()
    entropies: tuple[float | None, ...] = ()
    logprobs: tuple[float | None, ...] = ()
    labels: tuple[str, ...] = ()
    tools: tuple[tuple[int, str], ...] = ()
    tree: tuple[tuple[int, str, float | None, float | None], ...] = ()
    subgoals: tuple[str, ...] = ()
    gold: str = ""
    found: str = ""
    images: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """What `length` counts: "tokens", or "words" where the tokens are not known."""
        return "tokens" if self.ends else "words"

    @property
    def length(self) -> int:
        """The number of tokens of the response, or of its words."""
        return len(self.ends) or len(self.response.split())

    def tokens(self) -> list[str]:
        """Returns the text of each token."""
        return [self.response[start:end] for start, end in zip((0, *self.ends), self.ends, strict=False)]


@dataclass(frozen=True)
class Gram:
    """One strategic gram: its cluster in the lexicon, and how often each arm uses it (occurrences per 100 rollouts)."""

    text: str
    n: int
    cluster: int | None = None
    cluster_df: float | None = None
    doc_freq: float | None = None
    early: tuple[float | None, ...] = ()
    late: tuple[float | None, ...] = ()
    total: int = 0


@dataclass(frozen=True)
class Compared:
    """What `hicra compare` said of the runs of a page: its result, or why there is none; both are empty with one arm."""

    result: Mapping[str, Any] = field(default_factory=dict)
    why_not: str = ""


@dataclass(frozen=True)
class Pair:
    """A metric of two diagnosed arms, compared by question (`diagnose/pairs.py`); `metric` is without the prefix `hicra/`."""

    arm: int
    baseline: int
    metric: str
    questions: int
    unpaired: int
    mean: float
    baseline_mean: float
    difference: float
    ends: tuple[float, float] | None
    p: float
    verdict: str


@dataclass(frozen=True)
class Apart:
    """Why some arms of a page are not compared: the arms, a sentence, and its details; no arms where none is left out."""

    arms: tuple[int, ...] = ()
    why: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportModel:
    """Everything that the page shows; runs/arms.py names the `arms`, and `signal` has what `hicra signal` measured."""

    arms: tuple[str, ...]
    runs: tuple[Run, ...]
    rollouts: tuple[Rollout, ...]
    grams: tuple[Gram, ...]
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    signal: tuple[Measurement, ...] = ()
    compared: Compared = Compared()
    pairs: tuple[Pair, ...] = ()
    apart: Apart = Apart()

    @property
    def labels(self) -> tuple[str, ...]:
        """How the page calls the arms, in their order: "GRPO (none)" and "HICRA" where it can, a diagnosed run by its name."""
        first = {run.arm: run for run in reversed(self.runs)}
        return tuple(
            arm
            if number in first and first[number].seed is None
            else common_name(arm, first[number].config if number in first else {})
            for number, arm in enumerate(self.arms)
        )

    def run_label(self, run: Run) -> str:
        """How the page calls a run: by its arm where it is the only run of that, else by its folder."""
        alone = sum(other.arm == run.arm for other in self.runs) == 1
        return self.labels[run.arm] if alone else run.name

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs that have one, each once and in order."""
        return tuple(sorted({run.seed for run in self.runs if run.seed is not None}))

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of all runs, each once and in order."""
        return tuple(sorted({step for run in self.runs for step in run.steps}))

    @property
    def one_step(self) -> bool:
        """Tells whether the runs have a single step, so that nothing of them is a curve."""
        return len(self.steps) == 1

    @property
    def total_rollouts(self) -> int:
        """The number of rollouts in the run folders, shown or not."""
        return sum(run.rollouts for run in self.runs)

    def has(self, metric: str) -> bool:
        """Tells whether any run has a value of this metric at any step."""
        return any(row.get(metric) is not None for run in self.runs for row in run.metrics)
