"""Run folders -> ReportModel: everything the page shows, as plain values, before any drawing.

All text in the model comes from runs and is hostile until escaped; page.py and charts.py escape it by context.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from hicra.errors import ArtifactError
from hicra.report.encode import clean, plain
from hicra.report.sample import Place, choose, index, read_columns, steps_of
from hicra.runs import RunFolder

MAX_ROLLOUTS = 200
PREFIX = "hicra/"


@dataclass(frozen=True)
class Run:
    """One run folder's header and curves; `metrics` has one mapping a step, names without the prefix `hicra/`."""

    name: str
    path: Path
    arm: int
    method: str
    seed: int
    model: str
    config: Mapping[str, Any]
    versions: Mapping[str, Any]
    inputs: Mapping[str, Any]
    steps: tuple[int, ...]
    metrics: tuple[Mapping[str, float | None], ...]
    rollouts: int


@dataclass(frozen=True)
class Rollout:
    """One rollout as shown. Token columns are as long as `ends` or empty; `labels` may be one a word instead.

    Attributes:
        spans: (start, end, gram), character offsets in `response`, end exclusive.
        ends: character where each token ends. planning: the mask, one a token.
        before: advantage before shaping (one a rollout); after: the one trained on (one a token).
        entropies, logprobs: nats.
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

    def tokens(self) -> list[str]:
        """The text of each token."""
        return [self.response[start:end] for start, end in zip((0, *self.ends), self.ends, strict=False)]


@dataclass(frozen=True)
class Gram:
    """One strategic gram: where the lexicon puts it, and how often each arm uses it (occurrences per 100 rollouts)."""

    text: str
    n: int
    cluster: int | None = None
    cluster_df: float | None = None
    doc_freq: float | None = None
    early: tuple[float | None, ...] = ()
    late: tuple[float | None, ...] = ()
    total: int = 0


@dataclass(frozen=True)
class ReportModel:
    """All that the page shows. `arms` are the methods (with settings where one method ran with several)."""

    arms: tuple[str, ...]
    runs: tuple[Run, ...]
    rollouts: tuple[Rollout, ...]
    grams: tuple[Gram, ...]
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def total_rollouts(self) -> int:
        """Rollouts in the run folders, shown or not."""
        return sum(run.rollouts for run in self.runs)

    def has(self, metric: str) -> bool:
        """Whether any run has a value of this metric at any step."""
        return any(row.get(metric) is not None for run in self.runs for row in run.metrics)


def build_model(
    runs: Sequence[Path], lexicon: Path | None = None, extra: Mapping[str, Any] | None = None, limit: int = MAX_ROLLOUTS
) -> ReportModel:
    """Reads run folders.

    Args:
        runs: run folders, in the order of the page (the method `none` comes first whatever the order).
        lexicon: a lexicon folder for cluster information; without it the one that a run's config names, where it exists.
        extra: further sections by name, JSON values.
        limit: rollouts shown at most.

    Raises:
        ArtifactError: no folder, the same one twice, unreadable, or one with neither metrics nor rollouts.
    """
    if not runs:
        raise ArtifactError("no run folder given", "name at least one: `hicra report RUN... -o report.html`")
    resolved = [Path(path).resolve() for path in runs]
    twice = [str(path) for path, number in Counter(resolved).items() if number > 1]
    if twice:
        raise ArtifactError(f"run folder {twice[0]} is given twice", "name each run once")
    notes: list[str] = []
    folders = [RunFolder.open(path) for path in runs]
    arms, arm_of = _arms(folders)
    names = _names(resolved)
    headers: list[Run] = []
    places: list[list[Place]] = [[] for _ in arms]
    for number, folder in enumerate(folders):
        found = index(number, folder.rollout_files())
        places[arm_of[number]] += found
        headers.append(_run(folder, names[number], arm_of[number], len(found), notes))
    chosen = choose(places, limit)
    rollouts = _read(chosen, arm_of, notes)
    grams = _grams(folders, arm_of, len(arms), _lexicon_table(lexicon, folders, notes))
    return ReportModel(arms, tuple(headers), rollouts, grams, tuple(notes), dict(plain(extra or {})))


# ---- headers and curves
def _manifest_text(value: Any) -> str:
    return clean(str(value))


def _settings(folder: RunFolder) -> Mapping[str, Any]:
    method = _mapping(_mapping(folder.manifest.get("config")).get("method"))
    return _mapping(method.get("settings"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _arms(folders: Sequence[RunFolder]) -> tuple[tuple[str, ...], list[int]]:
    """Arm labels, `none` first, and the arm of each run; settings are named only where one method has several."""
    keys = []
    for folder in folders:
        if not isinstance(folder.manifest.get("method"), str):
            raise ArtifactError(
                f"{folder.path / 'hicra.json'} names no method", "a run folder's manifest has method and seed"
            )
        keys.append((_manifest_text(folder.method), json.dumps(plain(_settings(folder)), sort_keys=True)))
    several = {method for method, number in Counter(method for method, _ in set(keys)).items() if number > 1}
    labels = []
    for method, settings in keys:
        inner = ", ".join(f"{key}={value}" for key, value in json.loads(settings).items())
        labels.append(f"{method} ({inner or 'defaults'})" if method in several else method)
    arms = sorted(dict.fromkeys(labels), key=lambda label: not (label == "none" or label.startswith("none (")))
    return tuple(arms), [arms.index(label) for label in labels]


def _names(paths: Sequence[Path]) -> list[str]:
    """Folder names; with the parent's name where two are equal."""
    number = Counter(path.name for path in paths)
    return [clean(path.name if number[path.name] == 1 else f"{path.parent.name}/{path.name}") for path in paths]


