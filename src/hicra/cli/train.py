"""The verb `hicra train`."""

from __future__ import annotations

import dataclasses
import shlex
import textwrap
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from hicra.cli.common import COMMON, Common, Overwrite
from hicra.drawing.readable import counted
from hicra.errors import UsageError

if TYPE_CHECKING:
    from hicra.runs.sections import RunConfig


def train(
    *,
    config: Annotated[Path | None, Parameter(help="YAML file, such as one of recipes/*/config.yaml.")] = None,
    out: Annotated[Path | None, Parameter(name=["-o", "--out"], help="The run folder; required.")] = None,
    set: Annotated[
        tuple[str, ...], Parameter(name="--set", negative="", help="Sets a key of the config, as in train.steps=20.")
    ] = (),
    method: Annotated[str | None, Parameter(help="Credit method, one of `hicra methods`.")] = None,
    resume: Annotated[bool, Parameter(negative="", help="Resume from the newest undamaged checkpoint.")] = False,
    overwrite: Overwrite = False,
    keys: Annotated[
        bool, Parameter(negative="", help="Only print every key of the config with its default and meaning.")
    ] = False,
    common: Common = COMMON,
) -> int:
    """Train a model with a credit method.

    `hicra train -o RUN --resume` alone goes on with the config that the run has recorded.
    """
    if keys:
        rows = config_keys()
        common.give({"keys": rows}, _table(rows), then="hicra train --config FILE --set KEY=VALUE -o RUN")
        return 0
    if out is None:
        raise UsageError("hicra train needs a run folder (-o)", "use `hicra train --config FILE -o RUN`")
    from hicra.cli.progress import Steps
    from hicra.engines.ranks import rank
    from hicra.engines.train import train as run
    from hicra.generation.models import MODELS
    from hicra.lexicon.check import hidden_warning
    from hicra.lexicon.lexicon import BUILT_IN
    from hicra.runs import RunFolder
    from hicra.runs.config import load_config

    if rank():  # of several processes, rank 0 alone speaks
        common = dataclasses.replace(common, quiet=True)
    recorded = RunFolder.open(out).config if resume and config is None and (out / "hicra.json").exists() else None
    names: dict[str, Collection[str]] = {"lexicon": BUILT_IN, "model.name": MODELS}
    resolved, notes = load_config(config, set, method, common.seed, base=recorded, names=names)
    common.warn(None if rank() else hidden_warning(resolved.lexicon))
    for note in notes:
        common.say(f"note: {note}")
    with Steps(resolved.train.steps, called(resolved), common.quiet) as bar:
        result = run(
            resolved, out, resume=resume, overwrite=overwrite, read=[config] if config else [], say=bar.say,
            progress=bar.step,
        )  # fmt: skip
    if rank():
        return 128 + int(result["interrupted"]) if result["interrupted"] else 0
    if result["interrupted"]:
        again = f"hicra train -o {shlex.quote(str(out))} --resume"
        common.give(result, f"stopped after {counted(result['steps'], 'step')}; a checkpoint is saved", then=again)
        return 128 + int(result["interrupted"])
    shown = {key: result["final"].get(key) for key in ("hicra/accuracy", "eval/accuracy", "hicra/planning_share")}
    figures = ", ".join(f"{key} {value:.3f}" for key, value in shown.items() if value is not None)
    common.give(
        result,
        f"{counted(result['steps'], 'step')} in {out}"
        + (f": {figures}" if figures else ", of which the last made no rollouts"),
        then=f"hicra report {out} -o {out}/report.html",
    )
    return 0


def called(config: RunConfig) -> str:
    """Names a training for its lines of progress: the shapers, the task, and the other parts of credit that are no defaults.

    >>> from hicra.runs.sections import RunConfig
    >>> called(RunConfig.model_validate({"baseline": {"name": "rloo"}, "method": {"then": [{"name": "sepa"}]}}))
    'hicra then sepa on plan_execute (rloo)'
    """
    usual = type(config)()
    parts = [config.preset and f"preset {config.preset}"]
    parts += [
        own.name
        for own, default in ((config.baseline, usual.baseline), (config.loss, usual.loss))
        if own.name != default.name
    ]
    shapers = " then ".join([config.method.name, *(one.name for one in config.method.then)])
    told = ", ".join(filter(None, parts))
    return f"{shapers} on {config.task.name}" + (f" ({told})" if told else "")


def config_keys() -> list[dict[str, Any]]:
    """Lists every key of the config as {key, default, meaning}."""
    from hicra.runs.sections import RunConfig
    from hicra.strict import fields_of

    return [{"key": key, "default": found.default, "meaning": found.description} for key, found in fields_of(RunConfig)]


def _table(rows: list[dict[str, Any]]) -> str:
    widths = [max(len(str(row[name])) for row in rows) + 2 for name in ("key", "default")]
    lines = []
    for row in rows:
        head = str(row["key"]).ljust(widths[0]) + str(row["default"]).ljust(widths[1])
        lines += textwrap.wrap(row["meaning"], 120, initial_indent=head, subsequent_indent=" " * sum(widths))
    return "\n".join(lines)
