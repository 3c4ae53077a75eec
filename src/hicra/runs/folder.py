"""The run folder (schema 1), which every trainer and `diagnose` write, and which report and compare read.

    hicra.json        kind hicra.run, schema_version, method, seed, config (resolved), inputs {name: sha256}, versions
    metrics.jsonl     one object per step: step 1, 2, 3 ... and every name of the metrics table, null where it has no value
    rollouts/*.parquet  step-NNNNNN.parquet, columns below
    refused/*.parquet  the same of steps that were not applied: a loss, gradient or weight was not finite
    checkpoints/      step-NNNNNN folders, complete unless their name starts with "." or "tmp"
    final/            a model that transformers loads
    report.html       once `hicra report` has built it
    intervals.jsonl   of a diagnosed run: the interval of each metric over prompts, a line a step
    prompts.parquet   of a diagnosed run: the metrics of each prompt at each step
    findings.json     of a diagnosed run: what it shows, and what could not be looked for
    pairs.json        of a diagnosed run that was set beside others: the comparisons by question that it takes part in
    judged_errors.json  what a judge model said of the failures, where `hicra diagnose --judge` asked it
    trackers/NAME/    what `hicra watch --to NAME` wrote for a tracker

Rollout columns (all but step and response may be absent or null):
    step int, id str (no two of a step are equal), problem str, prompt str, response str, group_id str, reward float,
    correct bool,
    spans list[{start, end, gram}] (character offsets in response), planning_chars int,
    token_ids list[int], planning_mask list[int 0/1], token_ends list[int] (character where each token ends in response),
    entropies list[float] (nats), logprobs list[float] (nats), truncated bool (no end token), advantage float (before shaping),
    advantages list[float] (trained on), labels list[str] (exact function of each token, where the task knows it),
    answer str (gold), repeated float (share of repeated runs of words; both of a diagnosed run),
    n_tool_calls int, tool_outputs list[{at, text}] (what tools returned, before which character of response).
Of systems that play in environments, a row may be one of several of an episode, and holds also: generation int (number within
    the step), action_ids, level_ids (0 execution, 1 plan, 2 thought), state_ids, episode_ids, node_id, parent_id list[int] (one a
    token, -1 where it has none), critical_mask list[int 0/1] (whether the choice of the token's action changes what can still be
    reached, where the environment knows), tree str (JSON, nodes [parent, text, value, advantage]), subgoals list[str].
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hicra.artifacts import (
    atomic_file,
    canonical_json,
    check_output,
    finite,
    new_dir,
    read_manifest,
    write_text,
    writes,
)
from hicra.errors import ArtifactError
from hicra.version import __version__

KIND, SCHEMA_VERSION = "hicra.run", 1
OBSERVED = "observed"  # the method of a diagnosed run that no column and no path names
MOST_DIGITS = 300
RESUMED = "`hicra train --resume` repairs an interrupted run"
STEP_NAME = re.compile(r"step-(\d+)")


class RunFolder:
    """One run on disk; `create` makes a new one, `open` reads an existing one."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self.manifest = path, manifest

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        method: str,
        seed: int,
        config: Mapping[str, Any],
        inputs: Mapping[str, str] | None = None,
        versions: Mapping[str, str] | None = None,
        overwrite: bool = False,
        **extra: Any,
    ) -> RunFolder:
        """Makes an empty run folder with its manifest.

        Args:
            path: the folder, which must be absent or empty.
            overwrite: whether it may be replaced where it is neither.
            method, seed, config: how the run is made; the config is the resolved one.
            inputs: sha256 of what the run is made from, by name.
            versions: versions of packages, by name.
            **extra: further keys of the manifest.

        Raises:
            ArtifactError: `path` exists and is not empty, or cannot be written.
        """
        path = Path(path)
        check_output(path, "the run folder", overwrite=overwrite, folder=True)
        manifest = {
            "kind": KIND,
            "schema_version": SCHEMA_VERSION,
            "method": method,
            "seed": seed,
            "config": dict(config),
            "inputs": dict(inputs or {}),
            "versions": {"hicra": __version__, **(versions or {})},
            **extra,
        }
        with new_dir(path, overwrite) as made:
            write_text(made / "hicra.json", canonical_json(manifest))
        return cls(path, manifest)

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """Opens an existing run folder.

        Raises:
            ArtifactError: the folder is absent, is no run folder, or has a newer schema.
        """
        path = Path(path)
        if not path.is_dir():
            raise ArtifactError(
                f"there is no run folder {path}", "`hicra train -o RUN` and `hicra diagnose -o RUN` make one"
            )
        of_a_trainer = [*path.glob("*/trainer_state.json"), *path.glob("training_args.bin")]
        if of_a_trainer and not (path / "hicra.json").exists():
            raise ArtifactError(
                f"{path} holds no hicra.json: it is the output of a trainer of transformers, and no run folder",
                "a script on TRL gets a run folder by HicraGRPOConfig(run_dir=...), or, where it trains without hicra, by "
                "HicraObserver(trainer, run_dir=...)",
            )
        return cls(path, read_manifest(path / "hicra.json", KIND, SCHEMA_VERSION))

    @property
    def method(self) -> str:
        """The method that the run was made with; raises ArtifactError where hicra.json names none."""
        if self.manifest.get("method") is None:
            raise ArtifactError(
                f"{self.path / 'hicra.json'} names no method", "write the method and the seed of the run into it"
            )
        return str(self.manifest["method"])

    @property
    def seed(self) -> int:
        """The seed that the run was made with; raises ArtifactError where hicra.json holds none."""
        found = self.manifest.get("seed")
        if type(found) is not int:
            raise ArtifactError(
                f"{self.path / 'hicra.json'}: seed is {found!r}, no integer", "set it to the seed of the run"
            )
        return found

    @property
    def config(self) -> dict[str, Any]:
        """The config that the run was made with; raises ArtifactError where hicra.json holds none."""
        found = self.manifest.get("config")
        if not isinstance(found, dict):
            raise ArtifactError(
                f"{self.path / 'hicra.json'} holds no config", "restore that file, or train into another folder"
            )
        return found

    @property
    def diagnosed(self) -> bool:
        """Whether `hicra diagnose` made the folder: its rollouts are of another run, whose seed nobody knows."""
        config = self.manifest.get("config")
        return self.manifest.get("method") == OBSERVED or (isinstance(config, dict) and "counts" in config)

    @property
    def again(self) -> str:
        """How a folder whose files are damaged is made whole: a run can be resumed, a diagnosis can be made again."""
        if self.diagnosed:
            return f"`hicra diagnose ROLLOUTS -o {shlex.quote(str(self.path))} --overwrite` makes it again"
        return RESUMED

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    # ---- metrics
    def log(self, step: int, values: Mapping[str, float | None]) -> None:
        """Appends one step to metrics.jsonl; NaN and infinities become null."""
        line = json.dumps({"step": step, **finite(dict(values))}, allow_nan=False)
        path = self.path / "metrics.jsonl"
        with writes(path), open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def metrics(self) -> list[dict[str, Any]]:
        """Reads the objects of all steps, in order; the list is empty before the first step.

        Raises:
            ArtifactError: a line is no JSON object (the message has its number).
        """
        path = self.path / "metrics.jsonl"
        if not path.exists():
            return []
        lines = path.read_bytes().split(b"\n")
        return [metrics_of_line(path, number, line, self.again) for number, line in enumerate(lines, 1) if line]

    # ---- rollouts
    def write_rollouts(self, step: int, rows: pl.DataFrame, part: int = 0, folder: str = "rollouts") -> Path:
        """Writes the rollouts of one step.

        Args:
            step, rows: the step and its rollouts.
            part: the rank that they come from.
            folder: "rollouts", or "refused" for those of a step that was not applied.
        """
        name = f"step-{step:06d}" + (f"-part{part}" if part else "") + ".parquet"
        path = self.path / folder / name
        with atomic_file(path) as temporary:
            rows.write_parquet(temporary)
        return path

    def rollout_files(self) -> list[Path]:
        """Lists the Parquet files of rollouts, sorted by step; hidden ones are not complete."""
        return sorted(path for path in (self.path / "rollouts").glob("*.parquet") if path.name[0] != ".")

    def rollouts(self) -> Iterator[pl.DataFrame]:
        """Yields the rollouts, one frame per file, in order of step."""
        for path in self.rollout_files():
            yield pl.read_parquet(path, glob=False)


def metrics_of_line(path: Path, number: int, line: bytes, fix: str = RESUMED) -> dict[str, Any]:
    """Reads a line of metrics.jsonl; raises ArtifactError with its number, and what to do, where it is no JSON object."""
    try:
        row = json.loads(line.decode("utf-8"), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, number, f"not JSON: {error}", fix) from None
    if not isinstance(row, dict):
        raise _unreadable(path, number, "no JSON object", fix)
    return row


def _integer(digits: str) -> int:
    """Returns an integer; raises ValueError where it is larger than any float, since every reader takes metrics as floats."""
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"an integer has more than {MOST_DIGITS} digits")
    return int(digits)


def _unreadable(path: Path, number: int, why: str, fix: str) -> ArtifactError:
    return ArtifactError(f"{path} line {number} is {why}", fix)