def _model_name(config: Mapping[str, Any]) -> str:
    model = config.get("model")
    if isinstance(model, dict):
        model = next((model[key] for key in ("name", "path", "preset", "base") if model.get(key)), None)
    return _manifest_text(model) if isinstance(model, str) else ""


def _run(folder: RunFolder, name: str, arm: int, rollouts: int, notes: list[str]) -> Run:
    file, steps, rows, dropped = folder.path / "metrics.jsonl", [], [], set()
    for number, row in enumerate(folder.metrics(), 1):
        step = row.get("step") if isinstance(row, dict) else None
        if not isinstance(step, int) or isinstance(step, bool):
            raise ArtifactError(
                f"{file} line {number} has no whole-number step", "every line is one object with the key step"
            )
        steps.append(step)
        values: dict[str, float | None] = {}
        for key, value in row.items():
            if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
                values[clean(key.removeprefix(PREFIX))] = plain(None if value is None else float(value))
            else:
                dropped.add(clean(key))
        values.pop("step", None)
        rows.append(values)
    if not rows and not rollouts:
        raise ArtifactError(
            f"run folder {folder.path} is empty: no step in metrics.jsonl and no rollouts",
            "train or diagnose first, or leave this run out",
        )
    if not rows:
        notes.append(f"{name}: no metrics, so it has no curves.")
    if dropped:
        notes.append(f"{name}: not numbers and not drawn: {', '.join(sorted(dropped))}.")
    manifest, config = folder.manifest, _mapping(folder.manifest.get("config"))
    seed = manifest.get("seed")
    return Run(
        name,
        folder.path,
        arm,
        _manifest_text(folder.method),
        seed if isinstance(seed, int) else 0,
        _model_name(config),
        plain(config),
        plain(_mapping(manifest.get("versions"))),
        plain(_mapping(manifest.get("inputs"))),
        tuple(steps),
        tuple(rows),
        rollouts,
    )


# ---- rollouts
def text_of(value: Any) -> str:
    """A prompt as text: a string, or messages with role and content."""
    if value is None:
        return ""
    if isinstance(value, list):
        parts = [
            f"{item.get('role', '')}: {item.get('content', '')}" if isinstance(item, dict) else str(item)
            for item in value
        ]
        return clean("\n\n".join(parts))
    return clean(str(value))


def _read(chosen: Sequence[Place], arm_of: Sequence[int], notes: list[str]) -> tuple[Rollout, ...]:
    wanted: dict[Path, list[int]] = defaultdict(list)
    for place in chosen:
        wanted[place.file].append(place.row)
    rows: dict[tuple[Path, int], dict[str, Any]] = {}
    for file, numbers in wanted.items():
        for number, row in zip(numbers, read_columns(file)[numbers].to_dicts(), strict=True):
            rows[file, number] = row
    bad: Counter[str] = Counter()
    out = tuple(_rollout(place, arm_of[place.run], rows[place.file, place.row], bad) for place in chosen)
    notes += [
        f"Left out of {number} shown rollout{'s' if number > 1 else ''}: {what}."
        for what, number in sorted(bad.items())
    ]
    return out


def _number(value: Any) -> float | None:
    number = plain(value)
    return float(number) if isinstance(number, int | float) else None


def _rollout(place: Place, arm: int, row: Mapping[str, Any], bad: Counter[str]) -> Rollout:
    response = text_of(row.get("response"))
    ends = tuple(int(end) for end in row.get("token_ends") or () if isinstance(end, int))
    if ends and not (list(ends) == sorted(ends) and ends[0] >= 0 and ends[-1] <= len(response)):
        bad["token columns, whose token_ends do not rise within the response"] += 1
        ends = ()

    def column(name: str) -> tuple[float | None, ...]:
        values = row.get(name)
        if not isinstance(values, list) or not values or not ends:
            return ()
        if len(values) != len(ends):
            bad[f"{name}, not one a token"] += 1
            return ()
        return tuple(_number(value) for value in values)

    planning = tuple(bool(value) for value in column("planning_mask"))
    spans = []
    for span in row.get("spans") or ():
        start, end = (span or {}).get("start"), (span or {}).get("end")
        if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(response):
            spans.append((start, end, text_of(span.get("gram"))))
        else:
            bad["spans outside the response"] += 1
    if planning and not spans:
        spans = _mask_spans(ends, planning)
    elif ends and spans and not planning:
        planning = _span_mask(ends, spans)
    words = response.split()
    labels = tuple(text_of(label) for label in row.get("labels") or ())
    if labels and len(labels) not in (len(ends), len(words)):
        bad["labels, neither one a token nor one a word"] += 1
        labels = ()
    correct = row.get("correct")
    return Rollout(
        place.run,
        arm,
        place.step,
        text_of(row.get("id")),
        text_of(row.get("group_id")),
        text_of(row.get("prompt")),
        response,
        _number(row.get("reward")),
        correct if isinstance(correct, bool) else None,
        _number(row.get("advantage")),
        tuple(sorted(spans)),
        ends,
        planning,
        column("advantages"),
        column("entropies"),
        column("logprobs"),
        labels,
    )


def _mask_spans(ends: Sequence[int], planning: Sequence[bool]) -> list[tuple[int, int, str]]:
    """Runs of planning tokens as spans without a gram, for rows that carry a mask alone."""
    spans: list[tuple[int, int, str]] = []
    start = 0
    for end, on in zip(ends, planning, strict=True):
        if on and end > start:
            joined = bool(spans) and spans[-1][1] == start
            spans[-1:] = [(spans[-1][0], end, "")] if joined else [*spans[-1:], (start, end, "")]
        start = end
    return spans


def _span_mask(ends: Sequence[int], spans: Sequence[tuple[int, int, str]]) -> tuple[bool, ...]:
    """A token is planning when any of its characters lies in a span (DESIGN: the tagging rule)."""
    starts = (0, *ends[:-1])
    return tuple(
        any(low < end and start < high for low, high, _ in spans) for start, end in zip(starts, ends, strict=True)
    )


# ---- grams
def _lexicon_table(lexicon: Path | None, folders: Sequence[RunFolder], notes: list[str]) -> dict[str, dict[str, Any]]:
    """grams.parquet by gram: of the folder given, else of the first one that a run's config names and that exists."""
    named = [_mapping(folder.manifest.get("config")).get("lexicon") for folder in folders]
    named = [entry.get("path") or entry.get("name") if isinstance(entry, dict) else entry for entry in named]
    for path in (
        [lexicon]
        if lexicon
        else [Path(name) for name in dict.fromkeys(n for n in named if isinstance(n, str) and "\0" not in n)]
    ):
        file = Path(path) / "grams.parquet"
        if file.is_file():
            frame = read_columns(file, ("gram", "n", "cluster", "cluster_df", "doc_freq"))
            if "gram" in frame.columns:
                return {text_of(row["gram"]): row for row in frame.to_dicts()}
        if lexicon:
            raise ArtifactError(
                f"{lexicon} is no lexicon folder: it holds no {file.name}", "`hicra mine -o LEXICON` makes one"
            )
    return {}


def _grams(
    folders: Sequence[RunFolder], arm_of: Sequence[int], arms: int, table: Mapping[str, Mapping[str, Any]]
) -> tuple[Gram, ...]:
    """Grams used in any rollout (not only the shown ones), most used first; early and late are thirds of the steps."""
    used: list[dict[int, Counter[str]]] = [defaultdict(Counter) for _ in range(arms)]
    rows: list[Counter[int]] = [Counter() for _ in range(arms)]
    for number, folder in enumerate(folders):
        for file in folder.rollout_files():
            frame = read_columns(file, ("step", "response", "spans"))
            steps = steps_of(file, frame)
            for step in steps:
                rows[arm_of[number]][step] += 1
            if "spans" in frame.columns and isinstance(frame["spans"].dtype, pl.List):
                for step, spans in zip(steps, frame["spans"].to_list(), strict=True):
                    names = [text_of(span.get("gram")) for span in spans or () if isinstance(span, dict)]
                    used[arm_of[number]][step].update(name for name in names if name)
    totals: Counter[str] = Counter()
    for arm in used:
        for counter in arm.values():
            totals.update(counter)
    every = sorted({step for arm in rows for step in arm})
    third = max(1, len(every) // 3)
    windows = [set(every[:third]), set(every[-third:])]

    def rate(gram: str, arm: int, window: set[int]) -> float | None:
        seen = sum(rows[arm][step] for step in window)
        return 100 * sum(used[arm][step][gram] for step in window) / seen if seen else None

    out = []
    for gram, total in sorted(totals.items(), key=lambda item: (-item[1], item[0])):
        known = table.get(gram, {})
        early, late = (tuple(rate(gram, arm, window) for arm in range(arms)) for window in windows)
        cluster = known.get("cluster")
        out.append(
            Gram(
                gram,
                len(gram.split()),
                cluster if isinstance(cluster, int) else None,
                _number(known.get("cluster_df")),
                _number(known.get("doc_freq")),
                early,
                late,
                total,
            )
        )
    return tuple(out)
